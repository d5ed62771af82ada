//! From buckets that differ down to rows and fields. Memory is bounded: buckets are divided until
//! their rows are few, then read in groups, and after some groups the rest is left uncounted.

use std::collections::{BTreeMap, HashMap};

use pg::{Result, Session, quote_literal};

use crate::buckets::Buckets;
use crate::difference::{ChangedColumn, ChangedRow, TableResult, Values};
use crate::digest::{Digest, Scan, differing, digests_where};
use crate::merge::{Both, Changed, Found, Key, Nameless, Place, RowSeen, Written};
use crate::moment::Moment;
use crate::render::{spelled, unspelled};
use crate::subject::{Depth, Side, Subject};

/// How many rows of both sides are held at once.
const ROWS_HELD_MAX: u64 = 200_000;
/// How many groups of so many rows are read.
const GROUPS_MAX: usize = 8;
/// Into how many buckets those that differ are divided at most.
const BUCKETS_MAX: usize = 1 << 18;
/// As powers of two: into how many buckets one is divided at a time.
const FINER_BITS: u32 = 6;
/// How many changed rows are compared field by field.
const LOOKED_AT_MAX: usize = 1000;

/// Two sessions, each in the snapshot of its side.
pub(crate) struct Ends<'a> {
    pub(crate) source: &'a Session,
    pub(crate) target: &'a Session,
}

/// One table whose digests are compared.
pub(crate) struct Drill<'a> {
    pub(crate) ends: Ends<'a>,
    pub(crate) subject: &'a Subject,
    /// The snapshot of the edition; rows of the source that it did not see are no differences.
    pub(crate) since: Option<&'a Moment>,
    /// How many keys and rows are shown.
    pub(crate) samples: usize,
    pub(crate) shows_values: bool,
}

/// Digests of both sides.
pub(crate) type Digests = BTreeMap<i64, Digest>;

