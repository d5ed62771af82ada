//! Pages, as a person and a browser get them: what they state, what they name as missing, and what
//! they must not contain. Every number is counted again in the source.

use std::time::Duration;

use testkit::{Cluster, wait_for};

use super::Place;
use super::client::Reply;
use crate::support::cluster;

const MESSAGES: &str = include_str!("page_messages.sql");
/// The other statistic does not know yesterday.
const HALF_A_NIGHT: &str = include_str!("page_half_a_night.sql");

const SECTIONS: &str = r#"
[serve]
listen = "127.0.0.1:0"
poll_seconds = 1
[display]
zone = "Europe/London"
[brand]
service = "Post"
[[calendar]]
name = "london"
zone = "Europe/London"
[[rollup]]
name = "per_day"
table = "public.message"
time = "at"
calendar = "london"
grain = "day"
by = ["kind"]
measures = { messages = "count", people = { distinct = "who" } }
[[rollup]]
name = "other_day"
table = "public.message"
time = "at"
calendar = "london"
grain = "day"
[rollup.measures]
messages = "count"
[[stat]]
name = "messages"
title = { en = "Messages", fr = "Messages envoyés" }
rollup = "per_day"
measures = ["messages"]
last = { default = 7, max = 30, name = "days" }
filter = ["kind"]
[[stat.figures]]
kind = "line"
finding = { en = "{sum messages} messages in {buckets} days", fr = "{sum messages} messages en {buckets} jours" }
y = ["messages"]
series = "kind"
unit = "count"
series_names = { sms = { en = "Texts", fr = "Textos" } }
"#;

/// The other statistics of the page.
const MORE: &str = r#"
[[stat]]
name = "all"
title = "All"
rollup = "other_day"
last = { default = 5, max = 30 }
[[stat]]
name = "broken"
title = "Broken"
sql = "select 1 / (count(*) - count(*)) as never from public.message"
[[page]]
name = "post"
title = "The post"
stats = ["messages", "all"]
[[stat]]
name = "ever"
title = "Ever"
sql = "select count(*) as messages from public.message"
[[stat]]
name = "turning"
title = "Turning"
sql = "select 100 / (1 - count(*) filter (where kind = 'fax')) as share from public.message"
[[page]]
name = "turning"
title = "What fails in the next edition"
stats = ["messages", "turning"]
[[page]]
name = "ever"
title = "Recently and ever"
stats = ["messages", "ever"]
[[page]]
name = "broken"
title = "Half a page"
stats = ["messages", "broken"]
"#;

fn place(name: &str) -> Place {
    let place = Place::new(name, MESSAGES, &format!("{SECTIONS}{MORE}"));
    place.publish();
    place
}

/// A day of London, so many days ago, as a page writes it.
fn day(place: &Place, ago: u32, french: bool) -> String {
    let sql = format!(
        "SELECT extract(day FROM d), extract(month FROM d), extract(year FROM d) \
         FROM (SELECT (now() AT TIME ZONE 'Europe/London')::date - {ago} AS d) AS d"
    );
    let row = place.source.query_rows(&sql).unwrap().remove(0);
    let month: usize = row[1].parse().unwrap();
    let (english_names, french_names) = (
        "January February March April May June July August September October November December",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    );
    let names = if french { french_names } else { english_names };
    let month = names.split(' ').nth(month - 1).unwrap();
    let day = if french && row[0] == "1" { "1er" } else { &row[0] };
    format!("{day} {month} {}", row[2])
}

/// The row of a table that begins with a day, without its tags.
#[track_caller]
fn row(page: &str, day: &str) -> Vec<String> {
    let mut rows = page.split("<tr>").skip(1).filter(|row| row.contains(&format!(">{day}</time>")));
    let row = rows.next().unwrap_or_else(|| panic!("no row of {day} in:\n{page}"));
    let cells = row.split("<td").skip(1).map(|cell| {
        let text = cell.split_once('>').unwrap().1.split('<').next().unwrap();
        text.to_owned()
    });
    cells.collect()
}

/// What every page must be, whatever it shows.
#[track_caller]
fn assert_sound(reply: &Reply, language: &str) {
    let page = reply.text();
    assert!(page.starts_with(&format!("<!DOCTYPE html><html lang=\"{language}\">")), "{page}");
    assert_eq!(page.matches("<h1").count(), 1, "{page}");
    for forbidden in ["<script", "<style", " style=", "javascript:", " onclick"] {
        assert!(!page.contains(forbidden), "{forbidden} in:\n{page}");
    }
    let mut ids: Vec<&str> =
        page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(all, ids.len(), "an id is there twice in:\n{page}");
    for named in page.split("aria-labelledby=\"").skip(1).filter_map(|r| r.split('"').next()) {
        assert!(named.split(' ').all(|id| ids.contains(&id)), "{named} names nothing");
    }
    assert!(reply.header("content-security-policy").starts_with("default-src 'self'"));
}

