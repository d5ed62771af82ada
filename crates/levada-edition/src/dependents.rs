//! What depends on relations that are about to be dropped, so that it can be put back afterwards:
//! views of any schema, views on views, their grants, comments, owners and indexes, foreign keys
//! of other tables, and the grants on the dropped relations themselves.
//!
//! It knows PostgreSQL's own web of dependencies and follows it; what it cannot put back it refuses
//! before anything is dropped. It never uses CASCADE, and it drops only what it has saved.

use std::collections::{HashMap, HashSet};

use pg::{Error, Name, Result, Row, Session, quote_identifier};
use report::Problem;

use crate::grants::{Grant, columns_of, grant, grants_of};

/// What must go along with some relations, and how it comes back.
///
/// Everything happens in the transaction of the caller: collect, run [`Saved::drop_sql`] while
/// everything still has its name, replace the relations by others of the same names, then
/// [`Saved::restore`]. Who locks the relations first cannot be surprised by a view made meanwhile;
/// otherwise dropping them fails, as nothing cascades.
#[derive(Debug)]
pub struct Saved {
    /// In the order of creation: a view stands after those that it reads.
    views: Vec<View>,
    keys: Vec<Key>,
    /// Rights on the dropped relations themselves.
    grants: Vec<Grant>,
    /// Indexes of the replaced tables.
    indexes: Vec<Index>,
    /// Statements that give relations back to their owners, with the relation.
    owners: Vec<(Name, String)>,
}

#[derive(Debug)]
struct View {
    oid: u32,
    name: Name,
    is_new: bool,
    is_materialized: bool,
    is_populated: bool,
    definition: Option<String>,
    options: Option<String>,
    owner: String,
    role: String,
    /// Indexes, defaults, rules, triggers, comments.
    extras: Vec<String>,
    grants: Vec<Grant>,
    reads: Vec<u32>,
}

#[derive(Debug)]
struct Key {
    table: Name,
    name: String,
    /// `None` when the table goes as well.
    add: Option<String>,
    comment: Option<String>,
}

#[derive(Debug)]
struct Index {
    name: Name,
    table: Name,
    definition: String,
    comment: Option<String>,
}

/// Hints end with it: nothing was dropped for good.
const UNCHANGED: &str = "the published edition is unchanged";

impl Saved {
    /// What depends on the tables and views that are to be `replaced` or dropped, and which views
    /// depend on tables that are to be `altered` in a way that views forbid; unknown names are
    /// passed over. Views among the replaced are saved like those that depend on them; of the
    /// replaced tables, only the rights are. Foreign keys of replaced tables do not come back.
    ///
    /// # Errors
    /// [`Error::Refused`] when something cannot be put back, or belongs to a role that ours is no
    /// member of. Nothing has been changed then.
    pub async fn of_relations(
        session: &Session,
        replaced: &[Name],
        altered: &[Name],
    ) -> Result<Self> {
        let schemas = |list: &[Name]| list.iter().map(|name| name.schema.clone()).collect();
        let names = |list: &[Name]| list.iter().map(|name| name.name.clone()).collect();
        let lists: [Vec<String>; 4] =
            [schemas(replaced), names(replaced), schemas(altered), names(altered)];
        let roots = include_str!("sql/dependents_of_relations.sql");
        let roots = session.rows(roots, &[&lists[0], &lists[1], &lists[2], &lists[3]]).await?;
        let (mut saved, lasting) = Self::collect(session, &roots).await?;
        if !lasting.is_empty() {
            return Err(Error::Refused(cannot_follow(&lasting)));
        }
        let tables: Vec<u32> = roots
            .iter()
            .filter(|row| !row.get::<_, bool>("is_view"))
            .map(|row| row.get("object"))
            .collect();
        saved.grants = grants_of(session, &tables).await?.into_values().flatten().collect();
        for row in session.rows(include_str!("sql/dependents_indexes.sql"), &[&tables]).await? {
            let name = name_of(&row);
            saved.indexes.push(Index {
                table: Name::new(&name.schema, row.get::<_, String>("table_name")),
                name,
                definition: row.get("definition"),
                comment: row.get("comment"),
            });
        }
        for row in session.rows(include_str!("sql/dependents_owners.sql"), &[&tables]).await? {
            if !row.get::<_, bool>("is_own") {
                let (table, owner) = (name_of(&row), row.get::<_, String>("owner"));
                let owner = quote_identifier(&owner);
                let statement = format!("ALTER TABLE {} OWNER TO {owner}", table.sql());
                saved.owners.push((table, statement));
            }
        }
        Ok(saved)
    }

