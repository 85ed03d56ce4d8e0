//! Lists of resources that were read a moment ago: the rows of a month have few different ones.

use crate::slurm::values;
use model::Tres;

/// The last lists of a text, as they were written and as they were read.
#[derive(Debug)]
pub(super) struct RecentLists(Vec<(String, Tres)>);

impl RecentLists {
    const MOST: usize = 32;
    /// Longer ones are rare, and comparing them costs what reading them does.
    const LONGEST: usize = 512;

    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Reads a list. One that cannot be read is not kept: its error says in which column it stands.
    pub(super) fn read(&mut self, text: &str, what: &str) -> Result<Tres, String> {
        if let Some((_, known)) = self.0.iter().find(|(written, _)| written == text) {
            return Ok(known.clone());
        }
        let read = values::tres(text, what)?;
        if text.len() <= Self::LONGEST {
            if self.0.len() == Self::MOST {
                self.0.remove(0);
            }
            self.0.push((text.to_owned(), read.clone()));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_the_same_however_often_and_whatever_came_between() {
        let mut lists = RecentLists::new();
        let texts: Vec<String> = (0..100).map(|number| format!("cpu={},node=1", number % 40)).collect();
        for text in texts.iter().chain(&texts) {
            assert_eq!(lists.read(text, "x"), values::tres(text, "x"), "{text}");
        }
        for what in ["allocated resources", "requested resources"] {
            assert_eq!(lists.read("cpu=x", what), values::tres("cpu=x", what));
        }
        assert!(lists.0.len() <= RecentLists::MOST);
    }
}
