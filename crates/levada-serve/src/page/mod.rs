//! Pages: statistics for people, complete without JavaScript. `layout` is the frame of every page.

use std::sync::Arc;

use maud::{DOCTYPE, Markup, html};

use crate::http::{Language, Rendered};
use crate::refusal::Refusal;
use crate::site::{Ask, Served, Site};

/// The page of one answer.
pub(crate) fn stat(site: &Site, served: &Served, language: Language) -> anyhow::Result<String> {
    let stat = site.catalogue.stats.get(&served.answer.stat);
    let title = stat.map_or("", |stat| stat.config.title.get(language.code()));
    let body = figure(served)?;
    Ok(layout(site, language, title, &body).into_string())
}

/// A page of several statistics.
pub(crate) async fn page(
    site: &Arc<Site>,
    name: &str,
    language: Language,
) -> Result<Rendered, Refusal> {
    let unknown = || Refusal::NotFound(format!("there is no page {name:.64}"));
    let page = site.catalogue.pages.get(name).ok_or_else(unknown)?;
    let shown = site.desk.shown().ok_or(Refusal::Unavailable)?;
    let timelines = page.stats.iter().filter_map(|stat| shown.timelines.get(stat));
    let through = timelines.filter_map(|timeline| timeline.closed_through).min();
    let mut bodies = Vec::new();
    let mut tag = String::new();
    for stat in &page.stats {
        let served = site.answer(Ask { stat, pairs: &[], client: None, through }).await?;
        tag = served.answer.version.tag();
        bodies.push(figure(&served).map_err(|_| Refusal::Failed)?);
    }
    let title = page.title.get(language.code());
    let body = html! { @for body in &bodies { (body) } };
    let text = layout(site, language, title, &body).into_string();
    let tag = format!("{tag}-{name}-{}-{}", language.code(), site.build);
    Ok(Rendered::new("text/html; charset=utf-8", &site.cache_control(), &tag, text.into_bytes()))
}

/// The list of pages and statistics.
pub(crate) fn index(site: &Site, language: Language) -> Rendered {
    let body = html! {
        ul {
            @for page in site.catalogue.pages.values() {
                li { a href=(format!("/pages/{}", page.name)) { (page.title.get(language.code())) } }
            }
        }
    };
    let title = site.brand.service.get(language.code());
    let text = layout(site, language, title, &body).into_string();
    let tag = format!("index-{}-{}", language.code(), site.build);
    Rendered::new("text/html; charset=utf-8", &site.cache_control(), &tag, text.into_bytes())
}

/// A file that pages need.
pub(crate) fn asset(site: &Site, name: &str) -> Result<Rendered, Refusal> {
    let _ = site;
    Err(Refusal::NotFound(format!("there is no file {name:.64}")))
}

fn figure(served: &Served) -> anyhow::Result<Markup> {
    let rows = served.answer.values()?;
    Ok(html! {
        table {
            tr { @for column in &served.answer.columns { th scope="col" { (column.name) } } }
            @for row in &rows {
                tr {
                    @for column in &served.answer.columns { td { (row[&column.name].to_string()) } }
                }
            }
        }
    })
}

fn layout(site: &Site, language: Language, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head { meta charset="utf-8"; title { (title) " – " (site.brand.service.get(language.code())) } }
            body { main { h1 { (title) } (body) } }
        }
    }
}

/// What people read when there is no answer.
pub(crate) fn refusal(site: &Site, refusal: &Refusal, language: Language) -> String {
    let body = html! { p { (refusal.status()) } };
    layout(site, language, "", &body).into_string()
}