    /// The views and foreign keys outside of these schemas that depend on anything inside. What
    /// else does is for the caller to look for, once these are dropped.
    ///
    /// # Errors
    /// As [`Saved::of_relations`], for roles that ours is no member of.
    pub async fn of_schemas(session: &Session, schemas: &[String]) -> Result<Self> {
        let roots = include_str!("sql/dependents_of_schemas.sql");
        let roots = session.rows(roots, &[&schemas]).await?;
        let (mut saved, _) = Self::collect(session, &roots).await?;
        // Keys inside go with the schemas. What is being built uses extensions of theirs.
        let is_ours = |name: &Name| name.schema.starts_with("levada");
        saved.keys.retain(|key| key.add.is_some() && !is_ours(&key.table));
        saved.views.retain(|view| !is_ours(&view.name));
        Ok(saved)
    }

    /// What can be put back, and the descriptions of what cannot.
    async fn collect(session: &Session, roots: &[Row]) -> Result<(Self, Vec<String>)> {
        let classes: Vec<u32> = roots.iter().map(|row| row.get("class")).collect();
        let objects: Vec<u32> = roots.iter().map(|row| row.get("object")).collect();
        let are_views: Vec<bool> = roots.iter().map(|row| row.get("is_view")).collect();
        let falling = include_str!("sql/dependents_falling.sql");
        let falling = session.rows(falling, &[&classes, &objects, &are_views]).await?;
        let of = |verdict: &str| -> Vec<u32> {
            let rows = falling.iter().filter(|row| row.get::<_, &str>("verdict") == verdict);
            rows.map(|row| row.get("object")).collect()
        };
        let lasting = falling.iter().filter(|row| row.get::<_, &str>("verdict") == "stays");
        let lasting: Vec<String> = lasting.map(|row| row.get("description")).collect();
        let views = load_views(session, &of("view")).await?;
        let keys = load_keys(session, &of("key"), &objects).await?;
        let (grants, indexes, owners) = Default::default();
        Ok((Self { views: sorted(views), keys, grants, indexes, owners }, lasting))
    }

