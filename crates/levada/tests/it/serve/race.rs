//! Publishing while visitors ask: an answer is of the edition that it names, and nobody is shown an
//! earlier one than before.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use testkit::wait_for;

use super::client::Reply;
use super::{Place, Serving};

const SQL: &str = "create table message (id int primary key);
    insert into message select generate_series(1, 100)";
const SECTIONS: &str = r#"
[serve]
listen = "127.0.0.1:0"
poll_seconds = 2
queries_per_second = 10000
burst = 10000
wait_ms = 4000
[[stat]]
name = "usual"
title = "Usual"
sql = "select count(*) as messages, max(id) as last from public.message"
[[stat]]
name = "other"
title = "Other"
sql = "select :n as n, count(*) as messages, max(id) as last from public.message"
params = { n = { type = "integer", min = 0, max = 1000000 } }
"#;
const LONG: Duration = Duration::from_secs(60);

/// Each edition has one message more than the one before; the first has a hundred.
const BEFORE: i64 = 99;

/// One client, which remembers what it has seen.
struct Visitor<'a> {
    serving: &'a Serving,
    edition: i64,
    etag: String,
}

impl Visitor<'_> {
    fn usual(&mut self) {
        let etag = self.etag.clone();
        let headers = [("if-none-match", etag.as_str())];
        let reply = self.serving.get_with("/stats/usual.json", &headers);
        match reply.status {
            // Of the newest that this client has seen, whatever the address.
            304 => assert_eq!(tagged(&reply), self.edition, "an old edition is confirmed"),
            _ => self.judge(&reply.expect(200)),
        }
    }

    fn other(&mut self, n: u64) {
        let reply = self.serving.get(&format!("/stats/other.json?n={n}"));
        // While it looks for the new edition it may refuse, but not be wrong.
        if reply.status != 503 {
            self.judge(&reply.expect(200));
        }
    }

    fn judge(&mut self, reply: &Reply) {
        let json = reply.json();
        let named = json["edition"].as_i64().unwrap();
        assert_eq!(edition(reply), named);
        assert_eq!(json["data"][0]["messages"], BEFORE + named, "{json}");
        assert_eq!(json["data"][0]["last"], BEFORE + named, "{json}");
        if json["state"] != "stale" {
            assert!(named >= self.edition, "{named} after {}", self.edition);
            if json["stat"] == "usual" {
                self.etag = reply.header("etag").to_owned();
            }
            self.edition = named;
        }
    }
}

/// 0 where none is named.
fn edition(reply: &Reply) -> i64 {
    reply.header("levada-edition").parse().unwrap_or(0)
}

