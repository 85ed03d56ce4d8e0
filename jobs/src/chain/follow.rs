//! Evaluations that follow a chain: each link of theirs waits behind one of the chain and takes the checkpoints that are new, so
//! that nobody has to be there when the chain saves, and nothing is submitted from a compute node (docs/decisions/0057, point 8).

use super::{
    advance::{Advanced, read_what_was_not, send_link},
    next::{Next, Sent},
    state::ChainState,
};
use crate::{
    directory::{CellRecord, Checkpoint, Intent, JobDirectory, Origin, Over, OverReason},
    error::{Gravity, JobsError},
    find::find,
    house::House,
    job_file::{JobFile, MOST_CHAIN_LINKS},
    submit::{NotSent, is_over_with_links},
    sweep::{CellState, cells_of, is_stopped, point_counts},
};
use model::{Chain, Finding, Follows, Harness, JobId, JobName, LinkNumber, SchedulerJobId, Sweep, Until};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// An evaluation has so many times as many links as the chain that it follows: one behind each, and others where its own limit was too
/// short for what was new.
const LINKS_OF_EACH: u32 = 2;
/// So many of the checkpoints that are new are looked for.
const MOST_LOOKED_AT: usize = 50;

/// What was done for an evaluation that follows a chain.
#[derive(Debug)]
pub struct AdvancedFollower {
    /// The evaluation.
    pub job: JobId,
    /// Its name.
    pub name: JobName,
    /// What was sent of it, or why nothing was.
    pub outcome: Result<Advanced, JobsError>,
}

/// A job whose `evaluate.follows` names a chain, with the job that this is now, and as many links as that lets it have. Any other job as it is.
pub(crate) async fn resolved(house: &House, mut file: JobFile) -> Result<JobFile, JobsError> {
    let named = file.spec.sweep.as_ref().and_then(|sweep| sweep.follows.as_ref());
    let Some(name) = named.map(|follows| follows.chain.clone()) else { return Ok(file) };
    let wrong = |what: String, next: &str| {
        let finding = Finding::error("evaluate.follows", what, next);
        JobsError::mistakes(format!("job `{}` cannot run as written", file.spec.name), file.mistakes([finding]))
    };
    let found = match find(house, &name).await {
        Ok(found) => found,
        Err(error) if error.gravity == Gravity::Usage => {
            return Err(wrong(
                format!("{}: {}", error.what, error.why),
                "submit the chain first, and name it or its id",
            ));
        }
        Err(error) => return Err(error),
    };
    let directory = house.state.job(found.intent.id);
    let intent = directory.intent().await?;
    let chain = intent.as_ref().filter(|intent| intent.follows().is_none()).and_then(Intent::chain);
    let Some(chain) = chain else {
        let what = format!("job `{name}` ({}) is no chain, and saves nothing that could be followed", found.intent.id);
        return Err(wrong(what, "name a job with `chain:`, or the checkpoints themselves by `checkpoints`"));
    };
    if found.intent.principal.user != house.principal.user {
        let what = format!("job `{name}` is one of {}", found.intent.principal);
        return Err(wrong(what, "its owner lets an evaluation follow it; `checkpoints` evaluates what you may read"));
    }
    if directory.is_sealed().await? {
        let what = format!("job `{name}` is long over, and its directory is sealed");
        return Err(wrong(what, "name its checkpoints by `checkpoints`"));
    }
    let links = chain.max_links.get().saturating_mul(LINKS_OF_EACH).min(MOST_CHAIN_LINKS);
    file.spec.chain = Some(Chain {
        until: Until::Marker,
        max_links: LinkNumber::new(links).unwrap_or(LinkNumber::FIRST),
        max_gpu_hours: None,
        ahead: chain.ahead,
        stalled_links: Chain::USUAL_STALLED,
        lead: None,
        signal: None,
    });
    if let Some(follows) = file.spec.sweep.as_mut().and_then(|sweep| sweep.follows.as_mut()) {
        follows.job = Some(found.intent.id);
    }
    Ok(file)
}

