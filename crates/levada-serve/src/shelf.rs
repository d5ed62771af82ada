//! Answers that are known, and queries on their way: one query per question, however many ask, and
//! also when the one who asked first goes away.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::answer::Answer;
use crate::refusal::Refusal;

/// What became of a question. `None`: the edition changed meanwhile, ask again.
pub(crate) type Outcome = Result<Option<Arc<Answer>>, Refusal>;

/// How a request got its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Hit,
    /// It caused the query.
    Led,
    /// It waited for a query that another caused.
    Joined,
}

/// Known answers by key, bounded by weight; queries on their way; failures of the last second.
pub(crate) struct Shelf {
    known: moka::sync::Cache<String, Arc<Answer>>,
    failed: moka::sync::Cache<String, Refusal>,
    flights: Mutex<HashMap<String, watch::Receiver<Option<Outcome>>>>,
}

impl Shelf {
    pub(crate) fn new(megabytes: u32) -> Arc<Self> {
        let weigh = |key: &String, answer: &Arc<Answer>| {
            answer.bytes().saturating_add(u32::try_from(key.len()).unwrap_or(0))
        };
        Arc::new(Self {
            known: moka::sync::Cache::builder()
                .weigher(weigh)
                .max_capacity(u64::from(megabytes) << 20)
                .build(),
            failed: moka::sync::Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_secs(1))
                .build(),
            flights: Mutex::default(),
        })
    }

    /// An answer that is known.
    pub(crate) fn known(&self, key: &str) -> Option<Arc<Answer>> {
        self.known.get(key)
    }

    /// The answer: known, on its way, or loaded now. `admit` is asked only by who would cause a
    /// query; `load` runs to its end in a task of its own, whoever goes away.
    pub(crate) async fn answer<F>(
        self: &Arc<Self>,
        key: &str,
        admit: impl FnOnce() -> Result<(), Refusal>,
        load: impl FnOnce() -> F,
        deadline: Duration,
    ) -> (Outcome, Way)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        if let Some(answer) = self.known(key) {
            return (Ok(Some(answer)), Way::Hit);
        }
        if let Some(refusal) = self.failed.get(key) {
            return (Err(refusal), Way::Hit);
        }
        let (flight, way) = match self.join_or_lead(key, admit, load) {
            Ok(flight) => flight,
            Err(refusal) => return (Err(refusal), Way::Led),
        };
        (landed(flight, deadline).await, way)
    }

    fn join_or_lead<F>(
        self: &Arc<Self>,
        key: &str,
        admit: impl FnOnce() -> Result<(), Refusal>,
        load: impl FnOnce() -> F,
    ) -> Result<(watch::Receiver<Option<Outcome>>, Way), Refusal>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(key) {
            return Ok((flight.clone(), Way::Joined));
        }
        // It may have landed between the look at the shelf and the lock.
        if let Some(answer) = self.known(key) {
            return Ok((watch::channel(Some(Ok(Some(answer)))).1, Way::Hit));
        }
        admit()?;
        let (sender, flight) = watch::channel(None);
        flights.insert(key.to_owned(), flight.clone());
        drop(flights);
        let landing = Landing { shelf: Arc::clone(self), key: key.to_owned() };
        let work = load();
        tokio::spawn(async move {
            let outcome = work.await;
            landing.keep(&outcome);
            drop(landing);
            let _ = sender.send(Some(outcome));
        });
        Ok((flight, Way::Led))
    }
}

/// Removes a query from those on their way, also when its task panics.
struct Landing {
    shelf: Arc<Shelf>,
    key: String,
}

impl Landing {
    fn keep(&self, outcome: &Outcome) {
        match outcome {
            Ok(Some(answer)) => self.shelf.known.insert(self.key.clone(), Arc::clone(answer)),
            Ok(None) => {}
            Err(refusal) => self.shelf.failed.insert(self.key.clone(), refusal.clone()),
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = self.shelf.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.remove(&self.key);
    }
}

async fn landed(mut flight: watch::Receiver<Option<Outcome>>, deadline: Duration) -> Outcome {
    let wait = flight.wait_for(Option::is_some);
    match tokio::time::timeout(deadline, wait).await {
        Ok(Ok(outcome)) => outcome.clone().unwrap_or(Err(Refusal::Failed)),
        Ok(Err(_)) => Err(Refusal::Failed),
        Err(_) => Err(Refusal::Overloaded),
    }
}
