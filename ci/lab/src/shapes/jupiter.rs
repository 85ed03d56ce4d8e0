//! JUPITER Booster at JSC: whole nodes, the wall limit in the QOS, an account on every job.
//!
//! Sources: JSC's pages "Configuration" and "Batch system" of JUPITER (read 2026-09-02) for nodes, partition, default
//! and maximum time and the GPUs added by the site; `scontrol` and `sacctmgr` of the system as users published them in
//! 2026-09 for `OverSubscribe`, the partition's unlimited time and the QOS.

use super::{Account, AskedForQos, Gpus, NodeGroup, Partition, Shape};
use crate::User;

pub(super) const JUPITER: Shape = Shape {
    name: "jupiter",
    nodes: &[NodeGroup {
        prefix: "jpbo-001-",
        first: 1,
        digits: 2,
        count: 4,
        sockets: 4,
        cores_per_socket: 72,
        threads_per_core: 1,
        memory_mib: 860_000,
        gpus: Some(Gpus { kind: "gh200", count: 4 }),
        features: &["mem480"],
    }],
    partitions: &[Partition {
        name: "booster",
        groups: &[0],
        options: "Default=YES OverSubscribe=EXCLUSIVE DefaultTime=01:00:00 MaxTime=UNLIMITED",
    }],
    settings: &[
        ("SelectTypeParameters", "CR_Core"),
        ("EnforcePartLimits", "ALL"),
        ("AccountingStorageEnforce", "associations,limits,qos"),
        ("AccountingStorageTRES", "gres/gpu,gres/gpu:gh200"),
        ("AccountingStoreFlags", "job_comment,job_script"),
        // No job makes room for another unless its QOS says so.
        ("PreemptType", "preempt/qos"),
        ("PreemptMode", "REQUEUE"),
    ],
    private_data: "",
    submit_filter: Some(include_str!("../filters/jupiter.lua")),
    accounts: &[
        Account {
            name: "atlas",
            members: &[User::Ada, User::Ben, User::Cleo],
            coordinators: &[User::Cleo],
            limits: &[],
        },
        Account { name: "borealis", members: &[User::Ben], coordinators: &[], limits: &[] },
    ],
    quality_of_service: &["MaxWall=12:00:00"],
    // Not the site's: for tests of what a job meets where its QOS lets it make room, or lets few wait. Their jobs
    // are as short as others: an account's jobs may have what the longest of its QOS lets them.
    asked_for_qos: &[
        AskedForQos { name: "spare", settings: &["PreemptMode=requeue", "MaxWall=12:00:00"] },
        AskedForQos { name: "leftover", settings: &["PreemptMode=cancel", "MaxWall=12:00:00"] },
        AskedForQos { name: "urgent", settings: &["Preempt=spare,leftover", "Priority=100", "MaxWall=12:00:00"] },
        AskedForQos { name: "few", settings: &["MaxSubmitJobsPerUser=1", "MaxWall=12:00:00"] },
    ],
};
