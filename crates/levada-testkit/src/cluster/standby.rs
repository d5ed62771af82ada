//! What becomes of a cluster in the long run: standbys of it, and thousands of millions of
//! transactions.
//!
//! Responsible for: standbys made by `pg_basebackup` that follow by streaming, and transaction ids
//! moved on without anybody waiting for them. Must not: decide when a standby has caught up.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::{Cluster, base_settings, scratch_dir, socket_dir, url};

/// Transactions of one segment of `pg_xact`, two bits for each: 32 pages of 8 KiB.
const XIDS_PER_SEGMENT: u64 = 32 * 8192 * 4;
const SEGMENT_BYTES: usize = 32 * 8192;

impl Cluster {
    /// A standby of this cluster, which follows it through `port` of 127.0.0.1: the cluster's own,
    /// or that of a proxy that may be cut. It answers queries; `pg_promote()` makes it a primary.
    pub fn standby(&self, port: u16) -> Result<Self> {
        let dir = scratch_dir();
        self.account.own_dir(&dir)?;
        let mut backup = self.account.command(self.installation.program("pg_basebackup"));
        backup.args([
            "-d",
            &url("127.0.0.1", port, "postgres"),
            "-R",
            "-c",
            "fast",
            "-X",
            "stream",
        ]);
        let output = backup.arg("-D").arg(dir.join("data")).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pg_basebackup failed: {}", complaint.trim());
        let socket_dir = socket_dir(&dir, &self.account)?;
        let mut settings = self.settings.clone();
        settings.extend(base_settings(false, &socket_dir));
        let mut cluster = Self {
            installation: self.installation.clone(),
            account: self.account.clone(),
            dir,
            socket_dir,
            kept: false,
            settings,
            port: 0,
            server: super::Mutex::new(None),
        };
        cluster.first_start()?;
        Ok(cluster)
    }

    /// Lets the next transaction have this 64-bit id, less than 2^31 above the last, as if as many
    /// had come and gone, and freezes all rows as vacuuming would have. Restarts the server.
    pub fn skip_transactions(&self, next: u64) -> Result<()> {
        self.stop()?;
        let data = self.dir.join("data");
        let (epoch, next) = (next >> 32, next & 0xffff_ffff);
        let segment = data.join("pg_xact").join(format!("{:04X}", next / XIDS_PER_SEGMENT));
        fs::write(&segment, vec![0; SEGMENT_BYTES]).context("cannot write a segment of pg_xact")?;
        self.account.own(&segment)?;
        let mut reset = self.account.command(self.installation.program("pg_resetwal"));
        reset.arg("-e").arg(epoch.to_string()).arg("-x").arg(next.to_string());
        let output = reset.arg("-D").arg(&data).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pg_resetwal failed: {}", complaint.trim());
        self.start_again()?;
        let postgres = self.database("postgres");
        postgres.execute("alter database template0 allow_connections true")?;
        for database in postgres.query_rows("select datname from pg_database")?.concat() {
            self.database(&database).execute("vacuum freeze")?;
        }
        postgres.execute("alter database template0 allow_connections false; checkpoint")
    }
}
