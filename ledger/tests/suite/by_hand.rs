//! What people enter by hand: refunds, adjustments with four eyes, time passed on; each once, none beyond what there is.

use crate::exports::lines;
use crate::support::*;
use ledger::{
    ALONE_UP_TO, Adjust, Adjusted, Command, Delegate, Effect, EntryKind, LedgerErrorKind, Outcome, Reattribute, Refund,
    Withdraw,
};
use model::{Amount, Principal};

fn refund(number: u64, amount: Option<i64>, reason: &str) -> Command {
    Command::Refund(Refund { run: run_key(number), amount: amount.map(milli), reason: reason.to_owned() })
}

fn adjust(key: &str, amount: Amount) -> Command {
    let (key, reason) = (key.to_owned(), "counted twice by the site".to_owned());
    Command::Adjust(Adjust { key, project: atlas(), unit: gh200(), amount, at: at(NOW), reason })
}

fn bob() -> Principal {
    Principal { user: name("bob"), ..ada() }
}

async fn desk() -> Desk {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), settle(foreign(1, 60)), settle(foreign(2, 40))]).await;
    desk
}

/// slurm-bank's refund gives the time of one processor back, however many there were.
#[tokio::test]
async fn a_run_is_refunded_once_and_never_by_more_than_it_was_charged() {
    let desk = desk().await;
    let outcomes = desk.post(&[refund(1, None, "node failed")]).await;
    assert_eq!(outcomes, [Outcome::Refunded(milli(60), Effect::Done)]);
    assert_eq!(desk.numbers().await, [1000, 40, 0, 0, 0, 960]);
    assert_eq!(desk.post(&[refund(1, None, "node failed")]).await, [Outcome::Refunded(milli(60), Effect::AlreadyDone)]);
    for (command, kind) in [
        (refund(1, None, "once more"), LedgerErrorKind::Conflict),
        (refund(1, Some(5), "node failed"), LedgerErrorKind::Conflict),
        (refund(2, Some(41), "node failed"), LedgerErrorKind::Conflict),
        (refund(2, Some(0), "node failed"), LedgerErrorKind::Conflict),
        (refund(2, Some(-4), "node failed"), LedgerErrorKind::Conflict),
        (refund(3, None, "node failed"), LedgerErrorKind::Invalid),
        (refund(2, None, " "), LedgerErrorKind::Invalid),
    ] {
        let refused = desk.try_post(std::slice::from_ref(&command)).await.expect_err("refused");
        assert_eq!(refused.kind, kind, "{command:?}: {refused}");
    }
    desk.post(&[refund(2, Some(15), "half of it was lost")]).await;
    assert_eq!(desk.numbers().await, [1000, 25, 0, 0, 0, 975]);
    // A retry of the job is another run; a correction of the refunded one is one of what was charged.
    desk.post(&[settle(read_at(foreign(2, 30), 300))]).await;
    assert_eq!(desk.numbers().await, [1000, 15, 0, 0, 0, 985]);
    // What was given back is never more than what was charged.
    desk.post(&[settle(read_at(foreign(2, 10), 400)), settle(read_at(foreign(1, 0), 400))]).await;
    assert_eq!(desk.numbers().await, [1000, 0, 0, 0, 0, 1000]);
    let charged = desk.book.charged_runs(&name("jupiter"), run_key(2).scheduler_job).await.expect("read");
    assert_eq!((charged.len(), charged[0].amount), (1, milli(10)));
    desk.verify().await;
}

