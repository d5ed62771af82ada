//! Refusals for people: what happened, what to do next, and the form again where one was filled.

use maud::{Markup, html};

use super::form;
use super::layout::{self, Content, writing};
use super::words::words;
use crate::http::Language;
use crate::refusal::Refusal;
use crate::site::Site;

/// The page of a refusal.
pub(crate) fn refusal(site: &Site, refusal: &Refusal, language: Language) -> String {
    page(site, refusal, language, &html! {})
}

/// The same with the form of the statistic that was asked, as it was filled.
pub(crate) fn refusal_of_stat(
    site: &Site,
    (stat, asked): (&str, &[(String, String)]),
    refusal: &Refusal,
    language: Language,
) -> String {
    let can_correct =
        matches!(refusal, Refusal::BadParameter { .. } | Refusal::UnknownValue { .. });
    let stat = site.catalogue.stats.get(stat).filter(|_| can_correct);
    let form = stat.map(|stat| {
        let shown = site.desk.shown();
        let timeline = shown.as_ref().and_then(|shown| shown.timelines.get(&stat.name));
        let period = timeline.and_then(|timeline| timeline.buckets.last()).map(super::Period::of);
        form::draw(site, stat, asked, period, writing(site, language))
    });
    page(site, refusal, language, &form.unwrap_or_default())
}

fn page(site: &Site, refusal: &Refusal, language: Language, form: &Markup) -> String {
    let words = words(language);
    let (title, advice) = match refusal {
        Refusal::NotFound(_) => words.not_found,
        Refusal::BadParameter { .. } => words.bad_parameter,
        Refusal::UnknownValue { .. } => words.unknown_value,
        Refusal::Gone => words.gone,
        Refusal::NoEdition => words.no_edition,
        Refusal::TooManyQueries | Refusal::Overloaded => words.busy,
        Refusal::Unavailable => words.unavailable,
        Refusal::Failed => words.failed,
    };
    // Reasons are said in English, as machines get them.
    let reason = match refusal {
        Refusal::BadParameter { name, reason } => Some(format!("{name} {reason}")),
        Refusal::UnknownValue { name } => Some(name.clone()),
        _ => None,
    };
    let body = html! {
        div class="notice stale" {
            p { strong { (words.error) } }
            @if let Some(reason) = reason { p lang="en" { code { (reason) } } }
            p { (advice) }
        }
        (form)
        p { a href="/" { (words.to_start) } }
    };
    layout::whole(site, language, &Content { title, address: "", body })
}
