//! What the local scheduler is given by whoever wires it.

use std::path::PathBuf;

/// A local scheduler's folder, size, and the program that supervises its jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalConfiguration {
    /// Where jobs are kept, on a local disk. Made when it is missing.
    pub state_directory: PathBuf,
    /// The program and first arguments of a supervisor; a job's directory is added. It calls [`super::supervise()`].
    pub supervisor: Vec<String>,
    /// CPU slots.
    pub cpus: u32,
    /// GPU slots, numbered from 0.
    pub gpus: u32,
}
