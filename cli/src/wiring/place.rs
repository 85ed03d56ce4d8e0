//! Where a site's files and commands are for this process: on this machine, or behind the person's own ssh.

use super::{far, process, site};
use crate::{
    configuration::{Configuration, Home, StatePlace},
    failure::Failure,
};
use jobs::{Processes, Vantage, Variables};
use model::{Principal, SiteName};
use reach::{Local, Reach};
use sites::Catalogue;
use std::{path::PathBuf, sync::Arc};

/// What a command is about to do with its house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// It reads files and the ledger, and asks no site: it needs no place that is known.
    Read,
    /// It looks at the ledger alone, and asks no site.
    Ledger,
    /// It makes no job and no ledger: it leaves open where those are kept for good, so that it needs no home that can be
    /// written.
    Look,
    /// It keeps something.
    Keep,
    /// It makes a job, whose place every machine of the person has to agree on.
    Submit,
}

/// A site as this process reaches it.
pub(super) struct Place {
    pub(super) principal: Principal,
    /// The folder of the jobs, and what is to be said about it.
    pub(super) state: StatePlace,
    /// The folder of the ledger, where nothing else is said.
    pub(super) ledger_folder: PathBuf,
    pub(super) files: Arc<dyn Reach>,
    pub(super) variables: Arc<dyn Variables>,
    pub(super) processes: Arc<dyn Processes>,
    pub(super) vantage: Vantage,
    /// The helper for Slurm's own library.
    pub(super) helper: Option<PathBuf>,
}

/// Finds the place of a site.
pub(super) async fn of(
    configuration: &Configuration,
    catalogue: &Catalogue,
    here: &SiteName,
    need: Need,
) -> Result<Place, Failure> {
    match far::settings(configuration, catalogue, here)? {
        Some(settings) => far::place(configuration, catalogue, here, settings, need).await,
        None => on_this_machine(configuration, catalogue, here, need),
    }
}

fn on_this_machine(
    configuration: &Configuration,
    catalogue: &Catalogue,
    here: &SiteName,
    need: Need,
) -> Result<Place, Failure> {
    let principal = identity::principal_of_this_process(Some(here.clone())).map_err(|error| {
        Failure::usage("it is not known who you are", error.to_string(), "ask the site's administrators")
    })?;
    let area = catalogue.get(here).and_then(site::state_area);
    let state = configuration.state_place(&Home { site: here.as_str(), area, user: principal.user.as_str() });
    let state = match need {
        Need::Read => state.unwrap_or_else(|failure| StatePlace::nowhere(configuration, &failure)),
        Need::Ledger | Need::Look => state?,
        Need::Keep | Need::Submit => state?.kept()?,
    };
    Ok(Place {
        principal,
        ledger_folder: state.folder.clone(),
        state,
        files: Arc::new(Local),
        variables: Arc::new(configuration.variables.clone()),
        processes: Arc::new(process::HostProcesses),
        vantage: Vantage::Site,
        helper: configuration.slurm_helper()?,
    })
}
