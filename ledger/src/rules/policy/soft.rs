//! Soft: the grant may be overdrawn up to a percentage, with warnings; then jobs do not start.
//!
//! A group's own rule for a budget below its project, and that of portals that pause an allocation at, say, 120 %
//! (Waldur, periodic usage policy: full speed up to 100 %, paused above the grace ratio; documented, 2026).

use super::rule::{Rule, UsedUp};
use crate::rules::lot_draw::percent_of;
use model::{Amount, AmountError};
use serde::{Deserialize, Serialize};

/// The percentage that has no overdraft, and the largest that is believed.
const LEAST_PERCENT: u32 = 100;
const MOST_PERCENT: u32 = 1000;

/// One amount for a term, which may be overdrawn up to a percentage of what is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SoftForm", into = "SoftForm")]
pub struct Soft {
    percent: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SoftForm {
    percent: u32,
}

impl Soft {
    /// A limit in percent of the grant, 100 to 1000; none outside.
    pub fn new(percent: u32) -> Option<Self> {
        (LEAST_PERCENT..=MOST_PERCENT).contains(&percent).then_some(Self { percent })
    }

    /// The limit in percent of the grant.
    pub const fn percent(&self) -> u32 {
        self.percent
    }
}

impl TryFrom<SoftForm> for Soft {
    type Error = String;

    fn try_from(form: SoftForm) -> Result<Self, String> {
        let SoftForm { percent } = form;
        Self::new(percent)
            .ok_or_else(|| format!("a soft limit of {percent} %: write {LEAST_PERCENT} to {MOST_PERCENT} percent"))
    }
}

impl From<Soft> for SoftForm {
    fn from(soft: Soft) -> Self {
        Self { percent: soft.percent }
    }
}

impl Rule for Soft {
    fn used_up(&self) -> UsedUp {
        UsedUp::Stops
    }

    fn overdraft(&self, in_force: Amount) -> Result<Amount, AmountError> {
        percent_of(in_force, self.percent.saturating_sub(LEAST_PERCENT))
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Project, grant, hours};
    use super::super::{Decision, Rate, Reason};
    use super::*;

    /// 100 GPU-h for a year, which may be overdrawn by 20.
    fn project(charges: &[(&str, i64)]) -> Project {
        let soft = Soft::new(120).expect("in range");
        Project::new(soft, vec![grant("s", 100, "2026-01-01", "2027-01-01")], charges)
    }

    #[test]
    fn it_warns_up_to_the_percentage_and_denies_beyond() {
        let overdrawn = |beyond| Decision::Warn { why: Reason::Overdrawn { beyond: hours(beyond), most: hours(20) } };
        let not_covered = |wanted, free| Reason::NotCovered { wanted: hours(wanted), free: hours(free) };
        let deny = |why| Decision::Deny { why, until: None };
        for (used, reserved, wanted, expected) in [
            (60, 0, 40, Decision::Allow),
            // 60 + 41 - 100 = 1, 60 + 60 - 100 = 20, one more is too much.
            (60, 0, 41, overdrawn(1)),
            (60, 0, 60, overdrawn(20)),
            (60, 0, 61, deny(not_covered(61, 40))),
            // 60 + 30 + 30 - 100 = 20.
            (60, 30, 30, overdrawn(20)),
            (110, 0, 0, overdrawn(10)),
            (110, 0, 11, deny(not_covered(11, -10))),
            (120, 0, 0, deny(Reason::UsedUp { beyond: hours(20) })),
        ] {
            let decided = project(&[("2026-05-31", used)]).decide("2026-07-01", reserved, wanted);
            assert_eq!(decided, expected, "{used} used, {reserved} reserved, {wanted} wanted");
        }
    }

    #[test]
    fn both_limits_are_foreseen() {
        // 40 left at one GPU: 40 h; 20 more: 60 h.
        let coming = project(&[("2026-05-31", 60)]).outlook("2026-07-01", Rate::new(hours(1), 3600));
        assert_eq!(coming, ["2026-07-02 16:00 overdrawn", "2026-07-03 12:00 jobs stop", "2027-01-01 00:00 no grant"]);
    }

    #[test]
    fn odd_percentages_are_refused() {
        for percent in [0, 99, 1001] {
            assert_eq!(Soft::new(percent), None, "{percent}");
            let text = format!("{{\"percent\":{percent}}}");
            assert!(serde_json::from_str::<Soft>(&text).expect_err("refused").to_string().contains("100 to 1000"));
        }
    }
}
