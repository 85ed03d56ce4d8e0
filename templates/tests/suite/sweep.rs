//! A link of a sweep works through its cells: each a start of the program, with values of its own.

use crate::{
    common::{job, stamp},
    sites,
    stage::{Stage, Start, errors, signal},
};
use model::{Evaluation, EvaluationStart, Harness, JobSpec, Launch, LinkNumber, Placement, RunLine, Stamp, Sweep};
use std::{
    fs,
    path::PathBuf,
    process::{Child, Output},
};
use templates::{BatchScript, Dialect, render, render_cells};

/// A sweep over `name` and `seed`.
pub(crate) fn sweep(names: &[&str], pack: u32) -> Sweep {
    let cell = |(seed, name): (usize, &&str)| vec![(*name).to_owned(), (seed + 1).to_string()];
    Sweep {
        parameters: ["name", "seed"].map(|name| name.parse().expect("a name")).into(),
        cells: names.iter().enumerate().map(cell).collect(),
        pack,
        side_by_side: 1,
        at_once: None,
        evaluation: None,
        follows: None,
        continues: None,
    }
}

fn spec(sweep: Sweep, run: &str) -> JobSpec {
    JobSpec { sweep: Some(sweep), ..job(Launch::Command, run) }
}

/// The script of an array of which task 0 is this link, beside the cells.
pub(crate) fn array(stage: &Stage, spec: &JobSpec, placement: &Placement, first: u32) -> PathBuf {
    let stamp = Stamp { link: LinkNumber::new(first).expect("not 0"), ..stamp() };
    script(stage, spec, placement, (stamp, true, Dialect::Slurm))
}

fn script(stage: &Stage, spec: &JobSpec, placement: &Placement, of: (Stamp, bool, Dialect)) -> PathBuf {
    let (stamp, is_array, dialect) = of;
    let job_directory = stage.path("job");
    fs::write(job_directory.join("cells"), render_cells(spec.sweep.as_ref().expect("a sweep"))).expect("cells");
    let script = BatchScript {
        is_array,
        code: None,
        stamp,
        spec,
        placement,
        job_directory: job_directory.to_str().expect("a path as text"),
        dialect,
        failure_patterns: &[],
        made_by: "pakt 0.1.0",
    };
    let file = stage.path("script");
    fs::write(&file, render(&script).expect("a script")).expect("a script");
    file
}

/// Task so many of array 41.
pub(crate) fn task(index: u32, restart: u32) -> Start<'static> {
    let variables = vec![
        ("SLURM_ARRAY_JOB_ID", "41".to_owned()),
        ("SLURM_ARRAY_TASK_ID", index.to_string()),
        ("PAKT_TASK", "9_9".to_owned()),
    ];
    Start { id: 70 + u64::from(index), restart, dialect: Dialect::Slurm, variables }
}

pub(crate) fn run(stage: &Stage, spec: &JobSpec, index: u32) -> Output {
    let script = array(stage, spec, &sites::local(), 1);
    stage.run(&script, &task(index, 0))
}

fn begin(stage: &Stage, spec: &JobSpec) -> Child {
    let script = array(stage, spec, &sites::local(), 1);
    stage.start(&script, &task(0, 0))
}

/// What the record of a start of a link says: `started 1`, `ended 1 0`.
pub(crate) fn record(stage: &Stage, link: u32, attempt: &str) -> Vec<String> {
    let text = stage.read(&format!("job/links/{link}/attempts/{attempt}/cells"));
    let told = |told: &str| {
        let words: Vec<&str> = told.split(' ').collect();
        assert_eq!(words.len(), 5, "kind, cell, code or time, time, length of the log: {told}");
        if words[0] == "ended" { words[..3].join(" ") } else { words[..2].join(" ") }
    };
    text.lines().map(told).collect()
}

