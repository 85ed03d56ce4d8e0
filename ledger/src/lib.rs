//! Who has, holds and owes GPU time: double entry per unit, holds with a remainder, runs that draw from them.
//!
//! [`Book`] is the contract: commands go in, all or nothing, and balances, statements and entries come out. Three layers
//! lie below it. `rules` are pure: what is charged to whom, what may be refused, what a replay of the entries gives.
//! `procedures` are the order of steps of each command, written once over `Records`, what they need of a store inside
//! one transaction. `sqlite` is the embedded store, `postgres` the shared one. A posted entry is never changed and never
//! deleted.

mod account;
mod binding;
mod book;
mod bundle;
mod by_hand;
mod clock;
mod command;
mod coverage;
mod covered;
mod decided;
mod entry;
mod error;
pub mod evidence;
mod export;
mod grant;
mod hold;
mod import_batch;
mod observation;
mod outcome;
mod post;
mod postgres;
mod price_shape;
mod procedures;
mod random;
mod records;
mod refusal;
mod rules;
mod schema_step_10;
mod schema_step_11;
mod schema_step_8;
mod schema_step_9;
mod schema_version;
mod scope;
mod settled_run;
mod site_figure;
mod sqlite;
mod still_running;
mod store;
mod stored;
mod unpriced;
mod usage;
mod verification;
mod words;
mod workbench;
mod workbench_runs;

pub use self::postgres::{PostgresBook, PostgresPlace};
pub use account::{Account, AccountError};
pub use binding::{Binding, BindingRecord, Cursor, Enforce, Reattribute, SetPolicy, Unbind};
pub use book::{BalanceQuery, Book, EntryPage};
pub use bundle::{
    Batch, BatchCoverage, BundleFault, BundleHeader, BundleMark, BundleReader, BundleWriter, BundledRun, KeepBundle,
    KeyTrust, KeyTrustError, MOST_RUNS, SeenPending, SeenRun, Sight,
};
pub use by_hand::{ALONE_UP_TO, ALONE_WITHIN_SECONDS, Adjust, Adjusted, ChargedRun, Delegate, Proposal, Refund};
pub use clock::{CLOCK_TOLERANCE_SECONDS, is_ahead, is_apart};
pub use command::Command;
pub use coverage::{AccountCoverage, BoundAndRead, Coverage, ReaderRights, ReaderRightsError, WholeReader};
pub use covered::{CoveredRun, CoveredSum};
pub use decided::{DecidedKind, DecidedLeaf, DecidedRecord};
pub use entry::{Entry, EntryKind, Links, Particulars, Ran};
pub use error::{LedgerError, LedgerErrorKind, Retry};
pub use export::{EntryRecord, ExportAudit, ExportLine, LogRecord, Masks, PersonRecord};
pub use grant::{Expiry, Grant, NewGrant, NewOpening, Withdraw};
pub use hold::{AmendHold, CloseHold, CloseReason, Closing, Hold, HoldId, NewCeiling, NewHold};
pub use import_batch::{ControlTotal, ImportBatch, ImportRecord};
pub use observation::{Observation, ObservedPending, ObservedRun};
pub use outcome::{Effect, Outcome, Paid, SettleOutcome};
pub use random::Random;
pub use refusal::Refusal;
pub use rules::{
    Budget, Coming, Content, ContentError, Debt, Decision, Drawing, Event, Facts, FixedTerm, Gap, GivenLot, GrantFault,
    GrantTerms, HardStop, Lot, LotBalance, LotBook, LotChange, LotError, LotId, MOST_OF_ONE, MonthlyJsc, NhrQuarterly,
    Policy, Rate, Reason, Reservation, Soft, Spender, Spending, Standing, UsedUp, Words, account_coverage,
    binding_coverage, borders_of, check_grant, missing, payer, running, runs_as, unpriced,
};
pub use scope::{Scope, ScopeError};
pub use settled_run::{RunPrice, SettledRun, UnattributedReason, UnattributedRun};
pub use site_figure::{NewSiteFigure, SiteFigureRecord};
pub use sqlite::{OpenMode, SqliteBook, StopPoint, Surroundings};
pub use still_running::{RunningRows, StillRunning};
pub use unpriced::UnpricedRuns;
pub use usage::{
    KnownAt, SiteChargeSum, SiteZone, UsageField, UsageFilter, UsageGroup, UsageQuery, UsageSpan, UsageSum,
};
pub use verification::{Outside, Verification};
pub use words::has_word;
