//! The catalogue: overrides are whole or not at all, and their mistakes have a place.

use crate::support::{catalogue, site};
use proptest::prelude::*;
use sites::Confidence;
use std::fmt::Write;

const LOCAL: &str = include_str!("../../profiles/local.yaml");

#[test]
fn an_override_adds_a_site_or_replaces_one() {
    let catalogue = catalogue();
    let text = LOCAL.replace("site: local", "site: lab").replace("title: this machine", "title: Lab");
    let more = catalogue.with_override("lab.yaml", &text).expect("well formed");
    assert_eq!(more.iter().count(), catalogue.iter().count() + 1);
    let entry = more.entry(&"lab".parse().expect("a name")).expect("added");
    assert_eq!((entry.file.as_str(), entry.is_embedded, entry.text.as_str()), ("lab.yaml", false, text.as_str()));
    let replaced = catalogue.with_override("x.yaml", &LOCAL.replace("title: this machine", "title: mine"));
    let replaced = replaced.expect("well formed");
    assert_eq!(site(&replaced, "local").title, "mine");
    assert_eq!(site(catalogue, "local").title, "this machine");
    assert_eq!(replaced.iter().count(), catalogue.iter().count());
}

#[test]
fn a_cluster_belongs_to_the_sites_that_know_it() {
    let elsewhere = |catalogue: &sites::Catalogue, here: &str| {
        let found = catalogue.clusters_elsewhere(&here.parse().expect("a name"));
        let of = |cluster: &str| {
            let sites = found.get(&cluster.parse().expect("a name")).into_iter().flatten();
            sites.map(ToString::to_string).collect::<Vec<_>>().join("+")
        };
        ["jupiter", "horeka", "local", "jp23"].map(of).join(" ")
    };
    // No profile names the cluster of JUPITER: one that is called as the site counts.
    assert_eq!(elsewhere(catalogue(), "jupiter"), " horeka local ");
    assert_eq!(elsewhere(catalogue(), "local"), "jupiter horeka  ");
    let named = |site: &str, clusters: &str| {
        LOCAL.replace("site: local", &format!("site: {site}")).replace("[local]", &format!("[{clusters}]"))
    };
    let more = catalogue().with_override("lab.yaml", &named("lab", "local, jp23")).expect("well formed");
    assert_eq!(elsewhere(&more, "jupiter"), " horeka lab+local lab");
    assert_eq!(elsewhere(&more, "lab"), "jupiter horeka  ");
    let renamed = catalogue().with_override("jupiter.yaml", &named("jupiter", "jp23")).expect("well formed");
    assert_eq!(elsewhere(&renamed, "local"), " horeka  jupiter");
}

#[test]
fn a_users_profile_need_not_name_a_zone() {
    let text = LOCAL.replace("accounting_zone: machine\n", "");
    let own = catalogue().with_override("x.yaml", &text).expect("well formed");
    let machine: model::Zone = "Asia/Tokyo".parse().expect("a zone");
    assert_eq!(site(&own, "local").accounting_zone, None);
    assert_eq!(site(&own, "local").accounting_zone_on(&machine), machine);
}

