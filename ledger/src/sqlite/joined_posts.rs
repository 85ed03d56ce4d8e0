//! Posts that are committed together: one sync of the disk and one signature for all of them. Each keeps its own fate: what
//! one of them may not do fails alone.

use super::open::StopPoint;
use super::queries;
use super::rows::number;
use super::tables::Tables;
use super::thread::with_retries;
use crate::evidence::SignerKey;
use crate::post::{Post, is_of_the_post};
use crate::random::Random;
use crate::records::Result;
use crate::stored::Log;
use crate::{LedgerErrorKind, Outcome};
use model::{Principal, SiteName, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};
use std::sync::Arc;

/// What writing needs beside the file.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pub(super) random: Random,
    pub(super) stop: Option<StopPoint>,
    /// Who posts without the log's key leaves their entries for its keeper to sign.
    pub(super) signer: Option<Arc<SignerKey>>,
}

/// What each of the posts came to; none where they cannot share a transaction, and nothing of any has happened.
type Answers = Option<Vec<Result<Vec<Outcome>>>>;

/// Posts all of them, in their order, and again while others hold the locks; the answers come in the same order. Where the
/// transaction that they share fails for a reason that may be one post's own, each is tried in one of its own.
pub(super) fn post_joined(connection: &mut Connection, posts: &[Post], writer: &Writer) -> Vec<Result<Vec<Outcome>>> {
    use LedgerErrorKind::{Busy, DiskFull, InputOutput};
    match with_retries(connection, |connection| post_together(connection, posts, writer)) {
        Ok(Some(answers)) => answers,
        Err(error) if posts.len() == 1 || matches!(error.kind, Busy | DiskFull | InputOutput) => {
            posts.iter().map(|_| Err(error.clone())).collect()
        }
        Ok(None) | Err(_) => {
            posts.iter().flat_map(|post| post_joined(connection, std::slice::from_ref(post), writer)).collect()
        }
    }
}

/// One transaction around all commands of all posts, and the checkpoint of the entries they made. The writer's lock is taken
/// at its start, so that what is read inside stays true until the commit.
fn post_together(connection: &mut Connection, posts: &[Post], writer: &Writer) -> Result<Answers> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    queries::check_writable(&transaction)?;
    let changes_before = transaction.total_changes();
    let tables = Tables::to_write(&transaction, &writer.random);
    let mut answers = Vec::with_capacity(posts.len());
    for post in posts {
        let before = transaction.total_changes();
        let answer = post.carry_out(&tables);
        let is_changed = transaction.total_changes() != before;
        match &answer {
            Ok(_) if is_changed => close_post(&transaction, &post.actor, post.now, post.commands.len())?,
            Ok(_) => {}
            Err(error) if posts.len() == 1 => return Err(error.clone()),
            // What it wrote before it failed cannot be told from what the others wrote.
            Err(error) if is_of_the_post(error) && is_changed => return Ok(None),
            Err(error) if is_of_the_post(error) => {}
            Err(error) => return Err(error.clone()),
        }
        answers.push(answer);
    }
    if transaction.total_changes() != changes_before {
        stop_at(writer.stop, StopPoint::BeforeCheckpoint);
        if let Some(signer) = &writer.signer {
            Log::sign(&tables, signer)?;
        }
    }
    stop_at(writer.stop, StopPoint::BeforeCommit);
    transaction.commit()?;
    stop_at(writer.stop, StopPoint::AfterCommit);
    Ok(Some(answers))
}

/// Notes a post. At that the database checks that the accounts of each unit sum to zero.
pub(super) fn close_post(connection: &Connection, actor: &Principal, now: Timestamp, commands: usize) -> Result<()> {
    let insert = "INSERT INTO posts (recorded_at, actor_user, actor_site, commands, last_entry)
        SELECT ?1, ?2, ?3, ?4, coalesce(max(number), 0) FROM entries";
    let site = actor.site.as_ref().map(SiteName::as_str);
    let commands = number(commands as u64)?;
    connection.prepare_cached(insert)?.execute(params![now.epoch_seconds(), actor.user.as_str(), site, commands])?;
    Ok(())
}

/// Kills the process as a power cut would, where a test has asked for it.
fn stop_at(asked: Option<StopPoint>, here: StopPoint) {
    if asked == Some(here) {
        std::process::abort();
    }
}
