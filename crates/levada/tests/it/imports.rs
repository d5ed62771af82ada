//! Imports: what a server or a file says becomes a table of the edition, whole, or not at all.
//!
//! Responsible for: what the tests beside this file share, a target with a configuration whose
//! imports ask a server of the test. Must not: judge rows by anything but SQL written here.

mod configuration;
mod faults;
mod pages;
mod publishing;
mod secrets;
mod seeds;
mod server;
mod tls;

use std::process::{Child, Command, Stdio};

use testkit::Database;

use crate::commands::Folder;
use crate::support::{Ran, command, pair};
use server::{Answer, Server};

/// The source of all these tests: imports are not about it.
const SOURCE: &str = "CREATE TABLE note (id int PRIMARY KEY); INSERT INTO note VALUES (1)";

/// A target, its configuration and a server.
struct Import {
    source: Database,
    target: Database,
    folder: Folder,
    server: Server,
}

impl Import {
    fn new(name: &str) -> Self {
        let (source, target) = pair(&format!("import_{name}"), SOURCE);
        Self::between(name, source, target)
    }

    fn between(name: &str, source: Database, target: Database) -> Self {
        let folder = Folder::new(&format!("import-{name}"));
        Self { source, target, folder, server: Server::start() }
    }

    /// Lets the configuration be these imports; `SERVER` stands for the server's url.
    fn configure(&self, imports: &str) {
        let (source, target) = (self.source.url(), self.target.url());
        let ends = format!("[source]\nurl = \"{source}\"\n[target]\nurl = \"{target}\"\n");
        let imports = imports.replace("SERVER", &self.server.url(""));
        self.folder.write("levada.toml", &format!("{ends}{imports}"));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let config = self.folder.path().join("levada.toml").display().to_string();
        let mut command = command(&[&["run", "--config", &config], arguments].concat());
        command.env("IMPORT_TOKEN", TOKEN).env("NO_PROXY", "127.0.0.1");
        command
    }

    fn run(&self) -> Ran {
        self.run_with(&[])
    }

    fn run_with(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    fn start(&self) -> Child {
        let mut command = self.command(&[]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    #[track_caller]
    fn says(&self, sql: &str) -> String {
        self.target.psql(sql).unwrap()
    }

    /// The newest published edition.
    fn edition(&self) -> String {
        self.says("SELECT max(number) FROM levada.edition WHERE state = 'published'")
    }
}

const TOKEN: &str = "token-that-nobody-reads";

/// Skills by id and level, as JSON.
const SKILLS: &str = r#"
[[import]]
name = "skills"
url = "SERVER/skills.json"
records = "$.skills[*]"
key = ["id"]
columns = { id = "text", level = "integer" }
"#;

/// Answers `/skills.json` with these levels.
fn skills(levels: &[(&str, i32)]) -> Answer {
    let skills: Vec<String> =
        levels.iter().map(|(id, level)| format!(r#"{{"id":"{id}","level":{level}}}"#)).collect();
    Answer::of(format!(r#"{{"skills":[{}]}}"#, skills.join(",")))
}

const ALL_SKILLS: &str =
    "SELECT coalesce(string_agg(id || level, ' ' ORDER BY id), 'none') FROM reports.skills";
