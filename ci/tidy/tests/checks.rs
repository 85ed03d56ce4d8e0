//! Each check against a tree that breaks it, and against the nearest tree that does not.

mod house;

use house::{House, house_dependency};
use std::process::Command;

/// The clean house with one change: the problems must be exactly those whose beginnings are given.
fn expect(change: impl FnOnce(&House), beginnings: &[&str]) {
    let house = House::clean();
    change(&house);
    let problems = house.problems();
    let as_expected = problems.len() == beginnings.len()
        && problems.iter().zip(beginnings).all(|(problem, beginning)| problem.starts_with(beginning));
    assert!(as_expected, "expected {beginnings:#?}\nfound {problems:#?}");
}

#[test]
fn a_clean_house_has_no_problem() {
    expect(|_| {}, &[]);
}

#[test]
fn arrows_go_down_only() {
    expect(
        |house| house.depend("reach", &house_dependency("sites")),
        &["reach/Cargo.toml: [imports] `reach/` imports `sites/`; it may import model"],
    );
    expect(
        |house| house.depend("ledger", &house_dependency("reach")),
        &["ledger/Cargo.toml: [imports] `ledger/` imports `reach/`"],
    );
    expect(
        |house| house.depend("model", "[build-dependencies]\nledger = { path = \"../ledger\" }\n"),
        &["model/Cargo.toml: [imports] `model/` imports `ledger/`; it may import nothing"],
    );
    expect(
        |house| house.depend("ledger", "[dev-dependencies]\njobs = { path = \"../jobs\" }\n"),
        &["ledger/Cargo.toml: [imports] `ledger/` imports `jobs/`"],
    );
}

#[test]
fn the_lab_is_for_tests_only() {
    expect(|house| house.depend("ledger", "[dev-dependencies]\nlab = { path = \"../ci/lab\" }\n"), &[]);
    expect(
        |house| house.depend("ledger", "[dependencies]\nlab = { path = \"../ci/lab\" }\n"),
        &["ledger/Cargo.toml: [imports] `ledger/` imports `ci/lab/`"],
    );
    expect(
        |house| house.depend("ci/lab", "[dependencies]\nmodel = { path = \"../../model\" }\n"),
        &["ci/lab/Cargo.toml: [imports] `ci/` imports `model/`"],
    );
}

#[test]
fn outside_libraries_stay_where_they_belong() {
    let table = [
        ("cli", "clap", true),
        ("jobs", "clap", false),
        ("jobs", "clap_complete", false),
        ("ci/lab", "clap", true),
        ("ledger", "rusqlite", true),
        ("service", "tokio-postgres", false),
        ("reports", "sqlx-core", false),
        ("scheduler-adapters", "openssh", false),
        ("reach", "openssh", true),
        ("scheduler-adapters", "bindgen", false),
        ("staging", "nvml-wrapper", false),
        ("model", "clapper", true),
    ];
    for (folder, library, is_allowed) in table {
        let problem = format!("{folder}/Cargo.toml: [imports] `{library}` (");
        let expected: Vec<&str> = if is_allowed { vec![] } else { vec![&problem] };
        expect(|house| house.depend(folder, &format!("[dependencies]\n{library} = \"1\"\n")), &expected);
    }
    let renamed = "[dependencies]\nstore = { package = \"rusqlite\", version = \"1\" }\n";
    expect(|house| house.depend("jobs", renamed), &["jobs/Cargo.toml: [imports] `rusqlite` (a SQL driver)"]);
}

#[test]
fn the_table_in_words_is_the_table_in_code() {
    let change = |from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        move |house: &House| {
            let file = house.path().join("docs/ARCHITECTURE.md");
            let text = std::fs::read_to_string(file).expect("the plan");
            assert!(text.contains(&from));
            house.write("docs/ARCHITECTURE.md", &text.replace(&from, &to));
        }
    };
    expect(
        change("| sites/ | one | model |", "| sites/ | one | model, reach |"),
        &["docs/ARCHITECTURE.md:9: [imports] `sites/` may import \"model, reach\" here and \"model\""],
    );
    expect(
        change("| sites/ | one | model | - |\n", ""),
        &["docs/ARCHITECTURE.md: [imports] the import table has no row for `sites/`"],
    );
    expect(
        change("| sites/ |", "| sites/ | one | model | - |\n| places/ |"),
        &["docs/ARCHITECTURE.md:10: [imports] ci/tidy/src/rules.rs has no row for `places/`"],
    );
}

