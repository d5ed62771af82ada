//! Many who want the same at the same moment, when nobody has asked for it before.
//!
//! Responsible for: the crowd, and how many queries it causes by the log of the server. Must not:
//! trust what levada says of itself.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::CROWD;
use crate::place::Place;
use crate::visit;

/// What only the query of the crowd says.
const MARK: &str = "pg_sleep(0.2)";

/// What became of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Crowd {
    pub(crate) visitors: usize,
    pub(crate) answered: usize,
    pub(crate) queries: usize,
    /// The longest that anybody waited; the query itself takes 200 ms.
    pub(crate) milliseconds_max: f64,
}

pub(crate) async fn measure(place: &Place<'_>, address: &str, round: usize) -> Result<Crowd> {
    let target = format!("/stats/cold.json?round={round}");
    let (crowd, queries) = place.target_queries(MARK, gather(address, &target)).await?;
    Ok(Crowd { queries, ..crowd })
}

async fn gather(address: &str, target: &str) -> Result<Crowd> {
    let together = Arc::new(Barrier::new(CROWD));
    let mut visitors = JoinSet::new();
    for _ in 0..CROWD {
        let (address, target) = (address.to_owned(), target.to_owned());
        let mut stream = TcpStream::connect(&address).await?;
        let together = Arc::clone(&together);
        visitors.spawn(async move {
            together.wait().await;
            let began = Instant::now();
            let reply = visit::ask(&mut stream, &address, &target, None).await;
            (reply.is_ok_and(|reply| reply.status == 200), began.elapsed())
        });
    }
    let waits = visitors.join_all().await;
    let longest = waits.iter().map(|(_, wait)| *wait).max().unwrap_or_default();
    Ok(Crowd {
        visitors: CROWD,
        answered: waits.iter().filter(|(is_answered, _)| *is_answered).count(),
        queries: 0,
        milliseconds_max: longest.as_secs_f64() * 1000.0,
    })
}
