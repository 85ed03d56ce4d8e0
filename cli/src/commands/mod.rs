//! One file a command. Each reads its arguments, calls one verb and says what came of it.

pub mod adopt;
pub mod balance;
pub mod cancel;
pub mod check;
pub mod completions;
pub mod doctor;
pub mod init;
pub mod jobs;
pub mod ledger;
pub mod local_supervisor;
pub mod logs;
pub mod man;
pub mod plan;
pub mod sbatch;
pub mod settle;
pub mod shell;
pub mod show;
pub mod sites;
pub mod submit;
pub mod usage;
pub mod watch;

mod job_file;
mod view;

use crate::{
    arguments::{Arguments, Command, General},
    configuration::Configuration,
    failure::Failure,
    output::{Answer, Screen},
    wiring,
};
use ::jobs::House;
use std::{future::Future, process::ExitCode};

/// Runs a command to its exit code.
pub fn run(arguments: Arguments) -> ExitCode {
    let Arguments { command, general } = arguments;
    let screen = Screen::new(&general);
    let result = match command {
        Command::LocalSupervisor(arguments) => local_supervisor::run(&arguments),
        Command::Completions(arguments) => Ok(completions::run(&arguments)),
        Command::Man(arguments) => man::run(&arguments),
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
        Command::Check(arguments) => context.block_on(check::run(&arguments, &context)),
        Command::Init(arguments) => init::run(&arguments, &context),
        Command::Plan(arguments) => context.block_on(plan::run(&arguments, &context)),
        Command::Submit(arguments) => context.block_on(submit::run(arguments, &context)),
        Command::Sbatch(arguments) => context.block_on(sbatch::run(arguments, &context)),
        Command::Shell(arguments) => context.block_on(shell::run(arguments, &context)),
        Command::Adopt(arguments) => context.block_on(adopt::run(arguments, &context)),
        Command::Jobs(arguments) => context.block_on(jobs::run(&arguments, &context)),
        Command::Show(arguments) => context.block_on(show::run(&arguments, &context)),
        Command::Watch(arguments) => context.block_on(watch::run(&arguments, &context)),
        Command::Logs(arguments) => context.block_on(logs::run(&arguments, &context)),
        Command::Cancel(arguments) => context.block_on(cancel::run(&arguments, &context)),
        Command::Settle(arguments) => context.block_on(settle::run(&arguments, &context)),
        Command::Balance(arguments) => context.block_on(balance::run(arguments, &context)),
        Command::Usage(arguments) => context.block_on(usage::run(&arguments, &context)),
        Command::Sites(arguments) => context.block_on(sites::run(&arguments, &context)),
        Command::Ledger(arguments) => context.block_on(ledger::run(arguments, &context)),
        Command::Doctor(_) => context.block_on(doctor::run(&context)),
        Command::LocalSupervisor(_) | Command::Completions(_) | Command::Man(_) => {
            Err(Failure::bug("the command was not run", "it needs no house"))
        }
    }
}

/// What every command may need.
pub struct Context {
    /// What holds for every command.
    pub general: General,
    /// The configuration.
    pub configuration: Configuration,
    /// The two streams.
    pub screen: Screen,
}

impl Context {
    /// The house of this machine.
    pub fn house(&self) -> Result<House, Failure> {
        wiring::house(&self.general, &self.configuration)
    }

    /// Runs a verb. One thread is enough: it waits for others most of the time.
    fn block_on(&self, verb: impl Future<Output = Result<Answer, Failure>>) -> Result<Answer, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| Failure::bug("pakt did not start", error.to_string()))?.block_on(verb)
    }
}
