//! A process that dies in the middle of its work with files, or meets one that cannot be read.

use async_trait::async_trait;
use model::Timestamp;
use reach::{
    Command, Created, DirectoryMode, Entry, Local, Output, Part, Published, Reach, ReachError, ReachErrorKind, Retry,
};
use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Files here, and a process that is killed before it changes so many things.
pub(crate) struct Mortal {
    pub(crate) left: AtomicUsize,
    /// The end of the paths that it cannot read.
    pub(crate) unreadable: Option<&'static str>,
}

impl Mortal {
    fn change(&self) -> Result<(), ReachError> {
        let lives = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        let killed = || ReachError::new(ReachErrorKind::Unreachable, Retry::Later, "living on");
        if lives { Ok(()) } else { Err(killed()) }
    }
}

#[async_trait]
impl Reach for Mortal {
    async fn run(&self, command: &Command) -> Result<Output, ReachError> {
        Local.run(command).await
    }
    async fn attach(&self, command: &Command) -> Result<Option<i32>, ReachError> {
        Local.attach(command).await
    }
    async fn read(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
        if self.unreadable.is_some_and(|end| path.ends_with(end)) {
            return Err(ReachError::new(ReachErrorKind::Unreachable, Retry::Later, "a stale file handle"));
        }
        Local.read(path, limit).await
    }
    async fn read_part(&self, path: &Path, offset: i64, limit: usize) -> Result<Option<Part>, ReachError> {
        Local.read_part(path, offset, limit).await
    }
    async fn write_once(&self, path: &Path, bytes: &[u8]) -> Result<Published, ReachError> {
        self.change()?;
        Local.write_once(path, bytes).await
    }
    async fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
        self.change()?;
        Local.replace(path, bytes).await
    }
    async fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
        self.change()?;
        Local.append(path, bytes).await
    }
    async fn create_directory_exclusive(&self, path: &Path, mode: DirectoryMode) -> Result<Created, ReachError> {
        self.change()?;
        Local.create_directory_exclusive(path, mode).await
    }
    async fn create_directories(&self, path: &Path, mode: DirectoryMode) -> Result<(), ReachError> {
        self.change()?;
        Local.create_directories(path, mode).await
    }
    async fn list(&self, path: &Path) -> Result<Option<Vec<Entry>>, ReachError> {
        Local.list(path).await
    }
    async fn modified_at(&self, path: &Path) -> Result<Option<Timestamp>, ReachError> {
        Local.modified_at(path).await
    }
    async fn remove(&self, path: &Path) -> Result<(), ReachError> {
        self.change()?;
        Local.remove(path).await
    }
    async fn host_name(&self) -> Result<String, ReachError> {
        Local.host_name().await
    }
}
