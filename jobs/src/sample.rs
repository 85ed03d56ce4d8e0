//! One question to each source that commands ask again and again, for whoever wants to see what it costs.

use crate::{error::JobsError, house::House, reached::scheduled};
use async_trait::async_trait;
use model::{Run, Window};
use scheduler_adapters::{RejectedRow, RunTaker, RunWindow, Whose};

/// How far back accounting is asked: a look at what it costs is itself to cost little.
const WINDOW_SECONDS: i64 = 3_600;

/// Takes runs and keeps none.
struct Nobody;

#[async_trait]
impl RunTaker for Nobody {
    fn learn_fields(&mut self, _: &[String]) {}

    async fn take(&mut self, _: Run) {}

    fn reject(&mut self, _: RejectedRow) {}
}

/// Asks the queue and, for the last hour, accounting, both for the jobs of the person alone; what was not answered.
pub async fn sample(house: &House) -> Vec<JobsError> {
    let now = house.clock.now();
    let window = Window { from: now.plus_seconds(-WINDOW_SECONDS), to: now };
    let asked = RunWindow { site: house.here.clone(), window, whose: Whose::mine() };
    let queue = scheduled(house.scheduler.queue(&Whose::mine()).await, "the queue does not answer").err();
    let runs = scheduled(house.scheduler.each_run(&asked, &mut Nobody).await, "accounting does not answer").err();
    queue.into_iter().chain(runs).collect()
}
