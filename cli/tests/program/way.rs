//! The ways to Slurm that a desk of the lab can be told to go: its commands alone, its library, its REST interface.

use crate::{desk::Desk, real_many::helper};
use lab::{Cluster, User};
use std::{fs, os::unix::fs::PermissionsExt};

/// How long a token of [`Way::Rest`] holds, in seconds.
const TOKEN_SECONDS: u32 = 3_600;

/// A way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Commands,
    Library,
    Rest,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Commands, Self::Library, Self::Rest];

    /// Configures the desk of a user of the cluster's so that this way is gone from now on.
    pub(crate) fn take(self, cluster: &Cluster, desk: &Desk, user: User) {
        let site = format!("site: {}\nproject: atlas\n", cluster.name);
        desk.configure(&match self {
            Self::Commands => format!("{site}slurm_helper: none\n"),
            Self::Library => {
                // Not beside the program that all tests share, which would find it there.
                let library = desk.work().join("pakt-slurm");
                if !library.exists() {
                    fs::copy(helper(), &library).expect("root writes there");
                }
                format!("{site}slurm_helper: {}\n", library.display())
            }
            Self::Rest => {
                let file = desk.write("token", &cluster.token(user, TOKEN_SECONDS).expect("a token"));
                let (user_id, group_id) = cluster.ids(user).expect("a user of the lab");
                std::os::unix::fs::chown(&file, Some(user_id), Some(group_id)).expect("root gives files away");
                fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
                let (_, socket) = cluster.rest().expect("it runs");
                let rest = format!("{{ url: \"unix:{}\", token_file: {} }}", socket.display(), file.display());
                format!("{site}slurm_helper: none\nslurm_rest: {rest}\n")
            }
        });
    }

    /// It is the one that is gone: what does not answer is passed by without a word but the doctor's.
    #[track_caller]
    pub(crate) fn is_gone(self, desk: &Desk) {
        let doctor = desk.pakt(&["doctor"]).expect(0).stdout;
        let said = match self {
            Self::Commands => "by slurm commands",
            Self::Library => "by slurm's library (pakt-slurm ",
            Self::Rest => "by slurmrestd (v",
        };
        assert!(doctor.contains(said), "{self:?}: {doctor}");
    }
}
