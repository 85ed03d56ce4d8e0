//! The job file as a person writes it: what is read, and what is said of every mistake.

use jobs::job_file::{JobFile, Mistake, SourceFile};
use model::{GpuRequest, GpuType, Images, LinkNumber, RunLine, SiteChoice, StopSignal, Until, WallTime};
use proptest::prelude::*;
use std::{fmt::Write as _, path::PathBuf};

const SMALLEST: &str = r#"name: tiny-lm
kind: train
project: atlas
site: jupiter
resources: { nodes: 2, gpus_per_node: 4, time: "00:10:00" }
launch: torchrun
workdir: .
environment: { venv: ~/venvs/torch }
run: train.py --steps 200
"#;

fn read(text: &str) -> Result<JobFile, Vec<Mistake>> {
    let directory = PathBuf::from("/e/project1/atlas/ada");
    JobFile::read(SourceFile { path: PathBuf::from("job.yaml"), directory, text: text.to_owned(), lines_before: 0 })
}

fn said(text: &str) -> String {
    let mistakes = match read(text) {
        Ok(job) => job.doubts,
        Err(mistakes) => mistakes,
    };
    mistakes.iter().fold(String::new(), |mut lines, mistake| {
        let Mistake { line, column, length, finding, .. } = mistake;
        writeln!(lines, "{line}:{column}+{length} {}: {} -> {}", finding.field, finding.what, finding.next)
            .expect("text");
        lines
    })
}

#[test]
fn the_smallest_useful_file_is_read() {
    let job = read(SMALLEST).expect("no mistakes");
    assert!(job.doubts.is_empty(), "{:?}", job.doubts);
    let spec = job.spec;
    assert_eq!(spec.name.as_str(), "tiny-lm");
    assert_eq!(spec.site, SiteChoice::OneOf(vec!["jupiter".parse().expect("a site")]));
    assert_eq!((spec.resources.nodes, spec.resources.gpus), (Some(2), GpuRequest::PerNode(4)));
    assert_eq!(spec.resources.time, WallTime::from_seconds(600));
    assert_eq!(spec.run, RunLine::Shell("train.py --steps 200".to_owned()));
    assert_eq!(spec.workdir, "/e/project1/atlas/ada");
    assert_eq!(spec.environment.venv.as_deref(), Some("~/venvs/torch"));
}

#[test]
fn every_field_is_read() {
    let text = r#"
name: all
kind: evaluate
project: atlas
site: [jupiter, horeka]
resources: { gpus: 8, time: 12h, memory: 480G, cpus: 72 }
launch: srun
run: ["python", "eval.py", "--name", "it's $5"]
workdir: ../other
output: logs/%j.txt
environment:
  modules: [Stages/2026, "GCC Python"]
  variables: { A: "$SCRATCH/x", EMPTY: }
notify: { mail: ada@example.org }
scheduler: { account: zam, partition: booster, qos: normal, reservation: r1, constraint: a&b, exclude: n1, begin: now+1hour, after: "afterok:1", extra: [--switches=1] }
"#;
    let job = read(text).expect("no mistakes");
    let spec = job.spec;
    assert_eq!(spec.resources.gpus, GpuRequest::Total(8));
    assert_eq!((spec.resources.memory_mib, spec.resources.cpus), (Some(480 * 1024), Some(72)));
    assert_eq!(spec.workdir, "/e/project1/atlas/other");
    assert_eq!(spec.output.as_deref(), Some("/e/project1/atlas/ada/logs/%j.txt"));
    assert_eq!(spec.environment.modules, ["Stages/2026", "GCC", "Python"]);
    assert_eq!(spec.environment.variables["A"], "$SCRATCH/x");
    assert_eq!(spec.environment.variables["EMPTY"], "");
    assert_eq!(spec.notify.when.len(), 2, "end and fail by default");
    assert_eq!(spec.scheduler.extra, ["--switches=1"]);
    assert_eq!(spec.scheduler.after.as_deref(), Some("afterok:1"));
}

