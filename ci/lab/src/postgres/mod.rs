//! PostgreSQL in the lab: one server with data, port and socket of its own, and a fresh database for each test.

mod attached;
mod client;
mod database;
mod fault_proxy;
mod instance;
mod programs;

pub use attached::{POSTGRES, Postgres, postgres, postgres_exclusive};
pub use database::Database;
pub use fault_proxy::{FaultProxy, Moment};
pub(crate) use instance::Instance;
pub(crate) use programs::missing_packages;
