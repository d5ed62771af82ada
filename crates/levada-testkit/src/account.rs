//! The account that servers run under.
//!
//! Responsible for: the fact that PostgreSQL refuses to run as root, so that root must step down
//! to another account. Must not: start anything by itself.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Whom servers run as: ourselves, or for root the first of `postgres` and `nobody`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    gid: u32,
    /// Set when we are root and have to step down to this account.
    step_down_to: Option<String>,
}

impl Account {
    pub(crate) fn for_servers() -> Result<Self> {
        let (uid, gid) = (own_number("-u")?, own_number("-g")?);
        if uid != 0 {
            return Ok(Self { uid, gid, step_down_to: None });
        }
        let passwd = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        ["postgres", "nobody"].iter().find_map(|name| account_in(&passwd, name)).context(
            "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody",
        )
    }

    /// A command that will run as this account, with none of our `PG…` variables.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        without_pg_variables(&mut command);
        command.current_dir("/").stdin(Stdio::null());
        if self.step_down_to.is_some() {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Makes sure that `dir` exists, belongs to this account, and is closed to all others.
    pub(crate) fn own_dir(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        self.own(dir)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        let reachable = self.command("test").arg("-w").arg(dir).status()?.success();
        ensure!(
            reachable,
            "user {} cannot reach {}: a directory above it is closed",
            self.name(),
            dir.display()
        );
        Ok(())
    }

    /// Hands a file or a directory, not what is in it, to this account.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        if self.step_down_to.is_some() {
            chown(path, Some(self.uid), Some(self.gid))
                .with_context(|| format!("cannot hand {} to {}", path.display(), self.name()))?;
        }
        Ok(())
    }

    /// Fails unless `path` belongs to this account and nobody else may write to it.
    pub(crate) fn check_owns(&self, path: &Path) -> Result<()> {
        let found = fs::symlink_metadata(path)?;
        if !found.is_dir() || found.uid() != self.uid || found.mode() & 0o077 != 0 {
            bail!("{} is not a private directory of user {}", path.display(), self.name());
        }
        Ok(())
    }

    pub(crate) fn name(&self) -> String {
        self.step_down_to.clone().unwrap_or_else(|| self.uid.to_string())
    }
}

/// Keeps variables such as PGHOST or PGOPTIONS of the surrounding shell from leaking in.
pub(crate) fn without_pg_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
}

fn own_number(option: &str) -> Result<u32> {
    let output = Command::new("id").arg(option).output().context("cannot run `id`")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| format!("`id {option}` answered {text:?}"))
}

fn account_in(passwd: &str, wanted: &str) -> Option<Account> {
    let mut fields = passwd
        .lines()
        .map(|line| line.split(':'))
        .find_map(|mut fields| (fields.next() == Some(wanted)).then_some(fields))?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { uid, gid, step_down_to: Some(wanted.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_account() {
        let passwd = "root:x:0:0:root:/:/bin/sh\npostgres:x:101:104:PostgreSQL,,,:/var:/bin/sh\n";
        let account = account_in(passwd, "postgres").unwrap();
        assert_eq!((account.uid, account.gid), (101, 104));
        assert_eq!(account_in(passwd, "nobody"), None);
    }
}
