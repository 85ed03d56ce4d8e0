//! The `on_failure` part: how often each kind of failure may come, and when a program counts as hung.

use super::{fields::Fields, reference};
use model::{FailureClass, OnFailure, WallTime};
use std::collections::BTreeMap;

/// The most retries of a kind: no chain has more links.
const MOST_RETRIES: u32 = 500;
/// The script looks once a minute.
const SHORTEST_SECONDS: u64 = 120;

/// Reads `on_failure`; none where the job has none. `limit` is the wall-time limit, where it could be read.
pub(super) fn read(job: &Fields<'_>, limit: Option<WallTime>) -> Option<OnFailure> {
    if !job.has("on_failure") {
        return None;
    }
    if !job.has("chain") {
        let what = "a job that ends at its limit is not started again after a failure";
        job.mistake("on_failure", what, "give it a `chain`, or leave `on_failure` out");
    }
    let fields = job.below("on_failure");
    fields.only(&reference::names_below("on_failure"));
    let retries = OnFailure::KINDS.into_iter().filter_map(|kind| Some((kind, retries(&fields, kind)?)));
    let retries: BTreeMap<FailureClass, u32> = retries.collect();
    let hung_after: Option<WallTime> =
        fields.parsed("hung_after", "write `HH:MM:SS`, or a number with `m` or `h`; quote it");
    if let Some(after) = hung_after {
        check(&fields, after, limit);
    }
    if retries.contains_key(&FailureClass::Hung) && hung_after.is_none() && !fields.has("hung_after") {
        let what = "without `hung_after` no program is found hung";
        fields.doubt("hung", what, "add `hung_after: \"30m\"`, or leave `hung` out");
    }
    let exclude_for = fields.parsed("exclude_for", "write a number with `h` or `d`, or `0s` for never; quote it");
    Some(OnFailure { retries, hung_after, exclude_for })
}

/// The field of a kind: its word, as fields are written.
fn name(kind: FailureClass) -> String {
    kind.word().replace('-', "_")
}

fn retries(fields: &Fields<'_>, kind: FailureClass) -> Option<u32> {
    let name = name(kind);
    let count = fields.count(&name, 0)?;
    if count > MOST_RETRIES {
        let next = format!("write a number from 0 to {MOST_RETRIES}, or leave it out");
        fields.mistake(&name, format!("{count} is more than {MOST_RETRIES}"), next);
        return None;
    }
    Some(count)
}

fn check(fields: &Fields<'_>, after: WallTime, limit: Option<WallTime>) {
    if after.seconds() < SHORTEST_SECONDS {
        let what = format!("{after} is shorter than a program may be silent: it is looked at once a minute");
        fields.mistake("hung_after", what, "write at least `\"2m\"`, and longer than it takes to load or to save");
    } else if limit.is_some_and(|limit| after >= limit) {
        let what = format!("{after} is not shorter than the limit: no program is ever found hung");
        fields.doubt("hung_after", what, "shorten it, or leave it out");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_has_a_field() {
        let fields: BTreeSet<String> = reference::names_below("on_failure").into_iter().map(str::to_owned).collect();
        let kinds = OnFailure::KINDS.into_iter().map(name).chain(["hung_after", "exclude_for"].map(str::to_owned));
        assert_eq!(fields, kinds.collect());
    }
}
