//! The archive of a job that is over: its small files in one, as tar(1) reads them. It is read in memory and never
//! unpacked to a disk, so that nothing that stands in it can become a file anywhere.

use model::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _},
};

/// The longest archive, in bytes: it is published and read as a whole.
pub(super) const LONGEST_ARCHIVE: usize = reach::PUBLISHED_LIMIT;
/// The most files in one.
const MOST_FILES: usize = 20_000;
/// The longest name of a file, and of the folders before it where both are longer, in bytes: a plain header has room for them
/// (POSIX pax(1), "ustar Interchange Format").
const LONGEST_NAME: usize = 100;
const LONGEST_PREFIX: usize = 155;
/// An archive is a number of blocks, in bytes, and ends with two that are empty.
const BLOCK: usize = 512;
const END: usize = 2 * BLOCK;

/// A file in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackedFile {
    /// Its permission bits.
    pub(super) mode: u32,
    /// When it was last written.
    pub(super) modified_at: Timestamp,
    pub(super) bytes: Vec<u8>,
}

/// The files of an archive by their paths in the job directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Archive {
    files: BTreeMap<String, PackedFile>,
}

/// How much room a file of so many bytes takes in an archive, its header included.
pub(super) const fn room_of(bytes: u64) -> u64 {
    (1 + bytes.div_ceil(BLOCK as u64)) * BLOCK as u64
}

impl Archive {
    /// Whether a file of this name has a place in an archive.
    pub(super) fn takes(name: &str) -> bool {
        is_plain(name)
    }

    /// Whether it holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Takes a file up; one whose name has no place in an archive is left out.
    pub(super) fn add(&mut self, name: String, file: PackedFile) {
        if is_plain(&name) && self.files.len() < MOST_FILES {
            self.files.insert(name, file);
        }
    }

    /// The bytes of a file.
    pub(super) fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(|file| file.bytes.as_slice())
    }

    /// All files, by their names.
    pub(super) fn into_files(self) -> impl Iterator<Item = (String, PackedFile)> {
        self.files.into_iter()
    }

    /// The names right below a folder.
    pub(super) fn names_in(&self, folder: &str) -> BTreeSet<String> {
        let below = self.files.keys().filter_map(|name| name.strip_prefix(folder)?.strip_prefix('/'));
        below.filter_map(|rest| rest.split('/').next()).map(str::to_owned).collect()
    }

    /// The archive as it lies on disk: the same files make the same bytes, in the order of their names. Whose they are is
    /// left out, because that is the owner of the archive.
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, file) in &self.files {
            let mut header = tar::Header::new_ustar();
            header.set_path(name)?;
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(file.bytes.len() as u64);
            header.set_mode(file.mode & 0o777);
            header.set_mtime(u64::try_from(file.modified_at.epoch_seconds()).unwrap_or(0));
            header.set_uid(0);
            header.set_gid(0);
            header.set_cksum();
            builder.append(&header, file.bytes.as_slice())?;
        }
        builder.into_inner()
    }

    /// Reads an archive that may be anything: nothing but whole plain files with plain relative names is taken, each once.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LONGEST_ARCHIVE {
            return Err(format!("it is longer than {LONGEST_ARCHIVE} bytes"));
        }
        let (mut archive, mut blocks) = (Self::default(), 0);
        let mut reader = tar::Archive::new(bytes);
        let entries = reader.entries().map_err(|error| error.to_string())?;
        // As they stand: what follows an extended header could be called anything.
        for entry in entries.raw(true) {
            let (name, file) = entry.map_err(|error| error.to_string()).and_then(|mut entry| packed(&mut entry))?;
            blocks += 1 + file.bytes.len().div_ceil(BLOCK);
            if archive.files.len() == MOST_FILES {
                return Err(format!("it holds more than {MOST_FILES} files"));
            }
            if archive.files.insert(name.clone(), file).is_some() {
                return Err(format!("it holds `{name}` twice"));
            }
        }
        // Behind the last file there is the end, and nothing more.
        let rest = bytes.get(blocks * BLOCK..).unwrap_or_default();
        let is_whole = bytes.len().is_multiple_of(BLOCK) && rest.len() >= END && rest.iter().all(|byte| *byte == 0);
        if is_whole { Ok(archive) } else { Err("it is no archive, or its end is missing".to_owned()) }
    }
}

/// One entry, which must be a file of ours.
fn packed(entry: &mut tar::Entry<'_, &[u8]>) -> Result<(String, PackedFile), String> {
    let header = entry.header().clone();
    if header.entry_type() != tar::EntryType::Regular {
        return Err("it holds something that is no plain file".to_owned());
    }
    let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap_or_default();
    if !is_plain(&name) {
        return Err("it holds a file whose name leads elsewhere".to_owned());
    }
    let number = |read: io::Result<u64>| read.map_err(|error| error.to_string());
    let size = number(header.entry_size())?;
    let seconds = i64::try_from(number(header.mtime())?).map_err(|_| "it holds a date out of range".to_owned())?;
    let mode = header.mode().map_err(|error| error.to_string())? & 0o777;
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 != size {
        return Err(format!("`{name}` is cut"));
    }
    Ok((name, PackedFile { mode, modified_at: Timestamp::from_epoch_seconds(seconds), bytes }))
}

