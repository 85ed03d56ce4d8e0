//! Reads a submitted job back once: a site's submit filter may have changed account, partition, size or limit.

use super::hold::in_words;
use crate::{
    ceiling,
    directory::{Cancel, Intent, JobDirectory, ReadBack, SubmittedNote},
    error::{Gravity, JobsError},
    house::{House, Step},
    reached::{booked, scheduled, taken_back},
    whose_number::is_anothers,
};
use ledger::{AmendHold, Book, Command, HoldId, LedgerErrorKind, NewCeiling, Refusal};
use model::{Amount, LinkNumber, Placement, Price, SchedulerJobId, Timestamp, Tres, Unit};
use scheduler_adapters::JobSighting;
use std::collections::BTreeSet;

/// What came of reading a job back.
pub(crate) enum Kept {
    /// What the scheduler keeps.
    AsRead(Box<ReadBack>),
    /// The site made the job larger than its budget covers. It was taken back, or it is to be and stands in the queue: the
    /// error says which.
    TooLarge(JobsError),
}

/// What is known of a job before it is read back.
pub(crate) enum Seen {
    /// Nothing: it is asked for.
    NotYet,
    /// What the scheduler keeps: it was asked for many jobs at once.
    Kept(Box<JobSighting>),
    /// It was asked for many at once, and did not answer.
    Unknown(JobsError),
}

/// Reads the job back, notes every difference to the plan, and amends the hold where the price changed with it. A job
/// that an enforced budget does not cover any more is cancelled; its hold is closed by `settle`, which knows what it used.
///
/// A scheduler that does not answer here loses nothing: `settle` charges by what was allocated in any case. One that does
/// not take a job back leaves it unread, so that the next `submit` tries again.
pub(crate) async fn read_back(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    seen: Seen,
) -> Result<Kept, JobsError> {
    if let Some(known) = directory.read_back().await? {
        return Ok(Kept::AsRead(Box::new(known)));
    }
    let facts = match seen {
        Seen::Kept(seen) => *seen,
        Seen::Unknown(error) => return Err(error),
        Seen::NotYet => {
            let asked = house.scheduler.read_back(submitted.scheduler_job).await;
            scheduled(asked, "the job was not read back")?.sighting
        }
    };
    if is_anothers(&facts, intent.id, &intent.principal.user) {
        let why = format!("its number {} is another job's by now: the scheduler forgot it", submitted.scheduler_job);
        let next = "`pakt settle` gives its hold back, and then the same command submits it again";
        return Err(JobsError::new(Gravity::Unknown, "the job was not read back", why, next));
    }
    let (mut changes, mut hold, mut link_hold) = (Vec::new(), None, None);
    if let Some(placement) = &intent.placement {
        let (given, price) =
            ceiling::of_kept(house, placement, facts.partition.as_ref(), &facts.requested, facts.time_limit)?;
        changes = drift(placement, &facts, &given);
        hold = match amend(house, directory, intent, &price).await? {
            Amended::To(unit, ceiling) => {
                link_hold = intent.link_hold.and(price.in_unit(&unit));
                Some((unit, ceiling))
            }
            Amended::Not => None,
            Amended::Refused(refusal) => {
                let taken_back = take_back(house, directory, intent, submitted, &refusal, &changes).await;
                // The next link is asked for as the site made this one, and not sent to be taken back as well. One that is not
                // taken back yet stays unread: noted, it would be held for as if it were covered.
                if taken_back.is_ok() && directory.link() != LinkNumber::FIRST {
                    let (unit, at) = (intent.hold.as_ref().map(|(unit, _)| unit), house.clock.now());
                    let link_hold = unit.and_then(|unit| price.in_unit(unit));
                    directory.put_read_back(&read_of(&facts, (changes, None, link_hold), at)).await?;
                }
                return Ok(Kept::TooLarge(taken_back.unwrap_or_else(|error| error)));
            }
        };
    }
    let read = read_of(&facts, (changes, hold, link_hold), house.clock.now());
    let read = directory.put_read_back(&read).await?;
    house.steps.done(Step::ReadBack);
    Ok(Kept::AsRead(Box::new(read)))
}

/// The record of what the scheduler keeps.
fn read_of(
    facts: &JobSighting,
    (drift, hold, link_hold): (Vec<String>, Option<(Unit, Amount)>, Option<Amount>),
    at: Timestamp,
) -> ReadBack {
    ReadBack {
        account: facts.account.clone(),
        partition: facts.partition.clone(),
        qos: facts.qos.clone(),
        time_limit: facts.time_limit,
        requested: facts.requested.clone(),
        drift,
        output: None,
        hold,
        link_hold,
        at,
    }
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
    let changed = if drift.is_empty() { String::new() } else { format!(" ({})", drift.join("; ")) };
    let why = format!("the site changed it{changed}, and now {}", in_words(refusal));
    if intent.sweep().is_some() {
        // Who sends more of them sees from here on that they are not wanted.
        directory.put_cancel(&Cancel { principal: house.principal.clone(), at: house.clock.now() }).await?;
    }
    for job in with_its_links(directory, intent, job).await? {
        taken_back(house.scheduler.cancel(job).await, &intent.name, job, &why)?;
    }
    // What links before this one do is not undone because of it.
    let is_first = directory.link() == LinkNumber::FIRST;
    if is_first {
        directory.put_cancel(&Cancel { principal: house.principal.clone(), at: house.clock.now() }).await?;
    }
    let which = if is_first { String::new() } else { format!("link {} of ", directory.link()) };
    Ok(JobsError::new(
        Gravity::Refused,
        format!("{which}job `{}` was submitted as {job} and taken back", intent.name),
        why,
        "ask for what the site makes of it, or go on with `--anyway REASON`; `pakt settle` closes its hold",
    ))
}