#[test]
fn a_crate_lies_in_the_folder_of_its_name() {
    let renamed = |house: &House| {
        let text = std::fs::read_to_string(house.path().join("telemetry/Cargo.toml")).expect("a manifest");
        house.write("telemetry/Cargo.toml", &text.replace("name = \"telemetry\"", "name = \"sensors\""));
    };
    expect(renamed, &["telemetry/Cargo.toml: [imports] crate `sensors` lies in `telemetry/`"]);
}

#[test]
fn the_root_holds_what_the_list_names() {
    expect(|house| house.write("notes.txt", ""), &["notes.txt: [layout] not in the list of files"]);
    expect(|house| house.write("scratch/a.txt", ""), &["scratch/: [layout] not in the list of folders"]);
    expect(|house| house.remove("LICENSE-MIT"), &["LICENSE-MIT: [layout] is missing"]);
    expect(|house| house.write(".config/nextest.toml", ""), &[]);
}

#[test]
fn links_lead_somewhere() {
    let good = "# Top\n\n[a](docs/for-admins.md) [b](docs/) [c](#top) [d](docs/ARCHITECTURE.md#one-idea) [e](https://example.org/x)\n\n`[f](gone.md)`\n\n    [g](gone.md)\n";
    expect(|house| house.write("README.md", good), &[]);
    expect(
        |house| house.write("README.md", "one\n\ntwo\n[a](docs/gone.md)\n"),
        &["README.md:4: [links] `docs/gone.md`: there is no docs/gone.md"],
    );
    expect(
        |house| house.write("docs/for-admins.md", "[a](../README.md) [b](README.md)"),
        &["docs/for-admins.md:1: [links] `README.md`: there is no docs/README.md"],
    );
    expect(
        |house| house.write("README.md", "[a](docs/ARCHITECTURE.md#another)"),
        &["README.md:1: [links] `docs/ARCHITECTURE.md#another`: docs/ARCHITECTURE.md has no heading"],
    );
    expect(
        |house| house.write("README.md", "[a](../elsewhere.md)"),
        &["README.md:1: [links] `../elsewhere.md` leads out"],
    );
    expect(
        |house| house.write("README.md", "![a](/docs/for-admins.md)"),
        &["README.md:1: [links] `/docs/for-admins.md` is absolute"],
    );
}

#[test]
fn documents_that_code_names_are_there() {
    let code = |line: &str| format!("//! A crate.\n{line}\n");
    expect(|house| house.write("jobs/src/lib.rs", &code("// See docs/soak.md.")), &[]);
    expect(
        |house| house.write("jobs/src/lib.rs", &code("// See `docs/reference/gone.md`, which is not there.")),
        &["jobs/src/lib.rs:2: [links] there is no docs/reference/gone.md"],
    );
}

#[test]
fn nothing_of_one_machine_is_in_the_tree() {
    let home = concat!("/ro", "ot/.cargo");
    expect(
        |house| house.write("docs/for-admins.md", &format!("see {home}")),
        &["docs/for-admins.md:1: [machine] `/ro"],
    );
    expect(|house| house.write("docs/for-admins.md", &format!("see /hkfs{home}")), &[]);
    let checkout = concat!("/wo", "rk/main/x");
    expect(
        |house| house.write("model/src/lib.rs", &format!("//! A crate.\nconst A: &str = \"{checkout}\";\n")),
        &["model/src/lib.rs:2: [machine] `/wo"],
    );
    expect(|house| house.write("docs/for-admins.md", "/work/bb1234 is Levante's"), &[]);
    let registry = concat!("see https://cra", "tes.io/crates/x");
    expect(|house| house.write("README.md", registry), &["README.md:1: [machine] names a package registry's host"]);
    let setting = concat!("pip install --extra-in", "dex-url somewhere");
    expect(|house| house.write("ci/install", setting), &["ci/install:1: [machine] `index"]);
}

#[test]
fn hosts_of_the_configured_registries_are_kept_out() {
    let house = House::clean();
    house.write("ci/install", "curl mirror.example.net/x\n");
    assert_eq!(house.problems(), Vec::<String>::new());
    let problems = house.problems_with_hosts(&["mirror.example.net"]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("ci/install:1: [machine] names a package registry's host"));

    let configuration = "[source.m]\nregistry = \"sparse+https://user:secret@mirror.example.net:8443/index/\"\n\
                         index = https://second.example.net, https://github.com/x\nhttps_proxy=http://localhost:1\n";
    let hosts: Vec<String> = tidy::hosts_in(configuration).into_iter().collect();
    assert_eq!(hosts, ["mirror.example.net", "second.example.net"]);
}

