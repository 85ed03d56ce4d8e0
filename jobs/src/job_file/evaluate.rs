//! The `evaluate` part: which models or checkpoints are given which tasks, and by what.

use super::{
    fields::Fields,
    follow,
    matching::{is_pattern, matching},
    paths, reference,
    sweep::{Beside, LONGEST_VALUE, MOST_CELLS, MOST_LINKS, MOST_PACKED, is_of_a_size, side_by_side},
};
use crate::results::subject_of_job;
use model::{
    Evaluation, EvaluationStart, Harness, JobKind, Launch, MODEL_PARAMETER, PORT_VARIABLE, ParameterName,
    RESULTS_VARIABLE, RunLine, STEP_PARAMETER, Serve, Subject, Sweep, TASKS_PARAMETER, TaskName, WallTime,
};
use std::{collections::BTreeMap, path::Path};
use templates::quote;

/// The start of the harness where the job does not say it.
const USUAL_RUN: &str = "lm_eval --model hf";
/// The same, where a server has the model.
const USUAL_SERVED_RUN: &str = "lm_eval --model local-completions";
/// How long a server may take where the job does not say it, in seconds: large models come from slow disks.
const USUALLY_READY_WITHIN: u64 = 1_200;
/// What the harness is told by Pakt, in both of its spellings.
const TOLD_BY_US: [&str; 6] = ["--model_args", "-a", "--tasks", "-t", "--output_path", "-o"];
/// Arguments of the harness that say which model it loads.
const MODEL_ARGUMENTS: [&str; 4] = ["pretrained", "model", "path", "engine"];

/// What is evaluated.
struct Evaluated {
    /// As the node reads it.
    model: String,
    /// As its results are told.
    subject: Subject,
}

/// Reads `evaluate`; none where the job has none, or it could not be read.
pub(super) fn read(job: &Fields<'_>, directory: &Path, kind: Option<JobKind>, beside: &Beside<'_>) -> Option<Sweep> {
    if !job.has("evaluate") {
        return None;
    }
    let fields = job.below("evaluate");
    fields.only(&reference::names_below("evaluate"));
    beside_others(job, kind);
    let harness = harness(&fields);
    let serve = serve(&fields, beside);
    let is_following = fields.has("follows");
    let models = if is_following { Some(Vec::new()) } else { models(&fields, directory, harness) };
    let tasks = tasks(&fields);
    let most_tasks = u32::try_from(tasks.len()).unwrap_or(u32::MAX).max(1);
    let at_a_time = fields.up_to("tasks_per_load", MOST_PACKED).map_or(most_tasks, |count| count.min(most_tasks));
    let of_starts: Vec<&[String]> = tasks.chunks(usize::try_from(at_a_time).unwrap_or(usize::MAX)).collect();
    let follows = follow::read(&fields, &of_starts);
    let pack = fields.up_to("pack", MOST_PACKED).unwrap_or(1);
    let side_by_side = side_by_side(&fields, if is_following { MOST_PACKED } else { pack }, beside);
    let at_once = fields.up_to("at_once", MOST_LINKS);
    let models = models.filter(|models| models.is_empty() == is_following && !tasks.is_empty())?;
    let starts = models.iter().flat_map(|Evaluated { model, subject }| {
        of_starts.iter().map(|tasks| EvaluationStart {
            model,
            step: subject.step,
            tasks: tasks.iter().map(String::as_str).collect(),
        })
    });
    let cells: Vec<Vec<String>> = starts.take(MOST_CELLS + 1).map(|start| start.values()).collect();
    let parameters: Option<Vec<ParameterName>> =
        [MODEL_PARAMETER, STEP_PARAMETER, TASKS_PARAMETER].into_iter().map(|name| name.parse().ok()).collect();
    let (parameters, evaluation) = (parameters?, Some(Evaluation { harness: harness?, serve }));
    if is_following && follows.is_none() {
        return None;
    }
    let sweep = Sweep { parameters, cells, pack, side_by_side, at_once, evaluation, follows, continues: None };
    is_bounded(&fields, &sweep).then_some(sweep)
}

