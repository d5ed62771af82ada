//! Addresses: path and query, read strictly. Pure.

use crate::refusal::Refusal;

/// What an address leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Index,
    /// `/stats/NAME`, `.json`, `.csv`; with `/editions/TAG` in front, of that edition only.
    Stat {
        name: String,
        format: Option<Format>,
        edition: Option<String>,
    },
    /// `/pages/NAME`.
    Page {
        name: String,
    },
    /// `/assets/NAME`.
    Asset {
        name: String,
    },
    OpenApi,
    Health,
    Readiness,
    Metrics,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Html,
    Json,
    Csv,
}

impl Format {
    /// As in addresses.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

impl Address {
    /// Reads path and query; the parameters come decoded, in their order.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for what leads nowhere, [`Refusal::BadParameter`] for a query that
    /// is not UTF-8 in percent encoding.
    pub(crate) fn parse(target: &str) -> Result<(Self, Vec<(String, String)>), Refusal> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let nowhere = || Refusal::NotFound("nothing is at this address".to_owned());
        let segments: Vec<&str> = path.strip_prefix('/').ok_or_else(nowhere)?.split('/').collect();
        let address = match segments.as_slice() {
            [""] => Self::Index,
            ["stats", file] => stat(file, None).ok_or_else(nowhere)?,
            ["editions", tag, "stats", file] if is_version(tag) => {
                stat(file, Some(tag)).ok_or_else(nowhere)?
            }
            ["pages", name] if is_name(name) => Self::Page { name: (*name).to_owned() },
            ["assets", name] if is_file(name) => Self::Asset { name: (*name).to_owned() },
            ["openapi.json"] => Self::OpenApi,
            ["healthz"] => Self::Health,
            ["readyz"] => Self::Readiness,
            ["metrics"] => Self::Metrics,
            _ => return Err(nowhere()),
        };
        Ok((address, pairs(query)?))
    }

    /// Whether it leads to a page, which has a language.
    pub(crate) fn is_for_people(&self) -> bool {
        match self {
            Self::Stat { format, .. } => matches!(format, None | Some(Format::Html)),
            Self::Index | Self::Page { .. } => true,
            _ => false,
        }
    }
}

fn stat(file: &str, edition: Option<&str>) -> Option<Address> {
    let (name, format) = match file.rsplit_once('.') {
        None => (file, None),
        Some((name, "json")) => (name, Some(Format::Json)),
        Some((name, "csv")) => (name, Some(Format::Csv)),
        Some((name, "html")) => (name, Some(Format::Html)),
        Some(_) => return None,
    };
    let edition = edition.map(str::to_owned);
    is_name(name).then(|| Address::Stat { name: name.to_owned(), format, edition })
}

fn is_name(text: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    !text.is_empty() && text.len() <= 64 && text.chars().all(is_fine)
}

/// As [`crate::standing::Version::tag`] writes it.
fn is_version(text: &str) -> bool {
    let Some((number, moment)) = text.split_once('-') else { return false };
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    (1..=10).contains(&number.len())
        && number.chars().all(|c| c.is_ascii_digit())
        && moment.len() == 8
        && moment.chars().all(is_hex)
}

fn is_file(text: &str) -> bool {
    let (name, extension) = text.rsplit_once('.').unwrap_or((text, ""));
    is_name(name) && is_name(extension)
}

/// `application/x-www-form-urlencoded`, as the URL standard of the WHATWG reads it, but refused
/// where it is no UTF-8.
fn pairs(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let decode = |text: &str| {
        decoded(text).ok_or_else(|| Refusal::BadParameter {
            name: "query".to_owned(),
            reason: "is not percent-encoded UTF-8".to_owned(),
        })
    };
    let read = parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Ok((decode(name)?, decode(value)?))
    });
    read.collect()
}

