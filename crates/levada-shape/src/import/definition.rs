//! An import as it will be carried out: sections checked, names and paths read, secrets filled in.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pg::Name;
use report::Problem;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::path::Path;
use super::secret;
use super::section::{Column, Format, Import, Paging};
use super::value::Kind;
use crate::report_table::{Key, ReportColumn, ReportTable};
use crate::sections::Sections;

/// Longer names are cut by PostgreSQL.
const NAME_BYTES_MAX: usize = 63;

/// One import.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) section: Import,
    pub(crate) table: ReportTable,
    pub(crate) origin: Origin,
    /// `None`: the server says.
    pub(crate) format: Option<Format>,
    pub(crate) records: Path,
    pub(crate) total: Option<Path>,
    pub(crate) cursor: Option<Path>,
    /// The key first.
    pub(crate) fields: Vec<Field>,
    /// Sets of places in `fields`: the key, then each index.
    pub(crate) indexed: Vec<Vec<usize>>,
    /// Some path compares values.
    pub(crate) has_filter: bool,
    /// Equal where one answer serves several imports.
    pub(crate) shared: String,
    pub(crate) hash: String,
}

/// Where the records come from.
pub(crate) enum Origin {
    Url { url: Url, headers: HeaderMap },
    File(PathBuf),
}

/// Without the secrets.
impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Url { .. } => "Url",
            Self::File(_) => "File",
        })
    }
}

/// One column.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) path: Option<Path>,
    /// What the field is called in a CSV.
    pub(crate) header: String,
    pub(crate) null: bool,
}

impl Definition {
    /// Checks a section by itself.
    ///
    /// # Errors
    /// A [`Problem`] that names the import and what to change.
    pub(crate) fn new(section: &Import, sections: &Sections) -> Result<Self, Problem> {
        let refuse = |reason: String| refuse(section, reason);
        check_name(&section.name).map_err(refuse)?;
        let fields = fields(section)?;
        let place = |name: &String| fields.iter().position(|field| field.name == *name);
        let indexed = [&section.key].into_iter().chain(&section.indexes);
        let indexed = indexed.map(|columns| columns.iter().filter_map(place).collect());
        let indexed: Vec<Vec<usize>> = indexed.collect();
        let path = |what: &str, text: &str| {
            Path::parse(text).map_err(|error| refuse(format!("{what} = \"{text}\": {error}")))
        };
        let total = section.total.as_deref().map(|text| path("total", text)).transpose()?;
        let cursor = match &section.page {
            Some(Paging::Cursor { path: text, .. }) => Some(path("page path", text)?),
            _ => None,
        };
        let records = path("records", &section.records)?;
        let counts =
            section.page.is_some() || section.server_limit.is_some() || section.total.is_some();
        if counts && records.has_filter && !records.has_container() {
            let reason = "records is to begin with the list, as $.list[?…]: all of it is counted";
            return Err(refuse(reason.to_owned()));
        }
        let paths = fields.iter().filter_map(|field| field.path.as_ref());
        let has_filter = paths.chain([&records]).any(|path| path.has_filter);
        let origin = origin(section, sections)?;
        let format = section.format.or_else(|| by_extension(&origin));
        check_format(section, format).map_err(refuse)?;
        let written = serde_json::to_string(section);
        let written = written.map_err(|error| refuse(error.to_string()))?;
        Ok(Self {
            table: table(section, sections, &fields),
            shared: shared(section, &origin),
            hash: blake3::hash(written.as_bytes()).to_hex().to_string(),
            section: section.clone(),
            origin,
            format,
            records,
            total,
            cursor,
            fields,
            indexed,
            has_filter,
        })
    }
}

/// `[[import]] skills: …`.
pub(crate) fn refuse(section: &Import, reason: String) -> Problem {
    Problem::new(format!("[[import]] {}: {reason}", section.name))
        .hint("correct the section in levada.toml")
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains('\0') {
        return Err(format!("a name has 1 to {NAME_BYTES_MAX} bytes, not {}", name.len()));
    }
    Ok(())
}

fn fields(section: &Import) -> Result<Vec<Field>, Problem> {
    let refuse = |reason: String| refuse(section, reason);
    if section.key.is_empty() {
        return Err(refuse("key is missing: the columns that name a record".to_owned()));
    }
    for columns in [&section.key].into_iter().chain(&section.indexes) {
        let is_twice = columns.iter().collect::<BTreeSet<_>>().len() != columns.len();
        if columns.is_empty() || is_twice {
            return Err(refuse("key and indexes name each column once".to_owned()));
        }
        if let Some(unknown) = columns.iter().find(|name| !section.columns.contains_key(*name)) {
            return Err(refuse(format!("{unknown} is not among its columns")));
        }
    }
    if section.indexes.iter().collect::<BTreeSet<_>>().len() != section.indexes.len() {
        return Err(refuse("an index is declared twice".to_owned()));
    }
    let others = section.columns.keys().filter(|name| !section.key.contains(name));
    let names = section.key.iter().chain(others);
    names.map(|name| field(section, name, &section.columns[name])).collect()
}

