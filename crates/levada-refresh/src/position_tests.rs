//! Where a source stands compared to an edition: every standing by an example.

use edition::Placement;
use pg::Position;

use super::*;

fn identity() -> Identity {
    Identity {
        system_identifier: 7,
        timeline: 1,
        database_oid: 5,
        database: "shop".into(),
        version: 150_000,
        encoding: "UTF8".into(),
        in_recovery: false,
        started_at: String::new(),
        user: "reader".into(),
    }
}

fn base(snapshot: &str, lsn: &str) -> Edition {
    Edition {
        number: 1,
        state: "published".into(),
        placement: Placement::Direct,
        fingerprint: String::new(),
        source: identity(),
        schemas: Vec::new(),
        definitions: None,
        late_statements: Vec::new(),
        objects: Vec::new(),
        replaces: Vec::new(),
        as_of: None,
        snapshot: Some(snapshot.into()),
        lsn: Some(lsn.into()),
        shape: None,
        shape_hash: None,
    }
}

fn now(snapshot: &str, lsn: &str) -> Snapshot {
    let xmin = snapshot.split(':').next().unwrap().parse().unwrap();
    let position = Position { xmin, snapshot: snapshot.into(), lsn: lsn.into() };
    Snapshot { position, as_of: String::new(), seen_lsn: lsn.into() }
}

#[test]
fn the_bound_is_the_oldest_transaction_that_was_running() {
    let standing =
        compare((&base("90:120:90,100", "0/10")).into(), &identity(), &now("130:130:", "0/20"));
    assert_eq!(standing, Standing::Ahead { bound: 90 });
    let far = (3_u64 << 32) + 9;
    let old = base(&format!("{far}:{far}:"), "0/10");
    let standing = compare((&old).into(), &identity(), &now(&format!("{far}:{far}:"), "0/10"));
    assert_eq!(standing, Standing::Ahead { bound: 9 });
}

#[test]
fn a_source_that_does_not_see_the_edition_is_behind() {
    let old = base("100:120:100", "0/20");
    assert_eq!(compare((&old).into(), &identity(), &now("90:110:", "0/10")), Standing::Behind);
    // 110 had committed before the edition and is still running here.
    assert_eq!(compare((&old).into(), &identity(), &now("110:130:110", "0/30")), Standing::Behind);
    let forward = compare((&old).into(), &identity(), &now("100:130:100", "0/30"));
    assert_eq!(forward, Standing::Ahead { bound: 100 });
}

#[test]
fn a_standby_is_judged_by_what_it_has_replayed() {
    let old = base("100:120:100", "1/FF");
    let standby = Identity { in_recovery: true, ..identity() };
    assert_eq!(compare((&old).into(), &standby, &now("100:120:", "0/FFFFFFFF")), Standing::Behind);
    let replayed = compare((&old).into(), &standby, &now("100:120:", "1/100"));
    assert_eq!(replayed, Standing::Ahead { bound: 100 });
}

#[test]
fn other_histories_are_named() {
    let old = base("100:120:", "0/10");
    let reason = |source: &Identity, snapshot: &str| match compare(
        (&old).into(),
        source,
        &now(snapshot, "0/20"),
    ) {
        Standing::Incomparable(reason) => reason,
        other => panic!("{other:?}"),
    };
    let elsewhere = Identity { system_identifier: 8, ..identity() };
    assert!(reason(&elsewhere, "200:200:").contains("another server"));
    let promoted = Identity { timeline: 2, ..identity() };
    assert!(reason(&promoted, "90:90:").contains("timeline 1 to 2"));
    let far = 100 + (1_u64 << 31);
    assert!(reason(&identity(), &format!("{far}:{far}:")).contains("2^31"));
    let near = far - (1 << 24) - 1;
    let standing = compare((&old).into(), &identity(), &now(&format!("{near}:{near}:"), "0/20"));
    assert_eq!(standing, Standing::Ahead { bound: 100 });
}
