//! Many visitors at once: one query per question, gates before the database, and an end in order.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Cluster, Database, Installation, wait_for};

use super::client::Reply;
use super::{Place, Serving, client, terminate};
use crate::support::cluster;

const SQL: &str = "create table message (id int primary key);
    insert into message select generate_series(1, 100)";

/// Statistics that take a second, for ever, and no time at all.
fn sections(settings: &str) -> String {
    format!(
        r#"
[serve]
listen = "127.0.0.1:0"
{settings}
[[stat]]
name = "usual"
title = "Usual"
sql = "select count(*) as messages from public.message"
[[stat]]
name = "quick"
title = "Quick"
sql = "select :n as n, count(*) as messages from public.message"
params = {{ n = {{ type = "integer", min = 0, max = 1000000 }} }}
[[stat]]
name = "slow"
title = "Slow"
sql = "select :n as counted from pg_sleep(1)"
params = {{ n = {{ type = "integer", min = 0, max = 1000000 }} }}
[[stat]]
name = "stuck"
title = "Stuck"
sql = "select :n as n from pg_sleep(3600)"
params = {{ n = {{ type = "integer", min = 0, max = 1000000 }} }}
"#
    )
}

/// No limit of time matters where only counts are judged.
const PATIENT: &str = "deadline_ms = 60000\nstatement_timeout_ms = 50000\nwait_ms = 40000";
const LONG: Duration = Duration::from_secs(60);

fn place(name: &str, settings: &str) -> Place {
    let place = Place::new(name, SQL, &sections(settings));
    place.publish();
    place
}

/// A target whose server writes down each statement that it executes.
fn place_with_log(name: &str) -> (Cluster, Place) {
    let installation = Installation::find().unwrap();
    let logging = Cluster::builder(&installation).setting("log_statement", "all");
    let private = logging.start().unwrap();
    let source = cluster().create_database(&format!("{name}_source")).unwrap();
    source.execute(SQL).unwrap();
    let target = private.create_database(&format!("{name}_target")).unwrap();
    let place = Place::between(name, source, target, &sections(PATIENT));
    place.publish();
    (private, place)
}

fn executions(private: &Cluster) -> usize {
    private.log().unwrap().matches("as counted from").count()
}

/// Asks for all targets at the same time, each over its own connection.
fn at_once(serving: &Serving, targets: impl Iterator<Item = String>) -> Vec<(Reply, Duration)> {
    let address = serving.address.as_str();
    thread::scope(|scope| {
        let ask = |target: String| {
            let began = Instant::now();
            let reply = client::get(address, &target, &[]).expect("a reply");
            (reply, began.elapsed())
        };
        let asking: Vec<_> = targets.map(|target| scope.spawn(move || ask(target))).collect();
        asking.into_iter().map(|one| one.join().expect("asked")).collect()
    })
}

/// The queries of the server that run now.
fn running(target: &Database, part: &str) -> usize {
    let rows = target.query_rows(&format!(
        "select pid from pg_stat_activity where datname = current_database()
         and application_name = 'levada server' and state = 'active' and query like '%{part}%'"
    ));
    rows.unwrap().len()
}

#[test]
fn a_thousand_at_once_are_one_query() {
    let (private, place) = place_with_log("serve_thousand");
    let serving = place.serve();
    serving.wait_until_ready();
    let before = executions(&private);
    let replies = at_once(&serving, (0..1000).map(|_| "/stats/slow.json?n=7".to_owned()));
    assert_eq!(replies.len(), 1000);
    for (reply, _) in replies {
        assert_eq!(reply.expect(200).json()["data"][0]["counted"], 7);
    }
    assert_eq!(executions(&private) - before, 1);
}

#[test]
fn a_query_is_not_lost_with_those_who_asked_for_it() {
    let (private, place) = place_with_log("serve_leavers");
    let serving = place.serve();
    serving.wait_until_ready();
    let before = executions(&private);
    let leavers: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(&serving.address).unwrap();
            let request = "GET /stats/slow.json?n=8 HTTP/1.1\r\nhost: levada\r\n\r\n";
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    wait_for("the query", LONG, || Ok(executions(&private) > before)).unwrap();
    drop(leavers);
    serving.get("/stats/slow.json?n=8").expect(200);
    assert_eq!(executions(&private) - before, 1);
}

