//! Submitting by the server: what `sbatch` reads and sends is read here, sent once, and looked up where nobody knows.

use super::{
    description::{Description, Export},
    server::{Told, Unanswered, job_in},
};
use crate::{
    AdapterError, AdapterErrorKind, SUBMISSION_PATIENCE, ScriptSource, Submission, Submitted,
    slurm::{
        SlurmCommands,
        call::Tool,
        refusal,
        submit::{in_environment, options},
    },
};
use model::SchedulerJobId;
use reach::{
    Command,
    http::{HttpCall, HttpMethod},
};
use serde_json::Value;
use slurm_messages::{
    additions::{LIST_LIMIT, Settings},
    script::directives,
};
use std::{collections::BTreeMap, path::Path};
use tokio::sync::OnceCell;

/// The most bytes of a batch script, as `sbatch` has it (`MAX_SCRIPT_SIZE` of `src/sbatch/sbatch.c`).
const SCRIPT_LIMIT: usize = 4 * 1024 * 1024;

const SUBMITTING: &str = "submitting (slurmrestd)";

/// Prints what a job inherits: mask, folder, host, and the variables, each behind a NUL.
const SURROUNDINGS: &str = "umask; pwd -P; uname -n; exec env -0";

/// What is the same for all submissions of a process, and asked once.
#[derive(Default)]
pub(super) struct Once {
    /// Why a site's own additions to `sbatch` would be passed by.
    additions: OnceCell<Option<String>>,
    surroundings: OnceCell<Surroundings>,
}

/// What a submission is made in.
struct Surroundings {
    mask: String,
    directory: String,
    host: String,
    variables: BTreeMap<String, String>,
}

impl SlurmCommands {
    /// Submits by the server, once. None where nothing was sent and another way may be gone.
    pub(in crate::slurm) async fn rest_submit(
        &self,
        submission: &Submission,
    ) -> Option<Result<Submitted, AdapterError>> {
        let (rest, asker) = self.rest().await?;
        if submission.keeps_environment_options {
            return None;
        }
        let offer = rest.offer(asker).await?;
        let version = offer.controller.filter(|_| !offer.job_fields.is_empty())?;
        let request = match self.rest_request(&rest.once, version, &offer.job_fields, submission).await {
            Ok(request) => request,
            Err(why) => {
                rest.say(&format!("sbatch submitted: {why}"));
                return None;
            }
        };
        let path = format!("/slurm/v0.0.{version}/job/submit");
        let body = Some(serde_json::to_vec(&request).expect("texts and numbers"));
        let call = HttpCall { method: HttpMethod::Post, body, ..HttpCall::get(path, SUBMISSION_PATIENCE, 0) };
        match rest.ask(call, asker).await {
            Ok(answer) => Some(submitted(&answer)),
            Err(Unanswered::NotAsked) => None,
            Err(unanswered) => {
                let error = not_submitted(&unanswered);
                if error.is_none() {
                    rest.say(&format!("sbatch submitted: {}", unanswered.words()));
                }
                error.map(Err)
            }
        }
    }

    /// The request; the error says why the command has to submit.
    async fn rest_request(
        &self,
        once: &Once,
        version: u16,
        known: &std::collections::BTreeSet<String>,
        submission: &Submission,
    ) -> Result<Value, String> {
        let surroundings = once.surroundings.get_or_try_init(|| self.surroundings()).await?;
        if let Some(why) = once.additions.get_or_try_init(|| self.additions_to_sbatch(surroundings)).await? {
            return Err(why.clone());
        }
        let ScriptSource::File(path) = &submission.script;
        let bytes = self.reach.read(Path::new(path), SCRIPT_LIMIT).await.map_err(|error| error.to_string())?;
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or("the script cannot be read as text")?;
        if text.contains('\0') {
            return Err("the script holds a NUL".to_owned());
        }
        let own = options(submission);
        let words = directives(&text)?.into_iter().chain(own.iter().map(String::as_str));
        let mut description = Description::of(version, known, words)?;
        let variables = surroundings.variables_of(&description, submission);
        description.start_in(&surroundings.directory);
        description.request(known, (path, &text), &submission.script_arguments, &variables)
    }

