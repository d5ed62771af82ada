//! Headers that say how a response may be used: by whom it may be read, framed and kept, and what
//! it depends on. Pure.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL,
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};

/// What a response is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A page: nothing but what comes from here is loaded, and nobody frames it.
    Page,
    /// A file that pages need, or a word for whoever runs the server.
    Part,
    /// Data that anybody may read, also scripts of other sites: there is nothing to steal.
    Data,
}

/// What versions of an edition that is fixed may be kept for: a year is what RFC 9111 calls long.
pub(crate) const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The methods that are answered.
const METHODS: &str = "GET, HEAD, OPTIONS";
const PAGE_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'; object-src 'none'";
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
const NO_DEVICES: &str = "camera=(), geolocation=(), microphone=()";
/// What scripts of other sites may read of a response.
const EXPOSED: &str = "etag, link, retry-after, levada-edition, levada-version, levada-state, \
     levada-complete, levada-as-of, levada-published-at, levada-closed-through, \
     levada-computed-at, levada-confirmed-at, levada-range-from, levada-range-to, levada-missing";

impl Use {
    /// By what it is.
    pub(crate) fn of(content_type: &str) -> Self {
        match content_type.split(';').next() {
            Some("text/html") => Self::Page,
            Some("application/json" | "application/problem+json" | "text/csv") => Self::Data,
            _ => Self::Part,
        }
    }

    /// What every response of this kind says, refusals too.
    pub(crate) fn protect(self, headers: &mut HeaderMap) {
        let policy = if self == Self::Page { PAGE_POLICY } else { DATA_POLICY };
        set(headers, CONTENT_SECURITY_POLICY, policy);
        set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(headers, REFERRER_POLICY, "no-referrer");
        let resource = HeaderName::from_static("cross-origin-resource-policy");
        match self {
            Self::Page => {
                set(headers, resource, "same-origin");
                set(headers, HeaderName::from_static("permissions-policy"), NO_DEVICES);
            }
            Self::Part => set(headers, resource, "same-origin"),
            Self::Data => {
                set(headers, resource, "cross-origin");
                set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
                set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            }
        }
    }

    /// Which headers of a request decide what the response is.
    pub(crate) fn vary(self, headers: &mut HeaderMap) {
        let on = match self {
            Self::Page => "accept-encoding, accept-language",
            Self::Part | Self::Data => "accept-encoding",
        };
        set(headers, VARY, on);
    }
}

/// Nobody keeps it.
pub(crate) fn no_store(headers: &mut HeaderMap) {
    set(headers, CACHE_CONTROL, "no-store");
}

/// What OPTIONS is told, a script of another site that asks beforehand among others.
pub(crate) fn permit(headers: &mut HeaderMap) {
    set(headers, ALLOW, METHODS);
    set(headers, ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    set(headers, ACCESS_CONTROL_ALLOW_HEADERS, "if-none-match");
    set(headers, ACCESS_CONTROL_MAX_AGE, "86400");
}

/// The methods that there are.
pub(crate) fn allow(headers: &mut HeaderMap) {
    set(headers, ALLOW, METHODS);
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
