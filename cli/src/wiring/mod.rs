//! Puts the house together: one file a leaf. Nothing here decides anything about jobs or hours.

mod books;
mod bundle_key;
mod clock;
mod far;
mod far_state;
mod folder;
mod input;
mod moving;
mod place;
mod process;
mod product_file;
mod product_folder;
mod rest;
mod scheduler;
mod signer_file;
mod site;
mod steps;

pub(crate) use ledger::evidence::{
    self, AuditReport, EntryProof, KeyChange, KeyKind, KeyName, ProvenDecision, ProvenEntry, SignedCheckpoint,
    SignerKey, VerifierKey,
};
pub(crate) use ledger::{
    Adjusted, BindingRecord, Book, Budget, Coming, CoveredRun, CoveredSum, DecidedKind, DecidedRecord, Decision,
    EntryPage, Event, Expiry, ExportAudit, ExportLine, Gap, GivenLot, Hold, KeyTrust, KnownAt, LedgerError,
    LedgerErrorKind, LotChange, Masks, Outside, PersonRecord, Policy, ReaderRights, Reason, RunPrice, Standing,
    UnattributedReason, UnattributedRun, UsageField, UsageFilter, UsageGroup, UsageQuery, UsageSpan, UsageSum,
    Verification, WholeReader,
};
pub(crate) use reach::{Closes, ConnectionState, Counters, Master, Opening, counters, io_words};
pub(crate) use reports::{
    research_object_json, scores_courses, scores_csv, scores_hdf5, scores_svg, scores_table, short_names,
    statement_text, statements_csv, table_csv, value_text, yes_or_no,
};
pub(crate) use scheduler_adapters::{
    Cost, Freshness, Pace, SharedState, SourceWait as Wait, UnusedWay, Way, local::supervise,
};
pub(crate) use sites::{Catalogue, YamlMistake};

use crate::{
    arguments::General,
    configuration::{Configuration, LedgerPlace, StatePlace},
    failure::Failure,
    output::Screen,
};
use async_trait::async_trait;
use jobs::{House, Neighbour, Neighbourhood, Vantage, choose::Choices, directory::State};
use model::{SiteChoice, SiteName, Zone};
use reach::{DirectoryMode, Local};
use std::sync::Arc;

pub(crate) use bundle_key::bundle_key;
pub(crate) use clock::SystemClock;
pub(crate) use far::connection_state;
pub(crate) use folder::unusable_jobs_folder;
pub(crate) use input::input;
pub(crate) use moving::move_ledger;
pub(crate) use place::Need;
pub(crate) use process::random_bits;
pub(crate) use product_file::{Earlier, publish};
pub(crate) use product_folder::publish_folder;
pub(crate) use signer_file::{make_key, replace};

/// The version as records and scripts name it.
pub(crate) const MADE_BY: &str = concat!("pakt ", env!("CARGO_PKG_VERSION"));

/// Wires everything for this machine, or for the site that it reaches; beside the house what is to be said about it.
pub(crate) async fn house(general: &General, configuration: &Configuration) -> Result<Wired, Failure> {
    let catalogue = site::catalogue(configuration)?;
    let here = site::here(&catalogue, general, configuration)?;
    house_at(configuration, catalogue, here, Need::Keep, Some(Screen::new(general))).await
}

/// As [`house`], for commands that make no job and no ledger: it leaves open where those are kept for good, so that it
/// needs no home that can be written.
pub(crate) async fn house_to_look(general: &General, configuration: &Configuration) -> Result<Wired, Failure> {
    let catalogue = site::catalogue(configuration)?;
    let here = site::here(&catalogue, general, configuration)?;
    house_at(configuration, catalogue, here, Need::Look, Some(Screen::new(general))).await
}

/// As [`house`], for a job that names sites: of those that can be reached, the one where it may run.
pub(crate) async fn house_for(
    general: &General,
    configuration: &Configuration,
    wanted: &SiteChoice,
    need: Need,
) -> Result<Wired, Failure> {
    let catalogue = site::catalogue(configuration)?;
    let here = site::here_for(&catalogue, general, configuration, wanted)?;
    house_at(configuration, catalogue, here, need, Some(Screen::new(general))).await
}

/// As [`house_to_look`], for commands that look at the ledger alone: a reviewer's machine is of no site, and a
/// site behind ssh need not be reached.
pub(crate) async fn house_of_ledger(general: &General, configuration: &Configuration) -> Result<Wired, Failure> {
    let catalogue = site::catalogue(configuration)?;
    match site::here(&catalogue, general, configuration) {
        Err(_) if general.site.is_none() && configuration.file.site.is_none() && configuration.names_ledger() => {
            let screen = Some(Screen::new(general));
            let (house, _) = house_at(configuration, catalogue, site::local(), Need::Read, screen).await?;
            Ok((house, None))
        }
        here => house_at(configuration, catalogue, here?, Need::Ledger, Some(Screen::new(general))).await,
    }
}

/// The other sites that are reached from here.
pub(crate) struct Neighbours<'a> {
    pub general: &'a General,
    pub configuration: &'a Configuration,
    pub house: &'a House,
}

#[async_trait(?Send)]
impl Neighbourhood for Neighbours<'_> {
    async fn neighbours(&self) -> Vec<Neighbour> {
        let Self { general, configuration, house } = self;
        let names = site::behind_ssh(&house.catalogue, configuration, Some(&house.here)).unwrap_or_default();
        wired(general, configuration, &house.catalogue, names, Need::Look).await.0
    }
}

/// The sites that a job which may run anywhere can go to from here, and what is to be said about their houses; none where
/// there is no choice.
pub(crate) async fn candidates(
    general: &General,
    configuration: &Configuration,
    need: Need,
) -> Result<Option<(Vec<Neighbour>, Vec<String>)>, Failure> {
    let (catalogue, names) = reached(general, configuration)?;
    if names.len() < 2 {
        return Ok(None);
    }
    Ok(Some(wired(general, configuration, &catalogue, names, need).await))
}

