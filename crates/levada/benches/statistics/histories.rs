//! The same night after one, three and ten years of the same events: what it costs must not depend
//! on how much history there is.
//!
//! Responsible for: the histories. Must not: judge.

use anyhow::Result;
use serde::Serialize;

use crate::stage::database::{Servers, Subject};
use crate::stage::tools::Scratch;
use crate::{Night, Options, SECTIONS, add_events, configure, measure_night, run};

/// Nights after so many years.
#[derive(Debug, Serialize)]
pub(crate) struct History {
    pub(crate) years: u64,
    pub(crate) events: u64,
    pub(crate) nights: Vec<Night>,
}

pub(crate) fn measure(
    years: u64,
    options: &Options,
    servers: &Servers,
    scratch: &Scratch,
) -> Result<History> {
    let events = years * options.year;
    let source = servers.changeable(Subject::Engagement, events)?;
    // The generator spreads its events over a year.
    source.execute(&include_str!("years.sql").replace("@years@", &years.to_string()))?;
    let target = servers.new_target()?;
    let config = scratch.path().join("history.toml");
    configure(&config, source.url(), target.url(), SECTIONS)?;
    run(&config)?;
    target.execute("vacuum (analyze) public.engagement_event")?;
    let mut nights = Vec::new();
    for night in 0..options.rounds {
        let new = options.year / 100;
        add_events(&source, new, night)?;
        servers.settle()?;
        let night = measure_night(&config, &target, new)?;
        println!("{years} years: {night:?}");
        nights.push(night);
    }
    servers.drop_target()?;
    servers.drop_changeable()?;
    Ok(History { years, events, nights })
}
