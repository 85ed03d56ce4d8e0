//! A job of a file, prepared: all that can be known and refused without touching the world.

use super::{Sheet, alike::alike, digest_of};
use crate::{
    attended::attended,
    chain::resolved,
    directory::{Checkpoint, Intent, Origin},
    error::{Gravity, JobsError},
    expected::expected,
    house::House,
    job_file::{JobFile, Mistake},
    ledger_view::LedgerView,
    outlook::{Advice, advice, budget_of},
    prepare::{NoHold, Prepared, prepare_in},
    provenance::{CodeView, FrozenCode, Sources},
};
use ledger::Book;
use model::{Amount, JobId, ProjectName, Unit, Window};
use scheduler_adapters::Submission as Handed;
use std::{path::PathBuf, sync::Arc};

/// Writes the sheet of an intent: the script's text, and what the scheduler is handed.
type SheetWriter =
    Box<dyn Fn(&Intent, Option<&FrozenCode>) -> Result<(Option<String>, Handed), JobsError> + Send + Sync>;

/// A job that may be begun.
pub(super) struct Ready {
    /// The digest of its request.
    pub(super) digest: String,
    /// Its intent, where it is a new job; its id and generation are found then.
    pub(super) intent: Intent,
    pub(super) sheet: SheetWriter,
    /// What it is made of, and what was seen of that.
    pub(super) sources: Sources,
    pub(super) code: Arc<CodeView>,
    /// What the scheduler sees of it, where it may be a task of an array of others of which it sees the same.
    pub(super) alike: Option<String>,
    /// What is only told.
    pub(super) told: Told,
}

/// What a person is told of a job beside what became of it.
pub(super) struct Told {
    /// The file.
    pub(super) path: PathBuf,
    /// Where the job file wants its log.
    pub(super) log: Option<PathBuf>,
    pub(super) no_hold: Option<String>,
    pub(super) doubts: Vec<Mistake>,
    /// What pays, and how much of it is held.
    pub(super) payment: Option<(Arc<dyn Book>, Unit, Amount)>,
    /// When the job may run.
    pub(super) expected: Window,
}

/// Prepares the job of a file; nothing is changed anywhere.
pub(super) async fn ready(
    (view, code): (&Arc<LedgerView>, &Arc<CodeView>),
    house: &House,
    file: JobFile,
    (anyway, continues): (Option<String>, Option<Checkpoint>),
) -> Result<Ready, JobsError> {
    attended(house, &format!("job `{}` was not submitted", file.spec.name))?;
    let file = Box::pin(resolved(house, file)).await?;
    let Prepared { placement, hold, link_hold, no_hold, doubts, .. } = prepare_in(view, house, &file).await?;
    let sources = Sources::of_job(&file.spec, &file.source.directory);
    let frozen = frozen(house, code, &sources, &file).await?;
    let nobody = house.state.job(JobId::from_parts(model::Timestamp::default(), 0));
    let sheet = Sheet::of(house, &file.spec, &placement, &nobody, frozen.as_ref())?;
    // The links of a job are sent by themselves.
    let alike = alike(house, &placement, &sheet).filter(|_| file.spec.chain.is_none() && file.spec.sweep.is_none());
    let expected = expected(&file.spec, &placement, house.clock.now(), &house.machine_zone);
    // Begun at a checkpoint it is another request than the file alone.
    let digest = match &continues {
        Some(checkpoint) => digest_of(house, &(&file.spec, checkpoint)),
        None => digest_of(house, &file.spec),
    };
    let (path, spec) = (file.source.path, file.spec);
    let origin = Origin::JobFile {
        path: path.to_string_lossy().into_owned(),
        text: file.source.text,
        spec: Box::new(spec.clone()),
    };
    let intent = Intent {
        version: 1,
        id: house.new_id(),
        name: spec.name.clone(),
        project: spec.project.clone(),
        site: placement.site.clone(),
        digest: digest.clone(),
        generation: 1,
        principal: house.principal.clone(),
        host: house.command_host().await?,
        made_at: house.clock.now(),
        origin: Some(origin),
        placement: Some(placement),
        hold: hold.as_ref().map(|(_, unit, amount)| (unit.clone(), *amount)),
        link_hold,
        continues,
        hold_later: no_hold.as_ref().and_then(NoHold::later),
        expected: Some(expected),
        anyway,
    };
    let log = spec.output.clone().map(PathBuf::from);
    let sheets = house.clone();
    let sheet = Box::new(move |intent: &Intent, frozen: Option<&FrozenCode>| {
        let Some(placement) = &intent.placement else { return Err(not_ours(intent)) };
        let directory = sheets.state.job(intent.id);
        let sheet = Sheet::of(&sheets, &spec, placement, &directory, frozen)?;
        let handed = sheet.submission(&directory.script());
        Ok((Some(sheet.script), handed))
    });
    let no_hold = no_hold.map(|why| match why {
        NoHold::Never(why) | NoHold::NotNow(why) => why,
    });
    let told = Told { path, log, no_hold, doubts, payment: hold, expected };
    Ok(Ready { digest, intent, sheet, sources, code: Arc::clone(code), alike, told })
}

/// The code that the job of a file brings, packed; a mistake in the file where it cannot be.
pub(crate) async fn frozen(
    house: &House,
    code: &CodeView,
    sources: &Sources,
    file: &JobFile,
) -> Result<Option<FrozenCode>, JobsError> {
    sources.freeze(house, code).await.map_err(|finding| {
        let what = format!("job `{}` cannot run as written", file.spec.name);
        JobsError::mistakes(what, file.mistakes([finding]))
    })
}

/// What the budget's policy says to so much of it within a time. Whoever is not told of a low priority loses nothing, so a
/// ledger that does not answer is not waited for.
pub(super) async fn advice_for(
    house: &House,
    project: &ProjectName,
    (book, unit, amount): (&Arc<dyn Book>, &Unit, Amount),
    expected: Window,
) -> Option<Advice> {
    let budget = budget_of(house, book.as_ref(), project, unit).await.ok()??;
    advice(&budget, amount, Some(expected)).ok()
}

fn not_ours(intent: &Intent) -> JobsError {
    let why = "its intent has no placement: it was not made from a job file";
    JobsError::new(Gravity::Bug, format!("job {} was not submitted", intent.id), why, "please report it")
}
