//! The whole of what is served, without HTTP: a request for a statistic becomes an answer of the
//! edition that is shown, of an earlier one with a notice, or a refusal.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use pg::Endpoint;
use report::Problem;

use crate::answer::{Answer, Freshness};
use crate::catalogue::{self, Asked, Catalogue};
use crate::clock::Clock;
use crate::config::{Brand, Serve};
use crate::desk::{Desk, Shown};
use crate::gate::Gate;
use crate::http::{Description, Language};
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::query::{self, Failure, Loaded, Question};
use crate::range;
use crate::refusal::Refusal;
use crate::shelf::{Outcome, Shelf, Way};
use crate::watch::Looks;

/// Where problems go that no visitor is told of.
pub(crate) type Log = Arc<dyn Fn(&Problem) + Send + Sync>;

/// Everything that answers.
pub(crate) struct Site {
    pub(crate) config: Serve,
    pub(crate) brand: Brand,
    pub(crate) assets: crate::page::Assets,
    pub(crate) catalogue: Catalogue,
    /// In which people read times.
    pub(crate) zone: TimeZone,
    pub(crate) clock: Clock,
    pub(crate) endpoint: Endpoint,
    pub(crate) pool: Pool,
    pub(crate) gate: Gate,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) desk: Desk,
    pub(crate) metrics: Metrics,
    /// What is served, in the words of OpenAPI.
    pub(crate) description: Description,
    pub(crate) log: Log,
    /// Stands for this very program in entity tags.
    pub(crate) build: String,
    pub(crate) started_at: Timestamp,
    pub(crate) looks: Looks,
}

/// A request for a statistic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) stat: &'a str,
    /// Decoded parameters, in any order.
    pub(crate) pairs: &'a [(String, String)],
    /// `None`: levada itself, which no rate limits.
    pub(crate) client: Option<IpAddr>,
    /// A page shows nothing that another part of it does not have yet.
    pub(crate) through: Option<Timestamp>,
}

/// An answer, and how current it is.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) answer: Arc<Answer>,
    pub(crate) freshness: Freshness,
    /// The parameters in one form for all that mean the same.
    pub(crate) asked: String,
}

/// How much later than its query a visitor is told that it took too long.
const GRACE: Duration = Duration::from_millis(100);
/// Editions may follow each other while an answer is made, but not for ever.
const TRIES: usize = 3;

impl Site {
    /// Answers a request.
    pub(crate) async fn answer(self: &Arc<Self>, ask: Ask<'_>) -> Result<Served, Refusal> {
        let mut last = Refusal::Unavailable;
        for _ in 0..TRIES {
            let shown = self.desk.shown().ok_or(self.nothing())?;
            let (question, asked) = self.question(&shown, ask)?;
            match self.ask(&shown, question, ask.client).await {
                Ok(Some(answer)) => {
                    let freshness = self.desk.freshness(self.clock.now())?;
                    if freshness != Freshness::Fresh {
                        self.metrics.stale.add();
                    }
                    return Ok(Served { answer, freshness, asked: asked.canonical() });
                }
                Ok(None) => self.await_another(&shown).await?,
                Err(refusal) if refusal.is_passing() => {
                    return self.earlier(&shown, ask).ok_or(refusal)?;
                }
                Err(refusal) => return Err(refusal),
            }
            last = Refusal::Overloaded;
        }
        Err(last)
    }

    /// Why nothing is shown.
    fn nothing(&self) -> Refusal {
        match self.desk.is_fresh(self.clock.now()) {
            true => Refusal::NoEdition,
            false => Refusal::Unavailable,
        }
    }

    /// What a request means in an edition.
    pub(crate) fn question(
        &self,
        shown: &Arc<Shown>,
        ask: Ask<'_>,
    ) -> Result<(Question, Asked), Refusal> {
        let unknown = || Refusal::NotFound(format!("there is no statistic {:.64}", ask.stat));
        let stat = self.catalogue.stats.get(ask.stat).ok_or_else(unknown)?;
        let mut timeline = shown.timelines.get(ask.stat).ok_or_else(unknown)?.clone();
        if let Some(through) = ask.through {
            timeline.closed_through = timeline.closed_through.map(|own| own.min(through));
        }
        let fit = shown.standing.fits.get(ask.stat).ok_or(Refusal::Failed)?;
        let fitted = Arc::clone(fit.as_ref().map_err(|_| Refusal::Failed)?);
        let asked = catalogue::read(stat, &fitted, ask.pairs)?;
        let range = match (&asked.range, &stat.config.last) {
            (Some(range), Some(last)) => {
                Some(range::resolve(range, &timeline.buckets, timeline.closed_through, last.max)?)
            }
            _ if timeline.buckets.is_empty() => None,
            _ => Some(range::all(&timeline.buckets, timeline.closed_through)?),
        };
        let question = Question {
            stat: Arc::clone(stat),
            fitted,
            standing: Arc::clone(&shown.standing),
            timeline,
            values: asked.values.clone(),
            range,
        };
        Ok((question, asked))
    }

