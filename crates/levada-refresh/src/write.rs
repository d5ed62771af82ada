//! Writes settled units into their tables, inside the publish transaction, and checks that what
//! happened is what was proven to be needed.

use anyhow::Context;
use copy::Deletes;
use pg::Session;
use report::Problem;

use crate::apply;
use crate::settle::{Settled, Write};
use crate::staging::{self, Purpose};
use crate::unit::Unit;

/// What the writing of a unit did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) inserted: i64,
    pub(crate) updated: i64,
    pub(crate) deleted: i64,
}

/// Writes one unit. `number` is its place among the units.
pub(crate) async fn unit(
    session: &Session,
    number: usize,
    unit: &Unit,
    settled: &Settled,
) -> anyhow::Result<Written> {
    still_staged(session, settled).await?;
    let context = || format!("writing {}", unit.name);
    let written = match &settled.write {
        Write::Nothing => Written { inserted: settled.new, ..Written::default() },
        Write::Upsert => match upsert(session, number, unit, settled).await {
            Err(error) if error.sqlstate() == Some("23505") && unit.deletes == Deletes::Keep => {
                return Err(kept_in_the_way(unit, &error).into());
            }
            result => result.with_context(context)?,
        },
        Write::Append => {
            let sql = apply::append(unit, &settled.staged);
            let inserted = session.execute(&sql, &[]).await.with_context(context)? as i64;
            Written { inserted, ..Written::default() }
        }
        Write::Exchange(condition) => {
            exchange(session, unit, settled, condition).await.with_context(context)?
        }
    };
    let is_right = match &settled.write {
        Write::Nothing => true,
        // How many rows make room is not known beforehand, how many remain is.
        Write::Exchange(_) => true,
        _ => written.inserted == settled.new && written.deleted == settled.gone,
    };
    if is_right { Ok(written) } else { Err(contradicted(unit).into()) }
}

/// Staging tables are unlogged: a target that crashed meanwhile has emptied them.
async fn still_staged(session: &Session, settled: &Settled) -> anyhow::Result<()> {
    for (table, rows) in &settled.staging {
        let sql = format!("SELECT count(*) FROM {}", table.sql());
        if session.one(&sql, &[]).await?.get::<_, i64>(0) != *rows {
            let problem = Problem::new(format!("staged rows are gone from {table}"))
                .detail("the target was restarted meanwhile, or somebody changed the table")
                .hint("run the same command again; the published edition is unchanged");
            return Err(problem.into());
        }
    }
    Ok(())
}

fn contradicted(unit: &Unit) -> Problem {
    Problem::new(format!("{} is not as its record says", unit.name))
        .detail("somebody else has changed its rows in the target")
        .hint("levada verify --repair compares all rows and sets them right")
}

fn kept_in_the_way(unit: &Unit, error: &pg::Error) -> Problem {
    Problem::new(format!("a row kept in {} has a unique value that a new row takes", unit.name))
        .detail(error.to_string())
        .hint(
            "drop that unique index in the target, or use deletes = \"mirror\" for the table; the \
             published edition is unchanged",
        )
}

async fn upsert(
    session: &Session,
    number: usize,
    unit: &Unit,
    settled: &Settled,
) -> pg::Result<Written> {
    let mut written = Written::default();
    if settled.gone > 0 {
        let sql = apply::delete(unit, &staging::name(Purpose::Gone, number));
        written.deleted = session.execute(&sql, &[]).await? as i64;
    }
    if settled.found.staged == 0 {
        return Ok(written);
    }
    let staged = &settled.staged;
    if let Some(sql) = apply::upsert(unit, staged) {
        session.batch("SAVEPOINT levada_upsert").await?;
        match session.execute(&sql, &[]).await {
            Ok(count) => {
                session.batch("RELEASE SAVEPOINT levada_upsert").await?;
                written.inserted = settled.new;
                written.updated = count as i64 - settled.new;
                return Ok(written);
            }
            Err(error) if is_in_the_way(&error) => {
                session.batch("ROLLBACK TO SAVEPOINT levada_upsert").await?;
            }
            Err(error) => return Err(error),
        }
    }
    let replaced = session.execute(&apply::delete(unit, staged), &[]).await? as i64;
    let inserted = session.execute(&apply::insert(unit, staged), &[]).await? as i64;
    written.updated = replaced;
    written.inserted = inserted - replaced;
    Ok(written)
}

/// Another unique index or exclusion constraint, or none that the key could use.
fn is_in_the_way(error: &pg::Error) -> bool {
    matches!(error.sqlstate(), Some("23505" | "23P01" | "42P10"))
}

async fn exchange(
    session: &Session,
    unit: &Unit,
    settled: &Settled,
    condition: &str,
) -> pg::Result<Written> {
    let delete = format!("DELETE FROM {} AS t WHERE {condition}", unit.relation());
    let deleted = session.execute(&delete, &[]).await? as i64;
    let insert = apply::insert(unit, &settled.staged);
    let inserted = session.execute(&insert, &[]).await? as i64;
    Ok(Written { inserted, updated: 0, deleted })
}
