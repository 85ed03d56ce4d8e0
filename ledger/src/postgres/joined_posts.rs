//! Posts that are committed together. Each keeps its own fate: what one of them may not do fails alone.

use super::session::Session;
use super::tables::Tables;
use super::thread::Link;
use crate::evidence::SignerKey;
use crate::post::Post;
use crate::random::Random;
use crate::records::Result;
use crate::store::Store as _;
use crate::stored::{Carried, HoldDesk};
use crate::{LedgerErrorKind, Outcome};
use model::SiteName;
use std::sync::Arc;

/// What writing needs beside the database.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pub(super) random: Random,
    /// Who posts without the log's key leaves their entries for its keeper to sign.
    pub(super) signer: Option<Arc<SignerKey>>,
}

/// Posts all of them, in their order; the answers come in the same order. Where the transaction that they share fails for
/// a reason that is not one post's own, each is tried in one of its own.
pub(super) fn post_joined(link: &mut Link, posts: &[Post], writer: &Writer) -> Vec<Result<Vec<Outcome>>> {
    if let [post] = posts
        && !post.may_be_joined()
    {
        return vec![link.with(|session| post_alone(session, post, writer))];
    }
    match link.with(|session| post_holds(session, posts, writer)) {
        Ok(answers) => answers,
        Err(error) if posts.len() > 1 && error.kind != LedgerErrorKind::Disconnected => {
            posts.iter().flat_map(|post| post_joined(link, std::slice::from_ref(post), writer)).collect()
        }
        Err(error) => posts.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// One transaction around work that says whether it changed anything.
pub(super) fn in_transaction<T>(
    session: &Session,
    commit: fn(&Session) -> Result<()>,
    work: impl FnOnce() -> Result<(T, bool)>,
) -> Result<T> {
    session.begin_posting()?;
    match work() {
        Ok((answer, true)) => commit(session).map(|()| answer),
        Ok((answer, false)) => {
            session.roll_back();
            Ok(answer)
        }
        Err(error) => {
            session.roll_back();
            Err(error)
        }
    }
}

/// One transaction around all commands of a post.
fn post_alone(session: &Session, post: &Post, writer: &Writer) -> Result<Vec<Outcome>> {
    in_transaction(session, Session::commit, || {
        let before = session.changes();
        let tables = Tables::to_write(session, &writer.random);
        let recorded_at = session.recording_order().of(post.now);
        let outcomes = post.carry_out(&tables, recorded_at)?;
        let is_changed = session.changes() != before;
        if is_changed {
            close_posts(session, &[Carried { post, recorded_at, last_entry: tables.last_number()? }])?;
            tables.close_log(writer.signer.as_deref())?;
        }
        Ok((outcomes, is_changed))
    })
}

/// One transaction around posts that are about holds alone.
fn post_holds(session: &Session, posts: &[Post], writer: &Writer) -> Result<Vec<Result<Vec<Outcome>>>> {
    in_transaction(session, Session::commit_among_many, || {
        let desk = HoldDesk::new(Tables::to_write(session, &writer.random), posts)?;
        let mut closed = Vec::new();
        let answers = desk.carry_out(posts, session.recording_order(), |carried| {
            closed.push(carried);
            Ok(())
        })?;
        let tables = desk.close()?;
        close_posts(session, &closed)?;
        if !closed.is_empty() {
            tables.close_log(writer.signer.as_deref())?;
        }
        Ok((answers, !closed.is_empty()))
    })
}

/// Notes the posts. At that the database checks that the accounts of each unit sum to zero.
pub(super) fn close_posts(session: &Session, closed: &[Carried<'_>]) -> Result<()> {
    if closed.is_empty() {
        return Ok(());
    }
    let insert = "INSERT INTO posts (recorded_at, actor_user, actor_site, commands, last_entry, clock_at)
        SELECT recorded_at, actor_user, actor_site, commands, last_entry, clock_at
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) WITH ORDINALITY
            AS closed (recorded_at, actor_user, actor_site, commands, last_entry, clock_at, position) ORDER BY position";
    let of = |value: fn(&Carried<'_>) -> u64| {
        closed.iter().map(|closed| super::rows::number(value(closed))).collect::<Result<Vec<_>>>()
    };
    let recorded: Vec<i64> = closed.iter().map(|closed| closed.recorded_at.epoch_seconds()).collect();
    let clocks: Vec<i64> = closed.iter().map(|closed| closed.post.now.epoch_seconds()).collect();
    let users: Vec<&str> = closed.iter().map(|closed| closed.post.actor.user.as_str()).collect();
    let sites: Vec<Option<&str>> =
        closed.iter().map(|closed| closed.post.actor.site.as_ref().map(SiteName::as_str)).collect();
    let commands = of(|closed| closed.post.commands.len() as u64)?;
    let last = of(|closed| closed.last_entry)?;
    session.execute(insert, &[&recorded, &users, &sites, &commands, &last, &clocks])?;
    Ok(())
}