/// The edition with which an entity tag begins.
fn tagged(reply: &Reply) -> i64 {
    let tag = reply.header("etag").trim_start_matches("W/\"");
    tag.split('-').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[test]
fn visitors_never_go_back_while_editions_are_published() {
    let place = Place::new("serve_race", SQL, SECTIONS);
    place.publish();
    let serving = place.serve();
    serving.wait_until_ready();
    let is_over = AtomicBool::new(false);
    let asked = AtomicU64::new(0);
    thread::scope(|scope| {
        let (serving, is_over, asked) = (&serving, &is_over, &asked);
        for client in 0..3 {
            scope.spawn(move || {
                let mut visitor = Visitor { serving, edition: 1, etag: "\"none\"".to_owned() };
                while !is_over.load(Ordering::SeqCst) {
                    visitor.usual();
                    // Two of the three ask the same at about the same time.
                    visitor.other(asked.fetch_add(1, Ordering::SeqCst) / (1 + client % 2));
                }
                assert!(visitor.edition > 1, "it has seen no other edition");
            });
        }
        // A failure below must end the threads too.
        let over = Over(is_over);
        for number in 2..7 {
            place
                .source
                .execute(&format!("insert into message values ({})", BEFORE + number))
                .unwrap();
            let words: &[&str] = if number % 3 == 0 { &["run", "--replace"] } else { &["run"] };
            place.levada(words).expect_code(0);
            let is_shown = || Ok(edition(&serving.get("/stats/usual.json")) == number);
            wait_for("the new edition", LONG, is_shown).unwrap();
        }
        drop(over);
    });
    assert!(asked.load(Ordering::SeqCst) > 20, "hardly anybody asked");
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_target_that_goes_back_is_not_followed() {
    let sections = SECTIONS.replace("poll_seconds = 2", "poll_seconds = 1");
    let place = Place::new("serve_back", SQL, &sections);
    place.publish();
    let serving = place.serve();
    serving.wait_until_ready();
    let json = serving.get("/stats/usual.json").expect(200).json();
    let older = "update levada.edition set published_at = published_at - interval '1 hour'
        where state = 'published'";
    place.target.execute(older).unwrap();
    let stale = || Ok(serving.get("/stats/usual.json").json()["state"] == "stale");
    wait_for("a stale answer", LONG, stale).unwrap();
    let still = serving.get("/stats/usual.json").expect(200).json();
    assert_eq!(still["version"], json["version"]);
    assert_eq!(serving.get("/readyz").status, 503);
    serving.get("/stats/other.json?n=1").expect(503);
    let newer = "update levada.edition set published_at = published_at + interval '2 hours'
        where state = 'published'";
    place.target.execute(newer).unwrap();
    wait_for("readiness", LONG, || Ok(serving.get("/readyz").status == 200)).unwrap();
    assert_ne!(serving.get("/stats/usual.json").json()["version"], json["version"]);
    serving.get("/stats/other.json?n=2").expect(200);
}

#[test]
fn nothing_in_between_does_not_make_the_past_current() {
    let sections = SECTIONS.replace("poll_seconds = 2", "poll_seconds = 1");
    let place = Place::new("serve_nothing", SQL, &sections);
    place.publish();
    let serving = place.serve();
    serving.wait_until_ready();
    let nothing = "update levada.edition set state = 'replaced'";
    place.target.execute(nothing).unwrap();
    let kind = || serving.get("/stats/usual.json").json()["type"].as_str().map(str::to_owned);
    let is = |wanted: &str| kind().is_some_and(|kind| kind.ends_with(wanted));
    wait_for("no edition", LONG, || Ok(is(":no-edition"))).unwrap();
    let older = "update levada.edition
        set state = 'published', published_at = published_at - interval '1 hour'";
    place.target.execute(older).unwrap();
    // Three looks have refused it by then.
    let refused = || {
        let kind = kind();
        assert!(kind.is_some(), "an edition is shown that is older than what was shown before");
        Ok(kind.is_some_and(|kind| kind.ends_with(":unavailable")))
    };
    wait_for("no confirmation", LONG, refused).unwrap();
    place.target.execute("insert into public.message values (101)").unwrap();
    drop(serving);
    // Whoever starts it again says that this is right.
    let serving = place.serve();
    serving.wait_until_ready();
    assert_eq!(serving.get("/stats/usual.json").expect(200).json()["data"][0]["messages"], 101);
}

#[test]
fn an_edition_that_cannot_be_read_leaves_the_one_before_with_a_notice() {
    let sections = SECTIONS.replace("poll_seconds = 2", "poll_seconds = 1");
    let sql = "select max(id) as last from public.message, pg_sleep((
        select case when max(id) > 100 then 3600 else 0 end from public.message))";
    let slow =
        format!("{sections}\n[[stat]]\nname = \"slow\"\ntitle = \"Slow\"\nsql = '''{sql}'''");
    let place = Place::new("serve_earlier", SQL, &slow);
    place.publish();
    let serving = place.serve();
    serving.wait_until_ready();
    let ask = || serving.get("/stats/slow.json").expect(200).json();
    assert_ne!(ask()["state"], "stale");
    place.source.execute("insert into message values (101)").unwrap();
    place.publish();
    let is_shown = || Ok(edition(&serving.get("/stats/usual.json")) == 2);
    wait_for("the new edition", LONG, is_shown).unwrap();
    let earlier = ask();
    assert_eq!((&earlier["edition"], &earlier["state"]), (&1.into(), &"stale".into()));
    assert_eq!(earlier["data"][0]["last"], 100);
    // It is not confirmed by what is said of the edition after it.
    let asked = std::time::Instant::now();
    let later = || Ok(asked.elapsed() > Duration::from_secs(4));
    wait_for("four looks", LONG, later).unwrap();
    assert_eq!(ask()["confirmed_at"], earlier["confirmed_at"]);
}
