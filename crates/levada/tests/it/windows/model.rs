//! Random histories: after each edition every window equals a recount.

use testkit::Dice;

use super::{Stage, Window};

/// Tables with and without a key, partitions with other columns first, times of all types.
const TABLES: &str = include_str!("model.sql");

/// One of each kind of table, and how its time is written.
const KINDS: [(&str, &str); 5] = [
    ("event", ""),
    ("keyless", ""),
    ("visit", ""),
    ("local", " AT TIME ZONE 'Europe/Paris'"),
    ("dated", " AT TIME ZONE 'Europe/Paris'"),
];

const COLUMNS: &str = "id, kind, at, note";

/// Seconds from the moment when the clock of Paris last jumped, in autumn or in spring, until a
/// few seconds from now.
fn seconds_since_jump(stage: &testkit::Database, back: bool) -> i64 {
    let sign = if back { '<' } else { '>' };
    let offset = |at: &str| format!("{at} AT TIME ZONE 'Europe/Paris' - {at} AT TIME ZONE 'UTC'");
    let (before, after) = (offset("(h - interval '1 hour')"), offset("h"));
    let sql = format!(
        "SELECT ceil(extract(epoch FROM now() - max(h)))::int + 4 FROM generate_series( \
         date_trunc('hour', now()) - interval '400 days', now(), interval '1 hour') AS h \
         WHERE {after} {sign} {before}"
    );
    stage.psql(&sql).unwrap().parse().unwrap()
}

fn last(name: &'static str, table: &str, seconds: i64) -> Window {
    let (zone, at) = match table {
        "local" => ("zone = \"Europe/Paris\"\n", "(at AT TIME ZONE 'Europe/Paris')"),
        "dated" => ("zone = \"Europe/Paris\"\n", "(at::timestamp AT TIME ZONE 'Europe/Paris')"),
        _ => ("", "at"),
    };
    let near = match table {
        "dated" => "at BETWEEN '2000-01-01' AND '2100-01-01' AND",
        _ => "at BETWEEN '2000-01-01' AND '9999-01-01' AND",
    };
    Window::new(
        name,
        &format!("table = \"{table}\"\ntime = \"at\"\nlast = \"{seconds} seconds\"\n{zone}"),
        &format!(
            "SELECT {COLUMNS} FROM {table} WHERE CASE WHEN {near} true THEN \
             {at} > $now - interval '{seconds} seconds' AND {at} <= $now END"
        ),
    )
}

/// A window of the calendar; `begins` and `ends` are local times made of `$local`.
fn calendar(name: &'static str, option: &str, begins: &str, ends: &str) -> Window {
    let instant = |at: &str| {
        let local = at.replace("$local", "($now AT TIME ZONE 'Europe/Paris')");
        format!("(({local}) AT TIME ZONE 'Europe/Paris')")
    };
    let (begins, ends) = (instant(begins), instant(ends));
    Window::new(
        name,
        &format!("table = \"public.event\"\ntime = \"at\"\n{option}\ncalendar = \"paris\"\n"),
        &format!("SELECT {COLUMNS} FROM event WHERE at >= {begins} AND at < {ends} AND at <= $now"),
    )
}

const WEEK: i64 = 7 * 86_400;

fn windows(source: &testkit::Database) -> Vec<Window> {
    let midnight = "SELECT ceil(extract(epoch FROM now() - \
                    (date_trunc('day', now() AT TIME ZONE 'Europe/Paris') - interval '2 days') \
                    AT TIME ZONE 'Europe/Paris'))::int + 4";
    let midnight: i64 = source.psql(midnight).unwrap().parse().unwrap();
    let (week, next) = ("date_trunc('week', $local)", "+ interval '8 days'");
    let mut windows = vec![
        last("event_week", "event", WEEK),
        last("keyless_week", "keyless", WEEK),
        last("visit_week", "visit", WEEK),
        last("local_week", "local", WEEK),
        last("dated_week", "dated", WEEK),
        last("dated_midnight", "dated", midnight),
        last("local_autumn", "local", seconds_since_jump(source, true)),
        last("local_spring", "local", seconds_since_jump(source, false)),
        calendar("this_week", "current = \"week\"", week, &format!("{week} {next}")),
        calendar(
            "week_before",
            "previous = \"week\"",
            &format!("{week} - interval '7 days'"),
            week,
        ),
        calendar("today", "current = \"day\"", "date_trunc('day', $local)", "$local + '1 day'"),
        calendar(
            "month_before",
            "previous = \"month\"",
            "date_trunc('month', $local) - interval '1 month'",
            "date_trunc('month', $local)",
        ),
    ];
    let mut few = last("few", "event", WEEK);
    few.section += "columns = [\"note\"]\nindexes = [[\"at\"], [\"note\", \"id\"]]\n\
                    where = \"kind <> 'test' OR note IS NULL -- but not others\"\n";
    few.expected = few.expected.replace(COLUMNS, "note, id, at");
    few.expected += " AND (kind <> 'test' OR note IS NULL)";
    windows.push(few);
    windows
}

