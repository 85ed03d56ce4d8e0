//! The contract of a place where processes run and files lie.

use crate::{Address, Command, Connection, Conversation, Making, Output, ReachError, ReachErrorKind, Retry};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use model::Timestamp;
use std::path::{Path, PathBuf};

/// Who may enter a new directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryMode {
    /// The owner alone: 0700.
    Private,
    /// The owner and the directory's group, which new files inherit: 2770.
    Group,
    /// As [`Self::Group`], and what somebody puts there only they may move or remove: 3770.
    GroupSticky,
    /// The owner writes, the directory's group reads: 2750.
    GroupReads,
}

/// What a publication found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// The name is ours, with our bytes.
    New,
    /// Someone was first; these are their bytes, and ours are nowhere.
    Existing(Vec<u8>),
}

/// What an exclusive creation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is ours.
    New,
    /// It was there.
    Existing,
}

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link (not followed), a socket, a device.
    Other,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without the directory; bytes that are no UTF-8 are replaced.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written.
    pub modified_at: Timestamp,
    /// Its permission bits, as chmod(1) writes them in octal.
    pub mode: u32,
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes read.
    pub bytes: Vec<u8>,
    /// The size of the whole file when it was read.
    pub total_bytes: u64,
}

/// Takes what a command prints, piece by piece.
#[async_trait]
pub trait PieceTaker: Send {
    /// Takes the next piece. Nothing more is read until this returns, and the command's time stands still meanwhile: it
    /// waits for us, not we for it.
    async fn take(&mut self, piece: &[u8]);
}

#[async_trait]
impl<Take: for<'piece> FnMut(&'piece [u8]) + Send> PieceTaker for Take {
    async fn take(&mut self, piece: &[u8]) {
        self(piece);
    }
}

/// So many files are asked for at once, where many are.
const FILES_AT_ONCE: usize = 32;

/// A place where processes run and files lie: this host, or one behind a connection.
#[async_trait]
pub trait Reach: Send + Sync {
    /// Runs a command. After `Ok` it has ended, or is out of time and, unless it is to be left alone, its whole process
    /// group is killed; what it printed is there either way. After `Err` it did not start (`Retry::Never`,
    /// `Retry::Later`) or its outcome is unknown (`Retry::LookFirst`): it printed more than allowed, say. A command that
    /// is to be left alone is not killed for that either.
    async fn run(&self, command: &Command) -> Result<Output, ReachError>;

    /// As [`Self::run`], with standard output handed on piece by piece as it comes, for answers too large to be kept:
    /// `Output::stdout` is empty. What was handed on before an `Err`, a bad end or the end of the time is a part and no
    /// answer.
    async fn run_through(&self, command: &Command, taker: &mut dyn PieceTaker) -> Result<Output, ReachError> {
        let mut output = self.run(command).await?;
        taker.take(&std::mem::take(&mut output.stdout)).await;
        Ok(output)
    }

    /// Starts a program to speak with; its time limit and its output limit do not count. After `Ok` it runs; after `Err` it
    /// did not start.
    async fn converse(&self, command: &Command) -> Result<Box<dyn Conversation>, ReachError> {
        Err(ReachError::new(ReachErrorKind::Unsupported, Retry::Never, format!("speaking with {}", command.program)))
    }

    /// How many copies of one program it is right to speak with at once: each takes a session of a connection, where there is
    /// one.
    fn most_copies(&self) -> usize {
        usize::MAX
    }

    /// Connects to a server, as the place sees it. After `Ok` somebody has accepted; after `Err` nothing was sent.
    async fn connect(&self, address: &Address) -> Result<Box<dyn Connection>, ReachError> {
        Err(ReachError::new(ReachErrorKind::Unsupported, Retry::Never, format!("connecting to {address}")))
    }

    /// Runs a command on the terminal of this process, in its foreground, and waits for its end however long that takes.
    /// After `Ok` it has ended; the exit status is none when a signal ended it.
    async fn attach(&self, command: &Command) -> Result<Option<i32>, ReachError>;

