//! Makes two outputs comparable that differ only in what differs from run to run: ids, times, places, people and, for
//! commands that tell what was used, numbers.

/// Commands whose numbers depend on how long a job ran, on what else a cluster did, or on how often the ledger looked at it.
const MEASURING: [&str; 15] = [
    "balance",
    "doctor",
    "jobs",
    "ledger bindings",
    "ledger export",
    "ledger statement",
    "ledger unattributed",
    "ledger verify",
    "logs",
    "settle",
    "show",
    "sites",
    "usage",
    "watch",
    "why",
];

/// Whether the numbers in the command's output are to be compared.
pub(crate) fn has_exact_numbers(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().filter(|word| !["--json", "--quiet"].contains(word)).collect();
    let measures = |name: &&str| {
        words.windows(1 + name.split(' ').count()).any(|pair| pair[0] == "pakt" && pair[1..].join(" ") == **name)
    };
    !MEASURING.iter().any(measures) && !words.contains(&"--watch")
}

/// A line with every piece that differs from run to run replaced by a word.
pub(crate) fn normal(line: &str, is_exact: bool) -> String {
    let line = without_ids(line);
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let word = normal_word(&words, word, is_exact);
        words.push(word);
    }
    words.join(" ")
}

fn normal_word(before: &[String], word: &str, is_exact: bool) -> String {
    let (front, core, back) = bare(word);
    let last = before.last().map_or("", String::as_str);
    let above = before.len().checked_sub(2).map_or("", |at| before[at].as_str());
    let shape = if is_like(core, "dddd-dd-ddTdd:dd:ddZ") {
        "TIME"
    } else if is_like(core, "dddd-dd-dd") {
        "DAY"
    } else if is_like(core, "dd:dd:dd") && (last == "DAY" || !is_exact) {
        "CLOCK"
    } else if is_like(core, "+dd:dd") || is_like(core, "-dd:dd") {
        "ZONE"
    } else if is_version(core) {
        "VERSION"
    } else if core.contains('@') {
        "PERSON"
    } else if last == "on" && above == "PERSON" {
        "HOST"
    } else if let Some(name) = end_of_path(core) {
        return format!("{front}PATH/{name}{back}");
    } else if is_number(core) && (!is_exact || last == "as" || last == "cancelled") {
        "N"
    } else {
        return word.to_owned();
    };
    format!("{front}{shape}{back}")
}

/// The signs around a word, and the word.
fn bare(word: &str) -> (&str, &str, &str) {
    let start = word.find(|sign: char| !"(`'\"".contains(sign)).unwrap_or(0);
    let (front, rest) = word.split_at(start);
    let end = rest.trim_end_matches(['.', ',', ';', ':', ')', '`', '\'', '"']).len();
    let (core, back) = rest.split_at(end);
    (front, core, back)
}

/// Whether the text has this shape, in which `d` is a digit.
fn is_like(text: &str, shape: &str) -> bool {
    let fits = |(sign, wanted): (char, char)| if wanted == 'd' { sign.is_ascii_digit() } else { sign == wanted };
    text.chars().count() == shape.chars().count() && text.chars().zip(shape.chars()).all(fits)
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| is_digits(part))
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    is_digits(whole) && is_digits(fraction)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The last name of an absolute path.
fn end_of_path(text: &str) -> Option<&str> {
    let is_absolute = text.starts_with('/') || text.starts_with("~/");
    is_absolute.then(|| text.rsplit('/').next()).flatten().filter(|name| !name.is_empty())
}

/// Job ids, ULIDs in Crockford's letters, wherever they stand in a word.
fn without_ids(line: &str) -> String {
    const LENGTH: usize = 26;
    let mut text = String::new();
    for piece in line.split_inclusive(|sign: char| !sign.is_ascii_alphanumeric()) {
        let name = piece.trim_end_matches(|sign: char| !sign.is_ascii_alphanumeric());
        let is_letter = |sign: char| sign.is_ascii_digit() || (sign.is_ascii_lowercase() && !"ilou".contains(sign));
        let is_id = name.len() == LENGTH && name.starts_with('0') && name.chars().all(is_letter);
        text.push_str(&if is_id { piece.replace(name, "ID") } else { piece.to_owned() });
    }
    text
}

/// Whether an output is what is shown, where a line `...` stands for any lines.
pub(crate) fn is_as_shown(shown: &[String], found: &[String]) -> bool {
    match shown.split_first() {
        None => found.is_empty(),
        Some((first, rest)) if first.trim() == "..." => (0..=found.len()).any(|at| is_as_shown(rest, &found[at..])),
        Some((first, rest)) => found.first() == Some(first) && is_as_shown(rest, &found[1..]),
    }
}

#[test]
fn what_differs_from_run_to_run_is_replaced_and_nothing_else() {
    for (line, is_exact, wanted) in [
        ("job 01m85fa5n0rrvpwvrmvw7hsnss submitted as 30", true, "job ID submitted as N"),
        ("log:  /var/tmp/x/jobs/01m85fa5n0rrvpwvrmvw7hsnss/log", true, "log: PATH/log"),
        ("start      about 2026-11-24 03:44:24 +00:00 by the", true, "start about DAY CLOCK ZONE by the"),
        ("costs      at most 1.333 GPU-h = 0.333 node-h", true, "costs at most 1.333 GPU-h = 0.333 node-h"),
        ("placement  2 nodes x 4 GPUs for 00:10:00", true, "placement 2 nodes x 4 GPUs for 00:10:00"),
        ("  atlas at jupiter: 0.007 h", false, "atlas at jupiter: N h"),
        ("made  2026-11-24 03:44:24 +00:00 by ada@local on vm", false, "made DAY CLOCK ZONE by PERSON on HOST"),
        ("3 fails.pakt-01m85fa5n0rrvpwvrmvw7hsnss-1", false, "N fails.pakt-ID-1"),
        ("elapsed 00:10:00; at 2026-11-24T00:00:00Z", false, "elapsed CLOCK; at TIME"),
    ] {
        assert_eq!(normal(line, is_exact), wanted);
    }
    assert!(has_exact_numbers("pakt plan --no-script job.yaml"));
    assert!(!has_exact_numbers("pakt --json ledger statement atlas"));
    assert!(!has_exact_numbers("pakt submit --watch job.yaml"));
}
