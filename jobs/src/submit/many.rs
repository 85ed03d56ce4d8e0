//! Many files in one call: prepared together, held in one transaction, sent a few at a time.
//!
//! What is wrong with one of them is found before anything is changed. Each job then has its own directory and goes on by
//! itself; a job that the scheduler refuses stops no other, unless several in a row are refused.

use super::{
    Arrays, Over, SubmitAnswer,
    array::send_array,
    begun::Begun,
    hold::take_holds,
    payments::{advice, payments},
    read_back::Seen,
    ready::{Ready, ready},
    set::{self, Chosen},
    together::{JOBS_TOGETHER, begin_together},
    whole::Whole,
};
use crate::{
    directory::{SetTask, SubmittedNote},
    error::{Gravity, JobsError},
    house::House,
    job_file::{JobFile, Mistake},
    ledger_view::LedgerView,
    outlook::Advice,
    provenance::CodeView,
    reached::scheduled,
};
use futures_util::{StreamExt, stream};
use model::{JobId, JobName, ProjectName, SchedulerJobId};
use scheduler_adapters::JobSighting;
use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// The most files of one call.
pub const MOST_FILES: usize = 10_000;
/// How many jobs are prepared or written down at once: disks sync many files in the time of one.
pub(super) const FILES_AT_ONCE: usize = 64;
/// How many submission commands run at once: more than a loop would start, fewer than a login node minds.
const COMMANDS_AT_ONCE: usize = 4;
/// What is said of a job that was sent and that the answer about all of a call does not show.
const NOT_SHOWN: &str = "neither queue nor accounting shows it yet";
const NOT_SHOWN_NEXT: &str = "the same command again reads it back; `pakt settle` charges what it takes in any case";
/// So many refusals in a row, and the rest would be refused as well: of a limit of jobs, say.
const REFUSALS_IN_A_ROW: usize = 5;

/// What a person asks for.
pub struct ManySubmission {
    /// The jobs, each of another request.
    pub files: Vec<JobFile>,
    /// What becomes of files whose job is over already.
    pub over: Over,
    /// The reason to go on where the ledger refuses.
    pub anyway: Option<String>,
    /// Whether jobs that are alike become tasks of arrays.
    pub arrays: Arrays,
}

/// What became of the files of a call, in their order.
pub struct ManyAnswer {
    /// One for each file.
    pub members: Vec<Member>,
    /// What budgets say to the new jobs together, where it is not simply that they are covered.
    pub advice: Vec<(ProjectName, Advice)>,
}

/// One file of a call.
pub struct Member {
    /// The file.
    pub path: PathBuf,
    /// The name of its job.
    pub name: JobName,
    /// What became of it.
    pub outcome: MemberOutcome,
}

/// What became of a file.
pub enum MemberOutcome {
    /// It is a job of the scheduler's.
    Submitted(Box<SubmitAnswer>),
    /// Its job is over, and the person wanted such files left out.
    LeftOut,
    /// It is none, or nobody knows.
    Failed(JobsError),
    /// It is held and was not sent, because others could not be; the same call again goes on with it.
    Waits(JobId),
}

/// Submits the jobs of many files, each exactly once.
pub async fn submit_many(house: &House, wish: ManySubmission) -> Result<ManyAnswer, JobsError> {
    let ManySubmission { files, over, anyway, arrays } = wish;
    let ready = all_ready(house, files, anyway).await?;
    let chosen = set::choose(house, &ready, over, arrays).await?;
    let payments = payments(&ready);
    let members = all_begun(house, ready, &chosen).await?;
    // Before the holds are taken: what is free is asked for.
    let are_new = members.iter().map(|member| member.begun.as_ref().is_some_and(|begun| !begun.is_taken_up));
    let advice = advice(house, payments, are_new).await;
    hold_all(house, &members).await?;
    let sent = send_all(house, &members, arrays).await;
    let members = answers(house, members, sent).await;
    if members.iter().all(|member| matches!(member.outcome, MemberOutcome::Submitted(_) | MemberOutcome::LeftOut)) {
        house.state.put_set_done(&chosen.digest, chosen.number).await?;
    }
    Ok(ManyAnswer { members, advice })
}

/// Does the work of many items, so many at a time; the outcomes in the order of the items.
pub(super) async fn each<Item, Outcome, Work: Future<Output = Outcome>>(
    items: impl IntoIterator<Item = Item>,
    at_once: usize,
    work: impl Fn(Item) -> Work,
) -> Vec<Outcome> {
    stream::iter(items).map(work).buffered(at_once).collect().await
}

/// What comes of all of these, in their order, some of them at once. As [`each`], where the compiler cannot see that a closure may be
/// shared among threads.
pub(super) async fn all<Work: Future>(work: Vec<Work>) -> Vec<Work::Output> {
    stream::iter(work).buffered(FILES_AT_ONCE).collect().await
}

