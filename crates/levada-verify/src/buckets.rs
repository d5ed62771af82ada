//! How the rows of a table fall into buckets whose digests are compared. Pure text of SQL.

use crate::subject::{Depth, Side, Subject};

/// How many buckets there are at most in the first pass: their digests stay below 1 MB.
const BUCKETS_MAX: u64 = 4096;
/// How many rows a bucket holds at least, or the digests cost more than they spare.
const ROWS_PER_BUCKET_MIN: u64 = 16;

/// How many buckets, and what decides the bucket of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buckets {
    pub by: By,
    /// Of all hashes: random, and one for both sides.
    pub seed: i64,
}

/// What decides the bucket of a row. Counts are powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The first bits of an integer key: bucket `b` holds the keys from `b << shift` up to the next
    /// bucket, so that an index of the key finds them.
    KeyRange { shift: u32 },
    /// The last bits of the hash of a key.
    KeyHash { count: i64 },
    /// The last bits of the hash of the row, where no key names it.
    RowHash { count: i64 },
}

impl Buckets {
    /// Buckets for a subject of about so many rows, more or less evenly filled.
    pub fn for_rows(subject: &Subject, rows: u64, seed: i64) -> Self {
        let wanted = (rows / ROWS_PER_BUCKET_MIN).clamp(1, BUCKETS_MAX);
        let count = wanted.next_power_of_two() as i64;
        let by = match subject.key.is_empty() {
            false => By::KeyHash { count },
            true => By::RowHash { count },
        };
        Self { by, seed }
    }

    /// Ranges of an integer key: at most `wanted` and, where there are as many keys, more than half
    /// of that between `first` and `last`, the least and the greatest key. Keys beyond these have
    /// buckets as well. `None` when the key is not one integer.
    pub fn key_ranges(
        subject: &Subject,
        (first, last): (i64, i64),
        wanted: u64,
        seed: i64,
    ) -> Option<Self> {
        subject.integer_key()?;
        let count = |shift: u32| (last >> shift).abs_diff(first >> shift) as u128 + 1;
        let shift = (0..64).find(|shift| count(*shift) <= u128::from(wanted.max(1))).unwrap_or(63);
        Some(Self { by: By::KeyRange { shift }, seed })
    }

    /// Each bucket divided into `1 << bits`; `None` where it cannot be.
    pub fn finer(self, bits: u32) -> Option<Self> {
        let more = |count: i64| count.checked_mul(1 << bits);
        let by = match self.by {
            By::KeyHash { count } => By::KeyHash { count: more(count)? },
            By::RowHash { count } => By::RowHash { count: more(count)? },
            By::KeyRange { shift } => By::KeyRange { shift: shift.checked_sub(bits)? },
        };
        Some(Self { by, seed: self.seed })
    }

    /// The number of the bucket of a row. An expression over the subject's alias, the same for both
    /// sides.
    pub fn bucket_sql(&self, subject: &Subject, _side: Side) -> String {
        match self.by {
            By::KeyRange { shift } => format!("({} >> {shift})", key_sql(subject)),
            By::KeyHash { count } => {
                format!("({} & {})", key_hash_sql(subject, self.seed), count - 1)
            }
            By::RowHash { count } => {
                format!("({} & {})", subject.hash_sql(Depth::Rows, self.seed), count - 1)
            }
        }
    }

    /// The condition that a row stands in one of `buckets`; of ranges, one that the key's index
    /// serves.
    pub fn predicate_sql(&self, subject: &Subject, side: Side, buckets: &[i64]) -> String {
        match self.by {
            By::KeyRange { shift } => self.ranges_sql(subject, shift, buckets),
            _ => {
                let numbers: Vec<String> = buckets.iter().map(i64::to_string).collect();
                let numbers = numbers.join(",");
                format!("{} = ANY ('{{{numbers}}}'::int8[])", self.bucket_sql(subject, side))
            }
        }
    }

