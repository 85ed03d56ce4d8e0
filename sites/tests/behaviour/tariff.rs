//! Tariffs of runs that others submitted: by partition, else by the GPUs they were given.

use crate::support::{catalogue, site};
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
        let tariff = tariff_for(site, partition.as_ref(), &Tres::read(tres).expect("a list"));
        let id = tariff.map_or("none".to_owned(), |tariff| tariff.id.to_string());
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
        let tariff = tariff_for(site(catalogue, name), Some(&partition), &allocated).expect("a tariff");
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
        let factor = site(catalogue, name).factor(&unit(from), &unit(to));
        let converted = factor.and_then(|factor| factor.of(milli(charged)));
        assert_eq!(converted, expected.map(milli), "{charged} of {from} in {to}");
    }
    let jupiter = site(catalogue, "jupiter")
        .factor(&"jupiter:core".parse().expect("a unit"), &"jupiter:gh200".parse().expect("a unit"));
    assert_eq!(jupiter.expect("a factor").tariff.to_string(), "jupiter/booster/2026-09-02");
}
