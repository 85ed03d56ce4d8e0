//! Statements, balances and scores as documents: text for people, CSV for tables, HDF5 for arrays, SVG for plots, RO-Crate for jobs. Queries nothing;
//! rounds only what it shows.

mod csv;
mod research_object;
mod scores;
mod text;

pub use csv::{statements_csv, table_csv, yes_or_no};
pub use research_object::research_object_json;
pub use scores::{
    Hdf5Error, MOST_PANELS, scores_courses, scores_csv, scores_hdf5, scores_svg, scores_table, short_names, value_text,
};
pub use text::{ReportError, statement_text};
