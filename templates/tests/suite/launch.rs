//! The launchers: what is started on which node, with which words.

use crate::{
    common::{job, stamp},
    sites,
    stage::{ATTEMPT, Stage, Start, errors},
};
use model::{Images, JobSpec, Launch, Placement, RunLine};
use std::{fs, process::Output};
use templates::{Dialect, exit_code};

fn run(stage: &Stage, spec: &JobSpec, placement: &Placement, variables: &[(&'static str, &str)]) -> Output {
    let script = stage.script("script", spec, placement, Dialect::Slurm);
    let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    stage.run(&script, &Start { variables, ..Start::slurm(70_041) })
}

/// A site's rules without its file systems: nothing has to lie anywhere.
fn bare(name: &str) -> Placement {
    Placement { cache_area: None, ..sites::site(name) }
}

fn hosts(stage: &Stage, text: &str) {
    fs::write(stage.path("hosts"), text).expect("a name service");
}

/// What each torchrun was told, by node: the words behind one of its options.
fn told(stage: &Stage, option: &str) -> Vec<String> {
    let calls = stage.read("torchrun.calls");
    let word = |call: &str| call.split('|').find_map(|word| word.strip_prefix(option).map(str::to_owned));
    calls.lines().map(|call| word(call).unwrap_or_else(|| panic!("no {option} in {call}"))).collect()
}

#[test]
fn torchrun_runs_once_a_node_and_the_node_decides_who_hosts() {
    let stage = Stage::new();
    hosts(&stage, "n1i 10.0.0.1\nn2i 10.0.0.2\nn1 192.168.0.1\nn2 192.168.0.2\n");
    let output = run(&stage, &job(Launch::Torchrun, "train.py --steps 200"), &bare("juwels-booster"), &[]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(told(&stage, "--rdzv_conf=is_host="), ["true", "false"]);
    assert_eq!(told(&stage, "--local_addr="), ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(told(&stage, "--rdzv_endpoint="), ["10.0.0.1:14041", "10.0.0.1:14041"]);
    assert_eq!(told(&stage, "--rdzv_id="), [stamp().to_string(), stamp().to_string()]);
    assert_eq!(told(&stage, "--nnodes="), ["2", "2"]);
    assert_eq!(told(&stage, "--nproc_per_node="), ["4", "4"]);
    assert!(stage.read("torchrun.calls").lines().all(|call| call.ends_with("|train.py|--steps|200|")));
    let calls = stage.read("srun.calls");
    assert!(
        calls.starts_with("--nodes=2 --ntasks=2 --ntasks-per-node=1 --kill-on-bad-exit=1 --cpu-bind=none"),
        "{calls}"
    );
    assert!(stage.read("getent.calls").lines().all(|name| name.ends_with('i')), "the plain name is never looked up");
}

#[test]
fn a_name_of_the_fast_network_that_does_not_resolve_ends_the_job() {
    let stage = Stage::new();
    hosts(&stage, "n1 192.168.0.1\nn2 192.168.0.2\n");
    let output = run(&stage, &job(Launch::Torchrun, "train.py"), &bare("jureca-dc"), &[]);
    assert_eq!(output.status.code(), Some(i32::from(exit_code::NO_HOST)), "{}", errors(&output));
    assert!(errors(&output).contains("no address is known for the first node, n1"), "{}", errors(&output));
    assert!(!stage.exists("torchrun.calls"));
}

#[test]
fn jupiter_prefers_the_interconnect_then_the_plain_name_then_what_slurm_knows() {
    let known = "n1-interconnect-1.jupiter.internal 10.1.0.1\nn2-interconnect-1.jupiter.internal 10.1.0.2\n";
    for (names, addresses) in [
        (format!("{known}n1 192.168.0.1\nn2 192.168.0.2\n"), ["10.1.0.1", "10.1.0.2"]),
        ("n1 192.168.0.1\nn2 192.168.0.2\n".to_owned(), ["192.168.0.1", "192.168.0.2"]),
        (String::new(), ["127.0.0.11", "127.0.0.12"]),
    ] {
        let stage = Stage::new();
        hosts(&stage, &names);
        let output = run(&stage, &job(Launch::Torchrun, "train.py"), &bare("jupiter"), &[]);
        assert!(output.status.success(), "{names}: {}", errors(&output));
        assert_eq!(told(&stage, "--local_addr="), addresses, "{names}");
        assert_eq!(told(&stage, "--rdzv_endpoint=")[1], format!("{}:14041", addresses[0]), "{names}");
    }
}

#[test]
fn one_node_meets_itself_on_the_loopback() {
    let stage = Stage::new();
    let placement = Placement { nodes: 1, ..bare("jupiter") };
    let output = run(&stage, &job(Launch::Torchrun, "train.py"), &placement, &[]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(told(&stage, "--rdzv_endpoint="), ["127.0.0.1:14041"]);
    assert_eq!(told(&stage, "--rdzv_conf=is_host="), ["true"]);
    assert!(!stage.exists("getent.calls"), "nothing is looked up");
}

#[test]
fn quotes_within_the_users_text_reach_the_program_on_every_node() {
    // A public launcher kept its command in a single-quoted string, which a single quote in the text ended.
    let stage = Stage::new();
    let text = r#"train.py --note 'it is' --other "it's $SLURM_NODEID" --third it\'s"#;
    let output = run(&stage, &job(Launch::Torchrun, text), &bare("jupiter"), &[]);
    assert!(output.status.success(), "{}", errors(&output));
    let calls = stage.read("torchrun.calls");
    for (node, call) in calls.lines().enumerate() {
        assert!(call.ends_with(&format!("|train.py|--note|it is|--other|it's {node}|--third|it's|")), "{call}");
    }
    assert_eq!(calls.lines().count(), 2);
}

#[test]
fn words_reach_the_program_as_they_are() {
    let words = ["prog", "", "a b", "it's", "\"q\"", "$HOME", "`id`", "*", "--x=$(id)", "new\nline", "\\"];
    for launch in [Launch::Srun, Launch::Mpi, Launch::Command] {
        let stage = Stage::new();
        stage.double("prog", "printf '%s\\0' \"$@\" >\"$STAGE/words\"");
        let mut spec = job(launch, "");
        spec.run = RunLine::Words(words.map(str::to_owned).to_vec());
        let output = run(&stage, &spec, &bare("raven"), &[]);
        assert!(output.status.success(), "{launch:?}: {}", errors(&output));
        assert_eq!(stage.read("words"), words[1..].join("\0") + "\0", "{launch:?}");
    }
}

#[test]
fn tasks_are_one_a_gpu_unless_the_placement_says_how_many() {
    for (launch, site, tasks, calls) in [
        (Launch::Srun, "raven", 8, "--nodes=2 --ntasks=8 --ntasks-per-node=4 --kill-on-bad-exit=1 rank\n"),
        (Launch::Srun, "supermuc-ng-2", 16, "--nodes=2 --ntasks=16 --ntasks-per-node=8 --kill-on-bad-exit=1 rank\n"),
        (
            Launch::Mpi,
            "jupiter",
            8,
            "--mpi=pspmix --nodes=2 --ntasks=8 --ntasks-per-node=4 --kill-on-bad-exit=1 --cpu-bind=none rank\n",
        ),
        (Launch::Mpi, "horeka", 8, "--mpi=pmix --nodes=2 --ntasks=8 --ntasks-per-node=4 --kill-on-bad-exit=1 rank\n"),
    ] {
        let stage = Stage::new();
        stage.double(
            "rank",
            "echo \"$SLURM_PROCID $MASTER_ADDR $MASTER_PORT $SRUN_CPUS_PER_TASK $SLURM_EXPORT_ENV\" >>\"$STAGE/ranks\"",
        );
        hosts(&stage, "n1 192.168.0.1\n");
        let output = run(
            &stage,
            &job(launch, "rank"),
            &bare(site),
            &[("SLURM_CPUS_PER_TASK", "18"), ("SLURM_EXPORT_ENV", "NONE")],
        );
        assert!(output.status.success(), "{site}: {}", errors(&output));
        assert_eq!(stage.read("srun.calls"), calls, "{site}");
        let ranks = stage.read("ranks");
        assert_eq!(ranks.lines().count(), tasks, "{site}");
        let address = if site == "jupiter" { "192.168.0.1" } else { "n1" };
        assert!(ranks.starts_with(&format!("0 {address} 14041 18 ALL\n")), "{site}: {ranks}");
    }
    let stage = Stage::new();
    stage.double("mpiexec", "printf '%s\\n' \"$*\" >\"$STAGE/mpiexec.calls\"");
    assert!(run(&stage, &job(Launch::Mpi, "rank"), &bare("supermuc-ng-2"), &[]).status.success());
    assert_eq!(stage.read("mpiexec.calls"), "-n 16 rank\n");
}

#[test]
fn ports_lie_below_those_that_linux_gives_away_by_itself() {
    for (id, port) in [(1, 10_001), (21_999, 31_999), (22_000, 10_000), (123_456_789, 24_789)] {
        let stage = Stage::new();
        stage.double("rank", "echo \"$MASTER_PORT\" >>\"$STAGE/ports\"");
        let script = stage.script("script", &job(Launch::Srun, "rank"), &sites::local(), Dialect::Slurm);
        let output = stage.run(&script, &Start::slurm(id));
        assert!(output.status.success(), "{}", errors(&output));
        assert_eq!(stage.read("ports"), format!("{port}\n"), "{id}");
    }
}

#[test]
fn a_command_divides_its_nodes_by_itself() {
    // Told to every `srun` in it, the CPUs of the whole node would let no second task onto the node.
    for (launch, seen) in [(Launch::Command, "(unset)\n"), (Launch::Srun, "288\n")] {
        let stage = Stage::new();
        stage.double("told", "echo \"${SRUN_CPUS_PER_TASK-(unset)}\"");
        let placement = Placement { nodes: 1, ..sites::local() };
        let output = run(&stage, &job(launch, "told"), &placement, &[("SLURM_CPUS_PER_TASK", "288")]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), seen, "{launch:?}");
    }
}

#[test]
fn the_worst_code_of_the_tasks_is_the_jobs() {
    let stage = Stage::new();
    stage.double("rank", "[ \"$SLURM_PROCID\" != 3 ] || exit 5");
    let output = run(&stage, &job(Launch::Srun, "rank"), &bare("raven"), &[]);
    assert_eq!(output.status.code(), Some(5), "{}", errors(&output));
}

#[test]
fn an_mpi_program_that_needs_no_address_starts_without_one() {
    let stage = Stage::new();
    stage.double("rank", "touch \"$STAGE/work\"");
    let output = run(&stage, &job(Launch::Mpi, "rank"), &bare("jureca-dc"), &[]);
    assert!(output.status.success() && stage.exists("work"), "{}", errors(&output));
    assert!(errors(&output).contains("no address is known for the first node, n1"), "{}", errors(&output));
}

#[test]
fn gpus_are_listed_where_nodes_are_whole_and_the_scheduler_lists_none() {
    for (site, given, seen) in [
        ("jupiter", None, "0,1,2,3"),
        ("jupiter", Some("3,2,1,0"), "3,2,1,0"),
        ("raven", None, ""),
        ("levante", None, "0,1,2,3"),
        // Whole nodes, and GPUs that CUDA has nothing to say to.
        ("supermuc-ng-2", None, ""),
    ] {
        let stage = Stage::new();
        let variables: Vec<(&'static str, &str)> =
            given.map(|list| ("CUDA_VISIBLE_DEVICES", list)).into_iter().collect();
        let output = run(&stage, &job(Launch::Command, "printf %s \"$CUDA_VISIBLE_DEVICES\""), &bare(site), &variables);
        assert_eq!(String::from_utf8_lossy(&output.stdout), seen, "{site} {given:?}");
    }
}

#[test]
fn a_container_holds_the_program_and_sees_the_job_directory() {
    for (launch, text) in
        [(Launch::Srun, "prog 'a b'"), (Launch::Command, "cd /\nprog 'a b'"), (Launch::Mpi, "prog 'a b'")]
    {
        let stage = Stage::new();
        stage.double(
            "apptainer",
            "echo \"$1 $2|$APPTAINER_BIND\" >>\"$STAGE/containers\"; shift 3; INSIDE=yes exec \"$@\"",
        );
        stage.double("prog", "echo \"$INSIDE $1\" >>\"$STAGE/seen\"");
        fs::write(stage.path("home/a.sif"), "").expect("an image");
        let mut spec = job(launch, text);
        spec.environment.container = Some(Images::One("~/a.sif".to_owned()));
        let placement = Placement { nodes: 1, ..bare("jupiter") };
        let scratch = stage.path("the scratch").display().to_string();
        fs::create_dir(&scratch).expect("a folder");
        let output = run(&stage, &spec, &placement, &[("SCRATCH", &scratch)]);
        assert!(output.status.success(), "{launch:?}: {}", errors(&output));
        assert!(stage.read("seen").lines().all(|line| line == "yes a b"), "{launch:?}");
        let wanted = format!("exec --nv|{scratch},{}\n", stage.path("job").display());
        assert!(stage.read("containers").starts_with(&wanted), "{launch:?}: {}", stage.read("containers"));
    }
}

#[test]
fn a_local_torchrun_stands_alone() {
    let stage = Stage::new();
    let spec = job(Launch::Torchrun, "train.py");
    let script = stage.script("script", &spec, &sites::local(), Dialect::Local);
    let output = stage.run(&script, &Start { dialect: Dialect::Local, ..Start::slurm(41) });
    assert!(output.status.success(), "{}", errors(&output));
    let wanted = "here|--standalone|--nnodes=1|--nproc_per_node=1|--max_restarts=0|--local_addr=127.0.0.1|train.py|\n";
    assert_eq!(stage.read("torchrun.calls"), wanted);
    assert!(!stage.exists("srun.calls"));
    assert!(stage.exists(&format!("{ATTEMPT}/ended")));
}
