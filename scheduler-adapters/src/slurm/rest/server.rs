//! The server: found out about when it is first needed, asked one question a connection, given up when it fails.

use super::{
    offer::Offer,
    records::{Frame, Records},
    submit::Once,
    token::{TokenSource, Tokens},
    value::Record,
};
use crate::{
    shared::{Asking, Tally},
    slurm::call::NO_ANSWER,
};
use model::{Timestamp, UserName};
use reach::{
    Reach, ReachError, Retry,
    http::{HttpAnswer, HttpCall, HttpPlace},
};
use serde_json::Value;
use std::{
    sync::{
        Arc, Mutex as Lock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Mutex;

/// How long the answer to a read, and each piece of it, is waited for.
const READ_LIMIT: Duration = Duration::from_mins(1);

/// The most bytes of an answer that is read record by record, as of a command's.
const RECORDS_LIMIT: usize = 1024 * 1024 * 1024;

/// The most bytes of any other answer: the server's description of itself has some megabytes.
const TEXT_LIMIT: usize = 32 * 1024 * 1024;

/// What questions to it are counted under, and what a wait of all processes is named after.
pub(in crate::slurm) const SOURCE: &str = "slurmrestd";

/// Where the server is and what it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestConfiguration {
    /// The server.
    pub place: HttpPlace,
    /// The token; none where the server knows who calls by its socket.
    pub token: Option<TokenSource>,
}

/// The way to a server.
pub(in crate::slurm) struct Rest {
    reach: Arc<dyn Reach>,
    pub(super) place: HttpPlace,
    tokens: Tokens,
    pub(super) patience: Duration,
    state: Mutex<State>,
    tally: Arc<Tally>,
    /// For how long the server wanted to be left alone when it answered last.
    asked_for: Lock<Option<u32>>,
    /// Whether there was no token to show last, so that nobody was asked.
    has_no_token: AtomicBool,
    /// Why it is not used, or did not do what was asked, for whoever asks.
    note: Lock<Option<String>>,
    pub(super) once: Once,
}

enum State {
    Asleep,
    Awake(Arc<Offer>),
    /// For the rest of this process's life.
    GivenUp,
}

/// Who asks, and when.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) user: &'a UserName,
    pub(super) now: Timestamp,
}

/// An error that the server told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) number: i64,
    /// Slurm's own words for the number, or what was said beside it.
    pub(super) text: String,
}

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Nothing was sent.
    NotAsked,
    /// It was sent, and what became of it is not known.
    Lost(String),
    /// It was answered with this status and these errors.
    Failed(u16, Vec<Told>),
}

impl Rest {
    pub(in crate::slurm) fn new(reach: Arc<dyn Reach>, configuration: RestConfiguration, tally: Arc<Tally>) -> Self {
        let RestConfiguration { place, token } = configuration;
        let (tokens, note, asked_for, once) = (Tokens::new(token), Lock::default(), Lock::default(), Once::default());
        let (state, has_no_token) = (Mutex::new(State::Asleep), AtomicBool::new(false));
        Self { reach, place, tokens, patience: READ_LIMIT, state, tally, asked_for, has_no_token, note, once }
    }

