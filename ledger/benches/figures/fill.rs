//! A year of runs in a ledger.

use super::books::{NEW_YEAR, YEAR_SECONDS, ada, at, grant, open, posted_at, project, set_monthly};
use ledger::{Command, RunPrice, SettledRun};
use model::{
    AccountName, Amount, BaseState, Charge, EvidenceClass, ExitCode, JobState, Price, Run, RunKey, SchedulerJobId,
    TariffId, Tres, WallTime,
};
use std::error::Error;
use std::sync::Arc;

const CHUNK: u64 = 10_000;
/// People of each project, who take turns.
const PEOPLE: u64 = 10;
const STATES: [BaseState; 4] = [BaseState::Completed, BaseState::Completed, BaseState::Timeout, BaseState::Failed];

/// Posts so many runs, spread evenly over the year and over the projects. Every second project has a lot a month.
pub(crate) async fn fill(projects: u64, runs: u64) -> Result<(), Box<dyn Error>> {
    grant(projects, false).await?;
    set_monthly(projects).await?;
    let (book, ada) = (open()?, ada()?);
    for first in (0..runs).step_by(usize::try_from(CHUNK)?) {
        let numbers = first..runs.min(first + CHUNK);
        let commands = numbers.map(|number| settle(projects, runs, number)).collect::<Result<Vec<_>, _>>()?;
        book.post(&ada, posted_at(), &commands).await?;
    }
    Ok(())
}

fn settle(projects: u64, runs: u64, number: u64) -> Result<Command, Box<dyn Error>> {
    let of_project = number % projects;
    let account: AccountName = project(of_project)?.as_str().parse()?;
    let person = of_project * PEOPLE + number / projects % PEOPLE;
    let elapsed = 600 + number * 104_729 % 7_200;
    let begun = NEW_YEAR + i64::try_from(number)? * (YEAR_SECONDS - 86_400) / i64::try_from(runs)?;
    let gpu_milli = i64::try_from(elapsed)? * 4_000;
    let run = Run {
        key: RunKey {
            site: "jupiter".parse()?,
            cluster: "jupiter".parse()?,
            scheduler_job: SchedulerJobId::new(10_000_000 + number),
            submitted_at: at(begun),
        },
        sluid: None,
        shown_id: (10_000_000 + number).to_string(),
        user: format!("user{person:04}").parse()?,
        account: Some(account),
        partition: Some("booster".parse()?),
        qos: Some("normal".parse()?),
        name: format!("sweep-{number}"),
        work_directory: None,
        stamp: None,
        state: JobState::of(STATES[usize::try_from(number / projects)? % STATES.len()]),
        restarts: Some(0),
        started_at: at(begun + 60),
        ended_at: Some(at(begun + 60 + i64::try_from(elapsed)?)),
        elapsed: WallTime::from_seconds(elapsed),
        time_limit: Some(WallTime::from_seconds(7_800)),
        allocated: Tres::default(),
        exit: ExitCode::default(),
        evidence: EvidenceClass::CoordinatorRead,
        observed_at: posted_at(),
        raw: format!("{number}|jupiter|booster|{begun}|billing=288,cpu=288,gres/gpu=4,mem=860000M,node=1"),
    };
    Ok(Command::Settle(Arc::new(SettledRun { run, price: RunPrice::Known(price(gpu_milli)?) })))
}

fn price(gpu_milli: i64) -> Result<Price, Box<dyn Error>> {
    let gpu = Charge { unit: super::books::unit()?, amount: Amount::from_milli(gpu_milli) };
    let tariff = TariffId("jupiter/booster/2026".to_owned());
    Ok(Price { tariff, gpu: Some(gpu), node: None, site: None, is_estimated: false })
}