impl Drill<'_> {
    /// The digests of all buckets on both sides, asked for at once.
    pub(crate) async fn digests(&self, buckets: &Buckets) -> Result<(Digests, Digests)> {
        self.digests_where(buckets, "true").await
    }

    async fn digests_where(
        &self,
        buckets: &Buckets,
        condition: &str,
    ) -> Result<(Digests, Digests)> {
        let (subject, depth) = (self.subject, Depth::Rows);
        let scan = |side| Scan { subject, side, depth, buckets, condition };
        let (source, target) = (scan(Side::Source), scan(Side::Target));
        futures_util::try_join!(
            digests_where(self.ends.source, &source),
            digests_where(self.ends.target, &target),
        )
    }

    /// Finds the rows in which `digests` differ, and writes them into `result`.
    pub(crate) async fn down(
        &self,
        buckets: &Buckets,
        digests: &(Digests, Digests),
        result: &mut TableResult,
    ) -> Result<()> {
        let mut buckets = *buckets;
        let mut open = open_buckets(&digests.0, &digests.1);
        while rows_in(&open) > ROWS_HELD_MAX && open.len() << FINER_BITS <= BUCKETS_MAX {
            let Some(finer) = buckets.finer(FINER_BITS) else { break };
            let numbers: Vec<i64> = open.iter().map(|(bucket, _)| *bucket).collect();
            let within = buckets.predicate_sql(self.subject, Side::Source, &numbers);
            let (source, target) = self.digests_where(&finer, &within).await?;
            open = open_buckets(&source, &target);
            buckets = finer;
        }
        let groups = groups(&open);
        let mut found = Found::default();
        for group in groups.iter().take(GROUPS_MAX) {
            self.read_group(&buckets, group, &mut found).await?;
        }
        if self.subject.integer_key().is_some() {
            found.missing.sort_by_key(number);
            found.extra.sort_by_key(number);
            found.changed.sort_by_key(|row| number(&row.key));
        }
        result.is_exact = groups.len() <= GROUPS_MAX;
        result.counts.add(found.counts);
        let shown = |keys: &[Key]| keys.iter().take(self.samples).map(shown_key).collect();
        result.missing_keys = shown(&found.missing);
        result.extra_keys = shown(&found.extra);
        self.compare_fields(&found.changed, buckets.seed, result).await
    }

    async fn read_group(&self, buckets: &Buckets, group: &[i64], found: &mut Found) -> Result<()> {
        let (source, target) = futures_util::try_join!(
            self.read_side(buckets, group, Side::Source),
            self.read_side(buckets, group, Side::Target),
        )?;
        if self.subject.key.is_empty() {
            let mut counts: HashMap<i64, Nameless> = HashMap::new();
            for row in &source {
                let count = counts.entry(row.get("hash")).or_default();
                count.source = unsigned(row, "rows");
                count.since = unsigned(row, "since");
                count.unclear = unsigned(row, "unclear");
            }
            for row in &target {
                counts.entry(row.get("hash")).or_default().target = unsigned(row, "rows");
            }
            found.add_nameless(counts.into_values());
            return Ok(());
        }
        let mut rows: BTreeMap<Key, Both> = BTreeMap::new();
        for row in &source {
            rows.entry(row.get("key")).or_default().source.push(seen(row));
        }
        for row in &target {
            rows.entry(row.get("key")).or_default().target.push(seen(row));
        }
        found.add(rows, self.samples.max(LOOKED_AT_MAX));
        Ok(())
    }

    async fn read_side(
        &self,
        buckets: &Buckets,
        group: &[i64],
        side: Side,
    ) -> Result<Vec<pg::Row>> {
        let subject = self.subject;
        let relation = subject.relation_sql(side);
        let (own, within) =
            (subject.condition_sql(side), buckets.predicate_sql(subject, side, group));
        let (hash, written) = (subject.hash_sql(Depth::Rows, buckets.seed), self.written_sql(side));
        let sql = if subject.key.is_empty() {
            include_str!("sql/nameless.sql")
                .replace("@hash@", &hash)
                .replace("@written@", &written)
                .replace("@relation@", &relation)
                .replace("@condition@", &format!("{own} AND {within}"))
        } else {
            let key = subject.key.iter().map(|name| spelled(&subject.column_sql(name)));
            let key = key.collect::<Vec<_>>().join(", ");
            let place = self.place_sql();
            format!(
                "SELECT ARRAY[{key}] AS key, {hash} AS hash, {written} AS written, {place} \
                 FROM {relation} WHERE {own} AND {within}"
            )
        };
        self.session(side).rows(&sql, &[]).await
    }

    fn session(&self, side: Side) -> &Session {
        match side {
            Side::Source => self.ends.source,
            Side::Target => self.ends.target,
        }
    }

    fn place_sql(&self) -> String {
        let column = |name: &str| self.subject.column_sql(name);
        format!("{} AS place, {}::text AS ctid", column("tableoid"), column("ctid"))
    }

    /// As a number: 0 before the edition's snapshot, 1 unclear, 2 since.
    fn written_sql(&self, side: Side) -> String {
        match (self.since, side) {
            (Some(moment), Side::Source) => moment.written_sql(&self.subject.column_sql("xmin")),
            _ => "0".to_owned(),
        }
    }

    /// Names the columns in which changed rows differ.
    async fn compare_fields(
        &self,
        changed: &[Changed],
        seed: i64,
        result: &mut TableResult,
    ) -> Result<()> {
        let hashes = self.subject.column_hashes_sql(seed);
        let looked_at = &changed[..changed.len().min(LOOKED_AT_MAX.max(self.samples))];
        let (source, target): (Fields<i64>, Fields<i64>) = self.fields(&hashes, looked_at).await?;
        for row in looked_at {
            let (Some(left), Some(right)) = (source.get(&row.source), target.get(&row.target))
            else {
                continue;
            };
            result.looked_at += 1;
            let columns = self.subject.columns.iter().zip(left.iter().zip(right));
            let columns = columns.filter(|(_, (left, right))| left != right);
            let names: Vec<String> = columns.map(|(column, _)| column.name.clone()).collect();
            for name in &names {
                *result.columns.entry(name.clone()).or_default() += 1;
            }
            if result.changed_rows.len() < self.samples {
                let columns = names.into_iter().map(|name| ChangedColumn { name, values: None });
                let (key, columns) = (shown_key(&row.key), columns.collect());
                result.changed_rows.push(ChangedRow { key, columns });
            }
        }
        if self.shows_values {
            self.add_values(&looked_at[..result.changed_rows.len()], result).await?;
        }
        Ok(())
    }

    async fn add_values(&self, changed: &[Changed], result: &mut TableResult) -> Result<()> {
        let names = self.subject.columns.iter().map(|column| &column.name);
        let values = names.clone().map(|name| spelled(&self.subject.column_sql(name)));
        let values = format!("ARRAY[{}]", values.collect::<Vec<_>>().join(", "));
        let (source, target): (Fields<String>, Fields<String>) =
            self.fields(&values, changed).await?;
        for (row, shown) in changed.iter().zip(&mut result.changed_rows) {
            for column in &mut shown.columns {
                let index = names.clone().position(|name| *name == column.name);
                let value =
                    |fields: &Fields<String>, place| unspelled(fields.get(place)?.get(index?)?);
                column.values = Some(Values {
                    source: value(&source, &row.source),
                    target: value(&target, &row.target),
                });
            }
        }
        Ok(())
    }

    /// The array `fields` of the rows at the places of both sides.
    async fn fields<T: Field>(
        &self,
        fields: &str,
        changed: &[Changed],
    ) -> Result<(Fields<T>, Fields<T>)> {
        let source = changed.iter().map(|row| &row.source).collect();
        let target = changed.iter().map(|row| &row.target).collect();
        futures_util::try_join!(
            self.fields_of(Side::Source, fields, source),
            self.fields_of(Side::Target, fields, target),
        )
    }

    async fn fields_of<T: Field>(
        &self,
        side: Side,
        fields: &str,
        places: Vec<&Place>,
    ) -> Result<Fields<T>> {
        let relation = self.subject.relation_sql(side);
        let at = self.subject.column_sql("ctid");
        let ctids: Vec<String> = places.iter().map(|(_, ctid)| format!("\"{ctid}\"")).collect();
        let ctids = quote_literal(&format!("{{{}}}", ctids.join(",")));
        let place = self.place_sql();
        let sql = format!(
            "SELECT {fields} AS fields, {place} FROM {relation} WHERE {at} = ANY ({ctids}::tid[])"
        );
        let rows = self.session(side).rows(&sql, &[]).await?;
        Ok(rows.iter().map(|row| (place_of(row), T::of(row))).collect())
    }
}

