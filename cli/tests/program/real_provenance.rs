//! What a job is made of, on a real cluster and from a laptop.

use crate::{
    desk::Desk,
    real_jupiter::{scheduler_job, text},
    real_ssh::connected,
};
use lab::User;
use std::{fs, path::Path, process::Command, rc::Rc};

const GIT: [&str; 5] = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"];

#[test]
fn real_a_job_that_waits_runs_the_code_of_its_submission_and_knows_its_slurm() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    let git = |words: &[&str]| desk.tool(&[&GIT[..], words].concat());
    desk.write("value", "of then\n");
    let job = "name: frozen\nkind: command\nproject: atlas\nsite: jupiter\nresources: { nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }\n\
               launch: command\ncode: frozen\nscheduler: { begin: now+1hour }\nrun: 'cat value; basename \"$PWD\"'\n";
    desk.write("frozen.yaml", job);
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "first"]);
    let submitted = desk.json(&["submit", "frozen.yaml"]);
    let id = text(&submitted["id"]);
    desk.write("value", "of later\n");
    let slurm = scheduler_job(&submitted);
    desk.tool(&["scontrol", "update", &format!("JobId={slurm}"), "StartTime=now"]);
    cluster.await_accounted(&slurm).expect("it ends");
    let log = desk.pakt(&["logs", id]).expect(0).stdout;
    assert!(log.ends_with("of then\ncode\n"), "{log}");
    let told = desk.json(&["show", id, "--provenance"]);
    assert_eq!(told["now"][0]["tree"], "changed", "{told}");
    assert_eq!(told["record"]["repositories"][0]["tree"]["is_clean"], true, "{told}");
    let release = text(&told["record"]["scheduler"]);
    assert!(release.starts_with("slurm") && release.contains('.'), "{release}");
}

fn git_here(folder: &Path, words: &[&str]) {
    let status = Command::new(GIT[0]).args(&GIT[1..]).args(words).current_dir(folder).status().expect("git");
    assert!(status.success(), "git {words:?}");
}

#[test]
fn real_code_of_the_laptop_runs_at_the_site_where_its_tree_is_not() {
    let laptop = connected();
    let text_of = laptop.document("carried", "cat value");
    let workdir = format!("workdir: {}\n", laptop.at_site().display());
    assert!(text_of.contains(&workdir));
    let file = laptop.write("tree.yaml", "");
    let tree = Path::new(&file).with_file_name("tree");
    fs::create_dir(&tree).expect("fresh");
    fs::write(tree.join("value"), "from the laptop\n").expect("ours");
    fs::write(tree.join("job.yaml"), text_of.replace(&workdir, "code: frozen\n")).expect("ours");
    git_here(&tree, &["init", "--quiet"]);
    git_here(&tree, &["add", "--all"]);
    git_here(&tree, &["commit", "--quiet", "--message", "first"]);
    let job = tree.join("job.yaml").display().to_string();
    let submitted = laptop.json(&["submit", &job]);
    laptop.cluster.await_accounted(&scheduler_job(&submitted)).expect("it ends");
    let id = text(&submitted["id"]);
    // The site's profile files talk.
    let log = laptop.pakt(&["logs", id]).expect(0).stdout;
    assert!(log.ends_with("\nfrom the laptop\n"), "{log}");
    let told = laptop.json(&["show", id, "--provenance"]);
    let repository = &told["record"]["repositories"][0];
    assert_eq!((&repository["machine"], &told["now"][0]["tree"]), (&"submitter".into(), &"same".into()), "{told}");
}
