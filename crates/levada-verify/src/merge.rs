//! Puts the rows of both sides side by side: which are missing, extra, changed. Pure.

use std::collections::BTreeMap;

use crate::difference::Counts;

/// The values of a key, each as `render::spelled` writes it.
pub(crate) type Key = Vec<String>;

/// Where a row version stands: the table's object id and the ctid.
pub(crate) type Place = (u32, String);

/// When a row of the source was written, seen from the snapshot of an edition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// The snapshot saw it; so is everything where there is no edition.
    Before,
    /// By a transaction that was neither finished for sure nor known to be running: a part of a
    /// running one has a number of its own.
    Unclear,
    Since,
}

/// A row of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowSeen {
    pub(crate) hash: i64,
    pub(crate) place: Place,
    pub(crate) written: Written,
}

/// The rows of a key on both sides; more than one where a side does not enforce the key.
#[derive(Debug, Default)]
pub(crate) struct Both {
    pub(crate) source: Vec<RowSeen>,
    pub(crate) target: Vec<RowSeen>,
}

/// How many rows of one hash there are on both sides, and how many of the source's were written
/// since the edition, or perhaps.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Nameless {
    pub(crate) source: u64,
    pub(crate) since: u64,
    pub(crate) unclear: u64,
    pub(crate) target: u64,
}

/// A changed row: its key, and where both versions stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) key: Key,
    pub(crate) source: Place,
    pub(crate) target: Place,
}

/// What was found, with the first keys and changed rows up to a limit.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) counts: Counts,
    pub(crate) missing: Vec<Key>,
    pub(crate) extra: Vec<Key>,
    pub(crate) changed: Vec<Changed>,
}

impl Found {
    /// Adds what `rows` tell; lists do not grow beyond `limit`.
    pub(crate) fn add(&mut self, rows: BTreeMap<Key, Both>, limit: usize) {
        for (key, mut both) in rows {
            both.leave_out_equal();
            let pairs = both.source.len().min(both.target.len());
            for (source, target) in both.source.iter().zip(&both.target) {
                if !self.is_difference(source.written) {
                    continue;
                }
                self.counts.changed += 1;
                let (source, target) = (source.place.clone(), target.place.clone());
                keep(&mut self.changed, limit, || Changed { key: key.clone(), source, target });
            }
            for row in &both.source[pairs..] {
                if self.is_difference(row.written) {
                    self.counts.missing += 1;
                    keep(&mut self.missing, limit, || key.clone());
                }
            }
            for _ in &both.target[pairs..] {
                self.counts.extra += 1;
                keep(&mut self.extra, limit, || key.clone());
            }
        }
    }

    /// Adds rows without a name, the counts of each hash.
    pub(crate) fn add_nameless(&mut self, rows: impl Iterator<Item = Nameless>) {
        for row in rows {
            let missing = row.source.saturating_sub(row.target);
            // A new row among equals explains one that is missing.
            let since = missing.min(row.since);
            let unclear = (missing - since).min(row.unclear);
            self.counts.changed_since += since;
            self.counts.unclear += unclear;
            self.counts.missing += missing - since - unclear;
            self.counts.extra += row.target.saturating_sub(row.source);
        }
    }

    /// Counts a row that is none, for the moment of its writing.
    fn is_difference(&mut self, written: Written) -> bool {
        match written {
            Written::Before => return true,
            Written::Unclear => self.counts.unclear += 1,
            Written::Since => self.counts.changed_since += 1,
        }
        false
    }
}

impl Both {
    fn leave_out_equal(&mut self) {
        let target = &mut self.target;
        self.source.retain(|row| {
            let equal = target.iter().position(|other| other.hash == row.hash);
            equal.map(|index| target.swap_remove(index)).is_none()
        });
    }
}

fn keep<T>(list: &mut Vec<T>, limit: usize, make: impl FnOnce() -> T) {
    if list.len() < limit {
        list.push(make());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Written::{Before, Since, Unclear};

    fn row(hash: i64, written: Written) -> RowSeen {
        RowSeen { hash, place: (1, format!("(0,{hash})")), written }
    }

    fn found(rows: &[(&str, &[RowSeen], &[RowSeen])]) -> Found {
        let rows = rows.iter().map(|(key, source, target)| {
            let both = Both { source: source.to_vec(), target: target.to_vec() };
            (vec![(*key).to_owned()], both)
        });
        let mut found = Found::default();
        found.add(rows.collect(), 10);
        found
    }

    #[test]
    fn rows_are_missing_extra_changed_or_equal() {
        let found = found(&[
            ("a", &[row(1, Before)], &[row(1, Before)]),
            ("b", &[row(1, Before)], &[row(2, Before)]),
            ("c", &[row(1, Before)], &[]),
            ("d", &[], &[row(1, Before)]),
        ]);
        let counts = Counts { missing: 1, extra: 1, changed: 1, ..Counts::default() };
        assert_eq!(found.counts, counts);
        assert_eq!((found.missing[0][0].as_str(), found.extra[0][0].as_str()), ("c", "d"));
        assert_eq!(found.changed[0].key, ["b"]);
    }

    #[test]
    fn what_the_source_wrote_since_is_no_difference() {
        let found = found(&[
            ("a", &[row(1, Since)], &[row(2, Before)]),
            ("b", &[row(1, Since)], &[]),
            ("c", &[row(1, Before)], &[row(3, Before)]),
            ("d", &[row(1, Unclear)], &[]),
        ]);
        let counts = Counts { changed: 1, changed_since: 2, unclear: 1, ..Counts::default() };
        assert_eq!(found.counts, counts);
    }

    #[test]
    fn a_key_that_stands_twice_is_told_once_too_often() {
        let found = found(&[("a", &[row(1, Before)], &[row(2, Before), row(1, Before)])]);
        assert_eq!(found.counts, Counts { extra: 1, ..Counts::default() });
    }

    #[test]
    fn rows_without_a_name_are_counted() {
        let mut found = Found::default();
        let rows = [(3, 0, 0, 2), (1, 1, 0, 0), (0, 0, 0, 4), (5, 0, 0, 5), (2, 1, 1, 0)];
        let rows = rows.map(|(source, since, unclear, target)| Nameless {
            source,
            since,
            unclear,
            target,
        });
        found.add_nameless(rows.into_iter());
        let counts = Counts { missing: 1, extra: 4, changed: 0, changed_since: 2, unclear: 1 };
        assert_eq!(found.counts, counts);
    }
}
