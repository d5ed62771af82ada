//! `levada copy`: a straight copy between two URLs, without a configuration file.

use std::collections::BTreeMap;

use copy::{Config, ForeignKeys, Request};
use jiff::tz::TimeZone;
use pg::Endpoint;

use crate::cli::run::Reader;
use crate::outcome::Outcome;
use crate::ui::Ui;

/// Copy a database to another without a configuration file
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada copy postgresql://reader@prod/shop \
                              postgresql://writer@reports/shop --exclude 'log_*'")]
pub(crate) struct Arguments {
    /// URL of the production database
    source: String,

    /// URL of the reporting database
    target: String,

    #[command(flatten)]
    scope: ScopeArguments,

    /// Build beside what the target holds, and swap it in when it is complete
    #[arg(long)]
    replace: bool,

    /// Show what would be done and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What is copied, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct ScopeArguments {
    /// Schema to copy; repeat for more [default: all]
    #[arg(long, value_name = "NAME")]
    schema: Vec<String>,

    /// Table to copy, exact name or glob; repeat for more [default: all]
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,

    /// Table to leave out, exact name or glob; repeat for more
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,

    /// Workers [default: one for each core]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,

    /// What happens to foreign keys
    #[arg(long, value_enum, default_value = "trusted")]
    foreign_keys: ForeignKeysArgument,

    /// Extension to create on the target besides the known ones
    #[arg(long, value_name = "NAME")]
    extension: Vec<String>,

    /// Extension that the target shall do without
    #[arg(long, value_name = "NAME")]
    omit_extension: Vec<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ForeignKeysArgument {
    /// Added and enforced; rows that were valid in production are not checked again
    Trusted,
    /// Added and checked again
    Validate,
    /// Left out
    Omit,
}

impl ScopeArguments {
    pub(crate) fn request(
        &self,
        source: &str,
        target: &str,
        command: &str,
        replace: bool,
    ) -> anyhow::Result<Request> {
        let foreign_keys = match self.foreign_keys {
            ForeignKeysArgument::Trusted => ForeignKeys::Trusted,
            ForeignKeysArgument::Validate => ForeignKeys::Validate,
            ForeignKeysArgument::Omit => ForeignKeys::Omit,
        };
        let config = Config {
            jobs: self.jobs.unwrap_or(0),
            foreign_keys,
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            extensions: self.extension.clone(),
            omit_extensions: self.omit_extension.clone(),
            ..Config::default()
        };
        Ok(Request {
            source: Endpoint::parse(source)?,
            target: Endpoint::parse(target)?,
            schemas: self.schema.clone(),
            modes: BTreeMap::new(),
            config,
            replace,
            command: command.to_owned(),
        })
    }
}

pub(crate) async fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let Arguments { source, target, scope, replace, dry_run } = arguments;
    let request = scope.request(source, target, "copy", *replace)?;
    if *dry_run {
        return super::plan::show(&request, ui).await;
    }
    let again = "the same levada copy command".to_owned();
    super::run::carry_out(&request, ui, &Reader { again, zone: TimeZone::UTC }).await
}
