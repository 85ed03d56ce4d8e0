//! Sends the links of a sweep that were not sent, and sees when all of them are over.

use super::cells::cells;
use crate::{
    chain::{Advanced, ChainState, was_withdrawn},
    directory::{Intent, JobDirectory, Over, OverReason, SentLink},
    error::JobsError,
    house::House,
    submit::{SentLinks, send_links},
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
    let all = directory.sent_links().await?;
    let over = if is_all(sweep, &all) && ChainState::of_fenced(house, directory, intent).await?.is_over() {
        over_if_spent(house, directory, sweep, &all).await?
    } else {
        None
    };
    Ok(Advanced { sent, not_sent, over })
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
    } else if cells(directory, sweep).await?.counts().done == sweep.cells.len() {
        OverReason::Done
    } else {
        OverReason::Cells
    };
    directory.put_over(why, last.link, house.clock.now()).await
}

fn is_all(sweep: &Sweep, sent: &[SentLink]) -> bool {
    usize::try_from(sweep.links().get()).is_ok_and(|links| sent.len() >= links)
}
