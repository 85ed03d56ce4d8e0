//! Evaluations that follow a chain: each link of theirs waits behind one of the chain and takes the checkpoints that are new, so
//! that nobody has to be there when the chain saves, and nothing is submitted from a compute node (docs/decisions/0057, point 8).

use super::{
    advance::{Advanced, read_what_was_not, send_link},
    next::Sent,
    state::ChainState,
};
use crate::{
    directory::{CellRecord, Checkpoint, Intent, JobDirectory, Origin, Over, OverReason},
    error::{Gravity, JobsError},
    find::find,
    house::House,
    job_file::JobFile,
    submit::{NotSent, is_over_with_links},
    sweep::{CellState, cells, is_stopped, records_of_links},
};
use model::{Chain, Finding, Follows, Harness, JobId, JobName, LinkNumber, SchedulerJobId, Sweep, Until};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// An evaluation has so many times as many links as the chain that it follows: one behind each, and others where its own limit was too
/// short for what was new.
const LINKS_OF_EACH: u32 = 2;
/// The most links of a chain.
const MOST_LINKS: u32 = 500;
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
    let links = chain.max_links.get().saturating_mul(LINKS_OF_EACH).min(MOST_LINKS);
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
    let Some(first) = Followed::of(house, chain).await?.live.into_iter().next() else { return Ok(Vec::new()) };
    let conditions: Vec<String> = spec.scheduler.after.iter().cloned().chain([format!("afterany:{first}")]).collect();
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
    let at_once = chain.ahead.min(chain.max_links.get());
    for _ in 0..at_once {
        advanced.over = directory.over().await?;
        if advanced.over.is_some() || directory.is_ended_or_cancelled().await? {
            break;
        }
        let state = ChainState::of_fenced(house, directory, intent).await?;
        read_what_was_not(house, directory, intent, &state).await?;
        let sent = state.sent(directory).await?;
        let (followed, work) = Box::pin(seen(house, directory, intent, (chain, follows))).await?;
        match next(chain, &sent, at_once, followed.summary(), work) {
            Next::Nothing => break,
            Next::Over(why) => {
                advanced.over = put_over(house, directory, why, &sent).await?;
                break;
            }
            Next::Send(link) => {
                // Behind the link of the chain that none of its own waits for: those before it have one each.
                let at_work = sent.iter().filter(|link| !link.is_over).count();
                let behind = followed.live.get(at_work).copied();
                match send_link(house, (directory, intent), &state, (link, behind)).await {
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
    let (followed, work) = Box::pin(seen(house, directory, intent, (chain, follows))).await?;
    match next(chain, sent, chain.ahead, followed.summary(), work) {
        Next::Over(why) => put_over(house, directory, why, sent).await,
        Next::Nothing | Next::Send(_) => Ok(None),
    }
}

/// Goes on with all evaluations that follow a chain.
pub(super) async fn advance_followers(
    house: &House,
    directory: &JobDirectory,
) -> Result<Vec<AdvancedFollower>, JobsError> {
    let mut advanced = Vec::new();
    for job in directory.followers().await? {
        let directory = house.state.job(job);
        let Some(intent) = directory.intent().await? else { continue };
        // One that was begun and never sent goes on with its own submission.
        if directory.sent_links().await?.is_empty() || directory.is_over_noted().await? {
            continue;
        }
        let outcome = Box::pin(super::advance(house, &directory, &intent)).await;
        advanced.push(AdvancedFollower { job, name: intent.name, outcome });
    }
    Ok(advanced)
}

async fn put_over(
    house: &House,
    directory: &JobDirectory,
    why: OverReason,
    sent: &[Sent],
) -> Result<Option<Over>, JobsError> {
    let last = sent.iter().map(|sent| sent.link).max().unwrap_or(LinkNumber::FIRST);
    directory.put_over(why, last, house.clock.now()).await
}

/// The chain, as the scheduler shows it.
struct Followed {
    /// Its links that wait or run, in their order; none where no job can wait for another one's end.
    live: Vec<SchedulerJobId>,
    /// Whether nothing of it is to come.
    is_over: bool,
}

/// The same in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ahead {
    live: usize,
    is_over: bool,
}

impl Followed {
    async fn of(house: &House, chain: JobId) -> Result<Self, JobsError> {
        let directory = house.state.job(chain);
        // Somebody removed it: nothing comes of it.
        let Some(intent) = directory.intent().await? else { return Ok(Self { live: Vec::new(), is_over: true }) };
        if directory.ended().await?.is_some() {
            return Ok(Self { live: Vec::new(), is_over: true });
        }
        let state = ChainState::of_fenced(house, &directory, &intent).await?;
        let is_over = state.is_over() && Box::pin(is_over_with_links(house, &directory, &intent)).await?;
        let live = if house.scheduler.capabilities().can_depend { state.at_work() } else { Vec::new() };
        Ok(Self { live, is_over })
    }

    fn summary(&self) -> Ahead {
        Ahead { live: self.live.len(), is_over: self.is_over }
    }
}

/// What is left to do of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Checkpoints that no link took, or starts that none ended.
    Left,
    /// The same, and so many of its links ended none that another one would not, either.
    Stuck,
    /// Each start ended with 0.
    Done,
    /// Each start ended, and some of them failed.
    Failed,
}

async fn seen(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    (chain, follows): (&Chain, &Follows),
) -> Result<(Followed, Work), JobsError> {
    let Some(job) = follows.job else {
        let (what, why) = ("it is not known how far the chain is", "its file names no chain that was found");
        return Err(JobsError::new(Gravity::Bug, what, why, "please report it"));
    };
    // Before its checkpoints: what a link saves after it was seen to be over there is none.
    let followed = Followed::of(house, job).await?;
    let Some(sweep) = directory.cells_of(intent).await? else { return Ok((followed, Work::Done)) };
    let states: Vec<CellState> = cells(directory, &sweep).await?.0.into_iter().map(|cell| cell.state).collect();
    let is_open = |state: &CellState| matches!(state, CellState::Waiting | CellState::Stopped | CellState::Running);
    let work = if states.iter().any(is_open) || has_new(house, directory, job, &sweep).await? {
        let most = usize::try_from(chain.stalled_links).unwrap_or(usize::MAX);
        let records = records_of_links(directory, &sweep).await?;
        if in_vain(records.iter().map(|(_, records)| records)) < most { Work::Left } else { Work::Stuck }
    } else if states.iter().all(|state| *state == CellState::Done) {
        Work::Done
    } else {
        Work::Failed
    };
    Ok((followed, work))
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
    let is_taken = |one: &&Checkpoint| {
        part(one).is_none_or(|part| !parts.contains(&part))
            && !known.contains(&(one.step, one.path.as_path()))
            && !(has_arguments && one.path.to_string_lossy().contains(','))
    };
    named.iter().filter(is_taken).collect()
}

/// How many of the last links that began starts ended none of them.
fn in_vain<'a>(links: impl DoubleEndedIterator<Item = &'a BTreeMap<usize, CellRecord>>) -> usize {
    let ended_none =
        |records: &&BTreeMap<usize, CellRecord>| records.values().all(|record| record.exit_code.is_none_or(is_stopped));
    links.rev().filter(|records| !records.is_empty()).take_while(ended_none).count()
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Nothing,
    Over(OverReason),
    Send(LinkNumber),
}

