//! The program under test, in a folder of its own.

use std::{path::Path, process::Command};

/// A place to run it in: its files, and a folder to stand in.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// What it said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// A place on the machine at hand.
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        place.write("config.yaml", "site: local\nmachine: { cpus: 2, gpus: 0 }\n");
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of this place.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a file can be written");
    }

    /// Runs it, without a terminal, whose width would change the text.
    pub(crate) fn pakt(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pakt"));
        command.args(arguments).current_dir(self.path()).env("PAKT_HOME", self.path());
        let output = command.env_remove("COLUMNS").env("TZ", "UTC").output().expect("pakt runs");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        Said { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Runs git here.
    pub(crate) fn git(&self, words: &[&str]) {
        let status = Command::new("git").args(words).current_dir(self.path()).status().expect("git");
        assert!(status.success(), "git {words:?}");
    }

    /// Runs it to a good end; what it printed.
    pub(crate) fn printed(&self, arguments: &[&str]) -> String {
        let said = self.pakt(arguments);
        assert_eq!(said.code, Some(0), "pakt {}: {}", arguments.join(" "), said.stderr);
        said.stdout
    }

    /// Runs it to a good end; the JSON it printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.printed(arguments)).expect("JSON")
    }
}

/// The rows of a table of `pakt __reference`.
pub(crate) fn rows(place: &Place, table: &str) -> Vec<serde_json::Value> {
    let tables = place.json(&["__reference"]);
    tables[table].as_array().unwrap_or_else(|| panic!("no table `{table}`")).clone()
}

/// A cell of such a row as text.
pub(crate) fn cell(row: &serde_json::Value, name: &str) -> String {
    row[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {row}")).to_owned()
}