/// The options by which the first link of an evaluation waits for the first link of its chain that is not over; none for another job, and
/// where there is none to wait for. The chain knows from here on who follows it.
pub(crate) async fn of_first_link(house: &House, intent: &Intent) -> Result<Vec<String>, JobsError> {
    let (Some(chain), Some(Origin::JobFile { spec, .. })) =
        (intent.follows().and_then(|follows| follows.job), &intent.origin)
    else {
        return Ok(Vec::new());
    };
    house.state.job(chain).note_follower(intent.id).await?;
    let Some((link, job)) = Followed::of(house, chain).await?.live.into_iter().next() else { return Ok(Vec::new()) };
    house.state.job(intent.id).put_behind(link).await?;
    let conditions: Vec<String> = spec.scheduler.after.iter().cloned().chain([format!("afterany:{job}")]).collect();
    Ok(vec![format!("--dependency={}", conditions.join(",")), "--kill-on-invalid-dep=yes".to_owned()])
}

/// Sends what is due of an evaluation that follows a chain, and sees when it is over.
pub(super) async fn advance(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    (chain, follows): (&Chain, &Follows),
) -> Result<Advanced, JobsError> {
    let mut advanced = Advanced::default();
    // One that works, and one behind each that the chain has queued.
    let at_once = chain.ahead.saturating_add(1).min(chain.max_links.get());
    for _ in 0..at_once {
        advanced.over = directory.over().await?;
        if advanced.over.is_some() || directory.is_ended_or_cancelled().await? {
            break;
        }
        let state = ChainState::of_fenced(house, directory, intent).await?;
        read_what_was_not(house, directory, intent, &state).await?;
        let sent = state.sent(directory).await?;
        let (followed, work) = Box::pin(seen(house, directory, intent, (chain, follows, &sent))).await?;
        match next(chain, &sent, at_once, followed.ahead(), work) {
            Next::Nothing => break,
            Next::Over(why) => {
                advanced.over = put_over(house, (directory, intent), why, &sent).await?;
                break;
            }
            Next::Send(link) => {
                let behind = followed.uncovered().next();
                if let Some((of_chain, _)) = behind {
                    directory.of_link(link).put_behind(of_chain).await?;
                }
                match send_link(house, (directory, intent), &state, (link, behind.map(|(_, job)| job))).await {
                    Ok(sent) => advanced.sent.push(sent),
                    Err(NotSent::Refused(error) | NotSent::Open(error)) => {
                        advanced.not_sent = Some(error);
                        break;
                    }
                }
            }
        }
    }
    Ok(advanced)
}

/// Why an evaluation that follows a chain is over of which every link is that was sent: that is written down. None where it goes on.
pub(super) async fn over_if_spent(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    (chain, follows): (&Chain, &Follows),
    sent: &[Sent],
) -> Result<Option<Over>, JobsError> {
    // Only its owner is told by the scheduler of all that the chain has in the queue.
    if intent.principal.user != house.principal.user {
        return Ok(None);
    }
    let (followed, work) = Box::pin(seen(house, directory, intent, (chain, follows, sent))).await?;
    match next(chain, sent, chain.ahead, followed.ahead(), work) {
        Next::Over(why) => put_over(house, (directory, intent), why, sent).await,
        Next::Nothing | Next::Send(_) => Ok(None),
    }
}

/// Goes on with all evaluations that follow a chain. What cannot be done of one keeps no other back.
pub(super) async fn advance_followers(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
) -> Vec<AdvancedFollower> {
    let followers = match directory.followers().await {
        Ok(followers) => followers,
        Err(error) => {
            return vec![AdvancedFollower { job: intent.id, name: intent.name.clone(), outcome: Err(error) }];
        }
    };
    let mut advanced = Vec::new();
    for job in followers {
        let directory = house.state.job(job);
        let (name, outcome) = match directory.intent().await {
            Ok(Some(intent)) => (intent.name.clone(), advance_follower(house, &directory, &intent).await),
            Ok(None) => continue,
            // What it is called cannot be read.
            Err(error) => (intent.name.clone(), Err(error)),
        };
        if let Some(outcome) = outcome.transpose() {
            advanced.push(AdvancedFollower { job, name, outcome });
        }
    }
    advanced
}

