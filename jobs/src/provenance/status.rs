//! Reads `git status --porcelain=v2 --branch -z` (git-status(1), "Porcelain Format Version 2"): bytes of another program, of
//! names that anybody chose.

use super::record::{Untracked, UntrackedFile};

/// The most untracked files that are named.
const MOST_NAMED: usize = 50;
/// The longest name that is kept, in characters.
const LONGEST_NAME: usize = 400;

/// What git says of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The commit; none before the first one.
    pub(super) commit: Option<String>,
    /// The branch; none where none is checked out.
    pub(super) branch: Option<String>,
    /// How many tracked files are not as committed.
    pub(super) changed: u64,
    /// What is not tracked.
    pub(super) untracked: Untracked,
}

impl Status {
    /// Reads the answer; what is wrong with it where it is none.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut status = Self::default();
        let mut lines = bytes.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let mut has_commit = false;
        while let Some(line) = lines.next() {
            match (line[0], line.get(1)) {
                (b'#', Some(b' ')) => has_commit |= status.header(&line[2..])?,
                // Renamed: the old name is a line of its own.
                (b'2', Some(b' ')) => {
                    lines.next().ok_or("a renamed file has no old name")?;
                    status.changed += 1;
                }
                (b'1' | b'u', Some(b' ')) => status.changed += 1,
                (b'?', Some(b' ')) => status.add_untracked(&line[2..]),
                (b'!', Some(b' ')) => {}
                _ => return Err(format!("git says `{}`", shown(line))),
            }
        }
        if has_commit { Ok(status) } else { Err("git names no commit".to_owned()) }
    }

    /// A header; whether it was the commit.
    fn header(&mut self, line: &[u8]) -> Result<bool, String> {
        let text = String::from_utf8_lossy(line);
        if let Some(commit) = text.strip_prefix("branch.oid ") {
            let is_id = matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            match commit {
                "(initial)" => {}
                _ if is_id => self.commit = Some(commit.to_owned()),
                _ => return Err(format!("git names the commit `{}`", shown(commit.as_bytes()))),
            }
            return Ok(true);
        }
        if let Some(branch) = text.strip_prefix("branch.head ") {
            self.branch = (branch != "(detached)").then(|| shown(branch.as_bytes()));
        }
        Ok(false)
    }

    fn add_untracked(&mut self, name: &[u8]) {
        self.untracked.count += 1;
        if self.untracked.first.len() < MOST_NAMED {
            self.untracked.first.push(UntrackedFile { name: shown(name), bytes: None });
        }
    }
}

/// A foreign name as it may stand in a record: bounded, and nothing in it that a terminal obeys.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let plain = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
    text.chars().take(LONGEST_NAME).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "1234567890123456789012345678901234567890";

    #[test]
    fn a_tree_is_read_with_its_branch_changes_and_what_is_not_tracked() {
        let text = format!(
            "# branch.oid {ID}\0# branch.head main\0# branch.ab +1 -0\01 .M N... 100644 100644 100644 {ID} {ID} a b.py\0\
             2 R. N... 100644 100644 100644 {ID} {ID} R100 new.py\0old.py\0u UU N... 1 1 1 1 {ID} {ID} {ID} c.py\0? out/\0? x\ny\0"
        );
        let status = Status::read(text.as_bytes()).expect("it is one");
        assert_eq!(status.commit.as_deref(), Some(ID));
        assert_eq!((status.branch.as_deref(), status.changed), (Some("main"), 3));
        let names: Vec<&str> = status.untracked.first.iter().map(|file| file.name.as_str()).collect();
        assert_eq!((status.untracked.count, names), (2, vec!["out/", "x\u{fffd}y"]));
    }

    #[test]
    fn a_tree_without_a_commit_or_a_branch_is_one() {
        let status = Status::read(b"# branch.oid (initial)\0# branch.head (detached)\0").expect("it is one");
        assert_eq!(status, Status::default());
        for (text, why) in [
            ("", "git names no commit"),
            ("# branch.oid main\0", "git names the commit `main`"),
            ("fatal: no\0", "git says `fatal: no`"),
            ("2 R.\0", "a renamed file has no old name"),
        ] {
            assert_eq!(Status::read(text.as_bytes()), Err(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_named_is_bounded_and_what_is_counted_is_not() {
        let mut text = format!("# branch.oid {ID}\0");
        for number in 0..70 {
            text.push_str(&format!("? {}{number}\0", "x".repeat(1_000)));
        }
        let Untracked { count, first } = Status::read(text.as_bytes()).expect("it is one").untracked;
        assert_eq!((count, first.len()), (70, MOST_NAMED));
        assert!(first.iter().all(|file| file.name.chars().count() == LONGEST_NAME));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_and_no_name_can_speak_to_a_terminal(
            bytes in proptest::collection::vec(prop_oneof![Just(0_u8), Just(b' '), Just(b'?'), Just(b'2'), Just(b'#'), any::<u8>()], 0..200)
        ) {
            let header = format!("# branch.oid {ID}\0");
            if let Ok(status) = Status::read(&[header.as_bytes(), &bytes].concat()) {
                prop_assert!(status.untracked.first.len() <= MOST_NAMED);
                prop_assert!(status.untracked.first.iter().flat_map(|file| file.name.chars()).all(|letter| !letter.is_control()));
            }
        }
    }
}