/// Whether a name is a path from the job directory down.
fn is_plain(name: &str) -> bool {
    let has_room = |at: usize| at <= LONGEST_PREFIX && name.len() - at - 1 <= LONGEST_NAME;
    (name.len() <= LONGEST_NAME || name.match_indices('/').any(|(at, _)| has_room(at)))
        && !name.chars().any(char::is_control)
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(bytes: &[u8]) -> PackedFile {
        PackedFile { mode: 0o640, modified_at: Timestamp::from_epoch_seconds(1_793_000_000), bytes: bytes.to_vec() }
    }

    fn one_entry(name: &str, kind: tar::EntryType, link: Option<&str>) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        // As an attacker writes it: the library's own setter refuses such names.
        header.as_gnu_mut().expect("made so").name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        if let Some(link) = link {
            header.set_link_name(link).expect("short");
        }
        header.set_size(4);
        header.set_mode(0o4777);
        header.set_mtime(1);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, &b"evil"[..]).expect("in memory");
        builder.into_inner().expect("in memory")
    }

    #[test]
    fn names_and_kinds_that_lead_elsewhere_are_refused() {
        for name in ["/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/.", "", "a\nb"] {
            assert!(Archive::read(&one_entry(name, tar::EntryType::Regular, None)).is_err(), "{name:?}");
        }
        for kind in [
            tar::EntryType::Symlink,
            tar::EntryType::Link,
            tar::EntryType::Directory,
            tar::EntryType::Char,
            tar::EntryType::GNULongName,
            tar::EntryType::GNUSparse,
            tar::EntryType::XHeader,
            tar::EntryType::XGlobalHeader,
        ] {
            assert!(Archive::read(&one_entry("intent.json", kind, Some("/etc/passwd"))).is_err(), "{kind:?}");
        }
        let read = Archive::read(&one_entry("intent.json", tar::EntryType::Regular, None)).expect("a plain file");
        assert_eq!(read.files["intent.json"].mode, 0o777, "no set-user-id bit is believed");
    }

    #[test]
    fn a_long_name_is_parted_and_one_without_room_left_out() {
        let part = |letters: usize| "x".repeat(letters);
        for (name, has_room) in [
            (format!("results/1/{}/{}", part(140), part(90)), true),
            (format!("results/1/{}/{}", part(140), part(101)), false),
            (format!("results/1/{}/a", part(150)), false),
            (format!("{}/{}", part(155), part(100)), true),
            (part(101), false),
        ] {
            let mut archive = Archive::default();
            archive.add(name.clone(), file(b"{}"));
            let read = Archive::read(&archive.to_bytes().expect("in memory")).expect("ours");
            assert_eq!(read.file(&name).is_some(), has_room, "{name}");
            assert_eq!(read, archive);
        }
    }

    #[test]
    fn what_is_cut_or_doubled_is_no_archive() {
        let mut archive = Archive::default();
        archive.add("a".to_owned(), file(&[7; 700]));
        let bytes = archive.to_bytes().expect("in memory");
        for length in 0..bytes.len() {
            assert!(Archive::read(&bytes[..length]).is_err(), "{length} bytes");
        }
        let body = &bytes[..bytes.len() - END];
        assert!(Archive::read(&[body, body, &[0; END]].concat()).is_err());
        // A header that promises more than there is.
        let huge = [one_entry("a", tar::EntryType::Regular, None)].concat();
        let mut header = tar::Header::from_byte_slice(&huge[..512]).clone();
        for size in [600, u64::from(u32::MAX), 1 << 62] {
            header.set_size(size);
            header.set_cksum();
            assert!(Archive::read(&[header.as_bytes(), &huge[512..]].concat()).is_err(), "{size}");
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_is_read_and_packs_the_same_again(
            files in proptest::collection::btree_map("[a-z]{1,8}(/[a-z.-]{3,9}){0,3}",
                (0_u32..0o1000, 0_i64..4_000_000_000, proptest::collection::vec(any::<u8>(), 0..1200)), 0..12)
        ) {
            let mut archive = Archive::default();
            for (name, (mode, seconds, bytes)) in files {
                let modified_at = Timestamp::from_epoch_seconds(seconds);
                archive.add(name, PackedFile { mode, modified_at, bytes });
            }
            let bytes = archive.to_bytes().expect("in memory");
            let room: u64 = archive.files.values().map(|file| room_of(file.bytes.len() as u64)).sum();
            prop_assert_eq!(bytes.len() as u64, room + END as u64);
            let read = Archive::read(&bytes).expect("ours");
            prop_assert_eq!(&read, &archive);
            prop_assert_eq!(read.to_bytes().expect("in memory"), bytes);
        }

        #[test]
        fn any_bytes_are_answered_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let _ = Archive::read(&bytes);
            let _ = Archive::read(&[bytes.as_slice(), &[0; END]].concat());
        }

        #[test]
        fn a_damaged_archive_holds_no_name_that_leads_elsewhere(
            place in 0_usize..2048, byte in any::<u8>(), repair in any::<bool>()
        ) {
            let mut archive = Archive::default();
            archive.add("links/1/claim/owner".to_owned(), file(b"scheduler_job=7\n"));
            let mut bytes = archive.to_bytes().expect("in memory");
            let length = bytes.len();
            bytes[place % length] = byte;
            if repair {
                let mut header = tar::Header::from_byte_slice(&bytes[..512]).clone();
                header.set_cksum();
                bytes[..512].copy_from_slice(header.as_bytes());
            }
            if let Ok(read) = Archive::read(&bytes) {
                for (name, file) in &read.files {
                    prop_assert!(is_plain(name) && file.bytes.len() <= bytes.len() && file.mode <= 0o777);
                }
            }
        }
    }
}