/// None of one that is over, or was begun and never sent: its own submission goes on with that.
async fn advance_follower(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
) -> Result<Option<Advanced>, JobsError> {
    if directory.sent_links().await?.is_empty() || directory.is_over_noted().await? {
        return Ok(None);
    }
    Box::pin(super::advance(house, directory, intent)).await.map(Some)
}

/// Writes down why it is over. Where nothing is left to do, its scores say whether all of it is done.
async fn put_over(
    house: &House,
    (directory, intent): (&JobDirectory, &Intent),
    why: OverReason,
    sent: &[Sent],
) -> Result<Option<Over>, JobsError> {
    let sweep = if why == OverReason::Done { directory.cells_of(intent).await? } else { None };
    let is_done = match &sweep {
        Some(sweep) => point_counts(&*house.files, directory, sweep).await?.done == sweep.point_count(),
        None => why == OverReason::Done,
    };
    let why = if why == OverReason::Done && !is_done { OverReason::Cells } else { why };
    let last = sent.iter().map(|sent| sent.link).max().unwrap_or(LinkNumber::FIRST);
    directory.put_over(why, last, house.clock.now()).await
}

/// The chain, as the scheduler shows it.
struct Followed {
    /// Its links that wait or run, in their order; none where no job can wait for another one's end.
    live: Vec<(LinkNumber, SchedulerJobId)>,
    /// Whether nothing of it is to come.
    is_over: bool,
    /// The last of its links behind which one of the evaluation's was sent.
    covered: Option<LinkNumber>,
}

/// The same in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ahead {
    /// How many of its links wait or run behind which none of the evaluation's was sent.
    uncovered: usize,
    is_over: bool,
}

impl Followed {
    async fn of(house: &House, chain: JobId) -> Result<Self, JobsError> {
        let directory = house.state.job(chain);
        let nothing = Self { live: Vec::new(), is_over: true, covered: None };
        // Somebody removed it: nothing comes of it.
        let Some(intent) = directory.intent().await? else { return Ok(nothing) };
        if directory.ended().await?.is_some() {
            return Ok(nothing);
        }
        let state = ChainState::of_fenced(house, &directory, &intent).await?;
        let is_over = state.is_over() && Box::pin(is_over_with_links(house, &directory, &intent)).await?;
        let live = if house.scheduler.capabilities().can_depend { state.live() } else { Vec::new() };
        Ok(Self { live, is_over, covered: None })
    }

    /// Those of its links that wait or run behind which none of the evaluation's was sent.
    fn uncovered(&self) -> impl Iterator<Item = (LinkNumber, SchedulerJobId)> {
        self.live.iter().copied().filter(|(link, _)| self.covered.is_none_or(|covered| *link > covered))
    }

    fn ahead(&self) -> Ahead {
        Ahead { uncovered: self.uncovered().count(), is_over: self.is_over }
    }
}

/// What is left to do of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Checkpoints that no link took, or starts that none ended.
    Left,
    /// The same, and so many of its links ended none that another one would not, either.
    Stuck,
    /// Nothing: each start has ended.
    Ended,
}

