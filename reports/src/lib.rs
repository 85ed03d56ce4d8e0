//! Statements, balances and scores as documents: text for people, CSV for tables, HDF5 for arrays, SVG for plots. Queries nothing;
//! rounds only what it shows.

mod csv;
mod scores;
mod text;

pub use csv::{statements_csv, table_csv, yes_or_no};
pub use scores::{
    Hdf5Error, MOST_PANELS, scores_courses, scores_csv, scores_hdf5, scores_svg, scores_table, value_text,
};
pub use text::{ReportError, statement_text};
