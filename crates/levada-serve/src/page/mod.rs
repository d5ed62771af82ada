//! Pages: statistics for people, complete without JavaScript. `layout` is the frame of every page,
//! `figure` one statistic in it; `sheet`, `grid` and `finding` read the numbers, `chart` and
//! `table` show them, `words` and `numbers` speak the languages. Nothing here asks the database or
//! a clock.

mod assets;
mod chart;
mod decimal;
mod figure;
mod finding;
mod form;
mod grid;
mod layout;
mod notice;
mod numbers;
mod period;
mod refused;
mod scale;
mod sheet;
mod table;
mod together;
mod words;

#[cfg(test)]
mod drawing_tests;

use std::sync::Arc;
use std::time::Duration;

use maud::{Markup, html};
use tokio::sync::Semaphore;

pub(crate) use assets::Assets;
pub(crate) use finding::{refuse_figures, refuse_in_edition};
pub(crate) use form::meant;
pub(crate) use refused::{refusal, refusal_of_stat};

use crate::answer::{Answer, Freshness};
use crate::catalogue::Compiled;
use crate::http::{Language, Rendered};
use crate::refusal::Refusal;
use crate::site::{Served, Site};
use figure::Source;
use layout::{Content, writing};
use period::Period;
use sheet::Sheet;
use together::Part;
use words::{Words, Writing};

const HTML: &str = "text/html; charset=utf-8";

/// The page of one answer.
///
/// # Errors
/// Rows that cannot be read.
pub(crate) fn stat(site: &Site, served: &Served, language: Language) -> anyhow::Result<String> {
    let Some(stat) = site.catalogue.stats.get(&served.answer.stat) else {
        return Err(anyhow::anyhow!("it is not in the catalogue"));
    };
    let sheet = Sheet::read(&served.answer)?;
    let writing = writing(site, language);
    let asked = asked(stat, &served.asked);
    let unusual: Vec<_> = asked.iter().filter(|pair| !is_usual(stat, pair)).cloned().collect();
    let query = crate::http::query(&unusual);
    let body = html! {
        (described(stat.config.description.get(language.code())))
        (notice::date_line(&served.answer, writing))
        (notice::staleness(served.freshness, writing))
        (notice::completeness(&sheet, writing))
        (figure::all(Source { stat, sheet: &sheet, writing, asked: &unusual }, &html! {}, &query))
        (form::draw(site, stat, &asked, sheet.buckets().last().map(Period::of), writing))
    };
    let address = format!("/stats/{}{query}", stat.name);
    let content = Content { title: stat.title(language.code()), address: &address, body };
    Ok(layout::whole(site, language, &content))
}

/// A page of several statistics, all of one edition and up to the same moment, and whether that
/// is confirmed to be the published one.
///
/// # Errors
/// Why none of them can be shown.
pub(crate) async fn page(
    site: &Arc<Site>,
    name: &str,
    language: Language,
) -> Result<(Rendered, Freshness), Refusal> {
    let unknown = || Refusal::NotFound(format!("there is no page {name:.64}"));
    let page = Arc::clone(site.catalogue.pages.get(name).ok_or_else(unknown)?);
    let parts = together::ask(site, &page.stats).await?;
    drawn(site, move |site| draw(site, &page, &parts, language)).await
}

/// Threads that draw at the same time: the others answer whoever wants what is ready.
static DRAWING: Semaphore = Semaphore::const_new(2);

/// Draws a page where nobody waits for the thread, in its turn and within the deadline.
///
/// # Errors
/// [`Refusal::Overloaded`] when there are too many to draw; what `draw` refuses.
pub(crate) async fn drawn<T: Send + 'static>(
    site: &Arc<Site>,
    draw: impl FnOnce(&Site) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let deadline = Duration::from_millis(site.config.deadline_ms.into());
    let turn = tokio::time::timeout(deadline, DRAWING.acquire()).await;
    let turn = turn.map_err(|_| Refusal::Overloaded)?;
    let own = Arc::clone(site);
    let drawing = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        draw(&own)
    });
    drawing.await.unwrap_or_else(|_| {
        (site.log)(&report::Problem::new("a page could not be drawn"));
        Err(Refusal::Failed)
    })
}

