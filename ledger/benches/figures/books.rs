//! The ledger that is measured, and the names in it.

use ledger::{
    Binding, Book, Command, Enforce, HardStop, MonthlyJsc, NewGrant, OpenMode, Policy, PostgresBook, PostgresPlace,
    SetPolicy, SqliteBook,
};
use model::{Amount, Principal, ProjectName, Timestamp, Unit, Window};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The first midnight of 2026 in UTC.
pub(crate) const NEW_YEAR: i64 = 1_767_225_600;
pub(crate) const YEAR_SECONDS: i64 = 365 * 86_400;
/// More than anything here takes.
const GRANTED_MILLI: i64 = 1_000_000_000_000_000;

/// Opens what `PAKT_LEDGER` names, and makes it where there is none.
pub(crate) fn open() -> Result<Arc<dyn Book>, Box<dyn Error>> {
    let place = std::env::var("PAKT_LEDGER")?;
    if place.starts_with("postgres") {
        let place = PostgresPlace::read(&place, None)?;
        return Ok(Arc::new(PostgresBook::open(&place, Path::new("."), OpenMode::Create)?));
    }
    Ok(Arc::new(SqliteBook::open(Path::new(&place), OpenMode::Create)?))
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_epoch_seconds(seconds)
}

/// When posts are made: behind all that is in the books.
pub(crate) fn posted_at() -> Timestamp {
    at(NEW_YEAR + YEAR_SECONDS)
}

pub(crate) fn unit() -> Result<Unit, Box<dyn Error>> {
    Ok("jupiter:gh200".parse()?)
}

pub(crate) fn project(number: u64) -> Result<ProjectName, Box<dyn Error>> {
    Ok(format!("project{number:03}").parse()?)
}

pub(crate) fn ada() -> Result<Principal, Box<dyn Error>> {
    Ok(Principal { user: "ada".parse()?, site: Some("jupiter".parse()?) })
}

/// Microseconds since 1970, which processes have in common.
pub(crate) fn microseconds() -> Result<u128, Box<dyn Error>> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())
}

/// Gives each project a grant and the Slurm account of its name.
pub(crate) async fn grant(projects: u64, is_enforced: bool) -> Result<(), Box<dyn Error>> {
    let (book, unit, window) = (open()?, unit()?, Window { from: at(NEW_YEAR), to: at(NEW_YEAR + 2 * YEAR_SECONDS) });
    let mut commands = Vec::new();
    for number in 0..projects {
        let (project, unit) = (project(number)?, unit.clone());
        commands.push(Command::Grant(NewGrant {
            key: format!("grant-{number}"),
            project: project.clone(),
            programme: "GCS".parse()?,
            unit: unit.clone(),
            amount: Amount::from_milli(GRANTED_MILLI),
            window,
            reference: format!("GCS-{number}"),
            lots: Vec::new(),
        }));
        commands.push(Command::Bind(Binding {
            site: "jupiter".parse()?,
            account: Some(project.as_str().parse()?),
            partition: None,
            user: None,
            work_directory: None,
            name: None,
            unit: unit.clone(),
            project: project.clone(),
            from: at(0),
            to: None,
        }));
        if is_enforced {
            let policy = Policy::from(HardStop::default());
            let zone = "Europe/Berlin".parse()?;
            commands.push(Command::SetPolicy(SetPolicy { project: project.clone(), unit: unit.clone(), policy, zone }));
            commands.push(Command::SetEnforce(Enforce { project, unit, is_enforced }));
        }
    }
    book.post(&ada()?, at(NEW_YEAR), &commands).await?;
    Ok(())
}

/// Whether a project has the policy of `set_monthly`.
pub(crate) const fn is_monthly(number: u64) -> bool {
    number % 2 == 1
}

/// Gives every second project JUPITER's policy: a lot a month, each of which is of use for three.
pub(crate) async fn set_monthly(projects: u64) -> Result<(), Box<dyn Error>> {
    let mut commands = Vec::new();
    for number in (0..projects).filter(|number| is_monthly(*number)) {
        let (policy, zone) = (Policy::from(MonthlyJsc::default()), "Europe/Berlin".parse()?);
        commands.push(Command::SetPolicy(SetPolicy { project: project(number)?, unit: unit()?, policy, zone }));
    }
    open()?.post(&ada()?, at(NEW_YEAR), &commands).await?;
    Ok(())
}
