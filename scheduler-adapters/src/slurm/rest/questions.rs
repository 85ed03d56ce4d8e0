//! What the server is asked, and what its answers mean. None stands for "ask another way".

use super::{
    accounting,
    offer::Offer,
    queue,
    server::{Asker, RecordTaker, Rest, SOURCE, Unanswered},
    value::Record,
};
use crate::{
    AdapterError, AdapterErrorKind, RejectedRow,
    slurm::{
        SlurmCommands,
        accounting::read,
        accounting_taker::RowTaker,
        call::Tool,
        columns::AccountingFields,
        queue::Asked,
        queue_row::{self, QueueRow},
        rows::Found,
        selection::{RowSelection, Selection},
    },
};
use async_trait::async_trait;
use model::{SchedulerJobId, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reach::http::{HttpCall, HttpMethod};
use serde_json::Value;
use std::sync::Arc;

/// `ESLURM_INVALID_JOB_ID` of `slurm_errno.h`.
const NO_SUCH_JOB: i64 = 2017;

/// What is said of a job that cannot be cancelled any more; the second is `ESLURM_ALREADY_DONE`.
const GONE: [i64; 2] = [NO_SUCH_JOB, 2021];

impl SlurmCommands {
    /// The server, and who asks; none where there is none, or it is not known who asks.
    pub(super) async fn rest(&self) -> Option<(&Rest, Asker<'_>)> {
        let rest = self.rest.as_ref()?;
        Some((rest, Asker { user: self.user().await.ok()?, now: self.clock.now() }))
    }

    /// The same for a question that another way can answer; none while the server is left alone, too.
    async fn rest_to_ask(&self) -> Option<(&Rest, Asker<'_>)> {
        let (rest, asker) = self.rest().await?;
        let Some(shared) = &self.shared else { return Some((rest, asker)) };
        match shared.wait(SOURCE).await {
            None => Some((rest, asker)),
            Some((wait, until)) => {
                // Why it does not work now, where somebody has just tried, says more.
                if rest.note().is_none() {
                    rest.say(&format!("not asked again until {until}: {}", wait.said));
                }
                None
            }
        }
    }

    /// What the server offers. One that gives no answer is left alone by all processes of this person.
    async fn offered(&self, rest: &Rest, asker: Asker<'_>) -> Option<Arc<Offer>> {
        let offer = rest.offer(asker).await;
        if offer.is_none() {
            let why = rest.note().unwrap_or_default();
            self.rest_heeded(rest, Some(&Unanswered::Lost(why))).await;
        }
        offer
    }

    /// Tells all processes of this person whether the server answered.
    async fn rest_heeded(&self, rest: &Rest, unanswered: Option<&Unanswered>) {
        let Some(shared) = &self.shared else { return };
        match unanswered {
            None => shared.answered(SOURCE).await,
            Some(unanswered) if unanswered.is_passing() && !rest.has_no_token() => {
                let error = AdapterError::new(AdapterErrorKind::Unreachable, SOURCE).with("cause", unanswered.words());
                shared.failed(SOURCE, &error, rest.asked_for()).await;
            }
            Some(_) => {}
        }
    }

    /// The queue by the server. What it does not answer is the others' to answer: a read has no effect.
    pub(in crate::slurm) async fn rest_queue(
        &self,
        selection: &Selection,
        take: &mut (dyn FnMut(QueueRow) + Send),
    ) -> Option<Asked> {
        let (rest, asker) = self.rest_to_ask().await?;
        let version = self.offered(rest, asker).await?.controller?;
        let path = match selection.jobs.first().filter(|_| selection.jobs.len() == 1) {
            Some(job) => format!("/slurm/v0.0.{version}/job/{job}"),
            None => format!("/slurm/v0.0.{version}/jobs"),
        };
        let mut kept = QueueRows { selection, observed_at: asker.now, rows: Vec::new(), rejected: Vec::new() };
        let told = rest.each_record(path, asker, &mut kept).await;
        self.rest_heeded(rest, told.as_ref().err()).await;
        match told {
            Ok(()) => {}
            Err(Unanswered::Failed(_, errors)) if errors.iter().any(|told| told.number == NO_SUCH_JOB) => {}
            Err(unanswered) => {
                rest.say(&format!("{}: {}", Tool::Squeue.doing(), unanswered.words()));
                return None;
            }
        }
        // Handed on once the answer is whole: another way may have to be gone after all until then.
        kept.rows.into_iter().for_each(take);
        Some(Asked { rejected: kept.rejected, observed_at: asker.now })
    }

    /// Accounting by the server, handed on as it comes; when it was asked. Where it is lost in the middle the answer is a part,
    /// and the next question goes another way.
    pub(in crate::slurm) async fn rest_accounting(
        &self,
        selection: &RowSelection,
        taker: &mut dyn RowTaker,
    ) -> Option<Result<Timestamp, AdapterError>> {
        let (rest, asker) = self.rest_to_ask().await?;
        let offer = self.offered(rest, asker).await?;
        if taker.wants_exit_codes() && !offer.tells_exit_codes() {
            return None;
        }
        let path = {
            let question = RunsQuestion { selection, cluster: self.cluster().await.ok()?.as_str() };
            let version = offer.accounting_by(&question.filters())?;
            question.path(version)
        };
        let fields = accounting::fields();
        let mut rows = Rows { fields: &fields, taker, are_some: false };
        let told = rest.each_record(path, asker, &mut rows).await;
        self.rest_heeded(rest, told.as_ref().err()).await;
        match told {
            Ok(()) => {
                rows.begin();
                Some(Ok(asker.now))
            }
            Err(unanswered) => {
                let are_some = rows.are_some;
                let why = unanswered.words();
                rest.say(&format!("{}: {why}", Tool::Sacct.doing()));
                let kind = AdapterErrorKind::AccountingDown;
                are_some.then(|| Err(AdapterError::new(kind, "asking accounting (slurmrestd)").with("cause", why)))
            }
        }
    }

    /// Cancels by the server. None where another way may be gone: a second cancelling does no harm.
    pub(in crate::slurm) async fn rest_cancel(&self, id: SchedulerJobId) -> Option<Result<(), AdapterError>> {
        // A task of an array is the commands' to cancel: not every release takes its id here.
        let (rest, asker) = self.rest().await.filter(|_| id.task().is_none())?;
        let version = rest.offer(asker).await?.controller?;
        let path = format!("/slurm/v0.0.{version}/job/{id}");
        let call = HttpCall { method: HttpMethod::Delete, ..HttpCall::get(path, rest.patience, 0) };
        match rest.ask(call, asker).await {
            Ok(_) => Some(Ok(())),
            Err(Unanswered::Failed(_, errors)) if errors.iter().any(|told| GONE.contains(&told.number)) => Some(Ok(())),
            Err(unanswered) => {
                rest.say(&format!("{}: {}", Tool::Scancel.doing(), unanswered.words()));
                None
            }
        }
    }
}

/// Rows of the queue, chosen here: the server chooses none, as `squeue` chooses among all that the controller tells it.
struct QueueRows<'a> {
    selection: &'a Selection,
    observed_at: Timestamp,
    rows: Vec<QueueRow>,
    rejected: Vec<RejectedRow>,
}

