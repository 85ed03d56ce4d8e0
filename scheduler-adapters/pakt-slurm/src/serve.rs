//! One question after the other, until the pipe is closed.

use crate::{
    accounting::{self, Names},
    calls::{self, Accounting, CallError, List, Versions, sys},
    limits, logged, queue,
    records::Record,
    submit::{Description, Job, Options, Origin},
    table::Pipe,
    words::Words,
};
use slurm_messages::{
    Answer, Failure, FailureKind, Hello, JobsQuestion, PROTOCOL, Question, RunsQuestion, Submission,
    additions::Settings,
    frame::{self, FrameError},
    script::directives,
};
use std::{
    env,
    ffi::OsStr,
    fmt, fs,
    io::{self, Read, Write},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// The most bytes of a batch script, as `sbatch` has it (`MAX_SCRIPT_SIZE` of `src/sbatch/sbatch.c`).
const SCRIPT_LIMIT: u64 = 4 * 1024 * 1024;

/// What ends the conversation before the other side does.
#[derive(Debug)]
pub(crate) enum End {
    /// The library is of another release than the headers were: its structures are not what we take them for.
    OtherRelease(Versions),
    /// The controller did not say which cluster this is.
    NoCluster(CallError),
    /// The pipe failed.
    Pipe(FrameError),
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherRelease(Versions { built, running }) => write!(
                formatter,
                "built for libslurm.so.{built}, and this is libslurm.so.{running}: build it again with this Slurm's headers"
            ),
            Self::NoCluster(CallError { call, text, .. }) => write!(formatter, "{call}: {text}"),
            Self::Pipe(error) => write!(formatter, "{error}"),
        }
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        Self::Pipe(error)
    }
}

/// The helper, between two questions.
pub(crate) struct Server<W: Write> {
    pipe: Pipe<W>,
    cluster: String,
    submits_not: Option<String>,
    words: Words,
    names: Option<Names>,
}

/// A question that was not answered: because of the pipe, or with a failure that the other side is told.
enum Unanswered {
    Pipe(FrameError),
    Told(Failure),
}

impl From<FrameError> for Unanswered {
    fn from(error: FrameError) -> Self {
        Self::Pipe(error)
    }
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Told(failure)
    }
}

impl From<CallError> for Unanswered {
    fn from(error: CallError) -> Self {
        Self::Told(error.into())
    }
}

/// Answers until the pipe is closed. A library of another release is not even begun with.
pub(crate) fn serve(versions: Versions, input: &mut impl Read, output: impl Write) -> Result<(), End> {
    if versions.built != versions.running {
        return Err(End::OtherRelease(versions));
    }
    calls::begin();
    let configuration = calls::configuration().map_err(End::NoCluster)?;
    let (cluster, submits_not) = {
        let told = Record::new(&*configuration);
        let (own, has_server) = (env::var_os("SLURM_CONF"), env::var_os("SLURM_CONF_SERVER").is_some());
        (told.text(|told| told.cluster_name).into_owned(), submits_not(told, own.as_deref(), has_server))
    };
    drop(configuration);
    let mut pipe = Pipe::new(output);
    pipe.send(&Hello {
        protocol: PROTOCOL,
        helper: env!("CARGO_PKG_VERSION").to_owned(),
        headers: release(sys::SLURM_VERSION_NUMBER),
        library: versions.running,
        cluster: cluster.clone(),
        job_columns: queue::COLUMNS.iter().map(|title| (*title).to_owned()).collect(),
        run_columns: accounting::COLUMNS.iter().map(|title| (*title).to_owned()).collect(),
        submits_not: submits_not.clone(),
    })?;
    let mut server = Server { pipe, cluster, submits_not, words: Words::default(), names: None };
    while let Some(bytes) = frame::take(input)? {
        server.answer(&frame::decode(&bytes)?)?;
    }
    Ok(())
}

