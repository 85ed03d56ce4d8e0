//! What would start sooner: a shorter time, another partition, another site. The scheduler is asked, a bounded number of
//! times, about the same job as if it were submitted now, and about each change of it; like is compared with like.

use super::{
    Subject,
    maintenance::{fitting, in_the_way},
    partitions,
    probe::{self, Wish},
};
use crate::{
    house::House,
    neighbour::{Neighbour, Neighbourhood},
};
use model::{PartitionName, PendingClass, PendingReason, SiteName, Timestamp, WallTime};
use scheduler_adapters::{Estimate, PendingJob};
use serde::Serialize;

/// How many questions one call asks at most, that about the job itself among them.
pub const MOST_QUESTIONS: usize = 6;

/// What is sooner by less is not worth a change.
pub const SOONER_BY_SECONDS: i64 = 600;

/// How many other partitions are asked about.
const MOST_PARTITIONS: usize = 2;

/// Half of a time is asked about only where it is longer than this.
const SHORTEST_SECONDS: u64 = 1_800;

/// A change that would start sooner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// A shorter time.
    Time(WallTime),
    /// Another partition.
    Partition(PartitionName),
    /// Another site.
    Site(SiteName),
}

/// What a change would bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// What is changed.
    pub change: Change,
    /// When the job would start then, were it submitted now.
    pub starts_at: Timestamp,
}

/// What the scheduler said to the questions.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sooner {
    /// How many questions were asked.
    pub asked: usize,
    /// When the job itself would start, were it submitted now.
    pub unchanged_at: Option<Timestamp>,
    /// What would start sooner by ten minutes or more, the soonest first.
    pub offers: Vec<Offer>,
    /// What was not answered.
    pub notes: Vec<String>,
}

/// Asks what would start sooner; none where the scheduler gives no estimates.
pub(super) async fn sooner(
    house: &House,
    subject: &Subject,
    job: &PendingJob,
    neighbourhood: &dyn Neighbourhood,
) -> Option<Sooner> {
    if !house.scheduler.capabilities().estimates {
        return None;
    }
    let mut found = Sooner { asked: 1, ..Sooner::default() };
    match probe::estimate(house, subject, job, &Wish::default()).await {
        Ok(Estimate::StartsAt { at, .. }) => found.unchanged_at = Some(at),
        Ok(Estimate::Unknown { said } | Estimate::Refused { said }) | Err(said) => {
            found.notes.push(format!("the scheduler gives no estimate for the job as it is: {said}"));
            return Some(found);
        }
    }
    for wish in wishes(house, job) {
        if found.asked == MOST_QUESTIONS {
            break;
        }
        found.asked += 1;
        let answer = probe::estimate(house, subject, job, &wish).await;
        let change = match wish {
            Wish { partition: Some(partition), .. } => Change::Partition(partition),
            Wish { time, .. } => Change::Time(time.unwrap_or_default()),
        };
        found.take(change, &answer);
    }
    if probe::spec(subject).is_some() {
        found.ask_neighbours(subject, &neighbourhood.neighbours().await).await;
    }
    found.offers.sort_by_key(|offer| offer.starts_at);
    Some(found)
}

impl Sooner {
    fn take(&mut self, change: Change, answer: &Result<Estimate, String>) {
        let Ok(Estimate::StartsAt { at, .. }) = answer else { return };
        let at = *at;
        let is_sooner = |unchanged: Timestamp| unchanged.seconds_since(at) >= SOONER_BY_SECONDS;
        if self.unchanged_at.is_some_and(is_sooner) {
            self.offers.push(Offer { change, starts_at: at });
        }
    }

    async fn ask_neighbours(&mut self, subject: &Subject, neighbours: &[Neighbour]) {
        for Neighbour { site, house } in neighbours {
            match house {
                Ok(_) if self.asked == MOST_QUESTIONS => {
                    self.notes.push(format!("{site} was not asked: {MOST_QUESTIONS} questions are enough"));
                }
                Ok(house) => {
                    self.asked += 1;
                    match probe::at_site(house, subject, site).await {
                        Ok(Estimate::Refused { said }) | Err(said) => self.notes.push(format!("{site}: {said}")),
                        answer => self.take(Change::Site(site.clone()), &answer),
                    }
                }
                Err(why) => self.notes.push(format!("{site} was not reached: {why}")),
            }
        }
    }
}

/// What is asked about at the job's own site, in this order.
fn wishes(house: &House, job: &PendingJob) -> Vec<Wish> {
    let is_limit = PendingReason::of(&job.sighting.reason).class == PendingClass::Limit;
    // An estimate leaves limits out, and would promise what they forbid.
    if is_limit {
        return Vec::new();
    }
    let now = house.clock.now();
    let before = in_the_way(job, now).filter_map(|reservation| fitting(reservation, now)).min();
    let half = job.sighting.time_limit.filter(|limit| limit.seconds() > SHORTEST_SECONDS);
    let half = half.map(|limit| WallTime::from_seconds(limit.seconds() / 2 / 60 * 60));
    let mut times: Vec<WallTime> = before.into_iter().chain(half).collect();
    times.dedup();
    let times = times.into_iter().map(|time| Wish { time: Some(time), partition: None });
    let others = job.all_partitions.iter().flatten();
    let others = others.filter(|known| !job.partitions.contains(&known.name) && partitions::would_take(job, known));
    let others = others.map(|known| Wish { time: None, partition: Some(known.name.clone()) });
    times.chain(others.take(MOST_PARTITIONS)).collect()
}
