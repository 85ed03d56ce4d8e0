//! `pakt sbatch SCRIPT`: submits a batch script as it is, with a hold.
//!
//! Only the scheduler can tell for sure what a script with its options asks for. So the job is submitted *held*, read
//! back, its GPU-hours are held in the ledger, and then it is released; where the ledger refuses, it is taken back.

use crate::{
    budget::{held_for, hold_command},
    directory::{Ended, Intent, JobDirectory, Origin, ReadBack, SubmittedNote, Unheld},
    error::{Gravity, JobsError},
    house::{House, Step},
    reached::{booked, reached, scheduled},
    submit::{Opened, SubmitAnswer, SubmitOutcome, digest_of, open_request, send, write_intent},
};
use ledger::{LedgerErrorKind, Retry};
use model::{BaseState, JobName, JobState, ProjectName, WallTime};
use scheduler_adapters::{LocalResources, ScriptSource, Submission};
use std::path::PathBuf;

/// A script as a person hands it over.
#[derive(Clone, Debug)]
pub struct ScriptSubmission {
    /// The script, absolute.
    pub script: PathBuf,
    /// The options for sbatch, as given.
    pub options: Vec<String>,
    /// The words behind the script.
    pub arguments: Vec<String>,
    /// Where the person stands.
    pub directory: PathBuf,
    /// Who spends.
    pub project: ProjectName,
    /// A new job even while an earlier one of the same script is not over.
    pub again: bool,
    /// The reason to go on where the ledger refuses.
    pub anyway: Option<String>,
}

/// The longest script that is read for its digest, in bytes; Slurm's own limit is 4 MiB (slurm.conf(5), `max_script_size`).
const LONGEST_SCRIPT: usize = 4 * 1024 * 1024;
/// Options that would take the outcome away from us.
const OWNED: [&str; 6] = ["--parsable", "--wait", "-W", "--comment", "--test-only", "--array"];

/// Submits a script exactly once.
pub async fn submit_script(house: &House, wish: ScriptSubmission) -> Result<SubmitAnswer, JobsError> {
    let what = format!("`{}` was not submitted", wish.script.display());
    refuse_owned(&wish, &what)?;
    let bytes = reached(house.files.read(&wish.script, LONGEST_SCRIPT).await, &what)?;
    let text = bytes.ok_or_else(|| JobsError::usage(what.clone(), "there is no such file", "name a batch script"))?;
    let digest = digest_of(house, &("sbatch", &text, &wish.options, &wish.arguments, &wish.directory, &wish.project));
    let intent = intent(house, &wish, &digest, &text).await?;
    let (directory, intent, was_begun) = match open_request(house, &digest, wish.again).await? {
        Opened::Begun(directory, intent) => (directory, *intent, true),
        Opened::Fresh { id, generation } => {
            let (directory, intent) = write_intent(house, &Intent { id, generation, ..intent }).await?;
            (directory, intent, false)
        }
    };
    let was_sent = directory.submitted().await?.is_some();
    let submitted = match send(house, &directory, &intent, &handed(&wish, &intent)).await {
        Err(error) if error.gravity == Gravity::Refused => {
            end(house, &directory, &error.why).await?;
            return Err(error);
        }
        result => result?,
    };
    let read = read_back(house, &directory, &intent, &submitted).await?;
    hold(house, &directory, &intent, &submitted, &read).await?;
    scheduled(house.scheduler.release(submitted.scheduler_job).await, "the job was submitted but not released")?;
    let unheld = directory.unheld().await?;
    Ok(SubmitAnswer {
        id: intent.id,
        scheduler_job: submitted.scheduler_job,
        outcome: match (was_begun, was_sent) {
            (_, true) => SubmitOutcome::Already,
            (true, false) => SubmitOutcome::Resumed,
            (false, false) => SubmitOutcome::New,
        },
        hold: read.hold.filter(|_| unheld.is_none()),
        no_hold: unheld.map(|unheld| unheld.reason),
        drift: Vec::new(),
        notes: Vec::new(),
        doubts: Vec::new(),
        log: wish.directory.join(format!("slurm-{}.out", submitted.scheduler_job)),
    })
}

fn refuse_owned(wish: &ScriptSubmission, what: &str) -> Result<(), JobsError> {
    for option in &wish.options {
        let name = option.split('=').next().unwrap_or(option);
        if OWNED.contains(&name) || name == "-a" {
            let why = format!("`{name}` belongs to Pakt here, or is not supported for scripts");
            return Err(JobsError::usage(
                what,
                why,
                "take it out; plain `sbatch` still counts: its run is settled as foreign",
            ));
        }
    }
    Ok(())
}

