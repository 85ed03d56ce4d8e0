//! What `up` decided and later calls must know: ports, and which clusters were built to the end. Servers are not in
//! it: `process` finds those by the mark in their environment, so that a lab that crashed half-way is found as well.

use std::collections::BTreeMap;
use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::error::{LabError, file_error};
use crate::layout::Layout;

/// The state file's content.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct State {
    /// MariaDB's port on loopback.
    pub(crate) mariadb_port: u16,
    /// MariaDB's data folder was made to the end.
    pub(crate) mariadb_made: bool,
    /// The clusters by name.
    pub(crate) clusters: BTreeMap<String, ClusterState>,
    /// PostgreSQL; absent until somebody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) postgres: Option<PostgresState>,
}

/// PostgreSQL.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct PostgresState {
    /// Its port on loopback.
    pub(crate) port: u16,
    /// It was ready once, as with [`ClusterState::made`].
    pub(crate) made: bool,
}

/// One cluster.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct ClusterState {
    pub(crate) ports: ClusterPorts,
    /// The cluster was ready once; otherwise what lies there is the rest of an `up` that did not end.
    pub(crate) made: bool,
}

/// The ports of one cluster, all on loopback.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct ClusterPorts {
    pub(crate) slurmdbd: u16,
    pub(crate) slurmctld: u16,
    /// The first node's; the others follow, in the order of the shape's nodes.
    pub(crate) first_slurmd: u16,
    /// That of slurmrestd; zero in a lab of before there was one.
    #[serde(default)]
    pub(crate) slurmrestd: u16,
}

impl State {
    /// Reads the state; absent where there is no lab.
    pub(crate) fn load(lab: &Layout) -> Result<Option<Self>, LabError> {
        let path = lab.state();
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| LabError::State { path, reason: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file_error("reading", path)(error)),
        }
    }

    /// Writes the state beside the old one and renames it, so that a reader sees one or the other.
    pub(crate) fn save(&self, lab: &Layout) -> Result<(), LabError> {
        let path = lab.state();
        let mut file =
            tempfile::NamedTempFile::new_in(lab.directory()).map_err(file_error("writing in", lab.directory()))?;
        serde_json::to_writer_pretty(&mut file, self)
            .map_err(|error| LabError::State { path: path.clone(), reason: error.to_string() })?;
        file.write_all(b"\n").map_err(file_error("writing", &path))?;
        file.persist(&path).map_err(|error| file_error("writing", &path)(error.error))?;
        Ok(())
    }
}
