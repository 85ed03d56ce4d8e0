//! The only door to processes and files, here or at a site: the [`Reach`] contract and its local side.
//!
//! Nothing in this crate knows a scheduler or a data format. A command's output is bounded, a time-out is a fact in the
//! [`Output`] and not an error, and a file is published whole or not at all. What connects to another host implements
//! the same contract, so that callers never ask where they are.

mod command;
mod connection;
mod conversation;
mod counters;
mod directories;
mod error;
pub mod files;
mod growing_file;
pub mod http;
mod local;
mod local_conversation;
mod local_process;
mod making;
mod reach;
mod secret_file;
mod ssh;
mod words;

pub use command::{Command, DEFAULT_OUTPUT_LIMIT, Output};
pub use connection::{Address, Connection};
pub use conversation::Conversation;
pub use counters::{Counters, counters};
pub use error::{ReachError, ReachErrorKind, Retry, opened_with};
pub use files::PUBLISHED_LIMIT;
pub use growing_file::GrowingFile;
pub use local::Local;
pub use making::{Making, make};
pub use reach::{Created, DirectoryMode, Entry, EntryKind, Part, PieceTaker, Published, Reach};
pub use ssh::{Closes, ConnectionState, Login, Master, OpenSsh, Opening, SshSettings};
pub use words::io_words;
