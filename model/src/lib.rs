//! The words of the domain: ids, units, time, the job a person describes, where it is placed, what ran, what it costs.
//!
//! One file a noun. Nothing here opens a file, reads a clock or knows a scheduler; amounts are integers. Every other
//! folder of the house may import this one, and this one imports none of them (docs/ARCHITECTURE.md, "One idea").

mod amount;
mod architecture;
mod balance;
mod chain;
mod charge_rule;
mod code;
mod container_rules;
mod counted;
mod day;
mod digest;
mod directory_prefix;
mod duration;
mod end_state;
mod evaluation;
mod factors;
mod failure_class;
mod finding;
mod gpu_vendor;
mod harness;
mod id;
mod image;
mod name;
mod on_failure;
pub mod pattern;
mod pending_limit;
mod pending_reason;
mod period;
mod placement;
mod price;
mod principal;
mod research_object;
mod run;
mod score_matrix;
mod spec;
mod split;
mod stamp;
mod state;
mod statement;
mod storage;
mod sweep;
mod tariff;
mod time;
mod tres;
mod unit;
mod zone;

pub use amount::{Amount, AmountError};
pub use architecture::Architecture;
pub use balance::{Balance, Completeness, SiteFigure};
pub use chain::{Chain, SignalError, StopSignal, Until};
pub use charge_rule::ChargeRule;
pub use code::Code;
pub use container_rules::{ContainerRules, ContainerRuntime};
pub use counted::{agreeing, counted, counted_the};
pub use day::{Day, DayError, Month};
pub use digest::{Sha256, Sha256Error};
pub use directory_prefix::{DirectoryPrefix, DirectoryPrefixError};
pub use duration::{DurationError, WallTime};
pub use end_state::{EndState, EndStateError};
pub use evaluation::{Score, ScoreSource, ScoredBy, ScoredTask, Subject};
pub use factors::Factors;
pub use failure_class::FailureClass;
pub use finding::{Finding, Severity};
pub use gpu_vendor::GpuVendor;
pub use harness::{
    Evaluation, EvaluationStart, Follows, Harness, MODEL_PARAMETER, PORT_VARIABLE, RESULTS_VARIABLE, STEP_PARAMETER,
    Serve, TASKS_PARAMETER,
};
pub use id::{JobId, JobIdError, LinkNumber, RunKey, SchedulerJobId, SchedulerJobIdError};
pub use image::{ChosenImage, ImageGpus, ImageKey, ImageKeyError, Images};
pub use name::{
    AccountName, ClusterName, FilterName, GpuType, JobName, MetricName, ModelName, NameError, ParameterName,
    PartitionName, ProgrammeName, ProjectName, QosName, ScoreUnit, SiteName, TaskName, UserName,
};
pub use on_failure::OnFailure;
pub use pattern::{Pattern, PatternError};
pub use pending_limit::{LimitMeasure, LimitReason, LimitScope};
pub use pending_reason::{PendingClass, PendingReason};
pub use period::{Period, PeriodError};
pub use placement::{Directive, EnvironmentSetting, LauncherRules, NodeShare, Placement, RendezvousRule};
pub use price::{Charge, Price, price};
pub use principal::Principal;
pub use research_object::{ObjectFile, ObjectFileRole, ObjectImage, ObjectSource, ObjectUsage, ResearchObject};
pub use run::{EvidenceClass, ExitCode, Run, early_start};
pub use score_matrix::{Cell, MOST_CELLS, Replaced, ScoreMatrix, TooManyCells};
pub use spec::{
    Environment, GpuRequest, JobKind, JobSpec, Launch, Notify, NotifyWhen, Resources, RunLine, SchedulerOptions,
    SiteChoice,
};
pub use split::{Piece, SplitError, amount_before, amount_within, split_at, split_evenly};
pub use stamp::{ArrayStamp, Stamp, StampError, TasksAre};
pub use state::{BaseState, JobState, StateFlag};
pub use statement::{Statement, StatementLine, StatementLineKind, StatementPart};
pub use storage::{StorageArea, StorageContext, StorageRole};
pub use sweep::{Point, Sweep};
pub use tariff::{Tariff, TariffId};
pub use time::{Clock, TimeError, Timestamp, Window};
pub use tres::{GpuCount, Tres};
pub use unit::{ResourceClass, Unit, UnitError};
pub use zone::{AccountingZone, Zone, ZoneError};
