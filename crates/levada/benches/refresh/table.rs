//! Judges samples: medians, ratios to the best peer's full copy, aims met and missed.
//!
//! Responsible for: the tables and sentences that people read. Pure. Must not: leave out a miss.

use std::collections::BTreeSet;

use crate::record::{Deed, Sample, Wire};
use crate::stage::database::Subject;
use crate::stage::figures::{self, MEMORY_MIB_AIM, MIB, list, median, shown};

/// Stands where the proof would.
pub(crate) const NO_VERIFY: &str =
    "**not measured**: this levada has no command `verify`, so neither proof was made";
/// Of a proof that finds one bit, to one that finds nothing.
const FLIPPED_AIM: f64 = 2.0;
/// Of the source's processors: an unchanged refresh to the count.
const SOURCE_CPU_AIM: f64 = 2.0;
/// The least that the kernel tells of a processor's time.
const TICK_SECONDS: f64 = 0.01;
/// Of a proof of equality, for the biggest table.
const WIRE_BYTES_AIM: u64 = 1_000_000;

impl Deed {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Peer(tool) => tool.title(),
            Self::FirstCopy => "levada run, the first copy",
            Self::Count => "count(*) of all tables, one session",
            Self::Unchanged => "levada run, nothing changed",
            Self::Changed => "levada run, 1 % updated, 0.5 % inserted",
            Self::Deleted => "levada run, the same and 0.1 % deleted",
            Self::Verify => "levada verify, equal",
            Self::VerifyBiggest => "levada verify --table, the biggest, equal",
            Self::Flipped => "levada verify, one bit differs",
        }
    }

    fn is_peer(self) -> bool {
        matches!(self, Self::Peer(_))
    }

    fn is_levada(self) -> bool {
        !self.is_peer() && self != Self::Count
    }

    /// The ratio to the best peer's median that is to be reached at full scale on two cores.
    fn aim(self) -> Option<f64> {
        match self {
            Self::Unchanged => Some(0.03),
            Self::Changed => Some(0.12),
            Self::Deleted => Some(0.15),
            Self::Verify => Some(0.10),
            _ => None,
        }
    }
}

/// One sample as it comes in.
pub(crate) fn line(sample: &Sample) -> String {
    let levada_cpu: f64 = sample.stages.iter().map(|stage| stage.cpu_seconds).sum();
    let mut line = format!(
        "{:<10} round {} {:<40} {:>7.2} s; CPU s: tool {levada_cpu:.1}, source {:.2}, target \
         {:.2}; {:.0} MiB",
        sample.database.name(),
        sample.round + 1,
        sample.deed.title(),
        sample.wall_seconds(),
        sample.load.source_cpu_seconds,
        sample.load.target_cpu_seconds,
        sample.memory_bytes_max() as f64 / MIB,
    );
    if let Some(changed) = sample.changed {
        line += &format!(
            "; {} updated, {} inserted, {} deleted",
            changed.updated, changed.inserted, changed.deleted
        );
    }
    if let Some(wire) = sample.wire {
        line += &format!("; bytes: source {}, target {}", wire.source_bytes, wire.target_bytes);
    }
    if let Some(complaint) = &sample.complaint {
        line += &format!("; WRONG: {complaint}");
    }
    line
}

/// The table of one database in Markdown, followed by what it means.
pub(crate) fn whole(samples: &[Sample]) -> String {
    let Some(first) = samples.first() else { return String::new() };
    let field = Field { samples, subject: first.database, scale: first.scale };
    let mut lines = vec![
        format!("**{}**, {}", field.subject.name(), figures::scale(field.subject, field.scale)),
        String::new(),
        "| what | seconds by round | median | to the best peer | by round | aim | peak memory \
         | CPU source | CPU target |"
            .to_owned(),
        "|---|---|---:|---:|---|---|---:|---:|---:|".to_owned(),
    ];
    lines.extend(field.deeds().into_iter().map(|deed| field.row(deed)));
    lines.push(String::new());
    lines.extend(field.verdicts());
    lines.join("\n")
}

/// All samples of one database.
struct Field<'a> {
    samples: &'a [Sample],
    subject: Subject,
    scale: u64,
}

