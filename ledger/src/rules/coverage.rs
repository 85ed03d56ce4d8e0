//! What several readings together cover of an account.

use crate::{AccountCoverage, Binding, Coverage, ReaderRights, Scope, WholeReader};
use model::{AccountName, Timestamp, UserName, Window};
use std::collections::BTreeMap;

/// What the readings of a site cover of an account's runs that ended inside a span.
///
/// A reading has everybody's runs of an account where its reader's rights say so, or where somebody else's run was seen in it.
/// Where nobody knows the rights, whoever saw others before is taken to see them still, until a reading of theirs says
/// otherwise: by its rights, or because the books have others' runs that it lacks. Of anybody else a reading covers
/// their own runs, whatever they asked for.
pub fn account_coverage(readings: &[Coverage], account: Option<&AccountName>, span: Window) -> AccountCoverage {
    of_account(readings.iter(), account, span)
}

fn of_account<'a>(
    readings: impl Iterator<Item = &'a Coverage>,
    account: Option<&AccountName>,
    span: Window,
) -> AccountCoverage {
    let (mut whole, mut own) = (Vec::new(), BTreeMap::<UserName, Vec<Window>>::new());
    let mut by = BTreeMap::<(UserName, Option<ReaderRights>), Vec<Window>>::new();
    for (reading, is_whole) in in_order(readings, account) {
        let Some(window) = common(reading.window, span) else { continue };
        let (Scope::User(reader) | Scope::All(reader) | Scope::Site(reader)) = &reading.scope;
        if is_whole {
            whole.push(window);
            by.entry((reader.clone(), rights(reading))).or_default().push(window);
        } else {
            own.entry(reader.clone()).or_default().push(window);
        }
    }
    let whole = joined(whole);
    let outside = |windows: Vec<Window>| {
        let gaps = gaps(&whole, span);
        joined(windows.iter().flat_map(|window| gaps.iter().filter_map(|gap| common(*window, *gap))).collect())
    };
    let own: BTreeMap<UserName, Vec<Window>> =
        own.into_iter().map(|(user, windows)| (user, outside(windows))).collect();
    let read = joined(whole.iter().chain(own.values().flatten()).copied().collect());
    let own = own.into_iter().filter(|(_, windows)| !windows.is_empty()).collect();
    let whole_by = by.into_iter();
    let whole_by = whole_by.map(|((reader, rights), windows)| WholeReader { reader, rights, windows: joined(windows) });
    AccountCoverage { unread: gaps(&read, span), whole, whole_by: whole_by.collect(), own }
}

/// What a reading says by itself of whether it has everybody's runs of an account. In the order in which readings of one instant
/// count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Whole,
    NotWhole,
    Nothing,
}

fn rights(reading: &Coverage) -> Option<ReaderRights> {
    if matches!(reading.scope, Scope::Site(_)) { Some(ReaderRights::Site) } else { reading.rights }
}

fn word(reading: &Coverage, account: Option<&AccountName>) -> Word {
    let has = |accounts: &[Option<AccountName>]| accounts.iter().any(|known| known.as_ref() == account);
    let asked_for_all = !matches!(reading.scope, Scope::User(_));
    match rights(reading) {
        Some(rights) if asked_for_all && rights.sees_all() => Word::Whole,
        _ if asked_for_all && has(&reading.whole_accounts) => Word::Whole,
        None if asked_for_all && !has(&reading.hidden_accounts) => Word::Nothing,
        _ => Word::NotWhole,
    }
}

/// The readings, those of one reader in the order in which they were made, each with whether it has everybody's runs.
fn in_order<'a>(
    readings: impl Iterator<Item = &'a Coverage>,
    account: Option<&AccountName>,
) -> Vec<(&'a Coverage, bool)> {
    let mut order: Vec<(&Coverage, Word)> = readings.map(|reading| (reading, word(reading, account))).collect();
    let whose = |reading: &'a Coverage| (&reading.site, &reading.cluster, &reading.scope);
    order.sort_by_key(|(reading, word)| (whose(reading), reading.observed_at, *word));
    let (mut last, mut is_whole) = (None, false);
    let told = order.into_iter().map(|(reading, word)| {
        let is_same = last == Some(whose(reading));
        last = Some(whose(reading));
        is_whole = match word {
            Word::Whole => true,
            Word::NotWhole => false,
            Word::Nothing => is_same && is_whole,
        };
        (reading, is_whole)
    });
    told.collect()
}

