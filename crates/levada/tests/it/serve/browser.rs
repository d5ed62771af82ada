//! Pages and console in a real browser: accessible, complete without scripts, usable by keyboard,
//! on narrow screens and on paper. What is looked at is in `tests/browser/check.mjs`;
//! `.ci/browser.sh` makes sure of the browser, and without one these tests say that they were
//! skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{Place, Serving, basics, console};
use crate::bad_input::skipped;
use crate::support::pair;

/// Debian's.
const CHROMIUM: &str = "/usr/bin/chromium";

/// The folder of the build that `.ci/browser.sh` fills.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser")
}

fn is_browser_there() -> bool {
    let node = Command::new("node").arg("--version").output();
    let modules = folder().join("node_modules");
    node.is_ok_and(|node| node.status.success())
        && Path::new(CHROMIUM).exists()
        && modules.join("playwright-core/package.json").exists()
        && modules.join("axe-core/axe.min.js").exists()
}

/// Looks at pages, and fails with all that was found; `None` where there is no browser.
#[track_caller]
fn look(address: &str, mut job: Value) -> Option<u64> {
    if !is_browser_there() {
        skipped("no browser");
        return None;
    }
    job["modules"] = json!(folder());
    job["chromium"] = json!(CHROMIUM);
    job["shots"] = json!(folder().join("shots"));
    job["address"] = json!(format!("http://{address}"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/check.mjs");
    let output = Command::new("node").arg(script).arg(job.to_string()).output().expect("node");
    let (said, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complaint}");
    let said: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{complaint}"));
    let findings: Vec<&str> =
        said["findings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
    said["checked"].as_u64()
}

fn page(name: &str, path: &str, status: u16) -> Value {
    json!({ "name": name, "path": path, "language": "en", "status": status })
}

/// The same page in French has other words and the same colours.
fn french(name: &str, path: &str, status: u16) -> Value {
    let looks = ["light", "narrow"];
    json!({ "name": name, "path": path, "language": "fr", "status": status, "looks": looks })
}

fn serving(name: &str) -> (Place, Serving) {
    let place = Place::new(name, basics::MESSAGES, &console::sections());
    place.publish();
    place.source.execute("DELETE FROM message WHERE id < 5").unwrap();
    place.publish();
    let serving = console::serve(&place);
    serving.wait_until_ready();
    (place, serving)
}

#[test]
fn pages_hold_in_a_browser() {
    let (_place, serving) = serving("serve_browser_pages");
    let pages = [
        page("index", "/", 200),
        french("index-fr", "/?lang=fr", 200),
        page("page", "/pages/messages", 200),
        french("page-fr", "/pages/messages?lang=fr", 200),
        page("stat", "/stats/messages", 200),
        french("stat-range-fr", "/stats/messages?days=3&lang=fr", 200),
        page("missing", "/pages/nothing", 404),
    ];
    // Of each page five checks in light, two, three and three in the other looks, and one without
    // scripts.
    let checked = look(&serving.address, json!({ "pages": pages }));
    assert!(checked.is_none_or(|checked| checked == 4 * 14 + 3 * 9), "{checked:?}");
}

/// The public page of the Notify example, for the README. `UPDATE_EXPECT=1` takes it anew; without
/// it the one that is there is checked.
#[test]
fn the_picture_of_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let picture = root.join("docs/images/performance.png");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(picture.with_file_name("")).unwrap();
        let (place, page) = notify(&root.join("docs/examples/notify"));
        let serving = console::serve(&place);
        serving.wait_until_ready();
        let wanted = json!({ "path": picture, "page": page, "width": 1000, "height": 1450 });
        look(&serving.address, json!({ "pages": [], "picture": wanted }));
    }
    let bytes = std::fs::read(&picture).expect("docs/images/performance.png");
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(bytes[16..20], 1000u32.to_be_bytes(), "its width");
    assert!(bytes.len() < 150_000, "{} bytes", bytes.len());
}

/// The Notify example, published, and its first page.
fn notify(folder: &Path) -> (Place, Value) {
    let example = std::fs::read_to_string(folder.join("levada.toml")).unwrap();
    let (_, sections) = example.split_once("\n[display]\n").expect("[display] after [target]");
    let sections = format!(
        "[display]\n{}",
        sections.replace("\"sql/", &format!("\"{}/sql/", folder.display()))
    );
    let (source, target) = pair("serve_picture", "SELECT 1");
    for script in ["schema.sql", "data.sql"] {
        source.load_file(&folder.join(script), &[]).unwrap();
    }
    let name = sections.split("[[page]]\nname = \"").nth(1).expect("a [[page]]");
    let path = format!("/pages/{}", name.split('"').next().unwrap_or_default());
    let serve = "[serve]\nlisten = \"127.0.0.1:0\"\n";
    let place = Place::between("picture", source, target, &format!("{serve}{sections}"));
    place.publish();
    (place, page("notify", &path, 200))
}

#[test]
fn the_console_holds_in_a_browser() {
    let (place, _) = serving("serve_browser_console");
    // One cell of each state.
    for (state, days) in [("failed", 1), ("gap", 3), ("provisional", 4), ("final", 6)] {
        let chosen = format!("state = 'closed' AND bucket_start < now() - interval '{days} days'");
        let latest = format!("SELECT max(bucket_start) FROM levada.rollup_bucket WHERE {chosen}");
        let sql = format!("UPDATE levada.rollup_bucket SET state = '{state}'");
        place.target.execute(&format!("{sql} WHERE bucket_start = ({latest})")).unwrap();
    }
    let serving = console::serve(&place);
    serving.wait_until_ready();
    let pages = [page("console", "/", 200)];
    let job = json!({ "pages": pages, "console": true, "token": console::TOKEN });
    let checked = look(&serving.console, job);
    assert!(checked.is_none_or(|checked| checked == 15), "{checked:?}");
}
