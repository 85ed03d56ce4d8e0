//! The lines of a log that match a pattern, or that one rank printed, while its pieces come in.

use crate::{error::JobsError, log_ranks::RankLines};
use regex::bytes::{Regex, RegexBuilder};

/// The longest line, in bytes: what has no end for so long is taken as one. A progress bar may write for days without any.
const LONGEST_LINE: usize = 1024 * 1024;
/// The largest program that a pattern may come to, in bytes.
const LARGEST_PATTERN: usize = 1024 * 1024;

/// Takes pieces of a log, and gives the lines that match.
#[derive(Debug)]
pub struct MatchingLines {
    pattern: Option<Regex>,
    rank: Option<RankLines>,
    begun: Vec<u8>,
}

impl MatchingLines {
    /// Those that match a regular expression (crate `regex`: no look-around, no back-references), and that a rank printed.
    pub fn of(pattern: Option<&str>, rank: Option<RankLines>) -> Result<Self, JobsError> {
        Ok(Self { pattern: pattern.map(Self::pattern).transpose()?, rank, begun: Vec::new() })
    }

    fn pattern(pattern: &str) -> Result<Regex, JobsError> {
        let read = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).dfa_size_limit(LARGEST_PATTERN).build();
        read.map_err(|error| {
            let next = "a regular expression is wanted; put `\\` before `.`, `*`, `(`, `[` and their like where they stand for themselves";
            JobsError::usage("the log was not read", format!("`{pattern}` is no pattern: {error}"), next)
        })
    }

    /// Takes the next piece: the matching lines that end in it, with their ends.
    pub fn take(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut found = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            for part in part.chunks(LONGEST_LINE) {
                self.begun.extend_from_slice(part);
                if self.begun.ends_with(b"\n") || self.begun.len() >= LONGEST_LINE {
                    self.end_line(&mut found);
                }
            }
        }
        found
    }

    /// The last line, where it has no end yet and matches.
    pub fn finish(mut self) -> Vec<u8> {
        let mut found = Vec::new();
        if !self.begun.is_empty() {
            self.end_line(&mut found);
        }
        found
    }

    fn end_line(&mut self, found: &mut Vec<u8>) {
        let line = match self.rank {
            Some(rank) => rank.of_line(&self.begun),
            None => Some(&self.begun[..]),
        };
        let is_match = |line: &[u8]| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(line))
        };
        if let Some(line) = line.filter(|line| is_match(line)) {
            found.extend_from_slice(line);
        }
        self.begun.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matching(pattern: &str, pieces: &[&[u8]]) -> Vec<u8> {
        let mut lines = MatchingLines::of(Some(pattern), None).expect("a pattern");
        let mut found: Vec<u8> = pieces.iter().flat_map(|piece| lines.take(piece)).collect();
        found.extend(lines.finish());
        found
    }

    #[test]
    fn lines_match_as_wholes_whatever_bytes_they_have() {
        let log: &[&[u8]] = &[b"step 1 loss=", b"2\nCUDA out of mem", b"ory\n\xff\xfe loss=nan\nlast loss=1"];
        assert_eq!(matching("loss=[0-9]$", log), b"step 1 loss=2\nlast loss=1");
        assert_eq!(matching("out of memory", log), b"CUDA out of memory\n");
        assert_eq!(matching("nan", log), b"\xff\xfe loss=nan\n");
        assert_eq!(matching("^$", &[b"a\n\nb\n"]), b"\n");
    }

    #[test]
    fn what_has_no_end_fills_no_memory() {
        let mut lines = MatchingLines::of(Some("x"), None).expect("a pattern");
        let piece = vec![b'x'; 3 * LONGEST_LINE / 2];
        let found: usize = (0..8).map(|_| lines.take(&piece).len()).sum();
        assert!(lines.begun.capacity() <= 2 * LONGEST_LINE, "{}", lines.begun.capacity());
        assert_eq!(found + lines.finish().len(), 8 * piece.len());
    }

    #[test]
    fn what_is_no_pattern_or_too_large_a_one_is_refused() {
        for pattern in ["(", "a{1000}{1000}{1000}", "(?=a)"] {
            let error = MatchingLines::of(Some(pattern), None).expect_err("no pattern");
            assert!(error.why.contains("is no pattern"), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_are_of_no_matter(log in proptest::collection::vec("[ab\\n]{0,7}", 0..12), pattern in proptest::sample::select(vec!["a", "ab", "^b", "a$", "^$", "b.a"])) {
            let whole = log.concat();
            let pieces: Vec<&[u8]> = log.iter().map(String::as_bytes).collect();
            let expected: String = whole.split_inclusive('\n').filter(|line| {
                regex::Regex::new(pattern).expect("a pattern").is_match(line.trim_end_matches('\n'))
            }).collect();
            prop_assert_eq!(matching(pattern, &pieces), expected.into_bytes());
        }
    }
}
