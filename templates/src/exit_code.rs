//! Exit codes of a batch script that ended before its program did; the numbers of sysexits(3).
//!
//! Any other code is the program's own, above 128 the signal that ended it. A second scheduler job for a claimed link
//! ends with 0: nothing went wrong, and nothing was done.

/// The program of an evaluation ended with 0 and wrote no results.
pub const NO_RESULTS: u8 = 65;
/// A directory, virtual environment or container image is not there on the node.
pub const NO_INPUT: u8 = 66;
/// The address of the first node could not be found.
pub const NO_HOST: u8 = 68;
/// The node has no modules, or not the one that was asked for.
pub const NO_MODULE: u8 = 69;
/// The job directory cannot be seen, read or written from the node.
pub const NO_JOB_DIRECTORY: u8 = 74;
/// The model server of an evaluation ended before it was ready, or was not ready in time.
pub const NO_SERVER: u8 = 76;
