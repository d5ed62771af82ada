//! Answers in pages: where they end, and what shows that one is missing.

use super::server::{Answer, Server};
use super::{ALL_SKILLS, Import, SKILLS, TOKEN};

fn page(skills: &[&str], more: &str) -> Answer {
    let skills: Vec<String> =
        skills.iter().map(|id| format!(r#"{{"id":"{id}","level":1}}"#)).collect();
    Answer::of(format!(r#"{{"skills":[{}]{more}}}"#, skills.join(",")))
}

fn targets(import: &Import) -> Vec<String> {
    import.server.asked().into_iter().map(|asked| asked.target).collect()
}

#[test]
fn a_cursor_leads_from_page_to_page() {
    let import = Import::new("cursor");
    let paged = "page = { kind = \"cursor\", path = \"$.meta.next\", parameter = \"after\" }\n\
                 total = \"$.meta.total\"\n";
    import.configure(&format!("{SKILLS}{paged}"));
    let next = |cursor: &str| format!(r#","meta":{{"next":{cursor},"total":3}}"#);
    import.server.answer("/skills.json", page(&["a"], &next(r#""x y&z""#)));
    import.server.answer("/skills.json?after=x+y%26z", page(&["b", "c"], &next("17")));
    import.server.answer("/skills.json?after=17", page(&[], &next("null")));
    import.run().expect_code(0);
    let all = ["/skills.json", "/skills.json?after=x+y%26z", "/skills.json?after=17"];
    assert_eq!(targets(&import), all);
    assert_eq!(import.says(ALL_SKILLS), "a1 b1 c1");
    import.server.answer("/skills.json?after=17", page(&["d"], &next("17")));
    let again = "import skills, page 4: the server names a page that it gave already";
    import.run().expect_code(2).expect_stderr(again);
    import.server.answer("/skills.json?after=17", page(&["d"], &next("null")));
    let total = "import skills, page 1: 4 records where total is 3";
    import.run().expect_code(2).expect_stderr(total);
    import.server.answer("/skills.json?after=17", page(&["a"], &next("null")));
    let key = "import skills, page 3, record 1: the same key as page 1, record 1";
    import.run().expect_code(2).expect_stderr(key);
    import.server.answer("/skills.json?after=17", page(&["d"], &next("{}")));
    import.run().expect_code(2).expect_stderr("import skills, page 3: the next cursor is no text");
    import.server.answer("/skills.json?after=17", page(&["d"], ""));
    let absent = "import skills, page 3: there is nothing at the path of the next cursor";
    import.run().expect_code(2).expect_stderr(absent);
    import.server.answer("/skills.json?after=17", Answer::of("gone").status(410));
    import.run().expect_code(2).expect_stderr("import skills, page 3: the server answers with");
    assert_eq!(import.says(ALL_SKILLS), "a1 b1 c1");
}

#[test]
fn a_link_leads_from_page_to_page_but_not_to_another_server() {
    let import = Import::new("link");
    let header = "headers = { X-Api-Key = \"${IMPORT_TOKEN}\" }\n";
    import.configure(&format!("{SKILLS}{header}page = {{ kind = \"link\" }}\n"));
    let linked = |skills: &[&str], link: &str| page(skills, "").header("Link", link);
    let links = r#"</skills.json>; rel="first", <?p=2>; rel="next""#;
    import.server.answer("/skills.json", linked(&["a"], links));
    import.server.answer("/skills.json?p=2", linked(&["b"], r#"</skills.json>; rel="first""#));
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "a1 b1");
    let asked = import.server.asked();
    assert!(asked.iter().all(|asked| asked.headers["x-api-key"] == TOKEN), "{asked:?}");
    let stranger = Server::start();
    stranger.answer("/", page(&["c"], ""));
    let link = format!(r#"<{}>; rel="next""#, stranger.url("/"));
    import.server.answer("/skills.json?p=2", linked(&["b"], &link));
    import
        .run()
        .expect_code(2)
        .expect_stderr("import skills, page 3: the server sends us to another");
    import.server.answer("/skills.json?p=2", linked(&["b"], "<"));
    import
        .run()
        .expect_code(2)
        .expect_stderr("import skills, page 2: the Link header cannot be read");
    assert_eq!(stranger.count(), 0, "the stranger was asked");
    assert_eq!(import.says(ALL_SKILLS), "a1 b1");
}

#[test]
fn what_a_filter_leaves_out_counts_as_given() {
    let import = Import::new("filtered");
    let filtered = SKILLS.replace("$.skills[*]", "$.skills[?@.id != 'b']");
    import.configure(&format!("{filtered}server_limit = 2\ntotal = \"$.total\"\n"));
    import.server.answer("/skills.json", page(&["b"], r#","total":1"#));
    import.run().expect_code(2).expect_stderr("import skills: the answer has no records");
    import.server.answer("/skills.json", page(&["a"], r#","total":1"#));
    import.run().expect_code(0);
    import.server.answer("/skills.json", page(&["a", "b"], r#","total":2"#));
    import.run().expect_code(2).expect_stderr("the server's limit of 2");
    let paged = "page = { kind = \"page\" }\ntotal = \"$.total\"\n";
    import.configure(&format!("{filtered}{paged}"));
    for (number, skills) in [["a"].as_slice(), &["b"], &["c"], &[]].into_iter().enumerate() {
        let target = format!("/skills.json?page={}", number + 1);
        import.server.answer(&target, page(skills, r#","total":3"#));
    }
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "a1 c1");
    let long = r#"{"skills":[{"id":"a","level":1,"n":9007199254740993}],"total":1}"#;
    import.server.answer("/skills.json?page=1", Answer::of(long));
    let inexact = "import skills, page 1: it has numbers with more digits than the filter";
    import.run().expect_code(2).expect_stderr(inexact);
}

#[test]
fn offsets_are_pages_with_a_step() {
    let import = Import::new("offset");
    let paged = "page = { kind = \"page\", parameter = \"offset\", first = 0, step = 2, \
                 size_parameter = \"limit\", size = 2 }\nrows_max = 3\n";
    import.configure(&format!("{SKILLS}{paged}"));
    let target = |offset: u32| format!("/skills.json?offset={offset}&limit=2");
    import.server.answer(&target(0), page(&["a", "b"], ""));
    // Short pages are no end: a server may give fewer than it was asked for.
    import.server.answer(&target(2), page(&["c"], ""));
    import.server.answer(&target(4), page(&[], ""));
    import.run().expect_code(0);
    assert_eq!(targets(&import), [target(0), target(2), target(4)]);
    assert_eq!(import.says(ALL_SKILLS), "a1 b1 c1");
    import.server.answer(&target(4), page(&["d"], ""));
    let many = "import skills, page 3, record 1: more than 3 records";
    import.run().expect_code(2).expect_stderr(many);
    assert_eq!(import.says(ALL_SKILLS), "a1 b1 c1");
}

#[test]
fn redirections_are_followed_without_credentials_to_strangers() {
    let import = Import::new("redirected");
    let stranger = Server::start();
    stranger.answer("/skills", page(&["z"], ""));
    let to = |place: &str| Answer::of("").status(302).header("Location", place);
    import.configure(SKILLS);
    import.server.answer("/skills.json", to("/v2"));
    import.server.answer("/v2", to(&stranger.url("/skills")));
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "z1");
    assert_eq!(stranger.asked().len(), 1);
    import.configure(&format!("{SKILLS}headers = {{ Authorization = \"${{IMPORT_TOKEN}}\" }}\n"));
    import.run().expect_code(2).expect_stderr("import skills: the server sends us to another one");
    assert_eq!(stranger.asked().len(), 0, "the stranger was asked");
    import.server.answer("/v2", to("/v2"));
    import.run().expect_code(2).expect_stderr("import skills: more than 5 redirections");
    assert_eq!(import.says(ALL_SKILLS), "z1");
}
