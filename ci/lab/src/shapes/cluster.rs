//! The parts of a cluster's shape.

use crate::User;

/// A cluster as the lab builds it.
#[derive(Debug)]
pub struct Shape {
    /// Slurm's name of the cluster, and the lab's.
    pub name: &'static str,
    /// Kinds of nodes; node names are unique in the cluster.
    pub nodes: &'static [NodeGroup],
    /// Partitions, in the order of slurm.conf.
    pub partitions: &'static [Partition],
    /// Lines of slurm.conf that differ from cluster to cluster: name and value.
    pub settings: &'static [(&'static str, &'static str)],
    /// What users may not see of each other; in slurm.conf and in slurmdbd.conf. Empty: everything is seen.
    pub private_data: &'static str,
    /// `job_submit.lua`, where the site changes or refuses what is submitted.
    pub submit_filter: Option<&'static str>,
    /// Slurm accounts with their members.
    pub accounts: &'static [Account],
    /// What `sacctmgr modify qos normal set` is given; empty: nothing.
    pub quality_of_service: &'static [&'static str],
    /// QOS beside `normal`, which every account may ask for by name; one that another names comes before it.
    pub asked_for_qos: &'static [AskedForQos],
}

/// A QOS beside `normal`.
#[derive(Debug)]
pub struct AskedForQos {
    /// Slurm's name.
    pub name: &'static str,
    /// What `sacctmgr add qos` is given.
    pub settings: &'static [&'static str],
}

/// Nodes of one kind: `prefix` and a number of `digits` digits, counted from `first`.
#[derive(Debug)]
pub struct NodeGroup {
    /// What stands before the number in a node's name.
    pub prefix: &'static str,
    /// The first node's number.
    pub first: u16,
    /// Digits of the number.
    pub digits: usize,
    /// Nodes.
    pub count: u16,
    /// Sockets of a node.
    pub sockets: u16,
    /// Cores of a socket.
    pub cores_per_socket: u16,
    /// Hardware threads of a core. Slurm's CPU is a thread where this is 2.
    pub threads_per_core: u16,
    /// Memory of a node in MiB, as Slurm is told; the machine below has less.
    pub memory_mib: u32,
    /// GPUs of a node.
    pub gpus: Option<Gpus>,
    /// What `--constraint` can ask for.
    pub features: &'static [&'static str],
}

impl NodeGroup {
    /// Slurm's CPUs of a node.
    pub fn cpus(&self) -> u32 {
        u32::from(self.sockets) * u32::from(self.cores_per_socket) * u32::from(self.threads_per_core)
    }

    /// The names as Slurm writes them in one: `hkn[0401-0402]`.
    pub fn expression(&self) -> String {
        let digits = self.digits;
        let last = self.first + self.count - 1;
        format!("{}[{:0digits$}-{last:0digits$}]", self.prefix, self.first)
    }

    /// The names, one by one.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        let digits = self.digits;
        (self.first..self.first + self.count).map(move |number| format!("{}{number:0digits$}", self.prefix))
    }
}

/// GPUs of one type in a node.
#[derive(Debug)]
pub struct Gpus {
    /// Slurm's type, as in `gpu:gh200:4`.
    pub kind: &'static str,
    /// GPUs of a node.
    pub count: u16,
}

/// A partition.
#[derive(Debug)]
pub struct Partition {
    /// Slurm's name.
    pub name: &'static str,
    /// The node groups in it, by index into [`Shape::nodes`].
    pub groups: &'static [usize],
    /// The rest of its line, as in `Default=YES MaxTime=UNLIMITED`.
    pub options: &'static str,
}

/// A Slurm account.
#[derive(Debug)]
pub struct Account {
    /// Slurm's name.
    pub name: &'static str,
    /// Users that may charge it. A user's first account in the shape is that user's default.
    pub members: &'static [User],
    /// Users that see and manage it.
    pub coordinators: &'static [User],
    /// What `sacctmgr modify account set` is given; empty: nothing.
    pub limits: &'static [&'static str],
}

impl Shape {
    /// All nodes, in the order of the groups, which is also the order of their ports.
    pub fn node_names(&self) -> Vec<String> {
        self.nodes.iter().flat_map(NodeGroup::names).collect()
    }

    /// GPUs of the node that has most.
    pub fn most_gpus(&self) -> u16 {
        self.nodes.iter().filter_map(|group| group.gpus.as_ref()).map(|gpus| gpus.count).max().unwrap_or(0)
    }
}