async fn all_ready(house: &House, files: Vec<JobFile>, anyway: Option<String>) -> Result<Vec<Ready>, JobsError> {
    let count = files.len();
    if count > MOST_FILES {
        let why = format!("they are {count}, and one call takes at most {MOST_FILES}");
        return Err(JobsError::usage("nothing was submitted", why, "submit them in several calls"));
    }
    let (view, code) = (LedgerView::of(&house.here), CodeView::new());
    let tried = each(files, FILES_AT_ONCE, |file| ready((&view, &code), house, file, (anyway.clone(), None))).await;
    let (mut all, mut mistakes) = (Vec::with_capacity(count), Vec::new());
    for tried in tried {
        match tried {
            Ok(ready) => all.push(ready),
            Err(error) if !error.mistakes.is_empty() => mistakes.extend(error.mistakes),
            Err(error) => return Err(error),
        }
    }
    if mistakes.iter().any(Mistake::is_error) {
        let what = format!("{} of the {count} jobs cannot run as written, and none was submitted", count - all.len());
        return Err(JobsError::mistakes(what, mistakes));
    }
    distinct(&all)?;
    Ok(all)
}

/// Two files that ask for the same are one request, and would be one job.
fn distinct(all: &[Ready]) -> Result<(), JobsError> {
    let mut seen = HashMap::new();
    for ready in all {
        if let Some(first) = seen.insert(ready.digest.as_str(), ready) {
            let (first, second) = (first.told.path.display(), ready.told.path.display());
            let why = format!("`{first}` and `{second}` ask for the same job, `{}`", ready.intent.name);
            let next = "give each job a name of its own, or name each file once";
            return Err(JobsError::usage("nothing was submitted", why, next));
        }
    }
    Ok(())
}

/// A file on its way.
struct OnItsWay {
    path: PathBuf,
    name: JobName,
    /// None where it is left out.
    begun: Option<Begun>,
}

async fn all_begun(house: &House, ready: Vec<Ready>, chosen: &Chosen) -> Result<Vec<OnItsWay>, JobsError> {
    let named: Vec<_> = ready.iter().map(|ready| (ready.told.path.clone(), ready.intent.name.clone())).collect();
    let mut jobs = ready.into_iter().zip(chosen.places.iter().copied());
    let parts = std::iter::from_fn(|| Some(jobs.by_ref().take(JOBS_TOGETHER).collect::<Vec<_>>()));
    let parts = parts.take_while(|part| !part.is_empty());
    let begun = each(parts, FILES_AT_ONCE / 2, |part| begin_together(house, part)).await;
    let begun = begun.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten();
    Ok(named.into_iter().zip(begun).map(|((path, name), begun)| OnItsWay { path, name, begun }).collect())
}

/// Enters all holds at once. Where they are refused nothing of this call is left but a note; what an earlier one began and
/// held goes on as it was.
async fn hold_all(house: &House, members: &[OnItsWay]) -> Result<(), JobsError> {
    let unsent = || members.iter().filter_map(|member| member.begun.as_ref()).filter(|begun| !begun.was_sent);
    let jobs: Vec<_> = unsent().map(|begun| (&begun.directory, &begun.intent, begun.is_taken_up)).collect();
    let Err(error) = take_holds(house, &jobs).await else { return Ok(()) };
    if error.gravity == Gravity::Refused {
        let fresh = unsent().filter(|begun| !begun.is_taken_up);
        let refused = each(fresh, FILES_AT_ONCE, |begun| begun.refused(house, error.clone())).await;
        refused.into_iter().collect::<Result<Vec<_>, _>>()?;
    }
    Err(error)
}

/// What became of sending one; none where it was not tried.
pub(super) type Sent = Option<Result<SubmittedNote, JobsError>>;

async fn send_all(house: &House, members: &[OnItsWay], arrays: Arrays) -> Vec<Sent> {
    let at_once = match house.dialect {
        // This process starts the job by itself there: killed in it, it leaves a job that never started.
        templates::Dialect::Local => 1,
        templates::Dialect::Slurm if house.scheduler.submits_by_command() => COMMANDS_AT_ONCE,
        templates::Dialect::Slurm => FILES_AT_ONCE,
    };
    let brake = &Brake::default();
    let told = each(parcels(members, arrays), at_once, |parcel| async move {
        match parcel {
            Parcel::One(_, begun) if brake.holds() && !begun.was_sent => Vec::new(),
            Parcel::One(place, begun) => {
                let sent = begun.send(house).await;
                brake.learn(sent.as_ref().err());
                vec![(place, Some(sent))]
            }
            Parcel::Array(array, tasks, at_once) => {
                let jobs = tasks.iter().map(|(index, (_, begun))| (*index, *begun)).collect();
                let of_array = tasks.iter().map(|(index, (_, begun))| (*index, begun.task_of())).collect();
                let told = send_array(house, &Whole::Jobs { array, jobs: &jobs }, &of_array, at_once, brake).await;
                told.into_iter().filter_map(|(index, sent)| Some((tasks.get(&index)?.0, sent))).collect()
            }
        }
    });
    let mut sent: Vec<Sent> = members.iter().map(|_| None).collect();
    for (place, told) in told.await.into_iter().flatten() {
        sent[place] = told;
    }
    sent
}