/// What is taken back with a job: of a sweep all of its links, which are alike.
async fn with_its_links(
    directory: &JobDirectory,
    intent: &Intent,
    job: SchedulerJobId,
) -> Result<BTreeSet<SchedulerJobId>, JobsError> {
    if intent.sweep().is_none() {
        return Ok(BTreeSet::from([job]));
    }
    Ok(directory.sent_links().await?.into_iter().map(|sent| sent.scheduler_job.whole()).collect())
}

/// Each difference between what was asked for and what the scheduler keeps or will give, in words.
fn drift(placement: &Placement, facts: &JobSighting, given: &Tres) -> Vec<String> {
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
    // Slurm keeps the names of accounts and of QOS in lower case.
    let lower = |name: &str| name.to_ascii_lowercase();
    let account = |name: &Option<model::AccountName>| name.as_ref().map(|name| lower(name.as_str()));
    compare("account", account(&placement.account), account(&facts.account));
    let kept_qos = facts.qos.as_ref().map(|name| lower(name.as_str()));
    let qos = placement.directives.iter().find(|directive| directive.option == "qos");
    // Of a list of QOS the scheduler takes one.
    let qos = qos.and_then(|qos| qos.value.as_deref()).map(lower);
    let is_one_of = |asked: &String| kept_qos.as_ref().is_some_and(|kept| asked.split(',').any(|name| name == kept));
    compare("QOS", qos.filter(|asked| !is_one_of(asked)), kept_qos.clone());
    compare("time limit", text(&placement.time_limit), facts.time_limit.as_ref().and_then(|limit| text(limit)));
    compare("nodes", text(&placement.nodes), facts.requested.nodes.as_ref().and_then(|nodes| text(nodes)));
    let number = |count: Option<u64>| count.map(|count| count.to_string());
    compare("GPUs", number(placement.charged.gpus_total), number(given.gpus_total));
    if placement.tariff.charge_rule.counts_cpus() {
        compare("CPUs", number(placement.charged.cpus), number(given.cpus));
    }
    drift
}

/// What became of a hold.
enum Amended {
    /// It stays as it is, or there is none.
    Not,
    /// This is held now, or is to be where the hold is entered later.
    To(Unit, Amount),
    /// An enforced budget does not cover what the job may cost now.
    Refused(Box<Refusal>),
}

/// Amends the hold to what the job may cost now.
async fn amend(house: &House, directory: &JobDirectory, intent: &Intent, price: &Price) -> Result<Amended, JobsError> {
    let Some((unit, held)) = &intent.hold else { return Ok(Amended::Not) };
    // Of a chain it is one link that the scheduler keeps.
    let planned = intent.link_hold.unwrap_or(*held);
    let Some(kept) = price.in_unit(unit).filter(|kept| *kept != planned) else { return Ok(Amended::Not) };
    let what = "the hold was not amended";
    let amended = |ceiling: Amount| Amended::To(unit.clone(), ceiling);
    let begun = of_begun(house, intent, kept)?;
    if directory.unheld().await?.is_some() {
        return Ok(amended(begun));
    }
    let Some(book) = house.book(what).await? else { return Ok(amended(begun)) };
    let id = HoldId(intent.id);
    match booked(book.hold(id).await, what)? {
        None => Ok(amended(begun)),
        Some(known) if !known.is_open() => Ok(Amended::Not),
        Some(known) => {
            let ceiling = match intent.link_hold {
                Some(planned) if intent.chain().is_some() && is_later(directory).await? => {
                    let others = at_work(directory, planned).await?;
                    let parts = others.into_iter().chain([kept, known.charged]);
                    Amount::sum(parts).map_err(|error| ceiling::too_large(&error))?.max(known.ceiling)
                }
                _ => begun,
            };
            let amend = Command::Amend(AmendHold { id, ceiling: NewCeiling::Wanted(ceiling) });
            posted(house, book.as_ref(), amend, amended(ceiling)).await
        }
    }
}

/// What is held when a job begins of which the scheduler keeps this: of as many links as are held for then. It is
/// the same however often it is done.
fn of_begun(house: &House, intent: &Intent, kept: Amount) -> Result<Amount, JobsError> {
    let links = intent.links_held(house.scheduler.capabilities().can_depend);
    let links = std::iter::repeat_n(kept, usize::try_from(links).unwrap_or(usize::MAX));
    Amount::sum(links).map_err(|error| ceiling::too_large(&error))
}

/// Whether links of the chain were sent beside this one.
async fn is_later(directory: &JobDirectory) -> Result<bool, JobsError> {
    Ok(directory.links().await?.len() > 1)
}

/// What the other links may take that have not ended, as far as the directory tells. A settlement knows it better, and lowers
/// what is too much.
async fn at_work(directory: &JobDirectory, planned: Amount) -> Result<Vec<Amount>, JobsError> {
    let current = directory.current_link().await?.link();
    let mut others = Vec::new();
    for link in directory.links().await? {
        if link.link() >= current && link.link() != directory.link() && link.submitted().await?.is_some() {
            others.push(link.read_back().await?.and_then(|read| read.link_hold).unwrap_or(planned));
        }
    }
    Ok(others)
}

async fn posted(house: &House, book: &dyn Book, amend: Command, amended: Amended) -> Result<Amended, JobsError> {
    match book.post(&house.principal, house.clock.now(), &[amend]).await {
        Err(error) => match error.kind {
            LedgerErrorKind::Refused(refusal) => Ok(Amended::Refused(refusal)),
            _ => booked(Err(error), "the hold was not amended"),
        },
        Ok(_) => Ok(amended),
    }
}
