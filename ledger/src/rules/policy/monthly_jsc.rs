//! Monthly at JSC: a quota each month, of which the last month's rest and the next month's whole may be spent too.
//!
//! JSC, allocation procedures (documented, read in a stored copy that breaks off in the last rule used here): the grant is
//! spread evenly over its months; what may be spent in a month, CQ, is the rest of the previous month, PQ, and the month's
//! quota, MQ; what is older is forfeited. Down to -MQ an overdrawn account has no disadvantage, below it has the lowest
//! priority until the month ends; not in the last month of an allocation period. A debt goes into the next month, nothing
//! goes into a new period, and at JUWELS and JURECA a balance below -101 % is set to -101 %.
//! JSC, JUGENE quota page (documented, an older machine): at the beginning of a month no balance stands below -101 %, and
//! what was forgiven is listed.
//! JSC, accounting pages of JUPITER and JUSUF (documented): normal priority until three monthly quotas are used; jobs that
//! are queued have to be submitted again after new quota came; smaller grants have a fixed quota instead.
//!
//! So a month's quota is a lot that may be spent from the month before to the month after, and drawing what ends first is
//! CQ. Inferred: -101 % is the balance after the new month's quota was added, which leaves the project just below the
//! limit for one month and just above it in the next; it holds on JUPITER too; a debt ends with the allocation period.

use super::installments::Installments;
use super::rule::{Rule, UsedUp};
use crate::rules::{Debt, GrantTerms, Lot, LotError};
use model::{Period, Zone};
use serde::{Deserialize, Serialize};

/// A quota each month, borrowing from the next and carrying over from the last; then the priority drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MonthlyJsc {
    /// The overdraft in percent of a month's quota that is carried into a month at most; the rest is forgiven.
    pub reset_below_percent: Option<u32>,
}

impl Default for MonthlyJsc {
    fn default() -> Self {
        Self { reset_below_percent: Some(101) }
    }
}

impl Rule for MonthlyJsc {
    fn lots(&self, grant: &GrantTerms, zone: &Zone) -> Result<Vec<Lot>, LotError> {
        Installments { every: Period::Month, in_advance: 1, carried: 1, beyond_end: 0 }.lots(grant, zone)
    }

    fn debt(&self) -> Debt {
        Debt { most_percent: self.reset_below_percent, ends_with_lots: true }
    }

    fn used_up(&self) -> UsedUp {
        UsedUp::LowPriority
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Project, at, berlin, grant, hours};
    use super::super::{Decision, Policy, Rate, Reason};
    use super::*;

    /// 400 core-h for the four months from May to August: MQ = 100.
    fn project(charges: &[(&str, i64)]) -> Project {
        Project::new(MonthlyJsc::default(), vec![grant("jsc", 400, "2026-05-01", "2026-09-01")], charges)
    }

    #[test]
    fn a_month_is_usable_from_the_one_before_to_the_one_after() {
        let lots = Policy::from(MonthlyJsc::default()).lots(&project(&[]).grants, &berlin()).expect("lots");
        let plain: Vec<_> =
            lots.iter().map(|lot| (lot.amount, lot.period.from, lot.usable.from, lot.usable.to)).collect();
        let month = |period: &str, from: &str, to: &str| (hours(100), at(period), at(from), at(to));
        let expected = [
            month("2026-05-01", "2026-05-01", "2026-07-01"),
            month("2026-06-01", "2026-05-01", "2026-08-01"),
            month("2026-07-01", "2026-06-01", "2026-09-01"),
            month("2026-08-01", "2026-07-01", "2026-09-01"),
        ];
        assert_eq!(plain, expected);
    }