/// What goes to the scheduler with one call, with its place among the files.
enum Parcel<'a> {
    One(usize, &'a Begun),
    /// With the most tasks that run at once.
    Array(JobId, BTreeMap<u32, (usize, &'a Begun)>, Option<u32>),
}

fn parcels(members: &[OnItsWay], arrays: Arrays) -> Vec<Parcel<'_>> {
    let (mut parcels, mut by_array) = (Vec::new(), BTreeMap::<JobId, BTreeMap<u32, (usize, &Begun)>>::new());
    for (place, begun) in members.iter().enumerate().filter_map(|(place, member)| Some((place, member.begun.as_ref()?)))
    {
        match begun.task.filter(|_| arrays != Arrays::None) {
            Some(SetTask { array, index }) => drop(by_array.entry(array).or_default().insert(index, (place, begun))),
            None => parcels.push(Parcel::One(place, begun)),
        }
    }
    let at_once = match arrays {
        Arrays::Wanted { at_once } => at_once,
        Arrays::None => None,
    };
    parcels.extend(by_array.into_iter().map(|(array, tasks)| Parcel::Array(array, tasks, at_once)));
    parcels
}

/// Whether sending more does any good.
#[derive(Default)]
pub(super) struct Brake {
    /// Since the last success.
    refusals: AtomicUsize,
    /// The scheduler did not answer, or nobody knows what it did.
    is_lost: AtomicBool,
}

impl Brake {
    pub(super) fn holds(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed) || self.refusals.load(Ordering::Relaxed) >= REFUSALS_IN_A_ROW
    }

    pub(super) fn learn(&self, error: Option<&JobsError>) {
        match error.map(|error| error.gravity) {
            None => self.refusals.store(0, Ordering::Relaxed),
            Some(Gravity::Refused) => drop(self.refusals.fetch_add(1, Ordering::Relaxed)),
            Some(_) => self.is_lost.store(true, Ordering::Relaxed),
        }
    }
}

async fn answers(house: &House, members: Vec<OnItsWay>, sent: Vec<Sent>) -> Vec<Member> {
    let seen = see(house, &members, &sent).await;
    let seen = &seen;
    each(members.into_iter().zip(sent), FILES_AT_ONCE, |(member, sent)| async move {
        let OnItsWay { path, name, begun } = member;
        let outcome = match (begun, sent) {
            (None, _) => MemberOutcome::LeftOut,
            (Some(begun), None) => MemberOutcome::Waits(begun.intent.id),
            (Some(_), Some(Err(error))) => MemberOutcome::Failed(error),
            (Some(begun), Some(Ok(note))) => match begun.answer(house, &note, seen_of(seen, &note)).await {
                Ok(answer) => MemberOutcome::Submitted(Box::new(answer)),
                Err(error) => MemberOutcome::Failed(error),
            },
        };
        Member { path, name, outcome }
    })
    .await
}

/// What the scheduler keeps of the jobs that were not read back yet, of whatever call, asked once for all of them.
async fn see(
    house: &House,
    members: &[OnItsWay],
    sent: &[Sent],
) -> Result<BTreeMap<SchedulerJobId, JobSighting>, JobsError> {
    let jobs = members.iter().zip(sent).filter_map(|(member, sent)| {
        let Some(Ok(note)) = sent else { return None };
        Some((member.begun.as_ref()?, note.scheduler_job))
    });
    let unread = each(jobs, FILES_AT_ONCE, |(begun, id)| async move {
        let is_read = begun.was_sent && begun.directory.read_back().await?.is_some();
        Ok::<_, JobsError>((!is_read).then_some((id, begun.intent.made_at)))
    });
    let unread: Vec<_> = unread.await.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
    let Some(since) = unread.iter().map(|(_, made_at)| *made_at).min() else { return Ok(BTreeMap::new()) };
    let ids: Vec<SchedulerJobId> = unread.into_iter().map(|(id, _)| id).collect();
    scheduled(house.scheduler.states(&ids, since).await, "the jobs were not read back")
}

fn seen_of(seen: &Result<BTreeMap<SchedulerJobId, JobSighting>, JobsError>, note: &SubmittedNote) -> Seen {
    let job = match seen {
        Ok(seen) => seen.get(&note.scheduler_job),
        Err(error) => return Seen::Unknown(error.clone()),
    };
    // Asked for by itself each would be a question, of a thousand a thousand.
    job.map_or_else(
        || Seen::Unknown(JobsError::new(Gravity::Unknown, "the job was not read back", NOT_SHOWN, NOT_SHOWN_NEXT)),
        |job| Seen::Kept(Box::new(job.clone())),
    )
}
