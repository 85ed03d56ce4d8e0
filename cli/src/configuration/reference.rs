//! The fields of `config.yaml` and the environment variables in words, for the reference page. A test compares the first
//! list with what the parser knows, the second with what the program reads.

use serde::Serialize;

/// One field of `config.yaml`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Field {
    /// Where it stands: `site`, or `machine.cpus` below `machine`.
    pub path: &'static str,
    /// What may be written there.
    pub value: &'static str,
    /// What counts where it is left out.
    pub default: &'static str,
    /// A value, as it is written in YAML; empty for a field that only holds others.
    pub example: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// One environment variable.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// All fields.
pub(crate) const FIELDS: &[Field] = &[
    Field {
        path: "site",
        value: "a site's name or alias",
        default: "detected from the site's variables and host names; `local` where there is no Slurm",
        example: "jupiter",
        meaning: "The site this machine belongs to. `--site` on the command line goes first.",
    },
    Field {
        path: "project",
        value: "a project's name",
        default: "none",
        example: "atlas",
        meaning: "Who spends where a command needs a project and no `--project` names one.",
    },
    Field {
        path: "state",
        value: "a path",
        default: "`$PAKT_HOME/state`; without `PAKT_HOME`, `USER/pakt` in the state area of the site's profile; without \
                  such an area `$XDG_STATE_HOME/pakt` or `~/.local/state/pakt`; without `PAKT_HOME` as it was found first: \
                  the file `state-SITE` beside `config.yaml` keeps it",
        example: "$PROJECT/ada/pakt",
        meaning: "The folder of the jobs. Compute nodes must see it under the same path.",
    },
    Field {
        path: "ledger",
        value: "a path, or a place as `PAKT_LEDGER` has it",
        default: "`ledger.sqlite` in the folder of the jobs",
        example: "$PROJECT/pakt/ledger.sqlite",
        meaning: "Where the ledger is kept. A group that shares one ledger names the same place in each member's configuration.",
    },
    Field {
        path: "slurm_helper",
        value: "a path, or `none`",
        default: "`pakt-slurm` beside `pakt`, where it is",
        example: "$PROJECT/pakt/pakt-slurm",
        meaning: "The program that speaks with Slurm's own library; the commands do what it does not. `none` leaves all to them.",
    },
    Field {
        path: "slurm_rest",
        value: "fields",
        default: "none",
        example: "",
        meaning: "The server that speaks Slurm's REST interface at this machine's own site; the others do what it cannot, and all at a \
                  site that is reached through ssh. `pakt doctor` says what it does.",
    },
    Field {
        path: "slurm_rest.url",
        value: "`https://host:port`, `http://127.0.0.1:port` or `unix:/path`",
        default: "has to be written",
        example: "unix:/run/slurmrestd/slurmrestd.socket",
        meaning: "Where slurmrestd listens. Plain `http` goes to this machine alone, because a token goes along.",
    },
    Field {
        path: "slurm_rest.token_file",
        value: "a path",
        default: "none",
        example: "~/.slurm-token",
        meaning: "The file that holds the token. It has to be your own, and nobody else may read it (`chmod 600`).",
    },
    Field {
        path: "slurm_rest.token_command",
        value: "a list of words",
        default: "none",
        example: "[scontrol, token, lifespan=600]",
        meaning: "Instead of a file: the command that prints a token, and its arguments. It is asked again when the token ends.",
    },
    Field {
        path: "group",
        value: "`true` or `false`",
        default: "`false`",
        example: "true",
        meaning: "Whether the group of the folder they lie in may read new job folders (2750), or you alone (0700).",
    },
    Field {
        path: "machine",
        value: "fields",
        default: "counted",
        example: "",
        meaning: "What this machine has for jobs, where they run on it without Slurm.",
    },
    Field {
        path: "machine.cpus",
        value: "a whole number",
        default: "the CPUs that this process may use",
        example: "8",
        meaning: "CPUs for jobs.",
    },
    Field {
        path: "machine.gpus",
        value: "a whole number",
        default: "what the NVIDIA driver lists in `/proc/driver/nvidia/gpus`",
        example: "1",
        meaning: "GPUs for jobs.",
    },
    Field {
        path: "ssh",
        value: "fields by site",
        default: "every site is this machine's own",
        example: "",
        meaning: "Sites that are reached from this machine through your own `ssh`, by name or alias. A machine of no known \
                  site is taken to be of the one that stands here, where it is the only one.",
    },
    Field {
        path: "ssh.SITE.hosts",
        value: "a list of names",
        default: "the login nodes of the site's profile",
        example: "[jupiter-login]",
        meaning: "The login nodes, as your `ssh_config` knows them or as `user@host`. The first one with an open connection counts.",
    },
    Field {
        path: "ssh.SITE.jump",
        value: "a host, or several with commas",
        default: "what your `ssh_config` says, else the first gateway of the site's profile",
        example: "gate1.mpcdf.mpg.de",
        meaning: "Hosts to pass through, where your `ssh_config` names none (`ssh -J`).",
    },
    Field {
        path: "ssh.SITE.opened_by",
        value: "`person` or `pakt`",
        default: "`pakt` where the site's profile says that a key is enough, else `person`",
        example: "person",
        meaning: "Who opens the connection: you, before Pakt is called, or Pakt with keys alone and never with a question.",
    },
    Field {
        path: "ssh.SITE.configuration",
        value: "a path",
        default: "`~/.ssh/config`",
        example: "/home/ada/pakt/ssh_config",
        meaning: "A configuration of `ssh` in place of yours (`ssh -F`).",
    },
    Field {
        path: "ssh.SITE.slurm_helper",
        value: "a path at the site",
        default: "none: Slurm's commands are used",
        example: "/opt/pakt/pakt-slurm",
        meaning: "The program at the site that speaks with Slurm's own library.",
    },
];