#[tokio::test]
async fn small_adjustments_are_one_persons_and_large_ones_two() {
    let desk = desk().await;
    assert_eq!(desk.post(&[adjust("a1", milli(-20))]).await, [Outcome::Adjusted(Adjusted::Entered)]);
    assert_eq!(desk.post(&[adjust("a1", milli(-20))]).await, [Outcome::Adjusted(Adjusted::EnteredBefore)]);
    assert_eq!(desk.numbers().await, [1000, 120, 0, 0, 0, 880]);
    let more = ALONE_UP_TO.plus(milli(1)).expect("fits");
    assert_eq!(desk.post(&[adjust("a2", more)]).await, [Outcome::Adjusted(Adjusted::Waits)]);
    assert_eq!(desk.post(&[adjust("a2", more)]).await, [Outcome::Adjusted(Adjusted::Waits)]);
    assert_eq!(desk.numbers().await, [1000, 120, 0, 0, 0, 880], "nothing yet");
    assert_eq!(desk.book.proposals().await.expect("read").len(), 1);
    let agree = [Command::Agree("a2".to_owned())];
    let elsewhere = Principal { site: Some(name("horeka")), ..ada() };
    for herself in [ada(), elsewhere] {
        let own = desk.book.post(&herself, now(), &agree).await.expect_err("by herself");
        assert_eq!(own.kind, LedgerErrorKind::Conflict, "{own}");
    }
    let outcomes = desk.book.post(&bob(), now(), &agree).await.expect("agreed");
    assert_eq!(outcomes, [Outcome::Adjusted(Adjusted::Entered)]);
    let outcomes = desk.book.post(&bob(), now(), &agree).await.expect("agreed");
    assert_eq!(outcomes, [Outcome::Adjusted(Adjusted::EnteredBefore)]);
    assert_eq!(desk.post(&[adjust("a2", more)]).await, [Outcome::Adjusted(Adjusted::EnteredBefore)]);
    assert_eq!(desk.numbers().await[5], 880 + more.milli());
    assert_eq!(desk.book.proposals().await, Ok(vec![]));
    let last = desk.entries().await.pop().expect("entries");
    assert_eq!((last.actor, last.kind.as_str()), (bob(), "adjust"));
    for command in [adjust("a1", milli(-21)), adjust("a3", milli(0)), Command::Agree("a9".to_owned())] {
        assert!(desk.try_post(std::slice::from_ref(&command)).await.is_err(), "{command:?}");
    }
    desk.verify().await;
}

#[tokio::test]
async fn many_small_adjustments_are_a_large_one() {
    let desk = desk().await;
    let most = ALONE_UP_TO.milli();
    let entered = |outcomes: Vec<Outcome>| outcomes == [Outcome::Adjusted(Adjusted::Entered)];
    let day = 86_400;
    let by = async |who: &Principal, seconds: i64, command: Command| {
        entered(desk.book.post(who, at(NOW + seconds), &[command]).await.expect("posted"))
    };
    assert!(by(&ada(), 0, adjust("a1", milli(most - 10))).await);
    assert!(!by(&ada(), day, adjust("a2", milli(11))).await, "together they are too much");
    assert!(!by(&ada(), 2 * day, adjust("a3", milli(-11))).await, "and so they are the other way");
    assert!(by(&ada(), 3 * day, adjust("a4", milli(10))).await, "up to the limit");
    assert!(!by(&Principal { site: Some(name("horeka")), ..ada() }, 3 * day, adjust("a5", milli(1))).await);
    assert!(by(&bob(), 3 * day, adjust("b1", milli(most))).await, "what another one may is their own");
    // What two agreed to is nobody's alone.
    let agreed = desk.book.post(&bob(), at(NOW + 4 * day), &[Command::Agree("a2".to_owned())]).await.expect("agreed");
    assert!(entered(agreed));
    assert!(!by(&ada(), 29 * day, adjust("a6", milli(1))).await);
    assert!(by(&ada(), 30 * day, adjust("a7", milli(most - 10))).await, "thirty days later");
    // What waits goes on waiting, although it would pass by now.
    assert!(!by(&ada(), 90 * day, adjust("a3", milli(-11))).await);
    // In one post they are counted too.
    let both = [adjust("c1", milli(most)), adjust("c2", milli(1))];
    let outcomes = desk.book.post(&ada(), at(NOW + 200 * day), &both).await.expect("posted");
    assert_eq!(outcomes, [Adjusted::Entered, Adjusted::Waits].map(Outcome::Adjusted));
    desk.verify().await;
}

/// What people type stands in notes, which have a commitment; keys and the numbers of what was passed on are in every proof.
#[tokio::test]
async fn no_key_has_words_that_people_typed() {
    let desk = desk().await;
    let reason = "because eve is ill";
    let key = |what: &str| format!("{what}/{reason}");
    let delegate = |from: &str, grant: String, to: &str, amount: i64| {
        let (key, reason) = (format!("{grant}/{to}/{reason}"), reason.to_owned());
        Command::Delegate(Delegate { key, from: name(from), grant, to: name(to), amount: milli(amount), reason })
    };
    let withdraw = Withdraw {
        key: key("g1"),
        project: atlas(),
        grant: "g1".to_owned(),
        amount: Some(milli(1)),
        reason: reason.to_owned(),
    };
    let adjusted = adjust(&key("a"), milli(5));
    let first = [Command::Withdraw(withdraw), adjusted, delegate("atlas", "g1".to_owned(), "borealis", 300)];
    desk.post(&first).await;
    let given = desk.book.grants(Some(&name("borealis"))).await.expect("grants").remove(0).terms;
    desk.post(&[delegate("borealis", given.key.clone(), "vision", 100)]).await;
    let further = desk.book.grants(Some(&name("vision"))).await.expect("grants").remove(0).terms;
    let start = given.reference.split(" from ").next().expect("a number").to_owned();
    assert!(given.reference.starts_with(&format!("{start} from atlas, ")), "{}", given.reference);
    assert!(further.reference.starts_with(&format!("{start} from borealis, ")), "{}", further.reference);
    assert_eq!(given.reference.len(), start.len() + " from atlas, 01234567".len());
    for line in lines(desk.book.as_ref(), true).await {
        assert!(!line.contains("because"), "{line}");
    }
    for entry in desk.entries().await {
        let is_of_the_desk = entry.links.grant.as_deref() == Some("g1") || entry.kind == EntryKind::Grant;
        assert!(!entry.has_words_in_keys() || is_of_the_desk, "{entry:?}");
    }
    // The same once more is the same, by whoever.
    let before = desk.entries().await;
    desk.post(&first).await;
    assert_eq!(desk.entries().await, before);
    desk.verify().await;
}

