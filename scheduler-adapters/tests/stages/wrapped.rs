//! Ways of reaching that a test puts around this host: as another user, with other variables, with less patience.

use async_trait::async_trait;
use model::Timestamp;
use reach::{
    Address, Command, Connection, Conversation, Created, DirectoryMode, Entry, Local, Output, Part, PieceTaker,
    Published, Reach, ReachError,
};
use std::path::Path;

/// This host, with each command changed on its way.
pub(crate) struct Wrapped<Change>(pub(crate) Change);

/// Runs a command as another user with that user's groups, as far as an ordinary login goes.
pub(crate) fn as_user(command: &Command, user: &str) -> Command {
    let words = [format!("--reuid={user}"), format!("--regid={user}"), "--init-groups".to_owned(), "--".to_owned()];
    let arguments = words.into_iter().chain([command.program.clone()]).chain(command.arguments.iter().cloned());
    Command { program: "setpriv".to_owned(), arguments: arguments.collect(), ..command.clone() }
}

#[async_trait]
impl<Change: Fn(&Command) -> Command + Send + Sync> Reach for Wrapped<Change> {
    async fn run(&self, command: &Command) -> Result<Output, ReachError> {
        Local.run(&(self.0)(command)).await
    }

    async fn run_through(&self, command: &Command, taker: &mut dyn PieceTaker) -> Result<Output, ReachError> {
        Local.run_through(&(self.0)(command), taker).await
    }

    async fn converse(&self, command: &Command) -> Result<Box<dyn Conversation>, ReachError> {
        Local.converse(&(self.0)(command)).await
    }

    async fn connect(&self, address: &Address) -> Result<Box<dyn Connection>, ReachError> {
        Local.connect(address).await
    }

    async fn read_secret(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
        Local.read_secret(path, limit).await
    }

    async fn attach(&self, command: &Command) -> Result<Option<i32>, ReachError> {
        Local.attach(&(self.0)(command)).await
    }

    async fn read(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
        Local.read(path, limit).await
    }

    async fn read_part(&self, path: &Path, offset: i64, limit: usize) -> Result<Option<Part>, ReachError> {
        Local.read_part(path, offset, limit).await
    }

    async fn write_once(&self, path: &Path, bytes: &[u8]) -> Result<Published, ReachError> {
        Local.write_once(path, bytes).await
    }

    async fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
        Local.replace(path, bytes).await
    }

    async fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
        Local.append(path, bytes).await
    }

    async fn create_directory_exclusive(&self, path: &Path, mode: DirectoryMode) -> Result<Created, ReachError> {
        Local.create_directory_exclusive(path, mode).await
    }

    async fn create_directories(&self, path: &Path, mode: DirectoryMode) -> Result<(), ReachError> {
        Local.create_directories(path, mode).await
    }

    async fn list(&self, path: &Path) -> Result<Option<Vec<Entry>>, ReachError> {
        Local.list(path).await
    }

    async fn modified_at(&self, path: &Path) -> Result<Option<Timestamp>, ReachError> {
        Local.modified_at(path).await
    }

    async fn remove(&self, path: &Path) -> Result<(), ReachError> {
        Local.remove(path).await
    }

    async fn host_name(&self) -> Result<String, ReachError> {
        Local.host_name().await
    }
}
