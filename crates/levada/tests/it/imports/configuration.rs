//! What a section may say, and what is refused before anything is asked.

use super::server::Answer;
use super::{Import, SKILLS};

#[test]
fn wrong_sections_are_refused_before_anything_is_asked() {
    let import = Import::new("sections");
    let with = |more: &str| format!("{SKILLS}{more}\n");
    let columns = "columns = { id = \"text\", level = \"integer\" }";
    let and = |columns_now: &str| SKILLS.replace(columns, columns_now);
    let key = |key: &str| SKILLS.replace("key = [\"id\"]", key);
    let cases = [
        (with(SKILLS), "[[import]] skills: the name is taken"),
        (with("file = \"a.json\""), "both url and file are given"),
        (SKILLS.replace("url = \"SERVER/skills.json\"", ""), "url or file is missing"),
        (SKILLS.replace("SERVER", "ftp://a"), "url begins with http:// or https://"),
        (
            SKILLS.replace("SERVER", "http://${NO_SUCH_NAME}"),
            "environment variable NO_SUCH_NAME is not set",
        ),
        (
            with("headers = { A = \"${NO_SUCH_NAME}\" }"),
            "environment variable NO_SUCH_NAME is not set",
        ),
        (SKILLS.replace("$.skills[*]", "skills"), "[[import]] skills: records = \"skills\""),
        (key(""), "key is missing"),
        (key("key = [\"ids\"]"), "ids is not among its columns"),
        (key("key = [\"id\", \"id\"]"), "key and indexes name each column once"),
        (with("indexes = [[\"name\"]]"), "name is not among its columns"),
        (and("columns = { id = \"string\" }"), "column id: unknown type \"string\""),
        (and("columns = { id = \"text[]\" }"), "column id: text[] cannot be part of the key"),
        (
            and("columns = { id = { type = \"text\", null = true } }"),
            "column id: a column of the key is never null",
        ),
        (and("columns = { id = { type = \"text\", path = \"id\" } }"), "column id: path = \"id\""),
        (and("columns = { id = { kind = \"text\" } }"), "unknown field `kind`"),
        (
            and("columns = { id = { type = \"text\", header = \"ID\" } }"),
            "column id: JSON has a path, not a header",
        ),
        (and("columns = { id = 1 }"), "a type such as"),
        (with("format = \"csv\"\ntotal = \"$.n\""), "total and cursors are for JSON"),
        (with("delimiter = \"||\""), "delimiter is one ASCII character"),
        (with("page = { kind = \"page\", size = 10 }"), "size_parameter and size belong together"),
        (
            with("page = { kind = \"page\" }\nserver_limit = 5"),
            "server_limit is not for pages by number",
        ),
    ];
    for (section, message) in cases {
        import.configure(&section);
        import.run().expect_code(2).expect_stderr(message);
    }
    assert_eq!(import.server.count(), 0);
    assert_eq!(
        import.says("SELECT to_regclass('levada.edition') IS NULL"),
        "t",
        "nothing was written"
    );
}

#[test]
fn files_stand_beside_the_configuration() {
    let import = Import::new("files");
    let section = |name: &str, file: &str| {
        format!(
            "[[import]]\nname = \"{name}\"\nfile = \"{file}\"\nkey = [\"id\"]\n\
             columns = {{ id = \"bigint\", day = \"date\" }}\n"
        )
    };
    import.configure(&format!("{}{}", section("one", "one.json"), section("two", "two.csv")));
    import.run().expect_code(2).expect_stderr("import one: cannot read");
    import.folder.write("one.json", r#"[{"id": 9007199254740993, "day": "2024-02-29"}]"#);
    import.folder.write("two.csv", "day,id\n2024-03-31,-5\n");
    import.run().expect_code(0);
    let both = "SELECT * FROM reports.one UNION ALL SELECT * FROM reports.two";
    assert_eq!(import.says(both), "9007199254740993|2024-02-29\n-5|2024-03-31");
}

#[test]
fn the_server_may_say_which_format_it_is() {
    let import = Import::new("content_type");
    import.configure(
        "[[import]]\nname = \"skills\"\nurl = \"SERVER/skills\"\nkey = [\"id\"]\n\
         columns = { id = \"text\", tags = { type = \"text[]\", path = \"$.tags\" } }\n",
    );
    let answer =
        |kind: &str| Answer::of(r#"[{"id":"a","tags":["x"]}]"#).header("Content-Type", kind);
    import.server.answer("/skills", answer("application/octet-stream"));
    import.run().expect_code(2).expect_stderr("does not say whether it is JSON or CSV");
    import.server.answer("/skills", answer("text/csv; charset=utf-8"));
    import.run().expect_code(2).expect_stderr("column tags: a CSV has a header, not a path");
    import.server.answer("/skills", answer("application/vnd.api+json; charset=utf-8"));
    import.run().expect_code(0);
    assert_eq!(import.says("SELECT id, tags[1] FROM reports.skills"), "a|x");
}

#[test]
fn every_type_arrives_as_it_was_sent() {
    let import = Import::new("types");
    let columns = "id = \"uuid\"\nn = \"numeric\"\nf = \"double precision\"\nz = \"timestamptz\"\n\
                   l = \"timestamp\"\nj = \"jsonb\"\nd = \"date[]\"\nb = \"boolean[]\"\n\
                   e = { type = \"text\", null = true }\n";
    import.configure(&format!(
        "[[import]]\nname = \"all\"\nfile = \"all.json\"\nkey = [\"id\"]\n\
         [import.columns]\n{columns}"
    ));
    import.folder.write(
        "all.json",
        r#"[{"id": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "n": 12345678901234567890.12,
            "f": 0.1, "z": "2024-10-27T02:30:00+01:00", "l": "2024-10-27T02:30:00.123456",
            "j": {"n": 0.10000000000000000001, "t": "tab\t\\ \"q\"", "e": []},
            "d": ["2024-02-29"], "b": [true, false], "e": ""}]"#,
    );
    import.run().expect_code(0);
    let all = "SELECT id, n, f = 0.1::double precision, z = '2024-10-27 01:30:00+00', \
               l = '2024-10-27 02:30:00.123456', j->>'n', j->>'t' = E'tab\\t\\\\ \"q\"', d[1], b, \
               e = '' FROM reports.all";
    let expected = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|12345678901234567890.12|t|t|t|\
                    0.10000000000000000001|t|2024-02-29|{t,f}|t";
    assert_eq!(import.says(all), expected);
}