#[test]
fn all_mistakes_are_said_at_once_with_place_and_next_step() {
    let text = r"name: tiny lm
kind: training
project: atlas
site: Jupiter!
resources: { nodse: 2, gpus_per_node: four, time: 10 }
launch: torchrn
runn: train.py
telemetry: { every: 5 }
";
    assert_eq!(
        said(text),
        "1:1+1 run: `run` is missing -> add `run: train.py --steps 200`\n\
         1:7+7 name: `tiny lm` is no job name: letters, digits, `-`, `_` and `.`, at most 64, starting with a letter or digit -> letters, digits, `-`, `_` and `.`\n\
         2:7+8 kind: `training` is not a `kind` -> did you mean `train`?\n\
         4:7+8 site: `Jupiter!` is no site name: lower-case letters, digits and `-`, at most 32, starting with a letter -> `pakt sites` lists them; `any` means all of them\n\
         5:14+5 resources.nodse: there is no field `nodse` -> did you mean `nodes`?\n\
         5:39+4 resources.gpus_per_node: `four` is not a whole number from 0 on -> for example `gpus_per_node: 1`, or `gpus_per_node: h100:1` for GPUs of that type\n\
         5:51+2 resources.time: `10` is not a time such as `00:10:00`, `1-12:00:00`, `90m`, `12h` or `2d` -> write `HH:MM:SS`, or a number with `m`, `h` or `d`; quote it\n\
         6:9+7 launch: `torchrn` is not a `launch` -> did you mean `torchrun`?\n\
         7:1+4 runn: there is no field `runn` -> did you mean `run`?\n\
         8:1+9 telemetry: `telemetry` is reserved for GPU telemetry, which this version of Pakt does not do -> take it out; `pakt --version` and the changelog tell when it comes\n"
    );
}

#[test]
fn each_rule_has_its_own_words() {
    for (from, to, wanted) in [
        ("gpus_per_node: 4", "gpus_per_node: h100", "`h100` is not a whole number from 0 on"),
        ("gpus_per_node: 4", "gpus_per_node: h100:0", "`0` is not a whole number from 1 on"),
        ("gpus_per_node: 4", "gpus_per_node: \"a b:4\"", "is no GPU type"),
        ("nodes: 2, gpus_per_node: 4", "gpus: 8, gpus_per_node: 4", "say the same in two ways"),
        ("nodes: 2, gpus_per_node: 4, ", "", "`resources.nodes` is missing"),
        ("00:10:00", "00:00:00", "a job of no time cannot run"),
        ("nodes: 2", "memory: lots, nodes: 2", "`lots` is not an amount of memory"),
        ("venv: ~/venvs/torch", "venv: a, container: b.sif", "exclude each other"),
        ("venv: ~/venvs/torch", "venv: a, container: {x86_64: b.sif}", "exclude each other"),
        ("venv: ~/venvs/torch", "container: {}", "no image is in it"),
        ("venv: ~/venvs/torch", "container: [a.sif]", "must be a single value"),
        ("venv: ~/venvs/torch", "container: {aarch64: [a.sif]}", "must be a single value"),
        ("venv: ~/venvs/torch", "container: {aarch64: }", "`aarch64` has no image"),
        ("venv: ~/venvs/torch", "container: {aarch64: ~ada/a.sif}", "`~ada/a.sif` is not expanded"),
        ("venv: ~/venvs/torch", "container: {arm64: a.sif}", "did you mean `aarch64`?"),
        ("venv: ~/venvs/torch", "container: {amd64-amd: a.sif}", "did you mean `x86_64-amd`?"),
        ("venv: ~/venvs/torch", "container: {x86_64-nvida: a.sif}", "did you mean `x86_64-nvidia`?"),
        (
            "venv: ~/venvs/torch",
            "container: {rocm: a.sif}",
            "`rocm` says for no nodes which image they take -> `aarch64` or `x86_64`, with",
        ),
        ("venv: ~/venvs/torch", "modules: [\"a;b\"]", "`a;b` is not a module name"),
        ("venv: ~/venvs/torch", "variables: {HF_TOKEN: x}", "looks like a secret"),
        ("venv: ~/venvs/torch", "variables: {SLURM_X: x}", "is set by the batch script or by Slurm"),
        ("venv: ~/venvs/torch", "variables: {1A: x}", "is not the name of a variable"),
        ("train.py --steps 200", "|\n  a\n  b", "several lines can only be run with `launch: command`"),
        ("workdir: .", "scheduler: {extra: -w n1}", "scheduler.extra[0]: `-w n1` would be one word for sbatch"),
        (
            "workdir: .",
            "scheduler: {extra: [--hold, --a=1 --b=2]}",
            "write it as items of a list, the second one `--b=2`",
        ),
        ("workdir: .", "scheduler: {extra: [\"\"]}", "an option must be text on one line"),
        ("workdir: .", "workdir: ~ada/runs", "`~ada/runs` is not expanded"),
        ("workdir: .", "workdir: \"\"", "`workdir` is empty"),
        ("venv: ~/venvs/torch", "venv: \"a\\nb\"", "line breaks or control characters"),
        ("workdir: .", "scheduler: {account: a b}", "is no account name"),
        ("workdir: .", "notify: {mail: nobody}", "is not a mail address"),
        ("workdir: .", "notify: {when: [end]}", "nobody is notified"),
        ("{ nodes: 2, gpus_per_node: 4, time: \"00:10:00\" }", "4", "holds a single value, not fields"),
    ] {
        assert!(SMALLEST.contains(from), "{from}");
        let said = said(&SMALLEST.replace(from, to));
        assert!(said.contains(wanted), "{to}: {said}");
    }
}

