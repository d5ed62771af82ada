//! The imports that the reporting of a school needs: eight tables out of one document, and open
//! data in pages of 2,000 lines.

use super::server::Answer;
use super::{Import, TOKEN};

const LEARNING: &str = include_str!("../fixtures/learning_imports.toml");
const CONTENT: &str = include_str!("../fixtures/learning_content.json");

#[test]
fn eight_tables_come_out_of_one_document() {
    let import = Import::new("learning");
    import.configure(LEARNING);
    import.server.answer("/api/releases/latest", Answer::of(CONTENT));
    import.run().expect_code(0);
    let asked = import.server.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].headers["authorization"], format!("Bearer {TOKEN}"));
    let tables = ["areas", "attachments", "challenges", "competences", "courses", "skills"];
    let counts = tables.into_iter().chain(["tubes", "tutorials"]);
    let counts = counts.map(|table| import.says(&format!("SELECT count(*) FROM reports.{table}")));
    assert_eq!(counts.collect::<Vec<_>>().join(" "), "1 1 2 1 1 3 1 2");
    let skills = "SELECT id, name, \"pixValue\", array_to_string(\"tutorialIds\", '/'), cardinality(\"tutorialIds\") \
                  FROM reports.skills ORDER BY id";
    let expected = "skill1|@web1|2.66666666666666666667|tuto1/tuto,\"2\"|2\n\
                    skill2|@web2|4||0\nskill3|@web3||NULL|1";
    assert_eq!(import.says(skills), expected);
    let others = "SELECT c.\"isActive\", c.competences[1], h.responsive, h.locales, \
                  h.proposals->'choices'->>1, h.\"embedHeight\" IS NULL FROM reports.courses AS c, \
                  reports.challenges AS h ORDER BY h.id";
    let expected = "f|comp1|t|{fr,en}|b\\c|f\nf|comp1|f|{}|y|t";
    assert_eq!(import.says(others), expected);
    let layout = "SELECT string_agg(indexdef, E'\\n' ORDER BY indexdef) FROM pg_indexes \
                  WHERE schemaname = 'reports' AND tablename = 'challenges'";
    let indexes = import.says(layout);
    assert_eq!(indexes.lines().count(), 2, "{indexes}");
    assert!(indexes.contains("(\"skillId\")") && indexes.contains("UNIQUE INDEX"), "{indexes}");
}

/// Lines `from` to below `to` of the open data.
fn lines(from: u32, to: u32) -> String {
    let mut text = "\u{feff}certification;intitulé;délivrée le;prix\r\n".to_owned();
    for number in from..to {
        let price = if number % 7 == 0 { String::new() } else { format!("{number}.50") };
        text += &format!("RS{number};\"Pix; niveau \"\"{number}\"\"\";2024-02-29;{price}\r\n");
    }
    text
}

#[test]
fn open_data_comes_in_pages_of_2_000_lines() {
    let import = Import::new("open_data");
    import.configure(
        r#"
        [[import]]
        name = "cpf"
        url = "SERVER/records?lang=fr&page=7"
        format = "csv"
        delimiter = ";"
        key = ["id"]
        page = { kind = "page", first = 1, size_parameter = "size", size = 2000 }
        [import.columns]
        id = { header = "certification", type = "text" }
        title = { header = "intitulé", type = "text" }
        delivered = { header = "délivrée le", type = "date" }
        price = { header = "prix", type = "numeric", null = true }
        "#,
    );
    let page = |number: u32| format!("/records?lang=fr&page={number}&size=2000");
    import.server.answer(&page(1), Answer::of(lines(0, 2000)));
    import.server.answer(&page(2), Answer::of(lines(2000, 4000)));
    import.server.answer(&page(3), Answer::of(lines(4000, 4321)));
    import.server.answer(&page(4), Answer::of(lines(0, 0)));
    import.run().expect_code(0);
    let asked: Vec<String> = import.server.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(asked, [page(1), page(2), page(3), page(4)]);
    let summary = "SELECT count(*), count(DISTINCT id), sum(price), count(*) - count(price), \
                   min(title COLLATE \"C\"), max(delivered) FROM reports.cpf";
    // 0 to 4320, but for each seventh: 4321 * 2160 - 7 * (617 * 618 / 2), and half of 3,703.
    let sum = 4321 * 2160 - 7 * (617 * 618 / 2) + 3703 / 2;
    let expected = format!("4321|4321|{sum}.5|618|Pix; niveau \"0\"|2024-02-29");
    assert_eq!(import.says(summary), expected);
    // A later page that is not what it should be leaves what is there.
    import.server.answer(&page(3), Answer::of(lines(3999, 4321)));
    import
        .run()
        .expect_code(2)
        .expect_stderr("import cpf, page 3, record 1: the same key as page 2, record 2000");
    import
        .server
        .answer(&page(3), Answer::of(lines(4000, 4321).replace("RS4007;\"Pix; ", "RS4007;Pix; ")));
    import
        .run()
        .expect_code(2)
        .expect_stderr("import cpf, page 3, record 8: 5 fields where the first line has 4");
    import.server.answer(&page(3), Answer::of("something else").status(500));
    import
        .run()
        .expect_code(2)
        .expect_stderr("import cpf, page 3: the server answers with status 500");
    assert_eq!(import.says(summary), expected);
}
