//! The log of entries: who rewrites the file is found by one earlier checkpoint, whatever else they have.

use crate::support::*;
use ledger::evidence::{EntryProof, SignedCheckpoint, Standing, TreeHash};
use ledger::{Command, LedgerErrorKind, OpenMode, Outside, Random, SqliteBook, Surroundings, Verification};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

async fn fill(desk: &Desk) {
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), hold(1, 100), hold(2, 50)]).await;
    desk.post(&[settle(ours(1, 130, 1)), settle(foreign(2, 30)), close(1)]).await;
}

async fn busy_desk() -> Desk {
    let desk = Desk::in_memory();
    fill(&desk).await;
    desk
}

async fn checkpoint(desk: &Desk) -> SignedCheckpoint {
    let text = desk.book.log().await.expect("a log").checkpoint.expect("signed");
    SignedCheckpoint::parse(text.as_bytes()).expect("a checkpoint")
}

async fn audit(desk: &Desk, checkpoint: &SignedCheckpoint) -> Verification {
    let outside = Outside { checkpoints: vec![checkpoint.clone()], ..Outside::default() };
    desk.book.audit(&outside).await.expect("audited")
}

fn standing(verification: &Verification) -> Standing {
    verification.log.as_ref().expect("a log").standing
}

fn change(path: &Path, sql: &str) {
    Connection::open(path).and_then(|file| file.execute_batch(sql)).expect(sql);
}

fn copy(from: &Path, to: &Path) {
    // What is in the write-ahead log still is part of the file.
    change(from, "PRAGMA wal_checkpoint(TRUNCATE)");
    fs::copy(from, to).expect("copied");
}

