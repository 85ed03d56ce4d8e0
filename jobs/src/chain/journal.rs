//! The journal of a chain: a line for each start and each end of a link, written by its batch script (docs/checkpoints.md).

use crate::{directory::JobDirectory, error::JobsError};
use model::{LinkNumber, WallTime};

/// How long the starts of a chain worked together, each at most as long as its limit: one that was killed with no word has no
/// end, and may have worked until then. That of a link which is at work is not counted.
pub(super) async fn worked(
    directory: &JobDirectory,
    limit: WallTime,
    at_work: &[LinkNumber],
) -> Result<WallTime, JobsError> {
    Ok(WallTime::from_seconds(seconds(&directory.journal().await?, limit.seconds(), at_work)))
}

fn seconds(journal: &str, limit: u64, at_work: &[LinkNumber]) -> u64 {
    let (mut worked, mut began, mut of) = (0_u64, None::<u64>, None);
    for line in journal.lines() {
        let mut words = line.split(' ');
        let kind = words.next();
        let link = words.next().and_then(|link| LinkNumber::new(link.parse().ok()?));
        let Some(at) = words.nth(2).and_then(|at| at.parse::<u64>().ok()) else { continue };
        let taken = began.take().map_or(0, |began| at.saturating_sub(began).min(limit));
        match kind {
            Some("started") => {
                worked = worked.saturating_add(taken);
                (began, of) = (Some(at), link);
            }
            Some("ended") => worked = worked.saturating_add(taken),
            _ => {}
        }
    }
    let was_killed = began.is_some() && of.is_none_or(|link| !at_work.contains(&link));
    worked.saturating_add(if was_killed { limit } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::seconds;
    use model::LinkNumber;
    use proptest::prelude::*;

    #[test]
    fn starts_are_counted_to_their_ends_and_those_without_to_their_limits() {
        let ended = "started 1 101 0 1000 0\nended 1 101 0 1050 20 checkpointed 0 limit\n";
        let of = |journal: &str, at_work: u32| {
            seconds(journal, 60, &LinkNumber::new(at_work).into_iter().collect::<Vec<_>>())
        };
        assert_eq!(of(ended, 0), 50);
        // Killed with no word; the next one began long after.
        let killed =
            format!("{ended}started 2 102 0 2000 20\nstarted 3 103 0 9000 20\nended 3 103 0 9010 20 failed 1 none\n");
        assert_eq!(of(&killed, 0), 50 + 60 + 10);
        let open = format!("{ended}started 2 102 0 2000 20\n");
        assert_eq!(of(&open, 2), 50, "it is at work");
        assert_eq!(of(&open, 3), 50 + 60, "its node failed, and the next one is at work");
        assert_eq!(of("started 1 101 0 1000 0\nstarted 1 101 1 1020 0\n", 1), 20, "a requeue");
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "((started|ended) [0-9]{1,3} [0-9]{1,3} 0 [0-9]{1,25}[ a-z0-9]{0,20}\n|.{0,20}\n){0,20}") {
            let starts = text.lines().filter(|line| line.starts_with("started ")).count();
            prop_assert!(seconds(&text, 60, &[]) <= 60 * u64::try_from(starts).expect("few"));
        }
    }
}
