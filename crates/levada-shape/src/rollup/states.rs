//! How buckets age: what each is called at the moment of the source that an edition has seen, and
//! through when a rollup is complete. Pure; no clock is read.

use std::fmt;

use jiff::Timestamp;

use crate::rollup::definition::Buckets;

/// What may be said of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Rows of its time may still be missing.
    Open,
    /// Complete, but rows of it still change.
    Provisional,
    /// Complete; late changes are followed.
    Closed,
    /// Complete; late changes are not followed any more.
    Final,
    /// It was found to be wrong and will be computed again.
    Failed,
    /// It passed without having been computed while its rows were there.
    Gap,
}

impl State {
    /// Whether statistics may show the bucket as complete.
    pub(crate) fn is_complete(self) -> bool {
        matches!(self, Self::Provisional | Self::Closed | Self::Final)
    }

    /// The state that a record names.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all =
            [Self::Open, Self::Provisional, Self::Closed, Self::Final, Self::Failed, Self::Gap];
        all.into_iter().find(|state| state.to_string() == text)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Provisional => "provisional",
            Self::Closed => "closed",
            Self::Final => "final",
            Self::Failed => "failed",
            Self::Gap => "gap",
        })
    }
}

impl Buckets {
    /// Whether rows of a bucket may have been removed from production by now. Production may count
    /// its days by a clock that is changed meanwhile: two hours are left for that.
    pub(crate) fn is_beyond_retention(&self, start: Timestamp, as_of: Timestamp) -> bool {
        const CLOCK_CHANGES: jiff::SignedDuration = jiff::SignedDuration::from_hours(2);
        let begins = |retention| before(as_of, retention - CLOCK_CHANGES);
        self.retention.is_some_and(|retention| start < begins(retention))
    }

    /// Whether the bucket keeps the numbers it has.
    pub(crate) fn is_frozen(
        &self,
        start: Timestamp,
        past: Option<State>,
        as_of: Timestamp,
    ) -> bool {
        past == Some(State::Final)
            || past == Some(State::Gap)
            || self.is_beyond_retention(start, as_of)
    }

    /// The state of a bucket from `start` to `end`, all of whose rows up to `as_of` are counted
    /// unless it is frozen. `finer_through` is how far the rollup below is complete.
    pub(crate) fn state(
        &self,
        (start, end): (Timestamp, Timestamp),
        past: Option<State>,
        as_of: Timestamp,
        finer_through: Option<Option<Timestamp>>,
    ) -> State {
        let has_passed = |after: jiff::SignedDuration| before(as_of, after) >= end;
        match past {
            // Nobody can set right any more what was never complete, or found wrong.
            None | Some(State::Open | State::Failed) if self.is_beyond_retention(start, as_of) => {
                return State::Gap;
            }
            // It was not counted again after its rows had settled.
            Some(State::Provisional) if self.is_beyond_retention(start, as_of) => {
                return State::Provisional;
            }
            Some(past @ (State::Final | State::Gap | State::Failed)) => return past,
            _ => {}
        }
        let children_are_closed =
            finer_through.is_none_or(|through| through.is_some_and(|through| through >= end));
        if !has_passed(self.grace) || !children_are_closed {
            State::Open
        } else if !has_passed(self.settles.longest()) {
            State::Provisional
        } else if self.restate_for.is_some_and(has_passed) {
            State::Final
        } else {
            State::Closed
        }
    }

    /// The values of the settling dimension whose rows still change; `*` stands for all others.
    pub(crate) fn settling(&self, end: Timestamp, as_of: Timestamp) -> Vec<String> {
        let still = |after: jiff::SignedDuration| before(as_of, after) < end;
        let values = self.settles.values.iter();
        let named = values.filter(|(_, after)| still(**after)).map(|(value, _)| value.clone());
        let others = still(self.settles.others).then(|| "*".to_owned());
        named.chain(others).collect()
    }

    /// The type of the column `bucket`.
    pub(crate) fn label_type(&self) -> &'static str {
        match self.grain {
            crate::calendar::Grain::Hour => "timestamptz",
            _ => "date",
        }
    }
}

fn before(at: Timestamp, duration: jiff::SignedDuration) -> Timestamp {
    at.checked_sub(duration).unwrap_or(Timestamp::MIN)
}

/// Through when buckets in order are complete: the end of the last before the first that is not.
/// Gaps are stated and passed over.
pub(crate) fn closed_through<'a, T>(
    buckets: impl Iterator<Item = (State, &'a T)>,
) -> Option<&'a T> {
    buckets
        .take_while(|(state, _)| state.is_complete() || *state == State::Gap)
        .filter(|(state, _)| state.is_complete())
        .map(|(_, bucket)| bucket)
        .last()
}

#[cfg(test)]
#[path = "states_tests.rs"]
mod tests;