#[test]
fn each_link_works_through_its_own_cells_with_their_values() {
    let stage = Stage::new();
    let spec = spec(
        sweep(&["a", "b", "c", "d", "e"], 2),
        "echo \"$PAKT_LINK $PAKT_CELL $name $seed\" >>\"$STAGE/seen\"; echo \"says $name\"",
    );
    let script = array(&stage, &spec, &sites::local(), 1);
    for index in [2, 0, 1] {
        let output = stage.run(&script, &task(index, 0));
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{index}: {}", errors(&output));
    }
    assert_eq!(stage.read("seen"), "3 5 e 5\n1 1 a 1\n1 2 b 2\n2 3 c 3\n2 4 d 4\n");
    assert_eq!(record(&stage, 2, "41_1-0"), ["started 3", "ended 3 0", "started 4", "ended 4 0"]);
    let log = stage.read("job/links/2/log");
    let lines: Vec<&str> = log.lines().map(|line| line.split(" after ").next().unwrap_or_default()).collect();
    assert_eq!(
        lines,
        [
            "pakt: cell 3: name=c seed=3",
            "says c",
            "pakt: cell 3 ended with 0",
            "pakt: cell 4: name=d seed=4",
            "says d",
            "pakt: cell 4 ended with 0"
        ]
    );
    let owner = stage.read("job/links/2/claim/owner");
    assert!(owner.contains("scheduler_job=41_1\n"), "{owner}");
    let ended = stage.read("job/links/3/attempts/41_2-0/ended");
    assert!(ended.contains("exit_code=0\n"), "{ended}");
    assert!(
        stage
            .read("job/links/3/attempts/41_2-0/started")
            .contains(&format!("stamp={}-3\n", stamp().to_string().trim_end_matches("-1")))
    );
}

#[test]
fn a_later_array_begins_at_a_later_link_and_a_link_may_come_alone() {
    let stage = Stage::new();
    let spec = spec(sweep(&["a", "b", "c"], 1), "echo \"$PAKT_LINK $name\" >>\"$STAGE/seen\"");
    let script_of_two = array(&stage, &spec, &sites::local(), 2);
    assert_eq!(stage.run(&script_of_two, &task(1, 0)).status.code(), Some(0));
    let alone = script(&stage, &spec, &sites::local(), (stamp(), false, Dialect::Local));
    let start = Start { id: 5, restart: 0, dialect: Dialect::Local, variables: Vec::new() };
    assert_eq!(stage.run(&alone, &start).status.code(), Some(0));
    assert_eq!((stage.read("seen").as_str(), record(&stage, 1, "5-0").len()), ("3 c\n1 a\n", 2));
}

#[test]
fn a_cell_that_fails_keeps_no_other_from_work_and_tells_how_the_link_ends() {
    let stage = Stage::new();
    let spec =
        spec(sweep(&["a", "b", "c"], 3), "[ \"$name\" != b ] || kill -s KILL \"$$\"; [ \"$name\" != c ] || exit 7");
    let output = run(&stage, &spec, 0);
    assert_eq!(output.status.code(), Some(137), "{}", stage.read("job/links/1/log"));
    assert_eq!(
        record(&stage, 1, "41_0-0"),
        ["started 1", "ended 1 0", "started 2", "ended 2 137", "started 3", "ended 3 7"]
    );
    assert!(stage.read("job/links/1/log").contains("pakt: 2 of 3 cells of link 1 are not done\n"));
}

