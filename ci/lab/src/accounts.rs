//! Accounts, users, coordinators and limits of a cluster, as `sacctmgr` is told them.

use crate::shapes::Shape;
use crate::users::User;

/// The argument lists of `sacctmgr`, in order. The cluster is registered first, before slurmctld runs, so that
/// slurmctld finds all of it when it starts.
pub(crate) fn registrations(shape: &Shape) -> Vec<Vec<String>> {
    let mut calls = vec![words(["add", "cluster", shape.name])];
    if !shape.quality_of_service.is_empty() {
        let mut call = words(["modify", "qos", "normal", "set"]);
        call.extend(words(shape.quality_of_service.iter().copied()));
        calls.push(call);
    }
    for qos in shape.asked_for_qos {
        let mut call = words(["add", "qos", qos.name]);
        call.extend(words(qos.settings.iter().copied()));
        calls.push(call);
    }
    for account in shape.accounts {
        calls.push(words(["add", "account", account.name, "Description=lab", "Organization=lab"]));
    }
    if !shape.asked_for_qos.is_empty() {
        let names: Vec<&str> = shape.asked_for_qos.iter().map(|qos| qos.name).collect();
        let allowed = format!("QOS+={}", names.join(","));
        calls.extend(shape.accounts.iter().map(|account| set_limits(shape.name, account.name, &[&allowed])));
    }
    for user in User::ALL {
        let accounts: Vec<&str> = shape
            .accounts
            .iter()
            .filter(|account| account.members.contains(&user))
            .map(|account| account.name)
            .collect();
        if let Some(default) = accounts.first() {
            let mut call = words(["add", "user", user.name()]);
            call.extend([format!("Account={}", accounts.join(",")), format!("DefaultAccount={default}")]);
            calls.push(call);
        }
    }
    for account in shape.accounts {
        if !account.coordinators.is_empty() {
            let names: Vec<&str> = account.coordinators.iter().map(|user| user.name()).collect();
            let mut call = words(["add", "coordinator"]);
            call.extend([format!("Account={}", account.name), format!("Names={}", names.join(","))]);
            calls.push(call);
        }
    }
    calls
}

/// The argument lists of `sacctmgr` that need a slurmctld that has run: slurmdbd learns from it that there are GPUs to
/// limit.
pub(crate) fn limits(shape: &Shape) -> Vec<Vec<String>> {
    let limited = shape.accounts.iter().filter(|account| !account.limits.is_empty());
    limited.map(|account| set_limits(shape.name, account.name, account.limits)).collect()
}

/// The arguments that change an account's limits.
pub(crate) fn set_limits(cluster: &str, account: &str, limits: &[&str]) -> Vec<String> {
    let mut call = words(["modify", "account"]);
    call.extend([format!("Name={account}"), format!("Cluster={cluster}"), "set".to_owned()]);
    call.extend(words(limits.iter().copied()));
    call
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}