/// What else the job says that an evaluation does not go together with.
fn beside_others(job: &Fields<'_>, kind: Option<JobKind>) {
    if kind.is_some_and(|kind| kind != JobKind::Evaluate) {
        job.mistake("kind", "a job with `evaluate` evaluates", "write `kind: evaluate`");
    }
    if job.has("sweep") {
        job.mistake("sweep", "an evaluation has cells of its own: models and their tasks", "keep one of them");
    }
    if job.has("chain") {
        let next = "write two jobs: `follows` of this one names the other, whose checkpoints it evaluates";
        job.mistake("chain", "a chain goes on with one work, and an evaluation has many", next);
    }
    if job.has("output") {
        let what = "the links of an evaluation cannot write to one file, and each has a log of its own";
        job.mistake("output", what, "leave it out: `pakt logs JOB --cell N` prints what was said of a cell");
    }
}

fn harness(fields: &Fields<'_>) -> Option<Harness> {
    let harness = fields.word("harness", &[("lm-eval", Harness::LmEval), ("command", Harness::Command)]);
    let harness = fields.required("harness", harness, "lm-eval");
    if harness == Some(Harness::Command) && fields.has("model_args") {
        let what = "these are arguments of lm-evaluation-harness, and a command is told nothing but its variables";
        fields.mistake("model_args", what, "leave it out, or write `harness: lm-eval`");
    }
    harness
}

/// The server that a start asks, where the job has one.
fn serve(evaluate: &Fields<'_>, beside: &Beside<'_>) -> Option<Serve> {
    if !evaluate.has("serve") {
        return None;
    }
    let fields = evaluate.below("serve");
    fields.only(&reference::names_below("evaluate.serve"));
    if beside.launch.is_some_and(|launch| launch != Launch::Command) {
        let what = "a server is started once beside a command, and a launcher starts many processes";
        evaluate.mistake("serve", what, "write `launch: command`; the server itself uses all GPUs of its start");
    }
    let run = fields.text("run").filter(|text| !text.trim().is_empty()).map(|text| text.trim_end().to_owned());
    let run = fields.required("run", run, "vllm serve \"$PAKT_MODEL\" --port \"$PAKT_PORT\"");
    if run.as_ref().is_some_and(|run| !run.contains("PAKT_PORT")) {
        let what = "it does not name `PAKT_PORT`, and a server at another port is not found";
        fields.mistake("run", what, "tell the server where to listen: `--port \"$PAKT_PORT\"`");
    }
    let health = fields.text("health").unwrap_or_else(|| "/health".to_owned());
    if !health.starts_with('/') || health.bytes().any(|byte| !byte.is_ascii_graphic()) {
        fields.mistake(
            "health",
            format!("`{health}` is no path of a server"),
            "write one such as `/health` or `/v1/models`",
        );
    }
    let ready_within = fields.parsed("ready_within", "for example `ready_within: \"20m\"`");
    let ready_within = ready_within.unwrap_or(WallTime::from_seconds(USUALLY_READY_WITHIN));
    Some(Serve { run: run?, health, ready_within })
}

/// The models, then the checkpoints by their steps; none where one of them could not be read.
fn models(fields: &Fields<'_>, directory: &Path, harness: Option<Harness>) -> Option<Vec<Evaluated>> {
    if !fields.has("models") && !fields.has("checkpoints") {
        return fields.required("models", None, "[$PROJECT/models/7b]");
    }
    let read = |field: &str, one: &dyn Fn(usize, &str) -> Vec<Option<Evaluated>>| {
        let texts = fields.texts(field);
        if texts.is_empty() && fields.is_list(field) {
            fields.mistake(field, format!("`{field}` is empty"), format!("write `{field}: [$PROJECT/models/7b]`"));
        }
        texts.iter().enumerate().flat_map(|(place, text)| one(place, text)).collect::<Option<Vec<Evaluated>>>()
    };
    let models = read("models", &|place, text| vec![model(fields, place, text, directory, harness)]);
    let found = read("checkpoints", &|place, text| checkpoints(fields, place, text, directory, harness));
    let (mut models, mut found) = (models?, found?);
    found.sort_by(|one, other| one.subject.cmp(&other.subject));
    models.extend(found);
    let mut seen = BTreeMap::new();
    for Evaluated { model, subject } in &models {
        if let Some(earlier) = seen.insert(subject, model) {
            let step = subject.step.map(|step| format!(" at step {step}")).unwrap_or_default();
            let what = format!("`{earlier}` and `{model}` are one in results: `{}`{step}", subject.model);
            let field = if fields.has("checkpoints") { "checkpoints" } else { "models" };
            fields.mistake(field, what, "name each once, or evaluate one of them in a job of its own");
            return None;
        }
    }
    Some(models)
}

