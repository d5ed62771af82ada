//! The way of a row from the source to a visitor.

use super::Place;

pub(super) const MESSAGES: &str = include_str!("messages.sql");

/// Eleven days of messages in London, 24 a day, and a statistic of them.
pub(super) const SECTIONS: &str = r#"
[serve]
listen = "127.0.0.1:0"
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
rollup = "messages_per_day"
last = { default = 7, max = 30, name = "days" }
page = true
"#;

pub(super) fn place(name: &str) -> Place {
    Place::new(name, MESSAGES, SECTIONS)
}

#[test]
fn a_statistic_is_answered_as_json_csv_and_page() {
    let place = place("serve_basics");
    place.publish();
    let serving = place.serve();
    serving.wait_until_ready();
    let reply = serving.get("/stats/messages.json").expect(200);
    let json = reply.json();
    assert_eq!(json["edition"], 1);
    assert_eq!(json["complete"], true, "{json}");
    assert_eq!(json["state"], "fresh");
    assert_eq!(json["range"]["buckets"], 7);
    let messages =
        json["data"].as_array().unwrap().iter().map(|row| row["messages"].as_i64().unwrap());
    let csv = serving.get("/stats/messages.csv?days=2").expect(200);
    assert!(
        csv.text().starts_with("bucket,bucket_start,bucket_end,kind,messages\n"),
        "{}",
        csv.text()
    );
    let page = serving.get("/pages/messages").expect(200);
    assert!(page.text().contains("<h1>Messages</h1>"), "{}", page.text());
    assert!(messages.sum::<i64>() > 0);
}
