//! Posts that are committed together: one sync of the disk and one signature for all of them. Each keeps its own fate: what
//! one of them may not do fails alone.

use super::open::StopPoint;
use super::queries;
use super::rows::number;
use super::tables::Tables;
use super::thread::with_retries;
use crate::evidence::SignerKey;
use crate::post::{Post, RecordingOrder};
use crate::random::Random;
use crate::records::Result;
use crate::stored::{Carried, HoldDesk, Log};
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

/// Posts all of them, in their order, and again while others hold the locks; the answers come in the same order. Where the
/// transaction that they share fails for a reason that may be one post's own, each is tried in one of its own.
pub(super) fn post_joined(connection: &mut Connection, posts: &[Post], writer: &Writer) -> Vec<Result<Vec<Outcome>>> {
    use LedgerErrorKind::{Busy, DiskFull, InputOutput};
    if let [post] = posts
        && !post.may_be_joined()
    {
        return vec![with_retries(connection, |connection| post_alone(connection, post, writer))];
    }
    match with_retries(connection, |connection| post_holds(connection, posts, writer)) {
        Ok(answers) => answers,
        Err(error) if posts.len() == 1 || matches!(error.kind, Busy | DiskFull | InputOutput) => {
            posts.iter().map(|_| Err(error.clone())).collect()
        }
        Err(_) => posts.iter().flat_map(|post| post_joined(connection, std::slice::from_ref(post), writer)).collect(),
    }
}

/// One transaction around work that says whether it changed anything, and the checkpoint of the entries it made. The
/// writer's lock is taken at its start, so that what is read inside stays true until the commit.
fn in_transaction<T>(
    connection: &mut Connection,
    writer: &Writer,
    work: impl FnOnce(&Connection) -> Result<(T, bool)>,
) -> Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    queries::check_writable(&transaction)?;
    let (answer, is_changed) = work(&transaction)?;
    if is_changed {
        stop_at(writer.stop, StopPoint::BeforeCheckpoint);
        if let Some(signer) = &writer.signer {
            Log::sign(&Tables::new(&transaction), signer)?;
        }
    }
    stop_at(writer.stop, StopPoint::BeforeCommit);
    transaction.commit()?;
    stop_at(writer.stop, StopPoint::AfterCommit);
    Ok(answer)
}

/// One transaction around all commands of a post.
fn post_alone(connection: &mut Connection, post: &Post, writer: &Writer) -> Result<Vec<Outcome>> {
    in_transaction(connection, writer, |connection| {
        let before = connection.total_changes();
        let tables = Tables::to_write(connection, &writer.random);
        let recorded_at = RecordingOrder::after(queries::recorded_at(connection)?).of(post.now);
        let outcomes = post.carry_out(&tables, recorded_at)?;
        let is_changed = connection.total_changes() != before;
        if is_changed {
            close_post(connection, &post.actor, (recorded_at, post.now), post.commands.len())?;
        }
        Ok((outcomes, is_changed))
    })
}

/// One transaction around posts that are about holds alone. What one of them changed is written before the next: the database
/// checks the numbers of the entries with every post.
fn post_holds(connection: &mut Connection, posts: &[Post], writer: &Writer) -> Result<Vec<Result<Vec<Outcome>>>> {
    in_transaction(connection, writer, |connection| {
        let desk = HoldDesk::new(Tables::to_write(connection, &writer.random), posts)?;
        let order = RecordingOrder::after(queries::recorded_at(connection)?);
        let mut is_changed = false;
        let answers = desk.carry_out(posts, order, |Carried { post, recorded_at, .. }| {
            is_changed = true;
            desk.clear()?;
            close_post(connection, &post.actor, (recorded_at, post.now), post.commands.len())
        })?;
        Ok((answers, is_changed))
    })
}

/// Notes a post: when it was recorded, and what its clock showed. At that the database checks that the accounts of each unit sum to zero.
pub(super) fn close_post(
    connection: &Connection,
    actor: &Principal,
    (recorded_at, now): (Timestamp, Timestamp),
    commands: usize,
) -> Result<()> {
    let insert = "INSERT INTO posts (recorded_at, actor_user, actor_site, commands, last_entry, clock_at)
        VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(number), 0) FROM entries), ?5)";
    let site = actor.site.as_ref().map(SiteName::as_str);
    let commands = number(commands as u64)?;
    let (recorded_at, now) = (recorded_at.epoch_seconds(), now.epoch_seconds());
    connection.prepare_cached(insert)?.execute(params![recorded_at, actor.user.as_str(), site, commands, now])?;
    Ok(())
}

/// Kills the process as a power cut would, where a test has asked for it.
fn stop_at(asked: Option<StopPoint>, here: StopPoint) {
    if asked == Some(here) {
        std::process::abort();
    }
}