    /// Why the server is not used, or did not do what was asked.
    pub(in crate::slurm) fn note(&self) -> Option<String> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For how many seconds the server wanted to be left alone when it answered last.
    pub(super) fn asked_for(&self) -> Option<u32> {
        *self.asked_for.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there was no token to show last: that says nothing of the server.
    pub(super) fn has_no_token(&self) -> bool {
        self.has_no_token.load(Ordering::Relaxed)
    }

    /// What the server offers; none where it is given up.
    pub(super) async fn offer(&self, asker: Asker<'_>) -> Option<Arc<Offer>> {
        let mut state = self.state.lock().await;
        if matches!(*state, State::Asleep) {
            *state = match self.look(asker).await {
                Ok(offer) => State::Awake(Arc::new(offer)),
                Err(why) => {
                    self.say(&why);
                    State::GivenUp
                }
            };
        }
        match &*state {
            State::Awake(offer) => Some(Arc::clone(offer)),
            _ => None,
        }
    }

    async fn look(&self, asker: Asker<'_>) -> Result<Offer, String> {
        let call = HttpCall::get("/openapi/v3", self.patience, TEXT_LIMIT);
        let mut asking = Asking::of(SOURCE);
        let answered = self.whole(call, asker, &mut asking).await;
        self.tally.count(&asking, answered.as_ref().is_ok_and(|(status, _)| *status == 200));
        let (status, text) = answered?;
        match status {
            200 => {}
            status => return Err(format!("it answers {status} instead of describing itself: {}", meaning(status))),
        }
        let offer = Offer::read(&text)?;
        if offer.controller.is_none() && offer.accounting.is_none() {
            return Err("it offers no version of jobs that is known here (v0.0.38 to v0.0.45)".to_owned());
        }
        Ok(offer)
    }

    /// Asks for something of one piece: its status, and all of it.
    async fn whole(&self, call: HttpCall, asker: Asker<'_>, asking: &mut Asking) -> Result<(u16, Vec<u8>), String> {
        let mut answer = self.send(call, asker).await.map_err(|(_, why)| why)?;
        let text = answer.whole().await.map_err(|error| error.to_string())?;
        asking.came(&text);
        Ok((answer.status, text))
    }

    /// Asks for records, and hands them on as they come. What was handed on before an error is a part.
    pub(super) async fn each_record(
        &self,
        path: String,
        asker: Asker<'_>,
        taker: &mut dyn RecordTaker,
    ) -> Result<(), Unanswered> {
        let call = HttpCall::get(path, self.patience, RECORDS_LIMIT);
        let mut asking = Asking::of(SOURCE);
        let mut answer = match self.send(call, asker).await {
            Ok(answer) => answer,
            Err((_, why)) => {
                self.tally.count(&asking, false);
                return Err(self.give_up(why).await);
            }
        };
        let handed = hand_on(&mut answer, &mut asking, taker).await;
        self.tally.count(&asking, answer.status == 200 && handed.as_ref().is_ok_and(Vec::is_empty));
        match handed {
            Ok(errors) if errors.is_empty() && answer.status == 200 => Ok(()),
            Ok(errors) => Err(Unanswered::Failed(answer.status, errors)),
            // A message of its own: which page there is not, who may not ask.
            Err(_) if answer.status != 200 => Err(Unanswered::Failed(answer.status, Vec::new())),
            Err(why) => Err(self.give_up(why).await),
        }
    }

    /// Asks for something of one piece, or writes. A write is sent once.
    pub(super) async fn ask(&self, call: HttpCall, asker: Asker<'_>) -> Result<Value, Unanswered> {
        let call = HttpCall { limit: TEXT_LIMIT, ..call };
        // Few such requests are made, and their answers are small: they are counted, and not measured.
        self.tally.count(&Asking::of(SOURCE), true);
        let mut answer = match self.send(call, asker).await {
            Ok(answer) => answer,
            Err((Retry::LookFirst, why)) => return Err(self.give_up(why).await),
            Err((_, why)) => {
                self.give_up(why).await;
                return Err(Unanswered::NotAsked);
            }
        };
        let text = match answer.whole().await {
            Ok(text) => text,
            Err(error) => return Err(self.give_up(error.to_string()).await),
        };
        let value: Value = serde_json::from_slice(&text).unwrap_or(Value::Null);
        let errors = value.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        match answer.status {
            // An answer that names a job means a job, whatever is said beside it: that it is held, say.
            _ if job_in(&value).is_some() => Ok(value),
            200..=299 if errors.is_empty() => Ok(value),
            status => Err(Unanswered::Failed(status, errors.iter().map(Told::of).collect())),
        }
    }

    /// Sends one request with its token. The error says whether it may have arrived.
    async fn send(&self, mut call: HttpCall, asker: Asker<'_>) -> Result<HttpAnswer, (Retry, String)> {
        let token = self.tokens.token(self.reach.as_ref(), asker.user, asker.now).await;
        self.has_no_token.store(token.is_err(), Ordering::Relaxed);
        if let Some(token) = token.map_err(|why| (Retry::Later, why))? {
            call.headers.push(("x-slurm-user-name", asker.user.to_string()));
            call.secrets.push(("x-slurm-user-token", token));
        }
        let sent = call.send(self.reach.as_ref(), &self.place).await;
        let asked_for = sent.as_ref().ok().and_then(|answer| answer.retry_after_seconds);
        *self.asked_for.lock().unwrap_or_else(PoisonError::into_inner) = asked_for;
        sent.map_err(|error: ReachError| (error.retry, error.to_string()))
    }

    async fn give_up(&self, why: String) -> Unanswered {
        self.say(&why);
        *self.state.lock().await = State::GivenUp;
        Unanswered::Lost(why)
    }

    /// Keeps why something was not done by this server.
    pub(super) fn say(&self, why: &str) {
        let note = format!("{}: {why}", self.place);
        *self.note.lock().unwrap_or_else(PoisonError::into_inner) = Some(note);
    }
}

/// The job that an answer to a submission names.
pub(super) fn job_in(answer: &Value) -> Option<u64> {
    let ids = ["/job_id", "/result/job_id"].into_iter();
    ids.filter_map(|path| Record(answer).number(path)).find(|id| *id > 0)
}

/// Takes records; nothing more is read until one is taken.
#[async_trait::async_trait]
pub(super) trait RecordTaker: Send {
    /// Takes one: its JSON, or why that is none, and its text.
    async fn take(&mut self, record: Result<Value, (String, String)>);
}

async fn hand_on(
    answer: &mut HttpAnswer,
    asking: &mut Asking,
    taker: &mut dyn RecordTaker,
) -> Result<Vec<Told>, String> {
    let mut records = Records::default();
    while let Some(piece) = answer.piece().await.map_err(|error| error.to_string())? {
        let mut found = Vec::new();
        asking.bytes = Some(asking.bytes.unwrap_or(0) + piece.len() as u64);
        records.read(&piece, &mut |record| found.push(read(record)))?;
        asking.lines += found.len() as u64;
        for record in found {
            taker.take(record).await;
        }
    }
    let Frame { errors, .. } = records.finish()?;
    // To accounting it is an error to find nothing.
    Ok(errors.iter().flatten().map(Told::of).filter(|told| told.number != NOTHING_FOUND).collect())
}

/// `ESLURM_REST_EMPTY_RESULT` of `slurm_errno.h`.
const NOTHING_FOUND: i64 = 9003;

/// What is no text in a record is shown as such, as in what commands print.
fn read(record: &[u8]) -> Result<Value, (String, String)> {
    let text = String::from_utf8_lossy(record);
    serde_json::from_str(&text).map_err(|error| (format!("it is not JSON: {error}"), text.into_owned()))
}

impl Told {
    pub(super) fn of(error: &Value) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let number = ["error_number", "error_code", "errno"].iter().find_map(|name| error.get(name)?.as_i64());
        let text = text("error").or_else(|| text("description")).unwrap_or("an error without words");
        Self { number: number.unwrap_or(0), text: text.to_owned() }
    }
}

