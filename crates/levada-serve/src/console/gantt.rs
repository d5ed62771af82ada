//! A run as a Gantt chart: a bar for each work from its beginning to its end, coloured by category,
//! which stands beside it in words. The table behind it says the same.

use maud::{Markup, html};
use report::Category;

use super::records::{Outcome, Run, Work};
use super::words::{count, span};

const WIDTH: f64 = 960.0;
/// Where bars begin: names stand left of it.
const LEFT: f64 = 340.0;
const RIGHT: f64 = 90.0;
const ROW: f64 = 22.0;
const TOP: f64 = 26.0;
const LETTERS_MAX: usize = 46;
const TICKS: u32 = 4;

/// The chart of a run with its table; nothing for a run without any work.
pub(crate) fn gantt(run: &Run) -> Markup {
    if run.works.is_empty() {
        return html! { p { "No work of it is recorded." } };
    }
    let scale = Scale(length(run));
    let height = TOP + ROW * run.works.len() as f64 + 6.0;
    let title = format!("Run {}: work over time", run.number);
    let id = format!("gantt-{}", run.number);
    html! {
        @if run.works_count > run.works.len() as i64 {
            p {
                "The longest " (run.works.len()) " of " (count(run.works_count)) " are shown; the \
                 sums by category count all."
            }
        }
        div.wide tabindex="0" role="region" aria-label=(format!("Chart of run {}", run.number)) {
            svg.gantt role="img" aria-labelledby=(id) viewBox=(format!("0 0 {WIDTH} {height}")) {
                title id=(id) { (title) ". The table below says the same." }
                @for tick in 0..=TICKS {
                    (self::tick(&scale, f64::from(tick) / f64::from(TICKS), height))
                }
                @for (index, work) in run.works.iter().enumerate() {
                    (bar(&scale, work, TOP + ROW * index as f64))
                }
            }
        }
        details id=(format!("works-{}", run.number)) {
            summary { "Table of the work of run " (run.number) }
            (table(run))
        }
    }
}

/// Who vanished is not working any more, however long ago that was.
pub(crate) fn length(run: &Run) -> f64 {
    let worked = run.works.iter().map(|work| work.ends).fold(0.0, f64::max);
    match run.outcome {
        Outcome::Vanished => worked,
        _ => worked.max(run.seconds),
    }
}

struct Scale(f64);

impl Scale {
    fn x(&self, seconds: f64) -> f64 {
        let share = if self.0 > 0.0 { (seconds / self.0).clamp(0.0, 1.0) } else { 0.0 };
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }
}

fn tick(scale: &Scale, share: f64, height: f64) -> Markup {
    let seconds = scale.0 * share;
    let x = points(scale.x(seconds));
    html! {
        line.tick x1=(x) x2=(x) y1=(TOP - 4.0) y2=(height) {}
        text.tick x=(x) y="14" text-anchor="middle" { "+" (span(seconds)) }
    }
}

fn bar(scale: &Scale, work: &Work, y: f64) -> Markup {
    let (from, to) = (scale.x(work.begins), scale.x(work.ends));
    let name = format!("{} {}", work.category, work.object);
    let middle = points(y + ROW * 0.68);
    html! {
        g {
            title {
                (name) ": from +" (span(work.begins)) " to +" (span(work.ends))
            }
            text x=(points(LEFT - 8.0)) y=(middle) text-anchor="end" { (shortened(&name)) }
            rect class=(class(&work.category)) x=(points(from)) y=(points(y + 3.0))
                // What was over at once is still to be seen.
                width=(points((to - from).max(2.0))) height=(points(ROW - 6.0)) {}
            text x=(points(to.max(from + 2.0) + 6.0)) y=(middle) { (span(work.seconds)) }
        }
    }
}

