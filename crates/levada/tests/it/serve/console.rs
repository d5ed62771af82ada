//! The operator's console: who gets in, and whether it says what the records of the target say.

use std::time::Duration;

use testkit::{Cluster, Database, wait_for};

use super::basics::{self, MESSAGES};
use super::{Place, Serving, client};
use crate::support::{Ran, command};
use client::Reply;

pub(super) const TOKEN: &str = "a-token-for-the-tests-only";
const CONSOLE: &str = "poll_seconds = 1\n\
                       console_listen = \"127.0.0.1:0\"\n\
                       console_token = \"${LEVADA_CONSOLE_TOKEN}\"\n";

/// The sections of the first tests with a console.
pub(super) fn sections() -> String {
    with_console(basics::SECTIONS)
}

/// Any sections that begin with `[serve]`.
fn with_console(sections: &str) -> String {
    sections.replacen("[serve]\n", &format!("[serve]\n{CONSOLE}"), 1)
}

/// Starts the server with the token in its environment.
pub(super) fn serve(place: &Place) -> Serving {
    let config = place.config.to_string_lossy().into_owned();
    let mut command = command(&["serve", "--json", "--config", &config]);
    command.env("LEVADA_CONSOLE_TOKEN", TOKEN);
    Serving::start(command)
}

/// What `levada serve` says when it does not start.
fn refused(place: &Place, token: Option<&str>) -> Ran {
    let config = place.config.to_string_lossy().into_owned();
    let mut command = command(&["serve", "--config", &config]);
    command.env_remove("LEVADA_CONSOLE_TOKEN");
    if let Some(token) = token {
        command.env("LEVADA_CONSOLE_TOKEN", token);
    }
    command.output().expect("levada starts").into()
}

#[track_caller]
fn ask(serving: &Serving, target: &str) -> Reply {
    let bearer = format!("Bearer {TOKEN}");
    client::get(&serving.console, target, &[("authorization", &bearer)]).expect("a reply")
}

