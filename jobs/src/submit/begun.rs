//! A job that was begun: its intent and its script lie in its directory, and it goes on from there whoever takes it up.

use super::{
    Opened,
    array::Task,
    links::{SentLinks, send_links},
    read_back::{Kept, Seen, read_back},
    ready::{Ready, Told},
    route::{SubmitAnswer, SubmitOutcome, SubmittedSweep},
    send::{NotSent, send},
    write_intent,
};
use crate::{
    arithmetic,
    chain::{advance, of_first_link},
    directory::{Intent, JobDirectory, ReadBack, SentLink, SetTask, SubmittedNote},
    error::{Gravity, JobsError},
    house::{House, Step},
    provenance::{FrozenCode, recorded},
    reached::reached,
    undo::give_up,
};
use model::Sweep;
use scheduler_adapters::Submission as Handed;
use std::{path::Path, sync::OnceLock};

/// Said of a chain where no job can wait for another one's end.
const ONE_BY_ONE: &str = "here one link is queued at a time: `pakt watch` queues the next one while it runs, and so does `pakt resume --all`";

pub(super) struct Begun {
    pub(super) directory: JobDirectory,
    pub(super) intent: Intent,
    /// An earlier process began it.
    pub(super) is_taken_up: bool,
    /// And sent it.
    pub(super) was_sent: bool,
    /// The task of an array that it is to be.
    pub(super) task: Option<SetTask>,
    pub(super) handed: Handed,
    /// Why not all links of a sweep were sent, once that was tried.
    pub(super) unsent: OnceLock<Option<JobsError>>,
    pub(super) told: Told,
}

/// Begins a job, or takes up what an earlier process left of it.
pub(super) async fn begin(house: &House, opened: Opened, ready: Ready) -> Result<Begun, JobsError> {
    let (directory, intent, is_taken_up) = match opened {
        Opened::Begun(directory, intent) => (directory, *intent, true),
        Opened::Fresh { id, generation } => {
            let (directory, intent) = write_intent(house, &Intent { id, generation, ..ready.intent.clone() }).await?;
            (directory, intent, false)
        }
    };
    let was_sent = directory.submitted().await?.is_some();
    if let Some(checkpoint) = intent.continues.as_ref().filter(|_| !was_sent) {
        directory.begin_checkpoints(checkpoint).await?;
    }
    let frozen = if was_sent { None } else { recorded_code(house, &ready, &directory, &intent).await? };
    let (script, handed) = (ready.sheet)(&intent, frozen.as_ref())?;
    if let Some(sweep) = intent.sweep().filter(|_| !was_sent) {
        directory.put_cells(templates::render_cells(sweep).as_bytes()).await?;
    }
    if let Some(script) = script.filter(|_| !was_sent) {
        directory.put_script(script.as_bytes()).await?;
        make_log_folder(house, &directory, &handed).await?;
        house.steps.done(Step::Scripted);
    }
    Ok(Begun {
        directory,
        intent,
        is_taken_up,
        was_sent,
        task: None,
        handed,
        unsent: OnceLock::new(),
        told: ready.told,
    })
}

/// Writes down what a job is made of, unless that was done; the code that it brings.
async fn recorded_code(
    house: &House,
    ready: &Ready,
    directory: &JobDirectory,
    intent: &Intent,
) -> Result<Option<FrozenCode>, JobsError> {
    let script = |code: Option<&FrozenCode>| Ok((ready.sheet)(intent, code)?.0);
    let record = recorded(house, (&ready.code, &ready.sources), (directory, intent), script).await?;
    Ok(record.frozen)
}