#[test]
fn nodes_and_all_gpus_may_stand_side_by_side() {
    let job = read(&SMALLEST.replace("gpus_per_node: 4", "gpus: 8")).expect("no mistakes");
    assert_eq!((job.spec.resources.nodes, job.spec.resources.gpus), (Some(2), GpuRequest::Total(8)));
}

#[test]
fn a_type_of_gpu_stands_in_front_of_their_number() {
    for (from, to, request, kind) in [
        ("gpus_per_node: 4", "gpus_per_node: h100:4", GpuRequest::PerNode(4), Some("h100")),
        ("gpus_per_node: 4", "gpus: A100-80:8", GpuRequest::Total(8), Some("A100-80")),
        ("gpus_per_node: 4", "gpus_per_node: 0", GpuRequest::None, None),
    ] {
        let job = read(&SMALLEST.replace(from, to)).unwrap_or_else(|mistakes| panic!("{to}: {mistakes:?}"));
        assert_eq!(job.spec.resources.gpus, request, "{to}");
        assert_eq!(job.spec.resources.gpu_type.as_ref().map(GpuType::as_str), kind, "{to}");
    }
}

#[test]
fn further_options_are_kept_word_by_word() {
    for (extra, words) in [
        ("[--switches, \"1\", -w, jpbo-001-01, -H]", vec!["--switches", "1", "-w", "jpbo-001-01", "-H"]),
        ("--switches=1", vec!["--switches=1"]),
        ("[\"--deadline=now + 1 hour\"]", vec!["--deadline=now + 1 hour"]),
    ] {
        let text = SMALLEST.replace("workdir: .", &format!("scheduler: {{ extra: {extra} }}"));
        assert_eq!(read(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}")).spec.scheduler.extra, words);
    }
}

/// The spec of the smallest file with one line changed, in a directory of its own.
fn read_in(directory: &str, from: &str, to: &str) -> JobFile {
    assert!(SMALLEST.contains(from), "{from}");
    let source = SourceFile {
        path: "job.yaml".into(),
        directory: directory.into(),
        text: SMALLEST.replace(from, to),
        lines_before: 0,
    };
    JobFile::read(source).unwrap_or_else(|mistakes| panic!("{to}: {mistakes:?}"))
}

#[test]
fn a_dollar_of_the_file_system_stays_one_and_a_persons_own_is_for_the_node() {
    for (to, workdir) in [
        ("workdir: .", "/e/a$$b"),
        ("workdir: ../c", "/e/c"),
        ("workdir: runs/$RUN", "/e/a$$b/runs/$RUN"),
        ("workdir: $PROJECT/x", "$PROJECT/x"),
        ("workdir: ~/x", "~/x"),
        ("workdir: /e/$USER", "/e/$USER"),
        ("workdir: /e/a$$b", "/e/a$$b"),
        ("kind: train", "/e/a$$b"),
    ] {
        let from = if to.starts_with("kind") { "workdir: .\n" } else { "workdir: ." };
        let to = if to.starts_with("kind") { "" } else { to };
        assert_eq!(read_in("/e/a$b", from, to).spec.workdir, workdir, "{to}");
    }
    let job = read_in("/e/a$b", "environment: { venv: ~/venvs/torch }", "environment: { venv: venv }\noutput: log.txt");
    assert_eq!(job.spec.environment.venv.as_deref(), Some("/e/a$$b/venv"));
    assert_eq!(job.spec.output.as_deref(), Some("/e/a$b/log.txt"), "the scheduler reads it, and expands nothing");
}

#[test]
fn an_image_may_be_an_address() {
    let job = read_in("/e", "venv: ~/venvs/torch", "container: \"docker://ubuntu:24.04\"");
    assert_eq!(job.spec.environment.container, Some(Images::One("docker://ubuntu:24.04".to_owned())));
    let job = read_in("/e", "venv: ~/venvs/torch", "container: images/torch.sif");
    assert_eq!(job.spec.environment.container, Some(Images::One("/e/images/torch.sif".to_owned())));
    let job = read_in("/e", "venv: ~/venvs/torch", "container: { aarch64: a.sif, x86_64-cpu: \"docker://ubuntu\" }");
    let images = [("aarch64", "/e/a.sif"), ("x86_64-cpu", "docker://ubuntu")];
    let images = images.map(|(key, image)| (key.parse().expect("a key"), image.to_owned()));
    assert_eq!(job.spec.environment.container, Some(Images::ByNode(images.into_iter().collect())));
}

#[test]
fn a_directory_that_is_no_text_is_refused_and_not_guessed() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};
    let directory = PathBuf::from(OsString::from_vec(b"/e/caf\xe9".to_vec()));
    let source = SourceFile { path: "job.yaml".into(), directory, text: SMALLEST.to_owned(), lines_before: 0 };
    let mistakes = JobFile::read(source).expect_err("refused");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert_eq!((mistakes[0].finding.field.as_str(), mistakes[0].line), ("workdir", 7));
    assert!(mistakes[0].finding.what.contains("cannot be written into a script"), "{mistakes:?}");
}

