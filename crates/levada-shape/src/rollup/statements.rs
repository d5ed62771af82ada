//! The queries of a rollup, as text. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pg::{Name, quote_identifier, quote_literal};

use crate::arms::Arms;
use crate::calendar::Bucket;
use crate::report_table::list;
use crate::rollup::config::Measure;
use crate::rollup::definition::{Buckets, Definition, sketch_of};
use crate::template::fill_in;

/// The instant of a row, beside the columns of the query.
pub(crate) const AT: &str = "\"levada at\"";
/// Sketches keep this many of the smallest hashes: a standard error of 1/sqrt(k-2), 3.1 %.
pub(crate) const SKETCH_SIZE: usize = 1024;
/// More runs of buckets than this are read as one.
const RANGES_MAX: usize = 64;

/// The type of the time column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeType {
    Instant,
    Local,
    Date,
}

/// What the server says of the query's columns.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) time: Option<TimeType>,
    /// Types of dimensions and measures, with collations.
    pub(crate) types: BTreeMap<String, String>,
    /// Sums of these would depend on the order of rows.
    pub(crate) floats: Vec<String>,
    /// Columns of the tables that are bound.
    pub(crate) columns: BTreeMap<Name, Vec<String>>,
    /// How they are combined.
    pub(crate) arms: Arms,
}

impl Described {
    /// The columns of the tables, and how these are combined.
    pub(crate) fn combined(&self) -> (&BTreeMap<Name, Vec<String>>, &Arms) {
        (&self.columns, &self.arms)
    }
}

/// A definition with what the server says of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statements<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) described: &'a Described,
}

impl Statements<'_> {
    /// The rows that are counted, with the instant of each; `with` binds the tables.
    pub(crate) fn rows(&self, with: &str) -> String {
        let query = &self.definition.query;
        let filter = self.definition.filter.as_ref();
        let filter = filter.map_or(String::new(), |filter| format!(" WHERE ({filter}\n)"));
        let at = match &self.definition.buckets {
            Some(buckets) => format!("{} AS {AT}, ", self.instant(buckets)),
            None => String::new(),
        };
        format!("{with} SELECT {at}q.* FROM ({query}\n) AS q{filter}")
    }

    fn instant(&self, buckets: &Buckets) -> String {
        let time = format!("q.{}", quote_identifier(&buckets.time));
        let zone = quote_literal(buckets.zone.as_deref().unwrap_or("UTC"));
        match self.described.time {
            Some(TimeType::Local) => format!("({time} AT TIME ZONE {zone})"),
            Some(TimeType::Date) => format!("({time}::timestamp AT TIME ZONE {zone})"),
            _ => time,
        }
    }

    /// Whether `at` lies in one of the ranges. A column without zone gets a second, wider condition
    /// that its index can use.
    pub(crate) fn within(&self, buckets: &Buckets, ranges: &[(Timestamp, Timestamp)]) -> String {
        let ranges = match ranges {
            [first, .., last] if ranges.len() > RANGES_MAX => &[(first.0, last.1)][..],
            _ => ranges,
        };
        let zone = quote_literal(buckets.zone.as_deref().unwrap_or("UTC"));
        let time = quote_identifier(&buckets.time);
        let one = |(from, to): &(Timestamp, Timestamp)| {
            let exact = format!("({AT} >= '{from}'::timestamptz AND {AT} < '{to}'::timestamptz");
            if self.described.time == Some(TimeType::Instant) {
                return exact + ")";
            }
            let local = |at: &Timestamp| format!("('{at}'::timestamptz AT TIME ZONE {zone})");
            let (from, to) = (local(from), local(to));
            format!(
                "{exact} AND {time} >= {from} - interval '2 days' \
                 AND {time} < {to} + interval '2 days')"
            )
        };
        match ranges {
            [] => "false".to_owned(),
            ranges => format!("({})", ranges.iter().map(one).collect::<Vec<_>>().join(" OR ")),
        }
    }

    /// The measures of these buckets, which are in order, read from `rows`. Rows of no bucket come
    /// last with an empty one, if `is_whole`.
    pub(crate) fn cells(&self, buckets: &Buckets, wanted: &[Bucket], is_whole: bool) -> String {
        let definition = self.definition;
        let rows = self.rows("");
        let edges = edges(wanted);
        let within = match is_whole {
            true => "true".to_owned(),
            false => self.within(buckets, &runs(wanted)),
        };
        let by = list(&definition.by);
        let by = if by.is_empty() { String::new() } else { format!(", {by}") };
        let group = format!("\"levada n\"{by}");
        let measures = self.aggregates().into_iter();
        let measures = measures.map(|(name, sql)| format!("{sql} AS {}", quote_identifier(&name)));
        let measures: Vec<String> = measures.collect();
        let all = self.columns().iter().map(|c| format!("g.{c}")).collect::<Vec<_>>().join(", ");
        let parts: [(&str, &str); 8] = [
            ("columns", &all),
            ("group", &group),
            ("measures", &measures.join(", ")),
            ("edges", &edges),
            ("rows", &rows),
            ("within", &within),
            ("outer", if is_whole { "LEFT" } else { "" }),
            ("buckets", &table_of(wanted, buckets)),
        ];
        fill_in(include_str!("../sql/rollup_cells.sql"), &parts)
    }

    /// Dimensions and measures as quoted columns, without those that are computed of others.
    pub(crate) fn columns(&self) -> Vec<String> {
        let dimensions = self.definition.by.iter().map(|name| quote_identifier(name));
        let measures = self.aggregates().into_iter().map(|(name, _)| quote_identifier(&name));
        dimensions.chain(measures).collect()
    }

    /// The columns that are aggregated, with the aggregates.
    pub(crate) fn aggregates(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (name, measure) in &self.definition.measures {
            match measure {
                Measure::Ratio(..) => {}
                Measure::Distinct(distinct) if distinct.sketch => {
                    all.push((name.clone(), self.aggregate(name, measure)));
                    all.push((sketch_of(name), sketch(&distinct.distinct)));
                }
                Measure::Estimate(of) => {
                    let union = self.union(of);
                    let count = self.function("levada_sketch_count");
                    all.push((name.clone(), format!("{count}({union})")));
                    all.push((sketch_of(name), union));
                }
                measure => all.push((name.clone(), self.aggregate(name, measure))),
            }
        }
        all
    }

    fn aggregate(&self, name: &str, measure: &Measure) -> String {
        match measure {
            Measure::CountIf(condition) => format!("count(*) FILTER (WHERE ({condition}\n))"),
            Measure::Sum(of) if self.described.floats.iter().any(|float| float == name) => {
                // The sum of floats depends on their order, that of decimals does not.
                format!("sum(({of}\n)::numeric)")
            }
            Measure::Sum(of) => format!("sum({of}\n)"),
            Measure::Min(of) => format!("min({of}\n)"),
            Measure::Max(of) => format!("max({of}\n)"),
            Measure::Distinct(distinct) => format!("count(DISTINCT ({}\n))", distinct.distinct),
            Measure::Count | Measure::Ratio(..) | Measure::Estimate(_) => "count(*)".to_owned(),
        }
    }

    fn union(&self, of: &str) -> String {
        let column = quote_identifier(&sketch_of(of));
        format!("{}({column})", self.function("levada_sketch_union"))
    }

    fn function(&self, name: &str) -> String {
        Name::new(&self.definition.table.schema, name).sql()
    }
}

