//! `pakt adopt`: takes over a job that was submitted without Pakt, so that it is listed, watched and held for.

use crate::{
    budget::held_for,
    directory::{Intent, JobDirectory, Origin, ReadBack, SubmittedNote, Unheld},
    error::{Gravity, JobsError},
    house::House,
    reached::scheduled,
    submit::{Opened, digest_of, open_request, take_hold, write_intent},
};
use model::{Amount, JobId, JobName, ProjectName, SchedulerJobId, Unit};
use scheduler_adapters::{JobFacts, JobSighting};

/// A job that was taken over.
pub struct Adopted {
    /// Our id.
    pub id: JobId,
    /// The scheduler's.
    pub scheduler_job: SchedulerJobId,
    /// What is held.
    pub hold: Option<(Unit, Amount)>,
    /// Why nothing is.
    pub no_hold: Option<String>,
    /// Whether it had been taken over before.
    pub was_known: bool,
}

/// Takes over a job of one's own.
pub async fn adopt(house: &House, scheduler_job: SchedulerJobId, project: ProjectName) -> Result<Adopted, JobsError> {
    let what = format!("job {scheduler_job} was not taken over");
    if scheduler_job.task().is_some() {
        let next = "name it by its own number: `squeue --me --Format=JobID,JobArrayID`";
        return Err(JobsError::usage(what, "it is named as a task of an array", next));
    }
    let facts = scheduled(house.scheduler.read_back(scheduler_job).await, &what)?;
    refuse(house, &what, &facts.sighting)?;
    let (hold, unheld) = match held_for(house, &project, &facts.sighting, false).await? {
        Ok(hold) => (Some(hold), None),
        Err(unheld) => (None, Some(unheld)),
    };
    let digest = digest_of(house, &("adopt", scheduler_job, facts.sighting.submitted_at));
    let intent = Intent {
        version: 1,
        id: house.new_id(),
        name: name(&facts.sighting),
        project,
        site: house.here.clone(),
        digest: digest.clone(),
        generation: 1,
        principal: house.principal.clone(),
        host: house.command_host().await?,
        made_at: house.clock.now(),
        origin: Some(Origin::Adopted),
        placement: None,
        hold,
        link_hold: None,
        continues: None,
        hold_later: unheld.as_ref().and_then(Unheld::later),
        expected: None,
        anyway: Some("adopted: the job was submitted already".to_owned()),
    };
    let (directory, intent, was_known) = match open_request(house, &digest, false).await? {
        Opened::Begun(directory, intent) => (directory, *intent, true),
        Opened::Fresh { id, generation } => {
            let (directory, intent) = write_intent(house, &Intent { id, generation, ..intent }).await?;
            (directory, intent, false)
        }
    };
    keep(house, &directory, scheduler_job, facts).await?;
    take_hold(house, &directory, &intent).await?;
    let unheld = directory.unheld().await?.or(unheld).map(|unheld| unheld.reason);
    Ok(Adopted { id: intent.id, scheduler_job, hold: intent.hold, no_hold: unheld, was_known })
}

/// Refuses what is somebody else's, Pakt's already, over, or more than one job.
fn refuse(house: &House, what: &str, facts: &JobSighting) -> Result<(), JobsError> {
    if facts.user != house.principal.user {
        let why = format!("it belongs to {}", facts.user);
        let next = "adopt your own jobs; foreign runs are settled all the same";
        return Err(JobsError::new(Gravity::Refused, what, why, next));
    }
    if let Some(stamp) = facts.stamp {
        let next = format!("see `pakt show {}`", stamp.job);
        return Err(JobsError::usage(what, "it is a job of Pakt's already", next));
    }
    if facts.state.is_final() {
        let next = "`pakt settle` charges it as any foreign run";
        return Err(JobsError::usage(what, format!("it is over: {}", facts.state), next));
    }
    if facts.tasks > 1 {
        let next = "take its tasks over when they run; they are settled in any case";
        return Err(JobsError::usage(what, format!("it stands for {} tasks of an array", facts.tasks), next));
    }
    Ok(())
}

/// Writes down what the scheduler says of the job: when it is over, nobody may know any more where its output went.
async fn keep(
    house: &House,
    directory: &JobDirectory,
    scheduler_job: SchedulerJobId,
    facts: JobFacts,
) -> Result<(), JobsError> {
    let JobFacts { sighting, output, .. } = facts;
    let at = house.clock.now();
    let submitted_at = Some(sighting.submitted_at);
    let note = SubmittedNote { scheduler_job, cluster: sighting.cluster, at, was_found: true, submitted_at };
    directory.put_submitted(&note).await?;
    let read = ReadBack {
        account: sighting.account,
        partition: sighting.partition,
        qos: sighting.qos,
        time_limit: sighting.time_limit,
        requested: sighting.requested,
        drift: Vec::new(),
        output: output.map(|path| path.to_string_lossy().into_owned()),
        hold: None,
        link_hold: None,
        at,
    };
    directory.put_read_back(&read).await.map(drop)
}

/// The job's own name where it can be one of ours, else one made from its id.
fn name(facts: &JobSighting) -> JobName {
    let plain: String =
        facts.name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).take(64).collect();
    plain.parse().or_else(|_| format!("job-{}", facts.id).parse()).expect("`job-` and digits are a job name")
}