#[test]
fn a_link_that_is_started_again_does_what_is_not_done() {
    let stage = Stage::new();
    let spec = spec(
        sweep(&["a", "b", "c"], 3),
        "echo \"$name\" >>\"$STAGE/seen\"; [ -e \"$STAGE/again\" ] || [ \"$name\" != b ] || exit 3",
    );
    let script = array(&stage, &spec, &sites::local(), 1);
    assert_eq!(stage.run(&script, &task(0, 0)).status.code(), Some(3));
    fs::write(stage.path("again"), "").expect("ours");
    assert_eq!(stage.run(&script, &task(0, 1)).status.code(), Some(0));
    assert_eq!(
        (stage.read("seen").as_str(), record(&stage, 1, "41_0-1")),
        ("a\nb\nc\nb\n", vec!["started 2".into(), "ended 2 0".into()])
    );
    // Somebody else's start of the same link has nothing to do.
    let other = Start {
        variables: vec![("SLURM_ARRAY_JOB_ID", "99".to_owned()), ("SLURM_ARRAY_TASK_ID", "0".to_owned())],
        ..task(0, 0)
    };
    assert_eq!(stage.run(&script, &other).status.code(), Some(0));
    assert_eq!(stage.read("seen"), "a\nb\nc\nb\n");
    assert!(stage.exists("job/links/1/duplicates/99_0/owner"));
}

#[test]
fn no_cell_is_begun_for_which_there_is_less_time_than_the_longest_took() {
    let stage = Stage::new();
    let spec = spec(sweep(&["a", "b", "c"], 3), "echo \"$name\" >>\"$STAGE/seen\"; [ \"$name\" != b ] || sleep 2.1");
    let script = array(&stage, &spec, &sites::local(), 1);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    // The first cells have all the time that they need in any case: the last one is less than its end away from the limit.
    let start = task(0, 0);
    let spent = Start {
        variables: [start.variables.clone(), vec![("SLURM_JOB_END_TIME", (now + 3).to_string())]].concat(),
        ..start
    };
    let output = stage.run(&script, &spent);
    let log = stage.read("job/links/1/log");
    let seen = stage.read("seen");
    assert!(seen.starts_with('a') && !seen.contains('c'), "{seen}{log}");
    assert_eq!(output.status.code(), Some(75), "{log}");
    assert!(log.contains(" cells of link 1 are not done\n"), "{log}");
}

#[test]
fn a_signal_reaches_the_program_of_the_cell_and_nothing_further_is_begun() {
    for (own, code) in [(0, 143), (9, 9)] {
        let stage = Stage::new();
        stage.double(
            "trainer",
            &format!("exec {{idle}}<> <(:)\ntrap 'exit {own}' TERM\ntrap 'echo told >>\"$STAGE/told\"' USR1\ntouch \"$STAGE/ready\"\nwhile :; do read -r -t 0.01 -u $idle _; done"),
        );
        let spec = spec(sweep(&["a", "b"], 2), "trainer");
        let child = begin(&stage, &spec);
        stage.wait_until("the program runs", |stage| stage.exists("ready"));
        signal("USR1", &child.id().to_string());
        stage.wait_until("it was told", |stage| stage.exists("told"));
        signal("TERM", &child.id().to_string());
        let output = child.wait_with_output().expect("an end");
        let log = stage.read("job/links/1/log");
        assert_eq!(output.status.code(), Some(code), "{log}");
        assert_eq!(
            (stage.read("told").as_str(), record(&stage, 1, "41_0-0")),
            ("told\n", vec!["started 1".to_owned(), format!("ended 1 {code}")]),
            "{log}"
        );
    }
}

#[test]
fn what_was_told_to_end_is_begun_again_although_it_says_that_it_saved() {
    let stage = Stage::new();
    stage.double(
        "trainer",
        "exec {idle}<> <(:)\ntrap 'exit 0' TERM\necho \"$1\" >>\"$STAGE/seen\"\n[ ! -e \"$STAGE/again\" ] || exit 0\ntouch \"$STAGE/ready\"\nwhile :; do read -r -t 0.01 -u $idle _; done",
    );
    let spec = spec(sweep(&["a", "b"], 2), "trainer \"$name\"");
    let child = begin(&stage, &spec);
    stage.wait_until("the program runs", |stage| stage.exists("ready"));
    signal("TERM", &child.id().to_string());
    assert_eq!(child.wait_with_output().expect("an end").status.code(), Some(143));
    fs::write(stage.path("again"), "").expect("ours");
    let script = array(&stage, &spec, &sites::local(), 1);
    assert_eq!(stage.run(&script, &task(0, 1)).status.code(), Some(0));
    assert_eq!(stage.read("seen"), "a\na\nb\n");
}

