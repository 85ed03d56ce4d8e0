//! `pakt ledger policy`: which policy a budget has, by the profile of its site or as a person says, and in whose days.

use crate::{
    error::JobsError,
    house::House,
    known::{known_budget, known_unit},
    nearest::nearest,
    reached::booked,
};
use ledger::{BalanceQuery, Book, Command, Effect, FixedTerm, HardStop, MonthlyJsc, NhrQuarterly, Outcome, Policy};
use ledger::{SetPolicy, Soft, UsedUp};
use model::{ProjectName, Unit, Zone};
use sites::{BudgetWindow, Site};

/// A policy as a person names it.
#[derive(Clone, Debug, Default)]
pub struct PolicyWish {
    /// Its name; none where it is left to the profile of the site.
    pub name: Option<String>,
    /// How far a soft one may be spent, in percent of the grant.
    pub percent: Option<u32>,
    /// What the site does when it is used up.
    pub used_up: Option<String>,
}

/// The policy of a budget, and the zone of its days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPolicy {
    /// None where nobody has said.
    pub policy: Option<Policy>,
    /// In which months and quarters begin.
    pub zone: Zone,
    /// Others that occur at its site, as options, where it was taken from the profile.
    pub others: Vec<String>,
    /// Whether it was set now.
    pub is_new: bool,
}

const NAMES: [&str; 6] = ["hard-stop", "soft", "monthly-jsc", "fixed-term", "nhr-quarterly", "none"];
const ENDS: [(&str, UsedUp); 3] =
    [("stops", UsedUp::Stops), ("low-priority", UsedUp::LowPriority), ("unknown", UsedUp::Unknown)];

/// The zone in which the days of a unit's budgets begin: that of its site. A zone of this machine that has no name means
/// nothing to others who share the ledger; then it is UTC.
pub fn zone_of(house: &House, what: &str, unit: &Unit) -> Result<Zone, JobsError> {
    known_unit(house, what, unit)?;
    house.accounting_zone(unit.site())
}

/// The policy of a budget; where `wish` names one, it is set.
pub async fn policy(
    house: &House,
    project: &ProjectName,
    unit: &Unit,
    wish: &PolicyWish,
) -> Result<KnownPolicy, JobsError> {
    let what = "the policy was not set";
    let book = house.needed_book(what).await?;
    known_budget(house, book.as_ref(), what, project, unit).await?;
    let Some(policy) = named(what, wish)? else {
        let (policy, zone) = standing(house, book.as_ref(), project, unit).await?;
        return Ok(KnownPolicy { policy, zone, others: Vec::new(), is_new: false });
    };
    let zone = house.accounting_zone(unit.site())?;
    let set = SetPolicy { project: project.clone(), unit: unit.clone(), policy, zone: zone.clone() };
    let outcomes = booked(book.post(&house.principal, house.clock.now(), &[Command::SetPolicy(set)]).await, what)?;
    let is_new = outcomes.first() == Some(&Outcome::PolicySet(Effect::Done));
    Ok(KnownPolicy { policy: Some(policy), zone, others: Vec::new(), is_new })
}

/// The policy that comes with a grant: as the person says, else the one that the budget has, else that of the profile.
pub(crate) async fn with_grant(
    house: &House,
    book: &dyn Book,
    what: &str,
    (project, unit): (&ProjectName, &Unit),
    wish: &PolicyWish,
) -> Result<KnownPolicy, JobsError> {
    let zone = house.accounting_zone(unit.site())?;
    if let Some(policy) = named(what, wish)? {
        return Ok(KnownPolicy { policy: Some(policy), zone, others: Vec::new(), is_new: true });
    }
    let (known, known_zone) = standing(house, book, project, unit).await?;
    if known.is_some() {
        return Ok(KnownPolicy { policy: known, zone: known_zone, others: Vec::new(), is_new: false });
    }
    let (policy, others) = of_profile(house.site(unit.site())?);
    Ok(KnownPolicy { policy, zone, others, is_new: policy.is_some() })
}

async fn standing(
    house: &House,
    book: &dyn Book,
    project: &ProjectName,
    unit: &Unit,
) -> Result<(Option<Policy>, Zone), JobsError> {
    let query =
        BalanceQuery { project: Some(project.clone()), site: Some(unit.site().clone()), ..BalanceQuery::default() };
    let budgets = booked(book.budgets(&query, house.clock.now()).await, "the budget was not read")?;
    let found = budgets.into_iter().find(|budget| budget.balance.unit == *unit);
    Ok(found.map_or_else(|| (None, Zone::utc()), |budget| (budget.policy, budget.zone)))
}

