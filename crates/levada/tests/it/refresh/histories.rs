//! Random histories: several sessions write, savepoints come and go, transactions stay open, and at
//! random moments an edition is made. After each the target must equal what is committed, by a
//! comparison that is not levada's. `LEVADA_SEED` plays a history again.
//!
//! Only these sessions write, so between the end of a run and the comparison nothing is committed.

use std::time::{Duration, Instant};

use testkit::{Database, Dice, Session};

use super::{Way, owned_target, stage};

/// Steps that change definitions take part.
const WITH_DEFINITIONS: bool = true;
const SESSIONS: usize = 4;
/// How many of the last steps a failure shows.
const SHOWN: usize = 150;

struct History {
    source: Database,
    ways: Vec<Way>,
    sessions: Vec<Option<Writer>>,
    dice: Dice,
    /// What was done, the newest last.
    told: Vec<String>,
    steps: u64,
    editions: u64,
    labels: u32,
}

struct Writer {
    session: Session,
    is_open: bool,
    savepoints: u32,
}

impl History {
    fn new(name: &str, seed: u64) -> Self {
        let (source, way) = stage(name, include_str!("history.sql"));
        let owned = Way::new(&format!("{name}-owned"), source.url(), &owned_target(name));
        let mut history = Self {
            source,
            ways: vec![way, owned],
            sessions: (0..SESSIONS).map(|_| None).collect(),
            dice: Dice::from_env_or(seed),
            told: Vec::new(),
            steps: 0,
            editions: 0,
            labels: 0,
        };
        history.edition(&[0, 1]);
        history
    }

    fn play(&mut self, at_most: Duration) {
        let started = Instant::now();
        while started.elapsed() < at_most {
            for _ in 0..self.dice.between(20, 200) {
                self.step();
            }
            match self.dice.below(10) {
                0..=3 => self.edition(&[0]),
                4..=7 => self.edition(&[1]),
                8 => self.edition(&[0, 1]),
                // Changes while the run reads; the edition is some moment in between.
                _ => self.edition_among_steps(),
            }
        }
        for number in 0..SESSIONS {
            self.finish(number);
        }
        self.edition(&[0, 1]);
        eprintln!("{} steps, {} editions", self.steps, self.editions);
    }

    /// An edition in some of the targets, each compared with what is committed.
    fn edition(&mut self, ways: &[usize]) {
        for number in ways {
            let way = &self.ways[*number];
            let ran = way.run_telling();
            self.told.push(format!("-- edition in {number}: exit {}", ran.code));
            self.editions += 1;
            assert_eq!(ran.code, 0, "{}\n{}", ran.stderr, self.story());
            let (source, target) = (self.source.content().unwrap(), way.target.content().unwrap());
            for (object, digest) in &source {
                let found = target.get(object);
                assert_eq!(found, Some(digest), "{object} in {number}\n{}", self.story());
            }
            assert_eq!(source.len(), target.len(), "{number}\n{}", self.story());
        }
    }

