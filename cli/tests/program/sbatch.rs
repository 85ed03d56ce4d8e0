//! `pakt sbatch`: a line as sbatch takes it. An sbatch of the test's own writes down what it is given; what Slurm makes of
//! it is tested in `real_foreign`.

use crate::{desk::Desk, output::Ran};
use std::{fs, os::unix::fs::PermissionsExt};

/// A desk at a cluster whose sbatch refuses every job, having written down its words.
fn desk_with_sbatch() -> Desk {
    let desk = Desk::new();
    desk.configure("site: jupiter\nproject: atlas\n");
    let words = desk.work().join("words");
    let says = "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified";
    let sbatch = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >'{}'\necho '{says}' >&2\nexit 1\n", words.display());
    for (name, text) in
        [("sbatch", sbatch.as_str()), ("squeue", "#!/bin/sh\nexit 1\n"), ("sacct", "#!/bin/sh\nexit 1\n")]
    {
        fs::set_permissions(desk.write(name, text), fs::Permissions::from_mode(0o755)).expect("ours");
    }
    desk.write("x.sh", "#!/bin/bash\ntrue\n");
    desk
}

/// Runs `pakt sbatch` with the desk's own sbatch; the words that it was given, those of Pakt left out, and `script` for what
/// Pakt sends in the script's place.
fn run(desk: &Desk, words: &[&str]) -> (Ran, Vec<String>) {
    let _before = fs::remove_file(desk.work().join("words"));
    let mut command = desk.command(words);
    command.env("PATH", format!("{}:/usr/bin:/bin", desk.work().display()));
    let ran = desk.finish(words, command);
    let given = fs::read_to_string(desk.work().join("words")).unwrap_or_default();
    let is_theirs = |word: &&str| !["--parsable", "--hold"].contains(word) && !word.starts_with("--comment=");
    let given = given.lines().filter(is_theirs).filter(|word| !word.starts_with("--job-name="));
    let given = given.map(|word| if word.ends_with("/script.sh") { "script" } else { word });
    (ran, given.map(str::to_owned).collect())
}

#[test]
fn options_of_sbatch_stand_in_front_of_the_script_as_on_its_own_line() {
    let desk = desk_with_sbatch();
    let (script, own) = ("script", desk.work().join("x.sh").display().to_string());
    for (words, given) in [
        (&["sbatch", "x.sh"][..], vec![script]),
        (&["sbatch", "--as-is", "x.sh"], vec![&own]),
        (&["sbatch", "-N", "1", "x.sh"], vec!["-N1", script]),
        (
            &["sbatch", "--time", "10", "-pdev", "x.sh", "a", "--flag", "-N"],
            vec!["--time=10", "-pdev", script, "a", "--flag", "-N"],
        ),
        (&["sbatch", "-q", "dev", "--project", "other", "--exclusive", "x.sh"], vec!["-qdev", "--exclusive", script]),
        (
            &["sbatch", "--option=--time=10", "--option", "--exclusive", "x.sh"],
            vec!["--time=10", "--exclusive", script],
        ),
        (&["--site", "jupiter", "sbatch", "--", "x.sh", "-N"], vec![script, "-N"]),
    ] {
        assert_eq!(run(&desk, words).1, given, "{words:?}");
    }
}

#[test]
fn options_that_belong_to_pakt_are_refused_with_the_reason() {
    let desk = desk_with_sbatch();
    for (words, why) in [
        (&["sbatch", "--comment", "mine", "x.sh"][..], "the comment carries Pakt's stamp"),
        (&["sbatch", "--comm=mine", "x.sh"], "the comment carries Pakt's stamp"),
        (&["sbatch", "-a", "1-3", "x.sh"], "an array is many"),
        (&["sbatch", "-HW", "x.sh"], "`pakt watch` does"),
        (&["sbatch", "-V", "x.sh"], "nothing would be submitted"),
        (&["sbatch", "--of-a-plugin", "x.sh"], "write `--of-a-plugin=VALUE`"),
        (&["sbatch", "-z", "x.sh"], "sbatch has no option `-z`"),
        (&["sbatch", "-N", "1"], "`<SCRIPT>` is missing"),
        (&["sbatch"], "`<SCRIPT>` is missing"),
    ] {
        let (ran, given) = run(&desk, words);
        let ran = ran.expect(2);
        assert!(ran.stderr.contains(why), "{words:?}: {}", ran.stderr);
        assert!(given.is_empty(), "{words:?}: {given:?}");
    }
    let (ran, _) = run(&desk, &["--json", "sbatch", "-z", "x.sh"]);
    assert!(ran.stderr.contains("\"exit_code\": 2"), "{}", ran.stderr);
}
