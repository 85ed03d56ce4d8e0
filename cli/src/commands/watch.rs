//! `pakt watch JOB`: live state, elapsed time, a bar from the job's own progress, the tail of its log.

use super::{
    Context,
    asked::{age, freshness, with_costs},
    ends,
    resume::follower_note,
    show,
};
use crate::{
    failure::{Failure, JOB_FAILED},
    output::Answer,
    wiring::{self, Freshness, Hold},
};
use indicatif::{ProgressBar, ProgressStyle};
use jobs::{
    House,
    logs::{Beginning, Log},
    resume::settled,
    settle::{SettleOptions, settle},
    show::{Shown, ShownLink, follow as look, link_that_ended, progress},
};
use model::WallTime;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job: its id or the start of it, the scheduler's id, or a name
    pub job: String,
    /// Ask the scheduler each time, and not what any command of yours was told a short time ago
    #[arg(long)]
    pub fresh: bool,
    /// Say at the end what was asked of the site, and what came
    #[arg(long)]
    pub costs: bool,
}

/// How often the job's own files are looked at; they cost the scheduler nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the scheduler is asked at first and at last.
const ASK_SECONDS: (u64, u64) = (2, 30);
/// Of a job of many links, each of which has files of its own, at last.
const ASK_SECONDS_OF_MANY: u64 = 60;
const MANY_LINKS: usize = 100;

/// Watches the job.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let interrupt = interrupt()?;
    let house = context.house_to_look().await?;
    let answer = Box::pin(watch(&house, context, &arguments.job, freshness(arguments.fresh), interrupt)).await?;
    Ok(with_costs(answer, &house, arguments.costs))
}

/// Watches until the scheduler says that the job is over, settles it, and shows it.
pub(super) async fn watch(
    house: &House,
    context: &Context,
    job: &str,
    freshness: Freshness,
    mut interrupt: Signal,
) -> Result<Answer, Failure> {
    let bar = bar(context);
    let watched = to_its_end(house, context, (job, freshness), &bar);
    tokio::select! {
        // A question to the scheduler may be ended by the same key.
        biased;
        _ = interrupt.recv() => {
            bar.finish_and_clear();
            Ok(interrupted(job))
        }
        answer = watched => answer,
    }
}

/// Listens for ^C from here on. Whoever presses it wants to stop watching; the job is not theirs to lose by that.
pub(super) fn interrupt() -> Result<Signal, Failure> {
    signal(SignalKind::interrupt()).map_err(|error| Failure::bug("the job is not watched", wiring::io_words(&error)))
}

/// What a shell shows of a program that ^C ended: 128 and the number of the signal.
pub(crate) const INTERRUPTED: u8 = 130;

fn interrupted(job: &str) -> Answer {
    let note = format!(
        "note: only the watching has ended, the job goes on; `pakt watch {job}` takes it up again, `pakt cancel {job}` ends \
         the job"
    );
    Answer::new("", json!({ "version": 1, "job": job, "was_interrupted": true }))
        .with_notes([note])
        .with_code(INTERRUPTED)
}

async fn to_its_end(
    house: &House,
    context: &Context,
    (job, freshness): (&str, Freshness),
    bar: &ProgressBar,
) -> Result<Answer, Failure> {
    let mut log = Log::open(house, job, Beginning::Bytes(2_048), None).await?;
    let mut pause = ASK_SECONDS.0;
    let (mut has_waited, mut said, mut ended_before, mut turn) = (false, None, None, Turn::default());
    loop {
        let mut shown = look(house, job, freshness).await?;
        draw(bar, house, &shown);
        let waits = waiting(&shown);
        // Once: what it waits for changes often, and no person needs to hear that.
        if let Some(note) = waits.as_ref().filter(|_| !has_waited) {
            bar.suspend(|| context.screen.aside(note));
        }
        has_waited = waits.is_some();
        follow(bar, house, context, &mut log).await?;
        if shown.is_over() {
            break;
        }
        if shown.wants_link(house) && turn.has_come(&shown) {
            go_on(house, context, bar, &shown, &mut said).await?;
        }
        let mut has_ended = false;
        for _ in 0..pause {
            tokio::time::sleep(LOOK_EVERY).await;
            follow(bar, house, context, &mut log).await?;
            if shown.intent.cells().is_none() {
                shown.progress = progress(house, &shown.intent).await?;
            }
            draw(bar, house, &shown);
            // The next link of a chain is not to wait for the next question.
            let ended = link_that_ended(house, &shown.intent).await?;
            if ended.is_some() && ended != ended_before {
                (ended_before, has_ended) = (ended, true);
                break;
            }
        }
        let most = if shown.links.len() > MANY_LINKS { ASK_SECONDS_OF_MANY } else { ASK_SECONDS.1 };
        pause = if has_ended { ASK_SECONDS.0 } else { (pause + pause / 2).min(most) };
    }
    bar.finish_and_clear();
    let note = end(house).await;
    let shown = look(house, job, freshness).await?;
    let notes = note.into_iter().chain(followers(house, &shown).await);
    let mut answer = show::answer(house, &shown).with_notes(notes);
    if ends::has_failed(&shown) {
        answer = answer.with_code(JOB_FAILED);
    }
    if shown.hold.as_ref().is_some_and(Hold::is_open) {
        let next = "`pakt settle` enters it";
        answer.notes.push(format!("note: accounting does not have the whole run yet; {next}"));
    }
    Ok(answer)
}

