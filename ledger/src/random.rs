//! Where random bits come from.

use crate::{LedgerError, LedgerErrorKind, Retry};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;

/// Where random bits come from, for pseudonyms, salts and keys.
#[derive(Clone)]
pub struct Random(Arc<Source>);

type Source = dyn Fn(&mut [u8]) -> io::Result<()> + Send + Sync;

impl Random {
    /// Those of the kernel.
    pub fn of_the_system() -> Self {
        Self::new(|bytes| File::open("/dev/urandom").and_then(|mut file| file.read_exact(bytes)))
    }

    /// Those that a function fills in, so that a test can say which.
    pub fn new(source: impl Fn(&mut [u8]) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Fills the bytes.
    pub fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        (self.0)(bytes)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Random(..)")
    }
}

/// The error of a machine that gives no random bits.
pub(crate) fn no_bits(error: &io::Error) -> LedgerError {
    LedgerError::new(LedgerErrorKind::InputOutput, Retry::Later, "this machine gives no random bits")
        .with_fact("system", error)
}