#[test]
fn what_the_scheduler_would_not_expand_in_a_logs_name_is_refused_at_its_place() {
    for output in ["$SCRATCH/log.txt", "~/log.txt", "logs/$USER.txt", "/e/$$/log"] {
        let text = format!("{SMALLEST}output: {output}\n");
        let mistakes = read(&text).expect_err(output);
        let Mistake { line, column, length, finding, .. } = &mistakes[0];
        assert_eq!((mistakes.len(), *line, *column, *length), (1, 10, 9, output.len()), "{output}");
        assert_eq!(finding.field, "output");
        assert!(finding.what.contains("expands neither `$` nor `~`"), "{}", finding.what);
    }
    for output in ["logs/%j-%x.txt", "/e/logs/a~.txt", "./log"] {
        assert!(read(&format!("{SMALLEST}output: {output}\n")).is_ok(), "{output}");
    }
}

#[test]
fn a_file_with_mistakes_can_still_be_placed() {
    let text = SMALLEST
        .replace("kind: train", "knd: train")
        .replace("name: tiny-lm", "name: tiny lm")
        .replace("launch: torchrun", "launch: torchrn");
    let (job, mistakes) = JobFile::read_partial(SourceFile {
        path: "job.yaml".into(),
        directory: "/e/project1/atlas".into(),
        text: text.clone(),
        lines_before: 0,
    });
    let fields: Vec<&str> = mistakes.iter().map(|mistake| mistake.finding.field.as_str()).collect();
    assert_eq!(fields, ["kind", "name", "knd", "launch"]);
    let job = job.expect("enough is known");
    assert_eq!(job.spec.resources.gpus, GpuRequest::PerNode(4));
    let placed = job.mistakes([model::Finding::error("resources.time", "too long", "shorter")]);
    assert_eq!((placed[0].line, placed[0].column), (5, 48), "findings of a later check have their places");
    assert!(read(&text).is_err(), "it is no job that can run");
    for (from, to) in [("site: jupiter", "site: Jupiter!"), ("\"00:10:00\"", "soon"), ("nodes: 2", "nodes: 2, gpus: 4")]
    {
        let source = SourceFile {
            path: "job.yaml".into(),
            directory: "/e".into(),
            text: SMALLEST.replace(from, to),
            lines_before: 0,
        };
        let (job, mistakes) = JobFile::read_partial(source);
        assert!(job.is_none() && !mistakes.is_empty(), "{to}: too little is known");
    }
}