/// `22.05.8` of 0x160508.
pub(crate) fn release(number: u32) -> String {
    format!("{}.{:02}.{}", number >> 16 & 0xff, number >> 8 & 0xff, number & 0xff)
}

/// Why the site's own additions to `sbatch` would be passed by; none where it has none.
fn submits_not(
    told: Record<'_, sys::slurm_conf_t>,
    own_configuration: Option<&OsStr>,
    has_own_server: bool,
) -> Option<String> {
    let settings = Settings {
        filters: &told.text(|told| told.cli_filter_plugins),
        plugins: &told.text(|told| told.plugstack),
        configuration: &told.text(|told| told.slurm_conf),
        own_configuration,
        has_own_server,
    };
    let places = match settings.places() {
        Ok(places) => places,
        Err(why) => return Some(why),
    };
    let has_configuration = places.configuration.as_deref().map_or(Ok(true), Path::try_exists);
    let list = match fs::read(&places.list) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    };
    places.judge(has_configuration.map_err(|error| error.to_string()), list.map_err(|error| error.to_string()))
}

impl<W: Write> Server<W> {
    fn answer(&mut self, question: &Question) -> Result<(), FrameError> {
        let answered = match question {
            Question::Jobs(question) => self.jobs(question),
            Question::Runs(question) => self.runs(question),
            Question::Submit(submission) => self.submit(submission),
            Question::Cancel { job } => self.cancel(*job),
            Question::Partitions => self.partitions(),
            Question::Qos => self.qos(),
            Question::Associations { user } => self.associations(user),
        };
        match answered {
            Ok(()) => Ok(()),
            Err(Unanswered::Pipe(error)) => Err(error),
            Err(Unanswered::Told(failure)) => self.pipe.send(&Answer::Failed(failure)),
        }
    }

    fn jobs(&mut self, question: &JobsQuestion) -> Result<(), Unanswered> {
        let user = user_number(question.user.as_deref())?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let Some(jobs) = queue::ask(question, user)? else { return Ok(self.pipe.send(&Answer::End)?) };
        let filter = queue::Filter::of(question, user);
        let (words, cluster) = (&mut self.words, self.cluster.as_str());
        let rows = jobs.records().filter(|job| filter.takes(*job)).map(|job| queue::row(job, words, cluster, now));
        Ok(self.pipe.send_table(rows)?)
    }

    fn runs(&mut self, question: &RunsQuestion) -> Result<(), Unanswered> {
        let user = user_number(question.user.as_deref())?;
        let accounting = Accounting::connect()?;
        let runs = accounting::ask(&accounting, question, user, &self.cluster)?;
        // A QOS may have been made since the names were learned.
        let is_known = |names: &mut Names| runs.records().into_iter().all(|run| names.has_qos(run.qosid));
        self.names = self.names.take_if(is_known);
        let names = known_names(&mut self.names, &accounting)?;
        let words = &mut self.words;
        let rows = runs.records().into_iter().map(|run| accounting::row(run, words, names));
        Ok(self.pipe.send_table(rows)?)
    }

    /// Everything that can be refused without asking anyone comes before the one call.
    fn submit(&mut self, submission: &Submission) -> Result<(), Unanswered> {
        if let Some(why) = &self.submits_not {
            return Err(failure(FailureKind::NotHere, "submitting", why).into());
        }
        let (text, origin) = (script_text(&submission.script)?, origin()?);
        let of_script = directives(&text).map_err(|what| not_understood(&what))?;
        let words = of_script.into_iter().chain(submission.options.iter().map(String::as_str));
        let options = Options::read(words).map_err(|what| not_understood(&what))?;
        let job = Job {
            script: (&submission.script, &text),
            arguments: &submission.arguments,
            submit_line: &format!("pakt-slurm {} {}", submission.options.join(" "), submission.script),
            origin: &origin,
            user: uzers::get_current_uid(),
            group: uzers::get_current_gid(),
            session: session(),
        };
        let described = Description::of(&options, &job, env::vars_os());
        let mut description =
            described.map_err(|error| failure(FailureKind::Wrong, "describing the job", &error.to_string()))?;
        let (taken, logged) = logged::during(|| description.submit());
        let taken = taken.map_err(|error| Failure { logged, ..error.into() })?;
        let said = Record::new(&*taken).text(|taken| taken.job_submit_user_msg).into_owned();
        Ok(self.pipe.send(&Answer::Submitted { job: calls::number_of(&taken), said })?)
    }

