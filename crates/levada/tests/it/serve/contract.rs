//! What visitors and proxies may rely on: entity tags, 304 without a query, editions in addresses.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::{Cluster, wait_for};

use super::client::Reply;
use super::{Place, Serving};
use crate::support::cluster;

const MESSAGES: &str = include_str!("messages.sql");

/// A statistic of each kind; `{serve}` stands for more of `[serve]`.
const SECTIONS: &str = r#"
[serve]
listen = "127.0.0.1:0"
poll_seconds = 1
queries_per_second = 1000
burst = 1000
{serve}
[brand]
service = "Post"
[[calendar]]
name = "london"
zone = "Europe/London"
[[rollup]]
name = "messages_per_day"
table = "public.message"
time = "at"
calendar = "london"
grain = "day"
by = ["kind"]
measures = { messages = "count" }
[[stat]]
name = "messages"
title = "Messages"
description = "By day and kind."
rollup = "messages_per_day"
last = { default = 7, max = 30, name = "days" }
page = true
[[stat]]
name = "asked"
title = "What was asked"
sql = "select :number as number, :word as word, :day as day, :flag as flag, count(*) from message"
[stat.params]
number = { type = "integer", min = -5, max = 5000000000, default = 1 }
word = { type = "text", values = ["sms", "e mail", "é&=+%"], default = "sms" }
day = { type = "date", min = "2025-01-01", max = "2025-12-31", default = "2025-06-01" }
flag = { type = "boolean", default = false }
[[stat]]
name = "of-kind"
title = "Messages of one kind"
sql = "select count(*) from message where kind = :kind"
[stat.params]
kind = { type = "text", values_from = "select distinct kind from public.message" }
[[stat]]
name = "large"
title = "Many rows"
sql = "select n, repeat('x', 500) as filling from generate_series(1, 5000) n"
"#;

pub(super) fn place(name: &str, serve: &str) -> Place {
    Place::new(name, MESSAGES, &SECTIONS.replace("{serve}", serve))
}

/// A place with an edition, and its server.
pub(super) fn open(name: &str, serve: &str) -> (Place, Serving) {
    let place = place(name, serve);
    place.publish();
    let serving = place.serve();
    serving.wait_until_ready();
    (place, serving)
}

/// Publishes an edition with one message more, and waits until it is shown.
#[track_caller]
fn publish_another(place: &Place, serving: &Serving, number: i64) {
    let sql =
        "insert into message select max(id) + 1, 'sms', now() - interval '2 days' from message";
    place.source.execute(sql).unwrap();
    place.publish();
    wait_for("the next edition", Duration::from_secs(30), || {
        Ok(serving.get("/stats/messages.json").json()["edition"] == number)
    })
    .unwrap();
    serving.wait_until_ready();
}

/// The address that a Link header names, with this relation.
#[track_caller]
fn linked(reply: &Reply, relation: &str) -> String {
    let link = reply.header("link");
    let end = format!(">; rel=\"{relation}\"");
    let address = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(&end));
    address.unwrap_or_else(|| panic!("no {relation} in {link:?}")).to_owned()
}

#[track_caller]
fn ask_again(serving: &Serving, target: &str, tag: &str) -> Reply {
    serving.get_with(target, &[("if-none-match", tag)])
}

#[test]
fn what_a_visitor_has_is_confirmed_without_a_query() {
    let (place, serving) = open("serve_contract_304", "");
    let target = "/stats/messages.json?days=3";
    let tag = serving.get(target).expect(200).header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let default = serving.get("/stats/messages.json").expect(200).header("etag").to_owned();
    serving.end();
    // Another process knows no answer but the usual ones, and now no query can be answered.
    let serving = place.serve();
    serving.wait_until_ready();
    let mut lock = place.target.session().unwrap();
    let table = "(select format('%I.%I', schemaname, tablename) from pg_tables
                  where tablename = 'messages_per_day')";
    let lock_all = format!("do $$ begin execute 'lock table ' || {table}; end $$");
    lock.run(&format!("begin; {lock_all}")).unwrap();
    serving.get("/stats/messages.json?days=2").expect(503);
    let reply = ask_again(&serving, target, &tag).expect(304);
    assert_eq!(reply.body, b"");
    assert_eq!(reply.header("etag"), tag);
    assert_eq!(reply.header("cache-control"), "public, no-cache");
    assert_eq!(reply.header("vary"), "accept-encoding");
    ask_again(&serving, target, &format!("\"other\", {tag}")).expect(304);
    ask_again(&serving, "/stats/messages.json", &default).expect(304);
    // A tag stands for one address, and anything for nothing that is not known.
    ask_again(&serving, target, &default).expect(503);
    ask_again(&serving, target, "*").expect(503);
    ask_again(&serving, "/stats/messages.csv?days=3", &tag).expect(503);
    lock.run("rollback").unwrap();
    let wait = Duration::from_secs(20);
    wait_for("an answer", wait, || Ok(serving.get(target).status == 200)).unwrap();
    ask_again(&serving, target, "*").expect(304);
}

