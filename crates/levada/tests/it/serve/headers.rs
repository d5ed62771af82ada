//! Headers of every response: protection, what it depends on, who may read it, and its length.

use super::client::{self, Reply};
use super::contract::open;

#[track_caller]
fn assert_protected(target: &str, reply: &Reply) {
    let policy = reply.header("content-security-policy");
    let is_page = reply.header("content-type").starts_with("text/html");
    let wanted: &[&str] = match is_page {
        true => &[
            "default-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "object-src 'none'",
        ],
        false => &["default-src 'none'", "frame-ancestors 'none'"],
    };
    for part in wanted {
        assert!(policy.split("; ").any(|is| is == *part), "{target}: {part} in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{target}: {policy}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{target}");
    assert_eq!(reply.header("referrer-policy"), "no-referrer", "{target}");
    let is_public =
        ["application/json", "application/problem+json", "text/csv; charset=utf-8; header=present"]
            .contains(&reply.header("content-type"));
    let (origin, resource) = match is_public || matches!(reply.status, 204 | 304) {
        true => ("*", "cross-origin"),
        false => ("", "same-origin"),
    };
    assert_eq!(reply.header("access-control-allow-origin"), origin, "{target}");
    assert_eq!(reply.header("cross-origin-resource-policy"), resource, "{target}");
    assert!(!reply.header("cache-control").is_empty(), "{target}");
    for name in ["server", "x-powered-by", "set-cookie"] {
        assert!(!reply.headers.contains_key(name), "{target}: {name}");
    }
}

#[test]
fn every_response_is_protected() {
    let (_place, serving) = open("serve_headers_protect", "");
    let long = format!("/stats/messages.json?days={}", "1".repeat(2_100));
    for (target, status) in [
        ("/", 200),
        ("/pages/messages", 200),
        ("/stats/messages", 200),
        ("/stats/messages.json", 200),
        ("/stats/messages.csv", 200),
        ("/stats/asked.json?flag=true", 200),
        ("/openapi.json", 200),
        ("/metrics", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/stats/messages.json?days=0", 400),
        ("/nothing", 404),
        ("/editions/9-00000000/stats/messages.json", 410),
        (&long, 414),
    ] {
        assert_protected(target, &serving.get(target).expect(status));
    }
    let page = serving.get_with("/nothing", &[("accept", "text/html")]).expect(404);
    assert_protected("/nothing", &page);
    let tag = serving.get("/stats/messages.json").header("etag").to_owned();
    let known = serving.get_with("/stats/messages.json", &[("if-none-match", &tag)]).expect(304);
    assert_protected("304", &known);
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let reply = client::ask(&serving.address, method, "/stats/messages.json").unwrap();
        let reply = reply.expect(405);
        assert_protected(method, &reply);
        assert_eq!(reply.header("allow"), "GET, HEAD, OPTIONS");
    }
    let reply = client::ask(&serving.address, "OPTIONS", "/stats/messages.json").unwrap();
    let reply = reply.expect(204);
    assert_eq!(reply.header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
    assert_eq!(reply.header("access-control-allow-headers"), "if-none-match");
}

#[test]
fn a_head_is_all_but_the_body() {
    let (_place, serving) = open("serve_headers_head", "");
    for (target, encoding) in [
        ("/stats/messages.json", "identity"),
        ("/stats/messages.json", "gzip"),
        ("/stats/messages.json?days=2", "identity"),
        ("/stats/messages.json?days=9", "gzip"),
        ("/stats/messages.csv", "identity"),
        ("/pages/messages", "identity"),
        ("/nothing", "identity"),
        ("/healthz", "identity"),
    ] {
        let get = serving.get_with(target, &[("accept-encoding", encoding)]);
        let request = format!(
            "HEAD {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             accept-encoding: {encoding}\r\n\r\n"
        );
        let head = client::send(&serving.address, request.as_bytes()).unwrap().expect(get.status);
        assert_eq!(head.body, b"", "{target}");
        assert_eq!(head.header("content-length"), get.body.len().to_string(), "{target}");
        let without_date = |reply: &Reply| {
            let mut headers = reply.headers.clone();
            headers.remove("date");
            headers
        };
        assert_eq!(without_date(&head), without_date(&get), "{target}");
    }
}

#[test]
fn it_is_packed_for_those_who_ask() {
    let (_place, serving) = open("serve_headers_gzip", "");
    for target in ["/stats/messages.json", "/stats/large.json", "/openapi.json"] {
        let plain = serving.get(target).expect(200);
        assert_eq!(plain.header("content-encoding"), "", "{target}: nobody asked");
        assert_eq!(plain.header("vary"), "accept-encoding", "{target}");
        for refused in ["gzip;q=0", "br, deflate", "identity", "gzip;q=0, *", "x-gzip"] {
            let reply = serving.get_with(target, &[("accept-encoding", refused)]).expect(200);
            assert_eq!(reply.header("content-encoding"), "", "{target}: {refused}");
        }
        for asked in ["gzip", "br, GZIP;q=0.5", "*"] {
            let reply = serving.get_with(target, &[("accept-encoding", asked)]).expect(200);
            assert_eq!(reply.header("content-encoding"), "gzip", "{target}: {asked}");
            assert_eq!(reply.header("etag"), plain.header("etag"), "{target}: tags are weak");
            assert_eq!(unpacked(&reply.body), plain.body, "{target}");
        }
    }
    let page = serving.get("/pages/messages").expect(200);
    assert_eq!(page.header("vary"), "accept-encoding, accept-language");
}

/// By a program that knows nothing of levada.
fn unpacked(packed: &[u8]) -> Vec<u8> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut gzip = Command::new("gzip");
    gzip.arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut gzip = gzip.spawn().expect("gzip starts");
    let mut input = gzip.stdin.take().unwrap();
    let packed = packed.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&packed));
    let output = gzip.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn csv_says_in_headers_what_json_says_in_its_body() {
    let (_place, serving) = open("serve_headers_csv", "");
    let json = serving.get("/stats/messages.json?days=3").expect(200).json();
    let csv = serving.get("/stats/messages.csv?days=3").expect(200);
    for (header, value) in [
        ("levada-version", &json["version"]),
        ("levada-as-of", &json["as_of"]),
        ("levada-published-at", &json["published_at"]),
        ("levada-closed-through", &json["closed_through"]),
        ("levada-computed-at", &json["computed_at"]),
        ("levada-state", &json["state"]),
        ("levada-range-from", &json["range"]["from"]),
        ("levada-range-to", &json["range"]["to"]),
    ] {
        let value = value.as_str().unwrap_or_else(|| panic!("no {header} in {json}"));
        assert_eq!(csv.header(header), value, "{header}");
    }
    assert_eq!(csv.header("levada-edition"), json["edition"].to_string());
    assert_eq!(csv.header("levada-complete"), json["complete"].to_string());
    assert_eq!(csv.header("levada-missing"), "0");
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
}

#[test]
fn figures_name_no_values() {
    let (_place, serving) = open("serve_headers_metrics", "");
    serving.get("/stats/asked.json?number=4711").expect(200);
    serving.get("/stats/asked.json?number=4711").expect(200);
    serving.get("/stats/asked.json?number=99999999999").expect(400);
    let reply = serving.get("/metrics").expect(200);
    let text = reply.text();
    assert!(reply.header("content-type").starts_with("application/openmetrics-text"), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    for part in [
        "levada_edition 1\n",
        "levada_responses_total{status=\"400\"} 1\n",
        "levada_answers_total{way=\"limited\"} 0\n",
        "levada_query_seconds_count{stat=\"asked\"} 2\n",
        "levada_connections ",
        "levada_closed_through_age_seconds{rollup=\"messages_per_day\"}",
        "levada_as_of_age_seconds ",
        "levada_confirmed_age_seconds ",
        "levada_sessions{state=\"idle\"}",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    for secret in ["4711", "127.0.0.1", "sms"] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
}
