//! Running totals over all complete buckets, kept by adding what is new and taking away what was.

use std::collections::BTreeMap;

use anyhow::Context;
use jiff::Timestamp;
use pg::{Name, quote_identifier};

use crate::report_table::{Key, ReportColumn, ReportTable, list};
use crate::rollup::config::Measure;
use crate::rollup::definition::{Definition, is_additive};
use crate::rollup::fill::{self, Filling, OLD_CELLS};
use crate::rollup::match_nulls;
use crate::rollup::records::BucketRow;
use crate::rollup::statements::instants;
use crate::rollup::states::State;
use crate::template::fill_in;

/// What is to be added to a total.
const DELTA: &str = "levada.stage_totals";

/// One kind of total: per some dimensions.
struct Total<'a> {
    filling: &'a Filling<'a>,
    by: &'a [String],
    table: ReportTable,
    /// Counts and sums, quoted.
    measures: Vec<String>,
}

/// Brings all totals of a rollup up to date with its buckets.
pub(crate) async fn keep(
    filling: &Filling<'_>,
    known: &[BucketRow],
    rows: &[BucketRow],
    is_whole: bool,
) -> anyhow::Result<()> {
    for by in &filling.definition().totals {
        let total = Total::of(filling, by);
        let is_new = total.table.ensure(filling.publishing.session).await?;
        total.table.settle(filling.publishing).await?;
        let context = || format!("adding up {}", total.table.name);
        // What somebody else wrote into a failed bucket was never added.
        let is_doubtful = known.iter().any(|row| row.state == State::Failed);
        if is_whole || is_new || is_doubtful {
            total.begin(rows).await.with_context(context)?;
        } else {
            total.go_on(known, rows).await.with_context(context)?;
        }
    }
    Ok(())
}

/// The name of the table of a total.
pub(crate) fn name(definition: &Definition, by: &[String]) -> Name {
    let parts = [&definition.table.name, "totals"];
    let parts: Vec<&str> = parts.into_iter().chain(by.iter().map(String::as_str)).collect();
    Name::new(&definition.table.schema, parts.join("_"))
}

/// Adds up the buckets again, all of them.
pub(crate) async fn add_up(
    filling: &Filling<'_>,
    by: &[String],
    rows: &[BucketRow],
) -> anyhow::Result<()> {
    Total::of(filling, by).begin(rows).await
}

/// Whether the total is the sum of its buckets.
pub(crate) async fn is_right(
    filling: &Filling<'_>,
    by: &[String],
    rows: &[BucketRow],
) -> anyhow::Result<bool> {
    let total = Total::of(filling, by);
    let (columns, table, added_up) =
        (total.columns(), total.table.name.sql(), total.added_up(rows));
    let kept = format!("SELECT {columns} FROM {table}");
    let sql = format!(
        "SELECT NOT EXISTS ((({kept}) EXCEPT ALL ({added_up})) \
         UNION ALL (({added_up}) EXCEPT ALL ({kept})))"
    );
    Ok(filling.publishing.session.one(&sql, &[]).await?.get(0))
}

impl<'a> Total<'a> {
    fn of(filling: &'a Filling<'a>, by: &'a [String]) -> Self {
        let definition = filling.definition();
        let additive = |name: &String| definition.measures.get(name).is_some_and(is_additive);
        let is_kept = |name: &String| match definition.measures.get(name) {
            Some(Measure::Ratio(of, over)) => additive(of) && additive(over),
            Some(measure) => is_additive(measure),
            None => by.contains(name),
        };
        let columns = fill::measured(definition, filling.statements.described).into_iter();
        let mut columns: Vec<ReportColumn> =
            columns.filter(|column| is_kept(&column.name)).collect();
        columns.push(ReportColumn {
            name: "cells".to_owned(),
            definition: "bigint NOT NULL".to_owned(),
        });
        let measures = definition.measures.iter().filter(|(_, measure)| is_additive(measure));
        Self {
            filling,
            by,
            table: ReportTable {
                name: name(definition, by),
                kind: "total",
                columns,
                key: if by.is_empty() { Key::None } else { Key::Lookup(by.to_vec()) },
                indexes: Vec::new(),
                comment: format!(
                    "Running totals by levada over closed buckets of {}",
                    definition.name
                ),
            },
            measures: measures.map(|(name, _)| quote_identifier(name)).collect(),
        }
    }

    fn columns(&self) -> String {
        let by = self.by.iter().map(|column| quote_identifier(column));
        let own = self.measures.iter().cloned().chain(["cells".to_owned()]);
        by.chain(own).collect::<Vec<_>>().join(", ")
    }

    /// The total of the complete buckets.
    fn added_up(&self, rows: &[BucketRow]) -> String {
        let counted = rows.iter().filter(|row| row.in_totals).map(|row| row.bucket.start);
        let counted = instants(counted);
        let rollup = self.filling.definition().table.sql();
        let cells = format!(
            "SELECT {}, 1 AS \"levada sign\" FROM {rollup} WHERE bucket_start = ANY ({counted})",
            self.parts("")
        );
        self.sums(&cells)
    }

    fn parts(&self, sign: &str) -> String {
        let by = self.by.iter().map(|column| quote_identifier(column));
        let measures = self.measures.iter().map(|name| format!("{sign}{name} AS {name}"));
        by.chain(measures).collect::<Vec<_>>().join(", ")
    }

