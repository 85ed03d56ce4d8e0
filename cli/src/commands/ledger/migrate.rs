//! `pakt ledger migrate`: from a file to a server.

use crate::{commands::Context, failure::Failure, output::Answer, wiring};
use model::{agreeing, counted};
use serde_json::json;

/// Arguments of `ledger migrate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Migrate {
    /// Where to: `postgres://user@host/database`, in which nobody has posted to a ledger yet
    #[arg(long, value_name = "URL")]
    pub to: String,
}

pub(super) async fn run(arguments: Migrate, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let file = house.books.place();
    let (place, verified) = wiring::move_ledger(&house, &context.configuration, &arguments.to).await?;
    let text = format!(
        "the ledger is moved to {place}: {} with {} leaves, verified there\n\
         name that place with `ledger:` in the configuration of everybody; {} stays, and takes no more posts\n",
        counted(verified.entries, "entry"),
        agreeing(verified.entries, "its", "their"),
        file.display()
    );
    let json = json!({ "version": 1, "ledger": place, "from": file, "entries": verified.entries });
    Ok(Answer::new(text, json))
}
