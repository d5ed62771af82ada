//! The operator's console: one page behind a token, on a listener of its own, that tells what
//! happened, to which object, what is safe and what to type next. It reads and never writes.
//!
//! `door` asks for the token, `records` reads what the target tells of runs, `notes` says what
//! needs attention, `page` and the files beside it draw.

mod buckets;
mod door;
mod figures;
mod gantt;
mod notes;
mod page;
mod records;
mod words;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming as Body;
use hyper::header::{CONNECTION, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use report::Problem;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::http::Response;
use crate::site::Site;
pub(crate) use door::Door;
use door::Verdict;
use records::Notebook;

/// How many may look at the same time.
const CONNECTIONS_MAX: usize = 32;
/// Who says nothing for so long is disconnected.
const SILENCE: Duration = Duration::from_secs(5);
/// A connection lives no longer; browsers open another one.
const CONNECTION_LIFE: Duration = Duration::from_secs(300);
const FAREWELL: Duration = Duration::from_secs(2);
const HEADERS_MAX: usize = 16 << 10;

const HEADERS: [(&str, &str); 6] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// The console, listening.
pub(crate) struct Console {
    /// Where operators are answered.
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    room: Arc<Room>,
}

/// What all requests share.
struct Room {
    site: Arc<Site>,
    door: Door,
    notebook: Notebook,
}

impl Console {
    /// Binds the address, if there is one.
    ///
    /// # Errors
    /// A token that is missing or too short; an address that cannot be had.
    pub(crate) async fn open(site: &Arc<Site>) -> anyhow::Result<Option<Self>> {
        let address = &site.config.console_listen;
        if address.is_empty() {
            return Ok(None);
        }
        let door = Door::new(&site.config.console_token)?;
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Problem::new(format!("cannot listen on {address}"))
                .detail(error.to_string())
                .hint("choose another [serve] console_listen, or end what listens there")
        })?;
        let room = Room { site: Arc::clone(site), door, notebook: Notebook::default() };
        Ok(Some(Self { address: listener.local_addr()?, listener, room: Arc::new(room) }))
    }

    /// Answers until the end is announced.
    pub(crate) async fn run(self, mut ended: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let graceful = GracefulShutdown::new();
        loop {
            let (accepted, place) = tokio::select! {
                accepted = accept(&self.listener, &places) => accepted,
                _ = ended.wait_for(|ended| *ended) => break,
            };
            let Ok((stream, peer)) = accepted else {
                // Out of file descriptors, say: that passes.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let connection = converse(Arc::clone(&self.room), stream, peer, &graceful);
            tokio::spawn(async move {
                let _ = tokio::time::timeout(CONNECTION_LIFE, connection).await;
                drop(place);
            });
        }
        drop(self.listener);
        let _ = tokio::time::timeout(FAREWELL, graceful.shutdown()).await;
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (std::io::Result<(TcpStream, SocketAddr)>, Option<OwnedSemaphorePermit>) {
    let place = Arc::clone(places).acquire_owned().await.ok();
    (listener.accept().await, place)
}

fn converse(
    room: Arc<Room>,
    stream: TcpStream,
    peer: SocketAddr,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let service = service_fn(move |request: Request<Body>| {
        let room = Arc::clone(&room);
        async move { Ok::<Response, Infallible>(room.respond(&request, peer.ip()).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SILENCE)
        .max_buf_size(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    async move {
        let _ = connection.await;
    }
}

impl Room {
    async fn respond(&self, request: &Request<Body>, peer: IpAddr) -> Response {
        let client = crate::gate::client(peer);
        let mut response = match self.door.verdict(request.headers(), client, Instant::now()) {
            Verdict::Open => self.show(request).await,
            Verdict::Locked => leaving(locked()),
            Verdict::Later => {
                leaving(plain(StatusCode::TOO_MANY_REQUESTS, "Come again in a minute.\n"))
            }
        };
        for (name, value) in HEADERS {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        response
    }

    async fn show(&self, request: &Request<Body>) -> Response {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
            response.headers_mut().insert("allow", HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match request.uri().path() {
            "/" => {
                let told = self.notebook.told(&self.site).await;
                let text = page::console(&self.site, &told).into_string();
                sent(StatusCode::OK, "text/html; charset=utf-8", text.into())
            }
            "/assets/console.css" => asset("text/css", include_str!("console.css")),
            "/assets/console.js" => asset("text/javascript", include_str!("console.js")),
            "/assets/console.svg" => asset("image/svg+xml", include_str!("console.svg")),
            _ => plain(StatusCode::NOT_FOUND, "The console is one page: /\n"),
        }
    }
}

/// Who has no token keeps no place.
fn leaving(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// 401 says nothing of why.
fn locked() -> Response {
    let mut response = plain(StatusCode::UNAUTHORIZED, "The console asks for its token.\n");
    let challenge = "Basic realm=\"levada console\", charset=\"UTF-8\"";
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    sent(StatusCode::OK, content_type, Bytes::from_static(text.as_bytes()))
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    sent(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn sent(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    response
}
