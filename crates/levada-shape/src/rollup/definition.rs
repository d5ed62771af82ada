//! A rollup as declared, checked as far as it can be without a database. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Span, SpanRelativeTo};
use pg::Name;
use report::Problem;

use crate::bindings::Bindings;
use crate::calendar::{Calendar, Grain};
use crate::rollup::config::{Measure, Rollup, Settles, Tables};
use crate::rollup::totals;
use crate::sections::Sections;

/// A rollup that can be computed.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) table: Name,
    pub(crate) bindings: Bindings,
    /// The rows that are counted, by the names of `bindings`.
    pub(crate) query: String,
    pub(crate) filter: Option<String>,
    pub(crate) by: Vec<String>,
    pub(crate) measures: BTreeMap<String, Measure>,
    pub(crate) totals: Vec<Vec<String>>,
    pub(crate) buckets: Option<Buckets>,
    /// The finer rollup that is added up.
    pub(crate) of: Option<String>,
    /// Of everything that decides what the table holds.
    pub(crate) hash: String,
}

/// How rows find their buckets, and how these age.
#[derive(Debug, Clone)]
pub(crate) struct Buckets {
    pub(crate) time: String,
    /// In which a column without zone is written.
    pub(crate) zone: Option<String>,
    pub(crate) calendar: Calendar,
    pub(crate) grain: Grain,
    pub(crate) starts: Option<jiff::civil::Date>,
    pub(crate) grace: SignedDuration,
    pub(crate) settles: Settling,
    pub(crate) restate_for: Option<SignedDuration>,
    pub(crate) retention: Option<SignedDuration>,
}

/// How long rows still change after the end of their bucket.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settling {
    pub(crate) others: SignedDuration,
    /// The dimension by whose values it differs.
    pub(crate) by: Option<String>,
    pub(crate) values: BTreeMap<String, SignedDuration>,
}

impl Settling {
    /// When the last rows are settled.
    pub(crate) fn longest(&self) -> SignedDuration {
        self.values.values().copied().fold(self.others, SignedDuration::max)
    }
}

/// Names of columns that every rollup has.
const RESERVED: &[&str] = &["bucket", "bucket_start", "bucket_end", "source_rows"];

impl Definition {
    /// Checks a section; `finer` are the rollups defined before it.
    pub(crate) fn of(
        rollup: &Rollup,
        sections: &Sections,
        finer: &[Self],
    ) -> Result<Self, Problem> {
        let refuse = |what: &str| Problem::new(format!("rollup \"{}\": {what}", rollup.name));
        if rollup.name.is_empty() {
            return Err(Problem::new("a [[rollup]] has no name"));
        }
        let (bindings, query) = rows_of(rollup, sections).map_err(|problem| Problem {
            message: format!("rollup \"{}\": {}", rollup.name, problem.message),
            ..problem
        })?;
        refuse_columns(rollup)?;
        let child = match &rollup.of {
            None => None,
            Some(of) => Some(finer.iter().find(|other| other.name == *of).ok_or_else(|| {
                refuse(&format!("of = \"{of}\" is no rollup declared before it"))
                    .hint("declare the finer rollup first")
            })?),
        };
        judge_measures(rollup, child)?;
        let buckets = match &rollup.calendar {
            None => None,
            Some(name) => Some(buckets(rollup, name, sections)?),
        };
        if buckets.is_none() {
            refuse_calendar_options(rollup)?;
        }
        if let (Some(child), Some(own)) = (child, &buckets) {
            judge_grain(rollup, child, own)?;
        }
        let mut definition = Self {
            name: rollup.name.clone(),
            table: Name::new(&sections.reports_schema, &rollup.name),
            bindings,
            query,
            filter: rollup.filter.clone(),
            by: rollup.by.clone(),
            measures: rollup.measures.clone(),
            totals: rollup.totals.clone(),
            buckets,
            of: rollup.of.clone(),
            hash: String::new(),
        };
        refuse_long_names(&definition)?;
        definition.hash = definition.fingerprint(child);
        Ok(definition)
    }

