//! How far the links of a chain are.

use super::next::Sent;
use crate::{
    directory::{Intent, JobDirectory, SentLink},
    error::JobsError,
    house::House,
    reached::scheduled,
    submit::found_each,
    whose_number::of_job,
};
use model::{JobId, SchedulerJobId, Timestamp, UserName};
use scheduler_adapters::JobSighting;
use std::collections::BTreeMap;

/// One link that was sent.
pub(crate) struct Link {
    pub(crate) sent: SentLink,
    /// What the scheduler says of it; none where it does not know it.
    pub(crate) seen: Option<JobSighting>,
    /// Whether it is over.
    pub(crate) is_over: bool,
}

/// The links of a chain that were sent, in their order.
pub(crate) struct ChainState(pub(crate) Vec<Link>);

impl ChainState {
    /// Looks at all of them, with one question. What is not shown is over only where its own markers say so: silence is no end.
    pub(crate) async fn of(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<Self, JobsError> {
        let sent = directory.sent_links().await?;
        let ids: Vec<SchedulerJobId> = sent.iter().map(|link| link.scheduler_job).collect();
        let asked = house.scheduler.states(&ids, intent.made_at).await;
        let states = scheduled(asked, "it is not known how far the links of the chain are")?;
        let mut links = Vec::new();
        for sent in sent {
            let seen = of_ids(&states, sent, intent.id, &intent.principal.user, intent.made_at);
            let is_over = if let Some(seen) = seen {
                seen.state.is_final()
            } else {
                let attempts = directory.of_link(sent.link).attempts().await?;
                attempts.last().is_some_and(|attempt| attempt.ended_at.is_some())
            };
            links.push(Link { sent, seen: seen.cloned(), is_over });
        }
        Ok(Self(links))
    }

    /// As [`Self::of`]; a link that the scheduler forgot before it began is over from now on.
    ///
    /// A controller that was killed forgets what it had accepted, and gives the number to the next job. Where neither queue nor
    /// accounting has anything with the link's stamp, its claim is taken in nobody's name: should it come all the same, it ends
    /// there without work, and two links never work at once because of it.
    pub(super) async fn of_fenced(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<Self, JobsError> {
        let mut state = Self::of(house, directory, intent).await?;
        for link in state.0.iter_mut().filter(|link| link.seen.is_none() && !link.is_over) {
            let directory = directory.of_link(link.sent.link);
            link.is_over = directory.is_fenced().await? || is_forgotten(house, &directory, intent).await?;
        }
        Ok(state)
    }

    pub(super) fn sent(&self) -> Vec<Sent> {
        let sent =
            |link: &Link| Sent { link: link.sent.link, scheduler_job: link.sent.scheduler_job, is_over: link.is_over };
        self.0.iter().map(sent).collect()
    }

    /// Whether none of them is at work or waits.
    pub(crate) fn is_over(&self) -> bool {
        self.0.iter().all(|link| link.is_over)
    }
}

/// The queue shows a job as soon as it was accepted; this is for whoever answers a little late.
const SHOWN_WITHIN_SECONDS: i64 = 60;

/// Whether a link that is not shown by its number never began and is shown nowhere. Its claim is taken then.
async fn is_forgotten(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<bool, JobsError> {
    let Some(note) = directory.noted().await? else { return Ok(false) };
    if house.clock.now() < note.at.plus_seconds(SHOWN_WITHIN_SECONDS)
        || directory.claimed_by().await?.is_some()
        || !directory.attempts().await?.is_empty()
        || !found_each(house, &[(directory, intent)]).await?.iter().all(Vec::is_empty)
    {
        return Ok(false);
    }
    directory.fence().await
}

/// The link among what the scheduler says of several jobs; none where its number is another's, or was another's before.
pub(crate) fn of_ids<'a>(
    states: &'a BTreeMap<SchedulerJobId, JobSighting>,
    sent: SentLink,
    job: JobId,
    owner: &UserName,
    since: Timestamp,
) -> Option<&'a JobSighting> {
    let seen = states.get(&sent.scheduler_job).filter(|seen| seen.submitted_at >= since);
    of_job(seen, job, owner)
}
