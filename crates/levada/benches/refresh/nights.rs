//! Many nights of changes and refreshes into two targets that differ in their fill factor.
//!
//! Responsible for: what happens in a night, and that both targets are equal to the source at the
//! end. The table is in `nights_table.rs`. Must not: hurry autovacuum but for how often it looks.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use testkit::{Cluster, Database, Installation, wait_for};

use crate::changes::{self, Changed};
use crate::stage::database::{self, Servers, Side, Source, Subject};
use crate::stage::measure::{self, Usage};
use crate::stage::setup::Setup;
use crate::stage::tools::Scratch;
use crate::{Options, levada, nights_table};

const SIZES: &str = include_str!("sizes.sql");
const TABLE: &str = "public.engagement_event";
const TARGET: &str = "nights";
/// A night takes seconds here, so autovacuum looks each second, not each minute. What makes it
/// act, and at what pace, is the default.
const SETTINGS: &[(&str, &str)] = &[("autovacuum_naptime", "1s")];
/// Time for autovacuum to look at all databases after a night.
const DAY: Duration = Duration::from_secs(4);
const DAY_MAX: Duration = Duration::from_secs(1800);

/// The big table of one target.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Sizes {
    pub(crate) heap_bytes: i64,
    pub(crate) index_bytes: i64,
    pub(crate) dead_rows: i64,
    pub(crate) updated: i64,
    /// Updates that needed no new index entries.
    pub(crate) updated_in_place: i64,
    pub(crate) autovacuums: i64,
    /// Position in the write-ahead log of the target's server.
    pub(crate) wal_bytes: i64,
}

/// One refresh.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refresh {
    pub(crate) night: u32,
    pub(crate) changed: Changed,
    pub(crate) usage: Usage,
    /// What the server wrote meanwhile.
    pub(crate) wal_bytes: i64,
    /// After it, and before autovacuum came.
    pub(crate) sizes: Sizes,
}

/// All that one target went through.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Variant {
    pub(crate) fillfactor: u8,
    /// After the first copy.
    pub(crate) first: Sizes,
    pub(crate) refreshes: Vec<Refresh>,
    /// After the last night and what autovacuum did then.
    pub(crate) last: Sizes,
}

pub(crate) fn run(
    nights: u32,
    options: &Options,
    installation: &Installation,
    scratch: &Scratch,
) -> Result<()> {
    ensure!(nights > 0, "--nights needs at least one night");
    let keep = options.keep.as_deref();
    let packed = Side { name: "target-100", settings: SETTINGS };
    let loose = Side { name: "target-90", settings: SETTINGS };
    let servers = Servers::start_with(installation, keep, &packed)?;
    let loose = loose.start_warm(installation, keep)?;
    let source = servers.changeable(Subject::Engagement, options.night_rows)?;
    let mut targets = [(servers.target(), 100), (&loose, 90)]
        .into_iter()
        .map(|(cluster, fillfactor)| Target::load(cluster, fillfactor, &source, scratch))
        .collect::<Result<Vec<_>>>()?;
    for night in 1..=nights {
        let changed = changes::make(Subject::Engagement, &source, night.into(), 0)?;
        // Who comes first changes from night to night.
        targets.rotate_left(1);
        for target in &mut targets {
            target.refresh(night, changed, scratch).with_context(|| format!("in night {night}"))?;
        }
        let began = Instant::now();
        for target in &targets {
            target.rest(began)?;
        }
    }
    // To compare them reads them, and that tidies pages up: what there is to tell is read before.
    for target in &mut targets {
        target.variant.last = Sizes::of(&target.database)?;
    }
    let source = Source::look(source)?;
    for target in &targets {
        let whole = !options.no_digests;
        source.check(&target.database, whole).context("a target is not equal to the source")?;
    }
    let mut variants: Vec<Variant> = targets.into_iter().map(|target| target.variant).collect();
    variants.sort_by_key(|variant| std::cmp::Reverse(variant.fillfactor));
    let setup = Setup::look(&servers, installation, nights as usize, !options.no_digests)?;
    let table = nights_table::whole(&variants, options.night_rows);
    let dir = setup.folder(options.record.as_deref(), options.is_whole())?;
    nights_table::write(&dir, &setup, &variants, &table)?;
    println!("\n{table}\n\nrecord: {}", dir.display());
    servers.drop_changeable()
}

/// A server with one fill factor.
struct Target<'a> {
    cluster: &'a Cluster,
    database: Database,
    config: PathBuf,
    variant: Variant,
}

impl<'a> Target<'a> {
    /// The first copy, which is not measured, and a rest.
    fn load(
        cluster: &'a Cluster,
        fillfactor: u8,
        source: &Database,
        scratch: &Scratch,
    ) -> Result<Self> {
        let name = format!("drop database if exists {TARGET} with (force)");
        cluster.database("postgres").execute(&name)?;
        let database = cluster.create_database(TARGET)?;
        let rules = format!("\n[tables.\"{TABLE}\"]\nfillfactor = {fillfactor}\n");
        let file = scratch.path().join(format!("{fillfactor}.toml"));
        let config = levada::configure(&file, source.url(), database.url(), &rules)?;
        measure::run(levada::run(&config), scratch).context("the first copy")?;
        let options = database.psql(&format!(
            "select coalesce(array_to_string(reloptions, ','), '') from pg_class \
             where oid = '{TABLE}'::regclass"
        ))?;
        ensure!(options.contains(&fillfactor.to_string()), "fillfactor {fillfactor}: {options:?}");
        let first = Sizes::of(&database)?;
        let variant = Variant { fillfactor, first, refreshes: Vec::new(), last: first };
        let mut target = Self { cluster, database, config, variant };
        target.rest(Instant::now())?;
        target.variant.first = Sizes::of(&target.database)?;
        Ok(target)
    }

    fn refresh(&mut self, night: u32, changed: Changed, scratch: &Scratch) -> Result<()> {
        database::settle(&[self.cluster])?;
        let before = Sizes::of(&self.database)?;
        let usage = measure::run(levada::run(&self.config), scratch)?;
        let sizes = Sizes::of(&self.database)?;
        let wal_bytes = sizes.wal_bytes - before.wal_bytes;
        let refresh = Refresh { night, changed, usage, wal_bytes, sizes };
        println!("{}", nights_table::line(self.variant.fillfactor, &refresh));
        self.variant.refreshes.push(refresh);
        Ok(())
    }

    /// The day that `began` and ends before the next night, as far as autovacuum is concerned.
    fn rest(&self, began: Instant) -> Result<()> {
        let busy = "select count(*) from pg_stat_activity where backend_type = 'autovacuum worker'";
        wait_for("autovacuum to have nothing to do", DAY_MAX, || {
            let is_idle = self.database.psql(busy)?.trim() == "0";
            Ok(is_idle && began.elapsed() > DAY)
        })
    }
}

impl Sizes {
    fn of(database: &Database) -> Result<Self> {
        let row = database.query_rows(SIZES)?.concat();
        let numbers = row.iter().map(|field| Ok(field.parse()?)).collect::<Result<Vec<i64>>>()?;
        let numbers = <[i64; 7]>::try_from(numbers).ok().context("the big table is not there")?;
        let [heap_bytes, index_bytes, dead_rows, updated, in_place, autovacuums, wal_bytes] =
            numbers;
        Ok(Self {
            heap_bytes,
            index_bytes,
            dead_rows,
            updated,
            updated_in_place: in_place,
            autovacuums,
            wal_bytes,
        })
    }
}
