//! Draws progress: bars on a terminal, a line a second elsewhere, JSON lines with `--json`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use report::{Event, Progress, text};
use serde_json::json;

use crate::ui::Ui;

/// How often a line is written where no bars can be drawn.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Listens to a run and shows it.
pub(crate) struct Display<'a> {
    ui: &'a Ui,
    bars: Option<MultiProgress>,
    state: Mutex<State>,
    has_begun: AtomicBool,
}

struct State {
    running: BTreeMap<String, Running>,
    rows_planned: u64,
    rows: u64,
    /// What the last line said.
    rows_told: u64,
    bytes: u64,
    started: Instant,
    last_line: Instant,
}

struct Running {
    bar: Option<ProgressBar>,
    workers: usize,
    started: Instant,
    rows: u64,
    bytes: u64,
}

impl<'a> Display<'a> {
    pub(crate) fn new(ui: &'a Ui) -> Self {
        let draws = std::io::stderr().is_terminal() && !ui.json;
        let bars =
            draws.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(5)));
        let now = Instant::now();
        let state = State {
            running: BTreeMap::new(),
            rows_planned: 0,
            rows: 0,
            rows_told: 0,
            bytes: 0,
            started: now,
            last_line: now,
        };
        Self { ui, bars, state: Mutex::new(state), has_begun: AtomicBool::new(false) }
    }

    /// Shows that the work goes on, also while nothing else happens.
    pub(crate) async fn tick(&self) -> Infallible {
        loop {
            tokio::time::sleep(LINE_EVERY).await;
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !state.running.is_empty() {
                self.line(&mut state);
            }
        }
    }

    /// Whether there is work of this run that another run can continue.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    fn remark(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| self.ui.remark(line)),
            None => self.ui.remark(line),
        }
    }

    fn bar(&self, object: &str, rows: u64) -> Option<ProgressBar> {
        let bars = self.bars.as_ref()?;
        let template = if rows > 0 {
            "  {msg:40!} {bar:20} {human_pos:>12} rows {per_sec:>14} {prefix:>10}/s {eta:>4} left"
        } else {
            "  {msg:40!} {spinner} {elapsed}"
        };
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bars.add(ProgressBar::new(rows.max(1)).with_style(style));
        bar.set_message(object.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Some(bar)
    }

    fn started(&self, state: &mut State, object: &str, rows: u64) {
        if let Some(running) = state.running.get_mut(object) {
            running.workers += 1;
            return;
        }
        let running = Running {
            bar: self.bar(object, rows),
            workers: 1,
            started: Instant::now(),
            rows: 0,
            bytes: 0,
        };
        state.running.insert(object.to_owned(), running);
    }

    fn moved(&self, state: &mut State, object: &str, rows: i64, bytes: i64) {
        state.rows = state.rows.saturating_add_signed(rows);
        state.bytes = state.bytes.saturating_add_signed(bytes);
        let Some(running) = state.running.get_mut(object) else { return };
        running.rows = running.rows.saturating_add_signed(rows);
        running.bytes = running.bytes.saturating_add_signed(bytes);
        if let Some(bar) = &running.bar {
            let seconds = running.started.elapsed().as_secs_f64().max(0.1);
            bar.set_position(running.rows);
            bar.set_prefix(text::bytes((running.bytes as f64 / seconds) as u64));
        }
    }

    fn finished(&self, state: &mut State, object: &str) {
        let Some(running) = state.running.get_mut(object) else { return };
        running.workers -= 1;
        if running.workers == 0
            && let Some(bar) = state.running.remove(object).and_then(|running| running.bar)
        {
            bar.finish_and_clear();
        }
    }

    /// At most one line a second: what is done, how fast, what runs now.
    fn line(&self, state: &mut State) {
        if self.bars.is_some() || self.ui.json || state.last_line.elapsed() < LINE_EVERY {
            return;
        }
        state.last_line = Instant::now();
        let has_moved = std::mem::replace(&mut state.rows_told, state.rows) != state.rows;
        let objects: Vec<_> = state.running.keys().take(4).map(String::as_str).collect();
        let objects = objects.join(", ");
        let line = match (has_moved, objects.is_empty()) {
            (true, false) => format!("{}: {objects}", state.speed()),
            (true, true) => state.speed(),
            (false, false) => format!("{}: {objects}", text::duration(state.started.elapsed())),
            (false, true) => return,
        };
        self.remark(&line);
    }
}

