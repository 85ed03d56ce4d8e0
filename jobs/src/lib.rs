//! The order of steps in each verb, the job directory, and nothing of how a person is spoken to.
//!
//! One file or folder a verb. A verb walks through the [`House`]: leaves behind their contracts, wired by the command
//! line. It refuses first, then does what can be undone, and what cannot be undone last but one.

pub mod adopt;
mod arithmetic;
mod attended;
pub mod backup;
pub mod balance;
pub mod bind;
mod budget;
pub mod bundle;
pub mod by_hand;
pub mod cancel;
mod ceiling;
pub mod check;
pub mod choose;
pub mod coverage;
pub mod directory;
mod error;
pub mod exceeded;
mod expected;
pub mod expire;
mod find;
mod funding;
mod gpu_model;
pub mod grant;
mod house;
pub mod import;
pub mod init;
pub mod job_file;
mod known;
mod known_at;
mod known_filter;
pub mod list;
pub mod logs;
mod look;
mod nearest;
mod neighbour;
pub mod outlook;
mod placeholder;
pub mod plan;
pub mod policy;
pub mod prepare;
mod reached;
pub mod read_by;
pub mod refund;
pub mod reprice;
pub mod script;
pub mod seal;
pub mod settle;
pub mod shell;
pub mod show;
mod sight;
pub mod site_figure;
pub mod site_view;
pub mod submit;
mod undo;
pub mod usage;
pub mod used;
pub mod why;
pub mod withdraw;
mod zone;

pub use error::{Gravity, JobsError};
pub use house::{Books, House, ProcessMark, Processes, Step, Steps, Unwatched, Vantage, Variables};
pub use neighbour::{Neighbour, Neighbourhood};
pub use reached::{booked, reached};
