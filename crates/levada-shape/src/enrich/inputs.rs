//! What a query reads, and whether that has changed since the edition before. What cannot be known
//! counts as changed.

use edition::Publishing;
use pg::{Name, Session};
use report::Problem;

use super::kind::Enriched;
use super::scene::Scene;

/// A view that exists for the moment, so that PostgreSQL itself says what a query means.
pub(super) const SCRATCH: &str = "enrich_scratch";

/// A query as PostgreSQL understands it.
pub(super) struct Understood {
    pub(super) oid: u32,
    /// The query with every name resolved.
    pub(super) query: String,
}

/// Where the scratch view stands.
pub(super) fn scratch() -> Name {
    Name::new("levada", SCRATCH)
}

/// Makes the scratch view of a query, whose bare names are looked for in `path`.
pub(super) async fn understand(
    session: &Session,
    query: &str,
    path: &str,
) -> pg::Result<Understood> {
    session.batch(&format!("SET LOCAL search_path = {path}")).await?;
    // With parameters, of which there are none: so it can be one statement only.
    session.execute(&format!("CREATE VIEW {} AS\n{query}", scratch().sql()), &[]).await?;
    session.batch("SET LOCAL search_path = ''").await?;
    let sql = "SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid) FROM pg_catalog.pg_class AS c \
               WHERE c.oid = pg_catalog.to_regclass($1)";
    let row = session.one(sql, &[&scratch().sql()]).await?;
    let query: String = row.get(1);
    Ok(Understood { oid: row.get(0), query: query.trim().trim_end_matches(';').to_owned() })
}

/// Ends the moment.
pub(super) async fn forget(session: &Session) -> pg::Result<()> {
    session.batch(&format!("DROP VIEW {}", scratch().sql())).await
}

/// What some relations read.
pub(super) struct Inputs {
    /// Everything on the way, views included.
    pub(super) names: Vec<Name>,
    tables: Vec<Input>,
    is_unsteady: bool,
}

struct Input {
    name: Name,
    /// What it is a partition of.
    roots: Vec<Name>,
    is_table: bool,
}

impl Inputs {
    pub(super) async fn of(session: &Session, roots: &[u32]) -> pg::Result<Self> {
        let rows = session.rows(include_str!("../sql/enrich_inputs.sql"), &[&roots]).await?;
        let mut inputs = Self { names: Vec::new(), tables: Vec::new(), is_unsteady: false };
        for row in rows {
            let name = Name::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
            let kind: &str = row.get("kind");
            inputs.is_unsteady |= row.get::<_, bool>("is_unsteady");
            if kind != "v" {
                let is_table =
                    ["r", "p", "m"].contains(&kind) && !row.get::<_, bool>("is_of_system");
                let schemas: Vec<String> = row.get("root_schemas");
                let roots = schemas.into_iter().zip(row.get::<_, Vec<String>>("root_names"));
                let roots = roots.map(|(schema, name)| Name::new(schema, name)).collect();
                inputs.tables.push(Input { name: name.clone(), roots, is_table });
            }
            inputs.names.push(name);
        }
        Ok(inputs)
    }

    /// Whether anything read may be another thing than in the edition before.
    pub(super) async fn have_changed(&self, scene: &Scene<'_>) -> pg::Result<bool> {
        if self.is_unsteady || self.tables.iter().any(|input| !input.is_table) {
            return Ok(true);
        }
        for input in &self.tables {
            if is_changed(input, scene).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Refuses what would be computed from something that is not made yet.
    pub(super) fn refuse_later(
        &self,
        enriched: &Enriched,
        scene: &Scene<'_>,
    ) -> Result<(), Problem> {
        let target = scene.target(enriched);
        if self.names.contains(&target) {
            return Err(enriched
                .refuse(&format!("it reads {target}, which is itself"))
                .hint("name the table that is meant with its schema, or rename the enrichment"));
        }
        let is_later = |later: &&String| self.names.contains(&scene.named(later));
        match scene.later.iter().find(is_later) {
            Some(later) => Err(enriched
                .refuse(&format!("it reads {}, which is made after it", scene.named(later)))
                .hint(format!("add \"{later}\" to its after = [...], then run again"))),
            None => Ok(()),
        }
    }
}

async fn is_changed(input: &Input, scene: &Scene<'_>) -> pg::Result<bool> {
    let (publishing, name) = (scene.publishing, &input.name);
    let is_of_edition = |name: &Name| scene.objects.contains(&name.sql());
    if is_of_edition(name) || input.roots.iter().any(is_of_edition) {
        return Ok(publishing.touched.contains(name));
    }
    let sql = "SELECT changed_in FROM levada.report_table \
               WHERE schema_name = $1 AND table_name = $2";
    let known = publishing.session.maybe(sql, &[&name.schema, &name.name]).await?;
    let changed_in = known.and_then(|row| row.get::<_, Option<i32>>(0));
    Ok(changed_in.is_none() || changed_in == publishing.edition)
}

/// The relations of these names.
///
/// # Errors
/// A [`Problem`] when one does not exist.
pub(super) async fn relations(
    publishing: &Publishing<'_>,
    enriched: &Enriched,
) -> anyhow::Result<Vec<u32>> {
    let mut oids = Vec::new();
    for name in enriched.reads.iter().flatten() {
        let sql = "SELECT c.oid FROM pg_catalog.pg_class AS c WHERE c.oid = \
                   pg_catalog.to_regclass($1)";
        let Some(row) = publishing.session.maybe(sql, &[&name.sql()]).await? else {
            return Err(enriched
                .refuse(&format!("reads names {name}, which does not exist"))
                .hint("write \"schema.table\" as in the target, then run again")
                .into());
        };
        oids.push(row.get(0));
    }
    Ok(oids)
}
