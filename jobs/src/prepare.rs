//! Everything about a job that can be known without touching the world: where it goes, what it costs, its script.

use crate::{
    ceiling,
    chain::hours,
    check,
    error::JobsError,
    funding::{Funding, Payer, funding_in},
    house::House,
    job_file::{JobFile, Mistake},
    ledger_view::LedgerView,
    placeholder, sight,
};
use ledger::Book;
use model::{Amount, Chain, Finding, JobSpec, Placement, Price, Severity, SiteChoice, SiteName, Sweep, Unit};
use std::sync::Arc;

/// A job ready to be submitted.
pub struct Prepared {
    /// Where and how.
    pub placement: Placement,
    /// What it costs at most.
    pub ceiling: Price,
    /// What pays, and the part of the ceiling in its unit; none where nothing does.
    pub hold: Option<(Arc<dyn Book>, Unit, Amount)>,
    /// Of a chain: how much of that is of one link.
    pub link_hold: Option<Amount>,
    /// Why nothing is held, where nothing is.
    pub no_hold: Option<NoHold>,
    /// Doubts that stop nothing.
    pub doubts: Vec<Mistake>,
}

/// Why nothing is held for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoHold {
    /// It will never be: no ledger, or no budget in it.
    Never(String),
    /// The ledger does not answer now.
    NotNow(String),
}

impl NoHold {
    /// Why it is to be found out later what is held.
    pub(crate) fn later(&self) -> Option<String> {
        match self {
            Self::Never(_) => None,
            Self::NotNow(why) => Some(why.clone()),
        }
    }
}

/// Which site a job goes to from here.
pub fn choose_site<'a>(house: &'a House, spec: &JobSpec) -> Result<&'a SiteName, JobsError> {
    match &spec.site {
        SiteChoice::Any => Ok(&house.here),
        SiteChoice::OneOf(sites) if sites.contains(&house.here) => Ok(&house.here),
        SiteChoice::OneOf(sites) => {
            for site in sites {
                house.site(site)?;
            }
            let wanted = sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err(JobsError::usage(
                format!("job `{}` cannot be submitted from here", spec.name),
                format!("it may run at {wanted}; this machine belongs to `{}`", house.here),
                "log in there and submit it there, or name this site in the job file; `--site` says where you are",
            ))
        }
    }
}

/// A placed job before its doubts are tied to a file.
pub(crate) struct PreparedSpec {
    pub(crate) placement: Placement,
    pub(crate) ceiling: Price,
    pub(crate) hold: Option<(Arc<dyn Book>, Unit, Amount)>,
    pub(crate) link_hold: Option<Amount>,
    pub(crate) no_hold: Option<NoHold>,
    pub(crate) doubts: Vec<Finding>,
}

/// Places the job at this site, prices its ceiling and finds what pays. Nothing is changed anywhere.
pub async fn prepare(house: &House, file: &JobFile) -> Result<Prepared, JobsError> {
    prepare_in(&LedgerView::of(&house.here), house, file).await
}

/// As [`prepare`], for one of many jobs that see the ledger alike.
pub(crate) async fn prepare_in(view: &Arc<LedgerView>, house: &House, file: &JobFile) -> Result<Prepared, JobsError> {
    choose_site(house, &file.spec)?;
    let what = format!("job `{}` cannot run as written", file.spec.name);
    let left = placeholder::left(&file.spec).into_iter().map(|left| Finding { severity: Severity::Error, ..left });
    let (wrong, seen): (Vec<_>, Vec<_>) =
        Box::pin(sight::look(house, &file.spec)).await.into_iter().partition(|seen| seen.severity == Severity::Error);
    let wrong = file.mistakes(left.chain(wrong));
    if !wrong.is_empty() {
        return Err(JobsError::mistakes(what, check::mistakes(house, file, wrong).await));
    }
    let mistakes = |findings| JobsError::mistakes(what.clone(), file.mistakes(findings));
    let prepared = spec_in(view, house, &file.spec, &mistakes).await?;
    let PreparedSpec { placement, ceiling, hold, link_hold, no_hold, doubts: found } = prepared;
    let mut doubts = file.doubts.clone();
    doubts.extend(file.mistakes(found.into_iter().chain(seen)));
    Ok(Prepared { placement, ceiling, hold, link_hold, no_hold, doubts })
}

/// As [`prepare`], for a job that stands in no file; `mistakes` turns findings into the error that people read.
pub(crate) async fn prepare_spec(
    house: &House,
    spec: &JobSpec,
    mistakes: &(dyn Fn(Vec<Finding>) -> JobsError + Send + Sync),
) -> Result<PreparedSpec, JobsError> {
    spec_in(&LedgerView::of(&house.here), house, spec, mistakes).await
}

async fn spec_in(
    view: &Arc<LedgerView>,
    house: &House,
    spec: &JobSpec,
    mistakes: &(dyn Fn(Vec<Finding>) -> JobsError + Send + Sync),
) -> Result<PreparedSpec, JobsError> {
    let mut spec = spec.clone();
    let funding = funding_in(view, house, &spec.project, spec.scheduler.account.as_ref()).await?;
    if spec.scheduler.account.is_none() {
        spec.scheduler.account = funding.account().map_err(|finding| mistakes(vec![finding]))?;
    }
    let placed =
        sites::place(house.site(&house.here)?, &spec, Some(house.machine), house.clock.now()).map_err(mistakes)?;
    let ceiling = ceiling::of_placement(&placed.placement)?;
    if let Some(chain) = &spec.chain {
        chain_fits(chain, &spec, &ceiling).map_err(|finding| mistakes(vec![finding]))?;
    }
    let (hold, no_hold) = match what_is_held(house, &spec, &placed.placement, &ceiling, &funding).await? {
        Ok(hold) => (Some(hold), None),
        Err(no_hold) => (None, Some(no_hold)),
    };
    let (hold, link_hold) = match (&spec.chain, &spec.sweep, hold) {
        (Some(chain), _, Some(payment)) => of_links(house, chain, &ceiling, payment)?,
        (None, Some(sweep), Some(payment)) => of_sweep(sweep, payment)?,
        (_, _, hold) => (hold, None),
    };
    let mut doubts = placed.warnings;
    if let (Funding::Known(budgets), Some((_, unit, _))) = (&funding, &hold) {
        doubts.extend(budgets.doubts(house, unit).await?);
    }
    Ok(PreparedSpec { placement: placed.placement, ceiling, hold, link_hold, no_hold, doubts })
}

