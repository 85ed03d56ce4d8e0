//! What `ci/bench ways` measures of an adapter from inside a process: it asks by one of the ways, and prints seconds and how
//! many rows came. The sums over repetitions are made by the scripts in `ci/lib`.
//!
//! A way is `commands`, `library:PROGRAM` (pakt-slurm) or `rest:PLACE:TOKENFILE`.
//!
//! ```text
//! ways WAY submit COUNT FOLDER ROUND    so many distinct scripts from FOLDER, one after the other
//! ways WAY together COUNT FOLDER ROUND  the same, several at once, as `pakt submit` of many files hands them over
//! ways WAY queue TIMES                  all jobs of whoever asks
//! ways WAY runs TIMES FROM TO           their runs of a time, in seconds since 1970
//! ways WAY describe TIMES               limits of partitions, associations and QOS
//! ways WAY cancel TIMES                 a job that nobody knows
//! ```

use async_trait::async_trait;
use model::{Clock, JobId, LinkNumber, Run, SchedulerJobId, Stamp, Timestamp, WallTime, Window};
use reach::{Local, http::HttpPlace};
use scheduler_adapters::{
    LocalResources, RejectedRow, RestConfiguration, RunTaker, RunWindow, Scheduler, ScriptSource, SlurmCommands,
    Submission, TokenSource, Whose,
};
use std::{
    error::Error,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::task::JoinSet;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Timestamp::from_epoch_seconds(i64::try_from(now).unwrap_or(i64::MAX))
    }
}

/// Counts what it is handed.
#[derive(Default)]
struct Counts {
    runs: usize,
    rejected: usize,
}

#[async_trait]
impl RunTaker for Counts {
    fn learn_fields(&mut self, _: &[String]) {}

    async fn take(&mut self, _: Run) {
        self.runs += 1;
    }

    fn reject(&mut self, _: RejectedRow) {
        self.rejected += 1;
    }
}

fn way(word: &str) -> Result<SlurmCommands, Box<dyn Error>> {
    let commands = SlurmCommands::new(Arc::new(Local), Arc::new(SystemClock));
    if word == "commands" {
        return Ok(commands);
    }
    if let Some(program) = word.strip_prefix("library:") {
        return Ok(commands.with_helper(program));
    }
    let rest = word.strip_prefix("rest:").and_then(|rest| rest.rsplit_once(':'));
    let (place, token) = rest.ok_or_else(|| format!("no such way: {word}"))?;
    let (place, token) = (HttpPlace::parse(place)?, Some(TokenSource::File(token.into())));
    Ok(commands.with_rest(RestConfiguration { place, token }))
}

/// So many are handed over at once.
const TOGETHER: usize = 64;

fn submissions(count: u32, folder: &Path, round: u64) -> Result<Vec<Submission>, Box<dyn Error>> {
    let of = |number: u32| -> Result<Submission, Box<dyn Error>> {
        let random = (u128::from(round) << 64) | u128::from(number);
        let stamp = Stamp { job: JobId::from_parts(SystemClock.now(), random), link: LinkNumber::FIRST };
        Ok(Submission {
            script: ScriptSource::File(folder.join(format!("{number}.sh")).to_string_lossy().into_owned()),
            job_name: stamp.job_name(&format!("bench-{number}").parse()?),
            array: None,
            stamp,
            output: Some("/dev/null".to_owned()),
            directory: None,
            options: Vec::new(),
            script_arguments: Vec::new(),
            keeps_environment_options: false,
            local_resources: LocalResources { nodes: 1, cpus: 1, gpus: 0, time_limit: WallTime::from_seconds(60) },
        })
    };
    (0..count).map(of).collect()
}

async fn submit(slurm: &SlurmCommands, submissions: Vec<Submission>) -> Result<usize, Box<dyn Error>> {
    for submission in &submissions {
        slurm.submit(submission).await?;
    }
    Ok(submissions.len())
}

async fn submit_together(slurm: &Arc<SlurmCommands>, submissions: Vec<Submission>) -> Result<usize, Box<dyn Error>> {
    let (mut under_way, mut submitted) = (JoinSet::new(), 0);
    for submission in submissions {
        if under_way.len() == TOGETHER
            && let Some(ended) = under_way.join_next().await
        {
            ended??;
            submitted += 1;
        }
        let slurm = Arc::clone(slurm);
        under_way.spawn(async move { slurm.submit(&submission).await });
    }
    while let Some(ended) = under_way.join_next().await {
        ended??;
        submitted += 1;
    }
    Ok(submitted)
}

/// Asks once; how many rows came.
async fn ask(slurm: &SlurmCommands, question: &str, words: &[&str]) -> Result<usize, Box<dyn Error>> {
    match (question, words) {
        // The whole queue: one's own slurmrestd is not asked for.
        ("queue", []) => Ok(slurm.queue(&Whose::visible()).await?.jobs.len()),
        ("runs", [from, to]) => runs(slurm, from.parse()?, to.parse()?).await,
        ("describe", []) => Ok(slurm.describe().await?.partitions.len()),
        ("cancel", []) => Ok(slurm.cancel(SchedulerJobId::new(u64::from(u32::MAX) / 64)).await.map(|()| 1)?),
        _ => Err(format!("no such question: {question} {}", words.join(" ")).into()),
    }
}

async fn runs(slurm: &SlurmCommands, from: i64, to: i64) -> Result<usize, Box<dyn Error>> {
    let (from, to) = (Timestamp::from_epoch_seconds(from), Timestamp::from_epoch_seconds(to));
    let window = RunWindow { site: "jupiter".parse()?, window: Window { from, to }, whose: Whose::mine() };
    let mut counts = Counts::default();
    slurm.each_run(&window, &mut counts).await?;
    if counts.rejected > 0 {
        return Err(format!("{} rows could not be read", counts.rejected).into());
    }
    Ok(counts.runs)
}

async fn measure(words: &[&str]) -> Result<(), Box<dyn Error>> {
    let [word, question @ ..] = words else { return Ok(()) };
    let slurm = Arc::new(way(word)?);
    let began = Instant::now();
    let rows = match question {
        [how @ ("submit" | "together"), count, folder, round] => {
            let submissions = submissions(count.parse()?, Path::new(folder), round.parse()?)?;
            if *how == "submit" {
                submit(&slurm, submissions).await?
            } else {
                submit_together(&slurm, submissions).await?
            }
        }
        [question, times, rest @ ..] => {
            let mut rows = 0;
            for _ in 0..times.parse::<u32>()? {
                rows = ask(&slurm, question, rest).await?;
            }
            rows
        }
        _ => return Err(format!("no such words: {}", words.join(" ")).into()),
    };
    let took = began.elapsed();
    // A way that failed is taken over by the commands: that would be measured as the way's own.
    if let Some(unused) = slurm.unused_ways().first() {
        return Err(format!("{word} was not used: {}", unused.why).into());
    }
    writeln!(std::io::stdout(), "{:.6} {rows}", took.as_secs_f64())?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&words))
}