/// The same for the runs that a binding charges: of one person's runs their own reading has all.
pub fn binding_coverage(readings: &[Coverage], binding: &Binding, span: Window) -> AccountCoverage {
    of_binding(readings.iter(), binding, span)
}

pub(super) fn of_binding<'a>(
    readings: impl Iterator<Item = &'a Coverage>,
    binding: &Binding,
    span: Window,
) -> AccountCoverage {
    let mut coverage = of_account(readings, binding.account.as_ref(), span);
    if let Some(user) = &binding.user {
        let own = coverage.own.remove(user).unwrap_or_default();
        let windows = own.clone();
        coverage.whole_by.push(WholeReader { reader: user.clone(), rights: Some(ReaderRights::Own), windows });
        coverage.whole = joined(coverage.whole.into_iter().chain(own).collect());
        coverage.own.clear();
        coverage.unread = gaps(&coverage.whole, span);
    }
    coverage
}

/// What two windows have in common.
pub(super) fn common(one: Window, other: Window) -> Option<Window> {
    let window = Window { from: one.from.max(other.from), to: one.to.min(other.to) };
    (window.from < window.to).then_some(window)
}

/// The same stretches, in order, with those that touch put together.
pub(crate) fn joined(mut windows: Vec<Window>) -> Vec<Window> {
    windows.sort_by_key(|window| (window.from, window.to));
    let mut joined: Vec<Window> = Vec::new();
    for window in windows {
        match joined.last_mut() {
            Some(last) if window.from <= last.to => last.to = last.to.max(window.to),
            _ => joined.push(window),
        }
    }
    joined
}

