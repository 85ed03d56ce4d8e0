//! Submitting here: a directory, a copy of the script, a record, a supervisor.

use crate::{
    AdapterError, AdapterErrorKind, Estimate, ScriptSource, Submission, Submitted,
    local::{
        LocalConfiguration,
        facts::{End, ProcessIdentity, Record},
        schedule::{self, Slots, Turn},
        store::{LOG, RECORD, SCRIPT, SUPERVISOR, Store, failed, write_fact},
    },
};
use model::{BaseState, SchedulerJobId, Timestamp, UserName};
use reach::ReachError;
use std::{
    fs::{self, File, OpenOptions},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const DOING: &str = "submitting to this host";

/// The most bytes of a script; what a scheduler takes is of this order (`max_script_size` of slurm.conf(5): 4 MB).
const SCRIPT_LIMIT: u64 = 4 * 1024 * 1024;

/// How long a supervisor may take to say that it is there. Shorter than what `reap` allows.
const BIRTH_LIMIT: Duration = Duration::from_secs(30);

fn refused(said: String) -> AdapterError {
    AdapterError::new(AdapterErrorKind::Refused { said }, DOING)
}

/// Why a job can never run here, if so.
pub(super) fn refusal(submission: &Submission, configuration: &LocalConfiguration) -> Option<String> {
    let asked = &submission.local_resources;
    let over = |asked: u32, there: u32, what: &str| {
        (asked > there).then(|| format!("this host has {there} {what} for jobs, the job asks for {asked}"))
    };
    over(asked.nodes, 1, "node")
        .or_else(|| over(asked.gpus, configuration.gpus, "GPU slots"))
        .or_else(|| over(asked.cpus, configuration.cpus, "CPU slots"))
        .or_else(|| (asked.time_limit.seconds() == 0).then(|| "the time limit is zero".to_owned()))
        .or_else(|| {
            let options = &submission.options;
            (!options.is_empty()).then(|| format!("the local scheduler knows no options: {}", options.join(" ")))
        })
}

/// Submits: after this the job has a supervisor that is alive.
pub(super) fn submit(
    submission: &Submission,
    configuration: &LocalConfiguration,
    user: &UserName,
    now: Timestamp,
) -> Result<Submitted, AdapterError> {
    if let Some(said) = refusal(submission, configuration) {
        return Err(refused(said));
    }
    let script = read_script(&submission.script)?;
    let store = Store::new(configuration.state_directory.clone());
    let failed = failed(DOING);
    let record_of = |id| record(id, submission, configuration, user, now);
    store.prepare().map_err(&failed)?;
    let id = store.claim_id().map_err(&failed)?;
    let written = record_of(id).and_then(|record| {
        write_script(&store.job(id).join(SCRIPT), &script).map_err(&failed)?;
        write_fact(&store.job(id).join(RECORD), &record).map_err(&failed)
    });
    if let Err(error) = written.and_then(|_| start_supervisor(&store, id, configuration)) {
        // Without the end the job is reaped later, with the same outcome.
        let _ = store.end(id, &End::at(now, BaseState::BootFail));
        return Err(error);
    }
    let cluster = super::scheduler::CLUSTER.parse().ok();
    Ok(Submitted { id, cluster, chatter: String::new() })
}

fn read_script(source: &ScriptSource) -> Result<Vec<u8>, AdapterError> {
    let ScriptSource::File(path) = source;
    let mut script = Vec::new();
    let read = File::open(path).and_then(|file| file.take(SCRIPT_LIMIT + 1).read_to_end(&mut script));
    if let Err(error) = read {
        return Err(refused(format!("the script {path} cannot be read: {error}")));
    }
    if !script.starts_with(b"#!") {
        return Err(refused(format!(
            "the script {path} does not name its interpreter (`#!/bin/bash`) in its first line"
        )));
    }
    if script.len() as u64 > SCRIPT_LIMIT {
        return Err(refused(format!("the script {path} is longer than {SCRIPT_LIMIT} bytes")));
    }
    Ok(script)
}

fn write_script(path: &Path, script: &[u8]) -> Result<(), ReachError> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(path)?;
        std::io::Write::write_all(&mut file, script)
    };
    write().map_err(|error| ReachError::from_io(&error, "writing", path))
}

