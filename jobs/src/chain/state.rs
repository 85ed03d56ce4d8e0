//! How far the links of a chain or a sweep are.

use super::next::Sent;
use crate::{
    directory::{Intent, JobDirectory, SentLink},
    error::JobsError,
    house::House,
    reached::scheduled,
    removed::{fill_in, with_arrays},
    submit::found_each,
    whose_number::{is_queued, of_job},
};
use model::{JobId, LinkNumber, SchedulerJobId, Stamp, Timestamp, UserName};
use scheduler_adapters::{FoundIn, JobSighting, QueueBatch, Whose};
use std::collections::BTreeMap;

/// One link that was sent.
pub(crate) struct Link {
    pub(crate) sent: SentLink,
    /// What the scheduler says of it; none where it does not know it.
    pub(crate) seen: Option<JobSighting>,
    /// Whether it is over.
    pub(crate) is_over: bool,
}

impl Link {
    /// Whether the scheduler shows that it runs or ran.
    fn has_begun(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| !seen.state.is_pending())
    }
}

/// The links of a job that were sent, in their order.
pub(crate) struct ChainState(pub(crate) Vec<Link>);

impl ChainState {
    /// Looks at all of them, with one question. What is not shown is over only where its own markers say so: silence is no end.
    async fn of(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<Self, JobsError> {
        let sent = directory.sent_links().await?;
        let ids: Vec<SchedulerJobId> = with_arrays(sent.iter().map(|link| link.scheduler_job)).into_iter().collect();
        let asked = house.scheduler.states(&ids, intent.made_at).await;
        let mut states = scheduled(asked, "it is not known how far the links of the job are")?;
        let tasks = sent.iter().map(|sent| (directory.of_link(sent.link), sent.scheduler_job, intent.made_at));
        fill_in(&mut states, tasks.collect()).await?;
        let mut links = Vec::new();
        for sent in sent {
            let seen = of_ids(&states, sent, intent.id, &intent.principal.user, intent.made_at);
            let is_over = if directory.of_link(sent.link).is_fenced().await? {
                true
            } else if let Some(seen) = seen {
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
    /// A controller that was killed forgets what it had accepted, and gives the number to the next job; accounting may show for
    /// ever that it waits. Where the queue has nothing with the link's stamp, and accounting nothing that began, its claim is
    /// taken in nobody's name: should it come all the same, it ends there without work, and two links never work at once
    /// because of it.
    pub(crate) async fn of_fenced(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<Self, JobsError> {
        let mut state = Self::of(house, directory, intent).await?;
        let mut queue = None;
        for link in state.0.iter_mut().filter(|link| !link.is_over && !link.has_begun()) {
            let directory = directory.of_link(link.sent.link);
            if may_be_forgotten(house, &directory).await? {
                let queue = match &mut queue {
                    Some(queue) => queue,
                    empty => empty.insert(own_queue(house).await?),
                };
                link.is_over = !is_in(queue, link.sent.scheduler_job, directory.stamp())
                    && has_not_begun(house, &directory, intent).await?
                    && directory.fence().await?;
            }
        }
        Ok(state)
    }

    pub(super) async fn sent(&self, directory: &JobDirectory) -> Result<Vec<Sent>, JobsError> {
        let mut sent = Vec::with_capacity(self.0.len());
        for link in &self.0 {
            sent.push(of_sent(directory, link.sent, link.is_over).await?);
        }
        Ok(sent)
    }

    /// The links that were looked at.
    pub(crate) fn links(&self) -> Vec<SentLink> {
        self.0.iter().map(|link| link.sent).collect()
    }

    /// Those that are not over, with what the scheduler calls them.
    pub(super) fn live(&self) -> Vec<(LinkNumber, SchedulerJobId)> {
        self.0.iter().filter(|link| !link.is_over).map(|link| (link.sent.link, link.sent.scheduler_job)).collect()
    }

    /// Those that are not over, as the scheduler calls them.
    pub(super) fn at_work(&self) -> Vec<SchedulerJobId> {
        self.live().into_iter().map(|(_, job)| job).collect()
    }

    /// Whether none of them is at work or waits.
    pub(crate) fn is_over(&self) -> bool {
        self.0.iter().all(|link| link.is_over)
    }
}

/// A link that was sent, with what its directory tells of it.
pub(super) async fn of_sent(directory: &JobDirectory, sent: SentLink, is_over: bool) -> Result<Sent, JobsError> {
    let was_withdrawn = is_over && was_withdrawn(&directory.of_link(sent.link)).await?;
    Ok(Sent { link: sent.link, is_over, was_withdrawn })
}

/// Whether a link that is over has left no trace: it was taken out of the queue before it began.
pub(crate) async fn was_withdrawn(link: &JobDirectory) -> Result<bool, JobsError> {
    Ok(link.claimed_by().await?.is_none() && !link.is_fenced().await? && link.attempts().await?.is_empty())
}

/// The queue shows a job as soon as it was accepted; this is for whoever answers a little late.
const SHOWN_WITHIN_SECONDS: i64 = 60;

/// Whether a link has left no trace of a beginning although it would be shown by now.
async fn may_be_forgotten(house: &House, directory: &JobDirectory) -> Result<bool, JobsError> {
    let Some(note) = directory.noted().await? else { return Ok(false) };
    Ok(house.clock.now() >= note.at.plus_seconds(SHOWN_WITHIN_SECONDS)
        && directory.claimed_by().await?.is_none()
        && directory.attempts().await?.is_empty())
}

/// The queue of whoever asks; a row that was not understood may be anything.
async fn own_queue(house: &House) -> Result<QueueBatch, JobsError> {
    let asked = house.scheduler.queue(&Whose::mine()).await;
    scheduled(asked, "it is not known whether the links of the job are in the queue")
}

fn is_in(queue: &QueueBatch, job: SchedulerJobId, stamp: Stamp) -> bool {
    !queue.rejected.is_empty()
        || is_queued(&queue.jobs, job)
        || queue.jobs.iter().any(|seen| seen.stamp == Some(stamp) && !seen.state.is_final())
}

/// Whether neither source shows a beginning of anything with the link's stamp.
async fn has_not_begun(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<bool, JobsError> {
    let found = found_each(house, &[(directory, intent)]).await?;
    Ok(found.iter().flatten().all(|found| found.found_in == FoundIn::Accounting && found.sighting.state.is_pending()))
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
    // A controller that forgot one link may have given its number to another one.
    of_job(seen, job, owner).filter(|seen| seen.stamp.is_none_or(|stamp| stamp.link == sent.link))
}
