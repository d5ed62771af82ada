//! The database goes away, freezes, comes back: what is known stays, labelled; what is not is
//! refused; and all is well again within seconds.

use std::cell::Cell;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Cluster, wait_for};

use super::{Place, Serving};
use crate::support::cluster;

const SECTIONS: &str = r#"
listen = "127.0.0.1:0"
poll_seconds = 1
queries_per_second = 10000
burst = 10000
[[stat]]
name = "usual"
title = "Usual"
sql = "select count(*) as messages from public.message"
page = true
[[stat]]
name = "other"
title = "Other"
sql = "select :n as n, count(*) as messages from public.message"
params = { n = { type = "integer", min = 0, max = 1000000 } }
"#;
const LONG: Duration = Duration::from_secs(60);

/// A target on a server of its own.
fn place(name: &str, settings: &str) -> (Cluster, Place) {
    let private = Cluster::start().unwrap();
    let source = cluster().create_database(&format!("{name}_source")).unwrap();
    let sql = "create table message (id int primary key);
        insert into message select generate_series(1, 100)";
    source.execute(sql).unwrap();
    let target = private.create_database(&format!("{name}_target")).unwrap();
    let place = Place::between(name, source, target, &format!("[serve]\n{settings}\n{SECTIONS}"));
    place.publish();
    (private, place)
}

/// Asks for what nobody has asked for yet.
struct Asker<'a> {
    serving: &'a Serving,
    next: Cell<u32>,
}

impl<'a> Asker<'a> {
    fn of(serving: &'a Serving) -> Self {
        serving.wait_until_ready();
        serving.get("/stats/other.json?n=0").expect(200);
        Self { serving, next: Cell::new(1) }
    }

    fn miss(&self) -> (u16, Duration) {
        let n = self.next.replace(self.next.get() + 1);
        let began = Instant::now();
        let reply = self.serving.get(&format!("/stats/other.json?n={n}"));
        if reply.status != 200 {
            assert_ne!(reply.clone().expect(503).header("retry-after"), "");
        }
        (reply.status, began.elapsed())
    }

    /// What was made ready and what was asked for before, and the state that both name.
    #[track_caller]
    fn hits(&self) -> String {
        let cached = self.serving.get("/stats/other.json?n=0").expect(200).json();
        assert_eq!(
            (&cached["data"][0]["n"], &cached["data"][0]["messages"]),
            (&0.into(), &100.into())
        );
        let ready = self.serving.get("/stats/usual.json").expect(200);
        let json = ready.json();
        assert_eq!(json["data"][0]["messages"], 100);
        assert_eq!(json["edition"], 1);
        assert_eq!(json["state"], ready.header("levada-state"));
        assert_eq!(json["state"] == "stale", !json["confirmed_at"].is_null(), "{json}");
        json["state"].as_str().unwrap_or_default().to_owned()
    }

    /// While the database is away: hits are answered, at first as fresh and then as stale.
    #[track_caller]
    fn expect_outage(&self) {
        let stale = || Ok(self.hits() == "stale" && self.miss().0 == 503);
        wait_for("stale answers", LONG, stale).unwrap();
        assert_eq!(self.serving.get("/readyz").status, 503);
        assert_eq!(self.serving.get("/healthz").status, 200);
        let fastest = (0..20).map(|_| self.miss()).inspect(|miss| assert_eq!(miss.0, 503));
        let fastest = fastest.map(|miss| miss.1).min().unwrap();
        assert!(fastest < Duration::from_millis(300), "refused after {fastest:?}");
    }

    #[track_caller]
    fn expect_recovery(&self) {
        wait_for("readiness", LONG, || Ok(self.serving.get("/readyz").status == 200)).unwrap();
        assert_ne!(self.hits(), "stale");
        let answers = || Ok((0..20).all(|_| self.miss().0 == 200));
        wait_for("new answers in a row", LONG, answers).unwrap();
    }

    /// Where visitors wait long enough, even the first query works.
    #[track_caller]
    fn expect_no_refusal(&self) {
        wait_for("readiness", LONG, || Ok(self.serving.get("/readyz").status == 200)).unwrap();
        for _ in 0..20 {
            assert_eq!(self.miss().0, 200, "a poisoned connection");
        }
    }
}

#[test]
fn a_database_that_is_stopped_leaves_what_is_known() {
    let (private, place) = place("serve_stopped", "wait_ms = 8000");
    let serving = place.serve();
    let asker = Asker::of(&serving);
    assert_ne!(asker.hits(), "stale");
    private.stop().unwrap();
    asker.expect_outage();
    private.start_again().unwrap();
    asker.expect_no_refusal();
    private.kill_hard().unwrap();
    asker.expect_outage();
    private.start_again().unwrap();
    asker.expect_no_refusal();
    asker.expect_recovery();
}

