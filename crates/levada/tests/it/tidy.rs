//! The house rules, checked.
//!
//! Responsible for: one test per rule of STYLE.md, over every file of the checkout. An exception
//! is listed here with the rule; one that is no longer needed fails the test, so that the lists
//! only shrink. Must not: know anything about what levada does.

mod lexer;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const PARAMETERS_MAX: usize = 6;
const LINE_LETTERS_MAX: usize = 100;
const SQL_LINES_MAX: usize = 3;

const ROOT: &[&str] = &[
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "STYLE.md",
    "clippy.toml",
    "crates",
    "docs",
    "levada.example.toml",
    "rustfmt.toml",
];

/// From the bottom to the top: a crate may use those of lower steps, never of its own.
/// Crates that stand in no step are features and share the one below `levada`.
const STEPS: &[&[&str]] = &[
    &["levada-report", "levada-testkit"],
    &["levada-pg"],
    &["levada-edition"],
    &["levada-copy", "levada-verify", "levada-shape"],
    &["levada-refresh"],
    &["levada"],
];

// Exceptions, each as `path` or `path: detail` as the failing test prints it.
const LONG_FILES: &[&str] = &[];
const LONG_FUNCTIONS: &[&str] = &[];
const MANY_PARAMETERS: &[&str] = &[];
const LONG_LINES: &[&str] = &[];
const BUCKETS: &[&str] = &[];
const UNINTRODUCED: &[&str] = &[];
const UNDOCUMENTED: &[&str] = &[];
const UNWRAPS: &[&str] = &[];
/// The seed of a test is printed where the test harness can catch it.
const PRINTS: &[&str] = &["crates/levada-testkit/src/dice.rs: eprintln!"];
/// The one bounded poll.
const SLEEPS: &[&str] = &["crates/levada-testkit/src/wait.rs: sleep"];
const LONG_SQL: &[&str] = &[];
/// The testkit judges from outside and so has quotes of its own.
const QUOTES: &[&str] = &["crates/levada-pg/src/name.rs", "crates/levada-testkit/src/database.rs"];
const SIDES: &[&str] = &[
    // An attribute of HTML.
    "crates/levada-serve/src/page/layout.rs: src",
];
const DIRECTIONS: &[&str] = &[];
const MACHINE_PATHS: &[&str] = &[];

#[test]
fn the_root_holds_nothing_new() {
    let found: BTreeSet<&str> =
        tree().iter().filter_map(|file| file.path.split('/').next()).collect();
    judge(found.into_iter().filter(|name| !ROOT.contains(name)).map(str::to_owned), &[]);
}

#[test]
fn files_are_short() {
    let long = rust_files().filter(|file| file.production_lines() > FILE_LINES_MAX);
    judge(long.map(|file| file.path.clone()), LONG_FILES);
}

#[test]
fn functions_are_short() {
    let functions = rust_files().flat_map(|file| file.functions());
    let long = functions.filter(|function| function.lines > FUNCTION_LINES_MAX);
    judge(long.map(|function| function.place), LONG_FUNCTIONS);
}

#[test]
fn parameters_are_few() {
    let functions = rust_files().flat_map(|file| file.functions());
    let greedy = functions.filter(|function| function.parameters > PARAMETERS_MAX);
    judge(greedy.map(|function| function.place), MANY_PARAMETERS);
}

#[test]
fn lines_are_short() {
    let narrow = [".rs", ".sql", ".sh", "Makefile", ".ci/run"];
    let files = tree().iter().filter(|file| narrow.iter().any(|end| file.path.ends_with(end)));
    let long = files.flat_map(|file| {
        let snapshots = file.snapshot_lines();
        let numbered = (1..).zip(file.text.lines());
        let numbered = numbered.filter(move |(number, _)| !snapshots.contains(number));
        let long = numbered.filter(|(_, line)| line.chars().count() > LINE_LETTERS_MAX);
        long.map(|(number, _)| format!("{}:{number}", file.path))
    });
    judge(long, LONG_LINES);
}