impl Field<'_> {
    fn deeds(&self) -> BTreeSet<Deed> {
        self.samples.iter().map(|sample| sample.deed).collect()
    }

    fn of(&self, deed: Deed) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.deed == deed)
    }

    fn figures(&self, deed: Deed, figure: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.of(deed).map(figure).collect()
    }

    fn median(&self, deed: Deed, figure: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(&self.figures(deed, figure))
    }

    /// The peer with the shortest median, and that median.
    fn best_peer(&self) -> Option<(Deed, f64)> {
        let peers = self.deeds().into_iter().filter(|deed| deed.is_peer());
        let medians =
            peers.filter_map(|peer| Some((peer, self.median(peer, Sample::wall_seconds)?)));
        medians.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn ratio(&self, deed: Deed) -> Option<f64> {
        Some(self.median(deed, Sample::wall_seconds)? / self.best_peer()?.1)
    }

    fn ratios_by_round(&self, deed: Deed) -> Vec<f64> {
        let best_of = |round: usize| {
            let peers = self.samples.iter().filter(|found| found.deed.is_peer());
            let of_round = peers.filter(|found| found.round == round);
            of_round.map(Sample::wall_seconds).min_by(f64::total_cmp)
        };
        let ratio = |found: &Sample| Some(found.wall_seconds() / best_of(found.round)?);
        self.of(deed).filter_map(ratio).collect()
    }

    fn row(&self, deed: Deed) -> String {
        let memory = self.memory_mib(deed).filter(|_| deed.is_levada());
        let cpu = |figure: fn(&Sample) -> f64| {
            shown(self.median(deed, figure), |seconds| format!("{seconds:.2} s"))
        };
        format!(
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |",
            deed.title(),
            list(&self.figures(deed, Sample::wall_seconds), 2),
            shown(self.median(deed, Sample::wall_seconds), |seconds| format!("{seconds:.2} s")),
            shown(self.ratio(deed), |ratio| format!("{ratio:.3}")),
            list(&self.ratios_by_round(deed), 3),
            deed.aim().map_or(String::new(), |aim| format!("{aim:.2}: {}", self.standing(deed))),
            shown(memory, |mib| format!("{mib:.0} MiB")),
            cpu(|sample| sample.load.source_cpu_seconds),
            cpu(|sample| sample.load.target_cpu_seconds),
        )
    }

    fn standing(&self, deed: Deed) -> &'static str {
        match (self.ratio(deed), deed.aim()) {
            _ if !self.is_full_scale() => "too small a scale",
            (Some(ratio), Some(aim)) => met(ratio <= aim),
            _ => "",
        }
    }

    fn memory_mib(&self, deed: Deed) -> Option<f64> {
        let memory = self.of(deed).map(|found| found.memory_bytes_max() as f64 / MIB);
        memory.max_by(f64::total_cmp).filter(|mib| *mib > 0.0)
    }

    fn is_full_scale(&self) -> bool {
        self.scale == self.subject.full_scale()
    }

    fn verdicts(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((peer, seconds)) = self.best_peer() {
            lines.push(format!("- best peer: `{}`, {seconds:.1} s", peer.title()));
        }
        lines.extend(self.source_cpu());
        match self.of(Deed::Verify).next() {
            Some(_) => lines.extend(self.proofs()),
            None => lines.push(format!("- {NO_VERIFY}")),
        }
        lines.extend(self.memory());
        for sample in self.samples {
            if let Some(complaint) = &sample.complaint {
                lines.push(format!("- **wrong** in round {}: {complaint}", sample.round + 1));
            }
        }
        lines
    }

    fn source_cpu(&self) -> Option<String> {
        let seconds = |deed: Deed| self.median(deed, |sample| sample.load.source_cpu_seconds);
        let (unchanged, count) = (seconds(Deed::Unchanged)?, seconds(Deed::Count)?);
        Some(format!(
            "- source CPU of an unchanged refresh: {unchanged:.2} s, {:.2} times the {count:.2} s \
             of the count, aim {SOURCE_CPU_AIM}: {}",
            unchanged / count.max(TICK_SECONDS),
            self.at_scale(unchanged <= SOURCE_CPU_AIM * count)
        ))
    }

    fn proofs(&self) -> Vec<String> {
        let seconds = |deed: Deed| self.median(deed, Sample::wall_seconds);
        let flipped = seconds(Deed::Verify).zip(seconds(Deed::Flipped)).map(|(equal, flipped)| {
            format!(
                "- to find one flipped bit took {:.2} times as long as to prove equality, aim \
                 {FLIPPED_AIM}: {}",
                flipped / equal,
                self.at_scale(flipped <= FLIPPED_AIM * equal)
            )
        });
        let wires = [
            self.wire(Deed::VerifyBiggest).map(|wire| {
                let is_met = wire.source_bytes + wire.target_bytes < WIRE_BYTES_AIM;
                format!(
                    "- over the wire to prove the biggest table equal: {}, aim less than {} kB: {}",
                    spelled(wire),
                    WIRE_BYTES_AIM / 1000,
                    self.at_scale(is_met)
                )
            }),
            self.wire(Deed::Verify)
                .map(|wire| format!("- to prove all tables equal: {}", spelled(wire))),
            self.wire(Deed::Flipped)
                .map(|wire| format!("- to find the flipped bit: {}", spelled(wire))),
        ];
        flipped.into_iter().chain(wires.into_iter().flatten()).collect()
    }

    /// The most that went over the wire in any round.
    fn wire(&self, deed: Deed) -> Option<Wire> {
        let wires = self.of(deed).filter_map(|sample| sample.wire);
        wires.max_by_key(|wire| wire.source_bytes + wire.target_bytes)
    }

    fn memory(&self) -> Option<String> {
        let deeds = self.deeds().into_iter().filter(|deed| deed.is_levada());
        let most = deeds.filter_map(|deed| Some((deed, self.memory_mib(deed)?)));
        let (deed, mib) = most.max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(format!(
            "- memory: at most {mib:.0} MiB, by `{}`, aim {MEMORY_MIB_AIM} MiB: {}",
            deed.title(),
            met(mib <= MEMORY_MIB_AIM)
        ))
    }

    fn at_scale(&self, is_met: bool) -> &'static str {
        if self.is_full_scale() { met(is_met) } else { "too small a scale" }
    }
}

fn spelled(wire: Wire) -> String {
    let kilobytes = |bytes: u64| bytes as f64 / 1e3;
    format!(
        "{:.0} kB (source {:.0}, target {:.0})",
        kilobytes(wire.source_bytes + wire.target_bytes),
        kilobytes(wire.source_bytes),
        kilobytes(wire.target_bytes)
    )
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "**missed**" }
}