/// Decides; pure.
fn next(chain: &Chain, sent: &[Sent], at_once: u32, followed: Ahead, work: Work) -> Next {
    let live = sent.iter().filter(|link| !link.is_over).count();
    let Some(last) = sent.iter().map(|link| link.link).max() else { return Next::Nothing };
    // A person took them all back before any began.
    if sent.iter().all(|link| link.is_over && link.was_withdrawn) {
        return Next::Over(OverReason::Withdrawn);
    }
    let most = followed.live.min(usize::try_from(at_once).unwrap_or(usize::MAX));
    let wants_more = match work {
        _ if live < most => true,
        _ if live > 0 => return Next::Nothing,
        Work::Left => true,
        Work::Stuck => return Next::Over(OverReason::Cells),
        Work::Done | Work::Failed => false,
    };
    if wants_more {
        let link = LinkNumber::new(last.get().saturating_add(1)).filter(|link| *link <= chain.max_links);
        return match link {
            Some(link) => Next::Send(link),
            None if live > 0 => Next::Nothing,
            None => Next::Over(OverReason::Links),
        };
    }
    match work {
        _ if !followed.is_over => Next::Nothing,
        Work::Done => Next::Over(OverReason::Done),
        _ => Next::Over(OverReason::Cells),
    }
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
        let goes_on = |live| Ahead { live, is_over: false };
        let over = Ahead { live: 0, is_over: true };
        for (of_evaluation, followed, work, wanted) in [
            (&[][..], goes_on(2), Work::Left, Next::Nothing),
            (&[false], goes_on(2), Work::Done, send(2)),
            (&[false, false], goes_on(2), Work::Left, Next::Nothing),
            (&[false, false], goes_on(3), Work::Left, Next::Nothing),
            (&[true, false], goes_on(2), Work::Done, send(3)),
            (&[true, false], goes_on(1), Work::Done, Next::Nothing),
            // It paused: what is there is evaluated, and then nothing, until it goes on.
            (&[true, true], goes_on(0), Work::Left, send(3)),
            (&[true, true], goes_on(0), Work::Failed, Next::Nothing),
            // Its own limit was too short for what was new.
            (&[true, true], over, Work::Left, send(3)),
            (&[true, false], over, Work::Left, Next::Nothing),
            (&[true, true], over, Work::Stuck, Next::Over(OverReason::Cells)),
            (&[true, true], over, Work::Failed, Next::Over(OverReason::Cells)),
            (&[true, true], over, Work::Done, Next::Over(OverReason::Done)),
            (&[true, false], over, Work::Done, Next::Nothing),
            (&[true, true, true, true], over, Work::Left, Next::Over(OverReason::Links)),
            (&[true, true, true, false], goes_on(2), Work::Left, Next::Nothing),
            (&[true, true, true, true], goes_on(2), Work::Done, Next::Over(OverReason::Links)),
        ] {
            assert_eq!(
                next(&chain(4), &sent(of_evaluation), 2, followed, work),
                wanted,
                "{of_evaluation:?} {followed:?} {work:?}"
            );
        }
        let mut withdrawn = sent(&[true, true]);
        for link in &mut withdrawn {
            link.was_withdrawn = true;
        }
        assert_eq!(next(&chain(4), &withdrawn, 2, goes_on(2), Work::Left), Next::Over(OverReason::Withdrawn));
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
        let count =
            |links: &[&[Option<u32>]]| in_vain(links.iter().map(|codes| link(codes)).collect::<Vec<_>>().iter());
        assert_eq!(count(&[]), 0);
        // What found nothing new says nothing.
        assert_eq!(count(&[&[Some(0)], &[None], &[], &[Some(143)], &[]]), 2);
        assert_eq!(count(&[&[None], &[Some(3), None]]), 0, "a failure is an end");
    }
}
