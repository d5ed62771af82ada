//! Keeps what is shown current: hears of each publication, looks for itself besides, and makes the
//! usual responses ready before anybody asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pg::{Listener, Purpose, Session};
use report::Problem;
use tokio::sync::Notify;
use tokio::sync::watch::Receiver;
use tokio::task::JoinHandle;

use crate::catalogue::{self, Unfit};
use crate::desk::Shown;
use crate::http::Ready;
use crate::site::Site;
use crate::standing::{Standing, Version};

/// What the publish transaction notifies on.
const CHANNEL: &str = "levada_published";
/// How long all statistics together may take to fit a new edition.
const FITTING: Duration = Duration::from_secs(60);
/// After this the edition is shown with those that fit by then; the others follow.
const ENOUGH: Duration = Duration::from_secs(30);
/// How long to wait before the next look when one has failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Opening a session takes no longer, or the database is away.
const OPENING: Duration = Duration::from_secs(2);

/// One may be under way already and see what was before; the next sees what is.
const LOOKS_MAX: usize = 3;

/// How others ask the watch to look, and hear that it has.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    asked: Notify,
    /// How many ended.
    ended: tokio::sync::watch::Sender<u64>,
}

impl Looks {
    /// Asks for a look; many requests at once are one.
    pub(crate) fn ask(&self) {
        self.asked.notify_one();
    }

    /// How many ended, and a word when one more does.
    #[cfg(test)]
    pub(crate) fn ended(&self) -> Receiver<u64> {
        self.ended.subscribe()
    }

    /// Asks for looks until one has brought about what is wanted, but not for many.
    pub(crate) async fn until(&self, is_so: impl Fn() -> bool) {
        let mut ended = self.ended.subscribe();
        for _ in 0..LOOKS_MAX {
            if is_so() {
                return;
            }
            self.ask();
            let _ = ended.changed().await;
        }
    }
}

