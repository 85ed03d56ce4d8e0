//! `pakt doctor`: looks at this installation.

use super::Context;
use crate::{failure::Failure, output::Answer};
use serde_json::json;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

/// Looks at configuration, folders, scheduler and ledger; every line says what was found, and what to do where it is bad.
pub(crate) async fn run(context: &Context) -> Result<Answer, Failure> {
    let configuration = &context.configuration;
    let house = context.house()?;
    let mut lines = vec![
        ("version", house.made_by.clone()),
        ("who", house.principal.to_string()),
        ("configuration", configuration.folder.join("config.yaml").display().to_string()),
        ("site", house.here.to_string()),
        ("jobs", house.state.root().display().to_string()),
    ];
    let ledger = match house.books.book().await {
        Ok(Some(book)) => match book.verify().await {
            Ok(verified) if verified.is_consistent() => format!("{}: sound", house.books.place().display()),
            Ok(verified) => format!("{}: NOT SOUND: {}", house.books.place().display(), verified.findings.join("; ")),
            Err(error) => format!("{}: {error}", house.books.place().display()),
        },
        Ok(None) => format!("{}: none; `pakt ledger init` makes one", house.books.place().display()),
        Err(error) => format!("{}: {error}", house.books.place().display()),
    };
    lines.push(("ledger", ledger));
    let scheduler = match house.scheduler.describe().await {
        Ok(facts) => {
            let gpus = if facts.tracks_gpus { "GPUs tracked" } else { "GPUs not tracked: filled in from the profile" };
            let comments = if facts.stores_comments {
                "comments stored"
            } else {
                "comments not stored: stamps are read from names"
            };
            format!("{} {} by {}: {gpus}, {comments}", facts.cluster, facts.version, house.scheduler.capabilities().way)
        }
        Err(error) => format!("{}: {error}", house.scheduler.capabilities().way),
    };
    lines.push(("scheduler", scheduler));
    let text: String = lines.iter().map(|(name, value)| format!("{name:<14} {value}\n")).collect();
    let fields: serde_json::Map<String, serde_json::Value> =
        lines.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    Ok(Answer::new(text, json!({ "version": 1, "doctor": fields })))
}