/// Whether there is more than one site that a job for any site could go to.
pub(crate) fn has_choice(general: &General, configuration: &Configuration) -> Result<bool, Failure> {
    Ok(reached(general, configuration)?.1.len() > 1)
}

fn reached(general: &General, configuration: &Configuration) -> Result<(Catalogue, Vec<SiteName>), Failure> {
    let catalogue = site::catalogue(configuration)?;
    let names = site::reachable(&catalogue, general, configuration)?;
    Ok((catalogue, names))
}

/// The files of this machine, which a person names.
pub(crate) const fn own_files() -> Local {
    Local
}

/// The choices of this machine.
pub(crate) fn choices(configuration: &Configuration) -> Choices {
    Choices::new(configuration.folder.join("choices"), Arc::new(Local))
}

async fn wired(
    general: &General,
    configuration: &Configuration,
    catalogue: &Catalogue,
    names: Vec<SiteName>,
    need: Need,
) -> (Vec<Neighbour>, Vec<String>) {
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    for name in names {
        let screen = Some(Screen::new(general));
        let house = match house_at(configuration, catalogue.clone(), name.clone(), need, screen).await {
            Ok((house, note)) => {
                notes.extend(note);
                Ok(house)
            }
            Err(failure) => Err(format!("{}: {}", failure.what, failure.why)),
        };
        found.push(Neighbour { site: name, house });
    }
    (found, notes)
}

/// Wires a house that keeps nothing: it needs no detection, and no place that is known.
pub(crate) async fn house_to_read(
    configuration: &Configuration,
    catalogue: sites::Catalogue,
    here: SiteName,
) -> Result<Wired, Failure> {
    house_at(configuration, catalogue, here, Need::Read, None).await
}

/// A house, and what is to be said about it.
pub(crate) type Wired = (House, Option<String>);

async fn house_at(
    configuration: &Configuration,
    catalogue: sites::Catalogue,
    here: SiteName,
    need: Need,
    screen: Option<Screen>,
) -> Result<Wired, Failure> {
    let place = place::of(configuration, &catalogue, &here, need).await?;
    let StatePlace { folder: state_root, note, .. } = place.state;
    let files = place.files;
    let site = catalogue.get(&here).ok_or_else(|| Failure::bug("no house", format!("site `{here}` has no profile")))?;
    let mode = if configuration.file.group { DirectoryMode::Group } else { DirectoryMode::Private };
    let machine = site::machine(configuration);
    // A slurmrestd is configured for this machine's own site.
    let rest = if place.vantage == Vantage::Site { rest::configured(configuration)? } else { None };
    let ways = scheduler::Ways { helper: place.helper, rest };
    let chosen = scheduler::choose(site, &files, &state_root, machine, &place.principal, ways)?;
    let house = House {
        clock: Arc::new(SystemClock),
        machine_zone: Zone::from(jiff::tz::TimeZone::system()),
        vantage: place.vantage,
        variables: place.variables,
        machine,
        books: Arc::new(ledger_at(configuration.ledger_place(&place.ledger_folder)?, screen, need)?),
        state: State::new(state_root, mode, Arc::clone(&files)),
        scheduler: chosen.scheduler,
        dialect: chosen.dialect,
        random: process::random_bits,
        process: process::this_process()?,
        processes: place.processes,
        steps: steps::watcher(&configuration.variables)?,
        made_by: MADE_BY.to_owned(),
        catalogue: Arc::new(catalogue),
        here,
        principal: place.principal,
        own_files: Arc::new(Local),
        files,
    };
    Ok((house, note))
}

/// Whether this site's profile keeps caches out of the home and names no area for job directories.
pub(crate) fn spares_home_without_area(house: &House) -> bool {
    house.catalogue.get(&house.here).is_some_and(|site| site.cache_area.is_some() && site.state_area.is_none())
}

fn ledger_at(place: LedgerPlace, screen: Option<Screen>, need: Need) -> Result<books::Ledger, Failure> {
    books::Ledger::new(place, screen, need < Need::Keep).map_err(|error| {
        let next = "mend `ledger` in the configuration, or PAKT_LEDGER; docs/reference/configuration.md says how";
        Failure::usage("the place of the ledger cannot be used", error.why, next)
    })
}

/// All sites that are known, the user's own included.
pub(crate) fn catalogue(configuration: &Configuration) -> Result<sites::Catalogue, Failure> {
    site::catalogue(configuration)
}

/// The site this machine belongs to; a failure where that is not clear.
pub(crate) fn here(
    general: &General,
    configuration: &Configuration,
    catalogue: &sites::Catalogue,
) -> Result<SiteName, Failure> {
    site::here(catalogue, general, configuration)
}

/// The site this machine belongs to; where nothing says which, `local`, and why it is not clear. A site that is named and not
/// known is a mistake.
pub(crate) fn here_or_local(
    general: &General,
    configuration: &Configuration,
    catalogue: &sites::Catalogue,
) -> Result<(SiteName, Option<Failure>), Failure> {
    match here(general, configuration, catalogue) {
        Ok(here) => Ok((here, None)),
        Err(failure) if general.site.is_some() || configuration.file.site.is_some() => Err(failure),
        Err(failure) => Ok((site::local(), Some(failure))),
    }
}

/// This machine without a scheduler.
pub(crate) fn local() -> SiteName {
    site::local()
}

/// A site by its name or alias, as a person types it.
pub(crate) fn named_site(catalogue: &sites::Catalogue, text: &str) -> Result<SiteName, Failure> {
    site::named_site(catalogue, text)
}
