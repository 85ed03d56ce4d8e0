//! How the connection to a site stands that is reached through ssh.

use super::Report;
use crate::{
    commands::Context,
    failure::Failure,
    wiring::{self, Closes, ConnectionState, Master},
};
use model::{SiteName, WallTime};
use std::time::Duration;

/// Looks without connecting. Whether the site can be asked now.
pub(super) async fn look(
    context: &Context,
    catalogue: &wiring::Catalogue,
    here: &SiteName,
    report: &mut Report,
) -> bool {
    match wiring::connection_state(&context.configuration, catalogue, here).await {
        Ok(None) => true,
        Ok(Some(ConnectionState::Open(connection))) => {
            report.good("connection", open(&connection));
            true
        }
        Ok(Some(ConnectionState::Closed { opening: wiring::Opening::ByUs, .. })) => {
            report.good("connection", "none; it is opened when it is needed, and stays for a while");
            true
        }
        Ok(Some(ConnectionState::Closed { command, said, .. })) => {
            let said: String = said
                .iter()
                .filter(|(_, words)| !words.is_empty())
                .fold("its second factor is asked of a person".to_owned(), |text, (host, words)| {
                    format!("{text}; {host}: {words}")
                });
            let next = format!("`{command}`");
            report.bad("connection", Failure::unreachable("none is open", said, next));
            false
        }
        Err(failure) => {
            report.bad("connection", failure);
            false
        }
    }
}

fn open(connection: &Master) -> String {
    let age = connection.age.map_or_else(String::new, |age| format!(" for {}", clock(age)));
    let closes = match connection.closes {
        Closes::AfterDisuse(after) => format!("it closes {} after its last use", clock(after)),
        Closes::WhenEnded => format!("it stays until `ssh -O exit {}`, or until the site ends it", connection.host),
        Closes::WithItsTerminal => "it closes with the terminal in which it was opened".to_owned(),
    };
    format!("open to {}{age}; {closes}", connection.host)
}

/// Hours, minutes and seconds.
fn clock(time: Duration) -> String {
    WallTime::from_seconds(time.as_secs()).to_string()
}