fn field(section: &Import, name: &str, column: &Column) -> Result<Field, Problem> {
    let refuse = |reason: String| refuse(section, format!("column {name}: {reason}"));
    check_name(name).map_err(refuse)?;
    let kind = Kind::parse(&column.kind).ok_or_else(|| {
        refuse(format!("unknown type \"{}\"", column.kind))
            .detail(format!("known types: {}", Kind::names()))
    })?;
    let is_key = section.key.iter().any(|key| key == name);
    if is_key && column.null {
        return Err(refuse("a column of the key is never null".to_owned()));
    }
    if is_key && (kind.is_array || kind.scalar == super::value::Scalar::Jsonb) {
        return Err(refuse(format!("{} cannot be part of the key", kind.sql())));
    }
    let path = column.path.as_deref().map(|text| {
        Path::parse(text).map_err(|error| refuse(format!("path = \"{text}\": {error}")))
    });
    Ok(Field {
        name: name.to_owned(),
        kind,
        path: path.transpose()?,
        header: column.header.clone().unwrap_or_else(|| name.to_owned()),
        null: column.null,
    })
}

fn origin(section: &Import, sections: &Sections) -> Result<Origin, Problem> {
    let refuse = |reason: &str| refuse(section, reason.to_owned());
    match (&section.url, &section.file) {
        (Some(url), None) => {
            let text = secret::expand(&section.name, "url", url)?;
            let url = Url::parse(&text).map_err(|error| refuse(&format!("url: {error}")))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(refuse("url begins with http:// or https://"));
            }
            Ok(Origin::Url { url, headers: headers(section)? })
        }
        (None, Some(_)) if section.page.is_some() => Err(refuse("a file has no pages")),
        (None, Some(_)) if !section.headers.is_empty() => Err(refuse("a file has no headers")),
        (None, Some(file)) => Ok(Origin::File(sections.folder.join(file))),
        (Some(_), Some(_)) => Err(refuse("both url and file are given")),
        (None, None) => Err(refuse("url or file is missing")),
    }
}

fn headers(section: &Import) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    for (name, value) in &section.headers {
        let value = secret::expand(&section.name, name, value)?;
        let refuse = |_| refuse(section, format!("header {name} cannot be sent as it is"));
        let mut value = HeaderValue::from_str(&value).map_err(|error| refuse(error.to_string()))?;
        value.set_sensitive(true);
        let name = HeaderName::from_bytes(name.as_bytes());
        let name = name.map_err(|error| refuse(error.to_string()))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn by_extension(origin: &Origin) -> Option<Format> {
    let path = match origin {
        Origin::Url { url, .. } => url.path().to_owned(),
        Origin::File(path) => path.to_string_lossy().into_owned(),
    };
    match path.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "json" => Some(Format::Json),
        "csv" => Some(Format::Csv),
        _ => None,
    }
}

/// What a format cannot have; asked again when only the server knows the format.
pub(crate) fn check_format(section: &Import, format: Option<Format>) -> Result<(), String> {
    if section.delimiter.len() != 1 {
        return Err("delimiter is one ASCII character".to_owned());
    }
    if let Some(Paging::Number { size_parameter, size, step, .. }) = &section.page {
        if size_parameter.is_some() != size.is_some() {
            return Err("page size_parameter and size belong together".to_owned());
        }
        if *step == 0 {
            return Err("page step is at least 1".to_owned());
        }
        if section.server_limit.is_some() {
            return Err(
                "server_limit is not for pages by number: they end with an empty one".into()
            );
        }
    }
    let columns = || section.columns.iter();
    match format {
        Some(Format::Csv) => {
            if section.total.is_some() || matches!(section.page, Some(Paging::Cursor { .. })) {
                return Err("total and cursors are for JSON".to_owned());
            }
            if let Some((name, _)) = columns().find(|(_, column)| column.path.is_some()) {
                return Err(format!("column {name}: a CSV has a header, not a path"));
            }
            if let Some((name, _)) = columns().find(|(_, column)| column.kind.ends_with("[]")) {
                return Err(format!("column {name}: a CSV holds no arrays; declare text or jsonb"));
            }
        }
        Some(Format::Json) => {
            if let Some((name, _)) = columns().find(|(_, column)| column.header.is_some()) {
                return Err(format!("column {name}: JSON has a path, not a header"));
            }
        }
        None if section.url.is_none() => {
            return Err("format is missing: the file's name does not tell it".to_owned());
        }
        None => {}
    }
    Ok(())
}

fn table(section: &Import, sections: &Sections, fields: &[Field]) -> ReportTable {
    let columns = fields.iter().map(|field| ReportColumn {
        name: field.name.clone(),
        definition: match field.null {
            true => field.kind.sql(),
            false => format!("{} NOT NULL", field.kind.sql()),
        },
    });
    ReportTable {
        name: Name::new(&sections.reports_schema, &section.name),
        kind: "import",
        columns: columns.collect(),
        key: Key::Primary(section.key.clone()),
        indexes: section.indexes.clone(),
        comment: "Imported by levada with each edition".to_owned(),
    }
}

/// Where pages end depends on the records, so those count as well.
fn shared(section: &Import, origin: &Origin) -> String {
    let paging = match &section.page {
        Some(page) => format!("{page:?} {} {:?}", section.records, section.delimiter),
        None => String::new(),
    };
    let limits = (section.format, section.bytes_max, section.rows_max);
    let place = match origin {
        Origin::Url { url, .. } => url.as_str().to_owned(),
        Origin::File(path) => path.display().to_string(),
    };
    let whole = format!("{place}\n{:?}\n{limits:?}\n{paging}", section.headers);
    blake3::hash(whole.as_bytes()).to_hex().to_string()
}
