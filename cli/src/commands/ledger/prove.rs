//! `pakt ledger checkpoint` and `prove`: what is handed to others.

use super::export::words_in_keys;
use super::new_key;
use crate::commands::{Context, view::unread};
use crate::wiring::{EntryPage, LedgerError, LedgerErrorKind};
use crate::{failure::Failure, output::Answer};
use serde_json::json;

/// Arguments of `ledger checkpoint`.
#[derive(Debug, clap::Args)]
pub(crate) struct Checkpoint {
    /// Print the key instead that its signatures are verified with; hand it out by another way than the ledger
    #[arg(long)]
    pub key: bool,
    /// Go on under a new key, such as when the one before was seen by others; that one signs the change
    #[arg(long, conflicts_with = "key")]
    pub new_key: bool,
    /// The key before is lost for good: `verify` tells for ever that the change is not signed by it
    #[arg(long, requires = "new_key")]
    pub lost: bool,
}

/// Arguments of `ledger prove`.
#[derive(Debug, clap::Args)]
pub(crate) struct Prove {
    /// The number of the entry, as in a statement
    pub entry: u64,
}

/// Prints the newest checkpoint, signed now where that is possible.
pub(super) async fn checkpoint(arguments: Checkpoint, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_of_ledger().await?;
    let book = house.needed_book("there is no checkpoint").await?;
    if arguments.new_key {
        return new_key::change(book.as_ref(), arguments.lost).await;
    }
    let log = book.log().await.map_err(|error| not_proven("nothing was signed", &error))?;
    let missing = || {
        let why = log.unsigned.clone().unwrap_or_else(|| "it has no entries yet".to_owned());
        let next = "`pakt ledger init` makes a key where there is none; the first entry is signed with it";
        Failure::usage("nothing of the ledger is signed", why, next)
    };
    let json = json!({ "version": 1, "size": log.size, "key": log.key.as_ref().map(ToString::to_string),
                       "checkpoint": log.checkpoint, "unsigned": log.unsigned });
    if arguments.key {
        let key = log.key.as_ref().ok_or_else(missing)?;
        return Ok(Answer::new(format!("{key}\n"), json).product());
    }
    let text = log.checkpoint.clone().ok_or_else(missing)?;
    let note = log.unsigned.as_ref().map(|why| format!("the entries after it are not signed: {why}"));
    Ok(Answer::new(text, json).product().with_notes(note))
}

/// Prints the proof of an entry.
pub(super) async fn prove(arguments: Prove, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_of_ledger().await?;
    let what = format!("entry {} was not proven", arguments.entry);
    let book = house.needed_book(&what).await?;
    // Entries of others that wait for a signature get it now, where the key is here.
    book.log().await.map_err(|error| not_proven(&what, &error))?;
    let proof = book.prove(arguments.entry).await.map_err(|error| not_proven(&what, &error))?;
    let page = EntryPage { after: arguments.entry.saturating_sub(1), limit: 1 };
    let entries = book.entries(page).await.map_err(|error| not_proven(&what, &error))?;
    let worded = entries.iter().filter(|entry| entry.has_words_in_keys()).map(|entry| entry.number);
    let note = words_in_keys(&worded.collect::<Vec<_>>());
    let text = proof.to_string();
    let json = json!({ "version": 1, "entry": arguments.entry, "proof": text });
    Ok(Answer::new(text, json).product().with_notes(note))
}

pub(super) fn not_proven(what: &str, error: &LedgerError) -> Failure {
    match error.kind {
        LedgerErrorKind::Invalid => {
            let next = "see the numbers in `pakt ledger statement`, and what is signed with `pakt ledger checkpoint`";
            Failure::usage(what, error.why.clone(), next)
        }
        LedgerErrorKind::Corrupt => {
            let failure = Failure::usage(what, error.why.clone(), "`pakt ledger verify` says what differs");
            Failure { gravity: jobs::Gravity::Bug, ..failure }
        }
        _ => unread(error),
    }
}
