//! The test lab: real Slurm clusters on one machine, shaped like the sites that Pakt serves, and a PostgreSQL, for
//! tests, benchmarks and the quickstart.
//!
//! # The program
//!
//! ```text
//! lab up jupiter horeka raven       as root: make what is missing, keep what runs
//! lab up postgres                   the same for PostgreSQL; as anybody, in a folder of one's own
//! eval "$(lab env jupiter)"         SLURM_CONF for this shell
//! eval "$(lab env postgres)"        the URL of a database in PAKT_LAB_POSTGRES, over TCP in PAKT_LAB_POSTGRES_TCP
//! lab run jupiter --as ada -- squeue
//! lab share target/debug/pakt       copy to where the lab's users can read it
//! lab status
//! lab down                          end and remove all of it
//! ```
//!
//! Everything lies below one folder, `/var/tmp/pakt-lab` or what `PAKT_LAB` names: munged, MariaDB and, for each
//! cluster, slurmdbd, slurmctld, slurmrestd and a slurmd for each node, on free ports of loopback that `up` records in `lab.json`.
//! Servers are found by a mark in their environment and ended through a pidfd: the lab never touches a server that it
//! did not start. PostgreSQL has its own data, socket and port, and makes no use of a server that Debian's package may
//! have made. Users `pakt-ada`, `pakt-ben` and `pakt-cleo` and the group `pakt-atlas` exist while the lab does, so
//! a machine has one lab at a time.
//!
//! # The library
//!
//! ```no_run
//! use lab::User;
//!
//! let jupiter = lab::attach("jupiter")?;
//! let output = jupiter.command_as(User::Ada, "sbatch").args(["--account=atlas", "--wrap=hostname"]).output();
//! # Ok::<(), lab::LabError>(())
//! ```
//!
//! A test attaches to a lab that is up; it brings none up itself. [`attach`] holds the cluster together with other
//! tests, [`attach_exclusive`] alone, which stopping its servers needs. Names of such tests begin with `real_`.
//!
//! PostgreSQL is one server for all tests, and each has a fresh database, dropped at its end:
//!
//! ```no_run
//! use lab::{FaultProxy, Moment};
//!
//! let postgres = lab::postgres()?;
//! let database = postgres.database()?;
//! println!("{} {}", database.url(), database.tcp_url());
//!
//! let proxy = FaultProxy::before(postgres.port())?;
//! println!("{}", database.tcp_url_at(proxy.port()));
//! proxy.cut_at(Moment::BeforeAnswer, "COMMIT");
//! # Ok::<(), lab::LabError>(())
//! ```
//!
//! [`postgres_exclusive`] holds it alone, to stop, kill and start it. The role in the URLs owns its databases and may
//! make others; it is no superuser. Texts are ordered as in English (`en-US`, ICU) and commits are synced, as on a real
//! server: what needs the order of bytes says `COLLATE "C"`.
//!
//! A login node is an OpenSSH server that a test starts for itself, as anybody:
//!
//! ```no_run
//! let node = lab::LoginNode { banner: Some("Welcome".to_owned()), ..lab::LoginNode::default() };
//! let login = lab::Sshd::start("root", &node)?;
//! println!("{}", login.host_block("login1", ""));
//! # Ok::<(), lab::LabError>(())
//! ```
//!
//! # The clusters
//!
//! | | jupiter | horeka | raven |
//! |---|---|---|---|
//! | nodes | 4 with 4 `gpu:gh200`, exclusive | 2 with 4 `gpu:a100`, 2 with 4 `gpu:h100`, shared | 2 with 4 `gpu:a100`, 1 without, shared |
//! | partitions | `booster` | `accelerated`, `accelerated-h100` | `general`, `gpu`, `gpudev` |
//! | accounts | `atlas` (ada, ben, cleo), `borealis` (ben); mandatory | `hk-project-atlas` (all three), `hk-project-small` (ada, ben) | `mpg`, by default |
//! | coordinator | cleo of `atlas` | cleo of `hk-project-atlas` | cleo of `mpg` |
//! | limits | 12 h in QOS `normal`, none in the partition | `GrpTRESMins` on both accounts, `safe`; 48 h | 24 h; 8 running, 300 submitted jobs |
//! | submit filter | refuses without account, adds `gpu:4` | none | partition from constraint, memory mandatory below a full node |
//! | comments stored | yes, and scripts | no | yes |
//! | others' jobs | shown | hidden (`PrivateData`) | shown |
//!
//! GPUs are device files without a device. Nodes' names do not resolve: all nodes are 127.0.0.1.

mod accounts;
mod attached;
mod cluster;
mod command;
mod down;
mod error;
mod files;
mod layout;
mod lock;
mod packages;
mod ports;
mod postgres;
mod process;
mod render;
mod rest;
mod server;
pub mod shapes;
mod shared;
mod sshd;
mod state;
mod status;
mod up;
mod users;
mod wait;

pub use attached::{Cluster, attach, attach_exclusive, share};
pub use down::down;
pub use error::LabError;
pub use layout::{DIRECTORY_VARIABLE, Layout};
pub use packages::missing_packages;
pub use postgres::{Database, FaultProxy, Moment, POSTGRES, Postgres, postgres, postgres_exclusive};
pub use shapes::SHAPES;
pub use sshd::{LoginNode, Sshd};
pub use status::{ServerStatus, status};
pub use up::{Outcome, names, up};
pub use users::User;
pub use wait::wait_until;
