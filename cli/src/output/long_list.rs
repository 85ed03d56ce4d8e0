//! An answer with one list that may be longer than memory: it is printed page by page, as lines for people and as one object for
//! programs.

use super::{Screen, json::for_programs};
use serde_json::Value;

/// A list on its way to stdout.
#[derive(Debug)]
pub(crate) struct LongList {
    screen: Screen,
    is_empty: bool,
    has_arrived: bool,
}

impl LongList {
    /// Begins with what stands before the list: text, or the other fields of the object, of which there is one at least.
    pub(crate) fn begin(screen: Screen, name: &str, text: &str, others: Value) -> Self {
        let head = if screen.is_json() {
            let others = format!("{:#}", for_programs(others));
            format!("{},\n  \"{name}\": [", others.trim_end_matches("\n}"))
        } else {
            text.to_owned()
        };
        Self { screen, is_empty: true, has_arrived: screen.part(&head) }
    }

    /// Prints a page: lines, or items. Whether more can be printed.
    pub(crate) fn page(&mut self, text: &str, items: impl IntoIterator<Item = Value>) -> bool {
        if !self.has_arrived {
            return false;
        }
        let mut page = if self.screen.is_json() { String::new() } else { text.to_owned() };
        for item in items.into_iter().filter(|_| self.screen.is_json()) {
            page.push_str(if self.is_empty { "\n    " } else { ",\n    " });
            page.push_str(&format!("{:#}", for_programs(item)).replace('\n', "\n    "));
            self.is_empty = false;
        }
        self.has_arrived = self.screen.part(&page);
        self.has_arrived
    }

    /// Prints what stands behind the list; whether all of it has arrived.
    pub(crate) fn end(self, text: &str) -> bool {
        let end = match (self.screen.is_json(), self.is_empty) {
            (false, _) => text,
            (true, true) => "]\n}\n",
            (true, false) => "\n  ]\n}\n",
        };
        self.has_arrived && self.screen.part(end)
    }
}
