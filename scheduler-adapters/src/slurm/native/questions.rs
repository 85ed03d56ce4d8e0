//! What the helper is asked, and what its answers mean. None stands for "ask the commands".

use super::helper::{Piece, PieceTaker, Unanswered};
use crate::{
    AdapterError, AdapterErrorKind, RejectedRow, ScriptSource, Submission, Submitted,
    slurm::{
        SlurmCommands,
        accounting::read,
        accounting_taker::RowTaker,
        call::{self, Tool},
        columns::AccountingFields,
        queue::Asked,
        queue_row::{self, QueueRow},
        refusal,
        rows::Found,
        selection::{RowSelection, Selection},
        submit,
    },
};
use async_trait::async_trait;
use model::{AccountName, SchedulerJobId, Timestamp};
use reach::{Output, Retry};
use slurm_messages::{Answer, Failure, FailureKind, JobsQuestion, Question, RunsQuestion};
use std::collections::{BTreeMap, BTreeSet};

impl SlurmCommands {
    /// The queue by the library. What the helper does not answer is the commands' to answer: a read has no effect.
    pub(in crate::slurm) async fn native_queue(
        &self,
        selection: &Selection,
        take: &mut (dyn FnMut(QueueRow) + Send),
    ) -> Option<Result<Asked, AdapterError>> {
        let helper = self.helper.as_ref()?;
        let question = JobsQuestion {
            user: selection.user.as_ref().map(ToString::to_string),
            accounts: names(&selection.accounts),
            jobs: ids(&selection.jobs)?,
        };
        let observed_at = self.clock.now();
        let mut read = ReadRows { observed_at, rows: Vec::new(), rejected: Vec::new() };
        match helper.ask(&Question::Jobs(question), helper.patience(), &mut read).await {
            Ok(_) => {}
            Err(unanswered) => return failed_read(unanswered, Tool::Squeue).map(Err),
        }
        // Handed on once the answer is whole: the commands may have to be asked after all until then.
        read.rows.into_iter().for_each(take);
        Some(Ok(Asked { rejected: read.rejected, observed_at }))
    }

    /// Accounting by the library, handed on as it comes; when it was asked. Where the helper is lost in the middle the answer
    /// is a part, and the next question goes to the commands.
    pub(in crate::slurm) async fn native_accounting(
        &self,
        selection: &RowSelection,
        taker: &mut dyn RowTaker,
    ) -> Option<Result<Timestamp, AdapterError>> {
        let helper = self.helper.as_ref()?;
        let question = RunsQuestion {
            user: selection.of.user.as_ref().map(ToString::to_string),
            accounts: names(&selection.of.accounts),
            jobs: ids(&selection.of.jobs)?,
            from: selection.from.map(Timestamp::epoch_seconds),
            until: selection.until.map(Timestamp::epoch_seconds),
        };
        let fields = helper.fields().await?;
        let observed_at = self.clock.now();
        let mut rows = Rows { fields: &fields, taker, are_some: false };
        match helper.ask(&Question::Runs(question), helper.patience(), &mut rows).await {
            Ok(_) => {
                rows.begin();
                Some(Ok(observed_at))
            }
            Err(Unanswered::Lost(error)) if rows.are_some => Some(Err(error)),
            Err(unanswered) => failed_read(unanswered, Tool::Sacct).map(Err),
        }
    }

    /// A table by the library: its columns and its rows. None where the commands may be asked.
    pub(in crate::slurm) async fn native_table(
        &self,
        question: Question,
        tool: Tool,
    ) -> Option<Result<Kept, AdapterError>> {
        let helper = self.helper.as_ref()?;
        let mut kept = Kept::default();
        match helper.ask(&question, helper.patience(), &mut kept).await {
            Ok(_) => Some(Ok(kept)),
            Err(unanswered) => failed_read(unanswered, tool).map(Err),
        }
    }

    /// Submits by the library, once. None where nothing was sent and `sbatch` may do it, or the controller took none for now and
    /// `sbatch` would try again.
    pub(in crate::slurm) async fn native_submit(
        &self,
        submission: &Submission,
    ) -> Option<Result<Submitted, AdapterError>> {
        let is_possible = !submission.keeps_environment_options && submission.array.is_none();
        let helper = self.helper.as_ref().filter(|_| is_possible)?;
        let ScriptSource::File(script) = &submission.script;
        let question = Question::Submit(Box::new(slurm_messages::Submission {
            script: script.clone(),
            options: submit::options(submission),
            arguments: submission.script_arguments.clone(),
        }));
        let answered = helper.ask(&question, helper.submission_patience(), &mut Kept::default()).await;
        let cluster = || async { helper.hello().await.and_then(|hello| hello.cluster.parse().ok()) };
        Some(match answered {
            Ok(Answer::Submitted { job, said }) => {
                Ok(Submitted { id: SchedulerJobId::new(job.into()), cluster: cluster().await, chatter: said })
            }
            Ok(_) => Err(outcome_unknown("an answer of another kind")),
            Err(Unanswered::NotAsked) => return None,
            Err(Unanswered::Lost(error)) => Err(AdapterError {
                facts: error.facts,
                ..AdapterError::new(AdapterErrorKind::OutcomeUnknown, SUBMITTING)
            }),
            Err(Unanswered::Failed(failure)) => match failure.kind {
                FailureKind::NotHere | FailureKind::Wrong => return None,
                FailureKind::Slurm if refusal::is_tried_again(&failure.text) => return None,
                FailureKind::Slurm => Err(not_submitted(&failure)),
            },
        })
    }

