//! Which site a machine is, by names that real machines have.

use crate::support::catalogue;
use sites::{Catalogue, Detection, Surroundings, detect};
use std::collections::BTreeMap;

fn found(catalogue: &Catalogue, variables: &[(&str, &str)], host_name: &str) -> String {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: BTreeMap<String, String> = variables.iter().map(own).collect();
    match detect(catalogue, &Surroundings { variables: &variables, host_name }) {
        Detection::Found(site) => site.to_string(),
        Detection::Ambiguous(sites) => sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
        Detection::None => "none".to_owned(),
    }
}

#[test]
fn machines_by_their_own_names() {
    let catalogue = catalogue();
    for (host, expected) in [
        ("jpbo-001-03", "jupiter"),
        ("jpbo-001-03.jupiter.internal", "jupiter"),
        ("jpbl-s01-02", "jupiter"),
        ("JPBL-S01-02", "jupiter"),
        ("jwb0123", "juwels-booster"),
        ("jwb0123.juwels", "juwels-booster"),
        // A widely used table takes these for JUPITER.
        ("jrc0123", "jureca-dc"),
        ("jrc0437.jureca", "jureca-dc"),
        ("hkn0405.localdomain", "horeka"),
        ("hkn1990", "horeka"),
        ("haicn1701.localdomain", "haicore"),
        ("raven01", "raven"),
        ("raven02i", "raven"),
        ("viper11", "viper-gpu"),
        ("dais11.mpcdf.mpg.de", "dais"),
        ("levante4", "levante"),
        ("glogin9", "grete"),
        ("jpt0001", "none"),
        ("ravenous", "none"),
        ("workstation", "none"),
        ("", "none"),
    ] {
        assert_eq!(found(catalogue, &[], host), expected, "{host}");
    }
}

#[test]
fn stable_variables_come_before_names() {
    let catalogue = catalogue();
    for (variables, host, expected) in [
        (&[("SYSTEMNAME", "jupiter")][..], "jrc0123", "jupiter"),
        (&[("SYSTEMNAME", "jurecadc")], "jpbl-s01-02", "jureca-dc"),
        (&[("SYSTEMNAME", "juwelsbooster")], "jwlogin21", "juwels-booster"),
        (&[("SYSTEMNAME", "juwels")], "jwlogin01", "none"),
        (&[("SYSTEMNAME", "unheard")], "jrc0123", "jureca-dc"),
    ] {
        assert_eq!(found(catalogue, variables, host), expected, "{variables:?} {host}");
    }
}

#[test]
fn inside_a_job_the_clusters_name_comes_before_the_hosts() {
    let horeka = include_str!("../../profiles/horeka.yaml");
    let named = horeka.replacen("\ndetection:", "\nclusters: [hk2]\ndetection:", 1);
    let catalogue = catalogue().with_override("horeka.yaml", &named).expect("well formed");
    for (cluster, host, expected) in
        [("hk2", "jrc0123", "horeka"), ("hk2", "hkn0405", "horeka"), ("elsewhere", "jrc0123", "jureca-dc")]
    {
        assert_eq!(found(&catalogue, &[("SLURM_CLUSTER_NAME", cluster)], host), expected, "{cluster} {host}");
    }
    assert_eq!(found(&catalogue, &[("SLURM_CLUSTER_NAME", "hk2"), ("SYSTEMNAME", "jupiter")], "x"), "jupiter");
}

#[test]
fn two_answers_are_a_question() {
    let jupiter = include_str!("../../profiles/jupiter.yaml");
    let twin = jupiter.replacen("site: jupiter", "site: jupiter-test", 1);
    let catalogue = catalogue().with_override("twin.yaml", &twin).expect("well formed");
    assert_eq!(found(&catalogue, &[("SYSTEMNAME", "jupiter")], "x"), "jupiter or jupiter-test");
}