#[test]
fn nothing_is_a_bucket() {
    let buckets =
        ["util", "utils", "common", "helper", "helpers", "misc", "manager", "type", "types"];
    let named = rust_files().filter(|file| {
        let mut parts = file.path.trim_end_matches(".rs").split('/');
        parts.any(|part| buckets.contains(&part))
    });
    let mut found: Vec<String> = named.map(|file| file.path.clone()).collect();
    for file in rust_files() {
        let modules = words_after(&file.code, "mod ");
        let bad = modules.filter(|name| buckets.contains(name));
        found.extend(bad.map(|name| format!("{}: mod {name}", file.path)));
    }
    judge(found, BUCKETS);
}

#[test]
fn files_introduce_themselves() {
    let silent = rust_files().filter(|file| !file.text.starts_with("//! "));
    judge(silent.map(|file| file.path.clone()), UNINTRODUCED);
}

#[test]
fn public_items_are_documented() {
    let starts = ["fn", "async fn", "struct", "enum", "trait", "const", "static", "type"];
    let starts = starts.map(|start| format!("pub {start} "));
    let mut found = Vec::new();
    for file in rust_files().filter(|file| !file.is_test()) {
        let lines: Vec<&str> = file.production().lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate() {
            let above = lines[..index].iter().rev().find(|line| !line.starts_with('#'));
            let documented = above.is_some_and(|line| line.starts_with("///"));
            if starts.iter().any(|start| line.starts_with(start)) && !documented {
                let item: Vec<&str> = line.split(['(', '<', '{', ';', ':', '=']).take(1).collect();
                found.push(format!("{}: {}", file.path, item.concat().trim()));
            }
        }
    }
    judge(found, UNDOCUMENTED);
}

#[test]
fn nothing_unwraps() {
    let calls = [".unwrap()", ".expect(", ".unwrap_err()", "unreachable!(", "todo!(", "dbg!("];
    judge(found_in_production(&calls, |_| true), UNWRAPS);
}

#[test]
fn only_the_binary_prints_and_exits() {
    let calls = ["println!", "eprintln!", "print!", "eprint!", "process::exit", "clap::"];
    judge(found_in_production(&calls, |path| !path.starts_with("crates/levada/")), PRINTS);
}

#[test]
fn tests_do_not_sleep() {
    let found = rust_files().filter(|file| {
        let whole = file.is_test() || file.path.starts_with("crates/levada-testkit/");
        let code = if whole { &file.code } else { &file.code[file.production().len()..] };
        has_word(code, "sleep")
    });
    judge(found.map(|file| format!("{}: sleep", file.path)), SLEEPS);
}

#[test]
fn long_sql_has_its_own_file() {
    let openings = [
        "alter", "analyze", "begin", "comment", "copy", "create", "declare", "delete", "drop",
        "grant", "insert", "lock", "merge", "select", "set", "truncate", "update", "with",
    ];
    let mut found = Vec::new();
    for file in rust_files() {
        for literal in &file.literals {
            let text = literal.text.trim_start_matches(['\\', '\n', ' ']).to_lowercase();
            let first = text.split_whitespace().next().unwrap_or_default();
            if literal.text.trim().lines().count() > SQL_LINES_MAX && openings.contains(&first) {
                found.push(format!("{}:{}", file.path, literal.line));
            }
        }
    }
    judge(found, LONG_SQL);
}

#[test]
fn one_place_quotes_names() {
    let quoting = ["replace('\"', \"\\\"\\\"\")", "\"\\\"{}\\\"\", name"];
    let production = rust_files().filter(|file| !file.is_test());
    let found =
        production.filter(|file| quoting.iter().any(|text| file.production().contains(text)));
    judge(found.map(|file| file.path.clone()), QUOTES);
}

#[test]
fn sides_have_their_names() {
    let found = rust_files().flat_map(|file| {
        let short = ["src", "dst", "dest"].into_iter().filter(|word| has_word(&file.code, word));
        short.map(|word| format!("{}: {word}", file.path))
    });
    judge(found, SIDES);
}

