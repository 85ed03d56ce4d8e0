//! What came back: the answer behind the mark, and how the far side ended, told apart from what ssh itself says.

use super::{remote_error, script::Mark};
use crate::{Command, Output, PieceTaker, ReachError, ReachErrorKind, Retry};
use async_trait::async_trait;
use std::borrow::Cow;
use tokio::sync::Notify;

/// The longest greeting that is skipped, in bytes.
pub(super) const LONGEST_GREETING: usize = 256 * 1024;

/// Hands on what follows the mark.
pub(super) struct AfterMark<'call> {
    mark: MarkedLine,
    taken: usize,
    limit: usize,
    /// Told once more came than is allowed.
    too_long: &'call Notify,
    taker: &'call mut dyn PieceTaker,
}

impl<'call> AfterMark<'call> {
    pub(super) fn new(mark: &Mark, limit: usize, too_long: &'call Notify, taker: &'call mut dyn PieceTaker) -> Self {
        Self { mark: MarkedLine::new(mark), taken: 0, limit, too_long, taker }
    }

    /// The process group at the far side; none before the mark.
    pub(super) const fn group(&self) -> Option<u32> {
        self.mark.group
    }

    pub(super) const fn is_too_long(&self) -> bool {
        self.taken > self.limit
    }
}

#[async_trait]
impl PieceTaker for AfterMark<'_> {
    async fn take(&mut self, piece: &[u8]) {
        let answer = self.mark.skip(piece);
        self.taken = self.taken.saturating_add(answer.len());
        if self.is_too_long() {
            self.too_long.notify_one();
        } else if !answer.is_empty() {
            self.taker.take(&answer).await;
        }
    }
}

/// The line of the mark, looked for in what comes piece by piece.
pub(super) struct MarkedLine {
    begin: Vec<u8>,
    /// What came before the answer, as far as the line may still begin in it.
    greeting: Vec<u8>,
    pub(super) group: Option<u32>,
}

impl MarkedLine {
    pub(super) fn new(mark: &Mark) -> Self {
        Self { begin: format!("\n{} ", mark.text()).into_bytes(), greeting: Vec::new(), group: None }
    }

    /// What of a piece follows the line.
    pub(super) fn skip<'piece>(&mut self, piece: &'piece [u8]) -> Cow<'piece, [u8]> {
        if self.group.is_some() {
            return Cow::Borrowed(piece);
        }
        self.greeting.extend_from_slice(piece);
        let Some(at) = find(&self.greeting, &self.begin) else {
            let surplus = self.greeting.len().saturating_sub(self.begin.len());
            self.greeting.drain(..surplus);
            return Cow::Borrowed(&[]);
        };
        self.greeting.drain(..at);
        let Some(end) = find(&self.greeting[1..], b"\n") else { return Cow::Borrowed(&[]) };
        let number =
            std::str::from_utf8(&self.greeting[self.begin.len()..=end]).ok().and_then(|text| text.parse().ok());
        // The far side writes nothing else behind a mark that nobody else knows.
        self.group = Some(number.unwrap_or_default());
        Cow::Owned(std::mem::take(&mut self.greeting).split_off(end + 2))
    }
}

pub(super) fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

/// What is known of a call when it is over.
pub(super) struct Answer<'call> {
    pub(super) mark: &'call Mark,
    /// Whether the mark came on standard output.
    pub(super) seen: bool,
    /// Whether more followed it than is allowed.
    pub(super) too_long: bool,
}

/// How the far side ended, by its own word.
#[derive(Debug, PartialEq, Eq)]
enum Ending<'word> {
    Status(i32),
    Failed(&'word str),
}

/// What the far side said on standard error.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told<'said> {
    /// Whether the far side spoke at all.
    pub(super) has_begun: bool,
    /// The command's own words.
    pub(super) own: &'said [u8],
    ending: Option<Ending<'said>>,
}

impl<'said> Told<'said> {
    /// Takes the marks off.
    pub(super) fn of(mark: &Mark, stderr: &'said [u8]) -> Self {
        let begin = format!("\n{} begins\n", mark.text());
        let Some(at) = find(stderr, begin.as_bytes()) else {
            return Self { has_begun: false, own: &[], ending: None };
        };
        let behind = &stderr[at + begin.len()..];
        let end = format!("\n{} ", mark.text());
        let Some(at) = last(behind, end.as_bytes()) else { return Self { has_begun: true, own: behind, ending: None } };
        let word = behind[at + end.len()..].split(|byte| *byte == b'\n').next().unwrap_or_default();
        let ending =
            std::str::from_utf8(word).ok().map(|word| word.parse().map_or(Ending::Failed(word), Ending::Status));
        Self { has_begun: true, own: &behind[..at], ending }
    }