impl State {
    /// `1,200 rows, 3.4 MiB, 600 rows/s, 1.7 MiB/s, about 4.0 s left`
    fn speed(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64().max(0.1);
        let rows_rate = (self.rows as f64 / seconds) as u64;
        let left = match self.rows_planned.saturating_sub(self.rows).checked_div(rows_rate) {
            None | Some(0) => String::new(),
            Some(seconds) => {
                format!(", about {} left", text::duration(Duration::from_secs(seconds)))
            }
        };
        format!(
            "{} rows, {}, {} rows/s, {}/s{left}",
            text::count(self.rows),
            text::bytes(self.bytes),
            text::count(rows_rate),
            text::bytes((self.bytes as f64 / seconds) as u64),
        )
    }
}

impl Progress for Display<'_> {
    fn event(&self, event: Event<'_>) {
        if matches!(event, Event::Planned { .. }) {
            self.has_begun.store(true, Ordering::Relaxed);
        }
        if self.ui.json {
            return self.json(&event);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Phase(phase) => self.remark(phase),
            Event::Planned { tables, rows, bytes } => {
                state.rows_planned = rows;
                state.started = Instant::now();
                let (tables, bytes) = (text::counted(tables as u64, "table"), text::bytes(bytes));
                self.remark(&match rows {
                    0 => format!("{tables} to look through, {bytes} on the source"),
                    rows => {
                        let rows = text::count(rows);
                        format!("{tables} to copy: about {rows} rows, {bytes} on the source")
                    }
                });
            }
            Event::Started { object, rows, .. } => self.started(&mut state, object, rows),
            Event::Moved { object, rows, bytes } => {
                self.moved(&mut state, object, rows as i64, bytes as i64);
            }
            Event::TakenBack { object, rows, bytes } => {
                self.moved(&mut state, object, -(rows as i64), -(bytes as i64));
            }
            Event::Finished { object, .. } => self.finished(&mut state, object),
            Event::Note(problem) => match &self.bars {
                Some(bars) => bars.suspend(|| self.ui.note(problem)),
                None => self.ui.note(problem),
            },
        }
        self.line(&mut state);
    }
}

impl Display<'_> {
    fn json(&self, event: &Event<'_>) {
        match event {
            Event::Phase(phase) => self.ui.data("phase", &json!({ "phase": phase })),
            Event::Planned { tables, rows, bytes } => self.ui.data(
                "planned",
                &json!({ "tables": tables, "rows_estimate": rows, "bytes": bytes }),
            ),
            Event::Started { category, object, rows } => self.ui.data(
                "started",
                &json!({ "category": category, "object": object, "rows_estimate": rows }),
            ),
            Event::Finished { category, object, took } => self.ui.data(
                "finished",
                &json!({ "category": category, "object": object, "seconds": took.as_secs_f64() }),
            ),
            Event::Note(problem) => self.ui.data("note", problem),
            Event::Moved { object, rows, bytes } => {
                self.moved_json(object, *rows as i64, *bytes as i64)
            }
            Event::TakenBack { object, rows, bytes } => {
                self.moved_json(object, -(*rows as i64), -(*bytes as i64));
            }
        }
    }

    /// At most one line a second, with totals.
    fn moved_json(&self, object: &str, rows: i64, bytes: i64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.moved(&mut state, object, rows, bytes);
        if state.last_line.elapsed() >= LINE_EVERY {
            state.last_line = Instant::now();
            let (rows, bytes) = (state.rows, state.bytes);
            self.ui.data("moved", &json!({ "now": object, "rows": rows, "bytes": bytes }));
        }
    }
}
