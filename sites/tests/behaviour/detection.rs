//! Which site a machine is, by names that real machines have.

use crate::support::catalogue;
use sites::{Catalogue, Detection, Surroundings, detect};
use std::collections::BTreeMap;

fn found(catalogue: &Catalogue, variables: &[(&str, &str)], host_name: &str, cluster_name: Option<&str>) -> String {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: BTreeMap<String, String> = variables.iter().map(own).collect();
    match detect(catalogue, &Surroundings { variables: &variables, host_name, cluster_name }) {
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
        assert_eq!(found(catalogue, &[], host, None), expected, "{host}");
    }
}

#[test]
fn stable_variables_come_before_names() {
    let catalogue = catalogue();
    for (variables, host, cluster, expected) in [
        (&[("SYSTEMNAME", "jupiter")][..], "jrc0123", None, "jupiter"),
        (&[("SYSTEMNAME", "jurecadc")], "jpbl-s01-02", None, "jureca-dc"),
        (&[("SYSTEMNAME", "juwelsbooster")], "jwlogin21", None, "juwels-booster"),
        (&[("SYSTEMNAME", "juwels")], "jwlogin01", None, "none"),
        (&[("SYSTEMNAME", "unheard")], "jrc0123", None, "jureca-dc"),
        (&[], "hkn0405", Some("local"), "local"),
        (&[], "hkn0405", Some("elsewhere"), "horeka"),
    ] {
        assert_eq!(found(catalogue, variables, host, cluster), expected, "{variables:?} {host} {cluster:?}");
    }
}

#[test]
fn two_answers_are_a_question() {
    let jupiter = include_str!("../../profiles/jupiter.yaml");
    let twin = jupiter.replacen("site: jupiter", "site: jupiter-test", 1);
    let catalogue = catalogue().with_override("twin.yaml", &twin).expect("well formed");
    assert_eq!(found(&catalogue, &[("SYSTEMNAME", "jupiter")], "x", None), "jupiter or jupiter-test");
}
