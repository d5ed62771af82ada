//! Which types may travel in COPY's binary format, and why a table may not.
//!
//! An allow-list: what is not known to be equal on both sides travels as text. Arrays, composites
//! and ranges of user types carry object ids of their server, so only built-in elements qualify.

use std::collections::HashMap;

use serde::Serialize;

/// Object ids below this belong to PostgreSQL itself and are equal on every server
/// (`FirstNormalObjectId`, src/include/access/transam.h).
const FIRST_USER_OID: u32 = 16_384;

/// Base types whose binary form is the same on all supported majors.
const ALLOWED: &[&str] = &[
    "bool",
    "int2",
    "int4",
    "int8",
    "oid",
    "float4",
    "float8",
    "numeric",
    "text",
    "varchar",
    "bpchar",
    "char",
    "name",
    "bytea",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "bit",
    "varbit",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
];

/// What the catalogue says of a type.
#[derive(Debug, Clone, Serialize)]
pub struct TypeFacts {
    pub oid: u32,
    pub name: String,
    /// `pg_type.typtype`: b base, c composite, d domain, e enum, r range, m multirange.
    pub kind: char,
    /// Element type of a true array.
    pub element: Option<u32>,
    /// What a domain is made of, or a (multi)range ranges over.
    pub base: Option<u32>,
}

/// All types of a database by object id.
pub type Types = HashMap<u32, TypeFacts>;

/// Whether a column of this type may travel in binary; otherwise the reason for text.
pub fn allows(types: &Types, oid: u32) -> Result<(), String> {
    let Some(facts) = types.get(&oid) else {
        return Err("a type the catalogue does not know".to_owned());
    };
    let refuse = || Err(format!("type {} is not on the binary list", facts.name));
    match (facts.kind, facts.element, facts.base) {
        // The element's object id travels with an array.
        ('b', Some(element), _) if element < FIRST_USER_OID => allows(types, element),
        ('b', None, _) if oid < FIRST_USER_OID && ALLOWED.contains(&facts.name.as_str()) => Ok(()),
        // An enum travels as its label, a domain as its base type.
        ('e', ..) => Ok(()),
        ('d', _, Some(base)) => allows(types, base),
        // Bounds travel without object ids, but only built-in ranges keep their meaning for sure.
        ('r' | 'm', _, Some(base)) if oid < FIRST_USER_OID => allows(types, base),
        _ => refuse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> Types {
        let rows = [
            (23, "int4", 'b', None, None),
            (1007, "_int4", 'b', Some(23), None),
            (3614, "tsvector", 'b', None, None),
            (3904, "int4range", 'r', None, Some(23)),
            (16_400, "mood", 'e', None, None),
            (16_401, "_mood", 'b', Some(16_400), None),
            (16_402, "positive", 'd', None, Some(23)),
            (16_403, "address", 'c', None, None),
            (16_404, "citext", 'b', None, None),
        ];
        let facts = rows.map(|(oid, name, kind, element, base)| TypeFacts {
            oid,
            name: name.to_owned(),
            kind,
            element,
            base,
        });
        facts.into_iter().map(|facts| (facts.oid, facts)).collect()
    }

    #[test]
    fn built_in_types_enums_and_domains_travel_in_binary() {
        for oid in [23, 1007, 3904, 16_400, 16_402] {
            assert_eq!(allows(&types(), oid), Ok(()), "oid {oid}");
        }
    }

    #[test]
    fn whatever_carries_foreign_object_ids_or_is_unknown_travels_as_text() {
        for oid in [3614, 16_401, 16_403, 16_404, 99_999] {
            assert!(allows(&types(), oid).is_err(), "oid {oid}");
        }
    }
}
