//! The tables the checks go by. The import table stands in docs/ARCHITECTURE.md too, and `checks/imports.rs` compares
//! the two, so that neither can change alone.

/// What a folder of the house may import.
pub(crate) struct ImportRule {
    /// The folder at the root.
    pub(crate) folder: &'static str,
    /// The cell "may import" of docs/ARCHITECTURE.md, word for word; none for folders that the table leaves out.
    pub(crate) words: Option<&'static str>,
    /// The folders it may import.
    pub(crate) may_import: &'static [&'static str],
}

const fn rule(folder: &'static str, words: &'static str, may_import: &'static [&'static str]) -> ImportRule {
    ImportRule { folder, words: Some(words), may_import }
}

/// Folders that do one thing each and do not know each other (docs/ARCHITECTURE.md, floor 1).
pub(crate) const LEAVES: &[&str] =
    &["sites", "templates", "scheduler-adapters", "staging", "identity", "ledger", "telemetry", "reports", "reach"];

/// Who may import whom (docs/ARCHITECTURE.md, the table of "One idea"). Nobody imports `ci`; tests may use its lab.
pub(crate) const IMPORTS: &[ImportRule] = &[
    rule("model", "-", &[]),
    rule("reach", "model", &["model"]),
    rule("sites", "model", &["model"]),
    rule("templates", "model", &["model"]),
    rule("scheduler-adapters", "model, reach", &["model", "reach"]),
    rule("staging", "model, reach", &["model", "reach"]),
    rule("identity", "model", &["model"]),
    rule("ledger", "model", &["model"]),
    rule("telemetry", "model", &["model"]),
    rule("reports", "model", &["model"]),
    rule("service", "model, ledger, identity, reports", &["model", "ledger", "identity", "reports"]),
    rule(
        "jobs",
        "model and the leaves it needs",
        &[
            "model",
            "reach",
            "sites",
            "templates",
            "scheduler-adapters",
            "staging",
            "identity",
            "ledger",
            "telemetry",
            "reports",
        ],
    ),
    rule(
        "cli",
        "jobs, service, model; leaves in wiring only",
        &[
            "jobs",
            "service",
            "model",
            "reach",
            "sites",
            "templates",
            "scheduler-adapters",
            "staging",
            "identity",
            "ledger",
            "telemetry",
            "reports",
        ],
    ),
    ImportRule { folder: "ci", words: None, may_import: &[] },
];

/// An outside library that only some folders may use.
pub(crate) struct ExternalRule {
    /// Names of packages, exact, or with a trailing `*` for every name that begins so.
    pub(crate) packages: &'static [&'static str],
    /// Folders that may use them; a crate inside such a folder may too.
    pub(crate) folders: &'static [&'static str],
    /// What they are, for the message.
    pub(crate) what: &'static str,
}

/// docs/ARCHITECTURE.md, "External side of the same rule".
pub(crate) const EXTERNALS: &[ExternalRule] = &[
    ExternalRule { packages: &["clap", "clap_*"], folders: &["cli", "ci"], what: "reading the command line" },
    ExternalRule {
        packages: &[
            "rusqlite",
            "libsqlite3-sys",
            "sqlx",
            "sqlx-*",
            "postgres",
            "postgres-*",
            "tokio-postgres",
            "diesel",
        ],
        folders: &["ledger"],
        what: "a SQL driver",
    },
    ExternalRule {
        packages: &["openssh", "openssh-*", "ssh2", "russh", "russh-*", "async-ssh2-*", "libssh-*"],
        folders: &["reach", "ci"],
        what: "SSH",
    },
    ExternalRule { packages: &["bindgen"], folders: &["scheduler-adapters/pakt-slurm"], what: "generated bindings" },
    ExternalRule {
        packages: &["hdf5-metno", "hdf5-metno-*"],
        folders: &["telemetry", "reports"],
        what: "a library of traces and arrays",
    },
    ExternalRule { packages: &["nvml-wrapper"], folders: &["telemetry"], what: "a sensor library" },
];

/// A path in code that only some places may name, tests aside.
pub(crate) struct PathRule {
    /// How the path begins.
    pub(crate) paths: &'static [&'static str],
    /// Where it may stand: beginnings of file names.
    pub(crate) places: &'static [&'static str],
    /// What it is, for the message.
    pub(crate) what: &'static str,
}

/// Processes start in reach. The local scheduler's supervisor stands in for a scheduler's daemon: it has no async
/// runtime and starts the job's process itself.
pub(crate) const PATHS: &[PathRule] = &[
    PathRule { paths: &["tokio::process"], places: &["reach/", "ci/"], what: "an asynchronous process" },
    PathRule {
        paths: &["std::process::Command", "process::Command"],
        places: &["reach/", "ci/", "scheduler-adapters/src/local/"],
        what: "a process",
    },
];

/// Where `unsafe` may stand (docs/ARCHITECTURE.md): the native helper, the sensor binding, the confinement calls.
pub(crate) const UNSAFE_PLACES: &[&str] = &[
    "scheduler-adapters/pakt-slurm/src/calls.rs",
    "scheduler-adapters/pakt-slurm/src/records.rs",
    "telemetry/src/sensor",
    "staging/src/confine",
];

/// A function of the tests that may sleep: it waits for a state and looks again after a pause, with a bound.
pub(crate) struct BoundedWait {
    /// The file it stands in.
    pub(crate) file: &'static str,
    /// Its name.
    pub(crate) function: &'static str,
}

/// The functions of tests that may sleep. A test waits for a state by one of these, never for a time.
pub(crate) const BOUNDED_WAITS: &[BoundedWait] = &[
    // The random instant of a kill, in rounds that only ci/soak runs.
    BoundedWait { file: "cli/tests/program/once.rs", function: "await_call" },
    BoundedWait { file: "cli/tests/program/real_restarts.rs", function: "wait" },
    BoundedWait { file: "reach/tests/contract/place.rs", function: "becomes_true" },
    BoundedWait { file: "scheduler-adapters/tests/suite/accounting.rs", function: "accounted_as" },
    BoundedWait { file: "scheduler-adapters/tests/suite/mod.rs", function: "until" },
    BoundedWait { file: "templates/tests/suite/stage.rs", function: "wait_until" },
];

/// Lines of a file before its tests.
pub(crate) const FILE_WALL_LINES: usize = 500;

/// Lines of a function, from its signature to its closing brace.
pub(crate) const FUNCTION_WALL_LINES: usize = 70;

/// Files at the root besides the folders of the import table.
pub(crate) const ROOT_FILES: &[&str] = &[
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
];

/// Folders at the root besides those of the import table.
pub(crate) const ROOT_FOLDERS: &[&str] = &[".ci", ".config", "docs"];

/// What every version of the tree has.
pub(crate) const REQUIRED_FILES: &[&str] = &[
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "deny.toml",
    "docs/ARCHITECTURE.md",
    "docs/decisions/README.md",
    "docs/for-admins.md",
    "docs/guides/operator.md",
    "docs/guides/pi.md",
    "docs/guides/researcher.md",
    "docs/guides/reviewer.md",
    "docs/performance.md",
    "docs/reference/commands.md",
    "docs/reference/configuration.md",
    "docs/reference/exit-codes.md",
    "docs/reference/job-file.md",
    "docs/reference/json.md",
    "docs/reference/sites.md",
    "docs/soak.md",
];
