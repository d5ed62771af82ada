//! The documents that are generated: the reference of commands, options and exit codes, and the
//! example configuration. `UPDATE_EXPECT=1` writes them; without it they are compared.

mod outline;

/// The configuration as the binary knows it, for its defaults.
#[allow(dead_code)]
#[path = "../../src/config.rs"]
mod config;

use std::path::{Path, PathBuf};

use expect_test::expect_file;
use toml::Value;

use crate::support::{cluster, command, levada, pair};
use outline::{Field, fields, variants};

const CONFIG: &str = include_str!("../../src/config.rs");
const COPY_CONFIG: &str = include_str!("../../../levada-copy/src/config.rs");
const OUTCOME: &str = include_str!("../../src/outcome.rs");
const GENERATED: &str =
    "<!-- Written by the tests: UPDATE_EXPECT=1 cargo test -p levada --test it docs:: -->\n";

/// The commands in the order of `levada -h`, which knows them all.
fn commands() -> Vec<String> {
    let help = levada(&["-h"]).expect_code(0).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.map_while(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[test]
fn reference_of_commands() {
    let mut text = format!("{GENERATED}# Commands\n\n```\n{}```\n", help(&["--help"]));
    for name in commands() {
        text += &format!("\n## levada {name}\n\n```\n{}```\n", help(&[&name, "--help"]));
    }
    expect_file!["../../../../docs/reference/cli.md"].assert_eq(&text);
}

/// Help as text, without blanks at the ends of lines.
fn help(arguments: &[&str]) -> String {
    let help = levada(arguments).expect_code(0).stdout;
    help.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn reference_of_exit_codes() {
    let mut text = format!("{GENERATED}# Exit codes\n\nThe same for every command.\n\n");
    text += "| code | meaning |\n|---|---|\n";
    for (name, meaning) in variants(OUTCOME, "Outcome") {
        let code = OUTCOME.split_once(&format!("Outcome::{name} => ")).expect("a code").1;
        let code = code.split(',').next().expect("a number");
        text += &format!("| {code} | {meaning} |\n");
    }
    expect_file!["../../../../docs/reference/exit-codes.md"].assert_eq(&text);
}

/// A section of the configuration, with the options in it.
struct Section {
    /// As in brackets.
    name: String,
    about: String,
    options: Vec<Field>,
    /// By option; missing where an option has none.
    defaults: toml::Table,
    /// It stands for any number of sections, and for none unless it is written.
    is_example: bool,
}

/// All sections, found by the types of `config::File`'s fields.
fn sections() -> Vec<Section> {
    let defaults = toml::Table::try_from(config::File::default()).expect("defaults");
    let sections = fields(CONFIG, "File").into_iter().map(|section| {
        let is_map = section.kind.starts_with("BTreeMap<String, ");
        let kind = section.kind.trim_start_matches("BTreeMap<String, ").trim_end_matches('>');
        let options = match kind {
            "copy::Config" => fields(COPY_CONFIG, "Config"),
            "Rule" => fields(COPY_CONFIG, "Rule"),
            own => fields(CONFIG, own),
        };
        assert!(!options.is_empty(), "no options are found in {kind}");
        let rule = toml::Table::try_from(copy::Rule::default()).expect("a rule");
        let default = match is_map {
            true => Some(&rule),
            false => defaults.get(&section.name).and_then(Value::as_table),
        };
        Section {
            name: if is_map {
                format!("{}.\"public.audit_log\"", section.name)
            } else {
                section.name
            },
            about: section.about,
            options,
            defaults: default.cloned().unwrap_or_default(),
            is_example: is_map,
        }
    });
    sections.collect()
}

#[test]
fn reference_of_the_configuration() {
    let mut text = format!("{GENERATED}# Configuration\n\n");
    text += include_str!("docs/config.md");
    for section in sections() {
        text += &format!("\n## [{}]\n\n{}\n\n", section.name, section.about);
        text += "| option | default | meaning |\n|---|---|---|\n";
        for option in &section.options {
            let default = section.defaults.get(&option.name);
            let default = default.map_or("none".to_owned(), |value| format!("`{value}`"));
            text += &format!("| `{}` | {default} | {} |\n", option.name, option.about);
        }
    }
    expect_file!["../../../../docs/reference/config.md"].assert_eq(&text);
}

#[test]
fn example_shows_every_option_with_its_default() {
    let mut text = include_str!("docs/example.toml").to_owned();
    for section in sections() {
        let mark = if section.is_example { "# " } else { "" };
        text += &format!("\n# {}\n{mark}[{}]\n", section.about, section.name);
        for option in &section.options {
            text += &comment(&option.about);
            let value = match section.defaults.get(&option.name) {
                Some(Value::String(url)) if url.is_empty() && option.name == "url" => {
                    format!("\"${{{}_DATABASE_URL}}\"", section.name.to_uppercase())
                }
                Some(value) => value.to_string(),
                None => sample(&option.name).to_owned(),
            };
            text += &format!("{mark}{} = {value}\n", option.name);
        }
    }
    expect_file!["../../../../levada.example.toml"].assert_eq(&text);
}

/// A value of an option that has no default.
fn sample(option: &str) -> &'static str {
    match option {
        "where" => "\"created_at >= '2024-01-01'\"",
        "fillfactor" => "90",
        other => panic!("{other} has neither a default nor a sample"),
    }
}

/// Comment lines of at most 100 letters.
fn comment(text: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in text.split(' ') {
        if lines.last().is_some_and(|line| line.len() + word.len() >= 100) {
            lines.push("#".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            *line += " ";
            *line += word;
        }
    }
    lines.join("\n") + "\n"
}

/// Whatever wrote the file: what it says is what levada does without it.
#[test]
fn example_holds_the_defaults() {
    let example = read("levada.example.toml");
    let mut example: toml::Table = toml::from_str(&example).expect("the example is TOML");
    for side in ["source", "target"] {
        let section = example.get_mut(side).and_then(Value::as_table_mut).expect(side);
        section.insert("url".to_owned(), Value::String(String::new()));
    }
    let mut defaults = toml::Table::try_from(config::File::default()).expect("defaults");
    defaults.remove("tables");
    assert_eq!(example, defaults);
}

#[test]
fn example_is_accepted() {
    let (source, target) = pair("docs_example", "create table public.answer (id int)");
    let example = root().join("levada.example.toml");
    let mut plan = command(&["plan", "--config", &example.display().to_string()]);
    plan.env("SOURCE_DATABASE_URL", source.url()).env("TARGET_DATABASE_URL", target.url());
    let output = plan.output().expect("levada starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(cluster().is_running().expect("a server"));
}

const README_LINES_MAX: usize = 150;

#[test]
fn readme_is_short_and_names_every_command() {
    let readme = read("README.md");
    assert!(readme.lines().count() < README_LINES_MAX, "README.md is too long");
    for name in commands() {
        assert!(readme.contains(&format!("| `levada {name}")), "README.md lacks levada {name}");
    }
}

#[test]
fn links_lead_somewhere() {
    let mut pages = vec!["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    pages.extend(["docs/tutorial.md", "docs/concepts/copying.md"]);
    pages.extend(["docs/concepts/refreshing.md", "docs/concepts/verifying.md"]);
    for page in pages {
        let text = read(page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or(link);
            let folder = Path::new(page).parent().unwrap_or(Path::new(""));
            let is_there = link.contains("://") || root().join(folder).join(path).exists();
            assert!(is_there, "{page} leads to {link}, which is not there");
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect(path)
}
