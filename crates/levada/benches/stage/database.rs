//! The two servers, the databases to copy, and the check that a copy is whole.
//!
//! Responsible for: generating the sources once, copies of them to be changed, empty targets,
//! equality with the source. Must not: know which tool made a copy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use testkit::{Cluster, Content, Database, Installation, quote_identifier, quote_literal};

use super::measure::Postmaster;

const TARGET: &str = "copy";
const CHANGEABLE: &str = "changing";
const COUNTS: &str = include_str!("counts.sql");
const OBJECTS: &str = include_str!("objects.sql");
const SETTINGS: &str = include_str!("settings.sql");
const WARM_UP: &str = include_str!("warm_up.sql");
const VALIDATED: &str = "validated foreign keys";
const FOREIGN_KEYS: &str = "constraints f";

/// What is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Subject {
    Learning,
    Engagement,
}

impl Subject {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Engagement => "engagement",
        }
    }

    /// The scale that the aims are stated for.
    pub(crate) fn full_scale(self) -> u64 {
        match self {
            Self::Learning => 2_000_000,
            Self::Engagement => 13_000_000,
        }
    }

    fn generator(self) -> (PathBuf, &'static str) {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/stage");
        match self {
            Self::Learning => (dir.join("learning.sql"), "n"),
            Self::Engagement => (dir.join("engagement.sql"), "rows"),
        }
    }
}

/// A durable source and a durable target, with nothing adjusted but what logical decoding needs.
pub(crate) struct Servers {
    source: Cluster,
    target: Cluster,
}

impl Servers {
    pub(crate) fn start(installation: &Installation, keep: Option<&Path>) -> Result<Self> {
        Self::start_with(installation, keep, &Side { name: "target", settings: &[] })
    }

    /// With a target server of its own name and settings.
    pub(crate) fn start_with(
        installation: &Installation,
        keep: Option<&Path>,
        target: &Side<'_>,
    ) -> Result<Self> {
        let source = Side { name: "source", settings: &[("wal_level", "logical")] };
        let source = source.start(installation, keep)?;
        Ok(Self { source, target: target.start_warm(installation, keep)? })
    }

    /// The database of this scale, generated unless an earlier call has kept it.
    pub(crate) fn source_of(&self, subject: Subject, scale: u64) -> Result<Source> {
        Source::look(self.source.database(&self.generated(subject, scale)?))
    }

    /// A copy of that database, as it was generated, in which rows may be changed. There is one at
    /// a time.
    pub(crate) fn changeable(&self, subject: Subject, scale: u64) -> Result<Database> {
        let generated = quote_identifier(&self.generated(subject, scale)?);
        drop_database(&self.source, CHANGEABLE)?;
        // The other strategy would write all of it into the write-ahead log as well.
        let by_file = self.source.installation().major() >= 15;
        let strategy = if by_file { " strategy file_copy" } else { "" };
        self.source.database("postgres").execute(&format!(
            "create database {} template {generated}{strategy}",
            quote_identifier(CHANGEABLE)
        ))?;
        Ok(self.source.database(CHANGEABLE))
    }

    pub(crate) fn drop_changeable(&self) -> Result<()> {
        drop_database(&self.source, CHANGEABLE)
    }

    /// The name of the generated database.
    fn generated(&self, subject: Subject, scale: u64) -> Result<String> {
        let name = format!("{}_{scale}", subject.name());
        let maintenance = self.source.database("postgres");
        let found = maintenance.psql(&format!(
            "select count(*) from pg_database where datname = {}",
            quote_literal(&name)
        ))?;
        if found.trim() == "0" {
            println!("generating {name}");
            let started = Instant::now();
            let unfinished = format!("{name}_unfinished");
            drop_database(&self.source, &unfinished)?;
            let database = self.source.create_database(&unfinished)?;
            let (script, variable) = subject.generator();
            database.load_file(&script, &[(variable, &scale.to_string())])?;
            let (unfinished, quoted) = (quote_identifier(&unfinished), quote_identifier(&name));
            maintenance.execute(&format!("alter database {unfinished} rename to {quoted}"))?;
            println!("generated in {:.0} s", started.elapsed().as_secs_f64());
        }
        Ok(name)
    }

    /// An empty database.
    pub(crate) fn new_target(&self) -> Result<Database> {
        self.drop_target()?;
        self.target.create_database(TARGET)
    }

    pub(crate) fn drop_target(&self) -> Result<()> {
        drop_database(&self.target, TARGET)
    }

    /// Lets nothing of what went before be written during what comes next.
    pub(crate) fn settle(&self) -> Result<()> {
        settle(&[&self.source, &self.target])
    }

    pub(crate) fn source(&self) -> &Cluster {
        &self.source
    }

    pub(crate) fn target(&self) -> &Cluster {
        &self.target
    }

