//! Where the PostgreSQL programs are.
//!
//! Responsible for: finding server and client binaries of every installed version. Must not:
//! install anything.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Debian and Ubuntu keep each major version in a folder of its own here.
const DEBIAN_ROOT: &str = "/usr/lib/postgresql";
const MISSING: &str = "no PostgreSQL server found: run `apt-get install postgresql`, \
                       or name the folder of its programs in LEVADA_TEST_PG";

/// One installed PostgreSQL server: a folder with `initdb` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    bin_dir: PathBuf,
    version: String,
    major: u32,
}

impl Installation {
    /// The server to use unless told otherwise: `LEVADA_TEST_PG`, else the newest of the
    /// system's packages, else the one on the PATH.
    pub fn find() -> Result<Self> {
        if let Some(dir) = env::var_os("LEVADA_TEST_PG").filter(|dir| !dir.is_empty()) {
            return Self::at(Path::new(&dir)).context("LEVADA_TEST_PG does not help");
        }
        let packaged = packaged_dirs().into_iter().rev().find_map(|dir| Self::at(&dir).ok());
        let on_path = || path_dirs().into_iter().find_map(|dir| Self::at(&dir).ok());
        packaged.or_else(on_path).context(MISSING)
    }

    /// The server whose programs are in `bin_dir`.
    pub fn at(bin_dir: &Path) -> Result<Self> {
        let server = bin_dir.join("postgres");
        if !server.exists() || !bin_dir.join("initdb").exists() {
            bail!("{} does not hold both initdb and postgres", bin_dir.display());
        }
        // The real place, because Debian's commands on the PATH are links.
        let server = server.canonicalize()?;
        let bin_dir = server.parent().map_or(bin_dir.to_owned(), Path::to_owned);
        let output = Command::new(&server).arg("--version").output();
        let output = output.with_context(|| format!("cannot run {}", server.display()))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let major = major_of(&version)
            .with_context(|| format!("cannot read a version from {version:?}"))?;
        Ok(Self { bin_dir, version, major })
    }

    /// Every server that can be found, oldest first: the system's packages, the one on the PATH,
    /// `LEVADA_TEST_PG` and the colon-separated folders of `LEVADA_TEST_PG_EXTRA`.
    pub fn all() -> Vec<Self> {
        let mut dirs = packaged_dirs();
        dirs.extend(path_dirs());
        for variable in ["LEVADA_TEST_PG", "LEVADA_TEST_PG_EXTRA"] {
            let value = env::var_os(variable).unwrap_or_default();
            dirs.extend(env::split_paths(&value).filter(|dir| !dir.as_os_str().is_empty()));
        }
        let found = dirs.iter().filter_map(|dir| Self::at(dir).ok());
        let distinct: BTreeMap<(u32, PathBuf), Self> =
            found.map(|server| ((server.major, server.bin_dir.clone()), server)).collect();
        distinct.into_values().collect()
    }

    /// The major version, such as 15.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// What `postgres --version` says.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The folder of the programs.
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// A program of this version; some packages keep those that are no server elsewhere.
    pub fn program(&self, name: &str) -> PathBuf {
        let own = self.bin_dir.join(name);
        let other = env::var_os("LEVADA_PG_BIN").map(|dir| PathBuf::from(dir).join(name));
        other.filter(|program| !own.exists() && program.exists()).unwrap_or(own)
    }
}

/// A client program such as `psql`. Debian's command on the PATH is a wrapper that costs 60 ms a
/// call, so it comes last.
pub(crate) fn find_client(name: &str) -> Result<PathBuf> {
    let named = ["LEVADA_PG_BIN", "LEVADA_TEST_PG"].iter().filter_map(env::var_os);
    let dirs = named.map(PathBuf::from).chain(packaged_dirs().into_iter().rev()).chain(path_dirs());
    let found = dirs.map(|dir| dir.join(name)).find(|program| program.is_file());
    found.with_context(|| format!("no {name} found: run `apt-get install postgresql-client`"))
}

/// A program on the PATH or in the folders that only root has there.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let dirs = path_dirs().into_iter().chain(system);
    dirs.map(|dir| dir.join(name)).find(|program| program.is_file())
}

fn path_dirs() -> Vec<PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect()
}

/// The folders of Debian's packages, oldest version first.
fn packaged_dirs() -> Vec<PathBuf> {
    let entries = fs::read_dir(DEBIAN_ROOT).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    versions.into_iter().map(|(_, dir)| dir).collect()
}

/// The 15 of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, the 18 of `… 18beta1`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_major_versions() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)";
        assert_eq!(major_of(debian), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 17"), Some(17));
        assert_eq!(major_of("nonsense"), None);
    }

    #[test]
    fn an_empty_folder_is_no_installation() {
        let error = Installation::at(Path::new("/nowhere")).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere does not hold both initdb and postgres");
    }
}
