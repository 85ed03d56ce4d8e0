//! Which rank printed a line of a log, by the labels of srun and torchrun, and the lines of one of them.

use crate::{
    directory::{Intent, Origin},
    error::JobsError,
};
use model::Launch;

/// The lines of one rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankLines {
    rank: u32,
    /// How many processes torchrun starts on a node; none where srun starts each.
    on_a_node: Option<u32>,
}

impl RankLines {
    /// Those of a rank of this job, which has to label them.
    pub fn of(intent: &Intent, rank: u32) -> Result<Self, JobsError> {
        let what = "the log was not read by rank";
        let (Some(Origin::JobFile { spec, .. }), Some(placement)) = (&intent.origin, &intent.placement) else {
            let why = "it was made from no job file, so that its lines are not labelled";
            return Err(JobsError::usage(what, why, "without `--rank` all lines are printed"));
        };
        if !spec.labels_ranks {
            let why = "its lines do not say which rank printed them";
            return Err(JobsError::usage(what, why, "write `logs: ranks` into its job file before it is submitted"));
        }
        let on_a_node = (spec.launch == Launch::Torchrun).then(|| placement.share.gpus.max(1));
        Ok(Self { rank, on_a_node })
    }

    /// What the rank printed in this line, without the label; none where another one did, or nobody says who.
    pub fn of_line(self, line: &[u8]) -> Option<&[u8]> {
        let (rank, text) = match self.on_a_node {
            None => task(line)?,
            Some(on_a_node) => {
                // Of one node srun labels nothing.
                let (node, line) = task(line).unwrap_or((0, line));
                match (among_all(line), local(line)) {
                    (Some(told), _) => told,
                    (None, Some((local, text))) if local < on_a_node => {
                        (node.checked_mul(on_a_node)?.checked_add(local)?, text)
                    }
                    (None, _) => return None,
                }
            }
        };
        (rank == self.rank).then_some(text)
    }
}

/// The task in front of a line, as `srun --label` writes it: `3: text`, the number with blanks or zeros before it.
fn task(line: &[u8]) -> Option<(u32, &[u8])> {
    let blanks = line.iter().take_while(|byte| **byte == b' ').count();
    let (number, rest) = number(&line[blanks..])?;
    Some((
        number,
        rest.strip_prefix(b": ")
            .or_else(|| rest.strip_prefix(b":").filter(|rest| rest.is_empty() || *rest == b"\n"))?,
    ))
}

/// The rank among all in front of a line, as the batch script asks torchrun for it: `[rank11]: text`.
fn among_all(line: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = number(line.strip_prefix(b"[rank")?)?;
    Some((number, rest.strip_prefix(b"]: ")?))
}

/// The process of a node in front of a line, as a torchrun writes it that knows no such wish: `[default3]:text`. The nodes are taken to be in
/// Slurm's order, which is that of their names, as torchrun's is.
fn local(line: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = number(line.strip_prefix(b"[default")?)?;
    Some((number, rest.strip_prefix(b"]:")?))
}

fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    Some((number, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(rank: u32, on_a_node: Option<u32>, line: &str) -> Option<String> {
        RankLines { rank, on_a_node }.of_line(line.as_bytes()).map(|text| String::from_utf8_lossy(text).into_owned())
    }

    #[test]
    fn labels_of_srun_and_torchrun_tell_the_rank() {
        for (rank, on_a_node, line, text) in [
            (3, None, "3: loss 2.0", Some("loss 2.0")),
            (3, None, " 3: loss", Some("loss")),
            (3, None, "03: loss", Some("loss")),
            (3, None, "3: ", Some("")),
            (3, None, "13: loss", None),
            (3, None, "loss 3: 2", None),
            (3, None, "3:loss", None),
            (2, Some(4), "[default2]:loss", Some("loss")),
            (6, Some(4), "1: [default2]:loss", Some("loss")),
            (2, Some(4), "1: [default2]:loss", None),
            (5, Some(4), "[default5]:more than there are", None),
            (6, Some(4), "0: [rank6]: loss", Some("loss")),
            (6, Some(4), "[rank6]: [rank6]: its own mark", Some("[rank6]: its own mark")),
            (2, Some(4), "0: [rank6]: loss", None),
            (0, Some(4), "0: a word of torchrun's own", None),
            (0, Some(4), "[default]:loss", None),
        ] {
            assert_eq!(of(rank, on_a_node, line).as_deref(), text, "{rank} of {line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_answered(line in proptest::collection::vec(any::<u8>(), 0..60), rank: u32, on_a_node: Option<u32>) {
            if let Some(text) = (RankLines { rank, on_a_node }).of_line(&line) {
                prop_assert!(line.ends_with(text));
            }
        }
    }
}
