//! An enrichment as it is carried out: its section checked, its files read.

use pg::Name;
use report::Problem;

use super::declared::{Columns, Enrichment, IndexOn};
use super::index::Index;
use super::zones;
use crate::sections::Sections;

/// A checked enrichment.
#[derive(Debug, Clone)]
pub(super) struct Enriched {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) after: Vec<String>,
    pub(super) reads: Option<Vec<Name>>,
}

/// What is made, and of what text.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Index(Index),
    View(String),
    Columns(Columns),
    Materialized(Materialized),
    Script(String),
}

/// A table filled by a query.
#[derive(Debug, Clone)]
pub(super) struct Materialized {
    pub(super) query: String,
    pub(super) key: Vec<String>,
    pub(super) indexes: Vec<Vec<String>>,
}

impl Kind {
    /// What records and messages call it.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Index(_) => "index",
            Self::View(_) | Self::Columns(_) => "view",
            Self::Materialized(_) => "table",
            Self::Script(_) => "script",
        }
    }

    /// All the SQL that a person wrote.
    fn texts(&self) -> Vec<&str> {
        match self {
            Self::Index(index) => index.texts(),
            Self::View(query) => vec![query],
            Self::Columns(columns) => super::columns::texts(columns),
            Self::Materialized(table) => vec![&table.query],
            Self::Script(script) => vec![script],
        }
    }
}

impl Enriched {
    /// Checks a section and reads its files.
    pub(super) fn of(section: &Enrichment, sections: &Sections) -> Result<Self, Problem> {
        let name = section.name.clone();
        if name.is_empty() || name.len() > 63 {
            return Err(Problem::new("an [[enrich]] section has no name, or one above 63 bytes")
                .hint("add name = \"...\" to it"));
        }
        let kind = kind(section, sections)?;
        let refuse = |problem: String| Problem::new(format!("[[enrich]] {name}: {problem}"));
        if let Some(zone) = kind.texts().into_iter().find_map(zones::reversed) {
            return Err(refuse(format!("time zone '{zone}' is refused"))
                .detail("POSIX offsets have the sign reversed: UTC+1 is one hour west")
                .hint("use an IANA name such as 'Europe/Paris'"));
        }
        let is_table = matches!(kind, Kind::Materialized(_));
        let has_layout = !(section.key.is_empty() && section.indexes.is_empty());
        if has_layout && !is_table {
            return Err(refuse("key and indexes are of materialized tables only".to_owned())
                .hint("take them out, or declare an [[enrich]] with index = { ... }"));
        }
        if section.reads.is_some() && !is_table && !matches!(kind, Kind::Script(_)) {
            return Err(refuse("reads is for materialized and sql only".to_owned())
                .hint("take it out: an index or a view always shows what its tables hold"));
        }
        let reads = section.reads.as_ref().map(|list| list.iter().map(|n| table(n)).collect());
        Ok(Self { kind, after: section.after.clone(), reads, name })
    }

    /// What people read when it fails.
    pub(super) fn failed(&self, error: pg::Error) -> anyhow::Error {
        if error.is_retryable() {
            return error.into();
        }
        let what = self.kind.label();
        let problem = Problem::new(format!("enrichment {} ({what}) failed", self.name));
        let hint = match (error.sqlstate(), &self.kind) {
            (Some("42P01"), _) => {
                "correct the name; what another enrichment makes has to be named in \
                 after = [\"...\"]"
            }
            (Some("2D000"), _) => "take COMMIT, ROLLBACK and the like out of the script",
            (_, Kind::Script(_)) => "correct the script of its [[enrich]] section",
            _ => "correct its [[enrich]] section",
        };
        problem
            .detail(error.to_string())
            .hint(format!("{hint}, then run again; the published edition is unchanged"))
            .into()
    }

    /// A refusal that names it.
    pub(super) fn refuse(&self, message: &str) -> Problem {
        Problem::new(format!("enrichment {}: {message}", self.name))
    }
}

/// `schema.table`, in the schema `public` where none is given.
pub(super) fn table(name: &str) -> Name {
    match name.split_once('.') {
        Some((schema, table)) => Name::new(schema, table),
        None => Name::new("public", name),
    }
}

fn kind(section: &Enrichment, sections: &Sections) -> Result<Kind, Problem> {
    let name = &section.name;
    let file = |path: &Option<std::path::PathBuf>| -> Result<Option<String>, Problem> {
        let Some(path) = path else { return Ok(None) };
        let text = std::fs::read_to_string(sections.folder.join(path)).map_err(|error| {
            Problem::new(format!("[[enrich]] {name}: cannot read {}", path.display()))
                .detail(error.to_string())
                .hint("files are looked for beside the configuration")
        })?;
        Ok(Some(text))
    };
    let mut kinds: Vec<Kind> = Vec::new();
    kinds.extend(section.index.as_ref().map(|on| index(name, on)).transpose()?);
    kinds.extend(section.view.clone().map(Kind::View));
    kinds.extend(file(&section.view_file)?.map(Kind::View));
    kinds.extend(section.columns.clone().map(Kind::Columns));
    let materialized = [section.materialized.clone(), file(&section.materialized_file)?];
    kinds.extend(materialized.into_iter().flatten().map(|query| {
        let (key, indexes) = (section.key.clone(), section.indexes.clone());
        Kind::Materialized(Materialized { query, key, indexes })
    }));
    kinds.extend(file(&section.sql)?.map(Kind::Script));
    match (kinds.pop(), kinds.is_empty()) {
        (Some(kind), true) => Ok(cleaned(kind)),
        _ => Err(Problem::new(format!("[[enrich]] {name} has to say one thing"))
            .detail("it has none or several of index, view, columns, materialized and sql")
            .hint("give it exactly one of them, and write a section of its own for any other")),
    }
}

fn index(name: &str, on: &IndexOn) -> Result<Kind, Problem> {
    let index = Index::of(name, on).map_err(|problem| {
        Problem::new(format!("[[enrich]] {name}: {problem}"))
            .hint("index = { table = \"public.answers\", columns = [\"at\"] }, for example")
    })?;
    Ok(Kind::Index(index))
}

/// A query stands inside other statements: without what ends it.
fn cleaned(kind: Kind) -> Kind {
    let bare = |query: String| query.trim().trim_end_matches([';', ' ', '\n', '\r']).to_owned();
    match kind {
        Kind::View(query) => Kind::View(bare(query)),
        Kind::Materialized(table) => {
            Kind::Materialized(Materialized { query: bare(table.query), ..table })
        }
        other => other,
    }
}