    /// Ageing is no part of it: it changes no number.
    fn fingerprint(&self, child: Option<&Self>) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut say = |text: String| {
            hasher.update(text.as_bytes());
            hasher.update(&[0]);
        };
        say(format!("{:?} {:?}", self.bindings, self.query));
        say(format!("{:?} {:?} {:?} {:?}", self.filter, self.by, self.measures, self.totals));
        if let Some(buckets) = &self.buckets {
            let Buckets { time, zone, calendar, grain, starts, .. } = buckets;
            say(format!("{time:?} {zone:?} {calendar:?} {grain:?} {starts:?}"));
        }
        say(child.map(|child| child.hash.clone()).unwrap_or_default());
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// The tables behind a rollup, and the query over them.
fn rows_of(rollup: &Rollup, sections: &Sections) -> Result<(Bindings, String), Problem> {
    let mut bound = BTreeMap::new();
    match (&rollup.table, &rollup.tables, &rollup.of) {
        (Some(table), None, None) if rollup.sql.is_none() => {
            let name = exact(table);
            bound.insert(name.name.clone(), name);
        }
        (None, Some(tables), None) if rollup.sql.is_some() => match tables {
            Tables::List(list) => {
                for name in list.iter().map(|table| exact(table)) {
                    if let Some(other) = bound.insert(name.name.clone(), name.clone()) {
                        return Err(Problem::new(format!("{other} and {name} have one name"))
                            .hint("give them names: tables = { live = \"…\", old = \"…\" }"));
                    }
                }
            }
            Tables::Named(named) => {
                bound.extend(named.iter().map(|(alias, table)| (alias.clone(), exact(table))));
            }
        },
        (None, None, Some(of)) if rollup.sql.is_none() => {
            bound.insert(of.clone(), Name::new(&sections.reports_schema, of));
        }
        _ => {
            return Err(Problem::new("it is not clear which rows are counted")
                .hint("give exactly one of table = …, tables = … with sql = …, or of = …"));
        }
    }
    let query = match (rollup.sql_file(), &rollup.sql) {
        (Some(file), _) => {
            let path = sections.folder.join(&file);
            std::fs::read_to_string(&path).map_err(|error| {
                Problem::new(format!("cannot read {}", file.display())).detail(error.to_string())
            })?
        }
        (None, Some(sql)) => sql.clone(),
        (None, None) => {
            let alias = bound.keys().next().map(|alias| pg::quote_identifier(alias));
            format!("SELECT * FROM {}", alias.unwrap_or_default())
        }
    };
    let query = query.trim().trim_end_matches(';').to_owned();
    Ok((Bindings(bound), query))
}

/// `schema.table`; without a schema, `public`.
pub(crate) fn exact(table: &str) -> Name {
    match table.split_once('.') {
        Some((schema, name)) => Name::new(schema, name),
        None => Name::new("public", table),
    }
}

/// PostgreSQL would cut them short.
fn refuse_long_names(definition: &Definition) -> Result<(), Problem> {
    const NAME_BYTES_MAX: usize = 63;
    let totals = definition.totals.iter().map(|by| totals::name(definition, by).name);
    let names = totals.chain([definition.name.clone()]).chain(definition.by.iter().cloned());
    let columns = definition.measures.keys().map(|name| sketch_of(name));
    match names.chain(columns).find(|name| name.len() > NAME_BYTES_MAX) {
        None => Ok(()),
        Some(name) => {
            Err(Problem::new(format!("rollup \"{}\": a name is too long", definition.name))
                .detail(format!("{name} has more than {NAME_BYTES_MAX} bytes"))
                .hint("give the rollup, or the column, a shorter name"))
        }
    }
}

fn refuse_columns(rollup: &Rollup) -> Result<(), Problem> {
    let name = &rollup.name;
    let sketches = rollup.measures.iter().filter_map(|(name, measure)| match measure {
        Measure::Distinct(distinct) if distinct.sketch => Some(sketch_of(name)),
        Measure::Estimate(_) => Some(sketch_of(name)),
        _ => None,
    });
    let mut seen: BTreeSet<String> = RESERVED.iter().map(|name| (*name).to_owned()).collect();
    let columns = rollup.by.iter().chain(rollup.measures.keys()).cloned().chain(sketches);
    for column in columns {
        if !seen.insert(column.clone()) {
            return Err(Problem::new(format!(
                "rollup \"{name}\": column \"{column}\" is there twice"
            ))
            .hint(format!("{} are columns of every rollup", RESERVED.join(", "))));
        }
    }
    if rollup.measures.is_empty() {
        return Err(Problem::new(format!("rollup \"{name}\" measures nothing"))
            .hint("add [rollup.measures] with, for example, rows = \"count\""));
    }
    if !rollup.totals.is_empty() && seen.contains("cells") {
        return Err(Problem::new(format!("rollup \"{name}\": column \"cells\" is there twice"))
            .hint("cells is a column of all totals"));
    }
    for column in rollup.totals.iter().flatten() {
        if !rollup.by.contains(column) {
            return Err(Problem::new(format!("rollup \"{name}\": totals name {column}"))
                .hint("totals are kept per dimensions: add it to by = […]"));
        }
    }
    Ok(())
}

/// The column beside a measure of distinct values.
pub(crate) fn sketch_of(measure: &str) -> String {
    format!("{measure}_sketch")
}

fn judge_measures(rollup: &Rollup, child: Option<&Definition>) -> Result<(), Problem> {
    let name = &rollup.name;
    for (own, measure) in &rollup.measures {
        let refuse =
            |what: String| Problem::new(format!("rollup \"{name}\", measure {own}: {what}"));
        match measure {
            Measure::Ratio(of, over) => {
                for part in [of, over] {
                    let is_additive = rollup.measures.get(part).is_some_and(is_additive);
                    if !is_additive {
                        return Err(refuse(format!("{part} is no count or sum of this rollup"))
                            .hint("a ratio divides two measures that are declared beside it"));
                    }
                }
            }
            Measure::Estimate(of) => {
                let has_sketch = child.is_some_and(|child| {
                    matches!(child.measures.get(of), Some(Measure::Distinct(d)) if d.sketch)
                        || matches!(child.measures.get(of), Some(Measure::Estimate(_)))
                });
                if !has_sketch {
                    return Err(refuse(format!("{of} is no distinct measure with a sketch")).hint(
                        "in the rollup named by of = …, declare it with { distinct = \"…\", \
                         sketch = true }",
                    ));
                }
            }
            Measure::Sum(of) => {
                let measures = child.iter().flat_map(|child| &child.measures);
                let is_meant = |name: &str, added: &Measure| match added {
                    Measure::Min(_) | Measure::Max(_) => of.trim().trim_matches('"') == name,
                    _ => mentions(of, name),
                };
                for (name, added) in measures.filter(|(name, added)| is_meant(name, added)) {
                    refuse_sum(name, Some(added)).map_err(|problem| Problem {
                        message: refuse(problem.message.clone()).message,
                        ..problem
                    })?;
                }
            }
            Measure::Count if child.is_some() => {
                return Err(refuse("it would count cells, not rows".to_owned()).hint(
                    "add up the count of the finer rollup: { sum = \"…\" }; to count cells, say \
                     { count_if = \"true\" }",
                ));
            }
            _ => {}
        }
    }
    let has_additive = rollup.measures.values().any(is_additive);
    if !rollup.totals.is_empty() && (!has_additive || rollup.calendar.is_none()) {
        return Err(Problem::new(format!("rollup \"{name}\" has no measure that can be totalled"))
            .hint("running totals add up counts and sums of the buckets of a calendar"));
    }
    Ok(())
}

/// Whether an expression has a column's name in it as a word.
fn mentions(expression: &str, name: &str) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    expression.match_indices(name).any(|(at, _)| {
        let (before, after) = (&expression[..at], &expression[at + name.len()..]);
        !before.ends_with(is_inside) && !after.starts_with(is_inside)
    })
}

