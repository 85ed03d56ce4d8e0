//! Sends the links of a sweep that were not sent, and sees when all of them are over.

use super::points::point_counts;
use crate::{
    chain::{Advanced, ChainState, was_withdrawn},
    directory::{Intent, JobDirectory, Over, OverReason, SentLink},
    error::{Gravity, JobsError},
    house::House,
    submit::{Kept, Seen, SentLinks, is_over_with_links, read_back, send_links},
};
use model::Sweep;

/// Sends what is due of a sweep: nothing is, where it is over or cancelled.
pub(crate) async fn advance(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    sweep: &Sweep,
) -> Result<Advanced, JobsError> {
    let over = directory.over().await?;
    if over.is_some() || directory.is_ended_or_cancelled().await? {
        return Ok(Advanced { over, ..Advanced::default() });
    }
    let SentLinks { sent, not_sent } = send_links(house, directory, intent).await?;
    let unread = read_back_once(house, directory, intent).await?;
    let not_sent = unread.or(not_sent);
    let all = directory.sent_links().await?;
    if !is_all(sweep, &all) {
        return Ok(Advanced { sent, not_sent, ..Advanced::default() });
    }
    let state = ChainState::of_fenced(house, directory, intent).await?;
    let over = if state.is_over() { over_if_spent(house, directory, sweep, &state.links()).await? } else { None };
    Ok(Advanced { sent, not_sent, over, ..Advanced::default() })
}

/// Reads one link back, where whoever sent them did not: they are alike. Why the job was taken back, where the site made it larger than
/// its budget covers; a scheduler that does not show it yet is asked the next time.
async fn read_back_once(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
) -> Result<Option<JobsError>, JobsError> {
    let Some(first) = directory.sent_links().await?.first().copied() else { return Ok(None) };
    let (None, Some(note)) = (directory.read_back().await?, directory.of_link(first.link).submitted().await?) else {
        return Ok(None);
    };
    match read_back(house, directory, intent, &note, Seen::NotYet).await {
        Ok(Kept::TooLarge(error)) => Ok(Some(error)),
        Err(error) if error.gravity == Gravity::Bug => Err(error),
        Ok(Kept::AsRead(_)) | Err(_) => Ok(None),
    }
}

/// Why a sweep is over of which every link is that was sent; that is written down. None where links are still to be sent.
pub(crate) async fn over_if_spent(
    house: &House,
    directory: &JobDirectory,
    sweep: &Sweep,
    sent: &[SentLink],
) -> Result<Option<Over>, JobsError> {
    let Some(last) = sent.last().filter(|_| is_all(sweep, sent)) else { return Ok(None) };
    let mut none_began = true;
    for link in sent {
        none_began = none_began && was_withdrawn(&directory.of_link(link.link)).await?;
    }
    let why = if none_began {
        OverReason::Withdrawn
    } else if point_counts(&*house.files, directory, sweep).await?.done == sweep.point_count() {
        OverReason::Done
    } else {
        OverReason::Cells
    };
    directory.put_over(why, last.link, house.clock.now()).await
}

/// Writes down why one's own sweep, or evaluation that follows a chain, is over of which so many links were sent and whoever looks saw all as over: nobody may ever watch it. What
/// was seen may be old, and a link may have been started again since, so that the scheduler is asked; one that does not answer is asked by
/// the next look.
pub(crate) async fn note_if_over(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    sent: usize,
) -> Result<(), JobsError> {
    let has_all = match intent.sweep() {
        Some(sweep) => has_all(sweep, sent),
        // While its chain goes on, it is known to go on, too.
        None => match intent.follows().and_then(|follows| follows.job) {
            Some(chain) => house.state.job(chain).is_over_noted().await?,
            None => false,
        },
    };
    let is_own = intent.principal.user == house.principal.user;
    if !is_own || !has_all || directory.is_over_noted().await? {
        return Ok(());
    }
    match is_over_with_links(house, directory, intent).await {
        Err(error) if error.gravity == Gravity::Bug => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn is_all(sweep: &Sweep, sent: &[SentLink]) -> bool {
    has_all(sweep, sent.len())
}

fn has_all(sweep: &Sweep, sent: usize) -> bool {
    usize::try_from(sweep.links().get()).is_ok_and(|links| sent >= links)
}
