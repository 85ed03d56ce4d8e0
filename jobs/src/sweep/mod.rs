//! Sweeps: many starts of one program as one job. Its links are the tasks of arrays, and independent of each other
//! (docs/decisions/0057).
//!
//! `advance` sends what is due of them and sees when all are over; `cells` tells what became of each cell, `report` which job
//! has it by now, and which are missing.

mod advance;
mod cells;
mod report;

pub(crate) use advance::{advance, note_if_over, over_if_spent};
pub use cells::{CellCounts, CellState, Cells, cells};
pub(crate) use report::{CellLog, cell_log};
pub use report::{Missing, ReportedCell, SweepReport, missing, report};
