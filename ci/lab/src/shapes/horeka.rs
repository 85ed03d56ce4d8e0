//! HoreKa at KIT: shared nodes, a CPU is a thread, users do not see each other, used-up projects stop hard.
//!
//! Sources: KIT's pages "Hardware" and "Accounting" of HoreKa (read 2024-09) for nodes and the hard stop; users'
//! published settings (2026-03) for CPUs and memory of a GPU's share and the 48 hours. A GPU's share of memory is
//! 124375 MB (A100) and 192000 MB (H100).

use super::{Account, Gpus, NodeGroup, Partition, Shape};
use crate::User;

pub(super) const HOREKA: Shape = Shape {
    name: "horeka",
    nodes: &[
        NodeGroup {
            prefix: "hkn",
            first: 401,
            digits: 4,
            count: 2,
            sockets: 2,
            cores_per_socket: 38,
            threads_per_core: 2,
            memory_mib: 501_600,
            gpus: Some(Gpus { kind: "a100", count: 4 }),
            features: &["LSDF"],
        },
        NodeGroup {
            prefix: "hkn",
            first: 901,
            digits: 4,
            count: 2,
            sockets: 2,
            cores_per_socket: 32,
            threads_per_core: 2,
            memory_mib: 772_000,
            gpus: Some(Gpus { kind: "h100", count: 4 }),
            features: &["LSDF"],
        },
    ],
    partitions: &[
        Partition {
            name: "accelerated",
            groups: &[0],
            options: "Default=YES OverSubscribe=NO DefaultTime=00:30:00 MaxTime=48:00:00 DefMemPerCPU=3272",
        },
        Partition {
            name: "accelerated-h100",
            groups: &[1],
            options: "OverSubscribe=NO DefaultTime=00:30:00 MaxTime=48:00:00 DefMemPerCPU=6000",
        },
    ],
    settings: &[
        ("SelectTypeParameters", "CR_Core_Memory"),
        ("EnforcePartLimits", "ALL"),
        ("AccountingStorageEnforce", "associations,limits,qos,safe"),
        ("AccountingStorageTRES", "gres/gpu"),
        // A granted budget is used up for good: usage that the limit is compared with must not fade.
        ("PriorityType", "priority/multifactor"),
        ("PriorityDecayHalfLife", "0"),
        ("PriorityUsageResetPeriod", "NONE"),
    ],
    private_data: "jobs,usage,users",
    submit_filter: None,
    accounts: &[
        Account {
            name: "hk-project-atlas",
            members: &[User::Ada, User::Ben, User::Cleo],
            coordinators: &[User::Cleo],
            // 10,000 GPU-hours.
            limits: &["GrpTRESMins=gres/gpu=600000"],
        },
        Account {
            name: "hk-project-small",
            members: &[User::Ada, User::Ben],
            coordinators: &[],
            // One GPU for one minute: less than any job of the tests asks for.
            limits: &["GrpTRESMins=gres/gpu=1"],
        },
    ],
    quality_of_service: &[],
    asked_for_qos: &[],
};
