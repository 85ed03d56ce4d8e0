//! `pakt ledger export`

use crate::commands::{Context, view::unread};
use crate::wiring::{EntryPage, ExportLine, Masks, PersonRecord};
use crate::{
    failure::Failure,
    output::{Answer, LongList},
};
use model::{agreeing, counted};
use serde_json::json;

const PAGE: u32 = 10_000;

/// With what the program ends where stdout takes no more.
const NOT_ARRIVED: u8 = 3;

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
    let decided = decided.into_iter().map(|record| if arguments.public { record.masked(&masks) } else { record });
    let decided: Vec<_> = decided.collect();
    let mut head = line(&ExportLine::Log(log.clone()))?;
    for person in &persons {
        head.push_str(&line(&ExportLine::Person(person.clone()))?);
    }
    let others = json!({ "version": 1, "log": log, "persons": persons, "decided": decided });
    let mut list = LongList::begin(context.screen, "entries", &head, others);
    let (mut after, mut worded) = (0, Vec::new());
    // What is posted meanwhile is not in the log's line, and not in the export.
    while after < log.size {
        let page = book.records(EntryPage { after, limit: PAGE }).await.map_err(|error| unread(&error))?;
        let Some(end) = page.last() else { break };
        after = end.entry.number;
        let (mut text, mut items) = (String::new(), Vec::new());
        for record in page.into_iter().filter(|record| record.entry.number <= log.size) {
            if record.entry.has_words_in_keys() {
                worded.push(record.entry.number);
            }
            let record = if arguments.public { record.masked(&masks) } else { record };
            if context.general.json {
                items.push(json!(record));
            } else {
                text.push_str(&line(&ExportLine::Entry(Box::new(record)))?);
            }
        }
        if !list.page(&text, items) {
            return Ok(Answer::told().with_code(NOT_ARRIVED));
        }
    }
    let mut end = String::new();
    for record in decided {
        end.push_str(&line(&ExportLine::Decided(record))?);
    }
    let has_arrived = list.end(&end);
    let note = if arguments.public { words_in_keys(&worded) } else { None };
    Ok(Answer::told().with_notes(note).with_code(if has_arrived { 0 } else { NOT_ARRIVED }))
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