impl Unanswered {
    /// Whether the server, or who is behind it, is down or asked too often, so that it is better left alone for a while.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::NotAsked => false,
            Self::Lost(_) => true,
            Self::Failed(status, errors) => {
                let is_silent = |told: &Told| NO_ANSWER.iter().any(|words| told.text.contains(words));
                matches!(status, 429 | 502..=504) || errors.iter().any(is_silent)
            }
        }
    }

    /// In a line of words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::NotAsked => "it was not asked".to_owned(),
            Self::Lost(why) => why.clone(),
            Self::Failed(status, errors) if errors.is_empty() => format!("it answers {status}: {}", meaning(*status)),
            Self::Failed(_, errors) => {
                let said = errors.iter().map(|told| told.text.as_str()).collect::<Vec<_>>().join("; ");
                let vague = errors.iter().any(|told| VAGUE.contains(&told.text.as_str()));
                let hint = if vague {
                    " (so it says of a token that is not good, or when Slurm does not answer it)"
                } else {
                    ""
                };
                format!("it says `{said}`{hint}")
            }
        }
    }
}

/// What slurmrestd says of a token that is not good, among other things (seen on 22.05).
const VAGUE: [&str; 2] = ["Unspecified error", "Protocol authentication error"];

const fn meaning(status: u16) -> &'static str {
    match status {
        300..=399 => "it sends on to another place, and no token goes there",
        401 | 403 => "it does not take the token, or wants one",
        404 => "there is no such page; is it slurmrestd?",
        _ => "it cannot do it",
    }
}
