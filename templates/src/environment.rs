//! The variables of a script, in their order: the partition's, caches, offline, the job's own.

use crate::{TemplateError, quote};
use model::{EnvironmentSetting, GpuVendor, Placement};
use serde::Serialize;
use std::collections::BTreeMap;

/// One variable, its value ready for the script.
#[derive(Debug, Serialize)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
    /// What stands in front where it is not always set, with a blank behind; else empty.
    pub(crate) guard: String,
    /// Why; empty for the job's own.
    pub(crate) reason: String,
}

/// Variables that bash does not let anyone set (bash(1), "Shell Variables"), or that would change how it reads the script.
const OWNED: [&str; 11] = [
    "BASHOPTS",
    "BASHPID",
    "BASH_ENV",
    "BASH_VERSINFO",
    "EUID",
    "IFS",
    "POSIXLY_CORRECT",
    "PPID",
    "SHELLOPTS",
    "UID",
    "_",
];

/// Reasons stand in a comment: on one line.
pub(crate) fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// What the partition needs, its interfaces last.
pub(crate) fn partition_settings(placement: &Placement) -> Result<Vec<Variable>, TemplateError> {
    let rendezvous = &placement.rendezvous;
    let interface = |name: &str, value: &Option<String>, reason: &str| {
        value.as_ref().map(|value| EnvironmentSetting {
            name: name.to_owned(),
            value: value.clone(),
            when_set: None,
            reason: reason.to_owned(),
        })
    };
    let nccl = interface("NCCL_SOCKET_IFNAME", &rendezvous.nccl_interface, "The interfaces for NCCL's own sockets.");
    let gloo = interface("GLOO_SOCKET_IFNAME", &rendezvous.gloo_interface, "The interfaces for Gloo, a rule apart.");
    let settings = placement.environment.iter().cloned().chain(nccl).chain(gloo);
    settings.map(|setting| partition_setting(&setting)).collect()
}

fn partition_setting(setting: &EnvironmentSetting) -> Result<Variable, TemplateError> {
    if let Some(name) = setting.when_set.as_ref().filter(|name| !quote::is_name(name)) {
        return Err(TemplateError::VariableName(name.clone()));
    }
    let guard = setting.when_set.as_ref().map(|name| format!("[ -z \"${{{name}-}}\" ] || ")).unwrap_or_default();
    Ok(Variable { guard, ..variable(&setting.name, &setting.value, &setting.reason)? })
}

/// The job's own variables, by name.
pub(crate) fn job_variables(variables: &BTreeMap<String, String>) -> Result<Vec<Variable>, TemplateError> {
    variables.iter().map(|(name, value)| variable(name, value, "")).collect()
}

fn variable(name: &str, value: &str, reason: &str) -> Result<Variable, TemplateError> {
    if !quote::is_name(name) {
        return Err(TemplateError::VariableName(name.to_owned()));
    }
    if name.starts_with("PAKT_") || name.starts_with("pakt_") || OWNED.contains(&name) {
        return Err(TemplateError::OwnedVariable(name.to_owned()));
    }
    if value.contains('\0') {
        return Err(TemplateError::ControlCharacter(format!("the variable `{name}`")));
    }
    Ok(Variable {
        name: name.to_owned(),
        value: quote::value_of(name, value),
        guard: String::new(),
        reason: comment(reason),
    })
}

/// Where caches go; `$pakt_cache` is the script's own. What the job sets itself is left out: a default beside it could
/// contradict it, as a cache of hub files outside of the job's own `HF_HOME` would.
pub(crate) fn caches(job: &BTreeMap<String, String>, vendor: Option<GpuVendor>) -> Vec<Variable> {
    // https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables: the hub's files lie in
    // HF_HOME/hub unless HF_HUB_CACHE (or its older name) says otherwise, and offline nothing else is looked at.
    let hub_cache = "${HUGGINGFACE_HUB_CACHE:-$HF_HOME/hub}";
    // A database with locks, of AMD's library alone: on the node, one a job.
    let of_amd = [("MIOPEN_USER_DB_PATH", "${TMPDIR:-/tmp}/miopen-$pakt_id")];
    let of_amd = of_amd.into_iter().filter(|_| vendor == Some(GpuVendor::Amd));
    let all = [
        ("XDG_CACHE_HOME", "$pakt_cache"),
        ("TRITON_CACHE_DIR", "$pakt_cache/triton"),
        ("TORCHINDUCTOR_CACHE_DIR", "$pakt_cache/torchinductor"),
        ("APPTAINER_CACHEDIR", "$pakt_cache/apptainer"),
        ("HF_HOME", "$pakt_cache/huggingface"),
        ("HF_HUB_CACHE", hub_cache),
    ];
    let is_said = |name: &str| job.contains_key(name) || (name == "HF_HUB_CACHE" && job.contains_key("HF_HOME"));
    let all = all.into_iter().chain(of_amd);
    all.filter(|(name, _)| !is_said(name)).map(|(name, value)| default(name, value)).collect()
}

/// What libraries are told where compute nodes reach no internet.
pub(crate) fn offline(job: &BTreeMap<String, String>) -> Vec<Variable> {
    let all = [
        ("HF_HUB_OFFLINE", "1"),
        ("TRANSFORMERS_OFFLINE", "1"),
        ("HF_DATASETS_OFFLINE", "1"),
        ("WANDB_MODE", "offline"),
    ];
    all.into_iter().filter(|(name, _)| !job.contains_key(*name)).map(|(name, value)| default(name, value)).collect()
}

fn default(name: &str, value: &str) -> Variable {
    Variable { name: name.to_owned(), value: value.to_owned(), guard: String::new(), reason: String::new() }
}
