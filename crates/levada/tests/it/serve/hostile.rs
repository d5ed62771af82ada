//! Visitors who mean no good, or cannot do better: refused or dropped, while others are answered.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Dice, wait_for};

use super::client::{self, Reply};
use super::contract::{open, place};
use super::{Place, Serving};

/// What a visitor is allowed to be silent for, here.
const IMPATIENT: &str = "silence_seconds = 1";
/// Longer than that by far: for loaded machines.
const AT_LAST: Duration = Duration::from_secs(30);

fn connect(serving: &Serving) -> TcpStream {
    let stream = TcpStream::connect(&serving.address).unwrap();
    stream.set_read_timeout(Some(AT_LAST)).unwrap();
    stream.set_write_timeout(Some(AT_LAST)).unwrap();
    stream
}

/// Sends anything, and reads all that comes back until the connection ends. It must end.
#[track_caller]
fn exchange(serving: &Serving, request: &[u8]) -> Option<Reply> {
    let mut stream = connect(serving);
    // Whoever is refused in the middle of a request may not be able to finish it.
    let _ = stream.write_all(request);
    client::parse(&rest(&mut stream))
}

#[track_caller]
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return bytes,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("still connected"),
            Err(_) => return bytes,
        }
    }
}

#[track_caller]
fn assert_serves(serving: &Serving, after: &str) {
    let reply = client::get(&serving.address, "/stats/messages.json", &[]);
    assert_eq!(
        reply.unwrap_or_else(|error| panic!("{error} after {after}")).status,
        200,
        "{after}"
    );
}