fn record(
    id: SchedulerJobId,
    submission: &Submission,
    configuration: &LocalConfiguration,
    user: &UserName,
    now: Timestamp,
) -> Result<Record, AdapterError> {
    let here = || std::env::current_dir().map_err(|error| refused(format!("the current directory is gone: {error}")));
    let directory = match &submission.directory {
        Some(directory) => PathBuf::from(directory),
        None => here()?,
    };
    let pattern = submission.output.as_deref().unwrap_or("local-%j.out");
    let output = directory.join(expand(pattern, id, &submission.job_name));
    let asked = &submission.local_resources;
    Ok(Record {
        id,
        user: user.to_string(),
        name: submission.job_name.clone(),
        stamp: submission.stamp.to_string(),
        submitted_at: now,
        arguments: submission.script_arguments.clone(),
        directory,
        output,
        cpus: asked.cpus.max(1),
        gpus: asked.gpus,
        time_limit_seconds: asked.time_limit.seconds(),
        host_cpus: configuration.cpus,
        host_gpus: configuration.gpus,
    })
}

/// The patterns of sbatch(1) that mean something here: `%j` and `%A` the id, `%x` the name, `%%` a percent sign.
fn expand(pattern: &str, id: SchedulerJobId, name: &str) -> String {
    let mut expanded = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '%') {
            (_, true) => match letters.next() {
                Some('j' | 'A') => expanded += &id.to_string(),
                Some('x') => expanded += &name.replace('/', "_"),
                Some('%') | None => expanded.push('%'),
                Some(other) => expanded.extend(['%', other]),
            },
            (letter, false) => expanded.push(letter),
        }
    }
    expanded
}

fn start_supervisor(store: &Store, id: SchedulerJobId, configuration: &LocalConfiguration) -> Result<(), AdapterError> {
    let directory = store.job(id);
    let (program, arguments) = configuration.supervisor.split_first().ok_or_else(|| {
        AdapterError::new(AdapterErrorKind::Unsupported, DOING).with("cause", "no supervisor program")
    })?;
    let spawn = || -> std::io::Result<Child> {
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(directory.join(LOG))?;
        let mut command = Command::new(program);
        command.args(arguments).arg(&directory).current_dir(&directory);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
    };
    let mut child = spawn().map_err(|error| {
        AdapterError::new(AdapterErrorKind::Unreachable, DOING).with("supervisor", program).with("cause", error)
    })?;
    wait_for_birth(store, id, &mut child)
}

/// Waits until the supervisor has said who it is. From then on the job is its own.
fn wait_for_birth(store: &Store, id: SchedulerJobId, child: &mut Child) -> Result<(), AdapterError> {
    let begun = Instant::now();
    loop {
        if store.fact::<ProcessIdentity>(id, SUPERVISOR).map_err(failed(DOING))?.is_some() {
            return Ok(());
        }
        let ended = child.try_wait().ok().flatten();
        if ended.is_none() && begun.elapsed() < BIRTH_LIMIT {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        }
        // It cannot become alive any more: it is waited for.
        let _ = child.kill();
        let _ = child.wait();
        let log = fs::read_to_string(store.job(id).join(LOG)).unwrap_or_default();
        let ending = ended.map_or("out of time".to_owned(), |status| status.to_string());
        return Err(AdapterError::new(AdapterErrorKind::Unreachable, DOING)
            .with("supervisor", ending)
            .with("said", log.trim()));
    }
}

/// When a job would start: at once where it fits beside those that have not ended, else nobody knows.
pub(super) fn estimate(
    submission: &Submission,
    configuration: &LocalConfiguration,
    user: &UserName,
    now: Timestamp,
) -> Result<Estimate, AdapterError> {
    if let Some(said) = refusal(submission, configuration) {
        return Ok(Estimate::Refused { said });
    }
    let next = SchedulerJobId::new(u64::MAX);
    let store = Store::new(configuration.state_directory.clone());
    let active = schedule::active(&store).map_err(failed("estimating a start"))?;
    let record = record(next, submission, configuration, user, now)?;
    Ok(match Slots::taken_by(&active).turn(&record) {
        Turn::Now(_) => Estimate::StartsAt { at: now, said: "there is room now".to_owned() },
        Turn::Priority => Estimate::Unknown { said: "jobs before it wait".to_owned() },
        Turn::Resources => Estimate::Unknown { said: "all slots are taken".to_owned() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_patterns() {
        let id = SchedulerJobId::new(12);
        for (pattern, path) in
            [("out-%j.txt", "out-12.txt"), ("%x.%A", "a_b.12"), ("100%%", "100%"), ("%N-%", "%N-%"), ("plain", "plain")]
        {
            assert_eq!(expand(pattern, id, "a/b"), path, "{pattern}");
        }
    }
}
