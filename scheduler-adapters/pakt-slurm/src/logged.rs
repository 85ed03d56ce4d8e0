//! What the library writes to its log while it is called: a submit filter's reasons are said nowhere else.

use rustix::fs::{MemfdFlags, memfd_create};
use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::fd::OwnedFd,
};

/// The most bytes that are kept of one call's.
const LIMIT: u64 = 16 * 1024;

/// Calls the library, and tells what it wrote to standard error meanwhile, which is written there afterwards. Of a call that ends this
/// program nothing is kept. Where its log cannot be kept, it is told as none.
pub(crate) fn during<T>(call: impl FnOnce() -> T) -> (T, String) {
    let kept = Kept::begin();
    let answered = call();
    let (said, complaint) = match kept.and_then(Kept::end) {
        Ok(said) => (said.clone(), said),
        Err(error) => (String::new(), format!("pakt-slurm: the library's log cannot be kept: {error}\n")),
    };
    // Who does not listen to complaints has closed the pipe.
    let _ = io::stderr().write_all(complaint.as_bytes());
    (answered, said)
}

/// Standard error, led into memory.
struct Kept {
    memory: File,
    before: OwnedFd,
}

impl Kept {
    fn begin() -> io::Result<Self> {
        let memory = File::from(memfd_create("log", MemfdFlags::CLOEXEC)?);
        let before = io::stderr();
        let before = rustix::io::fcntl_dupfd_cloexec(&before, 3)?;
        rustix::stdio::dup2_stderr(&memory)?;
        Ok(Self { memory, before })
    }

    fn end(mut self) -> io::Result<String> {
        rustix::stdio::dup2_stderr(&self.before)?;
        self.memory.rewind()?;
        let mut said = Vec::new();
        self.memory.take(LIMIT).read_to_end(&mut said)?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_during_a_call_is_told_and_no_more_of_it_than_fits() {
        let say = |words: &str| io::stderr().write_all(words.as_bytes()).expect("it is open");
        assert_eq!(during(|| 1), (1, String::new()));
        let (answered, said) = during(|| {
            say("pakt-slurm: error: jobs need --mem\n");
            say("pakt-slurm: error: ask us\n");
            2
        });
        assert_eq!((answered, &*said), (2, "pakt-slurm: error: jobs need --mem\npakt-slurm: error: ask us\n"));
        let long = "x".repeat(20_000);
        assert_eq!(during(|| say(&long)).1.len(), 16 * 1024);
    }
}
