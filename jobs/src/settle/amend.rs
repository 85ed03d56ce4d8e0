//! Holds follow their jobs: a limit, a size or a partition that somebody changed, and a job that was started again.
//!
//! What the queue shows of a job is the most that it may still take; what its earlier attempts took was charged. That has
//! happened, so no budget refuses it. Of a job that was not read back yet nothing is amended: `submit` still has to take
//! it back where an enforced budget does not cover what the site made of it.

use super::{
    desk::{Desk, LocalJobs, NOT_FINISHED, too_large},
    price::{fault, is_beyond_any_site},
    reading::Reading,
};
use crate::{
    ceiling,
    chain::{bounds, link_ceiling},
    directory::{IndexedJob, Intent, JobDirectory, ReadBack},
    error::JobsError,
    reached::booked,
};
use ledger::{AmendHold, Binding, Effect, Hold, HoldId, NewCeiling, Outcome, Spender, payer};
use model::{Amount, Chain, GpuCount, JobId, LinkNumber, Price, Sweep, Tres, Unit};
use scheduler_adapters::{JobForm, JobSighting};
use std::collections::BTreeSet;

/// A hold that was amended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AmendedHold {
    /// Of which job.
    pub job: JobId,
    /// In which unit.
    pub unit: Unit,
    /// The ceiling now.
    pub ceiling: Amount,
    /// What was seen.
    pub why: String,
}

/// What is to be done for jobs that wait or run.
#[derive(Default)]
pub(super) struct Changed {
    /// For each hold that may have to follow its job what that may still take, and what was seen. One that stands there
    /// already changes nothing.
    pub(super) amends: Vec<(AmendHold, String)>,
    /// What somebody has to decide.
    pub(super) notes: Vec<String>,
}

/// Looks at the job of every open hold that waits or runs and whose directory is here.
pub(super) async fn follow(
    desk: &Desk<'_>,
    holds: &[Hold],
    local: &LocalJobs<'_>,
    reading: &Reading,
    queue: &[JobSighting],
) -> Result<Changed, JobsError> {
    let mut changed = Changed::default();
    for (hold, here) in holds.iter().filter_map(|hold| Some((hold, local.get(&hold.id.0)?))) {
        let (directory, mut at_work) = (desk.house.state.job(hold.id.0), Vec::new());
        for seen in queue.iter().filter(|seen| is_at_work(seen, here, reading)) {
            let directory = directory.of_link(seen.stamp.map_or(LinkNumber::FIRST, |stamp| stamp.link));
            let Some(intent) = directory.intent().await? else { continue };
            let Some(read) = read_back_of(&directory, &intent).await? else { continue };
            let amend = follow_one(desk, (hold, &intent, &read), reading, seen, &mut changed.notes).await?;
            if here.has_links {
                at_work.extend(amend.map(|(amend, why)| (directory.link(), amend.id, rest(&amend), why)));
            } else {
                changed.amends.extend(amend);
            }
        }
        if !at_work.is_empty() {
            let of_job = queue.iter().filter(|seen| !seen.state.is_final()).filter_map(|seen| seen.stamp);
            let queued: BTreeSet<LinkNumber> =
                of_job.filter(|stamp| stamp.job == hold.id.0).map(|stamp| stamp.link).collect();
            changed.amends.extend(follow_links(desk, here, reading, (at_work, queued)).await?);
        }
    }
    keep_largest(&mut changed.amends);
    Ok(changed)
}

/// What was read back of this link: of a sweep one counts for all, which are alike.
async fn read_back_of(link: &JobDirectory, intent: &Intent) -> Result<Option<ReadBack>, JobsError> {
    if intent.sweep().is_some() { link.of_link(LinkNumber::FIRST).read_back().await } else { link.read_back().await }
}

/// What of a link waits or runs: what it may take, and what was seen of it.
type AtWork = (LinkNumber, HoldId, Amount, String);

/// All links draw from the one hold: it is kept between what those may take that are at work, and that with what
/// was authorised for those that are still to be sent, or have worked and are not in the books.
async fn follow_links(
    desk: &Desk<'_>,
    here: &IndexedJob,
    reading: &Reading,
    (mut at_work, queued): (Vec<AtWork>, BTreeSet<LinkNumber>),
) -> Result<Option<(AmendHold, String)>, JobsError> {
    at_work.sort_by(|one, other| (one.0, other.2).cmp(&(other.0, one.2)));
    at_work.dedup_by_key(|(link, ..)| *link);
    let directory = desk.house.state.job(here.intent.id);
    let (Some(intent), Some((_, id, _, why))) = (directory.intent().await?, at_work.first()) else { return Ok(None) };
    let Some(hold) = booked(desk.book.hold(*id).await, NOT_FINISHED)? else { return Ok(None) };
    let of_link = link_ceiling(&directory, &intent, &hold.unit).await?;
    let Some(of_link) = of_link else { return Ok(None) };
    let known: BTreeSet<LinkNumber> = at_work.iter().map(|(link, ..)| *link).collect();
    let charged: BTreeSet<LinkNumber> =
        reading.attempts(here.intent.id).into_iter().map(|(_, attempt)| attempt.link).collect();
    let rest = hold.ceiling.minus(hold.charged).map_err(too_large)?;
    let amounts: Vec<Amount> = at_work.iter().map(|(_, _, rest, _)| *rest).collect();
    let more = match (intent.chain(), intent.sweep()) {
        (Some(chain), _) => {
            let (at_work, others) = (count(at_work.len()), (&known, &charged, &queued));
            of_chain(desk, here, &directory, (chain, at_work), others).await?
        }
        (None, Some(sweep)) => of_sweep(sweep, &known, &charged),
        (None, None) => return Ok(None),
    };
    let wanted = bounds(&amounts, of_link, more).map_err(too_large)?;
    let amend = wanted.corrected(rest).map(|rest| {
        let why = format!("{} of its links wait or run; {why}", at_work.len());
        (AmendHold { id: hold.id, ceiling: NewCeiling::Seen { rest, why: why.clone() } }, why)
    });
    Ok(amend)
}

