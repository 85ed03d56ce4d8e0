//! A host behind the user's own OpenSSH: every command and every file goes through one connection that is shared.
//!
//! Sites with a second factor let nobody in unattended, and some block whoever connects too often. So nothing here ever
//! asks for a password: it attaches to a master connection (ssh(1), `ControlMaster`) that a person opened, or, where keys
//! alone are enough, opens one and shares it between all processes of the user.
//!
//! Files are written by a few lines of POSIX shell with GNU's coreutils, which keep the same promises as the local side.
//! Shells may greet, banners may come first: what counts begins behind a mark.

mod answer;
mod connection;
mod conversation;
mod files;
mod listing;
mod login;
mod on_terminal;
mod options;
mod remote_error;
mod script;
mod sessions;
mod settings;

pub use connection::{Closes, ConnectionState, Master};
pub use login::Login;
pub use settings::{Opening, SshSettings};

use crate::{
    Command, Conversation, Created, DirectoryMode, Entry, Local, Output, Part, PieceTaker, Published, Reach,
    ReachError, ReachErrorKind, Retry,
};
use answer::{AfterMark, Answer, Told};
use async_trait::async_trait;
use connection::Connections;
use model::Timestamp;
use script::{Mark, Script};
use sessions::{Patience, Session, Sessions};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::{Notify, OnceCell};

/// How long killing what is out of time may take.
const KILLING_LIMIT: Duration = Duration::from_secs(20);

/// The host of a site, reached through OpenSSH.
#[derive(Debug)]
pub struct OpenSsh {
    connections: Arc<Connections>,
    sessions: Sessions,
    login: OnceCell<Login>,
}

impl OpenSsh {
    /// A host that is reached as the settings say; nothing is connected yet.
    pub fn new(settings: SshSettings) -> Self {
        Self { connections: Arc::new(Connections::new(settings)), sessions: Sessions::new(), login: OnceCell::new() }
    }

    /// How the connection stands. Nothing is opened and nothing goes over the network.
    pub async fn connection(&self) -> Result<ConnectionState, ReachError> {
        self.connections.state().await
    }

    /// Who we are there and what a login shell sets, asked once.
    pub async fn login(&self) -> Result<&Login, ReachError> {
        self.login.get_or_try_init(|| self.ask_login()).await
    }

    async fn ask_login(&self) -> Result<Login, ReachError> {
        let ask = login::ask();
        let script = Script::of_command(Mark::new(), &login::Settings::default(), &ask)?;
        let mut stdout = Vec::new();
        let output = self.run_script(&script, &ask, &mut |piece: &[u8]| stdout.extend_from_slice(piece)).await?;
        let login = login::read(&Output { stdout, ..output })?;
        match self.connections.expected_user() {
            Some(user) if user != login.user => Err(login::another(user, &login.user)),
            _ => Ok(login),
        }
    }

    async fn script(&self, command: &Command) -> Result<Script, ReachError> {
        Script::of_command(Mark::new(), &self.login().await?.settings, command)
    }

    /// Runs a script at the far side and hands on what follows the mark. Where the connection was gone before anything
    /// began, and is ours to open, it is opened again.
    async fn run_script(
        &self,
        script: &Script,
        command: &Command,
        taker: &mut dyn PieceTaker,
    ) -> Result<Output, ReachError> {
        let connection = self.connections.opened().await?;
        match self.run_over(&connection, script, command, taker).await {
            Err(gone) if is_gone(&gone) && self.connections.are_opened_by_us() => {
                let connection = self.connections.opened().await?;
                self.run_over(&connection, script, command, taker).await
            }
            other => other,
        }
    }

    async fn run_over(
        &self,
        connection: &Master,
        script: &Script,
        command: &Command,
        taker: &mut dyn PieceTaker,
    ) -> Result<Output, ReachError> {
        let _session = self.sessions.one().await;
        let mut call = Command {
            time_limit: command.time_limit,
            // Greetings come on top.
            output_limit: command.output_limit.saturating_add(answer::LONGEST_GREETING),
            leaves_running_on_time_out: command.leaves_running_on_time_out,
            ..self.connections.session(connection, script)?
        };
        call.standard_input.get_or_insert_default().extend(command.standard_input.iter().flatten());
        let too_long = Notify::new();
        let mut taker = AfterMark::new(script.mark(), command.output_limit, &too_long, taker);
        let is_killed = !command.leaves_running_on_time_out;
        let mut patience = Patience::new();
        let said = loop {
            let said = tokio::select! {
                said = Local.run_through(&call, &mut taker) => said,
                () = too_long.notified(), if is_killed => Ok(Output { timed_out: true, ..Output::default() }),
            };
            let said = said.map_err(|error| ReachError { doing: doing(command), ..error })?;
            if taker.group().is_some() || !sessions::is_refused(&said) {
                break said;
            }
            if !patience.waits().await {
                return Err(sessions::refused(&doing(command)));
            }
        };
        if said.timed_out && is_killed {
            self.kill(connection, taker.group(), command).await?;
        }
        let answer = Answer { mark: script.mark(), seen: taker.group().is_some(), too_long: taker.is_too_long() };
        let read = answer.read(&said, command);
        if read.as_ref().is_err_and(|error| error.kind == ReachErrorKind::Unreachable) {
            self.connections.forget().await;
        }
        read.map_err(|error| self.connections.explained(error, connection))
    }