fn figure(serving: &Serving, name: &str) -> u64 {
    let text = serving.get("/metrics").expect(200).text();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

/// A name, a request, and the status that it deserves; 0 for any refusal, or none.
type Case = (&'static str, Vec<u8>, u16);

const HOST: &str = "Host: x\r\nConnection: close\r\n";

fn get(name: &'static str, target: &str, status: u16) -> Case {
    (name, format!("GET {target} HTTP/1.1\r\n{HOST}\r\n").into_bytes(), status)
}

fn addresses() -> Vec<Case> {
    let many: String = (0..10_000).map(|n| format!("p{n}=1&")).collect();
    let some = "a=1&".repeat(500);
    let mut latin = get("raw bytes", "/stats/asked.json?word=_", 0);
    latin.1.iter_mut().filter(|byte| **byte == b'_').for_each(|byte| *byte = 0xe9);
    vec![
        latin,
        get("double slash", "//stats/messages.json", 404),
        get("dots", "/stats/../stats/messages.json", 404),
        get("encoded dots", "/stats/%2e%2e/messages.json", 404),
        get("encoded slash", "/stats%2fmessages.json", 404),
        get("backslash", "/stats\\messages.json", 404),
        get("encoded NUL", "/stats/messages.json%00", 404),
        get("NUL in a value", "/stats/asked.json?word=%00", 400),
        get("no UTF-8", "/stats/asked.json?word=%ff%fe", 400),
        get("half an escape", "/stats/asked.json?word=%", 400),
        get("500 parameters", &format!("/stats/asked.json?{some}"), 400),
        get("10,000 parameters", &format!("/stats/asked.json?{many}"), 431),
        get("a long address", &format!("/{}", "a".repeat(2_100)), 414),
        get("an asterisk", "*", 404),
        get("absolute", "http://x/healthz", 200),
        ("HTTP/0.9", b"GET /\r\n\r\n".to_vec(), 400),
        ("raw NUL", b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 400),
        ("nothing", b"\r\n\r\n\r\n".to_vec(), 0),
        ("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), 0),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), 400),
        ("HTTP/1.0", b"GET /healthz HTTP/1.0\r\n\r\n".to_vec(), 200),
        ("no host", b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), 400),
    ]
}

fn heads() -> Vec<Case> {
    let with = |name, line: &str, rest: &str, status| {
        (name, format!("{line} HTTP/1.1\r\n{HOST}{rest}").into_bytes(), status)
    };
    let alive = "GET /healthz";
    let large = format!("X: {}\r\n\r\n", "a".repeat(17 << 10));
    let many = format!("{}\r\n", "X: y\r\n".repeat(200));
    vec![
        with("two hosts", alive, "Host: y\r\n\r\n", 400),
        with("CONNECT", "CONNECT x:80", "\r\n", 405),
        with("a body", alive, "Content-Length: 4\r\n\r\nbody", 413),
        with("pieces", alive, "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", 413),
        with("an empty body", alive, "Content-Length: 0\r\n\r\n", 200),
        with("POST", "POST /", "Content-Length: 4\r\n\r\nbody", 405),
        with("a large header", alive, &large, 431),
        with("many headers", alive, &many, 431),
        with("two lengths", alive, "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        with("a length with a sign", alive, "Content-Length: +1\r\n\r\n", 400),
        with("a folded header", alive, "X: a\r\n b\r\n\r\n", 400),
        with("a space before a colon", alive, "X : a\r\n\r\n", 400),
    ]
}

#[test]
fn what_is_not_a_request_is_refused() {
    let (_place, serving) = open("serve_hostile_shapes", IMPATIENT);
    for (name, request, status) in addresses().into_iter().chain(heads()) {
        match exchange(&serving, &request) {
            Some(reply) if status > 0 => {
                assert_eq!(reply.status, status, "{name}: {}", reply.text());
            }
            Some(reply) => assert!((400..500).contains(&reply.status), "{name}: {}", reply.status),
            None => assert_eq!(status, 0, "{name}: dropped"),
        }
        assert_serves(&serving, name);
    }
}

/// A second request that is hidden in the body of the first is never answered.
#[test]
fn a_request_in_a_body_is_not_answered() {
    let (_place, serving) = open("serve_hostile_smuggling", IMPATIENT);
    let hidden = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let (length, chunks) = (hidden.len(), format!("0\r\n\r\n{hidden}"));
    for (name, headers, body) in [
        ("length", format!("Content-Length: {length}\r\n"), hidden),
        ("both", format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), &*chunks),
        ("twice", format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"), hidden),
        ("obscured", "Transfer-Encoding: xchunked\r\n".to_owned(), hidden),
        ("two codings", "Transfer-Encoding: chunked, identity\r\n".to_owned(), &*chunks),
    ] {
        for method in ["GET", "POST"] {
            let request =
                format!("{method} /stats/messages.csv HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}");
            let mut stream = connect(&serving);
            stream.write_all(request.as_bytes()).unwrap();
            let answers = String::from_utf8_lossy(&rest(&mut stream)).into_owned();
            assert!(!answers.contains("alive"), "{name}, {method}: {answers}");
            assert!(answers.starts_with("HTTP/1.1 4"), "{name}, {method}: {answers}");
        }
    }
}

#[test]
fn whatever_is_sent_nothing_breaks() {
    let (_place, serving) = open("serve_hostile_dice", IMPATIENT);
    let mut dice = Dice::from_env_or(7);
    let parts: [&[u8]; 24] = [
        b"GET",
        b"HEAD",
        b"POST",
        b" ",
        b" ",
        b"/stats/messages.json",
        b"?days=",
        b"2",
        b"%",
        b"&",
        b" HTTP/1.1",
        b" HTTP/1.0",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"Host: x",
        b"Content-Length: 5",
        b"Transfer-Encoding: chunked",
        b"If-None-Match: W/\"",
        b"Accept-Encoding: gzip;q=",
        b"\0",
        b"\xff\xfe",
        b"\r\n\r\n",
        b"Range: bytes=0-",
    ];
    for round in 0..300 {
        let count = dice.between(1, 20);
        let pieces = (0..count).flat_map(|_| dice.pick(&parts).copied().unwrap_or(b""));
        let request: Vec<u8> = pieces.copied().collect();
        let mut stream = connect(&serving);
        let _ = stream.write_all(&request);
        let _ = stream.shutdown(Shutdown::Write);
        let answer = rest(&mut stream);
        assert!(!answer.starts_with(b"HTTP/1.1 5"), "{round}: {}", request.escape_ascii());
    }
    assert_serves(&serving, "all that");
}

#[test]
fn those_who_are_slow_are_dropped_and_others_are_answered() {
    let (_place, serving) = open("serve_hostile_slow", IMPATIENT);
    let beginnings: [&[u8]; 4] =
        [b"", b"G", b"GET /stats/messages.json HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\nHost: x\r\nX:"];
    let mut slow: Vec<TcpStream> = (0..400).map(|_| connect(&serving)).collect();
    for (stream, beginning) in slow.iter_mut().zip(beginnings.into_iter().cycle()) {
        stream.write_all(beginning).unwrap();
    }
    // One letter after the other buys no time: some go on until they are dropped.
    let mut dripping = slow.split_off(300);
    wait_for("slow visitors to be dropped", AT_LAST, || {
        assert_serves(&serving, "slow visitors");
        dripping.retain_mut(|stream| stream.write_all(b"a").is_ok());
        Ok(dripping.is_empty())
    })
    .unwrap();
    for stream in &mut slow {
        let answer = rest(stream);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", answer.escape_ascii());
    }
    // Somebody who asks nothing more is let go as well.
    let mut idle = connect(&serving);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let answer = rest(&mut idle);
    assert!(answer.ends_with(b"alive\n"), "{}", answer.escape_ascii());
}

#[test]
fn who_does_not_read_is_dropped() {
    let (_place, serving) = open("serve_hostile_deaf", IMPATIENT);
    let asked = 40;
    let whole = serving.get("/stats/large.json").expect(200).body.len() * asked;
    let mut deaf: Vec<TcpStream> = (0..20).map(|_| connect(&serving)).collect();
    let request = "GET /stats/large.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(asked);
    for stream in &mut deaf {
        let _ = stream.write_all(request.as_bytes());
    }
    wait_for("deaf visitors to be dropped", AT_LAST, || {
        assert_serves(&serving, "deaf visitors");
        Ok(figure(&serving, "levada_connections") == 1)
    })
    .unwrap();
    let got = rest(&mut deaf[0]).len();
    assert!(got < whole, "all of {whole} bytes were taken: nothing was proven");
}

/// With nothing but silent visitors in the house there is still room.
#[test]
fn a_full_house_of_silent_visitors_locks_nobody_out() {
    let serve = "visitors = 20\nsilence_seconds = 3600";
    let (_place, serving) = open("serve_hostile_full", serve);
    let began = Instant::now();
    let mut silent: Vec<TcpStream> = (0..200).map(|_| connect(&serving)).collect();
    for _ in 0..50 {
        assert_serves(&serving, "silent visitors");
    }
    // The oldest have gone, although nobody became impatient.
    assert_eq!(rest(&mut silent[0]), b"");
    assert!(began.elapsed() < Duration::from_secs(3600));
    assert_eq!(figure(&serving, "levada_connections_turned_away_total"), 0);
}

/// Everybody in the house is being answered: one more is told to come again.
#[test]
fn a_full_house_of_busy_visitors_says_so() {
    let serve = "visitors = 2\ndeadline_ms = 60000\nstatement_timeout_ms = 60000";
    let (place, serving) = open("serve_hostile_busy", serve);
    let mut lock = place.target.session().unwrap();
    lock.run("begin; lock table public.message").unwrap();
    let mut busy: Vec<TcpStream> = (0..2).map(|_| connect(&serving)).collect();
    for (number, stream) in busy.iter_mut().enumerate() {
        let target = format!("/stats/asked.json?number={}", number + 2);
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
    }
    wait_for("both to be busy", AT_LAST, || {
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        Ok(place.target.psql(waiting)?.trim() == "2")
    })
    .unwrap();
    let mut third = connect(&serving);
    let told = client::parse(&rest(&mut third)).expect("a reply without asking");
    assert_eq!((told.status, told.header("retry-after")), (503, "1"));
    lock.run("rollback").unwrap();
    for stream in &mut busy {
        assert_eq!(client::parse(&rest(stream)).unwrap().status, 200);
    }
    assert_serves(&serving, "the busy ones");
    assert!(figure(&serving, "levada_connections_turned_away_total") >= 1);
}

/// Starts the server with few file descriptors.
fn with_few_files(place: &Place, files: u32) -> Serving {
    let mut command = Command::new("sh");
    let limited = format!("ulimit -n {files}; exec \"$0\" serve --json --config \"$1\"");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_levada")]).arg(&place.config);
    Serving::start(command)
}

fn ticks(serving: &Serving) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", serving.pid())).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn without_file_descriptors_it_waits_quietly() {
    let place = place("serve_hostile_files", "silence_seconds = 3600");
    place.publish();
    let serving = with_few_files(&place, 60);
    serving.wait_until_ready();
    let crowd: Vec<TcpStream> = (0..150).map(|_| connect(&serving)).collect();
    assert_serves(&serving, "a crowd");
    let (began, before) = (Instant::now(), ticks(&serving));
    wait_for("two seconds", AT_LAST, || Ok(began.elapsed() > Duration::from_secs(2))).unwrap();
    let (spent, hundredths) = (ticks(&serving) - before, began.elapsed().as_millis() as u64 / 10);
    assert!(spent < hundredths / 2, "{spent} of {hundredths} hundredths of a second");
    assert_serves(&serving, "a crowd");
    drop(crowd);
    assert_serves(&serving, "the crowd has gone");
}
