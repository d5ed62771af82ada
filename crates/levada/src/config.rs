//! `levada.toml`: read, checked, secrets filled in from the environment. Each feature owns its
//! section.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use copy::{Request, Rule};
use jiff::tz::TimeZone;
use pg::Endpoint;
use report::Problem;
use serde::{Deserialize, Serialize};
use shape::{Calendar, Enrichment, Import, Rollup, Sections, Shaper, Window};

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    /// The production side.
    pub(crate) source: Source,
    /// The reporting side.
    pub(crate) target: Target,
    /// How the copy is made.
    pub(crate) copy: copy::Config,
    /// What deviates from the default for single tables, by exact name or glob.
    pub(crate) tables: BTreeMap<String, Rule>,
    /// Tables filled from elsewhere, over HTTP or from files.
    #[serde(rename = "import")]
    pub(crate) imports: Vec<Import>,
    /// Indexes, views and scripts of your own.
    #[serde(rename = "enrich")]
    pub(crate) enrichments: Vec<Enrichment>,
    /// Business calendars: what a day is, and where.
    #[serde(rename = "calendar")]
    pub(crate) calendars: Vec<Calendar>,
    /// Tables with the rows of the last days only.
    #[serde(rename = "window")]
    pub(crate) windows: Vec<Window>,
    /// Statistics per hour, day, week or month of a calendar.
    #[serde(rename = "rollup")]
    pub(crate) rollups: Vec<Rollup>,
    /// What is served over HTTP, and how.
    pub(crate) serve: serve::Serve,
    /// Whose pages these are.
    pub(crate) brand: serve::Brand,
    /// Statistics that visitors may ask for.
    #[serde(rename = "stat")]
    pub(crate) stats: Vec<serve::Stat>,
    /// Pages of several statistics.
    #[serde(rename = "page")]
    pub(crate) pages: Vec<serve::Page>,
    /// How times are shown.
    pub(crate) display: Display,
    /// Where the file is: other files are named relative to it.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// The `[source]` section.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Source {
    /// Where production is. Secrets stand in the environment: "${SOURCE_DATABASE_URL}".
    pub(crate) url: String,
    /// The schemas to copy. Empty means all.
    pub(crate) schemas: Vec<String>,
}

/// The `[target]` section.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Target {
    /// Where reports are read.
    pub(crate) url: String,
    /// The schema of windows, rollups, imports and views, apart from the tables of the source.
    pub(crate) reports_schema: String,
}

impl Default for Target {
    fn default() -> Self {
        Self { url: String::new(), reports_schema: "reports".to_owned() }
    }
}

/// The `[display]` section.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Display {
    /// The IANA time zone in which people read times, such as "Europe/Paris".
    pub(crate) zone: String,
}

impl Default for Display {
    fn default() -> Self {
        Self { zone: "UTC".to_owned() }
    }
}

impl File {
    /// Reads and checks a file; errors name its line.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problem::new(format!("cannot read {}", path.display()))
                .detail(error.to_string())
                .hint("write one with `levada init --source URL`, or name it with --config FILE")
        })?;
        let mut file: Self = toml::from_str(&text).map_err(|error| explain(path, &text, &error))?;
        file.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        file.zone()?;
        file.refuse_fillfactors()?;
        Ok(file)
    }

    fn refuse_fillfactors(&self) -> Result<(), Problem> {
        for (table, rule) in &self.tables {
            if let Some(fillfactor) = rule.fillfactor.filter(|f| !(10..=100).contains(f)) {
                let option = format!("[tables.\"{table}\"] fillfactor = {fillfactor}");
                return Err(Problem::new(format!("{option} is refused"))
                    .hint("PostgreSQL takes 10 to 100; 90 leaves room to change rows in place"));
            }
        }
        Ok(())
    }

    /// The request of `levada run`.
    pub(crate) fn request(&self, command: &str, replace: bool) -> anyhow::Result<Request> {
        Ok(Request {
            source: endpoint("source", &self.source.url)?,
            target: self.target_endpoint()?,
            schemas: self.source.schemas.clone(),
            rules: self.tables.clone(),
            config: self.copy.clone(),
            replace,
            command: command.to_owned(),
            hook: Some(Arc::new(self.shaper()?)),
        })
    }

    /// What is to be computed inside each edition.
    ///
    /// # Errors
    /// A [`Problem`] that names the section and what is wrong with it.
    pub(crate) fn shaper(&self) -> Result<Shaper, Problem> {
        let sections = Sections {
            imports: self.imports.clone(),
            enrichments: self.enrichments.clone(),
            calendars: self.calendars.clone(),
            windows: self.windows.clone(),
            rollups: self.rollups.clone(),
            reports_schema: self.target.reports_schema.clone(),
            folder: self.folder.clone(),
        };
        Shaper::new(&sections)
    }

    /// What visitors may ask for.
    ///
    /// # Errors
    /// A [`Problem`] that names the section and what is wrong with it.
    pub(crate) fn catalogue(&self) -> Result<serve::Catalogue, Problem> {
        let place = (self.folder.as_path(), self.target.reports_schema.as_str());
        serve::Catalogue::new(&self.stats, &self.pages, place)
    }

    /// Whose pages these are, with files where they are.
    pub(crate) fn brand(&self) -> serve::Brand {
        let mut brand = self.brand.clone();
        for path in [&mut brand.logo, &mut brand.stylesheet] {
            if !path.as_os_str().is_empty() {
                *path = self.folder.join(&*path);
            }
        }
        brand
    }

    /// The database that visitors read: the target, by a role of their own if there is one.
    pub(crate) fn serving_endpoint(&self) -> anyhow::Result<Endpoint> {
        match self.serve.url.is_empty() {
            true => self.target_endpoint(),
            false => endpoint("serve", &self.serve.url),
        }
    }

    /// The `[serve]` section with its token filled in.
    ///
    /// # Errors
    /// A [`Problem`] that names an environment variable that is not set.
    pub(crate) fn served(&self) -> Result<serve::Serve, Problem> {
        let mut served = self.serve.clone();
        let example = "$(openssl rand -hex 24)";
        served.console_token = expand("[serve] console_token", &served.console_token, example)?;
        Ok(served)
    }

    pub(crate) fn target_endpoint(&self) -> anyhow::Result<Endpoint> {
        endpoint("target", &self.target.url)
    }

    /// The zone in which times are shown.
    pub(crate) fn zone(&self) -> Result<TimeZone, Problem> {
        zone(&self.display.zone)
    }
}

