//! Guesses: what rests on one is said, and stops nothing.

use crate::support::{AT, catalogue, directive, job, job_for, placed, site};
use model::{GpuRequest, Launch, RunLine};

/// The fields that are doubted because something is a guess.
fn guessed(placed: &sites::Placed) -> Vec<&str> {
    let is_guess = |what: &str| what.contains("is a guess");
    placed.warnings.iter().filter(|finding| is_guess(&finding.what)).map(|finding| finding.field.as_str()).collect()
}

#[test]
fn of_a_whole_node_a_guessed_number_of_cpus_is_not_sent() {
    let catalogue = catalogue();
    for (name, partition, gpus, cpus) in [
        ("jureca-dc", "dc-hwai", 4, None),
        ("jureca-dc", "dc-gpu", 4, Some("128")),
        ("grete", "grete", 4, None),
        ("grete", "grete:shared", 1, Some("32")),
        ("levante", "gpu", 4, None),
        ("levante", "gpu", 1, Some("32")),
    ] {
        let site = site(catalogue, name);
        let mut spec = job_for(site, None, GpuRequest::PerNode(gpus));
        spec.scheduler.partition = Some(partition.parse().expect("a partition"));
        let placed = placed(site, &spec);
        assert_eq!(directive(&placed, "cpus-per-task").as_deref(), cpus, "{name} {partition}");
        let says_so = guessed(&placed).contains(&"resources.cpus");
        assert_eq!(says_so, partition != "dc-gpu", "{name} {partition}");
    }
}

#[test]
fn too_many_gpus_are_judged_by_how_sure_their_number_is() {
    let catalogue = catalogue();
    let jureca = site(catalogue, "jureca-dc");
    for (gpus, expected) in [(GpuRequest::PerNode(8), (1, 8)), (GpuRequest::Total(6), (2, 3))] {
        let mut spec = job_for(jureca, None, gpus);
        spec.scheduler.partition = Some("dc-h100".parse().expect("a partition"));
        let placed = placed(jureca, &spec);
        assert_eq!((placed.placement.nodes, placed.placement.share.gpus), expected, "{gpus:?}");
        let doubt =
            placed.warnings.iter().find(|finding| finding.field.starts_with("resources.gpus")).expect("a doubt");
        assert!(doubt.what.contains("nodes of"), "{doubt:?}");
        spec.scheduler.partition = Some("dc-gpu".parse().expect("a partition"));
        assert!(sites::place(jureca, &spec, None, AT).is_err(), "{gpus:?}: four A100 a node are documented");
    }
}

#[test]
fn a_guessed_way_of_asking_for_gpus_is_said() {
    let catalogue = catalogue();
    let levante = site(catalogue, "levante");
    let one = placed(levante, &job_for(levante, None, GpuRequest::PerNode(1)));
    let doubt = one.warnings.iter().find(|finding| finding.field == "resources.gpus_per_node").expect("a doubt");
    assert_eq!(doubt.what, "how `gpu` is asked for its GPUs is a guess: `--gres=gpu:1`, `--constraint=a100_80`");
    let jupiter = site(catalogue, "jupiter");
    assert_eq!(guessed(&placed(jupiter, &job_for(jupiter, None, GpuRequest::PerNode(4)))), [""; 0]);
    let grete = site(catalogue, "grete");
    let mut spec = job(None, GpuRequest::PerNode(4));
    spec.scheduler.partition = Some("kisski-h100".parse().expect("a partition"));
    assert!(guessed(&placed(grete, &spec)).contains(&"scheduler.partition"));
}

#[test]
fn no_guess_stops_any_job() {
    let catalogue = catalogue();
    for site in catalogue.iter().filter(|site| site.name().as_str() != "local") {
        for partition in &site.partitions {
            let Some(gpus) = partition.gpus.as_ref().filter(|gpus| gpus.is_guess()) else { continue };
            let mut spec = job_for(site, None, GpuRequest::PerNode(gpus.value.per_node + 1));
            spec.scheduler.partition = Some(partition.name.parse().expect("a name"));
            spec.resources.time = "00:10:00".parse().expect("a time");
            placed(site, &spec);
        }
    }
}

#[test]
fn a_program_that_submits_jobs_is_doubted_where_nobody_knows_whether_it_can() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    let doubts = |site: &sites::Site, run: &str| {
        let mut spec = job_for(site, Some(1), GpuRequest::None);
        spec.launch = Launch::Command;
        spec.run = RunLine::Shell(run.to_owned());
        placed(site, &spec).warnings.iter().filter(|finding| finding.field == "run").count()
    };
    for (run, expected) in [
        ("train\nsbatch next.sh", 1),
        ("pakt submit next.yaml", 1),
        ("salloc -N1", 1),
        ("./sbatch.sh", 0),
        ("echo my-sbatch", 0),
        ("pakt jobs", 0),
    ] {
        assert_eq!(doubts(jupiter, run), expected, "{run}");
    }
    assert_eq!(doubts(site(catalogue, "local"), "pakt submit next.yaml"), 0, "this machine can");
}
