//! When a job is expected to run, so that its hold takes from what may be spent then.

use model::{JobSpec, Placement, Timestamp, Window, Zone};

/// How long a job may wait before it is expected to start. Nobody knows; a day is between an empty machine and a full one.
const QUEUE_SECONDS: i64 = 86_400;

/// From now, or from when it may begin, until it would end after a day in the queue.
pub(crate) fn expected(spec: &JobSpec, placement: &Placement, now: Timestamp, zone: &Zone) -> Window {
    let begin = spec.scheduler.begin.as_deref().and_then(|text| begins(text, now, zone));
    let from = begin.map_or(now, |begin| begin.max(now));
    let limit = i64::try_from(placement.time_limit.seconds()).unwrap_or(i64::MAX);
    Window { from, to: from.plus_seconds(limit.saturating_add(QUEUE_SECONDS)) }
}

/// The instant that `--begin` of sbatch(1) names, where it is a date, or a while from now; none for what only a scheduler
/// reads, such as `teatime`.
fn begins(text: &str, now: Timestamp, zone: &Zone) -> Option<Timestamp> {
    if let Some(rest) = text.strip_prefix("now+") {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = rest.split_at(digits);
        let seconds = match unit.trim_end_matches('s') {
            "" | "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            "week" => 7 * 86_400,
            _ => return None,
        };
        return count.parse::<i64>().ok()?.checked_mul(seconds).map(|seconds| now.plus_seconds(seconds));
    }
    zone.moment(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_read_as_sbatch_reads_them() {
        let now = Timestamp::from_epoch_seconds(1_793_000_000);
        let zone: Zone = "Europe/Berlin".parse().expect("a zone");
        for (text, after) in [
            ("now+1hour", Some(3_600)),
            ("now+2days", Some(172_800)),
            ("now+60", Some(60)),
            ("now+1week", Some(604_800)),
            // 08:33:20 in Berlin is now.
            ("2026-10-27", Some(55_600)),
            ("2026-10-26T08:33:20", Some(0)),
            ("2026-10-26T10:33", Some(7_180)),
            ("teatime", None),
            ("16:00", None),
            ("now+", None),
            ("now+1fortnight", None),
            ("now+99999999999999999", Some(i64::MAX)),
        ] {
            let found = begins(text, now, &zone).map(|at| at.seconds_since(now));
            match after {
                Some(i64::MAX) => assert!(found.is_some_and(|after| after > 1 << 40), "{text}: {found:?}"),
                _ => assert_eq!(found, after, "{text}"),
            }
        }
    }
}
