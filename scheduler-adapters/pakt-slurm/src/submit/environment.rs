//! The variables of a job, as `sbatch` sends them.

use super::options::{Export, Options};
use std::{collections::BTreeMap, ffi::OsString};

/// Where a job is submitted from.
pub(crate) struct Origin {
    pub(crate) directory: String,
    pub(crate) host: String,
    pub(crate) mask: u32,
}

/// What this program alone has: what it is started with so that long lists of tasks are not cut (`SLURM_BITSTR_LEN`, squeue(1)), and a
/// token that it shows to Slurm.
const OURS: [&str; 2] = ["SLURM_BITSTR_LEN", "SLURM_JWT"];

/// What a job gets: the caller's variables, whatever their bytes, unless it wants none, and those that `sbatch` sets of its own
/// options (sbatch(1), "OUTPUT ENVIRONMENT VARIABLES"; the others the daemons set).
pub(super) fn of(
    options: &Options,
    origin: &Origin,
    caller: impl Iterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    let is_clean = options.export == Some(Export::None);
    let is_slurms = |name: &OsString| name.as_encoded_bytes().starts_with(b"SLURM_");
    let is_ours = |name: &OsString| OURS.iter().any(|ours| name == ours);
    let mut variables: BTreeMap<OsString, OsString> =
        caller.filter(|(name, _)| (!is_clean || is_slurms(name)) && !is_ours(name)).collect();
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
    use std::{ffi::OsStr, os::unix::ffi::OsStringExt};

    fn of_a_caller(options: &[&str], caller: &[(&str, &[u8])]) -> BTreeMap<OsString, OsString> {
        let options = Options::read(options.iter().copied()).expect("understood");
        let origin = Origin { directory: "/w".to_owned(), host: "login1".to_owned(), mask: 0o027 };
        let caller = caller.iter().map(|(name, value)| (OsString::from(name), OsString::from_vec(value.to_vec())));
        of(&options, &origin, caller)
    }

    #[test]
    fn a_job_gets_a_variable_whose_bytes_are_no_text_as_it_is() {
        let variables = of_a_caller(&[], &[("PLACE", b"M\xfcnchen"), ("PATH", b"/bin")]);
        assert_eq!(variables["PLACE".as_ref() as &OsStr].as_encoded_bytes(), b"M\xfcnchen");
        assert!(variables.contains_key("PATH".as_ref() as &OsStr));
    }

    #[test]
    fn a_job_gets_no_token_and_nothing_that_only_this_program_has() {
        for options in [&[][..], &["--export=NONE"]] {
            let caller = [("SLURM_JWT", &b"eyJhbGciOi"[..]), ("SLURM_BITSTR_LEN", b"0"), ("SLURM_CONF", b"/c")];
            let variables = of_a_caller(options, &caller);
            let names: Vec<&str> = variables.keys().filter_map(|name| name.to_str()).collect();
            assert!(names.contains(&"SLURM_CONF") && !names.iter().any(|name| OURS.contains(name)), "{names:?}");
        }
    }
}