    /// Whether nothing depends on the relations and nobody has rights on them.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
            && self.keys.iter().all(|key| key.add.is_none())
            && self.grants.is_empty()
            && self.indexes.is_empty()
            && self.owners.is_empty()
    }

    /// The views and materialised views that go and come back, in the order of creation.
    pub fn views(&self) -> impl Iterator<Item = &Name> {
        self.views.iter().map(|view| &view.name)
    }

    /// Whether [`Saved::restore`] adds the foreign key `name` of `table` again.
    pub fn restores_key(&self, table: &Name, name: &str) -> bool {
        self.keys.iter().any(|key| key.table == *table && key.name == name && key.add.is_some())
    }

    /// Gives a saved view another query (without the words before it), or none, so that it does not
    /// come back. Its owner, grants and comments stay what they were. Returns whether it is among
    /// the saved ones.
    pub fn redefine(&mut self, view: &Name, query: Option<&str>) -> bool {
        match self.views.iter_mut().find(|saved| saved.name == *view) {
            Some(saved) => {
                saved.definition = query.map(str::to_owned);
                true
            }
            None => false,
        }
    }

    /// Takes out the views that are `chosen`, and those that read them, in the order of creation.
    pub fn split_off(&mut self, chosen: impl Fn(&Name) -> bool) -> Self {
        let mut taken = HashSet::new();
        let (apart, rest) = std::mem::take(&mut self.views).into_iter().partition(|view| {
            let goes = chosen(&view.name) || view.reads.iter().any(|read| taken.contains(read));
            goes && (view.is_new || taken.insert(view.oid))
        });
        self.views = rest;
        let (keys, grants, indexes, owners) = Default::default();
        Self { views: apart, keys, grants, indexes, owners }
    }

    /// Creates the saved view of this name with another query, with the owner, the grants and all
    /// else that it had, and strikes it off. `false` when it is not among the saved.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn create_view(
        &mut self,
        session: &Session,
        name: &Name,
        query: &str,
    ) -> Result<bool> {
        let Some(place) = self.views.iter().position(|view| view.name == *name) else {
            return Ok(false);
        };
        let mut view = self.views.remove(place);
        view.definition = Some(query.to_owned());
        let extras = std::mem::take(&mut view.extras);
        view.create(session).await?;
        for extra in extras {
            session.batch("SAVEPOINT levada_extra").await?;
            match session.batch(&extra).await {
                Ok(()) => session.batch("RELEASE SAVEPOINT levada_extra").await?,
                // The comment of a column that is gone.
                Err(error) if error.sqlstate() == Some(UNDEFINED_COLUMN) => {
                    session.batch("ROLLBACK TO SAVEPOINT levada_extra").await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Leaves indexes of the replaced tables to production, which has or had them: those of readers
    /// come back. Without it all would, and collide with those of the new tables.
    pub fn leave_indexes(&mut self, is_of_production: impl Fn(&Name) -> bool) {
        self.indexes.retain(|index| !is_of_production(&index.name));
    }

    /// Adds a view that was not there before, to be created among those that come back. Defaults of
    /// its schema decide who may read it.
    pub fn add_view(&mut self, name: &Name, query: &str, options: Option<&str>) {
        self.views.push(View {
            oid: 0,
            name: name.clone(),
            is_new: true,
            is_materialized: false,
            is_populated: true,
            definition: Some(query.to_owned()),
            options: options.map(str::to_owned),
            owner: String::new(),
            role: String::new(),
            extras: Vec::new(),
            grants: Vec::new(),
            reads: Vec::new(),
        });
    }

    /// The statements that take everything saved away, in an order that needs no CASCADE.
    pub fn drop_sql(&self) -> Vec<String> {
        let keys = self.keys.iter().map(|key| {
            let name = quote_identifier(&key.name);
            format!("ALTER TABLE {} DROP CONSTRAINT {name}", key.table.sql())
        });
        let views = self.views.iter().rev().filter(|view| !view.is_new);
        keys.chain(views.map(|view| format!("DROP {} {}", view.kind(), view.name.sql()))).collect()
    }

    /// Puts everything back, resolved against what bears the names now.
    ///
    /// # Errors
    /// [`Error::Refused`] names the object that does not fit any more; the caller rolls back.
    /// Errors that a new attempt may overcome, such as a lock that was not granted, are passed on
    /// as they are.
    pub async fn restore(&self, session: &Session) -> Result<()> {
        for (table, statement) in &self.owners {
            if !columns_of(session, table).await?.is_empty() {
                run(session, statement, &format!("the owner of table {table}")).await?;
            }
        }
        grant(session, &self.grants).await?;
        for index in &self.indexes {
            if columns_of(session, &index.table).await?.is_empty() {
                continue;
            }
            let what = format!("index {}", index.name);
            run(session, &index.definition, &what).await?;
            if let Some(comment) = &index.comment {
                let comment = pg::quote_literal(comment);
                let sql = format!("COMMENT ON INDEX {} IS {comment}", index.name.sql());
                run(session, &sql, &what).await?;
            }
        }
        self.restore_views(session).await?;
        for key in &self.keys {
            let Some(add) = &key.add else { continue };
            let (name, table) = (quote_identifier(&key.name), key.table.sql());
            let what = format!("foreign key {} of table {}", key.name, key.table);
            let add = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {add}");
            run(session, &add, &what).await?;
            if let Some(comment) = &key.comment {
                let comment = pg::quote_literal(comment);
                let comment = format!("COMMENT ON CONSTRAINT {name} ON {table} IS {comment}");
                run(session, &comment, &what).await?;
            }
        }
        Ok(())
    }

    /// Views that were given another query may read each other in another order than before: who
    /// misses a relation waits for the others.
    async fn restore_views(&self, session: &Session) -> Result<()> {
        let mut waiting: Vec<&View> =
            self.views.iter().filter(|view| view.definition.is_some()).collect();
        while !waiting.is_empty() {
            let mut missed = Vec::new();
            let mut last_error = None;
            let before = waiting.len();
            for view in waiting {
                session.batch("SAVEPOINT levada_view").await?;
                match view.create(session).await {
                    Ok(()) => session.batch("RELEASE SAVEPOINT levada_view").await?,
                    Err(error) if error.sqlstate() == Some(UNDEFINED_TABLE) => {
                        session.batch("ROLLBACK TO SAVEPOINT levada_view").await?;
                        missed.push(view);
                        last_error.get_or_insert((view, error));
                    }
                    Err(error) => return Err(explained(error, &view.title())),
                }
            }
            match last_error {
                Some((view, error)) if missed.len() == before => {
                    return Err(explained(error, &view.title()));
                }
                _ => waiting = missed,
            }
        }
        Ok(())
    }
}

const UNDEFINED_TABLE: &str = "42P01";
const UNDEFINED_COLUMN: &str = "42703";

impl View {
    fn kind(&self) -> &'static str {
        if self.is_materialized { "MATERIALIZED VIEW" } else { "VIEW" }
    }

    fn title(&self) -> String {
        format!("{} {}", self.kind().to_lowercase(), self.name)
    }

    async fn create(&self, session: &Session) -> Result<()> {
        let Some(definition) = &self.definition else { return Ok(()) };
        let (kind, name) = (self.kind(), self.name.sql());
        let options =
            self.options.as_ref().map(|list| format!(" WITH ({list})")).unwrap_or_default();
        let data = if self.is_materialized { " WITH NO DATA" } else { "" };
        session.batch(&format!("CREATE {kind} {name}{options} AS {definition}{data}")).await?;
        if self.is_new {
            return Ok(());
        }
        let revoke = include_str!("sql/dependents_default_grants.sql");
        for row in session.rows(revoke, &[&self.name.schema, &self.name.name]).await? {
            session.batch(row.get(0)).await?;
        }
        for extra in &self.extras {
            session.batch(extra).await?;
        }
        grant(session, &self.grants).await?;
        if self.owner != self.role {
            let owner = quote_identifier(&self.owner);
            session.batch(&format!("ALTER {kind} {name} OWNER TO {owner}")).await?;
        }
        // Only now: it is computed with the rights of the owner.
        if self.is_materialized && self.is_populated {
            session.batch(&format!("REFRESH MATERIALIZED VIEW {name}")).await?;
        }
        Ok(())
    }
}

async fn run(session: &Session, statement: &str, what: &str) -> Result<()> {
    session.batch(statement).await.map_err(|error| explained(error, what))
}

/// What a person reads when an object does not fit what production looks like now.
fn explained(error: Error, what: &str) -> Error {
    if error.is_retryable() || !matches!(error, Error::Server { .. }) {
        return error;
    }
    let hint = match error.sqlstate() {
        Some("42501") => "grant the missing right to the role of this connection",
        _ => "change or drop it",
    };
    let problem = Problem::new(format!("{what} cannot be recreated"))
        .detail(error.to_string())
        .hint(format!("{hint}, then run again; {UNCHANGED}"));
    Error::Refused(problem)
}

fn cannot_follow(objects: &[String]) -> Problem {
    Problem::new("objects of your own depend on tables that have to be replaced")
        .detail(objects.join(", "))
        .hint(format!("drop them and create them again afterwards; {UNCHANGED}"))
}

fn belongs_to_another(what: &str, owner: &str, role: &str) -> Error {
    let (owner_sql, role_sql) = (quote_identifier(owner), quote_identifier(role));
    let problem = Problem::new(format!("{what} cannot be recreated"))
        .detail(format!("it belongs to {owner}, and {role} is no member of that role"))
        .hint(format!("GRANT {owner_sql} TO {role_sql}, then run again; {UNCHANGED}"));
    Error::Refused(problem)
}

async fn load_views(session: &Session, oids: &[u32]) -> Result<Vec<View>> {
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    let mut extras: HashMap<u32, Vec<String>> = HashMap::new();
    for row in session.rows(include_str!("sql/dependents_extras.sql"), &[&oids]).await? {
        extras.entry(row.get("oid")).or_default().push(row.get("statement"));
    }
    let mut grants = grants_of(session, oids).await?;
    let mut views = Vec::with_capacity(oids.len());
    for row in session.rows(include_str!("sql/dependents_views.sql"), &[&oids]).await? {
        let oid = row.get("oid");
        let view = View {
            oid,
            name: name_of(&row),
            is_new: false,
            is_materialized: row.get("is_materialized"),
            is_populated: row.get("is_populated"),
            definition: Some(row.get("definition")),
            options: row.get("options"),
            owner: row.get("owner"),
            role: row.get("role"),
            extras: extras.remove(&oid).unwrap_or_default(),
            grants: grants.remove(&oid).unwrap_or_default(),
            reads: row.get("reads"),
        };
        if !row.get::<_, bool>("may_own") {
            return Err(belongs_to_another(&view.title(), &view.owner, &view.role));
        }
        views.push(view);
    }
    Ok(views)
}

async fn load_keys(session: &Session, keys: &[u32], roots: &[u32]) -> Result<Vec<Key>> {
    let mut loaded = Vec::new();
    for row in session.rows(include_str!("sql/dependents_keys.sql"), &[&keys, &roots]).await? {
        let (schema, table): (String, String) = (row.get("schema"), row.get("table_name"));
        let key = Key {
            table: Name::new(schema, table),
            name: row.get("name"),
            add: (!row.get::<_, bool>("goes")).then(|| {
                let definition: String = row.get("definition");
                // Its rows were valid, and are what they were; a partitioned table knows no other.
                let late = if row.get("is_partitioned") { "" } else { " NOT VALID" };
                format!("{definition}{late}")
            }),
            comment: row.get("comment"),
        };
        if !row.get::<_, bool>("may_alter") {
            let what = format!("foreign key {} of table {}", key.name, key.table);
            return Err(belongs_to_another(&what, row.get("owner"), row.get("role")));
        }
        loaded.push(key);
    }
    Ok(loaded)
}

/// Each view after those that it reads. Views cannot read each other in circles.
fn sorted(views: Vec<View>) -> Vec<View> {
    let mut open = views;
    let mut done = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let waiting: HashSet<u32> = open.iter().map(|view| view.oid).collect();
        let is_ready = |view: &View| !view.reads.iter().any(|read| waiting.contains(read));
        let (ready, rest): (Vec<_>, Vec<_>) = open.into_iter().partition(is_ready);
        if ready.is_empty() {
            done.extend(rest);
            break;
        }
        done.extend(ready);
        open = rest;
    }
    done
}

pub(crate) fn name_of(row: &Row) -> Name {
    Name::new(row.get::<_, String>("schema"), row.get::<_, String>("name"))
}
