//! Who may look at the console: who knows the token, and does not guess too often. What is compared
//! are hashes, in constant time; nothing of what was offered is kept or told.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};
use report::Problem;

/// Fewer letters can be guessed.
const LETTERS_MIN: usize = 16;
/// Wrong tokens of one client within a minute; further ones are not even looked at.
const FAILURES_MAX: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// Clients whose failures are counted apart; beyond that they share one count.
const CLIENTS_MAX: usize = 1024;

/// What the door says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Open,
    /// No token, or a wrong one.
    Locked,
    /// Too many wrong ones.
    Later,
}

/// Knows the token by its hash.
pub(crate) struct Door {
    key: blake3::Hash,
    failures: Mutex<HashMap<Option<IpAddr>, (u32, Instant)>>,
}

impl Door {
    /// # Errors
    /// A token that is missing, short, or nothing that a browser can send.
    pub(crate) fn new(token: &str) -> Result<Self, Problem> {
        let hint = "choose one with `openssl rand -hex 24`, export it as LEVADA_CONSOLE_TOKEN and \
                    write console_token = \"${LEVADA_CONSOLE_TOKEN}\"";
        if token.is_empty() {
            return Err(Problem::new("[serve] console_listen needs a console_token").hint(hint));
        }
        if token.len() < LETTERS_MIN || !token.chars().all(|letter| letter.is_ascii_graphic()) {
            let text = "[serve] console_token is refused";
            let detail = format!("it needs {LETTERS_MIN} ASCII letters or more, without blanks");
            return Err(Problem::new(text).detail(detail).hint(hint));
        }
        Ok(Self { key: blake3::hash(token.as_bytes()), failures: Mutex::default() })
    }

    /// Looks at what a client offers at a moment.
    pub(crate) fn verdict(&self, headers: &HeaderMap, client: IpAddr, now: Instant) -> Verdict {
        let Some(offered) = offered(headers) else { return Verdict::Locked };
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|_, (_, since)| now.duration_since(*since) < MINUTE);
        let is_counted = failures.contains_key(&Some(client)) || failures.len() < CLIENTS_MAX;
        let client = is_counted.then_some(client);
        if failures.get(&client).is_some_and(|(count, _)| *count >= FAILURES_MAX) {
            return Verdict::Later;
        }
        // The equality of hashes takes the same time wherever they differ.
        if blake3::hash(&offered) == self.key {
            return Verdict::Open;
        }
        failures.entry(client).or_insert((0, now)).0 += 1;
        Verdict::Locked
    }
}

/// The token of `Bearer`, or the password of `Basic` with whatever user.
fn offered(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.as_bytes().to_vec());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = STANDARD.decode(value).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hyper::header::HeaderValue;

    use super::*;

    const TOKEN: &str = "correct-horse-battery";
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn with(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        headers
    }

    fn asked(door: &Door, value: &str) -> Verdict {
        door.verdict(&with(value), HERE, Instant::now())
    }

    #[test]
    fn basic_and_bearer_open_with_the_token_alone() {
        let door = Door::new(TOKEN).unwrap();
        assert_eq!(asked(&door, "Bearer correct-horse-battery"), Verdict::Open);
        assert_eq!(asked(&door, "bearer correct-horse-battery"), Verdict::Open);
        for user in ["", "anybody"] {
            let pair = STANDARD.encode(format!("{user}:{TOKEN}"));
            assert_eq!(asked(&door, &format!("Basic {pair}")), Verdict::Open);
        }
        let longer = STANDARD.encode(format!("a:{TOKEN}:"));
        for wrong in [
            "Bearer correct-horse-batterz",
            "Bearer correct-horse-batter",
            "Bearer",
            "Bearer ",
            "Basic !!",
            "Digest correct-horse-battery",
            &format!("Basic {longer}"),
        ] {
            assert_eq!(asked(&door, wrong), Verdict::Locked, "{wrong}");
        }
        assert_eq!(door.verdict(&HeaderMap::new(), HERE, Instant::now()), Verdict::Locked);
    }

    #[test]
    fn who_guesses_waits_a_minute_and_nobody_else_does() {
        let door = Door::new(TOKEN).unwrap();
        let begin = Instant::now();
        let (right, wrong) = (with("Bearer correct-horse-battery"), with("Bearer no"));
        let there = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        for _ in 0..10 {
            assert_eq!(door.verdict(&wrong, HERE, begin), Verdict::Locked);
        }
        assert_eq!(door.verdict(&wrong, HERE, begin), Verdict::Later);
        assert_eq!(door.verdict(&right, HERE, begin), Verdict::Later);
        assert_eq!(door.verdict(&right, there, begin), Verdict::Open);
        assert_eq!(door.verdict(&right, HERE, begin + MINUTE), Verdict::Open);
    }

    #[test]
    fn looking_without_a_token_is_no_guess() {
        let door = Door::new(TOKEN).unwrap();
        for _ in 0..50 {
            assert_eq!(door.verdict(&HeaderMap::new(), HERE, Instant::now()), Verdict::Locked);
        }
        assert_eq!(asked(&door, "Bearer correct-horse-battery"), Verdict::Open);
    }

    #[test]
    fn counting_takes_bounded_memory() {
        let door = Door::new(TOKEN).unwrap();
        let now = Instant::now();
        for last in 0..3000u32 {
            door.verdict(&with("Bearer no"), Ipv4Addr::from(last).into(), now);
        }
        assert!(door.failures.lock().unwrap().len() <= CLIENTS_MAX + 1);
    }

    #[test]
    fn short_tokens_are_refused_and_not_shown() {
        for token in ["", "short", "a token with blanks in it", "fifteen-letters"] {
            let problem = Door::new(token).err().unwrap();
            assert!(problem.hint.is_some());
            assert!(token.is_empty() || !format!("{problem:?}").contains(token));
        }
        assert!(Door::new("sixteen-letters!").is_ok());
    }
}