    /// Cancels by the library. None where the commands may be asked: a second cancelling does no harm.
    pub(in crate::slurm) async fn native_cancel(&self, id: SchedulerJobId) -> Option<Result<(), AdapterError>> {
        let helper = self.helper.as_ref()?;
        // A task of an array is the commands' to cancel: the helper knows whole jobs.
        let job = id.task().is_none().then(|| u32::try_from(id.raw()).ok()).flatten()?;
        let question = Question::Cancel { job };
        match helper.ask(&question, helper.patience(), &mut Kept::default()).await {
            Ok(_) => Some(Ok(())),
            Err(Unanswered::Failed(failure)) if failure.kind == FailureKind::Slurm => {
                Some(Err(call::not_done(Tool::Scancel, &as_said(&failure, "error: "))))
            }
            Err(_) => None,
        }
    }
}

const SUBMITTING: &str = "submitting (pakt-slurm)";

fn outcome_unknown(why: &str) -> AdapterError {
    AdapterError::new(AdapterErrorKind::OutcomeUnknown, SUBMITTING).with("cause", why)
}

/// What it means that the library gave an error number for a submission: a refusal where the words are one, or a submit filter's stand
/// in the log; else nobody knows.
fn not_submitted(failure: &Failure) -> AdapterError {
    let said = failure.text.clone();
    match refusal::of_library(&said, &failure.logged) {
        Some(retry) => {
            let said = refusal::logged_lines(&failure.logged).chain([&*said]).collect::<Vec<_>>().join("\n");
            let refused = AdapterError::new(AdapterErrorKind::Refused { said }, SUBMITTING);
            AdapterError { retry, ..refused.with("number", failure.number) }
        }
        None if said.contains("(connect failure)") => {
            AdapterError { retry: Retry::Later, ..AdapterError::new(AdapterErrorKind::Unreachable, SUBMITTING) }
                .with("said", said)
        }
        None => outcome_unknown(&said).with("number", failure.number),
    }
}

/// A failure as a command would have told it, so that it is judged alike.
fn as_said(failure: &Failure, prefix: &str) -> Output {
    Output { status: Some(1), stderr: format!("{prefix}{}", failure.text).into_bytes(), ..Output::default() }
}

/// The error of a read; none where the commands are to be asked.
fn failed_read(unanswered: Unanswered, tool: Tool) -> Option<AdapterError> {
    match unanswered {
        Unanswered::Failed(failure) if failure.kind == FailureKind::Slurm => {
            Some(call::unanswered(tool, &as_said(&failure, "")).with("by", &failure.doing))
        }
        _ => None,
    }
}

fn names(accounts: &[AccountName]) -> Vec<String> {
    accounts.iter().map(ToString::to_string).collect()
}

/// The ids as the library has them; none where one of them is too large to be anybody's.
fn ids(jobs: &BTreeSet<SchedulerJobId>) -> Option<Vec<u32>> {
    jobs.iter().map(|job| u32::try_from(job.raw()).ok()).collect()
}

/// Keeps a whole table.
#[derive(Default)]
pub(in crate::slurm) struct Kept {
    pub(in crate::slurm) columns: Vec<String>,
    pub(in crate::slurm) rows: Vec<Vec<String>>,
}

impl Kept {
    /// The rows, each value by its column.
    pub(in crate::slurm) fn by_column(&self) -> impl Iterator<Item = BTreeMap<&str, &str>> {
        self.rows
            .iter()
            .map(|row| self.columns.iter().map(String::as_str).zip(row.iter().map(String::as_str)).collect())
    }
}

#[async_trait]
impl PieceTaker for Kept {
    async fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Columns(columns) => self.columns = columns,
            Piece::Row(values) => self.rows.push(values.iter().map(|value| (*value).to_owned()).collect()),
        }
    }
}

/// Reads rows of the queue while the next are on their way.
struct ReadRows {
    observed_at: Timestamp,
    rows: Vec<QueueRow>,
    rejected: Vec<RejectedRow>,
}

#[async_trait]
impl PieceTaker for ReadRows {
    async fn take(&mut self, piece: Piece<'_>) {
        let Piece::Row(values) = piece else { return };
        match queue_row::read(values, self.observed_at) {
            Ok(row) => self.rows.push(row),
            Err(reason) => self.rejected.push(queue_row::rejected(values, reason)),
        }
    }
}

/// Hands rows of accounting on.
struct Rows<'a> {
    fields: &'a AccountingFields,
    taker: &'a mut dyn RowTaker,
    are_some: bool,
}

impl Rows<'_> {
    /// The columns are told once, before the first row or instead of one.
    fn begin(&mut self) {
        if !self.are_some {
            self.taker.learn_fields(self.fields);
        }
        self.are_some = true;
    }
}

#[async_trait]
impl PieceTaker for Rows<'_> {
    async fn take(&mut self, piece: Piece<'_>) {
        let Piece::Row(values) = piece else { return };
        self.begin();
        match read(&Found::Row(values), self.fields) {
            Ok(row) => self.taker.take(row).await,
            Err(row) => self.taker.reject(row),
        }
    }
}
