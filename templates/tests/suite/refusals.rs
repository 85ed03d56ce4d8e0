//! What is refused before there is a script.

use crate::{
    common::{job, stamp},
    sites,
};
use model::{Directive, Images, JobSpec, Launch, Placement, RunLine};
use templates::{BatchScript, Dialect, TemplateError, render};

fn refused(spec: &JobSpec, placement: &Placement, dialect: Dialect) -> String {
    let script = BatchScript {
        is_array: false,
        code: None,
        stamp: stamp(),
        spec,
        placement,
        job_directory: "/scratch/job",
        dialect,
        failure_patterns: &[],
        made_by: "pakt 0.1.0",
    };
    render(&script).expect_err("refused").to_string()
}

#[test]
fn the_local_scheduler_starts_one_task_on_one_node() {
    let mut four_gpus = sites::local();
    four_gpus.share.gpus = 4;
    let mut two_nodes = sites::local();
    two_nodes.nodes = 2;
    for (launch, placement, word) in [
        (Launch::Srun, &four_gpus, "`launch: srun` with 4 tasks"),
        (Launch::Mpi, &four_gpus, "`launch: mpi` with 4 tasks"),
        (Launch::Torchrun, &two_nodes, "`launch: torchrun` with 2 tasks on 2 node(s)"),
        (Launch::Command, &two_nodes, "`launch: command` with 1 tasks on 2 node(s)"),
    ] {
        let error = refused(&job(launch, "x"), placement, Dialect::Local);
        assert!(error.starts_with(word), "{error}");
    }
    let spec = job(Launch::Torchrun, "train.py");
    let script = BatchScript {
        is_array: false,
        code: None,
        stamp: stamp(),
        spec: &spec,
        placement: &four_gpus,
        job_directory: "/job",
        dialect: Dialect::Local,
        failure_patterns: &[],
        made_by: "pakt 0.1.0",
    };
    assert!(render(&script).expect("torchrun needs no srun").contains("--nproc_per_node=4"));
}

#[test]
fn a_container_needs_a_known_runtime() {
    let mut spec = job(Launch::Srun, "x");
    spec.environment.container = Some(Images::One("/images/a.sif".to_owned()));
    let error = refused(&spec, &sites::site("raven"), Dialect::Slurm);
    assert!(error.contains("names no container runtime for `gpu`") && error.contains("raven"), "{error}");
}