fn sketch(of: &str) -> String {
    let hash = format!("pg_catalog.hashtextextended(({of}\n)::text, 0)");
    format!(
        "coalesce((array_agg(DISTINCT {hash} ORDER BY {hash}) \
         FILTER (WHERE ({of}\n) IS NOT NULL))[1:{SKETCH_SIZE}], '{{}}')"
    )
}

/// The starts of the buckets and of gaps between them, and the end of the last.
fn edges(buckets: &[Bucket]) -> String {
    let mut edges = Vec::new();
    for run in runs_of(buckets) {
        edges.extend(run.iter().map(|bucket| bucket.start.to_string()));
        edges.extend(run.last().map(|bucket| bucket.end.to_string()));
    }
    format!("'{{{}}}'::timestamptz[]", edges.join(","))
}

/// The buckets as a table `b` with the number that `width_bucket` gives them.
fn table_of(buckets: &[Bucket], own: &Buckets) -> String {
    let mut numbers = Vec::new();
    let mut next = 0;
    for run in runs_of(buckets) {
        numbers.extend((next + 1..=next + run.len()).map(|number| number.to_string()));
        next += run.len() + 1;
    }
    let list = |text: Vec<String>| format!("'{{{}}}'", text.join(","));
    let labels = list(buckets.iter().map(|bucket| bucket.label.clone()).collect());
    let starts = list(buckets.iter().map(|bucket| bucket.start.to_string()).collect());
    let ends = list(buckets.iter().map(|bucket| bucket.end.to_string()).collect());
    format!(
        "unnest({}::int[], {labels}::{}[], {starts}::timestamptz[], {ends}::timestamptz[]) \
         AS b(n, bucket, bucket_start, bucket_end)",
        list(numbers),
        own.label_type()
    )
}

/// From where to where buckets follow each other without a gap.
pub(crate) fn runs(buckets: &[Bucket]) -> Vec<(Timestamp, Timestamp)> {
    let ends = |run: &[Bucket]| Some((run.first()?.start, run.last()?.end));
    runs_of(buckets).into_iter().filter_map(ends).collect()
}

fn runs_of(buckets: &[Bucket]) -> Vec<&[Bucket]> {
    buckets.chunk_by(|one, next| one.end == next.start).collect()
}

/// `'{…}'::timestamptz[]` of instants.
pub(crate) fn instants(of: impl Iterator<Item = Timestamp>) -> String {
    let all: Vec<String> = of.map(|at| at.to_string()).collect();
    format!("'{{{}}}'::timestamptz[]", all.join(","))
}

#[cfg(test)]
#[path = "statements_tests.rs"]
mod tests;
