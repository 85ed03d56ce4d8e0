//! A model is trained past its wall-time limit: link by link it comes to the same losses as in one run, also where a rank of it was killed.

use crate::{desk::Desk, real_chain::expect_books};
use lab::{User, wait_until};
use std::{collections::BTreeMap, fs, path::Path, process::Command, rc::Rc, time::Duration};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/torch-ddp/train.py");
const PROSE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../LICENSE-APACHE");

const PATIENCE: Duration = Duration::from_mins(3);

/// In three links of less than 15 s at two and a half steps a second at most there is no time for them.
const STEPS: u32 = 120;

/// The losses of a log by step, as they are printed: `step 5 of 600  loss 2.310000`.
fn losses(log: &str) -> BTreeMap<u32, f64> {
    let of_line = |line: &str| {
        let (step, loss) = line.strip_prefix("step ")?.split_once("loss ")?;
        Some((step.split(' ').next()?.parse().ok()?, loss.trim().parse().ok()?))
    };
    log.lines().filter_map(of_line).collect()
}

fn job(desk: &Desk, torch: &str, (name, time): (&str, &str), run: &str, more: &str) -> String {
    let text = format!(
        "name: {name}\nkind: train\nproject: atlas\nsite: horeka\nlaunch: torchrun\nworkdir: .\n\
         resources: {{ nodes: 1, gpus_per_node: 2, time: \"{time}\" }}\nenvironment: {{ venv: {torch} }}\n\
         run: train.py --text prose.txt --checkpoint {name}.pt --steps {STEPS} --every 1 --save-every 1000 {run}\nscheduler: {{ partition: accelerated }}\n{more}"
    );
    let file = format!("{name}.yaml");
    desk.write(&file, &text);
    file
}

/// Kills a rank of a link of the training that has this checkpoint, by what its process was started with.
fn kill_rank(checkpoint: &str, link: &str, rank: &str) -> Option<()> {
    let has = |text: &[u8], wanted: &str| text.split(|byte| *byte == 0).any(|word| word == wanted.as_bytes());
    for process in fs::read_dir("/proc").expect("processes").flatten() {
        let read = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
        let (words, variables) = (read("cmdline"), read("environ"));
        let is_it = has(&words, checkpoint)
            && has(&variables, &format!("PAKT_LINK={link}"))
            && has(&variables, &format!("RANK={rank}"));
        if is_it {
            let number = process.file_name().into_string().expect("a number");
            let killed = Command::new("kill").args(["-s", "KILL", &number]).status().expect("kill");
            return killed.success().then_some(());
        }
    }
    None
}

#[test]
fn real_horeka_a_model_comes_in_links_to_the_losses_of_one_run() {
    let torch =
        std::env::var("PAKT_CI_TORCH").expect("PAKT_CI_TORCH names an environment with PyTorch (ci/test sets it)");
    let horeka = Rc::new(lab::attach("horeka").expect("the lab is up"));
    let desk = Desk::at_with_grant(&horeka, User::Ada, "hk-project-atlas", "horeka:a100", "1000");
    fs::copy(EXAMPLE, desk.work().join("train.py")).expect("the example");
    fs::copy(PROSE, desk.work().join("prose.txt")).expect("a text");
    // Told 15 s after its start, of which some go by before the first step.
    let chain = format!("chain: {{ until: steps, steps: {STEPS}, lead: 45s, max_links: 40 }}\n");
    let links = job(&desk, &torch, ("links", "00:01:00"), "--pause 0.4", &chain);
    let whole = job(&desk, &torch, ("whole", "00:15:00"), "", "");
    desk.pakt(&["submit", &whole]).expect(0);
    desk.pakt(&["submit", &links]).expect(0);
    // In the second link, which has begun at what the first one saved, a rank dies.
    wait_until("rank 1 of the second link", PATIENCE, || kill_rank("links.pt", "2", "1")).expect("it works");
    desk.pakt(&["watch", "links"]).expect(0);
    desk.pakt(&["watch", "whole"]).expect(0);
    let shown = desk.json(&["show", "links"]);
    assert_eq!(
        (&shown["over"]["why"], shown["over"]["step"].as_u64()),
        (&"done".into(), Some(STEPS.into())),
        "{shown}"
    );
    let classes: Vec<&str> =
        shown["attempts"].as_array().expect("attempts").iter().filter_map(|one| one["class"].as_str()).collect();
    assert!(classes.len() >= 5, "{classes:?}");
    let (last, before) = classes.split_last().expect("several");
    let wanted = |place: usize| if place == 1 { "failed" } else { "checkpointed" };
    assert!(before.iter().enumerate().all(|(place, class)| *class == wanted(place)), "{classes:?}");
    assert_ne!(*last, "failed");
    let log = |name: &str| {
        let shown = desk.json(&["show", name]);
        fs::read_to_string(Path::new(shown["log"].as_str().expect("a path"))).expect("a log")
    };
    let (in_links, in_one) = (losses(&log("links")), losses(&log("whole")));
    assert_eq!(in_one.len(), usize::try_from(STEPS).expect("few"));
    assert_eq!(in_links.keys().collect::<Vec<_>>(), in_one.keys().collect::<Vec<_>>(), "no step is missing");
    for (step, loss) in &in_one {
        // One thread a process and the same batches: what differs is the order in which gloo adds up.
        assert!((in_links[step] - loss).abs() <= 1e-4 * loss.abs(), "step {step}: {} and {loss}", in_links[step]);
    }
    assert!(in_one[&STEPS] < 0.9 * in_one[&1], "the loss falls");
    expect_books(&horeka, &desk, "links", 2);
}
