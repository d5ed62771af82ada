//! One round: a peer's full copy, levada's first copy, and then refresh after refresh.
//!
//! Responsible for: the order of things, and that nothing is measured that is not right. Must not:
//! judge how fast it was.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use testkit::{Database, Proxy};

use crate::changes::{self, Spot};
use crate::levada;
use crate::record::{Deed, Sample, Wire};
use crate::stage::database::{Servers, Source, Subject, count_queries};
use crate::stage::measure::{self, Ended};
use crate::stage::tools::{self, Scratch, Tool, clean};
use crate::{Options, table};

/// Each table as a whole: left free, the planner may walk an index over changed pages instead.
const READ_FROM_END_TO_END: &str = "set max_parallel_workers_per_gather = 0; \
    set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off";
const DELETES_PER_MILLE: u64 = 1;
const EQUAL: i32 = 0;
const DIFFERENT: i32 = 1;

/// All rounds on one database.
pub(crate) struct Contest<'a> {
    pub(crate) options: &'a Options,
    pub(crate) servers: &'a Servers,
    pub(crate) scratch: &'a Scratch,
    pub(crate) peers: &'a [Tool],
    pub(crate) knows_verify: bool,
    pub(crate) subject: Subject,
    pub(crate) samples: Vec<Sample>,
}

