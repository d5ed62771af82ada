//! nginx with a configuration of its own, serving as files what levada has said.
//!
//! Responsible for: the same bytes under the same addresses, with the same headers. Must not: touch
//! the nginx of the machine.

use std::fmt::Write;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::place::{Ended, on_server_core};
use crate::stage::measure::Postmaster;
use crate::stage::tools::Scratch;
use crate::visit::{self, Reply};

/// The server, until this is dropped.
pub(crate) struct FileServer {
    pub(crate) address: String,
    process: Ended,
}

/// What nginx says by itself.
const OWN_HEADERS: [&str; 7] =
    ["content-length", "content-type", "etag", "date", "server", "connection", "last-modified"];

/// What nginx says of itself.
pub(crate) fn version() -> String {
    let output = Command::new("nginx").arg("-v").output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let said = said.unwrap_or_default();
    said.trim().trim_start_matches("nginx version: ").to_owned()
}

impl FileServer {
    /// Serves the replies under the addresses they came from.
    pub(crate) fn start(scratch: &Scratch, replies: &[(&str, Reply)]) -> Result<Self> {
        let home = scratch.path().join("nginx");
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut locations = String::new();
        for (target, reply) in replies {
            let file = home.join("files").join(target.trim_start_matches('/'));
            fs::create_dir_all(file.parent().context("a file at the root")?)?;
            fs::write(&file, &reply.body)?;
            let kind = reply.header("content-type").unwrap_or_default();
            write!(locations, "location = {target} {{ default_type {kind:?};")?;
            for (name, value) in &reply.headers {
                if !OWN_HEADERS.contains(&name.as_str()) {
                    write!(locations, " add_header {name} {value:?};")?;
                }
            }
            locations += " }\n";
        }
        let home = home.display().to_string();
        let text = include_str!("nginx.conf")
            .replace("@home@", &home)
            .replace("@address@", &address)
            .replace("@locations@", &locations);
        fs::write(format!("{home}/nginx.conf"), text)?;
        let mut command = on_server_core("nginx");
        command.args(["-e", &format!("{home}/error.log"), "-c", &format!("{home}/nginx.conf")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("cannot start nginx")?;
        Ok(Self { address, process: Ended(child) })
    }

    pub(crate) fn process(&self) -> Postmaster {
        self.process.watched()
    }

    /// What it says, as soon as it says anything.
    pub(crate) async fn wait_for(&self, target: &str) -> Result<Reply> {
        let began = Instant::now();
        loop {
            match visit::get(&self.address, target, None).await {
                Ok(reply) => return Ok(reply),
                Err(error) if began.elapsed() > Duration::from_secs(10) => {
                    bail!("nginx does not answer: {error}")
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}
