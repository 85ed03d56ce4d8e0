//! `pakt adopt`: takes over a job that was submitted without Pakt, so that it is listed, watched and held for.

use crate::{
    budget::{Budget, Funding, funding},
    directory::{Intent, Origin, SubmittedNote},
    error::{Gravity, JobsError},
    house::House,
    reached::{booked, scheduled},
    submit::{Opened, digest_of, open_request, write_intent},
};
use ledger::{Book, Command, HoldId, NewHold};
use model::{Amount, JobId, JobName, ProjectName, SchedulerJobId, Unit, WallTime, price};
use scheduler_adapters::JobSighting;
use std::sync::Arc;

/// A job that was taken over.
pub struct Adopted {
    /// Our id.
    pub id: JobId,
    /// The scheduler's.
    pub scheduler_job: SchedulerJobId,
    /// What is held; none for a job without a limit or without a budget.
    pub hold: Option<(Unit, Amount)>,
    /// Whether it had been taken over before.
    pub was_known: bool,
}

/// Takes over a job of one's own.
pub async fn adopt(house: &House, scheduler_job: SchedulerJobId, project: ProjectName) -> Result<Adopted, JobsError> {
    let what = format!("job {scheduler_job} was not taken over");
    let facts = scheduled(house.scheduler.read_back(scheduler_job).await, &what)?.sighting;
    if facts.user != house.principal.user {
        let why = format!("it belongs to {}", facts.user);
        return Err(JobsError::new(
            Gravity::Refused,
            what,
            why,
            "adopt your own jobs; foreign runs are settled all the same",
        ));
    }
    if let Some(stamp) = facts.stamp {
        let next = format!("see `pakt show {}`", stamp.job);
        return Err(JobsError::usage(what, "it is a job of Pakt's already", next));
    }
    let budget = budget(house, &project, &facts).await?;
    let digest = digest_of(house, &("adopt", scheduler_job, facts.submitted_at));
    let intent = Intent {
        version: 1,
        id: house.new_id(),
        name: name(&facts),
        project,
        site: house.here.clone(),
        digest: digest.clone(),
        generation: 1,
        principal: house.principal.clone(),
        host: crate::reached::reached(house.files.host_name().await, &what)?,
        made_at: house.clock.now(),
        origin: Some(Origin::Adopted),
        placement: None,
        hold: budget.as_ref().map(|(_, unit, amount)| (unit.clone(), *amount)),
        anyway: Some("adopted: the job was submitted already".to_owned()),
    };
    let (directory, intent, was_known) = match open_request(house, &digest, false).await? {
        Opened::Begun(directory, intent) => (directory, *intent, true),
        Opened::Fresh { id, generation } => {
            let (directory, intent) = write_intent(house, &Intent { id, generation, ..intent }).await?;
            (directory, intent, false)
        }
    };
    let note = SubmittedNote { scheduler_job, cluster: facts.cluster, at: house.clock.now(), was_found: true };
    directory.put_submitted(&note).await?;
    if let (Some((book, _, _)), Some((unit, ceiling))) = (&budget, &intent.hold) {
        let hold = NewHold {
            id: HoldId(intent.id),
            project: intent.project.clone(),
            unit: unit.clone(),
            ceiling: *ceiling,
            anyway: intent.anyway.clone(),
            note: intent.name.to_string(),
            is_provisional: false,
        };
        booked(book.post(&house.principal, house.clock.now(), &[Command::Hold(hold)]).await, &what)?;
    }
    Ok(Adopted { id: intent.id, scheduler_job, hold: intent.hold, was_known })
}

/// What pays for the rest of the job, by what it asks for and its limit.
async fn budget(
    house: &House,
    project: &ProjectName,
    facts: &JobSighting,
) -> Result<Option<(Arc<dyn Book>, Unit, Amount)>, JobsError> {
    let Funding::Budget(book, Budget { unit, .. }) =
        funding(house, project, &house.here, facts.account.as_ref()).await?
    else {
        return Ok(None);
    };
    let limit: Option<WallTime> = facts.time_limit;
    let tariff = sites::tariff_for(house.site(&house.here)?, facts.partition.as_ref(), &facts.requested);
    let (Some(limit), Some(tariff)) = (limit, tariff) else { return Ok(None) };
    let priced = price(&facts.requested, limit, &tariff).map_err(|error| {
        JobsError::new(Gravity::Bug, "the job's ceiling was not counted", error.to_string(), "please report it")
    })?;
    Ok(priced.in_unit(&unit).map(|amount| (book, unit, amount)))
}

/// The job's own name where it can be one of ours, else one made from its id.
fn name(facts: &JobSighting) -> JobName {
    let plain: String =
        facts.name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).take(64).collect();
    plain.parse().or_else(|_| format!("job-{}", facts.id).parse()).expect("`job-` and digits are a job name")
}
