//! `pakt ledger verify`: of a ledger, of an export, or of the proof of one entry.

use super::file::refuse_place;
use crate::commands::{
    Context,
    view::{unread, unsigned_tail},
};
use crate::wiring::{
    AuditReport, EntryProof, ExportAudit, KeyKind, LedgerError, LedgerErrorKind, Outside, ProvenDecision, ProvenEntry,
    SignedCheckpoint, Verification, VerifierKey, evidence,
};
use crate::{
    failure::Failure,
    output::{Answer, instant},
};
use model::{agreeing, counted, counted_the};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Arguments of `ledger verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// An export to check in place of the ledger; `-` reads it from stdin
    pub export: Option<PathBuf>,
    /// A checkpoint that you kept elsewhere: what was there then has to be there now, unchanged. May be repeated
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Vec<PathBuf>,
    /// The log's key, or a witness's, as it was told to you: it has to have signed. Without it the key that the ledger
    /// itself names. May be repeated
    #[arg(long, value_name = "KEY")]
    pub key: Vec<VerifierKey>,
    /// A witness's key, as it was told to you: who of these cosigned is counted. May be repeated
    #[arg(long, value_name = "KEY")]
    pub witness: Vec<VerifierKey>,
    /// Check the proof of an entry instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["export", "checkpoint"])]
    pub proof: Option<PathBuf>,
}

const UNREAD: &str = "nothing was verified";

/// Verifies what is asked for.
pub(super) async fn verify(arguments: Verify, context: &Context) -> Result<Answer, Failure> {
    let Verify { export, checkpoint: files, key: keys, witness: witnesses, proof } = arguments;
    if let Some(key) = witnesses.iter().find(|key| key.kind() != KeyKind::Witness) {
        let next = "`pakt ledger cosign` tells a witness's key; the key of a log goes with `--key`";
        return Err(Failure::usage(UNREAD, format!("`{}` is the key of a log", key.name()), next));
    }
    if let Some(path) = proof {
        return verify_proof(&path, keys, witnesses, context).await;
    }
    let wanted = witnesses.len();
    let checkpoints = files.iter().map(|path| read_checkpoint(path)).collect::<Result<Vec<_>, _>>()?;
    let outside = Outside { checkpoints, keys, witnesses };
    if let Some(path) = export {
        let next = "name the ledger with PAKT_LEDGER or `ledger:`; `pakt ledger verify` alone verifies it";
        refuse_place(UNREAD, &path, next)?;
        let verified = verify_export(&path, &outside, &files)?;
        checked_export(&verified, &path)?;
        return Ok(answer(&verified, wanted));
    }
    let house = context.house_of_ledger().await?;
    let book = house.needed_book(UNREAD).await?;
    let verified = book.audit(&outside).await.map_err(|error| not_audited(&error, &files))?;
    checked(&verified)?;
    Ok(answer(&verified, wanted))
}

/// Why nothing was compared. What was brought along and is of no use says nothing about the ledger; but where it should be of
/// use, another ledger was put in its place. `files` are those of the checkpoints.
pub(super) fn not_audited(error: &LedgerError, files: &[PathBuf]) -> Failure {
    match error.kind {
        LedgerErrorKind::OtherLog => {
            let next = "name the ledger that it is of, with `ledger:` or PAKT_LEDGER; where it should be this one, ask its \
                        keeper: another was put in its place";
            Failure::usage(UNREAD, error.why.clone(), next)
        }
        LedgerErrorKind::BadCheckpoint(place) => {
            let file =
                files.get(place).map_or_else(|| "a checkpoint".to_owned(), |file| format!("`{}`", file.display()));
            let why = format!("{file} is not a checkpoint as it was signed: {}", error.why);
            let next = "keep it byte for byte as `pakt ledger checkpoint` printed it, and name the log's key, as it was told \
                        to you, with `--key`, the one before it too where it changed; of the ledger this says nothing";
            Failure::usage(UNREAD, why, next)
        }
        LedgerErrorKind::KeyNotFound => {
            let next = "ask the ledger's keeper for its key (`pakt ledger checkpoint --key`) by another way than the ledger; \
                        where this key is right, another ledger was put in its place";
            Failure::usage(UNREAD, error.why.clone(), error.next().unwrap_or(next))
        }
        _ => unread(error),
    }
}

/// Refuses a ledger that is not sound.
pub(super) fn checked(verified: &Verification) -> Result<(), Failure> {
    let next = "keep the file as it is, restore a copy elsewhere, and report this";
    sound(verified, "the ledger".to_owned(), next)
}

/// Refuses an export that is not sound. Whether the ledger is, is not known from it.
pub(super) fn checked_export(verified: &Verification, path: &Path) -> Result<(), Failure> {
    let what = if is_stdin(path) { "what came in".to_owned() } else { format!("the export `{}`", path.display()) };
    let next = "ask for the export again, by another way: where that one is sound, this file was changed; else have the \
                ledger's keeper run `pakt ledger verify`";
    sound(verified, what, next)
}

fn sound(verified: &Verification, what: String, next: &str) -> Result<(), Failure> {
    if verified.is_consistent() {
        return Ok(());
    }
    let failure = Failure::usage(what + " is not sound", verified.findings.join("; "), next);
    Err(Failure { gravity: jobs::Gravity::Bug, ..failure })
}

fn answer(verified: &Verification, wanted: usize) -> Answer {
    let mut text = format!(
        "{} replayed; every balance is as stored, every unit sums to zero\n",
        counted(verified.entries, "entry")
    );
    if let Some(log) = &verified.log {
        text.push_str(&standing(log));
        text.push_str(&cosigned(log, wanted));
    }
    let json = json!({ "version": 1, "is_consistent": true, "entries": verified.entries, "log": verified.log });
    Answer::new(text, json)
}

/// What the tree shows, in words that promise no more.
fn standing(log: &AuditReport) -> String {
    let mut text = match log.standing {
        evidence::Standing::Verified { size } => {
            let (first, are) = (counted_the(size, "first", "entry"), agreeing(size, "is that", "are those"));
            format!("verified: {first} {are} of the checkpoint from outside\n")
        }
        _ => "self-consistent: without a checkpoint that was kept elsewhere, whoever has the ledger's key could have \
              rewritten it\n"
            .to_owned(),
    };
    text.push_str(&changed_keys(log));
    if let Some([what, next]) = unsigned_tail(log) {
        text.push_str(&format!("{what}\n  {next}\n"));
    }
    text
}

/// Under which keys the log was signed, where that changed.
fn changed_keys(log: &AuditReport) -> String {
    let mut text = String::new();
    for pair in log.keys.windows(2) {
        let [before, after] = pair else { continue };
        let (until, from) = (before.entries_signed.unwrap_or(0), after.entries_before);
        let (old, new) = (short(&before.key), short(&after.key));
        let word = match after.is_named_by_the_key_before {
            Some(true) => "the change is signed by both".to_owned(),
            _ => format!("the change is not signed by `{old}`"),
        };
        text.push_str(&format!("signed by `{old}` until entry {until}, by `{new}` since entry {from}; {word}\n"));
    }
    text
}

/// Name and id of a key.
fn short(key: &str) -> String {
    key.parse().map_or_else(|_| key.to_owned(), |key: VerifierKey| key.short())
}

/// Who of the wanted witnesses cosigned which of the entries; of each the most.
fn cosigned(log: &AuditReport, wanted: usize) -> String {
    if wanted == 0 {
        return String::new();
    }
    let mut most = BTreeMap::new();
    for checkpoint in &log.checkpoints {
        for cosignature in &checkpoint.cosignatures {
            most.insert(cosignature.witness.as_str(), (checkpoint.head.size, cosignature.at));
        }
    }
    let mut text = format!("{} of {} cosigned\n", most.len(), counted(wanted, "witness"));
    for (witness, (size, at)) in most {
        text.push_str(&format!("  `{witness}` saw {} at {}\n", counted_the(size, "first", "entry"), instant(at)));
    }
    text
}

pub(super) fn verify_export(path: &Path, outside: &Outside, files: &[PathBuf]) -> Result<Verification, Failure> {
    let input: Box<dyn BufRead> = if is_stdin(path) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(|error| not_read(path, &error))?))
    };
    ExportAudit::run(input, outside).map_err(|error| match error.kind {
        LedgerErrorKind::NotALedger => Failure::usage(
            UNREAD,
            error.why,
            "`pakt ledger export` writes one; a checkpoint goes behind `--checkpoint`, a proof behind `--proof`",
        ),
        _ => not_audited(&error, files),
    })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Checks a proof with the keys given, or with the ledger's. Each of the former has to have signed it.
async fn verify_proof(
    path: &Path,
    mut keys: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    context: &Context,
) -> Result<Answer, Failure> {
    let bytes = fs::read(path).map_err(|error| not_read(path, &error))?;
    let next = "ask for the proof again, and for the key of its log by another way (`--key`)";
    let nothing = |why: String| Failure::usage(format!("`{}` proves nothing", path.display()), why, next);
    let proof = EntryProof::parse(&bytes).map_err(|error| nothing(error.to_string()))?;
    if let Some(key) = keys.iter().find(|key| !proof.checkpoint.names(key)) {
        return Err(nothing(format!("a signature of `{}` was looked for and not found", key.short())));
    }
    keys.extend(witnesses);
    if keys.iter().all(|key| key.kind() == KeyKind::Witness) {
        keys.extend(own_keys(context).await?);
    }
    let (entry, verified) = ProvenEntry::verify(&proof, &keys).map_err(|error| nothing(error.to_string()))?;
    let checkpoint = &verified.checkpoint;
    let mut text = format!(
        "{}\nit is in the log `{}` of {}\n",
        said(&entry),
        checkpoint.origin,
        counted(checkpoint.head.size, "entry")
    );
    for cosignature in &verified.cosignatures {
        text.push_str(&format!("`{}` saw that log\n", cosignature.witness));
    }
    let json = json!({ "version": 1, "entry": entry, "origin": checkpoint.origin, "size": checkpoint.head.size,
                       "cosignatures": verified.cosignatures });
    Ok(Answer::new(text, json))
}

/// What an entry says, in a line.
fn said(entry: &ProvenEntry) -> String {
    let ProvenEntry { number, kind, amount, unit, debit, credit, .. } = entry;
    match &entry.decided {
        Some(ProvenDecision { kind, digest, replaces }) if replaces.is_empty() => {
            format!("entry {number}: decides a {kind} with the digest {digest}")
        }
        Some(ProvenDecision { kind, digest, replaces }) => {
            let replaced: Vec<_> = replaces.iter().map(ToString::to_string).collect();
            let replaced = replaced.join(", ");
            format!("entry {number}: decides a {kind} with the digest {digest}, in the place of entry {replaced}")
        }
        None => format!("entry {number}: {kind}, {amount} milli of {unit} from {debit} to {credit}"),
    }
}

/// The key of the ledger at hand. Whoever has none needs none where they name the key.
async fn own_keys(context: &Context) -> Result<Vec<VerifierKey>, Failure> {
    let next = "name the log's key, as it was told to you: `--key KEY`";
    let house = context.house_of_ledger().await.map_err(|failure| {
        let why =
            format!("no key is named, and no ledger is at hand that tells one: {}: {}", failure.what, failure.why);
        Failure::usage(UNREAD, why, next)
    })?;
    let Some(book) = house.book(UNREAD).await? else {
        let place = house.books.place();
        let why = format!("no key is named, and there is no ledger at `{}` that tells one", place.display());
        return Err(Failure::usage(UNREAD, why, next));
    };
    let log = book.log().await.map_err(|error| unread(&error))?;
    Ok(log.key_changes.iter().map(|change| change.before().clone()).chain(log.key).collect())
}

pub(super) fn read_checkpoint(path: &Path) -> Result<SignedCheckpoint, Failure> {
    let bytes = fs::read(path).map_err(|error| not_read(path, &error))?;
    SignedCheckpoint::parse(&bytes).map_err(|error| {
        let next = "`pakt ledger checkpoint` prints one; keep it byte for byte";
        Failure::usage(format!("`{}` is no checkpoint", path.display()), error.to_string(), next)
    })
}

pub(super) fn not_read(path: &Path, error: &io::Error) -> Failure {
    let what = format!("`{}` was not read", path.display());
    Failure::usage(what, crate::wiring::io_words(error), "look at its name and mode")
}