#[test]
fn crates_inherit_lints_and_have_no_profile() {
    let edit = |from: &'static str, to: &'static str| {
        move |house: &House| {
            let text = std::fs::read_to_string(house.path().join("model/Cargo.toml")).expect("a manifest");
            assert!(text.contains(from));
            house.write("model/Cargo.toml", &text.replace(from, to));
        }
    };
    expect(
        edit("[lints]\nworkspace = true\n", ""),
        &["model/Cargo.toml: [manifests] has no `[lints] workspace = true`"],
    );
    expect(
        edit("[lints]\nworkspace = true\n", "[lints.rust]\nunsafe_code = \"allow\"\n"),
        &["model/Cargo.toml: [manifests] has no `[lints]"],
    );
    expect(
        edit("[lints]", "[profile.release]\nlto = true\n\n[lints]"),
        &["model/Cargo.toml: [manifests] has a `[profile]`"],
    );
    expect(
        edit("version.workspace = true\nedition", "version = \"3.0.0\"\nedition"),
        &["model/Cargo.toml: [manifests] does not inherit `version`"],
    );
    expect(edit("license.workspace = true", "license = \"GPL-2.0-or-later\""), &[]);
}

#[test]
fn processes_start_in_reach() {
    let uses = "//! A file.\nuse std::time;\nuse tokio::{fs, process::{Child, Command}};\n";
    expect(
        |house| house.write("jobs/src/lib.rs", uses),
        &["jobs/src/lib.rs:3: [paths] `tokio::process::Child`", "jobs/src/lib.rs:3: [paths] `tokio::process::Command`"],
    );
    expect(|house| house.write("reach/src/lib.rs", uses), &[]);
    expect(|house| house.write("jobs/tests/it.rs", uses), &[]);
    let inline = "//! A file.\nfn f() { g!(std::process::Command::new(\"ls\")); std::process::id(); }\n";
    expect(
        |house| house.write("ledger/src/lib.rs", inline),
        &["ledger/src/lib.rs:2: [paths] `std::process::Command::new`"],
    );
    expect(|house| house.write("scheduler-adapters/src/local/supervisor.rs", inline), &[]);
    let in_tests = "//! A file.\n#[cfg(test)]\nmod tests {\n    use std::process::Command;\n}\n";
    expect(|house| house.write("ledger/src/lib.rs", in_tests), &[]);
}

#[test]
fn the_command_line_wires_in_one_place() {
    let text = "//! A file.\nuse scheduler_adapters::Scheduler;\nfn f() { ledger::open(); }\n";
    expect(
        |house| house.write("cli/src/commands/submit.rs", text),
        &[
            "cli/src/commands/submit.rs:2: [paths] `scheduler_adapters::Scheduler`",
            "cli/src/commands/submit.rs:3: [paths] `ledger::open`",
        ],
    );
    expect(|house| house.write("cli/src/wiring/ledger.rs", text), &[]);
    let own = "//! A file.\nmod ledger;\nuse crate::commands::sites;\nfn f() { ledger::run(); sites::run(); jobs::submit(); }\n";
    expect(|house| house.write("cli/src/main.rs", own), &[]);
}

#[test]
fn tests_do_not_sleep() {
    let text = "//! A file.\nfn wait() { std::thread::sleep(x); }\n#[cfg(test)]\nmod tests {\n    async fn f() { tokio::time::sleep(x).await; }\n}\n";
    expect(|house| house.write("model/src/lib.rs", text), &["model/src/lib.rs:5: [sleeps] a test sleeps"]);
    expect(
        |house| house.write("model/tests/it.rs", "//! T.\nfn f() { sleep(x); }\n"),
        &["model/tests/it.rs:2: [sleeps] a test sleeps"],
    );
    expect(|house| house.write("model/tests/it.rs", "//! T.\nconst SCRIPT: &str = \"sleep(60)\"; // sleep (1)\n"), &[]);
}

#[test]
fn a_listed_wait_may_sleep_and_its_neighbour_may_not() {
    let text =
        "//! T.\nasync fn becomes_true() {\n    sleep(x).await;\n}\nasync fn other() {\n    sleep(x).await;\n}\n";
    expect(
        |house| house.write("reach/tests/contract/place.rs", text),
        &["reach/tests/contract/place.rs:6: [sleeps] a test sleeps"],
    );
    expect(
        |house| house.write("reach/tests/other.rs", text),
        &["reach/tests/other.rs:3: [sleeps] a test sleeps", "reach/tests/other.rs:6: [sleeps] a test sleeps"],
    );
}

