//! Fixed term: one amount for a term, forfeited at its end.
//!
//! JSC reports such projects as `acct-mode: fixed` (a user's report of 2026-09, U-LM/jupiter-deep-dive) and gives smaller
//! grants this way (JUGENE quota page, documented); "if the CPU quota is used up, the jobs will automatically get a lower
//! priority" (JUSUF accounting page, documented). What DKRZ and LRZ do when an amount is used up was not found.

use super::rule::{Rule, UsedUp};
use serde::{Deserialize, Serialize};

/// One amount for a term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FixedTerm {
    /// What happens when it is used up.
    pub used_up: UsedUp,
}

impl Rule for FixedTerm {
    fn used_up(&self) -> UsedUp {
        self.used_up
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Project, grant, hours};
    use super::super::{Decision, Rate, Reason};
    use super::*;

    fn project(used_up: UsedUp, used: i64) -> Project {
        let grants = vec![grant("f", 1000, "2026-05-01", "2026-11-01")];
        Project::new(FixedTerm { used_up }, grants, &[("2026-06-01", used)])
    }

    #[test]
    fn what_happens_when_it_is_used_up_is_the_sites() {
        let used_up = Reason::UsedUp { beyond: hours(0) };
        // 1000 - 900 = 100 free, 101 wanted.
        let beyond = Reason::NotCovered { wanted: hours(101), free: hours(100) };
        for (site, at_the_end, just_before) in [
            (UsedUp::Stops, Decision::Deny { why: used_up, until: None }, Decision::Deny { why: beyond, until: None }),
            (UsedUp::LowPriority, Decision::LowPriority { why: used_up, until: None }, Decision::Warn { why: beyond }),
            (UsedUp::Unknown, Decision::Warn { why: used_up }, Decision::Warn { why: beyond }),
        ] {
            assert_eq!(project(site, 1000).decide("2026-07-01", 0, 1), at_the_end, "{site:?}");
            assert_eq!(project(site, 900).decide("2026-07-01", 0, 101), just_before, "{site:?}");
            assert_eq!(project(site, 900).decide("2026-07-01", 0, 100), Decision::Allow, "{site:?}");
        }
    }

    #[test]
    fn what_is_left_at_the_end_is_forfeited() {
        let coming = project(UsedUp::LowPriority, 400).outlook("2026-07-01", None);
        assert_eq!(coming, ["2026-11-01 00:00 forfeited 600 of f/0", "2026-11-01 00:00 no grant"]);
        // 600 left at five GPUs: 120 h = 5 d.
        let coming = project(UsedUp::LowPriority, 400).outlook("2026-07-01", Rate::new(hours(5), 3600));
        assert_eq!(coming, ["2026-07-06 00:00 priority drops", "2026-11-01 00:00 no grant"]);
        let coming = project(UsedUp::Unknown, 400).outlook("2026-07-01", Rate::new(hours(5), 3600));
        assert_eq!(coming[0], "2026-07-06 00:00 used up");
    }
}
