//! The people of the lab: ordinary users of this machine, made by `up` and removed by `down`.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::run;
use crate::error::{LabError, file_error};
use crate::files::{make_folder, remove_folder};
use crate::layout::Layout;

/// The group of the project's two members.
const PROJECT_GROUP: &str = "pakt-atlas";

/// A person of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Member of the project.
    Ada,
    /// Member of the project, and of another one where the cluster has one.
    Ben,
    /// Coordinator of the project's account; not in the project's group.
    Cleo,
}

impl User {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ada, Self::Ben, Self::Cleo];

    /// The name for the command line.
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::Ada => "ada",
            Self::Ben => "ben",
            Self::Cleo => "cleo",
        }
    }

    /// The name on this machine and in Slurm.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ada => "pakt-ada",
            Self::Ben => "pakt-ben",
            Self::Cleo => "pakt-cleo",
        }
    }

    const fn is_member(self) -> bool {
        matches!(self, Self::Ada | Self::Ben)
    }
}

/// A line of the password file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) user_id: u32,
    pub(crate) group_id: u32,
    home: PathBuf,
}

/// The user's line in the password file.
pub(crate) fn entry(user: User) -> Result<Option<Entry>, LabError> {
    entry_of(user.name())
}

/// The line of any user of this machine.
pub(crate) fn entry_of(name: &str) -> Result<Option<Entry>, LabError> {
    let path = "/etc/passwd";
    let text = std::fs::read_to_string(path).map_err(file_error("reading", path))?;
    Ok(parse_entry(&text, name))
}

/// passwd(5): name, password, user id, group id, comment, home, shell.
fn parse_entry(text: &str, name: &str) -> Option<Entry> {
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [found, _, user_id, group_id, _, home, _] = fields[..] else { return None };
        (found == name).then_some(())?;
        Some(Entry { user_id: user_id.parse().ok()?, group_id: group_id.parse().ok()?, home: home.into() })
    })
}

/// The user's home in this lab.
pub(crate) fn home(lab: &Layout, user: User) -> PathBuf {
    lab.homes().join(user.short_name())
}

/// Whether this lab made the user: no other user has its home here.
fn is_ours(lab: &Layout, user: User, entry: &Entry) -> bool {
    entry.home == home(lab, user)
}

/// The ids of those users that this lab made.
pub(crate) fn user_ids(lab: &Layout) -> Result<Vec<u32>, LabError> {
    let mut ids = Vec::new();
    for user in User::ALL {
        ids.extend(entry(user)?.filter(|entry| is_ours(lab, user, entry)).map(|entry| entry.user_id));
    }
    Ok(ids)
}

/// Makes users, group, homes and the project's folder, where they are missing. A user of that name that this lab did
/// not make is refused before anything is made.
pub(crate) fn ensure_users(lab: &Layout) -> Result<(), LabError> {
    for user in User::ALL {
        if entry(user)?.is_some_and(|entry| !is_ours(lab, user, &entry)) {
            let what = format!("user {}", user.name());
            return Err(LabError::Taken { what, directory: lab.directory().to_owned() });
        }
    }
    run(Command::new("groupadd").args(["--force", PROJECT_GROUP]))?;
    make_folder(&lab.homes(), 0o755)?;
    for user in User::ALL {
        let home = home(lab, user);
        if entry(user)?.is_none() {
            add_user(user, &home)?;
        }
        let Some(entry) = entry(user)? else {
            return Err(LabError::Command {
                command: "useradd".to_owned(),
                output: format!("{} is not there", user.name()),
            });
        };
        make_folder(&home, 0o700)?;
        chown(&home, Some(entry.user_id), Some(entry.group_id)).map_err(file_error("giving away", &home))?;
    }
    // Owner and group first: chown clears the bit that gives new files the folder's group.
    make_folder(&lab.project(), 0o750)?;
    run(Command::new("chgrp").arg(PROJECT_GROUP).arg(lab.project()))?;
    make_folder(&lab.project(), 0o2770)
}

fn add_user(user: User, home: &Path) -> Result<(), LabError> {
    let mut command = Command::new("useradd");
    // No password, and not locked: sshd without PAM lets nobody in who is, by a key either.
    command.args(["--password", "*"]);
    command.args([
        "--no-create-home",
        "--user-group",
        "--no-log-init",
        "--shell",
        "/bin/bash",
        "--comment",
        "Pakt lab",
    ]);
    if user.is_member() {
        command.args(["--groups", PROJECT_GROUP]);
    }
    run(command.arg("--home-dir").arg(home).arg(user.name())).map(drop)
}

/// Removes the users and the group that this lab made, with what they left in the folders that everybody may write.
pub(crate) fn remove_users(lab: &Layout) -> Result<(), LabError> {
    let ids = user_ids(lab)?;
    if ids.is_empty() {
        return Ok(());
    }
    for folder in ["/tmp", "/var/tmp", "/dev/shm"] {
        remove_files_of(&ids, Path::new(folder))?;
    }
    for user in User::ALL {
        if entry(user)?.is_some_and(|entry| is_ours(lab, user, &entry)) {
            run(Command::new("userdel").arg(user.name()))?;
        }
    }
    run(Command::new("groupdel").arg(PROJECT_GROUP)).map(drop)
}

fn remove_files_of(ids: &[u32], folder: &Path) -> Result<(), LabError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if !ids.contains(&metadata.uid()) {
            continue;
        }
        if metadata.is_dir() {
            remove_folder(&path)?;
        } else {
            std::fs::remove_file(&path).map_err(file_error("removing", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_ours_by_its_home() {
        let text = "root:x:0:0:root:/root:/bin/bash\npakt-ada:x:1001:1002:Pakt lab:/l/home/ada:/bin/bash\nbroken\n";
        let entry = parse_entry(text, "pakt-ada").expect("ada is there");
        assert_eq!((entry.user_id, entry.group_id), (1001, 1002));
        assert!(is_ours(&Layout::new("/l"), User::Ada, &entry));
        assert!(!is_ours(&Layout::new("/other"), User::Ada, &entry));
        assert_eq!(parse_entry(text, "pakt"), None);
    }
}
