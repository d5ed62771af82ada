//! Everything that can be found out before a run, collected instead of stopping at the first.

use edition::Published;
use pg::catalog::Catalog;
use pg::{Dump, Purpose, Session};
use report::{Finding, Problem};

use crate::plan::plan;
use crate::preflight::preflight;
use crate::run::Request;
use crate::{extensions, start};

/// Checks a request without changing either side. An `Err` means that a side cannot be reached.
pub async fn check(request: &Request) -> anyhow::Result<Vec<Finding>> {
    let ends = preflight(&request.source, &request.target).await?;
    let mut findings = ends.findings;
    let source = Session::open(&request.source, Purpose::Source).await?;
    let target = Session::open(&request.target, Purpose::Record).await?;
    let catalog = Catalog::load(&source).await?;
    if let Err(error) = Dump::find(&request.source, ends.source.major()).await {
        findings.push(Finding::error("pg_dump", "this machine", error.problem()));
    }
    match extensions::choose(&catalog.extensions, &request.config) {
        Ok(chosen) => {
            for extension in chosen {
                let available = "SELECT 1 FROM pg_available_extensions WHERE name = $1";
                if target.maybe(available, &[&extension.name]).await?.is_none() {
                    let problem = Problem::new(format!(
                        "the target cannot offer extension {}",
                        extension.name
                    ))
                    .hint(
                        "install its package on the target's server, or name it in \
                                   [copy] omit_extensions",
                    );
                    findings.push(Finding::error("extension", &extension.name, problem));
                }
            }
        }
        Err(problem) => findings.push(Finding::error("extension", "source", problem)),
    }
    match plan(&catalog, &ends.source, &ends.target, &request.scope()) {
        Ok(plan) => {
            findings.extend(plan.findings);
            let found = start::objects(&target, &plan.schemas).await?;
            if !found.is_empty() {
                let problem = Problem::new(format!("the target holds {} objects", found.len()));
                let problem = match Published::read(&target).await? {
                    Some(edition) => problem
                        .detail(format!("a run brings edition {} up to date", edition.number)),
                    None => problem
                        .hint("a run will need --replace, unless it continues an interrupted one"),
                };
                findings.push(Finding::info("target", "target", problem));
            }
            let bytes: u64 = plan.tables.iter().map(|table| table.bytes).sum();
            let problem = Problem::new(format!(
                "the target needs about {} for tables, and as much again for indexes and sorting",
                report::text::bytes(bytes)
            ));
            findings.push(Finding::info("disk", "target", problem));
        }
        Err(problem) => findings.push(Finding::error("config", "configuration", problem)),
    }
    Ok(findings)
}
