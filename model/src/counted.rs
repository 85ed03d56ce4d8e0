//! Numbers of things in words that people read: `1 run`, `2 entries`.

use std::fmt::Display;

/// So many of a thing, by its word for one: `1 run`, `0 entries`, `2 batches`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    if count == N::from(1) { format!("1 {noun}") } else { format!("{count} {}", several(noun)) }
}

/// The same behind an article: `the first entry`, `the first 2 entries`; where nothing stands between, `the run`, `the 2 runs`.
pub fn counted_the<N: Copy + Display + PartialEq + From<u8>>(count: N, which: &str, noun: &str) -> String {
    let the = if which.is_empty() { "the".to_owned() } else { format!("the {which}") };
    if count == N::from(1) { format!("{the} {noun}") } else { format!("{the} {}", counted(count, noun)) }
}

/// The word that agrees with a number of things, such as `is` or `are`.
pub fn agreeing<N: Copy + PartialEq + From<u8>>(count: N, one: &'static str, several: &'static str) -> &'static str {
    if count == N::from(1) { one } else { several }
}

/// The word for several of what a word stands for.
fn several(noun: &str) -> String {
    let is_vowel = |letter: char| "aeiou".contains(letter);
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(is_vowel) => format!("{stem}ies"),
        _ if noun.ends_with("ch") || noun.ends_with('s') => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_agree() {
        for (count, noun, expected) in [
            (0_u64, "run", "0 runs"),
            (1, "run", "1 run"),
            (2, "run", "2 runs"),
            (1, "entry", "1 entry"),
            (0, "entry", "0 entries"),
            (21, "entry", "21 entries"),
            (1, "batch", "1 batch"),
            (2, "batch", "2 batches"),
            (2, "day", "2 days"),
            (1, "more gap", "1 more gap"),
            (3, "more gap", "3 more gaps"),
            (2, "GPU", "2 GPUs"),
            (u64::MAX, "byte", "18446744073709551615 bytes"),
        ] {
            assert_eq!(counted(count, noun), expected);
        }
        assert_eq!((counted(1_usize, "row"), counted(2_u32, "node")), ("1 row".to_owned(), "2 nodes".to_owned()));
        for (count, which, expected) in [
            (1_u64, "last", "the last entry"),
            (2, "last", "the last 2 entries"),
            (1, "", "the entry"),
            (0, "", "the 0 entries"),
        ] {
            assert_eq!(counted_the(count, which, "entry"), expected);
        }
        for (count, expected) in [(0_u64, "are"), (1, "is"), (2, "are"), (101, "are")] {
            assert_eq!(agreeing(count, "is", "are"), expected);
        }
    }
}
