//! Raven at MPCDF: no account, no partition on the command line, shared nodes below four GPUs, memory mandatory there.
//!
//! Sources: users' published tutorial for MPCDF (2026-01) for the constraint, the typed GPUs, a GPU's share, the
//! mandatory memory, `gpudev` and the limits of jobs per user. It has jobs ask in cores, 18 for a GPU and 72 for a node,
//! and hyperthreads only where a job wants them (`--ntasks-per-core=2`): a CPU is a core here.

use super::{Account, AskedForQos, Gpus, NodeGroup, Partition, Shape};
use crate::User;

pub(super) const RAVEN: Shape = Shape {
    name: "raven",
    nodes: &[
        NodeGroup {
            prefix: "ravg",
            first: 1001,
            digits: 4,
            count: 2,
            sockets: 2,
            cores_per_socket: 36,
            threads_per_core: 1,
            memory_mib: 500_000,
            gpus: Some(Gpus { kind: "a100", count: 4 }),
            features: &["gpu", "gpu-bw"],
        },
        NodeGroup {
            prefix: "ravc",
            first: 4001,
            digits: 4,
            count: 1,
            sockets: 2,
            cores_per_socket: 36,
            threads_per_core: 1,
            memory_mib: 240_000,
            gpus: None,
            features: &["cpu"],
        },
    ],
    partitions: &[
        Partition {
            name: "general",
            groups: &[1],
            options: "Default=YES OverSubscribe=NO DefaultTime=01:00:00 MaxTime=24:00:00",
        },
        Partition { name: "gpu", groups: &[0], options: "OverSubscribe=NO DefaultTime=01:00:00 MaxTime=24:00:00" },
        Partition {
            name: "gpudev",
            groups: &[0],
            options: "OverSubscribe=NO DefaultTime=00:15:00 MaxTime=00:15:00 MaxNodes=1",
        },
    ],
    settings: &[
        ("SelectTypeParameters", "CR_Core_Memory"),
        ("EnforcePartLimits", "ALL"),
        ("AccountingStorageEnforce", "associations,limits,qos"),
        ("AccountingStorageTRES", "gres/gpu,gres/gpu:a100"),
        ("AccountingStoreFlags", "job_comment"),
        // Not the site's: small, so that a call of a few jobs more is several arrays.
        ("MaxArraySize", "100"),
    ],
    private_data: "",
    submit_filter: Some(include_str!("../filters/raven.lua")),
    accounts: &[Account {
        name: "mpg",
        members: &[User::Ada, User::Ben, User::Cleo],
        coordinators: &[User::Cleo],
        limits: &[],
    }],
    quality_of_service: &["MaxJobsPerUser=8", "MaxSubmitJobsPerUser=300"],
    // Not the site's: for a job of more parts than may wait at once.
    asked_for_qos: &[AskedForQos { name: "fifty", settings: &["MaxJobsPerUser=50", "MaxSubmitJobsPerUser=50"] }],
};
