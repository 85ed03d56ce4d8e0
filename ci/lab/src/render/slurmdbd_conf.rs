//! slurmdbd.conf.

use crate::layout::{ClusterLayout, Layout};
use crate::shapes::Shape;
use crate::state::ClusterPorts;

/// What slurmdbd needs to reach its database.
#[derive(Debug)]
pub(crate) struct Database {
    /// MariaDB's port on loopback.
    pub(crate) port: u16,
    /// The password of the cluster's own database user; in slurmdbd.conf (mode 0600) and nowhere else.
    pub(crate) password: String,
}

/// The database and the database user of a cluster.
pub(crate) fn database_name(cluster: &str) -> String {
    format!("slurm_{cluster}")
}

/// The text of slurmdbd.conf.
pub(crate) fn slurmdbd_conf(
    shape: &Shape,
    lab: &Layout,
    cluster: &ClusterLayout,
    ports: ClusterPorts,
    database: &Database,
) -> String {
    let name = database_name(shape.name);
    let mut lines = vec![
        "AuthType=auth/munge".to_owned(),
        format!("AuthInfo=socket={}", lab.munge_socket().display()),
        "AuthAltTypes=auth/jwt".to_owned(),
        format!("AuthAltParameters=jwt_key={}", cluster.configuration().join("jwt.key").display()),
        "DbdHost=localhost".to_owned(),
        "DbdAddr=127.0.0.1".to_owned(),
        format!("DbdPort={}", ports.slurmdbd),
        "SlurmUser=root".to_owned(),
        format!("PidFile={}", cluster.run().join("slurmdbd.pid").display()),
        format!("LogFile={}", cluster.log("slurmdbd").display()),
        "StorageType=accounting_storage/mysql".to_owned(),
        "StorageHost=127.0.0.1".to_owned(),
        format!("StoragePort={}", database.port),
        format!("StorageUser={name}"),
        format!("StoragePass={}", database.password),
        format!("StorageLoc={name}"),
    ];
    if !shape.private_data.is_empty() {
        lines.push(format!("PrivateData={}", shape.private_data));
    }
    lines.join("\n") + "\n"
}