async fn seen(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    (chain, follows, sent): (&Chain, &Follows, &[Sent]),
) -> Result<(Followed, Work), JobsError> {
    let Some(job) = follows.job else {
        let (what, why) = ("it is not known how far the chain is", "its file names no chain that was found");
        return Err(JobsError::new(Gravity::Bug, what, why, "please report it"));
    };
    // Before its checkpoints: what a link saves after it was seen to be over there is none.
    let mut followed = Followed::of(house, job).await?;
    let attempts = directory.attempts_of_links().await?;
    // What was noted of a link that was never sent says nothing.
    for sent in sent {
        followed.covered = followed.covered.max(directory.of_link(sent.link).behind().await?);
    }
    let Some(sweep) = directory.cells_of(intent).await? else { return Ok((followed, Work::Ended)) };
    let cells = cells_of(directory, &sweep, &attempts).await?.0;
    let is_open = |state: CellState| matches!(state, CellState::Waiting | CellState::Stopped | CellState::Running);
    let is_left = cells.iter().any(|cell| is_open(cell.state)) || has_new(house, directory, job, &sweep).await?;
    let work = if is_left {
        let most = usize::try_from(chain.stalled_links).unwrap_or(usize::MAX);
        let records = directory.cell_records(&attempts).await?;
        let exit = |link: &LinkNumber| attempts.get(link)?.last()?.exit_code;
        let links = records.iter().map(|(link, records)| (exit(link), records));
        if in_vain(links) < most { Work::Left } else { Work::Stuck }
    } else {
        Work::Ended
    };
    Ok((followed, work))
}

/// The checkpoints that links of this job took, and behind them those that another one would take.
pub(crate) async fn checkpoints_to_tell(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
) -> Result<Vec<Checkpoint>, JobsError> {
    let taken = directory.taken().await?;
    let mut all = taken.checkpoints.clone();
    let (Some(sweep), Some(follows)) = (intent.cells(), intent.follows()) else { return Ok(all) };
    let Some(chain) = follows.job.map(|chain| house.state.job(chain)).filter(|_| !taken.is_full) else {
        return Ok(all);
    };
    let named = chain.named_checkpoints().await?;
    let mut parts = BTreeSet::new();
    for one in new_of(&named, &taken.checkpoints, sweep) {
        let is_first = follows.every.is_none_or(|every| !parts.contains(&(one.step / every)));
        if is_first && all.len() < follows.most_checkpoints() && chain.has_checkpoint(one).await? {
            parts.extend(follows.every.map(|every| one.step / every));
            all.push(one.clone());
        }
    }
    Ok(all)
}

/// Whether the chain named a checkpoint that is there, and that no link took although one would.
async fn has_new(house: &House, directory: &JobDirectory, chain: JobId, sweep: &Sweep) -> Result<bool, JobsError> {
    let chain = house.state.job(chain);
    let (named, taken) = (chain.named_checkpoints().await?, directory.taken().await?);
    if taken.is_full {
        return Ok(false);
    }
    for checkpoint in new_of(&named, &taken.checkpoints, sweep).iter().rev().take(MOST_LOOKED_AT) {
        if chain.has_checkpoint(checkpoint).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Those that were named and that the next link takes, where they are there; of those of which it takes one, all. The batch script decides by
/// the same rules (`templates/src/scripts/follow.sh.j2`).
fn new_of<'a>(named: &'a [Checkpoint], taken: &[Checkpoint], sweep: &Sweep) -> Vec<&'a Checkpoint> {
    let Some(follows) = sweep.follows.as_ref().filter(|follows| taken.len() < follows.most_checkpoints()) else {
        return Vec::new();
    };
    let every = follows.every;
    let part = |one: &Checkpoint| every.map(|every| one.step / every);
    let parts: BTreeSet<u64> = taken.iter().filter_map(part).chain([0]).collect();
    let known: BTreeSet<(u64, &Path)> = taken.iter().map(|one| (one.step, one.path.as_path())).collect();
    // In an argument of that harness a comma ends the path.
    let has_arguments = sweep.evaluation.as_ref().is_some_and(|it| it.harness == Harness::LmEval);
    // What was written again under its name is what its last line says.
    let last: BTreeMap<&Path, usize> = named.iter().enumerate().map(|(at, one)| (one.path.as_path(), at)).collect();
    let is_taken = |(at, one): &(usize, &Checkpoint)| {
        last.get(one.path.as_path()) == Some(at)
            && part(one).is_none_or(|part| !parts.contains(&part))
            && !known.contains(&(one.step, one.path.as_path()))
            && !(has_arguments && one.path.to_string_lossy().contains(','))
    };
    named.iter().enumerate().filter(is_taken).map(|(_, one)| one).collect()
}

