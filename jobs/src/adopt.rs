//! `pakt adopt`: takes over a job that was submitted without Pakt, so that it is listed, watched and held for.

use crate::{
    budget::held_for,
    directory::{Intent, Origin, SubmittedNote, Unheld},
    error::{Gravity, JobsError},
    house::House,
    reached::scheduled,
    submit::{Opened, digest_of, host_name, open_request, take_hold, write_intent},
};
use model::{Amount, JobId, JobName, ProjectName, SchedulerJobId, Unit};
use scheduler_adapters::JobSighting;

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
    if facts.state.is_final() {
        let next = "`pakt settle` charges it as any foreign run";
        return Err(JobsError::usage(what, format!("it is over: {}", facts.state), next));
    }
    if facts.tasks > 1 {
        let next = "take its tasks over when they run; they are settled in any case";
        return Err(JobsError::usage(what, format!("it stands for {} tasks of an array", facts.tasks), next));
    }
    let (hold, unheld) = match held_for(house, &project, &facts, false).await? {
        Ok(hold) => (Some(hold), None),
        Err(unheld) => (None, Some(unheld)),
    };
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
        host: host_name(house).await?,
        made_at: house.clock.now(),
        origin: Some(Origin::Adopted),
        placement: None,
        hold,
        hold_later: unheld.as_ref().and_then(Unheld::later),
        anyway: Some("adopted: the job was submitted already".to_owned()),
    };
    let (directory, intent, was_known) = match open_request(house, &digest, false).await? {
        Opened::Begun(directory, intent) => (directory, *intent, true),
        Opened::Fresh { id, generation } => {
            let (directory, intent) = write_intent(house, &Intent { id, generation, ..intent }).await?;
            (directory, intent, false)
        }
    };
    let note = SubmittedNote {
        scheduler_job,
        cluster: facts.cluster,
        at: house.clock.now(),
        was_found: true,
        submitted_at: Some(facts.submitted_at),
    };
    directory.put_submitted(&note).await?;
    take_hold(house, &directory, &intent).await?;
    let unheld = directory.unheld().await?.or(unheld).map(|unheld| unheld.reason);
    Ok(Adopted { id: intent.id, scheduler_job, hold: intent.hold, no_hold: unheld, was_known })
}

/// The job's own name where it can be one of ours, else one made from its id.
fn name(facts: &JobSighting) -> JobName {
    let plain: String =
        facts.name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).take(64).collect();
    plain.parse().or_else(|_| format!("job-{}", facts.id).parse()).expect("`job-` and digits are a job name")
}