#[tokio::test]
async fn every_post_that_makes_entries_leaves_a_signed_checkpoint() {
    let desk = Desk::in_memory();
    for (command, size) in [(grant("g1", 1000), 1), (hold(1, 100), 2), (Command::Bind(binding()), 3)] {
        desk.post(&[command]).await;
        assert_eq!(checkpoint(&desk).await.claim().head.size, size);
    }
    let verification = desk.book.verify().await.expect("verified");
    assert_eq!(standing(&verification), Standing::SelfConsistent);
    let log = verification.log.expect("a log");
    assert_eq!((log.uncheckpointed, log.head.size), (0, 3));
    let mode = fs::metadata(desk.key_file()).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_ledger_that_only_grew_is_verified_up_to_the_checkpoint() {
    let desk = busy_desk().await;
    let earlier = checkpoint(&desk).await;
    let size = earlier.claim().head.size;
    desk.post(&[settle(read_at(foreign(2, 20), 300)), settle(ours(3, 5, 2))]).await;
    let verification = audit(&desk, &earlier).await;
    assert_eq!(verification.findings, Vec::<String>::new());
    assert_eq!(standing(&verification), Standing::Verified { size });
}

/// The triggers against mistakes are no wall: whoever has the file drops them.
const UNLOCK: &str = "DROP TRIGGER entries_are_not_changed; DROP TRIGGER entries_are_not_deleted;";

#[tokio::test]
async fn one_change_to_the_file_is_found() {
    for (sql, found) in [
        ("UPDATE entries SET amount = 31 WHERE number = 7", "entry 7 is not the one that its leaf was made of"),
        ("UPDATE entries SET kind = 'correct' WHERE number = 7", "entry 7 is not"),
        ("UPDATE entries SET effective_at = effective_at + 1 WHERE number = 7", "entry 7 is not"),
        ("UPDATE entries SET recorded_at = recorded_at + 1 WHERE number = 3", "entry 3 is not"),
        ("UPDATE entries SET run_job = 99 WHERE number = 7", "entry 7 is not"),
        ("UPDATE entries SET content = zeroblob(16) WHERE number = 7", "entry 7 is not"),
        ("UPDATE entries SET tariff = NULL WHERE number = 7", "entry 7 is not"),
        ("UPDATE entries SET started = started + 1 WHERE number = 7", "entry 7 is not"),
        ("UPDATE entries SET partition = NULL WHERE number = 7", "entry 7 is not"),
        ("UPDATE entries SET end_state = partition WHERE number = 7", "entry 7 is not"),
        ("UPDATE entries SET key = 'grant:g9' WHERE number = 1", "entry 1 is not"),
        ("UPDATE entries SET note = 'another' WHERE number = 3", "the note of entry 3"),
        ("UPDATE entries SET note = 'told' WHERE number = 7", "the note of entry 7"),
        ("UPDATE entries SET written = NULL WHERE number = 3", "entry 3 is not"),
        ("UPDATE entries SET particulars = replace(particulars, '1', '2') WHERE number = 1", "entry 1 is not"),
        ("UPDATE entries SET leaf = zeroblob(32) WHERE number = 4", "entry 4 is not"),
        ("UPDATE names SET text = 'budget/other' WHERE text = 'budget/atlas'", "entry 1 is not"),
        ("UPDATE persons SET user = 'bob' WHERE user = 'ada'", "is not the one that the entries are about"),
        ("UPDATE persons SET pseudonym = randomblob(16)", "entry 1 is not"),
        ("DELETE FROM entries WHERE number = 8", "the frontier of the log"),
        ("DELETE FROM entries WHERE number = 5", "entry 6 follows entry 4"),
        ("UPDATE log SET frontier = zeroblob(8)", "the frontier of the log"),
        (
            "UPDATE log SET checkpoint = replace(checkpoint, char(10) || '8' || char(10), char(10) || '7' || char(10))",
            "counts for nothing",
        ),
        (
            "UPDATE entries SET number = 100 WHERE number = 7; UPDATE entries SET number = 7 WHERE number = 8;
          UPDATE entries SET number = 8 WHERE number = 100",
            "entry 7 is not",
        ),
    ] {
        let desk = busy_desk().await;
        desk.change_the_tables(&format!("{UNLOCK} {sql}"));
        let verification = desk.book.verify().await.expect(sql);
        let is_found = verification.findings.iter().any(|finding| finding.contains(found));
        assert!(is_found, "{sql}: {:?}", verification.findings);
    }
}

/// A long log is read in parts, by as many as there are processors.
#[tokio::test]
async fn a_change_to_a_long_log_is_found_in_every_part_of_it() {
    let desk = Desk::in_memory();
    desk.post(&[grant("g1", 1_000_000), Command::Bind(binding()), hold(1, 100)]).await;
    let runs = |numbers: std::ops::Range<u64>| numbers.map(|number| settle(foreign(number, 30))).collect::<Vec<_>>();
    desk.post(&runs(10..3_000)).await;
    let earlier = checkpoint(&desk).await;
    desk.post(&runs(3_000..9_000)).await;
    desk.post(&[settle(ours(1, 130, 1)), close(1)]).await;
    let verification = audit(&desk, &earlier).await;
    assert_eq!(verification.findings, Vec::<String>::new());
    assert_eq!((verification.entries, standing(&verification)), (8_996, Standing::Verified { size: 2_993 }));
    desk.change_the_tables(&format!("{UNLOCK} UPDATE entries SET amount = 31 WHERE number IN (70, 5000, 8990)"));
    let findings = audit(&desk, &earlier).await.findings;
    let of_leaves: Vec<_> = findings.iter().filter(|finding| finding.contains("its leaf")).collect();
    assert_eq!(of_leaves.len(), 3, "{findings:?}");
    assert!(of_leaves[0].contains("entry 70 ") && of_leaves[2].contains("entry 8990 "), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.contains("the first 2993 entries are not")), "{findings:?}");
    desk.change_the_tables("DELETE FROM entries WHERE number = 4100");
    let findings = audit(&desk, &earlier).await.findings;
    assert!(findings.iter().any(|finding| finding == "entry 4101 follows entry 4099"), "{findings:?}");
}

