//! Ledgers that contradict themselves although every leaf, sum and signature fits: `verify` finds them, in a ledger and in
//! an export.

use crate::support::*;
use ledger::{ALONE_UP_TO, Adjust, Command, Entry, EntryKind, NewGrant, Refund};
use model::{Principal, Window};

/// In every way to look at these entries, a finding says this; before they were forged, none does.
async fn is_found(mut entries: Vec<Entry>, forge: impl FnOnce(&mut Vec<Entry>), what: &str) {
    let tells = |found: &Vec<String>| found.iter().any(|finding| finding.contains(what));
    assert!(!found_in(&entries).await.iter().any(tells), "{what}: before");
    forge(&mut entries);
    for (number, entry) in (1..).zip(&mut entries) {
        entry.number = number;
    }
    for found in found_in(&entries).await {
        assert!(tells(&found), "{what}: {found:?}");
    }
}

async fn refunded() -> Desk {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), settle(foreign(1, 60)), settle(foreign(2, 40))]).await;
    let refund = Refund { run: run_key(1), amount: Some(milli(50)), reason: "node failed".to_owned() };
    desk.post(&[Command::Refund(refund)]).await;
    desk.post(&[settle(read_at(foreign(2, 30), 300)), settle(read_at(foreign(1, 55), 300))]).await;
    desk.verify().await;
    desk
}

/// A ledger that has its runs is looked at in another way than one made of entries alone.
#[tokio::test]
async fn what_contradicts_itself_beside_its_runs_is_found() {
    for (sql, what) in [
        ("UPDATE entries SET amount = 61 WHERE kind = 'refund'", "is charged 55 milli, and 61 are given back of it"),
        ("UPDATE entries SET effective_at = effective_at + 1 WHERE reverses = 4", "reverses entry 4, and is not its"),
        ("UPDATE entries SET note = '' WHERE reverses = 99", ""),
    ] {
        let desk = refunded().await;
        let unlock = "DROP TRIGGER entries_are_not_changed; DROP TRIGGER entries_are_not_deleted;";
        desk.change_the_tables(&format!("{unlock} {sql}"));
        let findings = desk.book.verify().await.expect("verified").findings;
        let is_told = findings.iter().any(|finding| finding.contains(what) && !what.is_empty());
        assert_eq!(is_told, !what.is_empty(), "{sql}: {findings:?}");
    }
}

#[tokio::test]
async fn more_that_is_given_back_than_was_charged_is_found() {
    let is_refund = |entry: &&mut Entry| entry.kind == EntryKind::Refund;
    is_found(
        refunded().await.entries().await,
        |entries| entries.iter_mut().filter(is_refund).for_each(|entry| entry.amount = milli(61)),
        "are given back of it",
    )
    .await;
}

#[tokio::test]
async fn a_reversal_that_is_not_the_opposite_is_found() {
    let entries = refunded().await.entries().await;
    let reversal = entries.iter().position(|entry| entry.links.reverses == Some(4)).expect("a reversal");
    let what = format!("entry {} reverses entry 4, and is not its opposite", reversal + 1);
    let forges: [fn(&mut Entry); 4] = [
        |entry| entry.amount = milli(39),
        |entry| entry.effective_at = at(NOW - 1),
        |entry| entry.links.run = Some(run_key(1)),
        |entry| std::mem::swap(&mut entry.debit, &mut entry.credit),
    ];
    for forge in forges {
        is_found(entries.clone(), |entries| forge(&mut entries[reversal]), &what).await;
    }
}

async fn adjusted(amounts: &[i64]) -> Vec<Entry> {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000)]).await;
    for (number, amount) in amounts.iter().enumerate() {
        let (key, reason) = (format!("a{number}"), "counted twice by the site".to_owned());
        let amount = milli(*amount);
        let wish = Adjust { key: key.clone(), project: atlas(), unit: gh200(), amount, at: at(NOW), reason };
        desk.post(&[Command::Adjust(wish)]).await;
        let bob = Principal { user: name("bob"), ..ada() };
        if amount > ALONE_UP_TO {
            desk.book.post(&bob, now(), &[Command::Agree(key)]).await.expect("agreed");
        }
    }
    desk.verify().await;
    desk.entries().await
}

#[tokio::test]
async fn a_large_adjustment_that_one_person_made_is_found() {
    let large = ALONE_UP_TO.milli() + 1;
    let what = "beyond what `";
    let entries = adjusted(&[large]).await;
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["grant", "propose", "adjust"]);
    is_found(entries.clone(), |entries| entries[2].actor = ada(), what).await;
    is_found(entries.clone(), |entries| drop(entries.remove(1)), what).await;
    is_found(entries.clone(), |entries| entries[2].amount = milli(large + 1), what).await;
    let turn = |entries: &mut Vec<Entry>| {
        let Entry { debit, credit, .. } = &mut entries[2];
        std::mem::swap(debit, credit);
    };
    is_found(entries, turn, what).await;
    is_found(adjusted(&[large - 2, 1]).await, |entries| entries[2].amount = milli(2), what).await;
}

#[tokio::test]
async fn more_that_expired_than_was_left_of_a_lot_is_found() {
    let desk = Desk::new();
    let over = Window { from: at(NOW - 1000), to: at(NOW - 10) };
    desk.post(&[Command::Grant(NewGrant { window: over, ..new_grant("over", 500) }), Command::Expire(None)]).await;
    desk.post(&[grant("g1", 70)]).await;
    desk.verify().await;
    let entries = desk.entries().await;
    let what = "501 milli of grant `over` of atlas in jupiter:gh200 have expired, of which 500 stand";
    is_found(entries.clone(), |entries| entries[1].amount = milli(501), what).await;
    let what = "milli of grant `g9` of atlas in jupiter:gh200 have expired, of which 0 stand";
    is_found(entries, |entries| entries[1].links.grant = Some("g9".to_owned()), what).await;
}

/// Less than stands, and yet not what was left: only with the policies, which no export has.
#[tokio::test]
async fn another_amount_that_expired_than_was_left_of_a_lot_is_found() {
    let desk = Desk::new();
    let over = Window { from: at(NOW - 1000), to: at(NOW - 10) };
    desk.post(&[Command::Grant(NewGrant { window: over, ..new_grant("over", 500) }), Command::Expire(None)]).await;
    let mut entries = desk.entries().await;
    entries[1].amount = milli(499);
    let found = found_in(&entries).await;
    let told = |found: &Vec<String>| found.iter().any(|finding| finding.contains("used, expired and left are not"));
    // A replica and an export have no policies.
    assert_eq!(found.iter().map(told).collect::<Vec<_>>()[..3], [false, true, false], "{found:?}");
    assert!(found.get(3).is_none_or(told), "{found:?}");
    // A run that is read late explains it until the next `expire`.
    desk.post(&[Command::Bind(binding()), settle(ended(foreign(1, 5), NOW - 100))]).await;
    desk.verify().await;
    desk.post(&[Command::Expire(None)]).await;
    desk.verify().await;
}

on_postgres_too! {
    what_contradicts_itself_beside_its_runs_is_found,
    more_that_is_given_back_than_was_charged_is_found,
    a_reversal_that_is_not_the_opposite_is_found,
    a_large_adjustment_that_one_person_made_is_found,
    more_that_expired_than_was_left_of_a_lot_is_found,
    another_amount_that_expired_than_was_left_of_a_lot_is_found,
}