/// A model: a path where it is written as one or lies beside the job file, else a name that the harness knows.
fn model(
    fields: &Fields<'_>,
    place: usize,
    text: &str,
    directory: &Path,
    harness: Option<Harness>,
) -> Option<Evaluated> {
    let report = |what: String, next: &str| fields.item_mistake("models", place, what, next);
    if is_pattern(text) {
        report(format!("`{text}` stands for several"), "name them, or write it below `checkpoints`");
        return None;
    }
    let has_arguments = harness == Some(Harness::LmEval);
    let (path, rest) = text.split_at(text.find(',').filter(|_| has_arguments).unwrap_or(text.len()));
    if !rest.is_empty() && directory.join(text).exists() {
        no_comma(text, &report);
        return None;
    }
    if let Some(named) = rest.split(',').find(|argument| names_a_model(argument)) {
        report(format!("`{named}` names another model than `{path}`"), "name each model as an item of its own");
        return None;
    }
    let is_path = path.starts_with(['/', '~', '$', '.']) || directory.join(path).exists();
    let path = if is_path {
        without_end(&paths::text_on_node(path, "models", directory, &report)?)
    } else {
        paths::written(path, "models", &report)?.to_owned()
    };
    evaluated(format!("{path}{rest}"), harness, &report)
}

/// A checkpoint, or those that a pattern stands for now.
fn checkpoints(
    fields: &Fields<'_>,
    place: usize,
    text: &str,
    directory: &Path,
    harness: Option<Harness>,
) -> Vec<Option<Evaluated>> {
    let report = |what: String, next: &str| fields.item_mistake("checkpoints", place, what, next);
    let checkpoint = |path: &str| {
        if harness == Some(Harness::LmEval) && path.contains(',') {
            no_comma(path, &report);
            return None;
        }
        evaluated(without_end(path), harness, &report)
    };
    if !is_pattern(text) {
        let path = paths::text_on_node(text, "checkpoints", directory, &report);
        return vec![path.and_then(|path| checkpoint(&path))];
    }
    if text.starts_with(['~', '$']) {
        let what = format!("what `{text}` stands for is looked for here and now, and neither `~` nor `$` is expanded");
        report(what, "write the path in full, or from this file on");
        return vec![None];
    }
    let Some(pattern) = paths::absolute(text, "checkpoints", directory, &report) else { return vec![None] };
    match matching(&pattern) {
        Ok(found) if found.is_empty() => {
            let next = "`*` stands for any letters of one name, and `#` beside it for a digit: `runs/7b/checkpoint-*`";
            report(format!("nothing here is called `{text}`"), next);
            vec![None]
        }
        // To the node, two dollars are one.
        Ok(found) => found.iter().map(|path| checkpoint(&path.replace('$', "$$"))).collect(),
        Err(why) => {
            report(format!("`{text}`: {why}"), "name the checkpoints");
            vec![None]
        }
    }
}

/// A path without the strokes at its end, so that it is one however it is written.
fn without_end(path: &str) -> String {
    let short = path.trim_end_matches('/');
    if short.is_empty() { path.to_owned() } else { short.to_owned() }
}

/// Whether an argument of the harness says which model it loads.
fn names_a_model(argument: &str) -> bool {
    let name = argument.split('=').next().unwrap_or_default().trim();
    MODEL_ARGUMENTS.contains(&name)
}

fn no_comma(path: &str, report: &paths::Report<'_>) {
    let what = format!("to lm-evaluation-harness the comma in `{path}` ends the model's name");
    report(
        what,
        "call it by a link without one: `ln -s`; arguments behind a model are written as `,revision=step3000`",
    );
}

/// A model with the step that its name tells.
fn evaluated(model: String, harness: Option<Harness>, report: &paths::Report<'_>) -> Option<Evaluated> {
    let has_arguments = harness == Some(Harness::LmEval);
    if has_arguments && model.split(',').skip(1).any(|argument| !argument.contains('=')) {
        no_comma(&model, report);
        return None;
    }
    match subject_of_job(&model, has_arguments) {
        Ok(subject) => Some(Evaluated { model, subject }),
        Err(error) => {
            report(error.to_string(), "name it otherwise");
            None
        }
    }
}

