//! Reads a whole job file.

use super::{
    Document, Mistake, Place, chain, code,
    document::Value,
    evaluate,
    fields::{Fields, Findings},
    on_failure, paths, reference, resources, scheduler, surroundings, sweep,
};
use crate::nearest::nearest;
use model::{Finding, JobKind, JobSpec, Launch, NameError, RunLine, SiteChoice, SiteName, Sweep};
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

/// A job file's text and where it lies.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As the person named it; shown in messages.
    pub path: PathBuf,
    /// The absolute directory that relative paths in it start from.
    pub directory: PathBuf,
    /// Its bytes as text; of a file of several documents those of one.
    pub text: String,
    /// How many lines of the file stand before the text.
    pub lines_before: usize,
}

/// A job file that was read.
#[derive(Clone, Debug)]
pub struct JobFile {
    /// The file.
    pub source: SourceFile,
    /// Where its fields stand.
    pub document: Document,
    /// The job.
    pub spec: JobSpec,
    /// Doubts that stop nothing.
    pub doubts: Vec<Mistake>,
}

impl JobFile {
    /// Reads a job file; every mistake at once, in the order of the file.
    pub fn read(source: SourceFile) -> Result<Self, Vec<Mistake>> {
        match Self::read_partial(source) {
            (Some(file), mistakes) if !mistakes.iter().any(Mistake::is_error) => Ok(file),
            (_, mistakes) => Err(mistakes),
        }
    }

    /// Reads what can be read of a job file, and every mistake and doubt in it, in the order of the file.
    ///
    /// With a mistake among them the job is good for one thing: to be placed, so that what a site says against it is
    /// heard in the same round. A name, project, launcher or program that could not be read is a made-up one there. No
    /// job where too little is known to place it: of which sites, on how much, for how long, in which directory.
    pub fn read_partial(source: SourceFile) -> (Option<Self>, Vec<Mistake>) {
        let document = match Document::read(&source.text) {
            Ok(document) => document,
            Err((wrong, place)) => {
                let next = wrong.next.unwrap_or("a job file is YAML: `name: value`, indented by blanks, not tabs");
                let finding = Finding::error("", wrong.what, next);
                let mistake = Mistake::new(&source, place, finding);
                return (None, vec![mistake]);
            }
        };
        if let Some((place, finding)) = no_fields(&document, &source.text) {
            return (None, vec![Mistake::new(&source, place, finding)]);
        }
        let findings = Findings::new(Vec::new());
        let spec = spec(&document, &source, &findings);
        let mut found = findings.into_inner();
        found.sort_by_key(|(place, _)| (place.line, place.column));
        let mistake = |(place, finding)| Mistake::new(&source, place, finding);
        let mistakes: Vec<Mistake> = found.into_iter().map(mistake).collect();
        let doubts = mistakes.iter().filter(|mistake| !mistake.is_error()).cloned().collect();
        (spec.map(|spec| Self { source, document, spec, doubts }), mistakes)
    }

    /// A job of this file in which something was changed since it was read; what is wrong with its text, where it is no document.
    pub(crate) fn of_spec(source: SourceFile, spec: JobSpec) -> Result<Self, String> {
        let document = Document::read(&source.text).map_err(|(wrong, _)| wrong.what)?;
        Ok(Self { source, document, spec, doubts: Vec::new() })
    }

    /// Ties findings of a later check, which name fields by path, to their places.
    pub fn mistakes(&self, findings: impl IntoIterator<Item = Finding>) -> Vec<Mistake> {
        let place = |finding: Finding| (self.document.locate(&finding.field), finding);
        let mut found: Vec<(Place, Finding)> = findings.into_iter().map(place).collect();
        found.sort_by_key(|(place, _)| (place.line, place.column));
        let mistake = |(place, finding)| Mistake::new(&self.source, place, finding);
        found.into_iter().map(mistake).collect()
    }
}

/// What is wrong with a file that has none of the fields of a job: it is another file, and what it lacks is no help.
fn no_fields(document: &Document, text: &str) -> Option<(Place, Finding)> {
    let next = "write `name: value` lines; `pakt init` writes a job file to begin with";
    let what = match &document.root.value {
        Value::Map(entries) if entries.is_empty() => "it is empty".to_owned(),
        Value::Map(entries) => {
            let known = reference::names_below("");
            let is_known = |text: &str| known.contains(&text) || nearest(text, &known).is_some();
            if entries.iter().any(|(key, _)| is_known(&key.text)) {
                return None;
            }
            format!("it has no field of a job, and others such as `{}`", short(&entries[0].0.text))
        }
        Value::Null if text.contains('#') => "there is nothing in it but comments".to_owned(),
        Value::Null => "it is empty".to_owned(),
        _ => "it is text or a list, and has no fields".to_owned(),
    };
    Some((document.root.place, Finding::error("", format!("this is no job file: {what}"), next)))
}

/// The beginning of a key that a person did not mean as one.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Stands for a name that could not be read, of which there is a mistake then.
const MADE_UP: &str = "NAME";