#[test]
fn a_file_without_a_field_of_a_job_is_one_mistake_and_one_field_names_all_that_is_missing() {
    for text in ["", "{}", "# nothing\n", "- a\n- b\n", "Dear all,\nrun it.\n", "services: {}\n"] {
        let mistakes = read(text).expect_err(text);
        assert_eq!(mistakes.len(), 1, "{text:?}: {mistakes:?}");
        assert!(mistakes[0].finding.what.starts_with("this is no job file: "), "{text:?}: {mistakes:?}");
    }
    let said = said("output: log\n");
    for field in ["name", "kind", "project", "site", "resources.time", "launch", "run"] {
        assert!(said.contains(&format!("`{field}` is missing")), "{field}: {said}");
    }
}

proptest! {
    #[test]
    fn any_change_of_a_good_file_is_answered_without_panic(at in 0..SMALLEST.len(), cut in 0_usize..20, put in "[\\[\\]{}:&*!|>'\"a-z \n-]{0,6}") {
        let mut text = SMALLEST.to_owned();
        let end = (at + cut).min(text.len());
        text.replace_range(at..end, &put);
        let _ = read(&text);
    }
}

#[test]
fn a_chain_is_read() {
    let chain =
        |text: &str| read(&format!("{SMALLEST}chain: {text}\n")).expect("no mistakes").spec.chain.expect("a chain");
    let usual = chain("{ until: steps }");
    assert_eq!(
        (usual.until, usual.max_links, usual.stalled_links),
        (Until::Steps(None), LinkNumber::new(10).expect("not 0"), 3)
    );
    assert_eq!((usual.ahead, usual.max_gpu_hours), (2, None));
    assert_eq!((usual.lead, usual.signal), (None, None));
    let all = chain(
        "{ until: time, time: 8m, max_links: 12, max_gpu_hours: 5000, ahead: 3, stalled_links: 2, lead: 5m, signal: SIGUSR1 }",
    );
    assert_eq!(all.until, Until::Time(WallTime::from_seconds(480)));
    assert_eq!((all.lead, all.signal), (Some(WallTime::from_seconds(300)), Some(StopSignal::Usr1)));
    assert_eq!((all.max_links.get(), all.max_gpu_hours, all.ahead, all.stalled_links), (12, Some(5000), 3, 2));
    assert_eq!(chain("{ until: steps, steps: 20000 }").until, Until::Steps(Some(20_000)));
    assert_eq!(chain("{ until: marker }").until, Until::Marker);
    assert_eq!(read(SMALLEST).expect("no mistakes").spec.chain, None);
}