#[test]
fn a_page_states_what_its_numbers_say() {
    let place = place("serve_page_states");
    let serving = place.serve();
    serving.wait_until_ready();
    let page = serving.get("/pages/post?lang=en").expect(200);
    assert_sound(&page, "en");
    let page = page.text();
    // Six days with 3 and 2 messages, and one without any: that one is a zero, not a gap.
    assert!(page.contains(">30 messages in 7 days</h2>"), "{page}");
    assert!(page.contains(&format!(">{}</time>, published ", day(&place, 1, false))), "{page}");
    assert_eq!(row(&page, &day(&place, 7, false)), ["3", "2"]);
    assert_eq!(row(&page, &day(&place, 3, false)), ["0", "0"]);
    assert!(page.contains(">Texts</th>") && page.contains("<svg"), "{page}");
    assert!(!page.contains("class=\"gap\"") && !page.contains("Incomplete"), "{page}");
    for file in ["csv", "json"] {
        assert!(page.contains(&format!("href=\"/stats/messages.{file}\"")), "{page}");
    }
    let french = serving.get("/pages/post?lang=fr").expect(200);
    assert_sound(&french, "fr");
    let french = french.text();
    assert!(french.contains(">30 messages en 7 jours</h2>"), "{french}");
    assert!(french.contains("Données jusqu’au "), "{french}");
    assert_eq!(row(&french, &day(&place, 7, true)), ["3", "2"]);
    assert!(french.contains("href=\"/pages/post?lang=en\""), "{french}");
}

#[test]
fn a_missing_day_is_a_gap_and_never_a_zero() {
    let place = place("serve_page_gap");
    // Its rows are still there, some of them say: none of them may be shown or added up.
    let missing = "UPDATE levada.rollup_bucket SET state = 'gap' WHERE rollup = 'per_day' \
         AND bucket::date = (now() AT TIME ZONE 'Europe/London')::date - 4";
    place.target.execute(missing).unwrap();
    let serving = place.serve();
    serving.wait_until_ready();
    for address in ["/stats/messages?lang=en", "/pages/post?lang=en"] {
        let page = serving.get(address).expect(200);
        assert_sound(&page, "en");
        let page = page.text();
        let day = day(&place, 4, false);
        assert!(page.contains(&format!("Missing: {day}.")), "{page}");
        assert_eq!(row(&page, &day), ["Missing"], "{address}");
        // A sentence over six days of seven would be taken for one over seven.
        assert!(!page.contains("messages in 7 days"), "{page}");
        assert!(!page.contains("messages in 6 days"), "{page}");
        // Each of two lines is drawn anew after the gap, in both drawings.
        let paths = page.split("class=\"line\" d=\"").skip(1);
        let begun: Vec<usize> =
            paths.map(|path| path.split('"').next().unwrap().matches('M').count()).collect();
        assert_eq!(begun, [2, 2, 2, 2], "{address}");
        assert!(page.contains("class=\"gap\""), "{page}");
    }
    let json = serving.get("/stats/messages.json").expect(200).json();
    assert_eq!(json["state"], "partial");
}

#[test]
fn a_page_ends_where_all_of_it_is_complete() {
    let place = place("serve_page_through");
    place.target.execute(HALF_A_NIGHT).unwrap();
    let serving = place.serve();
    serving.wait_until_ready();
    let alone = serving.get("/stats/messages?lang=en").expect(200).text();
    assert_eq!(row(&alone, &day(&place, 1, false)), ["3", "2"]);
    let page = serving.get("/pages/post?lang=en").expect(200).text();
    assert!(page.contains("Data up to <time datetime="), "{page}");
    assert!(page.contains(&format!(">{}</time>, published ", day(&place, 2, false))), "{page}");
    assert!(!page.contains(&day(&place, 1, false)), "a day that only one statistic has:\n{page}");
    assert!(page.contains(">30 messages in 7 days</h2>"), "{page}");
}

#[test]
fn what_counts_everything_says_up_to_when() {
    let place = place("serve_page_ever");
    let serving = place.serve();
    wait_for("readiness", Duration::from_secs(30), || Ok(serving.get("/readyz").status == 200))
        .unwrap();
    let page = serving.get("/pages/ever?lang=en").expect(200).text();
    let up_to = format!(">{}</time>, published ", day(&place, 1, false));
    assert!(page.contains("Data up to <time") && page.contains(&up_to), "{page}");
    let sql = "SELECT to_char(as_of AT TIME ZONE 'Europe/London', \
               'HH24:MI \"on\" FMDD FMMonth YYYY') FROM levada.edition \
               WHERE state = 'published' ORDER BY number DESC LIMIT 1";
    let as_of = &place.target.query_rows(sql).unwrap()[0][0];
    assert_eq!(page.matches("As of <time").count(), 1, "{page}");
    assert!(page.contains(&format!(">{as_of}</time></p>")), "{as_of}:\n{page}");
}

