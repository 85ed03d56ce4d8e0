//! Patterns of names: `*` stands for any run of characters, `#` for one digit, everything else for itself.

/// Whether the whole text matches the pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // For each prefix of the pattern: which prefixes of the text it matches. No recursion, so no pattern is slow.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match wanted {
                '*' => reached[at] || (at > 0 && next[at - 1]),
                '#' => at > 0 && reached[at - 1] && text[at - 1].is_ascii_digit(),
                letter => at > 0 && reached[at - 1] && text[at - 1] == letter,
            };
        }
        reached = next;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_digits() {
        for (pattern, text, expected) in [
            ("jrc####", "jrc0123", true),
            ("jrc####", "jrcx123", false),
            ("jpbo-*", "jpbo-001-03", true),
            ("jpbo-*", "xjpbo-001", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("hkn####.*", "hkn0405.localdomain", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
