//! slurm.conf.

use crate::layout::{ClusterLayout, Layout};
use crate::shapes::{NodeGroup, Partition, Shape};
use crate::state::ClusterPorts;

/// The text of slurm.conf. What all clusters have in common comes first, then what the shape says, then the nodes.
pub(crate) fn slurm_conf(shape: &Shape, lab: &Layout, cluster: &ClusterLayout, ports: ClusterPorts) -> String {
    let mut lines = addresses(shape, lab, cluster, ports);
    lines.extend(COMMON.iter().map(|line| (*line).to_owned()));
    lines.extend(files(cluster));
    if !shape.private_data.is_empty() {
        lines.push(format!("PrivateData={}", shape.private_data));
    }
    if shape.submit_filter.is_some() {
        lines.push("JobSubmitPlugins=lua".to_owned());
    }
    lines.extend(shape.settings.iter().map(|(name, value)| format!("{name}={value}")));
    let mut port = ports.first_slurmd;
    for group in shape.nodes {
        lines.push(node_line(group, port));
        port += group.count;
    }
    lines.extend(shape.partitions.iter().map(|partition| partition_line(shape, partition)));
    lines.join("\n") + "\n"
}

/// The same in every cluster. `config_overrides` lets a machine of two cores stand for nodes of hundreds; no cgroup,
/// no CPU binding, because the machine has neither the CPUs nor, in a container, the cgroups. The scheduler looks more
/// often than a site's would, so that a test does not wait for its next round, and a job that ignores its end is
/// killed after 5 s instead of 30 s. `MinJobAge` is short so that tests also see what squeue has forgotten.
/// A benchmark has 10,000 jobs in the queue.
const COMMON: &[&str] = &[
    "SlurmUser=root",
    "AuthType=auth/munge",
    "AccountingStorageType=accounting_storage/slurmdbd",
    "AccountingStorageHost=127.0.0.1",
    "JobAcctGatherType=jobacct_gather/linux",
    "JobAcctGatherFrequency=5",
    "ProctrackType=proctrack/linuxproc",
    "TaskPlugin=task/none",
    "SelectType=select/cons_tres",
    "GresTypes=gpu",
    "MpiDefault=none",
    "ReturnToService=2",
    "SlurmdParameters=config_overrides",
    "PropagateResourceLimits=NONE",
    "SchedulerParameters=sched_interval=5,bf_interval=2,batch_sched_delay=0,sched_min_interval=100000",
    "KillWait=5",
    "MinJobAge=30",
    "MaxJobCount=20000",
];

/// Who listens where. `AccountingStoragePass` is munge's socket: without it every accounting connection looks for the
/// system's own.
fn addresses(shape: &Shape, lab: &Layout, cluster: &ClusterLayout, ports: ClusterPorts) -> Vec<String> {
    let socket = lab.munge_socket();
    vec![
        format!("ClusterName={}", shape.name),
        "SlurmctldHost=localhost(127.0.0.1)".to_owned(),
        format!("SlurmctldPort={}", ports.slurmctld),
        format!("AuthInfo=socket={}", socket.display()),
        "AuthAltTypes=auth/jwt".to_owned(),
        format!("AuthAltParameters=jwt_key={}", cluster.configuration().join("jwt.key").display()),
        format!("AccountingStoragePass={}", socket.display()),
        format!("AccountingStoragePort={}", ports.slurmdbd),
    ]
}

fn files(cluster: &ClusterLayout) -> Vec<String> {
    vec![
        format!("StateSaveLocation={}", cluster.state().display()),
        format!("SlurmdSpoolDir={}", cluster.spool().join("%n").display()),
        format!("SlurmctldPidFile={}", cluster.run().join("slurmctld.pid").display()),
        format!("SlurmdPidFile={}", cluster.run().join("slurmd-%n.pid").display()),
        format!("SlurmctldLogFile={}", cluster.log("slurmctld").display()),
        format!("SlurmdLogFile={}", cluster.log("slurmd@%n").display()),
    ]
}

/// All nodes of a cluster are this machine, told apart by their ports.
fn node_line(group: &NodeGroup, first_port: u16) -> String {
    let last_port = first_port + group.count - 1;
    let line = format!(
        "NodeName={} NodeHostname=localhost NodeAddr=127.0.0.1 Port=[{first_port}-{last_port}] CPUs={} Boards=1 \
         SocketsPerBoard={} CoresPerSocket={} ThreadsPerCore={} RealMemory={}",
        group.expression(),
        group.cpus(),
        group.sockets,
        group.cores_per_socket,
        group.threads_per_core,
        group.memory_mib,
    );
    let gpus = group.gpus.as_ref().map_or_else(String::new, |gpus| format!(" Gres=gpu:{}:{}", gpus.kind, gpus.count));
    let features = match group.features {
        [] => String::new(),
        features => format!(" Features={}", features.join(",")),
    };
    format!("{line}{gpus}{features} State=UNKNOWN")
}

fn partition_line(shape: &Shape, partition: &Partition) -> String {
    let nodes = partition.groups.iter().map(|&group| shape.nodes[group].expression()).collect::<Vec<_>>().join(",");
    format!("PartitionName={} Nodes={nodes} {} State=UP", partition.name, partition.options)
}
