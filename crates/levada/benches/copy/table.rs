//! Judges measurements: medians, ratios to the best peer, aims met and missed.
//!
//! Responsible for: the tables and sentences that people read. Pure. Must not: leave out a loss.

use std::collections::BTreeSet;

use crate::record::Measurement;
use crate::stage::database::Subject;
use crate::stage::figures::{self, MEMORY_MIB_AIM, MIB, list, median, shown};
use crate::stage::tools::Tool;

const CPU_SHARE_AIM: f64 = 0.10;

/// The ratio to the best peer's median that a full-scale copy is to reach on two cores.
fn aim(subject: Subject, tool: Tool) -> Option<f64> {
    match (subject, tool) {
        (Subject::Learning, Tool::Levada) => Some(0.60),
        (Subject::Learning, Tool::LevadaValidate) => Some(0.75),
        (Subject::Engagement, Tool::Levada) => Some(0.68),
        _ => None,
    }
}

/// One measurement as it comes in.
pub(crate) fn line(measurement: &Measurement) -> String {
    let Measurement { database, tool, round, stages, load, .. } = measurement;
    let each: Vec<String> =
        stages.iter().map(|stage| format!("{:.1}", stage.wall_seconds)).collect();
    let each = if each.len() > 1 { format!(" ({})", each.join(" + ")) } else { String::new() };
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let tool_cpu: f64 = stages.iter().map(|stage| stage.cpu_seconds).sum();
    let children_cpu: f64 = stages.iter().map(|stage| stage.children_cpu_seconds).sum();
    format!(
        "{:<10} round {} {:<47} {:>7.1} s{each}; CPU s: tool {:.1}+{:.1}, source {:.1}, \
         target {:.1}; machine {:.0} % busy, {:.0} % waiting for the disk; {:.0} MiB",
        database.name(),
        round + 1,
        tool.title(),
        measurement.wall_seconds(),
        tool_cpu,
        children_cpu,
        load.source_cpu_seconds,
        load.target_cpu_seconds,
        100.0 * load.machine_cpu_seconds / measurement.wall_seconds() / cores,
        100.0 * load.disk_wait_seconds / measurement.wall_seconds() / cores,
        measurement.memory_bytes_max() as f64 / MIB,
    )
}

/// The table of one database in Markdown, followed by what it means.
pub(crate) fn whole(measurements: &[Measurement]) -> String {
    let Some(first) = measurements.first() else { return String::new() };
    let field = Field { subject: first.database, measurements };
    let heading =
        format!("**{}**, {}", field.subject.name(), figures::scale(first.database, first.scale));
    let mut lines = vec![
        heading,
        String::new(),
        "| tool | foreign keys | seconds by round | median | to the best peer | by round \
         | peak memory | CPU | CPU of all |"
            .to_owned(),
        "|---|---|---|---:|---:|---|---:|---:|---:|".to_owned(),
    ];
    lines.extend(field.tools().into_iter().map(|tool| field.row(tool)));
    lines.push(String::new());
    lines.extend(field.verdicts());
    lines.join("\n")
}

/// All measurements of one database.
struct Field<'a> {
    subject: Subject,
    measurements: &'a [Measurement],
}