/// Whether the place and the chain go together.
fn chain_fits(chain: &Chain, spec: &JobSpec, of_link: &Price) -> Result<(), Finding> {
    let follows = spec.sweep.as_ref().is_some_and(|sweep| sweep.follows.is_some());
    if !follows && spec.scheduler.extra.iter().any(|word| word == "--requeue") {
        let what =
            "`--requeue` starts a link again beside the one behind it: both would go on from the same checkpoint";
        return Err(Finding::error("scheduler.extra", what, "leave it out: the next link goes on"));
    }
    if spec.scheduler.after.as_ref().is_some_and(|after| after.contains('?')) {
        let what = "jobs of which any will do cannot be joined with the links that wait for each other";
        return Err(Finding::error("scheduler.after", what, "name those that all have to be over, with commas"));
    }
    let Some(most) = chain.max_gpu_hours else { return Ok(()) };
    match &of_link.gpu {
        None => {
            let what = "nothing is known to count GPUs where it goes";
            Err(Finding::error("chain.max_gpu_hours", what, "bound it by `max_links`"))
        }
        Some(link) if link.amount > hours(most) => {
            let what = format!("one link may take {}, more than {most} GPU-h", link.amount.in_hours_of(&link.unit));
            Err(Finding::error("chain.max_gpu_hours", what, "raise it, or shorten `resources.time`"))
        }
        Some(_) => Ok(()),
    }
}

/// What is held for a chain when it begins: as many links as are queued at once. And how much of that is of one.
fn of_links(
    house: &House,
    chain: &Chain,
    of_one: &Price,
    (book, unit, of_link): Payment,
) -> Result<(Option<Payment>, Option<Amount>), JobsError> {
    let at_once = chain.queued_at_once(house.scheduler.capabilities().can_depend);
    // More than it may take in all is not held.
    let gpu = of_one.gpu.as_ref().map(|gpu| gpu.amount.milli()).filter(|milli| *milli > 0);
    let within = chain.max_gpu_hours.zip(gpu).and_then(|(most, gpu)| u32::try_from(hours(most).milli() / gpu).ok());
    let links = within.map_or(at_once, |within| at_once.min(within.max(1)));
    let links = std::iter::repeat_n(of_link, usize::try_from(links).unwrap_or(usize::MAX));
    let held = Amount::sum(links).map_err(|error| ceiling::too_large(&error))?;
    Ok((Some((book, unit, held)), Some(of_link)))
}

/// What is held for a sweep: all of its links, and how much of that is of one.
fn of_sweep(sweep: &Sweep, (book, unit, of_link): Payment) -> Result<(Option<Payment>, Option<Amount>), JobsError> {
    let links = std::iter::repeat_n(of_link, usize::try_from(sweep.links().get()).unwrap_or(usize::MAX));
    let held = Amount::sum(links).map_err(|error| ceiling::too_large(&error))?;
    Ok((Some((book, unit, held)), Some(of_link)))
}

/// The ledger that pays, the unit, and the ceiling in it.
type Payment = (Arc<dyn Book>, Unit, Amount);

/// What pays and how much of it is held; the inner error says why nothing is.
async fn what_is_held(
    house: &House,
    spec: &JobSpec,
    placement: &Placement,
    ceiling: &Price,
    funding: &Funding,
) -> Result<Result<Payment, NoHold>, JobsError> {
    let (account, partition) = (placement.account.as_ref(), placement.partition.as_ref());
    let budgets = match funding {
        Funding::Known(budgets) => budgets,
        Funding::NoLedger => return Ok(Err(NoHold::Never("there is no ledger here".to_owned()))),
        Funding::Unreachable(why) => return Ok(Err(NoHold::NotNow(why.clone()))),
    };
    match budgets.payer(house, account, partition, ceiling) {
        Payer::Own(book, unit) => match ceiling.in_unit(unit) {
            Some(amount) => Ok(Ok((Arc::clone(book), unit.clone(), amount))),
            None => Err(not_in_unit(spec, unit, ceiling)),
        },
        Payer::Other(other) => {
            budgets.refuse_unheld(house, &format!("job `{}` cannot be submitted", spec.name), other).await?;
            Ok(Err(NoHold::Never(budgets.why_not(Some(other)))))
        }
        Payer::Nobody => Ok(Err(NoHold::Never(budgets.why_not(None)))),
    }
}

fn not_in_unit(spec: &JobSpec, unit: &Unit, ceiling: &Price) -> JobsError {
    let charges = [&ceiling.gpu, &ceiling.site, &ceiling.node].into_iter().flatten();
    let units = charges.map(|charge| charge.unit.to_string()).collect::<Vec<_>>().join(", ");
    JobsError::usage(
        format!("job `{}` cannot be paid from the budget of `{}`", spec.name, spec.project),
        format!("the budget is in {unit}; this partition counts in {units}"),
        "choose a partition of that kind, or bind the account to a budget in one of those units",
    )
}
