//! Imports: what is kept of a batch of runs that was read from a file.

use crate::RunningRows;
use model::{ClusterName, SiteName, Timestamp, Unit, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The header of a batch. It is posted behind the last of its runs: a batch without one was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportBatch {
    /// Who read it: the program and its release.
    pub reader: String,
    /// The command as it was written, without the program.
    pub command: String,
    /// The site whose runs it has.
    pub site: SiteName,
    /// The clusters of its runs.
    pub clusters: BTreeSet<ClusterName>,
    /// When accounting was asked for it.
    pub observed_at: Timestamp,
    /// From the first start of its runs to the last end; none where it has no run that has ended.
    pub window: Option<Window>,
    /// Its rows, whatever became of them; those of steps are none.
    pub rows: u64,
    /// What its runs cost, in each unit in which they have a price.
    pub totals: Vec<ControlTotal>,
    /// The BLAKE3 digest of its bytes, in hexadecimal digits.
    pub digest: String,
    /// Its runs that had not ended, by cluster and account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub still_running: Vec<RunningRows>,
}

/// What the runs of a batch cost in one unit. Two who read the same file get the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTotal {
    /// In which unit.
    pub unit: Unit,
    /// How many runs have a price in it.
    pub runs: u64,
    /// The exact sum in milli-seconds of the unit, as decimal digits: it may be more than any one amount can be.
    pub milli: String,
}

/// A batch in the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// Its number, from 1.
    pub number: u64,
    /// The entry whose leaf has its digest; none where somebody put it beside the log.
    pub entry: Option<u64>,
    /// When it was posted.
    pub recorded_at: Timestamp,
    /// What was read.
    pub batch: ImportBatch,
}
