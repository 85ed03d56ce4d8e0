//! Facts about sites: one YAML file each, every value with its source, date and confidence; and what follows from them
//! before any site has been contacted.
//!
//! `Catalogue` holds the profiles, `detect` tells which site this is, `place` makes a job concrete for one partition or
//! says everything that speaks against it, `tariff_for` prices runs, `drift` compares a profile with what the cluster
//! says, `figures` reads what a site says was used. Nothing here opens a connection or a file: the embedded profiles are part of the program, a user's come as text.

mod catalogue;
mod containers;
mod detect;
mod drift;
mod error;
mod factor;
mod figures;
mod outline;
mod partition;
mod place;
mod profile;
mod provenance;
mod read;
mod rules;
mod sourced;
mod tariff;
mod traced;
mod yaml;

use model::pattern;

pub use catalogue::{Catalogue, Entry};
pub use containers::Containers;
pub use detect::{Detection, Surroundings, detect};
pub use drift::{Drift, ObservedAssociation, ObservedCluster, ObservedPartition, ObservedQos, drift};
pub use error::SiteError;
pub use factor::Factor;
pub use figures::{FigureError, FigureFormat, SaidFigure, read_figures};
pub use partition::{
    CpuKind, Cpus, EarlierTariff, EndOfTime, GpuSelection, Gpus, Launchers, Limits, Memory, MemoryRule, Partition,
    Purpose, Sharing, TariffProfile, WallLimit,
};
pub use place::{LocalMachine, Placed, WantedImage, place, wanted_image};
pub use profile::{
    AccountNeed, AccountRule, BudgetWindow, Defaults, DetectionRules, DetectionVariable, LoginContract, LoginMethod,
    SchedulerKind, Site, UsageCommand,
};
pub use provenance::{AsOf, Confidence, Provenance};
pub use sourced::{Limit, LimitPlace, Sourced};
pub use tariff::tariff_for;
pub use yaml::YamlMistake;
