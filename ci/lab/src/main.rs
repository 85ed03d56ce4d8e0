//! The program `lab`: a person's and a script's way to the test lab.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lab::{LabError, Layout, Outcome, POSTGRES, User};

/// Starts and stops real Slurm clusters, and a PostgreSQL, on this machine, for tests.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Bring clusters or PostgreSQL up; what runs already is kept
    Up {
        /// The clusters, and `postgres`; all where none is named
        names: Vec<String>,
    },
    /// Print what a shell must export to use a cluster or PostgreSQL
    Env {
        /// The cluster, or `postgres`
        name: String,
    },
    /// Print what runs
    Status,
    /// End the lab's servers and remove all that it made
    Down,
    /// Run a command as an ordinary user of the lab, in the user's home
    Run {
        /// The cluster
        cluster: String,
        /// The user: ada, ben or cleo
        #[arg(long = "as", value_parser = user)]
        user: User,
        /// Another folder to run in
        #[arg(long)]
        directory: Option<PathBuf>,
        /// The command with its arguments
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Copy files to where every user of the lab can read them; prints their new paths
    Share {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

fn user(text: &str) -> Result<User, String> {
    User::ALL.into_iter().find(|user| user.short_name() == text).ok_or_else(|| "one of ada, ben, cleo".to_owned())
}

fn main() -> ExitCode {
    let lab = Layout::from_environment();
    match act(&lab, Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error}\nnext:  {}", error.next()));
            ExitCode::FAILURE
        }
    }
}

fn act(lab: &Layout, action: Action) -> Result<ExitCode, LabError> {
    match action {
        Action::Up { names } => {
            let names = if names.is_empty() { lab::names() } else { names };
            for (name, outcome) in lab::up(lab, &names, &say)? {
                print(&format!("{name}: {}", in_words(outcome)));
            }
        }
        Action::Env { name } => print_environment(&environment(lab, &name)?),
        Action::Status => return status(lab),
        Action::Down => lab::down(lab)?,
        Action::Run { cluster, user, directory, command } => {
            let cluster = lab::attach(&cluster)?;
            let mut process = cluster.command_as(user, &command[0]);
            process.args(&command[1..]);
            if let Some(directory) = directory {
                process.current_dir(directory);
            }
            let error = process.exec();
            return Err(LabError::Command { command: command.join(" "), output: error.to_string() });
        }
        Action::Share { files } => {
            for file in files {
                print(&lab::share(lab, &file)?.display().to_string());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Made => "up",
        Outcome::Repaired => "up; servers that had ended were started again",
        Outcome::Kept => "up already",
        Outcome::KeptOlder => "up already, built by another version of the lab (`lab down` and `lab up` renew it)",
    }
}

/// The variables of a shell that uses it.
fn environment(lab: &Layout, name: &str) -> Result<Vec<(&'static str, String)>, LabError> {
    let lab = (lab::DIRECTORY_VARIABLE, lab.directory().display().to_string());
    if name == POSTGRES {
        let postgres = lab::postgres()?;
        return Ok(vec![lab, ("PAKT_LAB_POSTGRES", postgres.url()), ("PAKT_LAB_POSTGRES_TCP", postgres.tcp_url())]);
    }
    let cluster = lab::attach(name)?;
    Ok(vec![
        ("SLURM_CONF", cluster.slurm_conf.display().to_string()),
        lab,
        ("PAKT_LAB_CLUSTER", cluster.name.clone()),
        ("PAKT_LAB_PROJECT", cluster.shared_directory().display().to_string()),
    ])
}

fn print_environment(variables: &[(&str, String)]) {
    for (name, value) in variables {
        print(&format!("export {name}='{}'", value.replace('\'', r"'\''")));
    }
}

/// Exit code 1 where a server is down, so that a script can ask.
fn status(lab: &Layout) -> Result<ExitCode, LabError> {
    let servers = lab::status(lab)?;
    if servers.is_empty() {
        print(&format!("no lab at {}", lab.directory().display()));
        return Ok(ExitCode::FAILURE);
    }
    for server in &servers {
        let process = server.process.map_or_else(|| "does not run".to_owned(), |id| format!("process {id}"));
        print(&format!("{:<8} {:<20} {process}", server.owner, server.role));
    }
    let all = servers.iter().all(|server| server.process.is_some());
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A line for programs and people who asked for it. A reader that has gone away needs no more lines.
fn print(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// A line about what happens.
fn say(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
