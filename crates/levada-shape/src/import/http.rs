//! One request over HTTP: its answer whole, or why not.
//!
//! Credentials go to the server that they are meant for and to no other. No error shows a url: it
//! may hold a secret.

use std::error::Error as _;
use std::io::{Seek, Write};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LINK, LOCATION, TRANSFER_ENCODING,
};
use reqwest::{Client, Response, StatusCode, Url};

use super::fault::{Fault, Place};
use super::section::Format;
use super::spool;

const REDIRECTS_MAX: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests with the headers of one import.
pub(crate) struct Http<'a> {
    client: Client,
    start: &'a Url,
    headers: &'a HeaderMap,
}

/// An answer that has arrived whole.
pub(crate) struct Answer {
    pub(crate) body: Body,
    /// The url that the server names as the next.
    pub(crate) next: Option<Url>,
}

/// What an answer says, by its format.
pub(crate) enum Body {
    Json(Vec<u8>),
    Csv(std::fs::File),
}

impl Body {
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Json(_) => Format::Json,
            Self::Csv(_) => Format::Csv,
        }
    }
}

impl<'a> Http<'a> {
    pub(crate) fn new(start: &'a Url, headers: &'a HeaderMap) -> Result<Self, Fault> {
        let client = Client::builder()
            .use_preconfigured_tls(tls()?)
            .redirect(reqwest::redirect::Policy::none())
            // A compressed answer would hide where it ends.
            .no_gzip()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("levada/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = client.map_err(|error| Fault::new(Place::default(), explain(error)))?;
        Ok(Self { client, start, headers })
    }

    /// Gets one answer whole. `budget` is how many bytes it may have, and is lessened by them.
    pub(crate) async fn get(
        &self,
        url: &Url,
        place: Place,
        (format, budget): (Option<Format>, &mut u64),
    ) -> Result<Answer, Fault> {
        let response = self.follow(url, place).await?;
        refuse_status(&response, place)?;
        let headers = response.headers();
        if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Fault::new(place, "the answer is compressed, which was not asked for"));
        }
        let format = format.or_else(|| by_content_type(headers)).ok_or_else(|| {
            Fault::new(place, "the answer does not say whether it is JSON or CSV")
                .hint("declare format = \"json\" or \"csv\"")
        })?;
        let tells_its_end =
            headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
        if format == Format::Csv && !tells_its_end {
            let reason = "the answer has no length, so that a cut one could pass for a whole";
            return Err(Fault::new(place, reason)
                .hint("download it by other means, and import it with file = …"));
        }
        let next = self.next(&response, place)?;
        let body = receive(response, place, (format, budget)).await?;
        Ok(Answer { body, next })
    }

    async fn follow(&self, url: &Url, place: Place) -> Result<Response, Fault> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS_MAX {
            self.refuse_stranger(&url, place)?;
            let request = self.client.get(url.clone()).headers(self.headers.clone());
            let response = request.send().await;
            let response = response.map_err(|error| Fault::new(place, explain(error)))?;
            let status = response.status();
            if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| url.join(location).ok());
            url = next.ok_or_else(|| {
                Fault::new(place, format!("status {status} without a place to go to"))
            })?;
        }
        Err(Fault::new(place, format!("more than {REDIRECTS_MAX} redirections")))
    }

    /// Whoever answers may send us anywhere, but not with our credentials, nor out of the cipher.
    fn refuse_stranger(&self, url: &Url, place: Place) -> Result<(), Fault> {
        let is_secret = !self.headers.is_empty()
            || !self.start.username().is_empty()
            || self.start.password().is_some();
        let host = url.host_str().unwrap_or_default();
        if url.origin() != self.start.origin() && is_secret {
            let reason = format!("the server sends us to another one, {host}, with our headers");
            return Err(Fault::new(place, reason).hint("if it is the right one, put it into url"));
        }
        if !matches!(url.scheme(), "http" | "https")
            || (self.start.scheme() == "https" && url.scheme() != "https")
        {
            let reason = format!("the server sends us to {host} without encryption");
            return Err(Fault::new(place, reason));
        }
        Ok(())
    }

    fn next(&self, response: &Response, place: Place) -> Result<Option<Url>, Fault> {
        let mut found = None;
        for value in response.headers().get_all(LINK) {
            let unreadable = || Fault::new(place, "the Link header cannot be read");
            let value = value.to_str().map_err(|_| unreadable())?;
            for target in super::link::next(value).ok_or_else(unreadable)? {
                let url = response.url().join(target).map_err(|_| unreadable())?;
                if found.replace(url).is_some() {
                    return Err(Fault::new(place, "the Link header names two next pages"));
                }
            }
        }
        Ok(found)
    }
}

async fn receive(
    mut response: Response,
    place: Place,
    (format, budget): (Format, &mut u64),
) -> Result<Body, Fault> {
    let mut body = match format {
        Format::Json => Body::Json(Vec::new()),
        Format::Csv => Body::Csv(spool::create().map_err(|error| spool::fault(place, &error))?),
    };
    let expected = response.content_length();
    let mut received = 0_u64;
    loop {
        let cut = |error| {
            let reason =
                format!("the answer ends early, after {received} bytes: {}", explain(error));
            Fault::new(place, reason).hint("run the same command again")
        };
        let Some(chunk) = response.chunk().await.map_err(cut)? else { break };
        received += chunk.len() as u64;
        *budget = budget.checked_sub(chunk.len() as u64).ok_or_else(|| {
            Fault::new(place, "more bytes than bytes_max").hint("raise bytes_max if it is right")
        })?;
        match &mut body {
            Body::Json(bytes) => bytes.extend_from_slice(&chunk),
            Body::Csv(file) => {
                file.write_all(&chunk).map_err(|error| spool::fault(place, &error))?;
            }
        }
    }
    if expected.is_some_and(|expected| expected != received) {
        return Err(Fault::new(place, format!("the answer ends early, after {received} bytes")));
    }
    if let Body::Csv(file) = &mut body {
        file.rewind().map_err(|error| spool::fault(place, &error))?;
    }
    Ok(body)
}

fn refuse_status(response: &Response, place: Place) -> Result<(), Fault> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(());
    }
    let fault = Fault::new(place, format!("the server answers with status {}", status.as_u16()));
    Err(fault.hint(match status.as_u16() {
        401 | 403 => "check the token in headers",
        404 | 410 => "check url",
        429 => "the server asks for fewer requests: run later",
        500.. => "the server is in trouble: run the same command again later",
        _ => "only status 200 brings a whole answer",
    }))
}

fn by_content_type(headers: &HeaderMap) -> Option<Format> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    match value.split(';').next()?.trim() {
        "application/json" => Some(Format::Json),
        kind if kind.ends_with("+json") => Some(Format::Json),
        "text/csv" => Some(Format::Csv),
        _ => None,
    }
}

/// Our own provider of ciphers, and the certificates that this machine trusts.
fn tls() -> Result<rustls::ClientConfig, Fault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = rustls::ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions();
    let config = config.map_err(|error| Fault::new(Place::default(), error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The innermost cause says what happened; the outer ones only where in the library.
fn explain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        cause = inner.to_string();
        source = inner.source();
    }
    match error.is_connect() {
        true => format!("no connection to the server: {cause}"),
        false => cause,
    }
}
