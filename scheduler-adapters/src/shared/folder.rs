//! The folder in which answers lie: whole files that are replaced whole, and claims that one process alone gets.

use crate::local::{ProcessIdentity, identity, is_gone};
use model::{Timestamp, UserName};
use reach::{Created, DirectoryMode, Published, Reach, ReachError, ReachErrorKind};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The version of the files. A file of another one is nobody's.
const VERSION: u32 = 1;

/// The most bytes of a file: the queue of somebody with 50,000 jobs.
const FILE_LIMIT: usize = 64 * 1024 * 1024;

/// How long a claim holds others up whose owner cannot be looked for: a question has ended by then, well or not.
const CLAIM_SECONDS: i64 = 65;

/// So many claims of one question that were left behind are overtaken before everybody asks for themselves.
const MOST_CLAIMS: u32 = 8;

/// What is shared under a name.
pub(crate) trait Answer: Serialize + DeserializeOwned + Send + Sync {
    /// Tells this answer from every other one: letters and digits.
    fn token(&self) -> &str;
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<Content> {
    version: u32,
    user: UserName,
    content: Content,
}

/// `NAME.asked.TOKEN.NUMBER`: who asks for what is to come after the answer with that token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    process: ProcessIdentity,
    at: Timestamp,
}

/// The right to ask.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Of which answer the next one is asked for, and the name of that answer: `queue.asked.`.
    prefix: String,
    token: String,
    number: u32,
}

/// What came of wanting to ask.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// We ask.
    Ours(Claim),
    /// Somebody else does.
    Theirs,
    /// The folder cannot be used.
    Unusable,
}

/// The folder of one person.
pub(crate) struct Folder {
    reach: Arc<dyn Reach>,
    path: PathBuf,
    is_made: AtomicBool,
    notes: Mutex<Vec<String>>,
}

impl Folder {
    pub(crate) fn new(reach: Arc<dyn Reach>, path: PathBuf) -> Self {
        Self { reach, path, is_made: AtomicBool::new(false), notes: Mutex::default() }
    }

    /// What was set aside, and why.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What lies under a name, written by this user; none where there is nothing that can be believed.
    pub(crate) async fn read<Content: DeserializeOwned>(&self, name: &str, user: &UserName) -> Option<Content> {
        let path = self.path.join(name);
        let bytes = match self.read_own(&path).await {
            Ok(bytes) => bytes?,
            Err(error) if matches!(error.kind, ReachErrorKind::NotPermitted | ReachErrorKind::TooLong) => {
                self.set_aside(&path, None, &error.to_string()).await;
                return None;
            }
            // The place is not reached, which whoever asks there is told.
            Err(_) => return None,
        };
        match understood::<Content>(&bytes, user) {
            Ok(content) => Some(content),
            Err(why) => {
                self.set_aside(&path, Some(&bytes), &why).await;
                None
            }
        }
    }

    /// A file of one's own that nobody else can have written. Over a connection the folder's mode has to do for that.
    async fn read_own(&self, path: &Path) -> Result<Option<Vec<u8>>, ReachError> {
        match self.reach.read_secret(path, FILE_LIMIT).await {
            Err(error) if error.kind == ReachErrorKind::Unsupported => self.reach.read(path, FILE_LIMIT).await,
            read => read,
        }
    }

