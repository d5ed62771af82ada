//! What a person reads: help, plans, findings, reports, compared with snapshots; and what scripts
//! rely on: exit codes, JSON lines, dry runs that write nothing.

use expect_test::expect;
use testkit::Database;

use crate::filters::filtered;
use crate::support::{Ran, command, levada, pair};

const COMMANDS: [&str; 8] = ["demo", "init", "check", "plan", "run", "copy", "schema", "report"];

const LINES_MAX: usize = 40;
const LETTERS_MAX: usize = 100;

const SHOP: &str = include_str!("fixtures/shop.sql");

#[test]
fn all_commands_are_listed() {
    let expected = expect![[r#"
        Carries a production PostgreSQL to a reporting PostgreSQL as complete, provable editions

        Usage: levada [OPTIONS] <COMMAND>

        Commands:
          demo    Watch levada work: a copy, a kill, a resume, a refresh and a repair on private servers
          init    Inspect a source and write a commented levada.toml
          check   Preflight: rights, versions, extensions, patterns; findings with hints
          plan    Show what a run would do: mode, rows, bytes and format of each table
          run     Make the next edition: a copy at first, then what changed; resumes what was interrupted
          copy    Copy a database to another without a configuration file
          schema  Compare definitions, and create those of the source in an empty target
          verify  Prove that two databases hold the same rows, or name those that differ
          serve   Answer statistics over HTTP as JSON, CSV and pages, never an incomplete day as complete
          report  Show where the time of a run went, by category, with the longest entries
          status  Show the edition, its age, each table's last changes, and what would force a reload

        Options:
              --json     Write machine-readable JSON lines to stdout
          -h, --help     Print help (see more with '--help')
          -V, --version  Print version
    "#]];
    expected.assert_eq(&levada(&["-h"]).expect_code(0).stdout);
}

#[test]
fn short_help_fits_a_screen() {
    for name in COMMANDS {
        let help = levada(&[name, "-h"]).expect_code(0).stdout;
        assert!(help.lines().count() <= LINES_MAX, "{name} -h is too long:\n{help}");
        let wide = help.lines().find(|line| line.chars().count() > LETTERS_MAX);
        assert_eq!(wide, None, "{name} -h is too wide");
    }
}

#[test]
fn long_help_begins_with_an_example_that_can_be_parsed() {
    for name in COMMANDS {
        let help = levada(&[name, "--help"]).expect_code(0).stdout;
        let example = help.strip_prefix("Example:\n  levada ").expect(name);
        let line = example.lines().next().expect(name).replace('\'', "");
        // Help wins over everything else once the words before it are understood.
        let words: Vec<&str> = line.split(' ').chain(["-h"]).collect();
        levada(&words).expect_code(0);
        assert!(line.starts_with(name), "{name}: {line}");
    }
}

#[test]
fn help_of_copy() {
    let expected = expect![[r#"
        $ levada copy -h
        Copy a database to another without a configuration file

        Usage: levada copy [OPTIONS] <SOURCE> <TARGET>

        Arguments:
          <SOURCE>  URL of the production database
          <TARGET>  URL of the reporting database

        Options:
              --schema <NAME>                Schema to copy; repeat for more [default: all]
              --include <PATTERN>            Table to copy, exact name or glob; repeat for more [default:
                                             all]
              --exclude <PATTERN>            Table to leave out, exact name or glob; repeat for more
              --jobs <N>                     Workers [default: one for each core]
              --foreign-keys <FOREIGN_KEYS>  What happens to foreign keys [default: trusted] [possible
                                             values: trusted, validate, omit]
              --extension <NAME>             Extension to create on the target besides the known ones
              --omit-extension <NAME>        Extension that the target shall do without
              --replace                      Build beside what the target holds, and swap it in when it is
                                             complete
              --dry-run                      Show what would be done and change nothing
              --json                         Write machine-readable JSON lines to stdout
          -h, --help                         Print help (see more with '--help')
    "#]];
    let help = levada(&["copy", "-h"]).expect_code(0).stdout;
    expected.assert_eq(&format!("$ levada copy -h\n{help}"));
}

/// A source with something of everything that plans speak about, and its configuration.
fn shop(name: &str) -> (Database, Database, Folder) {
    let (source, target) = pair(name, SHOP);
    let folder = Folder::new(name);
    folder.write(
        "levada.toml",
        "[source]\nurl = \"${SOURCE_DATABASE_URL}\"\n[target]\nurl = \"${TARGET_DATABASE_URL}\"\n\
         [copy]\nexclude = [\"log_*\"]\n[tables.\"public.basket\"]\nmode = \"schema\"\n",
    );
    (source, target, folder)
}

/// A folder of a test's own.
pub(crate) struct Folder {
    path: std::path::PathBuf,
}

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("levada-it-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self { path }
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path.join(name), text).expect("a file");
    }

    /// Runs levada here, with the two URLs in its environment.
    pub(crate) fn levada(&self, source: &str, target: &str, arguments: &[&str]) -> Ran {
        let mut command = command(arguments);
        command.env("SOURCE_DATABASE_URL", source).env("TARGET_DATABASE_URL", target);
        command.current_dir(&self.path).output().expect("levada starts").into()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[test]
fn plan_tells_what_a_run_would_do_and_does_nothing() {
    let (source, target, folder) = shop("commands_plan");
    let ran = folder.levada(source.url(), target.url(), &["plan"]).expect_code(0);
    let expected = expect![[r#"
        table  mode  rows  bytes  parts  format
        public.purchase  refresh  5,000  [SIZE]  1  text (column amount: type money is not on the binary list)
        public.article  refresh  1,000  [SIZE]  1  binary
        public.basket  schema  1  [SIZE]  -  binary (definition only)
        left out: public.log_2026 (excluded)
        left out: public.log_lines (reads public.log_2026)
        3 tables, [SIZE]; roughly [TIME] before indexes on two cores
    "#]];
    expected.assert_eq(&filtered(&ran.stdout));
    let dry = folder.levada(source.url(), target.url(), &["run", "--dry-run"]).expect_code(0);
    assert_eq!(dry.stdout, ran.stdout);
    assert_untouched(&target);
}

#[track_caller]
fn assert_untouched(target: &Database) {
    let schemas = "select count(*) from pg_namespace where nspname ~ '^levada'";
    assert_eq!(target.psql(schemas).expect("psql"), "0", "the target has a levada schema");
    let tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace";
    assert_eq!(target.psql(tables).expect("psql"), "0", "the target has tables");
}

#[test]
fn check_lists_findings_with_hints() {
    let (source, target, folder) = shop("commands_check");
    let ran = folder.levada(source.url(), target.url(), &["check"]).expect_code(0);
    let expected = expect![[r#"
        info: the target needs about [SIZE] for tables, and as much again for indexes and sorting
        everything checked is in order; next: levada plan, then levada run
    "#]];
    expected.assert_eq(&filtered(&ran.stdout));
    assert_untouched(&target);
    source.execute("create role commands_check_reader login").expect("role");
    let url = source.url().replace("postgres@", "commands_check_reader@");
    let ran = folder.levada(&url, target.url(), &["check"]).expect_code(1);
    let expected = expect![[r#"
        error: no right to read table public.purchase
          hint: GRANT USAGE ON SCHEMA "public" TO "commands_check_reader"; GRANT SELECT ON "public"."purchase" TO "commands_check_reader"
        error: no right to read table public.article
          hint: GRANT USAGE ON SCHEMA "public" TO "commands_check_reader"; GRANT SELECT ON "public"."article" TO "commands_check_reader"
        error: no right to read table public.basket
          hint: GRANT USAGE ON SCHEMA "public" TO "commands_check_reader"; GRANT SELECT ON "public"."basket" TO "commands_check_reader"
        error: no right to read sequence public.purchase_id_seq
          hint: GRANT USAGE ON SCHEMA "public" TO "commands_check_reader"; GRANT SELECT ON SEQUENCE "public"."purchase_id_seq" TO "commands_check_reader"
        info: the target needs about [SIZE] for tables, and as much again for indexes and sorting
    "#]];
    expected.assert_eq(&filtered(&ran.stdout));
}

#[test]
fn init_writes_a_configuration_that_works() {
    let (source, target) = pair("commands_init", SHOP);
    let folder = Folder::new("commands_init");
    let dry = folder.levada(source.url(), target.url(), &["init", "--dry-run"]).expect_code(0);
    assert!(!folder.path().join("levada.toml").exists(), "--dry-run wrote a file");
    let expected = expect![[r##"
        # levada.toml: how production reaches the reporting database.
        # levada.example.toml shows every option with its default.

        [source]
        url = "${SOURCE_DATABASE_URL}"  # secrets stay in the environment
        schemas = ["public"]

        [target]
        url = "${TARGET_DATABASE_URL}"

        [copy]
        foreign_keys = "trusted"  # trusted | validate | omit
        exclude = []  # exact names or globs; a pattern without match is an error

        # The source has 4 tables; the largest:
        #  public.purchase  5,000 rows  [SIZE]
        #  public.article  1,000 rows  [SIZE]
        #  public.basket  1 rows  [SIZE]
        #  public.log_2026  1 rows  [SIZE]
        # Its extensions: plpgsql

        # What deviates for single tables:
        # [tables."public.audit_log"]
        # mode = "schema"  # refresh | schema | skip
    "##]];
    expected.assert_eq(&filtered(&dry.stdout));
    let ran = folder.levada(source.url(), target.url(), &["init"]).expect_code(0);
    let expected = expect![[r#"
        wrote levada.toml; export SOURCE_DATABASE_URL and TARGET_DATABASE_URL, then: levada check
    "#]];
    expected.assert_eq(&ran.stdout);
    let again = folder.levada(source.url(), target.url(), &["init"]).expect_code(2);
    let expected = expect![[r#"
        error: levada.toml exists already
          hint: remove it, or name another file with --config
    "#]];
    expected.assert_eq(&again.stderr);
    folder.levada(source.url(), target.url(), &["check"]).expect_code(0);
    folder.levada(source.url(), target.url(), &["run"]).expect_code(0);
}

#[test]
fn run_and_report_tell_what_happened() {
    let (source, target, folder) = shop("commands_run");
    let run = folder.levada(source.url(), target.url(), &["run"]).expect_code(0);
    let expected = expect![[r#"
        edition 1 published: 3 tables and 6,000 rows in [TIME], as of [WHEN]
        foreign keys are in place and enforced; the rows, valid in production, were not checked again
    "#]];
    expected.assert_eq(&filtered(&run.stdout));
    let expected = expect![[r#"
        note: 2 objects left out
          detail: public.log_2026 (excluded), public.log_lines (reads public.log_2026)
        reading definitions
        creating tables
        2 tables to copy: about 6,000 rows, [SIZE] on the source
        copying
        all rows read; the source is released
        publishing
    "#]];
    expected.assert_eq(&filtered(&run.stderr));
    let report = levada(&["report", "--target", target.url(), "--top", "9"]).expect_code(0);
    let expected = expect![[r#"
        run 1 (run) published, started [WHEN], [TIME], edition 1 as of [WHEN]

        category  cumulated  entries
        SCHEMA  [TIME]  1
          3 definitions  [TIME]
        TABLE DATA  [TIME]  2
          public.article  [TIME]  1,000 rows, [SIZE]
          public.purchase  [TIME]  5,000 rows, [SIZE]
        LARGE OBJECT  [TIME]  1
          levada.large_object_page  [TIME]  0 rows, [SIZE]
        INDEX  [TIME]  1
          public.purchase purchase_bought_at_idx  [TIME]
        CONSTRAINT  [TIME]  2
          public.article article_pkey  [TIME]
          public.purchase purchase_pkey  [TIME]
        FK CONSTRAINT  [TIME]  2
          public.basket basket_article_id_fkey  [TIME]
          public.purchase purchase_article_id_fkey  [TIME]
        SEQUENCE  [TIME]  1
          1 sequence  [TIME]
        ANALYZE  [TIME]  2
          public.article  [TIME]
          public.purchase  [TIME]
        PUBLISH  [TIME]  1
          edition 1  [TIME]

        wall time [TIME], work [TIME]
    "#]];
    expected.assert_eq(&entries_sorted(&filtered(&report.stdout)));
    let nothing = levada(&["report", "7", "--target", target.url()]).expect_code(2);
    let expected = expect![[r#"
        error: there is no run 7
          detail: the newest is 1
    "#]];
    expected.assert_eq(&nothing.stderr);
    let none = levada(&["report", "--target", source.url()]).expect_code(2);
    let expected = expect![[r#"
        error: levada has not run on postgres@[HOST]/commands_run_source
          hint: start with levada run, or levada copy SOURCE TARGET
    "#]];
    expected.assert_eq(&filtered(&none.stderr));
}

/// Entries stand in the order of their times; here in the order of their names.
fn entries_sorted(report: &str) -> String {
    let mut lines: Vec<&str> = report.lines().collect();
    for group in lines.chunk_by_mut(|left, right| left.starts_with("  ") && right.starts_with("  "))
    {
        group.sort_unstable();
    }
    lines.join("\n") + "\n"
}

#[test]
fn schema_lists_differences_and_applies_them_to_an_empty_target() {
    let (source, target) = pair("commands_schema", SHOP);
    let schema = |more: &[&str]| levada(&[&["schema", source.url(), target.url()], more].concat());
    schema(&["--dry-run"]).expect_code(1);
    assert_untouched(&target);
    let ran = schema(&[]).expect_code(0);
    assert!(ran.stdout.ends_with(" statements run; the definitions are equal now\n"));
    assert_eq!(schema(&[]).expect_code(0).stdout, "the definitions are equal\n");
    let change = "drop index public.purchase_bought_at_idx; create table public.own (id int); \
                  comment on table public.article is 'changed'";
    target.execute(change).expect("a change");
    let ran = schema(&[]).expect_code(1);
    let expected = expect![[r#"
        missing in the target: INDEX public.purchase_bought_at_idx
        only in the target: TABLE public.own
        different: COMMENT public.TABLE article
        nothing was changed; --replace drops what the target holds, rows included
    "#]];
    expected.assert_eq(&(ran.stdout + &ran.stderr));
}

#[test]
fn json_is_valid_line_by_line() {
    let (source, target, folder) = shop("commands_json");
    let urls = (source.url(), target.url());
    let json = |arguments: &[&str], code| {
        let words: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        kinds(&folder.levada(urls.0, urls.1, &words).expect_code(code).stdout)
    };
    assert_eq!(json(&["init", "--config", "x.toml", "--dry-run"], 0), ["config"]);
    assert_eq!(json(&["init", "--config", "x.toml"], 0), ["written"]);
    assert_eq!(json(&["check"], 0), ["finding"]);
    assert_eq!(json(&["plan"], 0), ["plan"]);
    assert_eq!(json(&["schema", urls.0, urls.1, "--dry-run"], 1), ["schema"]);
    let run = ["finished", "moved", "note", "phase", "planned", "report", "started"];
    assert_eq!(json(&["run"], 0), run);
    assert_eq!(json(&["report"], 0), ["times"]);
    assert!(json(&["run"], 0).contains(&"report".to_owned()));
    assert_eq!(json(&["status"], 0), ["status"]);
    assert_eq!(json(&["verify"], 0), ["comparison"]);
    let copy = json(&["copy", urls.0, urls.1], 2);
    assert!(copy.contains(&"error".to_owned()), "{copy:?}");
}

/// The kinds of lines, each once, in the order of the alphabet. `moved` comes at most once a
/// second, so it counts as seen.
#[track_caller]
fn kinds(lines: &str) -> Vec<String> {
    let mut kinds = std::collections::BTreeSet::new();
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect(line);
        kinds.insert(value["type"].as_str().expect(line).to_owned());
    }
    if kinds.contains("planned") {
        kinds.insert("moved".to_owned());
    }
    kinds.into_iter().collect()
}

#[test]
fn wrong_usage_fails_with_2() {
    for arguments in [&["nonsense"][..], &["copy", "one"], &["run", "--no-such"], &[]] {
        let ran = levada(arguments).expect_code(2);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
}
