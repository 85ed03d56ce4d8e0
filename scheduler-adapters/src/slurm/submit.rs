//! `sbatch` and `scancel`: the two writes.

use crate::{
    AdapterError, AdapterErrorKind, SUBMISSION_PATIENCE, Scheduler, ScriptSource, Submission, Submitted,
    slurm::{
        SlurmCommands,
        call::{self, Tool},
        refusal,
    },
    submission::spans,
};
use model::{ClusterName, SchedulerJobId};
use reach::{Command, Output, Retry};
use std::collections::{BTreeMap, BTreeSet};

impl SlurmCommands {
    /// Exactly one call of `sbatch`, which is never killed: neither when our patience is over, nor when it says too much,
    /// nor when we are. In the middle of a submission that would leave a job that nobody was told of.
    pub(super) async fn submit_once(&self, submission: &Submission) -> Result<Submitted, AdapterError> {
        let command = in_environment(Command::new(Tool::Sbatch.program()), submission.keeps_environment_options)
            .arguments(words(submission))
            .time_limit(SUBMISSION_PATIENCE)
            .leave_running_on_time_out();
        let _turn = self.sbatches.acquire().await.expect("it is never closed");
        match self.reach.run(&command).await {
            Ok(output) => read_outcome(&output),
            // The command did not start at all.
            Err(error) if error.retry != Retry::LookFirst => Err(AdapterError::from_reach(error, Tool::Sbatch.doing())),
            Err(error) => {
                let mut failed = AdapterError::new(AdapterErrorKind::OutcomeUnknown, Tool::Sbatch.doing());
                failed.facts = error.facts;
                Err(failed)
            }
        }
    }

    /// Cancels; a job that is gone already is no failure. Slurm 22.05 says nothing and exits 0 for ids it does not know;
    /// others complain.
    pub(super) async fn cancel_job(&self, id: SchedulerJobId) -> Result<(), AdapterError> {
        let output = self.run(Tool::Scancel, &call::read(Tool::Scancel).argument(id.to_string())).await?;
        let said = output.stderr_text();
        let is_gone = ["Invalid job id", "already completing or completed"].iter().any(|words| said.contains(words));
        if output.succeeded() || (is_gone && !output.timed_out) {
            return Ok(());
        }
        Err(call::not_done(Tool::Scancel, &output))
    }

    /// Cancels many with few calls, tasks of one array with one request each. What a call of several says is not told apart:
    /// where one of them did not go well, each is cancelled by itself. Where Slurm does not answer it is not asked again, and
    /// that is the answer for all that are left.
    pub(super) async fn cancel_together(&self, ids: &[SchedulerJobId]) -> Vec<Result<(), AdapterError>> {
        let mut answers = Vec::with_capacity(ids.len());
        for together in ids.chunks(CANCELLED_AT_ONCE) {
            match self.cancel_chunk(together).await {
                Err(error) if together.len() > 1 && !is_silence(&error) => {
                    self.cancel_singly(together, &mut answers).await;
                }
                answer => answers.extend(together.iter().map(|_| answer.clone())),
            }
            if let Some(Err(error)) = answers.last().filter(|answer| answer.as_ref().is_err_and(is_silence)) {
                let error = error.clone();
                answers.resize(ids.len(), Err(error));
                break;
            }
        }
        answers
    }

    /// Each of them by itself, until Slurm does not answer.
    async fn cancel_singly(&self, ids: &[SchedulerJobId], answers: &mut Vec<Result<(), AdapterError>>) {
        for id in ids {
            let answer = self.cancel(*id).await;
            let is_over = answer.as_ref().is_err_and(is_silence);
            answers.push(answer);
            if is_over {
                return;
            }
        }
    }

    async fn cancel_chunk(&self, ids: &[SchedulerJobId]) -> Result<(), AdapterError> {
        if let [id] = ids {
            return self.cancel(*id).await;
        }
        let output = self.run(Tool::Scancel, &call::read(Tool::Scancel).arguments(cancelled_words(ids))).await;
        // What its exit code says of one among several is nowhere written down: any error that is told counts.
        let is_done = |said: &Output| said.succeeded() && !said.stderr_text().contains("error:");
        let said =
            output.and_then(|said| if is_done(&said) { Ok(()) } else { Err(call::not_done(Tool::Scancel, &said)) });
        self.heeded(Tool::Scancel, said).await
    }
}

fn is_silence(error: &AdapterError) -> bool {
    error.kind == AdapterErrorKind::Unreachable
}

