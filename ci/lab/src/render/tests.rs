//! What Slurm is told, word for word: a change here is a change of every test on the lab.

use super::{Database, gres_conf, slurm_conf, slurmdbd_conf};
use crate::accounts::{limits, registrations};
use crate::layout::Layout;
use crate::shapes::{SHAPES, shape};
use crate::state::ClusterPorts;

const PORTS: ClusterPorts =
    ClusterPorts { slurmdbd: 21_000, slurmctld: 21_001, first_slurmd: 21_002, slurmrestd: 21_018 };

fn rendered(name: &str) -> String {
    let lab = Layout::new("/lab");
    slurm_conf(shape(name).expect("a shape"), &lab, &lab.cluster(name), PORTS)
}

/// The lines of the cluster's own, without what all clusters have.
fn own_lines(name: &str) -> String {
    let jupiter = rendered("jupiter");
    rendered(name).lines().filter(|line| !jupiter.lines().any(|common| common == *line)).collect::<Vec<_>>().join("\n")
}

fn calls(name: &str) -> String {
    let shape = shape(name).expect("a shape");
    let lines = registrations(shape).into_iter().chain(limits(shape)).map(|call| call.join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every group of every partition exists, every node name is there once, and names, first to last, match the
/// expression that Slurm gets.
#[test]
fn shapes_are_consistent() {
    for shape in SHAPES {
        for partition in shape.partitions {
            assert!(partition.groups.iter().all(|&group| group < shape.nodes.len()), "{}", partition.name);
        }
        let mut names = shape.node_names();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "{} names a node twice", shape.name);
    }
    assert_eq!(shape("horeka").unwrap().node_names(), ["hkn0401", "hkn0402", "hkn0901", "hkn0902"]);
}

#[test]
fn an_unknown_cluster_is_refused_with_the_known_ones() {
    let error = shape("juwels").unwrap_err();
    insta::assert_snapshot!(error, @"the lab knows no cluster `juwels`; it knows jupiter, horeka, raven");
}

#[test]
fn jupiter_is_told() {
    insta::assert_snapshot!(rendered("jupiter"), @"
    ClusterName=jupiter
    SlurmctldHost=localhost(127.0.0.1)
    SlurmctldPort=21001
    AuthInfo=socket=/lab/munge/munge.socket
    AuthAltTypes=auth/jwt
    AuthAltParameters=jwt_key=/lab/clusters/jupiter/etc/jwt.key
    AccountingStoragePass=/lab/munge/munge.socket
    AccountingStoragePort=21000
    SlurmUser=root
    AuthType=auth/munge
    AccountingStorageType=accounting_storage/slurmdbd
    AccountingStorageHost=127.0.0.1
    JobAcctGatherType=jobacct_gather/linux
    JobAcctGatherFrequency=5
    ProctrackType=proctrack/linuxproc
    TaskPlugin=task/none
    SelectType=select/cons_tres
    GresTypes=gpu
    MpiDefault=none
    ReturnToService=2
    SlurmdParameters=config_overrides
    PropagateResourceLimits=NONE
    SchedulerParameters=sched_interval=5,bf_interval=2,batch_sched_delay=0,sched_min_interval=100000
    KillWait=5
    MinJobAge=30
    MaxJobCount=20000
    StateSaveLocation=/lab/clusters/jupiter/state
    SlurmdSpoolDir=/lab/clusters/jupiter/spool/%n
    SlurmctldPidFile=/lab/clusters/jupiter/run/slurmctld.pid
    SlurmdPidFile=/lab/clusters/jupiter/run/slurmd-%n.pid
    SlurmctldLogFile=/lab/clusters/jupiter/log/slurmctld.log
    SlurmdLogFile=/lab/clusters/jupiter/log/slurmd@%n.log
    JobSubmitPlugins=lua
    SelectTypeParameters=CR_Core
    EnforcePartLimits=ALL
    AccountingStorageEnforce=associations,limits,qos
    AccountingStorageTRES=gres/gpu,gres/gpu:gh200
    AccountingStoreFlags=job_comment,job_script
    PreemptType=preempt/qos
    PreemptMode=REQUEUE
    NodeName=jpbo-001-[01-04] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[21002-21005] CPUs=288 Boards=1 SocketsPerBoard=4 CoresPerSocket=72 ThreadsPerCore=1 RealMemory=860000 Gres=gpu:gh200:4 Features=mem480 State=UNKNOWN
    PartitionName=booster Nodes=jpbo-001-[01-04] Default=YES OverSubscribe=EXCLUSIVE DefaultTime=01:00:00 MaxTime=UNLIMITED State=UP
    ");
}

#[test]
fn horeka_is_told() {
    insta::assert_snapshot!(own_lines("horeka"), @"
    ClusterName=horeka
    AuthAltParameters=jwt_key=/lab/clusters/horeka/etc/jwt.key
    StateSaveLocation=/lab/clusters/horeka/state
    SlurmdSpoolDir=/lab/clusters/horeka/spool/%n
    SlurmctldPidFile=/lab/clusters/horeka/run/slurmctld.pid
    SlurmdPidFile=/lab/clusters/horeka/run/slurmd-%n.pid
    SlurmctldLogFile=/lab/clusters/horeka/log/slurmctld.log
    SlurmdLogFile=/lab/clusters/horeka/log/slurmd@%n.log
    PrivateData=jobs,usage,users
    SelectTypeParameters=CR_Core_Memory
    AccountingStorageEnforce=associations,limits,qos,safe
    AccountingStorageTRES=gres/gpu
    PriorityType=priority/multifactor
    PriorityDecayHalfLife=0
    PriorityUsageResetPeriod=NONE
    NodeName=hkn[0401-0402] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[21002-21003] CPUs=152 Boards=1 SocketsPerBoard=2 CoresPerSocket=38 ThreadsPerCore=2 RealMemory=501600 Gres=gpu:a100:4 Features=LSDF State=UNKNOWN
    NodeName=hkn[0901-0902] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[21004-21005] CPUs=128 Boards=1 SocketsPerBoard=2 CoresPerSocket=32 ThreadsPerCore=2 RealMemory=772000 Gres=gpu:h100:4 Features=LSDF State=UNKNOWN
    PartitionName=accelerated Nodes=hkn[0401-0402] Default=YES OverSubscribe=NO DefaultTime=00:30:00 MaxTime=48:00:00 DefMemPerCPU=3272 State=UP
    PartitionName=accelerated-h100 Nodes=hkn[0901-0902] OverSubscribe=NO DefaultTime=00:30:00 MaxTime=48:00:00 DefMemPerCPU=6000 State=UP
    ");
}

#[test]
fn raven_is_told() {
    insta::assert_snapshot!(own_lines("raven"), @"
    ClusterName=raven
    AuthAltParameters=jwt_key=/lab/clusters/raven/etc/jwt.key
    StateSaveLocation=/lab/clusters/raven/state
    SlurmdSpoolDir=/lab/clusters/raven/spool/%n
    SlurmctldPidFile=/lab/clusters/raven/run/slurmctld.pid
    SlurmdPidFile=/lab/clusters/raven/run/slurmd-%n.pid
    SlurmctldLogFile=/lab/clusters/raven/log/slurmctld.log
    SlurmdLogFile=/lab/clusters/raven/log/slurmd@%n.log
    SelectTypeParameters=CR_Core_Memory
    AccountingStorageTRES=gres/gpu,gres/gpu:a100
    AccountingStoreFlags=job_comment
    MaxArraySize=100
    NodeName=ravg[1001-1002] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[21002-21003] CPUs=72 Boards=1 SocketsPerBoard=2 CoresPerSocket=36 ThreadsPerCore=1 RealMemory=500000 Gres=gpu:a100:4 Features=gpu,gpu-bw State=UNKNOWN
    NodeName=ravc[4001-4001] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[21004-21004] CPUs=72 Boards=1 SocketsPerBoard=2 CoresPerSocket=36 ThreadsPerCore=1 RealMemory=240000 Features=cpu State=UNKNOWN
    PartitionName=general Nodes=ravc[4001-4001] Default=YES OverSubscribe=NO DefaultTime=01:00:00 MaxTime=24:00:00 State=UP
    PartitionName=gpu Nodes=ravg[1001-1002] OverSubscribe=NO DefaultTime=01:00:00 MaxTime=24:00:00 State=UP
    PartitionName=gpudev Nodes=ravg[1001-1002] OverSubscribe=NO DefaultTime=00:15:00 MaxTime=00:15:00 MaxNodes=1 State=UP
    ");
}

#[test]
fn gpus_are_files() {
    let horeka = shape("horeka").unwrap();
    insta::assert_snapshot!(gres_conf(horeka, "/lab/dev".as_ref()), @"
    NodeName=hkn[0401-0402] Name=gpu Type=a100 File=/lab/dev/gpu[0-3]
    NodeName=hkn[0901-0902] Name=gpu Type=h100 File=/lab/dev/gpu[0-3]
    ");
}

#[test]
fn the_database_keeps_what_slurm_keeps_private() {
    let lab = Layout::new("/lab");
    let database = Database { port: 3306, password: "secret".to_owned() };
    let text = |name: &str| slurmdbd_conf(shape(name).unwrap(), &lab, &lab.cluster(name), PORTS, &database);
    insta::assert_snapshot!(text("horeka"), @"
    AuthType=auth/munge
    AuthInfo=socket=/lab/munge/munge.socket
    AuthAltTypes=auth/jwt
    AuthAltParameters=jwt_key=/lab/clusters/horeka/etc/jwt.key
    DbdHost=localhost
    DbdAddr=127.0.0.1
    DbdPort=21000
    SlurmUser=root
    PidFile=/lab/clusters/horeka/run/slurmdbd.pid
    LogFile=/lab/clusters/horeka/log/slurmdbd.log
    StorageType=accounting_storage/mysql
    StorageHost=127.0.0.1
    StoragePort=3306
    StorageUser=slurm_horeka
    StoragePass=secret
    StorageLoc=slurm_horeka
    PrivateData=jobs,usage,users
    ");
    assert!(!text("jupiter").contains("PrivateData"));
}

#[test]
fn accounts_are_registered() {
    let all: Vec<String> = SHAPES.iter().map(|shape| calls(shape.name)).collect();
    insta::assert_snapshot!(all.join("\n\n"), @"
    add cluster jupiter
    modify qos normal set MaxWall=12:00:00
    add qos spare PreemptMode=requeue MaxWall=12:00:00
    add qos leftover PreemptMode=cancel MaxWall=12:00:00
    add qos urgent Preempt=spare,leftover Priority=100 MaxWall=12:00:00
    add qos few MaxSubmitJobsPerUser=1 MaxWall=12:00:00
    add account atlas Description=lab Organization=lab
    add account borealis Description=lab Organization=lab
    modify account Name=atlas Cluster=jupiter set QOS+=spare,leftover,urgent,few
    modify account Name=borealis Cluster=jupiter set QOS+=spare,leftover,urgent,few
    add user pakt-ada Account=atlas DefaultAccount=atlas
    add user pakt-ben Account=atlas,borealis DefaultAccount=atlas
    add user pakt-cleo Account=atlas DefaultAccount=atlas
    add coordinator Account=atlas Names=pakt-cleo

    add cluster horeka
    add account hk-project-atlas Description=lab Organization=lab
    add account hk-project-small Description=lab Organization=lab
    add user pakt-ada Account=hk-project-atlas,hk-project-small DefaultAccount=hk-project-atlas
    add user pakt-ben Account=hk-project-atlas,hk-project-small DefaultAccount=hk-project-atlas
    add user pakt-cleo Account=hk-project-atlas DefaultAccount=hk-project-atlas
    add coordinator Account=hk-project-atlas Names=pakt-cleo
    modify account Name=hk-project-atlas Cluster=horeka set GrpTRESMins=gres/gpu=600000
    modify account Name=hk-project-small Cluster=horeka set GrpTRESMins=gres/gpu=1

    add cluster raven
    modify qos normal set MaxJobsPerUser=8 MaxSubmitJobsPerUser=300
    add qos fifty MaxJobsPerUser=50 MaxSubmitJobsPerUser=50
    add account mpg Description=lab Organization=lab
    modify account Name=mpg Cluster=raven set QOS+=fifty
    add user pakt-ada Account=mpg DefaultAccount=mpg
    add user pakt-ben Account=mpg DefaultAccount=mpg
    add user pakt-cleo Account=mpg DefaultAccount=mpg
    add coordinator Account=mpg Names=pakt-cleo
    ");
}
