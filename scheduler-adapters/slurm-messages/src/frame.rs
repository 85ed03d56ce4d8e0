//! One message on the pipe: its length in four bytes, the least first, and so many bytes of JSON.

use serde::{Deserialize, Serialize};
use std::io::{self, Read};

/// The most bytes of a message. A table is told in pieces far below it; a job's environment may be large.
pub const LIMIT: usize = 16 * 1024 * 1024;

/// The bytes that tell a message's length.
pub const HEAD: usize = 4;

/// A message that is none.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side wants to say more than it may.
    #[error("a message of {0} bytes, and at most {LIMIT} are taken")]
    TooLong(usize),
    /// The pipe ended within a message.
    #[error("the other side ended in the middle of a message")]
    Cut,
    /// The bytes are not what such a message is made of.
    #[error("not a message of this kind: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The pipe cannot be read.
    #[error("the pipe cannot be read: {0}")]
    Pipe(#[from] io::Error),
}

/// The whole frame of a message.
///
/// # Errors
///
/// When it is too long.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; HEAD];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - HEAD;
    let head = u32::try_from(length).ok().filter(|_| length <= LIMIT).ok_or(FrameError::TooLong(length))?;
    frame[..HEAD].copy_from_slice(&head.to_le_bytes());
    Ok(frame)
}

/// How long the message is that these bytes announce.
///
/// # Errors
///
/// When it is too long.
pub fn length(head: [u8; HEAD]) -> Result<usize, FrameError> {
    let length = usize::try_from(u32::from_le_bytes(head)).unwrap_or(usize::MAX);
    if length > LIMIT { Err(FrameError::TooLong(length)) } else { Ok(length) }
}

/// Reads a message's bytes.
///
/// # Errors
///
/// When they are not such a message.
pub fn decode<'bytes, Message: Deserialize<'bytes>>(bytes: &'bytes [u8]) -> Result<Message, FrameError> {
    Ok(serde_json::from_slice(bytes)?)
}

/// Takes the bytes of the next message from a pipe; none where the other side has closed it.
///
/// # Errors
///
/// When the message is too long or cut, or the pipe fails.
pub fn take(pipe: &mut impl Read) -> Result<Option<Vec<u8>>, FrameError> {
    let mut head = [0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        match pipe.read(&mut head[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(FrameError::Cut),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut bytes = vec![0; length(head)?];
    pipe.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => FrameError::Cut,
        _ => FrameError::Pipe(error),
    })?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Hello, Question};
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let question = Question::Cancel { job: 4711 };
        let frame = encode(&question).expect("short");
        let both = [frame.clone(), frame].concat();
        let mut pipe = both.as_slice();
        for _ in 0..2 {
            let bytes = take(&mut pipe).expect("whole").expect("a message");
            assert_eq!(decode::<Question>(&bytes).expect("a question"), question);
        }
        assert!(take(&mut pipe).expect("the end").is_none());
    }

    #[test]
    fn what_is_too_long_or_cut_is_an_error() {
        let frame = encode(&Question::Cancel { job: 1 }).expect("short");
        for length in 1..frame.len() {
            assert!(matches!(take(&mut &frame[..length]), Err(FrameError::Cut)), "{length}");
        }
        let head = u32::try_from(LIMIT + 1).expect("fits").to_le_bytes();
        assert!(matches!(take(&mut head.as_slice()), Err(FrameError::TooLong(_))));
        assert!(matches!(encode(&"x".repeat(LIMIT)), Err(FrameError::TooLong(_))));
        assert!(encode(&"x".repeat(LIMIT - 2)).is_ok(), "the quotes count");
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            drop(take(&mut bytes.as_slice()));
            drop((decode::<Hello>(&bytes), decode::<Question>(&bytes), decode::<Answer<'_>>(&bytes)));
        }
    }
}
