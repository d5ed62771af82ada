//! The page of the console: what needs attention first, then the edition, runs, tables, rollups and
//! the figures of the server. Complete without its script, which only fetches it again.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::notes::{Note, notes};
use super::records::{Outcome, Records, Run, Table, Told};
use super::words::{age, count, moment, span, with_code};
use super::{buckets, figures, gantt};
use crate::site::Site;

const SCRIPT: PreEscaped<&str> = PreEscaped("<script src=\"/assets/console.js\" defer></script>");

/// The whole page.
pub(crate) fn console(site: &Site, told: &Told) -> Markup {
    let notes = notes(site, told);
    let service = site.brand.service.get("en");
    let finding = finding(site);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title {
                    @if !notes.is_empty() { "(" (notes.len()) ") " }
                    (finding) " – levada console"
                }
                link rel="icon" type="image/svg+xml" href="/assets/console.svg";
                link rel="stylesheet" href="/assets/console.css";
                (SCRIPT)
            }
            body {
                a.skip href="#main" { "Skip to what happened" }
                header {
                    p.brand {
                        "levada console"
                        @if !service.is_empty() { " – " (service) }
                    }
                    p.refresh {
                        button #pause type="button" hidden { "Pause updates" }
                        noscript { "Reload this page for newer figures." }
                        " "
                        span #refresh role="status" {}
                    }
                }
                main #main tabindex="-1" {
                    h1 { (finding) }
                    (read_at(site))
                    (attention(&notes))
                    (edition(site))
                    (records(site, told))
                    h2 { "Rollups" }
                    @match site.desk.shown() {
                        Some(shown) => { (buckets::calendars(&shown.standing, &site.zone)) }
                        None => { p { "No edition is shown, so there are no rollups." } }
                    }
                    h2 { "Slowest statistics" }
                    (figures::slowest(site))
                    h2 { "Answers" }
                    (figures::cache(site))
                }
            }
        }
    }
}

/// What the heading states.
fn finding(site: &Site) -> String {
    let now = site.clock.now();
    let Some(shown) = site.desk.shown() else {
        return match site.desk.confirmed_at() {
            Some(_) => "Nothing is published".to_owned(),
            None => "No edition is known yet".to_owned(),
        };
    };
    let edition = shown.standing.version.edition;
    match site.desk.freshness(now) {
        Ok(crate::answer::Freshness::Fresh) => format!("Edition {edition} is shown, and current"),
        Ok(_) if site.desk.is_confirmed(now) => {
            format!("Edition {edition} is shown; the one after it is being prepared")
        }
        Ok(_) => format!("Edition {edition} is shown, but not confirmed"),
        Err(_) => format!("Edition {edition} is too long unconfirmed to be shown"),
    }
}

fn read_at(site: &Site) -> Markup {
    let now = site.clock.now();
    html! {
        p.small {
            "This page is of " (moment(now, &site.zone)) ". levada serve runs since "
            (moment(site.started_at, &site.zone)) "."
        }
    }
}

fn attention(notes: &[Note]) -> Markup {
    html! {
        h2 {
            @match notes.len() {
                0 => "Nothing needs attention",
                1 => "One thing needs attention",
                many => { (many) " things need attention" }
            }
        }
        @for note in notes {
            div.note {
                p { strong { (note.what) } }
                @if let Some(detail) = &note.detail { p { "It said: " samp { (detail) } } }
                p { b { "What is safe: " } (note.safe) }
                p { b { "What to do next: " } (with_code(&note.next)) }
            }
        }
    }
}

fn edition(site: &Site) -> Markup {
    let now = site.clock.now();
    let ago = |at| html! { (moment(at, &site.zone)) ", " (age(now.duration_since(at))) " ago" };
    html! {
        h2 { "Edition" }
        @if let Some(shown) = site.desk.shown() {
            dl {
                dt { "Number" }
                dd { (shown.standing.version.edition) }
                dt { "Shows the source as of" }
                dd { (ago(shown.standing.as_of)) }
                dt { "Published" }
                dd { (ago(shown.standing.version.published_at)) }
                dt { "Last confirmed by the database" }
                dd {
                    @match site.desk.confirmed_at() {
                        Some(at) => (ago(at)),
                        None => "never",
                    }
                }
            }
        } @else {
            p { "No edition is shown." }
        }
    }
}