    /// Kills at the far side what is out of time here, or says too much.
    async fn kill(&self, connection: &Master, group: Option<u32>, command: &Command) -> Result<(), ReachError> {
        let lost = || {
            let error = ReachError::new(ReachErrorKind::Unreachable, Retry::LookFirst, doing(command));
            let error = error.with("cause", "out of time, and the site does not answer either");
            self.connections.explained(error, connection)
        };
        // One that never told its group never began, or the connection hangs.
        let script = Script::that_kills(group.ok_or_else(lost)?);
        let call = self.connections.session(connection, &script)?.time_limit(KILLING_LIMIT);
        let said = run_patiently(&call).await?;
        if Told::of(script.mark(), &said.stderr).has_begun { Ok(()) } else { Err(lost()) }
    }

    /// Runs one of the scripts that work on files.
    async fn on_files(&self, script: Script, input: Option<&[u8]>, limit: usize) -> Result<Output, ReachError> {
        let mut command = Command::new("sh").output_limit(limit).time_limit(files::TIME_LIMIT);
        command.standard_input = input.map(<[u8]>::to_vec);
        let mut stdout = Vec::new();
        let output = self.run_script(&script, &command, &mut |piece: &[u8]| stdout.extend_from_slice(piece)).await?;
        Ok(Output { stdout, ..output })
    }
}

fn doing(command: &Command) -> String {
    format!("running {} at the site", command.program)
}

/// Whether the connection was gone before anything began. One that takes no more sessions is not.
fn is_gone(error: &ReachError) -> bool {
    error.kind == ReachErrorKind::Unreachable && error.retry == Retry::Later && !sessions::was_refused(error)
}

/// Runs a session of ours that is short and takes no place of another.
async fn run_patiently(call: &Command) -> Result<Output, ReachError> {
    let mut patience = Patience::new();
    loop {
        let said = Local.run(call).await?;
        if !sessions::is_refused(&said) || !patience.waits().await {
            return Ok(said);
        }
    }
}

/// Kills a process group at the far side while we go on; where this program ends first, its input has ended all the same. The
/// session is given back after that.
fn kill_later(connections: Arc<Connections>, connection: Master, group: u32, session: Option<Session>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        if let Ok(call) = connections.session(&connection, &Script::that_kills(group)) {
            // Nobody waits any more for what comes of it.
            let _ = run_patiently(&call.time_limit(KILLING_LIMIT)).await;
        }
        drop(session);
    });
}

#[async_trait]
impl Reach for OpenSsh {
    async fn run(&self, command: &Command) -> Result<Output, ReachError> {
        let mut stdout = Vec::new();
        let output = self.run_through(command, &mut |piece: &[u8]| stdout.extend_from_slice(piece)).await?;
        Ok(Output { stdout, ..output })
    }

    async fn run_through(&self, command: &Command, taker: &mut dyn PieceTaker) -> Result<Output, ReachError> {
        let script = self.script(command).await?;
        self.run_script(&script, command, taker).await
    }

    async fn converse(&self, command: &Command) -> Result<Box<dyn Conversation>, ReachError> {
        let script = self.script(command).await?;
        let connection = self.connections.opened().await?;
        let session = self.sessions.for_a_conversation(&doing(command)).await?;
        let call = self.connections.session(&connection, &script)?;
        let connections = Arc::clone(&self.connections);
        let killer =
            Box::new(move |group, session| kill_later(Arc::clone(&connections), connection.clone(), group, session));
        Ok(Box::new(conversation::begin(&call, &script, command, session, killer).await?))
    }

    fn most_copies(&self) -> usize {
        1
    }

    async fn attach(&self, command: &Command) -> Result<Option<i32>, ReachError> {
        // The same user as ever before is there.
        self.login().await?;
        let connection = self.connections.opened().await?;
        let _session = self.sessions.one().await;
        Local.attach(&self.connections.terminal(&connection, command)?).await
    }

    async fn read(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReachError> {
        files::read(self, path, limit).await
    }

    async fn read_part(&self, path: &Path, offset: i64, limit: usize) -> Result<Option<Part>, ReachError> {
        files::read_part(self, path, offset, limit).await
    }

    async fn write_once(&self, path: &Path, bytes: &[u8]) -> Result<Published, ReachError> {
        files::write_once(self, path, bytes).await
    }

    async fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
        files::replace(self, path, bytes).await
    }

    async fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), ReachError> {
        files::append(self, path, bytes).await
    }

    async fn create_directory_exclusive(&self, path: &Path, mode: DirectoryMode) -> Result<Created, ReachError> {
        files::create_directory_exclusive(self, path, mode).await
    }

    async fn create_directories(&self, path: &Path, mode: DirectoryMode) -> Result<(), ReachError> {
        files::create_directories(self, path, mode).await
    }

    async fn list(&self, path: &Path) -> Result<Option<Vec<Entry>>, ReachError> {
        listing::list(self, path).await
    }

    async fn modified_at(&self, path: &Path) -> Result<Option<Timestamp>, ReachError> {
        files::modified_at(self, path).await
    }

    async fn remove(&self, path: &Path) -> Result<(), ReachError> {
        files::remove(self, path).await
    }

    async fn host_name(&self) -> Result<String, ReachError> {
        self.login().await.map(|login| login.host.clone())
    }
}