/// The database of a URL in which `${NAME}` stands for the environment.
fn endpoint(side: &str, url: &str) -> anyhow::Result<Endpoint> {
    if url.is_empty() {
        let problem = Problem::new(format!("[{side}] url is missing"))
            .hint(format!("add url = \"${{{}_DATABASE_URL}}\" to [{side}]", side.to_uppercase()));
        return Err(problem.into());
    }
    let example = "postgresql://user:password@host:5432/database";
    Ok(Endpoint::parse(&expand(&format!("[{side}] url"), url, example)?)?)
}

/// Fills in `${NAME}` from the environment; `example` shows a value of the option.
fn expand(option: &str, text: &str, example: &str) -> Result<String, Problem> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            return Err(Problem::new(format!("{option} has a ${{ without }}")));
        };
        let value = std::env::var(name).map_err(|_| {
            Problem::new(format!("environment variable {name} is not set"))
                .detail(format!("{option} needs it"))
                .hint(format!("export {name}={example}"))
        })?;
        expanded += before;
        expanded += &value;
        rest = after;
    }
    Ok(expanded + rest)
}

/// A typo with its line, without showing values of the file.
fn explain(path: &Path, text: &str, error: &toml::de::Error) -> Problem {
    let line = error.span().map(|span| {
        let before = text.as_bytes().iter().take(span.start);
        before.filter(|byte| **byte == b'\n').count() + 1
    });
    let place = match line {
        Some(line) => format!("{}, line {line}", path.display()),
        None => path.display().to_string(),
    };
    Problem::new(format!("{place}: {}", error.message().replace('\n', " ")))
        .hint("levada.example.toml shows every option with its default")
}

/// POSIX zones such as `UTC+1` mean the opposite of what they seem to say.
fn zone(zone: &str) -> Result<TimeZone, Problem> {
    let refuse = |reason: &str| {
        Problem::new(format!("[display] zone \"{zone}\" is refused"))
            .detail(reason.to_owned())
            .hint("use an IANA name such as \"Europe/Paris\" or \"UTC\"")
    };
    if zone.contains(['+', '-']) && !zone.contains('/') || zone.starts_with("Etc/GMT") {
        return Err(refuse("POSIX offsets have the sign reversed: UTC+1 is one hour west"));
    }
    TimeZone::get(zone).map_err(|_| refuse("no such IANA time zone"))
}

/// Where the file is when nobody says otherwise.
pub(crate) fn default_path() -> PathBuf {
    PathBuf::from("levada.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = toml::from_str::<File>(text).unwrap_err();
        explain(Path::new("levada.toml"), text, &error).message
    }

    #[test]
    fn typos_are_named_with_their_line() {
        let message = refused("[source]\nurl = \"x\"\n\n[copy]\nforeignkeys = \"omit\"\n");
        assert!(
            message.starts_with("levada.toml, line 5: unknown field `foreignkeys`"),
            "{message}"
        );
        assert!(refused("[copy]\njobs = [\n").starts_with("levada.toml, line"));
    }

    #[test]
    fn posix_zones_are_refused() {
        for zone in ["UTC+1", "UTC-2", "Etc/GMT+3", "Paris"] {
            assert!(super::zone(zone).is_err(), "{zone}");
        }
        assert!(zone("Europe/Paris").is_ok() && zone("UTC").is_ok());
    }

    #[test]
    fn a_missing_variable_is_named_and_no_value_shown() {
        let problem =
            expand("[source] url", "postgresql://u:${LEVADA_NO_SUCH}@h/d", "").unwrap_err();
        assert_eq!(problem.message, "environment variable LEVADA_NO_SUCH is not set");
    }
}
