//! The packages of the workspace, as `cargo metadata` describes them.

use crate::TidyError;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// One dependency of a package.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// The name of the package, whatever it is renamed to.
    pub(crate) name: String,
    /// For a package of this workspace, its folder.
    pub(crate) folder: Option<String>,
    /// Whether only tests, examples and benchmarks see it.
    pub(crate) is_for_tests: bool,
}

/// One package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the root.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
}

impl Package {
    /// Its manifest, relative to the root.
    pub(crate) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }
}

/// Asks cargo for the packages of the workspace at `root`; contacts nothing.
///
/// # Errors
///
/// When cargo cannot be started, refuses the manifests, or answers something that is not its metadata.
pub(crate) fn packages(root: &Path) -> Result<Vec<Package>, TidyError> {
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let failed = |cause: String| TidyError::Command { command: format!("cargo {}", arguments.join(" ")), cause };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).args(arguments).current_dir(root).output().map_err(|cause| failed(cause.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let answer: Value = serde_json::from_slice(&output.stdout).map_err(|cause| failed(cause.to_string()))?;
    let top = answer["workspace_root"].as_str().ok_or_else(|| failed("no workspace_root".to_owned()))?;
    let listed = answer["packages"].as_array().ok_or_else(|| failed("no packages".to_owned()))?;
    listed
        .iter()
        .map(|package| {
            read_package(package, Path::new(top)).ok_or_else(|| failed("a package without a name".to_owned()))
        })
        .collect()
}

fn read_package(package: &Value, top: &Path) -> Option<Package> {
    let manifest = Path::new(package["manifest_path"].as_str()?);
    let dependencies = package["dependencies"].as_array()?;
    Some(Package {
        name: package["name"].as_str()?.to_owned(),
        folder: relative(manifest.parent()?, top),
        dependencies: dependencies.iter().map(|dependency| read_dependency(dependency, top)).collect::<Option<_>>()?,
    })
}

fn read_dependency(dependency: &Value, top: &Path) -> Option<Dependency> {
    Some(Dependency {
        name: dependency["name"].as_str()?.to_owned(),
        folder: dependency["path"].as_str().map(|path| relative(Path::new(path), top)),
        is_for_tests: dependency["kind"].as_str() == Some("dev"),
    })
}

fn relative(path: &Path, top: &Path) -> String {
    path.strip_prefix(top).unwrap_or(path).to_string_lossy().into_owned()
}