    pub(crate) fn postmasters(&self) -> Result<[Postmaster; 2]> {
        let find = |cluster: &Cluster| -> Result<Postmaster> {
            let first_line = "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)";
            let pid = cluster.database("postgres").psql(first_line)?;
            Ok(Postmaster(pid.trim().parse()?))
        };
        Ok([find(&self.source)?, find(&self.target)?])
    }

    /// Settings that matter, of the source and of the target.
    pub(crate) fn settings(&self) -> Result<[BTreeMap<String, String>; 2]> {
        let read = |cluster: &Cluster| pairs(&cluster.database("postgres"), SETTINGS);
        Ok([read(&self.source)?, read(&self.target)?])
    }
}

/// Checkpoints the servers and waits until all is on disk.
pub(crate) fn settle(clusters: &[&Cluster]) -> Result<()> {
    for cluster in clusters {
        cluster.database("postgres").execute("checkpoint")?;
    }
    let status = Command::new("sync").status().context("cannot run sync")?;
    ensure!(status.success(), "sync failed");
    Ok(())
}

/// What a server is called, and what is adjusted.
pub(crate) struct Side<'a> {
    pub(crate) name: &'a str,
    pub(crate) settings: &'a [(&'a str, &'a str)],
}

impl Side<'_> {
    fn start(&self, installation: &Installation, keep: Option<&Path>) -> Result<Cluster> {
        let mut builder = Cluster::builder(installation).durable(true);
        for (name, value) in self.settings {
            builder = builder.setting(name, value);
        }
        if let Some(keep) = keep {
            builder = builder.dir(keep.join(self.name));
        }
        builder.start().with_context(|| format!("cannot start the {} server", self.name))
    }

    /// A server that has written as much log as one that has been in use.
    pub(crate) fn start_warm(
        &self,
        installation: &Installation,
        keep: Option<&Path>,
    ) -> Result<Cluster> {
        let cluster = self.start(installation, keep)?;
        cluster.database("postgres").execute(WARM_UP)?;
        Ok(cluster)
    }
}

fn drop_database(cluster: &Cluster, name: &str) -> Result<()> {
    let statement = format!("drop database if exists {} with (force)", quote_identifier(name));
    cluster.database("postgres").execute(&format!("set client_min_messages = error; {statement}"))
}

/// A database to copy, and what is in it.
pub(crate) struct Source {
    pub(crate) database: Database,
    counts: BTreeMap<String, String>,
    objects: BTreeMap<String, String>,
    content: std::cell::OnceCell<Content>,
}

/// How many foreign keys a copy has, and how many of them it has checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct ForeignKeys {
    pub(crate) present: u32,
    pub(crate) validated: u32,
}

impl Source {
    pub(crate) fn look(database: Database) -> Result<Self> {
        Ok(Self {
            counts: counts(&database)?,
            objects: pairs(&database, OBJECTS)?,
            content: std::cell::OnceCell::new(),
            database,
        })
    }

    /// Fails unless `target` holds as much as the source: rows of each table, indexes,
    /// constraints; with `whole` also the same values and the same sequences.
    pub(crate) fn check(&self, target: &Database, whole: bool) -> Result<ForeignKeys> {
        let found = counts(target)?;
        ensure!(found == self.counts, "rows: {found:?}, the source has {:?}", self.counts);
        let mut objects = pairs(target, OBJECTS)?;
        let number = |objects: &BTreeMap<String, String>, kind: &str| -> Result<u32> {
            Ok(objects.get(kind).map_or("0", String::as_str).parse()?)
        };
        let foreign_keys = ForeignKeys {
            present: number(&objects, FOREIGN_KEYS)?,
            validated: number(&objects, VALIDATED)?,
        };
        objects.insert(VALIDATED.to_owned(), number(&self.objects, VALIDATED)?.to_string());
        ensure!(objects == self.objects, "{objects:?}, the source has {:?}", self.objects);
        if whole {
            if self.content.get().is_none() {
                let _ = self.content.set(self.database.content()?);
            }
            ensure!(Some(&target.content()?) == self.content.get(), "the values differ");
        }
        Ok(foreign_keys)
    }
}

fn counts(database: &Database) -> Result<BTreeMap<String, String>> {
    pairs(database, &count_queries(database)?.join(" union all "))
}

/// A query for each table, answering its name and its number of rows.
pub(crate) fn count_queries(database: &Database) -> Result<Vec<String>> {
    Ok(database.query_rows(COUNTS)?.concat())
}

fn pairs(database: &Database, query: &str) -> Result<BTreeMap<String, String>> {
    let rows = database.query_rows(query)?;
    let pair = |row: Vec<String>| {
        let [key, value] = <[String; 2]>::try_from(row).ok()?;
        Some((key, value))
    };
    rows.into_iter().map(pair).collect::<Option<_>>().context("expected rows of two fields")
}