/// Fields of rows by their places.
type Fields<T> = HashMap<Place, Vec<T>>;

/// What is read of a field.
trait Field: Sized {
    fn of(row: &pg::Row) -> Vec<Self>;
}

impl Field for i64 {
    fn of(row: &pg::Row) -> Vec<Self> {
        row.get("fields")
    }
}

impl Field for String {
    fn of(row: &pg::Row) -> Vec<Self> {
        row.get("fields")
    }
}

/// The buckets that differ, with the number of rows on both sides together.
fn open_buckets(source: &Digests, target: &Digests) -> Vec<(i64, u64)> {
    let rows = |bucket: &i64, side: &Digests| side.get(bucket).map_or(0, |digest| digest.rows);
    let buckets = differing(source, target).into_iter();
    buckets.map(|bucket| (bucket, rows(&bucket, source) + rows(&bucket, target))).collect()
}

fn rows_in(open: &[(i64, u64)]) -> u64 {
    open.iter().map(|(_, rows)| rows).sum()
}

/// Buckets in groups whose rows can be held at once.
fn groups(open: &[(i64, u64)]) -> Vec<Vec<i64>> {
    let mut groups: Vec<Vec<i64>> = Vec::new();
    let mut held = u64::MAX;
    for (bucket, rows) in open {
        held = held.saturating_add(*rows);
        match groups.last_mut() {
            Some(group) if held <= ROWS_HELD_MAX => group.push(*bucket),
            _ => {
                groups.push(vec![*bucket]);
                held = *rows;
            }
        }
    }
    groups
}

fn seen(row: &pg::Row) -> RowSeen {
    let written = match row.get::<_, i32>("written") {
        0 => Written::Before,
        1 => Written::Unclear,
        _ => Written::Since,
    };
    RowSeen { hash: row.get("hash"), place: place_of(row), written }
}

fn place_of(row: &pg::Row) -> Place {
    (row.get("place"), row.get("ctid"))
}

fn unsigned(row: &pg::Row, column: &str) -> u64 {
    row.get::<_, i64>(column) as u64
}

/// The one integer of a key, in whose order people expect rows.
fn number(key: &Key) -> Option<i64> {
    unspelled(key.first()?)?.parse().ok()
}

fn shown_key(key: &Key) -> Vec<String> {
    key.iter().map(|value| unspelled(value).unwrap_or_else(|| "NULL".to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_what_can_be_held() {
        let open = [(1, 150_000), (2, 50_000), (3, 1), (4, 900_000), (5, 7)];
        assert_eq!(groups(&open), [vec![1, 2], vec![3], vec![4], vec![5]]);
        assert!(groups(&[]).is_empty());
    }
}
