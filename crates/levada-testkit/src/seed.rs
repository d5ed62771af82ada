//! The seed: a fresh data directory, made once and copied for each cluster.
//!
//! Responsible for: running `initdb` (a second and a half) once per server version and account,
//! safely when several processes start together. Must not: start servers.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use crate::account::Account;
use crate::installation::Installation;

/// Read last by the server, rewritten before each start.
pub(crate) const SETTINGS_FILE: &str = "levada.conf";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Puts a fresh data directory at `data`, whose parent must belong to `account`.
pub(crate) fn plant(installation: &Installation, account: &Account, data: &Path) -> Result<()> {
    let seed = seed(installation, account)?;
    // Copied beside and renamed, so that a killed copy is never taken for a data directory.
    let unfinished = data.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    run(account.command("cp").arg("-R").arg(&seed).arg(&unfinished))?;
    fs::rename(&unfinished, data)
        .with_context(|| format!("cannot put a data directory at {}", data.display()))
}

/// Makes a data directory at `data` that shares its system identifier with no other.
pub(crate) fn make_apart(
    installation: &Installation,
    account: &Account,
    data: &Path,
) -> Result<()> {
    account.own_dir(data)?;
    initialise(installation, account, data)
}

fn seed(installation: &Installation, account: &Account) -> Result<PathBuf> {
    let seed = env::temp_dir().join(seed_name(installation, account));
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if !seed.exists() {
        make(installation, account, &seed)?;
    }
    // The name can be guessed, so anybody may have put something there.
    account.check_owns(&seed)?;
    Ok(seed)
}

/// Named after the day as well, because systems clear old files, one by one, from their
/// temporary directories: a seed is never old enough to have lost some.
fn seed_name(installation: &Installation, account: &Account) -> String {
    format!("{}{}", seed_family(installation, account), today())
}

fn seed_family(installation: &Installation, account: &Account) -> String {
    let mut hasher = DefaultHasher::new();
    (installation.bin_dir(), installation.version(), env!("CARGO_PKG_VERSION")).hash(&mut hasher);
    format!("levada-seed-{}-{}-{:016x}-", installation.major(), account.uid, hasher.finish())
}

/// Days since 1970.
fn today() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs() / 86_400
}

/// Seeds of yesterday may still be in use around midnight; those before are not.
fn remove_old_seeds(installation: &Installation, account: &Account) {
    let family = seed_family(installation, account);
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let day = name.to_str().and_then(|name| name.strip_prefix(&family)?.parse::<u64>().ok());
        if day.is_some_and(|day| day + 1 < today()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn make(installation: &Installation, account: &Account, seed: &Path) -> Result<()> {
    remove_old_seeds(installation, account);
    let draft = seed.with_extension(process::id().to_string());
    account.own_dir(&draft)?;
    initialise(installation, account, &draft)?;
    if fs::rename(&draft, seed).is_err() {
        // Another process was faster; its seed is as good as ours.
        fs::remove_dir_all(&draft)?;
        ensure!(seed.exists(), "cannot keep a seed at {}", seed.display());
    }
    Ok(())
}

fn initialise(installation: &Installation, account: &Account, data: &Path) -> Result<()> {
    let mut initdb = account.command(installation.program("initdb"));
    initdb.arg("-D").arg(data);
    initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
    run(&mut initdb)?;
    let configuration = data.join("postgresql.conf");
    let mut text = fs::read_to_string(&configuration)?;
    text.push_str(&format!("\ninclude_if_exists = '{SETTINGS_FILE}'\n"));
    Ok(fs::write(&configuration, text)?)
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} failed: {}", complaint.trim());
    Ok(())
}
