//! `sites.md`: the built-in sites and their partitions, from the profiles as `pakt sites show` prints them.

use crate::{
    page::{compare, table},
    program::{Place, cell},
};
use model::ChargeRule;
use sites::{Catalogue, Confidence, Partition, Sharing, Site, Sourced, TariffProfile};

const HEAD: &str = "\
One row a partition. A mark behind a value says how sure it is: none where the site's own pages or tools say so, `*` where \
a user's script or note does, `?` where it is a guess. Guesses warn and never stop a job. `pakt sites show SITE` prints \
the whole profile, with source and date of each value; `pakt sites doctor` compares it with the cluster.

*Unit* is what GPU time is counted in. *Charge* is the site's own formula, per hour of what is allocated, with its unit. \
A budget may be kept in either of them, or in `SITE:node`.
";

#[test]
fn the_page_of_the_sites_is_what_the_profiles_say() {
    let place = Place::new();
    let listed = place.json(&["--json", "sites"]);
    let mut names: Vec<String> =
        listed["sites"].as_array().expect("sites").iter().map(|row| cell(row, "site")).collect();
    names.sort_unstable();
    let rows = names.iter().flat_map(|name| {
        let shown = place.json(&["--json", "sites", "show", name]);
        let catalogue = Catalogue::builtin().expect("the profiles");
        let catalogue = catalogue.with_override("profile.yaml", &cell(&shown, "text")).expect("a profile");
        let site = catalogue.get(&name.parse().expect("a name")).expect("the site").clone();
        site.partitions.iter().map(|partition| row(&site, partition)).collect::<Vec<_>>()
    });
    let head = ["site", "partition", "GPUs a node", "GPU", "unit", "nodes are", "longest time", "charge"];
    compare("sites.md", "Sites", &format!("{HEAD}\n{}", table(&head, rows)));
}

fn row(site: &Site, partition: &Partition) -> Vec<String> {
    let name = site.name();
    let of_gpus = |text: &dyn Fn(&sites::Gpus) -> String| {
        partition
            .gpus
            .as_ref()
            .filter(|gpus| gpus.value.per_node > 0)
            .map_or_else(dash, |gpus| marked(gpus, text(&gpus.value)))
    };
    let wall = partition.limits.wall.as_ref();
    vec![
        name.to_string(),
        partition.name.clone(),
        of_gpus(&|gpus| gpus.per_node.to_string()),
        of_gpus(&|gpus| gpus.model.clone()),
        of_gpus(&|gpus| format!("`{name}:{}`", gpus.class.as_str())),
        marked(&partition.sharing, sharing(partition.sharing.value)),
        wall.map_or_else(dash, |limit| marked(&limit.most, limit.most.value.0.to_string())),
        charges(site, partition),
    ]
}

fn dash() -> String {
    "-".to_owned()
}

/// The text with the mark of how sure its value is.
fn marked<T>(value: &Sourced<T>, text: impl Into<String>) -> String {
    let mark = match value.confidence() {
        Confidence::Documented => "",
        Confidence::UserReport => " *",
        Confidence::Guess => " ?",
    };
    format!("{}{mark}", text.into())
}

const fn sharing(sharing: Sharing) -> &'static str {
    match sharing {
        Sharing::Exclusive => "exclusive",
        Sharing::Shared => "shared",
        Sharing::SharedBelowFullNode => "shared below a full node",
        Sharing::SharedUnlessAsked => "shared unless asked for whole",
    }
}

fn charges(site: &Site, partition: &Partition) -> String {
    let usual = marked(&partition.tariff, tariff(site, &partition.tariff.value));
    match &partition.tariff_without_gpus {
        Some(other) => format!("{usual}; without GPUs {}", marked(other, tariff(site, &other.value))),
        None => usual,
    }
}

fn tariff(site: &Site, tariff: &TariffProfile) -> String {
    let least = match tariff.minimum_seconds {
        0 => String::new(),
        seconds => format!(", at least {seconds} s"),
    };
    let unit = format!("`{}:{}`", site.name(), tariff.class.as_str());
    format!("{}{least} ({unit})", rule(&tariff.charge, tariff.class.hour_word()))
}

fn rule(charge: &ChargeRule, word: &str) -> String {
    let each = |weight: u64, what: &str| format!("{} {word} a {what}", thousandths(weight));
    match charge {
        ChargeRule::Nodes(weight) => each(*weight, "node"),
        ChargeRule::Gpus(weight) => each(*weight, "GPU"),
        ChargeRule::Cpus(weight) => each(*weight, "CPU"),
        ChargeRule::MemoryGib(weight) => each(*weight, "GiB"),
        ChargeRule::Largest(rules) => {
            let rules: Vec<String> = rules.iter().map(|one| rule(one, word)).collect();
            format!("the largest of {}", rules.join(", "))
        }
    }
}

/// A weight in milli-resources as a number: `288`, `0.5`.
fn thousandths(weight: u64) -> String {
    let text = format!("{}.{:03}", weight / 1000, weight % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
