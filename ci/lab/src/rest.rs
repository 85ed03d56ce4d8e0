//! slurmrestd: Slurm over HTTP, on a port and on a socket of its own, for who shows a token.

use std::os::unix::fs::chown;

use crate::cluster::Site;
use crate::error::{LabError, file_error};
use crate::files::make_folder;
use crate::ports::answers;
use crate::server::Server;
use crate::users::entry_of;

/// Who runs it: neither root nor Slurm's own user, which it refuses.
const OWNER: &str = "nobody";

impl Site {
    /// The server; none in a lab that was built before there was one.
    pub(crate) fn slurmrestd(&self) -> Option<Server> {
        let port = Some(self.ports.slurmrestd).filter(|port| *port > 0)?;
        let socket = self.layout().rest_socket();
        // Everybody may open the socket: it is the token that counts. All plugins that it has are offered.
        let start = "umask 0; exec slurmrestd -f \"$SLURM_CONF\" -a rest_auth/jwt \"$@\"";
        let words = ["setpriv", "--reuid", OWNER, "--regid", "nogroup", "--clear-groups", "sh", "-c", start, "sh"];
        let mut arguments: Vec<String> = words.map(str::to_owned).to_vec();
        arguments.extend([format!("127.0.0.1:{port}"), format!("unix:{}", socket.display())]);
        let mut server = self.server("slurmrestd", arguments);
        // It has no token of its own: each request brings one (slurmrestd(8), SLURM_JWT).
        server.environment.push(("SLURM_JWT", "daemon".to_owned()));
        Some(server)
    }

    /// Starts it unless it runs. Whether it was started.
    pub(crate) fn ensure_slurmrestd(&self) -> Result<bool, LabError> {
        let Some(server) = self.slurmrestd() else { return Ok(false) };
        if server.runs()? {
            if answers(self.ports.slurmrestd) {
                return Ok(false);
            }
            // It may listen on a port that the lab has forgotten.
            server.stop()?;
        }
        let (folder, socket) = (self.layout().rest(), self.layout().rest_socket());
        make_folder(&folder, 0o755)?;
        let owner = entry_of(OWNER)?.map(|entry| (entry.user_id, entry.group_id));
        chown(&folder, owner.map(|owner| owner.0), owner.map(|owner| owner.1))
            .map_err(file_error("giving away", &folder))?;
        // One that was killed leaves it, and the next would not begin.
        match std::fs::remove_file(&socket) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(file_error("removing", &socket)(error));
            }
            _ => {}
        }
        server.ensure(|| answers(self.ports.slurmrestd) && socket.exists())
    }
}