#[test]
fn variables_that_cannot_be_set_are_refused_by_name() {
    for (name, word) in [
        ("1A", "is not the name of a variable"),
        ("A-B", "is not the name of a variable"),
        ("", "is not the name of a variable"),
        ("A;rm", "is not the name of a variable"),
        ("PAKT_JOB_ID", "owns it"),
        ("UID", "owns it"),
        ("SHELLOPTS", "owns it"),
    ] {
        let mut spec = job(Launch::Command, "x");
        spec.environment.variables.insert(name.to_owned(), "v".to_owned());
        let error = refused(&spec, &sites::local(), Dialect::Slurm);
        assert!(error.contains(word) && error.contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn text_that_would_break_out_of_its_line_is_refused() {
    type Spoil = fn(&mut JobSpec, &mut Placement);
    let cases: [(&str, Spoil); 9] = [
        ("`workdir`", |spec, _| spec.workdir = "/a\nb".to_owned()),
        ("`environment.venv`", |spec, _| spec.environment.venv = Some("/a\0".to_owned())),
        ("`environment.container`", |spec, _| spec.environment.container = Some(Images::One("/a\nb".to_owned()))),
        ("`environment.modules`", |spec, _| spec.environment.modules = vec!["a\nb".to_owned()]),
        ("`run`", |spec, _| spec.run = RunLine::Shell("a\0b".to_owned())),
        ("a word of the command line", |spec, _| spec.run = RunLine::Words(vec!["a\0b".to_owned()])),
        ("the variable `A`", |spec, _| {
            spec.environment.variables.insert("A".to_owned(), "\0".to_owned());
        }),
        ("the scheduler option `constraint`", |_, placement| {
            placement.directives.push(Directive::with("constraint", &"a\n#SBATCH --uid=0"));
        }),
        ("the partition's name", |_, placement| placement.profile_partition = "a\nrm".to_owned()),
    ];
    for (word, spoil) in cases {
        let (mut spec, mut placement) = (job(Launch::Command, "x"), sites::site("jupiter"));
        spoil(&mut spec, &mut placement);
        let error = refused(&spec, &placement, Dialect::Slurm);
        assert!(error.starts_with(word), "{word}: {error}");
    }
}

#[test]
fn empty_several_and_relative_are_refused() {
    let local = sites::local();
    for text in ["", " \n"] {
        assert_eq!(refused(&job(Launch::Command, text), &local, Dialect::Slurm), "`run` is empty");
    }
    for launch in [Launch::Torchrun, Launch::Srun, Launch::Mpi] {
        assert!(refused(&job(launch, "a\nb"), &local, Dialect::Slurm).contains("several lines"), "{launch:?}");
    }
    let mut spec = job(Launch::Command, "x");
    spec.workdir = "here".to_owned();
    assert!(refused(&spec, &local, Dialect::Slurm).starts_with("`workdir` is `here`"));
}

#[test]
fn directories_that_no_container_can_be_shown_are_refused() {
    let mut placement = sites::local();
    placement.launcher.container_launcher = vec!["apptainer".to_owned()];
    let mut spec = job(Launch::Command, "x");
    spec.workdir = "/a:b".to_owned();
    let script = |spec: &JobSpec| {
        let script = BatchScript {
            is_array: false,
            code: None,
            stamp: stamp(),
            spec,
            placement: &placement,
            job_directory: "/job",
            dialect: Dialect::Slurm,
            failure_patterns: &[],
            made_by: "pakt 0.1.0",
        };
        render(&script).map_err(|error| error.to_string())
    };
    assert!(script(&spec).is_ok(), "without a container any directory will do");
    spec.environment.container = Some(Images::One("/images/a.sif".to_owned()));
    assert!(script(&spec).expect_err("refused").starts_with("`workdir` is `/a:b`, which cannot be shown"));
}

#[test]
fn a_job_directory_is_taken_as_it_is_and_a_workdir_as_it_is_written() {
    let placement = sites::local();
    let mut spec = job(Launch::Command, "x");
    spec.workdir = "/a$$b/$NAME".to_owned();
    let script = BatchScript {
        is_array: false,
        code: None,
        stamp: stamp(),
        spec: &spec,
        placement: &placement,
        job_directory: "/state/a$b",
        dialect: Dialect::Slurm,
        failure_patterns: &[],
        made_by: "pakt 0.1.0",
    };
    let text = render(&script).expect("a script");
    assert!(text.contains("pakt_job_directory=\"/state/a\\$b\"\n"));
    assert!(text.contains("local directory=\"/a\\$b/$NAME\"\n"));
}

#[test]
fn options_are_quoted_as_slurm_reads_them_and_the_adapters_are_left_to_it() {
    let mut placement = sites::local();
    placement.directives = vec![
        Directive::with("constraint", &"[rack1|rack2]&mem480"),
        Directive::with("begin", &"now + 1 hour"),
        Directive::with("dependency", &"it's#1 \"x\""),
        Directive::flag("exclusive"),
        Directive::with("job-name", &"of the adapter"),
        Directive::with("comment", &"of the adapter"),
        Directive::with("output", &"of the adapter"),
    ];
    let spec = job(Launch::Command, "x");
    let script = BatchScript {
        is_array: false,
        code: None,
        stamp: stamp(),
        spec: &spec,
        placement: &placement,
        job_directory: "/job",
        dialect: Dialect::Slurm,
        failure_patterns: &[],
        made_by: "pakt 0.1.0",
    };
    let text = render(&script).expect("a script");
    let options: Vec<&str> = text.lines().filter(|line| line.starts_with("#SBATCH")).collect();
    insta::assert_snapshot!(options.join("\n"), @r##"
    #SBATCH --constraint=[rack1|rack2]&mem480
    #SBATCH --begin='now + 1 hour'
    #SBATCH --dependency="it's#1 \"x\""
    #SBATCH --exclusive
    "##);
    assert!(matches!(render(&BatchScript { made_by: "a\nb", ..script }), Err(TemplateError::ControlCharacter(_))));
}
