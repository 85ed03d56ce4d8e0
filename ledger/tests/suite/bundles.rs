//! How far bundles were taken in, and whose key is believed.

use crate::support::*;
use ledger::evidence::TreeHash;
use ledger::{BundleMark, Command, Effect, KeepBundle, KeyTrust, LedgerErrorKind, Outcome};

/// A bundle of ada's at JUPITER, told from others by a number, signed with a key that is told by a letter.
pub(crate) fn mark(chain: u8, key: char, number: u64) -> BundleMark {
    BundleMark {
        chain: TreeHash::from_bytes([chain; 32]),
        site: name("jupiter"),
        user: name("ada"),
        key: name(&key.to_string().repeat(32)),
        trust: KeyTrust::Own,
        number,
        last: TreeHash::of_leaf(&[chain, u8::try_from(number).expect("small")]),
    }
}

pub(crate) fn keep(mark: BundleMark) -> Command {
    Command::KeepBundle(KeepBundle { mark, accepts_key: false })
}

#[tokio::test]
async fn a_place_only_moves_on() {
    let desk = Desk::new();
    for (number, effect, kept) in [(2, Effect::Done, 2), (2, Effect::AlreadyDone, 2), (1, Effect::AlreadyDone, 2)] {
        assert_eq!(desk.post(&[keep(mark(1, 'a', number))]).await, [Outcome::BundleKept(effect)]);
        assert_eq!(desk.book.bundles().await.expect("read"), [mark(1, 'a', kept)]);
    }
    desk.post(&[keep(mark(1, 'a', 5)), keep(mark(2, 'a', 1))]).await;
    assert_eq!(desk.book.bundles().await.expect("read"), [mark(1, 'a', 5), mark(2, 'a', 1)]);
}

#[tokio::test]
async fn the_first_key_of_a_person_is_believed_and_another_one_takes_the_whole_post_along() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), keep(mark(1, 'a', 1))]).await;
    let other = [settle(foreign(1, 100)), keep(mark(2, 'b', 1))];
    let error = desk.try_post(&other).await.expect_err("another key");
    assert_eq!(error.kind, LedgerErrorKind::Conflict);
    assert!(error.why.contains("signed with another key"), "{error}");
    assert_eq!(desk.numbers().await[1], 0, "nothing of it was posted");
    // Somebody else's key, or the same person's elsewhere, says nothing about this one.
    let bob = BundleMark { user: name("bob"), ..mark(3, 'b', 1) };
    let elsewhere = BundleMark { site: name("horeka"), ..mark(4, 'b', 1) };
    desk.post(&[keep(bob), keep(elsewhere)]).await;
    let accepted = KeepBundle { mark: mark(2, 'b', 1), accepts_key: true };
    desk.post(&[settle(foreign(1, 100)), Command::KeepBundle(accepted)]).await;
    assert_eq!(desk.numbers().await[1], 100);
    // From then on both are. What a key is believed only grows.
    let more = BundleMark { trust: KeyTrust::Everybody, ..mark(2, 'b', 1) };
    assert_eq!(desk.post(&[keep(more.clone())]).await, [Outcome::BundleKept(Effect::Done)]);
    assert_eq!(desk.post(&[keep(mark(2, 'b', 1))]).await, [Outcome::BundleKept(Effect::AlreadyDone)]);
    assert!(desk.book.bundles().await.expect("read").contains(&more));
    desk.post(&[keep(mark(2, 'b', 2)), keep(mark(1, 'a', 2))]).await;
    desk.verify().await;
}

on_postgres_too! {
    a_place_only_moves_on,
    the_first_key_of_a_person_is_believed_and_another_one_takes_the_whole_post_along,
}
