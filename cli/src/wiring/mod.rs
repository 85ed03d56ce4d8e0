//! Puts the house together: one file a leaf. Nothing here decides anything about jobs or hours.

mod books;
mod bundle_key;
mod clock;
mod folder;
mod input;
mod moving;
mod process;
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
pub(crate) use reach::{counters, io_words};
pub(crate) use reports::{statement_text, statements_csv, table_csv, yes_or_no};
pub(crate) use scheduler_adapters::{UnusedWay, Way, local::supervise};
pub(crate) use sites::YamlMistake;

use crate::{
    arguments::General,
    configuration::{Configuration, Home, LedgerPlace, StatePlace},
    failure::Failure,
    output::Screen,
};
use jobs::{House, directory::State};
use model::{Principal, SiteName, Zone};
use reach::{DirectoryMode, Local, Reach};
use std::sync::Arc;

pub(crate) use bundle_key::bundle_key;
pub(crate) use clock::SystemClock;
pub(crate) use folder::unusable_folder;
pub(crate) use input::input;
pub(crate) use moving::move_ledger;
pub(crate) use process::random_bits;
pub(crate) use signer_file::{make_key, replace};

/// The version as records and scripts name it.
pub(crate) const MADE_BY: &str = concat!("pakt ", env!("CARGO_PKG_VERSION"));

/// Wires everything for this machine; beside the house what is to be said about it.
pub(crate) fn house(general: &General, configuration: &Configuration) -> Result<(House, Option<String>), Failure> {
    let catalogue = site::catalogue(configuration)?;
    let here = site::here(&catalogue, general, configuration)?;
    let principal = principal(&here)?;
    let place = state_place(configuration, &catalogue, &principal, &here)?.kept()?;
    house_at(configuration, catalogue, here, (principal, place), Some(Screen::new(general)))
}

/// As [`house`], for commands that make no job and no ledger: it leaves open where those are kept for good, so that it
/// needs no home that can be written.
pub(crate) fn house_to_look(
    general: &General,
    configuration: &Configuration,
) -> Result<(House, Option<String>), Failure> {
    let catalogue = site::catalogue(configuration)?;
    let here = site::here(&catalogue, general, configuration)?;
    let principal = principal(&here)?;
    let place = state_place(configuration, &catalogue, &principal, &here)?;
    house_at(configuration, catalogue, here, (principal, place), Some(Screen::new(general)))
}

/// As [`house_to_look`], for commands that look at the ledger alone: a reviewer's machine is of no site.
pub(crate) fn house_of_ledger(
    general: &General,
    configuration: &Configuration,
) -> Result<(House, Option<String>), Failure> {
    let catalogue = site::catalogue(configuration)?;
    match site::here(&catalogue, general, configuration) {
        Err(_) if general.site.is_none() && configuration.file.site.is_none() && configuration.names_ledger() => {
            let (house, _) = house_to_read(configuration, catalogue, site::local())?;
            Ok((house, None))
        }
        _ => house_to_look(general, configuration),
    }
}

/// Wires a house that keeps nothing: it needs no detection, and no place that is known.
pub(crate) fn house_to_read(
    configuration: &Configuration,
    catalogue: sites::Catalogue,
    here: SiteName,
) -> Result<(House, Option<String>), Failure> {
    let principal = principal(&here)?;
    let place = state_place(configuration, &catalogue, &principal, &here);
    let place = place.unwrap_or_else(|failure| StatePlace::nowhere(configuration, &failure));
    house_at(configuration, catalogue, here, (principal, place), None)
}

fn principal(here: &SiteName) -> Result<Principal, Failure> {
    identity::principal_of_this_process(Some(here.clone())).map_err(|error| {
        Failure::usage("it is not known who you are", error.to_string(), "ask the site's administrators")
    })
}

fn state_place(
    configuration: &Configuration,
    catalogue: &sites::Catalogue,
    principal: &Principal,
    here: &SiteName,
) -> Result<StatePlace, Failure> {
    let area = catalogue.get(here).and_then(site::state_area);
    configuration.state_place(&Home { site: here.as_str(), area, user: principal.user.as_str() })
}

fn house_at(
    configuration: &Configuration,
    catalogue: sites::Catalogue,
    here: SiteName,
    (principal, place): (Principal, StatePlace),
    screen: Option<Screen>,
) -> Result<(House, Option<String>), Failure> {
    let StatePlace { folder: state_root, note, .. } = place;
    let files: Arc<dyn Reach> = Arc::new(Local);
    let site = catalogue.get(&here).ok_or_else(|| Failure::bug("no house", format!("site `{here}` has no profile")))?;
    let mode = if configuration.file.group { DirectoryMode::Group } else { DirectoryMode::Private };
    let machine = site::machine(configuration);
    let ways = scheduler::Ways { helper: configuration.slurm_helper()?, rest: rest::configured(configuration)? };
    let chosen = scheduler::choose(site, &files, &state_root, machine, &principal, ways)?;
    let house = House {
        clock: Arc::new(SystemClock),
        machine_zone: Zone::from(jiff::tz::TimeZone::system()),
        variables: Arc::new(configuration.variables.clone()),
        machine,
        books: Arc::new(ledger_at(configuration.ledger_place(&state_root)?, screen)?),
        state: State::new(state_root, mode, Arc::clone(&files)),
        scheduler: chosen.scheduler,
        dialect: chosen.dialect,
        random: process::random_bits,
        process: process::this_process()?,
        processes: Arc::new(process::HostProcesses),
        steps: steps::watcher(&configuration.variables)?,
        made_by: MADE_BY.to_owned(),
        catalogue: Arc::new(catalogue),
        here,
        principal,
        files,
    };
    Ok((house, note))
}

/// Whether this site's profile keeps caches out of the home and names no area for job directories.
pub(crate) fn spares_home_without_area(house: &House) -> bool {
    house.catalogue.get(&house.here).is_some_and(|site| site.cache_area.is_some() && site.state_area.is_none())
}

fn ledger_at(place: LedgerPlace, screen: Option<Screen>) -> Result<books::Ledger, Failure> {
    books::Ledger::new(place, screen).map_err(|error| {
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

/// The site this machine belongs to, where that is clear; `local` where nothing says otherwise.
pub(crate) fn here_or_local(
    general: &General,
    configuration: &Configuration,
    catalogue: &sites::Catalogue,
) -> SiteName {
    here(general, configuration, catalogue).unwrap_or_else(|_| site::local())
}

/// A site by its name or alias, as a person types it.
pub(crate) fn named_site(catalogue: &sites::Catalogue, text: &str) -> Result<SiteName, Failure> {
    site::named_site(catalogue, text)
}
