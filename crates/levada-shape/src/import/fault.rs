//! Why an import failed, and where: the answer, the record and the column, never a value.

use report::Problem;

/// A failure of an import. Of which import, whoever reports it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    place: Place,
    column: Option<String>,
    reason: String,
    hint: Option<String>,
}

/// Where in the answers: all counted from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which answer, where there may be several.
    pub(crate) page: Option<u64>,
    /// Which record of that answer.
    pub(crate) record: Option<u64>,
}

impl Place {
    /// A record of the same answer.
    pub(crate) fn record(self, record: u64) -> Self {
        Self { record: Some(record), ..self }
    }

    fn parts(self) -> Vec<String> {
        let page = self.page.map(|page| format!("page {page}"));
        let record = self.record.map(|record| format!("record {record}"));
        page.into_iter().chain(record).collect()
    }

    /// `page 2, record 17`.
    pub(crate) fn text(self) -> String {
        self.parts().join(", ")
    }
}

impl Fault {
    pub(crate) fn new(place: Place, reason: impl Into<String>) -> Self {
        Self { place, column: None, reason: reason.into(), hint: None }
    }

    pub(crate) fn column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// `import skills, page 2, record 17, column level: a text where integer is declared`.
    pub(crate) fn problem(&self, import: &str) -> Problem {
        let mut parts = vec![format!("import {import}")];
        parts.extend(self.place.parts());
        parts.extend(self.column.iter().map(|column| format!("column {column}")));
        let problem = Problem::new(format!("{}: {}", parts.join(", "), self.reason));
        match &self.hint {
            Some(hint) => problem.hint(hint.clone()),
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_named_as_far_as_it_is_known() {
        let fault = Fault::new(Place { page: Some(2), record: None }.record(17), "no value");
        let problem = fault.column("level").hint("set null = true").problem("skills");
        assert_eq!(problem.message, "import skills, page 2, record 17, column level: no value");
        assert_eq!(problem.hint.as_deref(), Some("set null = true"));
        let fault = Fault::new(Place::default(), "status 404");
        assert_eq!(fault.problem("skills").message, "import skills: status 404");
    }
}
