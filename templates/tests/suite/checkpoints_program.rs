//! `pakt_checkpoints.py`: what a program that knows nothing of Pakt has saved is told to Pakt, whole checkpoints alone.

use std::{fs, path::Path, process::Command};

/// A layout; files, each with its text, of which the last checkpoint is not whole; and what is told of them.
type Layout = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

/// What each framework leaves behind it.
const LAYOUTS: [Layout; 5] = [
    (
        "trainer",
        &[("checkpoint-100/trainer_state.json", "{}"), ("checkpoint-200/optimizer.pt", ""), ("runs/events", "")],
        &["100 checkpoint-100"],
    ),
    (
        "torchtitan",
        &[("step-9/.metadata", ""), ("step-10/.metadata", ""), ("step-20/__0_0.distcp", "")],
        &["9 step-9", "10 step-10"],
    ),
    (
        "megatron",
        &[
            ("latest_checkpointed_iteration.txt", "500"),
            ("iter_0000250/common.pt", ""),
            ("iter_0000500/common.pt", ""),
            ("iter_0000750/common.pt", ""),
        ],
        &["250 iter_0000250", "500 iter_0000500"],
    ),
    (
        "deepspeed",
        &[("latest", "global_step500"), ("global_step500/mp_rank_00", ""), ("global_step1000/mp_rank_00", "")],
        &["500 global_step500"],
    ),
    ("orbax", &[("1000/_CHECKPOINT_METADATA", ""), ("2000.orbax-checkpoint-tmp-7/state", "")], &["1000 1000"]),
];

/// Writes the files that stand behind it, two words each, below the folder in front, and ends with 75.
const TRAINER: &str = "\
import pathlib, sys
for name, text in zip(sys.argv[2::2], sys.argv[3::2]):
    path = pathlib.Path(sys.argv[1], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
assert __name__ == '__main__'
raise SystemExit(75)
";

fn run(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> i32 {
    let (name, text) = templates::CHECKPOINTS_PROGRAM;
    fs::write(folder.join(name), text).expect("the program");
    fs::write(folder.join("trainer.py"), TRAINER).expect("a trainer");
    let mut command = Command::new("python3");
    command.arg(name).args(words).current_dir(folder).env_remove("RANK").env_remove("SLURM_PROCID");
    command.env_remove("PAKT_CHECKPOINTS").envs(variables.iter().copied());
    command.status().expect("python3 is not installed").code().expect("a code")
}

#[test]
fn whole_checkpoints_are_told_once_and_the_code_is_the_programs() {
    for (layout, files, told) in LAYOUTS {
        let folder = tempfile::tempdir().expect("a folder");
        let list = folder.path().join("list");
        let list_name = list.display().to_string();
        let files: Vec<&str> = files.iter().flat_map(|(name, text)| [*name, *text]).collect();
        for program in [&["trainer.py"][..], &["-m", "trainer"]] {
            let words = [&[layout, "saved"], program, &["saved"], &files].concat();
            assert_eq!(run(folder.path(), &words, &[("PAKT_CHECKPOINTS", &list_name)]), 75, "{layout}");
        }
        let folder = fs::canonicalize(folder.path()).expect("a folder");
        let at = |told: &&str| {
            let (step, name) = told.split_once(' ').expect("two words");
            format!("{step} {}\n", folder.join("saved").join(name).display())
        };
        let told: String = told.iter().map(at).collect();
        assert_eq!(fs::read_to_string(&list).expect("lines"), told, "{layout}");
    }
}

#[test]
fn one_rank_tells_and_without_pakt_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list");
    let list_name = list.display().to_string();
    let words = ["trainer", "saved", "trainer.py", "saved", "checkpoint-1/trainer_state.json", "{}"];
    for variables in [
        &[][..],
        &[("PAKT_CHECKPOINTS", list_name.as_str()), ("RANK", "1")],
        &[("PAKT_CHECKPOINTS", list_name.as_str()), ("SLURM_PROCID", "1")],
    ] {
        assert_eq!(run(folder.path(), &words, variables), 75);
        assert!(!list.exists(), "{variables:?}");
    }
    // By torchrun each rank has its own, whatever Slurm calls the task that started it.
    let variables = [("PAKT_CHECKPOINTS", list_name.as_str()), ("RANK", "0"), ("SLURM_PROCID", "1")];
    assert_eq!(run(folder.path(), &words, &variables), 75);
    assert!(list.exists());
    for words in [&["trainer", "saved"][..], &["unknown", "saved", "trainer.py"], &["orbax", "saved", "-m"]] {
        assert_eq!(run(folder.path(), words, &[]), 1, "{words:?}");
    }
}

#[test]
fn what_is_older_than_the_job_is_not_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let (list, intent) = (folder.path().join("list"), folder.path().join("intent.json"));
    for old in ["saved/checkpoint-5000", "saved/checkpoint-100"] {
        fs::create_dir_all(folder.path().join(old)).expect("ours");
        fs::write(folder.path().join(old).join("trainer_state.json"), "{}").expect("ours");
    }
    // Everything there is older; then the job is made.
    let touched = Command::new("find")
        .arg(folder.path().join("saved"))
        .args(["-exec", "touch", "-d", "@1000", "{}", "+"])
        .status();
    assert!(touched.expect("find").success());
    fs::write(&intent, "").expect("ours");
    assert!(Command::new("touch").args(["-d", "@2000"]).arg(&intent).status().expect("touch").success());
    let (listed, directory) = (list.display().to_string(), folder.path().display().to_string());
    let words = [
        "trainer",
        "saved",
        "trainer.py",
        "saved",
        "checkpoint-100/trainer_state.json",
        "{}",
        "checkpoint-200/trainer_state.json",
        "{}",
    ];
    assert_eq!(run(folder.path(), &words, &[("PAKT_CHECKPOINTS", &listed), ("PAKT_JOB_DIRECTORY", &directory)]), 75);
    let told = fs::read_to_string(&list).expect("lines");
    let steps: Vec<&str> = told.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(steps, ["100", "200"], "the one that was written again is the job's: {told}");
}

#[test]
fn a_list_that_is_cut_or_cannot_be_written_ends_no_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list");
    let listed = list.display().to_string();
    let words = ["trainer", "saved", "trainer.py", "saved", "checkpoint-1/trainer_state.json", "{}"];
    fs::write(&list, b"9 /\xff\n7 /old/checkpoint-7").expect("ours");
    assert_eq!(run(folder.path(), &words, &[("PAKT_CHECKPOINTS", &listed)]), 75);
    let text = fs::read(&list).expect("lines");
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(text.contains("\n7 /old/checkpoint-7\n1 /") && text.ends_with("/saved/checkpoint-1\n"), "{text}");
    fs::remove_file(&list).expect("ours");
    fs::create_dir(&list).expect("ours");
    assert_eq!(run(folder.path(), &words, &[("PAKT_CHECKPOINTS", &listed)]), 75, "the program's own code");
}
