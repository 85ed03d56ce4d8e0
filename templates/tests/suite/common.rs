//! A job and its stamp, to be varied by each test.

use model::{
    Environment, FailureClass, GpuRequest, JobId, JobKind, JobSpec, Launch, LinkNumber, Notify, Resources, RunLine,
    SchedulerOptions, SiteChoice, Stamp, Timestamp, WallTime,
};
use templates::FailurePattern;

/// What a log says of failures, here.
pub(crate) const PATTERNS: [FailurePattern<'static>; 5] = [
    FailurePattern { blames_node: true, ..pattern(FailureClass::NodeFault, "GPU has fallen off the bus") },
    pattern(FailureClass::NodeFault, "the GPUs are not ready"),
    pattern(FailureClass::GpuOom, "Error: CUDA out of memory"),
    pattern(FailureClass::Setup, "ModuleNotFoundError: "),
    pattern(FailureClass::Communication, "NCCL WARN|ncclRemoteError"),
];

const fn pattern(class: FailureClass, text: &'static str) -> FailurePattern<'static> {
    FailurePattern { class, text, blames_node: false }
}

/// The stamp of every test's job.
pub(crate) fn stamp() -> Stamp {
    let job = JobId::from_parts(Timestamp::from_epoch_seconds(1_793_000_000), 0x1234_5678_9abc_def0_1234);
    Stamp { job, link: LinkNumber::FIRST }
}

/// A job that runs shell text in `/`.
pub(crate) fn job(launch: Launch, run: &str) -> JobSpec {
    JobSpec {
        name: "tiny-lm".parse().expect("a name"),
        kind: JobKind::Train,
        project: "atlas".parse().expect("a name"),
        site: SiteChoice::Any,
        resources: Resources {
            nodes: Some(1),
            gpus: GpuRequest::None,
            gpu_type: None,
            time: WallTime::from_seconds(600),
            memory_mib: None,
            cpus: None,
        },
        launch,
        run: RunLine::Shell(run.to_owned()),
        workdir: "/".to_owned(),
        environment: Environment::default(),
        output: None,
        labels_ranks: false,
        notify: Notify::default(),
        scheduler: SchedulerOptions::default(),
        chain: None,
        on_failure: None,
        sweep: None,
        code: model::Code::default(),
    }
}
