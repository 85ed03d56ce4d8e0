//! What a server offers: which versions of which questions, by the description that it gives of itself.
//!
//! The version of Slurm is never asked for: what a server can be asked stands in its description, plugin by plugin.

use serde::{Deserialize, de::IgnoredAny};
use std::collections::{BTreeMap, BTreeSet};

/// The versions of the interface that the readers are written for: `v0.0.38` of 22.05 to `v0.0.45` of 26.05. Of several the
/// newest is asked. Where all are newer, the oldest of them.
const KNOWN: std::ops::RangeInclusive<u16> = 38..=45;

/// From this version on a run's exit code is told as it was: v0.0.38 says 0 of a job that ended with 3 (seen on 22.05.8).
const TELLS_EXIT_CODES: u16 = 40;

/// What can be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// The version of questions to the controller.
    pub(super) controller: Option<u16>,
    /// The version of questions to accounting, and by what its rows can be chosen.
    pub(super) accounting: Option<(u16, BTreeSet<String>)>,
    /// By which names a job is described; none where jobs cannot be submitted.
    pub(super) job_fields: BTreeSet<String>,
}

impl Offer {
    /// Reads the description (`/openapi/v3`).
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(text).map_err(|error| format!("its description: {error}"))?;
        let paths: BTreeMap<&str, &PathItem> =
            document.paths.iter().map(|(path, item)| (path.trim_end_matches('/'), item)).collect();
        let controller = newest(&paths, "/slurm/v0.0.", "/jobs");
        let accounting = newest(&paths, "/slurmdb/v0.0.", "/jobs").map(|version| {
            let asked = paths.get(format!("/slurmdb/v0.0.{version}/jobs").as_str()).and_then(|item| item.get.as_ref());
            let names = asked.into_iter().flat_map(|asked| &asked.parameters).filter_map(|found| found.name.clone());
            (version, names.collect())
        });
        let takes_jobs = |version: &u16| {
            paths.get(format!("/slurm/v0.0.{version}/job/submit").as_str()).is_some_and(|item| item.post.is_some())
        };
        let schemas = controller.filter(takes_jobs).map(|version| {
            ["job_properties", "job_desc_msg"]
                .map(|name| document.components.schemas.get(&format!("v0.0.{version}_{name}")))
        });
        let schema = schemas.into_iter().flatten().flatten().next();
        let job_fields = schema.into_iter().flat_map(|schema| schema.properties.keys().cloned()).collect();
        Ok(Self { controller, accounting, job_fields })
    }

    /// How rows of accounting are chosen, where they can be: which version is asked, and whether these filters are known.
    pub(super) fn accounting_by(&self, filters: &[&str]) -> Option<u16> {
        let (version, known) = self.accounting.as_ref()?;
        filters.iter().all(|filter| known.contains(*filter)).then_some(*version)
    }

    /// Whether accounting tells how a run ended, so that its rows may go into the books.
    pub(super) fn tells_exit_codes(&self) -> bool {
        self.accounting.as_ref().is_some_and(|(version, _)| *version >= TELLS_EXIT_CODES)
    }
}

fn newest(paths: &BTreeMap<&str, &PathItem>, prefix: &str, suffix: &str) -> Option<u16> {
    let version = |path: &&str| path.strip_prefix(prefix)?.strip_suffix(suffix)?.parse::<u16>().ok();
    let offered: BTreeSet<u16> = paths
        .iter()
        .filter(|(_, item)| item.get.is_some())
        .filter_map(|(path, _)| version(path))
        .filter(|version| version >= KNOWN.start())
        .collect();
    offered.range(KNOWN).next_back().or_else(|| offered.first()).copied()
}

#[derive(Debug, Deserialize)]
struct Document {
    paths: BTreeMap<String, PathItem>,
    #[serde(default)]
    components: Components,
}

#[derive(Debug, Deserialize)]
struct PathItem {
    get: Option<Operation>,
    post: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Operation {
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Debug, Deserialize)]
struct Parameter {
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Components {
    #[serde(default)]
    schemas: BTreeMap<String, Schema>,
}

#[derive(Debug, Default, Deserialize)]
struct Schema {
    #[serde(default)]
    #[expect(clippy::zero_sized_map_values, reason = "of a JSON object the names alone are kept")]
    properties: BTreeMap<String, IgnoredAny>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// A description of these versions.
    fn described(versions: &[u16], filters: &[&str]) -> Value {
        let filters: Vec<Value> = filters.iter().map(|name| json!({"name": name, "in": "query"})).collect();
        let mut paths = serde_json::Map::new();
        let mut schemas = serde_json::Map::new();
        for version in versions {
            paths.insert(format!("/slurm/v0.0.{version}/jobs/"), json!({"get": {"parameters": []}}));
            paths.insert(format!("/slurm/v0.0.{version}/job/submit"), json!({"post": {"requestBody": {}}}));
            paths.insert(format!("/slurmdb/v0.0.{version}/jobs/"), json!({"get": {"parameters": filters}, "post": {}}));
            schemas
                .insert(format!("v0.0.{version}_job_desc_msg"), json!({"properties": {format!("name{version}"): {}}}));
        }
        json!({"paths": paths, "components": {"schemas": schemas}})
    }

    fn read(document: &Value) -> Offer {
        Offer::read(document.to_string().as_bytes()).expect("a description")
    }

    #[test]
    fn of_several_versions_the_newest_that_is_known_is_asked() {
        for (versions, chosen) in [
            (vec![36, 37, 38], Some(38)),
            (vec![41, 42, 43, 44], Some(44)),
            (vec![44, 45, 46], Some(45)),
            (vec![46, 47], Some(46)),
            (vec![36, 37], None),
            (vec![], None),
        ] {
            let offer = read(&described(&versions, &["users", "step"]));
            assert_eq!((offer.controller, offer.accounting_by(&["users"])), (chosen, chosen), "{versions:?}");
            assert_eq!(offer.accounting_by(&["users", "show_duplicates"]), None);
            assert_eq!(offer.tells_exit_codes(), chosen.is_some_and(|version| version >= 40), "{versions:?}");
            assert_eq!(offer.job_fields, chosen.map(|version| format!("name{version}")).into_iter().collect());
        }
    }

    #[test]
    fn a_server_may_offer_a_part() {
        let controller =
            json!({"paths": {"/slurm/v0.0.40/jobs/": {"get": {}}, "/slurmdb/v0.0.40/jobs/": {"post": {}}}});
        let offer = read(&controller);
        assert_eq!(offer, Offer { controller: Some(40), ..Offer::default() });
        for text in ["", "{}", "[]", "{\"paths\": []}", "Unable find requested URL."] {
            assert!(Offer::read(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_description_is_answered_without_panic(path in "/(slurm|slurmdb)/v0.0.[0-9]{0,6}/(jobs|job/submit)?/?") {
            let described = json!({"paths": {path: {"get": {"parameters": [{"$ref": "x"}]}, "post": {}}}});
            drop(Offer::read(described.to_string().as_bytes()));
        }
    }
}