    fn cancel(&mut self, job: u32) -> Result<(), Unanswered> {
        match calls::cancel(job) {
            Err(error) if !queue::is_gone(&error) => Err(error.into()),
            _ => Ok(self.pipe.send(&Answer::Done)?),
        }
    }

    fn partitions(&mut self) -> Result<(), Unanswered> {
        let partitions = calls::Partitions::load()?;
        self.send_columns(&limits::PARTITION)?;
        Ok(self.pipe.send_table(partitions.records().map(limits::partition))?)
    }

    fn qos(&mut self) -> Result<(), Unanswered> {
        let accounting = Accounting::connect()?;
        let qos = accounting.qos()?;
        self.send_columns(&limits::QOS)?;
        let names = known_names(&mut self.names, &accounting)?;
        Ok(self.pipe.send_table(qos.records().into_iter().map(|qos| limits::qos(qos, names)))?)
    }

    fn associations(&mut self, user: &str) -> Result<(), Unanswered> {
        let accounting = Accounting::connect()?;
        let found = limits::associations(&accounting, user, &self.cluster)?;
        self.send_columns(&limits::ASSOCIATION)?;
        let names = known_names(&mut self.names, &accounting)?;
        let records = found.iter().flatten().flat_map(List::records);
        Ok(self.pipe.send_table(records.map(|found| limits::association(found, names)))?)
    }

    fn send_columns(&mut self, columns: &[&str]) -> Result<(), FrameError> {
        self.pipe.send(&Answer::Columns(columns.iter().map(|title| (*title).to_owned()).collect()))
    }
}

/// Names of resources and QOS are learned with the first question, and again where a run has a QOS that is none of them.
fn known_names<'known>(known: &'known mut Option<Names>, accounting: &Accounting) -> Result<&'known Names, CallError> {
    let names = match known.take() {
        Some(names) => names,
        None => Names::ask(accounting)?,
    };
    Ok(known.insert(names))
}

fn failure(kind: FailureKind, doing: &str, text: &str) -> Failure {
    Failure { kind, doing: doing.to_owned(), number: 0, text: text.to_owned(), logged: String::new() }
}

fn not_understood(what: &str) -> Failure {
    failure(FailureKind::NotHere, "reading the options", &format!("sbatch may understand {what}"))
}

fn script_text(path: &str) -> Result<String, Failure> {
    let wrong = |why: String| failure(FailureKind::Wrong, "reading the script", &format!("{path}: {why}"));
    let length = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if length > SCRIPT_LIMIT {
        return Err(wrong(format!("it has {length} bytes, and at most {SCRIPT_LIMIT} are taken")));
    }
    fs::read_to_string(path).map_err(|error| wrong(error.to_string()))
}

fn origin() -> Result<Origin, Failure> {
    let wrong = |error: io::Error| failure(FailureKind::NotHere, "finding out where this is", &error.to_string());
    let host = fs::read_to_string("/proc/sys/kernel/hostname").map_err(wrong)?;
    let directory = env::current_dir().map_err(wrong)?;
    let no_text = failure(FailureKind::NotHere, "finding out where this is", "the name of this folder is no text");
    let mask = rustix::process::umask(rustix::fs::Mode::empty());
    rustix::process::umask(mask);
    Ok(Origin {
        directory: directory.into_os_string().into_string().map_err(|_| no_text)?,
        host: host.trim().split('.').next().unwrap_or_default().to_owned(),
        mask: mask.bits(),
    })
}

