//! Tariffs of runs that others submitted: by partition, else by the GPUs they were given.

use crate::support::{AT, catalogue, site};
use model::{Amount, Tres, WallTime, price};
use sites::tariff_for;

#[test]
fn foreign_runs_find_their_tariff() {
    let catalogue = catalogue();
    for (name, partition, tres, expected) in [
        ("jupiter", Some("booster"), "cpu=288,gres/gpu=4,gres/gpu:gh200=4,node=1", "jupiter/booster/2026-09-02"),
        ("jupiter", Some("largebooster"), "cpu=288,gres/gpu=4,node=1", "none"),
        ("jupiter", None, "cpu=288,gres/gpu=4,node=1", "none"),
        ("horeka", Some("accelerated-h100"), "cpu=32,gres/gpu=1,node=1", "horeka/accelerated-h100/2024-09"),
        ("horeka", Some("cpuonly"), "cpu=152,node=1", "horeka/cpuonly/2024-09"),
        ("raven", Some("gpu"), "cpu=18,gres/gpu=1,gres/gpu:a100=1,node=1", "raven/gpu/2026-01"),
        ("raven", Some("gpu1"), "cpu=18,gres/gpu=1,node=1", "raven/gpu/2026-01"),
        ("raven", Some("gpudev"), "cpu=18,gres/gpu=1,node=1", "raven/gpudev/2026-01"),
        ("raven", Some("general"), "cpu=72,node=1", "raven/cpu/2026-01"),
        ("raven", Some("other"), "cpu=72,node=1", "none"),
        ("dais", Some("batch"), "cpu=12,gres/gpu=1,gres/gpu:h200=1,node=1", "dais/gpu/2026-04"),
        ("grete", Some("grete:shared"), "cpu=16,gres/gpu=1,gres/gpu:A100=1,node=1", "grete/grete-shared/2026"),
        ("grete", Some("scc-gpu"), "cpu=16,gres/gpu=1,gres/gpu:A100=1,node=1", "grete/scc-gpu/2026"),
        ("grete", Some("elsewhere"), "cpu=16,gres/gpu=1,gres/gpu:A100=1,node=1", "none"),
        ("local", Some("local"), "cpu=2,gres/gpu=0,node=1", "local/local-without-gpus/2026-11"),
        ("local", Some("local"), "cpu=2,gres/gpu=1,node=1", "local/local/2026-11"),
        ("local", Some("local"), "cpu=2,node=1", "local/local-without-gpus/2026-11"),
    ] {
        let site = site(catalogue, name);
        let partition = partition.map(|partition| partition.parse().expect("a partition"));
        let tariff = tariff_for(site, partition.as_ref(), &Tres::read(tres).expect("a list"), AT);
        let id = tariff.map_or("none".to_owned(), |tariff| tariff.id.name().to_owned());
        assert_eq!(id, expected, "{name} {partition:?} {tres}");
    }
}

#[test]
fn an_hour_costs_what_the_site_says() {
    let catalogue = catalogue();
    for (name, partition, tres, expected) in [
        ("jupiter", "booster", "cpu=288,gres/gpu=4,node=1", "288.000 core-h"),
        ("jupiter", "booster", "cpu=288,node=1", "288.000 core-h"),
        ("jureca-dc", "dc-gpu", "cpu=256,gres/gpu=4,node=1", "128.000 core-h"),
        ("horeka", "accelerated", "cpu=76,gres/gpu=2,node=1", "2.000 GPU-h"),
        ("horeka", "cpuonly", "cpu=152,node=1", "76.000 CPU-h"),
        ("grete", "grete", "cpu=128,gres/gpu=4,node=1", "600.000 NHR core-h"),
        ("grete", "grete", "cpu=128,gres/gpu=8,node=1", "1200.000 NHR core-h"),
        ("grete", "grete:interactive", "cpu=8,gres/gpu=1,node=1", "47.000 NHR core-h"),
        ("grete", "grete:shared", "cpu=32,gres/gpu=1,node=1", "150.000 NHR core-h"),
        ("levante", "gpu", "cpu=128,gres/gpu=4,node=1", "1.000 node-h"),
        ("local", "local", "cpu=2,gres/gpu=0,node=1", "2.000 core-h"),
    ] {
        let allocated = Tres::read(tres).expect("a list");
        let partition = partition.parse().expect("a partition");
        let tariff = tariff_for(site(catalogue, name), Some(&partition), &allocated, AT).expect("a tariff");
        let price = price(&allocated, WallTime::from_seconds(3600), &tariff).expect("fits");
        let charge = price.site.expect("a charge");
        assert_eq!(charge.amount.in_hours_of(&charge.unit), expected, "{name} {tres}");
    }
}

