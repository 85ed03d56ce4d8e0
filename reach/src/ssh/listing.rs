//! Directories at the far side, as find(1) of GNU's findutils lists them.

use super::{
    OpenSsh,
    files::odd,
    remote_error,
    script::{Mark, Script},
};
use crate::{Entry, EntryKind, ReachError, ReachErrorKind};
use model::Timestamp;
use std::path::Path;

/// The longest listing, in bytes: a million entries with names of some length.
const LONGEST: usize = 128 * 1024 * 1024;

/// Kind, size, time, mode and name of each entry, ended by a zero byte: names may hold anything else.
const LIST: &str = r#"
stat -L -- "$1" >/dev/null || exit 44
[ -d "$1" ] || { echo 'Not a directory' >&2; exit 1; }
find "$1/" -mindepth 1 -maxdepth 1 -ignore_readdir_race -printf '%y %s %T@ %m %f\0'
"#;

pub(super) async fn list(place: &OpenSsh, path: &Path) -> Result<Option<Vec<Entry>>, ReachError> {
    let script = Script::of_files(Mark::new(), &[path.as_os_str()], LIST);
    let output = place.on_files(script, None, LONGEST).await?;
    if !output.succeeded() {
        let error = remote_error::of_file("listing", path, &output);
        return if output.status == Some(44) && error.kind == ReachErrorKind::NotFound { Ok(None) } else { Err(error) };
    }
    let rows = output.stdout.split(|byte| *byte == 0).filter(|row| !row.is_empty());
    let mut entries = rows
        .map(|row| entry(row).ok_or_else(|| odd("listing", path, &String::from_utf8_lossy(row))))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(Some(entries))
}

fn entry(row: &[u8]) -> Option<Entry> {
    let mut fields = row.splitn(5, |byte| *byte == b' ');
    let mut text = || fields.next().and_then(|field| std::str::from_utf8(field).ok());
    let kind = match text()? {
        "f" => EntryKind::File,
        "d" => EntryKind::Directory,
        _ => EntryKind::Other,
    };
    let bytes = text()?.parse().ok()?;
    // Seconds with a fraction, as Slurm's own times are without.
    let seconds = text()?.split('.').next()?.parse().ok()?;
    let mode = u32::from_str_radix(text()?, 8).ok()?;
    let name = String::from_utf8_lossy(fields.next()?).into_owned();
    Some(Entry { name, kind, bytes, modified_at: Timestamp::from_epoch_seconds(seconds), mode })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_whatever_its_name_holds() {
        let found = entry(b"f 12 1700000000.9120000000 640 a b\n\xff|").expect("a row");
        let expected = Entry {
            name: "a b\n\u{fffd}|".to_owned(),
            kind: EntryKind::File,
            bytes: 12,
            modified_at: Timestamp::from_epoch_seconds(1_700_000_000),
            mode: 0o640,
        };
        assert_eq!(found, expected);
        for odd in [&b"f 12 1700000000.9 640"[..], b"f x 1 640 a", b"f 1 y 640 a", b"f 1 1 9 a", b"", b"d"] {
            assert_eq!(entry(odd), None, "{odd:?}");
        }
    }
}