    /// Reads a whole file of at most `limit` bytes; none where there is no such file.
    async fn read(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError>;

    /// Reads a whole file as [`Self::read`], which has to be a regular one of the user who reads it, and nobody else's to
    /// read or write. `NotPermitted` names what is wrong with it; nothing was read then.
    async fn read_secret(&self, path: &Path, _limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
        Err(ReachError::new(ReachErrorKind::Unsupported, Retry::Never, format!("reading {}", path.display())))
    }

    /// Reads at most `limit` bytes from an offset, counted from the end where it is negative; none where there is no
    /// such file.
    async fn read_part(&self, path: &Path, offset: i64, limit: usize) -> Result<Option<Part>, ReachError>;

    /// Publishes a file under a name that is free. After `Ok` a whole, synced file stands there, ours or an earlier one;
    /// of any number of writers exactly one gets `New`. A name is never replaced. An earlier file of more than
    /// [`PUBLISHED_LIMIT`](crate::PUBLISHED_LIMIT) bytes is an error (`TooLong`): it was not written by us, and ours is
    /// nowhere.
    async fn write_once(&self, path: &Path, bytes: &[u8]) -> Result<Published, ReachError>;

    /// Publishes a file under a name, in place of what stands there. After `Ok` the new bytes are synced; after `Err`
    /// the old ones or the new ones stand there, whole.
    async fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError>;

    /// Adds bytes at the end of a file, creating it, and syncs it.
    async fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError>;

    /// Makes a directory that must not be there yet; of any number of callers exactly one gets `New`.
    async fn create_directory_exclusive(&self, path: &Path, mode: DirectoryMode) -> Result<Created, ReachError>;

    /// Makes a directory and those above it that are missing; what is there stays as it is.
    async fn create_directories(&self, path: &Path, mode: DirectoryMode) -> Result<(), ReachError>;

    /// Makes several things in this order, each as [`Self::create_directories`] and [`Self::write_once`] do; the outcomes of
    /// the files, in their order. After `Ok` all of it is synced. After `Err`, and after a death in the middle, each of them
    /// is there or is not, whatever stood before it in the order; each file that is there is whole.
    async fn make(&self, makings: Vec<Making>) -> Result<Vec<Published>, ReachError> {
        let mut published = Vec::new();
        for making in makings {
            match making {
                Making::Directories(path, mode) => self.create_directories(&path, mode).await?,
                Making::File(path, bytes) => published.push(self.write_once(&path, &bytes).await?),
            }
        }
        Ok(published)
    }

    /// Reads the first of these files that is there, as [`Self::read`] does; which one it is. They are looked for in this
    /// order, one after the other.
    async fn read_first(&self, files: &[(PathBuf, usize)]) -> Result<Option<(usize, Vec<u8>)>, ReachError> {
        for (place, (path, limit)) in files.iter().enumerate() {
            if let Some(bytes) = self.read(path, *limit).await? {
                return Ok(Some((place, bytes)));
            }
        }
        Ok(None)
    }

    /// Reads each of these files, as [`Self::read`] does; the answers in their order. Each file takes its own time: they are not read at
    /// one instant. The first failure is that of all.
    async fn read_each(&self, files: &[(PathBuf, usize)]) -> Result<Vec<Option<Vec<u8>>>, ReachError> {
        let mut reads = Vec::with_capacity(files.len());
        for (path, limit) in files {
            reads.push(self.read(path, *limit));
        }
        stream::iter(reads).buffered(FILES_AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
    }

    /// Lists each of these directories, as [`Self::list`] does; the answers in their order. The first failure is that of all.
    async fn list_each(&self, directories: &[PathBuf]) -> Result<Vec<Option<Vec<Entry>>>, ReachError> {
        let mut lists = Vec::with_capacity(directories.len());
        for path in directories {
            lists.push(self.list(path));
        }
        stream::iter(lists).buffered(FILES_AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
    }

    /// Lists a directory, sorted by name; none where there is no such directory.
    async fn list(&self, path: &Path) -> Result<Option<Vec<Entry>>, ReachError>;

    /// When a file or directory was last written; none where there is nothing.
    async fn modified_at(&self, path: &Path) -> Result<Option<Timestamp>, ReachError>;

    /// Removes a file or an empty directory; a missing one is removed already.
    async fn remove(&self, path: &Path) -> Result<(), ReachError>;

    /// The name of the host that is reached.
    async fn host_name(&self) -> Result<String, ReachError>;
}
