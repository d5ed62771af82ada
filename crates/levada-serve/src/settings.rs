//! What `levada serve` refuses at its start, and `levada check` says before. Nothing is opened here
//! but the files of the brand.

use report::Problem;

use crate::config::{Brand, Serve};
use crate::console::Door;
use crate::gate;
use crate::http::Language;
use crate::page::Assets;

/// What [serve] max_age_seconds may be.
const MAX_AGE_SECONDS_MAX: u32 = 60;
/// What [serve] poll_seconds may be.
const POLL_SECONDS_MAX: u32 = 60;

/// Refuses sections with which nothing could be served well.
///
/// # Errors
/// A [`Problem`] that names the option, and never the token.
pub fn refuse(config: &Serve, brand: &Brand) -> Result<(), Problem> {
    refuse_long_ages(config)?;
    refuse_rare_looks(config)?;
    refuse_languages(config)?;
    gate::refuse_senseless(config)?;
    if !config.console_listen.is_empty() {
        Door::new(&config.console_token)?;
    }
    Assets::read(brand).map(|_| ())
}

/// What others keep without asking is wrong as soon as another edition is published.
fn refuse_long_ages(config: &Serve) -> Result<(), Problem> {
    if config.max_age_seconds <= MAX_AGE_SECONDS_MAX {
        return Ok(());
    }
    Err(Problem::new("[serve] max_age_seconds is more than a minute")
        .detail("browsers and proxies would show an old edition for longer than that")
        .hint("give 0 to 60; the addresses under /editions/ may be kept for ever"))
}

/// What three looks in a row have not confirmed is stale: with rare looks that says nothing.
fn refuse_rare_looks(config: &Serve) -> Result<(), Problem> {
    if (1..=POLL_SECONDS_MAX).contains(&config.poll_seconds) {
        return Ok(());
    }
    Err(Problem::new("[serve] poll_seconds is not between 1 and 60")
        .detail("an answer is called fresh as long as one of the last three looks confirmed it")
        .hint("give 1 to 60, or leave it out: publications are notified of besides"))
}

fn refuse_languages(config: &Serve) -> Result<(), Problem> {
    let Some(unknown) = config.languages.iter().find(|code| Language::of(code).is_none()) else {
        return Ok(());
    };
    Err(Problem::new(format!("[serve] languages: there are no pages in \"{unknown}\""))
        .hint("give one or both of \"en\" and \"fr\", the usual one first"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_served_well_is_refused_with_the_name_of_the_option() {
        let token = "too-short".to_owned();
        let console_listen = "127.0.0.1:0".to_owned();
        let languages = vec!["en".to_owned(), "de".to_owned()];
        let refused = [
            ("max_age_seconds", Serve { max_age_seconds: 61, ..Serve::default() }),
            ("poll_seconds", Serve { poll_seconds: 0, ..Serve::default() }),
            ("poll_seconds", Serve { poll_seconds: 61, ..Serve::default() }),
            ("languages", Serve { languages, ..Serve::default() }),
            ("connections", Serve { connections: 0, ..Serve::default() }),
            (
                "console_token",
                Serve { console_listen, console_token: token.clone(), ..Serve::default() },
            ),
        ];
        for (option, config) in refused {
            let problem = refuse(&config, &Brand::default()).unwrap_err();
            assert!(problem.message.contains(option), "{problem:?}");
            assert!(problem.hint.is_some(), "{problem:?}");
            assert!(!format!("{problem:?}").contains(&token), "{problem:?}");
        }
        let brand = Brand { logo: "no-such-file.svg".into(), ..Brand::default() };
        let problem = refuse(&Serve::default(), &brand).unwrap_err();
        assert!(problem.message.contains("[brand] logo"), "{problem:?}");
        refuse(&Serve::default(), &Brand::default()).unwrap();
        refuse(&Serve { poll_seconds: 60, ..Serve::default() }, &Brand::default()).unwrap();
    }
}
