//! `pakt ledger export`

use crate::commands::{Context, view::unread};
use crate::wiring::{EntryPage, ExportLine, Masks, PersonRecord};
use crate::{failure::Failure, output::Answer};
use model::{agreeing, counted};
use serde_json::json;

const PAGE: u32 = 10_000;

/// Arguments of `ledger export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// Without names, notes and reasons: pseudonyms and commitments stand in their place, and it is verified all the same
    #[arg(long)]
    pub public: bool,
}

/// Prints the log, everybody, every entry, and the decisions that stand.
pub(super) async fn export(arguments: Export, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_of_ledger().await?;
    let book = house.needed_book("nothing was exported").await?;
    let (log, decided) = book.log_and_decisions().await.map_err(|error| unread(&error))?;
    let named = book.persons().await.map_err(|error| unread(&error))?;
    let masks = Masks::new(&named);
    let persons: Vec<_> = if arguments.public { named.into_iter().map(PersonRecord::masked).collect() } else { named };
    let mut text = line(&ExportLine::Log(log.clone()))?;
    for person in &persons {
        text.push_str(&line(&ExportLine::Person(person.clone()))?);
    }
    let (mut after, mut entries, mut worded) = (0, Vec::new(), Vec::new());
    // What is posted meanwhile is not in the log's line, and not in the export.
    while after < log.size {
        let page = book.records(EntryPage { after, limit: PAGE }).await.map_err(|error| unread(&error))?;
        let Some(last) = page.last() else { break };
        after = last.entry.number;
        for record in page.into_iter().filter(|record| record.entry.number <= log.size) {
            if record.entry.has_words_in_keys() {
                worded.push(record.entry.number);
            }
            let record = if arguments.public { record.masked(&masks) } else { record };
            text.push_str(&line(&ExportLine::Entry(Box::new(record.clone())))?);
            if context.general.json {
                entries.push(record);
            }
        }
    }
    let decided = decided.into_iter().map(|record| if arguments.public { record.masked(&masks) } else { record });
    let decided: Vec<_> = decided.collect();
    for record in &decided {
        text.push_str(&line(&ExportLine::Decided(record.clone()))?);
    }
    let json = json!({ "version": 1, "log": log, "persons": persons, "entries": entries, "decided": decided });
    let note = if arguments.public { words_in_keys(&worded) } else { None };
    Ok(Answer::new(text, json).product().with_notes(note))
}

/// So many numbers of entries are told.
const MOST_SHOWN: usize = 10;

/// What is to be known of entries before they are handed on.
pub(super) fn words_in_keys(entries: &[u64]) -> Option<String> {
    let shown = entries.iter().take(MOST_SHOWN).map(u64::to_string).collect::<Vec<_>>().join(", ");
    let more = if entries.len() > MOST_SHOWN { ", ..." } else { "" };
    (!entries.is_empty()).then(|| {
        format!(
            "warning: {} {} reasons or numbers in {}, as an earlier release kept them, which are signed and cannot \
             be left out: {shown}{more}",
            counted(entries.len(), "entry"),
            agreeing(entries.len(), "has", "have"),
            agreeing(entries.len(), "its key", "their keys")
        )
    })
}

fn line(line: &ExportLine) -> Result<String, Failure> {
    let text = serde_json::to_string(line).map_err(|error| Failure::bug("nothing was exported", error.to_string()))?;
    Ok(text + "\n")
}
