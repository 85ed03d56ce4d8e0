//! Asks git about a working tree, through a place where commands run: reading only, and so that no repository can make it do
//! anything else: no hooks, no monitor, no pager, no external differ, no network, no prompt, no lock.

use super::{
    record::{Bytes, Change, NotSeen, Tree},
    remote,
    status::{Status, shown},
};
use reach::{Command, Reach, ReachError, ReachErrorKind};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// How long git may look at a tree: a large one on a parallel file system takes seconds.
const TIME_LIMIT: Duration = Duration::from_mins(1);
/// The longest answer, in bytes.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// The longest difference that is kept, in bytes: no more than is read again of a file that was written once.
const LONGEST_DIFF: usize = reach::PUBLISHED_LIMIT;

/// A tree, with its difference to the commit where that is to be kept.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) tree: Tree,
    pub(super) diff: Option<Vec<u8>>,
}

impl Seen {
    /// The name of the file in which the difference is kept.
    pub(super) fn diff_name(&self) -> Option<String> {
        match &self.tree.diff {
            Some(Change::Kept { content, .. }) => Some(format!("{}.diff", content.sha256)),
            _ => None,
        }
    }
}

/// A git command in a folder.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> Command {
    const SETTINGS: [&str; 10] = [
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "submodule.recurse=false",
        "-c",
        "protocol.allow=never",
        // `git diff` would write the index anew, and lock it.
        "-c",
        "diff.autoRefreshIndex=false",
    ];
    Command::new("git")
        .arguments(["--no-pager", "--no-optional-locks", "--literal-pathspecs"])
        .arguments(SETTINGS)
        .arguments(arguments.iter().copied())
        .directory(folder)
        // What a person set for another repository, and what makes git talk.
        .without(["GIT_*", "LC_*", "LANG", "LANGUAGE"])
        .keeping(["GIT_CONFIG*", "GIT_EXEC_PATH"])
        .variable("LC_ALL", "C")
        .variable("GIT_TERMINAL_PROMPT", "0")
        .variable("GIT_OPTIONAL_LOCKS", "0")
        .variable("GIT_NO_LAZY_FETCH", "1")
        .variable("GIT_ALLOW_PROTOCOL", "none")
        .time_limit(TIME_LIMIT)
        .output_limit(LONGEST_ANSWER)
}

/// What git answers; where it does not, why.
pub(super) async fn answer(place: &dyn Reach, folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, NotSeen> {
    let output = place.run(&git(folder, arguments)).await.map_err(|error| not_run(&error))?;
    if output.succeeded() {
        return Ok(output.stdout);
    }
    let said = output.stderr_text();
    let said = said.lines().find(|line| !line.trim().is_empty()).map(|line| shown(line.trim().as_bytes()));
    Err(NotSeen(match said {
        Some(said) if !output.timed_out => format!("git says: {said}"),
        _ => format!("git did not answer: {}", output.ending()),
    }))
}

fn not_run(error: &ReachError) -> NotSeen {
    NotSeen(match error.kind {
        ReachErrorKind::NotFound => "there is no git there, or no such folder".to_owned(),
        ReachErrorKind::TooLong => format!("git says more than {LONGEST_ANSWER} bytes"),
        _ => error.to_string(),
    })
}

/// Looks at a tree. `file` names the file that a difference of these bytes is kept in.
pub(super) async fn look(place: &dyn Reach, root: &Path, file: impl Fn(&Bytes) -> String) -> Result<Seen, NotSeen> {
    let status = status(place, root).await?;
    let remotes = answer(place, root, &["config", "-z", "--get-regexp", r"^remote\..*\.url$"]).await;
    let (diff, kept) = match (&status.commit, status.changed) {
        (_, 0) => (None, None),
        (None, _) => (Some(not_kept("nothing is committed yet".to_owned())), None),
        (Some(_), _) => match diff(place, root).await {
            Ok(bytes) => {
                let content = Bytes::of(&bytes);
                (Some(Change::Kept { file: file(&content), content }), Some(bytes))
            }
            Err(why) => (Some(not_kept(why)), None),
        },
    };
    let tree = Tree {
        root: root.to_owned(),
        commit: status.commit,
        branch: status.branch,
        // Git ends with 1 where there is none.
        remote: remotes.ok().and_then(|bytes| remote::usual(&bytes)),
        is_clean: status.changed == 0,
        changed: status.changed,
        diff,
        untracked: status.untracked,
    };
    Ok(Seen { tree, diff: kept })
}

fn not_kept(not_kept: String) -> Change {
    Change::NotKept { not_kept }
}

/// What git says of the tree, with the sizes of what it does not track.
pub(super) async fn status(place: &dyn Reach, root: &Path) -> Result<Status, NotSeen> {
    let arguments = [
        "status",
        "--porcelain=v2",
        "--branch",
        "-z",
        "--untracked-files=normal",
        "--no-ahead-behind",
        "--no-renames",
        "--ignore-submodules=none",
    ];
    let mut status = Status::read(&answer(place, root, &arguments).await?).map_err(NotSeen)?;
    if !status.untracked.first.is_empty() {
        let names = status.untracked.first.iter().map(|file| format!("./{}", file.name));
        let stat = Command::new("stat").argument("--printf=%s %n\\0").argument("--").arguments(names).directory(root);
        // Sizes are told where they are seen.
        let sizes = place.run(&stat.output_limit(LONGEST_ANSWER)).await.map(|output| sizes(&output.stdout));
        let sizes = sizes.unwrap_or_default();
        for file in status.untracked.first.iter_mut().filter(|file| !file.name.ends_with('/')) {
            file.bytes = sizes.get(file.name.as_str()).copied();
        }
    }
    Ok(status)
}

fn sizes(bytes: &[u8]) -> BTreeMap<String, u64> {
    let entries = bytes.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
    let entries = entries.filter_map(|entry| entry.split_once(" ./"));
    entries.filter_map(|(size, name)| Some((name.to_owned(), size.parse().ok()?))).collect()
}

/// The difference of the tree to its commit, or why it is not kept.
async fn diff(place: &dyn Reach, root: &Path) -> Result<Vec<u8>, String> {
    let arguments = [
        "diff",
        "--binary",
        "--full-index",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--no-renames",
        "--no-relative",
        "--submodule=short",
        "--ignore-submodules=none",
        "--src-prefix=a/",
        "--dst-prefix=b/",
        "HEAD",
        "--",
    ];
    let command = git(root, &arguments).output_limit(LONGEST_DIFF);
    match place.run(&command).await {
        Ok(output) if output.succeeded() => Ok(output.stdout),
        Ok(output) => Err(format!("git did not tell it: {}", output.ending())),
        Err(error) if error.kind == ReachErrorKind::TooLong => {
            Err(format!("it is longer than {} MiB", LONGEST_DIFF / (1024 * 1024)))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The top of the tree that a folder lies in, as git finds it.
pub(super) async fn top(place: &dyn Reach, folder: &Path) -> Result<std::path::PathBuf, NotSeen> {
    let said = answer(place, folder, &["rev-parse", "--show-toplevel"]).await?;
    let text = String::from_utf8(said).map_err(|_| NotSeen("its top has a name that is no text".to_owned()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if text.starts_with('/') && !text.chars().any(char::is_control) {
        Ok(text.into())
    } else {
        Err(NotSeen("git names no top of it".to_owned()))
    }
}