#[test]
fn a_signal_that_comes_while_a_cell_is_begun_reaches_that_cell() {
    for (name, told) in [("TERM", 143), ("USR1", 9)] {
        let stage = Stage::new();
        // The script leads its process group; what is noted of the second cell comes right before its start.
        stage.double(
            "stat",
            &format!("case \"$*\" in *'started 2 '*) kill -s {name} \"$(/usr/bin/ps -o pgid= -p $$ | tr -d ' ')\" ;; esac\nexec /usr/bin/stat \"$@\""),
        );
        stage.double(
            "trainer",
            "exec {idle}<> <(:)\ntrap 'exit 9' USR1\n[ \"$1\" = b ] || exit 0\nwhile [ ! -e \"$STAGE/over\" ]; do read -r -t 0.01 -u $idle _; done",
        );
        let spec = spec(sweep(&["a", "b", "c"], 3), "exec trainer \"$name\"");
        let output = run(&stage, &spec, 0);
        assert_eq!(output.status.code(), Some(told), "{name}: {}", stage.read("job/links/1/log"));
        let record = record(&stage, 1, "41_0-0");
        assert_eq!(record[3], format!("ended 2 {told}"), "{name}: {record:?}");
    }
}

#[test]
fn what_becomes_of_a_cell_is_noted_although_its_log_is_gone_and_told_where_it_cannot_be() {
    let stage = Stage::new();
    let two = Sweep { side_by_side: 2, ..sweep(&["a", "b"], 2) };
    let text = "rm -f \"$PAKT_JOB_DIRECTORY/links/1/log.$PAKT_CELL\"";
    assert_eq!(run(&stage, &spec(two, text), 0).status.code(), Some(0));
    let mut noted = record(&stage, 1, "41_0-0");
    noted.sort_unstable();
    assert_eq!(noted, ["ended 1 0", "ended 2 0", "started 1", "started 2"]);

    let stage = Stage::new();
    let text = "rm -f \"$PAKT_ATTEMPT/cells\"; mkdir \"$PAKT_ATTEMPT/cells\"";
    let output = run(&stage, &spec(sweep(&["a"], 1), text), 0);
    assert_eq!(output.status.code(), Some(i32::from(templates::exit_code::NO_JOB_DIRECTORY)));
    assert!(stage.read("job/links/1/log").contains("pakt: cannot write to "), "{}", stage.read("job/links/1/log"));
}

#[test]
fn a_code_of_a_cell_that_means_something_of_a_link_is_another_one_there() {
    let stage = Stage::new();
    assert_eq!(run(&stage, &spec(sweep(&["a"], 1), "exit 75"), 0).status.code(), Some(1));
    assert_eq!(record(&stage, 1, "41_0-0"), ["started 1", "ended 1 75"]);
}

#[test]
fn a_signal_to_the_whole_job_at_once_ends_it() {
    for round in 0..6 {
        let stage = Stage::new();
        stage.sleeper();
        let two = Sweep { side_by_side: 2, ..sweep(&["a", "b", "c"], 3) };
        let spec = spec(two, "exec sleeper \"$STAGE/ready.$name\"");
        let mut child = begin(&stage, &spec);
        stage.wait_until("both programs run", |stage| stage.exists("ready.a") && stage.exists("ready.b"));
        signal("TERM", &format!("-{}", child.id()));
        let status = child.wait().expect("an end");
        assert_eq!(status.code(), Some(143), "round {round}: {}", stage.read("job/links/1/log"));
        let mut told = record(&stage, 1, "41_0-0");
        told.sort_unstable();
        assert_eq!(told, ["ended 1 143", "ended 2 143", "started 1", "started 2"], "round {round}");
    }
}

