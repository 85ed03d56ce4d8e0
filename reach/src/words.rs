//! What the operating system says, in our own words: its messages carry numbers that nobody but a programmer reads.

use std::io::{Error, ErrorKind};

/// Why an operation on a file or a process failed, as a sentence without the system's error number.
pub fn io_words(error: &Error) -> String {
    let known = match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder",
        ErrorKind::PermissionDenied => "you may not do that there",
        ErrorKind::AlreadyExists => "there is something of that name already",
        ErrorKind::NotADirectory => "a part of that path is a file, not a folder",
        ErrorKind::IsADirectory => "it is a folder, not a file",
        ErrorKind::DirectoryNotEmpty => "the folder is not empty",
        ErrorKind::ReadOnlyFilesystem => "the file system can only be read",
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::QuotaExceeded => "the quota is used up",
        ErrorKind::FileTooLarge => "the file would become too large",
        ErrorKind::InvalidFilename => "that is no name that a file can have here",
        ErrorKind::BrokenPipe => "the other side has closed the connection",
        ErrorKind::InvalidData => "it is no text in UTF-8",
        ErrorKind::TimedOut => "there was no answer in time",
        ErrorKind::OutOfMemory => "there is no memory left",
        ErrorKind::Unsupported => "the file system cannot do that",
        _ => return without_number(&error.to_string()),
    };
    known.to_owned()
}

/// The words of an error that has no kind of its own: `Too many open files (os error 24)` without the bracket.
fn without_number(text: &str) -> String {
    text.split_once(" (os error ").map_or(text, |(words, _)| words).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_of_the_system_is_shown() {
        // Every number that Linux has a message for (errno(3)).
        for number in 1..=133 {
            let words = io_words(&Error::from_raw_os_error(number));
            assert!(!words.contains("os error") && !words.is_empty(), "{number}: {words}");
        }
        assert_eq!(io_words(&Error::from_raw_os_error(17)), "there is something of that name already");
        assert_eq!(io_words(&Error::from_raw_os_error(24)), "too many open files");
    }
}
