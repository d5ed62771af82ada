//! A network that can be broken.
//!
//! Responsible for: standing between a client and a cluster on the loopback interface, and there
//! cutting connections now, when idle, or after so many bytes, or holding them all up. Must not:
//! look into what it forwards.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cluster::url;

const BUFFER_BYTES: usize = 64 * 1024;
/// How often a silent connection looks whether it has been silent for too long.
const IDLE_LOOKS: u32 = 4;

/// A forwarder of TCP connections. Dropping it closes them all.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    line: Arc<Line>,
}

/// What all connections of a proxy share.
#[derive(Debug)]
struct Line {
    server: SocketAddr,
    idle_limit: Option<Duration>,
    closed: AtomicBool,
    refusing: AtomicBool,
    accepted: AtomicU64,
    /// Both directions together.
    bytes: AtomicU64,
    /// At this number of bytes everything is cut, once. `u64::MAX`: never.
    bytes_limit: AtomicU64,
    /// At this number of bytes nothing moves until the gate is opened again.
    gate: Mutex<Option<u64>>,
    opened: Condvar,
    open: Mutex<Vec<(TcpStream, TcpStream)>>,
}

impl Proxy {
    /// A proxy to the server that listens on `port` of 127.0.0.1.
    pub fn to(port: u16) -> Result<Self> {
        Self::with_idle_limit(port, None)
    }

    /// A proxy that cuts each connection over which nothing has gone for `limit`, as load
    /// balancers and firewalls do.
    pub fn cutting_idle(port: u16, limit: Duration) -> Result<Self> {
        Self::with_idle_limit(port, Some(limit))
    }

    /// The URL of a database through this proxy, as superuser `postgres`.
    pub fn url(&self, database: &str) -> String {
        url("127.0.0.1", self.port, database)
    }

    /// The port that the proxy listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections that are open now; new ones are accepted.
    pub fn cut_all(&self) {
        self.line.cut_all();
    }

    /// Cuts all connections, once, when this many more bytes have gone through.
    pub fn cut_after(&self, bytes: u64) {
        let so_far = self.line.bytes.load(Ordering::SeqCst);
        self.line.bytes_limit.store(so_far.saturating_add(bytes), Ordering::SeqCst);
    }

    /// Holds everything up when this many more bytes have come: nothing is cut, nothing moves.
    pub fn stall_after(&self, bytes: u64) {
        let so_far = self.line.bytes.load(Ordering::SeqCst);
        *self.line.gate() = Some(so_far.saturating_add(bytes));
    }

    /// Whether [`Proxy::stall_after`] holds everything up now.
    pub fn is_stalled(&self) -> bool {
        self.line.gate().is_some_and(|limit| self.bytes() >= limit)
    }

    /// Ends the stall: what was held up moves on.
    pub fn flow(&self) {
        self.line.flow();
    }

    /// Whether new connections are closed at once, as if the server were away.
    pub fn refuse(&self, refusing: bool) {
        self.line.refusing.store(refusing, Ordering::SeqCst);
    }

    /// How many connections were ever accepted.
    pub fn accepted(&self) -> u64 {
        self.line.accepted.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.line.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How many bytes have gone through, in both directions together.
    pub fn bytes(&self) -> u64 {
        self.line.bytes.load(Ordering::SeqCst)
    }

    fn with_idle_limit(port: u16, idle_limit: Option<Duration>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let line = Arc::new(Line {
            server: (Ipv4Addr::LOCALHOST, port).into(),
            idle_limit,
            closed: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            accepted: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            bytes_limit: AtomicU64::new(u64::MAX),
            gate: Mutex::new(None),
            opened: Condvar::new(),
            open: Mutex::new(Vec::new()),
        });
        let proxy = Self { port: listener.local_addr()?.port(), line: Arc::clone(&line) };
        thread::spawn(move || accept(&listener, &line));
        Ok(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.line.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that waits in accept.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        self.line.cut_all();
        self.line.flow();
    }
}

impl Line {
    fn cut_all(&self) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for (client, server) in open {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }

    fn gate(&self) -> MutexGuard<'_, Option<u64>> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flow(&self) {
        *self.gate() = None;
        self.opened.notify_all();
    }

    /// Returns when the gate lets what has come so far pass.
    fn wait_at_gate(&self) {
        let mut gate = self.gate();
        while gate.is_some_and(|limit| self.bytes.load(Ordering::SeqCst) >= limit) {
            gate = self.opened.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Counts bytes before they are passed on; false when they may not be.
    fn admit(&self, bytes: usize) -> bool {
        let total = self.bytes.fetch_add(bytes as u64, Ordering::SeqCst) + bytes as u64;
        if total < self.bytes_limit.load(Ordering::SeqCst) {
            return true;
        }
        self.bytes_limit.store(u64::MAX, Ordering::SeqCst);
        self.cut_all();
        false
    }

    fn forget(&self, client: SocketAddr) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(one, _)| one.peer_addr().is_ok_and(|address| address != client));
    }
}

fn accept(listener: &TcpListener, line: &Arc<Line>) {
    for client in listener.incoming() {
        if line.closed.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        if line.refusing.load(Ordering::SeqCst) {
            continue;
        }
        line.accepted.fetch_add(1, Ordering::SeqCst);
        // A server that is away shows as a connection that closes at once.
        let _ = connect(client, line);
    }
}

fn connect(client: TcpStream, line: &Arc<Line>) -> Result<()> {
    let server = TcpStream::connect(line.server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let pause = line.idle_limit.map(|limit| (limit / IDLE_LOOKS).max(Duration::from_millis(1)));
    client.set_read_timeout(pause)?;
    server.set_read_timeout(pause)?;
    let address = client.peer_addr()?;
    let began = Instant::now();
    let last_ms = Arc::new(AtomicU64::new(0));
    let pair = (client.try_clone()?, server.try_clone()?);
    line.open.lock().unwrap_or_else(PoisonError::into_inner).push(pair);
    let ways = [(client.try_clone()?, server.try_clone()?), (server, client)];
    for (input, output) in ways {
        let way =
            Way { input, output, line: Arc::clone(line), began, last_ms: Arc::clone(&last_ms) };
        thread::spawn(move || {
            way.carry();
            way.line.forget(address);
        });
    }
    Ok(())
}

/// One direction of one connection.
struct Way {
    input: TcpStream,
    output: TcpStream,
    line: Arc<Line>,
    began: Instant,
    /// When something last went in either direction, in milliseconds since `began`.
    last_ms: Arc<AtomicU64>,
}

impl Way {
    fn carry(&self) {
        let mut buffer = vec![0; BUFFER_BYTES];
        while let Some(count) = self.read(&mut buffer) {
            let admitted = self.line.admit(count);
            self.line.wait_at_gate();
            let passed = admitted && (&self.output).write_all(&buffer[..count]).is_ok();
            if !passed {
                break;
            }
            self.last_ms.store(self.now_ms(), Ordering::SeqCst);
        }
        let _ = self.input.shutdown(Shutdown::Both);
        let _ = self.output.shutdown(Shutdown::Both);
    }

    /// The number of bytes read; nothing at the end, on error, or after too long a silence.
    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match (&self.input).read(buffer) {
                Ok(0) => return None,
                Ok(count) => return Some(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(error.kind()) && !self.is_idle() => {}
                Err(_) => return None,
            }
        }
    }

    fn is_idle(&self) -> bool {
        let silent_ms = self.now_ms().saturating_sub(self.last_ms.load(Ordering::SeqCst));
        self.line.idle_limit.is_some_and(|limit| u128::from(silent_ms) >= limit.as_millis())
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
