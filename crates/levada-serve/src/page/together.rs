//! Several answers that stand on one page: of one edition, up to the same moment. A publication may
//! come between two of them; then all are asked again.

use std::sync::Arc;

use jiff::Timestamp;

use crate::answer::Freshness;
use crate::catalogue::{Bind, Compiled, Subject};
use crate::config::Page;
use crate::http::Language;
use crate::refusal::Refusal;
use crate::site::{Ask, Served, Site};
use crate::standing::Version;

/// One statistic of a page.
pub(crate) struct Part {
    pub(crate) stat: Arc<Compiled>,
    /// It ends where the page does. Otherwise it says by itself of when it is.
    pub(crate) has_end: bool,
    /// `None` where it cannot be shown now.
    pub(crate) served: Option<Served>,
}

/// Editions may follow each other while a page is made, but not for ever.
const TRIES: usize = 4;

/// The usual answers of statistics.
///
/// # Errors
/// Why nothing of the page can be shown, or [`Refusal::Overloaded`] when editions do not stop
/// following each other.
pub(crate) async fn ask(site: &Arc<Site>, stats: &[String]) -> Result<Vec<Part>, Refusal> {
    let shown = site.desk.shown().ok_or(Refusal::Unavailable)?;
    let timelines = stats.iter().filter_map(|name| {
        let (stat, timeline) = (site.catalogue.stats.get(name)?, shown.timelines.get(name)?);
        has_end(stat, !timeline.buckets.is_empty()).then_some(timeline)
    });
    let mut through = timelines.filter_map(|timeline| timeline.closed_through).min();
    for number in 0..TRIES {
        let mut parts = ask_each(site, stats, through).await?;
        if number > 0 {
            // An edition may come between two parts once; what is older again has no answer in it.
            leave_out_older(&mut parts);
        }
        if is_one(&parts) {
            return Ok(parts);
        }
        // Of two editions, the later one may know less of one statistic: all follow the least.
        let newest = newest(&parts).cloned();
        let ended = parts.iter().filter(|part| part.has_end).filter_map(|p| p.served.as_ref());
        let ended = ended.filter(|served| Some(&served.answer.version) == newest.as_ref());
        through = ended.filter_map(|served| served.answer.closed_through).min();
    }
    Err(Refusal::Overloaded)
}

/// Whether the statistic shows nothing after an end that a page gives it. A window, a rollup
/// without buckets, and a query without any end count all rows of the edition.
fn has_end(stat: &Compiled, has_buckets: bool) -> bool {
    match &stat.subject {
        Subject::Rollup(_) => has_buckets,
        Subject::Window(_) => false,
        Subject::Sql { bound, .. } => bound
            .binds
            .iter()
            .any(|bind| matches!(bind, Bind::RangeEnd | Bind::LastBucket | Bind::ClosedThrough)),
    }
}

fn newest(parts: &[Part]) -> Option<&Version> {
    let served = parts.iter().filter_map(|part| part.served.as_ref());
    let versions = served.map(|served| &served.answer.version);
    versions.max_by_key(|version| (version.published_at, version.edition))
}

/// Where a statistic cannot be read in the newest edition, the edition before has answered for it:
/// that stands on no page with others of the newest.
fn leave_out_older(parts: &mut [Part]) {
    let newest = newest(parts).cloned();
    for part in parts {
        part.served.take_if(|served| Some(&served.answer.version) != newest.as_ref());
    }
}

async fn ask_each(
    site: &Arc<Site>,
    stats: &[String],
    through: Option<Timestamp>,
) -> Result<Vec<Part>, Refusal> {
    let mut parts = Vec::new();
    let mut last = None;
    for name in stats {
        let Some(stat) = site.catalogue.stats.get(name) else { continue };
        let shown = site.desk.shown().ok_or(Refusal::Unavailable)?;
        let timeline = shown.timelines.get(name);
        let has_end = has_end(stat, timeline.is_some_and(|t| !t.buckets.is_empty()));
        let through = through.filter(|_| has_end);
        let ask = Ask { stat: name, pairs: &[], client: None, through };
        let served = match site.answer(ask).await {
            Ok(served) => Some(served),
            Err(refusal @ (Refusal::Unavailable | Refusal::NoEdition)) => return Err(refusal),
            Err(refusal) => {
                last = Some(refusal);
                None
            }
        };
        parts.push(Part { stat: Arc::clone(stat), has_end, served });
    }
    match last {
        Some(refusal) if parts.iter().all(|part| part.served.is_none()) => Err(refusal),
        _ => Ok(parts),
    }
}

/// Whether all are of one edition and end at the same moment.
fn is_one(parts: &[Part]) -> bool {
    let served = || parts.iter().filter_map(|part| part.served.as_ref());
    let versions = served().map(|served| &served.answer.version);
    // What knows nothing complete says so itself.
    let ended = parts.iter().filter(|part| part.has_end).filter_map(|part| part.served.as_ref());
    let moments = ended.filter_map(|served| served.answer.closed_through);
    is_single(versions) && is_single(moments)
}

