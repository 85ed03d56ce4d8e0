//! Scores of evaluations as a table, CSV, an HDF5 file, and plots over the steps of training (docs/results.md).

mod axes;
mod course;
mod csv;
mod hdf5_file;
mod spark;
mod svg;
mod table;

pub use axes::short_names;
pub use axes::value_text;
pub use csv::scores_csv;
pub use hdf5_file::{Hdf5Error, scores_hdf5};
pub use spark::scores_courses;
pub use svg::{MOST_PANELS, scores_svg};
pub use table::scores_table;
