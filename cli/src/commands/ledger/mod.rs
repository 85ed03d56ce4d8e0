//! `pakt ledger ...`: the words of each action; what it does is in a file for its kind.

mod backup;
mod bind;
mod by_hand;
mod cosign;
mod coverage;
mod covered;
mod decisions;
mod export;
mod file;
mod give;
mod import;
mod imports;
mod merge;
mod migrate;
mod new_key;
mod policy;
mod prove;
mod read;
mod reprice;
mod site_figure;
mod unattributed;
mod verify;
mod withdraw;

use super::{Context, settle::day_in};
use crate::wiring::KnownAt;
use crate::{
    failure::Failure,
    output::{Answer, instant_in},
};
use model::{Timestamp, Window, Zone};

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
    /// Take back what was granted by mistake
    Withdraw(withdraw::Withdraw),
    /// Enter what was forfeited and forgiven by now; `pakt settle` does it too
    Expire(withdraw::Expire),
    /// Pass time of a grant on to another project
    Delegate(by_hand::Delegate),
    /// Reserve time for something that is no job of pakt
    Hold(by_hand::Hold),
    /// End a reservation that nothing needs any more
    Release(by_hand::Release),
    /// Give back what a run was charged
    Refund(by_hand::Refund),
    /// Price the runs of this site anew, by the tariffs of its profile as they are now
    Reprice(reprice::Reprice),
    /// Change a budget by hand; above 100 hours in 30 days somebody else has to agree
    Adjust(by_hand::Adjust),
    /// Agree to an adjustment that somebody else wants, or list those that wait
    Agree(by_hand::Agree),
    /// Erase a person: the name and what was read of their runs; totals and proofs stay
    Erase(by_hand::Erase),
    /// Say what was used of a budget until a day or time; runs that ended by then are in it
    Open(give::Open),
    /// Take in runs that `sacct` printed into a file, of any release and in any order of columns, or that it tells now
    Import(import::Import),
    /// List what was imported, with the sums that another reader of the same file gets
    Imports,
    /// Take in bundles that members wrote with `pakt settle --bundle`, in any order, as often as you like
    Merge(merge::Merge),
    /// Let another account, partition or user spend a project's budget
    Bind(bind::Bind),
    /// List who spends which budget
    Bindings(bind::Bindings),
    /// End a binding
    Unbind(bind::Unbind),
    /// Charge runs anew, by the bindings as they are now
    Reattribute(bind::Reattribute),
    /// Show or say what the programme lets a project do with its time
    Policy(policy::Policy),
    /// Refuse jobs that the balance does not cover, or only advise
    Enforce(bind::Enforce),
    /// List what is decided beside amounts, each with the entry that proves it
    Decisions(decisions::Decisions),
    /// Print a project's statement
    Statement(read::Statement),
    /// Show which runs were read, and which nobody read
    Coverage(coverage::Coverage),
    /// List runs that openings have already, so that nobody is charged for them
    Covered(covered::Covered),
    /// List runs that belong to no project
    Unattributed,
    /// Print the whole ledger as JSON lines, to keep or to be checked elsewhere
    Export(export::Export),
    /// Move the ledger from its file to a PostgreSQL server, with its numbers, leaves and proofs
    Migrate(migrate::Migrate),
    /// Copy the ledger to a file, as it is at one instant
    Backup(backup::Backup),
    /// Put a backup where no ledger is, once it was verified
    Restore(backup::Restore),
    /// Print the signed checkpoint: who keeps it elsewhere sees any later change to what is there now
    Checkpoint(prove::Checkpoint),
    /// Say as a witness that a checkpoint continues what was seen before, with a signature under it
    Cosign(cosign::Cosign),
    /// Print the proof that an entry lies in the signed log
    Prove(prove::Prove),
    /// Replay every entry, recompute their tree, and compare; a ledger, an export or a proof
    Verify(verify::Verify),
}

/// Runs what is wanted.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    match arguments.action {
        Action::Init => give::init(context).await,
        Action::Grant(arguments) => give::grant(arguments, context).await,
        Action::Withdraw(arguments) => withdraw::run(arguments, context).await,
        Action::Expire(arguments) => withdraw::expire(arguments, context).await,
        Action::Delegate(arguments) => by_hand::delegate(arguments, context).await,
        Action::Hold(arguments) => by_hand::hold(arguments, context).await,
        Action::Release(arguments) => by_hand::release(arguments, context).await,
        Action::Refund(arguments) => by_hand::refund(arguments, context).await,
        Action::Adjust(arguments) => by_hand::adjust(arguments, context).await,
        Action::Agree(arguments) => by_hand::agree(arguments, context).await,
        Action::Erase(arguments) => by_hand::erase(arguments, context).await,
        Action::Reprice(arguments) => reprice::run(arguments, context).await,
        Action::Open(arguments) => give::open(arguments, context).await,
        Action::Import(arguments) => import::run(arguments, context).await,
        Action::Imports => imports::run(context).await,
        Action::Merge(arguments) => merge::run(arguments, context).await,
        Action::Bind(arguments) => bind::bind(arguments, context).await,
        Action::Bindings(arguments) => bind::bindings(arguments, context).await,
        Action::Unbind(arguments) => bind::unbind(arguments, context).await,
        Action::Reattribute(arguments) => bind::reattribute(arguments, context).await,
        Action::Policy(arguments) => policy::run(arguments, context).await,
        Action::Enforce(arguments) => bind::enforce(arguments, context).await,
        Action::Decisions(arguments) => decisions::run(arguments, context).await,
        Action::Statement(arguments) => read::statement(arguments, context).await,
        Action::Coverage(arguments) => coverage::run(arguments, context).await,
        Action::Covered(arguments) => covered::run(arguments, context).await,
        Action::Unattributed => unattributed::run(context).await,
        Action::Export(arguments) => export::export(arguments, context).await,
        Action::Migrate(arguments) => migrate::run(arguments, context).await,
        Action::Backup(arguments) => backup::backup(arguments, context).await,
        Action::Restore(arguments) => backup::restore(arguments, context).await,
        Action::Checkpoint(arguments) => prove::checkpoint(arguments, context).await,
        Action::Cosign(arguments) => cosign::cosign(arguments, context).await,
        Action::Prove(arguments) => prove::prove(arguments, context).await,
        Action::Verify(arguments) => verify::verify(arguments, context).await,
    }
}

/// The start of a day in the zone of a site's budgets.
fn day_in_or(text: Option<&str>, zone: &Zone, otherwise: Timestamp) -> Result<Timestamp, Failure> {
    text.map_or(Ok(otherwise), |text| day_in(text, zone))
}

/// From when to when, in the zone of a site's budgets, which is named.
fn shown_window(window: Window, zone: &Zone) -> String {
    format!("{} to {} ({zone})", instant_in(window.from, zone), instant_in(window.to, zone))
}

/// A state of the books: a time with a zone, or the number of an entry.
pub(crate) fn known_at(what: &str, text: &str) -> Result<KnownAt, Failure> {
    // Seconds since 1970 would be numbers of entries that nobody has.
    if let Ok(entry) = text.parse::<u64>()
        && entry < 1_000_000_000
    {
        return Ok(KnownAt::Entry(entry));
    }
    text.parse().map(KnownAt::Instant).map_err(|error: model::TimeError| {
        let next = "write a time such as `--known-at 2026-11-23T22:14:00Z`, or the number of an entry";
        Failure::usage(what, error.to_string(), next)
    })
}
