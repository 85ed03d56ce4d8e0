//! `sacct`: what was given to whom, for how long.

use crate::{
    AdapterError, AdapterErrorKind, Coverage, JobFacts, JobSighting, RejectedRow, RunBatch, RunWindow, Users,
    slurm::{
        SlurmCommands,
        accounting_row::{self, AccountingRow},
        call::{self, Tool},
        queue::{NAMED_IDS, id_list},
        rows::{self, Delimiter},
        values,
    },
};
use model::{AccountName, SchedulerJobId, Timestamp};
use std::collections::BTreeMap;

/// Columns without which a row says nothing; all are there since 21.08 (sacct(1), `--helpformat`).
const NEEDED: [&str; 20] = [
    "JobIDRaw",
    "JobID",
    "Cluster",
    "User",
    "UID",
    "Account",
    "Partition",
    "QOS",
    "State",
    "ExitCode",
    "Submit",
    "Start",
    "End",
    "ElapsedRaw",
    "TimelimitRaw",
    "AllocNodes",
    "ReqNodes",
    "AllocTRES",
    "ReqTRES",
    "Reason",
];

/// Columns that some releases have; free text behind all others, and the job's name last of all.
const WANTED: [&str; 5] = ["SLUID", "Restarts", "WorkDir", "Comment", "SubmitLine"];

/// How far the site's clock may differ from ours.
pub(super) const CLOCK_TOLERANCE_SECONDS: i64 = 86_400;

/// The columns that this cluster's `sacct` knows, of those we can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccountingFields(Vec<&'static str>);

impl AccountingFields {
    /// Chooses from what `sacct --helpformat` lists. An unknown column would fail the whole question.
    fn choose(known: &str) -> Result<Self, AdapterError> {
        let is_known = |field: &&str| known.split_whitespace().any(|word| word.eq_ignore_ascii_case(field));
        let missing: Vec<&str> = NEEDED.into_iter().filter(|field| !is_known(field)).collect();
        if !missing.is_empty() {
            return Err(AdapterError::new(AdapterErrorKind::Unsupported, "asking accounting for its columns")
                .with("missing", missing.join(", ")));
        }
        let chosen = NEEDED.into_iter().chain(WANTED.into_iter().filter(is_known)).chain(["JobName"]);
        Ok(Self(chosen.collect()))
    }
}

/// Rows of accounting, and what could not be read.
pub(super) struct AccountingAnswer {
    pub(super) rows: Vec<AccountingRow>,
    pub(super) rejected: Vec<RejectedRow>,
    observed_at: Timestamp,
}

impl SlurmCommands {
    async fn fields(&self) -> Result<&AccountingFields, AdapterError> {
        self.fields
            .get_or_try_init(|| async { AccountingFields::choose(&self.ask(Tool::Sacct, &["--helpformat"]).await?) })
            .await
    }

    /// The instant, or a day ago if that is earlier: a start in the future of the site's clock is an error to `sacct`.
    pub(super) fn past(&self, instant: Timestamp) -> Timestamp {
        instant.min(self.clock.now().plus_seconds(-CLOCK_TOLERANCE_SECONDS))
    }

    /// Asks once: whole jobs (`-X`), each of their starts (`-D`), units unrounded.
    pub(super) async fn ask_accounting(&self, selection: &[String]) -> Result<AccountingAnswer, AdapterError> {
        let fields = self.fields().await?;
        let delimiter = Delimiter::fresh();
        let command = call::read(Tool::Sacct)
            .arguments(["-X", "-D", "--parsable", "--noconvert"])
            .argument(format!("--delimiter={}", delimiter.as_str()))
            .argument(format!("--format={}", fields.0.join(",")))
            .arguments(selection.iter().cloned());
        let observed_at = self.clock.now();
        let output = self.run(Tool::Sacct, &command).await?;
        if !call::is_answer(&output) {
            return Err(call::unanswered(Tool::Sacct, &output));
        }
        read_answer(&output.stdout_text(), &delimiter, fields, observed_at)
    }