/// So many jobs are cancelled with one call.
const CANCELLED_AT_ONCE: usize = 500;

/// The jobs as scancel(1) takes them: `17 4711_[0-4,7]`.
fn cancelled_words(ids: &[SchedulerJobId]) -> Vec<String> {
    let mut tasks: BTreeMap<SchedulerJobId, BTreeSet<u32>> = BTreeMap::new();
    let mut words = Vec::new();
    for id in ids {
        match id.task() {
            Some(task) => drop(tasks.entry(id.whole()).or_default().insert(task)),
            None => words.push(id.to_string()),
        }
    }
    words.extend(tasks.iter().map(|(array, tasks)| format!("{array}_[{}]", spans(tasks))));
    words
}

/// Takes away what would change the submission behind our back: settings for other commands, the surroundings of an
/// allocation we may be inside of and, unless the script is the person's own, their defaults for `sbatch`. Nothing is
/// set, because `sbatch` hands its environment on to the job.
pub(super) fn in_environment(command: Command, keeps_options: bool) -> Command {
    let command = command.without(["SLURM_*"]).keeping(["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"]);
    if keeps_options { command.without(["SBATCH_WAIT"]) } else { command.without(["SBATCH_*"]) }
}

/// The options: the person's words first, so that the mark cannot be overridden.
pub(super) fn options(submission: &Submission) -> Vec<String> {
    let mut words = submission.options.clone();
    match &submission.array {
        Some(array) => {
            words.push(format!("--array={}", array.list()));
            words.push(format!("--comment={}", array.stamp));
        }
        None => words.push(format!("--comment={}", submission.stamp)),
    }
    words.push(format!("--job-name={}", submission.job_name));
    words.extend(submission.output.iter().map(|output| format!("--output={output}")));
    words.extend(submission.directory.iter().map(|directory| format!("--chdir={directory}")));
    words
}

/// The command line of `sbatch`.
pub(super) fn words(submission: &Submission) -> Vec<String> {
    let mut words = options(submission);
    words.insert(submission.options.len(), "--parsable".to_owned());
    let ScriptSource::File(script) = &submission.script;
    words.push(script.clone());
    words.extend(submission.script_arguments.iter().cloned());
    words
}

/// What `sbatch` did. An id on standard output means a job, however the command ended; only a clear refusal means none.
fn read_outcome(output: &Output) -> Result<Submitted, AdapterError> {
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    if let Some((id, cluster)) = stdout.lines().rev().find_map(read_id) {
        let mut chatter: Vec<&str> = stdout.lines().filter(|line| read_id(line).is_none()).collect();
        chatter.extend(stderr.lines());
        let ending = (!output.succeeded()).then(|| format!("({})", output.ending()));
        chatter.extend(ending.as_deref());
        return Ok(Submitted { id, cluster, chatter: chatter.join("\n").trim().to_owned() });
    }
    let said = if stderr.trim().is_empty() { stdout.trim() } else { stderr.trim() };
    if let Some(retry) = refusal::of(output) {
        let kind = AdapterErrorKind::Refused { said: said.to_owned() };
        let refused = AdapterError::new(kind, Tool::Sbatch.doing()).with("ended", output.ending());
        return Err(AdapterError { retry, ..refused });
    }
    let error = AdapterError::new(without_id(output, &stderr), Tool::Sbatch.doing());
    Err(error.with("ended", output.ending()).with("said", said))
}

/// `4711` or `4711;cluster`, alone on a line.
fn read_id(line: &str) -> Option<(SchedulerJobId, Option<ClusterName>)> {
    let line = line.trim();
    let (id, cluster) = match line.split_once(';') {
        Some((id, cluster)) => (id, Some(cluster.parse().ok()?)),
        None => (line, None),
    };
    Some((id.parse().ok()?, cluster))
}

/// Nobody was asked, or nobody knows.
const NEVER_CONNECTED: [&str; 2] = ["(connect failure)", "Could not establish a configuration source"];