impl Begun {
    /// What it is as a task of an array.
    pub(super) const fn task_of(&self) -> Task<'_> {
        Task { directory: &self.directory, intent: &self.intent }
    }

    /// The same as a task of an array, if its id is that of the task: a job that was begun by another call is none.
    pub(super) fn with_task(self, task: Option<SetTask>) -> Self {
        let task = task.filter(|task| task.job() == self.intent.id);
        Self { task, ..self }
    }

    /// Hands it to the scheduler unless that was done. A refused one is given up.
    pub(super) async fn send(&self, house: &House) -> Result<SubmittedNote, JobsError> {
        if self.intent.sweep().is_some() {
            return self.send_links(house).await;
        }
        let mut handed = self.handed.clone();
        if !self.was_sent {
            handed.options.extend(of_first_link(house, &self.intent).await?);
        }
        match send(house, &self.directory, &self.intent, &handed).await {
            Ok(submitted) => Ok(submitted),
            Err(NotSent::Refused(error)) => Err(self.refused(house, error).await?),
            Err(NotSent::Open(error)) => Err(error),
        }
    }

    /// Hands its links to the scheduler, as many as it takes now; the note of the first one. It is given up where none was taken.
    async fn send_links(&self, house: &House) -> Result<SubmittedNote, JobsError> {
        let SentLinks { not_sent, .. } = Box::pin(send_links(house, &self.directory, &self.intent)).await?;
        let is_unwanted = self.directory.is_ended_or_cancelled().await?;
        if let Some(error) = not_sent.as_ref().filter(|_| is_unwanted) {
            return Err(error.clone());
        }
        let first = match self.directory.sent_links().await?.first() {
            Some(first) => self.directory.of_link(first.link).submitted().await?,
            None => None,
        };
        if let Some(first) = first {
            self.unsent.get_or_init(|| not_sent);
            return Ok(first);
        }
        let error = not_sent.unwrap_or_else(|| {
            let what = format!("job `{}` was not submitted", self.intent.name);
            JobsError::new(Gravity::Bug, what, "none of its links was", "please report it")
        });
        Err(self.refused(house, error).await?)
    }

    /// After a refusal, of the ledger or the scheduler, there is no job and will be none: it is given up. Any other error
    /// leaves it begun, and the next `submit` goes on.
    pub(super) async fn refused(&self, house: &House, error: JobsError) -> Result<JobsError, JobsError> {
        if error.gravity == Gravity::Refused {
            give_up(house, &self.directory, &self.intent, format!("never sent: {}", error.why)).await?;
        }
        Ok(error)
    }

    /// Reads it back and says what became of it.
    pub(super) async fn answer(
        self,
        house: &House,
        submitted: &SubmittedNote,
        seen: Seen,
    ) -> Result<SubmitAnswer, JobsError> {
        let (read, notes) = match Box::pin(read_back(house, &self.directory, &self.intent, submitted, seen)).await {
            Ok(Kept::AsRead(read)) => (Some(*read), Vec::new()),
            Ok(Kept::TooLarge(error)) => return Err(error),
            Err(error) => (None, vec![error.to_string()]),
        };
        self.told_of(house, submitted, read, notes).await
    }

    async fn told_of(
        self,
        house: &House,
        submitted: &SubmittedNote,
        read: Option<ReadBack>,
        notes: Vec<String>,
    ) -> Result<SubmitAnswer, JobsError> {
        let Self { directory, intent, is_taken_up, was_sent, told, unsent, .. } = self;
        let (links, sent_now, unsent) = match intent.sweep() {
            Some(sweep) => of_sweep(&directory, sweep, unsent.into_inner().flatten()).await?,
            None => links(house, &directory, &intent).await?,
        };
        let is_alone = intent.chain().is_some() && !house.scheduler.capabilities().can_depend;
        let one_by_one = is_alone.then(|| ONE_BY_ONE.to_owned());
        let brought = if was_sent { brought_before(&directory).await? } else { None };
        let unheld = directory.unheld().await?;
        let hold = read.as_ref().and_then(|read| read.hold.clone()).or(intent.hold.clone());
        let hold = hold.filter(|_| unheld.is_none());
        let factors = hold.as_ref().and_then(|(_, held)| arithmetic::of_job(house, &intent, read.as_ref(), *held));
        Ok(SubmitAnswer {
            id: intent.id,
            scheduler_job: submitted.scheduler_job,
            outcome: SubmitOutcome::of(is_taken_up, was_sent),
            hold,
            links,
            sweep: intent.sweep().map(SubmittedSweep::of),
            sent_now,
            factors,
            no_hold: unheld.map(|unheld| unheld.reason).or(told.no_hold),
            advice: None,
            drift: read.map(|read| read.drift).unwrap_or_default(),
            notes: notes.into_iter().chain(unsent).chain(brought).chain(one_by_one).collect(),
            doubts: told.doubts,
            log: told.log.unwrap_or_else(|| directory.log()),
        })
    }
}

/// That a job which was submitted before runs the code of then, where it brought it.
async fn brought_before(directory: &JobDirectory) -> Result<Option<String>, JobsError> {
    let record = directory.provenance().await?.filter(|record| record.frozen.is_some());
    let note =
        |at| format!("it runs the code as it was packed at {at}; `--again` submits a new job with what lies there now");
    Ok(record.map(|record| note(record.at)))
}

/// Sends the links of a chain that are due; all that were sent, and why the next one was not. The first one stands whatever
/// becomes of them.
async fn links(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
) -> Result<(Vec<SentLink>, Vec<SentLink>, Option<String>), JobsError> {
    if intent.chain().is_none() {
        return Ok((Vec::new(), Vec::new(), None));
    }
    let (sent_now, unsent) = match Box::pin(advance(house, directory, intent)).await {
        Ok(advanced) => (advanced.sent, advanced.not_sent),
        Err(error) => (Vec::new(), Some(error)),
    };
    Ok((directory.sent_links().await?, sent_now, unsent.map(|error| error.to_string())))
}

/// The links of a sweep that were sent, and what is to be said of those that were not.
async fn of_sweep(
    directory: &JobDirectory,
    sweep: &Sweep,
    unsent: Option<JobsError>,
) -> Result<(Vec<SentLink>, Vec<SentLink>, Option<String>), JobsError> {
    let sent = directory.sent_links().await?;
    let (count, all) = (sent.len(), sweep.links());
    let note = unsent.map(|error| {
        format!(
            "{count} of its {all} links are submitted ({}); `pakt resume` submits the others, and so does `pakt watch`",
            error.why
        )
    });
    Ok((sent, Vec::new(), note))
}

/// Slurm makes no folder for a log, and a job whose log cannot be opened fails at its start.
pub(super) async fn make_log_folder(house: &House, directory: &JobDirectory, handed: &Handed) -> Result<(), JobsError> {
    let Some(folder) = handed.output.as_ref().and_then(|output| Path::new(output).parent()) else { return Ok(()) };
    // The job's own directory is there.
    if folder == directory.path() || folder.to_string_lossy().contains('%') {
        return Ok(());
    }
    let made = house.files.create_directories(folder, house.state.mode()).await;
    reached(made, &format!("the folder of the log, `{}`, was not made", folder.display()))
}
