//! A job with a chain, as its person sees it.

use crate::desk::Desk;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

/// The trainer of docs/checkpoints.md, each step of which takes its time.
fn trainer(desk: &Desk) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/checkpoints.md");
    let page = fs::read_to_string(page).expect("the page");
    let (_, behind) = page.split_once("```python\n").expect("an example");
    let (example, _) = behind.split_once("```").expect("its end");
    let slow = example.replace("import json,", "import time, json,").replacen(
        "# One step",
        "; time.sleep(0.05)  # One step",
        1,
    );
    assert!(slow.contains("time.sleep"), "{slow}");
    desk.write("train.py", &slow);
}

#[test]
fn a_program_that_is_told_before_its_limit_saves_and_says_where_it_goes_on() {
    let desk = Desk::with_grant("10");
    trainer(&desk);
    let file = desk.job("lm", "python3 train.py");
    let text = fs::read_to_string(desk.work().join(&file)).expect("written");
    let text = text.replace("00:10:00", "00:01:00");
    desk.write(&file, &format!("{text}chain: {{ until: steps, steps: 200, lead: 58s, max_links: 1 }}\n"));
    desk.pakt(&["submit", "--watch", &file]).expect(6);
    let shown = desk.json(&["show", "lm"]);
    let step = shown["checkpoints"]["last"]["step"].as_u64().expect("it saved");
    assert!((1..200).contains(&step), "{shown}");
    assert_eq!((&shown["over"]["why"], shown["over"]["step"].as_u64()), (&"links".into(), Some(step)), "{shown}");
    assert_eq!(shown["attempts"][0]["exit_code"], 75);
    assert_eq!(shown["ended"]["state"]["base"], "FAILED", "its work is not done: {shown}");
    let (why, next) = (shown["end"]["why"].as_str(), shown["end"]["next"].as_str());
    assert!(why.is_some_and(|why| why.contains("its chain is over before its work was done")), "{shown}");
    assert!(next.is_some_and(|next| next.contains(&format!("--checkpoint {step}:"))), "{shown}");
    let told = desk.pakt(&["show", "lm"]).expect(0).stdout;
    assert!(told.contains(", exit code 75; it was told ahead of its limit, and saved\n"), "{told}");
    assert!(
        told.contains(&format!("chain      over behind link 1: it has had all of its links, at step {step}\n")),
        "{told}"
    );
    // What it says to do makes a new job, which goes on.
    let next = next.and_then(|next| next.split('`').nth(1)).expect("a command").to_owned();
    let words: Vec<&str> = next.split(' ').skip(1).chain(["--watch"]).collect();
    desk.pakt(&words).expect(6);
    let later = desk.json(&["show", "lm"]);
    assert_ne!(later["id"], shown["id"]);
    assert!(later["over"]["step"].as_u64().is_some_and(|later| later > step), "{later}");
}

#[test]
fn a_chain_goes_on_link_by_link_until_its_work_is_done() {
    let desk = Desk::with_grant("10");
    trainer(&desk);
    let file = desk.job("lm", "python3 train.py");
    let text = fs::read_to_string(desk.work().join(&file)).expect("written");
    let text = text.replace("00:10:00", "00:01:00");
    desk.write(&file, &format!("{text}chain: {{ until: steps, steps: 200, lead: 58s, ahead: 3 }}\n"));
    let said = desk.pakt(&["submit", &file]).expect(0).stdout;
    assert!(!said.contains("behind it"), "nothing can wait for the end of a job here: {said}");
    let planned = desk.pakt(&["plan", "--no-script", &file]).expect(0).stdout;
    assert!(planned.contains("chain      up to 10 links, each at such a cost, at most "), "{planned}");
    assert!(
        planned.contains("one is queued and held at a time, the others by `pakt watch` or `pakt resume --all`"),
        "{planned}"
    );
    desk.pakt(&["watch", "lm"]).expect(0);
    let shown = desk.json(&["show", "lm"]);
    assert_eq!((&shown["over"]["why"], shown["over"]["step"].as_u64()), (&"done".into(), Some(200)), "{shown}");
    assert_eq!(shown["ended"]["state"]["base"], "COMPLETED", "{shown}");
    let links = shown["links"].as_array().expect("links");
    assert!(links.len() > 1, "{shown}");
    let classes: Vec<&str> = links.iter().filter_map(|link| link["class"].as_str()).collect();
    let (last, before) = classes.split_last().expect("several");
    assert!(before.iter().all(|class| *class == "checkpointed") && *last == "finished", "{classes:?}");
    // One job, one hold: what all of its links took, and nothing is left of it.
    assert_eq!(desk.json(&["balance"])["balances"][0]["committed"], 0);
    let jobs = desk.json(&["jobs"]);
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(1), "{jobs}");
    // Over, it is gone on with no more, and the same file is a new job.
    let refused = desk.pakt(&["resume", "lm"]).expect(4).stderr;
    assert!(refused.contains("it is over"), "{refused}");
    desk.pakt(&["resume", "--all"]).expect(0);
}