/// Somebody takes the file back to what it was, so that all of it agrees with itself and every signature fits.
#[tokio::test]
async fn a_file_cut_back_to_an_older_state_is_found_by_a_checkpoint() {
    let desk = busy_desk().await;
    let old = desk.folder.path().join("old.db");
    copy(&desk.path(), &old);
    desk.post(&[settle(foreign(5, 40))]).await;
    let newer = checkpoint(&desk).await;
    let Desk { folder, book, .. } = desk;
    drop(book);
    fs::copy(&old, folder.path().join("ledger.db")).expect("put back");
    let desk = Desk::of_file(folder);
    assert_eq!(desk.book.verify().await.expect("verified").findings, Vec::<String>::new(), "it agrees with itself");
    let verification = audit(&desk, &newer).await;
    assert_eq!(standing(&verification), Standing::Broken);
    assert!(verification.findings[0].contains("8 entries are there"), "{:?}", verification.findings);
}

/// The keeper of the key makes all of it anew, with one amount changed.
#[tokio::test]
async fn a_ledger_made_anew_with_the_key_is_found_by_a_checkpoint() {
    let desk = busy_desk().await;
    let earlier = checkpoint(&desk).await;
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(desk.folder.path().join("ledger.db.key"), folder.path().join("ledger.db.key")).expect("the keeper's");
    let forged = Desk::of_file(folder);
    forged.post(&[grant("g1", 1001), Command::Bind(binding()), hold(1, 100), hold(2, 50)]).await;
    forged.post(&[settle(ours(1, 130, 1)), settle(foreign(2, 30)), close(1), settle(foreign(3, 1))]).await;
    let alone = forged.book.verify().await.expect("verified");
    assert_eq!((standing(&alone), alone.findings.len()), (Standing::SelfConsistent, 0), "alone it looks well");
    let verification = audit(&forged, &earlier).await;
    assert_eq!(standing(&verification), Standing::Broken);
    let found = &verification.findings[0];
    assert!(found.contains("the first 8 entries are not those of your checkpoint"), "{found}");
}

#[tokio::test]
async fn a_member_without_the_key_posts_and_the_keeper_signs_later() {
    let desk = busy_desk().await;
    let (key, hidden) = (desk.key_file(), desk.folder.path().join("hidden"));
    fs::rename(&key, &hidden).expect("not readable");
    let member = desk.open_again(OpenMode::Existing);
    member.post(&ada(), now(), &[settle(foreign(5, 40)), settle(foreign(6, 41))]).await.expect("posted");
    let log = member.log().await.expect("a log");
    assert!(log.unsigned.as_ref().is_some_and(|why| why.contains("not readable here")), "{log:?}");
    let verification = member.verify().await.expect("verified");
    assert_eq!(verification.findings, Vec::<String>::new());
    assert_eq!(verification.log.expect("a log").uncheckpointed, 2);
    let error = member.prove(9).await.expect_err("not signed yet");
    assert_eq!((error.kind, error.why.contains("entry 9 came after")), (LedgerErrorKind::Invalid, true));
    let again = desk.open_again(OpenMode::Create);
    assert!(!key.exists(), "a log that has a key gets no second one");
    drop(again);
    fs::rename(&hidden, &key).expect("back");
    let keeper = desk.open_again(OpenMode::Existing);
    assert_eq!(keeper.log().await.expect("a log").unsigned, None);
    assert_eq!(keeper.verify().await.expect("verified").log.expect("a log").uncheckpointed, 0);
    keeper.prove(9).await.expect("signed");
}

#[tokio::test]
async fn the_keeper_signs_no_log_that_lost_what_was_signed() {
    let desk = busy_desk().await;
    let sql = "DELETE FROM entries WHERE number > 6; UPDATE log SET frontier = (SELECT frontier FROM other.log)";
    let shorter = Desk::in_memory();
    shorter.post(&[grant("g1", 1000), hold(1, 100)]).await;
    let attach = format!("ATTACH '{}' AS other; {UNLOCK} {sql}", shorter.path().display());
    change(&desk.path(), &attach);
    let error = desk.book.log().await.expect_err("not signed");
    assert_eq!(error.kind, LedgerErrorKind::Corrupt);
}