fn spec(document: &Document, source: &SourceFile, findings: &RefCell<Vec<(Place, Finding)>>) -> Option<JobSpec> {
    let job = Fields::of("", &document.root, findings);
    job.only(&reference::names_below(""));
    let kinds = [("train", JobKind::Train), ("evaluate", JobKind::Evaluate), ("command", JobKind::Command)];
    let launchers =
        [("torchrun", Launch::Torchrun), ("srun", Launch::Srun), ("mpi", Launch::Mpi), ("command", Launch::Command)];
    let name = job.required("name", job.parsed("name", "letters, digits, `-`, `_` and `.`"), "tiny-lm");
    let kind = job.required("kind", job.word("kind", &kinds), "train");
    let next = "the name your group uses in its ledger";
    let project = job.required("project", job.parsed("project", next), "atlas");
    let site = site(&job);
    let resources = resources::read(&job);
    let launch = job.required("launch", job.word("launch", &launchers), "torchrun");
    let environment = surroundings::environment(&job, &source.directory);
    let workdir = workdir(&job, &source.directory);
    let output = paths::of_log(&job, "output", &source.directory);
    let labels_ranks = labels_ranks(&job, launch);
    let notify = surroundings::notify(&job);
    let scheduler = scheduler::read(&job);
    let code = code::read(&job, &source.directory);
    let chain = chain::read(&job, resources.as_ref());
    let on_failure = on_failure::read(&job, resources.as_ref().map(|resources| resources.time));
    let nodes = resources.as_ref().and_then(|resources| resources.nodes);
    let beside = sweep::Beside { launch, nodes, environment: &environment };
    let evaluation = evaluate::read(&job, &source.directory, kind, &beside);
    let run = run(&job, launch, evaluation.as_ref());
    let sweep = sweep::read(&job, &source.directory, &beside).or(evaluation);
    Some(JobSpec {
        name: name.unwrap_or_else(|| MADE_UP.parse().expect("a word is a job name")),
        kind: kind.unwrap_or(JobKind::Command),
        project: project.unwrap_or_else(|| MADE_UP.parse().expect("a word is a project name")),
        site: site?,
        resources: resources?,
        launch: launch.unwrap_or(Launch::Command),
        run: run.unwrap_or_else(|| RunLine::Shell("true".to_owned())),
        workdir: workdir?,
        environment,
        output,
        labels_ranks,
        notify,
        scheduler,
        chain,
        on_failure,
        sweep,
        code,
    })
}

/// Whether each line of the log is to say which rank printed it.
fn labels_ranks(job: &Fields<'_>, launch: Option<Launch>) -> bool {
    let wanted = job.word("logs", &[("plain", false), ("ranks", true)]).unwrap_or_default();
    if wanted && launch == Some(Launch::Command) {
        job.mistake(
            "logs",
            "a command is one process, and has no ranks",
            "leave it out, or `launch:` it by torchrun or srun",
        );
    }
    wanted
}

fn site(job: &Fields<'_>) -> Option<SiteChoice> {
    let texts = job.texts("site");
    if texts.is_empty() {
        return job.required("site", None, "jupiter");
    }
    if let [text] = texts.as_slice()
        && text.eq_ignore_ascii_case("any")
    {
        return Some(SiteChoice::Any);
    }
    let mut sites: Vec<SiteName> = Vec::new();
    for text in texts {
        // No site's name has a capital letter, and people write them as the site does.
        match text.to_ascii_lowercase().parse() {
            Ok(site) if sites.contains(&site) => job.doubt("site", format!("`{site}` is listed twice"), "list it once"),
            Ok(site) => sites.push(site),
            Err(error) => job.mistake(
                "site",
                NameError { text, ..error }.to_string(),
                "`pakt sites` lists them; `any` means all of them",
            ),
        }
    }
    (!sites.is_empty()).then_some(SiteChoice::OneOf(sites))
}

/// What is started; of an evaluation by lm-evaluation-harness with what that is told.
fn run(job: &Fields<'_>, launch: Option<Launch>, evaluation: Option<&Sweep>) -> Option<RunLine> {
    let run = if job.is_list("run") {
        let words = job.texts("run");
        (!words.is_empty()).then_some(RunLine::Words(words))
    } else {
        job.text("run").filter(|text| !text.trim().is_empty()).map(|text| RunLine::Shell(text.trim_end().to_owned()))
    };
    if let (Some(RunLine::Shell(text)), Some(launch)) = (&run, launch)
        && launch != Launch::Command
        && text.contains('\n')
    {
        let what = "several lines can only be run with `launch: command`; a launcher starts one program";
        job.mistake("run", what, "put the lines into a script and run that");
    }
    if run.is_none() && job.has("run") {
        job.mistake("run", "`run` is empty", "write what to run, such as `run: train.py --steps 200`");
    }
    let run = match evaluation {
        Some(evaluation) => evaluate::with_harness(job, evaluation, launch, run),
        // Whether it may be left out is not known where `evaluate` could not be read.
        None if run.is_none() && job.has("evaluate") && !job.has("run") => return None,
        None => run,
    };
    job.required("run", run, "train.py --steps 200")
}

/// Where the job starts: as written, else where the file lies.
fn workdir(job: &Fields<'_>, directory: &Path) -> Option<String> {
    if job.has("workdir") {
        paths::on_node(job, "workdir", directory)
    } else {
        paths::beside_the_file(job, "workdir", directory)
    }
}