    /// Why a site's own additions to `sbatch` would be passed by, or nobody can tell.
    async fn additions_to_sbatch(&self, surroundings: &Surroundings) -> Result<Option<String>, String> {
        let text = self.ask(Tool::Scontrol, &["show", "config"]).await.map_err(|error| error.to_string())?;
        let setting = |name: &str| {
            let mut values = text.lines().filter_map(|line| line.split_once('='));
            values.find(|(found, _)| found.trim() == name).map_or("", |(_, value)| value.trim())
        };
        let settings = Settings {
            filters: setting("CliFilterPlugins"),
            plugins: setting("PlugStackConfig"),
            configuration: setting("SLURM_CONF"),
            own_configuration: surroundings.variables.get("SLURM_CONF").map(AsRef::as_ref),
            has_own_server: surroundings.variables.contains_key("SLURM_CONF_SERVER"),
        };
        let places = settings.places()?;
        let has_configuration = match &places.configuration {
            Some(path) => self.reach.modified_at(path).await.map(|at| at.is_some()).map_err(|error| error.to_string()),
            None => Ok(true),
        };
        let list = self.reach.read(&places.list, LIST_LIMIT).await.map_err(|error| error.to_string());
        Ok(places.judge(has_configuration, list))
    }

    async fn surroundings(&self) -> Result<Surroundings, String> {
        let command = in_environment(Command::new("sh"), false).arguments(["-c", SURROUNDINGS]);
        // What it prints may hold what nobody else may read.
        let output = self.reach.run(&command).await.map_err(|error| error.doing)?;
        let text =
            Some(output.stdout.clone()).filter(|_| output.succeeded()).and_then(|text| String::from_utf8(text).ok());
        let text = text.ok_or("the variables cannot be read as text")?;
        let mut lines = text.splitn(4, '\n');
        let mut line = || lines.next().map(str::to_owned).ok_or("the variables cannot be read");
        let (mask, directory, host, rest) = (line()?, line()?, line()?, line()?);
        let pairs = rest.split('\0').filter_map(|pair| pair.split_once('='));
        // Two the shell makes of itself; the third is a token, and none of the job's.
        let variables = pairs.filter(|(name, _)| !["_", "SHLVL", "SLURM_JWT"].contains(name));
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Surroundings { mask, directory, host, variables })
    }
}

impl Surroundings {
    /// What a job gets: the caller's variables unless it wants none, and those that `sbatch` sets (sbatch(1), "OUTPUT ENVIRONMENT
    /// VARIABLES"; the others the daemons set).
    fn variables_of(&self, description: &Description, submission: &Submission) -> BTreeMap<String, String> {
        let is_clean = description.export == Export::None;
        let mut variables = if is_clean { BTreeMap::new() } else { self.variables.clone() };
        let counts = [
            ("SLURM_CPUS_PER_TASK", "cpus_per_task"),
            ("SLURM_NTASKS", "tasks"),
            ("SLURM_NPROCS", "tasks"),
            ("SLURM_NTASKS_PER_NODE", "tasks_per_node"),
        ];
        let counts = counts.into_iter().filter_map(|(name, field)| Some((name, description.count(field)?)));
        let own = [
            ("SLURM_SUBMIT_DIR", self.directory.clone()),
            ("SLURM_SUBMIT_HOST", self.host.clone()),
            ("SLURM_UMASK", self.mask.clone()),
            ("SLURM_PRIO_PROCESS", "0".to_owned()),
            ("SLURM_JOB_NAME", submission.job_name.clone()),
        ];
        let clean =
            is_clean.then_some([("SLURM_EXPORT_ENV", "NONE"), ("SLURM_GET_USER_ENV", "1")]).into_iter().flatten();
        let clean = clean.map(|(name, value)| (name, value.to_owned()));
        variables.extend(counts.chain(own).chain(clean).map(|(name, value)| (name.to_owned(), value)));
        variables
    }
}

/// The job that the server made.
fn submitted(answer: &Value) -> Result<Submitted, AdapterError> {
    let Some(id) = job_in(answer) else { return Err(outcome_unknown("an answer without a job's id")) };
    let said = ["/job_submit_user_msg", "/result/job_submit_user_msg"];
    let said = said.iter().filter_map(|path| answer.pointer(path)?.as_str()).map(|said| said.trim().to_owned());
    let errors = answer.get("errors").and_then(Value::as_array).into_iter().flatten().map(|error| Told::of(error).text);
    let said: Vec<String> = said.chain(errors).filter(|said| !said.is_empty()).collect();
    Ok(Submitted { id: SchedulerJobId::new(id), cluster: None, chatter: said.join("\n") })
}