#[test]
fn misses_are_limited_by_client_and_hits_are_not() {
    let settings = "queries_per_second = 1\nburst = 3\ntrusted_proxies = 1";
    let place = place("serve_rate", &format!("{settings}\n{PATIENT}"));
    let serving = place.serve();
    serving.wait_until_ready();
    let ask = |n: usize, client: &str| {
        serving.get_with(&format!("/stats/quick.json?n={n}"), &[("x-forwarded-for", client)])
    };
    ask(0, "203.0.113.1").expect(200);
    // What stands further left than the trusted proxy's word changes nothing.
    let spoofed = |n: usize| ask(n, &format!("198.51.100.{n}, 203.0.113.1"));
    let began = Instant::now();
    let mut admitted = 0;
    let limited = (1..200).map(spoofed).find(|reply| {
        admitted += u64::from(reply.status == 200);
        reply.status != 200
    });
    let limited = limited.expect("a limit").expect(429);
    assert!(admitted <= 2 + began.elapsed().as_secs() + 1, "{admitted} were admitted");
    assert_eq!(limited.header("retry-after"), "1");
    ask(500, "203.0.113.2").expect(200);
    for _ in 0..50 {
        ask(0, "203.0.113.1").expect(200);
        serving.get_with("/stats/usual.json", &[("x-forwarded-for", "203.0.113.1")]).expect(200);
    }
}

#[test]
fn too_many_queries_are_refused_at_once_and_hits_are_answered() {
    let settings = "connections = 2\nqueue = 4\nqueries_per_second = 10000\nburst = 10000";
    let place = place("serve_overload", settings);
    let serving = place.serve();
    serving.wait_until_ready();
    let hits = Mutex::new(Vec::new());
    let mut fastest = Duration::MAX;
    // The machine may be busy with other things: that one round is fast enough says enough.
    for round in 0..5 {
        let targets = (0..40).map(|n| format!("/stats/slow.json?n={}", round * 100 + n));
        let replies = thread::scope(|scope| {
            let misses = scope.spawn(|| at_once(&serving, targets));
            while !misses.is_finished() {
                hits.lock().unwrap().push(serving.get("/stats/usual.json"));
            }
            misses.join().unwrap()
        });
        let mut refused = Vec::new();
        for (reply, took) in replies {
            if reply.status != 200 {
                assert!(reply.expect(503).header("retry-after").parse::<u32>().is_ok());
                refused.push(took);
            }
        }
        refused.sort();
        assert!(refused.len() >= 30, "only {} of 40 were refused", refused.len());
        fastest = fastest.min(refused[refused.len() * 9 / 10]);
        if fastest <= Duration::from_millis(300) {
            break;
        }
    }
    assert!(fastest <= Duration::from_millis(300), "nine of ten were refused after {fastest:?}");
    let hits = hits.into_inner().unwrap();
    assert!(!hits.is_empty());
    for hit in hits {
        assert_eq!(hit.expect(200).header("levada-edition"), "1");
    }
    wait_for("a turn", LONG, || Ok(serving.get("/stats/quick.json?n=1").status == 200)).unwrap();
}

#[test]
fn queries_that_take_too_long_leave_nothing_behind() {
    let place = place("serve_stuck", "queries_per_second = 10000\nburst = 10000");
    let serving = place.serve();
    serving.wait_until_ready();
    for round in 0..3 {
        let targets = (0..20).map(|n| format!("/stats/stuck.json?n={}", round * 100 + n));
        for (reply, _) in at_once(&serving, targets) {
            assert_ne!(reply.expect(503).header("retry-after"), "");
        }
        let quick = format!("/stats/quick.json?n={round}");
        let answered = || Ok(serving.get(&quick).status == 200);
        wait_for("an answer after the storm", LONG, answered).unwrap();
    }
    let is_over = || Ok(running(&place.target, "pg_sleep(3600)") == 0);
    wait_for("the end of what took too long", LONG, is_over).unwrap();
    let open = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name = 'levada server'";
    // Those of four connections, and that of the watch.
    let few = || Ok(place.target.query_rows(open)?[0][0].parse::<u32>()? <= 5);
    wait_for("few sessions", LONG, few).unwrap();
}

#[test]
fn it_ends_in_order_when_told_to() {
    let place = place("serve_end", "");
    let mut serving = place.serve();
    serving.wait_until_ready();
    let address = serving.address.clone();
    let mut idle = TcpStream::connect(&address).unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: levada\r\n\r\n").unwrap();
    idle.set_read_timeout(Some(LONG)).unwrap();
    assert!(idle.read(&mut [0; 4096]).unwrap() > 0);
    let silent = TcpStream::connect(&address).unwrap();
    thread::scope(|scope| {
        let in_flight = scope.spawn(|| client::get(&address, "/stats/slow.json?n=1", &[]));
        let stuck = scope.spawn(|| client::get(&address, "/stats/stuck.json?n=1", &[]));
        wait_for("both queries", LONG, || Ok(running(&place.target, "pg_sleep") == 2)).unwrap();
        let began = Instant::now();
        terminate(serving.pid());
        assert_eq!(in_flight.join().unwrap().unwrap().expect(200).json()["data"][0]["counted"], 1);
        stuck.join().unwrap().unwrap().expect(503);
        assert_eq!(serving.child.wait().unwrap().code(), Some(0));
        assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
    });
    TcpStream::connect(&address).expect_err("nobody listens any more");
    drop((idle, silent));
    let is_over = || Ok(running(&place.target, "pg_sleep") == 0);
    wait_for("the end of the stuck query", LONG, is_over).unwrap();
}