fn tasks(fields: &Fields<'_>) -> Vec<String> {
    let texts = fields.texts("tasks");
    if texts.is_empty() {
        if fields.has("tasks") {
            fields.mistake("tasks", "`tasks` is empty", "name at least one: `tasks: [arc_easy, hellaswag]`");
        }
        fields.required::<()>("tasks", None, "[arc_easy, hellaswag]");
    }
    let mut tasks: Vec<String> = Vec::new();
    for (place, text) in texts.into_iter().enumerate() {
        let text = text.trim().to_owned();
        if text.contains(',') {
            fields.item_mistake(
                "tasks",
                place,
                format!("`{text}` has a comma"),
                "write each task as an item of the list",
            );
        } else if let Err(error) = text.parse::<TaskName>() {
            fields.item_mistake("tasks", place, error.to_string(), "write the name of one task");
        } else if tasks.contains(&text) {
            fields.item_mistake("tasks", place, format!("`{text}` is there twice"), "name each task once");
        } else {
            tasks.push(text);
        }
    }
    tasks
}

fn is_bounded(fields: &Fields<'_>, sweep: &Sweep) -> bool {
    let way = if fields.has("checkpoints") { "checkpoints" } else { "models" };
    let points = sweep.point_count();
    if points > MOST_CELLS {
        fields.mistake(way, format!("{points} cells are more than {MOST_CELLS}"), "write several jobs");
        return false;
    }
    let of_following = sweep.follows.iter().flat_map(|follows| &follows.tasks);
    if sweep.cells.iter().flatten().chain(of_following).any(|value| value.len() > LONGEST_VALUE) {
        let what = format!("the names of the tasks of one start have more than {LONGEST_VALUE} bytes");
        fields.mistake("tasks", what, "give a start fewer of them: `tasks_per_load: 50`");
        return false;
    }
    is_of_a_size(fields, way, sweep)
}

/// What the job starts: the job's own line, and for lm-evaluation-harness behind it which model and tasks, and where the results go.
/// None where that line says it, too, or nothing can stand behind it.
pub(super) fn with_harness(
    job: &Fields<'_>,
    sweep: &Sweep,
    launch: Option<Launch>,
    run: Option<RunLine>,
) -> Option<RunLine> {
    let is_of_harness = sweep.evaluation.as_ref().is_some_and(|evaluation| evaluation.harness == Harness::LmEval);
    if !is_of_harness {
        return run;
    }
    let is_served = sweep.evaluation.as_ref().is_some_and(|evaluation| evaluation.serve.is_some());
    let usual = if is_served { USUAL_SERVED_RUN } else { USUAL_RUN };
    // A launcher wants another line.
    let usual = Some(RunLine::Shell(usual.to_owned())).filter(|_| launch.is_none_or(|it| it == Launch::Command));
    let run = run.or(usual)?;
    refuse_told(job, &run)?;
    let line = match run {
        RunLine::Shell(text) => {
            // What goes on in the next line goes on in ours.
            let text = text.trim_end().trim_end_matches('\\').trim_end().to_owned();
            let last = text.lines().last().unwrap_or_default();
            let ends_otherwise =
                last.trim_start().starts_with('#') || last.contains(" #") || last.replace("||", "").contains('|');
            if ends_otherwise {
                let what = "its last line has a comment or a pipe, and the model and the tasks are told behind it";
                job.mistake("run", what, "end with the line that starts the harness, and nothing behind that");
                return None;
            }
            text
        }
        RunLine::Words(words) => {
            let names = [MODEL_PARAMETER, STEP_PARAMETER, TASKS_PARAMETER, RESULTS_VARIABLE, PORT_VARIABLE];
            quote::command_line_of(words.iter().map(String::as_str), &names)
        }
    };
    let evaluate = job.below("evaluate");
    let more = evaluate.text("model_args").map(|text| format!(",{text}")).unwrap_or_default();
    if let Some(named) = more.split(',').find(|argument| names_a_model(argument)) {
        let what = format!("`{named}` names a model, and would be evaluated in place of each");
        evaluate.mistake("model_args", what, "leave it out; `models` and `checkpoints` name them");
        return None;
    }
    let model = if is_served {
        format!("model=${MODEL_PARAMETER},base_url=http://127.0.0.1:${PORT_VARIABLE}/v1/completions{more}")
    } else {
        format!("pretrained=${MODEL_PARAMETER}{more}")
    };
    let told = [
        ("--model_args", model),
        ("--tasks", format!("${TASKS_PARAMETER}")),
        ("--output_path", format!("${RESULTS_VARIABLE}")),
    ];
    let told: Vec<String> = told.iter().map(|(option, value)| format!("{option} {}", quote::value(value))).collect();
    Some(RunLine::Shell(format!("{line} {}", told.join(" "))))
}