#[test]
fn unsafe_stays_where_it_belongs() {
    let text = "//! A file: unsafe in a comment.\nfn f() { m!(unsafe { g() }); let _ = \"unsafe\"; }\n";
    expect(|house| house.write("ledger/src/lib.rs", text), &["ledger/src/lib.rs:2: [unsafety] `unsafe` outside"]);
    expect(|house| house.write("telemetry/src/sensor.rs", text), &[]);
    expect(
        |house| house.write("ledger/src/lib.rs", "//! A file.\n#![allow(unsafe_code)]\n"),
        &["ledger/src/lib.rs:2: [unsafety] `unsafe_code` outside"],
    );
}

#[test]
fn walls_hold() {
    let lines = |count: usize| "// line\n".repeat(count);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines(600));
    expect(|house| house.write("model/src/lib.rs", &format!("//! A file.\n{}{tests}", lines(499))), &[]);
    expect(
        |house| house.write("model/src/lib.rs", &format!("//! A file.\n{}{tests}", lines(500))),
        &["model/src/lib.rs: [walls] 501 lines before its tests, the wall is 500"],
    );
    expect(
        |house| house.write("model/src/lib.rs", &format!("//! A file.\n{tests}{}", lines(500))),
        &["model/src/lib.rs: [walls] 501 lines"],
    );
    expect(|house| house.write("model/tests/long.rs", &lines(900)), &[]);
    expect(
        |house| house.write("ci/install", &format!("#!/bin/bash\n{}", lines(500))),
        &["ci/install: [walls] 501 lines"],
    );

    let function =
        |count: usize| format!("//! A file.\nstruct A;\nimpl A {{\n    fn f() {{\n{}    }}\n}}\n", lines(count));
    expect(|house| house.write("model/src/lib.rs", &function(68)), &[]);
    expect(
        |house| house.write("model/src/lib.rs", &function(69)),
        &["model/src/lib.rs:4: [walls] `f` has 71 lines, the wall is 70"],
    );
    expect(
        |house| house.write("model/src/lib.rs", "fn f() {}\n"),
        &["model/src/lib.rs:1: [walls] has no module comment"],
    );
}

#[test]
fn unfinished_work_is_named() {
    let text = "//! A file: todo!() in a comment.\nfn f() { todo!() }\nfn g() { dbg!(1); let _ = \"unimplemented!()\"; }\nfn todo() {}\n";
    expect(
        |house| house.write("model/src/lib.rs", text),
        &["model/src/lib.rs:2: [words] `todo!`", "model/src/lib.rs:3: [words] `dbg!`"],
    );
    let mark = concat!("# FIX", "ME: later\n");
    expect(|house| house.write("ci/install", mark), &["ci/install:1: [words] `FIX"]);
    expect(|house| house.write("README.md", mark), &[]);
    expect(|house| house.write("ci/install", concat!("mktemp pakt.XX", "XXXX\n")), &[]);
}

#[test]
fn a_file_that_is_not_rust_is_a_problem_with_its_line() {
    expect(
        |house| house.write("model/src/lib.rs", "//! A file.\nfn f( {\n"),
        &["model/src/lib.rs:2: [rust] does not parse"],
    );
}

#[test]
fn git_decides_what_belongs_to_the_tree() {
    let house = House::clean();
    house.write("ignored.txt", "");
    house.write(".gitignore", "ignored.txt\n");
    let git =
        Command::new("git").args(["init", "--quiet"]).current_dir(house.path()).status().expect("git is installed");
    assert!(git.success());
    assert_eq!(house.problems(), Vec::<String>::new());
    house.write("new.txt", "");
    assert_eq!(house.problems().len(), 1, "a file that is not added yet is looked at");
}

#[test]
fn the_program_says_it_with_its_exit_code() {
    let house = House::clean();
    let run = || Command::new(env!("CARGO_BIN_EXE_tidy")).arg(house.path()).output().expect("the program starts");
    let clean = run();
    assert_eq!(clean.status.code(), Some(0), "{}", String::from_utf8_lossy(&clean.stdout));
    let inside = Command::new(env!("CARGO_BIN_EXE_tidy")).current_dir(house.path().join("model/src")).output();
    assert_eq!(inside.expect("the program starts").stdout, clean.stdout, "the workspace around the current folder");
    house.remove("deny.toml");
    let broken = run();
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&broken.stdout).starts_with("deny.toml: [layout] is missing\n"));
    house.write("Cargo.toml", "not a manifest");
    let unreadable = run();
    assert_eq!(unreadable.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unreadable.stderr).starts_with("tidy: `cargo metadata"));
}
