//! The catalogue: the sites that this build knows, and those that a user added or put in their place.

use crate::{error::SiteError, profile::Site, read::read};
use model::{ClusterName, SiteName};
use std::{collections::BTreeMap, sync::Arc};

/// The embedded profiles by file name.
const EMBEDDED: [(&str, &str); 12] = [
    ("profiles/dais.yaml", include_str!("../profiles/dais.yaml")),
    ("profiles/grete.yaml", include_str!("../profiles/grete.yaml")),
    ("profiles/haicore.yaml", include_str!("../profiles/haicore.yaml")),
    ("profiles/horeka.yaml", include_str!("../profiles/horeka.yaml")),
    ("profiles/jupiter.yaml", include_str!("../profiles/jupiter.yaml")),
    ("profiles/jureca-dc.yaml", include_str!("../profiles/jureca-dc.yaml")),
    ("profiles/juwels-booster.yaml", include_str!("../profiles/juwels-booster.yaml")),
    ("profiles/levante.yaml", include_str!("../profiles/levante.yaml")),
    ("profiles/local.yaml", include_str!("../profiles/local.yaml")),
    ("profiles/raven.yaml", include_str!("../profiles/raven.yaml")),
    ("profiles/supermuc-ng-2.yaml", include_str!("../profiles/supermuc-ng-2.yaml")),
    ("profiles/viper-gpu.yaml", include_str!("../profiles/viper-gpu.yaml")),
];

/// A site with the file it comes from.
#[derive(Debug)]
pub struct Entry {
    /// The site.
    pub site: Site,
    /// The file as it was named.
    pub file: String,
    /// Whether it came with the program.
    pub is_embedded: bool,
    /// The text it was read from: what a user copies to change a value.
    pub text: String,
}

/// All sites, by name.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: BTreeMap<SiteName, Arc<Entry>>,
}

impl Catalogue {
    /// The sites that come with the program. An error here is a mistake in the build.
    pub fn builtin() -> Result<Self, SiteError> {
        let mut catalogue = Self { entries: BTreeMap::new() };
        for (file, text) in EMBEDDED {
            catalogue.insert(file, text, true)?;
        }
        Ok(catalogue)
    }

    /// The catalogue with the site of a user's file, which replaces one of the same name as a whole.
    ///
    /// `file` names the file in messages. After an error this catalogue is what it was.
    pub fn with_override(&self, file: &str, text: &str) -> Result<Self, SiteError> {
        let mut catalogue = self.clone();
        catalogue.insert(file, text, false)?;
        Ok(catalogue)
    }

    fn insert(&mut self, file: &str, text: &str, is_embedded: bool) -> Result<(), SiteError> {
        let site = read(file, text)?;
        let (name, file, text) = (site.site.clone(), file.to_owned(), text.to_owned());
        self.entries.insert(name, Arc::new(Entry { site, file, is_embedded, text }));
        Ok(())
    }

    /// A site by its name.
    pub fn get(&self, name: &SiteName) -> Option<&Site> {
        self.entries.get(name).map(|entry| &entry.site)
    }

    /// A site with the file it comes from.
    pub fn entry(&self, name: &SiteName) -> Option<&Entry> {
        self.entries.get(name).map(AsRef::as_ref)
    }

    /// The sites in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Site> {
        self.entries.values().map(|entry| &entry.site)
    }

    /// The clusters that profiles know to be of other sites than `here`, each with those sites. A profile knows those that
    /// it names and, where it names none, one that is called as the site is. What `here` knows is its own, whoever else
    /// knows it.
    pub fn clusters_elsewhere(&self, here: &SiteName) -> BTreeMap<ClusterName, Vec<SiteName>> {
        let mut elsewhere: BTreeMap<ClusterName, Vec<SiteName>> = BTreeMap::new();
        for site in self.iter().filter(|site| site.site != *here) {
            for cluster in known_clusters(site) {
                elsewhere.entry(cluster).or_default().push(site.site.clone());
            }
        }
        for cluster in self.get(here).map(known_clusters).unwrap_or_default() {
            elsewhere.remove(&cluster);
        }
        elsewhere
    }

    /// The site that goes by this name or alias, in any case of letters; none where two do.
    pub fn by_alias(&self, text: &str) -> Option<&Site> {
        let goes_by = |site: &&Site| {
            let mut names = site.aliases.iter().map(String::as_str).chain([site.site.as_str(), site.title.as_str()]);
            names.any(|name| name.eq_ignore_ascii_case(text))
        };
        let mut found = self.iter().filter(goes_by);
        found.next().filter(|_| found.next().is_none())
    }

    /// The site whose name or alias is nearest to what was written, if one is near enough to be meant: a few letters
    /// apart, or longer than the beginning that was written.
    pub fn nearest(&self, text: &str) -> Option<&SiteName> {
        const SHORTEST_BEGINNING: usize = 4;
        let text = text.to_lowercase();
        let mut best: Option<(usize, &SiteName)> = None;
        for site in self.iter() {
            let names = site.aliases.iter().map(String::as_str).chain([site.site.as_str()]);
            for name in names {
                let name = name.to_lowercase();
                let is_beginning = text.len() >= SHORTEST_BEGINNING && name.starts_with(&text);
                let distance = if is_beginning { 1 } else { strsim::damerau_levenshtein(&text, &name) };
                let is_near = distance <= 2.max(name.len() / 3) && distance < name.len();
                if is_near && best.is_none_or(|(least, _)| distance < least) {
                    best = Some((distance, &site.site));
                }
            }
        }
        best.map(|(_, name)| name)
    }
}

fn known_clusters(site: &Site) -> Vec<ClusterName> {
    if site.clusters.is_empty() {
        return site.site.as_str().parse().ok().into_iter().collect();
    }
    site.clusters.iter().map(|known| known.value.clone()).collect()
}
