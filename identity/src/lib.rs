//! Who asks. On a login node without a token it is the user of the operating system; nothing else is known here yet.
//!
//! The name comes from the system's user database, directory services included, and never from `$USER`, which anybody
//! can set.

mod operating_system;

pub use operating_system::{IdentityError, principal_of_this_process};
