//! Refusals as `application/problem+json`, RFC 9457. What a visitor wrote is not repeated, but for
//! the names of parameters.

use bytes::Bytes;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, VARY};
use serde_json::json;

use super::Response;
use super::headers::{self, Use};
use crate::refusal::Refusal;

/// The response that a refusal is.
pub(crate) fn of(refusal: &Refusal) -> Response {
    let (kind, title, detail) = words(refusal);
    let mut response = written(status(refusal), kind, title, &detail);
    complete(&mut response, refusal);
    response
}

/// The same as a page, for people.
pub(crate) fn page(refusal: &Refusal, text: String) -> Response {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status(refusal);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Use::Page.protect(headers);
    complete(&mut response, refusal);
    response
}

fn complete(response: &mut Response, refusal: &Refusal) {
    let headers = response.headers_mut();
    headers::no_store(headers);
    headers.insert(VARY, HeaderValue::from_static("accept, accept-language"));
    if let Some(after) = refusal.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
}

fn status(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn words(refusal: &Refusal) -> (&'static str, &'static str, String) {
    let come_again = "Ask again after the time that Retry-After names.".to_owned();
    match refusal {
        Refusal::NotFound(what) => ("not-found", "Nothing is here", what.clone()),
        Refusal::BadParameter { name, reason } => {
            ("bad-parameter", "A parameter is refused", format!("{name} {reason}"))
        }
        Refusal::UnknownValue { name } => (
            "unknown-value",
            "Nothing is known of this value",
            format!("no edition has this {name}"),
        ),
        Refusal::Gone => {
            ("gone", "This edition is not held any more", "Ask without /editions/….".to_owned())
        }
        Refusal::NoEdition => ("no-edition", "No edition is published yet", come_again),
        Refusal::TooManyQueries => ("too-many-queries", "Too many queries at once", come_again),
        Refusal::Overloaded => ("overloaded", "Too many visitors at once", come_again),
        Refusal::Unavailable => ("unavailable", "The database does not answer", come_again),
        Refusal::Failed => ("failed", "The statistic could not be computed", come_again),
    }
}

/// 503 of readiness alone.
pub(crate) fn not_ready(why: &str) -> Response {
    let mut response = written(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "Not ready", why);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// 405: there is nothing to write here.
pub(crate) fn method_not_allowed() -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = written(status, "method", "Only GET and HEAD are answered", "");
    headers::allow(response.headers_mut());
    response
}

/// 414.
pub(crate) fn too_long() -> Response {
    written(StatusCode::URI_TOO_LONG, "too-long", "The address is too long", "")
}

/// 400 for a request that names no host, or several.
pub(crate) fn no_host() -> Response {
    written(StatusCode::BAD_REQUEST, "no-host", "The request names no host, or several", "")
}

/// 413: nobody reads what comes after the headers.
pub(crate) fn body() -> Response {
    written(StatusCode::PAYLOAD_TOO_LARGE, "body", "No address wants a body", "")
}

/// Ends the connection: the rest of what comes may be anything.
pub(crate) fn and_close(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn written(status: StatusCode, kind: &str, title: &str, detail: &str) -> Response {
    let mut body = json!({
        "type": format!("urn:levada:problem:{kind}"),
        "title": title,
        "status": status.as_u16(),
    });
    if !detail.is_empty() {
        body["detail"] = json!(detail);
    }
    let mut response = Response::new(Full::new(Bytes::from(body.to_string() + "\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    Use::Data.protect(headers);
    headers::no_store(headers);
    response
}
