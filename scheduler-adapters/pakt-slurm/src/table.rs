//! Tables on their way out: a few hundred rows a message, so that neither side holds a whole year.

use slurm_messages::{Answer, Value, frame, frame::FrameError};
use std::{borrow::Cow, io::Write};

/// Rows of one message. At a kilobyte each they are far below the limit, and far above what a system call costs.
const ROWS: usize = 500;

/// Writes answers into the pipe.
pub(crate) struct Pipe<W: Write>(W);

impl<W: Write> Pipe<W> {
    pub(crate) fn new(out: W) -> Self {
        Self(out)
    }

    /// Sends one message.
    pub(crate) fn send(&mut self, message: &impl serde::Serialize) -> Result<(), FrameError> {
        self.0.write_all(&frame::encode(message)?)?;
        Ok(self.0.flush()?)
    }

    /// Sends a table, and says when it is whole.
    pub(crate) fn send_table<'row>(
        &mut self,
        rows: impl Iterator<Item = Vec<Cow<'row, str>>>,
    ) -> Result<(), FrameError> {
        let mut waiting = Vec::with_capacity(ROWS);
        for row in rows {
            waiting.push(row.into_iter().map(Value).collect());
            if waiting.len() == ROWS {
                self.send(&Answer::Rows(std::mem::take(&mut waiting)))?;
            }
        }
        if !waiting.is_empty() {
            self.send(&Answer::Rows(waiting))?;
        }
        self.send(&Answer::End)
    }
}