/// A link failed, and nobody queued the next one.
#[test]
fn a_paused_chain_that_is_cancelled_is_open_no_more() {
    let desk = Desk::with_grant("10");
    let file = desk.job("lm", "exit 3");
    let text = fs::read_to_string(desk.work().join(&file)).expect("written");
    desk.write(&file, &format!("{text}chain: {{ until: marker }}\n"));
    desk.pakt(&["submit", &file]).expect(0);
    let is_paused = || {
        let jobs = desk.json(&["jobs", "--fresh"]);
        (jobs["jobs"][0]["phase"] == "paused").then_some(())
    };
    lab::wait_until("the link has failed", Duration::from_mins(1), is_paused).expect("it does");
    desk.pakt(&["cancel", "lm"]).expect(0);
    // Its hold is open until the next settlement.
    let jobs = desk.json(&["jobs", "--fresh"]);
    assert_eq!(jobs["jobs"][0]["state"]["base"], "CANCELLED", "{jobs}");
    let open = desk.json(&["jobs", "--open", "--fresh"]);
    assert_eq!(open["jobs"].as_array().map(Vec::len), Some(0), "{open}");
    desk.pakt(&["settle"]).expect(0);
    let jobs = desk.json(&["jobs"]);
    assert_eq!(jobs["jobs"][0]["state"]["base"], "CANCELLED", "{jobs}");
}

/// Words in front of a program, as torchrun takes them; the program then is the only rank.
const TORCHRUN: &str = "#!/bin/sh\nwhile [ \"${1#--}\" != \"$1\" ]; do shift; done\nexec python3 \"$@\"\n";

/// Saves as the Trainer of Hugging Face does, knows nothing of Pakt, and fails behind its first checkpoint.
const FRAMEWORK: &str = "\
import argparse, pathlib
parser = argparse.ArgumentParser()
parser.add_argument('--output_dir')
parser.add_argument('--max_steps', type=int)
parser.add_argument('--resume_from_checkpoint')
options = parser.parse_known_args()[0]
done = int(options.resume_from_checkpoint.rsplit('-', 1)[1]) if options.resume_from_checkpoint else 0
print('goes on behind', done, flush=True)
folder = pathlib.Path(options.output_dir, f'checkpoint-{done + 1000}')
folder.mkdir(parents=True)
(folder / 'trainer_state.json').write_text('{}')
if done + 1000 < options.max_steps:
    raise RuntimeError('lost')
";

#[test]
fn a_framework_of_a_template_goes_on_at_what_it_saved() {
    let desk = Desk::with_grant("10");
    desk.configure("site: local\nproject: atlas\n");
    let bin = desk.home().parent().expect("a folder").join("venvs/accelerate/bin");
    fs::create_dir_all(&bin).expect("a folder");
    fs::write(bin.join("activate"), format!("PATH={}:$PATH\n", bin.display())).expect("written");
    fs::write(bin.join("torchrun"), TORCHRUN).expect("written");
    fs::set_permissions(bin.join("torchrun"), fs::Permissions::from_mode(0o755)).expect("a mode");
    desk.write("train.py", FRAMEWORK);
    desk.pakt(&["init", "--template", "accelerate", "job.yaml"]).expect(0);
    assert_eq!(desk.pakt(&["check", "job.yaml"]).expect(0).stderr, "", "all that it starts is there");
    desk.pakt(&["submit", "--watch", "job.yaml"]).expect(0);
    let shown = desk.json(&["show", "accelerate"]);
    assert_eq!((&shown["over"]["why"], shown["over"]["step"].as_u64()), (&"done".into(), Some(2000)), "{shown}");
    assert_eq!(shown["links"].as_array().map(Vec::len), Some(2), "{shown}");
    let log = desk.pakt(&["logs", "accelerate"]).expect(0).stdout;
    assert!(log.contains("goes on behind 0\n") && log.contains("goes on behind 1000\n"), "{log}");
}
