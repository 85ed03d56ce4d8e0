//! The job files of `pakt init`: each is YAML with the fields of a job and no others.

use model::{Architecture, GpuVendor, SiteName, WallTime};
use serde::Deserialize;
use std::collections::BTreeMap;
use templates::{AccountRule, PartitionPreset, Preset, SitePreset, Spender, TemplateError};

/// The fields of a job file, as strictly as the reader of job files takes them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    name: String,
    kind: String,
    project: String,
    site: SiteName,
    resources: Resources,
    chain: Option<Chain>,
    #[expect(dead_code, reason = "read for its names alone")]
    evaluate: Option<Evaluate>,
    launch: String,
    run: String,
    workdir: Option<String>,
    environment: Option<Environment>,
    output: Option<String>,
    notify: Option<Notify>,
    scheduler: Option<Scheduler>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for their names alone")]
struct Environment {
    modules: Option<Vec<String>>,
    venv: Option<String>,
    container: Option<String>,
    variables: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for their names alone")]
struct Chain {
    until: String,
    steps: u64,
    max_links: Option<u32>,
    signal: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for their names alone")]
struct Evaluate {
    harness: String,
    models: Vec<String>,
    model_args: String,
    tasks: Vec<String>,
    serve: Option<Serve>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for their names alone")]
struct Serve {
    run: String,
    health: String,
    ready_within: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notify {
    mail: String,
    when: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scheduler {
    account: Option<String>,
    #[expect(dead_code, reason = "read for its name alone")]
    partition: Option<String>,
    qos: Option<String>,
    extra: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    nodes: u32,
    gpus_per_node: Option<u32>,
    time: String,
}

fn jupiter() -> SitePreset {
    let partition = |name: &str, gpus: u32| PartitionPreset {
        name: name.to_owned(),
        partition: Some(name.parse().expect("a name")),
        gpus_per_node: gpus,
        gpu_model: "GH200".to_owned(),
        gpu_vendor: Some(GpuVendor::Nvidia),
        gpu_gib: Some(89),
        architecture: Architecture::Aarch64,
        launches: Vec::new(),
        most_nodes: None,
        longest: Some(WallTime::from_seconds(43_200)),
        is_exclusive: true,
    };
    SitePreset {
        site: "jupiter".parse().expect("a name"),
        title: "JUPITER Booster at JSC".to_owned(),
        partitions: vec![partition("booster", 4), partition("cpu", 0)],
        account: AccountRule::Required,
        account_example: Some("reformo".to_owned()),
        unit: Some("jupiter:core".parse().expect("a unit")),
        unit_without_gpus: None,
        has_internet: false,
        project_area: Some("$PROJECT".to_owned()),
    }
}

/// The job file for somebody of whom nothing is known.
fn job_file(preset: &Preset, site: Option<&SitePreset>) -> Result<String, TemplateError> {
    templates::job_file(preset, &Spender::default(), site)
}

fn named(name: &str) -> &'static Preset {
    Preset::named(name).expect("a preset")
}

fn read(text: &str) -> Fields {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn every_preset_is_a_job_on_every_kind_of_site() {
    let optional = SitePreset {
        account: AccountRule::Optional,
        partitions: Vec::new(),
        unit: None,
        has_internet: true,
        project_area: None,
        ..jupiter()
    };
    let absent = SitePreset { account: AccountRule::Absent, ..jupiter() };
    for preset in Preset::ALL {
        for site in [None, Some(&jupiter()), Some(&optional), Some(&absent)] {
            let text = job_file(preset, site).expect("a job file");
            let fields = read(&text);
            assert_eq!(fields.name, preset.name);
            assert_eq!(fields.site.as_str(), site.map_or("local", |_| "jupiter"));
            assert!(["train", "evaluate", "command"].contains(&fields.kind.as_str()), "{text}");
            assert!(["torchrun", "srun", "mpi", "command"].contains(&fields.launch.as_str()), "{text}");
            assert_eq!(templates::launch_name(preset.launch), fields.launch, "{preset}");
            assert!(fields.launch == "command" || !fields.run.trim_end().contains('\n'), "{text}");
            assert!(
                fields.resources.nodes == preset.nodes(site.map_or(0, |_| fields.resources.gpus_per_node.unwrap_or(0)))
                    && !fields.project.is_empty()
                    && fields.environment.is_some() == text.contains("\nenvironment:"),
                "{text}"
            );
            // Who starts the program that tells of checkpoints does so for the sake of a chain.
            assert_eq!(fields.chain.is_some(), preset.reports, "{preset}");
            assert_eq!(fields.run.contains("pakt_checkpoints.py "), preset.reports, "{preset}");
            fields.resources.time.parse::<WallTime>().expect("a time");
            let account = fields.scheduler.as_ref().and_then(|scheduler| scheduler.account.as_ref());
            let is_required = site.is_some_and(|site| site.account == AccountRule::Required);
            assert_eq!(account.is_some(), is_required, "{text}");
            assert!(
                !text.contains('\t') && text.lines().all(|line| line == line.trim_end() && line.len() <= 120),
                "{text}"
            );
        }
    }
}

/// The text with every field switched on that is commented out.
fn uncommented(text: &str) -> String {
    const FIELDS: [&str; 11] = [
        "workdir",
        "environment",
        "modules",
        "venv",
        "container",
        "variables",
        "output",
        "notify",
        "scheduler",
        "partition",
        "qos",
    ];
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(rest)
            if FIELDS
                .iter()
                .chain(&["account", "extra"])
                .any(|field| rest.trim_start().starts_with(&format!("{field}:"))) =>
        {
            format!("{rest}\n")
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn what_is_commented_out_is_valid_too() {
    let optional = SitePreset { account: AccountRule::Optional, ..jupiter() };
    for preset in Preset::ALL {
        for site in [None, Some(&jupiter()), Some(&optional)] {
            let fields = read(&uncommented(&job_file(preset, site).expect("a job file")));
            assert_eq!((fields.workdir.as_deref(), fields.output.as_deref()), (Some("."), Some("job.log")), "{preset}");
            let notify = fields.notify.expect("notify");
            assert!(notify.mail.contains('@') && notify.when == ["end", "fail"], "{preset}");
            let scheduler = fields.scheduler.expect("scheduler");
            assert_eq!(scheduler.account.is_some(), site.is_some(), "{preset}");
            assert_eq!((scheduler.qos.as_deref(), scheduler.extra.as_deref()), (Some("normal"), Some("--switches=1")));
        }
    }
}

#[test]
fn gpus_follow_the_site() {
    let gpus =
        |preset, site: Option<&SitePreset>| read(&job_file(preset, site).expect("a job file")).resources.gpus_per_node;
    assert_eq!(gpus(named("train"), Some(&jupiter())), Some(4));
    assert_eq!(gpus(named("evaluate"), Some(&jupiter())), Some(1));
    assert_eq!(gpus(named("train"), None), None);
    let short = PartitionPreset { longest: Some(WallTime::from_seconds(900)), ..jupiter().partitions[0].clone() };
    let site = SitePreset { partitions: vec![short], ..jupiter() };
    assert_eq!(read(&job_file(named("train"), Some(&site)).expect("a job file")).resources.time, "00:15:00");
}

#[test]
fn the_job_file_for_training_on_jupiter() {
    insta::assert_snapshot!(job_file(named("train"), Some(&jupiter())).expect("a job file"), @r#"
    # Trains a model with torchrun on JUPITER Booster at JSC.
    # `pakt check FILE` looks for mistakes, `pakt plan FILE` shows script and price, `pakt submit FILE` runs it.
    name: train
    kind: train
    project: YOUR_PROJECT # Change: the name of your group's project in its ledger.
    site: jupiter         # Or a list, in order of preference, or `any`.
    #                     It is charged in core-h (jupiter:core), for whole nodes however few GPUs are used.
    resources:
      nodes: 1
      gpus_per_node: 4
      time: "00:30:00"    # In quotes. At most 12:00:00.
    launch: torchrun      # One torchrun a node, one process a GPU.
    run: train.py --steps 200
    # workdir: .          # Where it starts; from this file's own directory on, and seen by compute nodes.
    environment:
      venv: $PROJECT/venvs/torch
    #   modules: [NAME/VERSION]              # What your environment was made with; `pakt sites show` names the site's.
    #   container: $PROJECT/images/torch.sif    # Instead of a venv.
    #   variables: { DATA: $PROJECT/data }      # `$NAME` in a value is expanded on the node.
    #   Compute nodes reach no internet: Hugging Face libraries and W&B are told to work offline. Fetch models before.
    # output: job.log     # Instead of the log in the job directory.
    # notify: { mail: you@example.org, when: [end, fail] }
    scheduler:
      account: YOUR_ACCOUNT # Change: every job here names its budget, such as reformo.
    #   partition: booster
    #   The partitions; without a name the profile chooses:
    #     booster: 4 x GH200 a node, whole nodes, at most 12:00:00
    #     cpu: the GPUs that it has, whole nodes, at most 12:00:00
    #   qos: normal
    #   extra: --switches=1 # Further options for sbatch, as they are.
    "#);
}

#[test]
fn the_job_file_for_commands_here() {
    insta::assert_snapshot!(job_file(named("command"), None).expect("a job file"), @r#"
    # Runs commands.
    # `pakt check FILE` looks for mistakes, `pakt plan FILE` shows script and price, `pakt submit FILE` runs it.
    name: command
    kind: command
    project: YOUR_PROJECT # Change: the name of your group's project in its ledger.
    site: local           # Or a list, in order of preference, or `any`.
    resources:
      nodes: 1
      time: "00:30:00"    # In quotes.
    launch: command       # Once, on the first node; several lines are fine.
    run: |
      hostname
      echo "3 3" >> "$PAKT_PROGRESS"    # `step total`: what `pakt watch` draws its bar from.
    # workdir: .          # Where it starts; from this file's own directory on, and seen by compute nodes.
    # environment:
    #   venv: ~/venvs/tools
    #   modules: [OpenMPI]
    #   variables: { DATA: $HOME/data }      # `$NAME` in a value is expanded on the node.
    # output: job.log     # Instead of the log in the job directory.
    # notify: { mail: you@example.org, when: [end, fail] }
    # scheduler:
    #   qos: normal
    #   extra: --switches=1 # Further options for sbatch, as they are.
    "#);
}
