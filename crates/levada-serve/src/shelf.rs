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
        if let Some(outcome) = self.landed_before(key) {
            return (outcome, Way::Hit);
        }
        let (flight, way) = match self.join_or_lead(key, admit, load) {
            Ok(flight) => flight,
            Err(refusal) => return (Err(refusal), Way::Led),
        };
        (landed(flight, deadline).await, way)
    }

    /// What is known of a question, or why it was refused a moment ago.
    fn landed_before(&self, key: &str) -> Option<Outcome> {
        let known = self.known(key).map(|answer| Ok(Some(answer)));
        known.or_else(|| self.failed.get(key).map(Err))
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
        if let Some(outcome) = self.landed_before(key) {
            return Ok((watch::channel(Some(outcome)).1, Way::Hit));
        }
        admit()?;
        let (sender, flight) = watch::channel(None);
        flights.insert(key.to_owned(), flight.clone());
        drop(flights);
        let shelf = Arc::clone(self);
        let mut landing = Landing { shelf, key: key.to_owned(), outcome: Err(Refusal::Failed) };
        let work = load();
        tokio::spawn(async move {
            landing.outcome = work.await;
            let outcome = landing.outcome.clone();
            drop(landing);
            let _ = sender.send(Some(outcome));
        });
        Ok((flight, Way::Led))
    }
}

/// Keeps what came of a query and removes it from those on their way, also when its task panics.
struct Landing {
    shelf: Arc<Shelf>,
    key: String,
    outcome: Outcome,
}

impl Drop for Landing {
    fn drop(&mut self) {
        // Before it is removed: in between, somebody would lead it again.
        match &self.outcome {
            Ok(Some(answer)) => self.shelf.known.insert(self.key.clone(), Arc::clone(answer)),
            Ok(None) => {}
            Err(refusal) => self.shelf.failed.insert(self.key.clone(), refusal.clone()),
        }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(60);

    /// A query that counts itself and ends when it is let go.
    #[derive(Default)]
    struct Query {
        runs: AtomicUsize,
        go: Notify,
    }

    impl Query {
        async fn run(self: Arc<Self>, outcome: Outcome) -> Outcome {
            self.runs.fetch_add(1, Ordering::SeqCst);
            self.go.notified().await;
            outcome
        }
    }

    async fn ask(shelf: &Arc<Shelf>, query: &Arc<Query>, outcome: Outcome) -> (Outcome, Way) {
        let load = || Arc::clone(query).run(outcome);
        shelf.answer("key", || Ok(()), load, DEADLINE).await
    }

    fn in_flight(shelf: &Shelf) -> usize {
        shelf.flights.lock().unwrap().len()
    }

    /// Lets every task run until it waits.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_asked_first_may_go_away() {
        let (shelf, query) = (Shelf::new(1), Arc::new(Query::default()));
        let leader = tokio::spawn({
            let (shelf, query) = (Arc::clone(&shelf), Arc::clone(&query));
            async move { ask(&shelf, &query, Ok(None)).await }
        });
        settle().await;
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
        let waiters: Vec<_> = (0..1000)
            .map(|_| {
                let (shelf, query) = (Arc::clone(&shelf), Arc::clone(&query));
                tokio::spawn(async move { ask(&shelf, &query, Ok(None)).await })
            })
            .collect();
        settle().await;
        query.go.notify_one();
        for waiter in waiters {
            let (outcome, way) = waiter.await.unwrap();
            assert!(matches!(outcome, Ok(None)), "{outcome:?}");
            assert_eq!(way, Way::Joined);
        }
        assert_eq!(query.runs.load(Ordering::SeqCst), 1);
        assert_eq!(in_flight(&shelf), 0);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_for_those_who_wait_and_a_pause_for_the_next() {
        let shelf = Shelf::new(1);
        let load = || async { panic!("for the test") };
        let (outcome, way) = shelf.answer("key", || Ok(()), load, DEADLINE).await;
        assert!(matches!(outcome, Err(Refusal::Failed)), "{outcome:?}");
        assert_eq!((way, in_flight(&shelf)), (Way::Led, 0));
        let query = Arc::new(Query::default());
        let (outcome, way) = ask(&shelf, &query, Ok(None)).await;
        assert!(matches!(outcome, Err(Refusal::Failed)), "{outcome:?}");
        assert_eq!((way, query.runs.load(Ordering::SeqCst)), (Way::Hit, 0));
    }

    #[tokio::test]
    async fn an_error_is_forgotten_after_a_second() {
        let (shelf, query) = (Shelf::new(1), Arc::new(Query::default()));
        query.go.notify_one();
        let failed = ask(&shelf, &query, Err(Refusal::Unavailable)).await.0;
        assert!(matches!(failed, Err(Refusal::Unavailable)), "{failed:?}");
        tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                query.go.notify_one();
                match ask(&shelf, &query, Ok(None)).await.0 {
                    Ok(None) => return,
                    Err(Refusal::Unavailable) => settle().await,
                    other => panic!("{other:?}"),
                }
            }
        })
        .await
        .unwrap();
        assert_eq!(query.runs.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn who_is_not_admitted_leaves_nothing_behind() {
        let (shelf, query) = (Shelf::new(1), Arc::new(Query::default()));
        let load = || Arc::clone(&query).run(Ok(None));
        let refuse = || Err(Refusal::TooManyQueries);
        let (outcome, _) = shelf.answer("key", refuse, load, DEADLINE).await;
        assert!(matches!(outcome, Err(Refusal::TooManyQueries)), "{outcome:?}");
        query.go.notify_one();
        assert!(matches!(ask(&shelf, &query, Ok(None)).await.0, Ok(None)));
    }
}
