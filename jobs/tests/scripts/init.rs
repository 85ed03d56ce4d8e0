//! `pakt init` against `pakt check`: what is written for a site can be read and placed there.

use crate::{
    golden::{assert_clean, program},
    support::{AT, MACHINE, catalogue, script, site},
};
use jobs::{
    JobsError,
    init::{Preset, Spender, job_file, templates},
    job_file::{JobFile, SourceFile},
};
use model::Architecture;
use sites::{AccountNeed, LocalMachine, Site, place};
use std::{fs, path::Path};

fn train() -> &'static Preset {
    Preset::named("train").expect("a template")
}

fn read(text: &str) -> JobFile {
    let source =
        SourceFile { path: "job.yaml".into(), directory: "/home/ada".into(), text: text.to_owned(), lines_before: 0 };
    JobFile::read(source).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"))
}

/// Which templates go nowhere but elsewhere, by site, and a word of the reason: written down from the profiles by hand.
const REFUSED: [(&str, &str, &str); 15] = [
    // Neither srun nor MPI without a scheduler; of its GPUs the profile says nothing.
    ("local", "mpi", "`launch: mpi`"),
    ("local", "jax", "`launch: srun`"),
    ("local", "torchtitan", "knows of none there"),
    ("local", "megatron", "knows of none there"),
    ("local", "vllm", "knows of none there"),
    ("local", "teuken-train", "knows of none there"),
    ("local", "teuken-evaluate", "knows of none there"),
    // GPUs of Intel.
    ("supermuc-ng-2", "torchtitan", "those there are of Intel"),
    ("supermuc-ng-2", "megatron", "those there are of Intel"),
    ("supermuc-ng-2", "jax", "those there are of Intel"),
    ("supermuc-ng-2", "lm-eval", "those there are of Intel"),
    ("supermuc-ng-2", "vllm", "those there are of Intel"),
    ("supermuc-ng-2", "teuken-train", "those there are of Intel"),
    ("supermuc-ng-2", "teuken-evaluate", "those there are of Intel"),
    // GPUs of AMD.
    ("viper-gpu", "megatron", "it is for GPUs of NVIDIA, and those there are of AMD"),
];

fn written(preset: &Preset, site: &Site, spender: &Spender) -> Result<String, JobsError> {
    job_file(preset, site, catalogue(), spender)
}

#[test]
fn every_template_goes_to_every_site_or_is_refused_with_the_reason() {
    let mut left: Vec<(&str, &str, &str)> = REFUSED.to_vec();
    for site in catalogue().iter() {
        for preset in Preset::ALL {
            let listed = left.iter().position(|row| row.0 == site.name().as_str() && row.1 == preset.name);
            match (written(preset, site, &Spender::default()), listed) {
                (Ok(text), None) => assert_it_runs(preset, site, &text),
                (Err(error), Some(row)) => {
                    let (_, _, word) = left.remove(row);
                    assert!(error.why.contains(word), "{} {preset}: {}", site.title, error.why);
                    assert!(error.why.contains(&format!("`{preset}`")) && error.what == "no job file was written");
                }
                (Ok(text), Some(_)) => panic!("{} {preset} was written:\n{text}", site.title),
                (Err(error), None) => panic!("{} {preset}: {error:?}", site.title),
            }
        }
    }
    assert_eq!(left, [], "what the table tells and nobody was asked");
}

/// It is read without a doubt, goes somewhere on every machine, and its script comes out.
fn assert_it_runs(preset: &Preset, site: &Site, text: &str) {
    let file = read(text);
    assert!(file.doubts.is_empty(), "{} {preset}: {:?}", site.title, file.doubts);
    for machine in [MACHINE, LocalMachine { cpus: 64, gpus: 8 }] {
        let outcome = place(site, &file.spec, Some(machine), AT);
        assert!(outcome.is_ok(), "{} {preset}: {:#?}\n{text}", site.title, outcome.err());
    }
    let script = script(site, &file.spec);
    assert!(script.starts_with("#!/bin/bash"), "{script}");
    assert_eq!(preset.reports, script.contains("pakt_checkpoints.py "), "{} {preset}", site.title);
}

/// The programs of all templates at all sites. What stands around them is the same for every job of a site and a launcher,
/// and is looked at with the golden files.
#[test]
fn programs_of_templates_are_clean_for_bash_and_shellcheck() {
    let mut programs = Vec::new();
    for site in catalogue().iter() {
        for preset in Preset::ALL {
            if let Ok(text) = written(preset, site, &Spender::default()) {
                let script = script(site, &read(&text).spec);
                programs.push((format!("{}-{preset}", site.name()), program(&script).to_owned()));
            }
        }
    }
    assert_clean(programs);
}

#[test]
fn a_refusal_names_what_goes_here_and_where_this_goes() {
    let error = written(Preset::named("megatron").expect("one"), site("viper-gpu"), &Spender::default());
    let error = error.expect_err("for NVIDIA alone");
    assert_eq!(
        error.why,
        "`megatron` is not for `apu` of Viper-GPU: it is for GPUs of NVIDIA, and those there are of AMD"
    );
    assert_eq!(
        error.next,
        "here go train, evaluate, command, mpi, accelerate, torchtitan, deepspeed, jax, lm-eval, vllm, teuken-train, \
         teuken-evaluate; with `--site` it goes to dais, grete, haicore, horeka, jupiter, jureca-dc, juwels-booster, \
         levante, raven"
    );
}

/// A site as its profile has it, changed.
fn changed(name: &str, change: impl FnOnce(&mut Site)) -> Site {
    let mut site = site(name).clone();
    change(&mut site);
    site
}

