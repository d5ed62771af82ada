//! Responses that were made when the edition was published: an ordinary visit runs no query,
//! renders nothing and waits for nobody.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, IF_NONE_MATCH};
use report::Problem;

use super::statistic::{self, Form};
use super::{Format, Incoming, Language, Rendered, Response, takes_gzip};
use crate::answer::Freshness;
use crate::page;
use crate::refusal::Refusal;
use crate::site::{Ask, Log, Site};

/// Responses by address, each in the languages it has.
#[derive(Default)]
pub(crate) struct Ready {
    by_target: HashMap<String, Vec<(Language, Rendered)>>,
    /// Nothing is missing from it.
    is_whole: bool,
    /// How many statistics are in it, or have no usual answer.
    stats: usize,
    /// Something is missing that an idle database would have answered.
    is_early: bool,
}

/// What is made at a time, by name.
#[derive(Debug, Clone)]
enum Part {
    Stat(String),
    Page(String),
}

impl std::fmt::Display for Part {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stat(name) => write!(out, "stat \"{name}\""),
            Self::Page(name) => write!(out, "page \"{name}\""),
        }
    }
}

/// The response to an address that needs no work.
pub(crate) fn at_once(site: &Site, request: &Incoming<'_>) -> Option<Response> {
    let shown = site.desk.glance();
    let ready = shown.as_ref()?.ready.load();
    let versions = ready.by_target.get(request.target)?;
    if !site.desk.is_fresh(site.clock.now()) {
        return None;
    }
    let rendered = match versions.as_slice() {
        [(_, only)] => only,
        several => {
            let accepted = request.headers.get(ACCEPT_LANGUAGE);
            let language = Language::choose(&site.config.languages, None, accepted);
            &several.iter().find(|(known, _)| *known == language).or(several.first())?.1
        }
    };
    site.metrics.hits.add();
    Some(rendered.response(
        request.headers.get(IF_NONE_MATCH),
        takes_gzip(request.headers.get(ACCEPT_ENCODING)),
        &site.metrics,
    ))
}

impl Ready {
    /// Makes what is not ready of the edition that is shown; what fails is tried again later.
    pub(crate) async fn prepare(site: &Arc<Site>) {
        let Some(shown) = site.desk.shown() else { return };
        if shown.ready.load().is_whole {
            return;
        }
        let mut ready = Self { is_whole: true, ..Self::default() };
        // What has no answer in this edition is not tried again: it would be another edition.
        let fits = |name: &String| shown.standing.fits.get(name).is_some_and(Result::is_ok);
        for name in site.catalogue.stats.keys().filter(|name| fits(name)) {
            ready.merge(Self::made(site, Part::Stat(name.clone())).await);
        }
        let pages = site.catalogue.pages.iter().filter(|(_, page)| page.stats.iter().all(fits));
        for (name, _) in pages {
            ready.merge(Self::made(site, Part::Page(name.clone())).await);
        }
        for language in site.languages() {
            ready.add("/", language, page::index(site, language).kept());
        }
        // What was made while nothing confirmed the edition says so, and is made again.
        ready.is_whole &= site.desk.is_fresh(site.clock.now());
        // One statistic whose query always fails sends no visitor of the others away.
        let is_usable = ready.stats > 0 || !site.catalogue.stats.keys().any(fits);
        let is_early = ready.is_early;
        shown.ready.store(Arc::new(ready));
        if is_usable && !is_early {
            site.desk.set_prepared();
        }
    }

    async fn made(site: &Arc<Site>, part: Part) -> Self {
        let (own, making) = (Arc::clone(site), part.clone());
        let making = async move {
            let mut ready = Self { is_whole: true, ..Self::default() };
            match making {
                Part::Stat(name) => ready.add_stat(&own, &name).await,
                Part::Page(name) => ready.add_page(&own, &name).await,
            }
            ready
        };
        Self::apart(&site.log, &part, making).await
    }

    /// In a task of its own: what panics takes nothing else with it.
    async fn apart(
        log: &Log,
        part: &Part,
        making: impl Future<Output = Self> + Send + 'static,
    ) -> Self {
        tokio::spawn(making).await.unwrap_or_else(|_| {
            log(&Problem::new(format!("{part} could not be made ready"))
                .detail("levada has a mistake: it panicked")
                .hint("report it, with this section of the configuration"));
            // It would panic again: in this edition it is not tried a second time.
            Self { is_whole: true, ..Self::default() }
        })
    }

    fn merge(&mut self, part: Self) {
        self.by_target.extend(part.by_target);
        self.is_whole &= part.is_whole;
        self.is_early |= part.is_early;
        self.stats += part.stats;
    }

    async fn add_stat(&mut self, site: &Arc<Site>, name: &str) {
        let ask = Ask { stat: name, pairs: &[], client: None, through: None };
        let served = match site.answer(ask).await {
            Ok(served) if served.freshness == Freshness::Fresh => served,
            // A statistic that must be asked with parameters has no usual answer.
            Err(Refusal::BadParameter { .. }) => {
                self.stats += 1;
                return;
            }
            refused => {
                self.is_whole = false;
                let is_away =
                    |refusal| matches!(refusal, Refusal::Unavailable | Refusal::Overloaded);
                self.is_early = refused.map_or_else(is_away, |_stale| true);
                return;
            }
        };
        self.stats += 1;
        for format in [Format::Json, Format::Csv, Format::Html] {
            let language = site.languages()[0];
            let languages = if format == Format::Html { site.languages() } else { vec![language] };
            for language in languages {
                let form = Form { format, language };
                let Ok(rendered) = statistic::render(site, &served, form, &[]) else { continue };
                let rendered = rendered.kept();
                if format == Format::Html {
                    self.add(&format!("/stats/{name}"), language, rendered.clone());
                }
                let target = format!("/stats/{name}.{}", format.extension());
                self.add(&target, language, rendered);
            }
        }
    }

    async fn add_page(&mut self, site: &Arc<Site>, name: &str) {
        for language in site.languages() {
            match page::page(site, name, language).await {
                // Without a tag it is not the whole page.
                Ok((rendered, Freshness::Fresh)) if rendered.etag.is_some() => {
                    self.add(&format!("/pages/{name}"), language, rendered.kept());
                }
                _ => self.is_whole = false,
            }
        }
    }

    /// A page is also found with its language in the address.
    fn add(&mut self, target: &str, language: Language, rendered: Rendered) {
        if rendered.has_language() {
            let named = format!("{target}?lang={}", language.code());
            self.by_target.insert(named, vec![(language, rendered.clone())]);
        }
        self.by_target.entry(target.to_owned()).or_default().push((language, rendered));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn what_panics_is_said_and_takes_nothing_else_with_it() {
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let saying = Arc::clone(&said);
        let log: Log = Arc::new(move |problem| saying.lock().unwrap().push(format!("{problem:?}")));
        let part = Part::Page("overview".to_owned());
        let made = Ready::apart(&log, &part, async { panic!("a mistake") }).await;
        assert!(made.by_target.is_empty() && made.stats == 0);
        let said = said.lock().unwrap();
        assert!(said.len() == 1 && said[0].contains("page \\\"overview\\\""), "{said:?}");
    }
}
