//! `levada run`: the next edition, as the configuration says.

use std::time::Duration;

use copy::{ForeignKeys, Request};
use jiff::tz::TimeZone;
use pg::Stop;
use refresh::{Effort, Report};
use report::text;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{ConfigArgument, refreshed};
use crate::moment;
use crate::outcome::Outcome;
use crate::progress::Display;
use crate::ui::Ui;

/// Make the next edition: a copy at first, then what changed; resumes what was interrupted
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada run --config levada.toml")]
pub(crate) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,

    /// Build a new edition beside what the target holds, and swap it in when it is complete
    #[arg(long)]
    replace: bool,

    /// Show what would be done and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let file = arguments.config.read()?;
    let request = file.request("run", arguments.replace)?;
    if arguments.dry_run {
        return super::plan::show(&request, ui).await;
    }
    let replace = if arguments.replace { " --replace" } else { "" };
    let again = format!("levada run{replace} --config {}", arguments.config.config.display());
    carry_out(
        &request,
        Known::Refreshed(Effort::Changes),
        ui,
        &Reader { again, zone: file.zone()? },
    )
    .await
}

/// What the person who reads the output needs.
pub(crate) struct Reader {
    /// The command that continues the run.
    pub(crate) again: String,
    pub(crate) zone: TimeZone,
}

/// What is done with a target that holds an edition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is brought up to date.
    Refreshed(Effort),
    /// It is replaced when the request says so, or refused.
    Replaced,
}

impl Known {
    /// What a person need not worry about after a run that did not end.
    fn what_is_kept(self) -> &'static str {
        match self {
            Self::Refreshed(_) => {
                "the edition before is unchanged, and what a copy finished is kept"
            }
            Self::Replaced => "finished work is kept",
        }
    }
}

/// Runs a request to its end.
pub(crate) async fn carry_out(
    request: &Request,
    known: Known,
    ui: &Ui,
    reader: &Reader,
) -> anyhow::Result<Outcome> {
    let again = &reader.again;
    let stop = Stop::default();
    let display = Display::new(ui);
    let listening = tokio::spawn(stop_on_signal(stop.clone()));
    let making = async {
        match known {
            Known::Refreshed(effort) => refresh::run(request, effort, &display, &stop).await,
            Known::Replaced => copy::run(request, &display, &stop).await.map(Report::Copied),
        }
    };
    let result = tokio::select! {
        result = making => result,
        never = display.tick() => match never {},
    };
    listening.abort();
    let report = match result {
        Ok(report) => report,
        Err(error) if display.has_begun() => {
            ui.error(&error);
            ui.remark(&format!(
                "nothing published; {}. To continue: {again}",
                known.what_is_kept()
            ));
            return Ok(Outcome::Failed);
        }
        Err(error) => return Err(error),
    };
    ui.data("report", &report);
    let was_interrupted = match &report {
        Report::Copied(report) => report.was_interrupted,
        Report::Refreshed(report) => report.was_interrupted,
    };
    if was_interrupted {
        ui.remark(&format!("stopped; {}. To continue: {again}", known.what_is_kept()));
        return Ok(Outcome::Interrupted);
    }
    let (outcome, findings) = match &report {
        Report::Copied(report) => {
            summary(report, ui, &reader.zone);
            (Outcome::Clean, &report.findings)
        }
        Report::Refreshed(report) => {
            (refreshed::summary(report, ui, &reader.zone), &report.findings)
        }
    };
    findings.iter().for_each(|finding| ui.finding(finding));
    Ok(if findings.is_empty() { outcome } else { Outcome::Found })
}

/// The first signal stops in order, the second at once.
pub(crate) async fn stop_on_signal(stop: Stop) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    let mut is_first = true;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if !is_first {
            std::process::exit(130);
        }
        is_first = false;
        stop.request();
    }
}

fn summary(report: &copy::Report, ui: &Ui, zone: &TimeZone) {
    let as_of = moment::shown(report.as_of.as_deref().unwrap_or("an unknown moment"), zone);
    ui.say(&format!(
        "edition {} published: {} and {} in {}, as of {as_of}",
        report.edition,
        text::counted(report.tables as u64, "table"),
        text::counted(report.rows, "row"),
        text::duration(Duration::from_secs_f64(report.seconds)),
    ));
    let keys = match report.foreign_keys {
        ForeignKeys::Trusted => {
            "foreign keys are in place and enforced; the rows, valid in production, were not \
             checked again"
        }
        ForeignKeys::Validate => "foreign keys are in place and validated",
        ForeignKeys::Omit => "foreign keys were left out",
    };
    ui.say(keys);
}