#[tokio::test]
async fn every_entry_is_proven_and_a_changed_one_is_not() {
    let desk = busy_desk().await;
    let log = desk.book.log().await.expect("a log");
    let keys = [log.key.expect("a key")];
    for number in 1..=log.size {
        let text = desk.book.prove(number).await.expect("proven").to_string();
        let proof = EntryProof::parse(text.as_bytes()).expect("read");
        let bytes = proof.extra.as_deref().expect("the leaf goes along");
        // A name is a text of its length and its letters.
        let name = [&3_u64.to_be_bytes()[..], b"ada"].concat();
        assert!(!bytes.windows(name.len()).any(|part| part == name), "names stay at home");
        let leaf = TreeHash::of_leaf(bytes);
        assert_eq!(proof.verify(&leaf, &keys).expect("shown").checkpoint.head.size, log.size);
    }
    let error = desk.book.prove(log.size + 1).await.expect_err("not there");
    assert_eq!(error.kind, LedgerErrorKind::Invalid);
    change(&desk.path(), &format!("{UNLOCK} UPDATE entries SET amount = 31 WHERE number = 6"));
    assert_eq!(desk.book.prove(6).await.expect_err("changed").kind, LedgerErrorKind::Corrupt);
}

#[tokio::test]
async fn proofs_reach_over_subtrees_that_are_kept() {
    let desk = Desk::in_memory();
    desk.post(&[grant("g1", 1_000_000), Command::Bind(binding())]).await;
    let mut sizes = Vec::new();
    for chunk in 0..3 {
        let runs: Vec<Command> = (0..250).map(|run| settle(foreign(chunk * 1000 + run, 5))).collect();
        desk.post(&runs).await;
        sizes.push(checkpoint(&desk).await);
    }
    for number in [1, 255, 256, 257, 512, 513, 751] {
        desk.book.prove(number).await.expect("proven");
    }
    desk.post(&[settle(foreign(9000, 5))]).await;
    desk.book.log().await.expect("it continues what was signed");
    for earlier in &sizes {
        assert_eq!(audit(&desk, earlier).await.findings, Vec::<String>::new());
    }
}

/// Leaves, pseudonyms, salts and roots follow from the commands and the random bits: this pins the format.
#[tokio::test]
async fn the_same_bits_and_commands_give_the_same_root() {
    let mut roots = Vec::new();
    for first in [1, 1, 1000] {
        let desk = Desk::new_in(&counted_from(first));
        fill(&desk).await;
        roots.push(checkpoint(&desk).await.claim().head.root.to_string());
    }
    assert_eq!(roots[0], roots[1]);
    assert_ne!(roots[0], roots[2]);
    insta::assert_snapshot!(roots[0], @"Flt7KU7t52CNTUR3Lz2TtZqZbJTsvneUISvEEjGm9MU=");
}

#[tokio::test]
async fn a_person_has_one_pseudonym_and_another_in_another_ledger() {
    let (desk, other) = (busy_desk().await, busy_desk().await);
    desk.post(&[settle(foreign(9, 1))]).await;
    let persons = desk.book.persons().await.expect("persons");
    assert_eq!(persons.len(), 1, "ada posts, and ada runs");
    let others = other.book.persons().await.expect("persons");
    assert_ne!(persons[0].pseudonym, others[0].pseudonym);
    assert_ne!(persons[0].commitment, others[0].commitment);
}

#[tokio::test]
async fn without_random_bits_nothing_is_made() {
    let silent = Surroundings { random: Random::new(|_| Ok(())), ..Surroundings::here() };
    let folder = tempfile::tempdir().expect("a folder");
    let error = SqliteBook::open_in(&folder.path().join("ledger.db"), OpenMode::Create, &silent).expect_err("no key");
    assert_eq!(error.kind, LedgerErrorKind::InputOutput);
}

on_postgres_too! {
    one_change_to_the_file_is_found,
    a_change_to_a_long_log_is_found_in_every_part_of_it,
    every_post_that_makes_entries_leaves_a_signed_checkpoint,
    a_ledger_that_only_grew_is_verified_up_to_the_checkpoint,
    a_member_without_the_key_posts_and_the_keeper_signs_later,
    proofs_reach_over_subtrees_that_are_kept,
    the_same_bits_and_commands_give_the_same_root,
    a_person_has_one_pseudonym_and_another_in_another_ledger,
}
