//! The frame of every page: whose it is, in which language, and where its content begins.

use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};

use super::words::{Writing, words};
use crate::http::Language;
use crate::site::Site;

/// A page without its frame.
pub(crate) struct Content<'a> {
    pub(crate) title: &'a str,
    /// Where it is, without the language, to switch that: "/pages/messages", "/stats/m?days=2".
    /// Empty where another language would lead elsewhere.
    pub(crate) address: &'a str,
    pub(crate) body: Markup,
}

/// How a page of this site is written.
pub(crate) fn writing(site: &Site, language: Language) -> Writing<'_> {
    let zone: &TimeZone = &site.zone;
    Writing { language, zone }
}

/// The whole page.
pub(crate) fn whole(site: &Site, language: Language, content: &Content<'_>) -> String {
    let words = words(language);
    let brand = &site.brand;
    let code = language.code();
    let service = service(site, language);
    let page = html! {
        (DOCTYPE)
        html lang=(code) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title {
                    (content.title)
                    @if content.title != service { " – " (service) }
                }
                @for stylesheet in &site.assets.stylesheets {
                    link rel="stylesheet" href=(stylesheet);
                }
                link rel="icon" type="image/svg+xml" href=(site.assets.icon);
            }
            body {
                a class="skip" href="#main" { (words.skip) }
                header class="site" {
                    div class="width" {
                        a class="service" href=(home(site)) {
                            @if let Some(logo) = &site.assets.logo {
                                img src=(logo) alt="" height="32";
                            }
                            span { (service) }
                        }
                        @if !brand.phase.is_empty() {
                            strong class="phase" { (brand.phase.get(code)) }
                        }
                        (switch(site, language, content.address))
                    }
                }
                main id="main" tabindex="-1" class="width" {
                    h1 { (content.title) }
                    (content.body)
                }
                (footer(site, language))
            }
        }
    };
    page.into_string()
}

/// The name of the service, or a word for what stands here.
pub(crate) fn service(site: &Site, language: Language) -> &str {
    match site.brand.service.get(language.code()) {
        "" => words(language).statistics,
        service => service,
    }
}

fn home(site: &Site) -> &str {
    if site.brand.home.is_empty() { "/" } else { &site.brand.home }
}

fn switch(site: &Site, language: Language, address: &str) -> Markup {
    let others: Vec<Language> =
        site.languages().into_iter().filter(|other| *other != language).collect();
    html! {
        @if !address.is_empty() && !others.is_empty() {
            nav aria-label=(words(language).languages) {
                @for other in others {
                    @let joint = if address.contains('?') { '&' } else { '?' };
                    a href=(format!("{address}{joint}lang={}", other.code())) lang=(other.code())
                        hreflang=(other.code()) { (words(other).own_name) }
                }
            }
        }
    }
}

fn footer(site: &Site, language: Language) -> Markup {
    let organisation = site.brand.organisation.get(language.code());
    html! {
        @if !organisation.is_empty() || !site.brand.links.is_empty() {
            footer class="site" {
                div class="width" {
                    @if !organisation.is_empty() { p { (organisation) } }
                    @if !site.brand.links.is_empty() {
                        ul {
                            @for (name, address) in &site.brand.links {
                                li { a href=(address) { (name) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