    /// What stands after `FROM` and after `WHERE` to select the rows in `buckets`. Ranges are
    /// joined with the table, so that its index is used however many they are.
    pub fn selection_sql(
        &self,
        subject: &Subject,
        side: Side,
        buckets: &[i64],
    ) -> (String, String) {
        let (relation, own) = (subject.relation_sql(side), subject.condition_sql(side));
        let By::KeyRange { shift } = self.by else {
            let within = self.predicate_sql(subject, side, buckets);
            return (relation, format!("{own} AND {within}"));
        };
        let (firsts, lasts): (Vec<String>, Vec<String>) =
            ranges(shift, buckets).map(|(a, b)| (a.to_string(), b.to_string())).unzip();
        let (firsts, lasts) = (firsts.join(","), lasts.join(","));
        let key = subject.column_sql(&subject.key[0]);
        let relation = format!(
            "ROWS FROM (pg_catalog.unnest('{{{firsts}}}'::int8[]), \
             pg_catalog.unnest('{{{lasts}}}'::int8[])) \
             AS levada_range(levada_first, levada_last), {relation}"
        );
        (
            relation,
            format!(
                "{own} AND {key} BETWEEN levada_range.levada_first AND levada_range.levada_last"
            ),
        )
    }

    fn ranges_sql(&self, subject: &Subject, shift: u32, buckets: &[i64]) -> String {
        let key = subject.column_sql(&subject.key[0]);
        let ranges =
            ranges(shift, buckets).map(|(first, last)| format!("{key} BETWEEN {first} AND {last}"));
        let ranges: Vec<String> = ranges.collect();
        if ranges.is_empty() { "false".to_owned() } else { format!("({})", ranges.join(" OR ")) }
    }
}

/// The least and the greatest key of each run of neighbouring buckets.
fn ranges(shift: u32, buckets: &[i64]) -> impl Iterator<Item = (i64, i64)> {
    let mut sorted = buckets.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for bucket in sorted {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(bucket) => *last = bucket,
            _ => runs.push((bucket, bucket)),
        }
    }
    runs.into_iter().map(move |(first, last)| {
        (first << shift, (last << shift) | ((1_i64 << shift).wrapping_sub(1)))
    })
}

/// Not the last bits of an integer key itself: keys often come in steps of a power of two.
fn key_hash_sql(subject: &Subject, seed: i64) -> String {
    match subject.integer_key() {
        Some(_) => format!("pg_catalog.hashint8extended({}, {seed})", key_sql(subject)),
        None => subject.hash_sql(Depth::Keys, seed),
    }
}

fn key_sql(subject: &Subject) -> String {
    format!("{}::pg_catalog.int8", subject.column_sql(&subject.key[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{Form, Rendered};
    use pg::Name;

    fn subject() -> Subject {
        Subject {
            source: Name::new("public", "answer"),
            target: Name::new("public", "answer"),
            columns: vec![Rendered { name: "id".to_owned(), form: Form::Plain("int4") }],
            key: vec!["id".to_owned()],
            filter: None,
            only_source: Vec::new(),
            only_target: Vec::new(),
            with_partitions: (false, false),
            is_transcoded: false,
            alias: "r".to_owned(),
        }
    }

    #[test]
    fn ranges_cover_all_keys_and_are_about_as_many_as_wanted() {
        for (first, last) in [(1, 13_000_000), (-5, 5), (i64::MIN, i64::MAX), (7, 7), (-9, -3)] {
            let buckets = Buckets::key_ranges(&subject(), (first, last), 1000, 1).unwrap();
            let By::KeyRange { shift } = buckets.by else { panic!("{buckets:?}") };
            let count = (last >> shift).abs_diff(first >> shift) as u128 + 1;
            assert!(count <= 1000, "{first} to {last}: {count}");
            assert!(shift == 0 || count > 499, "{first} to {last}: {count}");
        }
    }

    #[test]
    fn neighbouring_ranges_are_one_condition() {
        let buckets = Buckets { by: By::KeyRange { shift: 4 }, seed: 1 };
        let sql = buckets.predicate_sql(&subject(), Side::Source, &[3, -1, 4]);
        assert_eq!(sql, r#"("r"."id" BETWEEN -16 AND -1 OR "r"."id" BETWEEN 48 AND 79)"#);
        let whole = Buckets { by: By::KeyRange { shift: 63 }, seed: 1 };
        let sql = whole.predicate_sql(&subject(), Side::Source, &[-1, 0]);
        assert_eq!(sql, format!(r#"("r"."id" BETWEEN {} AND {})"#, i64::MIN, i64::MAX));
    }

    #[test]
    fn finer_buckets_divide_the_coarser_ones() {
        let buckets = Buckets::for_rows(&subject(), 1_000_000, 1);
        assert_eq!(buckets.by, By::KeyHash { count: 4096 });
        assert_eq!(buckets.finer(6).unwrap().by, By::KeyHash { count: 262_144 });
        let ranges = Buckets { by: By::KeyRange { shift: 3 }, seed: 1 };
        assert_eq!(ranges.finer(4), None);
    }
}
