//! Settles one cluster: takes the runs into the books, then posts what runs and waits, which holds are over and, last, the
//! cursor. Safe twice, late, overlapping, and killed anywhere.

use super::{
    adopted::Adopted,
    amend::{Changed, amended, follow},
    clock,
    close::{Decided, decide},
    desk::{Desk, LocalJobs, NOT_FINISHED},
    lost::{Look, judge},
    observe::{Observed, Seen, Viewpoint, look, priced},
    provisional::provisional,
    raw,
    read::{Findings, read},
    reading::Reading,
    report::{SettleOptions, SettleReport},
    reprice::reprice,
    rights::rights,
    window::{Known, start},
};
use crate::{
    directory::{Ended, IndexedJob, list},
    error::JobsError,
    expire::expire_all,
    foreign_stamps::ForeignStamps,
    house::House,
    reached::{booked, scheduled},
    watched::Watched,
    zone::keep_zone,
};
use ledger::{Command, Coverage, Cursor, Hold, Outcome, is_ahead};
use model::{ClusterName, JobId, SiteName, Timestamp, Window};
use scheduler_adapters::QueueBatch;

/// Settles the cluster of this site.
pub async fn settle(house: &House, options: SettleOptions) -> Result<SettleReport, JobsError> {
    let desk = begin(house, options).await?;
    let jobs = list(&house.state).await?;
    let local: LocalJobs<'_> = jobs.iter().map(|job| (job.intent.id, job)).collect();
    enter_waiting_holds(&desk, &jobs).await?;
    let holds = booked(desk.book.open_holds(None).await, NOT_FINISHED)?;
    let holds: Vec<Hold> = holds.into_iter().filter(|hold| *hold.unit.site() == house.here).collect();
    let known = known(&desk, &holds, &local, options).await?;
    let span = Window { from: start(known, desk.now), to: desk.now.plus_seconds(1) };
    let mut report = SettleReport {
        place: place(&house.here, &desk.view.cluster),
        scope: desk.view.scope.to_string(),
        since: Some(span.from),
        ..SettleReport::default()
    };
    let adopted = Adopted::of(&jobs);
    let unended = local.values().filter(|job| job.ended.is_none());
    let watched = Watched::of(&holds).and(unended.map(|job| (job.intent.id, job.intent.principal.clone())));
    let mut reading = Reading::watching(watched.clone());
    let mut foreign = ForeignStamps::beside(watched.clone(), NOT_FINISHED);
    read(&desk, span, &adopted, Findings { reading: &mut reading, report: &mut report, foreign: &mut foreign }).await?;
    report.notes.extend(foreign.note());
    reprice(house, desk.book.as_ref(), desk.site, &mut report).await?;

    let as_of = house.clock.now();
    let QueueBatch { jobs: mut queue, rejected: unread, .. } =
        scheduled(house.scheduler.queue(&desk.whose()).await, NOT_FINISHED)?;
    for row in &unread {
        report.reject(&format!("in the queue: {}", raw::shown(row)));
    }
    for job in &mut queue {
        job.stamp = job.stamp.or_else(|| adopted.stamp(job.id, job.submitted_at));
    }
    let Seen { sight, runaway } = look(&desk.view, as_of, &reading, &queue);
    report.runaway = runaway;
    // What others wrote into their jobs says nothing of this job here.
    for job in &mut queue {
        job.stamp = job.stamp.filter(|stamp| !watched.is_of_another(*stamp, &house.here, &job.user));
    }
    let observed = priced(desk.site, &desk.view, &sight);
    let changed = follow(&desk, &holds, &local, &reading, &queue).await?;
    let mut decided = decide(&desk, &holds, &local, &reading, &queue, &unread).await?;
    let look = Look { since: span.from, reading: &reading, queue: &queue, unread: &unread };
    report.lost = judge(&desk, &local, &look, &mut decided).await?;
    match expire_all(house, desk.book.as_ref(), NOT_FINISHED).await? {
        Ok(expired) => report.expired = expired,
        Err(why) => report.notes.push(format!("what grants forfeit was not entered: {why}")),
    }
    let read = coverage(&desk, span.from, &reading, &mut report.notes).await;
    let cursor = cursor(&desk, known.settled_until, &reading, &mut report);
    finish(&desk, observed, (changed, decided), Read { read, cursor }, &local, &mut report).await?;
    report.unattributed_in_all = booked(desk.book.unattributed_count().await, NOT_FINISHED)?;
    Ok(report)
}

/// What every step needs, and whether the clock can be right.
async fn begin(house: &House, options: SettleOptions) -> Result<Desk<'_>, JobsError> {
    let what = "nothing was settled";
    let book = house.needed_book(what).await?;
    let now = house.clock.now();
    if !options.trust_clock {
        let (written_at, server) = (booked(book.written_at().await, what)?, booked(book.server_clock().await, what)?);
        clock::check(now, written_at, server)?;
    }
    let cluster: ClusterName = scheduled(house.scheduler.cluster_name().await, what)?;
    keep_zone(house, book.as_ref(), &house.here, what).await?;
    let site = house.site(&house.here)?;
    Ok(Desk { house, book, site, view: Viewpoint::of(house, cluster, options.all_users), now })
}

/// Enters the holds of jobs that were submitted while the ledger did not answer.
async fn enter_waiting_holds(desk: &Desk<'_>, jobs: &[IndexedJob]) -> Result<(), JobsError> {
    let waiting = provisional(desk.house, &desk.book, jobs).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    desk.post(&waiting).await.map(drop)
}

