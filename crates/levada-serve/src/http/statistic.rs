//! The addresses of statistics: with the edition that is shown, or with one that the address names.

use std::sync::Arc;

use hyper::header::HeaderValue;

use super::headers::FOR_EVER;
use super::{Format, Language, Rendered, entity};
use crate::answer::Freshness;
use crate::catalogue::Asked;
use crate::desk::Shown;
use crate::page;
use crate::refusal::Refusal;
use crate::site::{Ask, Served, Site};

/// An address of a statistic, but for its parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) format: Format,
    pub(crate) language: Language,
}

/// Answers; what the visitor has already, by `if_none_match`, needs no answer.
pub(crate) async fn answer(
    site: &Arc<Site>,
    ask: Ask<'_>,
    form: Form,
    if_none_match: Option<&HeaderValue>,
) -> Result<Rendered, Refusal> {
    if let Some(asked_for) = if_none_match
        && site.desk.is_fresh(site.clock.now())
        && let Some(shown) = site.desk.shown()
    {
        let (_, asked) = site.question(&shown, ask)?;
        let tag = tag_of(site, (&shown, ask.stat, &asked), form, Freshness::Fresh);
        if let Some(tag) = tag.filter(|tag| entity::names(tag, asked_for)) {
            let content_type = form.format.content_type();
            return Ok(Rendered::unchanged(content_type, &site.cache_control(), &tag));
        }
    }
    drawn(site, site.answer(ask).await?, form, ask.pairs).await
}

/// Pages take longer to write than data.
async fn drawn(
    site: &Arc<Site>,
    served: Served,
    form: Form,
    pairs: &[(String, String)],
) -> Result<Rendered, Refusal> {
    if form.format != Format::Html {
        return render(site, &served, form, pairs);
    }
    let pairs = pairs.to_vec();
    page::drawn(site, move |site| render(site, &served, form, &pairs)).await
}

/// Answers with that edition and no other: the one that is shown, or the one before while its
/// answer is still known.
pub(crate) async fn of_edition(
    site: &Arc<Site>,
    edition: &str,
    ask: Ask<'_>,
    form: Form,
    if_none_match: Option<&HeaderValue>,
) -> Result<Rendered, Refusal> {
    let shown = site.desk.shown().ok_or(Refusal::Unavailable)?;
    let stat = site.catalogue.stats.get(ask.stat);
    let fingerprint = stat.map_or("", |stat| stat.fingerprint.as_str());
    let is_it = |shown: &&Arc<Shown>| shown.standing.version.tag_of(fingerprint) == edition;
    let Some(named) = [Some(&shown), shown.previous.as_ref()].into_iter().flatten().find(is_it)
    else {
        // What is wrong with the question itself is said first.
        site.question(&shown, ask)?;
        return Err(Refusal::Gone);
    };
    let (question, asked) = site.question(named, ask)?;
    let tag = tag_of(site, (named, ask.stat, &asked), form, Freshness::Fixed);
    if let (Some(tag), Some(asked_for)) = (&tag, if_none_match)
        && entity::names(tag, asked_for)
    {
        return Ok(Rendered::unchanged(form.format.content_type(), keeping(form.format), tag));
    }
    let key = question.key();
    let answer = match named.kept(&key).or_else(|| site.shelf.known(&key)) {
        Some(answer) => {
            site.metrics.hits.add();
            answer
        }
        None if is_it(&&shown) => site.answer(ask).await?.answer,
        None => return Err(Refusal::Gone),
    };
    if answer.tag != edition {
        // Another edition was published meanwhile, or this one cannot be read at the moment.
        let now = site.desk.shown();
        let is_shown = now.as_ref().is_some_and(|now| is_it(&now));
        return Err(if is_shown { Refusal::Unavailable } else { Refusal::Gone });
    }
    let served = Served { answer, freshness: Freshness::Fixed, asked: asked.canonical() };
    drawn(site, served, form, ask.pairs).await
}

/// A page of an edition is drawn anew by every program: only its data are fixed.
fn keeping(format: Format) -> &'static str {
    match format {
        Format::Json | Format::Csv => FOR_EVER,
        Format::Html => "public, no-cache",
    }
}

fn tag_of(
    site: &Site,
    (shown, stat, asked): (&Shown, &str, &Asked),
    form: Form,
    freshness: Freshness,
) -> Option<String> {
    let stat = site.catalogue.stats.get(stat)?;
    let of = (&**stat, &shown.standing.version, asked.canonical());
    let of = (of.0, of.1, of.2.as_str());
    Some(entity::tag(site, of, (form.format, form.language), freshness))
}

/// An answer in one of its forms.
pub(crate) fn render(
    site: &Site,
    served: &Served,
    form: Form,
    pairs: &[(String, String)],
) -> Result<Rendered, Refusal> {
    let (answer, freshness, format) = (&served.answer, served.freshness, form.format);
    let failed = |error: anyhow::Error| {
        (site.log)(&report::Problem::new(format!("stat \"{}\": {error}", answer.stat)));
        Refusal::Failed
    };
    let stat = site.catalogue.stats.get(&answer.stat).ok_or(Refusal::Failed)?;
    let body = match format {
        Format::Json => answer.json(freshness).into_bytes(),
        Format::Csv => answer.csv().map_err(failed)?,
        Format::Html => page::stat(site, served, form.language).map_err(failed)?.into_bytes(),
    };
    let of = (&**stat, &answer.version, served.asked.as_str());
    let tag = entity::tag(site, of, (format, form.language), freshness);
    let cache_control = match freshness {
        Freshness::Fresh => site.cache_control(),
        Freshness::Stale { .. } => "public, no-cache".to_owned(),
        Freshness::Fixed => keeping(format).to_owned(),
    };
    let mut rendered = Rendered::new(format.content_type(), &cache_control, &tag, body);
    rendered.describe(answer, freshness);
    rendered.in_language(format, form.language);
    let plain = format!("/stats/{}.{}{}", answer.stat, format.extension(), query(pairs));
    match freshness {
        Freshness::Fixed => rendered.link(&plain, "original"),
        _ => rendered.link(&format!("/editions/{}{plain}", answer.tag), "memento"),
    }
    Ok(rendered)
}

/// Parameters at the end of an address; nothing where there are none.
pub(crate) fn query(pairs: &[(String, String)]) -> String {
    let parts = pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// Percent-encoded, RFC 3986.
fn escaped(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let parts = text.bytes().map(|byte| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    parts.collect()
}
