//! The build against headers as several releases of Slurm have them: what they declare differently is found in the headers, and the
//! program fits it. Slurm's own headers are not in this tree; those in `headers/` declare what this program uses of them.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

const HEADERS: [&str; 3] = ["slurm.h", "slurm_errno.h", "slurmdb.h"];

/// What a build may find out of a release.
const KNOWN: [&str; 6] =
    ["slash_behind_kind", "run_restarts", "run_sluid", "taken_by_step", "loads_by_step", "deleted_qos_by_member"];

/// A release of Slurm: the number of its version, of its library, and what else its headers say of themselves.
struct Release {
    number: u32,
    library: u32,
    more: &'static str,
}

/// An installation of that release, as far as a build looks at it.
fn installed(folder: &Path, release: &Release) -> PathBuf {
    let prefix = folder.join(format!("slurm-{:x}{}", release.number, release.more.len()));
    let (include, library) = (prefix.join("include/slurm"), prefix.join("lib64"));
    for folder in [&include, &library] {
        fs::create_dir_all(folder).expect("ours");
    }
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/headers/slurm");
    for header in HEADERS {
        fs::copy(ours.join(header), include.join(header)).expect("ours");
    }
    let version = format!("#define SLURM_VERSION_NUMBER {:#x}\n{}\n", release.number, release.more);
    fs::write(include.join("slurm_version.h"), version).expect("ours");
    let file = format!("libslurm.so.{}.0.0", release.library);
    fs::write(library.join(&file), "").expect("ours");
    symlink(file, library.join("libslurm.so")).expect("ours");
    prefix
}

/// Compiles the program against an installation; what cargo said of its build script, or the compiler of it.
fn compile(prefix: &Path) -> Result<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--locked", "--offline", "--message-format=json-render-diagnostics"])
        // Its dependencies are run once each, so that compiling them well costs more than it saves.
        .args(["--config", "profile.dev.package.\"*\".opt-level=0"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .arg("--target-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("releases"))
        .env("PAKT_SLURM_PREFIX", prefix)
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(said);
    }
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let script =
        told.lines().find(|line| line.contains("build-script-executed") && line.contains("PAKT_SLURM_LIBRARY"));
    script.map(str::to_owned).ok_or(told)
}

#[test]
fn the_program_compiles_against_headers_of_every_form_and_knows_what_is_different_in_them() {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, library, more, known) in [
        (0x16_05_08, 38, "", vec!["deleted_qos_by_member"]),
        (0x16_05_08, 38, "#define PLAYS_SUSE 1", vec!["deleted_qos_by_member"]),
        (0x17_0b_0a, 40, "", vec!["slash_behind_kind"]),
        (0x18_0b_05, 42, "", vec!["slash_behind_kind", "run_restarts"]),
        (0x19_05_03, 43, "", vec!["slash_behind_kind", "run_restarts"]),
        (0x19_0b_01, 44, "", vec!["slash_behind_kind", "run_restarts"]),
        (0x1a_05_00, 45, "", KNOWN[..5].to_vec()),
    ] {
        let release = Release { number, library, more };
        let told =
            compile(&installed(folder.path(), &release)).unwrap_or_else(|said| panic!("{number:x} {more}: {said}"));
        for known_as in KNOWN {
            let is_told = told.contains(&format!("\"{known_as}\""));
            assert_eq!(is_told, known.contains(&known_as), "{number:x} {more}: {known_as} in {told}");
        }
        assert!(told.contains(&format!("[\"PAKT_SLURM_LIBRARY\",\"{library}\"]")), "{told}");
    }
}

#[test]
fn headers_that_lack_what_is_needed_are_named_and_nothing_is_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let release = Release { number: 0x1a_05_00, library: 45, more: "#define slurm_load_job slurm_load_one_job" };
    let said = compile(&installed(folder.path(), &release)).expect_err("a call is missing");
    assert!(said.contains("<slurm/slurm.h> declares no slurm_load_job"), "{said}");
}