fn outcome_unknown(why: &str) -> AdapterError {
    AdapterError::new(AdapterErrorKind::OutcomeUnknown, SUBMITTING).with("cause", why)
}

/// What it means that a submission was not answered with a job. None where there is no job and the command may submit: the server
/// itself says that it made none, or the controller took none for now and `sbatch` would try again.
fn not_submitted(unanswered: &Unanswered) -> Option<AdapterError> {
    let Unanswered::Failed(status, errors) = unanswered else { return Some(outcome_unknown(&unanswered.words())) };
    let refused = errors.iter().find_map(|told| Some((told, refusal::of_reason(&told.text)?)));
    if let Some((told, retry)) = refused {
        if refusal::is_tried_again(&told.text) {
            return None;
        }
        let error = AdapterError::new(AdapterErrorKind::Refused { said: told.text.clone() }, SUBMITTING);
        return Some(AdapterError { retry, ..error.with("number", told.number) });
    }
    // Whatever else a server between us and Slurm's says, it may have handed the request on first.
    let is_turned_away = matches!(status, 401 | 404) || (!errors.is_empty() && errors.iter().all(is_own));
    // One number only where nothing else is said beside it.
    let number = errors.first().filter(|first| errors.iter().all(|told| told.number == first.number));
    let number = number.map(|told| told.number.to_string()).unwrap_or_default();
    (!is_turned_away).then(|| outcome_unknown(&unanswered.words()).with("number", number))
}

/// Whether an error is slurmrestd's own (`ESLURM_REST_…` and `ESLURM_DATA_…` of `slurm_errno.h`): it did not understand the
/// request, and Slurm was not asked.
fn is_own(told: &Told) -> bool {
    (9000..10_000).contains(&told.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of an answer with this status and these errors: `sbatch`, `refused`, `look`.
    fn outcome(status: u16, errors: &[(i64, &str)]) -> &'static str {
        let told = |(number, text): &(i64, &str)| Told { number: *number, text: (*text).to_owned() };
        match not_submitted(&Unanswered::Failed(status, errors.iter().map(told).collect())) {
            None => "sbatch",
            Some(error) if error.retry == reach::Retry::LookFirst => "look",
            Some(error) if matches!(error.kind, AdapterErrorKind::Refused { .. }) => "refused",
            Some(error) => panic!("{error}"),
        }
    }

    #[test]
    fn sbatch_submits_only_where_the_server_says_that_it_made_no_job() {
        let own = (9001, "Failure during parsing");
        for (status, errors, expected) in [
            (401, &[][..], "sbatch"),
            (404, &[], "sbatch"),
            (400, &[own], "sbatch"),
            (500, &[own, (9002, "Invalid job description")], "sbatch"),
            (422, &[(9212, "Data: unexpected type")], "sbatch"),
            // Somebody else's words, or none: the request may have been handed on.
            (301, &[], "look"),
            (302, &[], "look"),
            (307, &[], "look"),
            (308, &[], "look"),
            (400, &[], "look"),
            (402, &[], "look"),
            (403, &[], "look"),
            (405, &[], "look"),
            (408, &[], "look"),
            (409, &[], "look"),
            (410, &[], "look"),
            (413, &[], "look"),
            (422, &[], "look"),
            (425, &[], "look"),
            (429, &[], "look"),
            (499, &[], "look"),
            (500, &[], "look"),
            (502, &[], "look"),
            (503, &[], "look"),
            (504, &[], "look"),
            (200, &[], "look"),
            // Slurm's own numbers, some of them beside one of the server's.
            (400, &[(-1, "Unspecified error")], "look"),
            (500, &[(5004, "Socket timed out on send/recv operation")], "look"),
            (400, &[own, (-1, "Unspecified error")], "look"),
            (500, &[(10_000, "container")], "look"),
            (500, &[(2045, "Invalid account or account/partition combination specified")], "refused"),
            (400, &[own, (2045, "Invalid account or account/partition combination specified")], "refused"),
        ] {
            assert_eq!(outcome(status, errors), expected, "{status} {errors:?}");
        }
        assert!(not_submitted(&Unanswered::Lost("cut off".to_owned())).is_some());
    }
}
