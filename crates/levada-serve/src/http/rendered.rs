//! A response with its entity tag, made once and sent often; 304 where the visitor has it already.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, LINK,
};

use super::headers::{self, Use};
use super::{Format, Language, entity};
use crate::answer::{Answer, Freshness};
use crate::metrics::Metrics;

/// What goes out.
pub(crate) type Response = hyper::Response<Full<Bytes>>;

/// A whole response, without the decision how it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Rendered {
    pub(crate) headers: HeaderMap,
    pub(crate) etag: Option<HeaderValue>,
    body: Bytes,
    /// Whether it is only a confirmation of what the visitor has.
    is_unchanged: bool,
    kept: Option<Kept>,
}

/// Made beforehand for a response that is sent often.
#[derive(Debug, Clone)]
struct Kept {
    /// Where that is shorter.
    packed: Option<(HeaderMap, Bytes)>,
    unchanged: HeaderMap,
}

/// Bodies below this are sent as they are.
const GZIP_MIN: usize = 512;
/// Packing more than this well would keep visitors waiting.
const LARGE: usize = 256 << 10;

impl Rendered {
    /// A short text that nobody keeps.
    pub(crate) fn text(text: &str) -> Self {
        Self::fleeting("text/plain; charset=utf-8", text.to_owned().into_bytes())
    }

    /// Something that nobody keeps.
    pub(crate) fn fleeting(content_type: &'static str, body: Vec<u8>) -> Self {
        let mut rendered = Self::bare(content_type, body);
        headers::no_store(&mut rendered.headers);
        rendered
    }

    /// Any content with its own entity tag, which may depend on the language.
    pub(crate) fn new(
        content_type: &'static str,
        cache_control: &str,
        tag: &str,
        body: Vec<u8>,
    ) -> Self {
        let mut rendered = Self::bare(content_type, body);
        Use::of(content_type).vary(&mut rendered.headers);
        insert(&mut rendered.headers, CACHE_CONTROL, cache_control);
        rendered.etag = HeaderValue::from_str(&format!("W/\"{tag}\"")).ok();
        if let Some(etag) = &rendered.etag {
            rendered.headers.insert(ETAG, etag.clone());
        }
        rendered
    }

    /// The visitor has it already: nothing has to be known of it but its tag.
    pub(crate) fn unchanged(content_type: &'static str, cache_control: &str, tag: &str) -> Self {
        let rendered = Self::new(content_type, cache_control, tag, Vec::new());
        Self { is_unchanged: true, ..rendered }
    }

    fn bare(content_type: &'static str, body: Vec<u8>) -> Self {
        let mut headers = HeaderMap::with_capacity(24);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Use::of(content_type).protect(&mut headers);
        Self { headers, etag: None, body: body.into(), is_unchanged: false, kept: None }
    }

    /// Says in headers what JSON says in its body.
    pub(crate) fn describe(&mut self, answer: &Answer, freshness: Freshness) {
        let mut set = |name: &'static str, value: &str| {
            insert(&mut self.headers, HeaderName::from_static(name), value);
        };
        set("levada-edition", &answer.version.edition.to_string());
        set("levada-version", &answer.tag);
        set("levada-as-of", &answer.as_of.to_string());
        set("levada-published-at", &answer.version.published_at.to_string());
        set("levada-computed-at", &answer.computed_at.to_string());
        set("levada-complete", if answer.is_complete { "true" } else { "false" });
        set("levada-state", answer.state(freshness));
        if let Some(through) = answer.closed_through {
            set("levada-closed-through", &through.to_string());
        }
        if let Freshness::Stale { confirmed_at } = freshness {
            set("levada-confirmed-at", &confirmed_at.to_string());
        }
        if let Some(range) = &answer.range {
            set("levada-missing", &range.missing().count().to_string());
            if let Some((from, to)) = &range.ends {
                set("levada-range-from", from);
                set("levada-range-to", to);
            }
        }
    }

    /// Whether it is for people.
    pub(crate) fn has_language(&self) -> bool {
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        content_type.is_some_and(|is| Use::of(is) == Use::Page)
    }

    /// Pages have a language.
    pub(crate) fn in_language(&mut self, format: Format, language: Language) {
        if format == Format::Html {
            insert(&mut self.headers, CONTENT_LANGUAGE, language.code());
        }
    }

    /// Where else something of the same is: RFC 8288.
    pub(crate) fn link(&mut self, address: &str, relation: &str) {
        insert(&mut self.headers, LINK, &format!("<{address}>; rel=\"{relation}\""));
    }

    /// Ready to be sent often.
    pub(crate) fn kept(mut self) -> Self {
        let is_large = self.body.len() > LARGE;
        let level = if is_large { Compression::fast() } else { Compression::default() };
        let packed = compressed(&self.body, level);
        let packed = packed.map(|packed| (self.packed_headers(), packed));
        self.kept = Some(Kept { packed, unchanged: self.unchanged_headers() });
        self
    }

    /// The response to a request with these conditions.
    pub(crate) fn response(
        &self,
        if_none_match: Option<&HeaderValue>,
        takes_gzip: bool,
        metrics: &Metrics,
    ) -> Response {
        let is_known = || match (&self.etag, if_none_match) {
            (Some(etag), Some(asked)) => entity::matches(etag, asked),
            _ => false,
        };
        if self.is_unchanged || is_known() {
            metrics.unchanged.add();
            let kept = self.kept.as_ref().map(|kept| kept.unchanged.clone());
            let headers = kept.unwrap_or_else(|| self.unchanged_headers());
            return made(StatusCode::NOT_MODIFIED, headers, Bytes::new());
        }
        let packed = match (takes_gzip, &self.kept) {
            (false, _) => None,
            (true, Some(kept)) => kept.packed.clone(),
            (true, None) => compressed(&self.body, Compression::fast())
                .map(|packed| (self.packed_headers(), packed)),
        };
        match packed {
            Some((headers, body)) => made(StatusCode::OK, headers, body),
            None => made(StatusCode::OK, self.headers.clone(), self.body.clone()),
        }
    }

    fn packed_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers
    }

    /// RFC 9110, 15.4.5: all but what describes the content.
    fn unchanged_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_LANGUAGE);
        headers
    }
}

/// What OPTIONS is told of any address.
pub(crate) fn options() -> Response {
    let mut headers = HeaderMap::new();
    Use::Data.protect(&mut headers);
    headers::permit(&mut headers);
    headers::no_store(&mut headers);
    made(StatusCode::NO_CONTENT, headers, Bytes::new())
}

fn made(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn compressed(body: &[u8], level: Compression) -> Option<Bytes> {
    if body.len() < GZIP_MIN {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(body).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < body.len()).map(Bytes::from)
}
