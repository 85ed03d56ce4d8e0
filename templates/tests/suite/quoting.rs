//! Quoting: every byte a person wrote reaches the program, and nothing of it is run.

use proptest::prelude::*;
use std::{
    io::Write,
    process::{Command, Stdio},
};
use templates::quote;

/// What bash makes of words: each behind the other, with a NUL after each.
fn bash(words: &str) -> Vec<u8> {
    let mut child = Command::new("bash")
        .args(["-u", "-s"])
        .env_clear()
        .env("HOME", "/home/ada")
        .env("SET", "a  'b' \"c\" $d `e` \\")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash");
    child.stdin.take().expect("a pipe").write_all(format!("printf '%s\\0' {words}\n").as_bytes()).expect("written");
    child.wait_with_output().expect("an end").stdout
}

/// What the rule for values says, without bash.
fn expected(text: &str) -> String {
    let mut seen = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        seen.push_str(&rest[..at]);
        rest = &rest[at..];
        let set = "a  'b' \"c\" $d `e` \\";
        let next_of_name =
            |after: &str| after.chars().next().is_some_and(|next| next.is_ascii_alphanumeric() || next == '_');
        if let Some(after) = rest.strip_prefix("$$") {
            seen.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${SET}") {
            seen.push_str(set);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("$SET").filter(|after| !next_of_name(after)) {
            seen.push_str(set);
            rest = after;
        } else {
            seen.push('$');
            rest = &rest[1..];
        }
    }
    seen + rest
}

/// Text full of what shells care about; of variables, only one that is set.
fn nasty() -> impl Strategy<Value = String> {
    let special = "(\\$SET|\\$\\{SET\\}|\\$\\$|\\$\\(|\\$[0-9 ?!@#*-]|`|\\\\|\"|'|!|\n|\r|\t|~|\\{a,b\\}|\\*|;|&|\\||<|>|#|=|%|\\^|\\[|\\]|[a-z ]|\\PC)";
    let text = proptest::collection::vec(special, 0..24).prop_map(|parts| parts.concat());
    text.prop_filter("no other variable", |text| !names_other(text))
}

/// Whether a text names a variable that is not set; `$SET` followed by a letter does.
fn names_other(text: &str) -> bool {
    text.match_indices('$').any(|(at, _)| {
        let rest = text[at + 1..].trim_start_matches('{');
        let name: String = rest.chars().take_while(|next| next.is_ascii_alphanumeric() || *next == '_').collect();
        !name.is_empty() && name != "SET" && !name.starts_with(|first: char| first.is_ascii_digit())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_word_reaches_the_program_byte_for_byte(text in "(\\PC|[\x01-\x1f$`'\"\\\\!~{}*;&|<>#= ]){0,24}") {
        let mut wanted = text.clone().into_bytes();
        wanted.push(0);
        prop_assert_eq!(bash(&quote::word(&text)), wanted);
    }

    #[test]
    fn a_value_expands_names_and_nothing_else(text in nasty()) {
        let mut wanted = expected(&text).into_bytes();
        wanted.push(0);
        prop_assert_eq!(bash(&quote::value(&text)), wanted, "{}", quote::value(&text));
    }
}

#[test]
fn values_by_example() {
    for (text, quoted) in [
        ("", "\"\""),
        ("plain/path-1.0", "plain/path-1.0"),
        ("$SCRATCH/data", "\"$SCRATCH/data\""),
        ("${SCRATCH}data", "\"${SCRATCH}data\""),
        ("$A$B", "\"$A$B\""),
        ("$A[0]", "\"${A}[0]\""),
        ("costs $$5 or $5", "\"costs \\$5 or \\$5\""),
        ("${A:-b}", "\"\\${A:-b}\""),
        ("$(id)", "\"\\$(id)\""),
        ("`id`", "\"\\`id\\`\""),
        ("a\\nb", "\"a\\\\nb\""),
        ("~", "\"~\""),
    ] {
        assert_eq!(quote::value(text), quoted, "{text}");
    }
    for (text, quoted) in [("~", "\"$HOME\""), ("~/x", "\"$HOME/x\""), ("~ada/x", "\"~ada/x\""), ("/a b", "\"/a b\"")] {
        assert_eq!(quote::path(text), quoted, "{text}");
    }
    assert_eq!(quote::value_of("P", "a:$P:$Q"), "\"a:${P-}:$Q\"");
    assert_eq!(quote::literal("/a$b `c` \"d\""), "\"/a\\$b \\`c\\` \\\"d\\\"\"");
    assert_eq!(quote::literal("/a/b"), "/a/b");
}

#[test]
fn a_command_line_is_no_grammar() {
    for (words, seen) in [
        (vec!["A=b", "x"], "'A=b' x"),
        (vec!["time", "x"], "'time' x"),
        (vec!["prog", "--lr=1e-3", "it's", "time"], "prog --lr=1e-3 'it'\\''s' time"),
        (vec!["prog", "", "$HOME", "*"], "prog '' '$HOME' '*'"),
    ] {
        assert_eq!(quote::command_line(words), seen);
    }
}
