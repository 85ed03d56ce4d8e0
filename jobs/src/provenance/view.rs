//! What the jobs of one call are made of: each tree, image and release is looked at once, however many jobs there are.

use super::{
    git::{self, Seen},
    image,
    pack::{self, Packed},
    record::{FrozenCode, Image, Machine, NotSeen},
};
use crate::{
    directory::State,
    error::JobsError,
    house::{House, Vantage},
};
use model::UserName;
use reach::Reach;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
    sync::Arc,
};
use tokio::sync::{Mutex, OnceCell};

impl Machine {
    /// Of two names for one machine, one.
    pub(super) fn of(self, house: &House) -> Self {
        if house.vantage == Vantage::Site { Self::Site } else { self }
    }

    pub(super) fn files(self, house: &House) -> &dyn Reach {
        match self {
            Self::Submitter => house.own_files.as_ref(),
            Self::Site => house.files.as_ref(),
        }
    }
}

/// What was looked at so far. It lives no longer than the call.
#[derive(Default)]
pub(crate) struct CodeView {
    known: Mutex<Known>,
    release: OnceCell<Option<String>>,
}

#[derive(Default)]
struct Known {
    /// The tops of the trees that folders lie in.
    tops: BTreeMap<(Machine, PathBuf), Option<PathBuf>>,
    trees: BTreeMap<(Machine, PathBuf), Result<Arc<Seen>, NotSeen>>,
    packed: BTreeMap<PathBuf, Result<Arc<Packed>, String>>,
    images: BTreeMap<(String, Option<PathBuf>), Image>,
    /// The files that were kept.
    kept: BTreeSet<String>,
}

impl CodeView {
    /// A view of nothing yet.
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The scheduler's release, where it says one.
    pub(super) async fn release(&self, house: &House) -> Option<String> {
        self.release.get_or_init(|| house.scheduler.release_name()).await.clone()
    }

    /// The tree that a folder lies in.
    pub(super) async fn tree(&self, house: &House, machine: Machine, folder: &Path) -> Result<Arc<Seen>, NotSeen> {
        let machine = machine.of(house);
        let mut known = self.known.lock().await;
        let root = known.top(house, machine, folder).await?;
        if let Some(seen) = known.trees.get(&(machine, root.clone())) {
            return seen.clone();
        }
        let file = |content: &super::record::Bytes| {
            State::code_file(&house.principal.user, &format!("{}.diff", content.sha256))
        };
        let seen = git::look(machine.files(house), &root, file).await.map(Arc::new);
        known.trees.insert((machine, root), seen.clone());
        seen
    }

    /// The tree of a folder here, packed; where it cannot be, why.
    pub(super) async fn packed(&self, house: &House, folder: &Path) -> Result<(Arc<Packed>, FrozenCode), String> {
        let machine = Machine::Submitter.of(house);
        let mut known = self.known.lock().await;
        let root = known.top(house, machine, folder).await.map_err(|NotSeen(why)| why)?;
        if !known.packed.contains_key(&root) {
            let packed = pack::pack(machine.files(house), &root).await.map(Arc::new);
            known.packed.insert(root.clone(), packed);
        }
        let packed = known.packed.get(&root).cloned().ok_or("it was not packed")??;
        let below = folder.strip_prefix(&root).unwrap_or(Path::new(""));
        if below.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err("its path goes up and down again; write it without `..`".to_owned());
        }
        let below = below.to_str().ok_or("its working directory has a name that is no text")?;
        if !packed.has_folder(below) {
            return Err(format!(
                "git knows nothing below `{below}`, in which it would start; a link leads out of what is packed"
            ));
        }
        let frozen = FrozenCode {
            file: State::code_file(&house.principal.user, &archive_name(&packed)),
            content: packed.content.clone(),
            files: packed.files,
            folder: below.to_owned(),
        };
        Ok((packed, frozen))
    }

    /// An image.
    pub(super) async fn image(&self, house: &House, named: &str, path: Option<PathBuf>) -> Result<Image, JobsError> {
        let mut known = self.known.lock().await;
        let key = (named.to_owned(), path);
        if let Some(image) = known.images.get(&key) {
            return Ok(image.clone());
        }
        let image = image::look(house, named, key.1.clone()).await?;
        known.images.insert(key, image.clone());
        Ok(image)
    }

    /// Keeps bytes in the folder of the jobs, unless that was done.
    pub(super) async fn keep(&self, house: &House, name: String, bytes: &[u8]) -> Result<(), JobsError> {
        let user: &UserName = &house.principal.user;
        let mut known = self.known.lock().await;
        if !known.kept.contains(&name) {
            house.state.put_code(user, &name, bytes).await?;
            known.kept.insert(name);
        }
        Ok(())
    }
}

/// The name of the file that a packed tree is kept in.
pub(super) fn archive_name(packed: &Packed) -> String {
    format!("{}.tar", packed.content.sha256)
}

impl Known {
    /// The top of the tree that a folder lies in: the nearest folder above it, by its name, with a `.git`. At the far end of a
    /// connection git is asked, which is one question and not one for each folder above.
    async fn top(&mut self, house: &House, machine: Machine, folder: &Path) -> Result<PathBuf, NotSeen> {
        let none = || NotSeen("it lies in no git repository".to_owned());
        if let Some(top) = self.tops.get(&(machine, folder.to_owned())) {
            return top.clone().ok_or_else(none);
        }
        if machine.of(house) == Machine::Site && house.vantage != Vantage::Site {
            let top = git::top(machine.files(house), folder).await;
            self.tops.insert((machine, folder.to_owned()), top.as_ref().ok().cloned());
            return top;
        }
        let mut passed = Vec::new();
        let mut top = None;
        for above in folder.ancestors() {
            if let Some(known) = self.tops.get(&(machine, above.to_owned())) {
                top.clone_from(known);
                break;
            }
            passed.push(above.to_owned());
            let seen = machine.files(house).modified_at(&above.join(".git")).await;
            if seen.map_err(|error| NotSeen(error.to_string()))?.is_some() {
                top = Some(above.to_owned());
                break;
            }
        }
        self.tops.extend(passed.into_iter().map(|folder| ((machine, folder), top.clone())));
        top.ok_or_else(none)
    }
}