/// Entries of an earlier release have the words in their keys, and are the same still.
#[tokio::test]
async fn what_an_earlier_release_keyed_by_its_words_is_the_same() {
    let desk = desk().await;
    let wish = Withdraw {
        key: "g1/vision".to_owned(),
        project: atlas(),
        grant: "g1".to_owned(),
        amount: Some(milli(1)),
        reason: "vision".to_owned(),
    };
    let (adjust, withdraw) = (adjust("a1", milli(5)), Command::Withdraw(wish));
    desk.post(&[withdraw.clone(), adjust.clone()]).await;
    desk.change_the_tables(
        "DROP TRIGGER entries_are_not_changed;
         UPDATE entries SET key = 'withdraw:g1/vision' WHERE kind = 'withdraw';
         UPDATE entries SET key = 'adjust:a1' WHERE kind = 'adjust'",
    );
    let before = desk.entries().await;
    desk.post(&[withdraw, adjust]).await;
    assert_eq!(desk.entries().await, before);
    assert!(before.iter().any(ledger::Entry::has_words_in_keys));
}

#[tokio::test]
async fn what_is_passed_on_stays_what_was_granted() {
    let desk = desk().await;
    let delegate = |key: &str, amount: i64| {
        let (key, grant, reason) = (key.to_owned(), "g1".to_owned(), "vision".to_owned());
        Command::Delegate(Delegate { key, from: atlas(), grant, to: name("borealis"), amount: milli(amount), reason })
    };
    assert_eq!(desk.post(&[delegate("d1", 300)]).await, [Outcome::Delegated(Effect::Done)]);
    assert_eq!(desk.post(&[delegate("d1", 300)]).await, [Outcome::Delegated(Effect::AlreadyDone)]);
    assert_eq!(desk.numbers().await, [700, 100, 0, 0, 0, 600]);
    let query = ledger::BalanceQuery { project: Some(name("borealis")), ..ledger::BalanceQuery::default() };
    let balances = desk.book.balances(&query, now()).await.expect("read");
    assert_eq!((balances[0].granted, balances[0].free()), (milli(300), Ok(milli(300))));
    // A thing that is given cannot be given again, nor what is used already.
    let refused = desk.try_post(&[delegate("d2", 601)]).await.expect_err("too much");
    assert_eq!(refused.kind, LedgerErrorKind::Conflict, "{refused}");
    desk.post(&[delegate("d2", 600)]).await;
    assert_eq!(desk.numbers().await[5], 0);
    for command in [delegate("d3", 0), delegate("d1", 301)] {
        assert!(desk.try_post(std::slice::from_ref(&command)).await.is_err(), "{command:?}");
    }
    let nobody = Delegate {
        key: "d4".to_owned(),
        from: atlas(),
        grant: "g1".to_owned(),
        to: atlas(),
        amount: milli(1),
        reason: "to itself".to_owned(),
    };
    assert!(desk.try_post(&[Command::Delegate(nobody)]).await.is_err());
    // It is passed back, and not withdrawn: that would give it to nobody.
    let given = desk.book.grants(Some(&name("borealis"))).await.expect("grants").remove(0).terms;
    let taken = Withdraw {
        key: "w1".to_owned(),
        project: name("borealis"),
        grant: given.key.clone(),
        amount: None,
        reason: "undo".to_owned(),
    };
    let refused = desk.try_post(&[Command::Withdraw(taken)]).await.expect_err("it would be lost");
    assert!(refused.next().is_some_and(|next| next.contains("pakt ledger delegate borealis")), "{refused}");
    let back = Delegate {
        key: "b1".to_owned(),
        from: name("borealis"),
        grant: given.key.clone(),
        to: atlas(),
        amount: milli(300),
        reason: "undo".to_owned(),
    };
    assert_eq!(desk.post(&[Command::Delegate(back)]).await, [Outcome::Delegated(Effect::Done)]);
    assert_eq!(desk.numbers().await[5], 300, "atlas has it again");
    desk.verify().await;
}

