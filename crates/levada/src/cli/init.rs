//! `levada init`: looks at a source and writes a commented `levada.toml` for it.

use std::path::PathBuf;

use pg::catalog::{Catalog, Table};
use pg::{Endpoint, Purpose, Session};
use report::{Problem, text};

use crate::config;
use crate::outcome::Outcome;
use crate::ui::Ui;

/// Inspect a source and write a commented levada.toml
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada init --source postgresql://reader@prod/shop")]
pub(crate) struct Arguments {
    /// URL of the production database [default: $SOURCE_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    source: Option<String>,

    /// The file to write
    #[arg(long, value_name = "FILE", default_value_os_t = config::default_path())]
    config: PathBuf,

    /// Print the file instead of writing it
    #[arg(long)]
    dry_run: bool,
}

/// The environment variable that the written file refers to.
const SOURCE_VARIABLE: &str = "SOURCE_DATABASE_URL";

pub(crate) async fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let url = match &arguments.source {
        Some(url) => url.clone(),
        None => std::env::var(SOURCE_VARIABLE).map_err(|_| {
            Problem::new("no source is named")
                .hint(format!("add --source URL, or export {SOURCE_VARIABLE}"))
        })?,
    };
    let path = &arguments.config;
    if path.exists() && !arguments.dry_run {
        let problem = Problem::new(format!("{} exists already", path.display()))
            .hint("remove it, or name another file with --config");
        return Err(problem.into());
    }
    let session = Session::open(&Endpoint::parse(&url)?, Purpose::Source).await?;
    let catalog = Catalog::load(&session).await?;
    let file = render(&catalog);
    if arguments.dry_run {
        ui.data("config", &serde_json::json!({ "text": file }));
        ui.say(file.trim_end());
        return Ok(Outcome::Clean);
    }
    std::fs::write(path, file).map_err(|error| {
        Problem::new(format!("cannot write {}", path.display())).detail(error.to_string())
    })?;
    ui.data("written", &serde_json::json!({ "file": path }));
    ui.say(&format!(
        "wrote {}; export {SOURCE_VARIABLE} and TARGET_DATABASE_URL, then: levada check",
        path.display()
    ));
    Ok(Outcome::Clean)
}

/// The tables that are named in the comments: enough to see where the time will go.
const TABLES_SHOWN: usize = 10;

fn render(catalog: &Catalog) -> String {
    let schemas: Vec<String> = catalog.schemas.iter().map(|s| toml_string(s)).collect();
    let mut tables: Vec<&Table> = catalog.tables.iter().collect();
    tables.sort_by_key(|table| std::cmp::Reverse(table.bytes));
    let listed: Vec<String> = tables
        .iter()
        .take(TABLES_SHOWN)
        .map(|table| {
            let (rows, bytes) = (text::count(table.rows_estimate), text::bytes(table.bytes));
            format!("#   {:<40} {rows:>14} rows {bytes:>10}", table.name.to_string())
        })
        .collect();
    let extensions: Vec<&str> =
        catalog.extensions.iter().map(|extension| extension.name.as_str()).collect();
    include_str!("init.toml")
        .replace("@schemas@", &schemas.join(", "))
        .replace("@tables@", &listed.join("\n"))
        .replace("@count@", &catalog.tables.len().to_string())
        .replace("@extensions@", &extensions.join(", "))
}

fn toml_string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