#[test]
fn crates_depend_downwards() {
    let manifests = tree().iter().filter_map(|file| {
        let folder = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
        Some((folder, file.text.as_str()))
    });
    let manifests: BTreeMap<&str, &str> = manifests.collect();
    let mut found = Vec::new();
    for (&folder, manifest) in &manifests {
        if !manifest.contains(&format!("name = \"{folder}\"")) {
            found.push(format!("{folder}: another name than its folder"));
        }
        for key in dependency_keys(manifest) {
            let long = format!("levada-{key}");
            let known = [key, &long].into_iter().find(|name| manifests.contains_key(name));
            if let Some(used) = known.filter(|used| step_of(used) >= step_of(folder)) {
                found.push(format!("{folder}: {used}"));
            }
        }
    }
    judge(found, DIRECTIONS);
}

#[test]
fn no_file_names_a_machine() {
    // Spelled apart, as this file is looked through as well.
    let needles = ["/wo rk/", "/ro ot/", "/ho me/", "registry.npm js", "py pi.org", "deb. debian"];
    let needles = needles.map(|needle| needle.replace(' ', ""));
    let files = tree().iter().filter(|file| file.path != "Cargo.lock");
    let found = files.flat_map(|file| {
        let named = needles.iter().filter(|needle| names_place(&file.text, needle));
        named.map(|needle| format!("{}: {needle}", file.path))
    });
    judge(found, MACHINE_PATHS);
}

#[test]
fn style_names_every_check() {
    let text = |path: &str| tree().iter().find(|file| file.path == path).map(|file| &file.text);
    let (Some(style), Some(own)) = (text("STYLE.md"), text("crates/levada/tests/it/tidy.rs"))
    else {
        panic!("STYLE.md or tidy.rs is missing");
    };
    // The tests after the rules are tests of this file's own tools.
    let own = own.split("\nfn judge").next().unwrap_or(own);
    let checks: BTreeSet<&str> =
        own.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next()).collect();
    let named: BTreeSet<&str> =
        style.split("`tidy::").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    judge(checks.symmetric_difference(&named).map(ToString::to_string), &[]);
}

/// Fails with what was found and is no exception, and with exceptions that are not needed.
fn judge(found: impl IntoIterator<Item = String>, exceptions: &[&str]) {
    let found: BTreeSet<String> = found.into_iter().collect();
    let new: Vec<&String> =
        found.iter().filter(|place| !exceptions.contains(&place.as_str())).collect();
    let stale: Vec<&&str> = exceptions.iter().filter(|place| !found.contains(**place)).collect();
    assert!(new.is_empty(), "against a rule of STYLE.md: {new:#?}");
    assert!(stale.is_empty(), "exceptions that can go: {stale:#?}");
}

/// One file of the checkout.
struct File {
    path: String,
    text: String,
    /// Rust only: the text with comments and literals blanked, of the same length.
    code: String,
    literals: Vec<Literal>,
}

/// A string literal and the line it begins on.
struct Literal {
    line: usize,
    text: String,
}

struct Function {
    place: String,
    lines: usize,
    parameters: usize,
}

impl File {
    fn read(root: &Path, path: &str) -> Option<Self> {
        // Files that are no text, and files deleted but not yet committed, have no style.
        let text = std::fs::read_to_string(root.join(path)).ok()?;
        let (code, literals) =
            if path.ends_with(".rs") { lexer::split(&text) } else { (String::new(), Vec::new()) };
        Some(Self { path: path.to_owned(), text, code, literals })
    }

    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("_tests.rs")
    }

    /// The lines inside literals of a test: a snapshot is as wide as what it shows.
    fn snapshot_lines(&self) -> BTreeSet<usize> {
        let literals = self.literals.iter().filter(|_| self.is_test());
        let lines = literals
            .flat_map(|literal| (literal.line + 1)..=(literal.line + literal.text.lines().count()));
        lines.collect()
    }

    /// What stands before the tests in this file.
    fn production(&self) -> &str {
        let tests = self.code.match_indices("#[cfg(test)]").find(|(index, mark)| {
            let next = self.code[index + mark.len()..].trim_start().lines().next();
            next.is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
        });
        tests.map_or(&self.text, |(index, _)| &self.text[..index])
    }

    fn production_lines(&self) -> usize {
        if self.is_test() { 0 } else { self.production().lines().count() }
    }

    fn functions(&self) -> Vec<Function> {
        let starts = self.code.match_indices("fn ").filter(|(index, _)| {
            !self.code[..*index].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
        });
        starts.filter_map(|(index, _)| self.function_at(index)).collect()
    }

    fn function_at(&self, start: usize) -> Option<Function> {
        let code = &self.code[start..];
        let name = words_after(code, "fn ").next()?;
        let open = lexer::find_at_depth(code, 3 + name.len(), "(")?;
        let close = lexer::find_at_depth(code, open + 1, ")")?;
        let body = lexer::find_at_depth(code, close + 1, "{;")?;
        let end = match code.as_bytes()[body] {
            b'{' => lexer::find_at_depth(code, body + 1, "}")?,
            _ => body,
        };
        let parameters = lexer::split_at_depth(&code[open + 1..close]);
        let own = |text: &&str| !text.is_empty() && !has_word(text, "self");
        Some(Function {
            place: format!("{}: {name}", self.path),
            lines: code[..=end].lines().count(),
            parameters: parameters.into_iter().map(str::trim).filter(own).count(),
        })
    }
}

