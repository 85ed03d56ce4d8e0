//! `pakt ledger backup` and `restore`.

use super::file::refuse_place;
use crate::commands::Context;
use crate::{failure::Failure, output::Answer};
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `ledger backup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    /// The file to make; one that is there is not written over
    pub file: PathBuf,
}

/// Arguments of `ledger restore`.
#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    /// The backup; it stays as it is
    pub file: PathBuf,
}

pub(super) async fn backup(arguments: Backup, context: &Context) -> Result<Answer, Failure> {
    let next = "name a file; `pakt ledger migrate --to URL` moves the ledger to a server";
    refuse_place("no backup was written", &arguments.file, next)?;
    let house = context.house_of_ledger().await?;
    jobs::backup::backup(&house, &arguments.file).await?;
    let text = format!("the ledger is copied to {}\n", arguments.file.display());
    Ok(Answer::new(text, json!({ "version": 1, "ledger": house.books.place(), "to": arguments.file })))
}

pub(super) async fn restore(arguments: Restore, context: &Context) -> Result<Answer, Failure> {
    let next = "name the file that `pakt ledger backup` wrote; what a server had comes back by its own tools, such as \
                `pg_restore`";
    refuse_place("nothing was restored", &arguments.file, next)?;
    let house = context.house().await?;
    let verified = jobs::backup::restore(&house, &arguments.file).await?;
    let place = house.books.place();
    let text = format!("restored to {}: {}, verified\n", place.display(), model::counted(verified.entries, "entry"));
    Ok(Answer::new(text, json!({ "version": 1, "ledger": place, "entries": verified.entries })))
}
