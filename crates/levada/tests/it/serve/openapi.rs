//! The document of OpenAPI: it is valid, says what is served, and what is served is as it says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::contract::open;

#[test]
fn the_document_says_what_is_served() {
    let (_place, serving) = open("serve_openapi", "public_url = \"https://statistics.example/\"");
    let reply = serving.get("/openapi.json").expect(200);
    let tag = reply.header("etag").to_owned();
    serving.get_with("/openapi.json", &[("if-none-match", &tag)]).expect(304);
    let document = reply.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "https://statistics.example");
    assert_eq!(document["info"]["title"], "Post");
    let paths: BTreeSet<&str> =
        document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut wanted: BTreeSet<String> =
        ["/", "/healthz", "/metrics", "/openapi.json", "/pages/messages", "/readyz"]
            .map(str::to_owned)
            .into();
    for stat in ["asked", "large", "messages", "of-kind"] {
        for end in ["", ".json", ".csv"] {
            wanted.insert(format!("/stats/{stat}{end}"));
            wanted.insert(format!("/editions/{{edition}}/stats/{stat}{end}"));
        }
    }
    assert_eq!(paths, wanted.iter().map(String::as_str).collect());
    let asked = &document["paths"]["/stats/asked.json"]["get"];
    assert_eq!(asked["summary"], "What was asked");
    let schema = |name: &str| {
        let parameters = asked["parameters"].as_array().unwrap();
        let of = parameters.iter().find(|parameter| parameter["name"] == name);
        let of = of.unwrap_or_else(|| panic!("no {name} in {asked:#}"));
        assert_eq!(of["required"], false, "{name} has a default");
        of["schema"].clone()
    };
    assert_eq!(schema("number")["minimum"], -5);
    assert_eq!(schema("number")["maximum"], 5_000_000_000_i64);
    assert_eq!(schema("word")["enum"], serde_json::json!(["sms", "e mail", "é&=+%"]));
    assert_eq!(
        (schema("day")["format"].as_str(), schema("flag")["type"].as_str()),
        (Some("date"), Some("boolean"))
    );
    let known = &document["paths"]["/stats/of-kind.json"]["get"]["parameters"][0];
    assert_eq!((&known["name"], &known["required"]), (&"kind".into(), &true.into()));
    assert!(known["schema"].get("enum").is_none(), "found by a query: {known}");
    let days = &document["paths"]["/stats/messages.csv"]["get"]["parameters"][0];
    assert_eq!((&days["name"], &days["schema"]["maximum"]), (&"days".into(), &30.into()));
    assert!(!reply.text().contains("select"), "no query is told");
}

#[test]
fn every_reference_leads_somewhere_and_everything_is_referred_to() {
    let (_place, serving) = open("serve_openapi_refs", "");
    let document = serving.get("/openapi.json").expect(200).json();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for (kind, members) in document["components"].as_object().unwrap() {
        for name in members.as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(found.contains(&reference), "{reference} is used by nothing");
        }
    }
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(names.insert(item["get"]["operationId"].as_str().unwrap()), "{path}");
        assert!(item["get"]["responses"].get("200").is_some(), "{path}");
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str().filter(|_| name == "$ref") {
                    Some(reference) => _ = found.insert(reference.to_owned()),
                    None => references(member, found),
                }
            }
        }
        _ => {}
    }
}

/// A program of `.ci/schemathesis.sh`, if it could be installed.
fn program(name: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../schemathesis/bin").join(name);
    if !found.exists() {
        eprintln!("SKIPPED: {name} is not installed, see .ci/schemathesis.sh");
    }
    found.exists().then_some(found)
}

#[track_caller]
fn assert_succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
}

#[test]
fn the_document_is_valid() {
    let Some(python) = program("python") else { return };
    let (_place, serving) = open("serve_openapi_valid", "");
    let validate = "import sys, json, urllib.request
from openapi_spec_validator import OpenAPIV31SpecValidator
OpenAPIV31SpecValidator(json.load(urllib.request.urlopen(sys.argv[1]))).validate()";
    let url = format!("http://{}/openapi.json", serving.address);
    assert_succeeds(Command::new(python).args(["-c", validate, &url]));
}

/// Minutes, so only where `make test-long` asks for it.
#[test]
fn long_what_is_served_is_as_the_document_says() {
    if std::env::var_os("LEVADA_LONG").is_none() {
        eprintln!("SKIPPED: make test-long runs it");
        return;
    }
    let Some(schemathesis) = program("schemathesis") else { return };
    // Otherwise most of what is tried would be refused for its number alone.
    let (_place, serving) = open("serve_openapi_fuzz", "cache_megabytes = 8");
    let url = format!("http://{}/openapi.json", serving.address);
    // A label may be a day and yet no bucket, and `from` may come after `to`: positive data may be
    // refused. HEAD and OPTIONS are answered although the document does not list them.
    assert_succeeds(
        Command::new(schemathesis)
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .args(["run", &url, "--no-color", "--seed", "5", "--max-examples", "25"])
            .args(["--exclude-checks", "positive_data_acceptance"])
            .args(["--phases", "examples,coverage,fuzzing", "--workers", "1"])
            .args(["--request-timeout", "20", "--continue-on-failure"]),
    );
    serving.get("/healthz").expect(200);
}