fn without_id(output: &Output, stderr: &str) -> AdapterErrorKind {
    let says = |words: &str| stderr.contains(words);
    let sbatch_spoke = stderr.lines().any(|line| line.starts_with("sbatch: "));
    let may_have_tried = says("temporarily") || says("retrying") || says("timed out");
    if output.timed_out || output.status.is_none_or(|status| status == 0) {
        AdapterErrorKind::OutcomeUnknown
    } else if NEVER_CONNECTED.iter().any(|words| says(words)) && !may_have_tried {
        AdapterErrorKind::Unreachable
    } else if output.status == Some(127) && !sbatch_spoke {
        AdapterErrorKind::Unsupported
    } else {
        AdapterErrorKind::OutcomeUnknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: Option<i32>, stdout: &str, stderr: &str) -> Output {
        Output { status, stdout: stdout.into(), stderr: stderr.into(), ..Output::default() }
    }

    #[test]
    fn tasks_of_one_array_are_cancelled_with_one_word() {
        let id = |text: &str| text.parse::<SchedulerJobId>().expect("an id");
        let ids = ["4711_3", "17", "4711_0", "4712_8", "4711_1", "4711_2", "4711_7", "18"].map(id);
        assert_eq!(cancelled_words(&ids), ["17", "18", "4711_[0-3,7]", "4712_[8]"]);
    }

    #[test]
    fn an_id_means_a_job_however_the_command_ended() {
        for (output, id, cluster, chatter) in [
            (ended(Some(0), "4711\n", ""), 4711, None, ""),
            (ended(Some(0), "4711;jupiter\n", ""), 4711, Some("jupiter"), ""),
            (
                ended(Some(0), "*** 20 TB quota ***\n2026 is here\n4711\n", "sbatch: note"),
                4711,
                None,
                "*** 20 TB quota ***\n2026 is here\nsbatch: note",
            ),
            (ended(Some(0), "4711\nEnergy used: 12 J\n", ""), 4711, None, "Energy used: 12 J"),
            (ended(Some(1), "4711\n", "filter failed"), 4711, None, "filter failed\n(exit 1)"),
            (Output { timed_out: true, ..ended(None, "4711\n", "") }, 4711, None, "(out of time)"),
        ] {
            let submitted = read_outcome(&output).expect("an id was printed");
            assert_eq!(submitted.id, SchedulerJobId::new(id));
            assert_eq!(submitted.cluster.as_ref().map(ClusterName::as_str), cluster);
            assert_eq!(submitted.chatter, chatter);
        }
    }

    #[test]
    fn only_a_clear_refusal_means_that_there_is_no_job() {
        let retrying = "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying";
        let unknown = AdapterErrorKind::OutcomeUnknown;
        for (output, kind) in [
            (ended(Some(0), "", ""), unknown.clone()),
            (ended(Some(0), "Submitted, thank you\n", ""), unknown.clone()),
            (ended(None, "", ""), unknown.clone()),
            (Output { timed_out: true, ..ended(None, "", retrying) }, unknown.clone()),
            (ended(Some(1), "", retrying), unknown.clone()),
            (
                ended(
                    Some(1),
                    "",
                    "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
                ),
                unknown.clone(),
            ),
            (ended(Some(1), "", "wrapper: something broke"), unknown.clone()),
            (
                ended(Some(1), "", "sbatch: error: Batch job submission failed: Protocol authentication error"),
                unknown.clone(),
            ),
            (ended(Some(1), "", "sbatch: error: Batch job submission failed: Unspecified error"), unknown),
            (
                ended(Some(1), "", "sbatch: fatal: Could not establish a configuration source"),
                AdapterErrorKind::Unreachable,
            ),
            (
                ended(
                    Some(1),
                    "",
                    "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
                ),
                AdapterErrorKind::Unreachable,
            ),
            (ended(Some(127), "", "bash: sbatch: command not found"), AdapterErrorKind::Unsupported),
        ] {
            let error = read_outcome(&output).expect_err("no id was printed");
            assert_eq!(error.kind, kind, "{output:?}");
        }
    }

    #[test]
    fn the_words_of_a_refusal_are_the_sites_own() {
        for recorded in [
            include_str!("../../tests/fixtures/slurm-22.05/err-account.txt"),
            include_str!("../../tests/fixtures/slurm-22.05/err-partition.txt"),
            include_str!("../../tests/fixtures/slurm-22.05/err-gres.txt"),
            include_str!("../../tests/fixtures/slurm-25.11/err-account.txt"),
            include_str!("../../tests/fixtures/slurm-25.11/err-partition.txt"),
            include_str!("../../tests/fixtures/slurm-25.11/err-gres.txt"),
        ] {
            let said = recorded.strip_suffix("exit 1\n").expect("as recorded").trim();
            let error = read_outcome(&ended(Some(1), "", said)).expect_err("refused");
            assert_eq!(error.kind, AdapterErrorKind::Refused { said: said.to_owned() });
            assert_eq!(error.retry, Retry::Never);
        }
    }
}
