//! The links of a chain, as its directory shows them. A job that is no chain has one.

use super::{Attempt, JobDirectory};
use crate::error::JobsError;
use model::LinkNumber;
use serde::{Deserialize, Serialize};

/// The most links that are looked for: what one archive seals.
const MOST_LINKS: usize = 500;

/// One link of a chain that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentLink {
    /// Its number.
    pub link: LinkNumber,
    /// What the scheduler calls it.
    pub scheduler_job: model::SchedulerJobId,
}

impl JobDirectory {
    /// The links of which there is a folder, in their order; the first is always among them. A folder is made before its
    /// link is sent, so that a link of which there is none was not sent by then.
    pub async fn links(&self) -> Result<Vec<Self>, JobsError> {
        let names = self.names("links").await?;
        let mut numbers: Vec<LinkNumber> =
            names.iter().filter_map(|name| LinkNumber::new(name.parse().ok()?)).chain([LinkNumber::FIRST]).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers.into_iter().take(MOST_LINKS).map(|link| self.of_link(link)).collect())
    }

    /// Those of them that were sent.
    pub async fn sent_links(&self) -> Result<Vec<SentLink>, JobsError> {
        let mut sent = Vec::new();
        for link in self.links().await? {
            let note = link.submitted().await?;
            sent.extend(note.map(|note| SentLink { link: link.link(), scheduler_job: note.scheduler_job }));
        }
        Ok(sent)
    }

    /// The link that is at work, as far as the directory tells: the last one that claimed, or the one behind that where its
    /// last attempt has ended and that one was sent.
    pub async fn current_link(&self) -> Result<Self, JobsError> {
        let links = self.links().await?;
        for (place, link) in links.iter().enumerate().rev() {
            if link.claimed_by().await?.is_none() {
                continue;
            }
            let has_ended = link.attempts().await?.last().is_some_and(|attempt| attempt.ended_at.is_some());
            if let Some(next) = links.get(place + 1).filter(|_| has_ended)
                && next.submitted().await?.is_some()
                && next.duplicates().await?.is_empty()
            {
                return Ok(next.clone());
            }
            return Ok(link.clone());
        }
        Ok(self.of_link(LinkNumber::FIRST))
    }

    /// As [`Self::current_link`], of which it is known how many links were sent.
    pub(crate) async fn of_current(&self, sent: usize) -> Result<Self, JobsError> {
        if sent > 1 { self.current_link().await } else { Ok(self.clone()) }
    }

    /// Whether it was noted that nothing of a chain is to come: it is over, or was cancelled.
    pub(crate) async fn is_over_noted(&self) -> Result<bool, JobsError> {
        Ok(self.over().await?.is_some() || self.is_ended_or_cancelled().await?)
    }

    /// The attempts of all links, in the order of their links and starts.
    pub async fn all_attempts(&self) -> Result<Vec<Attempt>, JobsError> {
        let mut attempts = Vec::new();
        for link in self.links().await? {
            attempts.extend(link.attempts().await?);
        }
        Ok(attempts)
    }

    /// The scheduler jobs that ended at the claim of this link.
    async fn duplicates(&self) -> Result<Vec<String>, JobsError> {
        self.names(&self.in_link("duplicates")).await
    }
}
