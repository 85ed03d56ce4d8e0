//! `scheduler.extra`: what passes and what is refused.

use crate::support::{catalogue, job_for, site};
use model::GpuRequest;
use proptest::prelude::*;
use sites::place;

fn refused_at(words: &[&str]) -> Vec<String> {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    let mut spec = job_for(jupiter, Some(1), GpuRequest::PerNode(4));
    spec.scheduler.extra = words.iter().map(|word| (*word).to_owned()).collect();
    match place(jupiter, &spec, None) {
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
    ] {
        assert_eq!(refused_at(words), [""; 0], "{words:?}");
    }
}

#[test]
fn what_pakt_gives_itself_is_refused() {
    for words in [
        &["--job-name=x"][..],
        &["--comment", "x"],
        &["--output=x"],
        &["-e", "x"],
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
        &["--export=ALL"],
        &["--exclusive"],
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
