//! Amendments: a hold follows what its job was seen to be, and no budget refuses what has happened.

use crate::support::*;
use ledger::{AmendHold, Command, Effect, EntryKind, NewCeiling, Outcome, Particulars};

fn seen(number: u32, rest: i64, why: &str) -> Command {
    Command::Amend(AmendHold {
        id: hold_id(number),
        ceiling: NewCeiling::Seen { rest: milli(rest), why: why.to_owned() },
    })
}

#[tokio::test]
async fn a_hold_follows_what_its_job_was_seen_to_be() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 100), Command::Bind(binding()), hold(1, 70), hold(2, 10), enforce(true)]).await;
    // Of 70 a first attempt took 30, and the second may take 70 once more: no budget refuses what has happened.
    desk.post(&[settle(ours(1, 30, 1))]).await;
    let amended = desk.post(&[seen(1, 70, "it was started again")]).await.remove(0);
    assert!(matches!(&amended, Outcome::Amended(hold, Effect::Done) if hold.ceiling == milli(100)), "{amended:?}");
    let again = desk.post(&[seen(1, 70, "it was started again")]).await.remove(0);
    assert!(matches!(again, Outcome::Amended(_, Effect::AlreadyDone)));
    let entry = desk.entries().await.pop().expect("one");
    assert_eq!(
        (entry.kind, entry.amount, entry.note.as_str()),
        (EntryKind::Amend, milli(100), "job-1: it was started again")
    );
    assert_eq!(entry.particulars, Particulars::Terms { anyway: None, is_provisional: true, expected: None });
    let kept = desk.book.hold(hold_id(1)).await.expect("read").expect("there");
    assert_eq!((kept.note.as_str(), kept.is_provisional), ("job-1", false), "the hold itself is as it was made");
    // It is never below what was drawn, whatever was seen.
    desk.post(&[seen(1, 0, "it waits no more")]).await;
    let kept = desk.book.hold(hold_id(1)).await.expect("read").expect("there");
    assert_eq!((kept.ceiling, kept.remainder()), (milli(30), Ok(milli(0))));
    // What was closed meanwhile stays closed, and a word of what was seen is wanted.
    desk.post(&[close(2)]).await;
    let late = desk.post(&[seen(2, 500, "its limit was changed")]).await.remove(0);
    assert!(matches!(late, Outcome::Amended(_, Effect::AlreadyDone)));
    for wrong in [seen(1, 5, " "), seen(1, -5, "it shrank"), seen(9, 5, "it is new")] {
        desk.try_post(&[wrong]).await.expect_err("refused");
    }
    desk.verify().await;
}
on_postgres_too! { a_hold_follows_what_its_job_was_seen_to_be }
