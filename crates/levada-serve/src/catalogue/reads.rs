//! What a query of the configuration reads, and whether it asks a clock, as the server plans it:
//! a view counts as what is behind it. Values of parameters play no part.

use std::collections::BTreeSet;

use pg::{Name, Session, quote_literal};
use report::Problem;
use serde_json::Value;

use super::fit::Unfit;
use super::stat::{Compiled, Subject};
use super::{lineage, sql};
use crate::standing::Standing;

/// Words that are functions without parentheses.
const CLOCKS: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "current_user",
    "current_role",
    "session_user",
];
/// Texts that become the present when they are read as a time.
const PRESENTS: &[&str] = &["'now'", "'today'", "'tomorrow'", "'yesterday'"];

/// Refuses a query that reads what is not of the edition, or rollups which are not listed, or that
/// answers differently by itself.
/// `back` undoes what fails, so that the transaction goes on.
pub(super) async fn judge(
    session: &Session,
    (stat, text): (&Compiled, &str),
    standing: &Standing,
    back: &str,
) -> Result<(), Unfit> {
    let plan = plan(session, stat, back).await?;
    let mut seen = Seen::default();
    seen.walk(&plan);
    seen.words(text);
    refuse_unlisted(session, stat, &seen.relations, standing).await?;
    let small = text.to_ascii_lowercase();
    let present = PRESENTS.iter().find(|word| small.contains(**word));
    let clock = seen.plain.iter().find(|word| CLOCKS.contains(&word.as_str()));
    let found = match (present, clock) {
        (Some(word), _) => Some((*word).to_owned()),
        (None, Some(word)) => Some(word.clone()),
        (None, None) => unsteady(session, &seen.called).await?,
    };
    match found {
        None => Ok(()),
        Some(name) => Err(Problem::new(format!("its query uses {name}"))
            .detail("the same edition must always give the same answer, whatever a clock says")
            .hint(
                "compare with :closed_through, :as_of, :range_start or :range_end; a function of \
                 your own must be IMMUTABLE",
            )
            .into()),
    }
}

/// The plan for any values of the parameters.
async fn plan(session: &Session, stat: &Compiled, back: &str) -> Result<Value, Unfit> {
    let Subject::Sql { bound, .. } = &stat.subject else { return Ok(Value::Null) };
    let list = |word: &str| match bound.binds.len() {
        0 => String::new(),
        count => format!("({})", vec![word; count].join(", ")),
    };
    let prepare = format!("PREPARE levada_fit{} AS {}", list("text"), bound.sql);
    session.batch(&format!("SET LOCAL plan_cache_mode = force_generic_plan; {prepare}")).await?;
    // As text, which EXPLAIN alone does not give.
    let explain = format!("EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE levada_fit{}", list("NULL"));
    let explained = session.rows(&explain, &[]).await;
    if explained.is_err() {
        session.batch(back).await?;
    }
    session.batch("DEALLOCATE levada_fit").await?;
    let explained = explained?;
    let plan = explained.first().map(|row| row.get::<_, Value>(0));
    plan.ok_or_else(|| Problem::new("the server shows no plan of its query").into())
}

/// What a plan and a text name.
#[derive(Default)]
struct Seen {
    relations: BTreeSet<Name>,
    /// Functions, with their schema where that is given.
    called: BTreeSet<(String, String)>,
    /// Words outside quotes, in small letters.
    plain: BTreeSet<String>,
}

impl Seen {
    fn walk(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.walk(value)),
            Value::Object(fields) => {
                let text = |name: &str| fields.get(name).and_then(Value::as_str);
                let schema = text("Schema").unwrap_or_default().to_owned();
                // Tables of another server, which are joined there, have no names of their own.
                let relation = text("Relation Name").or_else(|| text("Relations"));
                if let Some(relation) = relation {
                    self.relations.insert(Name::new(&schema, relation));
                }
                if let Some(function) = text("Function Name") {
                    self.called.insert((schema, function.to_owned()));
                }
                fields.values().for_each(|value| self.walk(value));
            }
            Value::String(text) => self.words(text),
            _ => {}
        }
    }

    /// Takes note of words, and of those before a parenthesis.
    fn words(&mut self, text: &str) {
        let mut before: Vec<String> = Vec::new();
        for piece in sql::pieces(text) {
            match piece {
                sql::Piece::Word(word) => {
                    self.plain.insert(word.to_ascii_lowercase());
                    before.push(word.to_ascii_lowercase());
                }
                sql::Piece::Name(name) => before.push(name),
                sql::Piece::Mark('.') => continue,
                sql::Piece::Mark('(') => {
                    let mut names = before.drain(..).rev();
                    if let Some(function) = names.next() {
                        let schema = names.next().unwrap_or_default();
                        self.called.insert((schema.clone(), function.clone()));
                        // Without a point between them they are two words.
                        self.called.insert((String::new(), function));
                    }
                }
                sql::Piece::Mark(_) => before.clear(),
            }
        }
    }
}

/// Somebody says of all that is read how far it is complete.
async fn refuse_unlisted(
    session: &Session,
    stat: &Compiled,
    relations: &BTreeSet<Name>,
    standing: &Standing,
) -> Result<(), Unfit> {
    let read = lineage::rollups(session, (stat, standing), relations).await?;
    let unlisted: Vec<String> =
        read.into_iter().filter(|name| !stat.rollups.contains(name)).collect();
    if unlisted.is_empty() {
        return Ok(());
    }
    let mut all = stat.rollups.clone();
    all.extend(unlisted.iter().cloned());
    let all: Vec<String> = all.iter().map(|name| format!("\"{name}\"")).collect();
    Err(Problem::new(format!(
        "its query reads rollup {}, which is not listed",
        unlisted.join(", ")
    ))
    .detail("nobody would say how far that is complete")
    .hint(format!("add rollups = [{}]", all.join(", ")))
    .into())
}

/// The first of these functions whose result may change by itself.
async fn unsteady(
    session: &Session,
    called: &BTreeSet<(String, String)>,
) -> Result<Option<String>, Unfit> {
    let array = |of: Vec<String>| format!("ARRAY[{}]::text[]", of.join(", "));
    let schemas = array(called.iter().map(|(schema, _)| quote_literal(schema)).collect());
    let names = array(called.iter().map(|(_, name)| quote_literal(name)).collect());
    let sql = include_str!("../sql/unsteady.sql")
        .replace("@schemas@", &schemas)
        .replace("@names@", &names);
    Ok(session.maybe(&sql, &[]).await?.map(|row| row.get(0)))
}
