//! Hard stop: when the grant is used up, jobs do not start.
//!
//! NHR@KIT, HoreKa, accounting page of 26 September 2024 (documented): once a project has used as many CPU or GPU hours as
//! it was granted, its new jobs wait with the reason `AssocGrpTRESLimit`. Jobs that run go on, so the grant can be
//! overdrawn by them.
//! What is overdrawn counts against a further grant: inferred, because the site compares two sums.

use super::rule::{Rule, UsedUp};
use serde::{Deserialize, Serialize};

/// One amount for a term; when it is used up, jobs do not start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HardStop {}

impl Rule for HardStop {
    fn used_up(&self) -> UsedUp {
        UsedUp::Stops
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Project, at, grant, hours};
    use super::super::{Decision, Policy, Rate, Reason};
    use super::*;

    /// 5,000 GPU-h for a year.
    fn project(charges: &[(&str, i64)]) -> Project {
        Project::new(HardStop {}, vec![grant("kit", 5000, "2026-01-01", "2027-01-01")], charges)
    }

    #[test]
    fn jobs_do_not_start_once_used_reaches_granted() {
        let deny = |why, until: Option<&str>| Decision::Deny { why, until: until.map(at) };
        let not_covered = |wanted, free| Reason::NotCovered { wanted: hours(wanted), free: hours(free) };
        let used_up = |beyond| Reason::UsedUp { beyond: hours(beyond) };
        // Used by 1 June; reserved; wanted; the answer on 1 July.
        for (used, reserved, wanted, expected) in [
            // 5000 - 1000 = 4000.
            (1000, 0, 4000, Decision::Allow),
            (1000, 0, 4001, deny(not_covered(4001, 4000), None)),
            // 5000 - 1000 - 500 = 3500.
            (1000, 500, 3500, Decision::Allow),
            (1000, 500, 3501, deny(not_covered(3501, 3500), None)),
            (4999, 0, 0, Decision::Allow),
            (5000, 0, 0, deny(used_up(0), None)),
            // Jobs that ran when it was used up went on: 5040 - 5000.
            (5040, 0, 0, deny(used_up(40), None)),
        ] {
            let decided = project(&[("2026-05-31", used)]).decide("2026-07-01", reserved, wanted);
            assert_eq!(decided, expected, "{used} used, {reserved} reserved, {wanted} wanted");
        }
    }

    #[test]
    fn without_a_grant_in_force_nothing_starts() {
        let early = project(&[]).decide("2025-12-31 23:59", 0, 1);
        assert_eq!(early, Decision::Deny { why: Reason::NoGrantInForce, until: Some(at("2026-01-01")) });
        let late = project(&[]).decide("2027-01-01", 0, 1);
        assert_eq!(late, Decision::Deny { why: Reason::NoGrantInForce, until: None });
    }

    #[test]
    fn what_comes_with_and_without_spending() {
        let project = project(&[("2026-05-31", 1000)]);
        let end = "2027-01-01 00:00 no grant";
        assert_eq!(project.outlook("2026-07-01", None), ["2027-01-01 00:00 forfeited 4000 of kit/0", end]);
        // 4000 GPU-h are left. Four GPUs: 1000 h = 41 d 16 h after 1 July, 00:00.
        let four = Rate::new(hours(4), 3600);
        assert_eq!(project.outlook("2026-07-01", four), ["2026-08-11 16:00 jobs stop", end]);
        // Half a GPU: the half year has 184 d 1 h in Berlin, 4417 h, 2208.5 GPU-h; 1791.5 are left.
        let half = Rate::new(hours(1), 7200);
        assert_eq!(project.outlook("2026-07-01", half), ["2027-01-01 00:00 forfeited 1791.500 of kit/0", end]);
    }

    #[test]
    fn an_overdraft_counts_against_the_next_grant() {
        let grants = vec![grant("a", 100, "2026-01-01", "2026-07-01"), grant("b", 100, "2026-07-01", "2027-01-01")];
        let project = Project::new(HardStop {}, grants, &[("2026-05-01", 130)]);
        let until = Some(at("2026-07-01"));
        let why = Reason::UsedUp { beyond: hours(30) };
        assert_eq!(project.decide("2026-06-01", 0, 1), Decision::Deny { why, until });
        // 100 - 30 = 70.
        assert_eq!(project.decide("2026-07-01", 0, 70), Decision::Allow);
        assert!(project.decide("2026-07-01", 0, 71).is_denied());
        let coming = project.outlook("2026-06-01", None);
        assert_eq!(
            coming,
            [
                "2026-07-01 00:00 arrives 100 of b/0",
                "2026-07-01 00:00 repays 30 of b/0",
                "2026-07-01 00:00 usable",
                "2027-01-01 00:00 forfeited 70 of b/0",
                "2027-01-01 00:00 no grant"
            ]
        );
        assert!(!Policy::from(HardStop {}).wants_resubmission());
    }
}