impl Contest<'_> {
    pub(crate) fn round(&mut self, round: usize) -> Result<()> {
        let scale = self.options.scale(self.subject);
        let source = Source::look(self.servers.changeable(self.subject, scale)?)?;
        let mut peers = self.peers.to_vec();
        let first = round % peers.len().max(1);
        peers.rotate_left(first);
        for tool in peers {
            self.peer(round, tool, &source).with_context(|| tool.title().to_owned())?;
        }
        let target = self.servers.new_target()?;
        let config = self.configure("levada", source.database.url(), target.url())?;
        self.run(round, Deed::FirstCopy, &config, &target)?;
        source.check(&target, false).context("the first copy is not whole")?;
        target.execute("vacuum")?;
        let mut pair = [Deed::Count, Deed::Unchanged];
        pair.rotate_left(round % 2);
        for deed in pair {
            match deed {
                Deed::Count => self.count(round, &source)?,
                _ => self.run(round, deed, &config, &target)?,
            }
        }
        let mut night = Night { round, source: source.database, target, config };
        self.night(&mut night, Deed::Changed)?;
        self.night(&mut night, Deed::Deleted)?;
        if self.knows_verify {
            self.verify(&night)?;
        }
        self.servers.drop_target()?;
        self.servers.drop_changeable()
    }

    fn configure(&self, name: &str, source: &str, target: &str) -> Result<PathBuf> {
        let file = self.scratch.path().join(format!("{name}.toml"));
        levada::configure(&file, source, target, "")
    }

    fn peer(&mut self, round: usize, tool: Tool, source: &Source) -> Result<()> {
        let target = self.servers.new_target()?;
        let commands = tool.commands(source.database.url(), target.url(), self.scratch.path());
        let sample = self.measure(round, Deed::Peer(tool), commands)?;
        source.check(&target, false).context("the copy is not whole")?;
        self.scratch.clear()?;
        self.servers.drop_target()?;
        self.keep(sample);
        Ok(())
    }

    fn run(&mut self, round: usize, deed: Deed, config: &Path, target: &Database) -> Result<()> {
        let sample = self.measure(round, deed, vec![levada::run(config)])?;
        self.keep(sample);
        self.profile(target)
    }

    fn count(&mut self, round: usize, source: &Source) -> Result<()> {
        let mut command = clean("psql");
        command.args(["-X", "-q", "-d", source.database.url(), "-c", READ_FROM_END_TO_END]);
        for query in count_queries(&source.database)? {
            command.args(["-c", &query]);
        }
        let sample = self.measure(round, Deed::Count, vec![command])?;
        self.keep(sample);
        Ok(())
    }

    /// A day's changes, the refresh, and whether the sides are equal then.
    fn night(&mut self, night: &mut Night, deed: Deed) -> Result<()> {
        let Night { round, source, target, config } = night;
        let (deletes, nth) = match deed {
            Deed::Deleted => (DELETES_PER_MILLE, 2),
            _ => (0, 1),
        };
        let seed = 2 * *round as u64 + nth;
        let changed = changes::make(self.subject, source, seed, deletes)?;
        let mut sample = self.measure(*round, deed, vec![levada::run(config)])?;
        sample.changed = Some(changed);
        let whole = *round == 0 && !self.options.no_digests;
        let now = Source::look(source.clone())?;
        now.check(target, whole).context("the refreshed target is not equal to the source")?;
        self.keep(sample);
        self.profile(target)
    }

    fn verify(&mut self, night: &Night) -> Result<()> {
        let proxies = Proxies::to(self.servers)?;
        let [source, target] = proxies.urls([&night.source, &night.target])?;
        let config = self.configure("verify", &source, &target)?;
        for deed in [Deed::Verify, Deed::VerifyBiggest] {
            self.prove(night.round, deed, &config, &proxies, |ended| {
                (ended.code != Some(EQUAL)).then(|| wrong("says of equal databases", ended))
            })?;
        }
        let spot = Spot::choose(self.subject, &night.target)?;
        spot.flip(&night.target)?;
        let complain = |ended: &Ended| {
            let missing = spot.missing_in(&ended.said);
            if ended.code != Some(DIFFERENT) {
                Some(wrong("says when one bit differs", ended))
            } else if missing.is_empty() {
                None
            } else {
                Some(format!("`levada verify` does not name {}", missing.join(", ")))
            }
        };
        self.prove(night.round, Deed::Flipped, &config, &proxies, complain)?;
        spot.flip(&night.target)
    }

    fn prove(
        &mut self,
        round: usize,
        deed: Deed,
        config: &Path,
        proxies: &Proxies,
        complain: impl FnOnce(&Ended) -> Option<String>,
    ) -> Result<()> {
        let before = proxies.wire();
        let mut command = levada::verify(config);
        if deed == Deed::VerifyBiggest {
            command.arg("--table").arg(format!("public.{}", changes::biggest(self.subject)));
        }
        let (ended, mut sample) = self.attempt(round, deed, vec![command])?;
        let after = proxies.wire();
        sample.wire = Some(Wire {
            source_bytes: after.source_bytes - before.source_bytes,
            target_bytes: after.target_bytes - before.target_bytes,
        });
        sample.complaint = ended.last().and_then(complain);
        self.keep(sample);
        Ok(())
    }

    /// Runs commands that must all succeed.
    fn measure(&self, round: usize, deed: Deed, commands: Vec<Command>) -> Result<Sample> {
        let (ended, sample) = self.attempt(round, deed, commands)?;
        for one in &ended {
            let (program, code) = (&one.usage.program, one.code);
            ensure!(code == Some(0), "{program} failed with {code:?}: {}", one.last_words());
        }
        Ok(sample)
    }

    fn attempt(
        &self,
        round: usize,
        deed: Deed,
        commands: Vec<Command>,
    ) -> Result<(Vec<Ended>, Sample)> {
        self.servers.settle()?;
        let (ended, load) = measure::under_watch(self.servers.postmasters(), || {
            commands.into_iter().map(|command| measure::attempt(command, self.scratch)).collect()
        })?;
        let ended: Vec<Ended> = ended;
        let sample = Sample {
            database: self.subject,
            scale: self.options.scale(self.subject),
            deed,
            round,
            stages: ended.iter().map(|one| one.usage.clone()).collect(),
            load,
            changed: None,
            wire: None,
            complaint: None,
        };
        Ok((ended, sample))
    }

    fn keep(&mut self, sample: Sample) {
        println!("{}", table::line(&sample));
        self.samples.push(sample);
    }

    fn profile(&self, target: &Database) -> Result<()> {
        if self.options.profile {
            println!("{}", tools::report(target)?);
        }
        Ok(())
    }
}

/// What a refresh needs to know.
struct Night {
    round: usize,
    source: Database,
    target: Database,
    config: PathBuf,
}

/// Forwarders to both servers that count what goes through.
struct Proxies {
    source: Proxy,
    target: Proxy,
}

impl Proxies {
    fn to(servers: &Servers) -> Result<Self> {
        Ok(Self {
            source: Proxy::to(servers.source().port())?,
            target: Proxy::to(servers.target().port())?,
        })
    }

    /// The databases, source and target, seen through them.
    fn urls(&self, databases: [&Database; 2]) -> Result<[String; 2]> {
        let name = |database: &Database| -> Result<String> {
            Ok(database.psql("select current_database()")?.trim().to_owned())
        };
        let [source, target] = databases;
        Ok([self.source.url(&name(source)?), self.target.url(&name(target)?)])
    }

    fn wire(&self) -> Wire {
        Wire { source_bytes: self.source.bytes(), target_bytes: self.target.bytes() }
    }
}

fn wrong(when: &str, ended: &Ended) -> String {
    let code = ended.code.map_or("no code".to_owned(), |code| format!("exit code {code}"));
    let words = ended.last_words();
    format!("`levada verify` {when}: {code}, {}", words.lines().last().unwrap_or_default())
}
