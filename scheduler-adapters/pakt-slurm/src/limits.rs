//! Limits: of partitions as `scontrol show partition -o` prints them, of QOS and associations as `sacctmgr` does.

use crate::{
    accounting::{Names, Texts},
    calls::{Accounting, CallError, List, Wanted, sys},
    records::{Record, set},
    words,
};
use std::{borrow::Cow, collections::BTreeSet};

pub(crate) const PARTITION: [&str; 11] = [
    "PartitionName",
    "Default",
    "State",
    "MaxTime",
    "DefaultTime",
    "MaxNodes",
    "QoS",
    "AllowAccounts",
    "OverSubscribe",
    "TRES",
    "TotalNodes",
];

pub(crate) const QOS: [&str; 6] = ["Name", "MaxWall", "MaxTRESPU", "GrpTRESMins", "MaxJobsPU", "MaxSubmitPU"];

pub(crate) const ASSOCIATION: [&str; 8] =
    ["Account", "User", "Partition", "QOS", "Def QOS", "MaxWall", "GrpTRESMins", "MaxSubmit"];

/// A partition, in the order of [`PARTITION`].
pub(crate) fn partition(partition: Record<'_, sys::partition_info_t>) -> Vec<Cow<'_, str>> {
    let accounts = partition.text(|partition| partition.allow_accounts);
    let is_default = u32::from(partition.flags) & sys::PART_FLAG_DEFAULT != 0;
    vec![
        partition.text(|partition| partition.name),
        if is_default { "YES" } else { "NO" }.into(),
        state(partition.state_up.into()).into(),
        words::limit(partition.max_time),
        if partition.default_time == sys::NO_VAL { "NONE".into() } else { words::limit(partition.default_time) },
        set(partition.max_nodes).map_or("UNLIMITED".into(), |nodes| nodes.to_string().into()),
        partition.text(|partition| partition.qos_char),
        if accounts.is_empty() { "ALL".into() } else { accounts },
        // No share at all means that a job gets whole nodes.
        if u32::from(partition.max_share) & !sys::SHARED_FORCE == 0 { "EXCLUSIVE" } else { "NO" }.into(),
        partition.text(|partition| partition.tres_fmt_str),
        partition.total_nodes.to_string().into(),
    ]
}

fn state(number: u32) -> &'static str {
    match number {
        sys::PARTITION_UP => "UP",
        sys::PARTITION_DOWN => "DOWN",
        sys::PARTITION_DRAIN => "DRAIN",
        sys::PARTITION_INACTIVE => "INACTIVE",
        _ => "UNKNOWN",
    }
}

/// A quality of service, in the order of [`QOS`].
pub(crate) fn qos<'owner>(qos: Record<'owner, sys::slurmdb_qos_rec_t>, names: &Names) -> Vec<Cow<'owner, str>> {
    let resources = |list: Cow<'_, str>| names.resources.named(&list).into();
    vec![
        qos.text(|qos| qos.name),
        wall(qos.max_wall_pj),
        resources(qos.text(|qos| qos.max_tres_pu)),
        resources(qos.text(|qos| qos.grp_tres_mins)),
        count(qos.max_jobs_pu),
        count(qos.max_submit_jobs_pu),
    ]
}

/// The associations of a user on this cluster, and those of the accounts they name.
pub(crate) fn associations(
    accounting: &Accounting,
    user: &str,
    cluster: &str,
) -> Result<[Option<List<sys::slurmdb_assoc_rec_t>>; 2], CallError> {
    let ask = |users: &Texts, accounts: &Texts| {
        let clusters = Texts::of([cluster]);
        let lists = [&clusters, users, accounts].map(|texts| Wanted::texts(&texts.0));
        let mut condition = sys::slurmdb_assoc_cond_t {
            cluster_list: lists[0].or_all(true),
            user_list: lists[1].or_all(true),
            acct_list: lists[2].or_all(!accounts.0.is_empty()),
            ..sys::slurmdb_assoc_cond_t::default()
        };
        accounting.associations(&mut condition)
    };
    let own = ask(&Texts::of([user]), &Texts::of::<&str>([]))?;
    let accounts: BTreeSet<String> =
        own.records().into_iter().map(|found| found.text(|found| found.acct).into_owned()).collect();
    if accounts.is_empty() {
        return Ok([Some(own), None]);
    }
    // An empty name of a user is the account as a whole.
    let whole = ask(&Texts::of([""]), &Texts::of(accounts))?;
    Ok([Some(own), Some(whole)])
}

/// An association, in the order of [`ASSOCIATION`].
pub(crate) fn association<'owner>(
    found: Record<'owner, sys::slurmdb_assoc_rec_t>,
    names: &Names,
) -> Vec<Cow<'owner, str>> {
    let name_of = |number: u32| names.qos.get(&number).cloned().unwrap_or_default();
    let qos: Vec<String> =
        found.texts(|found| found.qos_list).iter().filter_map(|id| id.parse().ok()).map(name_of).collect();
    vec![
        found.text(|found| found.acct),
        found.text(|found| found.user),
        found.text(|found| found.partition),
        qos.join(",").into(),
        name_of(found.def_qos_id).into(),
        wall(found.max_wall_pj),
        names.resources.named(&found.text(|found| found.grp_tres_mins)).into(),
        count(found.max_submit_jobs),
    ]
}

fn wall(minutes: u32) -> Cow<'static, str> {
    set(minutes).map_or("".into(), |minutes| words::length(u64::from(minutes) * 60).into())
}

fn count(number: u32) -> Cow<'static, str> {
    set(number).map_or("".into(), |number| number.to_string().into())
}
