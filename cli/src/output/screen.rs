//! The two streams.

use super::{Answer, mistake::mistake_text, printable};
use crate::{arguments::General, failure::Failure, wiring::io_words};
use serde_json::json;
use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

/// Where answers and failures go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    json: bool,
    quiet: bool,
}

impl Screen {
    /// The screen that the command line asks for.
    pub(crate) fn new(general: &General) -> Self {
        Self { json: general.json, quiet: general.quiet }
    }

    /// The screen of a command line that was not understood: `--json` stands somewhere before the words of others.
    pub(crate) fn of_words(words: &[OsString]) -> Self {
        let ours = words.iter().take_while(|word| *word != "--");
        Self { json: ours.into_iter().any(|word| word == "--json"), quiet: false }
    }

    /// Whether programs read.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Whether a person watches stderr, so that progress may be drawn there.
    pub(crate) fn is_watched(self) -> bool {
        !self.json && !self.quiet && io::stderr().is_terminal()
    }

    /// Prints an answer, and the exit code that says whether it arrived.
    pub(crate) fn answer(self, answer: &Answer) -> ExitCode {
        answer.notes.iter().for_each(|note| self.aside(note));
        if answer.is_told || (self.quiet && !self.json && !answer.is_product) {
            return ExitCode::from(answer.code);
        }
        let text = if self.json { format!("{:#}\n", answer.json) } else { printable(&answer.text) };
        ExitCode::from(if self.data(text.as_bytes()) { answer.code } else { 3 })
    }

    /// Prints an answer beside which a failure comes: its notes are told in any case.
    pub(crate) fn shown_in_full(self, answer: &Answer) {
        if self.json {
            let _arrived = self.data(format!("{:#}\n", answer.json).as_bytes());
        } else {
            answer.notes.iter().for_each(|note| self.note(note));
            if !self.quiet {
                let _arrived = self.data(printable(&answer.text).as_bytes());
            }
        }
    }

    /// Writes bytes to stdout as they are; whether they arrived. A reader that went away (`| head`) has what it wanted.
    pub(crate) fn data(self, bytes: &[u8]) -> bool {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => true,
            Err(error) => {
                self.note(&format!("error: stdout: {}", io_words(&error)));
                false
            }
        }
    }

    /// Writes a part of an answer that is longer than memory; whether it arrived.
    pub(super) fn part(self, text: &str) -> bool {
        self.data(printable(text).as_bytes())
    }

    /// Bytes of a person's own log to stderr, as they are. Where nobody can be told any more, nobody is.
    #[allow(clippy::unused_self)] // Every way to a stream goes through the screen.
    pub(crate) fn beside(self, bytes: &[u8]) {
        let mut stderr = io::stderr().lock();
        let _unheard = stderr.write_all(bytes).and_then(|()| stderr.flush());
    }

    /// A note beside the data, for a person who reads.
    pub(crate) fn aside(self, text: &str) {
        if !self.json && !self.quiet {
            self.note(text);
        }
    }

    /// A line on stderr. Where nobody can be told any more, nobody is.
    #[allow(clippy::unused_self)] // Every way to a stream goes through the screen.
    pub(crate) fn note(self, text: &str) {
        let _unheard = writeln!(io::stderr().lock(), "{}", printable(text.trim_end_matches('\n')));
    }

    /// Shows a failure.
    pub(crate) fn failure(self, failure: &Failure) -> ExitCode {
        let Failure { gravity, what, why, next, mistakes } = failure;
        if self.json {
            let code = Failure::code(*gravity);
            let kind = Failure::kind(*gravity);
            let error = json!({ "kind": kind, "what": what, "why": why, "next": next, "exit_code": code, "mistakes": mistakes });
            self.note(&format!("{:#}", json!({ "version": 1, "error": error })));
        } else {
            for mistake in mistakes {
                self.note(&mistake_text(mistake));
            }
            self.note(&format!("error: {what}\nwhy:   {why}\nnext:  {next}"));
        }
        failure.exit_code()
    }
}
