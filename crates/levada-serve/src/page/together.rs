//! Several answers that stand on one page: of one edition, up to the same moment. A publication may
//! come between two of them; then all are asked again.

use std::sync::Arc;

use jiff::Timestamp;

use crate::answer::Freshness;
use crate::catalogue::Compiled;
use crate::config::Page;
use crate::http::Language;
use crate::refusal::Refusal;
use crate::site::{Ask, Served, Site};

/// One statistic of a page.
pub(crate) struct Part {
    pub(crate) stat: Arc<Compiled>,
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
    let timelines = stats.iter().filter_map(|stat| shown.timelines.get(stat));
    let mut through = timelines.filter_map(|timeline| timeline.closed_through).min();
    for _ in 0..TRIES {
        let parts = ask_each(site, stats, through).await?;
        if is_one(&parts) {
            return Ok(parts);
        }
        // Of two editions, the later one may know less of one statistic: all follow the least.
        let served = parts.iter().filter_map(|part| part.served.as_ref());
        let newest = served
            .clone()
            .map(|served| &served.answer.version)
            .max_by_key(|version| (version.published_at, version.edition));
        let newest = served.clone().filter(|served| Some(&served.answer.version) == newest);
        through = newest.filter_map(|served| served.answer.closed_through).min();
    }
    Err(Refusal::Overloaded)
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
        let ask = Ask { stat: name, pairs: &[], client: None, through };
        let served = match site.answer(ask).await {
            Ok(served) => Some(served),
            Err(refusal @ (Refusal::Unavailable | Refusal::NoEdition)) => return Err(refusal),
            Err(refusal) => {
                last = Some(refusal);
                None
            }
        };
        parts.push(Part { stat: Arc::clone(stat), served });
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
    let moments = served().filter_map(|served| served.answer.closed_through);
    is_single(versions) && is_single(moments)
}

fn is_single<T: PartialEq>(mut values: impl Iterator<Item = T>) -> bool {
    let first = values.next();
    values.all(|value| Some(value) == first)
}

/// The answer that says best up to when the page is: one with buckets.
pub(crate) fn dated<'a>(parts: &'a [Part], first: &'a Served) -> &'a Served {
    let served = parts.iter().filter_map(|part| part.served.as_ref());
    let mut dated = served.filter(|served| {
        let range = served.answer.range.as_ref();
        range.is_some_and(|range| Some(range.end) == served.answer.closed_through)
    });
    dated.next().unwrap_or(first)
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