#[test]
fn tags_tell_apart_what_is_different() {
    let (place, serving) = open("serve_contract_tags", "");
    let tag = |target: &str, language: &str| {
        let reply = serving.get_with(target, &[("accept-language", language)]).expect(200);
        reply.header("etag").to_owned()
    };
    let page = "/stats/messages";
    let all = [
        tag("/stats/messages.json", "en"),
        tag("/stats/messages.csv", "en"),
        tag("/stats/messages.json?days=2", "en"),
        tag("/stats/asked.json", "en"),
        tag("/stats/asked.json?flag=true", "en"),
        tag(page, "en"),
        tag(page, "fr"),
    ];
    let different: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "{all:?}");
    assert_eq!(tag("/stats/messages.json", "fr"), all[0], "data have no language");
    assert_eq!(tag("/stats/messages.json?days=7", "en"), all[0], "this is the default");
    assert_eq!(tag(&format!("{page}?lang=fr"), "en"), all[6]);
    publish_another(&place, &serving, 2);
    let reply = ask_again(&serving, "/stats/messages.json", &all[0]).expect(200);
    assert_ne!(reply.header("etag"), all[0]);
    assert_eq!(reply.json()["edition"], 2);
}

#[test]
fn another_definition_has_other_addresses_of_the_same_edition() {
    let place = super::basics::place("serve_contract_definition");
    place.publish();
    let serving = place.serve();
    serving.wait_until_ready();
    let first = linked(&serving.get("/stats/messages.json").expect(200), "memento");
    drop(serving);
    let sections = super::basics::SECTIONS.replace(
        "rollup = \"messages_per_day\"\nlast",
        "rollup = \"messages_per_day\"\nby = []\nlast",
    );
    assert_ne!(sections, super::basics::SECTIONS);
    place.configure(&sections);
    let serving = place.serve();
    serving.wait_until_ready();
    let reply = serving.get("/stats/messages.json").expect(200);
    assert_eq!(reply.json()["data"].as_array().unwrap().len(), 7, "one row a day");
    let second = linked(&reply, "memento");
    assert_ne!(first, second);
    serving.get(&first).expect(410);
    assert_eq!(serving.get(&second).expect(200).json()["edition"], 1);
}