    /// Sums keep the types of what is summed: a sum of bigint is numeric.
    fn sums(&self, cells: &str) -> String {
        let by = list(self.by);
        let types: BTreeMap<String, &str> = self
            .table
            .columns
            .iter()
            .map(|column| (quote_identifier(&column.name), column.definition.as_str()))
            .collect();
        let sums = self.measures.iter().map(|name| {
            let kind = types.get(name).copied().unwrap_or("numeric");
            format!("sum({name})::{kind} AS {name}")
        });
        let all: Vec<String> =
            (!by.is_empty()).then_some(by.clone()).into_iter().chain(sums).collect();
        let group =
            if by.is_empty() { "HAVING count(*) > 0".to_owned() } else { format!("GROUP BY {by}") };
        format!(
            "SELECT {}, sum(\"levada sign\")::bigint AS cells FROM ({cells}) AS c {group}",
            all.join(", ")
        )
    }

    async fn begin(&self, rows: &[BucketRow]) -> anyhow::Result<()> {
        let (table, columns, sums) = (self.table.name.sql(), self.columns(), self.added_up(rows));
        let sql = format!("DELETE FROM {table}; INSERT INTO {table} ({columns}) {sums}");
        Ok(self.filling.publishing.session.batch(&sql).await?)
    }

    async fn go_on(&self, known: &[BucketRow], rows: &[BucketRow]) -> anyhow::Result<()> {
        let session = self.filling.publishing.session;
        let before: BTreeMap<Timestamp, bool> =
            known.iter().map(|row| (row.bucket.start, row.in_totals)).collect();
        let was = |row: &&BucketRow| before.get(&row.bucket.start).copied().unwrap_or(false);
        let starts = |rows: Vec<&BucketRow>| instants(rows.iter().map(|row| row.bucket.start));
        let added = rows.iter().filter(|row| row.in_totals && (row.is_computed || !was(row)));
        let added = starts(added.collect());
        // Computed ones are in the table of old cells; others that count no more still stand there.
        let dropped = rows.iter().filter(|row| !row.in_totals && was(row) && !row.is_computed);
        let dropped = starts(dropped.collect());
        let rollup = self.filling.definition().table.sql();
        let (plus, minus) = (self.parts(""), self.parts("-"));
        let cells = format!(
            "SELECT {plus}, 1 AS \"levada sign\" FROM {rollup} WHERE bucket_start = ANY ({added}) \
             UNION ALL SELECT {minus}, -1 FROM {OLD_CELLS} \
             UNION ALL SELECT {minus}, -1 FROM {rollup} WHERE bucket_start = ANY ({dropped})"
        );
        let create = format!(
            "DROP TABLE IF EXISTS {DELTA}; CREATE UNLOGGED TABLE {DELTA} AS {}",
            self.sums(&cells)
        );
        session.batch(&create).await?;
        let (table, columns) = (self.table.name.sql(), self.columns());
        let settings = self
            .measures
            .iter()
            .map(|name| format!("{name} = coalesce(t.{name} + d.{name}, t.{name}, d.{name})"));
        let settings = settings.collect::<Vec<_>>().join(", ");
        for nulls in match_nulls::patterns(session, DELTA, self.by).await? {
            let same = match_nulls::condition(self.by, &nulls, ("t", "d"));
            session
                .batch(&fill_in(
                    include_str!("../sql/rollup_total_changed.sql"),
                    &[
                        ("table", &table),
                        ("columns", &columns),
                        ("settings", &settings),
                        ("same", &same),
                        ("is_of_pattern", &match_nulls::condition(self.by, &nulls, ("d", "d"))),
                    ],
                ))
                .await?;
        }
        session.batch(&format!("DELETE FROM {table} WHERE cells = 0")).await?;
        self.tell_nothing_from_zero(rows).await?;
        Ok(session.batch(&format!("DROP TABLE {DELTA}")).await?)
    }

    /// A sum from which its last value was taken away is 0 by subtraction, but is NULL where all
    /// values that are left are.
    async fn tell_nothing_from_zero(&self, rows: &[BucketRow]) -> anyhow::Result<()> {
        let session = self.filling.publishing.session;
        let definition = self.filling.definition();
        let is_sum =
            |name: &&String| matches!(definition.measures.get(*name), Some(Measure::Sum(_)));
        let sums: Vec<String> =
            definition.measures.keys().filter(is_sum).map(|name| quote_identifier(name)).collect();
        if sums.is_empty() {
            return Ok(());
        }
        let counted = instants(rows.iter().filter(|row| row.in_totals).map(|r| r.bucket.start));
        let (table, rollup) = (self.table.name.sql(), definition.table.sql());
        for nulls in match_nulls::patterns(session, DELTA, self.by).await? {
            let delta = match_nulls::condition(self.by, &nulls, ("t", "d"));
            let cells = match_nulls::condition(self.by, &nulls, ("c", "t"));
            for name in &sums {
                let sql = format!(
                    "UPDATE {table} AS t SET {name} = NULL FROM {DELTA} AS d \
                     WHERE {delta} AND t.{name} = 0 AND NOT EXISTS (SELECT FROM {rollup} AS c \
                     WHERE {cells} AND c.{name} IS NOT NULL AND c.bucket_start = ANY ({counted}))"
                );
                session.batch(&sql).await?;
            }
        }
        Ok(())
    }
}