/// Refuses a line that tells the harness what Pakt tells it.
fn refuse_told(job: &Fields<'_>, run: &RunLine) -> Option<()> {
    let words: Vec<&str> = match run {
        RunLine::Shell(text) => text.split_whitespace().collect(),
        RunLine::Words(words) => words.iter().map(String::as_str).collect(),
    };
    // What stands before it is another program's.
    let is_harness = |word: &&str| word.contains("lm_eval") || word.contains("lm-eval");
    let from = words.iter().position(is_harness).unwrap_or(0);
    let twice = words[from..].iter().find(|word| TOLD_BY_US.contains(&word.split('=').next().unwrap_or_default()));
    let Some(twice) = twice else { return Some(()) };
    let what = format!("`{twice}` is told by Pakt, from `evaluate`");
    job.mistake("run", what, "leave it out; `evaluate.model_args` has what stands behind the model's name");
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job_file::{JobFile, SourceFile, document::Document, fields::Findings};
    use model::{Environment, JobSpec, Launch};
    use proptest::prelude::*;
    use std::fs;

    /// The job with these parts beside what each needs, lying in a folder; or all mistakes.
    fn job(folder: &Path, kind: &str, more: &str) -> Result<JobSpec, Vec<String>> {
        let text = format!(
            "name: it\nkind: {kind}\nproject: demo\nsite: local\nlaunch: command\nresources: {{ nodes: 1, time: \"01:00:00\" }}\n{more}"
        );
        let path = folder.join("job.yaml");
        let read = JobFile::read(SourceFile { path, directory: folder.to_owned(), text, lines_before: 0 });
        let told = |mistakes: Vec<crate::job_file::Mistake>| {
            mistakes.into_iter().map(|it| format!("{} {}", it.finding.field, it.finding.what)).collect()
        };
        read.map(|file| file.spec).map_err(told)
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for path in
            ["7b/checkpoint-20", "7b/checkpoint-3", "7b/checkpoint-100", "here", "$odd/step5", "lr=1,wd=2/step5"]
        {
            fs::create_dir_all(folder.path().join(path)).expect("ours");
        }
        folder
    }

    fn starts(spec: &JobSpec, folder: &Path) -> Vec<String> {
        let begin = format!("{}/", folder.display());
        let cells = &spec.sweep.as_ref().expect("an evaluation").cells;
        let above = format!("{}/", folder.parent().expect("below the root").display());
        cells.iter().map(|cell| cell.join(" ").replace(&begin, "").replace(&above, "ABOVE/")).collect()
    }

    #[test]
    fn each_model_is_given_its_tasks_and_checkpoints_come_by_their_steps() {
        let folder = folder();
        for (text, expected) in [
            (
                "{ checkpoints: 7b/checkpoint-*, tasks: [x, y, z], harness: command }",
                "7b/checkpoint-3 3 x,y,z|7b/checkpoint-20 20 x,y,z|7b/checkpoint-100 100 x,y,z",
            ),
            (
                "{ models: [here, org/name, $A/b, ./x/../y], tasks: x, harness: command }",
                "here  x|org/name  x|$A/b  x|y  x",
            ),
            ("{ models: [here], tasks: [x, y, z], tasks_per_load: 2, harness: command }", "here  x,y|here  z"),
            (
                "{ models: here, checkpoints: [7b/checkpoint-20, 7b/checkpoint-3, $A/c/step7], tasks: x, harness: command }",
                "here  x|$A/c/step7 7 x|7b/checkpoint-3 3 x|7b/checkpoint-20 20 x",
            ),
            ("{ checkpoints: [\"$*/step*\"], tasks: x, harness: command }", ""),
            ("{ checkpoints: [\"./$*/step*\"], tasks: x, harness: command }", "$$odd/step5 5 x"),
            (
                "{ checkpoints: [lr=1*/step*, ../x/y/step9/], tasks: x, harness: command }",
                "lr=1,wd=2/step5 5 x|ABOVE/x/y/step9 9 x",
            ),
            ("{ models: \"org/m,revision=step30\", tasks: x, harness: lm-eval }", "org/m,revision=step30 30 x"),
        ] {
            let read = job(folder.path(), "evaluate", &format!("run: ./evaluate\nevaluate: {text}\n"));
            match read {
                Ok(spec) => assert_eq!(starts(&spec, folder.path()).join("|"), expected, "{text}"),
                Err(mistakes) => assert!(expected.is_empty(), "{text}: {mistakes:?}"),
            }
        }
    }

    #[test]
    fn lm_eval_is_told_model_tasks_and_folder_behind_its_line() {
        let folder = folder();
        let told = "--model_args \"pretrained=$PAKT_MODEL\" --tasks \"$PAKT_TASKS\" --output_path \"$PAKT_RESULTS\"";
        for (run, more, line) in [
            ("", "", format!("lm_eval --model hf {told}")),
            ("run: lm_eval --model vllm --limit 10\n", "", format!("lm_eval --model vllm --limit 10 {told}")),
            ("run: |\n  set -e\n  lm_eval --model hf\n", "", format!("set -e\nlm_eval --model hf {told}")),
            (
                "run: |\n  lm_eval --model hf \\\n    --limit 9 \\\n",
                "",
                format!("lm_eval --model hf \\\n  --limit 9 {told}"),
            ),
            (
                "run: [lm_eval, --model, hf, --gen_kwargs, a b]\n",
                "",
                format!("lm_eval --model hf --gen_kwargs 'a b' {told}"),
            ),
            (
                "",
                ", model_args: \"dtype=bfloat16,peft=$A/b c\"",
                format!(
                    "lm_eval --model hf {}",
                    told.replace("$PAKT_MODEL\"", "$PAKT_MODEL,dtype=bfloat16,peft=$A/b c\"")
                ),
            ),
            (
                "",
                ", serve: { run: x $PAKT_PORT }, model_args: num_concurrent=4",
                "lm_eval --model local-completions --model_args \"model=$PAKT_MODEL,base_url=http://127.0.0.1:$PAKT_PORT/v1/completions,num_concurrent=4\" \
                 --tasks \"$PAKT_TASKS\" --output_path \"$PAKT_RESULTS\"".to_owned(),
            ),
        ] {
            let text = format!("{run}evaluate: {{ models: m, tasks: [x, y], harness: lm-eval{more} }}\n");
            let spec = job(folder.path(), "evaluate", &text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"));
            assert_eq!(spec.run, RunLine::Shell(line), "{text}");
        }
    }

    /// Each kind of job with this text is answered with this mistake, among others.
    fn assert_told<const ROWS: usize>(rows: [(&str, String, &str); ROWS]) {
        let folder = folder();
        for (kind, text, said) in rows {
            let mistakes = job(folder.path(), kind, &text).err().unwrap_or_default();
            let said = said.replace("FOLDER", &folder.path().display().to_string());
            assert!(mistakes.contains(&said), "{text}\nwanted: {said}\nsaid: {mistakes:#?}");
            // No default is missed because of another mistake.
            assert!(
                !text.contains("run: ./evaluate") || !mistakes.iter().any(|it| it.contains("`run`")),
                "{mistakes:?}"
            );
        }
    }

    /// The text of an evaluation with a program of its own.
    fn of(text: &str) -> String {
        format!("run: ./evaluate\nevaluate: {text}\n")
    }

    #[test]
    fn what_cannot_be_an_evaluation_is_told_where_it_stands() {
        assert_told([
            ("evaluate", of("{}"), "evaluate.harness `evaluate.harness` is missing"),
            ("evaluate", of("{ harness: lm-eval, tasks: x }"), "evaluate.models `evaluate.models` is missing"),
            ("evaluate", of("{ harness: lm-eval, models: m }"), "evaluate.tasks `evaluate.tasks` is missing"),
            ("evaluate", of("{ harness: lm-eval, models: [], tasks: x }"), "evaluate.models `models` is empty"),
            ("evaluate", of("{ harness: lm-eval, models: m, tasks: [] }"), "evaluate.tasks `tasks` is empty"),
            (
                "evaluate",
                of("{ harness: lighteval, models: m, tasks: x }"),
                "evaluate.harness `lighteval` is not a `harness`",
            ),
            ("evaluate", of("{ harness: command, models: m, tasks: \"x,y\" }"), "evaluate.tasks[0] `x,y` has a comma"),
            ("evaluate", of("{ harness: command, models: m, tasks: [x, x] }"), "evaluate.tasks[1] `x` is there twice"),
            (
                "evaluate",
                of("{ harness: command, models: \"7b/*\", tasks: x }"),
                "evaluate.models[0] `7b/*` stands for several",
            ),
            (
                "evaluate",
                of("{ harness: command, checkpoints: 8b/*, tasks: x }"),
                "evaluate.checkpoints[0] nothing here is called `8b/*`",
            ),
            (
                "evaluate",
                of("{ harness: command, checkpoints: ~/8b/*, tasks: x }"),
                "evaluate.checkpoints[0] what `~/8b/*` stands for is looked for here and now, and neither `~` nor `$` is expanded",
            ),
            (
                "evaluate",
                of("{ harness: command, models: m, model_args: a=b, tasks: x }"),
                "evaluate.model_args these are arguments of lm-evaluation-harness, and a command is told nothing but its variables",
            ),
            (
                "evaluate",
                of("{ harness: lm-eval, models: \"/a,b\", tasks: x }"),
                "evaluate.models[0] to lm-evaluation-harness the comma in `/a,b` ends the model's name",
            ),
            (
                "evaluate",
                of("{ harness: lm-eval, models: \"org/m,pretrained=x\", tasks: x }"),
                "evaluate.models[0] `pretrained=x` names another model than `org/m`",
            ),
            (
                "evaluate",
                of("{ harness: lm-eval, models: \"lr=1,wd=2/step5\", tasks: x }"),
                "evaluate.models[0] to lm-evaluation-harness the comma in `lr=1,wd=2/step5` ends the model's name",
            ),
            (
                "evaluate",
                of("{ harness: lm-eval, checkpoints: lr=1*/step*, tasks: x }"),
                "evaluate.checkpoints[0] to lm-evaluation-harness the comma in `FOLDER/lr=1,wd=2/step5` ends the model's name",
            ),
            (
                "evaluate",
                of("{ harness: lm-eval, models: m, model_args: \"dtype=x,pretrained=$A/old\", tasks: x }"),
                "evaluate.model_args `pretrained=$A/old` names a model, and would be evaluated in place of each",
            ),
            (
                "evaluate",
                "run: lm_eval --model hf | tee log\nevaluate: { harness: lm-eval, models: m, tasks: x }\n".to_owned(),
                "run its last line has a comment or a pipe, and the model and the tasks are told behind it",
            ),
            (
                "evaluate",
                "run: srun -t 5 lm_eval -t x\nevaluate: { harness: lm-eval, models: m, tasks: x }\n".to_owned(),
                "run `-t` is told by Pakt, from `evaluate`",
            ),
            (
                "evaluate",
                of("{ harness: command, models: [/a/step5, /a/checkpoint-5], tasks: x }"),
                "evaluate.models `/a/step5` and `/a/checkpoint-5` are one in results: `/a` at step 5",
            ),
            (
                "evaluate",
                of("{ harness: command, follows: train, models: m, tasks: x }"),
                "evaluate.models the checkpoints of the chain are evaluated, and nothing else",
            ),
            (
                "evaluate",
                of("{ harness: command, follows: train, pack: 2, tasks: x }"),
                "evaluate.pack each link takes the checkpoints that are new",
            ),
            (
                "evaluate",
                of("{ harness: command, follows: train, every: 0, tasks: x }"),
                "evaluate.every `0` is not a number of steps",
            ),
            (
                "evaluate",
                of("{ harness: command, models: m, every: 5, tasks: x }"),
                "evaluate.every `every` counts only with `follows`",
            ),
            (
                "evaluate",
                of("{ harness: command, models: m, tasks: x, side_by_side: 2 }"),
                "evaluate.side_by_side a link has 1 cells, and never 2 at once",
            ),
        ]);
    }

    #[test]
    fn what_cannot_be_served_or_told_to_the_harness_is_told_where_it_stands() {
        assert_told([
            (
                "evaluate",
                of("{ harness: command, models: m, tasks: x, serve: {} }"),
                "evaluate.serve.run `evaluate.serve.run` is missing",
            ),
            (
                "evaluate",
                of("{ harness: command, models: m, tasks: x, serve: { run: vllm serve } }"),
                "evaluate.serve.run it does not name `PAKT_PORT`, and a server at another port is not found",
            ),
            (
                "evaluate",
                of("{ harness: command, models: m, tasks: x, serve: { run: x $PAKT_PORT, health: \"a b\" } }"),
                "evaluate.serve.health `a b` is no path of a server",
            ),
            ("train", of("{ harness: command, models: m, tasks: x }"), "kind a job with `evaluate` evaluates"),
            (
                "evaluate",
                of("{ harness: command, models: m, tasks: x }\nsweep: { grid: { a: 1 } }"),
                "sweep an evaluation has cells of its own: models and their tasks",
            ),
            (
                "evaluate",
                of("{ harness: command, models: m, tasks: x }\nchain: { until: steps }"),
                "chain a chain goes on with one work, and an evaluation has many",
            ),
            (
                "evaluate",
                of("{ harness: command, models: m, tasks: x }\noutput: x.log"),
                "output the links of an evaluation cannot write to one file, and each has a log of its own",
            ),
            ("evaluate", "evaluate: { harness: command, models: m, tasks: x }\n".to_owned(), "run `run` is missing"),
            (
                "evaluate",
                "run: lm_eval --tasks x\nevaluate: { harness: lm-eval, models: m, tasks: x }\n".to_owned(),
                "run `--tasks` is told by Pakt, from `evaluate`",
            ),
            (
                "evaluate",
                "run: [lm_eval, --model_args=x]\nevaluate: { harness: lm-eval, models: m, tasks: x }\n".to_owned(),
                "run `--model_args=x` is told by Pakt, from `evaluate`",
            ),
            (
                "evaluate",
                "run: |\n  lm_eval\n  # so\nevaluate: { harness: lm-eval, models: m, tasks: x }\n".to_owned(),
                "run its last line has a comment or a pipe, and the model and the tasks are told behind it",
            ),
        ]);
    }

    #[test]
    fn too_many_cells_links_and_names_are_told_with_the_bound() {
        let folder = folder();
        let many = |count: usize| (0..count).map(|number| format!("t{number}")).collect::<Vec<_>>().join(", ");
        for (text, said) in [
            (
                format!("{{ harness: command, models: [{}], tasks: [{}], tasks_per_load: 2 }}", many(101), many(100)),
                "10100 cells are more than 10000",
            ),
            (format!("{{ harness: command, models: [{}], tasks: x }}", many(1001)), "at most 1000 may be"),
            (format!("{{ harness: command, models: m, tasks: [{}] }}", many(900)), "have more than 4096 bytes"),
        ] {
            let mistakes = job(folder.path(), "evaluate", &of(&text)).expect_err("too many");
            assert!(mistakes.len() == 1 && mistakes[0].contains(said), "{mistakes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_evaluation_is_answered_without_panic(text in "\\{ ?((models|checkpoints|follows|every|tasks|harness|pack|tasks_per_load|lm-eval|command|: |, |\\[|\\]|\\{|\\}|1|/|\\*|~|\\$|\"){0,30})\\}") {
            if let Ok(document) = Document::read(&format!("evaluate: {text}\n")) {
                let findings = Findings::default();
                let environment = Environment::default();
                let beside = Beside { launch: Some(Launch::Command), nodes: None, environment: &environment };
                let job = Fields::of("", &document.root, &findings);
                let sweep = read(&job, Path::new("/nowhere"), Some(JobKind::Evaluate), &beside);
                prop_assert!(sweep.is_some() || !job.has("evaluate") || !findings.into_inner().is_empty(), "none, and no word of it");
            }
        }
    }
}
