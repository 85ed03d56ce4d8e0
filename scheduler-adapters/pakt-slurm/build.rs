//! Makes the bindings from this site's `<slurm/slurm.h>` and `<slurm/slurmdb.h>`, and finds out in what their release differs
//! from others: by the declarations themselves, and by the number of a version only where no declaration tells.
//!
//! `PAKT_SLURM_PREFIX` names where Slurm is installed (`include/slurm/slurm.h` and `lib` or `lib64` below it); without it
//! the compiler's own folders are searched.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is how a build script speaks to cargo and to a person

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

const HEADERS: &str = "#include <slurm/slurm.h>\n#include <slurm/slurm_errno.h>\n#include <slurm/slurmdb.h>\n";

const FUNCTIONS: &[&str] = &[
    "slurm_api_version",
    "slurm_free_conf",
    "slurm_free_ctl_conf",
    "slurm_free_job_info_msg",
    "slurm_free_partition_info_msg",
    "slurm_free_submit_response_response_msg",
    "slurm_init",
    "slurm_init_job_desc_msg",
    "slurm_kill_job2",
    "slurm_list_.*",
    "slurm_load_ctl_conf",
    "slurm_load_job",
    "slurm_load_job_user",
    "slurm_load_jobs",
    "slurm_load_partitions",
    "slurm_strerror",
    "slurm_submit_batch_job",
    "slurmdb_associations_get",
    "slurmdb_connection_close",
    "slurmdb_connection_get",
    "slurmdb_jobs_get",
    "slurmdb_qos_get",
    "slurmdb_tres_get",
];

const TYPES: &[&str] = &[
    "job_states",
    "slurm_selected_step_t",
    "slurmdb_assoc_rec_t",
    "slurmdb_job_rec_t",
    "slurmdb_qos_rec_t",
    "slurmdb_tres_rec_t",
];

const CONSTANTS: &[&str] = &[
    "SLURM_VERSION_NUMBER",
    "NO_VAL.*",
    "INFINITE.*",
    "JOBCOND_FLAG_.*",
    "JOB_.*",
    "KILL_.*",
    "NO_KILL_INV_DEP",
    "MEM_PER_CPU",
    "PART_FLAG_.*",
    "PARTITION_.*",
    "QOS_COND_FLAG_WITH_DELETED",
    "SHARED_FORCE",
    "SLURM_ERROR",
    "SLURM_SUCCESS",
];

/// Members that only some releases have in this form: the structure, the begin of the member's declaration, and the name of what
/// is known of it.
const MEMBERS: &[(&str, &str, &str)] = &[
    ("slurmdb_job_rec_t", "restart_cnt:", "run_restarts"),
    ("slurmdb_job_rec_t", "sluid:", "run_sluid"),
    ("slurmdb_qos_cond_t", "with_deleted:", "deleted_qos_by_member"),
    ("submit_response_msg", "step_id:slurm_step_id_t", "taken_by_step"),
];

/// Calls that some releases give a whole job as a step's id instead of its number: the call, and the name of what is known.
const BY_STEP: &[(&str, &str)] = &[("slurm_load_job", "loads_by_step")];

/// What no declaration tells, because only the text of a request differs: the first release that has it, as `SLURM_VERSION_NUMBER`
/// writes it, and the name of what is known. Decision 0037 says why.
const BY_NUMBER: &[(u32, &str)] = &[(0x17_0b_00, "slash_behind_kind")];

/// What the library frees a configuration with, by the names of several releases.
const FREES_CONFIGURATION: [&str; 2] = ["slurm_free_ctl_conf", "slurm_free_conf"];

