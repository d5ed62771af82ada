//! Extensions of the source that the target needs. Only known ones are created without being asked.

use anyhow::Context;
use pg::catalog::Extension;
use pg::{Session, quote_identifier};
use report::Problem;

use crate::config::Config;

/// Extensions that hold no data of their own and mean the same everywhere: PostgreSQL's contrib
/// modules and pgvector.
const KNOWN: &[&str] = &[
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "intagg",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "pg_trgm",
    "pgcrypto",
    "seg",
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "vector",
    "xml2",
];

/// Extensions that serve the operation of a server, or its triggers, and mean nothing in a copy.
const OPERATIONAL: &[&str] = &[
    "plpgsql",
    "adminpack",
    "amcheck",
    "auth_delay",
    "auto_explain",
    "autoinc",
    "dblink",
    "file_fdw",
    "insert_username",
    "moddatetime",
    "old_snapshot",
    "pageinspect",
    "pg_buffercache",
    "pg_cron",
    "pg_freespacemap",
    "pg_prewarm",
    "pg_repack",
    "pg_stat_kcache",
    "pg_stat_statements",
    "pg_surgery",
    "pg_visibility",
    "pg_walinspect",
    "pgaudit",
    "pglogical",
    "pgrowlocks",
    "pgstattuple",
    "postgres_fdw",
    "refint",
    "sslinfo",
];

/// The extensions to create on the target.
pub(crate) fn choose(extensions: &[Extension], config: &Config) -> Result<Vec<Extension>, Problem> {
    let mut chosen = Vec::new();
    for extension in extensions {
        let name = &extension.name;
        let is_asked_for = config.extensions.contains(name);
        if config.omit_extensions.contains(name)
            || (OPERATIONAL.contains(&name.as_str()) && !is_asked_for)
        {
            continue;
        }
        if !is_asked_for && !KNOWN.contains(&name.as_str()) {
            let problem = Problem::new(format!("extension {name} of the source is not supported"))
                .detail("levada does not know whether it keeps data or means the same elsewhere")
                .hint(format!(
                    "add it to [copy] extensions to create it on the target, or to \
                     omit_extensions to do without (--extension {name}, --omit-extension {name})"
                ));
            return Err(problem);
        }
        chosen.push(extension.clone());
    }
    Ok(chosen)
}

/// Creates what is missing. An extension that stands already stays as it is.
pub(crate) async fn create(session: &Session, extensions: &[Extension]) -> anyhow::Result<()> {
    for extension in extensions {
        let (name, schema) =
            (quote_identifier(&extension.name), quote_identifier(&extension.schema));
        let exists = "SELECT 1 FROM pg_extension WHERE extname = $1";
        if session.maybe(exists, &[&extension.name]).await?.is_some() {
            continue;
        }
        let available = "SELECT 1 FROM pg_available_extensions WHERE name = $1";
        if session.maybe(available, &[&extension.name]).await?.is_none() {
            let problem =
                Problem::new(format!("the target cannot offer extension {}", extension.name)).hint(
                    "install its package on the target's server, or name it in [copy] \
                     omit_extensions",
                );
            return Err(problem.into());
        }
        if extension.schema != "pg_catalog" {
            let sql = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
            if session.maybe(sql, &[&extension.schema]).await?.is_none() {
                session.batch(&format!("CREATE SCHEMA {schema}")).await?;
            }
        }
        session
            .batch(&format!("CREATE EXTENSION {name} WITH SCHEMA {schema}"))
            .await
            .with_context(|| format!("creating extension {} on the target", extension.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str], config: &Config) -> Result<Vec<String>, Problem> {
        let extensions: Vec<_> = names
            .iter()
            .map(|name| Extension {
                name: (*name).to_owned(),
                schema: "public".to_owned(),
                version: "1".to_owned(),
            })
            .collect();
        Ok(choose(&extensions, config)?.into_iter().map(|extension| extension.name).collect())
    }

    #[test]
    fn known_ones_are_created_operational_ones_left_behind_others_refused() {
        let config = Config::default();
        assert_eq!(
            chosen(&["plpgsql", "citext", "pg_stat_statements"], &config).unwrap(),
            ["citext"]
        );
        assert!(chosen(&["postgis"], &config).unwrap_err().hint.unwrap().contains("--extension"));
    }

    #[test]
    fn a_person_may_add_and_omit() {
        let config = Config {
            extensions: vec!["postgis".into()],
            omit_extensions: vec!["timescaledb".into()],
            ..Config::default()
        };
        assert_eq!(chosen(&["postgis", "timescaledb"], &config).unwrap(), ["postgis"]);
    }
}
