//! Paths that a pattern stands for, as this machine has them now.

use model::Pattern;
use std::{fs, path::Path};

/// So many paths are found at most.
pub(super) const MOST_FOUND: usize = 10_000;
/// So many entries of folders are looked at.
const MOST_ENTRIES: usize = 200_000;

/// Whether a path is a pattern: `*` stands for any letters of one name, `#` beside it for a digit.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains('*')
}

/// The paths that an absolute pattern stands for, in no order; why they were not found. A name that begins with a point is found by one that does.
pub(super) fn matching(pattern: &str) -> Result<Vec<String>, String> {
    let mut found = vec![String::new()];
    let mut entries = 0;
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if !is_pattern(part) {
            for path in &mut found {
                path.extend(["/", part]);
            }
            continue;
        }
        // `*` alone says nothing to a [`Pattern`].
        let wanted = if part.chars().all(|letter| letter == '*') { None } else { Some(part.parse::<Pattern>()) };
        let wanted = wanted.transpose().map_err(|error| error.to_string())?;
        let is_wanted = |name: &str| {
            (part.starts_with('.') || !name.starts_with('.')) && wanted.as_ref().is_none_or(|part| part.matches(name))
        };
        let mut below = Vec::new();
        for folder in &found {
            // What is no folder has nothing in it.
            let Ok(listed) = fs::read_dir(if folder.is_empty() { "/" } else { folder }) else { continue };
            for entry in listed {
                entries += 1;
                let name = entry.map_err(|error| format!("`{folder}`: {error}"))?.file_name();
                below.extend(name.to_str().filter(|name| is_wanted(name)).map(|name| format!("{folder}/{name}")));
                if entries > MOST_ENTRIES || below.len() > MOST_FOUND {
                    return Err(format!("it stands for more than {MOST_FOUND} paths, or there is too much to look at"));
                }
            }
        }
        found = below;
    }
    found.retain(|path| Path::new(path).exists());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_star_stands_for_letters_of_one_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        for path in ["a/checkpoint-1/hf", "a/checkpoint-20", "a/.checkpoint-3", "b/checkpoint-4", "b/final"] {
            fs::create_dir_all(at(path)).expect("ours");
        }
        fs::write(at("a/log"), "").expect("ours");
        let found = |pattern: &str| {
            let mut found = matching(&format!("{}/{pattern}", folder.path().display())).expect(pattern);
            found.sort();
            let begin = format!("{}/", folder.path().display());
            found.iter().map(|path| path.strip_prefix(&begin).expect("below").to_owned()).collect::<Vec<_>>()
        };
        for (pattern, paths) in [
            ("a/checkpoint-*", "a/checkpoint-1 a/checkpoint-20"),
            ("*/checkpoint-*", "a/checkpoint-1 a/checkpoint-20 b/checkpoint-4"),
            ("a/checkpoint-*/hf", "a/checkpoint-1/hf"),
            ("a/.check*", "a/.checkpoint-3"),
            ("b/*", "b/checkpoint-4 b/final"),
            ("a/checkpoint-#*", "a/checkpoint-1 a/checkpoint-20"),
            ("a/log/*", ""),
            ("none/*", ""),
        ] {
            assert_eq!(found(pattern).join(" "), paths, "{pattern}");
        }
    }
}
