//! `pakt plan`: what `submit` would do, without doing it.

use crate::{
    arithmetic,
    chain::resolved,
    error::JobsError,
    expected::expected,
    house::House,
    job_file::{JobFile, Mistake},
    outlook::{Advice, advice, budget_of},
    prepare::{NoHold, Prepared, prepare},
    provenance::{CodeView, Sources},
    reached::booked,
    submit::{Sheet, SubmittedSweep, frozen, write_sheet},
};
use ledger::Budget;
use model::{Amount, Factors, JobId, LinkNumber, Placement, Price, Unit, WallTime, Window};
pub use scheduler_adapters::Estimate;

/// What `submit` would do.
pub struct Planned {
    /// Where and how.
    pub placement: Placement,
    /// When it is expected to run, by which lots pay for it.
    pub expected: Window,
    /// What it costs at most.
    pub ceiling: Price,
    /// What would be held, and the budget before; none where nothing pays.
    pub hold: Option<(Unit, Amount, Option<Budget>)>,
    /// How what would be held comes about.
    pub factors: Option<Factors>,
    /// What the budget's policy says to the job; none where there is no budget.
    pub advice: Option<Advice>,
    /// How many links it may have, and how many are queued at once, where it is a chain; what is told of cost and hold of one
    /// link, and of as many.
    pub chain: Option<PlannedChain>,
    /// How large it is, where it is a sweep; what is told of the cost is of one link.
    pub sweep: Option<SubmittedSweep>,
    /// Why nothing would be held.
    pub no_hold: Option<NoHold>,
    /// The batch script; the job id in it is one of zeros.
    pub script: String,
    /// When the scheduler thinks it would start, or why it gives no answer.
    pub estimate: Result<Estimate, String>,
    /// Doubts that stop nothing.
    pub doubts: Vec<Mistake>,
}

/// A chain that would be begun.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PlannedChain {
    /// How many links it may have.
    pub max_links: LinkNumber,
    /// How many are queued at once.
    pub at_once: u32,
    /// How long before its limit each is told to save; none of an evaluation that follows a chain.
    pub lead: Option<WallTime>,
    /// The most that all of them may take in the unit of the hold; none where nothing is held.
    pub most: Option<(Unit, Amount)>,
}

/// Plans a job; asks the ledger and, for the estimate, the scheduler, and changes nothing.
pub async fn plan(house: &House, file: &JobFile) -> Result<Planned, JobsError> {
    let file = &Box::pin(resolved(house, file.clone())).await?;
    let Prepared { placement, ceiling, hold, link_hold, no_hold, doubts } = prepare(house, file).await?;
    let nobody = house.state.job(JobId::from_parts(model::Timestamp::default(), 0));
    let sources = Sources::of_job(&file.spec, &file.source.directory);
    let frozen = frozen(house, &CodeView::new(), &sources, file).await?;
    let sheet = Sheet::of(house, &file.spec, &placement, &nobody, frozen.as_ref())?;
    let estimate = asked(house, &sheet).await;
    let hold = match hold {
        Some((book, unit, amount)) => {
            let found = budget_of(house, book.as_ref(), &file.spec.project, &unit).await;
            let budget = booked(found, "the balance was not read")?;
            Some((unit, amount, budget))
        }
        None => None,
    };
    let budget = hold.as_ref().and_then(|(_, amount, budget)| budget.as_ref().zip(Some(*amount)));
    let expected = expected(&file.spec, &placement, house.clock.now(), &house.machine_zone);
    let advice = budget.map(|(budget, amount)| advice(budget, amount, Some(expected))).transpose()?;
    let is_following = file.spec.sweep.as_ref().is_some_and(|sweep| sweep.follows.is_some());
    let chain = file.spec.chain.as_ref().map(|chain| {
        let all = |of_link: Amount| of_link.milli().checked_mul(chain.max_links.get().into()).map(Amount::from_milli);
        let unit = hold.as_ref().map(|(unit, ..)| unit.clone());
        PlannedChain {
            max_links: chain.max_links,
            at_once: chain.queued_at_once(house.scheduler.capabilities().can_depend),
            lead: Some(chain.lead(placement.time_limit)).filter(|_| !is_following),
            most: unit.zip(link_hold.and_then(all)),
        }
    });
    let factors = hold.as_ref().and_then(|(_, amount, _)| {
        let links = arithmetic::links_in(*amount, link_hold)?;
        arithmetic::of_placement(&placement, link_hold.unwrap_or(*amount))?.times(links)
    });
    Ok(Planned {
        placement,
        expected,
        ceiling,
        hold,
        factors,
        advice,
        chain,
        sweep: file.spec.sweep.as_ref().filter(|_| !is_following).map(SubmittedSweep::of),
        no_hold,
        script: sheet.script,
        estimate,
        doubts,
    })
}

/// Asks the scheduler by a script in a temporary file; a refusal or silence is an answer, not a failure of who asks.
pub(crate) async fn asked(house: &House, sheet: &Sheet) -> Result<Estimate, String> {
    if !house.scheduler.capabilities().estimates {
        return Err("the scheduler gives no estimates here".to_owned());
    }
    let path = write_sheet(house, sheet).await.map_err(|error| error.to_string())?;
    let answer = house.scheduler.estimate(&sheet.submission(&path)).await.map_err(|error| error.to_string());
    let removed = house.files.remove(&path).await;
    answer.and_then(|estimate| removed.map(|()| estimate).map_err(|error| error.to_string()))
}
