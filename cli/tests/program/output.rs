//! What a run of the program left, and the same text without what differs from run to run.

use serde_json::Value;
use std::process::Output;

/// How the program ended and what it said.
pub(crate) struct Ran {
    pub(crate) words: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Texts that stand for a word: folders of the test.
    pub(crate) names: Vec<(String, &'static str)>,
}

impl Ran {
    pub(crate) fn new(words: &[&str], output: &Output, names: Vec<(String, &'static str)>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the program speaks UTF-8");
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Self { words: words.join(" "), code: output.status.code(), stdout, stderr, names }
    }

    /// It must have ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        let Self { words, stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "pakt {words}\n--- stdout\n{stdout}--- stderr\n{stderr}");
        self
    }

    /// It must have ended with 0; what it printed for programs.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let ran = self.expect(0);
        let value: Value = serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|error| panic!("pakt {}: {error}\n{}", ran.words, ran.stdout));
        assert_eq!(value["version"], 1, "pakt {}", ran.words);
        assert_eq!(ran.stderr, "", "pakt {}", ran.words);
        value
    }

    /// All of it, for a snapshot: job ids, instants, folders and host names as words.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("exit {}\n", self.code.map_or_else(|| "by signal".to_owned(), |code| code.to_string()));
        for (title, part) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !part.is_empty() {
                text.push_str(&format!("--- {title}\n{}", self.scrubbed(part)));
            }
        }
        text
    }

    fn scrubbed(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, word) in &self.names {
            text = text.replace(found, word);
        }
        scrub(&text)
    }
}

/// Replaces job ids by `<job>` and instants with their zone by `<instant>`.
pub(crate) fn scrub(text: &str) -> String {
    const ULID: &str = "0123456789abcdefghjkmnpqrstvwxyz";
    let shaped = |letters: &[char], shape: &str| {
        letters.len() >= shape.len()
            && shape.chars().zip(letters).all(|(wanted, found)| match wanted {
                '9' => found.is_ascii_digit(),
                '±' => matches!(found, '+' | '-'),
                other => other == *found,
            })
    };
    let letters: Vec<char> = text.chars().collect();
    let (mut at, mut scrubbed) = (0, String::new());
    while at < letters.len() {
        let rest = &letters[at..];
        let is_inside = at > 0 && letters[at - 1].is_ascii_alphanumeric();
        let instant = "9999-99-99 99:99:99 ±99:99".chars().count();
        let id = rest.iter().take_while(|letter| ULID.contains(**letter)).count();
        if rest.len() >= instant && shaped(rest, "9999-99-99 99:99:99 ±99:99") {
            scrubbed.push_str("<instant>");
            at += instant;
        } else if !is_inside && id == 26 && rest[0] == '0' {
            scrubbed.push_str("<job>");
            at += 26;
        } else {
            scrubbed.push(rest[0]);
            at += 1;
        }
    }
    scrubbed
}

#[test]
fn only_ids_and_instants_are_scrubbed() {
    let text = "job 01m85fa5n0rrvpwvrmvw7hsnss at 2026-11-24 00:29:30 +00:00, 12.000 h, 2026-11-24";
    assert_eq!(scrub(text), "job <job> at <instant>, 12.000 h, 2026-11-24");
}
