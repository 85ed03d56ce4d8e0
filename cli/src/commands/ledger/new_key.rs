//! `pakt ledger checkpoint --new-key`: the log goes on under another key.

use super::prove::not_proven;
use crate::wiring::{Book, KeyChange, LedgerError, LedgerErrorKind};
use crate::{failure::Failure, output::Answer};
use serde_json::json;

const UNCHANGED: &str = "the ledger goes on under the key that it has";

/// Changes the key, and tells both.
pub(super) async fn change(book: &dyn Book, is_lost: bool) -> Result<Answer, Failure> {
    book.change_key(is_lost).await.map_err(|error| not_changed(&error))?;
    let log = book.log().await.map_err(|error| not_proven("the key was changed, and the ledger not read", &error))?;
    let Some(change) = log.key_changes.last() else {
        return Err(Failure::bug("the key was not changed", "the ledger names no change"));
    };
    let is_signed = change.is_signed_by_the_key_before();
    let size = change.note().claim().head.size;
    let json = json!({ "version": 1, "size": size, "key": change.after().to_string(), "before": change.before().to_string(),
                       "signed_by_before": is_signed });
    Ok(Answer::new(told(change, size, is_signed), json))
}

fn told(change: &KeyChange, size: u64, is_signed: bool) -> String {
    let before = change.before().short();
    let word = if is_signed {
        format!(
            "`{before}` signed that: whoever knows it goes on from it; its file stays beside the new one's, under its id"
        )
    } else {
        let last = change.last().map_or(0, |last| last.claim().head.size);
        format!("`{before}` signed until entry {last}, and not that: `pakt ledger verify` tells it from now on")
    };
    format!(
        "the ledger goes on at entry {size} under the key\n  {}\n{word}\nhand the new key to auditors and witnesses by another way than \
         the ledger, and keep a copy of its file\n",
        change.after()
    )
}

fn not_changed(error: &LedgerError) -> Failure {
    match (&error.kind, error.next()) {
        (LedgerErrorKind::Invalid, Some(next)) => Failure::usage(UNCHANGED, error.why.clone(), next),
        (LedgerErrorKind::Moved | LedgerErrorKind::Replica, _) => Failure::usage(
            UNCHANGED,
            error.why.clone(),
            "name the ledger that takes posts, with `ledger:` or PAKT_LEDGER",
        ),
        _ => not_proven(UNCHANGED, error),
    }
}
