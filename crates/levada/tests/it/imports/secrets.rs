//! What nobody may read: tokens, and values of rows in the log of the target.

use testkit::{Cluster, Installation};

use super::server::Answer;
use super::{Import, SKILLS, SOURCE, TOKEN, skills};

#[test]
fn a_token_is_sent_and_never_shown() {
    let import = Import::new("token");
    let secret = SKILLS.replace("/skills.json", "/skills.json?key=${IMPORT_TOKEN}");
    import.configure(&format!("{secret}headers = {{ X-Key = \"${{IMPORT_TOKEN}}\" }}\n"));
    let target = format!("/skills.json?key={TOKEN}");
    let refusal = Answer::of(TOKEN).status(401);
    let elsewhere = Answer::of("").status(302).header("Location", "http://127.0.0.1:1/");
    for answer in [refusal, elsewhere, Answer::of(TOKEN), skills(&[("a", 1)])] {
        import.server.answer(&target, answer);
        let ran = import.run_with(&["--json"]);
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!shown.contains(TOKEN), "the token is shown:\n{shown}");
    }
    assert_eq!(import.says("SELECT id FROM reports.skills"), "a");
    assert!(import.server.asked().iter().all(|asked| asked.headers["x-key"] == TOKEN));
    let records = "SELECT string_agg(t::text, '') FROM (SELECT r::text FROM levada.run r UNION ALL \
                   SELECT i::text FROM levada.import i) t";
    assert!(!import.says(records).contains(TOKEN));
    let nobody = secret.replace("SERVER", "http://127.0.0.1:1");
    import.configure(&nobody);
    let ran = import.run().expect_code(2).expect_stderr("import skills: no connection");
    assert!(!ran.stderr.contains(TOKEN), "{}", ran.stderr);
}

#[test]
fn no_value_reaches_the_log_of_the_target() {
    let installation = Installation::find().unwrap();
    let cluster = Cluster::builder(&installation)
        .setting("log_statement", "all")
        .setting("log_min_duration_statement", "0")
        .setting("log_parameter_max_length_on_error", "-1")
        .start()
        .unwrap();
    let source = cluster.create_database("source").unwrap();
    source.execute(SOURCE).unwrap();
    let target = cluster.create_database("target").unwrap();
    let import = Import::between("logged", source, target);
    import.configure(SKILLS);
    import.server.answer("/skills.json", skills(&[("marked-value", 1), ("b", 2)]));
    import.run().expect_code(0);
    import.server.answer("/skills.json", skills(&[("marked-value", 2), ("marked-value", 2)]));
    import.run().expect_code(2);
    let log = cluster.log().unwrap();
    assert!(log.contains("import_next_0"), "statements are logged");
    assert!(!log.contains("marked-value"), "a value is in the log");
}
