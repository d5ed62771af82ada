//! Listens, and ends in good order: no new visitors, those who are here are answered.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming as Body;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use pg::Endpoint;
use report::Problem;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::config::{Brand, Serve};
use crate::console::Console;
use crate::desk::Desk;
use crate::gate::Gate;
use crate::http::{self, Incoming};
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::shelf::Shelf;
use crate::site::{Log, Site};

/// Everything that `levada serve` was told.
pub struct Server {
    /// The `[serve]` section.
    pub config: Serve,
    /// The `[brand]` section.
    pub brand: Brand,
    /// Statistics and pages.
    pub catalogue: Catalogue,
    /// The reporting database. There is no other.
    pub endpoint: Endpoint,
    /// In which people read times.
    pub zone: TimeZone,
    /// The clock on the wall.
    pub clock: Clock,
    /// Where problems go that no visitor is told of.
    pub log: Arc<dyn Fn(&Problem) + Send + Sync>,
}

/// A server that listens.
pub struct Listening {
    /// Where visitors are answered.
    pub address: SocketAddr,
    /// Where operators are, if they are anywhere.
    pub console_address: Option<SocketAddr>,
    listener: TcpListener,
    console: Option<Console>,
    site: Arc<Site>,
}

/// A visitor who says nothing for so long is disconnected.
const SILENCE: Duration = Duration::from_secs(10);
/// How long visitors are answered after the end was asked for.
const FAREWELL: Duration = Duration::from_secs(10);
/// All headers of a request together.
const HEADERS_MAX: usize = 16 << 10;

impl Server {
    /// Binds the address. Nothing is answered before [`Listening::run`].
    ///
    /// # Errors
    /// A [`Problem`] that names the address.
    pub async fn listen(self) -> anyhow::Result<Listening> {
        let address = &self.config.listen;
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Problem::new(format!("cannot listen on {address}"))
                .detail(error.to_string())
                .hint("choose another [serve] listen, or end what listens there")
        })?;
        let address = listener.local_addr()?;
        let site = Arc::new(self.site()?);
        let console = Console::open(&site).await?;
        let console_address = console.as_ref().map(|console| console.address);
        Ok(Listening { address, console_address, listener, console, site })
    }

    fn site(self) -> anyhow::Result<Site> {
        let config = self.config;
        let stale_for = SignedDuration::from_mins(config.stale_minutes_max.into());
        let wait = Duration::from_millis(config.wait_ms.into());
        let log: Log = self.log;
        Ok(Site {
            pool: Pool::new(
                self.endpoint.clone(),
                // One more than visitors may use: for looking which edition is published.
                config.connections + 1,
                wait,
                config.statement_timeout_ms,
            )?,
            gate: Gate::new(&config),
            shelf: Shelf::new(config.cache_megabytes),
            desk: Desk::new(Site::fresh_for(&config), stale_for),
            metrics: Metrics::default(),
            build: build(),
            started_at: self.clock.now(),
            looking: tokio::sync::Mutex::new(()),
            brand: self.brand,
            catalogue: self.catalogue,
            zone: self.zone,
            clock: self.clock,
            endpoint: self.endpoint,
            log,
            config,
        })
    }
}

/// Another program may render other pages of the same edition.
fn build() -> String {
    let program = std::env::current_exe().and_then(std::fs::metadata);
    let changed = program.as_ref().ok().and_then(|program| program.modified().ok());
    let changed = changed.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let length = program.map_or(0, |program| program.len());
    let text = format!("{} {length} {changed:?}", env!("CARGO_PKG_VERSION"));
    blake3::hash(text.as_bytes()).to_hex()[..8].to_owned()
}

impl Listening {
    /// Answers until `stop` is ready, and then those who are being answered.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (ending, ended) = watch::channel(false);
        let console = self.console.map(|console| tokio::spawn(console.run(ended.clone())));
        let keeping = tokio::spawn(crate::watch::keep(Arc::clone(&self.site), ended));
        let visitors = Arc::new(Semaphore::new(self.site.config.visitors));
        let graceful = GracefulShutdown::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &visitors) => accepted,
                () = &mut stop => break,
            };
            let (stream, peer, place) = accepted;
            let connection = converse(Arc::clone(&self.site), stream, peer, &graceful);
            tokio::spawn(async move {
                connection.await;
                drop(place);
            });
        }
        drop(self.listener);
        let _ = tokio::time::timeout(FAREWELL, graceful.shutdown()).await;
        let _ = ending.send(true);
        let _ = keeping.await;
        if let Some(console) = console {
            let _ = console.await;
        }
    }
}

async fn accept(
    listener: &TcpListener,
    visitors: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<tokio::sync::OwnedSemaphorePermit>) {
    let place = Arc::clone(visitors).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            // Out of file descriptors, say: that passes when visitors leave.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn converse(
    site: Arc<Site>,
    stream: TcpStream,
    peer: SocketAddr,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Body>| {
        let site = Arc::clone(&site);
        async move {
            Ok::<hyper::Response<Full<Bytes>>, Infallible>(answer(&site, &request, peer).await)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(SILENCE)
        .max_buf_size(HEADERS_MAX)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEADERS_MAX as u32)
        .max_concurrent_streams(32);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    async move {
        let _ = connection.await;
    }
}

async fn answer(
    site: &Arc<Site>,
    request: &hyper::Request<Body>,
    peer: SocketAddr,
) -> hyper::Response<Full<Bytes>> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let incoming = Incoming {
        method: request.method(),
        target,
        headers: request.headers(),
        client: crate::gate::client(peer.ip()),
    };
    http::respond(site, &incoming).await
}