#[test]
fn mistakes_in_a_chain_are_named_with_what_to_write() {
    for (text, field, what) in [
        ("{ lead: 1m }", "chain.until", "`chain.until` is missing"),
        ("{ until: step }", "chain.until", "`step` is not a `until`"),
        ("{ until: time }", "chain.time", "`chain.time` is missing"),
        ("{ until: time, time: 0h }", "chain.time", "links that work no time"),
        ("{ until: marker, steps: 5 }", "chain.steps", "`steps` counts only with `until: steps`"),
        ("{ until: steps, time: 5h }", "chain.time", "`time` counts only with `until: time`"),
        ("{ until: steps, steps: 0 }", "chain.steps", "`0` is not a number of steps"),
        ("{ until: steps, lead: 10m }", "chain.lead", "a link has no time to work"),
        ("{ until: steps, lead: 0s }", "chain.lead", "no time to save"),
        ("{ until: time, time: 72h }", "chain.time", "10 links of 00:10:00 can work for 01:40:00 at most"),
        ("{ until: steps, signal: KILL }", "chain.signal", "none of the signals"),
        ("{ until: steps, max_links: 0 }", "chain.max_links", "`0` is not a whole number from 1 on"),
        ("{ until: steps, max_links: 501 }", "chain.max_links", "501 is more than 500"),
        ("{ until: steps, ahead: 11 }", "chain.ahead", "11 is more than 10"),
        ("{ until: steps, max_gpu_hours: 1.5 }", "chain.max_gpu_hours", "`1.5` is not a whole number of GPU-hours"),
        ("{ until: steps, stalled_links: 0 }", "chain.stalled_links", "`0` is not a whole number from 1 on"),
        ("steps", "chain", "holds a single value"),
    ] {
        let said = said(&format!("{SMALLEST}chain: {text}\n"));
        assert!(said.contains(&format!(" {field}: ")) && said.contains(what), "{text}: {said}");
    }
    let without_gpus = SMALLEST.replace("gpus_per_node: 4, ", "").replace("torchrun", "command");
    let said = said(&format!("{without_gpus}chain: {{ until: steps, max_gpu_hours: 5 }}\n"));
    assert!(said.contains(" chain.max_gpu_hours: a job without GPUs takes no GPU-hours"), "{said}");
}

#[test]
fn code_is_live_unless_the_file_says_otherwise() {
    for (text, is_frozen, repositories) in [
        ("", false, &[][..]),
        ("code: live\n", false, &[]),
        ("code: frozen\n", true, &[]),
        ("code: { freeze: true }\n", true, &[]),
        (
            "code: { repositories: [~/src/megatron, ../lib, $WORK/x, ../lib] }\n",
            false,
            &["~/src/megatron", "/e/project1/atlas/lib", "$WORK/x"],
        ),
    ] {
        let code = read(&format!("{SMALLEST}{text}")).expect("no mistakes").spec.code;
        assert_eq!(
            (code.is_frozen, code.repositories),
            (is_frozen, repositories.iter().map(ToString::to_string).collect())
        );
    }
    // A request of a file that says nothing of its code is the one that it was before there was such a word.
    let spec = serde_json::to_value(read(SMALLEST).expect("no mistakes").spec).expect("JSON");
    assert_eq!(spec.get("code"), None);
}

/// The job would run beside the image that was meant.
#[test]
fn a_container_with_nothing_behind_it_is_a_mistake() {
    let text = SMALLEST.replace("environment: { venv: ~/venvs/torch }", "environment:\n  container:");
    assert!(
        said(&text).contains(" environment.container: no image is in it -> write one behind it"),
        "{}",
        said(&text)
    );
}

#[test]
fn mistakes_in_code_are_named_with_what_to_write() {
    for (text, expected) in [
        ("code: freeze\n", "10:7+6 code: `freeze` is not a `code` -> one of: live, frozen\n"),
        (
            "code: { frozen: true }\n",
            "10:9+6 code.frozen: there is no field `frozen` -> the fields here are: freeze, repositories\n",
        ),
        (
            "code: { freeze: maybe, repositories: [~bob/lm] }\n",
            "10:17+5 code.freeze: `maybe` is not a `freeze` -> one of: true, false\n\
             10:39+7 code.repositories[0]: `~bob/lm` is not expanded: only `~` and `~/` mean a home directory, your own \
             -> write the path in full; `./~bob/lm` is a directory of that name\n",
        ),
    ] {
        assert_eq!(said(&format!("{SMALLEST}{text}")), expected);
    }
}
