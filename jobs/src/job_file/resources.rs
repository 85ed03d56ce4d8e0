//! The `resources` part: how much, for how long.

use super::{fields::Fields, reference};
use model::{GpuRequest, GpuType, Resources, WallTime};

/// Reads `resources`.
pub(super) fn read(job: &Fields<'_>) -> Option<Resources> {
    let fields = job.below("resources");
    fields.only(&reference::names_below("resources"));
    let time = fields.parsed::<WallTime>("time", "write `HH:MM:SS`, or a number with `m`, `h` or `d`; quote it");
    let time = fields.required("time", time, "\"01:00:00\"");
    let nodes = fields.count("nodes", 1);
    let (gpus, gpu_type) = gpus(&fields)?;
    if gpus == GpuRequest::None && nodes.is_none() && !fields.has("nodes") {
        fields.required::<u32>("nodes", None, "1");
    }
    let time = time.filter(|time| {
        if time.seconds() == 0 {
            fields.mistake("time", "a job of no time cannot run", "write the wall-time limit the job needs");
        }
        time.seconds() > 0
    });
    let (memory_mib, cpus) = (memory_mib(&fields), fields.count("cpus", 1));
    Some(Resources { nodes, gpus, gpu_type, time: time?, memory_mib, cpus })
}

/// How many GPUs, and of which type; `gpus` beside `nodes` is all of them, spread evenly.
fn gpus(fields: &Fields<'_>) -> Option<(GpuRequest, Option<GpuType>)> {
    let (name, request): (_, fn(u32) -> GpuRequest) = match (fields.has("gpus_per_node"), fields.has("gpus")) {
        (true, true) => {
            fields.mistake("gpus", "`gpus` and `gpus_per_node` say the same in two ways", "keep one of them");
            return None;
        }
        (true, false) => ("gpus_per_node", GpuRequest::PerNode),
        (false, true) => ("gpus", GpuRequest::Total),
        (false, false) => return Some((GpuRequest::None, None)),
    };
    let (count, gpu_type) = typed_count(fields, name)?;
    Some((if count == 0 { GpuRequest::None } else { request(count) }, gpu_type))
}

/// `4`, or `h100:4` where the type matters.
fn typed_count(fields: &Fields<'_>, name: &str) -> Option<(u32, Option<GpuType>)> {
    let text = fields.text(name)?;
    let example = format!("for example `{name}: 1`, or `{name}: h100:1` for GPUs of that type");
    let Some((kind, digits)) = text.rsplit_once(':') else {
        let count = text.parse().ok();
        if count.is_none() {
            fields.mistake(name, format!("`{text}` is not a whole number from 0 on"), example);
        }
        return count.map(|count| (count, None));
    };
    match (kind.trim().parse::<GpuType>(), digits.trim().parse::<u32>()) {
        (Ok(kind), Ok(count)) if count > 0 => Some((count, Some(kind))),
        (Err(error), _) => {
            fields.mistake(name, error.to_string(), example);
            None
        }
        (Ok(_), _) => {
            fields.mistake(name, format!("`{digits}` is not a whole number from 1 on"), example);
            None
        }
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