impl Field<'_> {
    fn tools(&self) -> BTreeSet<Tool> {
        self.measurements.iter().map(|measurement| measurement.tool).collect()
    }

    fn of(&self, tool: Tool) -> impl Iterator<Item = &Measurement> {
        self.measurements.iter().filter(move |measurement| measurement.tool == tool)
    }

    fn seconds(&self, tool: Tool) -> Vec<f64> {
        self.of(tool).map(Measurement::wall_seconds).collect()
    }

    /// The peer with the shortest median, and that median.
    fn best_peer(&self) -> Option<(Tool, f64)> {
        let peers = self.tools().into_iter().filter(|tool| !tool.is_levada());
        let medians = peers.filter_map(|tool| Some((tool, median(&self.seconds(tool))?)));
        medians.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn best_peer_of(&self, round: usize) -> Option<f64> {
        let peers = self.measurements.iter().filter(|found| !found.tool.is_levada());
        let of_round = peers.filter(|found| found.round == round);
        of_round.map(Measurement::wall_seconds).min_by(f64::total_cmp)
    }

    fn ratio(&self, tool: Tool) -> Option<f64> {
        Some(median(&self.seconds(tool))? / self.best_peer()?.1)
    }

    fn ratios_by_round(&self, tool: Tool) -> Vec<f64> {
        let ratio =
            |found: &Measurement| Some(found.wall_seconds() / self.best_peer_of(found.round)?);
        self.of(tool).filter_map(ratio).collect()
    }

    fn row(&self, tool: Tool) -> String {
        let keys = self.of(tool).map(|found| found.foreign_keys).last();
        let keys = keys.map_or(String::new(), |keys| match keys.validated == keys.present {
            true => format!("{} validated", keys.present),
            false => format!("{} trusted", keys.present),
        });
        let memory = self.memory_mib(tool).filter(|_| tool.is_levada());
        let cpu = self.cpu_share(tool).filter(|_| tool.is_levada());
        format!(
            "| `{}` | {keys} | {} | {} | {} | {} | {} | {} | {} |",
            tool.title(),
            list(&self.seconds(tool), 1),
            shown(median(&self.seconds(tool)), |seconds| format!("{seconds:.1} s")),
            shown(self.ratio(tool), |ratio| format!("{ratio:.2}")),
            list(&self.ratios_by_round(tool), 2),
            shown(memory, |mib| format!("{mib:.0} MiB")),
            shown(cpu, |share| format!("{:.0} %", 100.0 * share)),
            shown(self.cpu_seconds(tool), |seconds| format!("{seconds:.0} s")),
        )
    }

    fn memory_mib(&self, tool: Tool) -> Option<f64> {
        let memory = self.of(tool).map(|found| found.memory_bytes_max() as f64 / MIB);
        memory.max_by(f64::total_cmp).filter(|mib| *mib > 0.0)
    }

    /// The largest share of the wall time that the process itself kept a core busy.
    fn cpu_share(&self, tool: Tool) -> Option<f64> {
        let share = |found: &Measurement| {
            let cpu: f64 = found.stages.iter().map(|stage| stage.cpu_seconds).sum();
            cpu / found.wall_seconds()
        };
        self.of(tool).map(share).max_by(f64::total_cmp)
    }

    /// The median of what tool and servers computed together.
    fn cpu_seconds(&self, tool: Tool) -> Option<f64> {
        let seconds: Vec<f64> = self.of(tool).map(Measurement::cpu_seconds).collect();
        median(&seconds)
    }

    fn is_full_scale(&self) -> bool {
        self.measurements.iter().all(|found| found.scale == self.subject.full_scale())
    }

    fn losses(&self, tool: Tool) -> Option<String> {
        let ratios = self.ratios_by_round(tool);
        let lost: Vec<f64> = ratios.iter().copied().filter(|ratio| *ratio >= 1.0).collect();
        let worst = lost.iter().copied().max_by(f64::total_cmp)?;
        Some(format!(
            "- **lost**: `{}` was slower than a peer in {} of {} rounds, at worst {worst:.2} times",
            tool.title(),
            lost.len(),
            ratios.len()
        ))
    }

    fn verdicts(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let Some((peer, seconds)) = self.best_peer() else { return lines };
        lines.push(format!("- best peer: `{}`, {seconds:.1} s", peer.title()));
        for tool in self.tools().into_iter().filter(|tool| tool.is_levada()) {
            let (title, name) = (tool.title(), self.subject.name());
            let Some(ratio) = self.ratio(tool) else { continue };
            let standing = match aim(self.subject, tool) {
                _ if !self.is_full_scale() => "too small a scale for an aim".to_owned(),
                Some(aim) if ratio <= aim => format!("aim {aim:.2} met"),
                Some(aim) => format!("aim {aim:.2} **missed**"),
                None => "no aim set".to_owned(),
            };
            lines.push(format!("- `{title}`: {ratio:.2} of the best peer, {standing}"));
            lines.extend(self.losses(tool));
            if let Some(mib) = self.memory_mib(tool).filter(|mib| *mib > MEMORY_MIB_AIM) {
                lines.push(format!(
                    "- **missed**: `{title}` on {name} took {mib:.0} MiB, aim {MEMORY_MIB_AIM} MiB"
                ));
            }
            if let Some(share) = self.cpu_share(tool).filter(|share| *share > CPU_SHARE_AIM) {
                lines.push(format!(
                    "- **missed**: `{title}` on {name} kept {:.0} % of a core busy, aim {:.0} %",
                    100.0 * share,
                    100.0 * CPU_SHARE_AIM
                ));
            }
        }
        lines
    }
}