/// How many links of a sweep may take something beside those that are at work: those of which no run is in the books. Many of them wait
/// in one row of the queue, or are still to be sent; what was taken out of the queue counts until the job is over.
fn of_sweep(sweep: &Sweep, known: &BTreeSet<LinkNumber>, charged: &BTreeSet<LinkNumber>) -> u32 {
    let links = (1..=sweep.links().get()).filter_map(LinkNumber::new);
    count(links.filter(|link| !known.contains(link) && !charged.contains(link)).count())
}

/// How many links of a chain may take something beside those that are at work: those that are still to be sent, or have worked and
/// are not in the books.
async fn of_chain(
    desk: &Desk<'_>,
    here: &IndexedJob,
    directory: &JobDirectory,
    (chain, at_work): (&Chain, u32),
    (known, charged, queued): (&BTreeSet<LinkNumber>, &BTreeSet<LinkNumber>, &BTreeSet<LinkNumber>),
) -> Result<u32, JobsError> {
    let mut uncharged = 0_u32;
    for sent in here.links.iter().filter(|sent| !known.contains(&sent.link) && !charged.contains(&sent.link)) {
        // One in the queue that was not read back yet counts as it was planned.
        let is_queued = queued.contains(&sent.link);
        uncharged += u32::from(is_queued || !directory.of_link(sent.link).attempts().await?.is_empty());
    }
    let to_come = if directory.over().await?.is_some() {
        0
    } else {
        let at_once = chain.queued_at_once(desk.house.scheduler.capabilities().can_depend);
        let left = chain.max_links.get().saturating_sub(count(here.links.len()));
        at_once.saturating_sub(at_work).min(left)
    };
    Ok(to_come.saturating_add(uncharged))
}

fn count(links: usize) -> u32 {
    u32::try_from(links).unwrap_or(u32::MAX)
}

/// Whether the job waits or runs. One whose end is in the books already may be shown as ending for a while.
fn is_at_work(seen: &JobSighting, here: &IndexedJob, reading: &Reading) -> bool {
    let job = here.intent.id;
    let is_its = seen.stamp.is_some_and(|stamp| stamp.job == job);
    let is_own_task = seen.handle().task().is_some() && here.is_called(seen.handle());
    let is_single = seen.tasks == 1 && (seen.form == JobForm::Single || is_own_task);
    let has_ended = || {
        let attempts = reading.attempts(job);
        let is_this = |key: &model::RunKey| (key.scheduler_job, key.submitted_at) == (seen.id, seen.submitted_at);
        attempts.iter().any(|(key, attempt)| attempt.ended_at.is_some() && is_this(key))
    };
    is_its && is_single && (seen.state.is_pending() || seen.state.is_running()) && !has_ended()
}

async fn follow_one(
    desk: &Desk<'_>,
    (hold, intent, read): (&Hold, &Intent, &ReadBack),
    reading: &Reading,
    seen: &JobSighting,
    notes: &mut Vec<String>,
) -> Result<Option<(AmendHold, String)>, JobsError> {
    if fault(&seen.requested).is_some() {
        return Ok(None);
    }
    let price = match ceiling::of_seen(desk.house, intent.placement.as_ref(), seen) {
        Ok(price) => price,
        Err(error) => {
            notes.push(format!("the hold of job {} stays as it is: {}", hold.id, error.why));
            return Ok(None);
        }
    };
    if is_charged_elsewhere(read, seen) {
        notes.extend(elsewhere(desk, hold, read, seen, price.as_ref()).await?);
    }
    let price = price.filter(|price| !is_beyond_any_site(price));
    let Some(rest) = price.and_then(|price| price.in_unit(&hold.unit)) else { return Ok(None) };
    let why = what_changed(intent, read, seen, reading);
    let amend = AmendHold { id: hold.id, ceiling: NewCeiling::Seen { rest, why: why.clone() } };
    Ok(Some((amend, why)))
}

const fn rest(amend: &AmendHold) -> Amount {
    match &amend.ceiling {
        NewCeiling::Seen { rest, .. } | NewCeiling::Wanted(rest) => *rest,
    }
}

