//! Nodes that are left out of the links to come: a line `EPOCH_SECONDS NODE WHY` each, appended by the batch scripts of a chain
//! (`templates/src/scripts/bad_nodes.sh.j2`).

use super::JobDirectory;
use crate::{error::JobsError, reached::reached};
use model::{Timestamp, WallTime};
use serde::Serialize;

const NAME: &str = "bad-nodes";
/// How much of the list's end is read, in bytes.
const TAIL: u32 = 16 * 1024;
/// So many are left out at most, the last ones: a list that grows is the fault of something else.
const MOST: usize = 16;

/// A node that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadNode {
    /// Its name.
    pub node: String,
    /// When it was found at fault.
    pub since: Timestamp,
    /// By what: Slurm's state of the start that it ended, or `node-fault` where the log blamed it.
    pub why: String,
}

impl JobDirectory {
    /// The nodes that are left out at an instant, each for so long, the last one first.
    pub async fn bad_nodes(&self, now: Timestamp, exclude_for: WallTime) -> Result<Vec<BadNode>, JobsError> {
        let read = self.files().read_part(&self.path().join(NAME), -i64::from(TAIL), TAIL as usize).await;
        let part = reached(read, "the nodes to leave out were not read")?;
        let text = part.map(|part| String::from_utf8_lossy(&part.bytes).into_owned()).unwrap_or_default();
        Ok(left_out(&text, now, exclude_for))
    }
}

fn left_out(text: &str, now: Timestamp, exclude_for: WallTime) -> Vec<BadNode> {
    let seconds = i64::try_from(exclude_for.seconds()).unwrap_or(i64::MAX);
    let mut nodes: Vec<BadNode> = Vec::new();
    for bad in text.lines().rev().filter_map(of_line) {
        let is_new = nodes.len() < MOST && nodes.iter().all(|known| known.node != bad.node);
        if is_new && now.seconds_since(bad.since) < seconds {
            nodes.push(bad);
        }
    }
    nodes
}

fn of_line(line: &str) -> Option<BadNode> {
    let mut words = line.split(' ');
    let (at, node, why) = (words.next()?, words.next()?, words.next()?);
    let is_name = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
    let is_count = (1..=12).contains(&at.len()) && at.bytes().all(|digit| digit.is_ascii_digit());
    let is_word = !node.is_empty() && node.bytes().all(is_name) && node.len() <= 255;
    let why: String = why.chars().filter(char::is_ascii_graphic).take(40).collect();
    let since = at.parse().ok().filter(|_| is_count && is_word).map(Timestamp::from_epoch_seconds)?;
    Some(BadNode { node: node.to_owned(), since, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(text: &str) -> Vec<String> {
        let nodes = left_out(text, Timestamp::from_epoch_seconds(1_000), WallTime::from_seconds(100));
        nodes.into_iter().map(|bad| bad.node).collect()
    }

    #[test]
    fn what_was_noted_in_time_counts_once_and_the_last_ones() {
        assert_eq!(names("901 n1 node-fault\n950 n2 NODE_FAIL\n960 n1 node-fault\n"), ["n1", "n2"]);
        assert_eq!(names("900 n1 node-fault\n"), [""; 0], "its time is over");
        assert_eq!(names("950 n1\n950  n1 x\n950 n[1-2] x\nx n1 x\n950 n3 x"), ["n3"]);
        let many: String = (0..20).map(|node| format!("950 n{node} x\n")).collect();
        assert_eq!((names(&many).len(), names(&many)[0].as_str()), (MOST, "n19"));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "([0-9]{1,25}| |n[0-9]|,|\\PC|\n){0,60}") {
            for bad in left_out(&text, Timestamp::from_epoch_seconds(0), WallTime::from_seconds(u64::MAX)) {
                prop_assert!(!bad.node.contains([',', '[', ' ']), "{bad:?}");
            }
        }
    }
}