#[test]
fn an_edition_in_the_address_never_changes() {
    let (place, serving) = open("serve_contract_editions", "");
    let reply = serving.get("/stats/messages.json?days=3").expect(200);
    let first = linked(&reply, "memento");
    let version = reply.json()["version"].as_str().unwrap().to_owned();
    assert_eq!(first, format!("/editions/{version}/stats/messages.json?days=3"));
    let kept = serving.get(&first).expect(200);
    assert_eq!(kept.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(linked(&kept, "original"), "/stats/messages.json?days=3");
    assert_eq!(kept.json()["data"], reply.json()["data"]);
    assert_eq!((&kept.json()["state"], &reply.json()["state"]), (&"fixed".into(), &"fresh".into()));
    ask_again(&serving, &first, kept.header("etag")).expect(304);
    publish_another(&place, &serving, 2);
    let again = serving.get(&first).expect(200);
    assert_eq!(again.body, kept.body, "the edition before, while it is known");
    let current = serving.get("/stats/messages.json?days=3").expect(200);
    assert_ne!(current.json()["data"], reply.json()["data"], "a message came");
    // Never known, and nobody can ask the edition before any more.
    let refused = serving.get(&first.replace("days=3", "days=4")).expect(410);
    assert_eq!(refused.header("cache-control"), "no-store");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let second = linked(&current, "memento");
    assert_eq!(serving.get(&second).expect(200).json()["edition"], 2);
    publish_another(&place, &serving, 3);
    serving.get(&first).expect(410);
    serving.get(&second).expect(200);
    serving.get("/editions/2-00000000/stats/messages.json").expect(410);
    serving.get("/editions/2/stats/messages.json").expect(404);
    serving.get(&second.replace("messages", "nothing")).expect(404);
    let page = second.replace(".json?days=3", "");
    let page = serving.get(&page).expect(200);
    assert_eq!(page.header("cache-control"), "public, no-cache", "pages are drawn anew");
}

/// While editions follow each other, an address with an edition gives that edition or nothing.
#[test]
fn an_edition_in_the_address_is_that_edition_while_others_come() {
    let (place, serving) = open("serve_contract_race", "");
    let is_over = AtomicBool::new(false);
    let compared = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|reader| {
                let (serving, is_over) = (&serving, &is_over);
                scope.spawn(move || {
                    let mut compared = 0;
                    let mut number = reader;
                    while !is_over.load(Ordering::Relaxed) {
                        number = (number + 3) % 4_000;
                        let target = format!("/stats/asked.json?number={number}");
                        let plain = serving.get(&target);
                        if plain.status == 503 {
                            // On a loaded machine the next edition may be long in coming.
                            continue;
                        }
                        let plain = plain.expect(200);
                        let of_edition = serving.get(&linked(&plain, "memento"));
                        if !matches!(of_edition.status, 410 | 503) {
                            let of_edition = of_edition.expect(200).json();
                            let plain = plain.json();
                            assert_eq!(of_edition["data"], plain["data"], "{plain}");
                            assert_eq!(of_edition["edition"], plain["edition"]);
                            // As many messages as editions came since the first.
                            let count = plain["data"][0]["count"].as_i64().unwrap();
                            assert_eq!(count - 263, plain["edition"].as_i64().unwrap());
                            compared += 1;
                        }
                    }
                    compared
                })
            })
            .collect();
        for number in 2..=6 {
            publish_another(&place, &serving, number);
        }
        is_over.store(true, Ordering::Relaxed);
        readers.into_iter().map(|reader| reader.join().unwrap()).sum::<u32>()
    });
    assert!(compared > 10, "{compared} comparisons prove nothing");
}

#[test]
fn nothing_may_be_kept_for_longer_than_a_minute() {
    let place = place("serve_contract_age", "max_age_seconds = 61");
    place.publish();
    place
        .levada(&["serve"])
        .expect_code(2)
        .expect_stderr("[serve] max_age_seconds is more than a minute");
    place.configure(&SECTIONS.replace("{serve}", "max_age_seconds = 60"));
    let serving = place.serve();
    serving.wait_until_ready();
    let reply = serving.get("/stats/messages.json").expect(200);
    assert_eq!(reply.header("cache-control"), "public, max-age=60, must-revalidate");
}

#[test]
fn parameters_are_refused_with_their_names() {
    let (_place, serving) = open("serve_contract_refusals", "");
    for (target, status, part) in [
        ("/stats/asked.json?number=-6", 400, "number is not a whole number from -5 to 5000000000"),
        ("/stats/asked.json?number=secret", 400, "number is not"),
        ("/stats/asked.json?day=2026-01-01", 400, "day is not a day"),
        ("/stats/asked.json?flag=yes", 400, "flag is neither"),
        ("/stats/asked.json?word=secret", 404, "word"),
        ("/stats/asked.json?secret_name=1", 400, "secret_name is no parameter"),
        ("/stats/asked.json?flag=true&flag=true", 400, "flag is given twice"),
        ("/stats/asked.json?lang=en", 400, "lang is no parameter"),
        ("/stats/asked?lang=de", 400, "lang is no language"),
        ("/stats/messages.json?days=31", 400, "days is not a whole number from 1 to 30"),
        ("/stats/of-kind.json", 400, "kind is missing"),
        ("/stats/of-kind.json?kind=secret", 404, "kind"),
        ("/pages/messages?days=3", 400, "days is no parameter"),
        ("/openapi.json?x=1", 400, "x is no parameter"),
        ("/stats/asked.json?word=%ff", 400, "query is not percent-encoded UTF-8"),
        ("/stats/none.json", 404, "there is no statistic none"),
        ("/nothing", 404, "nothing is at this address"),
    ] {
        let reply = serving.get(target).expect(status);
        assert_eq!(reply.header("content-type"), "application/problem+json", "{target}");
        assert_eq!(reply.header("cache-control"), "no-store", "{target}");
        assert!(!reply.headers.contains_key("etag"), "{target}");
        let problem = reply.json();
        assert_eq!(problem["status"], status, "{target}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{target}: {detail}");
        assert!(!reply.text().contains("secret\""), "{target}: a value in {}", reply.text());
        assert!(!detail.ends_with("secret"), "{target}: a value in {detail}");
    }
    let word =
        serving.get("/stats/asked.json?word=%C3%A9%26%3d%2B%25&number=4999999999").expect(200);
    let row = &word.json()["data"][0];
    assert_eq!((&row["word"], &row["number"]), (&"é&=+%".into(), &4_999_999_999_i64.into()));
}

