//! Sends the links of a chain that are due, each exactly once: like a job, with a stamp, a script and notes of its own.

use super::{
    follow::{self, AdvancedFollower, advance_followers},
    journal,
    next::{GpuTime, Next, Sent, next},
    reserve::reserve,
    state::{ChainState, of_sent},
};
use crate::{
    directory::{Intent, JobDirectory, Origin, Over, SentLink},
    error::{Gravity, JobsError},
    house::House,
    provenance::FrozenCode,
    submit::{Kept, NotSent, Seen, Sheet, read_back, send},
    sweep,
};
use model::{Amount, AmountError, Chain, JobSpec, LinkNumber, OnFailure, Placement, SchedulerJobId, price};
use templates::Dialect;

/// What was done for a chain.
#[derive(Debug, Default)]
pub struct Advanced {
    /// The links that were sent now.
    pub sent: Vec<SentLink>,
    /// Why the next one was not, where it was due. What was sent before goes on.
    pub not_sent: Option<JobsError>,
    /// Why the chain is over, where it is.
    pub over: Option<Over>,
    /// What was done for the evaluations that follow it.
    pub followers: Vec<AdvancedFollower>,
}

/// Sends what is due of a chain or a sweep whose first link was sent: nothing is, where it is over or cancelled, or as many links are
/// queued as are to be. An error says that it is not known how far its links are; nothing was sent then. What links took that is
/// not in the books yet counts as all that they could take, so that whoever settles before this holds no more than is needed.
pub async fn advance(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<Advanced, JobsError> {
    if let Some(sweep) = intent.sweep() {
        return sweep::advance(house, directory, intent, sweep).await;
    }
    let mut advanced = Advanced::default();
    let (Some(chain), Some(placement)) = (intent.chain(), &intent.placement) else { return Ok(advanced) };
    if let Some(follows) = intent.follows() {
        return follow::advance(house, directory, intent, (chain, follows)).await;
    }
    let at_once = chain.queued_at_once(house.scheduler.capabilities().can_depend);
    for _ in 0..at_once {
        advanced.over = directory.over().await?;
        if advanced.over.is_some() || directory.is_ended_or_cancelled().await? {
            break;
        }
        let state = ChainState::of_fenced(house, directory, intent).await?;
        read_what_was_not(house, directory, intent, &state).await?;
        let sent = state.sent(directory).await?;
        let time = gpu_time(directory, chain, placement, &sent).await?;
        match next(chain, &sent, at_once, time) {
            Next::Nothing => break,
            Next::Over(why) => {
                let last = state.0.last().map_or(LinkNumber::FIRST, |link| link.sent.link);
                advanced.over = directory.put_over(why, last, house.clock.now()).await?;
                break;
            }
            Next::Send(link) => match send_link(house, (directory, intent), &state, (link, None)).await {
                Ok(sent) => advanced.sent.push(sent),
                Err(NotSent::Refused(error) | NotSent::Open(error)) => {
                    advanced.not_sent = Some(error);
                    break;
                }
            },
        }
    }
    advanced.followers = advance_followers(house, directory, intent).await;
    Ok(advanced)
}

/// Why a chain or a sweep is over of which every link is that was sent; where none may come, that is written down. None where it goes on.
pub(crate) async fn over_if_spent(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    sent: &[SentLink],
) -> Result<Option<Over>, JobsError> {
    let known = directory.over().await?;
    if known.is_some() || directory.is_ended_or_cancelled().await? {
        return Ok(known);
    }
    if let Some(sweep) = intent.sweep() {
        return sweep::over_if_spent(house, directory, sweep, sent).await;
    }
    let (Some(chain), Some(placement)) = (intent.chain(), &intent.placement) else { return Ok(None) };
    let mut links = Vec::with_capacity(sent.len());
    for link in sent {
        links.push(of_sent(directory, *link, true).await?);
    }
    if let Some(follows) = intent.follows() {
        return follow::over_if_spent(house, directory, intent, (chain, follows), &links).await;
    }
    let time = gpu_time(directory, chain, placement, &links).await?;
    match next(chain, &links, chain.queued_at_once(true), time) {
        Next::Over(why) => {
            let last = sent.last().map_or(LinkNumber::FIRST, |link| link.link);
            directory.put_over(why, last, house.clock.now()).await
        }
        Next::Nothing | Next::Send(..) => Ok(None),
    }
}

/// The GPU time of its links against what all may take, where that is bounded.
async fn gpu_time(
    directory: &JobDirectory,
    chain: &Chain,
    placement: &Placement,
    sent: &[Sent],
) -> Result<Option<GpuTime>, JobsError> {
    let Some(most) = chain.max_gpu_hours else { return Ok(None) };
    let at_work: Vec<LinkNumber> = sent.iter().filter(|link| !link.is_over).map(|link| link.link).collect();
    let worked = journal::worked(directory, placement.time_limit, &at_work).await?;
    let gpu = |time| price(&placement.charged, time, &placement.tariff).map(|price| price.gpu.map(|gpu| gpu.amount));
    let counted = |amount: Result<Option<Amount>, AmountError>| amount.map_err(|error| uncounted(&error.to_string()));
    let (Some(taken), Some(of_link)) = (counted(gpu(worked))?, counted(gpu(placement.time_limit))?) else {
        return Ok(None);
    };
    Ok(Some(GpuTime { taken, of_link, most: hours(most) }))
}

/// So many GPU-hours.
pub(crate) fn hours(count: u64) -> Amount {
    const MILLI_SECONDS: i64 = 3_600_000;
    Amount::from_milli(i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(MILLI_SECONDS))
}

fn uncounted(why: &str) -> JobsError {
    JobsError::new(Gravity::Bug, "the GPU time of the chain was not counted", why, "please report it")
}

fn unsent(intent: &Intent, link: LinkNumber) -> String {
    format!("link {link} of job `{}` was not submitted", intent.name)
}

/// Sends a link behind all of its own that are not over, and behind another job's where it is to wait for that, too.
pub(super) async fn send_link(
    house: &House,
    (directory, intent): (&JobDirectory, &Intent),
    state: &ChainState,
    (link, other): (LinkNumber, Option<SchedulerJobId>),
) -> Result<SentLink, NotSent> {
    let what = unsent(intent, link);
    let directory_of_link = directory.of_link(link);
    reserve(house, directory, intent, state, &what).await.map_err(refused_or_open)?;
    not_too_soon(house, &directory_of_link, &what).await?;
    // The folder is there before anybody is called: whoever cancels the job afterwards sees it.
    directory_of_link.create().await?;
    let (Some(Origin::JobFile { spec, .. }), Some(placement)) = (&intent.origin, &intent.placement) else {
        return Err(NotSent::Open(uncounted("it was made from no job file")));
    };
    let has_begun = has_begun(directory).await?;
    let code = code_of(directory, spec, &what).await?;
    let behind: Vec<SchedulerJobId> = other.into_iter().chain(state.at_work()).collect();
    let mut sheet = sheet(house, (spec, placement, code.as_ref()), &directory_of_link, &behind, has_begun)?;
    sheet.options.extend(excluded(house, directory, spec).await?);
    directory_of_link.put_script(sheet.script.as_bytes()).await?;
    let handed = sheet.submission(&directory_of_link.script());
    let note = send(house, &directory_of_link, intent, &handed).await?;
    match read_back(house, &directory_of_link, intent, &note, Seen::NotYet).await {
        Ok(Kept::AsRead(_)) => {}
        Ok(Kept::TooLarge(error)) => return Err(NotSent::Refused(error)),
        // It is read the next time, and charged by what it takes in any case.
        Err(error) if error.gravity != Gravity::Bug => {}
        Err(error) => return Err(NotSent::Open(error)),
    }
    Ok(SentLink { link, scheduler_job: note.scheduler_job })
}

/// Reads back the links that wait or run and were not read back by whoever sent them.
pub(super) async fn read_what_was_not(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    state: &ChainState,
) -> Result<(), JobsError> {
    for link in state.0.iter().filter(|link| !link.is_over) {
        let (directory, seen) = (directory.of_link(link.sent.link), link.seen.clone());
        let (Some(seen), None, Some(note)) = (seen, directory.read_back().await?, directory.submitted().await?) else {
            continue;
        };
        match read_back(house, &directory, intent, &note, Seen::Kept(Box::new(seen))).await? {
            Kept::AsRead(_) => {}
            Kept::TooLarge(error) => return Err(error),
        }
    }
    Ok(())
}

/// What was refused again and again is asked for again later and later, up to a day: a limit of jobs may be full for weeks, and
/// the calls of a link are counted.
async fn not_too_soon(house: &House, directory: &JobDirectory, what: &str) -> Result<(), NotSent> {
    let mut calls = 0_u32;
    let mut last = None;
    while let Some(sending) = directory.sending(calls + 1).await? {
        (calls, last) = (calls + 1, Some(sending.at));
    }
    let Some(last) = last.filter(|_| calls > TRIED_AT_ONCE) else { return Ok(()) };
    let minutes = 1_i64 << (calls - TRIED_AT_ONCE).min(11);
    let again = last.plus_seconds(60 * minutes.min(MINUTES_OF_A_DAY));
    if house.clock.now() >= again {
        return Ok(());
    }
    let why = format!("the scheduler was asked for it {calls} times and has no such job");
    Err(NotSent::Refused(JobsError::new(Gravity::Refused, what, why, format!("it is asked again after {again}"))))
}

/// So many calls for a link may follow each other at once.
const TRIED_AT_ONCE: u32 = 3;
const MINUTES_OF_A_DAY: i64 = 1_440;

fn refused_or_open(error: JobsError) -> NotSent {
    if error.gravity == Gravity::Refused { NotSent::Refused(error) } else { NotSent::Open(error) }
}

/// The option that leaves out the nodes that were found at fault, beside those that the person leaves out; none where there are none.
async fn excluded(house: &House, directory: &JobDirectory, spec: &JobSpec) -> Result<Option<String>, JobsError> {
    let exclude_for = OnFailure::exclude_for(spec.on_failure.as_ref());
    let bad = directory.bad_nodes(house.clock.now(), exclude_for).await?;
    let own = spec.scheduler.exclude.iter().cloned();
    let nodes: Vec<String> = own.chain(bad.iter().map(|bad| bad.node.clone())).collect();
    // The person's own may be a file, which can be put beside no name (sbatch(1), `--exclude`).
    let is_file = spec.scheduler.exclude.as_ref().is_some_and(|nodes| nodes.contains('/'));
    Ok((house.dialect == Dialect::Slurm && !bad.is_empty() && !is_file)
        .then(|| format!("--exclude={}", nodes.join(","))))
}

/// The code that the job brought when it was submitted: each of its links runs that.
pub(crate) async fn code_of(
    directory: &JobDirectory,
    spec: &JobSpec,
    what: &str,
) -> Result<Option<FrozenCode>, JobsError> {
    let code = directory.provenance().await?.and_then(|record| record.frozen);
    if spec.code.is_frozen && code.is_none() {
        let (why, next) = ("its `provenance.json` names no code", "look at the job's directory: `pakt show` names it");
        return Err(JobsError::new(Gravity::Unknown, what, why, next));
    }
    Ok(code)
}

/// Whether any of its links has begun.
async fn has_begun(directory: &JobDirectory) -> Result<bool, JobsError> {
    for link in directory.links().await? {
        if link.claimed_by().await?.is_some() || !link.attempts().await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The sheet of a later link: placed as the first one, behind all that are not over: whichever of them somebody takes out of
/// the queue, it begins beside none. When the job may begin, and behind what, counts until it has begun: were the first link
/// taken away because that can never be, the next one is not to work without it.
fn sheet(
    house: &House,
    (spec, placement, code): (&JobSpec, &Placement, Option<&FrozenCode>),
    directory: &JobDirectory,
    behind: &[SchedulerJobId],
    has_begun: bool,
) -> Result<Sheet, JobsError> {
    let mut placement = placement.clone();
    placement.directives.retain(|directive| match directive.option.as_str() {
        "dependency" | "kill-on-invalid-dep" => false,
        "begin" => !has_begun,
        _ => true,
    });
    let mut sheet = Sheet::of(house, spec, &placement, directory, code)?;
    let after = spec.scheduler.after.clone().filter(|_| !has_begun);
    let jobs: Vec<String> = behind.iter().map(ToString::to_string).collect();
    let links = (!jobs.is_empty()).then(|| format!("afterany:{}", jobs.join(":")));
    let conditions: Vec<String> = after.into_iter().chain(links).collect();
    if !conditions.is_empty() {
        let dependency = format!("--dependency={}", conditions.join(","));
        sheet.options.extend([dependency, "--kill-on-invalid-dep=yes".to_owned()]);
    }
    Ok(sheet)
}