    /// Moves a file out of the way, so that somebody may look at it.
    async fn set_aside(&self, path: &Path, bytes: Option<&[u8]>, why: &str) {
        let aside = PathBuf::from(format!("{}.set-aside", path.display()));
        if let Some(bytes) = bytes {
            // Best effort: what is shared can be thrown away, and the note says what was.
            drop(self.reach.replace(&aside, bytes).await);
        }
        drop(self.reach.remove(path).await);
        let note = format!("a shared answer was not believed and set aside: {}: {why}", path.display());
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    /// Puts something under a name, whole; whether it lies there. The folder is made where it is missing.
    pub(crate) async fn put<Content: Serialize + Sync>(&self, name: &str, user: &UserName, content: &Content) -> bool {
        let file = File { version: VERSION, user: user.clone(), content };
        let Ok(bytes) = serde_json::to_vec(&file) else { return false };
        self.is_usable().await && self.reach.replace(&self.path.join(name), &bytes).await.is_ok()
    }

    /// Takes away what lies under a name.
    pub(crate) async fn remove(&self, name: &str) {
        // What cannot be taken away is old soon.
        drop(self.reach.remove(&self.path.join(name)).await);
    }

    async fn is_usable(&self) -> bool {
        if !self.is_made.load(Ordering::Relaxed) {
            let made = self.reach.create_directory_exclusive(&self.path, DirectoryMode::Private).await;
            self.is_made.store(matches!(made, Ok(Created::New | Created::Existing)), Ordering::Relaxed);
        }
        self.is_made.load(Ordering::Relaxed)
    }

    /// Wants to ask for what comes after the answer with that token. Of any number at once one gets it; one that was left
    /// behind by a process that is gone, or too long ago, is overtaken.
    pub(crate) async fn claim(&self, name: &str, token: &str, now: Timestamp) -> Claimed {
        let Some(process) = i32::try_from(std::process::id()).ok().and_then(identity) else { return Claimed::Unusable };
        let Ok(owner) = serde_json::to_vec(&Owner { process, at: now }) else { return Claimed::Unusable };
        if !self.is_usable().await {
            return Claimed::Unusable;
        }
        let prefix = format!("{name}.asked.");
        for number in 0..MOST_CLAIMS {
            let claim = Claim { prefix: prefix.clone(), token: token.to_owned(), number };
            match self.reach.write_once(&self.path.join(claim.name()), &owner).await {
                Ok(Published::New) => return Claimed::Ours(claim),
                Ok(Published::Existing(bytes)) if is_left_behind(&bytes, now) => {}
                // Its owner has just finished with it.
                Err(error) if error.kind == ReachErrorKind::NotFound => return Claimed::Theirs,
                Ok(Published::Existing(_)) => return Claimed::Theirs,
                Err(_) => return Claimed::Unusable,
            }
        }
        Claimed::Unusable
    }

    /// Gives a claim back, and now and then those of the same name that were left behind: all but the ones for the answer
    /// that lies there now, whose token is `current`.
    pub(crate) async fn release(&self, claim: &Claim, current: Option<&str>) {
        self.remove(&claim.name()).await;
        let is_due = |current: &str| claim.number > 0 || current.ends_with('0');
        let Some(current) = current.filter(|current| *current != claim.token && is_due(current)) else { return };
        let kept = format!("{}{current}.", claim.prefix);
        let entries = self.reach.list(&self.path).await.ok().flatten().unwrap_or_default();
        for entry in entries {
            if entry.name.starts_with(&claim.prefix) && !entry.name.starts_with(&kept) {
                self.remove(&entry.name).await;
            }
        }
    }
}

impl Claim {
    fn name(&self) -> String {
        format!("{}{}.{}", self.prefix, self.token, self.number)
    }
}

fn understood<Content: DeserializeOwned>(bytes: &[u8], user: &UserName) -> Result<Content, String> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let Version { version } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!("it has version {version}, and {VERSION} is known"));
    }
    let file: File<Content> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if file.user == *user { Ok(file.content) } else { Err(format!("it is of {}, and {user} asks", file.user)) }
}

