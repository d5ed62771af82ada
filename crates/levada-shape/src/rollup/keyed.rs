//! A rollup without a calendar: measures per dimensions alone, such as the last activity of each
//! user. What changed rows bring is merged where that is exact, and counted again where it is not.

use anyhow::Context;
use edition::Publishing;
use jiff::Timestamp;
use pg::{Session, quote_identifier};
use report::{Finding, Problem};

use crate::bindings::Image;
use crate::report_table::{Key, ReportColumn, ReportTable, list};
use crate::rollup::config::Measure;
use crate::rollup::definition::Definition;
use crate::rollup::fill;
use crate::rollup::match_nulls;
use crate::rollup::records;
use crate::rollup::statements::{Described, Statements};
use crate::template::fill_in;

/// Dimensions whose measures have to be counted again.
const AGAIN: &str = "levada.stage_again";
/// How many of them are counted again in each publication, as a check.
const SAMPLE: i64 = 10;

/// One such rollup in one publication.
pub(crate) struct Keyed<'a> {
    pub(crate) publishing: &'a Publishing<'a>,
    pub(crate) statements: Statements<'a>,
    pub(crate) number: usize,
    /// The moment of the source.
    pub(crate) as_of: Timestamp,
}

/// Its table.
pub(crate) fn table(definition: &Definition, described: &Described) -> ReportTable {
    let mut columns = fill::measured(definition, described);
    let rows =
        ReportColumn { name: "source_rows".to_owned(), definition: "bigint NOT NULL".to_owned() };
    columns.push(rows);
    ReportTable {
        name: definition.table.clone(),
        kind: "rollup",
        columns,
        key: match definition.by.is_empty() {
            true => Key::None,
            false => Key::Lookup(definition.by.clone()),
        },
        indexes: Vec::new(),
        comment: "Rollup by levada: one row per dimensions".to_owned(),
    }
}

