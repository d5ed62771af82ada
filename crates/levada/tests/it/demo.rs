//! The demo as a visitor sees it: run for real, its output compared with a snapshot.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use expect_test::expect_file;
use testkit::{Database, wait_for};

use crate::filters::filtered;
use crate::support::{command, levada};

#[test]
fn the_whole_story() {
    let ran = levada(&["demo"]).expect_code(0);
    assert_eq!(ran.stderr, "");
    let mut lines = ran.stdout.lines().filter(|line| !line.contains(" rows/s, "));
    let wide = lines.find(|line| line.chars().count() > 145);
    assert_eq!(wide, None, "too wide");
    let expected = expect_file!["fixtures/demo.txt"];
    expected.assert_eq(&told(&ran.stdout));
}

/// What was told, without what depends on the machine: how far the copy got, which tables were
/// proven, which entries took longest.
fn told(output: &str) -> String {
    let (story, rest) = output.split_once("\n5. ").expect("a table of times");
    let (times, night) = rest.split_once("\n6. ").expect("a second night");
    let is_entry = |line: &&str| line.contains("|  ") && !line.contains("category");
    let times: Vec<&str> = times.lines().filter(|line| !is_entry(line)).collect();
    let text = filtered(&format!("{story}\n5. {}\n6. {night}", times.join("\n")));
    let machine = [
        "tables to copy: about",
        "tables to look through",
        "note: the snapshot",
        "detail: read again",
    ];
    let lines = text.lines().filter(|line| !machine.iter().any(|part| line.contains(part)));
    let lines = lines.map(|line| match line.split_once("killed: ") {
        Some((before, _)) => format!("{before}killed: [HOW FAR]\n"),
        None => format!("{}\n", without_day(line)),
    });
    lines.collect()
}

/// The last complete day is yesterday, whenever this runs: "up to 2026-11-20, …" and
/// "Data up to 20 November 2026, published 08:51".
fn without_day(line: &str) -> String {
    match (line.split_once(" up to "), line.split_once(", ")) {
        (Some((before, _)), Some((_, after))) if after.starts_with("published ") => {
            format!("{before} up to [DAY], published [WHEN]")
        }
        (Some((before, _)), Some((_, after))) => format!("{before} up to [DAY], {after}"),
        _ => line.to_owned(),
    }
}

#[test]
fn json_tells_the_proof() {
    let ran = levada(&["demo", "--json"]).expect_code(0);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one line of JSON");
    assert_eq!(told["type"], "demo");
    assert_eq!(told["is_equal"], true);
    let arrived = &told["arrived_before_kill"];
    assert_eq!(arrived["is_published"], false);
    assert!(arrived["ranges"].as_u64() < arrived["ranges_planned"].as_u64(), "{arrived}");
    let objects = told["objects"].as_array().expect("objects");
    assert_eq!(objects.len(), 9);
    assert!(objects.iter().all(|object| object["source_digest"] == object["target_digest"]));
    for span in ["refresh_seconds", "full_copy_seconds"] {
        assert!(told["night"][span].as_f64() > Some(0.0), "{told}");
    }
}

#[test]
fn kept_servers_run_until_somebody_ends_the_demo() {
    let mut demo = command(&["demo", "--keep"]);
    let mut demo = demo.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("levada");
    let lines = BufReader::new(demo.stderr.take().expect("stderr")).lines();
    let urls: Vec<String> = lines
        .map_while(Result::ok)
        .filter_map(|line| Some(line[line.find("postgresql://")?..].to_owned()))
        .take(2)
        .collect();
    let count = "select count(*) from public.engagement_event";
    for url in &urls {
        assert_eq!(Database::at(url).psql(count).expect("a server that runs"), "299700");
    }
    let killed = Command::new("kill").args(["-INT", &demo.id().to_string()]).status();
    assert!(killed.expect("kill").success());
    assert_eq!(demo.wait().expect("an end").code(), Some(0));
    wait_for("the servers to be gone", Duration::from_secs(20), || {
        Ok(urls.iter().all(|url| Database::at(url).psql(count).is_err()))
    })
    .expect("servers end with the demo");
    assert_eq!(urls.len(), 2);
}
