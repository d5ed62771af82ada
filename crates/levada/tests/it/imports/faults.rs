//! Whatever is wrong with an answer: nothing is published, yesterday's table stays, and the place
//! is named without the value.

use super::server::{Answer, Way};
use super::{ALL_SKILLS, Import, SKILLS, skills};

/// What each wrong answer is called.
fn wrong_answers() -> Vec<(Answer, &'static str)> {
    let json =
        |records: &str| Answer::of(format!(r#"{{"skills":[{{"id":"a","level":1}},{records}]}}"#));
    let long = skills(&[("a", 1), ("b", 2)]);
    vec![
        (
            json(r#"{"id":"secret","level":"secret"}"#),
            "import skills, record 2, column level: a text where integer is declared",
        ),
        (
            json(r#"{"id":"secret","level":2.5}"#),
            "record 2, column level: a number with a fraction where integer is declared",
        ),
        (
            json(r#"{"id":"secret","level":3000000000}"#),
            "record 2, column level: a number that is beyond integer",
        ),
        (json(r#"{"id":"secret","level":null}"#), "record 2, column level: no value"),
        (json(r#"{"id":"secret"}"#), "record 2, column level: no value"),
        (json(r#"{"level":2}"#), "record 2, column id: no value"),
        (json(r#"{"id":null,"level":2}"#), "record 2, column id: no value"),
        (
            json(r#"{"id":["secret"],"level":2}"#),
            "record 2, column id: an array where text is declared",
        ),
        (
            json(r#"{"id":"secret\u0000","level":2}"#),
            "record 2, column id: a text with a zero character",
        ),
        (json(r#""secret""#), "record 2, column id: the record is a text, no object"),
        (
            json(r#"{"id":"b","level":2},{"id":"a","level":3}"#),
            "import skills, record 3: the same key as record 1",
        ),
        (
            skills(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]),
            "import skills, record 4: more than 3 records",
        ),
        (skills(&[]), "import skills: the answer has no records"),
        (
            Answer::of(r#"{"error":"secret"}"#),
            "import skills: there is no list at records = \"$.skills[*]\"",
        ),
        (Answer::of(r#"{"skills":"secret"}"#), "import skills: there is no list at records"),
        (Answer::of("<html>secret</html>"), "import skills: no JSON at line 1, column 1"),
        (Answer::of(r#"{"skills":[{"id":"secret","#), "import skills: the JSON ends early"),
        (long.clone().way(Way::Cut(20)), "import skills: the answer ends early, after 20 bytes"),
        (long.clone().way(Way::CutChunks), "import skills: the answer ends early"),
        (long.clone().status(206), "import skills: the server answers with status 206"),
        (Answer::of("secret").status(404), "import skills: the server answers with status 404"),
        (Answer::of("secret").status(500), "import skills: the server answers with status 500"),
        (
            long.clone().header("Content-Encoding", "gzip"),
            "import skills: the answer is compressed",
        ),
        (long.way(Way::Never), "import skills: not done within 2 s"),
    ]
}

#[test]
fn every_wrong_answer_keeps_the_table_of_yesterday() {
    let import = Import::new("wrong");
    import.configure(&format!("{SKILLS}rows_max = 3\ntimeout_seconds = 2\n"));
    import.server.answer("/skills.json", skills(&[("old", 7)]));
    import.run().expect_code(0);
    import.source.execute("INSERT INTO note VALUES (2)").unwrap();
    for (answer, message) in wrong_answers() {
        import.server.answer("/skills.json", answer);
        let ran = import.run().expect_code(2).expect_stderr(message);
        assert!(!ran.stderr.contains("secret"), "a value is shown:\n{}", ran.stderr);
        assert_eq!(import.says(ALL_SKILLS), "old7", "{message}");
        assert_eq!(import.edition(), "1", "{message}");
        assert_eq!(import.says("SELECT count(*) FROM note"), "1", "{message}");
    }
    let messages = "SELECT coalesce(string_agg(message, ' '), '') FROM levada.run";
    assert!(!import.says(messages).contains("secret"));
    import.server.answer("/skills.json", skills(&[("new", 8)]));
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "new8");
    assert_eq!(import.says("SELECT count(*) FROM note"), "2");
}

const CSV: &str = r#"
[[import]]
name = "prices"
url = "SERVER/prices.csv"
key = ["id"]
columns = { id = "text", price = "numeric", day = { type = "date", null = true } }
"#;

#[test]
fn every_wrong_csv_keeps_the_table_of_yesterday() {
    let import = Import::new("wrong_csv");
    import.configure(CSV);
    let csv = |lines: &str| Answer::of(format!("id,price,day\nold,1.50,\n{lines}"));
    import.server.answer("/prices.csv", csv(""));
    import.run().expect_code(0);
    let all =
        "SELECT string_agg(concat_ws('/', id, price, day), ' ' ORDER BY id) FROM reports.prices";
    assert_eq!(import.says(all), "old/1.5");
    let cases = [
        (
            csv("secret,secret,\n"),
            "import prices, record 2, column price: a text that is no numeric",
        ),
        (csv("secret,1,2023-02-29\n"), "record 2, column day: a text that is no date"),
        (csv("secret,,\n"), "record 2, column price: no value"),
        (csv(",1,\n"), "record 2, column id: no value"),
        (csv("secret,1\n"), "record 2: 2 fields where the first line has 3"),
        (csv("secret,1,,\n"), "record 2: 4 fields where the first line has 3"),
        (csv("b,1,\nold,2,\n"), "import prices, record 3: the same key as record 1"),
        (csv("\"secret,1,\nc,1,\n"), "import prices, record 2: "),
        (Answer::of("price,day,id\n1,,\"b\n1,,c\n"), "a quotation mark is not closed"),
        (Answer::of("id,prize,day\nsecret,1,\n"), "no header \"price\" in the first line"),
        (Answer::of("id,price,day,id\nsecret,1,,\n"), "two headers \"id\" in the first line"),
        (Answer::of(""), "no header \"id\" in the first line"),
        (Answer::of("id,price,day\n"), "import prices: the answer has no records"),
        (Answer::of(b"id,price,day\n\xe9,1,\n"), "record 1, column id: bytes that are not UTF-8"),
        (csv("b,1,\n").way(Way::Unmeasured), "import prices: the answer has no length"),
        (csv("b,1,\n").way(Way::CutChunks), "import prices: the answer ends early"),
        (csv("b,1,\n").way(Way::Cut(24)), "import prices: the answer ends early, after 24 bytes"),
    ];
    for (answer, message) in cases {
        import.server.answer("/prices.csv", answer);
        let ran = import.run().expect_code(2).expect_stderr(message);
        assert!(!ran.stderr.contains("secret"), "a value is shown:\n{}", ran.stderr);
        assert_eq!(import.says(all), "old/1.5", "{message}");
    }
    assert_eq!(import.edition(), "1");
    import.server.answer("/prices.csv", csv("\"a,\"\"b\"\"\n\",-0.10,2024-02-29\n"));
    import.run().expect_code(0);
    assert_eq!(import.says(all), "a,\"b\"\n/-0.1/2024-02-29 old/1.5");
}

#[test]
fn an_answer_as_long_as_the_limit_of_the_server_may_be_cut() {
    let import = Import::new("full");
    import.configure(&format!("{SKILLS}server_limit = 2\n"));
    import.server.answer("/skills.json", skills(&[("a", 1)]));
    import.run().expect_code(0);
    import.server.answer("/skills.json", skills(&[("a", 1), ("b", 2)]));
    import.run().expect_code(2).expect_stderr("as many records as the server's limit of 2");
    import.configure(&format!("{SKILLS}server_limit = 2\npage = {{ kind = \"link\" }}\n"));
    import.run().expect_code(2).expect_stderr("page 1: as many records as the server's limit of 2");
    assert_eq!(import.says(ALL_SKILLS), "a1");
}

#[test]
fn an_empty_answer_may_be_allowed_but_not_a_wrong_one() {
    let import = Import::new("empty");
    import.configure(&format!("{SKILLS}allow_empty = true\n"));
    import.server.answer("/skills.json", skills(&[("a", 1)]));
    import.run().expect_code(0);
    import.server.answer("/skills.json", Answer::of("{}"));
    import.run().expect_code(2).expect_stderr("there is no list at records");
    assert_eq!(import.says(ALL_SKILLS), "a1");
    import.server.answer("/skills.json", skills(&[]));
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "none");
}

#[test]
fn an_import_may_keep_its_table_and_the_run_says_so() {
    let import = Import::new("keep");
    let keeps = format!("{SKILLS}on_failure = \"keep\"\n");
    import.configure(&keeps);
    import.server.answer("/skills.json", Answer::of("down").status(503));
    import
        .run()
        .expect_code(2)
        .expect_stderr("status 503")
        .expect_stderr("on_failure = \"keep\" has no table yet to keep");
    import.server.answer("/skills.json", skills(&[("a", 1)]));
    import.run().expect_code(0);
    import.server.answer("/skills.json", Answer::of("down").status(503));
    import.source.execute("INSERT INTO note VALUES (2)").unwrap();
    let ran = import.run().expect_code(1);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("import skills keeps the rows of an earlier edition"), "{said}");
    assert!(said.contains("status 503"), "{said}");
    assert_eq!(import.says("SELECT count(*) FROM note"), "2");
    assert_eq!(import.says(ALL_SKILLS), "a1");
    assert_eq!(import.says("SELECT edition FROM levada.import"), "1");
    import.run_with(&["--replace"]).expect_code(1);
    assert_eq!(import.says(ALL_SKILLS), "a1");
    // Another definition cannot be had without its rows.
    import.configure(&keeps.replace("level = \"integer\"", "level = \"bigint\""));
    import.run().expect_code(1);
    assert_eq!(import.says("SELECT pg_typeof(level) FROM reports.skills"), "integer");
    import.server.answer("/skills.json", skills(&[("b", 2)]));
    import.run().expect_code(0);
    assert_eq!(import.says("SELECT id, pg_typeof(level) FROM reports.skills"), "b|bigint");
}

/// What only the target can refuse is found by the number of its row.
#[test]
fn a_letter_that_the_target_does_not_know_is_named_by_its_record() {
    let admin = crate::support::cluster().database("postgres");
    let create = |name: &str| {
        let encoding = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
        admin.execute(&format!("CREATE DATABASE {name} {encoding}")).unwrap();
        crate::support::cluster().database(name)
    };
    let (source, target) = (create("import_latin_source"), create("import_latin_target"));
    source.execute(super::SOURCE).unwrap();
    let import = Import::between("latin", source, target);
    let paged = "page = { kind = \"page\" }\n";
    import.configure(&format!("{SKILLS}{paged}"));
    import.server.answer("/skills.json?page=1", skills(&[("\u{e9}", 1), ("b", 2)]));
    import.server.answer("/skills.json?page=2", skills(&[("c", 3), ("secret \u{6f22}", 4)]));
    import.server.answer("/skills.json?page=3", skills(&[]));
    let place = "import skills, page 2, record 2: the target refuses it: character";
    let ran = import.run().expect_code(2).expect_stderr(place);
    assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    import.server.answer("/skills.json?page=2", skills(&[]));
    import.run().expect_code(0);
    assert_eq!(import.says("SELECT count(*) FROM reports.skills WHERE id = '\u{e9}'"), "1");
}

#[test]
fn a_document_that_fails_is_asked_for_once() {
    let import = Import::new("failing_twice");
    let keeps = format!("{SKILLS}on_failure = \"keep\"\n");
    import.configure(&format!("{keeps}{}", keeps.replace("\"skills\"", "\"again\"")));
    import.server.answer("/skills.json", skills(&[("a", 1)]));
    import.run().expect_code(0);
    assert_eq!(import.server.asked().len(), 1);
    import.server.answer("/skills.json", Answer::of("down").status(503));
    let ran = import.run().expect_code(1);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for name in ["skills", "again"] {
        let kept = format!("import {name} keeps the rows of an earlier edition");
        assert!(said.contains(&kept), "{said}");
    }
    assert_eq!(import.server.asked().len(), 1);
    assert_eq!(
        import.says("SELECT a.id FROM reports.again AS a JOIN reports.skills USING (id)"),
        "a"
    );
}
