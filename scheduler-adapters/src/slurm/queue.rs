//! `squeue`: what waits, what runs and what has just ended.

use crate::{
    AdapterError, AdapterErrorKind, CLOCK_TOLERANCE_SECONDS, JobFacts, JobSighting, QueueBatch, RejectedRow, Whose,
    slurm::{
        SlurmCommands,
        call::{self, Tool},
        queue_row::{self, FIELDS, HEADER, QueueRow},
        rows::{Delimiter, Found, TableReader},
        selection::Selection,
        standing::Standing,
    },
};
use model::{SchedulerJobId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What there is to say of an answer beside its rows.
pub(super) struct Asked {
    pub(super) rejected: Vec<RejectedRow>,
    pub(super) observed_at: Timestamp,
}

impl SlurmCommands {
    /// Asks once, by the server or the library where one of them answers. slurmrestd tells of one job or of all (of `/jobs` no
    /// version chooses a user, 26.05 included), and the commands and the library have the controller choose: where a person's jobs
    /// or several are asked for, the server is the last to be asked. Tasks of arrays of ours come one by one.
    pub(super) async fn ask_queue(
        &self,
        selection: &Selection,
        take: &mut (dyn FnMut(QueueRow) + Send),
    ) -> Result<Asked, AdapterError> {
        let take = &mut |row: QueueRow| row.each_task().for_each(&mut *take);
        let is_for_server = selection.is_everything() || selection.jobs.len() == 1;
        if is_for_server && let Some(asked) = self.rest_queue(selection, take).await {
            return Ok(asked);
        }
        let answered = match self.native_queue(selection, take).await {
            Some(answered) => answered,
            None => self.ask_squeue(selection, take).await,
        };
        match answered {
            // There is no `squeue`.
            Err(error) if error.kind == AdapterErrorKind::Unsupported && !is_for_server => {
                self.rest_queue(selection, take).await.ok_or(error)
            }
            answered => answered,
        }
    }

    /// Asks `squeue`. All states are asked for, because the default hides what has just ended, and all partitions, because it hides
    /// one's own jobs in those that are hidden or closed to one's groups.
    async fn ask_squeue(
        &self,
        selection: &Selection,
        take: &mut (dyn FnMut(QueueRow) + Send),
    ) -> Result<Asked, AdapterError> {
        let delimiter = Delimiter::fresh();
        let format: Vec<String> = FIELDS.iter().map(|field| format!("{field}:{}", delimiter.as_str())).collect();
        let command = call::read(Tool::Squeue)
            .arguments(["--all", "--states=all", "-O"])
            .argument(format.join(","))
            .arguments(selection.for_queue())
            // Long lists of waiting array tasks are cut at 64 characters otherwise (squeue(1), SLURM_BITSTR_LEN).
            .variable("SLURM_BITSTR_LEN", "0");
        let observed_at = self.clock.now();
        let mut asked = Asked { rejected: Vec::new(), observed_at };
        let reader = TableReader::new(&delimiter, FIELDS.len(), HEADER);
        let mut take_found = |found: Found<'_>| match found {
            Found::Cut(raw) => asked.rejected.push(cut(raw)),
            Found::Row(values) => match queue_row::read(values, observed_at) {
                Ok(row) => take(row),
                Err(reason) => asked.rejected.push(queue_row::rejected(values, reason)),
            },
        };
        match self.ask_table(Tool::Squeue, command, reader, &mut take_found).await {
            // One id that the controller no longer knows is "invalid"; of several it lists the others.
            Err(error) if error.kind == AdapterErrorKind::NotFound => Ok(Asked { rejected: Vec::new(), observed_at }),
            Err(error) => Err(error),
            Ok(()) => Ok(asked),
        }
    }

    /// The queue of these people and accounts.
    pub(super) async fn queue_of(&self, whose: &Whose) -> Result<QueueBatch, AdapterError> {
        let selection = self.selected(whose).await?;
        let mut jobs = Vec::new();
        let asked = self.ask_queue(&selection, &mut |row| jobs.push(row.sighting)).await?;
        Ok(QueueBatch { jobs, rejected: asked.rejected, observed_at: asked.observed_at })
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
        let earliest = since.plus_seconds(-CLOCK_TOLERANCE_SECONDS);
        let wanted: BTreeSet<SchedulerJobId> = ids.iter().copied().collect();
        let selection = self.naming(&wanted).await?;
        let mut standing = Standing::of(wanted, earliest);
        let asked = self.ask_queue(&selection, &mut |row| standing.take(row.sighting)).await?;
        standing.take_rejected(asked.rejected);
        let mut known = standing.standing();
        let missing = standing.missing();
        if !missing.is_empty() {
            let ended = self.finished_standing(missing.clone(), earliest).await?;
            let unknown: BTreeSet<SchedulerJobId> = ended.missing();
            if let Some(row) = standing.rejected_of(&unknown).or_else(|| ended.rejected_of(&unknown)) {
                return Err(AdapterError::new(AdapterErrorKind::Unreadable, Tool::Squeue.doing())
                    .with("row", &row.raw)
                    .with("cause", &row.reason));
            }
            known.extend(ended.standing());
        }
        Ok(known)
    }

    /// One job, from the queue or from accounting.
    pub(super) async fn job_facts(&self, id: SchedulerJobId) -> Result<JobFacts, AdapterError> {
        let mut rows = Vec::new();
        let asked = self.ask_queue(&Selection::of_job(id), &mut |row| rows.push(row)).await?;
        rows.retain(|row| row.sighting.is_called(id));
        let tasks = rows.iter().map(|row| row.sighting.tasks).sum();
        let bearer = rows.iter().position(|row| row.sighting.id == id.whole()).unwrap_or(0);
        if let Some(row) = rows.into_iter().nth(bearer) {
            let QueueRow { sighting, work_directory, output, .. } = row;
            return Ok(JobFacts { sighting, tasks, work_directory, output });
        }
        let found = self.finished_facts(id).await;
        match (
            found,
            asked.rejected.into_iter().find(|row| row.may_be_one_of(|other| id.task().is_some() || other == id)),
        ) {
            (Err(error), Some(row)) if error.kind == AdapterErrorKind::NotFound => {
                Err(AdapterError::new(AdapterErrorKind::Unreadable, Tool::Squeue.doing())
                    .with("row", row.raw)
                    .with("cause", row.reason))
            }
            (found, _) => found,
        }
    }
}

/// A row with values missing, as it is handed back.
pub(super) fn cut(raw: String) -> RejectedRow {
    RejectedRow { raw, reason: "not all columns are there".to_owned(), stamp: None, is_cut: true }
}
