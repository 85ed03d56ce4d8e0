//! `pakt logs JOB`

use super::Context;
use crate::{failure::Failure, output::Answer, wiring::Freshness};
use jobs::{
    log_lines::MatchingLines,
    log_ranks::RankLines,
    logs::{Beginning, Log, intent_of},
    show::follow as look,
};
use serde_json::json;
use std::{num::NonZeroU32, time::Duration};

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job: its id or the start of it, the scheduler's id, or a name
    pub job: String,
    /// Go on printing until the job is over
    #[arg(long, short)]
    pub follow: bool,
    /// Begin so many lines before the end, and no farther back than 64 MiB; the whole log without it
    #[arg(long, value_name = "LINES")]
    pub tail: Option<u32>,
    /// What one start of the job printed, of several after a requeue: 1 is the first, as `pakt show` lists them
    #[arg(long, value_name = "NUMBER")]
    pub attempt: Option<NonZeroU32>,
    /// What one rank printed, of a job with `logs: ranks`; 0 is the first
    #[arg(long, value_name = "NUMBER")]
    pub rank: Option<u32>,
    /// What a cell of a sweep printed, by its number in `pakt results`
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["attempt", "rank", "follow"])]
    pub cell: Option<NonZeroU32>,
    /// The lines that match a regular expression, of those that would be printed
    #[arg(long, value_name = "PATTERN")]
    pub grep: Option<String>,
}

/// How often a followed log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often the scheduler is asked whether the job is over: every so many looks.
const LOOKS_PER_QUESTION: u32 = 20;

/// So often a followed log is looked at once more behind the end of its job: over a network file system last lines come seconds later.
const LOOKS_BEHIND_THE_END: u32 = 6;

/// Prints the log.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_to_look().await?;
    let rank = match arguments.rank {
        Some(rank) => Some(RankLines::of(&intent_of(&house, &arguments.job).await?, rank)?),
        None => None,
    };
    let mut matching = match (arguments.grep.as_deref(), rank) {
        (None, None) => None,
        (pattern, rank) => Some(MatchingLines::of(pattern, rank)?),
    };
    let from = arguments.tail.map_or(Beginning::Start, Beginning::Lines);
    let mut log = match arguments.cell {
        Some(cell) => Log::of_cell(&house, &arguments.job, cell, from).await?,
        None => Log::open(&house, &arguments.job, from, arguments.attempt).await?,
    };
    let mut text = String::new();
    let mut is_there = false;
    let mut is_over = !arguments.follow;
    let mut looks_left = if arguments.follow { LOOKS_BEHIND_THE_END } else { 0 };
    for number in 0_u32.. {
        if !is_over && number % LOOKS_PER_QUESTION == 0 {
            if log.is_whole(&house).await? {
                (is_over, looks_left) = (true, 0);
            } else {
                is_over = look(&house, &arguments.job, Freshness::Shared).await?.is_over();
            }
        }
        while let Some(bytes) = log.next(&house).await? {
            is_there = true;
            if bytes.is_empty() {
                break;
            }
            let bytes = match &mut matching {
                Some(lines) => lines.take(&bytes),
                None => bytes,
            };
            print(&bytes, context, &mut text);
        }
        if is_over {
            if looks_left == 0 {
                break;
            }
            looks_left -= 1;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    if let Some(lines) = matching {
        print(&lines.finish(), context, &mut text);
    }
    let note = (!is_there).then(|| format!("note: there is no log yet at {}", log.path().display()));
    let json = json!({ "version": 1, "log": log.path(), "text": text });
    Ok(Answer::new("", json).with_notes(note))
}

/// Prints bytes of the log, or keeps them for the answer as JSON.
fn print(bytes: &[u8], context: &Context, text: &mut String) {
    if context.screen.is_json() {
        text.push_str(&String::from_utf8_lossy(bytes));
    } else {
        context.screen.data(bytes);
    }
}