/// What joined stretches leave of a span.
pub(super) fn gaps(covered: &[Window], span: Window) -> Vec<Window> {
    let mut gaps = Vec::new();
    let mut from: Timestamp = span.from;
    for window in covered {
        if from < window.from {
            gaps.push(Window { from, to: window.from.min(span.to) });
        }
        from = from.max(window.to);
    }
    if from < span.to {
        gaps.push(Window { from, to: span.to });
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(from: i64, to: i64) -> Window {
        Window { from: Timestamp::from_epoch_seconds(from), to: Timestamp::from_epoch_seconds(to) }
    }

    /// A reading in which these accounts were seen to be whole.
    fn reading(scope: &str, accounts: &[&str], from: i64, to: i64) -> Coverage {
        Coverage {
            site: "horeka".parse().expect("a site"),
            cluster: "horeka".parse().expect("a cluster"),
            scope: scope.parse().expect("a scope"),
            rights: None,
            hidden_accounts: Vec::new(),
            whole_accounts: accounts.iter().map(|account| Some(account.parse().expect("an account"))).collect(),
            window: window(from, to),
            observed_at: Timestamp::from_epoch_seconds(to),
        }
    }

    /// One whose reader has these rights, or of which the books know that others are missing in `hai`.
    fn with(rights: Option<ReaderRights>, is_hidden: bool, reading: Coverage) -> Coverage {
        let hidden = is_hidden.then(|| Some("hai".parse().expect("an account")));
        Coverage { rights, hidden_accounts: hidden.into_iter().collect(), ..reading }
    }

    fn shown(coverage: &AccountCoverage) -> String {
        let windows = |windows: &[Window]| {
            let one = |window: &Window| format!("{}-{}", window.from.epoch_seconds(), window.to.epoch_seconds());
            windows.iter().map(one).collect::<Vec<_>>().join(" ")
        };
        let own = coverage.own.iter().map(|(user, own)| format!("; {user} {}", windows(own))).collect::<String>();
        format!("whole {}{own}; unread {}", windows(&coverage.whole), windows(&coverage.unread))
    }

    #[test]
    fn a_member_covers_their_own_runs_and_a_coordinator_everybodys() {
        for (what, readings, expected) in [
            ("nobody read", vec![], "whole ; unread 0-100"),
            ("a member", vec![reading("user:ada", &[], 0, 60)], "whole ; ada 0-60; unread 60-100"),
            (
                "a member who asks for all and sees no others",
                vec![reading("all:ada", &[], 0, 60)],
                "whole ; ada 0-60; unread 60-100",
            ),
            ("a coordinator", vec![reading("all:cleo", &["hai"], 10, 60)], "whole 10-60; unread 0-10 60-100"),
            (
                "a coordinator of another account",
                vec![reading("all:cleo", &["other"], 10, 60)],
                "whole ; cleo 10-60; unread 0-10 60-100",
            ),
            (
                "who saw others once did not see them before",
                vec![reading("all:cleo", &[], 0, 20), reading("all:cleo", &["hai"], 20, 60)],
                "whole 20-60; cleo 0-20; unread 60-100",
            ),
            (
                "who saw others once is taken to see them still",
                vec![reading("all:cleo", &["hai"], 0, 20), reading("all:cleo", &[], 20, 60)],
                "whole 0-60; unread 60-100",
            ),
            (
                "in whatever order they stand",
                vec![reading("all:cleo", &[], 20, 60), reading("all:cleo", &["hai"], 0, 20)],
                "whole 0-60; unread 60-100",
            ),
            (
                "another reader is not",
                vec![reading("all:cleo", &["hai"], 0, 20), reading("all:dora", &[], 20, 60)],
                "whole 0-20; dora 20-60; unread 60-100",
            ),
            (
                "until the books have what they do not see, and until they see it again",
                vec![
                    reading("all:cleo", &["hai"], 0, 20),
                    with(None, true, reading("all:cleo", &[], 20, 40)),
                    reading("all:cleo", &[], 40, 60),
                    reading("all:cleo", &["hai"], 60, 70),
                    reading("all:cleo", &[], 70, 80),
                ],
                "whole 0-20 60-80; cleo 20-60; unread 80-100",
            ),
            (
                "or until their rights are known to be gone",
                vec![
                    with(Some(ReaderRights::Coordinator), false, reading("all:cleo", &["hai"], 0, 20)),
                    with(Some(ReaderRights::Own), false, reading("all:cleo", &[], 20, 40)),
                    reading("all:cleo", &[], 40, 60),
                ],
                "whole 0-20; cleo 20-60; unread 60-100",
            ),
            (
                "an operator who sees no others",
                vec![with(Some(ReaderRights::Operator), false, reading("all:olga", &[], 0, 60))],
                "whole 0-60; unread 60-100",
            ),
            (
                "and who asked for their own",
                vec![with(Some(ReaderRights::Operator), false, reading("user:olga", &["hai"], 0, 60))],
                "whole ; olga 0-60; unread 60-100",
            ),
            ("who runs the cluster", vec![reading("site:olga", &[], 10, 60)], "whole 10-60; unread 0-10 60-100"),
            (
                "own runs count where nobody read the whole",
                vec![
                    reading("user:ada", &[], 0, 100),
                    reading("user:ben", &[], 0, 50),
                    reading("all:cleo", &["hai"], 30, 60),
                ],
                "whole 30-60; ada 0-30 60-100; ben 0-30; unread ",
            ),
        ] {
            let account = "hai".parse().expect("an account");
            let coverage = account_coverage(&readings, Some(&account), window(0, 100));
            assert_eq!(shown(&coverage), expected, "{what}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_is_whole_or_unread_or_somebodys_own(
            readings in prop::collection::vec((0..4_usize, any::<bool>(), 0..100_i64, 1..60_i64), 0..8),
            at in 0..100_i64,
        ) {
            let scopes = ["user:ada", "user:ben", "all:cleo", "all:dora"];
            let readings: Vec<Coverage> = readings
                .into_iter()
                .map(|(who, sees, from, length)| {
                    reading(scopes[who], if sees && who > 1 { &["hai"] } else { &[] }, from, from + length)
                })
                .collect();
            let account = "hai".parse().expect("an account");
            let coverage = account_coverage(&readings, Some(&account), window(0, 100));
            let at = Timestamp::from_epoch_seconds(at);
            let is_in = |windows: &[Window]| windows.iter().any(|window| window.contains(at));
            let own = coverage.own.values().filter(|windows| is_in(windows)).count();
            let read = readings.iter().any(|reading| reading.window.contains(at));
            prop_assert_eq!(is_in(&coverage.unread), !read);
            let by = coverage.whole_by.iter().any(|reader| is_in(&reader.windows));
            prop_assert_eq!(by, is_in(&coverage.whole));
            prop_assert_eq!(usize::from(is_in(&coverage.whole)) + usize::from(own > 0) + usize::from(!read), 1);
        }
    }
}
