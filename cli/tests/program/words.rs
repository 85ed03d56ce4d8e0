//! Whose words are shown: Pakt's own, whatever library or system has failed below it; and never a secret.

use crate::desk::Desk;
use insta::assert_snapshot;
use std::fs;

/// Words that only a programmer knows.
const INNER_WORDS: [&str; 8] =
    ["os error", "Policy", "budget breached", "scalar", "mapping", "serde", "deserialize", "No such file"];

/// Runs a command that must fail with 2, with and without `--json`; what it said, without an inner word.
#[track_caller]
fn said(desk: &Desk, words: &[&str]) -> String {
    let programs = desk.pakt(&[&["--json"], words].concat()).expect(2);
    let people = desk.pakt(words).expect(2);
    for text in [&programs.stderr, &people.stderr] {
        for word in INNER_WORDS {
            assert!(!text.contains(word), "`{word}` in: {text}");
        }
    }
    people.shown()
}

#[test]
fn a_mistake_of_yaml_is_told_in_our_words() {
    let desk = Desk::new();
    desk.write("twice.yaml", "name: x\nkind: train\nname: y\n");
    assert_snapshot!(said(&desk, &["check", "twice.yaml"]), @"
    exit 2
    --- stderr
    twice.yaml:3:1: error: `name` is written twice
      3 | name: y
        | ^^^^
        = keep one of the two
    error: `twice.yaml` is no job that can run
    why:   there is a mistake in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    desk.write("deep.yaml", &format!("name: {}{}\n", "[".repeat(60), "]".repeat(60)));
    assert_snapshot!(said(&desk, &["check", "deep.yaml"]), @"
    exit 2
    --- stderr
    deep.yaml:1:38: error: its fields are nested too deep
      1 | name: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
        |                                      ^
        = write it flatter: no file of this kind needs so many levels
    error: `deep.yaml` is no job that can run
    why:   there is a mistake in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    desk.write("long.yaml", &format!("run:\n{}", "  - x\n".repeat(12_000)));
    assert_snapshot!(said(&desk, &["check", "long.yaml"]), @"
    exit 2
    --- stderr
    long.yaml:9999:5: error: it holds more than a file of this kind may
      9999 |   - x
           |     ^
           = is it the right file?
    error: `long.yaml` is no job that can run
    why:   there is a mistake in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    desk.write("references.yaml", &format!("name: &a x\nrun: [{}]\n", "*a, ".repeat(150)));
    assert_snapshot!(said(&desk, &["check", "references.yaml"]), @"
    exit 2
    --- stderr
    references.yaml:2:407: error: it refers to parts of itself too often (`&name`, `*name`)
      2 | run: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, ]
        |                                                                                                                                                                                                                                                                                                                                                                                                                       ^^
        = write the values out
    error: `references.yaml` is no job that can run
    why:   there is a mistake in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    for (name, text) in [
        ("open.yaml", "name: [x\nkind: train\n"),
        ("quote.yaml", "name: \"x\nkind: train\n"),
        ("colon.yaml", "name: a: b\n"),
        ("letter.yaml", "name: @x\n"),
        ("star.yaml", "name: *x\n"),
        ("two.yaml", "name: x\n---\nname: y\n"),
        ("step.yaml", "name: x\n  kind: train\n"),
        ("infinite.yaml", "resources: { nodes: .inf }\n"),
        ("tag.yaml", "name: !secret x\n"),
    ] {
        desk.write(name, text);
        said(&desk, &["check", name]);
    }
}

#[test]
fn a_mistake_of_the_configuration_is_told_in_our_words() {
    let desk = Desk::new();
    for text in [
        "site: local\nsite: horeka\n",
        "machine: 7\n",
        "machine: { cpus: many }\n",
        "group: perhaps\n",
        "state: [a]\n",
        "- x\n",
    ] {
        desk.configure(text);
        said(&desk, &["jobs"]);
    }
    desk.configure("machine: { cpus: many }\n");
    assert_snapshot!(said(&desk, &["jobs"]), @"
    exit 2
    --- stderr
    error: `<home>/config.yaml` was not understood
    why:   line 1, column 18: the value is not a whole number
    next:  mend the file; docs/reference/configuration.md lists its fields
    ");
}

#[test]
fn what_the_system_says_is_told_in_our_words() {
    let desk = Desk::new();
    desk.write("here.yaml", "name: x\n");
    assert_snapshot!(said(&desk, &["init", "here.yaml"]), @"
    exit 2
    --- stderr
    error: no job file was written
    why:   `here.yaml`: there is something of that name already
    next:  name another file: `pakt init OTHER.yaml`
    ");
    assert_snapshot!(said(&desk, &["init", "no-such-folder/job.yaml"]), @"
    exit 2
    --- stderr
    error: no job file was written
    why:   `no-such-folder/job.yaml`: there is no such file or folder
    next:  name another file: `pakt init OTHER.yaml`
    ");
    assert_snapshot!(said(&desk, &["check", "here.yaml/job.yaml"]), @"
    exit 2
    --- stderr
    error: `here.yaml/job.yaml` was not read
    why:   a part of that path is a file, not a folder
    next:  look at the file's owner, mode and encoding (UTF-8)
    ");
    fs::create_dir(desk.work().join("folder")).expect("fresh");
    assert_snapshot!(said(&desk, &["check", "folder"]), @"
    exit 2
    --- stderr
    error: `folder` was not read
    why:   it is a folder, not a file
    next:  look at the file's owner, mode and encoding (UTF-8)
    ");
    fs::write(desk.work().join("binary.yaml"), [0xff, 0xfe, 0, 1]).expect("ours");
    assert_snapshot!(said(&desk, &["check", "binary.yaml"]), @"
    exit 2
    --- stderr
    error: `binary.yaml` was not read
    why:   it is no text in UTF-8
    next:  look at the file's owner, mode and encoding (UTF-8)
    ");
    assert_snapshot!(said(&desk, &["man", "--folder", "here.yaml"]), @"
    exit 2
    --- stderr
    error: the manual was not written
    why:   there is something of that name already
    next:  name a folder that you can write to
    ");
}

#[test]
fn what_is_no_day_or_no_record_is_told_in_our_words() {
    let desk = Desk::with_grant("10");
    assert_snapshot!(said(&desk, &["settle", "--since", "yesterday"]), @"
    exit 2
    --- stderr
    error: `yesterday` is no day
    why:   it is not a year, a month and a day that the calendar has
    next:  write it as YYYY-MM-DD
    ");
    assert_snapshot!(said(&desk, &["settle", "--since", "2026-02-31"]), @"
    exit 2
    --- stderr
    error: `2026-02-31` is no day
    why:   it is not a year, a month and a day that the calendar has
    next:  write it as YYYY-MM-DD
    ");
    let file = desk.job("tiny", "true");
    let id = desk.json(&["submit", &file])["id"].as_str().expect("an id").to_owned();
    desk.json(&["watch", &id]);
    let record = desk.home().join("state/jobs").join(&id).join("intent.json");
    for (text, why) in [
        ("{\"half", "it ends too early (line 1, column 6)"),
        ("{ no }", "it is damaged (line 1, column 3)"),
        ("{}", "a field in it is missing, or is not what this version writes there (line 1, column 2)"),
    ] {
        fs::write(&record, text).expect("ours");
        let shown = desk.pakt(&["show", &id]).expect(5);
        assert!(shown.stderr.contains(why), "{}", shown.stderr);
    }
}

#[test]
fn a_secret_in_a_job_file_is_shown_nowhere() {
    const SECRET: &str = "hf_aBcDeF0123456789";
    let desk = Desk::new();
    let head = "name: x\nkind: command\nproject: atlas\nsite: local\nlaunch: command\nrun: \"true\"\n\
                resources: { nodes: 1, time: 1h }\n";
    for rest in [
        "environment: { variables: { HF_TOKEN: SECRET, A B: 1 } }\n",
        "environment:\n  variables:\n    HF_TOKEN: SECRET\n",
        "environment:\n  variables:\n    HF_TOKEN: |\n      SECRET\n",
        "environment:\n  variables:\n    HF_TOKEN:\n      SECRET\n",
        "environment:\n  variables:\n    \"HF_TOKEN\": 'SECRET'\n",
        "environment:\n  variables:\n    HF_TOKEN: [SECRET]\n",
        "environment:\n  variables:\n    HF_TOKEN: SECRET: SECRET\n",
        "environment:\n  variables:\n    HF_TOKEN: \"SECRET\n",
        "environment:\n  variables:\n    HF_TOKEN: SECRET\n    HF_TOKEN: SECRET\n",
        "environment: { HF_TOKEN: SECRET }\n",
        "environment: { modules: HF_TOKEN=SECRET }\n",
        "environment: { variables: HF_TOKEN=SECRET }\n",
        "HF_TOKEN: SECRET\n",
        "token: SECRET\n",
    ] {
        desk.write("secret.yaml", &format!("{head}{}", rest.replace("SECRET", SECRET)));
        for words in [&["check", "secret.yaml"][..], &["--json", "check", "secret.yaml"], &["submit", "secret.yaml"]] {
            let ran = desk.pakt(words).expect(2);
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hf_"), "{rest}: {}", ran.stderr);
        }
    }
    desk.write("secret.yaml", &format!("{head}environment: {{ variables: {{ HF_TOKEN: {SECRET} }} }}\n"));
    assert_snapshot!(desk.pakt(&["check", "secret.yaml"]).shown(), @"
    exit 2
    --- stderr
    secret.yaml:8:39: error: `HF_TOKEN` looks like a secret, and a job file, a script and a log keep it in plain sight
      8 | environment: { variables: { HF_TOKEN: ***
        |                                       ^^^
        = put it into a file that only you can read and let the program read that file
    error: `secret.yaml` is no job that can run
    why:   there is a mistake in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    let before = desk.everything();
    assert!(
        !before
            .iter()
            .any(|(path, bytes)| { !path.ends_with("secret.yaml") && String::from_utf8_lossy(bytes).contains(SECRET) })
    );
}

#[test]
fn a_project_that_is_typed_wrongly_is_told_with_the_one_that_was_meant() {
    let desk = Desk::with_grant("10");
    for words in [
        &["balance", "--offline", "altas"][..],
        &["ledger", "statement", "altas"],
        &["ledger", "statement", "altas", "--unit", "local:core"],
    ] {
        let said = said(&desk, words);
        assert!(said.contains("next:  did you mean `atlas`? `pakt balance` lists"), "{said}");
    }
    let said = said(&desk, &["ledger", "statement", "borealis"]);
    assert!(!said.contains("did you mean"), "{said}");
}

#[test]
fn what_a_command_needs_stands_in_its_usage() {
    let help = Desk::new().pakt(&["ledger", "open", "--help"]).expect(0).stdout;
    for usage in ["--unit <UNIT> --note <NOTE> <PROJECT> <HOURS>\n", "--from-site <FILE> <PROJECT>\n"] {
        assert!(help.contains(&format!("pakt ledger open [OPTIONS] {usage}")), "{help}");
    }
}

#[test]
fn a_word_that_is_none_of_the_possible_ones_is_told_with_each_of_them() {
    let desk = Desk::new();
    assert_snapshot!(said(&desk, &["completions", "bsh"]), @"
    exit 2
    --- stderr
    error: the command line was not understood
    why:   `bsh` cannot be used for `<SHELL>`
    next:  did you mean `bash`? It is one of: `bash`, `elvish`, `fish`, `powershell`, `zsh`; `pakt completions --help` says what there is
    ");
    assert_snapshot!(said(&desk, &["ledger", "decisions", "wishes"]), @"
    exit 2
    --- stderr
    error: the command line was not understood
    why:   `wishes` cannot be used for `[KIND]`
    next:  one of: `binding`, `unbinding`, `enforcement`, `policy`, `zone`, `site-figure`, `import`, `bundle`, `coverage`; `pakt ledger decisions --help` says what there is
    ");
}

#[test]
fn decisions_are_listed_with_times_and_amounts_that_people_read() {
    let desk = Desk::with_grant("10");
    desk.pakt(&["ledger", "grant", "atlas", "100", "--unit", "jupiter:gh200", "--account", "hai"]).expect(0);
    desk.write("said.csv", "project,unit,granted,used\natlas,jupiter:gh200,100,12.5\n");
    let at = ["--as-of", "2026-11-01T00:00:00Z"];
    desk.pakt(&[&["ledger", "open", "atlas", "--from-site", "said.csv"][..], &at].concat()).expect(0);
    let listed = desk.pakt(&["ledger", "decisions"]).expect(0);
    assert!(listed.stdout.contains("as_of 2026-11-01 00:00:00 +00:00"), "{}", listed.stdout);
    assert!(listed.stdout.contains("used 12.500 GPU-h"), "{}", listed.stdout);
    let is_raw = |word: &str| word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_digit());
    let raw: Vec<_> = listed.stdout.split([' ', ',']).filter(|word| is_raw(word)).collect();
    assert!(raw.is_empty(), "{raw:?} in {}", listed.stdout);
}
