//! Takes the rows of accounting into a bundle, those alone that say something new.

use super::own::OwnBundle;
use super::write::BundleReport;
use crate::{
    error::JobsError,
    settle::{Adopted, Reading, Viewpoint, raw},
};
use async_trait::async_trait;
use ledger::{Batch, BundledRun, Scope, is_ahead};
use model::{ClusterName, Run, SchedulerJobId, Timestamp, UserName, Window};
use scheduler_adapters::{RejectedRow, RunTaker};
use std::collections::BTreeMap;

/// So many runs go into one batch.
const CHUNK: usize = 2_000;

/// Takes the rows of one answer.
pub(super) struct Intake<'a, 'key> {
    pub(super) bundle: &'a mut OwnBundle<'key>,
    pub(super) view: &'a Viewpoint,
    pub(super) now: Timestamp,
    pub(super) window: Window,
    pub(super) adopted: &'a Adopted,
    pub(super) reading: &'a mut Reading,
    pub(super) report: &'a mut BundleReport,
    pub(super) fields: Vec<String>,
    pub(super) waiting: BTreeMap<(SchedulerJobId, Timestamp), BundledRun>,
    pub(super) cluster: ClusterName,
    /// Why the file took no more: what comes after it is passed over.
    pub(super) failure: Option<JobsError>,
}

#[async_trait]
impl RunTaker for Intake<'_, '_> {
    fn learn_fields(&mut self, fields: &[String]) {
        self.fields = fields.to_vec();
    }

    async fn take(&mut self, run: Run) {
        if self.failure.is_some() {
            return;
        }
        if (self.waiting.len() >= CHUNK || self.cluster != run.key.cluster)
            && let Err(error) = self.write()
        {
            self.failure = Some(error);
            return;
        }
        self.cluster.clone_from(&run.key.cluster);
        self.keep(run);
    }

    fn reject(&mut self, row: RejectedRow) {
        let ended_at = raw::ended_at(&row, &self.fields).unwrap_or(self.window.from);
        self.miss(&raw::shown(&row), ended_at);
    }
}

impl Intake<'_, '_> {
    fn keep(&mut self, run: Run) {
        let stamp = run.stamp.or_else(|| self.adopted.stamp(run.key.scheduler_job, run.key.submitted_at));
        let run = Run { stamp, ..run };
        let (job, ended_at) = (run.key.scheduler_job, run.ended_at);
        let mut fault = run.contradiction().or_else(|| run.early_start());
        if ended_at.is_some_and(|ended_at| is_ahead(ended_at, self.now)) {
            fault = Some("it ends after this clock's present: one of two clocks is wrong".to_owned());
        }
        if !is_of(&self.view.scope, &run.user) {
            fault = Some(format!("it is `{}`'s, and one's own were asked for", run.user));
        }
        if fault.is_none() {
            let (Scope::User(reader) | Scope::All(reader) | Scope::Site(reader)) = &self.view.scope;
            self.reading.see(&run, reader);
            let Some(bundled) = BundledRun::of(run) else { return };
            fault = bundled.fault();
            if fault.is_none() && !self.bundle.has(&self.cluster, &bundled) {
                self.waiting.insert(bundled.key(), bundled);
                return;
            }
        }
        if let Some(fault) = fault {
            self.miss(&format!("the run of job {job}: {fault}"), ended_at.unwrap_or(self.window.from));
        }
    }

    fn miss(&mut self, what: &str, ended_at: Timestamp) {
        self.report.reject(what);
        self.reading.miss(None, ended_at);
    }

    /// Writes what waits as one batch.
    fn write(&mut self) -> Result<(), JobsError> {
        let runs: Vec<BundledRun> = std::mem::take(&mut self.waiting).into_values().collect();
        if runs.is_empty() {
            return Ok(());
        }
        self.report.runs += runs.len() as u64;
        self.bundle.append(Batch {
            number: self.bundle.number(),
            previous: self.bundle.last(),
            written_at: self.now,
            cluster: self.cluster.clone(),
            scope: self.view.scope.clone(),
            runs,
            sight: None,
            coverage: None,
        })
    }

    /// Writes the last runs, where the answer was one and the file took the others.
    pub(super) fn finish(mut self, answered: Result<(), JobsError>) -> Result<(), JobsError> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        answered?;
        self.write()
    }
}

/// Whether jobs of this person are in the scope.
pub(super) fn is_of(scope: &Scope, user: &UserName) -> bool {
    match scope {
        Scope::User(reader) => reader == user,
        Scope::All(_) | Scope::Site(_) => true,
    }
}
