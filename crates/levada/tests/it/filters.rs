//! Takes out of what levada says whatever differs from run to run: times, sizes, ports, versions.

/// Names of units that follow a number of bytes.
const SIZES: [&str; 5] = ["B", "KiB", "MiB", "GiB", "MiB/s"];

/// The text with `[TIME]`, `[WHEN]`, `[SIZE]`, `[HOST]`, and without the once-a-second lines.
/// Columns are two spaces apart, however wide their numbers were.
pub(crate) fn filtered(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains(" rows/s, ")).map(filtered_line);
    let is_tick = |line: &String| line.trim_start_matches([' ', '|']).starts_with("[TIME]: ");
    lines.filter(|line| !is_tick(line)).map(|line| line + "\n").collect()
}

fn filtered_line(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let mut words: Vec<String> = Vec::new();
    let mut gap_before = false;
    for word in line.trim().split(' ') {
        if word.is_empty() {
            gap_before = true;
            continue;
        }
        let spaced = if gap_before { format!(" {word}") } else { word.to_owned() };
        gap_before = false;
        words.push(spaced);
        replace_end(&mut words);
    }
    format!("{}{}", &line[..indent], words.join(" "))
}

/// Replaces the last words where together they are a time, a moment, a size or an address.
fn replace_end(words: &mut Vec<String>) {
    let Some(last) = words.last().cloned() else { return };
    let (gap, word) = split_gap(&last);
    let bare = word.trim_end_matches([',', ':', ';', ')', '.']);
    let punctuation = &word[bare.len()..];
    let before = words.len().checked_sub(2).and_then(|at| words.get(at)).cloned();
    let number_before = before.as_deref().filter(|before| is_number(split_gap(before).1));
    if let Some(number) = number_before
        && (bare == "s" || SIZES.contains(&bare))
    {
        let (gap, _) = split_gap(number);
        let mark = if bare == "s" { "[TIME]" } else { "[SIZE]" };
        words.truncate(words.len() - 2);
        words.push(format!("{gap}{mark}{punctuation}"));
    } else if is_moment(bare) {
        replace_last(words, format!("{gap}[WHEN]{punctuation}"));
    } else if bare == "UTC" && before.as_deref().is_some_and(is_clock) {
        words.truncate(words.len() - 3);
        words.push(format!("[WHEN]{punctuation}"));
    } else if let Some(at) = word.find("127.0.0.1:") {
        let port = at + "127.0.0.1:".len();
        let rest = word[port..].trim_start_matches(|letter: char| letter.is_ascii_digit());
        replace_last(words, format!("{gap}{}[HOST]{rest}", &word[..at]));
    } else if before.as_deref() == Some("PostgreSQL") && is_number(bare) {
        replace_last(words, format!("[VERSION]{punctuation}"));
    }
}

fn replace_last(words: &mut [String], word: String) {
    if let Some(last) = words.last_mut() {
        *last = word;
    }
}

/// A leading space that stands for a wider gap, and the word.
fn split_gap(word: &str) -> (&str, &str) {
    word.split_at(word.len() - word.trim_start().len())
}

fn is_number(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
        && word.chars().all(|letter| letter.is_ascii_digit() || letter == '.')
}

/// `2026-11-21T08:51:27.546971Z`
fn is_moment(word: &str) -> bool {
    word.len() >= 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T'
}

/// `08:51:27`
fn is_clock(word: &str) -> bool {
    word.len() == 8 && word.split(':').filter(|part| is_number(part)).count() == 3
}

#[test]
fn what_differs_from_run_to_run_is_taken_out() {
    let check = |text: &str, expected: &str| assert_eq!(filtered(text), format!("{expected}\n"));
    check("in 1.1 s, as of 2026-11-21T08:51:27.54Z", "in [TIME], as of [WHEN]");
    check("started 2026-11-21 08:51:27 UTC, 2.0 s", "started [WHEN], [TIME]");
    check("  a         38 MiB   0.42 s", "  a  [SIZE]  [TIME]");
    check("postgres@127.0.0.1:4711/shop refuses", "postgres@[HOST]/shop refuses");
}