/// Whether nobody works behind a claim any more. One that cannot be read is nobody's; one of the future was written by a clock
/// that is wrong, and would hold others up for ever.
fn is_left_behind(bytes: &[u8], now: Timestamp) -> bool {
    let Ok(owner) = serde_json::from_slice::<Owner>(bytes) else { return true };
    !(-CLAIM_SECONDS..CLAIM_SECONDS).contains(&now.seconds_since(owner.at)) || is_gone(&owner.process)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reach::Local;
    use std::{fs, os::unix::fs::PermissionsExt};

    const NOW: Timestamp = Timestamp::from_epoch_seconds(1_795_333_000);

    fn ada() -> UserName {
        "ada".parse().expect("a user")
    }

    fn folder() -> (tempfile::TempDir, Folder) {
        let kept = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(Arc::new(Local), kept.path().join("answers"));
        (kept, folder)
    }

    #[tokio::test]
    async fn what_is_put_is_read_by_its_owner_alone() {
        let (_kept, folder) = folder();
        assert_eq!(folder.read::<u32>("queue", &ada()).await, None);
        assert!(folder.put("queue", &ada(), &7).await);
        assert_eq!(folder.read::<u32>("queue", &ada()).await, Some(7));
        let mode = |path: &Path| fs::metadata(path).expect("ours").permissions().mode() & 0o7777;
        assert_eq!((mode(&folder.path), mode(&folder.path.join("queue"))), (0o700, 0o600));
        assert!(folder.notes().is_empty());
    }

    #[tokio::test]
    async fn a_file_that_is_broken_foreign_or_of_another_version_is_set_aside_and_never_believed() {
        let (_kept, folder) = folder();
        for text in [
            "",
            "{",
            "\0\0\0\0",
            r#"{"version":1,"user":"ada","content":"seven"}"#,
            r#"{"version":1,"user":"ada","content":7,"more":1}"#,
            r#"{"version":2,"user":"ada","content":7}"#,
            r#"{"version":1,"user":"mallory","content":7}"#,
        ] {
            assert!(folder.put("queue", &ada(), &7).await);
            let path = folder.path.join("queue");
            fs::write(&path, text).expect("ours");
            assert_eq!(folder.read::<u32>("queue", &ada()).await, None, "{text}");
            assert!(!path.exists() && folder.path.join("queue.set-aside").exists(), "{text}");
            let notes = folder.notes();
            assert!(notes.last().expect("a note").contains("was not believed"), "{notes:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_others_may_write_is_not_believed() {
        let (_kept, folder) = folder();
        assert!(folder.put("queue", &ada(), &7).await);
        fs::set_permissions(folder.path.join("queue"), fs::Permissions::from_mode(0o620)).expect("ours");
        assert_eq!(folder.read::<u32>("queue", &ada()).await, None);
        assert_eq!(folder.notes().len(), 1);
    }

    #[tokio::test]
    async fn one_asks_and_what_a_dead_process_left_is_overtaken_at_once() {
        let (_kept, folder) = folder();
        let Claimed::Ours(first) = folder.claim("queue", "a", NOW).await else { panic!("nobody else is here") };
        assert_eq!(folder.claim("queue", "a", NOW).await, Claimed::Theirs);
        let name = folder.path.join("queue.asked.a.0");
        let text = fs::read_to_string(&name).expect("ours");
        let gone = text.replacen("\"start_ticks\":", "\"start_ticks\":1", 1);
        let elsewhere = text.replacen("\"boot\":\"", "\"boot\":\"x", 1);
        for (left, after, is_overtaken) in [
            (gone.as_str(), 0, true),
            // Of another host, where nobody can look: its time alone tells.
            (elsewhere.as_str(), 64, false),
            (elsewhere.as_str(), 65, true),
            (elsewhere.as_str(), -66, true),
            ("no claim", 0, true),
        ] {
            fs::write(&name, left).expect("ours");
            match folder.claim("queue", "a", NOW.plus_seconds(after)).await {
                Claimed::Ours(second) => {
                    assert!(is_overtaken, "{left} after {after} s");
                    assert_eq!(folder.claim("queue", "a", NOW.plus_seconds(after)).await, Claimed::Theirs);
                    folder.release(&second, None).await;
                }
                claimed => assert!(!is_overtaken && claimed == Claimed::Theirs, "{left} after {after} s: {claimed:?}"),
            }
        }
        // Whoever shares the next answer takes away what was left behind.
        folder.release(&first, Some("b0")).await;
        assert!(!name.exists());
    }

    #[tokio::test]
    async fn where_nothing_can_be_written_everybody_asks_for_themselves() {
        let kept = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(Arc::new(Local), kept.path().join("missing/answers"));
        assert_eq!(folder.claim("queue", "a", NOW).await, Claimed::Unusable);
        assert!(!folder.put("queue", &ada(), &7).await);
        assert_eq!(folder.read::<u32>("queue", &ada()).await, None);
        assert!(!kept.path().join("missing").exists() && folder.notes().is_empty());
    }
}
