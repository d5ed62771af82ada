//! A response with its entity tag, made once and sent often; 304 where the visitor has it already.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, VARY,
};

use super::{Format, Language};
use crate::metrics::Metrics;
use crate::site::{Served, Site};

/// What goes out.
pub(crate) type Response = hyper::Response<Full<Bytes>>;

/// A whole response, without the decision how it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Rendered {
    pub(crate) headers: HeaderMap,
    pub(crate) etag: Option<HeaderValue>,
    body: Bytes,
    /// Where that is shorter.
    gzip: Option<Bytes>,
}

/// Bodies below this are sent as they are.
const GZIP_MIN: usize = 512;

impl Rendered {
    /// A short text that nobody keeps.
    pub(crate) fn text(text: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { headers, etag: None, body: Bytes::copy_from_slice(text.as_bytes()), gzip: None }
    }

    /// Content that nobody keeps, as it is not all that it should be.
    pub(crate) fn passing(content_type: &'static str, body: Vec<u8>) -> Self {
        let mut rendered = Self::new(content_type, "no-store", "", body);
        rendered.headers.remove(ETAG);
        Self { etag: None, ..rendered }
    }

    /// Any content with its own entity tag, which may depend on the language.
    pub(crate) fn new(
        content_type: &'static str,
        cache_control: &str,
        tag: &str,
        body: Vec<u8>,
    ) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding, accept-language"));
        insert(&mut headers, CACHE_CONTROL, cache_control);
        let etag = HeaderValue::from_str(&format!("W/\"{tag}\"")).ok();
        if let Some(etag) = &etag {
            headers.insert(ETAG, etag.clone());
        }
        let gzip = compressed(&body);
        Self { headers, etag, body: body.into(), gzip }
    }

    /// An answer, with what is said of it in headers too.
    pub(crate) fn answer(
        site: &Site,
        served: &Served,
        (format, language): (Format, Language),
        body: Vec<u8>,
    ) -> Self {
        let answer = &served.answer;
        let tag = entity_tag(site, served, (format, language));
        let mut rendered = Self::new(format.content_type(), &site.cache_control(), &tag, body);
        let headers = &mut rendered.headers;
        let set = |headers: &mut HeaderMap, name: &'static str, value: &str| {
            insert(headers, HeaderName::from_static(name), value);
        };
        set(headers, "levada-edition", &answer.version.edition.to_string());
        set(headers, "levada-version", &answer.version.tag());
        set(headers, "levada-as-of", &answer.as_of.to_string());
        set(headers, "levada-computed-at", &answer.computed_at.to_string());
        set(headers, "levada-complete", if answer.is_complete { "true" } else { "false" });
        set(headers, "levada-state", answer.state(served.freshness));
        if let Some(through) = answer.closed_through {
            set(headers, "levada-closed-through", &through.to_string());
        }
        if format == Format::Html {
            insert(headers, CONTENT_LANGUAGE, language.code());
        }
        rendered
    }

    /// The response to a request with these conditions.
    pub(crate) fn response(
        &self,
        if_none_match: Option<&HeaderValue>,
        takes_gzip: bool,
        metrics: &Metrics,
    ) -> Response {
        let mut response = Response::new(Full::default());
        let is_known = match (&self.etag, if_none_match) {
            (Some(etag), Some(asked)) => matches(etag, asked),
            _ => false,
        };
        *response.headers_mut() = self.headers.clone();
        if is_known {
            metrics.unchanged.add();
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(CONTENT_TYPE);
            return response;
        }
        let body = match (&self.gzip, takes_gzip) {
            (Some(gzip), true) => {
                let coding = HeaderValue::from_static("gzip");
                response.headers_mut().insert(CONTENT_ENCODING, coding);
                gzip
            }
            _ => &self.body,
        };
        *response.body_mut() = Full::new(body.clone());
        response
    }
}

/// Stands for the very content: edition, definition, parameters, form, language, this program.
fn entity_tag(site: &Site, served: &Served, (format, language): (Format, Language)) -> String {
    let answer = &served.answer;
    let stat = site.catalogue.stats.get(&answer.stat);
    let mut hasher = blake3::Hasher::new();
    for part in [
        answer.stat.as_str(),
        stat.map_or("", |stat| stat.fingerprint.as_str()),
        served.asked.as_str(),
        format.extension(),
        if format == Format::Html { language.code() } else { "" },
        site.build.as_str(),
        &format!("{:?}", served.freshness),
    ] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    format!("{}-{}", answer.version.tag(), &hasher.finalize().to_hex()[..16])
}

/// RFC 9110, 13.1.2: weak comparison with a list, or with anything.
pub(crate) fn matches(etag: &HeaderValue, asked: &HeaderValue) -> bool {
    let (Ok(etag), Ok(asked)) = (etag.to_str(), asked.to_str()) else { return false };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    asked == etag || asked.trim() == "*" || asked.split(',').any(|tag| bare(tag) == bare(etag))
}

pub(crate) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn compressed(body: &[u8]) -> Option<Bytes> {
    if body.len() < GZIP_MIN {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < body.len()).map(Bytes::from)
}
