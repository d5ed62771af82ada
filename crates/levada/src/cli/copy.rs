//! `levada copy`: a straight copy between two URLs, without a configuration file.

use std::collections::BTreeMap;

use copy::{Config, ForeignKeys, Request};
use jiff::tz::TimeZone;
use pg::Endpoint;

use crate::cli::run::{Known, Reader};
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
            rules: BTreeMap::new(),
            config,
            replace,
            hook: None,
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
    let again = command_line(std::env::args());
    super::run::carry_out(&request, Known::Replaced, ui, &Reader { again, zone: TimeZone::UTC })
        .await
}

/// The command as it was typed, for a shell, without passwords.
fn command_line(arguments: impl Iterator<Item = String>) -> String {
    let shown = arguments.skip(1).map(|argument| {
        let argument = without_password(&argument);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=%,+".contains(c);
        match argument.chars().all(is_plain) && !argument.is_empty() {
            true => argument,
            false => format!("'{}'", argument.replace('\'', r"'\''")),
        }
    });
    format!("levada {}", shown.collect::<Vec<_>>().join(" "))
}

/// `postgresql://joe:secret@host/db` → `postgresql://joe:PASSWORD@host/db`
fn without_password(argument: &str) -> String {
    if argument.contains("password=") {
        return "URL".to_owned();
    }
    let Some((scheme, rest)) = argument.split_once("://") else { return argument.to_owned() };
    let Some((login, place)) = rest.rsplit_once('@') else { return argument.to_owned() };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:PASSWORD@{place}"),
        None => argument.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_continue_can_be_typed_and_holds_no_password() {
        let typed =
            ["levada", "copy", "postgresql://a:s3@h/d", "postgresql://b@h/e", "--exclude", "log_*"];
        assert_eq!(
            command_line(typed.map(str::to_owned).into_iter()),
            "levada copy postgresql://a:PASSWORD@h/d postgresql://b@h/e --exclude 'log_*'"
        );
        assert_eq!(without_password("host=h password=s3"), "URL");
    }
}
