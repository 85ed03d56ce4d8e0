//! Files at the far side. Each script keeps the promise of the method of [`Reach`](crate::Reach) that has its name, as
//! `crate::files` does on this host; GNU's coreutils are taken for granted (`stat -c`, `sync FILE`, `ln -T`).

use super::{
    OpenSsh, remote_error,
    script::{Mark, Script},
};
use crate::{Created, DirectoryMode, Output, PUBLISHED_LIMIT, Part, Published, ReachError, ReachErrorKind, Retry};
use model::Timestamp;
use std::{
    ffi::OsStr,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// How long the work on one file may take: parallel file systems hang for minutes.
pub(super) const TIME_LIMIT: Duration = Duration::from_mins(5);

/// The tools' own words, and the few of ours, are short.
const WORDS: usize = 64 * 1024;

/// The exit status of our scripts where there is no such file, which is an answer.
const ABSENT: i32 = 44;
/// The exit status where something is there already.
const THERE: i32 = 45;

static TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// Writes standard input to `$2`, a name of its own beside `$1`, with the mode that files get there, and syncs it. A mode
/// without a class of users heeds the umask (chmod(1)). Whether all `$3` bytes came is looked at: a connection that ends looks like the end of a file.
const WRITE_TEMPORARY: &str = r#"
case $1 in */*) d=${1%/*}; [ -n "$d" ] || d=/;; *) d=.;; esac
case $(stat -L -c %a -- "$d") in
    '') exit 1;;
    [2367]?7?) m='=rw,o=';;
    [2367]?5?) m='=rw,g-w,o=';;
    *) m='u=rw,go=';;
esac
[ -d "$d" ] || { echo 'Not a directory' >&2; exit 1; }
rm -f -- "$2" || exit 1
trap 'rm -f -- "$2"' EXIT
(umask 077; set -C; cat >"$2") || exit 1
[ "$(stat -c %s -- "$2")" = "$3" ] || { echo 'not all of it came' >&2; exit 1; }
chmod "$m" -- "$2" && sync -- "$2" || exit 1
"#;

const LINK_NEW: &str = r#"
if ln -T -- "$2" "$1"; then sync -- "$d" || exit 1; exit 0; fi
# The answer to a link that was made can be lost over NFS: two names of one file show it.
if [ "$(stat -c %h -- "$2")" = 2 ]; then sync -- "$d" || exit 1; exit 0; fi
[ -e "$1" ] || [ -L "$1" ] || exit 1
exit 45
"#;

const RENAME_OVER: &str = r#"
mv -f -T -- "$2" "$1" && sync -- "$d" || exit 1
"#;

const APPEND: &str = r#"
[ -e "$1" ] || { (umask 077; : >>"$1") && chmod "$m" -- "$1"; } || exit 1
cat -- "$2" >>"$1" && sync -- "$1" || exit 1
"#;

const READ: &str = r#"
[ -e "$1" ] || [ -L "$1" ] || { stat -- "$1" >/dev/null && exit 1; exit 44; }
[ ! -d "$1" ] || { echo 'Is a directory' >&2; exit 1; }
"#;

fn os(text: &str) -> &OsStr {
    OsStr::new(text)
}

async fn work(
    place: &OpenSsh,
    arguments: &[&OsStr],
    body: &str,
    input: Option<&[u8]>,
    limit: usize,
) -> Result<Output, ReachError> {
    place.on_files(Script::of_files(Mark::new(), arguments, body), input, limit).await
}

/// The output of a script that did its work, or none where it found nothing.
fn if_present(output: Output, verb: &str, path: &Path) -> Result<Option<Output>, ReachError> {
    match output.status {
        Some(0) if !output.timed_out => Ok(Some(output)),
        Some(ABSENT) => match remote_error::of_file(verb, path, &output) {
            // `stat` says why it found nothing: that something is in the way is no absence.
            error if error.kind == ReachErrorKind::NotFound => Ok(None),
            error => Err(error),
        },
        _ => Err(remote_error::of_file(verb, path, &output)),
    }
}

pub(super) async fn read(place: &OpenSsh, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
    let body = format!("{READ}head -c {} -- \"$1\"", limit.saturating_add(1));
    let output = work(place, &[path.as_os_str()], &body, None, limit.saturating_add(WORDS)).await?;
    let Some(output) = if_present(output, "reading", path)? else { return Ok(None) };
    if output.stdout.len() > limit {
        let doing = format!("reading {} at the site", path.display());
        return Err(
            ReachError::new(ReachErrorKind::TooLong, Retry::Never, doing).with("limit", format!("{limit} bytes"))
        );
    }
    Ok(Some(output.stdout))
}

pub(super) async fn read_part(
    place: &OpenSsh,
    path: &Path,
    offset: i64,
    limit: usize,
) -> Result<Option<Part>, ReachError> {
    // Counted from one, as tail(1) does. From the end the size that was just told counts, not the one of the next moment.
    let start = match u64::try_from(offset) {
        Ok(offset) => format!("from={}; [ $from -le $((size + 1)) ] || from=$((size + 1))", offset.saturating_add(1)),
        Err(_) => format!("from=$((size - {} + 1)); [ $from -ge 1 ] || from=1", offset.unsigned_abs()),
    };
    let body = format!(
        "{READ}size=$(stat -L -c %s -- \"$1\") || exit 1\necho \"$size\"\n{start}\ntail -c \"+$from\" -- \"$1\" | head -c {limit}"
    );
    let output = work(place, &[path.as_os_str()], &body, None, limit.saturating_add(WORDS)).await?;
    let Some(output) = if_present(output, "reading", path)? else { return Ok(None) };
    let (size, bytes) = first_line(&output.stdout);
    let total_bytes = size.parse().map_err(|_| odd("reading", path, &size))?;
    Ok(Some(Part { bytes: bytes.to_vec(), total_bytes }))
}

fn first_line(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    (String::from_utf8_lossy(&bytes[..end]).into_owned(), bytes.get(end + 1..).unwrap_or_default())
}

/// The failure of an answer that has another form than ours.
pub(super) fn odd(verb: &str, path: &Path, answer: &str) -> ReachError {
    let doing = format!("{verb} {} at the site", path.display());
    ReachError::new(ReachErrorKind::Other, Retry::LookFirst, doing).with("answer", remote_error::repeated(answer))
}

/// A name beside the file that no other process has: several machines may write there.
fn temporary_beside(path: &Path) -> std::path::PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let here = rustix::system::uname();
    let number = TEMPORARY.fetch_add(1, Ordering::Relaxed);
    let unique = format!(".{name}.{}.{}.{number}.tmp", here.nodename().to_string_lossy(), std::process::id());
    path.with_file_name(unique)
}

async fn write(place: &OpenSsh, path: &Path, bytes: &[u8], then: &str) -> Result<Output, ReachError> {
    let temporary = temporary_beside(path);
    let length = bytes.len().to_string();
    let body = format!("{WRITE_TEMPORARY}{then}");
    work(place, &[path.as_os_str(), temporary.as_os_str(), os(&length)], &body, Some(bytes), WORDS).await
}

pub(super) async fn write_once(place: &OpenSsh, path: &Path, bytes: &[u8]) -> Result<Published, ReachError> {
    let output = write(place, path, bytes, LINK_NEW).await?;
    match output.status {
        Some(0) if !output.timed_out => Ok(Published::New),
        Some(THERE) => match read(place, path, PUBLISHED_LIMIT).await? {
            Some(bytes) => Ok(Published::Existing(bytes)),
            None => Err(remote_error::of_file("publishing", path, &output)),
        },
        _ => Err(remote_error::of_file("publishing", path, &output)),
    }
}

pub(super) async fn replace(place: &OpenSsh, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
    done(&write(place, path, bytes, RENAME_OVER).await?, "replacing", path)
}

pub(super) async fn append(place: &OpenSsh, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
    done(&write(place, path, bytes, APPEND).await?, "appending to", path)
}

fn done(output: &Output, verb: &str, path: &Path) -> Result<(), ReachError> {
    if output.succeeded() { Ok(()) } else { Err(remote_error::of_file(verb, path, output)) }
}

const fn bits(mode: DirectoryMode) -> &'static str {
    match mode {
        DirectoryMode::Private => "700",
        DirectoryMode::Group => "2770",
        DirectoryMode::GroupSticky => "3770",
        DirectoryMode::GroupReads => "2750",
    }
}

/// Makes `$1` with mode `$2`; mkdir(2) leaves the set-group-id bit to the parent and subtracts the umask.
const MAKE: &str = r#"
make() {
    if ! said=$(mkdir -m 700 -- "$1" 2>&1); then
        [ -e "$1" ] || [ -L "$1" ] || { printf '%s\n' "$said" >&2; exit 1; }
        return 45
    fi
    [ "$2" = 700 ] || chmod "$2" -- "$1" || exit 1
    case $1 in */*) d=${1%/*}; [ -n "$d" ] || d=/;; *) d=.;; esac
    sync -- "$d" || exit 1
}
"#;

pub(super) async fn create_directory_exclusive(
    place: &OpenSsh,
    path: &Path,
    mode: DirectoryMode,
) -> Result<Created, ReachError> {
    let body = format!("{MAKE}make \"$1\" \"$2\"");
    let output = work(place, &[path.as_os_str(), os(bits(mode))], &body, None, WORDS).await?;
    match output.status {
        Some(THERE) => Ok(Created::Existing),
        _ => done(&output, "making directory", path).map(|()| Created::New),
    }
}

pub(super) async fn create_directories(place: &OpenSsh, path: &Path, mode: DirectoryMode) -> Result<(), ReachError> {
    let mut arguments = vec![os(bits(mode))];
    let above: Vec<&Path> = path.ancestors().filter(|at| !at.as_os_str().is_empty()).collect();
    arguments.extend(above.iter().rev().map(|at| at.as_os_str()));
    let body = format!(
        "{MAKE}mode=$1; shift\nfor at; do [ -e \"$at\" ] || [ -L \"$at\" ] || make \"$at\" \"$mode\" || [ $? = 45 ]; last=$at; done\n\
         [ -d \"$last\" ] || {{ echo 'Not a directory' >&2; exit 1; }}"
    );
    done(&work(place, &arguments, &body, None, WORDS).await?, "making directory", path)
}

pub(super) async fn modified_at(place: &OpenSsh, path: &Path) -> Result<Option<Timestamp>, ReachError> {
    let body = "stat -L -c %Y -- \"$1\" || exit 44";
    let output = work(place, &[path.as_os_str()], body, None, WORDS).await?;
    let Some(output) = if_present(output, "looking at", path)? else { return Ok(None) };
    let text = output.stdout_text();
    let seconds = text.trim().parse().map_err(|_| odd("looking at", path, &text))?;
    Ok(Some(Timestamp::from_epoch_seconds(seconds)))
}

pub(super) async fn remove(place: &OpenSsh, path: &Path) -> Result<(), ReachError> {
    let body = r#"
case $1 in */*) d=${1%/*}; [ -n "$d" ] || d=/;; *) d=.;; esac
if [ -d "$1" ] && [ ! -L "$1" ]; then rmdir -- "$1" || [ ! -e "$1" ] || exit 1
else rm -f -- "$1" || exit 1; fi
[ ! -d "$d" ] || sync -- "$d" || exit 1
"#;
    done(&work(place, &[path.as_os_str()], body, None, WORDS).await?, "removing", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// Runs a script of files on this host with so much of its input, as if the connection ended then.
    fn cut_off(path: &Path, then: &str, sent: &[u8], promised: usize) -> Option<i32> {
        let temporary = temporary_beside(path);
        let mut shell = std::process::Command::new("sh")
            .arg("-c")
            .arg(format!("{WRITE_TEMPORARY}{then}"))
            .args([OsStr::new("sh"), path.as_os_str(), temporary.as_os_str(), OsStr::new(&promised.to_string())])
            .stdin(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("sh starts");
        shell.stdin.take().expect("piped").write_all(sent).expect("sent");
        shell.wait().expect("it ends").code()
    }

    #[test]
    fn what_did_not_come_whole_is_not_published() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("claim");
        for then in [LINK_NEW, RENAME_OVER, APPEND] {
            assert_eq!(cut_off(&path, then, b"hal", 4), Some(1));
            assert_eq!(std::fs::read_dir(folder.path()).expect("ours").count(), 0, "something is left of a half");
        }
        for (then, expected) in [(LINK_NEW, "half"), (APPEND, "halfhalf"), (RENAME_OVER, "half")] {
            assert_eq!(cut_off(&path, then, b"half", 4), Some(0));
            assert_eq!(std::fs::read_to_string(&path).expect("there"), expected);
        }
        assert_eq!(cut_off(&path, LINK_NEW, b"half", 4), Some(THERE));
        assert_eq!(std::fs::read_dir(folder.path()).expect("ours").count(), 1);
    }
}