/// When the links of a chain that are due are tried again: at once where one has ended or was sent, else later and later.
#[derive(Default)]
struct Turn {
    tried: Option<(Vec<bool>, Instant, Duration)>,
}

impl Turn {
    fn has_come(&mut self, shown: &Shown) -> bool {
        let links: Vec<bool> = shown.links.iter().map(ShownLink::is_over).collect();
        let wait = match &self.tried {
            Some((before, at, wait)) if *before == links => {
                if at.elapsed() < *wait {
                    return false;
                }
                (*wait * 2).min(TRY_AGAIN.1)
            }
            _ => TRY_AGAIN.0,
        };
        self.tried = Some((links, Instant::now(), wait));
        true
    }
}

/// After how long a link that was not sent is tried again, at first and at last.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_secs(15), Duration::from_mins(10));

/// Sends the links of a chain that are due; what was in the way is said once.
async fn go_on(
    house: &House,
    context: &Context,
    bar: &ProgressBar,
    shown: &Shown,
    said: &mut Option<String>,
) -> Result<(), Failure> {
    let unsettled = settled(house).await.map(|why| format!("note: not settled yet: {why}"));
    let (not_sent, of_followers) = match jobs::resume::go_on(house, &shown.intent).await {
        Ok(advanced) => (advanced.not_sent, advanced.followers.iter().find_map(follower_note)),
        Err(error) => (Some(error), None),
    };
    let note = not_sent.map(|error| format!("note: {error}")).or(of_followers).or(unsettled);
    if let Some(note) = note.as_ref().filter(|note| said.as_ref() != Some(note)) {
        bar.suspend(|| context.screen.aside(note));
    }
    *said = note;
    Ok(())
}

/// Sends what is due of the evaluations that follow one's own chain which is over: what its last link saved may be left to them.
async fn followers(house: &House, shown: &Shown) -> Vec<String> {
    let is_own = shown.intent.principal.user == house.principal.user;
    if !is_own || shown.intent.chain().is_none() || shown.intent.follows().is_some() {
        return Vec::new();
    }
    match jobs::resume::go_on(house, &shown.intent).await {
        Ok(advanced) => advanced.followers.iter().filter_map(follower_note).collect(),
        Err(error) => vec![format!("note: {error}")],
    }
}

/// What a person should know of a job that waits, which may be for long.
fn waiting(shown: &Shown) -> Option<String> {
    let seen = shown.sighting.as_ref().filter(|seen| seen.state.is_pending())?;
    let reason = if seen.reason.is_empty() { String::new() } else { format!(" ({})", seen.reason) };
    Some(format!("note: it waits{reason}; `pakt why {}` says what for", shown.intent.id))
}

/// What the job used is entered at once; a scheduler or ledger that does not answer now is asked by the next `settle`.
async fn end(house: &House) -> Option<String> {
    match house.books.book().await {
        Ok(Some(_)) => {
            settle(house, SettleOptions::default()).await.err().map(|error| format!("note: not settled yet: {error}"))
        }
        Ok(None) => None,
        Err(error) => Some(format!("note: not settled yet: {error}")),
    }
}

fn bar(context: &Context) -> ProgressBar {
    if !context.screen.is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar
}

/// State and elapsed time as the scheduler said, the time carried on since then; progress as the job's own files say.
fn draw(bar: &ProgressBar, house: &House, shown: &Shown) {
    let prefix = shown.sighting.as_ref().map_or_else(
        || "UNKNOWN".to_owned(),
        |seen| {
            let since = house.clock.now().seconds_since(seen.observed_at);
            let more = if seen.state.is_running() { u64::try_from(since).unwrap_or(0) } else { 0 };
            let reason = if seen.state.is_pending() { format!(" ({})", seen.reason) } else { String::new() };
            let elapsed = WallTime::from_seconds(seen.elapsed.seconds().saturating_add(more));
            let age =
                age(house, shown.observed_at, shown.was_shared).map_or_else(String::new, |age| format!(", {age}"));
            format!("{}{reason} {elapsed}{age}", seen.state)
        },
    );
    bar.set_prefix(prefix);
    if let Some(progress) = &shown.progress {
        bar.set_length(progress.total);
        bar.set_position(progress.step);
        bar.set_message(progress.note.clone());
    }
    bar.tick();
}

/// Prints what the log has more, above the bar.
async fn follow(bar: &ProgressBar, house: &House, context: &Context, log: &mut Log) -> Result<(), Failure> {
    while let Some(bytes) = log.next(house).await? {
        if bytes.is_empty() {
            break;
        }
        if !context.screen.is_json() {
            bar.suspend(|| context.screen.beside(&bytes));
        }
    }
    Ok(())
}
