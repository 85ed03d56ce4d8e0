//! Why a job waits here: for those before it, and for cores and GPUs. There are no limits and no reservations.

use crate::{AdapterError, AdapterErrorKind, LocalScheduler, PendingJob, QueuePlace, Scheduler, Users, Whose};
use model::SchedulerJobId;

impl LocalScheduler {
    /// The job with its place among those that wait, who come in the order of their ids.
    pub(super) async fn pending_job(&self, id: SchedulerJobId) -> Result<PendingJob, AdapterError> {
        let sighting = self.read_back(id).await?.sighting;
        let everybody = Whose { users: Users::Visible, accounts: Vec::new() };
        let queue = self.queue(&everybody).await?.jobs;
        let waiting: Vec<SchedulerJobId> =
            queue.iter().filter(|job| job.state.is_pending()).map(|job| job.id).collect();
        let count = |counted: usize| u32::try_from(counted).unwrap_or(u32::MAX);
        let ahead = count(waiting.iter().filter(|other| **other < id).count());
        let waiting = count(waiting.len());
        let unasked = AdapterError::new(AdapterErrorKind::Unsupported, "asking why a job waits");
        let job = PendingJob::of_sighting(sighting, &unasked);
        let place = |partition| QueuePlace { partition, ahead, waiting, is_whole: Some(true) };
        Ok(PendingJob {
            places: Ok(job.partitions.iter().cloned().map(place).collect()),
            all_partitions: self.describe().await.map(|facts| facts.partitions),
            reservations: Ok(Vec::new()),
            limits: Ok(Vec::new()),
            ..job
        })
    }
}
