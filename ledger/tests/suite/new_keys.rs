//! A log goes on under another key: what was signed before stays proven, and who signed the change is told for ever.

use crate::exports::lines;
use crate::support::*;
use ledger::evidence::{EntryProof, KeySpan, SignedCheckpoint, Standing, VerifierKey};
use ledger::{
    Book, ExportAudit, LedgerError, LedgerErrorKind, OpenMode, Outside, PostgresBook, SqliteBook, Verification,
};
use std::fs;

async fn busy_desk() -> Desk {
    let desk = Desk::in_memory();
    desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
    desk
}

async fn key(book: &dyn Book) -> VerifierKey {
    book.log().await.expect("a log").key.expect("a key")
}

async fn kept(desk: &Desk) -> SignedCheckpoint {
    let text = desk.book.log().await.expect("a log").checkpoint.expect("signed");
    SignedCheckpoint::parse(text.as_bytes()).expect("a checkpoint")
}

/// Of each key: since which entry, until which one, and whether the one before named it and the auditor knows it.
fn spans(verified: &Verification) -> Vec<(u64, Option<u64>, Option<bool>, bool)> {
    let keys = &verified.log.as_ref().expect("a log").keys;
    let span = |key: &KeySpan| (key.entries_before, key.entries_signed, key.is_named_by_the_key_before, key.is_known);
    keys.iter().map(span).collect()
}

/// What an auditor finds in the ledger, and the same in an export of it.
async fn audit(book: &dyn Book, outside: &Outside) -> Verification {
    let verified = book.audit(outside).await.expect("audited");
    let lines = lines(book, true).await.join("\n");
    let of_export = ExportAudit::run(lines.as_bytes(), outside).expect("audited");
    assert_eq!((&of_export.log, &of_export.findings), (&verified.log, &verified.findings));
    verified
}

#[tokio::test]
async fn a_new_key_goes_on_from_the_one_that_signed_it() {
    let desk = busy_desk().await;
    let (old, earlier) = (key(desk.book.as_ref()).await, kept(&desk).await);
    desk.book.change_key(false).await.expect("changed");
    let again = desk.open_again(OpenMode::Existing);
    let new = key(again.as_ref()).await;
    assert_eq!((new.name(), new == old), (old.name(), false));
    again.post(&ada(), now(), &[hold(2, 50)]).await.expect("posted");
    let outside = Outside { checkpoints: vec![earlier], keys: vec![old.clone()], ..Outside::default() };
    let verified = audit(again.as_ref(), &outside).await;
    assert_eq!(verified.findings, Vec::<String>::new());
    assert_eq!(spans(&verified), [(0, Some(2), None, true), (2, None, Some(true), true)]);
    let log = verified.log.expect("a log");
    assert_eq!((log.standing, log.uncheckpointed), (Standing::Verified { size: 2 }, 0), "whoever knows one knows both");
    again.prove(3).await.expect("signed with the new one");
    // The old key is kept beside the new one, and signs nothing any more.
    let copy = desk.key_file().with_extension(format!("key.{}", old.id()));
    fs::copy(copy, desk.key_file()).expect("put back");
    let stale = desk.open_again(OpenMode::Existing);
    stale.post(&ada(), now(), &[hold(3, 50)]).await.expect("posted");
    assert_eq!(key(stale.as_ref()).await, new);
    assert_eq!(stale.verify().await.expect("verified").log.expect("a log").uncheckpointed, 1);
}

#[tokio::test]
async fn a_change_that_a_lost_key_did_not_sign_is_told_for_ever() {
    let desk = busy_desk().await;
    let (old, earlier) = (key(desk.book.as_ref()).await, kept(&desk).await);
    fs::remove_file(desk.key_file()).expect("lost");
    let again = desk.open_again(OpenMode::Existing);
    again.post(&ada(), now(), &[hold(2, 50)]).await.expect("posted");
    let error = again.change_key(false).await.expect_err("nobody says that it is lost");
    assert_eq!(error.kind, LedgerErrorKind::Invalid);
    assert!(error.why.contains(&old.short()) && error.next().is_some_and(|next| next.contains("--lost")), "{error:?}");
    let files = || fs::read_dir(desk.folder.path()).expect("a folder").count();
    let before = files();
    again.change_key(false).await.expect_err("nor now");
    assert_eq!(files(), before, "no key was made");
    again.change_key(true).await.expect("changed");
    let again = desk.open_again(OpenMode::Existing);
    again.post(&ada(), now(), &[hold(3, 50)]).await.expect("posted");
    let new = key(again.as_ref()).await;
    let with = |keys: &[&VerifierKey]| {
        let keys = keys.iter().map(|key| (*key).clone()).collect();
        Outside { checkpoints: vec![earlier.clone()], keys, ..Outside::default() }
    };
    for (outside, is_known, unsigned) in [(with(&[&old]), false, 2), (with(&[&old, &new]), true, 0)] {
        let verified = audit(again.as_ref(), &outside).await;
        assert_eq!(verified.findings, Vec::<String>::new());
        assert_eq!(spans(&verified), [(0, Some(2), None, true), (3, None, Some(false), is_known)]);
        let log = verified.log.expect("a log");
        assert_eq!((log.standing, log.uncheckpointed), (Standing::Verified { size: 2 }, unsigned));
    }
    let alone = Outside { keys: vec![new], ..with(&[]) };
    assert_eq!(again.audit(&alone).await.expect_err("the old key's").kind, LedgerErrorKind::BadCheckpoint(0));
}