/// The session that a job is allocated for; 0 where its leader is outside of this process's container.
fn session() -> u32 {
    fs::read_to_string("/proc/self/stat").ok().and_then(|text| session_in(&text)).unwrap_or(0)
}

/// The sixth field of `proc_pid_stat(5)`; the second is a name that may hold blanks and brackets.
fn session_in(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(3)?.parse().ok()
}

/// The number of a user. One whom this host does not know has no jobs here that could be told apart from others'.
fn user_number(name: Option<&str>) -> Result<Option<u32>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let unknown = || failure(FailureKind::Wrong, "looking a user up", &format!("this host knows no user `{name}`"));
    uzers::get_user_by_name(name).map(|user| Some(user.uid())).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    #[test]
    fn what_lies_beside_slurm_conf_keeps_it_from_submitting_where_no_setting_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = |name: &str| CString::new(folder.path().join(name).display().to_string()).expect("no NUL");
        let (configuration, named) = (text("slurm.conf"), text("elsewhere"));
        let judge = |plugins: Option<&CString>, own: Option<&OsStr>| {
            let told = sys::slurm_conf_t {
                plugstack: plugins.map_or(std::ptr::null_mut(), |plugins| plugins.as_ptr().cast_mut()),
                slurm_conf: configuration.as_ptr().cast_mut(),
                ..sys::slurm_conf_t::default()
            };
            submits_not(Record::new(&told), own, false)
        };
        let why = judge(None, None).expect("a login node without slurm.conf");
        assert!(why.starts_with("there is no ") && why.contains("slurm.conf here"), "{why}");
        fs::write(folder.path().join("slurm.conf"), "").expect("ours");
        assert_eq!(judge(None, None), None, "no list beside it");
        assert!(judge(Some(&named), None).is_some_and(|why| why.contains("elsewhere) is not here")));
        let list = folder.path().join("plugstack.conf");
        fs::write(&list, "# none\n").expect("ours");
        assert_eq!(judge(None, None), None, "it names none");
        fs::write(&list, "required /usr/lib/limits.so\n").expect("ours");
        let why = judge(None, None).expect("a plugin");
        assert_eq!(why, format!("the site's plugins ({}) run in sbatch, too", list.display()));
        assert!(
            judge(None, Some(OsStr::new("/nowhere/slurm.conf"))).is_some_and(|why| why.contains("/nowhere/slurm.conf"))
        );
        fs::remove_file(&list).expect("ours");
        fs::create_dir(&list).expect("ours");
        assert!(judge(None, None).is_some_and(|why| why.contains("cannot be read: ")), "nobody can tell");
    }

    #[test]
    fn with_a_library_of_another_release_it_says_so_and_answers_nothing() {
        let (mut asked, mut told) = (&b"\x02\0\0\0{}"[..], Vec::new());
        let end = serve(Versions { built: 38, running: 40 }, &mut asked, &mut told).expect_err("it is another one");
        assert_eq!(
            end.to_string(),
            "built for libslurm.so.38, and this is libslurm.so.40: build it again with this Slurm's headers"
        );
        assert_eq!((told.len(), asked.len()), (0, 6), "nothing was said, and nothing heard");
    }

    #[test]
    fn this_program_runs_with_the_library_that_it_was_built_for() {
        let versions = calls::versions();
        assert!(versions.built == versions.running && versions.running > 0, "{versions:?}");
    }

    #[test]
    fn a_session_outside_of_the_container_is_none() {
        assert_eq!(session_in("12 (a) b) (c) S 1 12 4711 0 -1 4194304"), Some(4711));
        assert_eq!(session_in("12 (pakt-slurm) S 0 12 0 0 -1 4194304"), Some(0));
        assert_eq!(session_in("12 (pakt-slurm) S"), None);
    }
}