fn tree() -> &'static [File] {
    static TREE: OnceLock<Vec<File>> = OnceLock::new();
    TREE.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut git = Command::new("git");
        // A checkout may belong to another account than the one that runs its tests.
        git.args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"]);
        git.arg("--exclude-standard").current_dir(&root);
        let output = git.output().unwrap_or_else(|error| panic!("cannot run git: {error}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let paths = String::from_utf8_lossy(&output.stdout);
        paths.split_terminator('\0').filter_map(|path| File::read(&root, path)).collect()
    })
}

fn rust_files() -> impl Iterator<Item = &'static File> {
    tree().iter().filter(|file| file.path.ends_with(".rs"))
}

/// `path: needle` for each needle in the code, comments and literals aside, that ships.
fn found_in_production(needles: &[&str], concerns: fn(&str) -> bool) -> Vec<String> {
    let files = rust_files().filter(|file| file.path.contains("/src/"));
    let files = files.filter(|file| !file.is_test() && concerns(&file.path));
    let found = files.flat_map(|file| {
        let code = &file.code[..file.production().len()];
        let named = needles.iter().filter(|needle| {
            let mut places = code.match_indices(**needle);
            // `print!` is no part of `eprint!`, but `.unwrap()` may follow anything.
            let glued = |index: usize| code[..index].ends_with(char::is_alphabetic);
            places.any(|(index, _)| needle.starts_with('.') || !glued(index))
        });
        named.map(|needle| format!("{}: {needle}", file.path))
    });
    found.collect()
}

fn words_after<'a>(code: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(before).map(move |(index, _)| {
        let rest = &code[index + before.len()..];
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|part| part == word)
}

/// Whether `needle` stands in `text` as a place of its own, not inside a longer path.
fn names_place(text: &str, needle: &str) -> bool {
    text.match_indices(needle).any(|(index, _)| {
        !text[..index]
            .ends_with(|letter: char| letter.is_alphanumeric() || "._-}*".contains(letter))
    })
}

/// The keys of `[dependencies]` and `[build-dependencies]`; tests may use what they like.
fn dependency_keys(manifest: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    manifest.lines().filter_map(move |line| {
        if line.starts_with('[') {
            inside = matches!(line.trim(), "[dependencies]" | "[build-dependencies]");
            return None;
        }
        let key = line.split(['.', ' ', '=']).next().filter(|key| !key.is_empty());
        key.filter(|_| inside)
    })
}

fn step_of(name: &str) -> usize {
    STEPS.iter().position(|step| step.contains(&name)).unwrap_or(3)
}

#[test]
fn measures_functions() {
    let text = "fn f<T: Fn(u8, u8) -> u8>(&self, a: [u8; 2], b: Map<K, V>) -> T\n{\n}\n";
    let (code, literals) = lexer::split(text);
    let file = File { path: "p".into(), text: text.into(), code, literals };
    let function = &file.functions()[0];
    assert_eq!((function.place.as_str(), function.parameters, function.lines), ("p: f", 2, 3));
}
