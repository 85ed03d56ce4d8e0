//! Adjustments above what one person may enter: another one has to stand behind them.

use super::budget_change;
use crate::by_hand::agreed_key;
use crate::{ALONE_UP_TO, ALONE_WITHIN_SECONDS, Entry, EntryKind, LedgerError};
use model::{Amount, ProjectName, Timestamp, Unit, UserName};
use std::collections::BTreeMap;

/// Who wanted what, and what people adjusted alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Agreements {
    /// By the key that the adjustment has.
    proposed: BTreeMap<String, Proposed>,
    alone: BTreeMap<(UserName, ProjectName, Unit), Vec<(Timestamp, Amount)>>,
}

#[derive(Clone, Debug)]
struct Proposed {
    by: UserName,
    content: Content,
}

type Content = (ProjectName, Unit, Amount, String, Timestamp);

fn content(entry: &Entry) -> Content {
    (entry.project.clone(), entry.unit.clone(), entry.amount, entry.credit.to_string(), entry.effective_at)
}

impl Agreements {
    /// Takes in the next entry; the sentence is about one that nobody else agreed to.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<Option<String>, LedgerError> {
        let key = entry.key.clone().unwrap_or_default();
        match entry.kind {
            EntryKind::Propose => {
                let proposed = Proposed { by: entry.actor.user.clone(), content: content(entry) };
                self.proposed.insert(agreed_key(&key), proposed);
                Ok(None)
            }
            EntryKind::Adjust if !self.is_agreed(&key, entry) => self.take_alone(entry),
            _ => Ok(None),
        }
    }

    fn is_agreed(&self, key: &str, entry: &Entry) -> bool {
        let proposed = self.proposed.get(key);
        proposed.is_some_and(|proposed| proposed.by != entry.actor.user && proposed.content == content(entry))
    }

    fn take_alone(&mut self, entry: &Entry) -> Result<Option<String>, LedgerError> {
        let place = (entry.actor.user.clone(), entry.project.clone(), entry.unit.clone());
        let recent = self.alone.entry(place).or_default();
        let since = entry.recorded_at.plus_seconds(-ALONE_WITHIN_SECONDS);
        recent.retain(|(at, _)| *at > since);
        let change = budget_change(entry)?;
        recent.push((entry.recorded_at, if change < Amount::ZERO { change.negated()? } else { change }));
        let sum = Amount::sum(recent.iter().map(|(_, amount)| *amount))?;
        Ok((sum > ALONE_UP_TO).then(|| {
            let Entry { number, actor, project, .. } = entry;
            format!(
                "entry {number} adjusts {project} beyond what `{actor}` may alone, and nobody else wanted it before"
            )
        }))
    }
}
