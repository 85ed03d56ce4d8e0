//! This host.

use crate::{
    Address, Command, Connection, Conversation, Created, DirectoryMode, Entry, Making, Output, Part, PieceTaker,
    Published, Reach, ReachError, ReachErrorKind, Retry, connection, files, local_conversation, local_process, making,
    secret_file,
};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use model::Timestamp;
use std::path::{Path, PathBuf};
use tokio::sync::Semaphore;

/// The host on which this program runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

/// So much file work is done at once. Each takes a thread, and hundreds of them cost more than they wait.
static AT_WORK: Semaphore = Semaphore::const_new(32);

/// Does file work on a thread that may block: network file systems do.
async fn on_disk<Answer: Send + 'static>(
    path: &Path,
    work: impl FnOnce(PathBuf) -> Result<Answer, ReachError> + Send + 'static,
) -> Result<Answer, ReachError> {
    let path = path.to_owned();
    let shown = path.display().to_string();
    // It is never closed.
    let _place = AT_WORK.acquire().await;
    tokio::task::spawn_blocking(move || work(path)).await.unwrap_or_else(|error| {
        Err(ReachError::new(ReachErrorKind::Other, Retry::LookFirst, format!("working on {shown}"))
            .with("cause", error))
    })
}

/// So many files are read with one visit.
const FILES_A_VISIT: usize = 64;
/// So many visits are made at once.
const VISITS_AT_ONCE: usize = 16;

/// The answers of all visits, in their order; the first failure is that of all.
async fn in_visits<Answer>(
    visits: impl Iterator<Item = impl Future<Output = Result<Vec<Answer>, ReachError>>>,
) -> Result<Vec<Answer>, ReachError> {
    let visits: Vec<_> = visits.collect();
    let answers: Vec<Result<Vec<Answer>, ReachError>> = stream::iter(visits).buffered(VISITS_AT_ONCE).collect().await;
    Ok(answers.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

#[async_trait]
impl Reach for Local {
    async fn run(&self, command: &Command) -> Result<Output, ReachError> {
        local_process::run(command).await
    }

    async fn run_through(&self, command: &Command, taker: &mut dyn PieceTaker) -> Result<Output, ReachError> {
        local_process::run_through(command, taker).await
    }

    async fn converse(&self, command: &Command) -> Result<Box<dyn Conversation>, ReachError> {
        Ok(Box::new(local_conversation::converse(command)?))
    }

    async fn connect(&self, address: &Address) -> Result<Box<dyn Connection>, ReachError> {
        connection::connect(address).await
    }

    async fn attach(&self, command: &Command) -> Result<Option<i32>, ReachError> {
        local_process::attach_to_terminal(command).await
    }

    async fn read(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
        on_disk(path, move |path| files::read(&path, limit)).await
    }

    async fn read_secret(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
        on_disk(path, move |path| secret_file::read(&path, limit)).await
    }

    async fn read_part(&self, path: &Path, offset: i64, limit: usize) -> Result<Option<Part>, ReachError> {
        on_disk(path, move |path| files::read_part(&path, offset, limit)).await
    }

    async fn write_once(&self, path: &Path, bytes: &[u8]) -> Result<Published, ReachError> {
        let bytes = bytes.to_owned();
        on_disk(path, move |path| files::write_once(&path, &bytes)).await
    }

    async fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
        let bytes = bytes.to_owned();
        on_disk(path, move |path| files::replace(&path, &bytes)).await
    }

    async fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
        let bytes = bytes.to_owned();
        on_disk(path, move |path| files::append(&path, &bytes)).await
    }

    async fn create_directory_exclusive(&self, path: &Path, mode: DirectoryMode) -> Result<Created, ReachError> {
        on_disk(path, move |path| files::create_directory_exclusive(&path, mode)).await
    }

    async fn create_directories(&self, path: &Path, mode: DirectoryMode) -> Result<(), ReachError> {
        on_disk(path, move |path| files::create_directories(&path, mode)).await
    }

    async fn make(&self, makings: Vec<Making>) -> Result<Vec<Published>, ReachError> {
        let Some(Making::Directories(path, _) | Making::File(path, _)) = makings.first() else { return Ok(Vec::new()) };
        on_disk(&path.clone(), move |_| making::make(&makings)).await
    }

    async fn read_first(&self, files: &[(PathBuf, usize)]) -> Result<Option<(usize, Vec<u8>)>, ReachError> {
        let Some((path, _)) = files.first() else { return Ok(None) };
        let files = files.to_vec();
        on_disk(path, move |_| {
            for (place, (path, limit)) in files.iter().enumerate() {
                if let Some(bytes) = files::read(path, *limit)? {
                    return Ok(Some((place, bytes)));
                }
            }
            Ok(None)
        })
        .await
    }

    // Many with one visit to the disk: a thread that is woken for each costs more than the reading. Several visits at once: a network
    // file system has them wait.
    async fn read_each(&self, files: &[(PathBuf, usize)]) -> Result<Vec<Option<Vec<u8>>>, ReachError> {
        let visit = |files: &[(PathBuf, usize)]| {
            let (first, files) = (files[0].0.clone(), files.to_vec());
            async move {
                on_disk(&first, move |_| files.iter().map(|(path, limit)| files::read(path, *limit)).collect()).await
            }
        };
        in_visits(files.chunks(FILES_A_VISIT).map(visit)).await
    }

    async fn list_each(&self, directories: &[PathBuf]) -> Result<Vec<Option<Vec<Entry>>>, ReachError> {
        let visit = |directories: &[PathBuf]| {
            let (first, directories) = (directories[0].clone(), directories.to_vec());
            async move { on_disk(&first, move |_| directories.iter().map(|path| files::list(path)).collect()).await }
        };
        in_visits(directories.chunks(FILES_A_VISIT).map(visit)).await
    }

    async fn list(&self, path: &Path) -> Result<Option<Vec<Entry>>, ReachError> {
        on_disk(path, |path| files::list(&path)).await
    }

    async fn modified_at(&self, path: &Path) -> Result<Option<Timestamp>, ReachError> {
        on_disk(path, |path| files::modified_at(&path)).await
    }

    async fn remove(&self, path: &Path) -> Result<(), ReachError> {
        on_disk(path, |path| files::remove(&path)).await
    }

    async fn host_name(&self) -> Result<String, ReachError> {
        Ok(rustix::system::uname().nodename().to_string_lossy().into_owned())
    }
}