fn records(site: &Site, told: &Told) -> Markup {
    let Some(records) = &told.records else {
        return html! {
            h2 { "Runs" }
            p { "The records of runs could not be read; see above." }
        };
    };
    html! {
        h2 { "Runs" }
        @if told.problem.is_some() {
            p {
                strong { "Not current: " }
                "as read " (moment(records.read_at, &site.zone)) "."
            }
        }
        (runs(site, records))
        h2 { "Changes of the published edition" }
        (tables(records))
    }
}

fn runs(site: &Site, records: &Records) -> Markup {
    if records.runs.is_empty() {
        return html! {
            p { "levada has not run on this target. Start with " code { "levada run" } "." }
        };
    }
    html! {
        ul.legend aria-label="What the colours of bars mean" {
            @for (class, meaning) in KEYS {
                li { span.key.(class) aria-hidden="true" {} " " (meaning) }
            }
        }
        @for (index, run) in records.runs.iter().enumerate() {
            details.run id=(format!("run-{}", run.number)) open[index == 0] {
                summary { (run_line(site, run)) }
                (run_body(run))
            }
        }
    }
}

const KEYS: [(&str, &str); 4] = [
    ("rows", "rows: TABLE DATA, APPLY, LARGE OBJECT"),
    ("structure", "structure: SCHEMA, INDEX, CONSTRAINT, FK CONSTRAINT, SEQUENCE"),
    ("reports", "reports: IMPORT, WINDOW, ROLLUP, ENRICH, MATERIALIZED VIEW"),
    ("other", "ANALYZE, PUBLISH"),
];

fn run_line(site: &Site, run: &Run) -> Markup {
    html! {
        "Run " (run.number) " (levada " (run.command) ") "
        strong.outcome.(outcome_class(run.outcome)) { (outcome_word(run.outcome)) }
        ", started " (moment(run.started_at, &site.zone)) ", " (span(gantt::length(run)))
        @if let Some(edition) = run.edition { ", edition " (edition) }
    }
}

fn run_body(run: &Run) -> Markup {
    html! {
        @if let Some(message) = &run.message { p { "It said: " samp { (message) } } }
        p {
            "levada " (run.version) ", process " (run.process) " on " (run.host)
            @if let Some(state) = &run.edition_state { "; its edition is " (state) }
            ". " code { "levada report " (run.number) } " tells more."
        }
        @if !run.categories.is_empty() {
            p {
                "Work by category: "
                @for (index, spent) in run.categories.iter().enumerate() {
                    @if index > 0 { ", " }
                    (spent.category) " " (span(spent.seconds)) " (" (count(spent.pieces)) ")"
                }
                "."
            }
        }
        (gantt::gantt(run))
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "is running",
        Outcome::Vanished => "seems to have been killed",
        Outcome::Published => "published",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "was interrupted",
    }
}

fn outcome_class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "running",
        Outcome::Published => "good",
        _ => "bad",
    }
}

fn tables(records: &Records) -> Markup {
    if records.tables.is_empty() {
        return html! { p { "No table is recorded for a published edition." } };
    }
    let is_cut = records.tables_count > records.tables.len() as i64;
    html! {
        div.wide tabindex="0" role="region" aria-label="Changes by table" {
            table {
                caption {
                    "Rows by table, the most changes first"
                    @if is_cut {
                        "; the first " (records.tables.len()) " of " (count(records.tables_count))
                    }
                }
                thead {
                    tr {
                        th scope="col" { "Table" }
                        th scope="col" { "Mode" }
                        th scope="col" { "Brought by" }
                        th.number scope="col" { "Rows" }
                        th.number scope="col" { "Inserted" }
                        th.number scope="col" { "Updated" }
                        th.number scope="col" { "Deleted" }
                    }
                }
                tbody { @for table in &records.tables { (table_row(table)) } }
            }
        }
    }
}

fn table_row(table: &Table) -> Markup {
    html! {
        tr {
            th scope="row" { (table.name) }
            td { (table.mode) }
            td {
                (table.method)
                @if let Some(reason) = &table.reason { ": " (reason) }
            }
            td.number { (table.rows.map_or_else(|| "–".to_owned(), count)) }
            td.number { (count(table.inserted)) }
            td.number { (count(table.updated)) }
            td.number { (count(table.deleted)) }
        }
    }
}