async fn intent(house: &House, wish: &ScriptSubmission, digest: &str, text: &[u8]) -> Result<Intent, JobsError> {
    let words = wish.options.iter().chain(&wish.arguments).cloned().collect();
    Ok(Intent {
        version: 1,
        id: house.new_id(),
        name: job_name(wish, &String::from_utf8_lossy(text)),
        project: wish.project.clone(),
        site: house.here.clone(),
        digest: digest.to_owned(),
        generation: 1,
        principal: house.principal.clone(),
        host: reached(house.files.host_name().await, "the name of this host was not read")?,
        made_at: house.clock.now(),
        origin: Some(Origin::Script { path: wish.script.to_string_lossy().into_owned(), words }),
        placement: None,
        hold: None,
        hold_later: None,
        anyway: wish.anyway.clone(),
    })
}

/// The name the person gave: by option, by the script's own line, else the file's name.
fn job_name(wish: &ScriptSubmission, text: &str) -> JobName {
    let in_options = option_value(wish.options.iter().map(String::as_str));
    let lines = text.lines().filter_map(|line| line.strip_prefix("#SBATCH "));
    let in_script = lines.filter_map(|line| option_value(line.split_whitespace())).next_back();
    let file = wish.script.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = in_options.or(in_script).unwrap_or(file);
    let plain: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' })
        .take(64)
        .collect();
    plain
        .trim_start_matches(['-', '_', '.'])
        .parse()
        .unwrap_or_else(|_| "script".parse().expect("a plain word is a job name"))
}

fn option_value<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut name = None;
    while let Some(word) = words.next() {
        if word == "-J" || word == "--job-name" {
            name = words.next().map(str::to_owned);
        } else if let Some(value) = word.strip_prefix("--job-name=").or_else(|| word.strip_prefix("-J")) {
            name = Some(value.to_owned());
        }
    }
    name
}

fn handed(wish: &ScriptSubmission, intent: &Intent) -> Submission {
    let mut options = wish.options.clone();
    options.push("--hold".to_owned());
    Submission {
        script: ScriptSource::File(wish.script.to_string_lossy().into_owned()),
        job_name: intent.scheduler_name(),
        stamp: intent.stamp(),
        output: None,
        directory: Some(wish.directory.to_string_lossy().into_owned()),
        options,
        script_arguments: wish.arguments.clone(),
        keeps_environment_options: true,
        local_resources: LocalResources { nodes: 1, cpus: 1, gpus: 0, time_limit: WallTime::from_seconds(3_600) },
    }
}

async fn read_back(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
) -> Result<ReadBack, JobsError> {
    if let Some(known) = directory.read_back().await? {
        return Ok(known);
    }
    let what = format!("job {} was submitted, held, and not read back", submitted.scheduler_job);
    let facts = scheduled(house.scheduler.read_back(submitted.scheduler_job).await, &what)?.sighting;
    let hold = match held_for(house, &intent.project, &facts).await? {
        Ok(hold) => Some(hold),
        Err(unheld) => {
            directory.put_unheld(&unheld).await?;
            None
        }
    };
    let read = ReadBack {
        account: facts.account,
        partition: facts.partition,
        qos: facts.qos,
        time_limit: facts.time_limit,
        requested: facts.requested,
        drift: Vec::new(),
        hold,
        at: house.clock.now(),
    };
    let read = directory.put_read_back(&read).await?;
    house.steps.done(Step::ReadBack);
    Ok(read)
}

/// Enters the hold; a refusal takes the held job back.
async fn hold(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    submitted: &SubmittedNote,
    read: &ReadBack,
) -> Result<(), JobsError> {
    let Some((unit, ceiling)) = &read.hold else { return Ok(()) };
    let what = format!("job `{}` was not released", intent.name);
    let Some(book) = house.book(&what).await? else { return Ok(()) };
    let hold = hold_command(intent, unit, *ceiling, false);
    match book.post(&house.principal, house.clock.now(), &[hold]).await {
        Err(error) if error.retry == Retry::Later => {
            let unheld = Unheld { reason: error.to_string(), is_provisional: true };
            directory.put_unheld(&unheld).await.map(drop)
        }
        Err(error) if matches!(error.kind, LedgerErrorKind::Refused(_)) => {
            scheduled(house.scheduler.cancel(submitted.scheduler_job).await, "the refused job was not taken back")?;
            end(house, directory, &error.to_string()).await?;
            booked(Err(error), &what)
        }
        result => {
            booked(result, &what)?;
            house.steps.done(Step::Held);
            Ok(())
        }
    }
}

async fn end(house: &House, directory: &JobDirectory, why: &str) -> Result<(), JobsError> {
    let ended = Ended {
        state: JobState::of(BaseState::Cancelled),
        exit_code: None,
        at: None,
        note: Some(format!("never released: {why}")),
        observed_at: house.clock.now(),
    };
    directory.put_ended(&ended).await.map(drop)
}