fn is_single<T: PartialEq>(mut values: impl Iterator<Item = T>) -> bool {
    let first = values.next();
    values.all(|value| Some(value) == first)
}

/// The answer that says best up to when the page is: one that ends where it does, with buckets.
pub(crate) fn dated<'a>(parts: &'a [Part], first: &'a Served) -> &'a Served {
    let ended = parts.iter().filter(|part| part.has_end).filter_map(|part| part.served.as_ref());
    let mut dated = ended.clone().filter(|served| {
        let range = served.answer.range.as_ref();
        range.is_some_and(|range| Some(range.end) == served.answer.closed_through)
    });
    let mut known = ended.filter(|served| served.answer.closed_through.is_some());
    dated.next().or_else(|| known.next()).unwrap_or(first)
}

/// A page is as fresh as the least fresh of its parts.
pub(crate) fn stalest(parts: &[Part]) -> Freshness {
    let served = parts.iter().filter_map(|part| part.served.as_ref());
    let stale = served.filter_map(|served| match served.freshness {
        Freshness::Stale { confirmed_at } => Some(confirmed_at),
        _ => None,
    });
    stale.min().map_or(Freshness::Fresh, |confirmed_at| Freshness::Stale { confirmed_at })
}

/// Stands for the very page: every answer on it, how it is shown, language, this program.
pub(crate) fn entity_tag(site: &Site, page: &Page, parts: &[Part], language: Language) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(text.as_bytes());
        hasher.update(&[0]);
    };
    add(&serde_json::to_string(page).unwrap_or_default());
    add(language.code());
    add(&site.build);
    add(&format!("{:?}", stalest(parts)));
    for part in parts {
        let version = part.served.as_ref().map(|served| served.answer.version.tag());
        let through = part.served.as_ref().map(|served| served.answer.closed_through);
        add(&format!("{} {} {version:?} {through:?}", part.stat.name, part.stat.fingerprint));
    }
    let edition = parts.iter().find_map(|part| part.served.as_ref());
    let edition = edition.map_or_else(String::new, |served| served.answer.version.tag());
    format!("{edition}-{}", &hasher.finalize().to_hex()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;
    use crate::catalogue::Catalogue;
    use crate::config::Stat;

    fn stat(text: &str) -> Arc<Compiled> {
        let text = format!("name = \"s\"\ntitle = \"S\"\n{text}");
        let stat: Stat = toml::from_str(&text).unwrap();
        let catalogue = Catalogue::new(&[stat], &[], (".".as_ref(), "reports")).unwrap();
        Arc::clone(&catalogue.stats["s"])
    }

    fn part(text: &str, edition: i32, through: &str) -> Part {
        let at = Timestamp::from_second(1_000_000 * i64::from(edition)).unwrap();
        let answer = Answer {
            stat: "s".to_owned(),
            version: Version { edition, published_at: at },
            tag: String::new(),
            as_of: at,
            closed_through: Some(through.parse().unwrap()),
            computed_at: at,
            is_complete: true,
            range: None,
            window: None,
            columns: Vec::new(),
            rows: Vec::new(),
        };
        let served =
            Served { answer: Arc::new(answer), freshness: Freshness::Fresh, asked: String::new() };
        let stat = stat(text);
        Part { has_end: has_end(&stat, true), stat, served: Some(served) }
    }

    const DAY: &str = "2025-01-22T00:00:00Z";
    const NIGHT: &str = "2025-01-22T02:00:00Z";

    #[test]
    fn what_has_no_answer_in_the_newest_edition_is_left_out() {
        let mut parts = [part("rollup = \"r\"", 4, DAY), part("rollup = \"q\"", 3, DAY)];
        assert!(!is_one(&parts));
        leave_out_older(&mut parts);
        assert!(is_one(&parts));
        let left: Vec<bool> = parts.iter().map(|part| part.served.is_some()).collect();
        assert_eq!(left, [true, false]);
        // All of an older edition are shown together.
        let mut parts = [part("rollup = \"r\"", 3, DAY), part("rollup = \"q\"", 3, DAY)];
        leave_out_older(&mut parts);
        assert!(parts.iter().all(|part| part.served.is_some()));
    }

    #[test]
    fn what_has_no_end_says_its_own() {
        let window = part("window = \"w\"", 3, NIGHT);
        assert!(!window.has_end);
        assert!(!part("sql = \"SELECT 1\"", 3, NIGHT).has_end);
        assert!(part("sql = \"SELECT :closed_through\"", 3, DAY).has_end);
        assert!(!has_end(&stat("rollup = \"r\""), false));
        let parts = [window, part("rollup = \"r\"", 3, DAY)];
        assert!(is_one(&parts), "two moments, of which one is no end");
        let first = parts[0].served.as_ref().unwrap();
        assert_eq!(dated(&parts, first).answer.closed_through, Some(DAY.parse().unwrap()));
    }
}