#[tokio::test]
async fn a_process_that_ends_while_the_key_changes_leaves_it_where_it_is_found() {
    let desk = busy_desk().await;
    let old = key(desk.book.as_ref()).await;
    let file = desk.key_file();
    let secret = fs::read(&file).expect("read");
    desk.book.change_key(false).await.expect("changed");
    let new = key(desk.book.as_ref()).await;
    // As it is before the new key takes its place.
    let beside = |key: &VerifierKey| file.with_extension(format!("key.{}", key.id()));
    fs::rename(&file, beside(&new)).expect("moved");
    fs::write(&file, &secret).expect("put back");
    fs::remove_file(beside(&old)).expect("ours");
    desk.open_again(OpenMode::Existing).post(&ada(), now(), &[hold(2, 50)]).await.expect("posted");
    assert_eq!(desk.book.verify().await.expect("verified").log.expect("a log").uncheckpointed, 0);
    assert_eq!((fs::read(beside(&old)).expect("kept"), beside(&new).exists()), (secret, false));
    // And where the old one is nowhere.
    fs::rename(&file, beside(&new)).expect("moved");
    desk.open_again(OpenMode::Existing).post(&ada(), now(), &[hold(3, 50)]).await.expect("posted");
    assert_eq!(desk.book.verify().await.expect("verified").log.expect("a log").uncheckpointed, 0);
}

#[tokio::test]
async fn a_change_that_nobody_made_is_found() {
    let desk = busy_desk().await;
    let old = key(desk.book.as_ref()).await;
    desk.book.change_key(false).await.expect("changed");
    let changes = "UPDATE meta SET value = replace(value, '\\n2\\n', '\\n1\\n') WHERE name = 'key_changes'";
    desk.change_the_tables(changes);
    let findings = desk.book.verify().await.expect("verified").findings;
    assert!(findings.iter().any(|finding| finding.contains("is not one that was made")), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.contains("counts for nothing")), "{findings:?}");
    desk.change_the_tables("DELETE FROM meta WHERE name = 'key_changes'");
    let outside = Outside { keys: vec![old], ..Outside::default() };
    assert_eq!(desk.book.audit(&outside).await.expect_err("gone").kind, LedgerErrorKind::KeyNotFound);
}

#[tokio::test]
async fn no_key_goes_on_from_a_log_that_lost_what_was_signed() {
    let desk = busy_desk().await;
    let before = export(desk.book.as_ref()).await;
    let longer =
        "UPDATE log SET checkpoint = replace(checkpoint, char(10) || '2' || char(10), char(10) || '9' || char(10))";
    desk.change_the_tables(longer);
    for is_lost in [false, true] {
        assert_eq!(desk.book.change_key(is_lost).await.expect_err("cut off").kind, LedgerErrorKind::Corrupt);
    }
    assert_eq!(export(desk.book.as_ref()).await, before);
}

/// Whether the old key signed the change or was lost, the log on the server is that of the file, and so is what an auditor finds.
#[tokio::test]
async fn real_a_log_whose_key_changed_is_moved_with_its_changes() {
    for is_lost in [false, true] {
        let desk = Desk::new();
        desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
        let (old, earlier) = (key(desk.book.as_ref()).await, kept(&desk).await);
        if is_lost {
            fs::remove_file(desk.key_file()).expect("lost");
        }
        desk.open_again(OpenMode::Existing).change_key(is_lost).await.expect("changed");
        let file = SqliteBook::open(&desk.path(), OpenMode::Existing).expect("opened");
        file.post(&ada(), now(), &[hold(2, 50), settle(foreign(1, 5))]).await.expect("posted");
        let new = key(&file).await;
        let keys = [old.clone(), new.clone()].to_vec();
        let outside = Outside { checkpoints: vec![earlier], keys, ..Outside::default() };
        let (before, log, text) = (audit(&file, &outside).await, file.log().await, lines(&file, false).await);
        let database = lab::postgres().and_then(|server| server.database()).expect("lab up postgres");
        let place = place(&database.url());
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(file.move_to(&place, folder.path()).await.expect("moved").findings, Vec::<String>::new());
        let moved = PostgresBook::open(&place, folder.path(), OpenMode::Existing).expect("opened");
        assert_eq!((moved.log().await, lines(&moved, false).await), (log, text), "lost: {is_lost}");
        for number in 1..=before.entries {
            let proof = |proof: Result<EntryProof, LedgerError>| proof.expect("proven").to_string();
            assert_eq!(proof(moved.prove(number).await), proof(file.prove(number).await));
        }
        let after = audit(&moved, &outside).await;
        assert_eq!(after, before, "lost: {is_lost}");
        assert_eq!(after.log.as_ref().expect("a log").standing, Standing::Verified { size: 2 });
        assert_eq!(spans(&after), [(0, Some(2), None, true), (2, None, Some(!is_lost), true)]);
        // It goes on under the new key, and under a third one.
        moved.post(&ada(), now(), &[hold(3, 50)]).await.expect("posted");
        moved.change_key(false).await.expect("changed");
        let again = PostgresBook::open(&place, folder.path(), OpenMode::Existing).expect("opened");
        again.post(&ada(), now(), &[hold(4, 50)]).await.expect("posted");
        let last = audit(&again, &outside).await;
        assert_eq!((last.findings.len(), spans(&last).len()), (0, 3), "{last:?}");
        let log = last.log.expect("a log");
        assert_eq!((log.standing, log.uncheckpointed), (Standing::Verified { size: 2 }, 0));
    }
}

on_postgres_too! {
    a_new_key_goes_on_from_the_one_that_signed_it,
    a_change_that_a_lost_key_did_not_sign_is_told_for_ever,
    a_process_that_ends_while_the_key_changes_leaves_it_where_it_is_found,
    a_change_that_nobody_made_is_found,
    no_key_goes_on_from_a_log_that_lost_what_was_signed,
}
