//! What is held for a chain: what was charged, what its links that wait or run may still take, and those that are still to be
//! sent. The link that is sent next is authorised as a new hold is; nothing else ever makes the hold of a chain larger but
//! what the scheduler was seen to have.

use super::state::{ChainState, Link};
use crate::{
    ceiling,
    directory::{Intent, JobDirectory, OverReason},
    error::{Gravity, JobsError},
    house::House,
    reached::booked,
    settle::has_run,
    submit::{in_words, is_away},
};
use ledger::{AmendHold, Book, Command, Hold, HoldId, LedgerErrorKind, NewCeiling};
use model::{Amount, AmountError, LinkNumber, SchedulerJobId, Unit};
use std::collections::BTreeSet;

/// Between what the rest of a chain's hold is to be, beside what was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// What the links may take that wait or run.
    pub(crate) least: Amount,
    /// That, and what is to be there for links that are to be sent, or whose runs are not in the books yet.
    pub(crate) most: Amount,
}

/// The bounds by the ceilings of the links that wait or run, and how many more of one link's ceiling may be wanted.
pub(crate) fn bounds(at_work: &[Amount], of_link: Amount, more: u32) -> Result<Bounds, AmountError> {
    let least = Amount::sum(at_work.iter().copied())?;
    let more = std::iter::repeat_n(of_link, usize::try_from(more).unwrap_or(usize::MAX));
    Ok(Bounds { least, most: Amount::sum(more.chain([least]))? })
}

impl Bounds {
    /// What the rest is to be where it is this: none where it may stay.
    pub(crate) fn corrected(self, rest: Amount) -> Option<Amount> {
        Some(rest.clamp(self.least, self.most)).filter(|wanted| *wanted != rest)
    }
}

/// Makes the chain's hold cover one link more beside those that wait or run. Done twice it is done once: the new ceiling is
/// what is needed in all. An enforced budget that does not cover it is an error of gravity `Refused`.
pub(super) async fn reserve(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    state: &ChainState,
    what: &str,
) -> Result<(), JobsError> {
    let book = match house.books.book().await {
        Ok(Some(book)) => book,
        Ok(None) => return Ok(()),
        // It stops nobody, as it does not when a job is submitted: the next settlement holds for what is at work.
        Err(error) if is_away(&error, false) => return Ok(()),
        Err(error) => return booked(Err(error), what),
    };
    let id = HoldId(intent.id);
    // One that was to be entered later may be there by now.
    let Some(hold) = booked(book.hold(id).await, what)? else { return Ok(()) };
    if !hold.is_open() {
        if state.is_over() {
            let last = state.0.last().map_or(LinkNumber::FIRST, |link| link.sent.link);
            directory.put_over(OverReason::Closed, last, house.clock.now()).await?;
        }
        let why = "its hold was closed: whoever settled it saw no link of it at work";
        let next = match intent.follows() {
            Some(_) => format!("`pakt results {} --missing` submits what has no score", intent.id),
            None => {
                "submit its file again: that makes a new job, which goes on from the checkpoints that its program finds"
                    .to_owned()
            }
        };
        return Err(JobsError::new(Gravity::Refused, what, why, next));
    }
    let Some(of_link) = link_ceiling(directory, intent, &hold.unit).await? else { return Ok(()) };
    let wanted = wanted(house, (directory, intent), (book.as_ref(), &hold), state, (&hold.unit, of_link)).await?;
    if wanted <= hold.ceiling {
        return Ok(());
    }
    let amend = Command::Amend(AmendHold { id, ceiling: NewCeiling::Wanted(wanted) });
    match book.post(&house.principal, house.clock.now(), &[amend]).await {
        Ok(_) => Ok(()),
        Err(error) => match error.kind {
            LedgerErrorKind::Refused(refusal) => {
                let next = "it goes on when there is room: `pakt balance` shows what holds the rest";
                Err(JobsError::new(Gravity::Refused, what, in_words(&refusal), next))
            }
            _ => booked(Err(error), what),
        },
    }
}

/// The ceiling of one link: what the site last made of one, else as it was planned, or as it would be, where the ledger did not
/// answer then. None where its place does not count in that unit.
pub(crate) async fn link_ceiling(
    directory: &JobDirectory,
    intent: &Intent,
    unit: &Unit,
) -> Result<Option<Amount>, JobsError> {
    for link in directory.links().await?.iter().rev() {
        if let Some(made) = link.read_back().await?.and_then(|read| read.link_hold) {
            return Ok(Some(made));
        }
    }
    if intent.link_hold.is_some() {
        return Ok(intent.link_hold);
    }
    let Some(placement) = &intent.placement else { return Ok(None) };
    Ok(ceiling::of_placement(placement)?.in_unit(unit))
}

/// The ceiling that covers what was charged, what is at work, what has worked and is not in the books, and one link more.
async fn wanted(
    house: &House,
    (directory, intent): (&JobDirectory, &Intent),
    (book, hold): (&dyn Book, &Hold),
    state: &ChainState,
    (unit, of_link): (&Unit, Amount),
) -> Result<Amount, JobsError> {
    let what = "the hold of the chain was not amended";
    let charged = booked(book.runs_charged_to(hold.id).await, what)?;
    let charged: BTreeSet<SchedulerJobId> = charged.into_iter().map(|charged| charged.run.scheduler_job).collect();
    let mut parts = vec![hold.charged, of_link];
    for link in &state.0 {
        if !link.is_over {
            parts.push(may_take(house, (directory, intent), link, unit).await?.unwrap_or(of_link));
        } else if !charged.contains(&link.sent.scheduler_job) && may_be_charged(directory, link).await? {
            parts.push(of_link);
        }
    }
    Amount::sum(parts).map_err(|error| too_large(&error))
}

/// The most that a link at work takes, as the scheduler shows it, else as it was read back.
async fn may_take(
    house: &House,
    (directory, intent): (&JobDirectory, &Intent),
    link: &Link,
    unit: &Unit,
) -> Result<Option<Amount>, JobsError> {
    if let Some(seen) = &link.seen
        && let Some(price) = ceiling::of_seen(house, intent.placement.as_ref(), seen)?
    {
        return Ok(price.in_unit(unit));
    }
    Ok(directory.of_link(link.sent.link).read_back().await?.and_then(|read| read.link_hold))
}

/// Whether a link that is over will be in the books: one that was cancelled before it began never is.
async fn may_be_charged(directory: &JobDirectory, link: &Link) -> Result<bool, JobsError> {
    match &link.seen {
        Some(seen) => Ok(has_run(seen)),
        None => Ok(!directory.of_link(link.sent.link).attempts().await?.is_empty()),
    }
}

fn too_large(error: &AmountError) -> JobsError {
    let next = "please report it with what `pakt show` says of the job";
    JobsError::new(Gravity::Bug, "what the chain may take cannot be counted", error.to_string(), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_authorised_for_links_to_come_stays_and_nothing_beyond_it() {
        let milli = Amount::from_milli;
        let two = bounds(&[milli(10), milli(12)], milli(10), 1).expect("small");
        assert_eq!((two.least, two.most), (milli(22), milli(32)));
        for (rest, wanted) in [(5, Some(22)), (22, None), (30, None), (32, None), (50, Some(32))] {
            assert_eq!(two.corrected(milli(rest)), wanted.map(milli), "of {rest}");
        }
    }
}