/// A moment where something may go wrong: around the edges of windows, and at no time at all.
fn moment(dice: &mut Dice) -> String {
    let near = dice.below(16_000) as i64 - 6_000;
    let week = "date_trunc('week', now() AT TIME ZONE 'Europe/Paris') AT TIME ZONE 'Europe/Paris'";
    match dice.below(12) {
        0 => "NULL::timestamptz".to_owned(),
        1 => "'infinity'::timestamptz".to_owned(),
        2 => "'-infinity'::timestamptz".to_owned(),
        3 | 4 => format!("now() + interval '{near} ms'"),
        5 | 6 => format!("now() - interval '7 days' + interval '{near} ms'"),
        7 => format!("{week} + interval '{} us'", dice.below(3) as i64 - 1),
        8 => format!("now() + interval '{} hours'", dice.below(100)),
        _ => format!("now() - interval '{} minutes'", dice.below(20 * 1440)),
    }
}

/// One change of one table.
fn change(dice: &mut Dice, number: u64) -> String {
    let (table, written) = *dice.pick(&KINDS).unwrap();
    let mut at = format!("({}){written}", moment(dice));
    if table == "dated" {
        at = format!("({at})::date");
    }
    let (share, rest) = (dice.between(2, 30), dice.below(30));
    let some = format!("abs(hashint8(id + {number})) % {share} = {rest} % {share}");
    let kind = dice.pick(&["click", "view", "test"]).unwrap();
    match dice.below(7) {
        0 | 1 => {
            let id = 1_000_000 + number * 100;
            let count = dice.between(1, 20);
            format!(
                "INSERT INTO {table} (id, kind, at, note) SELECT {id} + n, '{kind}', {at}, \
                 nullif('note ' || n % 3, 'note 0') FROM generate_series(1, {count}) AS n"
            )
        }
        2 | 3 => format!("UPDATE {table} SET at = {at} WHERE {some}"),
        4 => format!("UPDATE {table} SET note = 'changed {number}', kind = '{kind}' WHERE {some}"),
        5 => format!("DELETE FROM {table} WHERE {some}"),
        // The row is another one, with the same time.
        _ => format!("UPDATE {table} SET id = -id - {number} WHERE {some}"),
    }
}

fn play(name: &str, seed: u64, rounds: u64) {
    let mut stage = Stage::new(name, TABLES, &[]);
    stage.declare(&windows(&stage.source));
    let mut dice = Dice::from_env_or(seed);
    stage.edition();
    for round in 1..=rounds {
        // Some editions bring nothing but a later moment.
        for number in 0..dice.below(8) {
            if let Err(error) = stage.source.execute(&change(&mut dice, round * 10 + number)) {
                assert!(error.to_string().contains("duplicate key"), "{error:#}");
            }
        }
        match dice.below(20) {
            0 => stage.source.execute("TRUNCATE event").unwrap(),
            1 => stage.source.execute("VACUUM FULL visit; VACUUM FULL event").unwrap(),
            _ => {}
        }
        eprintln!("round {round}, seed {}", dice.seed());
        stage.edition();
    }
    let live = "SELECT count(*) FROM levada.report_window WHERE version > 2";
    let live: u32 = stage.target.psql(live).unwrap().parse().unwrap();
    assert!(live > 6, "only {live} windows ever changed");
}

#[test]
fn random_histories_equal_a_recount() {
    play("model_one", 1, 10);
}

#[test]
fn other_random_histories_equal_a_recount() {
    play("model_two", 2, 10);
}
