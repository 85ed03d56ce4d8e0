//! Words in texts that people wrote.

/// Whether a word stands in a text, not as a part of a longer one.
pub fn has_word(text: &str, word: &str) -> bool {
    places_of(text, word).next().is_some()
}

/// The text with another word in its place.
pub(crate) fn replace_word(text: &str, word: &str, by: &str) -> String {
    let (mut replaced, mut taken) = (String::with_capacity(text.len()), 0);
    for at in places_of(text, word) {
        replaced.push_str(&text[taken..at]);
        replaced.push_str(by);
        taken = at + word.len();
    }
    replaced.push_str(&text[taken..]);
    replaced
}

fn places_of<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_letter = |letter: char| letter.is_alphanumeric();
    let is_whole =
        move |at: &usize| !text[..*at].ends_with(is_letter) && !text[*at + word.len()..].starts_with(is_letter);
    text.match_indices(word).map(|(at, _)| at).filter(is_whole).filter(move |_| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{has_word, replace_word};

    #[test]
    fn words_are_whole() {
        for (text, found, replaced) in [
            ("/home/eve/x --as eve", true, "/home/X/x --as X"),
            ("evening and steve", false, "evening and steve"),
            ("eve", true, "X"),
            ("", false, ""),
            ("evé, eve: eve", true, "evé, X: X"),
        ] {
            assert_eq!((has_word(text, "eve"), replace_word(text, "eve", "X").as_str()), (found, replaced), "{text}");
        }
        assert!(!has_word("anything", ""));
    }
}
