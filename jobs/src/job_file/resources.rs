//! The `resources` part: how much, for how long.

use super::{fields::Fields, reference};
use model::{GpuRequest, Resources, WallTime};

/// Reads `resources`.
pub(super) fn read(job: &Fields<'_>) -> Option<Resources> {
    let fields = job.below("resources");
    fields.only(&reference::names_below("resources"));
    let time = fields.parsed::<WallTime>("time", "write `HH:MM:SS`, or a number with `m`, `h` or `d`; quote it");
    let time = fields.required("time", time, "\"01:00:00\"");
    let nodes = fields.count("nodes", 1);
    let gpus = gpus(&fields, nodes)?;
    if gpus == GpuRequest::None && nodes.is_none() && !fields.has("nodes") {
        fields.required::<u32>("nodes", None, "1");
    }
    let time = time.filter(|time| {
        if time.seconds() == 0 {
            fields.mistake("time", "a job of no time cannot run", "write the wall-time limit the job needs");
        }
        time.seconds() > 0
    });
    Some(Resources { nodes, gpus, time: time?, memory_mib: memory_mib(&fields), cpus: fields.count("cpus", 1) })
}

fn gpus(fields: &Fields<'_>, nodes: Option<u32>) -> Option<GpuRequest> {
    match (fields.has("gpus_per_node"), fields.has("gpus")) {
        (true, true) => {
            fields.mistake("gpus", "`gpus` and `gpus_per_node` say the same in two ways", "keep one of them");
            None
        }
        (true, false) => Some(match fields.count("gpus_per_node", 0)? {
            0 => GpuRequest::None,
            count => GpuRequest::PerNode(count),
        }),
        (false, true) if nodes.is_some() => {
            let what = "`gpus` is the number of all GPUs, from which the nodes follow";
            fields.mistake("gpus", what, "take `nodes` out, or write `gpus_per_node` beside it");
            None
        }
        (false, true) => Some(match fields.count("gpus", 0)? {
            0 => GpuRequest::None,
            count => GpuRequest::Total(count),
        }),
        (false, false) => Some(GpuRequest::None),
    }
}

fn memory_mib(fields: &Fields<'_>) -> Option<u64> {
    let text = fields.text("memory")?;
    let (digits, factor) = match text.trim_end_matches("iB").trim_end_matches('B').char_indices().last() {
        Some((at, 'M')) => (text[..at].trim_end().to_owned(), 1),
        Some((at, 'G')) => (text[..at].trim_end().to_owned(), 1024),
        Some((at, 'T')) => (text[..at].trim_end().to_owned(), 1024 * 1024),
        _ => (String::new(), 0),
    };
    let memory = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(factor)).filter(|mib| *mib > 0);
    if memory.is_none() {
        fields.mistake("memory", format!("`{text}` is not an amount of memory"), "write it per node, such as `480G`");
    }
    memory
}
