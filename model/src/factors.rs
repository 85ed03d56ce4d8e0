//! The factors of an amount: whole numbers that anybody can multiply again.

use crate::{Amount, Unit, WallTime};
use serde::{Deserialize, Serialize};

/// How the most that a job may take comes about: so many tasks, each on so many nodes, each of so much of the unit, for so
/// long. The product of all four is the amount in milli-seconds.
///
/// The tasks of an array count all of them: how many may run at once (`%` of sbatch(1), `--array`) changes when they run and
/// not what they take. A requeue is in no factor before it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factors {
    /// Jobs that are alike, tasks of an array or not; 1 for a single one.
    pub tasks: u32,
    /// Nodes of a task.
    pub nodes: u64,
    /// What a node counts in the unit, in thousandths: 4000 for four GPUs.
    pub milli_per_node: u64,
    /// For how long at most, in seconds.
    pub seconds: u64,
}

impl Factors {
    /// The factors of an amount of which tasks, nodes and time are known; none where they do not divide it. Nodes that have
    /// no whole share count as one.
    pub fn of(amount: Amount, tasks: u32, nodes: u64, time: WallTime) -> Option<Self> {
        let milli = u64::try_from(amount.milli()).ok().filter(|milli| *milli > 0)?;
        let divided = |number: u64, by: u64| number.checked_rem(by).filter(|rest| *rest == 0).map(|_| number / by);
        let of_task = divided(divided(milli, tasks.into())?, time.seconds())?;
        let (nodes, milli_per_node) = match divided(of_task, nodes) {
            Some(share) => (nodes, share),
            None => (1, of_task),
        };
        Some(Self { tasks, nodes, milli_per_node, seconds: time.seconds() })
    }

    /// The factors of so many of a kind together; none where that is no number of jobs.
    pub fn times(&self, jobs: usize) -> Option<Self> {
        let tasks = u32::try_from(jobs).ok().and_then(|jobs| self.tasks.checked_mul(jobs))?;
        Some(Self { tasks, ..*self })
    }

    /// The product in words: `12 jobs x 2 nodes x 4 GPUs x 02:00:00`. A single job or node is left out.
    pub fn in_words_of(&self, unit: &Unit) -> String {
        let several = |count: u64, noun: &str| (count > 1).then(|| format!("{count} {noun}s"));
        let resource = unit.hour_word().trim_end_matches("-h");
        let is_node_itself = resource == "node" && self.milli_per_node == 1000 && self.nodes > 1;
        let plural = if self.milli_per_node == 1000 { "" } else { "s" };
        let share = format!("{} {resource}{plural}", thousandths(self.milli_per_node));
        let factors = [
            several(self.tasks.into(), "job"),
            several(self.nodes, "node"),
            (!is_node_itself).then_some(share),
            Some(WallTime::from_seconds(self.seconds).to_string()),
        ];
        factors.into_iter().flatten().collect::<Vec<_>>().join(" x ")
    }
}

/// A number of thousandths without zeros at its end: `4`, `2.5`.
fn thousandths(milli: u64) -> String {
    let (whole, rest) = (milli / 1000, milli % 1000);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:03}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_product_is_told_in_the_words_of_its_unit() {
        for (hours, unit, tasks, nodes, seconds, words) in [
            ("96", "jupiter:gh200", 12, 1, 7_200, "12 jobs x 4 GPUs x 02:00:00"),
            ("1", "jupiter:gh200", 1, 2, 7, "none"),
            ("8", "jupiter:gh200", 1, 2, 3_600, "2 nodes x 4 GPUs x 01:00:00"),
            ("1", "horeka:h100", 1, 1, 3_600, "1 GPU x 01:00:00"),
            ("0.5", "lumi:mi250x", 1, 1, 3_600, "0.5 GPUs x 01:00:00"),
            ("2", "raven:node", 1, 2, 3_600, "2 nodes x 01:00:00"),
            ("1", "raven:node", 1, 1, 3_600, "1 node x 01:00:00"),
            ("13824", "jupiter:core", 2, 24, 3_600, "2 jobs x 24 nodes x 288 cores x 01:00:00"),
            // Three GPUs on seven nodes: no share is the same.
            ("3", "horeka:h100", 1, 7, 3_600, "3 GPUs x 01:00:00"),
            ("0", "horeka:h100", 1, 1, 3_600, "none"),
            ("1", "horeka:h100", 1, 1, 0, "none"),
        ] {
            let unit: Unit = unit.parse().expect("a unit");
            let amount = Amount::from_hours(hours).expect("hours");
            let factors = Factors::of(amount, tasks, nodes, WallTime::from_seconds(seconds));
            let told = factors.map_or("none".to_owned(), |factors| factors.in_words_of(&unit));
            assert_eq!(told, words, "{hours} of {unit}");
        }
    }

    proptest! {
        #[test]
        fn factors_multiply_to_their_amount(
            tasks in 1..2_000_u32, nodes in 1..500_u64, share in 1..10_000_u64, seconds in 1..1_000_000_u64, odd in 0..3_i64,
        ) {
            let product = u64::from(tasks) * nodes * share * seconds;
            let amount = Amount::from_milli(i64::try_from(product).expect("fits") + odd);
            if let Some(factors) = Factors::of(amount, tasks, nodes, WallTime::from_seconds(seconds)) {
                let again = u64::from(factors.tasks) * factors.nodes * factors.milli_per_node * factors.seconds;
                prop_assert_eq!(i64::try_from(again).expect("fits"), amount.milli());
            }
            prop_assert!(odd > 0 || Factors::of(amount, tasks, nodes, WallTime::from_seconds(seconds)).is_some());
        }
    }
}