#[test]
fn memory_processors_and_nodes_are_looked_at() {
    let gpus = |site: &mut Site, model: &str| {
        let gpus = site.partitions[0].gpus.as_mut().expect("GPUs");
        gpus.value.model = model.to_owned();
    };
    let small = changed("horeka", |site| gpus(site, "V100 16 GB"));
    let unknown = changed("horeka", |site| gpus(site, "V100"));
    let arm = changed("viper-gpu", |site| site.partitions[0].architecture.value = Architecture::Aarch64);
    let narrow = changed("raven", |site| {
        site.partitions[0].limits.nodes.as_mut().expect("a limit").most.value = 4;
    });
    for (site, preset, why) in [
        (&small, "teuken-train", Some("it takes 32 GiB of each GPU's memory, and a GPU there (V100 16 GB) has 14 GiB")),
        (
            &small,
            "teuken-evaluate",
            Some("it takes 21 GiB of each GPU's memory, and a GPU there (V100 16 GB) has 14 GiB"),
        ),
        (&small, "accelerate", None),
        (&unknown, "teuken-train", None),
        (&arm, "jax", Some("there is nothing of it for aarch64 with GPUs of AMD")),
        (&arm, "train", Some("there is nothing of it for aarch64 with GPUs of AMD")),
        (&narrow, "teuken-train", Some("it takes 32 GPUs, which are 8 nodes there, and a job has at most 4")),
        (&narrow, "megatron", None),
    ] {
        let row = templates(site).into_iter().find(|row| row.name == preset).expect("a row");
        assert_eq!((row.why_not.as_deref(), row.is_for_site), (why, why.is_none()), "{preset}");
        let written = written(Preset::named(preset).expect("one"), site, &Spender::default());
        assert_eq!(written.is_ok(), why.is_none(), "{preset}");
    }
}

#[test]
fn a_batch_follows_the_memory_of_the_gpus() {
    for (name, nodes, batch, steps) in
        [("jupiter", 8, 2, 4), ("horeka", 8, 1, 8), ("dais", 4, 2, 4), ("levante", 8, 2, 4), ("viper-gpu", 16, 2, 4)]
    {
        let text =
            written(Preset::named("teuken-train").expect("one"), site(name), &Spender::default()).expect("a file");
        // 256 sequences a step everywhere: nodes x GPUs x batch x steps.
        for wanted in [
            format!("\n  nodes: {nodes}\n"),
            format!(" --per_device_train_batch_size {batch}\n"),
            format!(" --gradient_accumulation_steps {steps}\n"),
        ] {
            assert!(text.contains(&wanted), "{name}: {wanted}{text}");
        }
    }
}

#[test]
fn an_account_is_named_where_one_is_needed() {
    for site in catalogue().iter() {
        let file = read(&written(train(), site, &Spender::default()).expect("a job file"));
        let account = file.spec.scheduler.account;
        assert_eq!(account.is_some(), site.account.value.need == AccountNeed::Required, "{}", site.title);
    }
    // The name of another group's account is an example in a comment, and never the account.
    for name in ["juwels-booster", "jupiter"] {
        let text = written(train(), site(name), &Spender::default()).expect("a job file");
        assert!(
            text.contains("\n  account: YOUR_ACCOUNT # Change") && text.contains("\nproject: YOUR_PROJECT "),
            "{text}"
        );
        let known = Spender { project: "atlas".parse().ok(), account: "007:x".parse().ok() };
        let file = read(&written(train(), site(name), &known).expect("a job file"));
        assert_eq!((file.spec.project, file.spec.scheduler.account), (known.project.expect("one"), known.account));
    }
}

#[test]
fn this_machine_counts_cores_for_a_job_without_gpus() {
    let text = written(train(), site("local"), &Spender::default()).expect("a job file");
    assert!(text.contains("It is charged in core-h (local:core); with GPUs in GPU-h (local:gpu).\n"), "{text}");
    assert!(text.contains("local: the GPUs that it has\n") && !text.contains("no GPUs"), "{text}");
    // What the site charges in, which its nodes are not made of.
    let text = written(train(), site("juwels-booster"), &Spender::default()).expect("a job file");
    assert!(text.contains("It is charged in core-h (juwels-booster:core)"), "{text}");
}

#[test]
fn advice_on_jupiter_names_what_all_its_nodes_see() {
    let text = written(train(), site("jupiter"), &Spender::default()).expect("a job file");
    assert!(text.contains("venv: $EXAPROJECT/venvs/torch\n") && !text.contains("$PROJECT"), "{text}");
}

/// The job files of the example, by the names of their files. `PAKT_UPDATE_GOLDEN=1` writes them anew.
#[test]
fn the_example_of_teuken_is_what_the_templates_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/teuken");
    for (name, account) in
        [("jupiter", Some("e-aif-2026fl01-991")), ("horeka", Some("hk-project-p0024043")), ("dais", None)]
    {
        let spender = Spender { project: "atlas".parse().ok(), account: account.and_then(|name| name.parse().ok()) };
        for what in ["train", "evaluate"] {
            let preset = Preset::named(&format!("teuken-{what}")).expect("one");
            let text = written(preset, site(name), &spender).expect("a file");
            let file = folder.join(format!("{what}-{name}.yaml"));
            if std::env::var_os("PAKT_UPDATE_GOLDEN").is_some() {
                fs::write(&file, &text).expect("written");
            }
            assert_eq!(fs::read_to_string(&file).ok(), Some(text), "{what}-{name}.yaml");
        }
    }
}
