//! gres.conf: GPUs that are device files and no devices.

use std::fmt::Write;
use std::path::Path;

use crate::shapes::Shape;

/// The text of gres.conf. Every GPU has a `File=`: with `Count=` alone slurmd reports none and the node is drained.
/// The nodes share the files; nobody opens them.
pub(crate) fn gres_conf(shape: &Shape, devices: &Path) -> String {
    let mut text = String::new();
    for group in shape.nodes {
        if let Some(gpus) = &group.gpus {
            let (nodes, last) = (group.expression(), gpus.count - 1);
            let files = devices.join(format!("gpu[0-{last}]"));
            writeln!(text, "NodeName={nodes} Name=gpu Type={} File={}", gpus.kind, files.display())
                .expect("writing to a string cannot fail");
        }
    }
    text
}