/// A page of these parts, and how current it is.
fn draw(
    site: &Site,
    page: &crate::config::Page,
    parts: &[Part],
    language: Language,
) -> Result<(Rendered, Freshness), Refusal> {
    let writing = writing(site, language);
    let Some(first) = parts.iter().find_map(|part| part.served.as_ref()) else {
        return Err(Refusal::Failed);
    };
    let dated = &together::dated(parts, first).answer;
    let mut sections = Vec::new();
    let mut is_whole = true;
    for part in parts {
        let section = match &part.served {
            Some(served) => section(site, (part, served), dated, writing),
            None => Err(anyhow::anyhow!("there is no answer")),
        };
        is_whole &= section.is_ok();
        sections.push(section.unwrap_or_else(|_| unshown(part, language, writing.words())));
    }
    let freshness = together::stalest(parts);
    let body = html! {
        (described(page.description.get(language.code())))
        (notice::date_line(dated, writing))
        (notice::staleness(freshness, writing))
        @if !is_whole {
            div class="notice partial" { p { strong { (writing.words().page_failed) } } }
        }
        @for section in &sections { (section) }
    };
    let address = format!("/pages/{}", page.name);
    let content = Content { title: page.title.get(language.code()), address: &address, body };
    let text = layout::whole(site, language, &content);
    if !is_whole {
        return Ok((Rendered::fleeting(HTML, text.into_bytes()), freshness));
    }
    let tag = together::entity_tag(site, page, parts, language);
    let cache_control = match freshness {
        Freshness::Stale { .. } => "public, no-cache".to_owned(),
        _ => site.cache_control(),
    };
    Ok((Rendered::new(HTML, &cache_control, &tag, text.into_bytes()), freshness))
}

fn section(
    site: &Site,
    (part, served): (&Part, &Served),
    dated: &Answer,
    writing: Writing<'_>,
) -> anyhow::Result<Markup> {
    let sheet = Sheet::read(&served.answer).inspect_err(|error| {
        (site.log)(&report::Problem::new(format!("stat \"{}\": {error}", part.stat.name)));
    })?;
    let source = Source { stat: &part.stat, sheet: &sheet, writing, asked: &[] };
    Ok(html! {
        (figure::all(source, &html! {
            @if served.answer.closed_through != dated.closed_through {
                (notice::as_of(&served.answer, writing))
            }
            (notice::completeness(&sheet, writing))
            (described(part.stat.config.description.get(writing.language.code())))
        }, ""))
    })
}

/// In the place of a statistic that has no answer.
fn unshown(part: &Part, language: Language, words: &Words) -> Markup {
    html! {
        section class="figure" {
            h2 { (part.stat.title(language.code())) }
            div class="notice stale" { p { (words.stat_failed) } }
        }
    }
}

fn described(text: &str) -> Markup {
    html! { @if !text.is_empty() { p class="lead" { (text) } } }
}

/// The list of pages and statistics.
pub(crate) fn index(site: &Site, language: Language) -> Rendered {
    let words = words::words(language);
    let code = language.code();
    let own_pages = &site.catalogue.pages;
    let others = site.catalogue.stats.values().filter(|stat| !own_pages.contains_key(&stat.name));
    let others: Vec<_> = others.collect();
    let listed = |address: String, title: &str, description: &str| {
        html! {
            li {
                a href=(address) { (title) }
                @if !description.is_empty() { p { (description) } }
            }
        }
    };
    let body = html! {
        @if own_pages.is_empty() && others.is_empty() { p { (words.nothing_here) } }
        @if !own_pages.is_empty() {
            @if !others.is_empty() { h2 { (words.pages) } }
            ul class="list" {
                @for page in own_pages.values() {
                    (listed(format!("/pages/{}", page.name), page.title.get(code),
                        page.description.get(code)))
                }
            }
        }
        @if !others.is_empty() {
            h2 { (words.statistics) }
            ul class="list" {
                @for stat in others {
                    (listed(format!("/stats/{}", stat.name), stat.title(code),
                        stat.config.description.get(code)))
                }
            }
        }
    };
    let content = Content { title: layout::service(site, language), address: "/", body };
    let text = layout::whole(site, language, &content);
    let tag = &blake3::hash(text.as_bytes()).to_hex()[..16];
    Rendered::new(HTML, &site.cache_control(), tag, text.into_bytes())
}

/// A file that pages need.
pub(crate) fn asset(site: &Site, name: &str) -> Result<Rendered, Refusal> {
    let file = site.assets.get(name).cloned();
    file.ok_or_else(|| Refusal::NotFound(format!("there is no file {name:.64}")))
}

/// What was asked, with the names that this statistic gives them.
fn asked(stat: &Compiled, canonical: &str) -> Vec<(String, String)> {
    let last = stat.config.last.as_ref().map_or("last", |last| last.name.as_str());
    let pairs = canonical.split('&').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| {
        let is_last = name == "last" && !stat.parameters.contains_key("last");
        let name = if is_last { last } else { name };
        (name.to_owned(), crate::http::decoded(value).unwrap_or_default())
    });
    pairs.collect()
}

/// Whether it is what everybody gets who asks for nothing.
fn is_usual(stat: &Compiled, (name, value): &(String, String)) -> bool {
    let last = stat.config.last.as_ref().filter(|last| last.name == *name);
    let default = stat.parameters.get(name).and_then(|parameter| parameter.default.as_ref());
    last.is_some_and(|last| last.default.to_string() == *value)
        || default.is_some_and(|default| default.to_string() == *value)
}
