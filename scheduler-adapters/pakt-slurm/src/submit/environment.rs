//! The variables of a job, as `sbatch` sends them.

use super::options::{Export, Options};
use std::{collections::BTreeMap, ffi::OsString};

/// Where a job is submitted from.
pub(crate) struct Origin {
    pub(crate) directory: String,
    pub(crate) host: String,
    pub(crate) mask: u32,
}

/// What this program is started with, so that long lists of tasks are not cut (`SLURM_BITSTR_LEN`, squeue(1)).
const OURS: &str = "SLURM_BITSTR_LEN";

/// What a job gets: the caller's variables, whatever their bytes, unless it wants none, and those that `sbatch` sets of its own
/// options (sbatch(1), "OUTPUT ENVIRONMENT VARIABLES"; the others the daemons set).
pub(super) fn of(
    options: &Options,
    origin: &Origin,
    caller: impl Iterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    let is_clean = options.export == Some(Export::None);
    let is_slurms = |name: &OsString| name.as_encoded_bytes().starts_with(b"SLURM_");
    let mut variables: BTreeMap<OsString, OsString> =
        caller.filter(|(name, _)| (!is_clean || is_slurms(name)) && name != OURS).collect();
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            variables.insert(name.into(), value.into());
        }
    };
    set("SLURM_SUBMIT_DIR", Some(origin.directory.clone()));
    set("SLURM_SUBMIT_HOST", Some(origin.host.clone()));
    set("SLURM_UMASK", Some(format!("{:04o}", origin.mask)));
    set("SLURM_PRIO_PROCESS", Some("0".to_owned()));
    set("SLURM_JOB_NAME", options.job_name.clone());
    set("SLURM_CPUS_PER_TASK", options.cpus_per_task.map(|count| count.to_string()));
    set("SLURM_NTASKS_PER_NODE", options.ntasks_per_node.map(|count| count.to_string()));
    set("SLURM_OPEN_MODE", options.truncates.map(|truncates| if truncates { "t" } else { "a" }.to_owned()));
    set("SLURM_EXPORT_ENV", options.export.map(|export| if export == Export::All { "ALL" } else { "NONE" }.to_owned()));
    for name in ["SLURM_NTASKS", "SLURM_NPROCS"] {
        set(name, options.tasks().map(|count| count.to_string()));
    }
    if is_clean {
        set("SLURM_GET_USER_ENV", Some("1".to_owned()));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    fn of_a_caller(options: &[&str], caller: &[(&str, &[u8])]) -> BTreeMap<OsString, OsString> {
        let options = Options::read(options.iter().copied()).expect("understood");
        let origin = Origin { directory: "/w".to_owned(), host: "login1".to_owned(), mask: 0o027 };
        let caller = caller.iter().map(|(name, value)| (OsString::from(name), OsString::from_vec(value.to_vec())));
        of(&options, &origin, caller)
    }

    #[test]
    fn a_job_gets_a_variable_whose_bytes_are_no_text_as_it_is() {
        let variables = of_a_caller(&[], &[("PLACE", b"M\xfcnchen"), ("PATH", b"/bin"), (OURS, b"0")]);
        assert_eq!(
            variables.get("PLACE".as_ref() as &std::ffi::OsStr).map(|value| value.as_encoded_bytes()),
            Some(&b"M\xfcnchen"[..])
        );
        assert!(variables.contains_key(&OsString::from("PATH")) && !variables.contains_key(&OsString::from(OURS)));
    }
}
