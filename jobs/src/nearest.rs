//! The word that a person probably meant.

/// The known word that is nearest to what was written, if one is near enough to be meant.
pub(crate) fn nearest<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
    if let Some(start) = known.iter().find(|word| word.len() > 2 && text.starts_with(**word)) {
        return Some(start);
    }
    let distance = |word: &&str| strsim::damerau_levenshtein(text, word);
    let near = known.iter().copied().min_by_key(distance)?;
    (distance(&near) <= 2.max(near.len() / 3) && distance(&near) < near.len()).then_some(near)
}
