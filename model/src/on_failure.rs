//! What becomes of a chain when its program fails: how often each kind of failure may come.

use crate::{FailureClass, WallTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The policy of one job. Kinds that are not named here end nothing by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnFailure {
    /// How many failures of a kind are followed by another start, counted from the last newer checkpoint on.
    pub retries: BTreeMap<FailureClass, u32>,
    /// A program of which nothing is seen for so long (no line of its log, no progress, no checkpoint) is ended; none to leave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hung_after: Option<WallTime>,
    /// For how long a node that is at fault is left out of the links to come; none for the usual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_for: Option<WallTime>,
}

impl OnFailure {
    const USUAL_EXCLUDED_SECONDS: u64 = 86_400;

    /// For how long a node that is at fault is left out: a day, where nothing else is asked for.
    pub fn exclude_for(policy: Option<&Self>) -> WallTime {
        let asked = policy.and_then(|policy| policy.exclude_for);
        asked.unwrap_or(WallTime::from_seconds(Self::USUAL_EXCLUDED_SECONDS))
    }

    /// The kinds that may have a budget of their own. A limit, a preemption and whoever cancels a job are nobody's failure.
    pub const KINDS: [FailureClass; 9] = [
        FailureClass::UserCode,
        FailureClass::Setup,
        FailureClass::GpuOom,
        FailureClass::HostOom,
        FailureClass::Communication,
        FailureClass::Io,
        FailureClass::NodeFault,
        FailureClass::Hung,
        FailureClass::Unknown,
    ];
}
