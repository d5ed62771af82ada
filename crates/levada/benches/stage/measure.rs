//! The clock, and what the kernel says about processes while it runs.
//!
//! Responsible for: time, memory and processor use of a tool, of the servers, of the machine. Must
//! not: know what is measured. Memory and processor use are read from `/proc` and are zero where
//! there is none.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::tools::Scratch;

const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// What Linux has used on all its platforms since 2.6.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often a server is looked at until no backend ends meanwhile.
const LOOKS_MAX: usize = 100;
const COMPLAINT_LINES_MAX: usize = 15;

/// What one process took.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Usage {
    pub(crate) program: String,
    pub(crate) wall_seconds: f64,
    /// Of the process itself.
    pub(crate) cpu_seconds: f64,
    /// Of the processes it started and waited for.
    pub(crate) children_cpu_seconds: f64,
    /// The high-water mark of the resident memory of the process itself.
    pub(crate) memory_bytes_max: u64,
}

/// What the servers and the machine did meanwhile.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Load {
    pub(crate) source_cpu_seconds: f64,
    pub(crate) target_cpu_seconds: f64,
    /// Of all the machine's processors, by anybody.
    pub(crate) machine_cpu_seconds: f64,
    /// Of all the machine's processors, idle because something waited for a disk.
    pub(crate) disk_wait_seconds: f64,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) usage: Usage,
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Both its outputs.
    pub(crate) said: String,
}

impl Ended {
    /// The end of what was said, for a complaint.
    pub(crate) fn last_words(&self) -> String {
        let lines: Vec<&str> = self.said.lines().collect();
        lines[lines.len().saturating_sub(COMPLAINT_LINES_MAX)..].join("\n")
    }
}

/// Runs a command to its end. Where it fails, the error is the end of what it wrote.
pub(crate) fn run(command: Command, scratch: &Scratch) -> Result<Usage> {
    let ended = attempt(command, scratch)?;
    ensure!(ended.code == Some(0), "{} failed: {}", ended.usage.program, ended.last_words());
    Ok(ended.usage)
}

/// Runs a command to its end, whatever that is.
pub(crate) fn attempt(mut command: Command, scratch: &Scratch) -> Result<Ended> {
    let log = scratch.path().join("log");
    let output = File::create(&log)?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
    let mut usage = Usage {
        program,
        wall_seconds: 0.0,
        cpu_seconds: 0.0,
        children_cpu_seconds: 0.0,
        memory_bytes_max: 0,
    };
    let status = loop {
        // Whoever has ended keeps its figures until it is waited for, all but the memory.
        match ProcessTimes::of(child.id()) {
            Some(times) => {
                usage.cpu_seconds = times.own;
                usage.children_cpu_seconds = times.children;
                if times.has_ended {
                    usage.wall_seconds = started.elapsed().as_secs_f64();
                    break child.wait()?;
                }
            }
            None => {
                if let Some(status) = child.try_wait()? {
                    usage.wall_seconds = started.elapsed().as_secs_f64();
                    break status;
                }
            }
        }
        usage.memory_bytes_max = usage.memory_bytes_max.max(memory_bytes_max(child.id()));
        thread::sleep(POLL_INTERVAL);
    };
    let said = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
    Ok(Ended { usage, code: status.code(), said })
}

/// Looks at the servers and the machine before and after `work`.
pub(crate) fn under_watch<T>(
    postmasters: Result<[Postmaster; 2]>,
    work: impl FnOnce() -> Result<T>,
) -> Result<(T, Load)> {
    let [source, target] = postmasters?;
    let look = || (source.cpu_seconds(), target.cpu_seconds(), MachineTimes::now());
    let before = look();
    let done = work()?;
    let after = look();
    let load = Load {
        source_cpu_seconds: after.0 - before.0,
        target_cpu_seconds: after.1 - before.1,
        machine_cpu_seconds: after.2.busy - before.2.busy,
        disk_wait_seconds: after.2.disk_wait - before.2.disk_wait,
    };
    Ok((done, load))
}

/// The process that all the others of a server descend from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Postmaster(pub(crate) u32);

impl Postmaster {
    /// Of the server since its start, backends that have ended included.
    fn cpu_seconds(self) -> f64 {
        let mut seconds = 0.0;
        for _ in 0..LOOKS_MAX {
            let before = self.times();
            let living = fs::read_dir("/proc").into_iter().flatten().flatten();
            let living = living.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            let living = living.filter_map(ProcessTimes::of).filter(|one| one.parent == self.0);
            seconds = before.0 + before.1 + living.map(|one| one.own + one.children).sum::<f64>();
            // A backend that was waited for meanwhile may be in neither sum.
            if self.times().1 <= before.1 {
                break;
            }
        }
        seconds
    }

    /// Its own, and of the children that it has waited for.
    fn times(self) -> (f64, f64) {
        ProcessTimes::of(self.0).map_or((0.0, 0.0), |times| (times.own, times.children))
    }
}

/// `/proc/PID/stat`, see proc(5).
struct ProcessTimes {
    parent: u32,
    has_ended: bool,
    own: f64,
    children: f64,
}

impl ProcessTimes {
    fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The program's name stands in parentheses and may itself hold spaces and parentheses.
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split_whitespace().collect();
        let seconds = |field: usize| -> Option<f64> {
            Some(fields.get(field - 3)?.parse::<f64>().ok()? / TICKS_PER_SECOND)
        };
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            has_ended: matches!(*fields.first()?, "Z" | "X"),
            own: seconds(14)? + seconds(15)?,
            children: seconds(16)? + seconds(17)?,
        })
    }
}

/// The first line of `/proc/stat`.
#[derive(Default)]
struct MachineTimes {
    busy: f64,
    disk_wait: f64,
}

impl MachineTimes {
    fn now() -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let fields = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
        let times: Vec<f64> = fields.map_while(|field| field.parse().ok()).collect();
        match times[..] {
            [user, nice, system, _idle, disk_wait, interrupt, soft, stolen, ..] => Self {
                busy: (user + nice + system + interrupt + soft + stolen) / TICKS_PER_SECOND,
                disk_wait: disk_wait / TICKS_PER_SECOND,
            },
            _ => Self::default(),
        }
    }
}

fn memory_bytes_max(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}
