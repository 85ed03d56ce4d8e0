//! `squeue`: what waits, what runs and what has just ended.

use crate::{
    AdapterError, AdapterErrorKind, JobFacts, JobSighting, Users, Whose,
    slurm::{
        SlurmCommands,
        call::{self, Tool},
        queue_row::{self, FIELDS, HEADER, QueueRow},
        rows::{self, Delimiter},
        values,
    },
};
use model::{SchedulerJobId, Timestamp};
use std::collections::BTreeMap;

/// Up to so many ids are named in one question; for more, everything is asked for.
pub(super) const NAMED_IDS: usize = 200;

/// Rows of the queue, and how many could not be read.
pub(super) struct QueueAnswer {
    pub(super) rows: Vec<QueueRow>,
    pub(super) unreadable: Vec<String>,
}

impl SlurmCommands {
    /// Asks once. `selection` narrows it; all states are asked for, because the default hides what has just ended.
    pub(super) async fn ask_queue(&self, selection: &[String]) -> Result<QueueAnswer, AdapterError> {
        let delimiter = Delimiter::fresh();
        let format: Vec<String> = FIELDS.iter().map(|field| format!("{field}:{}", delimiter.as_str())).collect();
        let command = call::read(Tool::Squeue)
            .arguments(["--states=all", "-O"])
            .argument(format.join(","))
            .arguments(selection.iter().cloned())
            // Long lists of waiting array tasks are cut at 64 characters otherwise (squeue(1), SLURM_BITSTR_LEN).
            .variable("SLURM_BITSTR_LEN", "0");
        let output = self.run(Tool::Squeue, &command).await?;
        let observed_at = self.clock.now();
        if !call::is_answer(&output) {
            let error = call::unanswered(Tool::Squeue, &output);
            // One id that the controller no longer knows is "invalid"; of several it lists the others.
            if error.kind == AdapterErrorKind::NotFound {
                return Ok(QueueAnswer { rows: Vec::new(), unreadable: Vec::new() });
            }
            return Err(error);
        }
        read_answer(&output.stdout_text(), &delimiter, observed_at)
    }

    /// The queue of these people and accounts.
    pub(super) async fn queue_of(&self, whose: &Whose) -> Result<Vec<QueueRow>, AdapterError> {
        let mut selection = Vec::new();
        if whose.users == Users::Mine {
            selection.push(format!("--user={}", self.user().await?));
        }
        if !whose.accounts.is_empty() {
            let names: Vec<&str> = whose.accounts.iter().map(model::AccountName::as_str).collect();
            selection.push(format!("--account={}", names.join(",")));
        }
        let answer = self.ask_queue(&selection).await?;
        all_readable(answer)
    }

    /// Where these jobs stand: the queue first, accounting for the rest.
    pub(super) async fn states_of(
        &self,
        ids: &[SchedulerJobId],
        since: Timestamp,
    ) -> Result<BTreeMap<SchedulerJobId, JobSighting>, AdapterError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let selection = if ids.len() <= NAMED_IDS { vec![format!("--jobs={}", id_list(ids))] } else { Vec::new() };
        let mut known = BTreeMap::new();
        for row in self.ask_queue(&selection).await?.rows {
            let is_asked = ids.contains(&row.sighting.id) && row.sighting.submitted_at >= since;
            if is_asked {
                known.insert(row.sighting.id, row.sighting);
            }
        }
        let missing: Vec<SchedulerJobId> = ids.iter().copied().filter(|id| !known.contains_key(id)).collect();
        if !missing.is_empty() {
            known.extend(self.finished_states(&missing, since).await?);
        }
        Ok(known)
    }

    /// One job, from the queue or from accounting.
    pub(super) async fn job_facts(&self, id: SchedulerJobId) -> Result<JobFacts, AdapterError> {
        let answer = self.ask_queue(&[format!("--jobs={id}")]).await?;
        let found = answer.rows.into_iter().find(|row| row.sighting.id == id);
        match found {
            Some(row) => Ok(JobFacts { sighting: row.sighting, work_directory: row.work_directory }),
            None => self.finished_facts(id).await,
        }
    }
}

/// Ids as both `squeue` and `sacct` take them.
pub(super) fn id_list(ids: &[SchedulerJobId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn read_answer(text: &str, delimiter: &Delimiter, observed_at: Timestamp) -> Result<QueueAnswer, AdapterError> {
    let table = rows::read_table(text, delimiter, FIELDS.len(), HEADER, Tool::Squeue.doing())?;
    let mut unreadable = table.broken;
    let mut rows = Vec::new();
    for values in &table.rows {
        match queue_row::read(values, observed_at) {
            Ok(row) => rows.push(row),
            Err(reason) => unreadable.push(format!("{reason}: {}", values::raw(values))),
        }
    }
    Ok(QueueAnswer { rows, unreadable })
}

/// Rows where none may be missing.
pub(super) fn all_readable(answer: QueueAnswer) -> Result<Vec<QueueRow>, AdapterError> {
    match answer.unreadable.first() {
        None => Ok(answer.rows),
        Some(first) => Err(AdapterError::new(AdapterErrorKind::Unreadable, Tool::Squeue.doing())
            .with("unreadable rows", answer.unreadable.len())
            .with("the first", first)),
    }
}
