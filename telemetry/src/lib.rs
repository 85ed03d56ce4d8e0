//! What the GPUs did: sensors, node log, traces, summary.
//!
//! Charges come from allocated resources alone; this crate will lay evidence beside them. It holds nothing yet.