#[test]
fn cells_side_by_side_part_the_gpus_and_have_logs_of_their_own() {
    let text = "echo \"$name $CUDA_VISIBLE_DEVICES\"; touch \"$STAGE/ready.$name\"; until [ -e \"$STAGE/ready.a\" ] && [ -e \"$STAGE/ready.b\" ]; do sleep 0.01; done";
    let mut placement = sites::local();
    placement.gpu_vendor = Some(model::GpuVendor::Nvidia);
    placement.share.gpus = 4;
    for (given, wanted) in [
        (None, ["0,1", "2,3"]),
        (Some("GPU-x,GPU-y,GPU-z"), ["GPU-x", "GPU-y"]),
        (Some("5"), ["5", "5"]),
        (Some(""), ["", ""]),
    ] {
        let stage = Stage::new();
        let two = Sweep { side_by_side: 2, ..sweep(&["a", "b"], 2) };
        let script = array(&stage, &spec(two, text), &placement, 1);
        let mut start = task(0, 0);
        start.variables.extend(given.map(|given| ("CUDA_VISIBLE_DEVICES", given.to_owned())));
        let output = stage.run(&script, &start);
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        for (cell, (name, gpus)) in ["a", "b"].into_iter().zip(wanted).enumerate() {
            assert_eq!(stage.read(&format!("job/links/1/log.{}", cell + 1)), format!("{name} {gpus}\n"), "{given:?}");
        }
    }
}

#[test]
fn a_value_reaches_the_program_exactly_as_it_is_written() {
    for value in [
        "1e-4",
        "two words",
        "it's",
        "a\"b",
        "$HOME",
        "`id`",
        "$(id)",
        "\\n",
        "-x",
        "a=b",
        "~",
        "*",
        "",
        "größe",
        "x;y&z|w",
        "#no",
    ] {
        for run in [
            RunLine::Shell("printf '%s' \"$name\" >\"$STAGE/value\"".to_owned()),
            RunLine::Words(["write", "--name=${name}/${HOME}$name"].map(str::to_owned).into()),
        ] {
            let stage = Stage::new();
            stage.double("write", "printf '%s' \"${1#--name=}\" >\"$STAGE/value\"");
            let is_list = matches!(run, RunLine::Words(_));
            let spec = JobSpec { run, ..spec(sweep(&[value], 1), "") };
            let output = super::sweep::run(&stage, &spec, 0);
            assert_eq!(output.status.code(), Some(0), "{value}: {}", errors(&output));
            let wanted = if is_list { format!("{value}/${{HOME}}$name") } else { value.to_owned() };
            assert_eq!(stage.read("value"), wanted, "{value}");
        }
    }
}

#[test]
fn tasks_of_srun_are_told_through_slurm_in_a_cell_too() {
    let stage = Stage::new();
    stage.double("scancel", "echo \"$@\" >>\"$STAGE/scancel.calls\"; touch \"$STAGE/told\"");
    stage.double("rank", "touch \"$STAGE/ready\"\nuntil [ -e \"$STAGE/told\" ]; do sleep 0.01; done\nexit 9");
    let spec = JobSpec { launch: Launch::Srun, ..spec(sweep(&["a", "b"], 2), "rank \"$name\"") };
    let child = begin(&stage, &spec);
    stage.wait_until("a task runs", |stage| stage.exists("ready"));
    signal("TERM", &child.id().to_string());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(9), "{}", stage.read("job/links/1/log"));
    assert_eq!(stage.read("scancel.calls"), "--signal=TERM 41_0\n");
    assert_eq!(record(&stage, 1, "41_0-0"), ["started 1", "ended 1 9"]);
}