#[tokio::test]
async fn what_is_given_back_follows_its_charge_to_another_project() {
    let desk = desk().await;
    desk.post(&[refund(1, Some(50), "node failed")]).await;
    let mut other = binding();
    (other.account, other.project) = (Some(name("other")), name("borealis"));
    desk.post(&[Command::Bind(other)]).await;
    let mut moved = read_at(foreign(1, 60), 300);
    moved.run.account = Some(name("other"));
    desk.post(&[settle(moved)]).await;
    assert_eq!(desk.numbers().await, [1000, 40, 0, 0, 0, 960], "of run 2 alone");
    let query = ledger::BalanceQuery { project: Some(name("borealis")), ..ledger::BalanceQuery::default() };
    let balances = desk.book.balances(&query, now()).await.expect("read");
    assert_eq!(balances[0].used, milli(10), "60 charged, 50 given back");
    desk.verify().await;
}

#[tokio::test]
async fn what_is_given_back_follows_its_run_whoever_pays_in_the_meantime() {
    let desk = desk().await;
    desk.post(&[refund(1, Some(50), "node failed")]).await;
    assert_eq!(desk.numbers().await, [1000, 50, 0, 0, 0, 950]);
    let again = Command::Reattribute(Reattribute {
        site: name("jupiter"),
        window: model::Window { from: at(0), to: at(NOW + 1000) },
    });
    for number in [1, 2] {
        desk.post(&[Command::Unbind(ledger::Unbind { number, to: at(0) }), again.clone()]).await;
        assert_eq!(desk.numbers().await, [1000, 0, 0, 0, 0, 1000], "nobody pays");
        desk.post(&[Command::Bind(binding())]).await;
        assert_eq!(desk.numbers().await, [1000, 50, 0, 0, 0, 950], "what failed is given back to whoever pays");
    }
    // What a smaller charge left of it is not what was wanted.
    desk.post(&[settle(read_at(foreign(1, 10), 300))]).await;
    assert_eq!(desk.numbers().await[1], 40);
    desk.post(&[settle(read_at(foreign(1, 0), 400))]).await;
    desk.post(&[settle(read_at(foreign(1, 60), 500))]).await;
    assert_eq!(desk.numbers().await[1], 50);
    desk.verify().await;
}

#[tokio::test]
async fn nothing_takes_effect_ahead_of_the_present() {
    let desk = desk().await;
    let Command::Adjust(mut wish) = adjust("a1", milli(5)) else { panic!("an adjustment") };
    wish.at = at(NOW + 86_400);
    let refused = desk.try_post(&[Command::Adjust(wish)]).await.expect_err("tomorrow");
    assert_eq!(refused.kind, LedgerErrorKind::Invalid, "{refused}");
}

#[tokio::test]
async fn a_later_grant_covers_nothing_that_is_passed_on_of_an_earlier_one() {
    let desk = desk().await;
    let later = ledger::NewGrant {
        window: model::Window { from: at(NOW + 86_400), to: at(NOW + 900_000) },
        reference: "next year".to_owned(),
        ..new_grant("g2", 400)
    };
    desk.post(&[Command::Grant(later)]).await;
    let delegate = |grant: &str, amount: i64| {
        let (key, grant, reason) = (format!("{grant}/{amount}"), grant.to_owned(), "vision".to_owned());
        Command::Delegate(Delegate { key, from: atlas(), grant, to: name("borealis"), amount: milli(amount), reason })
    };
    // 100 of 1000 are spent.
    let refused = desk.try_post(&[delegate("g1", 901)]).await.expect_err("more than is free now");
    assert_eq!(refused.kind, LedgerErrorKind::Conflict, "{refused}");
    desk.post(&[delegate("g1", 900)]).await;
    desk.post(&[delegate("g2", 400)]).await;
    assert_eq!(desk.numbers().await[5], 0);
    desk.verify().await;
}

on_postgres_too! {
    what_is_given_back_follows_its_run_whoever_pays_in_the_meantime,
    a_later_grant_covers_nothing_that_is_passed_on_of_an_earlier_one,
    what_is_given_back_follows_its_charge_to_another_project,
    nothing_takes_effect_ahead_of_the_present,
    a_run_is_refunded_once_and_never_by_more_than_it_was_charged,
    small_adjustments_are_one_persons_and_large_ones_two,
    many_small_adjustments_are_a_large_one,
    what_is_passed_on_stays_what_was_granted,
    no_key_has_words_that_people_typed,
}