impl Keyed<'_> {
    fn definition(&self) -> &Definition {
        self.statements.definition
    }

    fn session(&self) -> &Session {
        self.publishing.session
    }

    fn staging(&self, image: Image) -> String {
        let what = if image == Image::Before { "left" } else { "came" };
        format!("levada.stage_{what}_{}", self.number)
    }

    /// Dimensions, measures and the number of rows, of whatever rows `with` binds.
    fn measured(&self, with: &str, join: &str) -> String {
        let by = self.definition().by.iter().map(|name| format!("s.{}", quote_identifier(name)));
        let by: Vec<String> = by.collect();
        let measures = self.statements.aggregates().into_iter();
        let measures = measures.map(|(name, sql)| format!("{sql} AS {}", quote_identifier(&name)));
        let all: Vec<String> = by.iter().cloned().chain(measures).collect();
        let group = match by.is_empty() {
            true => "HAVING count(*) > 0".to_owned(),
            false => format!("GROUP BY {}", by.join(", ")),
        };
        let rows = self.statements.rows("");
        format!(
            "{with} SELECT {}, count(*) AS source_rows FROM ({rows}) AS s {join} {group}",
            all.join(", ")
        )
    }

    fn columns(&self) -> String {
        self.columns_of("")
    }

    /// The columns of the table, each after `prefix`.
    fn columns_of(&self, prefix: &str) -> String {
        let own = self.statements.columns().into_iter().chain(["source_rows".to_owned()]);
        own.map(|column| format!("{prefix}{column}")).collect::<Vec<_>>().join(", ")
    }

    /// Keeps what changed rows amount to, before or after they are written.
    pub(crate) async fn collect(&self, image: Image) -> anyhow::Result<usize> {
        let combined = self.statements.described.combined();
        let withs = self.definition().bindings.changed(self.publishing, image, combined);
        let table = self.staging(image);
        let nothing = self.measured(&self.definition().bindings.whole(self.publishing), "");
        let create = format!(
            "DROP TABLE IF EXISTS {table}; CREATE UNLOGGED TABLE {table} AS {nothing} LIMIT 0"
        );
        self.session().batch(&create).await.with_context(|| self.computing())?;
        for with in &withs {
            let sql = format!("INSERT INTO {table} {}", self.measured(with, ""));
            self.session().batch(&sql).await.with_context(|| self.computing())?;
        }
        Ok(withs.len())
    }

    fn computing(&self) -> String {
        format!("computing rollup \"{}\"", self.definition().name)
    }

    /// Brings it up to date; `is_new` says that its table is empty. Tells whether it was written.
    pub(crate) async fn run(&self, is_new: bool) -> anyhow::Result<(bool, Vec<Finding>)> {
        let definition = self.definition();
        let held = records::held(self.publishing, definition).await?;
        let bindings = &definition.bindings;
        let is_whole = is_new
            || held.is_none_or(|held| !held.is_same || !held.is_current)
            || bindings.is_whole(self.publishing);
        let is_touched = is_whole || bindings.is_touched(self.publishing);
        let context = || self.computing();
        if is_whole {
            self.begin().await.with_context(context)?;
        } else if is_touched {
            self.go_on().await.with_context(context)?;
        }
        let is_right = self.is_right().await.with_context(context)?;
        let said = (is_right, is_touched);
        records::save_keyed(self.publishing, definition, said, self.as_of).await?;
        let finding = (!is_right).then(|| self.finding());
        Ok((is_touched, finding.into_iter().collect()))
    }

    async fn begin(&self) -> anyhow::Result<()> {
        let (table, columns) = (self.definition().table.sql(), self.columns());
        let with = self.definition().bindings.whole(self.publishing);
        let rows = self.measured(&with, "");
        let staged = "levada.stage_cells";
        // Only a statement that creates a table may use several processes.
        let sql = format!(
            "DROP TABLE IF EXISTS {staged}; CREATE UNLOGGED TABLE {staged} AS {rows}; \
             DELETE FROM {table}; INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged}; \
             DROP TABLE {staged}"
        );
        Ok(self.session().batch(&sql).await?)
    }

    async fn go_on(&self) -> anyhow::Result<()> {
        let parts = self.collect(Image::After).await?;
        let (left, came) = (self.staging(Image::Before), self.staging(Image::After));
        let by = list(&self.definition().by);
        let by = if by.is_empty() { "true AS \"levada all\"".to_owned() } else { by };
        // What left and what came may come to the same: then nothing has changed.
        let is_sum = parts <= 1 && !self.statements.described.arms.has_outer_joins;
        let is_exact = is_sum && self.definition().measures.values().all(is_mergeable);
        let has_left = format!("SELECT EXISTS (TABLE {left})");
        let has_left = self.session().one(&has_left, &[]).await?.get(0);
        let [only_left, only_came] = match is_exact && has_left {
            true => [
                format!("TABLE {left} EXCEPT ALL TABLE {came}"),
                format!("TABLE {came} EXCEPT ALL TABLE {left}"),
            ],
            false => [format!("TABLE {left}"), format!("TABLE {came}")],
        };
        let create = format!(
            "DROP TABLE IF EXISTS {AGAIN}; CREATE UNLOGGED TABLE {AGAIN} AS \
             SELECT {by} FROM ({only_left}) AS l UNION SELECT {by} FROM ({only_came}) AS c; \
             ANALYZE {AGAIN}; ANALYZE {left}; ANALYZE {came}"
        );
        self.session().batch(&create).await?;
        if is_exact {
            for nulls in match_nulls::patterns(self.session(), AGAIN, &self.definition().by).await?
            {
                self.merge(&nulls).await?;
            }
        }
        for nulls in match_nulls::patterns(self.session(), AGAIN, &self.definition().by).await? {
            self.count_again(&nulls).await?;
        }
        Ok(self.session().batch(&format!("DROP TABLE {AGAIN}, {left}, {came}")).await?)
    }

    /// Adds what came and takes away what left, where the result is that of counting again; those
    /// dimensions need not be counted again.
    async fn merge(&self, nulls: &[bool]) -> anyhow::Result<()> {
        let by = &self.definition().by;
        let table = self.definition().table.sql();
        let (left, came) = (self.staging(Image::Before), self.staging(Image::After));
        let with = |one: &str, other: &str| match_nulls::condition(by, nulls, (one, other));
        let is_exact: Vec<String> = self.exactness();
        let dimensions = by.iter().map(|name| format!("a.{}", quote_identifier(name)));
        let all: Vec<String> = dimensions.chain(self.merged()).collect();
        let columns = self.columns();
        let parts: [(&str, &str); 14] = [
            ("table", &table),
            ("left", &left),
            ("came", &came),
            ("merged", &all.join(", ")),
            ("columns", &columns),
            ("came_columns", &self.columns_of("c.")),
            ("is_exact", &is_exact.join(" AND ")),
            ("again_is_stored", &with("a", "t")),
            ("again_has_left", &with("a", "l")),
            ("again_came", &with("a", "c")),
            ("again_is_merged", &with("a", "m")),
            ("stored_is_merged", &with("t", "m")),
            ("is_of_pattern", &with("a", "a")),
            ("fresh_came", &with("f", "c")),
        ];
        let merge = fill_in(include_str!("../sql/rollup_merged.sql"), &parts);
        self.session().batch(&merge).await?;
        let fresh = fill_in(include_str!("../sql/rollup_fresh.sql"), &parts);
        Ok(self.session().batch(&fresh).await?)
    }

    /// The measures after the merge of stored `t`, left `l` and come `c`.
    fn merged(&self) -> impl Iterator<Item = String> {
        let measures = self.definition().measures.iter();
        let measures = measures.filter(|(_, measure)| !matches!(measure, Measure::Ratio(..)));
        let merged = measures.map(|(name, measure)| {
            let name = quote_identifier(name);
            let sql = match measure {
                Measure::Max(_) => format!("greatest(t.{name}, c.{name})"),
                Measure::Min(_) => format!("least(t.{name}, c.{name})"),
                Measure::Sum(_) => format!("coalesce(t.{name} + c.{name}, t.{name}, c.{name})"),
                _ => format!("t.{name} + coalesce(c.{name}, 0) - coalesce(l.{name}, 0)"),
            };
            format!("{sql} AS {name}")
        });
        let rows = "t.source_rows + coalesce(c.source_rows, 0) - coalesce(l.source_rows, 0) \
                    AS source_rows";
        merged.collect::<Vec<_>>().into_iter().chain([rows.to_owned()])
    }

    /// When a merge is exact: the extremes that left were not the stored ones, or as extreme ones
    /// came. Nobody can tell whether a sum without its last value is 0 or NULL.
    fn exactness(&self) -> Vec<String> {
        let mut tests = vec!["true".to_owned()];
        for (name, measure) in &self.definition().measures {
            let name = quote_identifier(name);
            match measure {
                Measure::Max(_) => tests.push(format!(
                    "(l.{name} IS NULL OR t.{name} > l.{name} OR c.{name} >= t.{name})"
                )),
                Measure::Min(_) => tests.push(format!(
                    "(l.{name} IS NULL OR t.{name} < l.{name} OR c.{name} <= t.{name})"
                )),
                Measure::Sum(_) => tests.push("l.source_rows IS NULL".to_owned()),
                _ => {}
            }
        }
        tests
    }

    async fn count_again(&self, nulls: &[bool]) -> anyhow::Result<()> {
        let by = &self.definition().by;
        let (table, columns) = (self.definition().table.sql(), self.columns());
        let with = self.definition().bindings.whole(self.publishing);
        let same = match_nulls::condition(by, nulls, ("s", "a"));
        let rows = self.measured(&with, &format!("JOIN {AGAIN} AS a ON {same}"));
        let sql = format!(
            "DELETE FROM {table} AS t USING {AGAIN} AS a WHERE {}; \
             INSERT INTO {table} ({columns}) {rows}",
            match_nulls::condition(by, nulls, ("t", "a"))
        );
        Ok(self.session().batch(&sql).await?)
    }

    /// Counts some again, by a comparison that the merge does not use.
    async fn is_right(&self) -> anyhow::Result<bool> {
        let table = self.definition().table.sql();
        let estimate = format!(
            "SELECT greatest(reltuples, 1)::float8 FROM pg_catalog.pg_class \
             WHERE oid = {}::regclass",
            pg::quote_literal(&table)
        );
        let rows: f64 = self.session().one(&estimate, &[]).await?.get(0);
        let percent = (200.0 * SAMPLE as f64 / rows).min(100.0);
        let by = list(&self.definition().by);
        if by.is_empty() {
            return Ok(true);
        }
        let create = format!(
            "DROP TABLE IF EXISTS {AGAIN}; CREATE UNLOGGED TABLE {AGAIN} AS SELECT {by} \
             FROM {table} TABLESAMPLE BERNOULLI ({percent}) ORDER BY random() LIMIT {SAMPLE}; \
             ANALYZE {AGAIN}"
        );
        self.session().batch(&create).await?;
        let by = &self.definition().by;
        let with = self.definition().bindings.whole(self.publishing);
        let mut is_right = true;
        for nulls in match_nulls::patterns(self.session(), AGAIN, by).await? {
            let same = |one: &str| match_nulls::condition(by, &nulls, (one, "a"));
            let counted = self.measured("", &format!("JOIN {AGAIN} AS a ON {}", same("s")));
            let columns = self.columns_of("t.");
            let joined = format!("{table} AS t JOIN {AGAIN} AS a ON {}", same("t"));
            let stored = format!("SELECT {columns} FROM {joined}");
            let sql = format!(
                "{with}, stored AS ({stored}), counted AS ({counted}) SELECT NOT EXISTS (\
                 (TABLE stored EXCEPT ALL TABLE counted) UNION ALL \
                 (TABLE counted EXCEPT ALL TABLE stored))"
            );
            is_right &= self.session().one(&sql, &[]).await?.get::<_, bool>(0);
        }
        self.session().batch(&format!("DROP TABLE {AGAIN}")).await?;
        Ok(is_right)
    }

    fn finding(&self) -> Finding {
        let name = &self.definition().name;
        let problem =
            Problem::new(format!("rollup {name}: some rows are not what their sources say"))
                .detail("somebody else has changed the rollup, or its rows in the target")
                .hint("the next run computes it anew; levada verify --repair sets rows right");
        Finding::warning("audit", format!("rollup {name}"), problem)
    }
}

fn is_mergeable(measure: &Measure) -> bool {
    !matches!(measure, Measure::Distinct(_) | Measure::Estimate(_))
}