    /// Where jobs stand that the queue no longer knows: of several rows for an id the one submitted last.
    pub(super) async fn finished_states(
        &self,
        ids: &[SchedulerJobId],
        since: Timestamp,
    ) -> Result<BTreeMap<SchedulerJobId, JobSighting>, AdapterError> {
        let mut selection = vec![format!("--starttime={}", bound(self.past(since)))];
        // More than some hundreds of ids make sacct hang (Parsl/parsl#3814): then all of ours are asked for.
        if ids.len() <= NAMED_IDS {
            selection.push(format!("--jobs={}", id_list(ids)));
        }
        let answer = self.ask_accounting(&selection).await?;
        let mut latest: BTreeMap<SchedulerJobId, AccountingRow> = BTreeMap::new();
        for row in answer.rows {
            let is_asked = ids.contains(&row.id()) && row.submitted_at() >= since;
            let is_later = latest.get(&row.id()).is_none_or(|before| before.submitted_at() <= row.submitted_at());
            if is_asked && is_later {
                latest.insert(row.id(), row);
            }
        }
        Ok(latest.into_iter().map(|(id, row)| (id, row.sighting(answer.observed_at))).collect())
    }

    /// The last owner of an id, as accounting knows it.
    pub(super) async fn finished_facts(&self, id: SchedulerJobId) -> Result<JobFacts, AdapterError> {
        let answer = self.ask_accounting(&[format!("--jobs={id}")]).await?;
        let observed_at = answer.observed_at;
        let last = answer.rows.into_iter().filter(|row| row.id() == id).max_by_key(AccountingRow::submitted_at);
        match last {
            Some(mut row) => {
                let work_directory = row.work_directory.take();
                Ok(JobFacts { sighting: row.sighting(observed_at), work_directory })
            }
            None => Err(AdapterError::new(AdapterErrorKind::NotFound, Tool::Sacct.doing()).with("job", id)),
        }
    }

    /// The runs of a window.
    pub(super) async fn runs_of(&self, window: &RunWindow) -> Result<RunBatch, AdapterError> {
        let reader = self.user().await?.clone();
        let mut selection = vec![
            format!("--starttime={}", bound(window.window.from)),
            // sacct's end belongs to the window, ours does not.
            format!("--endtime={}", bound(window.window.to.plus_seconds(-1))),
        ];
        match window.whose.users {
            Users::Mine => selection.push(format!("--user={reader}")),
            Users::Visible => selection.push("--allusers".to_owned()),
        }
        if !window.whose.accounts.is_empty() {
            let names: Vec<&str> = window.whose.accounts.iter().map(AccountName::as_str).collect();
            selection.push(format!("--accounts={}", names.join(",")));
        }
        let answer = self.ask_accounting(&selection).await?;
        let cluster = match answer.rows.first() {
            Some(row) => row.cluster().clone(),
            None => self.cluster().await?.clone(),
        };
        let observed_at = answer.observed_at;
        let runs = answer.rows.into_iter().filter_map(|row| row.run(&window.site, &reader, observed_at)).collect();
        let coverage =
            Coverage { cluster: cluster.clone(), window: window.window, whose: window.whose.clone(), asked_by: reader };
        let fields = self.fields().await?.0.iter().map(|field| (*field).to_owned()).collect();
        Ok(RunBatch { cluster, runs, rejected: answer.rejected, coverage, fields, observed_at })
    }
}

/// A bound of a window as `sacct -S` and `-E` take it. The call runs in UTC, so that local time is UTC.
pub(super) fn bound(instant: Timestamp) -> String {
    // RFC 3339 less the zone letter; instants outside the calendar (`epoch N s`) are held at its ends.
    let held = instant.epoch_seconds().clamp(0, 253_370_764_800);
    Timestamp::from_epoch_seconds(held).to_string().trim_end_matches('Z').to_owned()
}

fn read_answer(
    text: &str,
    delimiter: &Delimiter,
    fields: &AccountingFields,
    observed_at: Timestamp,
) -> Result<AccountingAnswer, AdapterError> {
    let table = rows::read_table(text, delimiter, fields.0.len(), NEEDED[0], Tool::Sacct.doing())?;
    let broken =
        table.broken.into_iter().map(|raw| RejectedRow { raw, reason: "not all columns are there".to_owned() });
    let mut rejected: Vec<RejectedRow> = broken.collect();
    let mut rows = Vec::new();
    for values in &table.rows {
        let field = |name: &str| {
            let place = fields.0.iter().position(|known| *known == name);
            place.and_then(|place| values.get(place)).map_or("", String::as_str)
        };
        match accounting_row::read(field, values::raw(values)) {
            Ok(row) => rows.push(row),
            Err(reason) => rejected.push(RejectedRow { raw: values::raw(values), reason }),
        }
    }
    Ok(AccountingAnswer { rows, rejected, observed_at })
}

#[cfg(test)]
#[path = "accounting_tests.rs"]
mod tests;