fn main() -> ExitCode {
    println!("cargo:rerun-if-env-changed=PAKT_SLURM_PREFIX");
    println!("cargo:rerun-if-changed=build.rs");
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("pakt-slurm cannot be built here: {why}");
            eprintln!(
                "It needs Slurm's headers and library (libslurm-dev, slurm-devel) and libclang (libclang-dev, clang-devel);"
            );
            eprintln!(
                "where Slurm lies in a folder of its own: PAKT_SLURM_PREFIX=/opt/slurm cargo build --release -p pakt-slurm"
            );
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let prefix = env::var_os("PAKT_SLURM_PREFIX").map(PathBuf::from);
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo gave no folder to write into")?);
    let header = folder.join("slurm.h");
    write(&header, HEADERS)?;
    let mut builder = bindgen::Builder::default()
        .header(header.display().to_string())
        .layout_tests(false)
        .derive_default(true)
        .prepend_enum_name(false)
        .clang_macro_fallback()
        .clang_macro_fallback_build_dir(&folder);
    if let Some(prefix) = &prefix {
        builder = builder.clang_arg(format!("-I{}", prefix.join("include").display()));
    }
    builder = FUNCTIONS.iter().fold(builder, bindgen::Builder::allowlist_function);
    builder = TYPES.iter().fold(builder, bindgen::Builder::allowlist_type);
    builder = CONSTANTS.iter().fold(builder, bindgen::Builder::allowlist_var);
    let mut text = builder.generate().map_err(|error| error.to_string())?.to_string();
    let bindings = Bindings::of(&text);
    bindings.tell_by_number()?;
    bindings.tell_members();
    bindings.tell_calls()?;
    text.push_str(&bindings.names_of_our_own()?);
    write(&folder.join("bindings.rs"), &text)?;
    link(prefix.as_deref())
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// The bindings without blanks: they are broken into lines only where a formatter is installed.
struct Bindings(String);

impl Bindings {
    fn of(text: &str) -> Self {
        Self(text.split_whitespace().collect())
    }

    fn has(&self, words: &str) -> bool {
        self.0.contains(words)
    }

    /// What stands between two marks, of which the first is there once.
    fn between(&self, begin: &str, end: &str) -> Option<&str> {
        let rest = self.0.split_once(begin)?.1;
        rest.split_once(end).map(|(between, _)| between)
    }

    fn tell_by_number(&self) -> Result<(), String> {
        let number = self.between("SLURM_VERSION_NUMBER:u32=", ";").and_then(|number| number.parse::<u32>().ok());
        let number = number.ok_or("<slurm/slurm.h> says nothing of its release")?;
        for (first, known_as) in BY_NUMBER {
            tell(known_as, number >= *first);
        }
        Ok(())
    }

    fn tell_members(&self) {
        for (structure, member, known_as) in MEMBERS {
            let members = self.between(&format!("pubstruct{structure}{{"), "}");
            tell(known_as, members.is_some_and(|members| format!(",{members}").contains(&format!(",pub{member}"))));
        }
    }

    fn tell_calls(&self) -> Result<(), String> {
        for (call, known_as) in BY_STEP {
            let parameters = self.between(&format!("pubfn{call}("), ")");
            let parameters = parameters.ok_or_else(|| format!("<slurm/slurm.h> declares no {call}"))?;
            tell(known_as, parameters.contains("slurm_step_id_t"));
        }
        Ok(())
    }

    /// What releases call by several names, by one name.
    fn names_of_our_own(&self) -> Result<String, String> {
        let list = self.between("pubfnslurm_list_create(", ";").and_then(|declared| declared.split_once("->"));
        let (_, list) = list.ok_or("<slurm/slurm.h> declares no slurm_list_create")?;
        // A typedef of a pointer up to 22.05, and whatever a distribution calls it; a pointer to `list_t` later.
        let list = list.strip_prefix("*mut").map_or_else(|| list.to_owned(), |list| format!("*mut {list}"));
        let free = FREES_CONFIGURATION.into_iter().find(|name| self.has(&format!("pubfn{name}(")));
        let free = free.ok_or("<slurm/slurm.h> declares nothing that frees a configuration")?;
        Ok(format!("\npub type ListPointer = {list};\npub use self::{free} as free_configuration;\n"))
    }
}

fn tell(known_as: &str, holds: bool) {
    println!("cargo:rustc-check-cfg=cfg({known_as})");
    if holds {
        println!("cargo:rustc-cfg={known_as}");
    }
}

/// The library by its name, so that the site's own is found when the program starts; and which version of it this is.
fn link(prefix: Option<&Path>) -> Result<(), String> {
    println!("cargo:rustc-link-lib=dylib=slurm");
    let library = match prefix {
        Some(prefix) => ["lib64", "lib"]
            .map(|folder| prefix.join(folder).join("libslurm.so"))
            .into_iter()
            .find(|library| library.exists()),
        None => Some(of_the_compiler()?).filter(|library| library.is_absolute()),
    };
    let library = library.ok_or("there is no libslurm.so")?;
    if let (Some(_), Some(folder)) = (prefix, library.parent()) {
        println!("cargo:rustc-link-search=native={}", folder.display());
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    }
    let version =
        version_of(&library).ok_or_else(|| format!("{} is no link to a library with a version", library.display()))?;
    println!("cargo:rustc-env=PAKT_SLURM_LIBRARY={version}");
    Ok(())
}

/// Where the compiler finds the library by itself; the bare name where it does not.
fn of_the_compiler() -> Result<PathBuf, String> {
    let asked = Command::new("cc").arg("-print-file-name=libslurm.so").output();
    let output = asked.map_err(|error| format!("cc: {error}"))?;
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// 38 of a link to `libslurm.so.38.0.0`: what `slurm_api_version()` answers in its third byte.
fn version_of(library: &Path) -> Option<u32> {
    let file = fs::canonicalize(library).ok()?;
    file.file_name()?.to_str()?.strip_prefix("libslurm.so.")?.split('.').next()?.parse().ok()
}
