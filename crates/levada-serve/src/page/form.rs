//! The form with which visitors ask a statistic for something else: plain HTML, sent as a GET.

use maud::{Markup, html};

use super::period::Period;
use super::words::{Writing, fill};
use crate::catalogue::Compiled;
use crate::config::{Kind, Parameter, Scalar};
use crate::site::Site;

/// What the form adds to an address, so that its empty fields count as not given.
const SENT: (&str, &str) = ("_", "form");
/// Longer lists are typed, not chosen.
const CHOICES_MAX: usize = 200;

/// Browsers send empty fields too, and the usual number beside an exact range: what a form sent
/// becomes what was meant.
pub(crate) fn meant(site: &Site, stat: &str, pairs: &mut Vec<(String, String)>) {
    let is_mark = |(name, value): &(String, String)| (name.as_str(), value.as_str()) == SENT;
    if !pairs.iter().any(is_mark) {
        return;
    }
    pairs.retain(|pair| !is_mark(pair) && !pair.1.trim().is_empty());
    let stat = site.catalogue.stats.get(stat);
    let last = stat.and_then(|stat| stat.config.last.as_ref()).map(|last| last.name.as_str());
    if pairs.iter().any(|(name, _)| name == "from" || name == "to") {
        pairs.retain(|(name, _)| Some(name.as_str()) != last);
    }
}

/// The form of a statistic, filled with what is asked; nothing where nothing can be asked.
pub(crate) fn draw(
    site: &Site,
    stat: &Compiled,
    asked: &[(String, String)],
    period: Option<Period>,
    writing: Writing<'_>,
) -> Markup {
    let words = writing.words();
    if stat.config.last.is_none() && stat.parameters.is_empty() {
        return html! {};
    }
    html! {
        form method="get" action=(format!("/stats/{}", stat.name)) {
            h2 { (words.question) }
            input type="hidden" name=(SENT.0) value=(SENT.1);
            @if site.languages().len() > 1 {
                input type="hidden" name="lang" value=(writing.language.code());
            }
            div class="fields" {
                @for (name, parameter) in &stat.parameters {
                    (field(site, stat, (name, parameter), given(asked, name), writing))
                }
                @if let Some(last) = &stat.config.last {
                    @let label = fill(words.how_many, &[writing.grain(period)]);
                    @let hint = fill(words.at_most, &[&last.max.to_string()]);
                    (labelled(stat, &last.name, &label, &hint, &|id, hint| html! {
                        input id=(id) name=(last.name) type="number" min="1" max=(last.max)
                            value=[given(asked, &last.name)] aria-describedby=[hint];
                    }))
                }
            }
            @if stat.config.last.is_some() { (range(stat, asked, period, writing)) }
            button type="submit" { (words.show) }
        }
    }
}

fn given<'a>(asked: &'a [(String, String)], name: &str) -> Option<&'a str> {
    asked.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn range(
    stat: &Compiled,
    asked: &[(String, String)],
    period: Option<Period>,
    writing: Writing<'_>,
) -> Markup {
    let words = writing.words();
    let is_hour = matches!(period, Some(Period::Hour(_)));
    let hint = if is_hour { words.hour_hint } else { words.day_hint };
    html! {
        fieldset {
            legend { (words.day_form) }
            div class="fields" {
                @for (name, label) in [("from", words.from), ("to", words.to)] {
                    (labelled(stat, name, label, hint, &|id, hint| html! {
                        input id=(id) name=(name) type="text" value=[given(asked, name)]
                            aria-describedby=[hint];
                    }))
                }
            }
        }
    }
}

/// A label, a hint, and the field itself.
fn labelled(
    stat: &Compiled,
    name: &str,
    label: &str,
    hint: &str,
    field: &dyn Fn(&str, Option<&str>) -> Markup,
) -> Markup {
    let id = format!("{}-{name}", stat.name);
    let hint_id = format!("{id}-hint");
    html! {
        div class="field" {
            label for=(id) { (label) }
            @if !hint.is_empty() { p class="hint" id=(hint_id) { (hint) } }
            (field(&id, (!hint.is_empty()).then_some(hint_id.as_str())))
        }
    }
}

fn field(
    site: &Site,
    stat: &Compiled,
    (name, parameter): (&str, &Parameter),
    given: Option<&str>,
    writing: Writing<'_>,
) -> Markup {
    let words = writing.words();
    let title = parameter.title.get(writing.language.code());
    let label = if title.is_empty() { name } else { title };
    let may_lack = stat.config.filter.iter().any(|filter| filter == name);
    let bound = |scalar: &Option<Scalar>| scalar.as_ref().map(Scalar::to_string);
    let (min, max) = (bound(&parameter.min), bound(&parameter.max));
    let bounds = match (&min, &max) {
        (Some(min), Some(max)) => fill(words.bounds, &[min, max]),
        _ => String::new(),
    };
    let default = parameter.default.as_ref().map(Scalar::to_string);
    let value = given.map(str::to_owned).or(default);
    match parameter.kind {
        Kind::Integer => labelled(stat, name, label, &bounds, &|id, hint| {
            html! {
                input id=(id) name=(name) type="number" min=[&min] max=[&max] value=[&value]
                    required aria-describedby=[hint];
            }
        }),
        Kind::Date => labelled(stat, name, label, &bounds, &|id, hint| {
            html! {
                input id=(id) name=(name) type="text" value=[&value] required
                    aria-describedby=[hint];
            }
        }),
        Kind::Boolean => labelled(stat, name, label, "", &|id, _| {
            html! {
                select id=(id) name=(name) {
                    @for (known, word) in [("true", words.yes), ("false", words.no)] {
                        option value=(known) selected[value.as_deref() == Some(known)] { (word) }
                    }
                }
            }
        }),
        Kind::Text => match choices(site, stat, name, parameter) {
            Some(choices) => labelled(stat, name, label, "", &|id, _| {
                html! {
                    select id=(id) name=(name) {
                        @if may_lack { option value="" { (words.any) } }
                        @for known in &choices {
                            @let is_given = value.as_deref() == Some(known);
                            option value=(known) selected[is_given] { (known) }
                        }
                    }
                }
            }),
            None => labelled(stat, name, label, words.one_of, &|id, hint| {
                html! {
                    input id=(id) name=(name) type="text" value=[&value] required[!may_lack]
                        aria-describedby=[hint];
                }
            }),
        },
    }
}

/// The texts that are known; `None` where they are too many to choose from. An empty one stands for
/// what has no value, which a form cannot send.
fn choices(site: &Site, stat: &Compiled, name: &str, parameter: &Parameter) -> Option<Vec<String>> {
    let mut choices = parameter.values.clone();
    let shown = site.desk.shown();
    let fit = shown.as_ref().and_then(|shown| shown.standing.fits.get(&stat.name));
    if let Some(Ok(fitted)) = fit
        && let Some(known) = fitted.values.get(name)
    {
        if known.len() > CHOICES_MAX {
            return None;
        }
        choices.extend(known.iter().cloned());
    }
    choices.retain(|known| !known.trim().is_empty());
    (!choices.is_empty() && choices.len() <= CHOICES_MAX).then_some(choices)
}
