//! An evaluation that follows a chain: which checkpoints it took, in its own directory; and in that of the chain who follows it.

use super::{Checkpoint, Intent, JobDirectory, store::own};
use crate::{error::JobsError, reached::reached};
use model::{JobId, LinkNumber, Sweep};

/// The checkpoints that were taken, in the order of their starts: lines as in the list of a chain. Written by the batch script
/// (`templates/src/scripts/follow.sh.j2`).
const TAKEN: &str = "taken";
/// The folder of the jobs that follow a chain.
const FOLLOWERS: &str = "followers";
/// The link of the chain behind which a link waits.
const BEHIND: &str = "behind";
/// The longest number of a link, in bytes, and its line's end.
const LONGEST_NUMBER: usize = 11;
/// The most that is read of a list, in bytes; the batch script reads as much.
const LONGEST: usize = 1024 * 1024;
/// A longer list of what was taken is not made longer, so that all of it is read: room for one line is left.
const FULL: usize = LONGEST - 4_500;

/// The checkpoints that were taken.
pub(crate) struct Taken {
    /// In the order of their starts.
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Whether no other one is taken.
    pub(crate) is_full: bool,
}

impl JobDirectory {
    /// The cells that the job works through, as far as they are known: of one that follows a chain, by the checkpoints that it took. None
    /// of another job.
    pub async fn cells_of(&self, intent: &Intent) -> Result<Option<Sweep>, JobsError> {
        let Some(sweep) = intent.cells() else { return Ok(None) };
        if sweep.follows.is_none() {
            return Ok(Some(sweep.clone()));
        }
        let taken = self.taken().await?.checkpoints;
        let paths: Vec<(u64, String)> =
            taken.into_iter().map(|one| (one.step, one.path.to_string_lossy().into_owned())).collect();
        Ok(Some(sweep.with_checkpoints(paths.iter().map(|(step, path)| (*step, path.as_str())))))
    }

    /// The checkpoints of a chain that this job took, in their order.
    pub(crate) async fn taken(&self) -> Result<Taken, JobsError> {
        let bytes = self.file(TAKEN, LONGEST).await?.unwrap_or_default();
        Ok(Taken { checkpoints: Checkpoint::in_order(&bytes), is_full: bytes.len() > FULL })
    }

    /// All checkpoints that the program of this chain named, in their order; of a very long list its end.
    pub(crate) async fn named_checkpoints(&self) -> Result<Vec<Checkpoint>, JobsError> {
        let list = self.list_of_checkpoints(LONGEST).await?;
        Ok(Checkpoint::in_order(&list))
    }

    /// Whether one that was named is there.
    pub(crate) async fn has_checkpoint(&self, checkpoint: &Checkpoint) -> Result<bool, JobsError> {
        let modified = self.files().modified_at(&checkpoint.path).await;
        Ok(reached(modified, "a checkpoint of the chain was not looked for")?.is_some())
    }

    /// Notes behind which link of the chain this link waits. The first note counts.
    pub(crate) async fn put_behind(&self, link: LinkNumber) -> Result<(), JobsError> {
        const WHAT: &str = "it was not noted behind which link of the chain it waits";
        self.create().await?;
        let name = self.path().join(self.in_link(BEHIND));
        reached(self.files().write_once(&name, format!("{link}\n").as_bytes()).await, WHAT).map(drop)
    }

    /// Behind which link of the chain this link waits, or waited; none where it waits for none.
    pub(crate) async fn behind(&self) -> Result<Option<LinkNumber>, JobsError> {
        let bytes = self.file(&self.in_link(BEHIND), LONGEST_NUMBER).await?.unwrap_or_default();
        Ok(std::str::from_utf8(&bytes).ok().and_then(|text| LinkNumber::new(text.trim().parse().ok()?)))
    }

    /// Notes that this job follows the chain.
    pub(crate) async fn note_follower(&self, follower: JobId) -> Result<(), JobsError> {
        const WHAT: &str = "it was not noted at the chain who follows it";
        let folder = self.path().join(FOLLOWERS);
        reached(self.files().create_directories(&folder, own(self.mode())).await, WHAT)?;
        let name = folder.join(follower.to_string());
        reached(self.files().write_once(&name, b"").await, WHAT).map(drop)
    }

    /// The jobs that follow the chain, in the order of their ids. Nobody follows one that is sealed.
    pub(crate) async fn followers(&self) -> Result<Vec<JobId>, JobsError> {
        let listed = self.files().list(&self.path().join(FOLLOWERS)).await;
        let listed = reached(listed, "it is not known who follows the chain")?.unwrap_or_default();
        let mut followers: Vec<JobId> = listed.iter().filter_map(|entry| entry.name.parse().ok()).collect();
        followers.sort_unstable();
        Ok(followers)
    }
}