#[test]
fn what_cannot_be_shown_is_said_in_its_place() {
    let place = place("serve_page_broken");
    let serving = place.serve();
    wait_for("readiness", Duration::from_secs(30), || Ok(serving.get("/readyz").status == 200))
        .unwrap();
    let page = serving.get("/pages/broken?lang=en").expect(200);
    assert_sound(&page, "en");
    assert_eq!((page.header("cache-control"), page.header("etag")), ("no-store", ""));
    let page = page.text();
    assert!(page.contains("Part of this page cannot be shown now."), "{page}");
    assert!(page.contains("This statistic cannot be shown now."), "{page}");
    assert!(page.contains(">30 messages in 7 days</h2>"), "{page}");
    let refused = serving.get_with("/stats/broken", &[("accept", "text/html")]).expect(503);
    assert_sound(&refused, "en");
}

#[test]
fn a_statistic_that_fails_in_the_next_edition_takes_no_page_with_it() {
    let place = place("serve_page_turning");
    let serving = place.serve();
    wait_for("both statistics", Duration::from_secs(30), || {
        let page = serving.get("/pages/turning?lang=en");
        Ok(page.status == 200 && !page.text().contains("cannot be shown"))
    })
    .unwrap();
    // Today is not over: the other statistic stays as it is.
    place.source.execute("INSERT INTO message (kind, who, at) VALUES ('fax', 1, now())").unwrap();
    place.publish();
    wait_for("the other statistic alone", Duration::from_secs(30), || {
        let page = serving.get("/pages/turning?lang=en");
        Ok(page.status == 200 && page.text().contains("This statistic cannot be shown now."))
    })
    .unwrap();
    let page = serving.get("/pages/turning?lang=en").expect(200).text();
    assert!(page.contains(">30 messages in 7 days</h2>"), "{page}");
    assert!(!page.contains("Not confirmed"), "what is shown is of the newest edition:\n{page}");
}

#[test]
fn figures_that_would_mislead_are_refused() {
    let place = place("serve_page_refused");
    let refuse = |before: &str, after: &str, said: &str| {
        let sections = SECTIONS.replace(before, after);
        assert_ne!(sections, SECTIONS, "{before} is not there");
        place.configure(&sections);
        place.levada(&["serve"]).expect_code(2).expect_stderr(said);
    };
    let finding = "{sum messages} messages in {buckets} days";
    refuse(finding, "{total messages}", "which is nothing that is known");
    refuse(finding, "{sum messages", "has a { without }");
    refuse("unit = \"count\"", "unit = \"percent\"", "shares are not added up");
    refuse("y = [\"messages\"]", "", "draws no column");
    refuse("last = { default = 7, max = 30, name = \"days\" }", "", "over time");
    // Only the edition knows that people are counted once per day.
    place.configure(
        &SECTIONS
            .replace("measures = [\"messages\"]\n", "")
            .replace("{sum messages} messages in", "{sum people} people in"),
    );
    let serving = place.serve();
    wait_for("readiness", Duration::from_secs(30), || Ok(serving.get("/readyz").status == 200))
        .unwrap();
    serving.get("/stats/messages.json").expect(503);
}