/// Some measures of finer buckets mean nothing when they are added up.
fn refuse_sum(of: &str, added: Option<&Measure>) -> Result<(), Problem> {
    let problem = |what: &str| Problem::new(format!("{of} cannot be added up: {what}"));
    match added {
        Some(Measure::Distinct(_) | Measure::Estimate(_)) => {
            Err(problem("who is counted in two buckets would be counted twice").hint(format!(
                "for an exact number declare a rollup of the table itself with this grain and \
             {{ distinct = … }}; for an estimate keep a sketch there and use \
             {{ estimate = \"{of}\" }} here"
            )))
        }
        Some(Measure::Ratio(numerator, denominator)) => Err(problem("it is a ratio").hint(
            format!("sum {numerator} and {denominator}, and declare {{ ratio = […] }} of the sums"),
        )),
        Some(Measure::Min(_)) => {
            Err(problem("it is a minimum").hint(format!("use {{ min = \"{of}\" }}")))
        }
        Some(Measure::Max(_)) => {
            Err(problem("it is a maximum").hint(format!("use {{ max = \"{of}\" }}")))
        }
        _ => Ok(()),
    }
}

/// Whether a measure of several buckets is the sum of theirs.
pub(crate) fn is_additive(measure: &Measure) -> bool {
    matches!(measure, Measure::Count | Measure::CountIf(_) | Measure::Sum(_))
}