#[async_trait]
impl RecordTaker for QueueRows<'_> {
    async fn take(&mut self, record: Result<Value, (String, String)>) {
        let job = match record {
            Ok(job) => job,
            Err((reason, raw)) => return self.rejected.push(RejectedRow { raw, reason, stamp: None, is_cut: true }),
        };
        let values = queue::row(&job, self.observed_at);
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        match queue_row::read(&values, self.observed_at) {
            Ok(row) if self.selection.has(&row.sighting) => self.rows.push(row),
            Ok(_) => {}
            Err(reason) => {
                let user = Record(&job).text("/user_name");
                let may_be =
                    self.selection.user.as_ref().is_none_or(|wanted| user.is_empty() || user == wanted.as_str());
                if may_be {
                    self.rejected.push(queue_row::rejected(&values, reason));
                }
            }
        }
    }
}

/// A question for rows of accounting.
struct RunsQuestion<'a> {
    selection: &'a RowSelection,
    cluster: &'a str,
}

impl RunsQuestion<'_> {
    /// By what the rows are chosen: names and values.
    fn chosen_by(&self) -> Vec<(&'static str, String)> {
        let RowSelection { of, from, until } = self.selection;
        let listed = |names: Vec<String>| Some(names.join(",")).filter(|names| !names.is_empty());
        // `uts` is how Slurm's reader of times marks epoch seconds (`src/common/parse_time.c`).
        let instant =
            |instant: &Option<Timestamp>| instant.map(|instant| format!("uts{}", instant.epoch_seconds().max(0)));
        let chosen = [
            ("cluster", Some(self.cluster.to_owned())),
            ("users", of.user.as_ref().map(ToString::to_string)),
            ("account", listed(of.accounts.iter().map(ToString::to_string).collect())),
            ("step", listed(of.jobs.iter().map(ToString::to_string).collect())),
            ("start_time", instant(from)),
            ("end_time", instant(until)),
        ];
        chosen.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The filters that the server has to know.
    fn filters(&self) -> Vec<&'static str> {
        self.chosen_by().into_iter().map(|(name, _)| name).chain(["skip_steps"]).collect()
    }

    fn path(&self, version: u16) -> String {
        let mut chosen = self.chosen_by();
        chosen.push(("skip_steps", "true".to_owned()));
        if version > UNCUT_WITHOUT_ASKING {
            // Each start of a job, and none cut to the window.
            chosen.extend(["show_duplicates", "disable_truncate_usage_time"].map(|name| (name, "true".to_owned())));
        }
        let encoded =
            |(name, value): &(&str, String)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        format!("/slurmdb/v0.0.{version}/jobs?{}", chosen.iter().map(encoded).collect::<Vec<_>>().join("&"))
    }
}

/// Up to this version all starts of a job are told, uncut, where steps are left out, and there is no word for either (seen on
/// 22.05.8).
const UNCUT_WITHOUT_ASKING: u16 = 38;

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
impl RecordTaker for Rows<'_> {
    async fn take(&mut self, record: Result<Value, (String, String)>) {
        self.begin();
        let run = match record {
            Ok(run) => run,
            Err((reason, raw)) => return self.taker.reject(RejectedRow { raw, reason, stamp: None, is_cut: true }),
        };
        let values = accounting::row(&run, self.fields);
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        match read(&Found::Row(&values), self.fields) {
            Ok(row) => self.taker.take(row).await,
            Err(row) => self.taker.reject(row),
        }
    }
}
