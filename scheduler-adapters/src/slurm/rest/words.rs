//! Values in the words that Slurm's commands print: one reader serves both, and a raw row does not tell which way it came.

use super::value::{Count, Record};
use serde_json::Value;
pub(super) use slurm_messages::lengths::{clock, length};
use slurm_messages::tasks;

/// An instant in epoch seconds, or the word for none.
pub(super) fn instant(seconds: Option<u64>, none: &str) -> String {
    seconds.filter(|seconds| *seconds > 0).map_or_else(|| none.to_owned(), |seconds| seconds.to_string())
}

/// A limit in minutes, by the words that `show` has for a number of them. What is null is a job without a limit to
/// v0.0.38; a job that was given none has its partition's by the time that anybody sees it.
pub(super) fn limit(minutes: Count, show: impl FnOnce(u64) -> String) -> String {
    match minutes {
        Count::Number(minutes) => show(minutes),
        Count::Absent | Count::Infinite => "UNLIMITED".to_owned(),
    }
}

/// How a job is shown: `4711`, `4711_3`, `4711_[5-9%4]`, `4711+0`.
pub(super) fn shown_id(
    job: u64,
    (array, task, waiting): (Option<u64>, Option<u64>, &str),
    (leader, offset): (Option<u64>, Option<u64>),
) -> String {
    match (array.filter(|id| *id > 0), task, leader.filter(|id| *id > 0), offset) {
        (Some(array), None, ..) if !waiting.is_empty() => format!("{array}_[{}]", tasks::listed(waiting)),
        (Some(array), Some(task), ..) => format!("{array}_{task}"),
        (_, _, Some(leader), Some(offset)) => format!("{leader}+{offset}"),
        _ => job.to_string(),
    }
}

/// A list of resources in names and in their order, `cpu=288,gres/gpu=4,node=1`; counts that nobody set are left out.
pub(super) fn resources(list: &[Value]) -> String {
    let mut named: Vec<String> = list.iter().filter_map(|resource| resource_in(Record(resource))).collect();
    named.sort_unstable();
    named.join(",")
}

fn resource_in(resource: Record<'_>) -> Option<String> {
    let (count, kind, name) = (resource.number("/count")?, resource.text("/type"), resource.text("/name"));
    // Counts of memory are MiB.
    let unit = if kind == "mem" { "M" } else { "" };
    Some(if name.is_empty() { format!("{kind}={count}{unit}") } else { format!("{kind}/{name}={count}{unit}") })
}

/// How many nodes are in a list of resources.
pub(super) fn nodes(list: &[Value]) -> u64 {
    let of_nodes = list.iter().map(Record).find(|resource| resource.text("/type") == "node");
    of_nodes.and_then(|resource| resource.number("/count")).unwrap_or(0)
}

/// How a job ended, `exit:signal`.
pub(super) fn exit(ended: Record<'_>) -> String {
    let signal = ended.number("/signal/id").or_else(|| ended.number("/signal/signal_id")).unwrap_or(0);
    format!("{}:{signal}", ended.number("/return_code").unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lengths_and_limits() {
        assert_eq!(limit(Count::Number(90), |minutes| length(minutes * 60)), "1:30:00");
        assert_eq!(limit(Count::Infinite, |minutes| minutes.to_string()), "UNLIMITED");
        assert_eq!((instant(Some(7), "N/A"), instant(Some(0), "N/A")), ("7".to_owned(), "N/A".to_owned()));
    }

    #[test]
    fn ids_as_people_see_them() {
        let (none, alone) = ((Some(0), None, ""), (Some(0), Some(0)));
        assert_eq!(shown_id(7, none, alone), "7");
        assert_eq!(shown_id(8, (Some(7), Some(3), ""), alone), "7_3");
        assert_eq!(shown_id(7, (Some(7), None, "5-9%4"), alone), "7_[5-9%4]");
        assert_eq!(shown_id(7, (Some(7), None, "0xF"), alone), "7_[0-3]");
        assert_eq!(shown_id(7, (Some(7), None, "0xB2%2"), alone), "7_[1,4-5,7%2]");
        assert_eq!(shown_id(8, none, (Some(7), Some(1))), "7+1");
        assert_eq!(shown_id(7, none, (Some(7), Some(0))), "7+0");
        assert_eq!(shown_id(7, none, (None, None)), "7");
    }

    #[test]
    fn resources_are_named_in_order() {
        let list = json!([
            {"type": "cpu", "name": null, "count": 288}, {"type": "energy", "name": "", "count": null},
            {"type": "gres", "name": "gpu", "count": 4}, {"type": "gres", "name": "gpu:gh200", "count": 4},
            {"type": "mem", "count": {"set": true, "number": 860_000}}, {"type": "node", "name": null, "count": 1}
        ]);
        let list = list.as_array().expect("a list");
        assert_eq!(resources(list), "cpu=288,gres/gpu:gh200=4,gres/gpu=4,mem=860000M,node=1");
        assert_eq!((nodes(list), nodes(&[])), (1, 0));
    }

    #[test]
    fn endings_of_two_releases() {
        for (value, shown) in [
            (json!({"status": "SUCCESS", "return_code": 0}), "0:0"),
            (json!({"status": "SIGNALED", "return_code": null, "signal": {"signal_id": 9, "name": "Killed"}}), "0:9"),
            (json!({"return_code": {"set": true, "number": 3}, "signal": {"id": {"set": false, "number": 0}}}), "3:0"),
            (json!({"return_code": {"set": false}, "signal": {"id": {"set": true, "number": 15}}}), "0:15"),
            (json!(null), "0:0"),
        ] {
            assert_eq!(exit(Record(&value)), shown, "{value}");
        }
    }
}