#[test]
fn a_charge_is_gpu_time_only_where_every_partition_says_so() {
    let catalogue = catalogue();
    let milli = Amount::from_milli;
    for (name, from, to, charged, expected) in [
        // 1,008,000 core hours are 14,000 GPU hours: U-LM/jupiter-deep-dive, allocation-accounting.md.
        ("jupiter", "jupiter:core", "jupiter:gh200", 1_008_000 * 3_600_000, Some(14_000 * 3_600_000)),
        ("jupiter", "jupiter:core", "jupiter:gh200", 71, None),
        ("jupiter", "jupiter:core", "jupiter:h100", 72, None),
        ("jupiter", "jupiter:gh200", "jupiter:core", 72, None),
        ("juwels-booster", "juwels-booster:core", "juwels-booster:a100", 24, Some(2)),
        // Partitions with other GPUs, and with none, charge in the same unit.
        ("jureca-dc", "jureca-dc:core", "jureca-dc:a100", 32, None),
        ("horeka", "horeka:gpu", "horeka:h100", 1, None),
        ("horeka", "horeka:cpu", "horeka:h100", 19, None),
    ] {
        let unit = |text: &str| text.parse().expect("a unit");
        let factor = site(catalogue, name).factor(&unit(from), &unit(to), AT);
        let converted = factor.and_then(|factor| factor.of(milli(charged)));
        assert_eq!(converted, expected.map(milli), "{charged} of {from} in {to}");
    }
    let jupiter = site(catalogue, "jupiter").factor(
        &"jupiter:core".parse().expect("a unit"),
        &"jupiter:gh200".parse().expect("a unit"),
        AT,
    );
    assert_eq!(jupiter.expect("a factor").tariff.name(), "jupiter/booster/2026-09-02");
}

#[test]
fn a_run_is_priced_by_the_tariff_that_held_when_it_started() {
    let local = include_str!("../../profiles/local.yaml");
    let now = "    tariff: { charge: { gpus: 1000 }, class: gpu }\n";
    let earlier = "    earlier_tariffs:
      - { before: 2026-04-01T00:00:00+02:00, tariff: { charge: { gpus: 3000 }, class: gpu } }
      - before: 2025-01-01T00:00:00+01:00
        tariff: { value: { charge: { gpus: 5000 }, class: gpu }, as_of: 2024-11 }
        tariff_without_gpus: { charge: { cpus: 7000 }, class: core }
";
    assert!(local.contains(now));
    let dated = |text: &str| catalogue().with_override("x.yaml", &local.replace(now, &format!("{now}{text}")));
    let dated_site = dated(earlier).expect("well formed");
    let site = site(&dated_site, "local");
    for (at, tres, charge) in [
        ("2026-03-31T22:00:00Z", "cpu=2,gres/gpu=1,node=1", "1.000 GPU-h"),
        ("2026-03-31T21:59:59Z", "cpu=2,gres/gpu=1,node=1", "3.000 GPU-h"),
        ("2024-12-31T23:00:00Z", "cpu=2,gres/gpu=1,node=1", "3.000 GPU-h"),
        ("2024-12-31T22:59:59Z", "cpu=2,gres/gpu=1,node=1", "5.000 GPU-h"),
        ("2024-12-31T22:59:59Z", "cpu=2,node=1", "14.000 core-h"),
        // Nothing was said of runs without GPUs for the time between.
        ("2026-03-31T21:59:59Z", "cpu=2,node=1", "none"),
    ] {
        let allocated = Tres::read(tres).expect("a list");
        let partition = "local".parse().expect("a partition");
        let tariff = tariff_for(site, Some(&partition), &allocated, at.parse().expect("a time")).expect("a tariff");
        let price = price(&allocated, WallTime::from_seconds(3600), &tariff).expect("fits");
        let shown = price.site.map_or("none".to_owned(), |charge| charge.amount.in_hours_of(&charge.unit));
        assert_eq!(shown, charge, "{at} {tres}");
    }
    let names: Vec<String> = site.tariffs_ever().map(|tariff| tariff.id.name().to_owned()).collect();
    let of_2026 = ["local/local/2026-11", "local/local-without-gpus/2026-11"];
    let mut expected = vec!["local/local/2026-11", "local/local/2024-11", "local/local-without-gpus/2026-11"];
    expected.extend(of_2026);
    assert_eq!(names, expected);
    let changes = |at: &str| site.tariff_changes_until(at.parse().expect("a time"));
    assert_eq!(
        [changes("2024-01-01T00:00:00Z"), changes("2025-01-01T00:00:00Z"), changes("2027-01-01T00:00:00Z")],
        [0, 1, 2]
    );
    let error = dated(&earlier.replace("2025-01-01T00:00:00+01:00", "2026-03-31T22:00:00Z")).expect_err("twice");
    assert!(error.to_string().contains("earlier_tariffs[1].before"), "{error}");
    for nonsense in ["2026-04-01", "1.4.2026", "2026-04-01T00:00:00"] {
        dated(&earlier.replace("2026-04-01T00:00:00+02:00", nonsense)).expect_err("no instant");
    }
    dated(&earlier.replace("3000", "0")).expect_err("charges nothing");
}

#[test]
fn a_tariffs_id_has_the_digest_of_what_it_says() {
    let catalogue = catalogue();
    let booster = "booster".parse().expect("a partition");
    let allocated = Tres::read("cpu=288,gres/gpu=4,node=1").expect("a list");
    let tariff = tariff_for(site(catalogue, "jupiter"), Some(&booster), &allocated, AT).expect("a tariff");
    // `printf %s TERMS | b3sum`, the first 32 digits: what a reviewer does.
    assert_eq!(
        tariff.terms(),
        "site=jupiter gpu_class=gh200 milli_gpus_per_scheduler_gpu=1000 scheduler_gpus_per_node=4 is_exclusive=true \
         charge_class=core charge_rule=nodes:288000 minimum_seconds=0"
    );
    assert_eq!(tariff.id.digest(), Some("6285734e2251f58cddc07143b2423309"));
}