    /// What was not there, where the command did not start for it.
    pub(super) fn missing(&self) -> Option<&'said str> {
        match self.ending {
            Some(Ending::Failed(what)) => Some(what),
            _ => None,
        }
    }
}

/// The failure of a command that did not start because something is not there.
pub(super) fn not_there(doing: String, what: &str) -> ReachError {
    let error = ReachError::new(ReachErrorKind::NotFound, Retry::Never, doing);
    error.with("cause", format!("there is no such {what} at the site"))
}

impl Answer<'_> {
    /// The output of the command, from what ssh said.
    pub(super) fn read(&self, said: &Output, command: &Command) -> Result<Output, ReachError> {
        let doing = || format!("running {} at the site", command.program);
        let told = Told::of(self.mark, &said.stderr);
        let output = Output { stderr: told.own.to_vec(), ..Output::default() };
        if self.too_long || told.own.len() > command.output_limit {
            let error = ReachError::new(ReachErrorKind::TooLong, Retry::LookFirst, doing());
            return Err(error.with("limit", format!("{} bytes", command.output_limit)));
        }
        if said.timed_out {
            return Ok(Output { timed_out: true, ..output });
        }
        match told.ending {
            Some(Ending::Status(status)) => Ok(Output { status: Some(status), ..output }),
            Some(Ending::Failed(what)) => Err(not_there(doing(), what)),
            None => Err(remote_error::lost(&doing(), self.seen || told.has_begun, said)),
        }
    }
}

fn last(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).rposition(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands the pieces on: what was taken, the group that was told, and whether it was too much.
    async fn after(mark: &Mark, pieces: &[&[u8]], limit: usize) -> (Vec<u8>, Option<u32>, bool) {
        let mut taken = Vec::new();
        let too_long = Notify::new();
        let mut keep = |piece: &[u8]| taken.extend_from_slice(piece);
        let mut after = AfterMark::new(mark, limit, &too_long, &mut keep);
        for piece in pieces {
            after.take(piece).await;
        }
        let (group, is_too_long) = (after.group(), after.is_too_long());
        (taken, group, is_too_long)
    }

    #[tokio::test]
    async fn greetings_are_skipped_wherever_they_are_cut() {
        let mark = Mark::new();
        let whole = format!("Welcome!\npakt-\n{0} 4711\nanswer\n{0} 1\nmore", mark.text()).into_bytes();
        let expected = format!("answer\n{} 1\nmore", mark.text()).into_bytes();
        for cut in 0..whole.len() {
            let found = after(&mark, &[&whole[..cut], &whole[cut..]], 100).await;
            assert_eq!(found, (expected.clone(), Some(4711), false), "{cut}");
        }
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        assert_eq!(after(&mark, &bytes, 100).await.0, expected);
        assert_eq!(after(&mark, &[b"only a greeting"], 100).await, (Vec::new(), None, false));
        assert_eq!(after(&mark, &[&whole], 10).await, (Vec::new(), Some(4711), true));
    }

    #[test]
    fn the_far_side_tells_how_it_ended_among_whatever_is_said() {
        let mark = Mark::new();
        let text = mark.text();
        let said = format!("banner\n\n{text} begins\nsbatch: error: no\n\n{text} 1\n");
        let told = Told::of(&mark, said.as_bytes());
        let ending = Some(Ending::Status(1));
        assert_eq!(told, Told { has_begun: true, own: b"sbatch: error: no\n", ending });
        let said = format!("\n{text} begins\n\n{text} program\n");
        assert_eq!(Told::of(&mark, said.as_bytes()).missing(), Some("program"));
        let said = format!("\n{text} begins\nhalf of");
        let told = Told::of(&mark, said.as_bytes());
        assert_eq!((told.own, told.ending), (&b"half of"[..], None));
        assert!(!Told::of(&mark, b"Permission denied (publickey).\n").has_begun);
    }
}
