//! Languages and encodings that a visitor accepts. Pure.

use hyper::header::HeaderValue;

/// A language of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    English,
    French,
}

impl Language {
    /// As in addresses and attributes.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    pub(crate) fn of(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::English),
            "fr" => Some(Self::French),
            _ => None,
        }
    }

    /// The language that an address names, else the one that the visitor likes best, else the
    /// first that the site has.
    pub(crate) fn choose(
        site: &[String],
        named: Option<&str>,
        accepted: Option<&HeaderValue>,
    ) -> Self {
        let has = |code: &str| site.iter().any(|known| known == code);
        if let Some(language) = named.filter(|code| has(code)).and_then(Self::of) {
            return language;
        }
        let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best: Option<(f32, Self)> = None;
        for part in accepted.split(',').take(20) {
            let (tag, weight) = weighted(part);
            let code = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
            let Some(language) = Self::of(&code).filter(|_| has(&code)) else { continue };
            if weight > 0.0 && best.is_none_or(|(known, _)| weight > known) {
                best = Some((weight, language));
            }
        }
        let first = site.iter().find_map(|code| Self::of(code));
        best.map(|(_, language)| language).or(first).unwrap_or(Self::English)
    }
}

/// Whether the visitor takes gzip.
pub(crate) fn takes_gzip(accepted: Option<&HeaderValue>) -> bool {
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let weight_of = |wanted: &str| {
        let mut codings = accepted.split(',').take(20).map(weighted);
        codings.find(|(coding, _)| coding.eq_ignore_ascii_case(wanted)).map(|(_, weight)| weight)
    };
    weight_of("gzip").or_else(|| weight_of("*")).is_some_and(|weight| weight > 0.0)
}

/// Whether the visitor is a browser that shows pages, not a program that reads data.
pub(crate) fn prefers_pages(accepted: Option<&HeaderValue>) -> bool {
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let weight_of = |wanted: &str| {
        let weights = accepted.split(',').take(20).map(weighted);
        weights.filter(|(kind, _)| kind.ends_with(wanted)).map(|(_, weight)| weight).next()
    };
    let page = weight_of("text/html").unwrap_or(0.0);
    page > 0.0 && weight_of("json").is_none_or(|data| page >= data)
}

fn weighted(part: &str) -> (&str, f32) {
    let mut parts = part.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts.find_map(|parameter| parameter.strip_prefix("q="));
    (name, weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<HeaderValue> {
        Some(HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn gzip_is_for_those_who_name_it() {
        for yes in ["gzip", "GZIP", "br, gzip;q=0.1", "*", "gzip; q=1"] {
            assert!(takes_gzip(value(yes).as_ref()), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip;q=0, *", "*;q=0", "x-gzip", "gzip;q=x"] {
            assert!(!takes_gzip(value(no).as_ref()), "{no}");
        }
        assert!(!takes_gzip(None));
    }

    #[test]
    fn browsers_get_pages() {
        for yes in ["text/html", "text/html,application/xml;q=0.9,*/*;q=0.8"] {
            assert!(prefers_pages(value(yes).as_ref()), "{yes}");
        }
        for no in ["*/*", "application/json", "application/json, text/html;q=0.5", "text/html;q=0"]
        {
            assert!(!prefers_pages(value(no).as_ref()), "{no}");
        }
        assert!(!prefers_pages(None));
    }

    #[test]
    fn the_language_is_the_best_that_there_is() {
        let site = ["en".to_owned(), "fr".to_owned()];
        let choose = |accepted: &str| Language::choose(&site, None, value(accepted).as_ref());
        assert_eq!(choose("de, fr-CA;q=0.8, en;q=0.7"), Language::French);
        assert_eq!(choose("de"), Language::English);
        assert_eq!(choose("fr;q=0"), Language::English);
        assert_eq!(Language::choose(&site, Some("fr"), None), Language::French);
        assert_eq!(
            Language::choose(&["fr".to_owned()], None, value("en").as_ref()),
            Language::French
        );
    }
}