/// The page as people read it: without markup, blanks made one.
fn read(reply: &Reply) -> String {
    let mut text = String::new();
    let mut is_inside = false;
    for letter in reply.text().chars() {
        match letter {
            '<' => is_inside = true,
            '>' => {
                is_inside = false;
                text.push(' ');
            }
            letter if !is_inside => text.push(letter),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("&quot;", "\"")
}

/// Waits until the console says something; the records are read every two seconds at most.
#[track_caller]
fn wait_until_it_says(serving: &Serving, words: &str) -> String {
    let mut last = String::new();
    let waited = wait_for(words, Duration::from_secs(60), || {
        last = read(&ask(serving, "/").expect(200));
        Ok(last.contains(words))
    });
    assert!(waited.is_ok(), "never {words:?}, but:\n{last}");
    last
}

fn first_column(database: &Database, sql: &str) -> Vec<String> {
    database.query_rows(sql).unwrap().into_iter().map(|row| row[0].clone()).collect()
}

#[test]
fn nobody_comes_in_without_the_token() {
    let place = Place::new("serve_console_door", "SELECT 1", "");
    place.configure(&format!("[serve]\nlisten = \"127.0.0.1:0\"\n{CONSOLE}"));
    let serving = serve(&place);
    let get = |headers: &[(&str, &str)]| client::get(&serving.console, "/", headers).unwrap();
    let challenge = get(&[]).expect(401);
    assert!(challenge.header("www-authenticate").starts_with("Basic "), "{challenge:?}");
    assert_eq!(challenge.header("cache-control"), "no-store");
    // Whoever has no token keeps no place, and may have asked to.
    let lasting = client::send(&serving.console, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert_eq!(lasting.expect(401).header("connection"), "close");
    // base64 of "night:a-token-for-the-tests-only".
    let basic = "Basic bmlnaHQ6YS10b2tlbi1mb3ItdGhlLXRlc3RzLW9ubHk=";
    let page = get(&[("authorization", basic)]).expect(200);
    for (name, value) in [("cache-control", "no-store"), ("x-content-type-options", "nosniff")] {
        assert_eq!(page.header(name), value);
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    ask(&serving, "/").expect(200);
    for asset in ["/assets/console.css", "/assets/console.js"] {
        ask(&serving, asset).expect(200);
        client::get(&serving.console, asset, &[]).unwrap().expect(401);
    }
    ask(&serving, "/elsewhere").expect(404);
    let post = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\
         content-length: 0\r\n\r\n"
    );
    client::send(&serving.console, post.as_bytes()).unwrap().expect(405);
    // Visitors have no way to it.
    let there = serving.get_with("/assets/console.css", &[("authorization", basic)]);
    there.expect(404);
    let wrong = || get(&[("authorization", "Bearer a-token-for-the-tests-onlz")]);
    let replies: Vec<u16> = (0..12).map(|_| wrong().status).collect();
    assert_eq!((&replies[..10], &replies[10..]), (&[401; 10][..], &[429; 2][..]));
    assert_eq!(serving.end(), 0);
}

#[test]
fn a_console_without_a_good_token_does_not_start() {
    let place = Place::new("serve_console_token", "SELECT 1", "");
    place.configure(&format!("[serve]\nlisten = \"127.0.0.1:0\"\n{CONSOLE}"));
    let unset = refused(&place, None).expect_code(2);
    assert!(unset.stderr.contains("LEVADA_CONSOLE_TOKEN is not set"), "{}", unset.stderr);
    let short = refused(&place, Some("short-secret")).expect_code(2);
    assert!(short.stderr.contains("console_token is refused"), "{}", short.stderr);
    assert!(!short.stderr.contains("short-secret"), "{}", short.stderr);
    for address in ["127.0.0.1:0", "0.0.0.0:0"] {
        let section = format!("[serve]\nlisten = \"127.0.0.1:0\"\nconsole_listen = \"{address}\"");
        place.configure(&section);
        let none = refused(&place, None).expect_code(2);
        assert!(none.stderr.contains("needs a console_token"), "{}", none.stderr);
        assert!(none.stderr.contains("openssl rand"), "{}", none.stderr);
    }
    // levada check says the same before.
    let config = place.config.to_string_lossy().into_owned();
    let checked: Ran = command(&["check", "--config", &config]).output().unwrap().into();
    let checked = checked.expect_code(1);
    assert!(checked.stdout.contains("needs a console_token"), "{}", checked.stdout);
}

#[test]
fn it_tells_what_the_records_tell() {
    let place = Place::new("serve_console_tells", MESSAGES, &sections());
    place.publish();
    place.source.execute("DELETE FROM message WHERE id < 5").unwrap();
    place.source.execute("UPDATE message SET kind = 'fax' WHERE id BETWEEN 5 AND 7").unwrap();
    place.publish();
    let target = &place.target;
    for (state, chosen) in [("failed", "min(bucket_start)"), ("gap", "max(bucket_start)")] {
        let chosen = format!("SELECT {chosen} FROM levada.rollup_bucket WHERE state = 'closed'");
        let sql = format!("UPDATE levada.rollup_bucket SET state = '{state}'");
        target.execute(&format!("{sql} WHERE bucket_start = ({chosen})")).unwrap();
    }
    let serving = serve(&place);
    serving.wait_until_ready();
    serving.get("/stats/messages.json?days=3").expect(200);
    let page = ask(&serving, "/").expect(200);
    let text = read(&page);
    assert!(text.contains("Edition 2 is shown, and current"), "{text}");
    assert!(text.contains("public.message refresh"), "{text}");
    let counts = target.query_rows(
        "SELECT rows::text, inserted::text, updated::text, deleted::text FROM levada.table_state
         WHERE edition = 2",
    );
    let counts = counts.unwrap().concat().join(" ");
    assert!(text.contains(&counts) && counts.ends_with(" 3 5"), "{counts} in {text}");
    let works = "SELECT DISTINCT run || ' ' || category || ' ' || object FROM levada.work";
    let (html, works) = (page.text(), first_column(target, works));
    assert!(works.len() > 4, "{works:?}");
    for work in works {
        let (_, name) = work.split_once(' ').unwrap();
        assert!(html.contains(&format!("<title>{name}: from +")), "{name} in {html}");
    }
    assert!(text.contains("Run 2 (levada run) published , started"), "{text}");
    let states = "SELECT bucket || ': ' || state FROM levada.rollup_bucket ORDER BY bucket_start";
    let states = first_column(target, states).join(" ");
    let letters = text.replace(['F', 'C', 'P', 'O', '–', '!'], "");
    let letters = letters.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(letters.contains(&states), "{states} in {letters}");
    let failed = "SELECT bucket FROM levada.rollup_bucket WHERE state = 'failed'";
    let failed = first_column(target, failed).join("");
    assert!(text.contains(&format!("audit found wrong: {failed}.")), "{text}");
    assert!(text.contains("One thing needs attention"), "{text}");
    assert!(text.contains("messages") && text.contains("Queries run"), "{text}");
}

#[test]
fn it_waits_for_no_query_of_visitors() {
    let stat = "[[stat]]\nname = \"busy\"\ntitle = \"Busy\"\n\
                sql = \"SELECT id FROM public.message, pg_sleep(3600) LIMIT 1\"\n";
    let limits = "connections = 1\nstatement_timeout_ms = 100000\ndeadline_ms = 100000\n";
    let sections = with_console(basics::SECTIONS);
    let sections = sections.replacen("[serve]\n", &format!("[serve]\n{limits}"), 1) + stat;
    let place = Place::new("serve_console_busy", MESSAGES, &sections);
    place.publish();
    let serving = serve(&place);
    let active = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND wait_event = 'PgSleep'";
    let is_busy = || Ok(!first_column(&place.target, active).is_empty());
    wait_for("the only turn taken", Duration::from_secs(60), is_busy).unwrap();
    let text = read(&ask(&serving, "/").expect(200));
    assert!(text.contains("Run 1 (levada run) published"), "{text}");
}

#[test]
fn before_the_first_run_it_says_what_to_type() {
    let place = Place::new("serve_console_empty", MESSAGES, &sections());
    let serving = serve(&place);
    let text = wait_until_it_says(&serving, "Nothing is published");
    for words in
        ["has no published edition", "Type levada run ;", "levada has not run on this target"]
    {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}

#[test]
fn a_statistic_that_fails_is_told_without_any_value() {
    // 4711 is a value of a row, which the server's own message would name.
    let stat = "[[stat]]\nname = \"broken\"\ntitle = \"Broken\"\n\
                sql = \"SELECT (kind || (id + 4711))::int AS number FROM message\"\n";
    let sections = format!("{}{stat}", sections());
    let place = Place::new("serve_console_stat", MESSAGES, &sections);
    place.publish();
    let serving = serve(&place);
    let text = wait_until_it_says(&serving, "of statistic broken failed, ");
    for words in ["It said: stat \"broken\": ", "22P02", "never a wrong number"] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    assert!(!text.contains("4711") && !text.contains("sms4"), "{text}");
    let row = "broken ";
    assert!(text.contains(row), "{text}");
    assert_eq!(serving.get("/stats/broken.json").status, 503);
}

#[test]
fn a_run_that_failed_is_told_with_its_message_and_what_to_do() {
    let place = Place::new("serve_console_failed", MESSAGES, &sections());
    place.publish();
    let serving = serve(&place);
    serving.wait_until_ready();
    wait_until_it_says(&serving, "Nothing needs attention");
    // A column that the rollup counts by is gone.
    place.source.execute("ALTER TABLE message DROP COLUMN kind").unwrap();
    let failed = place.levada(&["run"]);
    assert_ne!(failed.code, 0, "{}", failed.stdout);
    let sql = "SELECT coalesce(message, 'no message') FROM levada.run WHERE outcome = 'failed'";
    let message = first_column(&place.target, sql).join("");
    let text = wait_until_it_says(&serving, "Run 2 (levada run) failed.");
    for words in [message.as_str(), "visitors go on seeing it", "then type levada run with"] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    // The key of the lock that a run holds spells "levada".
    let mut holder = place.target.session().unwrap();
    holder.run("SELECT pg_advisory_lock(119183033590881)").unwrap();
    place.target.execute("UPDATE levada.run SET outcome = 'running' WHERE number = 2").unwrap();
    wait_until_it_says(&serving, "Run 2 (levada run) is running ,");
    // Somebody kills it: then nobody holds its lock.
    drop(holder);
    wait_until_it_says(&serving, "seems to have ended without saying so");
}

#[test]
fn without_the_database_it_shows_what_it_knows_and_says_so() {
    let cluster = Cluster::start().unwrap();
    let source = cluster.create_database("console_source").unwrap();
    let target = cluster.create_database("console_target").unwrap();
    source.execute(MESSAGES).unwrap();
    let place = Place::between("serve_console_away", source, target, &sections());
    place.publish();
    let serving = serve(&place);
    serving.wait_until_ready();
    wait_until_it_says(&serving, "Run 1 (levada run) published");
    cluster.stop().unwrap();
    let text = wait_until_it_says(&serving, "is shown, but not confirmed");
    for words in [
        "has not confirmed the edition since",
        "called stale, until",
        "pg_isready",
        "The records of runs could not be read",
        "Not current: as read",
        "Run 1 (levada run) published",
        "Complete up to",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    cluster.start_again().unwrap();
    let text = wait_until_it_says(&serving, "is shown, and current");
    assert!(!text.contains("has not confirmed"), "{text}");
}

#[test]
fn a_role_that_may_not_read_the_records_is_told_what_to_grant() {
    let place = Place::new("serve_console_rights", MESSAGES, &sections());
    place.publish();
    for statement in [
        "CREATE ROLE console_reader LOGIN",
        "GRANT USAGE ON SCHEMA levada, public, reports TO console_reader",
        "GRANT SELECT ON ALL TABLES IN SCHEMA levada, public, reports TO console_reader",
        "REVOKE SELECT ON levada.run FROM console_reader",
    ] {
        place.target.execute(statement).unwrap();
    }
    let (before, after) = place.target.url().split_once('@').unwrap();
    assert!(before.starts_with("postgresql://"), "{before}");
    let url = format!("postgresql://console_reader@{after}");
    let sections = sections().replacen("[serve]\n", &format!("[serve]\nurl = \"{url}\"\n"), 1);
    place.configure(&sections);
    let serving = serve(&place);
    serving.wait_until_ready();
    let text = wait_until_it_says(&serving, "The records of runs could not be read");
    assert!(text.contains("permission denied for table run"), "{text}");
    assert!(text.contains("GRANT SELECT ON ALL TABLES IN SCHEMA levada TO \"console_reader\""));
    assert!(text.contains("Edition 1 is shown, and current"), "{text}");
}