    async fn ask(
        self: &Arc<Self>,
        shown: &Arc<Shown>,
        question: Question,
        client: Option<IpAddr>,
    ) -> Outcome {
        let key = question.key();
        if let Some(answer) = shown.kept(&key) {
            self.metrics.hits.add();
            return Ok(Some(answer));
        }
        let deadline = Duration::from_millis(self.config.deadline_ms.into());
        let admit = || self.gate.admit(client);
        let load = || Arc::clone(self).load(question, client);
        // A query of levada itself may take longer than visitors wait for it.
        let wait = if client.is_some() { deadline + GRACE } else { deadline * 3 };
        let (outcome, way) = self.shelf.answer(&key, admit, load, wait).await;
        match (&outcome, way) {
            (Ok(_), Way::Hit) => self.metrics.hits.add(),
            (Ok(_), Way::Led) => self.metrics.misses.add(),
            (Ok(_), Way::Joined) => self.metrics.joined.add(),
            (Err(Refusal::Overloaded), _) => self.metrics.shed.add(),
            (Err(Refusal::TooManyQueries), _) => self.metrics.limited.add(),
            _ => {}
        }
        if let (Ok(Some(answer)), None) = (&outcome, client) {
            shown.keep(key, Arc::clone(answer));
        }
        outcome
    }

    /// Runs the query, in its turn and within the deadline.
    async fn load(self: Arc<Self>, question: Question, client: Option<IpAddr>) -> Outcome {
        let asked = Instant::now();
        let _turn = self.gate.turn(client).await?;
        let lease = self.pool.lease(self.gate.patience(client)).await.inspect_err(|_| {
            // The watch finds out whether the database is away.
            self.looks.ask();
        })?;
        let Some(session) = lease.session() else { return Err(Refusal::Unavailable) };
        let began = Instant::now();
        let waited = client.map_or(Duration::ZERO, |_| began.duration_since(asked));
        let deadline = Duration::from_millis(self.config.deadline_ms.into());
        let deadline = deadline.saturating_sub(waited);
        let loading = query::load(session, &question, self.config.rows_max);
        let loaded = tokio::time::timeout(deadline, loading).await;
        let stat = question.stat.name.as_str();
        let (problem, refusal) = match loaded {
            Ok(Ok(loaded)) => {
                lease.give_back();
                self.metrics.queried(stat, began.elapsed(), None);
                return Ok(match loaded {
                    Loaded::Answer(answer) => Some(Arc::from(answer)),
                    Loaded::Moved => None,
                });
            }
            Ok(Err(Failure::Database(error))) if is_lost(&error) => {
                self.looks.ask();
                (error.problem(), Refusal::Unavailable)
            }
            Ok(Err(Failure::Database(error))) => (error.problem(), Refusal::Failed),
            Ok(Err(Failure::Query(text))) => (Problem::new(text), Refusal::Failed),
            Err(_) => {
                // The server ends each statement earlier: perhaps it is away.
                self.looks.ask();
                (Problem::new("it did not end in time"), Refusal::Failed)
            }
        };
        let problem =
            Problem { message: format!("stat \"{stat}\": {}", problem.message), ..problem };
        self.metrics.queried(stat, began.elapsed(), Some(&problem));
        (self.log)(&problem);
        Err(refusal)
    }

    /// What the edition before said, if it is known and not too old.
    fn earlier(&self, shown: &Arc<Shown>, ask: Ask<'_>) -> Option<Result<Served, Refusal>> {
        let previous = shown.previous.as_ref()?;
        let (question, asked) = self.question(previous, ask).ok()?;
        let key = question.key();
        let answer = previous.kept(&key).or_else(|| self.shelf.known(&key))?;
        let freshness = self.desk.staleness(previous.confirmed_at, self.clock.now()).ok()?;
        self.metrics.stale.add();
        Some(Ok(Served { answer, freshness, asked: asked.canonical() }))
    }

    /// The edition has changed under a query: waits until another one is shown.
    async fn await_another(&self, shown: &Arc<Shown>) -> Result<(), Refusal> {
        let is_another = || {
            let now = self.desk.shown();
            now.is_none_or(|now| now.standing.version != shown.standing.version)
        };
        let deadline = Duration::from_millis(self.config.deadline_ms.into());
        tokio::time::timeout(deadline, self.looks.until(is_another))
            .await
            .map_err(|_| Refusal::Unavailable)
    }

    /// What browsers and proxies may keep: nothing without asking, unless a minute is allowed.
    pub(crate) fn cache_control(&self) -> String {
        match self.config.max_age_seconds {
            0 => "public, no-cache".to_owned(),
            seconds => format!("public, max-age={}, must-revalidate", seconds.min(60)),
        }
    }

    /// The languages of pages, the usual one first; never none.
    pub(crate) fn languages(&self) -> Vec<Language> {
        let known = self.config.languages.iter().filter_map(|code| Language::of(code));
        let known: Vec<Language> = known.collect();
        if known.is_empty() { vec![Language::English] } else { known }
    }

    /// How long without confirmation counts as fresh: three looks that were missed.
    pub(crate) fn fresh_for(config: &Serve) -> SignedDuration {
        SignedDuration::from_secs(i64::from(config.poll_seconds) * 3)
    }
}

/// Whether the server has gone, rather than refused the query.
fn is_lost(error: &pg::Error) -> bool {
    let ended = ["57P01", "57P02", "57P03"];
    matches!(error, pg::Error::Lost(_)) || error.sqlstate().is_some_and(|s| ended.contains(&s))
}
