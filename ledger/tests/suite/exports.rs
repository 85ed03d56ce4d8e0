//! Exports: what an auditor checks without the ledger, with names or without.

use crate::support::*;
use ledger::evidence::{SignedCheckpoint, Standing};
use ledger::{
    Book, Command, EntryPage, ExportAudit, ExportLine, LedgerError, LedgerErrorKind, Masks, NewHold, Outside,
    Verification,
};

async fn busy_desk() -> Desk {
    let desk = Desk::in_memory();
    let anyway = NewHold { anyway: Some("ada's deadline".to_owned()), ..new_hold(3, 7) };
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), hold(1, 100), Command::Hold(anyway)]).await;
    desk.post(&[settle(ours(1, 130, 1)), settle(foreign(2, 30)), close(1)]).await;
    desk.post(&[settle(read_at(foreign(2, 20), 300))]).await;
    desk
}

pub(crate) async fn lines(book: &dyn Book, is_public: bool) -> Vec<String> {
    let persons = book.persons().await.expect("persons");
    let masks = Masks::new(&persons);
    let (log, decided) = book.log_and_decisions().await.expect("a log");
    let mut lines = vec![ExportLine::Log(log)];
    lines
        .extend(persons.into_iter().map(|person| ExportLine::Person(if is_public { person.masked() } else { person })));
    let mut page = EntryPage { after: 0, limit: 1000 };
    loop {
        let records = book.records(page).await.expect("records");
        let Some(last) = records.last() else { break };
        page.after = last.entry.number;
        for record in records {
            lines.push(ExportLine::Entry(Box::new(if is_public { record.masked(&masks) } else { record })));
        }
    }
    for record in decided {
        lines.push(ExportLine::Decided(if is_public { record.masked(&masks) } else { record }));
    }
    lines.iter().map(|line| serde_json::to_string(line).expect("JSON")).collect()
}

fn audit(lines: &[String], outside: &Outside) -> Result<Verification, LedgerError> {
    ExportAudit::run(lines.join("\n").as_bytes(), outside)
}

async fn outside(desk: &Desk) -> Outside {
    let text = desk.book.log().await.expect("a log").checkpoint.expect("signed");
    Outside { checkpoints: vec![SignedCheckpoint::parse(text.as_bytes()).expect("read")], ..Outside::default() }
}

#[tokio::test]
async fn both_exports_have_the_root_of_the_ledger() {
    let desk = busy_desk().await;
    let outside = outside(&desk).await;
    let head = desk.book.audit(&outside).await.expect("audited").log.expect("a log").head;
    for is_public in [false, true] {
        let lines = lines(desk.book.as_ref(), is_public).await;
        let verification = audit(&lines, &outside).expect("read");
        assert_eq!(verification.findings, Vec::<String>::new());
        let log = verification.log.expect("a log");
        assert_eq!((log.head, log.standing), (head, Standing::Verified { size: head.size }));
        let alone = audit(&lines, &Outside::default()).expect("read");
        assert_eq!(alone.log.expect("a log").standing, Standing::SelfConsistent);
    }
}

#[tokio::test]
async fn a_public_export_has_no_name_no_note_and_no_salt() {
    let desk = busy_desk().await;
    let (whole, public) =
        (lines(desk.book.as_ref(), false).await.join("\n"), lines(desk.book.as_ref(), true).await.join("\n"));
    for (word, is_in_whole) in [("\"ada\"", true), ("job-1", true), ("deadline", true), ("\"salt\":\"", true)] {
        assert_eq!(whole.contains(word), is_in_whole, "{word}");
        assert!(!public.contains(word), "{word}: {public}");
    }
}

#[tokio::test]
async fn whoever_changes_an_export_is_found() {
    let desk = busy_desk().await;
    let outside = outside(&desk).await;
    let whole = lines(desk.book.as_ref(), false).await;
    let changed = |from: &str, to: &str| -> Vec<String> {
        let lines = whole.iter().map(|line| line.replace(from, to)).collect::<Vec<_>>();
        assert_ne!(lines, whole, "{from}");
        lines
    };
    let mut without_last = whole.clone();
    without_last.remove(whole.len() - 2);
    let mut without_decision = whole.clone();
    without_decision.pop();
    let mut without_first = whole.clone();
    without_first.remove(2);
    let mut swapped = whole.clone();
    swapped.swap(6, 7);
    for (lines, found) in [
        (changed("\"amount\":30,", "\"amount\":31,"), "entry 7 is not the one"),
        (changed("\"user\":\"ada\"", "\"user\":\"bob\""), "is not the one that the entries are about"),
        (changed("\"note\":\"job-1\"", "\"note\":\"job-2\""), "the note of entry 3"),
        (changed("ada's deadline", "no reason"), "the note of entry 4"),
        (changed("\"content\":\"", "\"content\":\"0"), "is not the one"),
        (without_last, "the export says that there are"),
        (without_decision, "the binding that entry 2 decides is not there"),
        (changed("\"from\":0", "\"from\":1"), "the binding of entry 2 is not the one that was decided"),
        (without_first, "entry 2 follows entry 0"),
        (swapped, "follows entry"),
    ] {
        match audit(&lines, &outside) {
            Ok(verification) => {
                let is_found = verification.findings.iter().any(|finding| finding.contains(found));
                assert!(is_found, "{found}: {:?}", verification.findings);
            }
            Err(error) => assert_eq!(error.kind, LedgerErrorKind::NotALedger, "{found}"),
        }
    }
}

#[test]
fn what_is_no_export_is_said_with_its_line() {
    for (text, why) in [
        (String::new(), "line 1 is none of an export: it is empty"),
        ("{\"number\":1}\n".to_owned(), "line 1 is none of an export: missing field `log`"),
        ("{\"log\":{\"size\":0,\"key\":null,\"checkpoint\":null}}\nhello\n".to_owned(), "line 2 is none of an export"),
        ("x".repeat(2 << 20), "longer than 1 MiB"),
    ] {
        let error = ExportAudit::run(text.as_bytes(), &Outside::default()).expect_err("no export");
        assert!(error.why.contains(why), "{}", error.why);
    }
}

on_postgres_too! {
    both_exports_have_the_root_of_the_ledger,
    a_public_export_has_no_name_no_note_and_no_salt,
    whoever_changes_an_export_is_found,
}