    #[test]
    fn three_quotas_may_be_used_before_the_priority_drops() {
        let low = |beyond, until: Option<&str>| Decision::LowPriority {
            why: Reason::UsedUp { beyond: hours(beyond) },
            until: until.map(at),
        };
        let warn =
            |wanted, free| Decision::Warn { why: Reason::NotCovered { wanted: hours(wanted), free: hours(free) } };
        for (what, charges, now, wanted, expected) in [
            // PQ 100 + MQ 100 + next 100 = 300.
            ("previous, current, next", vec![], "2026-06-15", 300, Decision::Allow),
            ("beyond the three", vec![], "2026-06-15", 301, warn(301, 300)),
            ("the first month has no previous", vec![], "2026-05-15", 201, warn(201, 200)),
            ("the last month has no next", vec![], "2026-08-15", 201, warn(201, 200)),
            // CQ = 100 + 100 - 250 = -50, and -100 is allowed: 50.
            ("borrowed", vec![("2026-06-10", 250)], "2026-06-15", 50, Decision::Allow),
            // CQ = -100: the three are used. On 1 July August's quota comes into reach.
            ("used up", vec![("2026-06-10", 300)], "2026-06-15", 1, low(0, Some("2026-07-01"))),
            ("used up, even for nothing", vec![("2026-06-10", 300)], "2026-06-15", 0, low(0, Some("2026-07-01"))),
            ("low priority uses on", vec![("2026-06-10", 340)], "2026-06-15", 1, low(40, Some("2026-07-01"))),
            // July: CQ = -100 + 100 = 0, and 100 of August may be borrowed.
            ("a month later", vec![("2026-06-10", 300)], "2026-07-01", 100, Decision::Allow),
            // July: CQ = -140 + 100 = -40, 60 of August may be borrowed.
            ("carried over as negative", vec![("2026-06-10", 340)], "2026-07-01", 61, warn(61, 60)),
            // July: CQ = 200 - 300 = -100. August: CQ = 0, and no next month.
            ("in the last month", vec![("2026-07-10", 299)], "2026-08-15", 1, Decision::Allow),
            ("in the last month, borrowed", vec![("2026-07-10", 300)], "2026-08-15", 1, low(0, None)),
            ("in the last month, used up", vec![("2026-08-10", 200)], "2026-08-15", 1, low(0, None)),
        ] {
            assert_eq!(project(&charges).decide(now, 0, wanted), expected, "{what}");
        }
        let over = Decision::Deny { why: Reason::NoGrantInForce, until: None };
        assert_eq!(project(&[]).decide("2026-09-01", 0, 1), over);
    }

    #[test]
    fn what_is_older_than_the_previous_month_is_forfeited() {
        // June's 40 are drawn from May's quota: 60 of it are left and go on 1 July; the others go month by month.
        let coming = project(&[("2026-06-10", 40)]).outlook("2026-06-15", None);
        assert_eq!(
            coming,
            [
                "2026-07-01 00:00 forfeited 60 of jsc/0",
                "2026-07-01 00:00 arrives 100 of jsc/3",
                "2026-08-01 00:00 forfeited 100 of jsc/1",
                "2026-09-01 00:00 forfeited 100 of jsc/2",
                "2026-09-01 00:00 forfeited 100 of jsc/3",
                "2026-09-01 00:00 no grant",
            ]
        );
    }

    #[test]
    fn a_rate_tells_when_the_priority_drops() {
        // 300 - 60 = 240 are left on 15 June; one node of 12 core-h an hour: 20 h. From then on at low priority: until
        // 1 July, 00:00, 364 h more, 4368. Of them 101 are carried into July, which August's quota pays up to 100.
        let project = project(&[("2026-06-10", 60)]);
        let coming = project.outlook("2026-06-15", Rate::new(hours(12), 3600));
        assert_eq!(
            coming[..5],
            [
                "2026-06-15 20:00 priority drops",
                "2026-07-01 00:00 struck 4267",
                "2026-07-01 00:00 arrives 100 of jsc/3",
                "2026-07-01 00:00 repays 100 of jsc/3",
                "2026-08-01 00:00 struck 8828",
            ]
        );
    }

    #[test]
    fn an_account_far_below_is_set_to_minus_101_percent() {
        // May: CQ = 100 - 600 = -500. June: -500 + 100 = -400, set to -101. July: -101 + 100 = -1: 99 may be borrowed.
        let project = project(&[("2026-05-10", 600)]);
        let why = Reason::UsedUp { beyond: hours(1) };
        let expected = Decision::LowPriority { why, until: Some(at("2026-07-01")) };
        assert_eq!(project.decide("2026-06-15", 0, 1), expected);
        assert_eq!(project.decide("2026-07-01", 0, 99), Decision::Allow);
        let coming = project.outlook("2026-05-15", None);
        assert_eq!(
            coming[..5],
            [
                "2026-06-01 00:00 struck 299",
                "2026-06-01 00:00 arrives 100 of jsc/2",
                "2026-06-01 00:00 repays 100 of jsc/2",
                "2026-07-01 00:00 arrives 100 of jsc/3",
                "2026-07-01 00:00 repays 1 of jsc/3",
            ]
        );
        assert!(Policy::from(MonthlyJsc::default()).wants_resubmission());
    }

    #[test]
    fn nothing_crosses_an_allocation_period() {
        let grants = vec![grant("a", 200, "2026-03-01", "2026-05-01"), grant("b", 200, "2026-05-01", "2026-07-01")];
        for (used, expected) in [
            // April ends with 200 - 50 = 150, of which 50 are March's: all go.
            (50, "2026-05-01 00:00 forfeited 100 of a/1"),
            // March: 100 - 500 = -400. April: -300, set to -101, which go too.
            (500, "2026-05-01 00:00 struck 101"),
        ] {
            let project = Project::new(MonthlyJsc::default(), grants.clone(), &[("2026-03-10", used)]);
            let coming = project.outlook("2026-04-15", None);
            assert!(coming.iter().any(|line| line == expected), "{coming:#?}");
            assert_eq!(project.decide("2026-05-01", 0, 200), Decision::Allow);
        }
    }
}