/// The policy of the first kind of budget that the profile names, and the options that name the others.
fn of_profile(site: &Site) -> (Option<Policy>, Vec<String>) {
    let windows = &site.budget_windows.value;
    // JSC gives smaller projects a fixed quota, behind which the priority drops as it does behind a month's
    // (docs/policies.md).
    let used_up = if windows.contains(&BudgetWindow::MonthlyJsc) { UsedUp::LowPriority } else { UsedUp::Unknown };
    let policies: Vec<Policy> = windows
        .iter()
        .map(|window| match window {
            BudgetWindow::HardStop => HardStop {}.into(),
            BudgetWindow::MonthlyJsc => MonthlyJsc::default().into(),
            BudgetWindow::FixedTerm => FixedTerm { used_up }.into(),
            BudgetWindow::NhrQuarterly => NhrQuarterly::default().into(),
            BudgetWindow::FairShare | BudgetWindow::None => Policy::None,
        })
        .collect();
    (policies.first().copied(), policies.iter().skip(1).map(option).collect())
}

/// How a policy is named on the command line.
fn option(policy: &Policy) -> String {
    match policy {
        Policy::FixedTerm(FixedTerm { used_up: UsedUp::LowPriority }) => {
            "--policy fixed-term --used-up low-priority".to_owned()
        }
        other => format!("--policy {}", other.name()),
    }
}

/// The policy that a wish names; none where it names none.
fn named(what: &str, wish: &PolicyWish) -> Result<Option<Policy>, JobsError> {
    let usage = |why: String, next: String| Err(JobsError::usage(what, why, next));
    let PolicyWish { name, percent, used_up } = wish;
    let Some(name) = name.as_deref() else {
        if percent.is_some() || used_up.is_some() {
            return usage(
                "it names no policy".to_owned(),
                format!("write `--policy NAME`, one of {}", NAMES.join(", ")),
            );
        }
        return Ok(None);
    };
    if percent.is_some() && name != "soft" {
        return usage(format!("`{name}` has no percentage"), "leave `--percent` out; `soft` has one".to_owned());
    }
    if used_up.is_some() && !["fixed-term", "nhr-quarterly"].contains(&name) {
        return usage(format!("what happens at the end of `{name}` is settled"), "leave `--used-up` out".to_owned());
    }
    let end = if let Some(word) = used_up.as_deref() {
        let Some((_, end)) = ENDS.into_iter().find(|(known, _)| *known == word) else {
            let next = "write `--used-up stops`, `low-priority` or `unknown`";
            return usage(format!("`{word}` is nothing that a site does"), next.to_owned());
        };
        end
    } else {
        UsedUp::default()
    };
    Ok(Some(match (name, percent) {
        ("hard-stop", _) => HardStop {}.into(),
        ("monthly-jsc", _) => MonthlyJsc::default().into(),
        ("fixed-term", _) => FixedTerm { used_up: end }.into(),
        ("nhr-quarterly", _) => NhrQuarterly { used_up: end, ..NhrQuarterly::default() }.into(),
        ("none", _) => Policy::None,
        ("soft", Some(percent)) => match Soft::new(*percent) {
            Some(soft) => soft.into(),
            None => return usage(format!("a soft limit of {percent} %"), "write 100 to 1000 percent".to_owned()),
        },
        ("soft", None) => {
            return usage("it is not said how far it may be spent".to_owned(), "write `--percent 120`".to_owned());
        }
        (other, _) => {
            let list = NAMES.join(", ");
            let next = nearest(other, &NAMES)
                .map_or_else(|| format!("there are {list}"), |near| format!("did you mean `{near}`? There are {list}"));
            return usage(format!("there is no policy `{other}`"), next);
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_by_its_name() {
        let wish = |name: &str, percent, used_up: Option<&str>| PolicyWish {
            name: Some(name.to_owned()),
            percent,
            used_up: used_up.map(str::to_owned),
        };
        for (wish, expected) in [
            (wish("hard-stop", None, None), Ok("hard-stop")),
            (wish("soft", Some(120), None), Ok("soft, up to 120 %")),
            (wish("fixed-term", None, Some("low-priority")), Ok("fixed-term, then low priority")),
            (wish("nhr-quarterly", None, None), Ok("nhr-quarterly, then it is not known")),
            (wish("none", None, None), Ok("none")),
            (wish("monthly-jcs", None, None), Err("did you mean `monthly-jsc`?")),
            (wish("soft", None, None), Err("--percent 120")),
            (wish("soft", Some(99), None), Err("100 to 1000")),
            (wish("none", Some(99), None), Err("leave `--percent` out")),
            (wish("monthly-jsc", None, Some("stops")), Err("leave `--used-up` out")),
            (wish("fixed-term", None, Some("halts")), Err("`low-priority`")),
            (PolicyWish { percent: Some(1), ..PolicyWish::default() }, Err("--policy NAME")),
        ] {
            match (named("x", &wish), expected) {
                (Ok(Some(policy)), Ok(expected)) => assert_eq!(policy.to_string(), expected, "{wish:?}"),
                (Err(error), Err(next)) => assert!(error.next.contains(next), "{wish:?}: {}", error.next),
                (found, _) => panic!("{wish:?}: {found:?}"),
            }
        }
        assert_eq!(named("x", &PolicyWish::default()).expect("nothing is wished"), None);
    }
}