#[test]
fn people_are_refused_with_a_page() {
    let (_place, serving) = open("serve_contract_pages", "");
    let browser = [("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")];
    let page = serving.get_with("/pages/none", &browser).expect(404);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    let data = serving.get_with("/stats/none.json", &browser).expect(404);
    assert_eq!(data.header("content-type"), "application/problem+json");
    let program = serving.get_with("/pages/none", &[("accept", "*/*")]).expect(404);
    assert_eq!(program.header("content-type"), "application/problem+json");
}

/// What is only believed to be current is neither confirmed nor kept.
#[test]
fn what_is_stale_is_not_confirmed() {
    let private = Cluster::start().unwrap();
    let source = cluster().create_database("serve_contract_stale_source").unwrap();
    source.execute(MESSAGES).unwrap();
    let target = private.create_database("serve_contract_stale_target").unwrap();
    let sections = SECTIONS.replace("{serve}", "max_age_seconds = 30");
    let place = Place::between("serve_contract_stale", source, target, &sections);
    place.publish();
    let serving = place.serve();
    serving.wait_until_ready();
    let targets = ["/stats/messages.json", "/stats/messages.json?days=2", "/stats/messages.csv"];
    let fresh = targets.map(|target| serving.get(target).expect(200));
    let of_edition = linked(&fresh[1], "memento");
    let of_edition = (serving.get(&of_edition).expect(200).body, of_edition);
    private.stop().unwrap();
    wait_for("stale answers", Duration::from_secs(60), || {
        Ok(serving.get(targets[0]).expect(200).header("levada-state") == "stale")
    })
    .unwrap();
    for (target, fresh) in targets.into_iter().zip(&fresh) {
        assert_eq!(fresh.header("cache-control"), "public, max-age=30, must-revalidate");
        let stale = ask_again(&serving, target, fresh.header("etag")).expect(200);
        assert_eq!(stale.header("levada-state"), "stale", "{target}");
        assert_eq!(stale.header("cache-control"), "public, no-cache", "{target}");
        assert!(!stale.header("levada-confirmed-at").is_empty(), "{target}");
        assert_ne!(stale.header("etag"), fresh.header("etag"), "{target}");
        ask_again(&serving, target, stale.header("etag")).expect(304);
    }
    // What belongs to an edition is as true as ever.
    assert_eq!(serving.get(&of_edition.1).expect(200).body, of_edition.0);
    serving.get("/readyz").expect(503);
    private.start_again().unwrap();
    wait_for("fresh answers", Duration::from_secs(60), || {
        Ok(ask_again(&serving, targets[1], fresh[1].header("etag")).status == 304)
    })
    .unwrap();
}

#[test]
fn health_and_readiness_are_two_things() {
    let place = place("serve_contract_ready", "");
    let serving = place.serve();
    serving.get("/healthz").expect(200);
    wait_for("that nothing is published", Duration::from_secs(20), || {
        Ok(serving.get("/readyz").text().contains("No edition is known"))
    })
    .unwrap();
    let reply = serving.get("/readyz").expect(503);
    assert_eq!(reply.header("retry-after"), "1");
    serving.get("/stats/messages.json").expect(503);
    place.publish();
    serving.wait_until_ready();
    serving.get("/stats/messages.json").expect(200);
}
