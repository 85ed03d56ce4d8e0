//! What whoever reads accounting may see of others, for the books.

use crate::house::House;
use ledger::{ReaderRights, Scope};
use model::AccountName;
use scheduler_adapters::Rights;
use std::collections::BTreeSet;

/// The rights of a reader, and the accounts of which everybody's runs were seen.
pub(crate) type Seen = (Option<ReaderRights>, Vec<Option<AccountName>>);

/// What a reading in this scope can have seen, where somebody else's runs of these accounts were in it. Where the scheduler does
/// not say what the reader may see, it is not known, and what was seen counts. Where it does not answer, that is the same, and
/// goes into the notes: what was read is in the books, and only how much it covers is left open.
pub(crate) async fn rights(
    house: &House,
    scope: &Scope,
    others: &BTreeSet<Option<AccountName>>,
    notes: &mut Vec<String>,
) -> Seen {
    match scope {
        Scope::User(_) => (Some(ReaderRights::Own), Vec::new()),
        Scope::Site(_) => (Some(ReaderRights::Site), Vec::new()),
        Scope::All(_) => {
            let said = house.scheduler.rights().await.unwrap_or_else(|error| {
                notes.push(format!(
                    "accounting did not say what {} may see, so that this reading counts as none of everybody's runs: \
                     {error}; the same command asks again",
                    house.principal.user
                ));
                None
            });
            of_all(said, others)
        }
    }
}

fn of_all(said: Option<Rights>, others: &BTreeSet<Option<AccountName>>) -> Seen {
    match said {
        Some(Rights::Everybody) => (Some(ReaderRights::Operator), Vec::new()),
        Some(Rights::Accounts(accounts)) => {
            let whole: BTreeSet<_> = accounts.into_iter().map(Some).chain(others.iter().cloned()).collect();
            let rights = if whole.is_empty() { ReaderRights::Own } else { ReaderRights::Coordinator };
            (Some(rights), whole.into_iter().collect())
        }
        None => (None, others.iter().cloned().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_counts_beside_what_is_said() {
        let account = |name: &str| Some(name.parse::<AccountName>().expect("an account"));
        let accounts = |names: &[&str]| names.iter().filter_map(|name| account(name)).collect::<BTreeSet<_>>();
        let shown = |said, others: &[&str]| {
            let (rights, whole) = of_all(said, &others.iter().map(|name| account(name)).collect());
            let whole: Vec<_> = whole.iter().flatten().map(ToString::to_string).collect();
            format!("{} {}", rights.map_or("-", ReaderRights::as_str), whole.join("+"))
        };
        for (said, others, expected) in [
            (Some(Rights::Everybody), &["hai"][..], "operator "),
            (Some(Rights::Accounts(accounts(&["hai"]))), &[], "coordinator hai"),
            (Some(Rights::Accounts(accounts(&["hai"]))), &["below"], "coordinator below+hai"),
            (Some(Rights::Accounts(accounts(&[]))), &[], "self "),
            (None, &["hai"], "- hai"),
            (None, &[], "- "),
        ] {
            assert_eq!(shown(said.clone(), others), expected, "{said:?} {others:?}");
        }
    }
}
