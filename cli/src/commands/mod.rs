//! One file a command. Each reads its arguments, calls one verb and says what came of it.

pub(crate) mod adopt;
pub(crate) mod balance;
pub(crate) mod cancel;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod init;
pub(crate) mod jobs;
pub(crate) mod ledger;
pub(crate) mod local_supervisor;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod reference;
pub(crate) mod results;
pub(crate) mod resume;
pub(crate) mod sbatch;
pub(crate) mod settle;
pub(crate) mod shell;
pub(crate) mod show;
pub(crate) mod sites;
pub(crate) mod submit;
pub(crate) mod usage;
pub(crate) mod watch;
pub(crate) mod why;

mod asked;
mod bundle;
mod cells;
mod choice;
mod ends;
mod job_file;
mod other_ledgers;
mod provenance;
mod submit_many;
mod view;

use crate::{
    arguments::{Arguments, Command, General},
    configuration::Configuration,
    failure::Failure,
    output::{Answer, Screen},
    wiring::{self, Need},
};
use ::jobs::House;
use model::SiteChoice;
use std::{future::Future, process::ExitCode};

/// Runs a command to its exit code.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let Arguments { command, general } = arguments;
    let screen = Screen::new(&general);
    let result = match command {
        Command::LocalSupervisor(arguments) => local_supervisor::run(&arguments),
        Command::Completions(arguments) => Ok(completions::run(&arguments)),
        Command::Man(arguments) => man::run(&arguments),
        Command::Reference(_) => Ok(reference::run()),
        Command::Results(arguments) if !arguments.is_of_job() => Context::block_on(results::run(&arguments)),
        command => in_house(command, &general, screen),
    };
    match result {
        Ok(answer) => screen.answer(&answer),
        Err(failure) => screen.failure(&failure),
    }
}

fn in_house(command: Command, general: &General, screen: Screen) -> Result<Answer, Failure> {
    let context = Context { general: general.clone(), configuration: Configuration::read()?, screen };
    match command {
        Command::Check(arguments) => Context::block_on(check::run(&arguments, &context)),
        Command::Init(arguments) => Context::block_on(init::run(&arguments, &context)),
        Command::Plan(arguments) => Context::block_on(plan::run(&arguments, &context)),
        Command::Submit(arguments) => Context::block_on(submit::run(arguments, &context)),
        Command::Sbatch(arguments) => Context::block_on(sbatch::run(arguments, &context)),
        Command::Shell(arguments) => Context::block_on(shell::run(arguments, &context)),
        Command::Adopt(arguments) => Context::block_on(adopt::run(arguments, &context)),
        Command::Jobs(arguments) => Context::block_on(jobs::run(&arguments, &context)),
        Command::Show(arguments) => Context::block_on(show::run(&arguments, &context)),
        Command::Export(arguments) => Context::block_on(export::run(&arguments, &context)),
        Command::Why(arguments) => Context::block_on(why::run(&arguments, &context)),
        Command::Watch(arguments) => Context::block_on(watch::run(&arguments, &context)),
        Command::Logs(arguments) => Context::block_on(logs::run(&arguments, &context)),
        Command::Cancel(arguments) => Context::block_on(cancel::run(&arguments, &context)),
        Command::Results(arguments) => Context::block_on(results::of_job(&arguments, &context)),
        Command::Resume(arguments) => Context::block_on(resume::run(&arguments, &context)),
        Command::Settle(arguments) => Context::block_on(settle::run(&arguments, &context)),
        Command::Balance(arguments) => Context::block_on(balance::run(arguments, &context)),
        Command::Usage(arguments) => Context::block_on(usage::run(&arguments, &context)),
        Command::Sites(arguments) => Context::block_on(sites::run(&arguments, &context)),
        Command::Ledger(arguments) => Context::block_on(ledger::run(arguments, &context)),
        Command::Doctor(_) => Context::block_on(doctor::run(&context)),
        Command::LocalSupervisor(_) | Command::Completions(_) | Command::Man(_) | Command::Reference(_) => {
            Err(Failure::bug("the command was not run", "it needs no house"))
        }
    }
}

/// What every command may need.
pub(crate) struct Context {
    /// What holds for every command.
    pub general: General,
    /// The configuration.
    pub configuration: Configuration,
    /// The two streams.
    pub screen: Screen,
}

impl Context {
    /// The house of this machine.
    pub(crate) async fn house(&self) -> Result<House, Failure> {
        Ok(self.told(wiring::house(&self.general, &self.configuration).await?))
    }

    /// The house in which a job is made; `wanted` are the sites that it names.
    pub(crate) async fn house_to_submit(&self, wanted: Option<&SiteChoice>) -> Result<House, Failure> {
        let wanted = wanted.unwrap_or(&SiteChoice::Any);
        Ok(self.told(wiring::house_for(&self.general, &self.configuration, wanted, Need::Submit).await?))
    }

    /// The house of a job that is only looked at.
    pub(crate) async fn house_to_plan(&self, wanted: &SiteChoice) -> Result<House, Failure> {
        Ok(self.told(wiring::house_for(&self.general, &self.configuration, wanted, Need::Look).await?))
    }

    /// The house of commands that make no job and no ledger.
    pub(crate) async fn house_to_look(&self) -> Result<House, Failure> {
        Ok(self.told(wiring::house_to_look(&self.general, &self.configuration).await?))
    }

    /// The house of commands that look at the ledger alone: where its place is named, it does not matter which site this is.
    pub(crate) async fn house_of_ledger(&self) -> Result<House, Failure> {
        Ok(self.told(wiring::house_of_ledger(&self.general, &self.configuration).await?))
    }

    fn told(&self, (house, note): (House, Option<String>)) -> House {
        if let Some(note) = note {
            self.screen.aside(&note);
        }
        house
    }

    /// Runs a verb. One thread is enough: it waits for others most of the time.
    fn block_on(verb: impl Future<Output = Result<Answer, Failure>>) -> Result<Answer, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| Failure::bug("pakt did not start", wiring::io_words(&error)))?.block_on(verb)
    }
}
