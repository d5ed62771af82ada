//! Listens, and ends in good order: no new visitors, those who are here are answered.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming as Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use pg::Endpoint;
use report::Problem;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::config::{Brand, Page, Serve};
use crate::console::Console;
use crate::desk::Desk;
use crate::gate::{self, Gate};
use crate::house::{Farewell, House, Stay};
use crate::http::{self, Incoming};
use crate::metrics::Metrics;
use crate::page::Assets;
use crate::patience::Patient;
use crate::pool::Pool;
use crate::shelf::Shelf;
use crate::site::{Log, Site};
use crate::watch::Looks;

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

/// How long visitors are answered after the end was asked for.
const FAREWELL: Duration = Duration::from_secs(10);
/// All headers of a request together.
const HEADERS_MAX: usize = 16 << 10;

impl Server {
    /// Binds the address. Nothing is answered before [`Listening::run`].
    ///
    /// # Errors
    /// A [`Problem`] that names the address, or what is wrong with the section.
    pub async fn listen(self) -> anyhow::Result<Listening> {
        crate::settings::refuse(&self.config, &self.brand)?;
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

    pub(crate) fn site(self) -> anyhow::Result<Site> {
        let config = self.config;
        let stale_for = SignedDuration::from_mins(config.stale_minutes_max.into());
        let log: Log = self.log;
        Ok(Site {
            pool: Pool::new(
                self.endpoint.clone(),
                // Operators wait for no visitor.
                config.connections + usize::from(!config.console_listen.is_empty()),
                config.statement_timeout_ms,
            )?,
            gate: Gate::new(&config)?,
            shelf: Shelf::new(config.cache_megabytes),
            desk: Desk::new(Site::fresh_for(&config), stale_for),
            metrics: Metrics::default(),
            build: build(&self.brand, &config, &self.catalogue, &self.zone),
            assets: Assets::read(&self.brand)?,
            description: http::Description::new(&self.catalogue, &config, &self.brand),
            started_at: self.clock.now(),
            looks: Looks::default(),
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

/// Stands for everything that pages are made of besides the statistics: another program, another
/// brand or another language gives other pages of the same edition.
fn build(brand: &Brand, config: &Serve, catalogue: &Catalogue, zone: &TimeZone) -> String {
    let mut hasher = blake3::Hasher::new();
    let program = std::env::current_exe().and_then(std::fs::metadata).ok();
    let changed = program.as_ref().and_then(|program| program.modified().ok());
    let changed = changed.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let length = program.as_ref().map(|program| program.len());
    for file in [&brand.logo, &brand.stylesheet] {
        hasher.update(&std::fs::read(file).unwrap_or_default());
    }
    let pages: Vec<&Page> = catalogue.pages.values().map(AsRef::as_ref).collect();
    let parts = (brand, &config.public_url, &config.languages, pages);
    hasher.update(&serde_json::to_vec(&parts).unwrap_or_default());
    let zone = zone.iana_name().unwrap_or_default();
    hasher
        .update(format!("{} {length:?} {changed:?} {zone}", env!("CARGO_PKG_VERSION")).as_bytes());
    hasher.finalize().to_hex()[..8].to_owned()
}

impl Listening {
    /// Answers until `stop` is ready, and then those who are being answered.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (ending, ended) = watch::channel(false);
        let console = self.console.map(|console| tokio::spawn(console.run(ended.clone())));
        let keeping = tokio::spawn(crate::watch::keep(Arc::clone(&self.site), ended));
        let house = House::new(Arc::clone(&self.site));
        tokio::pin!(stop);
        loop {
            let (stream, peer) = tokio::select! {
                accepted = accept(&self.listener, &house) => accepted,
                () = &mut stop => break,
            };
            match house.enter() {
                Some(stay) => {
                    tokio::spawn(converse(Arc::clone(&self.site), stream, peer, stay));
                }
                None => turn_away(&stream),
            }
        }
        drop(self.listener);
        let _ = tokio::time::timeout(FAREWELL, house.close()).await;
        let _ = ending.send(true);
        let _ = keeping.await;
        if let Some(console) = console {
            let _ = console.await;
        }
    }
}

async fn accept(listener: &TcpListener, house: &House) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // Out of file descriptors, say: one comes back when a visitor leaves.
            Err(_) => {
                house.dismiss();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Says that the house is full, and waits for nothing: not even for being heard.
fn turn_away(stream: &TcpStream) {
    const SORRY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
        cache-control: no-store\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let _ = stream.try_write(SORRY);
}

async fn converse(site: Arc<Site>, stream: TcpStream, peer: SocketAddr, stay: Stay) {
    let _ = stream.set_nodelay(true);
    let silence = Duration::from_secs(site.config.silence_seconds.max(1).into());
    let stay = &stay;
    let service = service_fn(|request: hyper::Request<Body>| {
        let site = Arc::clone(&site);
        async move {
            let _answering = stay.answering();
            Ok::<_, Infallible>(answer(&site, &request, peer).await)
        }
    });
    let stream = TokioIo::new(Patient::new(stream, silence));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(silence)
        .max_buf_size(HEADERS_MAX)
        .serve_connection(stream, service);
    tokio::pin!(connection);
    let farewell = tokio::select! {
        biased;
        _ = &mut connection => return,
        farewell = stay.dismissed() => farewell,
    };
    if farewell == Farewell::AfterTheAnswer {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

async fn answer(
    site: &Arc<Site>,
    request: &hyper::Request<Body>,
    peer: SocketAddr,
) -> hyper::Response<Full<Bytes>> {
    let response = match http::malformed(request) {
        Some(refused) => refused,
        None => {
            let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
            let incoming = Incoming {
                method: request.method(),
                target,
                headers: request.headers(),
                client: gate::visitor(peer.ip(), request.headers(), site.config.trusted_proxies),
            };
            http::respond(site, &incoming).await
        }
    };
    site.metrics.responded(response.status());
    response
}