fn table(run: &Run) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(format!("Work of run {}", run.number)) {
            table {
                caption { "Work of run " (run.number) ", in the order in which it began" }
                thead {
                    tr {
                        th scope="col" { "Category" }
                        th scope="col" { "Object" }
                        th.number scope="col" { "Began" }
                        th.number scope="col" { "Ended" }
                        th.number scope="col" { "Work" }
                        th.number scope="col" { "Pieces" }
                        th.number scope="col" { "Rows" }
                    }
                }
                tbody {
                    @for work in &run.works {
                        tr {
                            td {
                                span.key.(class(&work.category)) aria-hidden="true" {}
                                " " (work.category)
                            }
                            th scope="row" { (work.object) }
                            td.number { "+" (span(work.begins)) }
                            td.number { "+" (span(work.ends)) }
                            td.number { (span(work.seconds)) }
                            td.number { (count(work.pieces)) }
                            td.number { (work.rows.map_or_else(|| "–".to_owned(), count)) }
                        }
                    }
                }
            }
        }
    }
}

/// Categories that belong together share a colour; the word stands beside it always.
pub(crate) fn class(category: &str) -> &'static str {
    match Category::from_label(category) {
        Some(Category::TableData | Category::Apply | Category::LargeObject) => "rows",
        Some(
            Category::Schema
            | Category::Index
            | Category::Constraint
            | Category::ForeignKey
            | Category::Sequence,
        ) => "structure",
        Some(
            Category::MaterializedView
            | Category::Import
            | Category::Window
            | Category::Rollup
            | Category::Enrich,
        ) => "reports",
        Some(Category::Analyze | Category::Publish) | None => "other",
    }
}

/// The end of a name tells more than its middle.
fn shortened(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= LETTERS_MAX {
        return name.to_owned();
    }
    let (head, tail) = (LETTERS_MAX / 2, LETTERS_MAX / 2 - 1);
    let head: String = letters[..head].iter().collect();
    let tail: String = letters[letters.len() - tail..].iter().collect();
    format!("{head}…{tail}")
}

fn points(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn run(outcome: Outcome, works: Vec<Work>) -> Run {
        Run {
            number: 7,
            edition: Some(3),
            edition_state: None,
            command: "run".to_owned(),
            version: "0".to_owned(),
            host: "h".to_owned(),
            process: 1,
            outcome,
            message: None,
            started_at: Timestamp::UNIX_EPOCH,
            seconds: 10.0,
            works_count: works.len() as i64,
            works,
            categories: Vec::new(),
        }
    }

    fn work(begins: f64, ends: f64) -> Work {
        Work {
            category: "ROLLUP".to_owned(),
            object: "<messages>".to_owned(),
            begins,
            ends,
            seconds: ends - begins,
            rows: None,
            pieces: 1,
        }
    }

    #[test]
    fn bars_lie_where_the_time_went() {
        let text = gantt(&run(Outcome::Published, vec![work(0.0, 5.0), work(5.0, 10.0)]));
        let text = text.into_string();
        // 530 points are ten seconds.
        assert!(text.contains(r#"x="340.0" y="29.0" width="265.0""#), "{text}");
        assert!(text.contains(r#"x="605.0" y="51.0" width="265.0""#), "{text}");
        assert!(text.contains("&lt;messages&gt;") && !text.contains("<messages>"));
    }

    #[test]
    fn what_took_no_time_is_drawn_all_the_same() {
        let mut sudden = run(Outcome::Published, vec![work(0.0, 0.0)]);
        sudden.seconds = 0.0;
        let text = gantt(&sudden).into_string();
        assert!(text.contains(r#"width="2.0""#) && !text.contains("NaN"), "{text}");
    }

    #[test]
    fn who_vanished_works_no_more() {
        let mut gone = run(Outcome::Vanished, vec![work(0.0, 4.0)]);
        gone.seconds = 100_000.0;
        assert!((length(&gone) - 4.0).abs() < f64::EPSILON);
    }

    #[test]
    fn long_names_keep_both_ends() {
        let name = format!("INDEX {}_the_end", "a".repeat(80));
        let short = shortened(&name);
        assert_eq!(short.chars().count(), LETTERS_MAX);
        assert!(short.starts_with("INDEX a") && short.ends_with("_the_end"));
    }
}
