//! Ways of reaching that a test puts around a place: as another user, with other variables, with less patience.

use async_trait::async_trait;
use model::Timestamp;
use reach::{
    Address, Command, Connection, Conversation, Created, DirectoryMode, Entry, Local, Output, Part, PieceTaker,
    Published, Reach, ReachError,
};
use std::path::Path;

/// A place, with each command changed on its way.
pub(crate) struct Wrapped<Change, Place = Local>(pub(crate) Change, pub(crate) Place);

/// Runs a command as another user with that user's groups, as far as an ordinary login goes.
pub(crate) fn as_user(command: &Command, user: &str) -> Command {
    let words = [format!("--reuid={user}"), format!("--regid={user}"), "--init-groups".to_owned(), "--".to_owned()];
    let arguments = words.into_iter().chain([command.program.clone()]).chain(command.arguments.iter().cloned());
    Command { program: "setpriv".to_owned(), arguments: arguments.collect(), ..command.clone() }
}

#[async_trait]
impl<Change: Fn(&Command) -> Command + Send + Sync, Place: Reach> Reach for Wrapped<Change, Place> {
    async fn run(&self, command: &Command) -> Result<Output, ReachError> {
        self.1.run(&(self.0)(command)).await
    }

    async fn run_through(&self, command: &Command, taker: &mut dyn PieceTaker) -> Result<Output, ReachError> {
        self.1.run_through(&(self.0)(command), taker).await
    }

    async fn converse(&self, command: &Command) -> Result<Box<dyn Conversation>, ReachError> {
        self.1.converse(&(self.0)(command)).await
    }

    fn most_copies(&self) -> usize {
        self.1.most_copies()
    }

    async fn connect(&self, address: &Address) -> Result<Box<dyn Connection>, ReachError> {
        self.1.connect(address).await
    }

    async fn read_secret(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
        self.1.read_secret(path, limit).await
    }

    async fn attach(&self, command: &Command) -> Result<Option<i32>, ReachError> {
        self.1.attach(&(self.0)(command)).await
    }

    async fn read(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
        self.1.read(path, limit).await
    }

    async fn read_part(&self, path: &Path, offset: i64, limit: usize) -> Result<Option<Part>, ReachError> {
        self.1.read_part(path, offset, limit).await
    }

    async fn write_once(&self, path: &Path, bytes: &[u8]) -> Result<Published, ReachError> {
        self.1.write_once(path, bytes).await
    }

    async fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
        self.1.replace(path, bytes).await
    }

    async fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
        self.1.append(path, bytes).await
    }

    async fn create_directory_exclusive(&self, path: &Path, mode: DirectoryMode) -> Result<Created, ReachError> {
        self.1.create_directory_exclusive(path, mode).await
    }

    async fn create_directories(&self, path: &Path, mode: DirectoryMode) -> Result<(), ReachError> {
        self.1.create_directories(path, mode).await
    }

    async fn list(&self, path: &Path) -> Result<Option<Vec<Entry>>, ReachError> {
        self.1.list(path).await
    }

    async fn modified_at(&self, path: &Path) -> Result<Option<Timestamp>, ReachError> {
        self.1.modified_at(path).await
    }

    async fn remove(&self, path: &Path) -> Result<(), ReachError> {
        self.1.remove(path).await
    }

    async fn host_name(&self) -> Result<String, ReachError> {
        self.1.host_name().await
    }
}
