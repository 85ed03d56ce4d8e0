//! Reads one site file: bounded, in full or not at all.

use crate::{
    error::SiteError,
    outline::{field_at, place_of},
    profile::Site,
    rules,
    traced::Traced,
    yaml::YamlMistake,
};
use serde_yaml::{Error, from_str_with_options};

/// The longest site file that is read, in bytes.
const LONGEST_BYTES: usize = 256 * 1024;

/// Reads a site file and checks it for itself.
pub(crate) fn read(file: &str, text: &str) -> Result<Site, SiteError> {
    if text.len() > LONGEST_BYTES {
        let what = format!("the file is longer than {LONGEST_BYTES} bytes");
        return Err(at(file, text, "", what, "a site file holds one site; leave out what is not part of its profile"));
    }
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_events: 40_000,
            max_nodes: 20_000,
            max_aliases: 200,
            max_anchors: 100,
            max_depth: 24,
            max_documents: 1,
            max_total_scalar_bytes: LONGEST_BYTES,
        },
    };
    let mut site: Site = from_str_with_options(text, options).map_err(|error| malformed(file, text, &error))?;
    fill_in(&mut site, file)?;
    match rules::broken(&site).into_iter().next() {
        Some(broken) => Err(at(file, text, &broken.field, broken.what, broken.next)),
        None => Ok(site),
    }
}

/// Gives every value the source it names, or that of the defaults, and refuses a source that is not listed.
fn fill_in(site: &mut Site, file: &str) -> Result<(), SiteError> {
    let (defaults, sources) = (site.defaults.clone(), site.sources.clone());
    let unknown = |field: &str, key: &str, (line, column): (u64, u64)| SiteError {
        file: file.to_owned(),
        line,
        column,
        field: field.to_owned(),
        what: format!("the source `{key}` is not listed"),
        next: "add it to `sources` at the top of the file, or name one that is there".to_owned(),
    };
    let Some(default_source) = sources.get(&defaults.source) else {
        return Err(unknown("defaults.source", &defaults.source, (1, 1)));
    };
    let mut first_mistake = None;
    site.trace("", &mut |path, stated| {
        let citation = match &stated.source {
            None => Some(default_source.clone()),
            Some(key) => sources.get(key).cloned(),
        };
        if citation.is_none() && first_mistake.is_none() {
            let key = stated.source.as_deref().unwrap_or_default();
            first_mistake = Some(unknown(path, key, stated.place.unwrap_or((1, 1))));
        }
        stated.source = citation;
        stated.as_of.get_or_insert_with(|| defaults.as_of.clone());
        stated.confidence.get_or_insert(defaults.confidence);
        // The place has served its purpose, and two profiles that say the same are equal wherever they say it.
        stated.place = None;
    });
    first_mistake.map_or(Ok(()), Err)
}

fn malformed(file: &str, text: &str, error: &Error) -> SiteError {
    let (line, column) = error.location().map_or((1, 1), |location| (location.line().max(1), location.column().max(1)));
    let YamlMistake { what, next } = YamlMistake::of(error);
    SiteError {
        file: file.to_owned(),
        line,
        column,
        field: field_at(text, line, column),
        what,
        next: next.unwrap_or("correct the file; the embedded profiles show every field").to_owned(),
    }
}

fn at(file: &str, text: &str, field: &str, what: impl Into<String>, next: impl Into<String>) -> SiteError {
    let (line, column) = place_of(text, field);
    SiteError { file: file.to_owned(), line, column, field: field.to_owned(), what: what.into(), next: next.into() }
}
