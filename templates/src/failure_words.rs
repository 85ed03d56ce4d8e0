//! What the script of a chain is told of failures: what a log says of them, and how often each kind may come.

use crate::{BatchScript, FailurePattern, quote};
use model::{FailureClass, OnFailure};
use serde::Serialize;

/// The values of `scripts/failure.sh.j2`: words and numbers of ours, and patterns of one line each.
#[derive(Debug, Serialize)]
pub(crate) struct FailureWords {
    kinds: Vec<Kind>,
    retries: Vec<Retries>,
    /// In seconds.
    hung_after: Option<u64>,
    /// What blames the hardware of a node; one pattern a line.
    blamed: String,
    /// For how long a bad node is left out, in seconds; 0 for never.
    exclude_for: u64,
    /// What the person leaves out by themselves, in front of other names.
    excluded: String,
}

#[derive(Debug, Serialize)]
struct Kind {
    word: &'static str,
    /// One a line.
    patterns: String,
}

#[derive(Debug, Serialize)]
struct Retries {
    word: &'static str,
    count: u32,
}

/// Those of which a log tells, as the script looks for them.
const TOLD: [FailureClass; 6] = [
    FailureClass::NodeFault,
    FailureClass::GpuOom,
    FailureClass::HostOom,
    FailureClass::Io,
    FailureClass::Setup,
    FailureClass::Communication,
];

impl FailureWords {
    pub(crate) fn of(script: &BatchScript<'_>) -> Self {
        let policy = script.spec.on_failure.as_ref();
        // Of a file that sbatch reads no more is known here than its name (sbatch(1), `--exclude`).
        let is_file = script.spec.scheduler.exclude.as_ref().is_some_and(|nodes| nodes.contains('/'));
        let retries = policy.into_iter().flat_map(|policy: &OnFailure| &policy.retries);
        Self {
            kinds: TOLD.into_iter().filter_map(|class| Kind::of(script, class)).collect(),
            retries: retries.map(|(class, count)| Retries { word: class.word(), count: *count }).collect(),
            hung_after: policy.and_then(|policy| policy.hung_after).map(model::WallTime::seconds),
            blamed: patterns(script, |pattern| pattern.blames_node),
            exclude_for: if is_file { 0 } else { OnFailure::exclude_for(policy).seconds() },
            excluded: script
                .spec
                .scheduler
                .exclude
                .as_ref()
                .map(|nodes| format!("{},", quote::word(nodes)))
                .unwrap_or_default(),
        }
    }
}

impl Kind {
    fn of(script: &BatchScript<'_>, class: FailureClass) -> Option<Self> {
        let patterns = patterns(script, |pattern| pattern.class == class);
        (!patterns.is_empty()).then(|| Self { word: class.word(), patterns })
    }
}

/// Those that are wanted, one a line.
fn patterns(script: &BatchScript<'_>, is_wanted: impl Fn(&FailurePattern<'_>) -> bool) -> String {
    let wanted = script.failure_patterns.iter().filter(|pattern| !pattern.text.is_empty() && is_wanted(pattern));
    wanted.map(|pattern| pattern.text).collect::<Vec<_>>().join("\n")
}
