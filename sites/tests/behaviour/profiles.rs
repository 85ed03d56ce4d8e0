//! The embedded profiles: they parse, they say where their values come from, and the facts that matter most are right.

use crate::support::{catalogue, site};
use model::Architecture;
use sites::{Catalogue, Confidence, CpuKind, FigureFormat, LimitPlace};

#[test]
fn every_embedded_profile_parses_and_names_its_sources() {
    let catalogue = Catalogue::builtin().unwrap_or_else(|error| panic!("{error}\n{error:#?}"));
    let names: Vec<&str> = catalogue.iter().map(|site| site.name().as_str()).collect();
    let expected = [
        "dais",
        "grete",
        "haicore",
        "horeka",
        "jupiter",
        "jureca-dc",
        "juwels-booster",
        "levante",
        "local",
        "raven",
        "supermuc-ng-2",
        "viper-gpu",
    ];
    assert_eq!(names, expected);
    for site in catalogue.iter() {
        let provenances = site.provenances();
        assert!(provenances.len() > 10, "{}", site.title);
        for source in site.sources.values() {
            let is_used = provenances.iter().any(|(_, provenance)| provenance.source == *source);
            assert!(is_used, "{}: nothing cites {source}", site.title);
        }
        for (path, provenance) in provenances {
            assert!(!provenance.source.is_empty(), "{}: {path}", site.title);
        }
    }
}

#[test]
fn wrong_leads_about_jupiter_stay_out() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    let names: Vec<&str> = jupiter.partitions.iter().map(|partition| partition.name.as_str()).collect();
    assert_eq!(names, ["booster"], "`all`, `gpu` and `develbooster` are leftovers of other machines");
    let booster = &jupiter.partitions[0];
    assert_eq!((booster.cpus.value.per_node, booster.cpus.value.counts), (288, CpuKind::Core));
    assert_eq!(booster.architecture.value, Architecture::Aarch64);
    let wall = booster.limits.wall.as_ref().expect("a limit");
    assert_eq!((String::from(wall.most.value).as_str(), wall.sits_in), ("12:00:00", Some(LimitPlace::Qos)));
    assert!(!booster.internet.value);
}

#[test]
fn what_the_login_node_of_jupiter_hands_on_is_put_right_first() {
    let catalogue = catalogue();
    let booster = &site(catalogue, "jupiter").partitions[0];
    let settings: Vec<(&str, &str, Option<&str>)> = booster
        .environment
        .iter()
        .map(|setting| &setting.value)
        .map(|setting| (setting.name.as_str(), setting.value.as_str(), setting.when_set.as_deref()))
        .collect();
    let expected = [
        ("PROJECT", "$EXAPROJECT", Some("EXAPROJECT")),
        ("SCRATCH", "$EXASCRATCH", Some("EXASCRATCH")),
        ("FSCRATCH", "$EXAFSCRATCH", Some("EXAFSCRATCH")),
        ("DATA", "$EXADATA", Some("EXADATA")),
    ];
    assert_eq!(&settings[..4], expected, "before anything that could use them");
    assert!(booster.environment[..4].iter().all(|setting| setting.confidence() == Confidence::UserReport));
    assert_eq!(site(catalogue, "jupiter").cache_area.as_ref().expect("an area").value, "$EXASCRATCH");
}

#[test]
fn what_a_cpu_is_differs_between_sites() {
    let catalogue = catalogue();
    // The lab's raven has as many CPUs as jobs there ask for: 72 cores, not 144 threads.
    for (name, per_node, per_gpu, counts) in [
        ("raven", 72, 18, CpuKind::Core),
        ("viper-gpu", 48, 24, CpuKind::Core),
        ("horeka", 152, 38, CpuKind::Thread),
        ("jupiter", 288, 72, CpuKind::Core),
    ] {
        let cpus = &site(catalogue, name).partitions[0].cpus.value;
        assert_eq!((cpus.per_node, cpus.per_gpu, cpus.counts), (per_node, Some(per_gpu), counts), "{name}");
    }
}

#[test]
fn sites_are_asked_what_was_used_by_commands_that_they_have() {
    let catalogue = catalogue();
    for (name, command) in [
        ("jupiter", "jutil project cpuquota -p {project} -o json"),
        // Its `-p` takes no project: KIT, HoreKa user documentation, "Project accounting", September 2024.
        ("horeka", "kit_project_usage"),
    ] {
        let usage = site(catalogue, name).usage.as_ref().expect(name);
        assert_eq!(usage.value.command, command, "{name}");
        let program = command.split_whitespace().next();
        assert!(FigureFormat::ALL.iter().any(|format| format.program() == program), "{name}: it is read");
    }
}

#[test]
fn accounts_are_kept_in_the_time_of_the_site() {
    let catalogue = catalogue();
    let machine: model::Zone = "Asia/Tokyo".parse().expect("a zone");
    for site in catalogue.iter() {
        let zone = site.accounting_zone_on(&machine);
        let expected = if site.name().as_str() == "local" { "Asia/Tokyo" } else { "Europe/Berlin" };
        assert_eq!(zone.name(), Some(expected), "{}", site.title);
        // No page of a centre was found that names the zone: it is inferred from where the machine stands.
        let is_guess = site.accounting_zone.as_ref().is_some_and(sites::Sourced::is_guess);
        assert_eq!(is_guess, site.name().as_str() != "local", "{}", site.title);
    }
}

#[test]
fn only_what_the_centre_says_is_documented() {
    let catalogue = catalogue();
    for site in catalogue.iter() {
        for (path, provenance) in site.provenances() {
            let is_inferred = provenance.source.starts_with("inferred");
            assert!(!is_inferred || provenance.confidence == Confidence::Guess, "{}: {path}", site.title);
        }
    }
}
