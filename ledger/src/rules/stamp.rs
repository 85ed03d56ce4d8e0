//! Whose job a run is. Anybody can write any stamp into a comment, so one is believed only on a run of whoever opened the hold.

use super::attribution::is_same_user;
use crate::Hold;
use crate::evidence::Pseudonym;
use model::{Principal, SiteName, UserName};

/// Whether what this user runs at this site is this person's: by the same name, where the person's name is valid. A user of
/// whom nobody knew more than the number is nobody yet.
pub fn runs_as(person: &Principal, site: &SiteName, user: &UserName) -> bool {
    is_same_user(&person.user, user) && person.site.as_ref().is_none_or(|own| own == site)
}

impl Hold {
    /// Whether a run of this user at this site, which has the stamp of the hold's job, draws from the hold.
    pub fn is_drawn_by(&self, site: &SiteName, user: &UserName) -> bool {
        runs_as(&self.opened_by, site, user)
    }
}

/// Whether one of two was erased, so that their names tell nothing of each other any more.
pub(crate) fn is_beyond_comparison(hold: &Hold, user: &UserName) -> bool {
    [&hold.opened_by.user, user].iter().any(|name| name.as_str().parse::<Pseudonym>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_counts_on_runs_of_the_person_who_opened_the_hold() {
        for (opener, site, user, is_theirs) in [
            (("ada", Some("jupiter")), "jupiter", "ada", true),
            (("ada", None), "jupiter", "ada", true),
            // Slurm keeps names of users in lower case.
            (("Ada", Some("jupiter")), "jupiter", "ada", true),
            (("ada", Some("jupiter")), "jupiter", "Ada", false),
            (("ada", Some("jupiter")), "jupiter", "bob", false),
            (("ada", Some("jupiter")), "jupiter", "1000", false),
            // The same name at another site may be somebody else.
            (("ada", Some("jupiter")), "horeka", "ada", false),
        ] {
            let (name, of_site) = opener;
            let person = Principal {
                user: name.parse().expect("a user"),
                site: of_site.map(|site| site.parse().expect("a site")),
            };
            let (site, user) = (site.parse().expect("a site"), user.parse().expect("a user"));
            assert_eq!(runs_as(&person, &site, &user), is_theirs, "{opener:?} {site} {user}");
        }
    }
}