#[test]
fn a_form_asks_what_was_meant() {
    let place = place("serve_page_form");
    let serving = place.serve();
    serving.wait_until_ready();
    let form = serving.get("/stats/messages?lang=en").expect(200).text();
    assert!(form.contains("<form method=\"get\" action=\"/stats/messages\">"), "{form}");
    assert!(form.contains("type=\"number\" min=\"1\" max=\"30\" value=\"7\""), "{form}");
    let sent = serving.get("/stats/messages?_=form&lang=en&days=2&from=&to=").expect(200).text();
    // Whoever wrote the sentence wrote it for the usual days: of others, the title says which.
    let days = format!("Messages, {} – {}", day(&place, 2, false), day(&place, 1, false));
    assert!(sent.contains(&format!(">{days}</h2>")), "{sent}");
    assert!(!sent.contains("messages in"), "{sent}");
    assert!(sent.contains("href=\"/stats/messages.csv?days=2\""), "{sent}");
    let sql = "SELECT (now() AT TIME ZONE 'Europe/London')::date - 5";
    let from = &place.source.query_rows(sql).unwrap()[0][0];
    let exact = format!("/stats/messages?_=form&lang=en&days=7&from={from}&to={from}");
    let exact = serving.get(&exact).expect(200).text();
    let only = format!(">Messages, {}</h2>", day(&place, 5, false));
    assert!(exact.contains(&only) && !exact.contains("messages in"), "{exact}");
    let texts = serving.get("/stats/messages?lang=en&kind=sms").expect(200).text();
    assert!(texts.contains(">Messages, kind: sms, ") && !texts.contains("messages in"), "{texts}");
    // A program that sends empty values is told so, as ever.
    serving.get("/stats/messages.json?days=2&from=").expect(400);
    let accept = [("accept", "text/html,*/*;q=0.8")];
    let refused = serving.get_with("/stats/messages?_=form&lang=fr&days=99", &accept).expect(400);
    assert_sound(&refused, "fr");
    let text = refused.text();
    assert!(text.contains("Cette demande est refusée") && text.contains("value=\"99\""), "{text}");
    let nowhere = serving.get_with("/nowhere", &accept).expect(404);
    assert_sound(&nowhere, "en");
    let beyond = serving.get("/stats/messages?lang=en&to=2999-01-01").expect(200).text();
    assert!(beyond.contains("Part of the range that was asked for"), "{beyond}");
}

#[test]
fn a_brand_is_part_of_every_page() {
    let place = place("serve_page_brand");
    let folder = std::env::temp_dir();
    let file = |extension: &str| format!("levada-brand-{}.{extension}", std::process::id());
    std::fs::write(folder.join(file("css")), ":root { --brand: #5a2d81; }\n").unwrap();
    std::fs::write(folder.join(file("svg")), "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")
        .unwrap();
    let brand = format!(
        "[brand]\nstylesheet = \"{}\"\nlogo = \"{}\"\nphase = \"Beta\"",
        file("css"),
        file("svg")
    );
    place.configure(&SECTIONS.replace("[brand]", &brand));
    let serving = place.serve();
    serving.wait_until_ready();
    let page = serving.get("/").expect(200);
    assert_sound(&page, "en");
    let page = page.text();
    assert!(page.contains(">Beta</strong>"), "{page}");
    let links = page.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next());
    let links: Vec<&str> = links.collect();
    assert_eq!(links.len(), 4, "{links:?}");
    for link in links {
        let asset = serving.get(&format!("/assets/{link}")).expect(200);
        assert!(asset.header("cache-control").contains("immutable"), "{link}");
        let is_style = link.ends_with(".css");
        let kind = if is_style { "text/css; charset=utf-8" } else { "image/svg+xml" };
        assert_eq!(asset.header("content-type"), kind, "{link}");
        assert!(!is_style || asset.text().contains("--brand"), "{link}");
    }
    for extension in ["css", "svg"] {
        std::fs::remove_file(folder.join(file(extension))).unwrap();
    }
    place.levada(&["serve"]).expect_code(2).expect_stderr("[brand] stylesheet cannot be read");
}

#[test]
fn unconfirmed_numbers_are_called_so() {
    let private = Cluster::start().unwrap();
    let source = cluster().create_database("serve_page_stale_source").unwrap();
    source.execute(MESSAGES).unwrap();
    let target = private.create_database("serve_page_stale_target").unwrap();
    let kept =
        format!("{SECTIONS}{MORE}").replace("poll_seconds", "max_age_seconds = 30\npoll_seconds");
    let place = Place::between("serve_page_stale", source, target, &kept);
    place.publish();
    let serving = place.serve();
    serving.wait_until_ready();
    let fresh = serving.get("/pages/post?lang=en").expect(200);
    assert!(!fresh.text().contains("Not confirmed"));
    private.stop().unwrap();
    wait_for("a notice", Duration::from_secs(60), || {
        Ok(serving.get("/pages/post?lang=en").text().contains("<strong>Not confirmed</strong>"))
    })
    .unwrap();
    let stale = serving.get("/pages/post?lang=en").expect(200);
    assert_sound(&stale, "en");
    assert!(stale.text().contains("could not be confirmed since <time datetime="));
    assert!(stale.text().contains(">30 messages in 7 days</h2>"), "what is known stays");
    assert_ne!(stale.header("etag"), fresh.header("etag"));
    assert!(fresh.header("cache-control").contains("max-age=30"));
    assert_eq!(stale.header("cache-control"), "public, no-cache", "nobody keeps it");
    let french = serving.get("/stats/messages?lang=fr").expect(200).text();
    assert!(french.contains("<strong>Non confirmé</strong>"), "{french}");
}
