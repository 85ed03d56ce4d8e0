//! `pakt init` against `pakt check`: what is written for a site can be read and placed there.

use crate::support::{AT, MACHINE, catalogue, site};
use jobs::{
    init::{Preset, Spender, job_file},
    job_file::{JobFile, SourceFile},
};
use sites::{AccountNeed, LocalMachine, place};

fn read(text: &str) -> JobFile {
    let source =
        SourceFile { path: "job.yaml".into(), directory: "/home/ada".into(), text: text.to_owned(), lines_before: 0 };
    JobFile::read(source).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"))
}

#[test]
fn every_template_is_a_job_that_every_site_takes() {
    let mut refused = Vec::new();
    for site in catalogue().iter() {
        for preset in Preset::ALL {
            let text = match job_file(preset, site, &Spender::default()) {
                Ok(text) => text,
                Err(error) => {
                    refused.push((site.name().to_string(), preset, error.why.clone()));
                    continue;
                }
            };
            let file = read(&text);
            assert!(file.doubts.is_empty(), "{} {preset}: {:?}", site.title, file.doubts);
            for machine in [MACHINE, LocalMachine { cpus: 64, gpus: 8 }] {
                let outcome = place(site, &file.spec, Some(machine), AT);
                assert!(outcome.is_ok(), "{} {preset}: {:#?}\n{text}", site.title, outcome.err());
            }
        }
    }
    let why = "nothing at this machine starts jobs of the template `mpi`".to_owned();
    assert_eq!(refused, [("local".to_owned(), Preset::Mpi, why)], "an honest error where nothing starts it");
}

#[test]
fn an_account_is_named_where_one_is_needed() {
    for site in catalogue().iter() {
        let file = read(&job_file(Preset::Train, site, &Spender::default()).expect("a job file"));
        let account = file.spec.scheduler.account;
        assert_eq!(account.is_some(), site.account.value.need == AccountNeed::Required, "{}", site.title);
    }
    // The name of another group's account is an example in a comment, and never the account.
    for name in ["juwels-booster", "jupiter"] {
        let text = job_file(Preset::Train, site(name), &Spender::default()).expect("a job file");
        assert!(
            text.contains("\n  account: YOUR_ACCOUNT # Change") && text.contains("\nproject: YOUR_PROJECT "),
            "{text}"
        );
        let known = Spender { project: "atlas".parse().ok(), account: "007:x".parse().ok() };
        let file = read(&job_file(Preset::Train, site(name), &known).expect("a job file"));
        assert_eq!((file.spec.project, file.spec.scheduler.account), (known.project.expect("one"), known.account));
    }
}

#[test]
fn this_machine_counts_cores_for_a_job_without_gpus() {
    let text = job_file(Preset::Train, site("local"), &Spender::default()).expect("a job file");
    assert!(text.contains("It is charged in core-h (local:core); with GPUs in GPU-h (local:gpu).\n"), "{text}");
    assert!(text.contains("local: the GPUs that it has\n") && !text.contains("no GPUs"), "{text}");
    // What the site charges in, which its nodes are not made of.
    let text = job_file(Preset::Train, site("juwels-booster"), &Spender::default()).expect("a job file");
    assert!(text.contains("It is charged in core-h (juwels-booster:core)"), "{text}");
}

#[test]
fn advice_on_jupiter_names_what_all_its_nodes_see() {
    let text = job_file(Preset::Train, site("jupiter"), &Spender::default()).expect("a job file");
    assert!(text.contains("venv: $EXAPROJECT/venvs/torch\n") && !text.contains("$PROJECT"), "{text}");
}
