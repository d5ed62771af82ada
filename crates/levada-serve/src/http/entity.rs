//! Entity tags: what stands for the very content of an answer, and can be said without having it.
//! All tags are weak, so that they stand for the packed form of the content too.

use hyper::header::HeaderValue;

use super::{Format, Language};
use crate::answer::Freshness;
use crate::catalogue::Compiled;
use crate::site::Site;
use crate::standing::Version;

/// Edition, definition, parameters, form, language, freshness, and this program.
pub(crate) fn tag(
    site: &Site,
    (stat, version, asked): (&Compiled, &Version, &str),
    (format, language): (Format, Language),
    freshness: Freshness,
) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [
        stat.name.as_str(),
        stat.fingerprint.as_str(),
        asked,
        format.extension(),
        if format == Format::Html { language.code() } else { "" },
        site.build.as_str(),
        &format!("{freshness:?}"),
    ] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    format!("{}-{}", version.tag(), &hasher.finalize().to_hex()[..16])
}

/// RFC 9110, 13.1.2: weak comparison with a list, or with anything.
pub(crate) fn matches(etag: &HeaderValue, asked: &HeaderValue) -> bool {
    asked == etag || asked.as_bytes().trim_ascii() == b"*" || lists(etag, asked)
}

/// The same, but anything is nothing: for when it is not known whether there is an answer.
pub(crate) fn names(tag: &str, asked: &HeaderValue) -> bool {
    HeaderValue::from_str(&format!("\"{tag}\"")).is_ok_and(|etag| lists(&etag, asked))
}

fn lists(etag: &HeaderValue, asked: &HeaderValue) -> bool {
    let (Ok(etag), Ok(asked)) = (etag.to_str(), asked.to_str()) else { return false };
    asked.split(',').any(|tag| bare(tag) == bare(etag))
}

fn bare(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> HeaderValue {
        HeaderValue::from_str(text).unwrap()
    }

    #[test]
    fn tags_are_compared_weakly() {
        let etag = value("W/\"3-abc\"");
        for asked in ["W/\"3-abc\"", "\"3-abc\"", "*", " * ", "\"x\", W/\"3-abc\" ,\"y\""] {
            assert!(matches(&etag, &value(asked)), "{asked}");
        }
        for asked in ["\"3-ab\"", "3-abc", "W/W/\"3-abc\"", "w/\"3-abc\"", "", "\"*\""] {
            assert!(!matches(&etag, &value(asked)), "{asked}");
        }
    }

    #[test]
    fn anything_names_nothing() {
        assert!(names("3-abc", &value("\"x\", W/\"3-abc\"")));
        assert!(!names("3-abc", &value("*")));
    }
}
