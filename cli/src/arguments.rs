//! The command line.

use crate::commands;
use clap::{Parser, Subcommand};

/// Runs training and evaluation jobs on shared Slurm machines, once each, and accounts for their GPU-hours.
#[derive(Debug, Parser)]
#[command(name = "pakt", version, about, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// What holds for every command.
    #[command(flatten)]
    pub general: General,
}

/// What holds for every command.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct General {
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true)]
    pub json: bool,
    /// The site this machine belongs to, where it is not detected (`local` runs jobs on this machine)
    #[arg(long, global = true, value_name = "SITE")]
    pub site: Option<String>,
    /// Say nothing on success; for cron
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read a job file and say every mistake in it; contacts nothing
    Check(commands::check::Arguments),
    /// Write a commented job file that passes `check`
    Init(commands::init::Arguments),
    /// Show what `submit` would do: script, placement, cost, start estimate
    Plan(commands::plan::Arguments),
    /// Submit a job exactly once
    Submit(commands::submit::Arguments),
    /// Submit an unmodified batch script, with a hold
    Sbatch(commands::sbatch::Arguments),
    /// Open an interactive allocation, with a hold
    Shell(commands::shell::Arguments),
    /// Take over a job that was submitted without pakt
    Adopt(commands::adopt::Arguments),
    /// List jobs
    Jobs(commands::jobs::Arguments),
    /// Show all that is known of a job
    Show(commands::show::Arguments),
    /// Write a job that is over as a research object: an RO-Crate with its scripts, code and log
    Export(commands::export::Arguments),
    /// Say why a job waits, what to do about it, and what would start sooner
    ///
    /// At most six questions are put to schedulers about what would start sooner: the job as it is, with a shorter time, in
    /// other partitions, at other sites that `ssh:` of the configuration names and where a budget stands. Nothing is
    /// submitted or changed.
    Why(commands::why::Arguments),
    /// Watch a job until it is over
    Watch(commands::watch::Arguments),
    /// Print a job's log
    Logs(commands::logs::Arguments),
    /// End a job
    Cancel(commands::cancel::Arguments),
    /// Go on with a chain or a sweep: queue the links that are due; safe to run twice, from cron
    Resume(commands::resume::Arguments),
    /// Enter what ran into the ledger; safe to run twice, late, from cron
    Settle(commands::settle::Arguments),
    /// Show what projects have, hold and owe
    Balance(commands::balance::Arguments),
    /// Show what was used: what runs in the ledger took, or what accounting says
    Usage(commands::usage::Arguments),
    /// Show the results of evaluations side by side: a table, CSV, an HDF5 matrix, plots over checkpoints
    ///
    /// Files of lm-evaluation-harness and of a simple form are read, on this machine. docs/results.md says which names they
    /// have below a folder, and what the files that are written hold.
    Results(commands::results::Arguments),
    /// Show sites and what they offer
    Sites(commands::sites::Arguments),
    /// Keep the ledger
    Ledger(commands::ledger::Arguments),
    /// Look at this installation: configuration, folders, scheduler, ledger
    Doctor(commands::doctor::Arguments),
    /// Print a completion script for a shell
    Completions(commands::completions::Arguments),
    /// Print the manual page, or write one page a command into a folder
    Man(commands::man::Arguments),
    /// Runs one job of this machine; started by `submit`
    #[command(name = "__local-supervisor", hide = true)]
    LocalSupervisor(commands::local_supervisor::Arguments),
    /// Prints the tables that docs/reference/ is made of
    #[command(name = "__reference", hide = true)]
    Reference(commands::reference::Arguments),
}
