//! The code that a job brings, in real bash: unpacked once, whole, and only where it is what was packed.

use crate::{
    common::{job, stamp},
    sites,
    stage::{Stage, Start, errors},
};
use model::{JobSpec, Launch, LinkNumber, Stamp};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use templates::{BatchScript, Dialect, PackedCode, exit_code, render};

/// A job that runs a line of shell.
fn spec(run: &str) -> JobSpec {
    in_folder("/nowhere", run)
}

fn in_folder(workdir: &str, run: &str) -> JobSpec {
    JobSpec { workdir: workdir.to_owned(), ..job(Launch::Command, run) }
}

/// Packs a tree with `sub/value`, a program and a link in it; the archive and its digest.
fn packed(stage: &Stage) -> (PathBuf, String) {
    let tree = stage.path("tree/sub folder");
    fs::create_dir_all(&tree).expect("a folder");
    fs::write(tree.join("value"), "of then\n").expect("a file");
    let archive = stage.path("it's code.tar");
    let shell = format!(
        "cd '{}' && chmod 755 'sub folder/value' && ln -s 'sub folder/value' link && tar -cf \"$1\" . && sha256sum --zero \"$1\"",
        stage.path("tree").display()
    );
    let output = Command::new("bash").args(["-c", &shell, "bash"]).arg(&archive).output().expect("bash");
    assert!(output.status.success(), "{}", errors(&output));
    let digest = String::from_utf8_lossy(&output.stdout).split(' ').next().expect("a digest").to_owned();
    (archive, digest)
}

fn run(stage: &Stage, stamp: Stamp, start: u64, spec: &JobSpec, (archive, sha256): (&Path, &str)) -> Output {
    let job_directory = stage.path("job");
    let archive = archive.to_str().expect("text");
    let code = Some(PackedCode { archive, sha256, folder: "sub folder" });
    let script = BatchScript {
        is_array: false,
        stamp,
        spec,
        placement: &sites::local(),
        job_directory: job_directory.to_str().expect("text"),
        code,
        dialect: Dialect::Slurm,
        failure_patterns: &[],
        made_by: "pakt 0.1.0",
    };
    let file = stage.path("script");
    fs::write(&file, render(&script).expect("a script")).expect("a script");
    // What a person set for tar is not for this.
    let variables = vec![("TAR_OPTIONS", "--exclude=*".to_owned())];
    stage.run(&file, &Start { variables, ..Start::slurm(start) })
}

#[test]
fn a_job_starts_in_the_code_it_brought_and_what_it_writes_there_is_seen_by_its_later_starts() {
    let stage = Stage::new();
    let (archive, digest) = packed(&stage);
    let brought = (archive.as_path(), digest.as_str());
    let first = run(
        &stage,
        stamp(),
        41,
        &spec("cat value; cat ../link; test -x value; echo $PAKT_CODE; echo made >out"),
        brought,
    );
    assert_eq!(first.status.code(), Some(0), "{}", errors(&first));
    let code = stage.path("job/code");
    assert_eq!(String::from_utf8_lossy(&first.stdout), format!("of then\nof then\n{}\n", code.display()));
    // The second link finds what the first one made, and needs the archive no more.
    fs::remove_file(&archive).expect("there");
    let second = Stamp { link: LinkNumber::new(2).expect("not 0"), ..stamp() };
    let second = run(&stage, second, 42, &spec("cat value out"), brought);
    assert_eq!(String::from_utf8_lossy(&second.stdout), "of then\nmade\n", "{}", errors(&second));
    let left: Vec<String> = fs::read_dir(stage.path("job"))
        .expect("there")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("code"))
        .collect();
    assert_eq!(left, ["code"], "nothing half is left");
}

#[test]
fn another_archive_than_the_one_that_was_packed_is_not_run() {
    for (spoil, exists) in [("echo more >>\"$1\"", true), ("rm \"$1\"", false)] {
        let stage = Stage::new();
        let (archive, digest) = packed(&stage);
        let spoiled = Command::new("bash").args(["-c", spoil, "bash"]).arg(&archive).status().expect("bash");
        assert!(spoiled.success());
        assert_eq!(archive.exists(), exists);
        let ended = run(&stage, stamp(), 41, &spec("echo it ran"), (&archive, &digest));
        assert_eq!(ended.status.code(), Some(i32::from(exit_code::NO_INPUT)), "{}", errors(&ended));
        assert!(errors(&ended).contains("is not there on") && ended.stdout.is_empty(), "{}", errors(&ended));
        assert_eq!(stage.marker("ended", "exit_code"), exit_code::NO_INPUT.to_string());
        assert!(!stage.exists("job/code"));
    }
}

#[test]
fn what_a_killed_start_left_is_no_code() {
    let stage = Stage::new();
    let (archive, digest) = packed(&stage);
    fs::create_dir_all(stage.path("job/code.41.0.partial/sub folder")).expect("a half");
    fs::write(stage.path("job/code.41.0.partial/sub folder/value"), "half").expect("a half");
    fs::create_dir_all(stage.path("job/code.40.0.partial")).expect("of an earlier number");
    let ended = run(&stage, stamp(), 41, &spec("cat value"), (&archive, &digest));
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "of then\n", "{}", errors(&ended));
    assert!(!stage.exists("job/code.41.0.partial") && !stage.exists("job/code.40.0.partial"));
}

#[test]
fn the_modules_of_a_start_are_written_down() {
    let stage = Stage::new();
    let script = stage.script("script", &in_folder("/", "true"), &sites::local(), Dialect::Slurm);
    let loaded = ("LOADEDMODULES", "Stages/2026:CUDA/13".to_owned());
    stage.run(&script, &Start { variables: vec![loaded], ..Start::slurm(41) });
    assert_eq!(stage.read("job/links/1/attempts/41-0/modules"), "Stages/2026\nCUDA/13\n");
    stage.run(&script, &Start { restart: 1, ..Start::slurm(41) });
    assert!(!stage.exists("job/links/1/attempts/41-1/modules"), "none were loaded");
}
