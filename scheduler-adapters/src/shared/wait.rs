//! How long nobody asks a source that did not answer: longer each time, never as long as somebody else's wait, up to a bound.

use model::Timestamp;
use serde::{Deserialize, Serialize};

/// The shortest wait. A client that Slurm's own limit turns away has a question back within a second (slurm.conf(5),
/// `rl_refill_rate`); a controller that restarts takes longer.
const SHORTEST_SECONDS: u32 = 5;

/// A source that did not answer, and until when it is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wait {
    /// How many questions in a row it did not answer.
    pub(crate) failures: u32,
    /// When it was last asked.
    pub(crate) asked_at: Timestamp,
    /// For how long it is left alone from then on.
    pub(crate) seconds: u32,
    /// What was said.
    pub(crate) said: String,
}

impl Wait {
    /// The wait after one more question without an answer; `asked_for` is what the source itself asks for (`Retry-After`).
    pub(crate) fn after(
        previous: Option<&Self>,
        now: Timestamp,
        random: u128,
        longest: u32,
        asked_for: Option<u32>,
        said: String,
    ) -> Self {
        let seconds = next_seconds(previous.map(|wait| wait.seconds), random, longest);
        // A source knows best, within an hour; a longer time is a mistake in its answer.
        let seconds = asked_for.map_or(seconds, |wanted| seconds.max(wanted.min(3_600)));
        Self { failures: previous.map_or(0, |wait| wait.failures).saturating_add(1), asked_at: now, seconds, said }
    }

    /// Until when nobody asks; none where that is over. A wait that begins in the future was written by a clock that is wrong,
    /// and holds nobody.
    pub(crate) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.asked_at.plus_seconds(self.seconds.into());
        (self.asked_at <= now && now < until).then_some(until)
    }
}

/// The next wait: anything from the last one to three times as long, so that it doubles on average and no two processes keep
/// step; at the bound anything from half of it.
fn next_seconds(previous: Option<u32>, random: u128, longest: u32) -> u32 {
    let longest = longest.max(1);
    let before = previous.unwrap_or(SHORTEST_SECONDS).clamp(1, longest);
    let most = before.saturating_mul(if previous.is_some() { 3 } else { 2 }).min(longest);
    let least = before.min(longest.div_ceil(2));
    let choices = u128::from(most - least) + 1;
    least + u32::try_from(random % choices).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_epoch_seconds(1_795_333_000);

    /// The waits after so many failures in a row, for random bits that a seed gives.
    fn waits(seed: u64, count: usize, longest: u32) -> Vec<u32> {
        let mut state = u128::from(seed) | 1;
        let mut last = None;
        let mut next = || {
            // A congruential generator is random enough to tell waits apart.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            last = Some(next_seconds(last, state >> 33, longest));
            last.expect("just set")
        };
        (0..count).map(|_| next()).collect()
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_half_the_last_and_never_past_its_bounds(
            previous in prop::option::of(0_u32..100_000), random: u128, longest in 1_u32..100_000
        ) {
            let seconds = next_seconds(previous, random, longest);
            prop_assert!(seconds >= 1 && seconds <= longest);
            let last = previous.unwrap_or(SHORTEST_SECONDS).clamp(1, longest);
            prop_assert!(seconds >= last.min(longest.div_ceil(2)));
            prop_assert!(seconds <= last.saturating_mul(3));
        }

        #[test]
        fn waits_grow_to_the_bound_and_stay_near_it(seed: u64) {
            let waits = waits(seed, 40, 300);
            prop_assert!(waits[0] <= 10 && waits.iter().any(|wait| *wait >= 150));
            let reached = waits.iter().position(|wait| *wait >= 150).expect("just seen");
            prop_assert!(waits[reached..].iter().all(|wait| (150..=300).contains(wait)), "{waits:?}");
        }

        #[test]
        fn two_people_do_not_keep_step(seed: u64) {
            prop_assert_ne!(waits(seed, 20, 300), waits(seed.wrapping_add(1 << 40), 20, 300));
        }

        #[test]
        fn what_a_source_asks_for_is_waited_for(random: u128, wanted: u32) {
            let wait = Wait::after(None, NOW, random, 300, Some(wanted), String::new());
            prop_assert!(wait.seconds >= wanted.min(3_600) && wait.seconds <= 3_600);
        }
    }

    #[test]
    fn a_wait_ends_and_a_clock_that_was_wrong_holds_nobody() {
        let wait = Wait::after(None, NOW, 0, 300, None, "down".to_owned());
        assert_eq!((wait.failures, wait.seconds), (1, 5));
        for (after, until) in [(-1, None), (0, Some(5)), (4, Some(5)), (5, None), (99, None)] {
            let until = until.map(|seconds| NOW.plus_seconds(seconds));
            assert_eq!(wait.until(NOW.plus_seconds(after)), until, "{after} s");
        }
        let again = Wait::after(Some(&wait), NOW, u128::MAX, 300, None, "down".to_owned());
        assert_eq!(again.failures, 2);
    }
}
