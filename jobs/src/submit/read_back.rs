//! Reads a submitted job back once: a site's submit filter may have changed account, partition, size or limit.

use super::hold::in_words;
use crate::{
    directory::{Cancel, Intent, JobDirectory, ReadBack, SubmittedNote},
    error::{Gravity, JobsError},
    house::{House, Step},
    reached::{booked, scheduled},
};
use ledger::{AmendHold, Command, HoldId, LedgerErrorKind, Refusal};
use model::{Placement, Tres, WallTime, price};
use scheduler_adapters::JobSighting;

/// What came of reading a job back.
pub(crate) enum Kept {
    /// What the scheduler keeps.
    AsRead(ReadBack),
    /// The site made the job larger than its budget covers, and it was taken back.
    TakenBack(JobsError),
}

/// Reads the job back, notes every difference to the plan, and amends the hold where the price changed with it. A job
/// that an enforced budget does not cover any more is cancelled; its hold is closed by `settle`, which knows what it used.
///
/// A scheduler that does not answer here loses nothing: `settle` charges by what was allocated in any case.
pub(crate) async fn read_back(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
) -> Result<Kept, JobsError> {
    if let Some(known) = directory.read_back().await? {
        return Ok(Kept::AsRead(known));
    }
    let asked = house.scheduler.read_back(submitted.scheduler_job).await;
    let facts = scheduled(asked, "the job was not read back")?.sighting;
    let drift = intent.placement.as_ref().map_or_else(Vec::new, |placement| drift(placement, &facts));
    if let Some(refusal) = amend(house, intent, &facts).await? {
        return take_back(house, directory, intent, submitted, &refusal, &drift).await.map(Kept::TakenBack);
    }
    let read = ReadBack {
        account: facts.account,
        partition: facts.partition,
        qos: facts.qos,
        time_limit: facts.time_limit,
        requested: facts.requested,
        drift,
        output: None,
        hold: None,
        at: house.clock.now(),
    };
    let read = directory.put_read_back(&read).await?;
    house.steps.done(Step::ReadBack);
    Ok(Kept::AsRead(read))
}

async fn take_back(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    refusal: &Refusal,
    drift: &[String],
) -> Result<JobsError, JobsError> {
    let job = submitted.scheduler_job;
    scheduled(house.scheduler.cancel(job).await, "the job that became too large was not taken back")?;
    directory.put_cancel(&Cancel { principal: house.principal.clone(), at: house.clock.now() }).await?;
    let changed = if drift.is_empty() { String::new() } else { format!(" ({})", drift.join("; ")) };
    Ok(JobsError::new(
        Gravity::Refused,
        format!("job `{}` was submitted as {job} and taken back", intent.name),
        format!("the site changed it{changed}, and now {}", in_words(refusal)),
        "ask for what the site makes of it, or go on with `--anyway REASON`; `pakt settle` closes its hold",
    ))
}

/// Each difference between what was asked for and what the scheduler keeps, in words.
fn drift(placement: &Placement, facts: &JobSighting) -> Vec<String> {
    let mut drift = Vec::new();
    let mut compare = |what: &str, asked: Option<String>, kept: Option<String>| {
        if let (Some(asked), Some(kept)) = (asked, kept)
            && asked != kept
        {
            drift.push(format!("{what}: asked for {asked}, the scheduler keeps {kept}"));
        }
    };
    let text = |value: &dyn ToString| Some(value.to_string());
    compare(
        "partition",
        placement.partition.as_ref().and_then(|name| text(name)),
        facts.partition.as_ref().and_then(|name| text(name)),
    );
    let lower = |name: &model::AccountName| name.as_str().to_ascii_lowercase();
    compare("account", placement.account.as_ref().map(lower), facts.account.as_ref().map(lower));
    compare("time limit", text(&placement.time_limit), facts.time_limit.as_ref().and_then(|limit| text(limit)));
    compare("nodes", text(&placement.nodes), facts.requested.nodes.as_ref().and_then(|nodes| text(nodes)));
    drift
}

/// Amends the hold to what the job may cost now; the refusal of an enforced budget that does not cover it.
async fn amend(house: &House, intent: &Intent, facts: &JobSighting) -> Result<Option<Refusal>, JobsError> {
    let (Some((unit, held)), Some(placement)) = (&intent.hold, &intent.placement) else { return Ok(None) };
    let charged = Tres { nodes: facts.requested.nodes.or(placement.charged.nodes), ..placement.charged.clone() };
    let charged = scaled(charged, placement, facts.requested.nodes);
    let limit: WallTime = facts.time_limit.unwrap_or(placement.time_limit);
    let site = house.site(&house.here)?;
    let is_moved = facts.partition.is_some() && facts.partition != placement.partition;
    let moved = sites::tariff_for(site, facts.partition.as_ref(), &charged).filter(|_| is_moved);
    let tariff = moved.as_ref().unwrap_or(&placement.tariff);
    let Ok(priced) = price(&charged, limit, tariff) else { return Ok(None) };
    let Some(ceiling) = priced.in_unit(unit).filter(|ceiling| ceiling != held) else { return Ok(None) };
    let what = "the hold was not amended";
    let Some(book) = house.book(what).await? else { return Ok(None) };
    if booked(book.hold(HoldId(intent.id)).await, what)?.is_none() {
        return Ok(None);
    }
    let amend = Command::Amend(AmendHold { id: HoldId(intent.id), ceiling });
    match book.post(&house.principal, house.clock.now(), &[amend]).await {
        Err(error) => match error.kind {
            LedgerErrorKind::Refused(refusal) => Ok(Some(*refusal)),
            _ => booked(Err(error), what),
        },
        Ok(_) => Ok(None),
    }
}

/// What is charged for when the scheduler keeps another number of nodes than was asked for.
fn scaled(charged: Tres, placement: &Placement, nodes: Option<u64>) -> Tres {
    let asked = u64::from(placement.nodes);
    match nodes {
        Some(nodes) if nodes != asked && asked > 0 => {
            let scale = |count: Option<u64>| count.map(|count| count.saturating_mul(nodes) / asked);
            let gpus_by_type = charged.gpus_by_type.iter().map(|(kind, count)| (kind.clone(), count * nodes / asked));
            Tres {
                cpus: scale(charged.cpus),
                memory_mib: scale(charged.memory_mib),
                billing: scale(charged.billing),
                gpus_total: scale(charged.gpus_total),
                gpus_by_type: gpus_by_type.collect(),
                nodes: Some(nodes),
            }
        }
        _ => charged,
    }
}