#[test]
fn mistakes_have_a_file_a_line_a_column_and_a_field() {
    let catalogue = catalogue();
    for (from, to, field, line_of, says) in [
        ("per_node: 1,", "per_nod: 1,", "partitions[0].cpus", "per_nod:", "per_nod"),
        ("sharing: shared", "sharing: sometimes", "partitions[0].sharing", "sharing: sometimes", "sometimes"),
        (
            "accounting_zone: machine",
            "accounting_zone: Europe/Hither",
            "accounting_zone",
            "accounting_zone: Europe/Hither",
            "`Europe/Hither` is not a time zone",
        ),
        ("as_of: 2026-11,", "as_of: yesterday,", "defaults", "as_of: yesterday", "not a date"),
        ("{ source: pakt,", "{ source: nobody,", "defaults.source", "site: local", "`nobody` is not listed"),
        (
            "internet: true",
            "internet: { value: true, source: gossip }",
            "partitions[0].internet",
            "source: gossip",
            "`gossip` is not listed",
        ),
        (
            "internet: true",
            "internet: { value: true, sits_in: qos }",
            "partitions[0].internet",
            "sits_in",
            "limits only",
        ),
        ("internet: true", "internet: { source: pakt }", "partitions[0].internet", "internet: { source", "value"),
        (
            "per_node: 1, per_gpu: 1",
            "per_node: 0, per_gpu: 0",
            "partitions[0].cpus",
            "per_node: 0, per_gpu",
            "at least one CPU",
        ),
        ("charge: { gpus: 1000 }", "charge: { gpus: 0 }", "partitions[0].tariff", "gpus: 0", "charges nothing"),
        ("site: local", "site: Local", "site", "site: Local", "site name"),
        ("partitions:", "partitions: []\nrest:", "", "rest:", "rest"),
    ] {
        let text = LOCAL.replacen(from, to, 1);
        assert_ne!(text, LOCAL, "{from}");
        let error = catalogue.with_override("mine.yaml", &text).expect_err(to);
        assert_eq!(error.file, "mine.yaml");
        assert!(error.what.contains(says), "{to}: {error}");
        let line = text.lines().position(|line| line.contains(line_of)).expect("a line") as u64 + 1;
        assert!(error.line == line || field == "defaults.source", "{to}: {error}, expected line {line}");
        assert!(field.is_empty() || error.field == field, "{to}: {error}, expected field {field}");
        assert!(error.column > 0 && !error.next.is_empty(), "{to}: {error}");
    }
    assert_eq!(site(catalogue, "local").title, "this machine", "nothing of them was applied");
}

#[test]
fn a_value_takes_the_defaults_unless_it_says_otherwise() {
    let catalogue = catalogue();
    let booster = &site(catalogue, "jupiter").partitions[0];
    assert_eq!(booster.sharing.citation(), "JSC, JUPITER batch system page, 2026-09-02");
    assert_eq!(booster.rendezvous.confidence(), Confidence::UserReport);
    assert_eq!(booster.rendezvous.citation(), "OpenEuroLLM/titan-oellm, slurm/jupiter.sh, 2026-07, a user's report");
}

#[test]
fn near_names_are_offered_and_far_ones_are_not() {
    let catalogue = catalogue();
    for (text, expected) in [
        ("jupyter", Some("jupiter")),
        ("Jupiter", Some("jupiter")),
        ("horek", Some("horeka")),
        ("viper", Some("viper-gpu")),
        // The cluster JUWELS is another site: its name is a hint, and never taken for this one.
        ("juwels", Some("juwels-booster")),
        ("frontier", None),
        ("", None),
    ] {
        assert_eq!(catalogue.nearest(text).map(ToString::to_string).as_deref(), expected, "{text}");
    }
    assert_eq!(catalogue.by_alias("JURECA").map(|site| site.title.as_str()), Some("JURECA-DC"));
    assert!(catalogue.by_alias("nowhere").is_none() && catalogue.by_alias("juwels").is_none());
}

#[test]
fn an_alias_bomb_and_a_long_file_are_refused() {
    let catalogue = catalogue();
    let mut text = String::from("site: x\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").expect("writes to text");
    }
    assert!(catalogue.with_override("bomb.yaml", &text).is_err());
    let error = catalogue.with_override("long.yaml", &"# x\n".repeat(100_000)).expect_err("too long");
    assert!(error.what.contains("longer than"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_answered_without_panic(text in "(.|\n){0,200}") {
        prop_assert!(catalogue().with_override("any.yaml", &text).is_err());
    }

    #[test]
    fn a_damaged_profile_is_answered_without_panic(at in 0usize..4000, cut in 0usize..40, put in "[ -~\n]{0,12}") {
        let text: Vec<char> = include_str!("../../profiles/raven.yaml").chars().collect();
        let (start, end) = (at.min(text.len()), (at + cut).min(text.len()));
        let damaged: String = text[..start].iter().copied().chain(put.chars()).chain(text[end..].iter().copied()).collect();
        if let Err(error) = catalogue().with_override("damaged.yaml", &damaged) {
            prop_assert!(error.line >= 1 && error.column >= 1);
        }
    }
}
