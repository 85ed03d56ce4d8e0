//! Streams of bytes to a server, from where the place is.

use crate::{ReachError, ReachErrorKind, Retry};
use std::{fmt, path::PathBuf, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// How long a server may take to accept.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Where a server listens, as the place knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host's name or number, and a port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) => write!(formatter, "{host}:{port}"),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

/// Bytes both ways.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<Stream: AsyncRead + AsyncWrite + Send + Unpin> Connection for Stream {}

/// Connects from this host.
pub(crate) async fn connect(address: &Address) -> Result<Box<dyn Connection>, ReachError> {
    let failed = |kind: ReachErrorKind, cause: String| {
        ReachError::new(kind, Retry::Later, format!("connecting to {address}")).with("cause", cause)
    };
    let connected = timeout(CONNECT_LIMIT, async {
        Ok(match address {
            Address::Tcp(host, port) => {
                Box::new(TcpStream::connect((host.as_str(), *port)).await?) as Box<dyn Connection>
            }
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    });
    match connected.await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(failed(ReachErrorKind::Unreachable, crate::io_words(&error))),
        Err(_) => Err(failed(ReachErrorKind::Unreachable, format!("no answer within {} s", CONNECT_LIMIT.as_secs()))),
    }
}
