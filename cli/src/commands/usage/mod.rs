//! `pakt usage`: what the ledger's runs took, or what accounting itself says.

mod accounting;
mod books;

use super::Context;
use crate::{failure::Failure, output::Answer};
use model::{ClusterName, PartitionName, ProjectName, SiteName, Unit, UserName};

/// Arguments of `usage`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// One's own runs as accounting has them here; needs no ledger
    #[arg(long, conflicts_with = "all_users")]
    pub mine: bool,
    /// The runs of all users that are visible as accounting has them here; needs no ledger
    #[arg(long)]
    pub all_users: bool,
    /// From this day (YYYY-MM-DD) or time on (2026-11-23T22:14:00Z); without it everything, of accounting the last 30 days
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    #[command(flatten)]
    pub of_books: OfBooks,
}

/// What only the ledger can be asked for.
#[derive(Debug, Default, clap::Args)]
#[group(id = "books", multiple = true, conflicts_with_all = ["mine", "all_users"])]
pub(crate) struct OfBooks {
    /// Until this day or time, itself not counted
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// Tell apart by these, with commas: day, month, project, person, site, cluster, partition, gpu-model, end-state; units
    /// are told apart in any case
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub by: Vec<String>,
    /// What this project pays for
    #[arg(long)]
    pub project: Option<ProjectName>,
    /// The runs of a person
    #[arg(long, value_name = "USER")]
    pub person: Option<UserName>,
    /// The runs at a site
    #[arg(long, value_name = "SITE")]
    pub at_site: Option<SiteName>,
    /// The runs on a cluster, by Slurm's name of it
    #[arg(long)]
    pub cluster: Option<ClusterName>,
    /// The runs in a partition
    #[arg(long)]
    pub partition: Option<PartitionName>,
    /// The runs on one model of GPU, such as `h100`, by the unit or the profile of their partition
    #[arg(long, value_name = "MODEL")]
    pub gpu_model: Option<String>,
    /// In one unit, such as `jupiter:gh200`
    #[arg(long)]
    pub unit: Option<Unit>,
    /// The runs that ended so, in Slurm's word
    #[arg(long, value_name = "STATE")]
    pub end_state: Option<String>,
    /// As the books were at this time, or after the entry with this number
    #[arg(long, value_name = "TIME|ENTRY")]
    pub known_at: Option<String>,
    /// Show beside each sum what the sites charge for its runs by their own formula, as the runs are known now; reads every run
    #[arg(long)]
    pub site_charge: bool,
    /// Print a table for spreadsheets; its last column says whether all that belongs into it was read
    #[arg(long)]
    pub csv: bool,
}

/// Shows usage.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    if arguments.mine || arguments.all_users {
        return accounting::run(arguments, context).await;
    }
    books::run(arguments, context).await
}
