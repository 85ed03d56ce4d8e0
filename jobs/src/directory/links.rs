//! The links of a chain or a sweep, as its directory shows them. Another job has one.

use super::{Attempt, JobDirectory};
use crate::error::JobsError;
use futures_util::{StreamExt, stream};
use model::{LinkNumber, SchedulerJobId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most links that are looked for: what one archive seals.
const MOST_LINKS: usize = 1_000;
/// Of so many links the records are read at once.
const AT_ONCE: usize = 64;

/// One link that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentLink {
    /// Its number.
    pub link: LinkNumber,
    /// What the scheduler calls it.
    pub scheduler_job: SchedulerJobId,
}

impl JobDirectory {
    /// The links of which something is written: of another one there is nothing to read but the note of its array.
    pub(crate) async fn written_links(&self) -> Result<BTreeSet<LinkNumber>, JobsError> {
        let names = self.names("links").await?;
        Ok(names.iter().filter_map(|name| LinkNumber::new(name.parse().ok()?)).chain([LinkNumber::FIRST]).collect())
    }

    /// The links of which there is a folder, or a call of their array was noted, in their order; the first is always among them. Both
    /// come before a link is sent, so that one that is not here was not sent by then.
    pub async fn links(&self) -> Result<Vec<Self>, JobsError> {
        let mut numbers = self.written_links().await?;
        numbers.extend(self.called_with_arrays().await?);
        Ok(numbers.into_iter().take(MOST_LINKS).map(|link| self.of_link(link)).collect())
    }

    /// Those that were sent.
    pub async fn sent_links(&self) -> Result<Vec<SentLink>, JobsError> {
        let mut with_arrays = self.sent_with_arrays().await?;
        let has_arrays = !with_arrays.is_empty();
        let links = self.links().await?;
        let known: BTreeSet<LinkNumber> = links.iter().map(Self::link).collect();
        let others = with_arrays.keys().filter(|link| !known.contains(link)).map(|link| self.of_link(*link));
        let mut links: Vec<Self> = others.chain(links).collect();
        links.sort_by_key(Self::link);
        let written: Vec<LinkNumber> = self.written_links().await?.into_iter().collect();
        let claims = self.claims_of(&written).await?;
        let mut reads = Vec::with_capacity(links.len());
        for link in links {
            let noted = with_arrays.remove(&link.link());
            let claimed = claims.get(&link.link()).copied();
            let is_written = written.binary_search(&link.link()).is_ok();
            reads.push(async move {
                let noted = match noted {
                    Some(noted) => Some(noted),
                    // Of one that is only in an array nothing is written.
                    None if !is_written => None,
                    None if has_arrays => link.noted_alone().await?,
                    None => link.noted().await?,
                };
                // Whoever claimed it works for it.
                let scheduler_job = noted.map(|noted| claimed.unwrap_or(noted.scheduler_job));
                Ok(scheduler_job.map(|scheduler_job| SentLink { link: link.link(), scheduler_job }))
            });
        }
        let sent: Vec<Result<_, JobsError>> = stream::iter(reads).buffered(AT_ONCE).collect().await;
        sent.into_iter().filter_map(Result::transpose).collect()
    }

    /// When the scheduler's ids of these links became known.
    pub(crate) async fn noted_at(&self, links: &[SentLink]) -> Result<BTreeMap<SchedulerJobId, Timestamp>, JobsError> {
        let with_arrays = self.sent_with_arrays().await?;
        let mut known = BTreeMap::new();
        for sent in links {
            let noted = match with_arrays.get(&sent.link) {
                Some(noted) => Some(noted.at),
                None => self.of_link(sent.link).noted().await?.map(|noted| noted.at),
            };
            known.extend(noted.map(|at| (sent.scheduler_job, at)));
        }
        Ok(known)
    }

    /// The link that is at work, as far as the directory tells: the last one that claimed, or the one behind that where its
    /// last attempt has ended and that one was sent.
    pub async fn current_link(&self) -> Result<Self, JobsError> {
        let (links, written) = (self.links().await?, self.written_links().await?);
        for (place, link) in links.iter().enumerate().rev().filter(|(_, link)| written.contains(&link.link())) {
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

    /// The last link that claimed, which has a log; the first one before any did.
    pub(crate) async fn last_begun_link(&self) -> Result<LinkNumber, JobsError> {
        let written: Vec<LinkNumber> = self.written_links().await?.into_iter().collect();
        Ok(self.claims_of(&written).await?.into_keys().next_back().unwrap_or(LinkNumber::FIRST))
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
        Ok(self.attempts_of_links().await?.into_values().flatten().collect())
    }

    /// The attempts of each link of which something is written, in the order of their starts.
    pub async fn attempts_of_links(&self) -> Result<BTreeMap<LinkNumber, Vec<Attempt>>, JobsError> {
        let links: Vec<LinkNumber> = self.written_links().await?.into_iter().collect();
        let attempts = self.attempts_of(&links).await?;
        Ok(links.into_iter().zip(attempts).collect())
    }

    /// The scheduler jobs that ended at the claim of this link.
    async fn duplicates(&self) -> Result<Vec<String>, JobsError> {
        self.names(&self.in_link("duplicates")).await
    }
}
