//! Sweeps: many starts of one program as one job. Its links are the tasks of arrays, and independent of each other
//! (docs/decisions/0057).
//!
//! `advance` sends what is due of them and sees when all are over; `cells` tells what became of each start, `points` of each cell that a person
//! asked for, by the `scores` of an evaluation; `report` which job has it by now, and `missing` makes a job of those that are.

mod advance;
mod cells;
mod missing;
mod points;
mod report;
mod scores;

pub(crate) use advance::{advance, note_if_over, over_if_spent};
pub use cells::{Cell, CellCounts, CellState, Cells, cells};
pub(crate) use cells::{cells_of, is_stopped};
pub use missing::{Missing, missing};
pub(crate) use points::point_counts;
pub(crate) use report::{CellLog, cell_log};
pub use report::{ReportedCell, SweepReport, report};