/// How many of the last links that began ended no start, by how each ended and what it wrote down. One that ended with 0 and began none found
/// nothing new, and says nothing.
fn in_vain<'a>(links: impl DoubleEndedIterator<Item = (Option<u32>, &'a BTreeMap<usize, CellRecord>)>) -> usize {
    let ended_none = |(_, records): &(Option<u32>, &BTreeMap<usize, CellRecord>)| {
        records.values().all(|record| record.exit_code.is_none_or(is_stopped))
    };
    let had_work =
        |(exit, records): &(Option<u32>, &BTreeMap<usize, CellRecord>)| !records.is_empty() || *exit != Some(0);
    links.rev().filter(had_work).take_while(ended_none).count()
}

/// Decides; pure.
fn next(chain: &Chain, sent: &[Sent], at_once: u32, followed: Ahead, work: Work) -> Next {
    let live = sent.iter().filter(|link| !link.is_over).count();
    let Some(last) = sent.iter().map(|link| link.link).max() else { return Next::Nothing };
    // A person took them all back before any began.
    if sent.iter().all(|link| link.is_over && link.was_withdrawn) {
        return Next::Over(OverReason::Withdrawn);
    }
    let may_wait = usize::try_from(at_once).is_ok_and(|most| live < most);
    let wants_more = match work {
        _ if followed.uncovered > 0 && may_wait => true,
        _ if live > 0 => return Next::Nothing,
        Work::Left => true,
        Work::Stuck if followed.is_over => return Next::Over(OverReason::Cells),
        Work::Stuck => return Next::Nothing,
        Work::Ended => false,
    };
    if wants_more {
        let link = LinkNumber::new(last.get().saturating_add(1)).filter(|link| *link <= chain.max_links);
        return match link {
            Some(link) => Next::Send(link),
            None if live > 0 => Next::Nothing,
            None => Next::Over(OverReason::Links),
        };
    }
    if followed.is_over { Next::Over(OverReason::Done) } else { Next::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Evaluation, ParameterName, Timestamp};

    fn chain(max_links: u32) -> Chain {
        Chain {
            until: Until::Marker,
            max_links: LinkNumber::new(max_links).expect("not 0"),
            max_gpu_hours: None,
            ahead: 2,
            stalled_links: 3,
            lead: None,
            signal: None,
        }
    }

    fn sent(over: &[bool]) -> Vec<Sent> {
        let link = |number: usize| LinkNumber::new(u32::try_from(number).expect("few")).expect("not 0");
        let of =
            |(place, is_over): (usize, &bool)| Sent { link: link(place + 1), is_over: *is_over, was_withdrawn: false };
        over.iter().enumerate().map(of).collect()
    }

    #[test]
    fn a_link_is_due_behind_each_of_the_chain_and_where_something_is_left() {
        let send = |link| Next::Send(LinkNumber::new(link).expect("not 0"));
        let goes_on = |uncovered| Ahead { uncovered, is_over: false };
        let over = Ahead { uncovered: 0, is_over: true };
        for (of_evaluation, followed, work, wanted) in [
            (&[][..], goes_on(2), Work::Left, Next::Nothing),
            (&[false], goes_on(1), Work::Ended, send(2)),
            (&[false, false], goes_on(0), Work::Left, Next::Nothing),
            (&[true, false], goes_on(1), Work::Ended, send(3)),
            // One works, one waits, and the chain has queued another.
            (&[false, false], goes_on(1), Work::Left, send(3)),
            (&[false, false, false], goes_on(1), Work::Left, Next::Nothing),
            // It paused: what is there is evaluated, and then nothing, until it goes on.
            (&[true, true], goes_on(0), Work::Left, send(3)),
            (&[true, true], goes_on(0), Work::Stuck, Next::Nothing),
            (&[true, true], goes_on(0), Work::Ended, Next::Nothing),
            // Its own limit was too short for what was new.
            (&[true, true], over, Work::Left, send(3)),
            (&[true, false], over, Work::Left, Next::Nothing),
            (&[true, true], over, Work::Stuck, Next::Over(OverReason::Cells)),
            (&[true, true], over, Work::Ended, Next::Over(OverReason::Done)),
            (&[true, false], over, Work::Ended, Next::Nothing),
            (&[true, true, true, true], over, Work::Left, Next::Over(OverReason::Links)),
            (&[true, true, true, false], goes_on(2), Work::Left, Next::Nothing),
            (&[true, true, true, true], goes_on(2), Work::Ended, Next::Over(OverReason::Links)),
        ] {
            let told = next(&chain(4), &sent(of_evaluation), 3, followed, work);
            assert_eq!(told, wanted, "{of_evaluation:?} {followed:?} {work:?}");
        }
        let mut withdrawn = sent(&[true, true]);
        for link in &mut withdrawn {
            link.was_withdrawn = true;
        }
        assert_eq!(next(&chain(4), &withdrawn, 3, goes_on(2), Work::Left), Next::Over(OverReason::Withdrawn));
    }

    #[test]
    fn new_is_what_was_named_and_not_taken() {
        let list = |text: &str| -> Vec<Checkpoint> { text.split(' ').filter_map(|one| one.parse().ok()).collect() };
        let new = |named: &str, taken: &str, every: Option<u64>, harness: Harness| {
            let follows = Follows { chain: "it".to_owned(), job: None, tasks: vec!["x".to_owned()], every };
            let sweep = Sweep {
                parameters: Vec::<ParameterName>::new(),
                cells: Vec::new(),
                pack: 1,
                side_by_side: 1,
                at_once: None,
                evaluation: Some(Evaluation { harness, serve: None }),
                follows: Some(follows),
                continues: None,
            };
            let named = list(named);
            let new: Vec<u64> = new_of(&named, &list(taken), &sweep).iter().map(|one| one.step).collect();
            new
        };
        assert_eq!(new("10:/a 20:/b", "", None, Harness::Command), [10, 20]);
        assert_eq!(
            new("10:/last 20:/b 30:/last", "10:/last", None, Harness::Command),
            [20, 30],
            "it was written again"
        );
        assert_eq!(
            new("10:/a 20:/b 10:/c", "10:/a", None, Harness::Command),
            [20, 10],
            "the same step at another place is another"
        );
        assert_eq!(new("50:/a 100:/b 110:/c 250:/d", "150:/x", Some(100), Harness::Command), [250]);
        assert_eq!(new("50:/a", "", Some(100), Harness::Command), [0; 0]);
        assert_eq!(new("10:/a,b 20:/b", "", None, Harness::LmEval), [20], "its comma would be read as an end");
        assert_eq!(new("10:/a,b", "", None, Harness::Command), [10]);
    }

    #[test]
    fn links_that_ended_nothing_count_from_the_last_one_on() {
        let record = |code: Option<u32>| CellRecord {
            started_at: Some(Timestamp::default()),
            exit_code: code,
            ended_at: None,
            log_begins_behind_bytes: None,
            log_ends_behind_bytes: None,
            is_done: code == Some(0),
            may_run: false,
        };
        let link = |codes: &[Option<u32>]| -> BTreeMap<usize, CellRecord> {
            codes.iter().enumerate().map(|(place, code)| (place + 1, record(*code))).collect()
        };
        let count = |links: &[(u32, &[Option<u32>])]| {
            let links: Vec<_> = links.iter().map(|(exit, codes)| (Some(*exit), link(codes))).collect();
            in_vain(links.iter().map(|(exit, records)| (*exit, records)))
        };
        assert_eq!(count(&[]), 0);
        // What found nothing new says nothing; what failed before its first start does.
        assert_eq!(count(&[(0, &[Some(0)]), (143, &[None]), (0, &[]), (143, &[Some(143)]), (0, &[])]), 2);
        assert_eq!(count(&[(0, &[Some(0)]), (67, &[]), (67, &[])]), 2);
        assert_eq!(count(&[(143, &[None]), (3, &[Some(3), None])]), 0, "a failure is an end");
    }
}
