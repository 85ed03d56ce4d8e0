//! Deaths in the middle of a post, for tests that go on with what is left.

use crate::processes::{me, part};
use crate::support::*;
use lab::{FaultProxy, Moment};
use ledger::{Book, Command, OpenMode, PostgresBook};

/// The variable that hands an instant and a command to the child that dies.
pub(crate) const COMMAND: &str = "PAKT_LEDGER_TEST_COMMAND";

/// Somebody posts the command by this clock and dies at the point; whoever looked on meanwhile is gone, too. What is left is opened anew.
///
/// With a file it is a process that kills itself, at one of three points. On a server the connection is lost, before the
/// commit is there (0), or when it is done and not yet answered.
pub(crate) async fn die_while_posting(desk: Desk, command: &Command, seconds: i64, point: u32) -> Desk {
    if desk.database.is_some() {
        lose_connection(&desk, command, seconds, point).await;
        return desk;
    }
    let Desk { folder, book, .. } = desk;
    drop(book);
    let command = serde_json::to_string(&(seconds, command)).expect("a command is JSON");
    let child = part(&me(), "die", &folder.path().join("ledger.db"), point).env(COMMAND, command).output();
    child.expect("it ran");
    Desk::of_file(folder)
}

async fn lose_connection(desk: &Desk, command: &Command, seconds: i64, point: u32) {
    let server = lab::postgres().expect("lab up postgres");
    let proxy = FaultProxy::before(server.port()).expect("a proxy");
    let url = desk.database().tcp_url_at(proxy.port());
    let book = PostgresBook::open(&place(&url), desk.folder.path(), OpenMode::Existing).expect("opened");
    proxy.cut_at(if point == 0 { Moment::BeforeRequest } else { Moment::BeforeAnswer }, OF_A_COMMIT);
    // Whatever came of it: the caller posts it again and looks.
    drop(book.post(&ada(), at(seconds), std::slice::from_ref(command)).await);
}
