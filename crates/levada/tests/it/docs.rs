//! The documents that are generated: the reference of commands, options and exit codes, and the
//! example configuration. `UPDATE_EXPECT=1` writes them; without it they are compared.

mod nested;
mod outline;
mod samples;

/// The configuration as the binary knows it, for its defaults.
#[allow(dead_code)]
#[path = "../../src/config.rs"]
mod config;

use std::path::{Path, PathBuf};

use expect_test::expect_file;
use toml::Value;

use crate::support::{cluster, command, levada, pair};
use nested::Source;
use outline::{Field, fields, variants};
use samples::sample;

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
    /// As in the file, without brackets.
    name: String,
    /// With brackets.
    heading: String,
    about: String,
    options: Vec<Field>,
    /// By option; missing where an option has none.
    defaults: toml::Table,
    /// Options without which the section is refused.
    required: Vec<String>,
    /// It stands for any number of sections, and for none unless it is written.
    is_example: bool,
    /// What is written inside its options, for the reference.
    nested: String,
}

/// All sections, found by the types of `config::File`'s fields.
fn sections() -> Vec<Section> {
    let shape = Source::read(&root().join("crates/levada-shape/src"));
    let serve = Source::read(&root().join("crates/levada-serve/src"));
    let sections = fields(CONFIG, "File").into_iter();
    let read = sections.map(|mut section| match section.kind.contains("serve::") {
        true => {
            section.kind = section.kind.replace("serve::", "");
            read_section(&serve, section)
        }
        false => read_section(&shape, section),
    });
    read.collect()
}

/// `features` is the source of the crate that owns the section, unless the binary does.
fn read_section(features: &Source, section: Field) -> Section {
    let (name, about) = (section.name, section.about);
    let is_map = section.kind.starts_with("BTreeMap<String, ");
    let kind = section.kind.trim_start_matches("BTreeMap<String, ").trim_end_matches('>');
    if let Some(kind) = kind.strip_prefix("Vec<") {
        let options = features.fields(kind);
        let (defaults, required) = example_defaults(&name);
        let describe =
            |option: &Field| features.describe(kind, &format!("{name}.{}", option.name), option);
        let nested = options.iter().map(describe).collect();
        // A default may be there for the reader of the file only: nothing goes without a name.
        let required = [vec!["name".to_owned()], required].concat();
        let heading = format!("[[{name}]]");
        return Section {
            is_example: true,
            name,
            heading,
            about,
            options,
            defaults,
            required,
            nested,
        };
    }
    let options = match kind {
        "copy::Config" => fields(COPY_CONFIG, "Config"),
        "Rule" => fields(COPY_CONFIG, "Rule"),
        "Serve" | "Brand" => features.fields(kind),
        own => fields(CONFIG, own),
    };
    assert!(!options.is_empty(), "no options are found in {kind}");
    let all = toml::Table::try_from(config::File::default()).expect("defaults");
    let rule = toml::Table::try_from(copy::Rule::default()).expect("a rule");
    let default = if is_map { Some(&rule) } else { all.get(&name).and_then(Value::as_table) };
    Section {
        heading: if is_map {
            format!("[{name}.\"public.audit_log\"]")
        } else {
            format!("[{name}]")
        },
        about,
        options,
        defaults: default.cloned().unwrap_or_default(),
        required: Vec::new(),
        is_example: is_map,
        nested: String::new(),
        name,
    }
}

/// What a section of many says when only what it needs is written, and what that is.
fn example_defaults(section: &str) -> (toml::Table, Vec<String>) {
    let mut required: Vec<String> = Vec::new();
    loop {
        let lines = required.iter().map(|option| format!("{option} = {}\n", must(section, option)));
        let text = format!("[[{section}]]\n{}", lines.collect::<String>());
        match toml::from_str::<config::File>(&text) {
            Ok(file) => {
                let file = toml::Table::try_from(file).expect("a configuration");
                let mut table = file[section][0].as_table().expect("a section").clone();
                table.retain(|option, _| !required.iter().any(|name| name == option));
                return (table, required);
            }
            Err(error) => {
                let missing = error.message().strip_prefix("missing field `");
                let missing = missing.and_then(|rest| rest.strip_suffix('`'));
                let missing = missing.filter(|missing| !required.iter().any(|r| r == missing));
                let missing = missing.unwrap_or_else(|| panic!("{text}is refused: {error}"));
                required.push(missing.to_owned());
            }
        }
    }
}

fn must(section: &str, option: &str) -> &'static str {
    sample(section, option).unwrap_or_else(|| {
        panic!(
            "[{section}] {option} has neither a default nor a sample: \
             add one in tests/it/docs/samples.rs"
        )
    })
}

/// Whether a default says nothing that an example could show.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Table(table) => table.is_empty(),
        _ => false,
    }
}

#[test]
fn reference_of_the_configuration() {
    let mut text = format!("{GENERATED}# Configuration\n\n");
    text += include_str!("docs/config.md");
    for section in sections() {
        text += &format!("\n## {}\n\n{}\n\n", section.heading, section.about);
        text += "| option | default | meaning |\n|---|---|---|\n";
        for option in &section.options {
            let default = match section.defaults.get(&option.name) {
                _ if section.required.contains(&option.name) => "required".to_owned(),
                Some(value) if !(section.is_example && is_empty(value)) => format!("`{value}`"),
                _ => "none".to_owned(),
            };
            let about = option.about.replace('|', "\\|");
            text += &format!("| `{}` | {default} | {about} |\n", option.name);
        }
        text += &section.nested;
    }
    expect_file!["../../../../docs/reference/config.md"].assert_eq(&text);
}

/// The example, with another mark before the lines that are an example only.
fn example(mark: &str) -> String {
    let mut text = include_str!("docs/example.toml").to_owned();
    for section in sections() {
        let mark = if section.is_example { mark } else { "" };
        text += &format!("\n{}{mark}{}\n", comment(&section.about), section.heading);
        for option in &section.options {
            let value = match section.defaults.get(&option.name) {
                Some(Value::String(url))
                    if url.is_empty() && option.name == "url" && section.name != "serve" =>
                {
                    format!("\"${{{}_DATABASE_URL}}\"", section.name.to_uppercase())
                }
                Some(value) if !(section.is_example && is_empty(value)) => value.to_string(),
                _ => must(&section.name, &option.name).to_owned(),
            };
            text += &format!("{}{mark}{} = {value}\n", comment(&option.about), option.name);
        }
    }
    text
}

#[test]
fn example_shows_every_option_with_its_default() {
    expect_file!["../../../../levada.example.toml"].assert_eq(&example("# "));
}

#[test]
fn example_can_be_uncommented() {
    let text = example("");
    let file: config::File = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((file.rollups.len(), file.calendars.len(), file.tables.len()), (1, 1, 1));
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
    for section in sections().iter().filter(|section| section.is_example) {
        defaults.remove(&section.name);
    }
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
    pages.extend(["docs/concepts/enriching.md", "docs/concepts/statistics.md"]);
    pages.extend(["docs/concepts/serving.md"]);
    pages.extend(["docs/examples/README.md", "docs/examples/notify/README.md"]);
    pages.extend(["docs/examples/pass-emploi/README.md"]);
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
