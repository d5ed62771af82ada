//! The peak that took a site down, and fifty times as much: visitors come at their rate, whether or
//! not the ones before them have been answered.
//!
//! Responsible for: who asks what and when, and how long they waited from then on. Must not: judge.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::Value;
use testkit::{Dice, quote_literal};
use tokio::task::JoinSet;

use crate::generator::Steady;
use crate::place::Place;
use crate::raw::Raw;
use crate::visit;

/// 1,620 requests in five minutes.
const SEED_RATE: f64 = 1620.0 / 300.0;
const TIMES: f64 = 50.0;
const ADVISERS: u64 = 6000;
const DAYS_MAX: u64 = 90;

/// What a visitor wants to know.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    /// The page of the last seven days.
    Page,
    /// Who was active, of all young people.
    Activity,
    /// So many days as JSON.
    Days(String),
    /// The young people of an adviser as JSON, each with the last event.
    Adviser(String),
}

/// How it went at one rate.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Peak {
    pub(crate) who: String,
    pub(crate) per_second: f64,
    pub(crate) seconds: u64,
    pub(crate) requests: usize,
    pub(crate) failed: usize,
    /// What those heard who were not answered, and how many of them.
    pub(crate) complaints: BTreeMap<String, usize>,
    pub(crate) p50_milliseconds: f64,
    pub(crate) p99_milliseconds: f64,
    pub(crate) max_milliseconds: f64,
    /// Sessions opened on the source meanwhile; without levada all of them.
    pub(crate) source_sessions: Option<usize>,
}

impl Question {
    /// Three pages, three statistics as they are, four with parameters, of ten.
    fn any(dice: &mut Dice) -> Self {
        match dice.below(10) {
            0..3 => Self::Page,
            3..6 => Self::Activity,
            6..8 => Self::Days(dice.between(1, DAYS_MAX).to_string()),
            _ => Self::Adviser(format!("c{}", dice.between(1, ADVISERS))),
        }
    }

    fn target(&self) -> String {
        match self {
            Self::Page => "/pages/engagement".to_owned(),
            Self::Activity => "/stats/activity.json".to_owned(),
            Self::Days(days) => format!("/stats/engagement.json?days={days}"),
            Self::Adviser(id) => format!("/stats/young-people.json?adviser={id}"),
        }
    }

    /// The query on all events, and its parameter.
    pub(crate) fn raw(&self) -> (&'static str, Option<String>) {
        match self {
            Self::Page => (include_str!("days_raw.sql"), Some("7".to_owned())),
            Self::Activity => (include_str!("activity_raw.sql"), None),
            Self::Days(days) => (include_str!("days_raw.sql"), Some(days.clone())),
            Self::Adviser(id) => (include_str!("adviser_raw.sql"), Some(id.clone())),
        }
    }
}

/// Fails unless levada answers what the queries on all events answer.
async fn compare(place: &Place<'_>, address: &str) -> Result<()> {
    for question in [Question::Activity, Question::Adviser("c1920".to_owned())] {
        let reply = visit::get(address, &question.target(), None).await?.expect_status(200)?;
        let answer: Value = serde_json::from_slice(&reply.body)?;
        let (sql, parameter) = question.raw();
        let sql = sql.replace("$1", &quote_literal(&parameter.unwrap_or_default()));
        let sql = format!("set timezone = 'UTC'; select json_agg(t) from ({sql}) as t");
        let truth: Value = serde_json::from_str(&place.source.psql(&sql)?)?;
        let rows = truth.as_array().map_or(0, Vec::len);
        ensure!(rows > 0 && answer["data"] == truth, "levada answers {question:?} otherwise");
    }
    Ok(())
}

