//! Holds and their closes, by several clients of one process.

use super::books::{ada, microseconds, open, posted_at, project, unit};
use ledger::{Book, CloseHold, CloseReason, Command, HoldId, NewHold};
use model::{Amount, JobId, Principal, ProjectName, Unit};
use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

type Failure = Box<dyn Error + Send + Sync>;

/// When the answer to a post was wanted from, and when it came, in microseconds since 1970.
type Times = Vec<(u128, u128)>;

struct Client {
    book: Arc<dyn Book>,
    actor: Principal,
    projects: Vec<ProjectName>,
    unit: Unit,
}

/// Holds and closes `pairs` times and prints a line for each post: when it was due, and when it was durable.
///
/// Without a rate each client posts again as soon as it has its answer. With one, so many pairs a second are due whether the
/// answers keep up or not, and the time that one waits to be begun counts (an open loop).
pub(crate) async fn measure(projects: u64, clients: u64, pairs: u64, rate: u64) -> Result<(), Box<dyn Error>> {
    let projects = (0..projects).map(project).collect::<Result<Vec<_>, _>>()?;
    let client = Arc::new(Client { book: open()?, actor: ada()?, projects, unit: unit()? });
    let answers = if rate == 0 { closed_loop(&client, clients, pairs) } else { open_loop(&client, pairs, rate)? };
    let mut out = std::io::stdout().lock();
    for times in answers.join_all().await {
        for (due, answered) in times.map_err(|error| error.to_string())? {
            writeln!(out, "{due} {answered}")?;
        }
    }
    Ok(())
}

fn closed_loop(client: &Arc<Client>, clients: u64, pairs: u64) -> JoinSet<Result<Times, Failure>> {
    let mut answers = JoinSet::new();
    for first in 0..clients {
        let client = Arc::clone(client);
        answers.spawn(async move {
            let mut times = Times::new();
            let step = usize::try_from(clients)?;
            for number in (first..pairs).step_by(step) {
                client.pair(number, now()?, &mut times).await?;
            }
            Ok(times)
        });
    }
    answers
}

fn open_loop(client: &Arc<Client>, pairs: u64, rate: u64) -> Result<JoinSet<Result<Times, Failure>>, Box<dyn Error>> {
    let (begun, begun_at) = (Instant::now(), microseconds()?);
    let mut answers = JoinSet::new();
    for number in 0..pairs {
        let client = Arc::clone(client);
        let after = number * 1_000_000 / rate;
        answers.spawn(async move {
            tokio::time::sleep_until(begun + Duration::from_micros(after)).await;
            let mut times = Times::new();
            client.pair(number, begun_at + u128::from(after), &mut times).await?;
            Ok(times)
        });
    }
    Ok(answers)
}

fn now() -> Result<u128, Failure> {
    microseconds().map_err(|error| error.to_string().into())
}

impl Client {
    /// One hold and its close; the projects take turns.
    async fn pair(&self, number: u64, due: u128, times: &mut Times) -> Result<(), Failure> {
        let random = u128::from(std::process::id()) << 40 | u128::from(number);
        let id = HoldId(JobId::from_parts(posted_at(), random));
        let turn = number % self.projects.len() as u64;
        let hold = Command::Hold(NewHold {
            id,
            project: self.projects[usize::try_from(turn)?].clone(),
            unit: self.unit.clone(),
            ceiling: Amount::from_milli(14_400_000),
            anyway: None,
            note: format!("sweep-{number}"),
            is_provisional: false,
            expected: None,
        });
        self.book.post(&self.actor, posted_at(), &[hold]).await?;
        let answered = now()?;
        times.push((due, answered));
        let close = Command::Close(CloseHold { id, reason: CloseReason::Finished, read_at: None });
        self.book.post(&self.actor, posted_at(), &[close]).await?;
        times.push((answered, now()?));
        Ok(())
    }
}
