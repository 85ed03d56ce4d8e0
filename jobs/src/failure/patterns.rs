//! What logs say of failures: `patterns.yaml`, each pattern with its source.

use model::FailureClass;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use std::sync::OnceLock;
use templates::FailurePattern;

/// The largest program that a pattern may come to, in bytes.
const LARGEST: usize = 256 * 1024;

/// One pattern, as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pattern {
    pub(super) id: String,
    pub(super) class: FailureClass,
    /// A regular expression, in words that POSIX ERE and the crate `regex` read alike; it is looked for in one line.
    #[serde(rename = "pattern")]
    text: String,
    /// What it means: a clause.
    pub(super) says: String,
    /// What to do.
    pub(super) next: String,
    /// Whether the node's hardware is at fault.
    #[serde(default)]
    pub(super) names_node: bool,
    /// Where it is from, of when, and how sure that is: for whoever reads the file.
    #[allow(dead_code)]
    source: String,
    #[allow(dead_code)]
    as_of: String,
    #[allow(dead_code)]
    confidence: Confidence,
    #[serde(skip)]
    read: Option<Regex>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Confidence {
    Verified,
    Documented,
    UserReport,
}

impl Pattern {
    /// Whether a line says so.
    pub(super) fn is_in(&self, line: &str) -> bool {
        self.read.as_ref().is_some_and(|read| read.is_match(line))
    }
}

/// The patterns for whoever looks for them with grep -E, as batch scripts do.
pub fn of_scripts() -> Vec<FailurePattern<'static>> {
    let of_script = |pattern: &'static Pattern| FailurePattern {
        class: pattern.class,
        text: &pattern.text,
        blames_node: pattern.names_node,
    };
    patterns().iter().map(of_script).collect()
}

/// All patterns, in the order of the file.
pub(super) fn patterns() -> &'static [Pattern] {
    static PATTERNS: OnceLock<Vec<Pattern>> = OnceLock::new();
    PATTERNS.get_or_init(|| read(include_str!("patterns.yaml")).expect("the built-in patterns are read in a test"))
}

fn read(text: &str) -> Result<Vec<Pattern>, String> {
    let mut patterns: Vec<Pattern> = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    for pattern in &mut patterns {
        let read = RegexBuilder::new(&pattern.text).size_limit(LARGEST).build();
        pattern.read = Some(read.map_err(|error| format!("{}: {error}", pattern.id))?);
    }
    Ok(patterns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        collections::BTreeSet,
        io::Write,
        process::{Command, Stdio},
    };

    #[test]
    fn every_pattern_is_whole_and_called_once() {
        let patterns = read(include_str!("patterns.yaml")).expect("they are read");
        let ids: BTreeSet<&str> = patterns.iter().map(|pattern| pattern.id.as_str()).collect();
        assert_eq!(ids.len(), patterns.len(), "an id stands twice");
        for pattern in &patterns {
            let is_judged_otherwise =
                matches!(pattern.class, FailureClass::UserCode | FailureClass::Cancelled | FailureClass::Unknown);
            assert!(!is_judged_otherwise, "{}", pattern.id);
            assert!(
                !pattern.says.is_empty() && pattern.says.len() <= 90 && !pattern.says.ends_with('.'),
                "{}",
                pattern.id
            );
            assert!(!pattern.next.is_empty() && pattern.next.len() <= 140, "{}", pattern.id);
            assert!(!pattern.source.is_empty() && pattern.as_of.len() >= 4, "{}", pattern.id);
            assert!(!pattern.names_node || pattern.class == FailureClass::NodeFault, "{}", pattern.id);
            assert!(
                !pattern.is_in("") && !pattern.is_in("step 100/2000 loss=2.31 lr=1e-4"),
                "{} says too much",
                pattern.id
            );
        }
    }

    /// What is only ours would mislead whoever takes a pattern to `grep -E`.
    #[test]
    fn grep_reads_every_pattern_as_we_do() {
        let corpus =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/failures/corpus")).expect("the corpus");
        let texts: Vec<String> = corpus
            .map(|file| {
                String::from_utf8_lossy(&std::fs::read(file.expect("a file").path()).expect("read")).into_owned()
            })
            .collect();
        let lines: Vec<&str> =
            texts.iter().flat_map(|text| text.split(['\n', '\r'])).filter(|line| !line.contains('\0')).collect();
        for pattern in patterns() {
            let mut grep = Command::new("grep");
            grep.args(["-nE", "--text", "-e", &pattern.text]).env("LC_ALL", "C.UTF-8");
            let mut child = grep.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("grep starts");
            let mut input = child.stdin.take().expect("a pipe");
            let text = lines.join("\n");
            let written = std::thread::spawn(move || input.write_all(text.as_bytes()));
            let output = child.wait_with_output().expect("grep ends");
            written.join().expect("no panic").expect("grep reads");
            assert!(output.status.code().is_some_and(|code| code < 2), "{}: {output:?}", pattern.id);
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            let theirs: Vec<usize> =
                told.lines().map(|line| line.split(':').next().expect("a number").parse().expect("a number")).collect();
            let ours: Vec<usize> =
                lines.iter().zip(1..).filter(|(line, _)| pattern.is_in(line)).map(|(_, number)| number).collect();
            assert_eq!(theirs, ours, "{}", pattern.id);
        }
    }
}