/// Both rates, first of levada and then without it.
pub(crate) async fn measure(place: &Place<'_>, address: &str, seconds: u64) -> Result<Vec<Peak>> {
    compare(place, address).await?;
    let mut peaks = Vec::new();
    for rate in [SEED_RATE, SEED_RATE * TIMES] {
        let before = place.source_sessions()?;
        let ask = |question: Question| {
            let address = address.to_owned();
            async move { answered(&address, &question.target()).await }
        };
        let waits = arrive(rate, Duration::from_secs(seconds), ask).await;
        let sessions = place.source_sessions()? - before;
        peaks.push(Peak::of("levada", rate, seconds, &waits, Some(sessions)));
        println!("{:?}", peaks.last());
    }
    let raw = Raw::open(&place.source).await?;
    for rate in [SEED_RATE, SEED_RATE * TIMES] {
        let ask = |question: Question| {
            let raw = raw.clone();
            async move { raw.answer(&question).await.map_err(|error| error.to_string()) }
        };
        let waits = arrive(rate, Duration::from_secs(seconds), ask).await;
        peaks.push(Peak::of("the query on all events", rate, seconds, &waits, None));
        println!("{:?}", peaks.last());
    }
    Ok(peaks)
}

/// The same address at a steady rate, where no generator is at hand.
pub(crate) async fn steady(
    address: &str,
    target: &str,
    rate: u32,
    length: Duration,
) -> Result<Steady> {
    let ask = |_: Question| {
        let (address, target) = (address.to_owned(), target.to_owned());
        async move { answered(&address, &target).await }
    };
    let waits = arrive(rate.into(), length, ask).await;
    let peak = Peak::of("", rate.into(), length.as_secs(), &waits, None);
    Ok(Steady {
        what: String::new(),
        wanted_per_second: rate,
        per_second: waits.len() as f64 / length.as_secs_f64(),
        p50_milliseconds: peak.p50_milliseconds,
        p99_milliseconds: peak.p99_milliseconds,
        max_milliseconds: peak.max_milliseconds,
        failed: peak.failed as u64,
    })
}

/// What one visitor heard, and how long that took since it wanted to ask.
type Wait = (Result<(), String>, Duration);

async fn answered(address: &str, target: &str) -> Result<(), String> {
    match visit::get(address, target, None).await {
        Ok(reply) if reply.status == 200 => Ok(()),
        Ok(reply) => Err(reply.status.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

async fn arrive<F>(rate: f64, length: Duration, ask: impl Fn(Question) -> F) -> Vec<Wait>
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let mut dice = Dice::new(5);
    let mut visitors = JoinSet::new();
    let began = Instant::now();
    for number in 0..(rate * length.as_secs_f64()).round() as u32 {
        let due = began + Duration::from_secs_f64(f64::from(number) / rate);
        tokio::time::sleep_until(due.into()).await;
        let answer = ask(Question::any(&mut dice));
        visitors.spawn(async move { (answer.await, due.elapsed()) });
    }
    visitors.join_all().await
}

impl Peak {
    fn of(
        who: &str,
        per_second: f64,
        seconds: u64,
        waits: &[Wait],
        source_sessions: Option<usize>,
    ) -> Self {
        let mut sorted: Vec<Duration> = waits.iter().map(|(_, wait)| *wait).collect();
        sorted.sort();
        let at = |share: f64| {
            let place = (sorted.len().saturating_sub(1) as f64 * share).ceil() as usize;
            sorted.get(place).map_or(0.0, |wait| wait.as_secs_f64() * 1000.0)
        };
        let mut complaints = BTreeMap::new();
        for complaint in waits.iter().filter_map(|(heard, _)| heard.as_ref().err()) {
            *complaints.entry(complaint.clone()).or_default() += 1;
        }
        Self {
            who: who.to_owned(),
            per_second,
            seconds,
            requests: waits.len(),
            failed: complaints.values().sum(),
            complaints,
            p50_milliseconds: at(0.5),
            p99_milliseconds: at(0.99),
            max_milliseconds: at(1.0),
            source_sessions,
        }
    }
}
