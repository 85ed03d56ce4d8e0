//! The policies by name.

use super::decision::{Decision, decide};
use super::outlook::{Event, Rate, outlook};
use super::rule::{Rule, Standing, UsedUp, overdraft, standing};
use super::{Facts, FixedTerm, HardStop, MonthlyJsc, NhrQuarterly, Soft};
use crate::rules::{GrantTerms, Lot, LotBook, LotError, borders_of, take_out};
use model::{Amount, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a programme lets a project do with its grants. In a file `{ kind: monthly-jsc }`, with further fields beside `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Policy {
    /// When it is used up, jobs do not start.
    HardStop(HardStop),
    /// It may be overdrawn up to a percentage.
    Soft(Soft),
    /// A quota each month, the last and the next one usable too; then the priority drops.
    MonthlyJsc(MonthlyJsc),
    /// One amount for a term.
    FixedTerm(FixedTerm),
    /// A quota each quarter, carried over once.
    NhrQuarterly(NhrQuarterly),
    /// No budget at all: shares decide the priority, as at MPCDF (a user's notes, 2026-01; no page was found that names a
    /// budget).
    None,
}

impl Policy {
    /// Its name, as `kind` has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HardStop(_) => "hard-stop",
            Self::Soft(_) => "soft",
            Self::MonthlyJsc(_) => "monthly-jsc",
            Self::FixedTerm(_) => "fixed-term",
            Self::NhrQuarterly(_) => "nhr-quarterly",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())?;
        match self {
            Self::Soft(soft) => write!(formatter, ", up to {} %", soft.percent()),
            Self::FixedTerm(FixedTerm { used_up }) | Self::NhrQuarterly(NhrQuarterly { used_up, .. }) => formatter
                .write_str(match used_up {
                    UsedUp::Stops => ", then jobs stop",
                    UsedUp::LowPriority => ", then low priority",
                    UsedUp::Unknown => ", then it is not known",
                }),
            Self::HardStop(_) | Self::MonthlyJsc(_) | Self::None => Ok(()),
        }
    }
}

macro_rules! from {
    ($($policy:ident),+) => {
        $(impl From<$policy> for Policy {
            fn from(policy: $policy) -> Self {
                Self::$policy(policy)
            }
        })+
    };
}

from!(HardStop, Soft, MonthlyJsc, FixedTerm, NhrQuarterly);

impl Policy {
    fn rule(&self) -> Option<&dyn Rule> {
        match self {
            Self::HardStop(rule) => Some(rule),
            Self::Soft(rule) => Some(rule),
            Self::MonthlyJsc(rule) => Some(rule),
            Self::FixedTerm(rule) => Some(rule),
            Self::NhrQuarterly(rule) => Some(rule),
            Self::None => None,
        }
    }

    /// The lots that it makes of grants; none where there is no budget.
    pub fn lots(&self, grants: &[GrantTerms], zone: &Zone) -> Result<Vec<Lot>, LotError> {
        let Some(rule) = self.rule() else { return Ok(Vec::new()) };
        let mut lots = Vec::new();
        for grant in grants {
            let mut of_grant = rule.lots(grant, zone)?;
            take_out(&mut of_grant, &grant.passed_on)?;
            lots.extend(of_grant);
        }
        Ok(lots)
    }

    /// The instants at which spending has to be cut for `Facts`, in order.
    pub fn borders(&self, grants: &[GrantTerms], zone: &Zone) -> Result<Vec<Timestamp>, LotError> {
        Ok(borders_of(&self.lots(grants, zone)?))
    }

    /// What became of each lot up to now.
    pub fn book(&self, facts: &Facts<'_>) -> Result<LotBook, LotError> {
        let lots = self.lots(facts.grants, facts.zone)?;
        let debt = self.rule().map(Rule::debt).unwrap_or_default();
        LotBook::replay(lots, debt, facts.spending, facts.now)
    }

    /// Whether a job that may use so much more is let through; with nothing more, how the project stands.
    ///
    /// Lowering a hold needs no decision. Settling is a fact and is never asked about.
    pub fn decide(&self, facts: &Facts<'_>, wanted: Amount) -> Result<Decision, LotError> {
        match self.rule() {
            Some(rule) => decide(rule, &self.book(facts)?, facts.reserved, wanted),
            None => Ok(Decision::Allow),
        }
    }

    /// How the project stands with its site; usable where there is no budget.
    pub fn standing(&self, facts: &Facts<'_>) -> Result<Standing, LotError> {
        match self.rule() {
            Some(rule) => Ok(standing(rule, &self.book(facts)?)?),
            None => Ok(Standing::Usable),
        }
    }

    /// How far below nothing it may go with the lots in force.
    pub fn overdraft(&self, facts: &Facts<'_>) -> Result<Amount, LotError> {
        match self.rule() {
            Some(rule) => Ok(overdraft(rule, &self.book(facts)?)?),
            None => Ok(Amount::ZERO),
        }
    }

    /// What happens when, from now on until the last lot ends, in order: while nothing is spent, or at a constant rate.
    ///
    /// What is reserved is not reckoned with: a rate includes what runs. The rate pauses while jobs do not start, and goes
    /// on at low priority.
    pub fn outlook(&self, facts: &Facts<'_>, rate: Option<Rate>) -> Result<Vec<Event>, LotError> {
        match self.rule() {
            Some(rule) => outlook(rule, self.book(facts)?, rate),
            None => Ok(Vec::new()),
        }
    }

    /// Whether jobs that wait have to be submitted again to profit from new quota: JSC, accounting pages (documented).
    pub const fn wants_resubmission(&self) -> bool {
        matches!(self, Self::MonthlyJsc(_) | Self::FixedTerm(FixedTerm { used_up: UsedUp::LowPriority }))
    }
}