/// All variables that the program reads by name. A site's own, by which it is recognised, stand in its profile.
pub(crate) const VARIABLES: &[Variable] = &[
    Variable {
        name: "PAKT_HOME",
        meaning: "One folder for all of Pakt's files: `config.yaml`, `sites/`, and `state/` with the jobs and the ledger. \
                  A relative one is meant from the working directory.",
    },
    Variable {
        name: "PAKT_LEDGER",
        meaning: "Where the ledger is kept, whatever `ledger` in the configuration says: a path, `sqlite:///path`, or \
                  `postgres://user@host/database` for one on PostgreSQL 15 or later, in the schema `pakt`. The host is this \
                  machine, by the folder of its socket (`postgres://user@/database?host=/var/run/postgresql`) or by \
                  `127.0.0.1`: what would cross a network in plain text is refused; `ssh -L` brings a remote server here.",
    },
    Variable {
        name: "PGPASSFILE",
        meaning: "The file of passwords for PostgreSQL, in the form of `~/.pgpass`, which is read where this is not set. \
                  Nobody else may be able to read it (`chmod 600`). A password belongs there and not in a URL.",
    },
    Variable {
        name: "XDG_CONFIG_HOME",
        meaning: "Without `PAKT_HOME`: the configuration lies in its folder `pakt`, else in `~/.config/pakt`. A relative one is \
                  ignored.",
    },
    Variable {
        name: "XDG_STATE_HOME",
        meaning: "Without `PAKT_HOME` and a state area in the site's profile: the jobs lie in its folder `pakt`, else in \
                  `~/.local/state/pakt`, as it was found first. A relative one is ignored.",
    },
    Variable { name: "HOME", meaning: "What `~` means in `config.yaml`, and where the two folders above begin." },
    Variable {
        name: "XDG_RUNTIME_DIR",
        meaning: "Sockets of connections to sites lie in its folder `pakt-ssh`, else in `/tmp/pakt-ssh-UID`, where your \
                  `ssh_config` names no place for them.",
    },
    Variable { name: "PATH", meaning: "Where Slurm's commands are looked for." },
    Variable {
        name: "PAKT_TEST_STOP_AFTER",
        meaning: "For tests: ends the program as a crash would, after the step of a submission that it names.",
    },
];