/// Percent-encoded text; `None` where it is no UTF-8.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let digits = std::str::from_utf8(after.get(..2)?).ok()?;
                if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return None;
                }
                rest = &after[2..];
                u8::from_str_radix(digits, 16).ok()?
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use testkit::Dice;

    use super::*;

    fn parse(target: &str) -> Option<(Address, Vec<(String, String)>)> {
        Address::parse(target).ok()
    }

    fn json(name: &str, edition: Option<&str>) -> Address {
        let edition = edition.map(str::to_owned);
        Address::Stat { name: name.to_owned(), format: Some(Format::Json), edition }
    }

    #[test]
    fn addresses_lead_to_one_thing() {
        assert_eq!(parse("/stats/a-b_1.json").unwrap().0, json("a-b_1", None));
        let target = "/editions/7-0123abcd/stats/a.json";
        assert_eq!(parse(target).unwrap().0, json("a", Some("7-0123abcd")));
        assert_eq!(parse("/").unwrap().0, Address::Index);
        for target in [
            "",
            "*",
            "stats/a",
            "//stats/a",
            "/stats//a",
            "/stats/a/",
            "/stats/",
            "/stats",
            "/Stats/a",
            "/stats/A",
            "/stats/../a",
            "/stats/./a",
            "/stats/a.JSON",
            "/stats/a.xml",
            "/stats/.json",
            "/stats/a%2fb",
            "/stats/a%00",
            "/stats/%61",
            "/stats/a;b",
            "/stats/a\\b",
            "/editions/7/stats/a",
            "/editions/7-0123ABCD/stats/a",
            "/editions/-0123abcd/stats/a",
            "/editions/../stats/a",
            "/assets/..",
            "/assets/a/b.css",
            "/assets/.css",
            "/pages/a.html",
        ] {
            assert_eq!(parse(target), None, "{target}");
        }
        assert_eq!(parse(&format!("/stats/{}", "a".repeat(65))), None);
    }

    #[test]
    fn parameters_are_decoded_once() {
        let read = |query: &str| parse(&format!("/?{query}")).map(|(_, pairs)| pairs);
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(read("a=1"), Some(pair("a", "1")));
        assert_eq!(read("&&a=1&"), Some(pair("a", "1")));
        assert_eq!(read("a+b=%C3%A9%2525"), Some(pair("a b", "é%25")));
        assert_eq!(read("a=b=c"), Some(pair("a", "b=c")));
        assert_eq!(read("a"), Some(pair("a", "")));
        for wrong in ["a=%", "a=%4", "a=%zz", "a=%+1", "a=%ff", "a=%C3", "%00=1", "a=%00"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    /// Percent-encodes some bytes that need it and some that do not.
    fn written(text: &str, dice: &mut Dice) -> String {
        let bytes = text.bytes().map(|byte| match byte {
            b' ' if dice.chance(50) => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() && dice.chance(80) => char::from(byte).to_string(),
            byte if dice.chance(50) => format!("%{byte:02x}"),
            byte => format!("%{byte:02X}"),
        });
        bytes.collect()
    }

    #[test]
    fn whatever_is_written_is_read_again() {
        let mut dice = Dice::from_env_or(5);
        let letters: Vec<char> = "aZ09 -_.~&=+%?#/\"<>é€🙂\u{7f}\n".chars().collect();
        for _ in 0..2_000 {
            let text = |dice: &mut Dice| -> String {
                (0..dice.below(12))
                    .map(|_| letters[dice.below(letters.len() as u64) as usize])
                    .collect()
            };
            let pairs: Vec<(String, String)> =
                (0..dice.below(6)).map(|_| (text(&mut dice) + "n", text(&mut dice))).collect();
            let query = pairs
                .iter()
                .map(|(name, value)| {
                    format!("{}={}", written(name, &mut dice), written(value, &mut dice))
                })
                .collect::<Vec<_>>()
                .join("&");
            let (_, read) = parse(&format!("/stats/a?{query}")).unwrap();
            assert_eq!(read, pairs, "{query}");
        }
    }

    #[test]
    fn nothing_makes_it_panic() {
        let mut dice = Dice::from_env_or(6);
        let parts = [
            "/",
            "stats",
            "editions",
            "pages",
            "assets",
            ".json",
            ".csv",
            "..",
            "%",
            "%2",
            "%41",
            "?",
            "&",
            "=",
            "+",
            "a",
            "7-0123abcd",
            "é",
            "\u{0}",
            "openapi.json",
            "#",
            ";",
            " ",
            "\\",
            "//",
        ];
        for _ in 0..20_000 {
            let target: String =
                (0..dice.below(12)).map(|_| *dice.pick(&parts).unwrap_or(&"")).collect();
            if let Some((Address::Stat { name, .. }, _)) = parse(&target) {
                assert!(is_name(&name), "{target}");
            }
        }
    }
}
