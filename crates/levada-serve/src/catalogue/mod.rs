//! The statistics and pages that are served, with everything about them that can be decided
//! without a database: `stat` compiles one, `judge` says what it may not, `sql` binds its
//! parameters, `parameter` reads what visitors ask, `timeline` joins the completeness of its
//! rollups. What only an edition decides is in `fit`, with `direct` for queries that nobody wrote
//! and `reads` for those that somebody did; `lineage` knows what their tables are made from.

mod closed;
mod direct;
mod fit;
mod judge;
mod lineage;
mod parameter;
mod reads;
mod sql;
mod stat;
mod timeline;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use report::Problem;

pub(crate) use fit::{Fit, Fitted, Unfit, fit, path};
pub(crate) use parameter::{Asked, read};
pub(crate) use sql::Bind;
#[cfg(test)]
pub(crate) use sql::Bound;
pub(crate) use stat::{Compiled, Subject};
pub(crate) use timeline::{Timeline, of as timeline_of};

use crate::config::{Page, Stat};

/// All statistics and pages, compiled.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pub(crate) stats: BTreeMap<String, Arc<Compiled>>,
    pub(crate) pages: BTreeMap<String, Arc<Page>>,
}

impl Catalogue {
    /// Compiles the sections; `folder` is where files are relative to, `reports` the schema of
    /// rollups and windows.
    ///
    /// # Errors
    /// A [`Problem`] that names the section and what is wrong with it.
    pub fn new(
        stats: &[Stat],
        pages: &[Page],
        (folder, reports): (&Path, &str),
    ) -> Result<Self, Problem> {
        let mut catalogue = Self::default();
        for stat in stats {
            crate::page::refuse_figures(stat)?;
            let compiled = Arc::new(Compiled::new(stat, folder, reports)?);
            if catalogue.stats.insert(stat.name.clone(), compiled).is_some() {
                return Err(Problem::new(format!("two [[stat]] are called \"{}\"", stat.name)));
            }
        }
        for page in pages {
            catalogue.add_page(page)?;
        }
        let own = catalogue.stats.values().filter(|stat| stat.config.page);
        let own: Vec<Page> = own.map(|stat| page_of(&stat.config)).collect();
        for page in &own {
            catalogue.add_page(page)?;
        }
        Ok(catalogue)
    }

    fn add_page(&mut self, page: &Page) -> Result<(), Problem> {
        stat::refuse_name("page", &page.name)?;
        let mut seen = BTreeSet::new();
        for name in &page.stats {
            let Some(stat) = self.stats.get(name) else {
                let problem = format!("page \"{}\": there is no stat \"{name}\"", page.name);
                return Err(Problem::new(problem).hint("declare it as [[stat]]"));
            };
            stat.refuse_without_defaults(&page.name)?;
            if !seen.insert(name) {
                return Err(Problem::new(format!(
                    "page \"{}\" shows stat \"{name}\" twice",
                    page.name
                )));
            }
        }
        if self.pages.insert(page.name.clone(), Arc::new(page.clone())).is_some() {
            return Err(Problem::new(format!("two pages are called \"{}\"", page.name)));
        }
        Ok(())
    }
}

/// The page of a statistic that has one of its own.
fn page_of(stat: &Stat) -> Page {
    Page {
        name: stat.name.clone(),
        title: stat.title.clone(),
        description: stat.description.clone(),
        stats: vec![stat.name.clone()],
    }
}