#[test]
fn what_is_no_link_of_the_sweep_does_no_work() {
    let stage = Stage::new();
    let spec = spec(sweep(&["a"], 1), "touch \"$STAGE/work\"");
    let output = run(&stage, &spec, 3);
    assert_eq!(output.status.code(), Some(i32::from(templates::exit_code::NO_JOB_DIRECTORY)));
    assert!(
        stage.read("job/links/4/log").contains("/cells has no cell for link 4"),
        "{}",
        stage.read("job/links/4/log")
    );
    let script = array(&stage, &spec, &sites::local(), 1);
    let output = stage.run(&script, &Start::slurm(41));
    assert_eq!(output.status.code(), Some(i32::from(templates::exit_code::NO_JOB_DIRECTORY)), "no task of an array");
    assert!(!stage.exists("work"));
}

/// An evaluation of these models at two tasks.
pub(crate) fn evaluation(models: &[(&str, Option<u64>)], pack: u32) -> Sweep {
    let cell = |(model, step): &(&str, Option<u64>)| {
        EvaluationStart { model, step: *step, tasks: vec!["sums", "two words"] }.values()
    };
    Sweep {
        parameters: ["PAKT_MODEL", "PAKT_STEP", "PAKT_TASKS"].map(|name| name.parse().expect("a name")).into(),
        cells: models.iter().map(cell).collect(),
        evaluation: Some(Evaluation { harness: Harness::Command, serve: None }),
        ..sweep(&[], pack)
    }
}

#[test]
fn a_start_of_an_evaluation_finds_model_step_tasks_and_a_folder_for_its_results() {
    let stage = Stage::new();
    let models = [("$STAGE/a b/step7", Some(7)), ("~/c", None), ("org/d$$x", None)];
    let text = "printf '%s|' \"$PAKT_MODEL\" \"$PAKT_STEP\" \"$PAKT_TASKS\" >\"$PAKT_RESULTS/seen\"";
    let output = run(&stage, &spec(evaluation(&models, 3), text), 0);
    assert_eq!(output.status.code(), Some(0), "{}", stage.read("job/links/1/log"));
    let root = stage.path("");
    let at = |path: &str| root.join(path).display().to_string();
    for (start, model, step) in [(1, at("a b/step7"), "7"), (2, at("home/c"), ""), (3, "org/d$x".to_owned(), "")] {
        let seen = stage.read(&format!("job/results/{start}/seen"));
        assert_eq!(seen, format!("{model}|{step}|sums,two words|"), "start {start}");
    }
    // A list of words names them, too.
    let stage = Stage::new();
    let words = ["cp", "${PAKT_MODEL}", "${PAKT_RESULTS}/${PAKT_STEP}"].map(str::to_owned).into();
    let spec = JobSpec { run: RunLine::Words(words), ..spec(evaluation(&[("$STAGE/it", Some(3))], 1), "true") };
    fs::write(stage.path("it"), "kept").expect("ours");
    assert_eq!(run(&stage, &spec, 0).status.code(), Some(0));
    assert_eq!(stage.read("job/results/1/3"), "kept");
}

#[test]
fn a_start_that_leaves_no_results_has_failed_and_so_has_one_without_a_folder_for_them() {
    let stage = Stage::new();
    let models = [("a", None), ("b", None)];
    let text = "[ \"$PAKT_MODEL\" = a ] || echo x >\"$PAKT_RESULTS/scores.json\"";
    let output = run(&stage, &spec(evaluation(&models, 2), text), 0);
    assert_eq!(output.status.code(), Some(i32::from(templates::exit_code::NO_RESULTS)));
    assert_eq!(record(&stage, 1, "41_0-0"), ["started 1", "ended 1 65", "started 2", "ended 2 0"]);
    let log = stage.read("job/links/1/log");
    assert!(
        log.contains("pakt: start 1 ended with 0, and wrote nothing into the folder that PAKT_RESULTS names\n"),
        "{log}"
    );

    let stage = Stage::new();
    fs::write(stage.path("job/results"), "in the way").expect("ours");
    let output = run(&stage, &spec(evaluation(&models, 1), "touch \"$STAGE/ran\""), 0);
    assert_eq!(output.status.code(), Some(i32::from(templates::exit_code::NO_JOB_DIRECTORY)));
    assert!(!stage.exists("ran"));
}
