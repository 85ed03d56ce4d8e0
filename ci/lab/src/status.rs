//! `status`: what of the lab runs.

use crate::cluster::Site;
use crate::error::LabError;
use crate::layout::Layout;
use crate::postgres::Instance;
use crate::process::{Mark, find_server};
use crate::shapes::shape;
use crate::shared::{mariadb, munged};
use crate::state::State;

/// One server of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// The cluster, or `lab` for what clusters share.
    pub owner: String,
    /// As in `slurmctld`, `slurmd@hkn0401`.
    pub role: String,
    /// Its process; none where it does not run.
    pub process: Option<i32>,
}

/// Every server that the lab should have; empty where there is no lab.
pub fn status(lab: &Layout) -> Result<Vec<ServerStatus>, LabError> {
    let Some(state) = State::load(lab)? else { return Ok(vec![]) };
    let mut marks = Vec::new();
    if !state.clusters.is_empty() {
        marks.extend([munged(lab).mark, mariadb(lab, state.mariadb_port).mark]);
    }
    marks.extend(state.postgres.map(|known| Instance { lab: lab.clone(), port: known.port }.mark()));
    for (name, cluster) in &state.clusters {
        let site = Site { lab: lab.clone(), shape: shape(name)?, ports: cluster.ports };
        marks.extend(site.servers().into_iter().map(|server| server.mark));
    }
    marks.into_iter().map(server_status).collect()
}

fn server_status(mark: Mark) -> Result<ServerStatus, LabError> {
    let process = find_server(&mark)?.map(|process| process.id.as_raw_nonzero().get());
    Ok(ServerStatus { owner: mark.owner, role: mark.role, process })
}
