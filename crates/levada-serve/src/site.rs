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
    pub(crate) looking: tokio::sync::Mutex<()>,
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

/// Editions may follow each other while an answer is made, but not for ever.
const TRIES: usize = 3;

impl Site {
    /// Answers a request.
    pub(crate) async fn answer(self: &Arc<Self>, ask: Ask<'_>) -> Result<Served, Refusal> {
        let mut last = Refusal::Unavailable;
        for _ in 0..TRIES {
            let shown = self.desk.shown().ok_or(self.nothing())?;
            let (question, asked) = self.question(&shown, ask)?;
            match self.ask(question, ask.client).await {
                Ok(Some(answer)) => {
                    let freshness = self.desk.freshness(self.clock.now())?;
                    if freshness != Freshness::Fresh {
                        self.metrics.stale.add();
                    }
                    return Ok(Served { answer, freshness, asked: asked.canonical() });
                }
                Ok(None) => self.look_again(&shown).await?,
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
        match self.desk.confirmed_at() {
            Some(_) => Refusal::NoEdition,
            None => Refusal::Unavailable,
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

    async fn ask(self: &Arc<Self>, question: Question, client: Option<IpAddr>) -> Outcome {
        let key = question.key();
        let deadline = Duration::from_millis(self.config.deadline_ms.into());
        let admit = || self.gate.admit(client);
        let load = || Arc::clone(self).load(question);
        let (outcome, way) = self.shelf.answer(&key, admit, load, deadline).await;
        match way {
            Way::Hit => self.metrics.hits.add(),
            Way::Led => self.metrics.misses.add(),
            Way::Joined => self.metrics.joined.add(),
        }
        match &outcome {
            Err(Refusal::Overloaded) => self.metrics.shed.add(),
            Err(Refusal::TooManyQueries) => self.metrics.limited.add(),
            _ => {}
        }
        outcome
    }

    /// Runs the query, in its turn and within the deadline.
    async fn load(self: Arc<Self>, question: Question) -> Outcome {
        let _turn = self.gate.turn().await?;
        let lease = self.pool.lease().await?;
        let Some(session) = lease.session() else { return Err(Refusal::Unavailable) };
        let began = Instant::now();
        let deadline = Duration::from_millis(self.config.deadline_ms.into());
        let loading = query::load(session, &question, self.config.rows_max);
        let loaded = tokio::time::timeout(deadline, loading).await;
        let stat = question.stat.name.as_str();
        let problem = match loaded {
            Ok(Ok(loaded)) => {
                lease.give_back();
                self.metrics.queried(stat, began.elapsed(), None);
                return Ok(match loaded {
                    Loaded::Answer(answer) => Some(Arc::new(answer)),
                    Loaded::Moved => None,
                });
            }
            Ok(Err(Failure::Database(error))) => error.problem(),
            Ok(Err(Failure::Query(text))) => Problem::new(text),
            Err(_) => Problem::new("it did not end in time"),
        };
        let problem =
            Problem { message: format!("stat \"{stat}\": {}", problem.message), ..problem };
        self.metrics.queried(stat, began.elapsed(), Some(&problem));
        (self.log)(&problem);
        Err(Refusal::Failed)
    }

    /// What the edition before said, if it is known and not too old.
    fn earlier(&self, shown: &Arc<Shown>, ask: Ask<'_>) -> Option<Result<Served, Refusal>> {
        let previous = shown.previous.as_ref()?;
        let (question, asked) = self.question(previous, ask).ok()?;
        let answer = self.shelf.known(&question.key())?;
        let freshness = self.desk.staleness(self.clock.now()).ok()?;
        self.metrics.stale.add();
        Some(Ok(Served { answer, freshness, asked: asked.canonical() }))
    }

    /// The edition has changed under a query: looks until another one is shown.
    async fn look_again(self: &Arc<Self>, shown: &Arc<Shown>) -> Result<(), Refusal> {
        let _alone = self.looking.lock().await;
        let version = self.desk.shown().map(|now| now.standing.version.clone());
        if version.as_ref() != Some(&shown.standing.version) {
            return Ok(());
        }
        crate::watch::look(self).await.map_err(|problem| {
            (self.log)(&problem);
            Refusal::Unavailable
        })?;
        Ok(())
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
