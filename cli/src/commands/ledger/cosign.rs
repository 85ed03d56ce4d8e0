//! `pakt ledger cosign`: a witness says that a checkpoint continues what it saw before.

use super::verify::{checked, checked_export, not_audited, not_read, read_checkpoint, verify_export};
use crate::commands::Context;
use crate::wiring::{
    AuditReport, KeyKind, KeyName, Outside, SignedCheckpoint, SignerKey, SystemClock, Verification, VerifierKey,
    make_key, replace,
};
use crate::{failure::Failure, output::Answer};
use model::Clock as _;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Arguments of `ledger cosign`.
#[derive(Debug, clap::Args)]
pub(crate) struct Cosign {
    /// The checkpoint, as `pakt ledger checkpoint` printed it
    pub checkpoint: PathBuf,
    /// The file of the witness's secret key; what it cosigned last is kept beside it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The name of the witness, such as `example.org/pakt-witness`: a key is made where there is none
    #[arg(long, value_name = "NAME")]
    pub name: Option<KeyName>,
    /// The log's key, as it was told to the witness by another way than the ledger. After a change that the key before did
    /// not sign: both
    #[arg(long, value_name = "KEY", required = true)]
    pub log_key: Vec<VerifierKey>,
    /// An export that has all entries of the checkpoint; without it the ledger itself is read
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
}

const NOTHING: &str = "nothing was cosigned";

/// Recomputes the log, compares it with what was cosigned before, and cosigns.
pub(super) async fn cosign(arguments: Cosign, context: &Context) -> Result<Answer, Failure> {
    let Cosign { checkpoint, key, name, log_key, export } = arguments;
    let mut signed = read_checkpoint(&checkpoint)?;
    let witness = witness_key(&key, name.as_ref())?;
    let memory = beside(&key, &signed.claim().origin);
    let seen = if memory.exists() { Some(read_checkpoint(&memory)?) } else { None };
    refuse_older(&signed, seen.as_ref())?;
    let checkpoints = [signed.clone()].into_iter().chain(seen).collect();
    let outside = Outside { checkpoints, keys: log_key.clone(), witnesses: vec![witness.verifier().clone()] };
    let verified = audited(export.as_deref(), &outside, [checkpoint, memory.clone()], context).await?;
    let Some(report) = &verified.log else {
        let next = "name an export: `--export FILE`";
        return Err(Failure::usage(NOTHING, "the ledger keeps no tree of its entries", next));
    };
    signed.cosign_audited(&known_keys(log_key, report), report, &witness, SystemClock.now()).map_err(|error| {
        let next = "ask for the checkpoint again, and for the key of its log by another way";
        Failure::usage(NOTHING, error.to_string(), next)
    })?;
    let text = signed.to_string();
    // Kept first: whoever has the cosignature can rely on the witness remembering it.
    replace(&memory, &text).map_err(|error| not_read(&memory, &error))?;
    let note = format!("cosigned with the key {}", witness.verifier());
    let json = json!({ "version": 1, "size": signed.claim().head.size, "witness": witness.verifier().to_string(),
                       "checkpoint": text });
    Ok(Answer::new(text, json).product().with_notes([note]))
}

/// The log's keys that were told, and those that they named.
fn known_keys(mut told: Vec<VerifierKey>, report: &AuditReport) -> Vec<VerifierKey> {
    let known = report.keys.iter().filter(|span| span.is_known);
    told.extend(known.filter_map(|span| span.key.parse().ok()));
    told
}

/// Recomputes the log, of an export or of the ledger. `files` are those of the checkpoints.
async fn audited(
    export: Option<&Path>,
    outside: &Outside,
    files: [PathBuf; 2],
    context: &Context,
) -> Result<Verification, Failure> {
    let Some(path) = export else {
        let book = context.house_of_ledger().await?.needed_book(NOTHING).await?;
        let verified = book.audit(outside).await.map_err(|error| not_audited(&error, &files))?;
        checked(&verified)?;
        return Ok(verified);
    };
    let verified = verify_export(path, outside, &files)?;
    checked_export(&verified, path)?;
    Ok(verified)
}

fn witness_key(path: &Path, name: Option<&KeyName>) -> Result<SignerKey, Failure> {
    if !path.exists() {
        let Some(name) = name else {
            let next = "name the witness, and its key is made: `--name example.org/pakt-witness`";
            return Err(Failure::usage(NOTHING, format!("there is no key in `{}`", path.display()), next));
        };
        make_key(path, name.as_str(), KeyKind::Witness).map_err(|error| not_read(path, &error))?;
    }
    let text = fs::read_to_string(path).map_err(|error| not_read(path, &error))?;
    let next = "name the file of a witness's key, or another file and `--name NAME` to make one";
    let spoilt = |why: String| Failure::usage(NOTHING, format!("`{}`: {why}", path.display()), next);
    let key = SignerKey::from_secret_text(text.trim_end()).map_err(|error| spoilt(error.to_string()))?;
    let is_other = name.is_some_and(|name| name != key.verifier().name());
    if key.verifier().kind() != KeyKind::Witness || is_other {
        return Err(spoilt(format!("it is the key of `{}`", key.verifier().name())));
    }
    Ok(key)
}

/// Where the witness remembers what it cosigned last of a log.
fn beside(key: &Path, origin: &str) -> PathBuf {
    let origin: String = origin.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '-' }).collect();
    let mut path = key.as_os_str().to_owned();
    path.push(format!(".{origin}.seen"));
    PathBuf::from(path)
}

fn refuse_older(signed: &SignedCheckpoint, seen: Option<&SignedCheckpoint>) -> Result<(), Failure> {
    let (size, before) = (signed.claim().head.size, seen.map_or(0, |seen| seen.claim().head.size));
    if before <= size {
        return Ok(());
    }
    let why = format!("it has {}, and the witness cosigned {before} of this log before", model::counted(size, "entry"));
    Err(Failure::usage(NOTHING, why, "ask for a newer checkpoint: `pakt ledger checkpoint`"))
}
