//! The order of steps for a script.

use super::{
    guard::script_to_send,
    kept::{hold, read_back, release, released_before},
    options::Options,
};
use crate::{
    arithmetic,
    attended::attended,
    directory::{Intent, Origin},
    error::JobsError,
    house::{House, Step},
    provenance::{CodeView, FrozenCode, Sources, recorded},
    reached::reached,
    submit::{NotSent, Opened, SubmitAnswer, SubmitOutcome, digest_of, open_request, send, write_intent},
    undo::give_up,
};
use model::{ProjectName, WallTime};
use scheduler_adapters::{LocalResources, ScriptSource, Submission};
use std::path::{Path, PathBuf};

/// A script as a person hands it over.
#[derive(Clone, Debug)]
pub struct ScriptSubmission {
    /// The script, absolute.
    pub script: PathBuf,
    /// The options for sbatch, as given.
    pub options: Vec<String>,
    /// The words behind the script.
    pub arguments: Vec<String>,
    /// Whether it is handed over without the claim in front.
    pub as_is: bool,
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
/// Submits a script exactly once.
pub async fn submit_script(house: &House, wish: ScriptSubmission) -> Result<SubmitAnswer, JobsError> {
    let what = format!("`{}` was not submitted", wish.script.display());
    attended(house, &what)?;
    let bytes = reached(house.files.read(&wish.script, LONGEST_SCRIPT).await, &what)?;
    let text = bytes.ok_or_else(|| JobsError::usage(what.clone(), "there is no such file", "name a batch script"))?;
    let options = Options::of(&wish.options, &String::from_utf8_lossy(&text));
    options.refuse_owned(&what)?;
    if house.dialect == templates::Dialect::Local {
        let next = "write a job file that runs it: `pakt init --template command`";
        return Err(JobsError::usage(what, "there is no sbatch on this machine, which runs jobs by itself", next));
    }
    let digest = digest_of(house, &("sbatch", &text, &wish.options, &wish.arguments, &wish.directory, &wish.project));
    let intent = intent(house, &wish, &options, &digest).await?;
    let (directory, intent, was_begun) = match open_request(house, &digest, wish.again).await? {
        Opened::Begun(directory, intent) => (directory, *intent, true),
        Opened::Fresh { id, generation } => {
            let (directory, intent) = write_intent(house, &Intent { id, generation, ..intent }).await?;
            (directory, intent, false)
        }
    };
    let was_sent = directory.submitted().await?.is_some();
    if !was_sent {
        let sources = Sources::of_script(&wish.script, &wish.directory);
        let script = |_: Option<&FrozenCode>| Ok(Some(String::from_utf8_lossy(&text).into_owned()));
        recorded(house, (&CodeView::new(), &sources), (&directory, &intent), script).await?;
    }
    let (script, unguarded) = script_to_send(house, &directory, &intent, &wish, &text).await?;
    house.steps.done(Step::Scripted);
    let submitted = match send(house, &directory, &intent, &handed(&wish, &intent, &script)).await {
        Ok(submitted) => submitted,
        Err(NotSent::Refused(error)) => {
            give_up(house, &directory, &intent, format!("never sent: {}", error.why)).await?;
            return Err(error);
        }
        Err(NotSent::Open(error)) => return Err(error),
    };
    let was_read = directory.read_back().await?.is_some();
    let read = read_back(house, &directory, &intent, &submitted).await?;
    hold(house, &directory, &intent, &submitted, &read).await?;
    let held_again = if options.wants_hold() {
        released_before(house, &directory, &intent, &submitted).await?
    } else {
        release(house, &directory, &intent, &submitted, was_read).await?
    };
    let unheld = directory.unheld().await?;
    let log = read.output.as_ref().map(PathBuf::from);
    let held = read.hold.as_ref().filter(|_| unheld.is_none());
    let factors = held.and_then(|(_, held)| arithmetic::of_job(house, &intent, Some(&read), *held));
    Ok(SubmitAnswer {
        links: Vec::new(),
        sweep: None,
        sent_now: Vec::new(),
        id: intent.id,
        scheduler_job: submitted.scheduler_job,
        outcome: SubmitOutcome::of(was_begun, was_sent),
        hold: read.hold.filter(|_| unheld.is_none()),
        factors,
        no_hold: unheld.map(|unheld| unheld.reason),
        advice: None,
        drift: Vec::new(),
        notes: unguarded.into_iter().chain(held_again).collect(),
        doubts: Vec::new(),
        log: log.unwrap_or_else(|| wish.directory.join(format!("slurm-{}.out", submitted.scheduler_job))),
    })
}

async fn intent(house: &House, wish: &ScriptSubmission, options: &Options, digest: &str) -> Result<Intent, JobsError> {
    let words = wish.options.iter().chain(&wish.arguments).cloned().collect();
    Ok(Intent {
        version: 1,
        id: house.new_id(),
        name: options.job_name(&wish.script),
        project: wish.project.clone(),
        site: house.here.clone(),
        digest: digest.to_owned(),
        generation: 1,
        principal: house.principal.clone(),
        host: house.command_host().await?,
        made_at: house.clock.now(),
        origin: Some(Origin::Script { path: wish.script.to_string_lossy().into_owned(), words }),
        placement: None,
        hold: None,
        link_hold: None,
        continues: None,
        hold_later: None,
        expected: None,
        anyway: wish.anyway.clone(),
    })
}

/// Where it runs and what it is called beside the stamp are the script's own.
fn handed(wish: &ScriptSubmission, intent: &Intent, script: &Path) -> Submission {
    let mut options = wish.options.clone();
    options.push("--hold".to_owned());
    Submission {
        script: ScriptSource::File(script.to_string_lossy().into_owned()),
        job_name: intent.scheduler_name(),
        stamp: intent.stamp(),
        array: None,
        output: None,
        directory: None,
        options,
        script_arguments: wish.arguments.clone(),
        keeps_environment_options: true,
        local_resources: LocalResources { nodes: 1, cpus: 1, gpus: 0, time_limit: WallTime::from_seconds(3_600) },
    }
}
