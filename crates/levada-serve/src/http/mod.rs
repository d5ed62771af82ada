//! HTTP: addresses, formats, languages, conditions. What is answered is decided by `site`; how it
//! looks as a page by `page`.

mod address;
mod entity;
mod exposition;
mod headers;
mod negotiate;
mod openapi;
mod problem;
mod ready;
mod rendered;
mod statistic;

use std::net::IpAddr;
use std::sync::Arc;

use hyper::body::Body;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, HOST, HeaderMap, HeaderValue, IF_NONE_MATCH,
};
use hyper::{Method, Version};

pub(crate) use address::{Address, Format, decoded};
pub(crate) use negotiate::{Language, takes_gzip};
pub(crate) use openapi::Description;
pub(crate) use ready::Ready;
pub(crate) use rendered::{Rendered, Response};
pub(crate) use statistic::query;

use crate::page;
use crate::refusal::Refusal;
use crate::site::{Ask, Site};
use statistic::Form;

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

/// The refusal of a request that is not well-formed, or brings a body that nobody will read.
pub(crate) fn malformed<B: Body>(request: &hyper::Request<B>) -> Option<Response> {
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Some(problem::and_close(problem::no_host()));
    }
    if request.body().is_end_stream() {
        return None;
    }
    let refused = match is_answered(request.method()) {
        true => problem::body(),
        false => problem::method_not_allowed(),
    };
    Some(problem::and_close(refused))
}

fn is_answered(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Answers a request, whatever it is.
pub(crate) async fn respond(site: &Arc<Site>, request: &Incoming<'_>) -> Response {
    if !is_answered(request.method) {
        return problem::method_not_allowed();
    }
    if request.target.len() > TARGET_MAX {
        return problem::too_long();
    }
    if request.method == Method::OPTIONS {
        return rendered::options();
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
        Err(Refused::NotReady(why)) => problem::not_ready(why),
        Err(Refused::Because(refusal)) => refused(site, request, &refusal),
    }
}

/// Why a request gets no answer.
enum Refused {
    Because(Refusal),
    /// Said by readiness alone.
    NotReady(&'static str),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Because(refusal)
    }
}

/// For people a page, for programs a problem.
fn refused(site: &Site, request: &Incoming<'_>, refusal: &Refusal) -> Response {
    let path = request.target.split('?').next().unwrap_or_default();
    let is_data = [".json", ".csv"].iter().any(|extension| path.ends_with(extension));
    if is_data || !negotiate::prefers_pages(request.headers.get(ACCEPT)) {
        return problem::of(refusal);
    }
    let accepted = request.headers.get(ACCEPT_LANGUAGE);
    let (address, mut pairs) = Address::parse(request.target).ok().unzip();
    let pairs = pairs.get_or_insert_default();
    let language = language(site, pairs, accepted)
        .unwrap_or_else(|_| Language::choose(&site.config.languages, None, accepted));
    let text = match address {
        Some(Address::Stat { name, .. }) => {
            page::meant(site, &name, pairs);
            page::refusal_of_stat(site, (&name, pairs), refusal, language)
        }
        _ => page::refusal(site, refusal, language),
    };
    problem::page(refusal, text)
}

async fn route(site: &Arc<Site>, request: &Incoming<'_>) -> Result<Rendered, Refused> {
    let (address, mut pairs) = Address::parse(request.target)?;
    let language = match address.is_for_people() {
        true => language(site, &mut pairs, request.headers.get(ACCEPT_LANGUAGE))?,
        false => Language::English,
    };
    if let Address::Stat { name, format, edition } = &address {
        if address.is_for_people() {
            page::meant(site, name, &mut pairs);
        }
        let form = Form { format: format.unwrap_or(Format::Html), language };
        let client = Some(request.client);
        let ask = Ask { stat: name, pairs: &pairs, client, through: None };
        let known = request.headers.get(IF_NONE_MATCH);
        let answered = match edition {
            Some(edition) => statistic::of_edition(site, edition, ask, form, known).await,
            None => statistic::answer(site, ask, form, known).await,
        };
        return Ok(answered?);
    }
    if let Some((name, _)) = pairs.first() {
        let name = name.chars().take(64).collect();
        let reason = "is no parameter of this address".to_owned();
        return Err(Refusal::BadParameter { name, reason }.into());
    }
    Ok(match address {
        Address::Page { name } => page::page(site, &name, language).await?.0,
        Address::Index => page::index(site, language),
        Address::Asset { name } => page::asset(site, &name)?,
        Address::Health => Rendered::text("alive\n"),
        Address::Readiness => readiness(site)?,
        Address::Metrics => exposition::write(site),
        Address::OpenApi => site.description.rendered(),
        Address::Stat { name, .. } => return Err(Refusal::NotFound(name).into()),
    })
}

/// Whether visitors may be sent here: ordinary visits run no query, or share one just after an
/// edition is published.
fn readiness(site: &Site) -> Result<Rendered, Refused> {
    if site.desk.glance().is_none() {
        return Err(Refused::NotReady("No edition is known."));
    }
    if !site.desk.is_confirmed(site.clock.now()) {
        return Err(Refused::NotReady("The database has not confirmed the edition of late."));
    }
    if !site.desk.is_prepared() {
        return Err(Refused::NotReady("The usual responses are being made."));
    }
    Ok(Rendered::text("ready\n"))
}

/// The language that the address names, or the visitor prefers; removes it from the parameters.
fn language(
    site: &Site,
    pairs: &mut Vec<(String, String)>,
    accepted: Option<&HeaderValue>,
) -> Result<Language, Refusal> {
    let named = pairs.iter().position(|(name, _)| name == "lang").map(|at| pairs.remove(at).1);
    match named {
        None => Ok(Language::choose(&site.config.languages, None, accepted)),
        Some(code) => {
            let known = site.languages().into_iter().find(|language| language.code() == code);
            known.ok_or_else(|| Refusal::BadParameter {
                name: "lang".to_owned(),
                reason: "is no language of these pages".to_owned(),
            })
        }
    }
}
