//! A test double for a network that fails: it stands before the server and cuts connections at a chosen moment.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use crate::error::{LabError, file_error};

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The request does not reach the server.
    BeforeRequest,
    /// The server acts on the request, and its answer is lost.
    BeforeAnswer,
}

/// A test double: a TCP proxy on a port of its own. Until it is told to cut, it hands on what comes, both ways.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    server: u16,
    plan: Mutex<Option<(Moment, Vec<u8>)>>,
    open: Mutex<Vec<TcpStream>>,
    ending: AtomicBool,
}

impl FaultProxy {
    /// A proxy before that port of 127.0.0.1.
    pub fn before(server: u16) -> Result<Self, LabError> {
        let failed = || file_error("listening on", "127.0.0.1");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
        let port = listener.local_addr().map_err(failed())?.port();
        let shared =
            Arc::new(Shared { server, plan: Mutex::default(), open: Mutex::default(), ending: AtomicBool::new(false) });
        let accepting = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Ok(Self { port, shared, accepting: Some(accepting) })
    }

    /// Where clients connect, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the connection on which the next request comes that contains the text, any request where that is empty;
    /// only that one, and once.
    pub fn cut_at(&self, moment: Moment, text: &str) {
        *guard(&self.shared.plan) = Some((moment, text.as_bytes().to_vec()));
    }

    /// Cuts every connection now. New ones are let through.
    pub fn cut_all(&self) {
        for stream in guard(&self.shared.open).drain(..) {
            cut(&stream);
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a client.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        drop(self.accepting.take().map(JoinHandle::join));
    }
}

impl Shared {
    /// Takes clients until the proxy ends, then cuts what is open and waits for its threads.
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        std::thread::scope(|scope| {
            for client in listener.incoming().flatten() {
                if self.ending.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(connection) = Connection::open(client, self) else { continue };
                let connection = Arc::new(connection);
                let requests = Arc::clone(&connection);
                scope.spawn(move || requests.hand_on_requests(self));
                scope.spawn(move || connection.hand_on_answers());
            }
            guard(&self.open).drain(..).for_each(|stream| cut(&stream));
        });
    }

    /// The moment to cut, if the chosen text ends in the last `fresh` bytes. It is chosen once.
    fn chosen(&self, seen: &[u8], fresh: usize) -> Option<Moment> {
        let mut plan = guard(&self.plan);
        let is_chosen = plan.as_ref().is_some_and(|(_, text)| {
            let first = seen.len().saturating_sub(fresh + text.len() - 1);
            text.is_empty() || seen[first..].windows(text.len()).any(|part| part == text)
        });
        if is_chosen { plan.take().map(|(moment, _)| moment) } else { None }
    }
}

/// A client's connection and the proxy's own to the server.
struct Connection {
    client: TcpStream,
    server: TcpStream,
    answer_is_lost: AtomicBool,
}

impl Connection {
    fn open(client: TcpStream, shared: &Shared) -> std::io::Result<Self> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.server))?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        guard(&shared.open).extend([client.try_clone()?, server.try_clone()?]);
        Ok(Self { client, server, answer_is_lost: AtomicBool::new(false) })
    }

    fn hand_on_requests(&self, shared: &Shared) {
        /// As much of what came before as a chosen text may lie across.
        const KEPT: usize = 256;
        let mut buffer = [0; 8192];
        let mut seen = Vec::new();
        while let Ok(count @ 1..) = (&self.client).read(&mut buffer) {
            seen.extend_from_slice(&buffer[..count]);
            match shared.chosen(&seen, count) {
                Some(Moment::BeforeRequest) => break,
                // Said before the request is sent: its answer may come at once.
                Some(Moment::BeforeAnswer) => self.answer_is_lost.store(true, Ordering::SeqCst),
                None => {}
            }
            seen.drain(..seen.len().saturating_sub(KEPT));
            if (&self.server).write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        self.cut();
    }

    fn hand_on_answers(&self) {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = (&self.server).read(&mut buffer) {
            let is_lost = self.answer_is_lost.load(Ordering::SeqCst);
            if is_lost || (&self.client).write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        self.cut();
    }

    fn cut(&self) {
        cut(&self.client);
        cut(&self.server);
    }
}

/// One that is closed already cannot be cut, which is what was wanted.
fn cut(stream: &TcpStream) {
    drop(stream.shutdown(Shutdown::Both));
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of the proxy's state panics")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};

    /// A server that answers every line with the number of lines it has had, from all clients.
    fn counting_server() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        std::thread::spawn(move || {
            let mut count = 0;
            for client in listener.incoming().flatten() {
                let mut answers = client.try_clone().expect("a second handle");
                for _ in BufReader::new(client).lines().map_while(Result::ok) {
                    count += 1;
                    drop(answers.write_all(format!("{count}\n").as_bytes()));
                }
            }
        });
        port
    }

    /// What the server answers to the line; nothing where the connection was cut.
    fn ask(stream: &TcpStream, line: &str) -> String {
        let mut answer = String::new();
        drop((&mut &*stream).write_all(format!("{line}\n").as_bytes()));
        drop(BufReader::new(stream).read_line(&mut answer));
        answer.trim().to_owned()
    }

    #[test]
    fn connections_are_cut_at_the_chosen_moment_and_once() {
        let proxy = FaultProxy::before(counting_server()).expect("a proxy");
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).expect("it is let through");

        let first = connect();
        assert_eq!(ask(&first, "one"), "1");
        proxy.cut_at(Moment::BeforeRequest, "COMMIT");
        assert_eq!(ask(&first, "another"), "2");
        assert_eq!(ask(&first, "COMMIT"), "", "the request was not cut");

        let second = connect();
        proxy.cut_at(Moment::BeforeAnswer, "COMMIT");
        assert_eq!(ask(&second, "COMMIT"), "", "the answer was not lost");

        let third = connect();
        assert_eq!(ask(&third, "COMMIT"), "4", "the first was not to arrive, the second was, and the third is not cut");
        proxy.cut_all();
        assert_eq!(ask(&third, "five"), "");
    }
}
