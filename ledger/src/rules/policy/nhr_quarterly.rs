//! Quarterly at NHR: a quota each quarter, what is left of it in the next one too, and not longer.
//!
//! NHR at Göttingen and Berlin, user wiki (documented; the page on compute projects of 2024 and older ones): each quarter
//! begins with a quarter of what was granted; what is left of one goes into the next, once; a personal account loses it at
//! the end of its quarter; projects run four quarters, and one more follows by itself (Berlin). What happens when an
//! account is used up was not found, nor today's page of Göttingen.

use super::installments::Installments;
use super::rule::{Rule, UsedUp};
use crate::rules::{GrantTerms, Lot, LotError};
use model::{Period, Zone};
use serde::{Deserialize, Serialize};

/// A quota each quarter, carried over once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NhrQuarterly {
    /// For how many quarters what is left is carried over: one, and none for a personal account.
    pub carried_quarters: u32,
    /// How many quarters after the grant's end may still spend what is carried over.
    pub extension_quarters: u32,
    /// What happens when it is used up.
    pub used_up: UsedUp,
}

impl Default for NhrQuarterly {
    /// No extension: a warning that comes a quarter early costs less than hours that nobody knew would go.
    fn default() -> Self {
        Self { carried_quarters: 1, extension_quarters: 0, used_up: UsedUp::Unknown }
    }
}

impl Rule for NhrQuarterly {
    fn lots(&self, grant: &GrantTerms, zone: &Zone) -> Result<Vec<Lot>, LotError> {
        let (carried, beyond_end) = (self.carried_quarters, self.extension_quarters);
        Installments { every: Period::Quarter, in_advance: 0, carried, beyond_end }.lots(grant, zone)
    }

    fn used_up(&self) -> UsedUp {
        self.used_up
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Project, grant, hours};
    use super::super::{Decision, Rate, Reason};
    use super::*;

    /// 1,200 core-h for the four quarters of 2026: 300 each.
    fn project(policy: NhrQuarterly, charges: &[(&str, i64)]) -> Project {
        Project::new(policy, vec![grant("nhr", 1200, "2026-01-01", "2027-01-01")], charges)
    }

    #[test]
    fn a_quarter_is_carried_over_once() {
        let warn =
            |wanted, free| Decision::Warn { why: Reason::NotCovered { wanted: hours(wanted), free: hours(free) } };
        let personal = NhrQuarterly { carried_quarters: 0, ..NhrQuarterly::default() };
        let charges = [("2026-02-01", 100)];
        for (what, policy, now, wanted, expected) in [
            ("first quarter", NhrQuarterly::default(), "2026-03-01", 201, warn(201, 200)),
            // 300 - 100 = 200 are carried over: 200 + 300.
            ("second", NhrQuarterly::default(), "2026-05-01", 500, Decision::Allow),
            ("second, more", NhrQuarterly::default(), "2026-05-01", 501, warn(501, 500)),
            // The 200 of the first are gone, the 300 of the second carried over.
            ("third", NhrQuarterly::default(), "2026-08-01", 601, warn(601, 600)),
            ("dropped at the end", personal, "2026-05-01", 301, warn(301, 300)),
        ] {
            assert_eq!(project(policy, &charges).decide(now, 0, wanted), expected, "{what}");
        }
    }

    #[test]
    fn what_was_carried_over_is_spent_first_and_forfeited_first() {
        // Second quarter: 150 of the 200 that were carried over are used; 50 go on 1 July.
        let charges = [("2026-02-01", 100), ("2026-05-01", 150)];
        let coming = project(NhrQuarterly::default(), &charges).outlook("2026-05-15", None);
        assert_eq!(
            coming,
            [
                "2026-07-01 00:00 forfeited 50 of nhr/0",
                "2026-07-01 00:00 arrives 300 of nhr/2",
                "2026-10-01 00:00 forfeited 300 of nhr/1",
                "2026-10-01 00:00 arrives 300 of nhr/3",
                "2027-01-01 00:00 forfeited 300 of nhr/2",
                "2027-01-01 00:00 forfeited 300 of nhr/3",
                "2027-01-01 00:00 no grant",
            ]
        );
        let extended = NhrQuarterly { extension_quarters: 1, ..NhrQuarterly::default() };
        let coming = project(extended, &charges).outlook("2026-05-15", None);
        let end = ["2027-01-01 00:00 forfeited 300 of nhr/2", "2027-04-01 00:00 forfeited 300 of nhr/3"];
        assert_eq!(coming[coming.len() - 3..coming.len() - 1], end);
    }

    #[test]
    fn a_rate_pauses_while_jobs_stop() {
        let stops = NhrQuarterly { used_up: UsedUp::Stops, ..NhrQuarterly::default() };
        // 200 + 300 = 500 on 1 May at ten an hour: 50 h = 2 d 2 h. From 1 July on 300 more: 30 h; the same in October.
        let coming = project(stops, &[("2026-02-01", 100)]).outlook("2026-05-01", Rate::new(hours(10), 3600));
        let standing: Vec<&String> = coming.iter().filter(|line| !line.contains("arrives")).collect();
        assert_eq!(
            standing,
            [
                "2026-05-03 02:00 jobs stop",
                "2026-07-01 00:00 usable",
                "2026-07-02 06:00 jobs stop",
                "2026-10-01 00:00 usable",
                "2026-10-02 06:00 jobs stop",
                "2027-01-01 00:00 no grant",
            ]
        );
    }
}
