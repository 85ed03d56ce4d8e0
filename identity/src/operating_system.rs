//! The principal of a process: the user that the kernel says it runs as.

use model::{NameError, Principal, SiteName, UserName};

/// Why nobody could be named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The user database has no such user: a container without it, or a directory service that is down.
    #[error("user id {0} has no name in the user database")]
    Nameless(u32),
    /// The name cannot be used where names are compared and printed.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// The principal that this process acts as, at `site` where that is known.
pub fn principal_of_this_process(site: Option<SiteName>) -> Result<Principal, IdentityError> {
    let uid = uzers::get_effective_uid();
    let user = uzers::get_user_by_uid(uid).ok_or(IdentityError::Nameless(uid))?;
    let user: UserName = user.name().to_string_lossy().parse()?;
    Ok(Principal { user, site })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_answer_counts_and_not_a_variable() {
        let said = std::process::Command::new("id").arg("-un").env("USER", "mallory").output().expect("id runs");
        let principal = principal_of_this_process(None).expect("a user with a name");
        assert_eq!(principal.user.as_str(), String::from_utf8_lossy(&said.stdout).trim());
    }
}