fn buckets(rollup: &Rollup, calendar: &str, sections: &Sections) -> Result<Buckets, Problem> {
    let name = &rollup.name;
    let missing = |what: &str| Problem::new(format!("rollup \"{name}\": {what} is missing"));
    let calendar = sections.calendars.iter().find(|known| known.name == calendar);
    let calendar = calendar.ok_or_else(|| {
        let declared = sections.calendars.iter().map(|known| known.name.as_str());
        Problem::new(format!("rollup \"{name}\": its calendar is not declared"))
            .detail(format!("declared: {}", declared.collect::<Vec<_>>().join(", ")))
            .hint("add [[calendar]] with name and zone")
    })?;
    calendar.time_zone()?;
    let grain = rollup.grain.ok_or_else(|| missing("grain").hint("\"day\", for example"))?;
    let time = match (&rollup.time, &rollup.of) {
        (Some(time), _) => time.clone(),
        (None, Some(_)) => "bucket_start".to_owned(),
        (None, None) => return Err(missing("time").hint("the column that says when")),
    };
    if let Some(zone) = &rollup.zone {
        // The zone of a column is refused for the same reasons.
        let written =
            Calendar { zone: zone.clone(), name: rollup.name.clone(), ..calendar.clone() };
        written.time_zone()?;
    }
    let span = |option: &str, text: &str| {
        duration(text).map_err(|detail| {
            Problem::new(format!("rollup \"{name}\": {option} = \"{text}\" is no duration"))
                .detail(detail)
                .hint("write \"30 minutes\", \"4 days\" or \"2 weeks\"; a day has 24 hours")
        })
    };
    let settles = match &rollup.settles {
        None => Settling::default(),
        Some(Settles::All(text)) => {
            Settling { others: span("settles", text)?, ..Settling::default() }
        }
        Some(Settles::By(by)) => {
            if !rollup.by.contains(&by.by) {
                return Err(Problem::new(format!("rollup \"{name}\": settles by {}", by.by))
                    .hint("it may differ by a dimension: add it to by = […]"));
            }
            let values = by.values.iter();
            let values = values.map(|(value, text)| Ok((value.clone(), span("settles", text)?)));
            Settling {
                others: span("settles", &by.others)?,
                by: Some(by.by.clone()),
                values: values.collect::<Result<_, Problem>>()?,
            }
        }
    };
    let optional = |option: &str, text: &Option<String>| {
        text.as_ref().map(|text| span(option, text)).transpose()
    };
    let buckets = Buckets {
        time,
        zone: rollup.zone.clone(),
        calendar: calendar.clone(),
        grain,
        starts: starts(rollup)?,
        grace: if rollup.grace.is_empty() {
            SignedDuration::ZERO
        } else {
            span("grace", &rollup.grace)?
        },
        settles,
        restate_for: optional("restate_for", &rollup.restate_for)?,
        retention: optional("retention", &rollup.retention)?,
    };
    judge_ages(name, &buckets)?;
    Ok(buckets)
}

