//! From the file that a person wrote to the node: which paths are expanded on the way, and which are not.

use crate::support::{AT, script_in, site};
use jobs::job_file::{JobFile, Mistake, SourceFile};
use sites::place;
use std::{fs, path::Path, process::Command};

fn read(directory: &Path, text: &str) -> JobFile {
    let source = SourceFile {
        path: "job.yaml".into(),
        directory: directory.to_path_buf(),
        text: text.to_owned(),
        lines_before: 0,
    };
    JobFile::read(source).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

#[test]
fn a_job_in_a_folder_with_a_dollar_in_its_name_starts_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (here, state) = (folder.path().join("a$HOME b"), folder.path().join("x$USER"));
    fs::create_dir_all(here.join("runs/mine")).expect("a folder");
    fs::create_dir(&state).expect("a job directory");
    for (workdir, wanted) in [(".", ""), ("runs/$PART", "/runs/mine")] {
        let text = format!(
            "name: x\nkind: command\nproject: atlas\nsite: local\nresources: {{ nodes: 1, time: 10m }}\n\
             launch: command\nworkdir: {workdir}\nrun: pwd\n"
        );
        let file = read(&here, &text);
        let script = folder.path().join("script");
        fs::write(&script, script_in(state.to_str().expect("text"), site("local"), &file.spec)).expect("a script");
        let id = if workdir == "." { "1" } else { "2" };
        drop(fs::remove_dir_all(state.join("links")));
        let mut command = Command::new("bash");
        command.arg(&script).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", "/nowhere");
        let output = command.env("PART", "mine").env("PAKT_LOCAL_JOB_ID", id).output().expect("bash");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}{wanted}\n", here.display()));
        assert!(state.join("links/1/claim/owner").exists(), "the job directory is where it is");
    }
}

#[test]
fn a_type_of_gpu_that_the_site_lacks_is_underlined_together_with_other_mistakes() {
    let text = "name: x\nkind: train\nproject: atlas\nsite: jupiter\n\
                resources: { nodes: 2, gpus_per_node: h100:4, time: \"24:00:00\" }\nlaunch: torchrun\nrun: train.py\n\
                colour: blue\n";
    let source =
        SourceFile { path: "job.yaml".into(), directory: "/e/project1".into(), text: text.to_owned(), lines_before: 0 };
    let (file, mut mistakes) = JobFile::read_partial(source);
    let file = file.expect("enough is known to place it");
    mistakes.extend(file.mistakes(place(site("jupiter"), &file.spec, None, AT).expect_err("refused")));
    let said: Vec<String> = mistakes
        .iter()
        .filter(|mistake| mistake.is_error())
        .map(|Mistake { line, column, length, finding, .. }| format!("{line}:{column}+{length} {}", finding.field))
        .collect();
    assert_eq!(
        said,
        ["8:1+6 colour", "1:1+4 scheduler.account", "5:39+6 resources.gpus_per_node", "5:53+10 resources.time"],
        "what one finds does not hide what the other does"
    );
    let is_of_gpus = |mistake: &&Mistake| mistake.finding.field == "resources.gpus_per_node";
    let lacking = mistakes.iter().find(is_of_gpus).expect("a mistake");
    assert_eq!(lacking.finding.next, "it has: `gh200` (GH200 96 GB)");
}
