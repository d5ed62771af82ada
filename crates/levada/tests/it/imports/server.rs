//! A small HTTP server with answers made up by a test, faults included.
//!
//! Responsible for: answering on loopback, and remembering what was asked. Must not: understand
//! what it sends.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How an answer is sent.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Way {
    /// With its length.
    Whole,
    /// With its length, but only so many bytes of it.
    Cut(usize),
    /// In chunks, of which the last never comes.
    CutChunks,
    /// Without any length, until the connection is closed.
    Unmeasured,
    /// Not before the server is gone.
    Never,
}

/// An answer.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) way: Way,
}

impl Answer {
    pub(crate) fn of(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into(), way: Way::Whole }
    }

    pub(crate) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn way(self, way: Way) -> Self {
        Self { way, ..self }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A request: its target, and its headers with names in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
}

#[derive(Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    asked: Vec<Asked>,
    is_over: bool,
}

/// A server; dropping it ends it.
pub(crate) struct Server {
    state: Arc<(Mutex<State>, Condvar)>,
    port: u16,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.0.lock().unwrap().is_over {
                    return;
                }
                let shared = Arc::clone(&shared);
                // Whoever hangs up early has its reasons.
                std::thread::spawn(move || serve(stream, &shared).unwrap_or_default());
            }
        });
        Self { state, port }
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://127.0.0.1:{}{target}", self.port)
    }

    /// From now on, this is answered to that.
    pub(crate) fn answer(&self, target: &str, answer: Answer) {
        self.lock().answers.insert(target.to_owned(), answer);
    }

    /// What was asked since the last look.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.lock().asked)
    }

    /// How often something was asked since the last look, without looking.
    pub(crate) fn count(&self) -> usize {
        self.lock().asked.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.lock().is_over = true;
        self.state.1.notify_all();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(mut stream: TcpStream, (state, over): &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let answer = {
        let mut state = state.lock().unwrap();
        let answer = state.answers.get(&target).cloned();
        state.asked.push(Asked { target, headers });
        answer.unwrap_or_else(|| Answer::of("nothing here").status(404))
    };
    if answer.way == Way::Never {
        let state = state.lock().unwrap();
        let limit = Duration::from_secs(60);
        let _ = over.wait_timeout_while(state, limit, |state| !state.is_over).unwrap();
        return Ok(());
    }
    write(&mut stream, &answer)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let _ = reader.read(&mut [0]);
    Ok(())
}

fn write(stream: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Said\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let body = &answer.body;
    match answer.way {
        Way::CutChunks => {
            head += "Transfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes())?;
            stream.write_all(format!("{:x}\r\n", body.len()).as_bytes())?;
            stream.write_all(body)?;
            stream.write_all(b"\r\n")
        }
        Way::Unmeasured => {
            stream.write_all(format!("{head}\r\n").as_bytes())?;
            stream.write_all(body)
        }
        way => {
            let sent = if let Way::Cut(bytes) = way { &body[..bytes] } else { body };
            head += &format!("Content-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes())?;
            stream.write_all(sent)
        }
    }
}