    fn edition_among_steps(&mut self) {
        let number = self.dice.below(2) as usize;
        self.told.push(format!("-- edition in {number} begins"));
        let child = self.ways[number].start();
        for _ in 0..self.dice.between(5, 60) {
            self.step();
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{}", self.story());
        self.edition(&[number]);
    }

    fn story(&self) -> String {
        let from = self.told.len().saturating_sub(SHOWN);
        format!("LEVADA_SEED={}\n{}", self.dice.seed(), self.told[from..].join("\n"))
    }

    /// Something that one of the sessions does, or a visitor outside of all transactions.
    fn step(&mut self) {
        self.steps += 1;
        if self.dice.chance(3) {
            return self.visit();
        }
        let number = self.dice.below(SESSIONS as u64) as usize;
        if self.sessions[number].is_none() {
            let mut session = self.source.session().unwrap();
            session.run("SET lock_timeout = '10ms'").unwrap();
            self.sessions[number] = Some(Writer { session, is_open: false, savepoints: 0 });
        }
        let (is_open, savepoints) = match &self.sessions[number] {
            Some(writer) => (writer.is_open, writer.savepoints),
            None => (false, 0),
        };
        let roll = self.dice.below(100);
        match (is_open, roll) {
            (false, 0..50) => self.run(number, "BEGIN", |w| w.is_open = true),
            (true, 0..6) => self.finish(number),
            (true, 6..8) => self.run(number, "ROLLBACK", |w| *w = w.taken_back()),
            (true, 8..15) => {
                self.run(number, &format!("SAVEPOINT s{savepoints}"), |w| w.savepoints += 1);
            }
            (true, 15..20) if savepoints > 0 => {
                let kept = self.dice.below(u64::from(savepoints)) as u32;
                let undo = format!("ROLLBACK TO SAVEPOINT s{kept}");
                self.run(number, &undo, |w| w.savepoints = kept + 1);
            }
            (true, 20..24) if savepoints > 0 => {
                let last = savepoints - 1;
                self.run(number, &format!("RELEASE SAVEPOINT s{last}"), |w| w.savepoints = last);
            }
            _ => {
                let change = self.change();
                let guarded = self.dice.chance(70) || is_open;
                let sql =
                    if guarded { format!("SELECT attempt($step${change}$step$)") } else { change };
                self.run(number, &sql, |_| ());
            }
        }
    }

    fn finish(&mut self, number: usize) {
        if self.sessions[number].as_ref().is_some_and(|writer| writer.is_open) {
            self.run(number, "COMMIT", |w| *w = w.taken_back());
        }
    }

    /// Runs a statement; one that fails ends its session, as a lost connection would.
    fn run(&mut self, number: usize, sql: &str, then: impl FnOnce(&mut Progress)) {
        let Some(writer) = &mut self.sessions[number] else { return };
        let result = writer.session.run(sql);
        let mark = if result.is_ok() { "" } else { " -- failed" };
        self.told.push(format!("{number}: {sql}{mark}"));
        match result {
            Ok(_) => {
                let mut progress =
                    Progress { is_open: writer.is_open, savepoints: writer.savepoints };
                then(&mut progress);
                writer.is_open = progress.is_open;
                writer.savepoints = progress.savepoints;
            }
            Err(_) => self.sessions[number] = None,
        }
    }

    /// What only works outside of transactions, or needs a table alone.
    fn visit(&mut self) {
        let table = ["account", "item", "event", "log", "code", "numbered", "spot", "scratch"];
        let table = self.dice.pick(&table).copied().unwrap_or("log");
        let sql = match self.dice.below(if WITH_DEFINITIONS { 8 } else { 5 }) {
            0 => "VACUUM".to_owned(),
            1 => "VACUUM FREEZE".to_owned(),
            2 => format!("SET lock_timeout = '10ms'; VACUUM FULL {table}"),
            3 => format!("SET lock_timeout = '10ms'; TRUNCATE {table} CASCADE"),
            4 => "CHECKPOINT".to_owned(),
            _ => format!("SET lock_timeout = '10ms'; {}", self.definition()),
        };
        let result = self.source.execute(&sql);
        let mark = if result.is_ok() { "" } else { " -- failed" };
        self.told.push(format!("v: {sql}{mark}"));
    }

    /// A change of definitions that a refresh follows.
    fn definition(&mut self) -> String {
        self.labels += 1;
        let label = self.labels;
        let table = ["account", "item", "event", "log", "code"];
        let table = self.dice.pick(&table).copied().unwrap_or("log");
        match self.dice.below(8) {
            0 => format!("ALTER TYPE mood ADD VALUE 'mood {label}'"),
            1 => format!("ALTER TABLE {table} ADD COLUMN c{label} int"),
            2 => format!("ALTER TABLE {table} ADD COLUMN c{label} text NOT NULL DEFAULT 'new'"),
            3 => format!("ALTER TABLE {table} RENAME COLUMN v TO w"),
            4 => format!("ALTER TABLE {table} RENAME COLUMN w TO v"),
            5 => format!(
                "CREATE TABLE new{label} (id int PRIMARY KEY, v text); INSERT INTO \
                          new{label} SELECT n, 'v' FROM generate_series(1, 9) n"
            ),
            6 => format!("DROP TABLE IF EXISTS new{}", label.saturating_sub(2)),
            _ => format!("CREATE INDEX ON {table} (({label}))"),
        }
    }

    /// One statement, or a few, that write rows.
    fn change(&mut self) -> String {
        let dice = &mut self.dice;
        let (a, b, c) = (dice.between(1, 90), dice.between(1, 90), dice.between(1, 130));
        let wide = dice.between(1, 40);
        let text = match dice.below(8) {
            0 => format!("repeat('{}', 3000)", dice.word(4)),
            _ => format!("'{}'", dice.word(3)),
        };
        match dice.below(38) % 31 {
            0 => format!("INSERT INTO account VALUES ({a}, {b}, 'nick {c}', {text}, 'sad')"),
            1 => format!("INSERT INTO item VALUES ({c}, {a}, {b}, {text})"),
            2 => format!("INSERT INTO event VALUES ({c}, {a}, {text}, {b})"),
            3 => {
                format!("INSERT INTO log SELECT 'word ' || n, {a} % 4 FROM generate_series(1, 3) n")
            }
            4 => format!("INSERT INTO code VALUES ('code {a}', {b}, {c})"),
            5 => format!("INSERT INTO numbered (n) VALUES ({a})"),
            6 => format!("INSERT INTO spot VALUES ({a}, 1, int4range({b}0, {b}0 + 10))"),
            7 => format!("UPDATE account SET owner = {b} WHERE id = {a}"),
            8 => format!("UPDATE account SET id = {b} WHERE id = {a}"),
            9 => format!("UPDATE account SET m = 'happy', nick = 'nick {b}' WHERE id = {a}"),
            10 => format!(
                "UPDATE account SET owner = NULL WHERE id = {a}; UPDATE account SET \
                 owner = {a} WHERE id = {b}; UPDATE account SET owner = {b} WHERE id = {a}"
            ),
            11 => format!("DELETE FROM account WHERE id = {a}"),
            12 => format!("DELETE FROM item WHERE id = {c}"),
            13 => format!("UPDATE item SET parent = {c}, account = {b} WHERE id = {a}"),
            14 => format!(
                "DELETE FROM item WHERE id = {c}; INSERT INTO item VALUES ({c}, {a}, \
                           NULL, {text})"
            ),
            15 => format!("UPDATE item SET id = id + 200 WHERE id = {c}"),
            16 => format!("UPDATE event SET at = {c} WHERE id = {a}"),
            17 => format!("UPDATE event SET at = (at + 50) % 130 WHERE id BETWEEN {a} AND {a} + 3"),
            18 => format!("DELETE FROM event WHERE at = {c}"),
            19 => "DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log)".to_owned(),
            20 => format!("UPDATE log SET n = n + 1 WHERE word = 'word {}'", a % 9),
            21 => format!("DELETE FROM log WHERE word = 'word {}' AND n = {}", a % 9, b % 4),
            22 => format!(
                "UPDATE code SET rank = 61 - rank WHERE rank BETWEEN {wide} AND 61 - {wide}"
            ),
            23 => format!("UPDATE code SET code = 'code {b}', n = {c}.0 WHERE code = 'code {a}'"),
            24 => format!("DELETE FROM code WHERE rank = {a}"),
            25 => format!("UPDATE numbered SET n = n + 1 WHERE id % {wide} = 0"),
            26 => format!("DELETE FROM numbered WHERE id % 50 = {wide}"),
            27 => format!("UPDATE spot SET during = int4range({b}0, {b}0 + 10) WHERE id = {a}"),
            28 => format!(
                "DELETE FROM spot WHERE id = {a}; INSERT INTO scratch VALUES ({c}, {text}) \
                           ON CONFLICT (id) DO UPDATE SET v = excluded.v"
            ),
            _ => {
                format!("DELETE FROM scratch WHERE id % {wide} = 1; SELECT FROM account FOR SHARE")
            }
        }
    }
}

/// Where a session stands in its transaction.
struct Progress {
    is_open: bool,
    savepoints: u32,
}

impl Progress {
    /// Outside of a transaction again.
    fn taken_back(&self) -> Self {
        Self { is_open: false, savepoints: 0 }
    }
}

#[test]
fn any_history_ends_equal() {
    History::new("history", 20_261_121).play(Duration::from_secs(45));
}

/// The same for longer and from other beginnings, only where `make test-long` asks for it.
#[test]
fn long_many_histories_end_equal() {
    if std::env::var_os("LEVADA_LONG").is_none() {
        eprintln!("SKIPPED: make test-long runs it");
        return;
    }
    for seed in 0..4 {
        History::new(&format!("long_history_{seed}"), 7000 + seed).play(Duration::from_secs(90));
    }
}