/// All processes of a server, stopped until this is dropped.
struct Frozen(Vec<String>);

impl Frozen {
    fn new(place: &Place) -> Self {
        let file = "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)";
        let postmaster = place.target.query_rows(file).unwrap()[0][0].clone();
        let mut frozen = Self(Vec::new());
        frozen.stop(postmaster.clone());
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        let children = std::fs::read_to_string(children).unwrap();
        children.split_whitespace().for_each(|child| frozen.stop(child.to_owned()));
        assert!(frozen.0.len() > 1, "a server is several processes");
        frozen
    }

    fn stop(&mut self, pid: String) {
        assert!(signal("-STOP", &pid) || !self.0.is_empty(), "{pid} is no process");
        self.0.push(pid);
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            signal("-CONT", pid);
        }
    }
}

fn signal(name: &str, pid: &str) -> bool {
    Command::new("kill").args([name, pid]).status().is_ok_and(|status| status.success())
}

#[test]
fn a_database_that_freezes_holds_nobody_up() {
    let (_private, place) = place("serve_frozen", "wait_ms = 250");
    let serving = place.serve();
    let asker = Asker::of(&serving);
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let frozen = Frozen::new(&place);
        // Nobody knows yet that it is frozen.
        let (status, took) = asker.miss();
        assert_eq!(status, 503);
        fastest = fastest.min(took);
        asker.hits();
        asker.expect_outage();
        drop(frozen);
        asker.expect_recovery();
    }
    assert!(fastest < Duration::from_millis(300), "refused after {fastest:?}");
}

#[test]
fn a_restart_under_load_costs_no_hit() {
    let (private, place) = place("serve_restart", "wait_ms = 8000");
    let serving = place.serve();
    let asker = Asker::of(&serving);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (serving, is_over) = (&serving, &is_over);
        for client in 1..4 {
            scope.spawn(move || {
                let asker = Asker { serving, next: Cell::new(client * 100_000) };
                while !is_over.load(Ordering::SeqCst) {
                    asker.hits();
                    asker.miss();
                }
            });
        }
        for _ in 0..2 {
            private.restart().unwrap();
            wait_for("an answer", LONG, || Ok(asker.miss().0 == 200)).unwrap();
            private.kill_hard().unwrap();
            private.start_again().unwrap();
            wait_for("an answer", LONG, || Ok(asker.miss().0 == 200)).unwrap();
        }
        is_over.store(true, Ordering::SeqCst);
    });
    asker.expect_recovery();
}

#[test]
fn what_is_stale_for_too_long_is_not_shown() {
    let (private, place) = place("serve_bounded", "stale_minutes_max = 0");
    let serving = place.serve();
    let asker = Asker::of(&serving);
    private.stop().unwrap();
    assert_ne!(asker.hits(), "stale");
    for target in ["/stats/usual.json", "/stats/other.json?n=0", "/stats/usual"] {
        let is_refused = || Ok(serving.get(target).status == 503);
        wait_for("the end of what is known", LONG, is_refused).unwrap();
    }
    private.start_again().unwrap();
    asker.expect_recovery();
}

#[test]
fn a_silent_line_is_noticed_and_a_cut_one_replaced() {
    let name = "serve_silent";
    let (private, place) = place(name, "");
    let proxy = testkit::Proxy::to(private.port()).unwrap();
    let url = proxy.url(&format!("{name}_target"));
    place.configure(&format!("[serve]\nurl = \"{url}\"\n{SECTIONS}"));
    let serving = place.serve();
    let asker = Asker::of(&serving);
    proxy.stall_after(0);
    place.source.execute("insert into message values (101)").unwrap();
    place.publish();
    asker.expect_outage();
    proxy.flow();
    let edition = || serving.get("/stats/usual.json").json()["edition"].as_i64();
    wait_for("the new edition", LONG, || Ok(edition() == Some(2))).unwrap();
    // From here on notifications tell before the next look would.
    let slowly = SECTIONS.replace("poll_seconds = 1", "poll_seconds = 60");
    place.configure(&format!("[serve]\nurl = \"{url}\"\n{slowly}"));
    let serving = place.serve();
    serving.wait_until_ready();
    proxy.cut_all();
    place.publish();
    let edition = || serving.get("/stats/usual.json").json()["edition"].as_i64();
    wait_for("the edition after", LONG / 2, || Ok(edition() == Some(3))).unwrap();
}
