//! Whether a folder can be used, without making anything in it.

use crate::failure::Failure;
use jobs::{House, Vantage, reached};
use reach::Command;
use rustix::fs::{Access, access};
use std::{fs, path::Path};

/// At a site: the folder, or the nearest one above that is there.
const LOOK: &str = r#"folder=$1
while ! [ -e "$folder" ]; do folder=${folder%/*}; folder=${folder:-/}; done
if ! [ -d "$folder" ]; then echo "\`$folder\` is a file, not a folder"
elif ! [ -w "$folder" ] || ! [ -x "$folder" ]; then echo "\`$folder\`: no permission"; fi"#;

/// Why the folder of the jobs cannot be used; none where it can, or where it is not there yet and can be made.
pub(crate) async fn unusable_jobs_folder(house: &House) -> Result<Option<String>, Failure> {
    let root = house.state.root();
    if house.vantage == Vantage::Site {
        return Ok(unusable_folder(root));
    }
    let look = Command::new("sh").arguments(["-c", LOOK, "sh"]).argument(root.display().to_string());
    let output = reached(house.files.run(&look).await, "the folder of the jobs was not looked at")?;
    Ok(Some(output.stdout_text().trim().to_owned()).filter(|why| !why.is_empty()))
}

/// Why files cannot be made in a folder of this machine; none where they can, or where it can be made.
fn unusable_folder(folder: &Path) -> Option<String> {
    let found = match fs::metadata(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return folder.parent().and_then(unusable_folder);
        }
        Err(error) => return Some(reach::io_words(&error)),
    };
    if !found.is_dir() {
        return Some(format!("`{}` is a file, not a folder", folder.display()));
    }
    match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => None,
        Err(error) => Some(format!("`{}`: {}", folder.display(), reach::io_words(&error.into()))),
    }
}