/// Watches until `stop` says so.
pub(crate) async fn keep(site: Arc<Site>, mut stop: Receiver<bool>) {
    let watch = Watch { site, eye: None, newest: None, complaint: None };
    tokio::select! {
        () = watch.run() => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// A session of its own, which no visitor can use up. Where the server has no notifications, as on
/// standbys, looking is enough.
enum Eye {
    Listening(Listener),
    Plain(Session),
}

impl Eye {
    async fn open(site: &Site) -> pg::Result<Self> {
        let purpose = Purpose::Serving { statement_timeout_ms: site.config.statement_timeout_ms };
        match Listener::open(&site.endpoint, purpose, CHANNEL).await {
            Ok(listener) => Ok(Self::Listening(listener)),
            Err(pg::Error::Server { .. }) => {
                Ok(Self::Plain(Session::open(&site.endpoint, purpose).await?))
            }
            Err(error) => Err(error),
        }
    }

    fn session(&self) -> &Session {
        match self {
            Self::Listening(listener) => listener.session(),
            Self::Plain(session) => session,
        }
    }

    /// Ends with a notification, or with the connection.
    async fn hear(&mut self) {
        match self {
            Self::Listening(listener) => {
                let _ = listener.next().await;
            }
            Self::Plain(_) => std::future::pending().await,
        }
    }
}

struct Watch {
    site: Arc<Site>,
    eye: Option<Eye>,
    /// What was ever shown: nothing older is shown again.
    newest: Option<Version>,
    /// Said once, not at each look.
    complaint: Option<String>,
}

impl Watch {
    async fn run(mut self) {
        let mut preparing: Option<JoinHandle<()>> = None;
        loop {
            let looked = self.look().await;
            self.site.looks.ended.send_modify(|ended| *ended += 1);
            let is_idle = preparing.as_ref().is_none_or(JoinHandle::is_finished);
            let pause = match looked {
                Ok(()) => {
                    self.complaint = None;
                    if is_idle {
                        preparing = Some(tokio::spawn(prepare(Arc::clone(&self.site))));
                    }
                    Duration::from_secs(self.site.config.poll_seconds.max(1).into())
                }
                Err(problem) => {
                    self.complain(problem);
                    PAUSE
                }
            };
            let site = Arc::clone(&self.site);
            tokio::select! {
                () = hear(&mut self.eye) => {}
                () = site.looks.asked.notified(), if self.eye.is_some() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn complain(&mut self, problem: Problem) {
        if self.complaint.as_ref() != Some(&problem.message) {
            (self.site.log)(&problem);
        }
        self.complaint = Some(problem.message);
    }

    /// Looks which edition is published, and shows it.
    ///
    /// # Errors
    /// Why the database could not be asked: what is shown stays, unconfirmed.
    async fn look(&mut self) -> Result<(), Problem> {
        let site = Arc::clone(&self.site);
        // Put back only when it has answered: the listener is checked by each look.
        let eye = match self.eye.take() {
            Some(eye) => Ok(eye),
            None => within(OPENING, Eye::open(&site)).await,
        };
        let eye = eye.inspect_err(|_| site.gate.shut(true))?;
        let session = eye.session();
        let limit = Duration::from_millis(site.config.deadline_ms.into());
        let begun = within(limit, begin(session)).await;
        site.gate.shut(begun.is_err());
        let version = begun?;
        self.refuse_older(version.as_ref())?;
        let known = site.desk.shown();
        if known.as_ref().map(|known| &known.standing.version) != version.as_ref() {
            // To fit the statistics may take long: nobody calls the edition before fresh meanwhile.
            site.desk.supersede();
        }
        let reading = read(session, &site, known.as_ref(), version.as_ref());
        let looked = within(FITTING, reading).await?;
        let asked_at = site.clock.now();
        // What was read by name may be of an edition that has been published meanwhile.
        let is_still = within(limit, end(session)).await? == version;
        self.eye = Some(eye);
        match is_still {
            true => self.show(looked, known.as_ref(), asked_at),
            false => site.looks.ask(),
        }
        Ok(())
    }

    /// A number that is higher is newer, whatever the clock of its server says.
    fn refuse_older(&self, version: Option<&Version>) -> Result<(), Problem> {
        let (Some(newest), Some(version)) = (&self.newest, version) else { return Ok(()) };
        if !version.is_before(newest) {
            return Ok(());
        }
        // The session is not kept: another one may lead to another server.
        Err(Problem::new("the database shows an older edition than before")
            .hint("[serve] url must lead to one server; after a restore, start levada serve again"))
    }

    fn show(&mut self, looked: Looked, known: Option<&Arc<Shown>>, asked_at: Timestamp) {
        let desk = &self.site.desk;
        match looked {
            Looked::Same => desk.confirm(asked_at),
            Looked::Nothing => desk.put(None, asked_at),
            Looked::Other(standing) => {
                self.newest = Some(standing.version.clone());
                let confirmed_at = desk.confirmed_at();
                let shown = Shown::new(*standing, &self.site.catalogue, known, confirmed_at);
                desk.put(Some(Arc::new(shown)), asked_at);
            }
        }
    }
}

/// What the database says, or that it says nothing in time.
async fn within<T>(
    limit: Duration,
    asking: impl Future<Output = pg::Result<T>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(limit, asking).await {
        Ok(answered) => answered.map_err(|error| crate::rights::explained(&error)),
        Err(_) => Err(Problem::new("the reporting database does not answer in time")),
    }
}

/// Begins a snapshot, and tells what is published in it.
async fn begin(session: &Session) -> pg::Result<Option<Version>> {
    session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    crate::standing::version(session).await
}

/// Ends it, and tells what is published by now.
async fn end(session: &Session) -> pg::Result<Option<Version>> {
    session.batch("COMMIT").await?;
    crate::standing::version(session).await
}

async fn hear(eye: &mut Option<Eye>) {
    match eye {
        Some(eye) => eye.hear().await,
        None => std::future::pending().await,
    }
}

/// Makes ready what is shown, and what is shown by then.
async fn prepare(site: Arc<Site>) {
    while let Some(shown) = site.desk.shown() {
        Ready::prepare(&site).await;
        if site.desk.shown().is_some_and(|now| Arc::ptr_eq(&now, &shown)) {
            return;
        }
    }
}

/// Nobody waits for the watch: its statements in an edition that is new may take longer.
const TIMEOUT: &str = "SET LOCAL statement_timeout = '20s'";

enum Looked {
    Same,
    Nothing,
    Other(Box<Standing>),
}

/// Reads what is published, in the snapshot that told its version, and fits the statistics to it.
async fn read(
    session: &Session,
    site: &Site,
    known: Option<&Arc<Shown>>,
    version: Option<&Version>,
) -> pg::Result<Looked> {
    let Some(version) = version else { return Ok(Looked::Nothing) };
    let known = known.filter(|known| known.standing.version == *version);
    if known.is_some_and(|known| !known.standing.has_passing()) {
        return Ok(Looked::Same);
    }
    session.batch(TIMEOUT).await?;
    let mut standing = match known {
        Some(known) => known.standing.as_ref().clone(),
        None => match Standing::read(session).await? {
            Some(standing) => standing,
            None => return Ok(Looked::Nothing),
        },
    };
    let mut is_other = known.is_none();
    let began = Instant::now();
    for (name, stat) in &site.catalogue.stats {
        let before = standing.fits.get(name);
        if before.is_some_and(|fit| !fit.as_ref().is_err_and(|unfit| unfit.is_passing)) {
            continue;
        }
        let before = before.and_then(|fit| fit.as_ref().err()).map(|unfit| unfit.problem.clone());
        let fit = match began.elapsed() < ENOUGH {
            true => catalogue::fit(session, stat, &standing).await?,
            false => Err(late(name)),
        };
        if let Err(unfit) = &fit
            && before.as_ref() != Some(&unfit.problem)
        {
            (site.log)(&unfit.problem);
        }
        is_other |= fit.is_ok();
        site.metrics.fitted(name, fit.as_ref().err().map(|unfit| &unfit.problem));
        standing.fits.insert(name.clone(), fit);
    }
    Ok(if is_other { Looked::Other(Box::new(standing)) } else { Looked::Same })
}

fn late(stat: &str) -> Unfit {
    let problem = Problem::new(format!("stat \"{stat}\" waits until others are fitted"))
        .detail("to find the values of their parameters takes long")
        .hint("ask a smaller table, such as a rollup, as values_from");
    Unfit { problem, is_passing: true }
}
