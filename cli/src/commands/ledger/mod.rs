//! `pakt ledger ...`: the words of each action; what it does is in a file for its kind.

mod bind;
mod coverage;
mod give;
mod read;
mod unattributed;

use super::{Context, settle::day};
use crate::{failure::Failure, output::Answer};
use model::Timestamp;

/// Arguments of `ledger`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done with the ledger.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Make the ledger
    Init,
    /// Enter what was granted, and which Slurm account spends it
    Grant(give::Grant),
    /// Enter what was used before the ledger began
    Open(give::Open),
    /// Let another account, partition or user spend a project's budget
    Bind(bind::Bind),
    /// List who spends which budget
    Bindings(bind::Bindings),
    /// End a binding
    Unbind(bind::Unbind),
    /// Charge runs anew, by the bindings as they are now
    Reattribute(bind::Reattribute),
    /// Refuse jobs that the balance does not cover, or only advise
    Enforce(bind::Enforce),
    /// Print a project's statement
    Statement(read::Statement),
    /// Show which runs were read, and which nobody read
    Coverage(coverage::Coverage),
    /// List runs that belong to no project
    Unattributed,
    /// Print every entry as JSON lines
    Export,
    /// Replay every entry and compare
    Verify,
}

/// Runs what is wanted.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    match arguments.action {
        Action::Init => give::init(context).await,
        Action::Grant(arguments) => give::grant(arguments, context).await,
        Action::Open(arguments) => give::open(arguments, context).await,
        Action::Bind(arguments) => bind::bind(arguments, context).await,
        Action::Bindings(arguments) => bind::bindings(arguments, context).await,
        Action::Unbind(arguments) => bind::unbind(arguments, context).await,
        Action::Reattribute(arguments) => bind::reattribute(arguments, context).await,
        Action::Enforce(arguments) => bind::enforce(arguments, context).await,
        Action::Statement(arguments) => read::statement(arguments, context).await,
        Action::Coverage(arguments) => coverage::run(arguments, context).await,
        Action::Unattributed => unattributed::run(context).await,
        Action::Export => read::export(context).await,
        Action::Verify => read::verify(context).await,
    }
}

fn day_or(text: Option<&str>, otherwise: Timestamp) -> Result<Timestamp, Failure> {
    text.map_or(Ok(otherwise), day)
}
