//! The route in order. Bad input is refused before the first step; after a refusal nothing is left but a note of it.

use super::{
    Opened, Sheet, digest_of,
    hold::take_hold,
    open_request,
    read_back::{Kept, read_back},
    send::{NotSent, send},
    write_intent,
};
use crate::{
    arithmetic,
    attended::attended,
    directory::{Intent, JobDirectory, Origin, ReadBack, SubmittedNote},
    error::{Gravity, JobsError},
    expected::expected,
    house::{House, Step},
    job_file::{JobFile, Mistake},
    outlook::{Advice, advice, budget_of},
    prepare::{NoHold, Prepared, prepare},
    reached::reached,
    undo::give_up,
};
use ledger::Book;
use model::{Amount, Factors, JobId, ProjectName, SchedulerJobId, Unit, Window};
use scheduler_adapters::Submission as Handed;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a person asks for.
pub struct Submission {
    /// The job.
    pub file: JobFile,
    /// A new job even while an earlier one of the same file is not over.
    pub again: bool,
    /// The reason to go on where the ledger refuses.
    pub anyway: Option<String>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubmitOutcome {
    /// It was submitted now.
    New,
    /// It had been begun; now it is submitted.
    Resumed,
    /// It was submitted before and is not over.
    Already,
}

impl SubmitOutcome {
    pub(crate) const fn of(was_begun: bool, was_sent: bool) -> Self {
        match (was_begun, was_sent) {
            (_, true) => Self::Already,
            (true, false) => Self::Resumed,
            (false, false) => Self::New,
        }
    }
}

/// A submitted job.
pub struct SubmitAnswer {
    /// Our id.
    pub id: JobId,
    /// The scheduler's.
    pub scheduler_job: SchedulerJobId,
    /// What became of the request.
    pub outcome: SubmitOutcome,
    /// What is held.
    pub hold: Option<(Unit, Amount)>,
    /// How that comes about.
    pub factors: Option<Factors>,
    /// Why nothing is held.
    pub no_hold: Option<String>,
    /// What the budget's policy said to the job, where it was made now.
    pub advice: Option<Advice>,
    /// What the scheduler changed.
    pub drift: Vec<String>,
    /// What could not be done and loses nothing.
    pub notes: Vec<String>,
    /// Doubts about the job file.
    pub doubts: Vec<Mistake>,
    /// Where its log will be.
    pub log: PathBuf,
}

/// Writes the sheet of an intent: the script's text, and what the scheduler is handed.
type SheetWriter = Box<dyn Fn(&Intent) -> Result<(Option<String>, Handed), JobsError> + Send + Sync>;

/// What the common part of the route needs of a job, however it was described.
pub(crate) struct Route {
    pub(crate) digest: String,
    pub(crate) again: bool,
    pub(crate) intent: Intent,
    pub(crate) sheet: SheetWriter,
}

/// Submits a job exactly once.
pub async fn submit(house: &House, submission: Submission) -> Result<SubmitAnswer, JobsError> {
    let Submission { file, again, anyway } = submission;
    attended(house, &format!("job `{}` was not submitted", file.spec.name))?;
    let Prepared { placement, hold, no_hold, doubts, .. } = prepare(house, &file).await?;
    Sheet::of(house, &file.spec, &placement, JobId::from_parts(model::Timestamp::default(), 0))?;
    let expected = expected(&file.spec, &placement, house.clock.now(), &house.machine_zone);
    let advice = advice_for(house, &file.spec.project, hold.as_ref(), expected).await;
    let digest = digest_of(house, &file.spec);
    let log = file.spec.output.clone().map(PathBuf::from);
    let spec = file.spec.clone();
    let origin = Origin::JobFile {
        path: file.source.path.to_string_lossy().into_owned(),
        text: file.source.text.clone(),
        spec: Box::new(file.spec.clone()),
    };
    let intent = Intent {
        version: 1,
        id: house.new_id(),
        name: file.spec.name.clone(),
        project: file.spec.project.clone(),
        site: placement.site.clone(),
        digest: digest.clone(),
        generation: 1,
        principal: house.principal.clone(),
        host: house.command_host().await?,
        made_at: house.clock.now(),
        origin: Some(origin),
        placement: Some(placement),
        hold: hold.map(|(_, unit, amount)| (unit, amount)),
        hold_later: no_hold.as_ref().and_then(NoHold::later),
        expected: Some(expected),
        anyway,
    };
    let sheets = house.clone();
    let sheet = Box::new(move |intent: &Intent| {
        let Some(placement) = &intent.placement else { return Err(not_ours(intent)) };
        let sheet = Sheet::of(&sheets, &spec, placement, intent.id)?;
        let handed = sheet.submission(&sheets.state.job(intent.id).script());
        Ok((Some(sheet.script), handed))
    });
    let no_hold = no_hold.map(|why| match why {
        NoHold::Never(why) | NoHold::NotNow(why) => why,
    });
    let mut answer = follow(house, Route { digest, again, intent, sheet }).await?;
    answer.log = log.unwrap_or(answer.log);
    answer.no_hold = answer.no_hold.or(no_hold);
    answer.doubts = doubts;
    answer.advice = advice.filter(|_| answer.outcome == SubmitOutcome::New && answer.hold.is_some());
    Ok(answer)
}

/// What the budget's policy says to the job. Whoever is not told of a low priority loses nothing, so a ledger that does not
/// answer is not waited for.
async fn advice_for(
    house: &House,
    project: &ProjectName,
    hold: Option<&(Arc<dyn Book>, Unit, Amount)>,
    expected: Window,
) -> Option<Advice> {
    let (book, unit, amount) = hold?;
    let budget = budget_of(house, book.as_ref(), project, unit).await.ok()??;
    advice(&budget, *amount, Some(expected)).ok()
}

/// Follows the route from the request to the read-back, taking up whatever an earlier process left.
pub(crate) async fn follow(house: &House, route: Route) -> Result<SubmitAnswer, JobsError> {
    let (directory, intent, was_begun) = match open_request(house, &route.digest, route.again).await? {
        Opened::Begun(directory, intent) => (directory, *intent, true),
        Opened::Fresh { id, generation } => {
            let (directory, intent) = write_intent(house, &Intent { id, generation, ..route.intent }).await?;
            (directory, intent, false)
        }
    };
    let was_sent = directory.submitted().await?.is_some();
    let (script, handed) = (route.sheet)(&intent)?;
    if let Some(script) = script.filter(|_| !was_sent) {
        directory.put_script(&script).await?;
        make_log_folder(house, &handed).await?;
        house.steps.done(Step::Scripted);
    }
    if !was_sent && let Err(error) = take_hold(house, &directory, &intent).await {
        return Err(refused(house, &directory, &intent, error).await?);
    }
    let submitted = match send(house, &directory, &intent, &handed).await {
        Ok(submitted) => submitted,
        Err(NotSent::Refused(error)) => return Err(refused(house, &directory, &intent, error).await?),
        Err(NotSent::Open(error)) => return Err(error),
    };
    let (read, notes) = match read_back(house, &directory, &intent, &submitted).await {
        Ok(Kept::AsRead(read)) => (Some(read), Vec::new()),
        Ok(Kept::TooLarge(error)) => return Err(error),
        Err(error) => (None, vec![error.to_string()]),
    };
    let outcome = SubmitOutcome::of(was_begun, was_sent);
    answer(house, &directory, intent, &submitted, outcome, (read, notes)).await
}

async fn answer(
    house: &House,
    directory: &JobDirectory,
    intent: Intent,
    submitted: &SubmittedNote,
    outcome: SubmitOutcome,
    (read, notes): (Option<ReadBack>, Vec<String>),
) -> Result<SubmitAnswer, JobsError> {
    let unheld = directory.unheld().await?;
    let hold = read.as_ref().and_then(|read| read.hold.clone()).or(intent.hold.clone()).filter(|_| unheld.is_none());
    let factors = hold.as_ref().and_then(|(_, held)| arithmetic::of_job(house, &intent, read.as_ref(), *held));
    Ok(SubmitAnswer {
        id: intent.id,
        scheduler_job: submitted.scheduler_job,
        outcome,
        hold,
        factors,
        no_hold: unheld.map(|unheld| unheld.reason),
        advice: None,
        drift: read.map(|read| read.drift).unwrap_or_default(),
        notes,
        doubts: Vec::new(),
        log: directory.log(),
    })
}

/// Slurm makes no folder for a log, and a job whose log cannot be opened fails at its start.
async fn make_log_folder(house: &House, handed: &Handed) -> Result<(), JobsError> {
    let Some(folder) = handed.output.as_ref().and_then(|output| Path::new(output).parent()) else { return Ok(()) };
    if folder.to_string_lossy().contains('%') {
        return Ok(());
    }
    let made = house.files.create_directories(folder, house.state.mode()).await;
    reached(made, &format!("the folder of the log, `{}`, was not made", folder.display()))
}

/// After a refusal, of the ledger or the scheduler, there is no job and will be none: it is given up. Any other error
/// leaves it begun, and the next `submit` goes on.
async fn refused(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    error: JobsError,
) -> Result<JobsError, JobsError> {
    if error.gravity == Gravity::Refused {
        give_up(house, directory, intent, format!("never sent: {}", error.why)).await?;
    }
    Ok(error)
}

fn not_ours(intent: &Intent) -> JobsError {
    let why = "its intent has no placement: it was not made from a job file";
    JobsError::new(Gravity::Bug, format!("job {} was not submitted", intent.id), why, "please report it")
}