fn judge_ages(name: &str, buckets: &Buckets) -> Result<(), Problem> {
    let must_outlast = buckets.settles.longest().max(buckets.grace);
    // Retention is counted from the beginning of a bucket, all else from its end.
    let longest = SignedDuration::from_hours(match buckets.grain {
        Grain::Hour => 1,
        Grain::Day => 25,
        Grain::Week => 7 * 24 + 1,
        Grain::Month => 31 * 24 + 1,
    });
    for (option, limit, must_outlast) in [
        ("restate_for", buckets.restate_for, must_outlast),
        ("retention", buckets.retention, must_outlast.saturating_add(longest)),
    ] {
        if limit.is_some_and(|limit| limit < must_outlast) {
            return Err(Problem::new(format!("rollup \"{name}\": {option} is too short"))
                .detail("buckets would be final before they are closed or settled")
                .hint(
                    "make it at least as long as grace and settles, and retention longer than \
                     that by a whole bucket",
                ));
        }
    }
    Ok(())
}

fn starts(rollup: &Rollup) -> Result<Option<jiff::civil::Date>, Problem> {
    let Some(text) = &rollup.starts else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        Problem::new(format!("rollup \"{}\": starts = \"{text}\" is no date", rollup.name))
            .hint("write \"2023-01-31\"")
    })
}

/// A day has 24 hours here: what is meant is how long, not until when.
pub(crate) fn duration(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let duration = duration.map_err(|error| error.to_string())?;
    match duration.is_negative() {
        true => Err("it is negative".to_owned()),
        false => Ok(duration),
    }
}

fn refuse_calendar_options(rollup: &Rollup) -> Result<(), Problem> {
    let given = [
        ("grain", rollup.grain.is_some()),
        ("time", rollup.time.is_some()),
        ("settles", rollup.settles.is_some()),
        ("restate_for", rollup.restate_for.is_some()),
        ("retention", rollup.retention.is_some()),
        ("starts", rollup.starts.is_some()),
        ("grace", !rollup.grace.is_empty()),
        ("of", rollup.of.is_some()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => {
            Err(Problem::new(format!("rollup \"{}\": {option} needs a calendar", rollup.name))
                .hint(
                    "add calendar = … and grain = …, or leave it out to count per by = […] alone",
                ))
        }
    }
}

fn judge_grain(rollup: &Rollup, child: &Definition, own: &Buckets) -> Result<(), Problem> {
    let name = &rollup.name;
    let Some(finer) = &child.buckets else {
        return Err(Problem::new(format!("rollup \"{name}\": {} has no calendar", child.name))
            .hint("only buckets of a calendar add up to coarser ones"));
    };
    let fits = finer.calendar.zone == own.calendar.zone
        && (finer.grain as u8) < (own.grain as u8)
        // Weeks do not end where months do.
        && finer.grain != Grain::Week
        && own.time == "bucket_start";
    if fits {
        return Ok(());
    }
    Err(Problem::new(format!(
        "rollup \"{name}\" does not consist of whole buckets of {}",
        child.name
    ))
    .hint("use a calendar of the same zone and a coarser grain: hours, days, then weeks or months"))
}
