//! `scheduler.extra`: what passes and what is refused.

use crate::support::{AT, catalogue, directive, job_for, placed, refused, site};
use model::GpuRequest;
use proptest::prelude::*;
use sites::place;

fn refused_at(words: &[&str]) -> Vec<String> {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    let mut spec = job_for(jupiter, Some(1), GpuRequest::PerNode(4));
    spec.scheduler.extra = words.iter().map(|word| (*word).to_owned()).collect();
    match place(jupiter, &spec, None, AT) {
        Ok(placed) => {
            assert_eq!(placed.placement.extra, words, "verbatim");
            Vec::new()
        }
        Err(findings) => findings.into_iter().map(|finding| finding.field).collect(),
    }
}

#[test]
fn other_options_pass_as_they_are() {
    for words in [
        &["--switches=1@30"][..],
        &["--switches", "1"],
        &["--hold"],
        &["-H"],
        &["--requeue"],
        &["--licenses=lsdf", "--nice=100"],
        &["-w", "jpbo-001-01"],
        &["-wjpbo-001-01"],
        &["-L", "lsdf"],
        &["--wckey=x"],
        &["--time-min=00:30:00"],
        &["--wait-all-nodes=1"],
        &["--gres-flags=enforce-binding"],
        &["--deadline=now+1day"],
        &["-e", "errors.txt"],
        &["--input=/dev/null"],
        &["--ntasks-per-core=1", "--hint=nomultithread"],
        &["--oversubscribe"],
        &["--get-user-env"],
        // The nodes are the job's alone anyway, and Pakt does not say so.
        &["--exclusive"],
        &["--exclusive", "--switches=1"],
        &["--export=ALL"],
        &["--export=ALL,A=1"],
        &["--export", "NONE"],
    ] {
        assert_eq!(refused_at(words), [""; 0], "{words:?}");
    }
}

#[test]
fn an_environment_without_home_and_path_is_refused_with_the_reason() {
    for words in [&["--export=NIL"][..], &["--export=A=1,B"], &["--export", "A"], &["--export-file=env"]] {
        assert_eq!(refused_at(words), ["scheduler.extra[0]"], "{words:?}");
    }
    let catalogue = catalogue();
    let supermuc = site(catalogue, "supermuc-ng-2");
    let mut spec = job_for(supermuc, Some(1), GpuRequest::PerNode(4));
    assert_eq!(directive(&placed(supermuc, &spec), "export").as_deref(), Some("NONE"));
    spec.scheduler.extra = vec!["--export=ALL".to_owned()];
    let finding = &refused(supermuc, &spec)[0];
    assert_eq!(finding.what, "`--export` is given by Pakt itself on `general`");
}

#[test]
fn exclusive_is_refused_only_where_pakt_gives_it_and_makes_whole_nodes_elsewhere() {
    let catalogue = catalogue();
    for (name, gpus, charged) in [
        ("levante", 4, None),
        ("levante", 1, Some(4)),
        ("horeka", 1, Some(4)),
        ("horeka", 4, Some(4)),
        ("raven", 1, Some(4)),
        ("jupiter", 1, Some(4)),
    ] {
        let site = site(catalogue, name);
        let mut spec = job_for(site, None, GpuRequest::PerNode(gpus));
        spec.scheduler.extra = vec!["--exclusive".to_owned()];
        let outcome = place(site, &spec, None, AT);
        let got = outcome.ok().and_then(|placed| placed.placement.charged.gpus_total);
        assert_eq!(got, charged, "{name} {gpus}");
    }
    let horeka = site(catalogue, "horeka");
    let mut spec = job_for(horeka, None, GpuRequest::PerNode(1));
    spec.scheduler.extra = vec!["--exclusive".to_owned()];
    let placed = placed(horeka, &spec);
    assert_eq!(directive(&placed, "cpus-per-task").as_deref(), Some("152"));
    assert!(placed.warnings.iter().any(|finding| finding.what.contains("`--exclusive` asks for whole nodes")));
    spec.scheduler.extra = vec!["--exclusive=user".to_owned()];
    let shared = place(horeka, &spec, None, AT).expect("passes");
    assert_eq!(shared.placement.charged.gpus_total, Some(1));
}

#[test]
fn where_there_is_no_scheduler_options_have_nobody_to_take_them() {
    let catalogue = catalogue();
    let local = site(catalogue, "local");
    let mut spec = job_for(local, Some(1), GpuRequest::None);
    spec.scheduler.extra = vec!["--switches=1".to_owned()];
    assert_eq!(refused(local, &spec)[0].field, "scheduler.extra");
}

#[test]
fn what_pakt_gives_itself_is_refused() {
    for words in [
        &["--job-name=x"][..],
        &["--comment", "x"],
        &["--output=x"],
        &["-t10"],
        &["--time=1"],
        &["-N", "2"],
        &["-N2"],
        &["--gres=gpu:a100:1"],
        &["--gpus-per-node=1"],
        &["-G1"],
        &["-p", "x"],
        &["-Ax"],
        &["--parsable"],
        &["--wait"],
        &["-W"],
        &["--array=1-3"],
        &["-d", "afterok:1"],
        &["-HA", "x"],
        &["-HN4"],
        &["--chdir=/"],
        &["--wrap=id"],
        &["--uid=0"],
        &["--job"],
        &["--part=x"],
        &["--tim=1"],
        &["script.sh"],
        &["--hold", "script.sh"],
        &["-H", "script.sh"],
        &["--switches=1", "script.sh"],
        &["--switches", "1", "script.sh"],
        &["--"],
        &["-"],
        &["--switches=1\n#SBATCH --uid=0"],
        &[""],
    ] {
        assert!(!refused_at(words).is_empty(), "{words:?}");
    }
    assert_eq!(refused_at(&["--hold", "--comment=x", "-J", "y"]), ["scheduler.extra[1]", "scheduler.extra[2]"]);
}

proptest! {
    #[test]
    fn any_words_are_answered_without_panic(words in proptest::collection::vec("-{0,3}[a-zA-Z=#é\n -]{0,12}", 0..5)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let refused = refused_at(&words);
        // What passes is an option or the value of one: nothing can be taken for the script.
        prop_assert!(!refused.is_empty() || words.first().is_none_or(|word| word.starts_with('-')));
    }
}
