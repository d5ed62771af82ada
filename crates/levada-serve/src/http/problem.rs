//! Refusals as `application/problem+json`, RFC 9457.

use bytes::Bytes;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderValue, RETRY_AFTER, VARY,
};
use serde_json::json;

use super::{Language, Response};
use crate::refusal::Refusal;

/// The response that a refusal is.
pub(crate) fn of(refusal: &Refusal) -> Response {
    let (kind, title, detail) = words(refusal);
    let status = super::status(refusal);
    let mut response = written(status, kind, title, &detail);
    if let Some(after) = refusal.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    response
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

/// The same for people.
pub(crate) fn as_page(mut response: Response, text: String, language: Language) -> Response {
    *response.body_mut() = Full::new(Bytes::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
    headers.insert(VARY, HeaderValue::from_static("accept, accept-language"));
    response
}

/// 405: there is nothing to write here.
pub(crate) fn method_not_allowed() -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = written(status, "method", "Only GET and HEAD are answered", "");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// 414.
pub(crate) fn too_long() -> Response {
    written(StatusCode::URI_TOO_LONG, "too-long", "The address is too long", "")
}

fn written(status: StatusCode, kind: &str, title: &str, detail: &str) -> Response {
    let body = json!({
        "type": format!("urn:levada:problem:{kind}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
    });
    let mut response = Response::new(Full::new(Bytes::from(body.to_string() + "\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
