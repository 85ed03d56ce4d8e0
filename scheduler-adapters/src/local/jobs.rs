//! A local job in the words of the contract.

use crate::{
    JobForm, JobSighting,
    local::{
        facts::JobView,
        schedule::{Slots, Turn},
        scheduler::CLUSTER,
    },
};
use model::{
    BaseState, EvidenceClass, JobState, Run, RunKey, SiteName, Stamp, Timestamp, Tres, UserName, WallTime, Window,
};

/// The one partition.
pub(super) const PARTITION: &str = "local";

impl JobView {
    fn base(&self) -> BaseState {
        match (&self.end, &self.start) {
            (Some(end), _) => end.state,
            (None, Some(_)) => BaseState::Running,
            (None, None) => BaseState::Pending,
        }
    }

    fn tres(&self) -> Tres {
        Tres {
            cpus: Some(self.record.cpus.into()),
            nodes: Some(1),
            gpus_total: Some(self.record.gpus.into()),
            ..Tres::default()
        }
    }

    fn stamp(&self) -> Option<Stamp> {
        self.record.stamp.parse().ok()
    }

    fn time_limit(&self) -> WallTime {
        WallTime::from_seconds(self.record.time_limit_seconds)
    }

    /// When it ended: never before it started and had run, though the clock may have been set back meanwhile.
    fn ended_at(&self) -> Option<Timestamp> {
        let end = self.end.as_ref()?;
        let Some(start) = &self.start else { return Some(end.ended_at) };
        let ran = i64::try_from(end.elapsed_seconds.unwrap_or(0)).unwrap_or(i64::MAX);
        Some(end.ended_at.max(start.started_at.plus_seconds(ran)))
    }

    fn elapsed(&self, observed_at: Timestamp) -> WallTime {
        let Some(start) = &self.start else { return WallTime::default() };
        if let Some(seconds) = self.end.as_ref().and_then(|end| end.elapsed_seconds) {
            return WallTime::from_seconds(seconds);
        }
        let until = self.ended_at().unwrap_or(observed_at);
        WallTime::from_seconds(u64::try_from(until.seconds_since(start.started_at)).unwrap_or(0))
    }

    /// What is seen of the job; by the slots that are taken a waiting one knows its reason.
    pub(super) fn sighting(&self, user: UserName, slots: &Slots, observed_at: Timestamp) -> JobSighting {
        let state = JobState::of(self.base());
        let reason = match slots.turn(&self.record) {
            _ if !state.is_pending() => "",
            Turn::Priority => "Priority",
            Turn::Resources | Turn::Now(_) => "Resources",
        };
        let started_at = self.start.as_ref().map(|start| start.started_at);
        let limit = i64::try_from(self.record.time_limit_seconds).unwrap_or(i64::MAX);
        let must_end = started_at.map(|start| start.plus_seconds(limit));
        JobSighting {
            id: self.record.id,
            leader: self.record.id,
            form: JobForm::Single,
            shown_id: self.record.id.to_string(),
            tasks: 1,
            cluster: CLUSTER.parse().ok(),
            user,
            account: None,
            partition: PARTITION.parse().ok(),
            qos: None,
            name: self.record.name.clone(),
            stamp: self.stamp(),
            state,
            reason: reason.to_owned(),
            submitted_at: self.record.submitted_at,
            started_at,
            ends_at: self.ended_at().or(must_end),
            time_limit: Some(self.time_limit()),
            elapsed: self.elapsed(observed_at),
            requested: self.tres(),
            nodes: 1,
            observed_at,
        }
    }

    /// Whether the job ran at some instant of a window.
    pub(super) fn overlaps(&self, window: Window) -> bool {
        let ended_before = self.ended_at().is_some_and(|ended_at| ended_at < window.from);
        self.start.as_ref().is_some_and(|start| start.started_at < window.to) && !ended_before
    }

    /// The run of a job that started.
    pub(super) fn run(&self, site: &SiteName, user: UserName, observed_at: Timestamp) -> Option<Run> {
        let start = self.start.as_ref()?;
        let raw = serde_json::json!({ "record": self.record, "start": self.start, "end": self.end }).to_string();
        Some(Run {
            key: RunKey {
                site: site.clone(),
                cluster: CLUSTER.parse().ok()?,
                scheduler_job: self.record.id,
                submitted_at: self.record.submitted_at,
            },
            sluid: None,
            shown_id: self.record.id.to_string(),
            user,
            account: None,
            partition: PARTITION.parse().ok(),
            qos: None,
            name: self.record.name.clone(),
            work_directory: None,
            stamp: self.stamp(),
            state: JobState::of(self.base()),
            restarts: Some(0),
            started_at: start.started_at,
            ended_at: self.ended_at(),
            elapsed: self.elapsed(observed_at),
            time_limit: Some(self.time_limit()),
            allocated: self.tres(),
            exit: self.end.as_ref().map(super::facts::End::exit).unwrap_or_default(),
            evidence: EvidenceClass::SelfRead,
            observed_at,
            raw,
        })
    }
}
