//! On whose word sums stand, in one line.

use crate::wiring::ReaderRights;
use jobs::read_by::ReadBy;
use std::collections::BTreeSet;

/// So many readers are named; `--json` has all of them.
const MOST: usize = 5;

/// The readers with what they could see, each once; none where nobody read anything.
pub(crate) fn read_by<'a>(readers: impl IntoIterator<Item = &'a ReadBy>) -> Option<String> {
    let words: BTreeSet<String> = readers.into_iter().map(|by| reader(by.reader.as_str(), by.rights)).collect();
    let named: Vec<String> = words.iter().take(MOST).cloned().collect();
    let more = words.len().saturating_sub(MOST);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    (!named.is_empty()).then(|| format!("runs as read by {}{more}", named.join(", ")))
}

/// Who, with their rights: `cleo (coordinator)`. Whose rights nobody knows is believed because somebody else's runs were seen.
pub(crate) fn reader(name: &str, rights: Option<ReaderRights>) -> String {
    format!("{name} ({})", rights.map_or("saw others", ReaderRights::as_str))
}