/// Of several scheduler jobs of one job of ours a single one works: the largest is what it may take.
fn keep_largest(amends: &mut Vec<(AmendHold, String)>) {
    amends.sort_by(|(one, _), (other, _)| (one.id, rest(other)).cmp(&(other.id, rest(one))));
    amends.dedup_by_key(|(amend, _)| amend.id);
}

/// What the scheduler shows otherwise than it was read back, in words.
fn what_changed(intent: &Intent, read: &ReadBack, seen: &JobSighting, reading: &Reading) -> String {
    let mut changes = Vec::new();
    let mut compare = |what: &str, before: Option<String>, now: Option<String>| {
        if let (Some(before), Some(now)) = (before, now)
            && before != now
        {
            changes.push(format!("{what} {before} became {now}"));
        }
    };
    let placed = intent.placement.as_ref();
    let limit = read.time_limit.or(placed.map(|placed| placed.time_limit));
    compare("time limit", limit.map(|limit| limit.to_string()), seen.time_limit.map(|limit| limit.to_string()));
    let name = |name: Option<&dyn ToString>| name.map(ToString::to_string);
    compare(
        "partition",
        name(read.partition.as_ref().map(|name| name as &dyn ToString)),
        name(seen.partition.as_ref().map(|name| name as &dyn ToString)),
    );
    let number = |count: Option<u64>| count.map(|count| count.to_string());
    compare("nodes", number(read.requested.nodes), number(seen.requested.nodes));
    compare("GPUs", number(gpus(&read.requested)), number(gpus(&seen.requested)));
    compare("CPUs", number(read.requested.cpus), number(seen.requested.cpus));
    if reading.attempts(intent.id).iter().any(|(_, attempt)| attempt.ended_at.is_some()) {
        changes.push("it was put into the queue again after an attempt".to_owned());
    }
    if changes.is_empty() {
        changes.push("its hold was of another size than the scheduler keeps".to_owned());
    }
    changes.join("; ")
}

fn gpus(tres: &Tres) -> Option<u64> {
    match tres.gpus() {
        GpuCount::Tracked(gpus) => Some(gpus),
        GpuCount::Untracked => None,
    }
}

/// Whether account or partition, by which bindings and units are chosen, are not those that were read back.
fn is_charged_elsewhere(read: &ReadBack, seen: &JobSighting) -> bool {
    // Slurm keeps the names of accounts in lower case.
    let account = |name: Option<&model::AccountName>| name.map(|name| name.as_str().to_ascii_lowercase());
    account(read.account.as_ref()) != account(seen.account.as_ref()) || read.partition != seen.partition
}

/// What is to be told of a job that its hold and the site's accounts see differently. The hold names who pays in these
/// books: another project's budget was never asked.
async fn elsewhere(
    desk: &Desk<'_>,
    hold: &Hold,
    read: &ReadBack,
    seen: &JobSighting,
    price: Option<&Price>,
) -> Result<Option<String>, JobsError> {
    let (job, unit) = (hold.id, &hold.unit);
    let place =
        |of: Option<String>, what: &str| of.map_or_else(|| format!("no {what}"), |name| format!("{what} `{name}`"));
    let account = |name: &Option<model::AccountName>| place(name.as_ref().map(ToString::to_string), "account");
    let partition = place(seen.partition.as_ref().map(ToString::to_string), "partition");
    let Some(price) = price.filter(|price| price.in_unit(unit).is_some()) else {
        return Ok(Some(format!(
            "job {job} is in {partition} now, where nothing is known to count in {unit}: its hold stays as it is, and its \
             run will have no price; `pakt cancel {job}` gives the hold back"
        )));
    };
    let records = booked(desk.book.bindings().await, NOT_FINISHED)?;
    let bindings: Vec<Binding> = records.into_iter().map(|record| record.terms).collect();
    let spender = Spender {
        site: &desk.house.here,
        account: seen.account.as_ref(),
        partition: seen.partition.as_ref(),
        user: &seen.user,
        words: None,
        at: desk.now,
    };
    let paying = payer(spender, price, &bindings).map(|binding| &binding.project);
    if paying == Some(&hold.project) {
        return Ok(None);
    }
    let whose = paying.map_or_else(|| "no project".to_owned(), |project| format!("project `{project}`"));
    let (now, before) = (account(&seen.account), account(&read.account));
    Ok(Some(format!(
        "job {job} is under {now} in {partition} now, which is bound to {whose}: in these books `{}` goes on paying for it, \
         at the site it does not; give it back to {before}, or cancel it and submit it for the project that is to pay",
        hold.project
    )))
}

/// The holds that were amended: of the others everything stood there already.
pub(super) fn amended(amends: &[(AmendHold, String)], outcomes: &[Outcome]) -> Vec<AmendedHold> {
    let done = amends.iter().zip(outcomes).filter_map(|((_, why), outcome)| match outcome {
        Outcome::Amended(hold, Effect::Done) => {
            Some(AmendedHold { job: hold.id.0, unit: hold.unit.clone(), ceiling: hold.ceiling, why: why.clone() })
        }
        _ => None,
    });
    done.collect()
}
