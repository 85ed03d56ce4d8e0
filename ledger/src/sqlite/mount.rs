//! The mount table: how far file locks reach where the ledger lies.
//!
//! SQLite needs POSIX locks that every process sees, and for its write-ahead log memory that every process shares
//! (SQLite file format, section 4.6, "WAL-Index Format"); the second exists only inside one host.

use std::path::{Path, PathBuf};

/// How far locks reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A disk of this host: locks and shared memory work, nobody else writes.
    Host,
    /// Locks are seen by all hosts, memory is not shared.
    AllHosts,
    /// Locks end at this host, or nobody knows; the reason as a sentence part.
    Unknown(String),
}

/// Where a path lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file_system: String,
    pub(super) reach: Reach,
}

const LOCAL: &[&str] = &["ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "ramfs", "zfs", "overlay", "f2fs"];

/// Judges the place of an absolute path by the text of `/proc/self/mountinfo` (proc(5)).
pub(super) fn place_of(mountinfo: &str, path: &Path) -> Place {
    let mounts = mountinfo.lines().filter_map(Mount::read);
    let covering = mounts.filter(|mount| path.starts_with(&mount.point));
    // Of two mounts on the same point the later line hides the earlier, and `max_by_key` gives the last of equals.
    match covering.max_by_key(|mount| mount.point.components().count()) {
        Some(mount) => Place { reach: mount.reach(), file_system: mount.file_system },
        None => Place {
            file_system: "unknown".to_owned(),
            reach: Reach::Unknown("the mount table does not say where it lies".to_owned()),
        },
    }
}

struct Mount {
    point: PathBuf,
    file_system: String,
    options: Vec<String>,
}

impl Mount {
    /// Reads a line: id, parent, device, root, mount point, options, optional fields, `-`, type, source, super options.
    fn read(line: &str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut words = mount.split(' ').skip(4);
        let (point, options) = (words.next()?, words.next()?);
        let mut words = file_system.split(' ');
        let (sort, super_options) = (words.next()?, words.nth(1).unwrap_or_default());
        Some(Self {
            point: unescape(point),
            file_system: sort.to_owned(),
            options: options.split(',').chain(super_options.split(',')).map(str::to_owned).collect(),
        })
    }

    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|given| given == option)
    }

    /// nfs(5): `nolock` and `local_lock` make locks local to the client. Lustre manual, mount.lustre(8): `flock` is
    /// coherent over clients, `localflock` is not, `noflock` has none. GPFS and Ceph are taken at their promise of POSIX
    /// locks over hosts. Any other file system is treated as one whose locks end at the host.
    fn reach(&self) -> Reach {
        let unknown = |reason: &str| Reach::Unknown(reason.to_owned());
        match self.file_system.as_str() {
            sort if LOCAL.contains(&sort) => Reach::Host,
            "gpfs" | "ceph" => Reach::AllHosts,
            "nfs" if self.has("nolock") => unknown("NFS is mounted with `nolock`"),
            "nfs" | "nfs4" => {
                let kept_local = self
                    .options
                    .iter()
                    .find(|option| option.strip_prefix("local_lock=").is_some_and(|what| what != "none"));
                match kept_local {
                    Some(option) => Reach::Unknown(format!("NFS is mounted with `{option}`")),
                    None => Reach::AllHosts,
                }
            }
            "lustre" if self.has("localflock") => unknown("Lustre is mounted with `localflock`"),
            "lustre" if self.has("flock") => Reach::AllHosts,
            "lustre" => unknown("Lustre is mounted without `flock`"),
            sort => Reach::Unknown(format!("it is not known how far locks reach on `{sort}`")),
        }
    }
}

/// Undoes the octal escapes of the mount table: `\040` is a blank.
fn unescape(text: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = rest.get(1..4).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &rest[4..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TABLE: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:40 / /home rw shared:5 master:1 - nfs4 filer:/home rw,vers=4.2,local_lock=none
31 27 0:41 / /old rw - nfs filer:/old rw,nolock,local_lock=all
32 27 0:42 / /half rw - nfs filer:/half rw,local_lock=posix
33 27 0:43 / /e rw - gpfs exa rw
34 27 0:44 / /lustre/shared rw - lustre mds:/a rw,flock,lazystatfs
35 27 0:45 / /lustre/local rw - lustre mds:/b rw,localflock
36 27 0:46 / /lustre/none rw - lustre mds:/c rw,lazystatfs
37 27 0:47 / /bee rw - beegfs beegfs_nodev rw
38 27 0:48 / /with\\040blank rw - xfs /dev/vdb rw
39 27 0:49 / /bee rw - tmpfs tmpfs rw
broken line
";

    #[test]
    fn locks_reach_as_far_as_the_mount_says() {
        let unknown = |reason: &str| Reach::Unknown(reason.to_owned());
        for (path, file_system, reach) in [
            ("/srv/ledger.db", "ext4", Reach::Host),
            ("/homework/ledger.db", "ext4", Reach::Host),
            ("/home/ada/ledger.db", "nfs4", Reach::AllHosts),
            ("/old/x", "nfs", unknown("NFS is mounted with `nolock`")),
            ("/half/x", "nfs", unknown("NFS is mounted with `local_lock=posix`")),
            ("/e/project/x", "gpfs", Reach::AllHosts),
            ("/lustre/shared/x", "lustre", Reach::AllHosts),
            ("/lustre/local/x", "lustre", unknown("Lustre is mounted with `localflock`")),
            ("/lustre/none/x", "lustre", unknown("Lustre is mounted without `flock`")),
            ("/with blank/x", "xfs", Reach::Host),
            ("/bee/x", "tmpfs", Reach::Host),
        ] {
            let expected = Place { file_system: file_system.to_owned(), reach };
            assert_eq!(place_of(TABLE, Path::new(path)), expected, "{path}");
        }
        let beegfs = place_of("37 27 0:47 / /bee rw - beegfs beegfs_nodev rw", Path::new("/bee/x"));
        assert_eq!(beegfs.reach, unknown("it is not known how far locks reach on `beegfs`"));
        assert!(matches!(place_of("", Path::new("/x")).reach, Reach::Unknown(_)));
    }

    proptest! {
        #[test]
        fn any_table_is_answered_without_panic(text in "([0-9]+ [0-9]+ 0:1 / /[a-z\\\\0-9é]{0,9} rw - nfs a rw\n|.){0,20}") {
            let _ = place_of(&text, Path::new("/a/b"));
        }
    }
}
