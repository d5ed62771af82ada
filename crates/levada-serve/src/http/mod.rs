//! HTTP: addresses, formats, languages, conditions. What is answered is decided by `site`; how it
//! looks as a page by `page`.

mod address;
mod negotiate;
mod problem;
mod ready;
mod rendered;

use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, HeaderMap, IF_NONE_MATCH};
use hyper::{Method, StatusCode};

pub(crate) use address::{Address, Format, decoded};
pub(crate) use negotiate::{Language, takes_gzip};
pub(crate) use ready::Ready;
pub(crate) use rendered::{Rendered, Response};

use crate::refusal::Refusal;
use crate::site::{Ask, Served, Site};
use crate::{answer::Freshness, page};

/// A request without its body, which no address wants.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) method: &'a Method,
    /// Path and query, as they came.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) client: IpAddr,
}

/// Longer addresses are refused.
const TARGET_MAX: usize = 2048;

/// Answers a request, whatever it is.
pub(crate) async fn respond(site: &Arc<Site>, request: &Incoming<'_>) -> Response {
    if request.method != Method::GET && request.method != Method::HEAD {
        return problem::method_not_allowed();
    }
    if request.target.len() > TARGET_MAX {
        return problem::too_long();
    }
    if let Some(response) = ready::at_once(site, request) {
        return response;
    }
    match route(site, request).await {
        Ok(rendered) => rendered.response(
            request.headers.get(IF_NONE_MATCH),
            takes_gzip(request.headers.get(ACCEPT_ENCODING)),
            &site.metrics,
        ),
        Err(refusal) => refused(site, request, &refusal),
    }
}

/// A page for people who asked with a browser, problem+json for all others.
fn refused(site: &Site, request: &Incoming<'_>, refusal: &Refusal) -> Response {
    let response = problem::of(refusal);
    let accepted = request.headers.get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    let Ok((address, mut pairs)) = Address::parse(request.target) else {
        let pairs = &mut Vec::new();
        let language = language(site, pairs, request);
        return match takes_pages(accepted) {
            true => problem::as_page(response, page::refusal(site, refusal, language), language),
            false => response,
        };
    };
    let language = language(site, &mut pairs, request);
    match address {
        Address::Stat { format: Some(Format::Json | Format::Csv), .. } => response,
        _ if !takes_pages(accepted) => response,
        Address::Stat { name, .. } => {
            page::meant(site, &name, &mut pairs);
            let text = page::refusal_of_stat(site, &name, refusal, &pairs, language);
            problem::as_page(response, text, language)
        }
        _ => problem::as_page(response, page::refusal(site, refusal, language), language),
    }
}

/// Browsers name text/html; nobody else does.
fn takes_pages(accepted: Option<&str>) -> bool {
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

async fn route(site: &Arc<Site>, request: &Incoming<'_>) -> Result<Rendered, Refusal> {
    let (address, mut pairs) = Address::parse(request.target)?;
    let language = language(site, &mut pairs, request);
    match address {
        Address::Stat { name, format, edition } => {
            let format = format.unwrap_or(Format::Html);
            if format == Format::Html {
                page::meant(site, &name, &mut pairs);
            }
            let ask =
                Ask { stat: &name, pairs: &pairs, client: Some(request.client), through: None };
            let served = site.answer(ask).await?;
            if edition.is_some_and(|tag| tag != served.answer.version.tag()) {
                return Err(Refusal::Gone);
            }
            stat(site, &served, format, language)
        }
        Address::Page { name } => page(site, &name, &pairs, request.client, language).await,
        Address::Index => Ok(page::index(site, language)),
        Address::Asset { name } => page::asset(site, &name),
        Address::Health => Ok(Rendered::text("alive\n")),
        Address::Readiness => readiness(site),
        Address::Metrics | Address::OpenApi => Err(Refusal::NotFound("not there yet".to_owned())),
    }
}

/// One statistic in one format.
pub(crate) fn stat(
    site: &Site,
    served: &Served,
    format: Format,
    language: Language,
) -> Result<Rendered, Refusal> {
    let failed = |error: anyhow::Error| {
        (site.log)(&report::Problem::new(format!("stat \"{}\": {error}", served.answer.stat)));
        Refusal::Failed
    };
    let body = match format {
        Format::Json => served.answer.json(served.freshness).into_bytes(),
        Format::Csv => served.answer.csv().map_err(failed)?,
        Format::Html => page::stat(site, served, language).map_err(failed)?.into_bytes(),
    };
    Ok(Rendered::answer(site, served, (format, language), body))
}

/// A page of several statistics, all up to the same moment.
pub(crate) async fn page(
    site: &Arc<Site>,
    name: &str,
    pairs: &[(String, String)],
    client: IpAddr,
    language: Language,
) -> Result<Rendered, Refusal> {
    let _ = client;
    if let Some((name, _)) = pairs.first() {
        let (name, reason) = (name.chars().take(64).collect(), "is no parameter of a page".into());
        return Err(Refusal::BadParameter { name, reason });
    }
    page::page(site, name, language).await
}

fn readiness(site: &Site) -> Result<Rendered, Refusal> {
    match site.desk.shown().is_some() && site.desk.is_fresh(site.clock.now()) {
        true => Ok(Rendered::text("ready\n")),
        false => Err(Refusal::Unavailable),
    }
}

/// The language that the address names, or the visitor prefers; removes it from the parameters.
fn language(site: &Site, pairs: &mut Vec<(String, String)>, request: &Incoming<'_>) -> Language {
    let named = pairs.iter().position(|(name, _)| name == "lang").map(|at| pairs.remove(at).1);
    let accepted = request.headers.get(ACCEPT_LANGUAGE);
    Language::choose(&site.config.languages, named.as_deref(), accepted)
}

/// The words by which headers call an answer.
pub(crate) fn is_stale(freshness: Freshness) -> bool {
    freshness != Freshness::Fresh
}

/// The status of a refusal.
pub(crate) fn status(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