async fn known(
    desk: &Desk<'_>,
    holds: &[Hold],
    local: &LocalJobs<'_>,
    options: SettleOptions,
) -> Result<Known, JobsError> {
    let scope = desk.read_scope();
    let cursor = booked(desk.book.cursor(&desk.house.here, &desk.view.cluster, &scope).await, NOT_FINISHED)?;
    let grants = booked(desk.book.grants(None).await, NOT_FINISHED)?;
    let here = grants.iter().filter(|grant| *grant.terms.unit.site() == desk.house.here);
    // A hold may have been entered long after its job was made, and a job taken over long after it was submitted.
    let began = holds.iter().filter(|hold| desk.covers(hold, local)).map(|hold| {
        let made = hold.opened_at.min(hold.id.0.made_at());
        let submitted = local.get(&hold.id.0).and_then(|job| job.submitted_at);
        submitted.map_or(made, |submitted| submitted.min(made))
    });
    Ok(Known {
        settled_until: cursor.map(|cursor| cursor.settled_until),
        oldest_hold: began.min(),
        first_grant: here.map(|grant| grant.terms.window.from).min(),
        since: options.since,
    })
}

/// The cursor after this settlement: everything up to its beginning, or up to the first row that was not taken in.
fn cursor(desk: &Desk<'_>, before: Option<Timestamp>, reading: &Reading, report: &mut SettleReport) -> Cursor {
    let settled_until = reading.settled_until(desk.now);
    let (site, cluster, scope) = (desk.house.here.clone(), desk.view.cluster.clone(), desk.read_scope());
    // It never moves back, unless it lies ahead of this clock.
    report.settled_until = match before {
        Some(until) if is_ahead(until, desk.now) => {
            let note = format!("the last settlement was dated {until}, ahead of this clock; its time was read again");
            report.notes.push(note);
            Some(settled_until)
        }
        Some(until) => Some(until.max(settled_until)),
        None => Some(settled_until),
    };
    Cursor { site, cluster, scope, settled_until }
}

/// How far was read.
struct Read {
    /// What this settlement read to its end; none where the first row of it is missing.
    read: Option<Coverage>,
    cursor: Cursor,
}

/// What was read from the beginning of this settlement up to the first row that was not taken in.
async fn coverage(desk: &Desk<'_>, from: Timestamp, reading: &Reading, notes: &mut Vec<String>) -> Option<Coverage> {
    let window = Window { from, to: reading.settled_until(desk.now) };
    if window.to <= window.from {
        return None;
    }
    // What the queue shows of others says nothing about accounting, which a site may hide by itself.
    let scope = desk.read_scope();
    let (rights, whole_accounts) = rights(desk.house, &scope, reading.shared_accounts(), notes).await;
    Some(Coverage {
        site: desk.house.here.clone(),
        cluster: desk.view.cluster.clone(),
        scope,
        rights,
        whole_accounts,
        hidden_accounts: Vec::new(),
        window,
        observed_at: desk.now,
    })
}

/// Posts what is left in one transaction, the cursor last, and then writes down here which jobs are over.
async fn finish(
    desk: &Desk<'_>,
    observed: Observed,
    (changed, decided): (Changed, Decided),
    Read { read, cursor }: Read,
    local: &LocalJobs<'_>,
    report: &mut SettleReport,
) -> Result<(), JobsError> {
    let Observed { observation, uncounted } = observed;
    let Decided { over, unwritten, unknown, unsent, .. } = decided;
    (report.running, report.pending) = (observation.running.len() as u64, observation.pending.len() as u64);
    report.uncounted = uncounted;
    (report.unknown, report.unsent) = (unknown, unsent);
    let Changed { amends, notes } = changed;
    report.notes.extend(notes);
    let mut commands = vec![Command::Observe(Box::new(observation))];
    commands.extend(amends.iter().map(|(amend, _)| Command::Amend(amend.clone())));
    commands.extend(over.iter().map(|(close, _)| Command::Close(close.clone())));
    if let Some(read) = read {
        commands.push(Command::Cover(read));
    }
    commands.push(Command::Advance(cursor));
    let outcomes = desk.post(&commands).await?;
    // One whose run has no price stays open, and its job is not over.
    report.amended = amended(&amends, &outcomes[1..]);
    let closed = over
        .into_iter()
        .zip(&outcomes[1 + amends.len()..])
        .filter(|(_, outcome)| matches!(outcome, Outcome::Closed(..)));
    let closed: Vec<(JobId, Ended)> = closed.map(|((close, ended), _)| (close.id.0, ended)).collect();
    report.closed = closed.iter().map(|(job, _)| *job).collect();
    report.lost.retain(|lost| report.closed.contains(&lost.job));
    report.closed.retain(|job| !report.lost.iter().any(|lost| lost.job == *job));
    for (job, ended) in closed.into_iter().chain(unwritten).filter(|(job, _)| local.contains_key(job)) {
        let directory = desk.house.state.job(job);
        let ended = directory.with_markers(ended).await;
        // The books are closed in any case, and the next settlement writes it.
        if let Err(error) = directory.put_ended(&ended).await {
            report.notes.push(format!("job {job} is over, and its directory does not say so yet: {}", error.why));
        }
    }
    Ok(())
}

/// Names a site and cluster for messages.
fn place(site: &SiteName, cluster: &ClusterName) -> String {
    if site.as_str() == cluster.as_str() { site.to_string() } else { format!("{site}/{cluster}") }
}
