//! A maintenance that comes: whether a job still fits before it, and with which time it would.

use super::Cause;
use model::{PartitionName, PendingClass, Timestamp, WallTime};
use scheduler_adapters::{PendingJob, Reservation};

/// Times that are suggested are whole quarters of an hour.
const STEP_SECONDS: u64 = 900;

/// What is left for the start at least: a job whose time ends with the beginning of a maintenance would have to start in
/// this very second.
const START_SECONDS: u64 = 60;

/// The maintenances that a job which starts now would run into, or that are going on.
pub(super) fn in_the_way(job: &PendingJob, now: Timestamp) -> impl Iterator<Item = &Reservation> {
    let limit = job.sighting.time_limit.map(|limit| i64::try_from(limit.seconds()).unwrap_or(i64::MAX));
    let end = limit.map_or(i64::MAX, |limit| now.epoch_seconds().saturating_add(limit));
    job.reservations.iter().flatten().filter(move |reservation| {
        reservation.is_maintenance()
            && job.reservation.as_deref() != Some(reservation.name.as_str())
            && concerns(reservation.partition.as_ref(), &job.partitions)
            && reservation.period.to > now
            && reservation.period.from.epoch_seconds() < end
    })
}

fn concerns(partition: Option<&PartitionName>, own: &[PartitionName]) -> bool {
    partition.is_none_or(|partition| own.contains(partition))
}

/// The longest time with which a job could end before a maintenance, were it to start now; none where it is too close.
pub(super) fn fitting(reservation: &Reservation, now: Timestamp) -> Option<WallTime> {
    let seconds = u64::try_from(reservation.period.from.seconds_since(now)).ok()?;
    let whole = seconds.saturating_sub(START_SECONDS) / STEP_SECONDS * STEP_SECONDS;
    (whole > 0).then(|| WallTime::from_seconds(whole))
}

/// What is to be said of each.
pub(super) fn causes(job: &PendingJob, now: Timestamp) -> Vec<Cause> {
    in_the_way(job, now).map(|reservation| cause(reservation, job.sighting.time_limit, now)).collect()
}

fn cause(reservation: &Reservation, limit: Option<WallTime>, now: Timestamp) -> Cause {
    let Reservation { name, period, node_count, .. } = reservation;
    let nodes = match node_count {
        _ if reservation.has_all_nodes() => "of all nodes".to_owned(),
        Some(count) => format!("of {count} nodes"),
        None => "of some nodes".to_owned(),
    };
    let class = PendingClass::Unavailable;
    if period.from <= now {
        let what = format!("a maintenance {nodes} (`{name}`) goes on until {}", period.to);
        return Cause::new(class, what, Some("wait: it is over then, if nothing goes wrong".to_owned()));
    }
    let asks =
        limit.map_or_else(|| "your job has no time limit".to_owned(), |limit| format!("your job asks for {limit}"));
    let what =
        format!("a maintenance {nodes} (`{name}`) begins at {} and lasts until {}; {asks}", period.from, period.to);
    let next = fitting(reservation, now).map_or_else(
        || "wait: it is too close for any job to end before it".to_owned(),
        |most| format!("with {most} at most it could end before, if it started now"),
    );
    Cause::new(class, what, Some(next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Window;

    fn maintenance(from: i64, to: i64) -> Reservation {
        let at = Timestamp::from_epoch_seconds;
        Reservation {
            name: "maint".to_owned(),
            period: Window { from: at(from), to: at(to) },
            nodes: "n[1-4]".to_owned(),
            node_count: Some(4),
            partition: None,
            flags: vec!["MAINT".to_owned(), "ALL_NODES".to_owned()],
            users: Vec::new(),
            accounts: Vec::new(),
        }
    }

    #[test]
    fn a_time_that_fits_is_told_where_one_does() {
        let now = Timestamp::from_epoch_seconds(0);
        for (from, limit, expected) in [
            (19_900, Some(86_400), Some("with 05:30:00 at most it could end before, if it started now")),
            (600, Some(86_400), Some("wait: it is too close for any job to end before it")),
            (-60, Some(60), Some("wait: it is over then, if nothing goes wrong")),
            (3_600, None, Some("with 00:45:00 at most it could end before, if it started now")),
            (3_660, None, Some("with 01:00:00 at most it could end before, if it started now")),
        ] {
            let found = cause(&maintenance(from, 30_000), limit.map(WallTime::from_seconds), now);
            assert_eq!(found.next.as_deref(), expected, "{}", found.what);
        }
        let found = cause(&maintenance(19_900, 30_000), Some(WallTime::from_seconds(86_400)), now);
        let expected = "a maintenance of all nodes (`maint`) begins at 1970-01-01T05:31:40Z and lasts until \
                        1970-01-01T08:20:00Z; your job asks for 1-00:00:00";
        assert_eq!(found.what, expected);
    }
}
