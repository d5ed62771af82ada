//! One statistic, compiled: the query with its places, and what it is made from.

use std::collections::BTreeMap;
use std::path::Path;

use report::Problem;

use super::judge;
use super::sql::{self, Bound};
use crate::config::{Kind, Parameter, Stat};

/// A statistic that can be asked.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) name: String,
    pub(crate) config: Stat,
    /// What is asked; of a rollup or window only the edition knows the columns.
    pub(crate) subject: Subject,
    /// The schema of rollups and windows.
    pub(crate) reports: String,
    /// Parameters with the filters of a rollup, by name; not the range.
    pub(crate) parameters: BTreeMap<String, Parameter>,
    /// The rollups that say how far it is complete.
    pub(crate) rollups: Vec<String>,
    /// Stands for everything above in entity tags.
    pub(crate) fingerprint: String,
}

/// What a statistic shows.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    Rollup(String),
    Window(String),
    /// A query of the configuration, with its text as it stands there.
    Sql {
        text: String,
        bound: Bound,
    },
}

impl Compiled {
    /// Compiles a section; `reports` is the schema of rollups and windows.
    pub(crate) fn new(stat: &Stat, folder: &Path, reports: &str) -> Result<Self, Problem> {
        refuse_name("stat", &stat.name)?;
        let problem = |text: String| Problem::new(format!("stat \"{}\": {text}", stat.name));
        let mut parameters = stat.params.clone();
        for dimension in &stat.filter {
            if parameters.insert(dimension.clone(), filter()).is_some() {
                return Err(problem(format!("parameter {dimension} is there twice"))
                    .hint("name each dimension once in filter"));
            }
        }
        let subject = match (&stat.rollup, &stat.window, &stat.sql) {
            (Some(rollup), None, None) => Subject::Rollup(rollup.clone()),
            (None, Some(window), None) => Subject::Window(window.clone()),
            (None, None, Some(sql)) => {
                let text = read_sql(sql, folder).map_err(|detail| {
                    problem("its query cannot be read".to_owned()).detail(detail)
                })?;
                let bound = bind(&text, &parameters).map_err(|name| {
                    problem(format!("its query names :{name}, which is no parameter")).hint(
                        format!("declare params = {{ {name} = {{ type = \"integer\", … }} }}"),
                    )
                })?;
                Subject::Sql { text, bound }
            }
            _ => {
                return Err(problem("wants one of rollup, window and sql".to_owned())
                    .hint("rollup = \"…\" is the simplest"));
            }
        };
        let rollups = stat.rollup.iter().chain(&stat.rollups).cloned().collect();
        let mut hasher = blake3::Hasher::new();
        if let Subject::Sql { text, .. } = &subject {
            hasher.update(text.as_bytes());
        }
        hasher.update(&serde_json::to_vec(&(stat, reports)).unwrap_or_default());
        let compiled = Self {
            name: stat.name.clone(),
            config: stat.clone(),
            subject,
            reports: reports.to_owned(),
            parameters,
            rollups,
            fingerprint: hasher.finalize().to_hex()[..12].to_owned(),
        };
        judge::stat(&compiled)?;

        Ok(compiled)
    }

    /// What people read; the name where nobody wrote anything.
    pub(crate) fn title(&self, language: &str) -> &str {
        match self.config.title.get(language) {
            "" => &self.name,
            title => title,
        }
    }

    /// Whether visitors ask for a range of buckets.
    pub(crate) fn has_range(&self) -> bool {
        self.config.last.is_some()
    }

    /// A page asks nothing of its visitors.
    pub(super) fn refuse_without_defaults(&self, page: &str) -> Result<(), Problem> {
        let wanting = self.parameters.iter().find(|(name, parameter)| {
            parameter.default.is_none() && !self.config.filter.contains(name)
        });
        match wanting {
            None => Ok(()),
            Some((name, _)) => Err(Problem::new(format!(
                "page \"{page}\": parameter {name} of stat \"{}\" has no default",
                self.name
            ))),
        }
    }
}

/// Names are part of addresses.
pub(super) fn refuse_name(section: &str, name: &str) -> Result<(), Problem> {
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if !name.is_empty() && name.len() <= 64 && name.chars().all(is_fine) {
        return Ok(());
    }
    Err(Problem::new(format!("[[{section}]] name = \"{name}\" is refused"))
        .hint("it is part of an address: small letters, digits, - and _"))
}

fn read_sql(sql: &str, folder: &Path) -> Result<String, String> {
    if !sql.trim().ends_with(".sql") {
        return Ok(sql.to_owned());
    }
    let path = folder.join(sql.trim());
    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn bind(text: &str, parameters: &BTreeMap<String, Parameter>) -> Result<Bound, String> {
    let text = text.trim().trim_end_matches(';');
    sql::bind(text, &parameters.iter().map(|(name, one)| (name.clone(), one.kind)).collect())
}

/// A dimension that visitors may ask for by value: the edition knows which.
fn filter() -> Parameter {
    Parameter {
        kind: Kind::Text,
        default: None,
        min: None,
        max: None,
        values: Vec::new(),
        values_from: None,
        title: Default::default(),
    }
}
