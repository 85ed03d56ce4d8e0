//! `pakt shell`: an interactive allocation with a hold.

use crate::{
    attended::attended,
    directory::{Intent, JobDirectory, Origin},
    error::{Gravity, JobsError},
    house::House,
    prepare::{NoHold, prepare_spec},
    reached::{reached, schedule_failure},
    submit::{digest_of, look_up, sending, take_hold, write_intent},
    undo::give_up,
};
use model::{
    AccountName, Amount, Environment, Finding, GpuRequest, JobId, JobKind, JobSpec, Launch, Notify, PartitionName,
    ProjectName, Resources, RunLine, SchedulerJobId, SchedulerOptions, Severity, SiteChoice, Unit, WallTime,
};
use scheduler_adapters::Interactive;
use std::time::Duration;

/// What a person wants a shell for.
#[derive(Clone, Debug)]
pub struct ShellWish {
    /// Who spends.
    pub project: ProjectName,
    /// Nodes.
    pub nodes: u32,
    /// GPUs on each.
    pub gpus_per_node: u32,
    /// The limit.
    pub time: WallTime,
    /// Slurm account.
    pub account: Option<AccountName>,
    /// Partition.
    pub partition: Option<PartitionName>,
    /// The reason to go on where the ledger refuses.
    pub anyway: Option<String>,
    /// What to run instead of a shell.
    pub command: Vec<String>,
}

/// A shell that is over.
pub struct ShellEnded {
    /// Our id.
    pub id: JobId,
    /// The scheduler's; none where it never came to an allocation.
    pub scheduler_job: Option<SchedulerJobId>,
    /// What was held.
    pub hold: Option<(Unit, Amount)>,
    /// The exit status of the shell.
    pub status: Option<i32>,
}

/// How often the queue is asked for the allocation's id, and how often at most.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const MOST_LOOKS: u32 = 720;

/// Opens an allocation, attached to this terminal, and waits for its end.
pub async fn shell(house: &House, wish: ShellWish) -> Result<ShellEnded, JobsError> {
    let what = "no shell was opened";
    attended(house, what)?;
    let spec = spec(house, &wish);
    let prepared = prepare_spec(house, &spec, &|findings| unplaced(&findings)).await?;
    let id = house.new_id();
    // Every shell is a wish of its own: its digest holds its id.
    let digest = digest_of(house, &("shell", id));
    house.state.claim_request(&digest, 1, id).await?;
    let intent = Intent {
        version: 1,
        id,
        name: spec.name.clone(),
        project: wish.project,
        site: house.here.clone(),
        digest,
        generation: 1,
        principal: house.principal.clone(),
        host: house.command_host().await?,
        made_at: house.clock.now(),
        origin: Some(Origin::Shell),
        placement: Some(prepared.placement.clone()),
        link_hold: None,
        continues: None,
        hold_later: prepared.no_hold.as_ref().and_then(NoHold::later),
        expected: None,
        hold: prepared.hold.map(|(_, unit, amount)| (unit, amount)),
        anyway: wish.anyway,
    };
    let interactive = Interactive {
        job_name: intent.scheduler_name(),
        stamp: intent.stamp(),
        directives: prepared.placement.directives.clone(),
        options: prepared.placement.extra.clone(),
        command: wish.command,
    };
    let command = house.scheduler.interactive(&interactive).map_err(|error| schedule_failure(&error, what))?;
    let (directory, intent) = write_intent(house, &intent).await?;
    if let Err(error) = take_hold(house, &directory, &intent).await {
        if error.gravity == Gravity::Refused {
            give_up(house, &directory, &intent, format!("never opened: {}", error.why)).await?;
        }
        return Err(error);
    }
    directory.note_sending(&sending(house, true).await?).await?;
    let attached = house.files.attach(&command);
    tokio::pin!(attached);
    let ended = tokio::select! {
        ended = &mut attached => ended,
        () = note_allocation(house, &directory, &intent) => attached.await,
    };
    let submitted = match directory.submitted().await? {
        Some(note) => Some(note),
        None => look_up(house, &directory, &intent).await?,
    };
    if submitted.is_none() {
        give_up(house, &directory, &intent, "no allocation came to be".to_owned()).await?;
    }
    let status = reached(ended, what)?;
    Ok(ShellEnded { id, scheduler_job: submitted.map(|note| note.scheduler_job), hold: intent.hold, status })
}

/// Notes the allocation's id while the shell is open; what is not seen now is looked up at its end.
async fn note_allocation(house: &House, directory: &JobDirectory, intent: &Intent) {
    for _ in 0..MOST_LOOKS {
        tokio::time::sleep(LOOK_EVERY).await;
        if let Ok(Some(_)) = look_up(house, directory, intent).await {
            return;
        }
    }
}

/// What is wrong with the wish, in one error: there is no file to point into.
fn unplaced(findings: &[Finding]) -> JobsError {
    let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let why = errors.iter().map(|finding| finding.what.as_str()).collect::<Vec<_>>().join("; ");
    let next = errors.iter().map(|finding| finding.next.as_str()).collect::<Vec<_>>().join("; ");
    JobsError::usage("no shell was opened", why, next)
}

fn spec(house: &House, wish: &ShellWish) -> JobSpec {
    JobSpec {
        name: "shell".parse().expect("`shell` is a job name"),
        kind: JobKind::Command,
        project: wish.project.clone(),
        site: SiteChoice::OneOf(vec![house.here.clone()]),
        resources: Resources {
            nodes: Some(wish.nodes),
            gpus: if wish.gpus_per_node == 0 { GpuRequest::None } else { GpuRequest::PerNode(wish.gpus_per_node) },
            gpu_type: None,
            time: wish.time,
            memory_mib: None,
            cpus: None,
        },
        launch: Launch::Command,
        run: RunLine::Words(wish.command.clone()),
        workdir: "~".to_owned(),
        environment: Environment::default(),
        output: None,
        labels_ranks: false,
        notify: Notify::default(),
        scheduler: SchedulerOptions {
            account: wish.account.clone(),
            partition: wish.partition.clone(),
            ..SchedulerOptions::default()
        },
        chain: None,
        on_failure: None,
        sweep: None,
        code: model::Code::default(),
    }
}
