//! One statistic, compiled: the query with its places, and what it is made from.

use std::collections::BTreeMap;
use std::path::Path;

use pg::{Name, quote_identifier};
use report::Problem;

use super::sql::{self, Bind, Bound};
use crate::config::{Kind, Parameter, Stat};

/// A statistic that can be asked.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) name: String,
    pub(crate) config: Stat,
    pub(crate) query: Bound,
    /// Parameters with the filters of a rollup, by name; not the range.
    pub(crate) parameters: BTreeMap<String, Parameter>,
    /// The rollups that say how far it is complete.
    pub(crate) rollups: Vec<String>,
    pub(crate) window: Option<String>,
    /// Stands for everything above in entity tags.
    pub(crate) fingerprint: String,
}

impl Compiled {
    /// Compiles a section; `reports` is the schema of rollups and windows.
    pub(crate) fn new(stat: &Stat, folder: &Path, reports: &str) -> Result<Self, Problem> {
        refuse_name("stat", &stat.name)?;
        let problem = |text: String| Problem::new(format!("stat \"{}\": {text}", stat.name));
        let sources = [&stat.rollup, &stat.window, &stat.sql];
        if sources.iter().filter(|source| source.is_some()).count() != 1 {
            return Err(problem("wants one of rollup, window and sql".to_owned()));
        }
        let mut parameters = stat.params.clone();
        for dimension in &stat.filter {
            parameters.insert(dimension.clone(), filter_of(dimension, stat, reports));
        }
        let text = match (&stat.rollup, &stat.window, &stat.sql) {
            (Some(rollup), ..) => rollup_query(stat, rollup, reports),
            (_, Some(window), _) => window_query(stat, window, reports),
            (_, _, Some(sql)) => read_sql(sql, folder)
                .map_err(|detail| problem("its query cannot be read".to_owned()).detail(detail))?,
            _ => String::new(),
        };
        let kinds = parameters.iter().map(|(name, parameter)| (name.clone(), parameter.kind));
        let query = sql::bind(&text, &kinds.collect()).map_err(|name| {
            problem(format!("its query names :{name}, which is no parameter"))
                .hint(format!("declare params = {{ {name} = {{ type = \"integer\", … }} }}"))
        })?;
        let rollups = stat.rollup.iter().chain(&stat.rollups).cloned().collect();
        let mut hasher = blake3::Hasher::new();
        hasher.update(text.as_bytes());
        hasher.update(&serde_json::to_vec(stat).unwrap_or_default());
        let compiled = Self {
            name: stat.name.clone(),
            config: stat.clone(),
            query,
            parameters,
            rollups,
            window: stat.window.clone(),
            fingerprint: hasher.finalize().to_hex()[..12].to_owned(),
        };
        compiled.refuse_what_is_unbounded()?;
        Ok(compiled)
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

    /// Every parameter has bounds, and every statistic of rollups ends where they are complete.
    fn refuse_what_is_unbounded(&self) -> Result<(), Problem> {
        let problem = |text: String| Problem::new(format!("stat \"{}\": {text}", self.name));
        for (name, parameter) in &self.parameters {
            let (has_bounds, hint) = match parameter.kind {
                Kind::Integer | Kind::Date => {
                    (parameter.min.is_some() && parameter.max.is_some(), "give min and max")
                }
                Kind::Text => (
                    !parameter.values.is_empty() || parameter.values_from.is_some(),
                    "give values, or a query as values_from",
                ),
                Kind::Boolean => (true, ""),
            };
            if !has_bounds {
                return Err(problem(format!("parameter {name} has no bounds")).hint(hint));
            }
        }
        let is_range =
            |bind: &Bind| !matches!(bind, Bind::Parameter(_) | Bind::ClosedThrough | Bind::AsOf);
        if !self.has_range() && self.query.binds.iter().any(is_range) {
            return Err(problem("its query names a range that is not declared".to_owned())
                .hint("add last = { default = 7, max = 90 }"));
        }
        let is_bounded = |bind: &Bind| is_range(bind) || *bind == Bind::ClosedThrough;
        if self.config.sql.is_some()
            && !self.rollups.is_empty()
            && !self.query.binds.iter().any(is_bounded)
        {
            return Err(problem("its query would count buckets that are not complete".to_owned())
                .hint(
                    "compare bucket_end with :closed_through, or bucket_start with :range_start \
                       and :range_end",
                ));
        }
        Ok(())
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

/// A dimension that visitors may ask for by value.
fn filter_of(dimension: &str, stat: &Stat, reports: &str) -> Parameter {
    let rollup = Name::new(reports, stat.rollup.as_deref().unwrap_or_default());
    let column = quote_identifier(dimension);
    let sql = format!("SELECT DISTINCT {column}::text FROM {}", rollup.sql());
    Parameter {
        kind: Kind::Text,
        default: None,
        min: None,
        max: None,
        values: Vec::new(),
        values_from: Some(sql),
        title: Default::default(),
    }
}

/// The rows of a rollup in the range.
fn rollup_query(stat: &Stat, rollup: &str, reports: &str) -> String {
    let columns = stat.by.iter().chain(&stat.measures).flatten();
    let columns: Vec<String> = columns.map(|column| quote_identifier(column)).collect();
    let listed = match columns.is_empty() {
        true => "*".to_owned(),
        false => format!("bucket, {}", columns.join(", ")),
    };
    let table = Name::new(reports, rollup).sql();
    let range = match stat.last {
        Some(_) => "WHERE bucket_start >= :range_start AND bucket_end <= :range_end",
        None => "WHERE bucket_end <= :closed_through",
    };
    format!("SELECT {listed} FROM {table} {range} ORDER BY bucket_start")
}

fn window_query(stat: &Stat, window: &str, reports: &str) -> String {
    let columns: Vec<String> =
        stat.measures.iter().flatten().map(|c| quote_identifier(c)).collect();
    let listed = if columns.is_empty() { "*".to_owned() } else { columns.join(", ") };
    format!("SELECT {listed} FROM {}", Name::new(reports, window).sql())
}
