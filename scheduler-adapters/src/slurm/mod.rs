//! Slurm by its own commands: text output only, because JSON changes its shape at every release and sites may lack it.
//!
//! `call` knows how a command is run and what its failures mean, `refusal` which words of `sbatch` mean that there is no
//! job, `rows` and `values` how Slurm's tables are read, and each of the others one subject.

mod accounting;
mod accounting_row;
mod accounting_taker;
mod call;
mod columns;
mod commands;
mod describe;
mod describe_accounting;
mod estimate;
mod find;
mod interactive;
mod light;
mod limits;
mod look;
mod native;
mod output_path;
mod pending;
mod pending_queue;
mod queue;
mod queue_row;
mod refusal;
mod release;
mod reservation;
mod rest;
mod rights;
mod rows;
mod selection;
mod standing;
mod submit;
mod tasks;
mod text;
mod values;

pub use commands::SlurmCommands;
pub use rest::{RestConfiguration, TokenSource};
pub use text::{AccountingText, NotStarted, TextError, TextFacts, TextRow};
