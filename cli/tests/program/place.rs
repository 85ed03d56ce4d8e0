//! Where jobs are kept without `PAKT_HOME`, as for all who never heard of it: the place must not move, or a job that runs
//! is not seen and is submitted once more.

use crate::{
    desk::{Desk, PAKT},
    output::Ran,
};
use insta::assert_snapshot;
use std::{
    ffi::OsStr,
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A person with a home, and nothing set but what a test names.
struct Person {
    desk: Desk,
}

impl Person {
    /// At the local site, whose profile names no state area.
    fn new() -> Self {
        let desk = Desk::new();
        fs::create_dir_all(desk.home().join(".config/pakt/sites")).expect("fresh");
        let person = Self { desk };
        person.configure("site: local\nproject: atlas\nmachine: { cpus: 2, gpus: 0 }\n");
        person
    }

    /// At the local site with a small home: its state area is where `$AREA` points.
    fn with_area() -> Self {
        let person = Self::new();
        let text = person.pakt(&[], &["sites", "show", "local"]).expect(0).stdout;
        let with_area = text.replace("  - state_area\n", "").replace("\nunknown:\n", "\nstate_area: $AREA\nunknown:\n");
        fs::write(person.settings().join("sites/local.yaml"), with_area).expect("ours");
        person
    }

    fn home(&self) -> PathBuf {
        self.desk.home()
    }

    fn settings(&self) -> PathBuf {
        self.home().join(".config/pakt")
    }

    fn configure(&self, text: &str) {
        fs::write(self.settings().join("config.yaml"), text).expect("ours");
    }

    /// A folder beside the home, for a variable to name.
    fn beside(&self, name: &str) -> String {
        self.desk.work().join(name).display().to_string()
    }

    fn command<S: AsRef<OsStr>>(&self, variables: &[(&str, &str)], words: &[S]) -> Command {
        let mut command = self.desk.command(words);
        command.env_remove("PAKT_HOME").env("HOME", self.home());
        command.envs(variables.iter().copied());
        command
    }

    fn pakt(&self, variables: &[(&str, &str)], words: &[&str]) -> Ran {
        self.desk.finish(words, self.command(variables, words))
    }

    fn id(&self, variables: &[(&str, &str)], file: &str) -> String {
        let submitted = self.pakt(variables, &["--json", "submit", file]).json();
        submitted["id"].as_str().expect("an id").to_owned()
    }

    /// A job that is not over before the gate is opened.
    fn gated(&self) -> (String, PathBuf) {
        let gate = self.desk.work().join("gate");
        let run = format!("until [ -e '{}' ]; do sleep 0.05; done; echo ran >>ran", gate.display());
        (self.desk.job("once", &run), gate)
    }

    /// How often it ran, once it is over.
    fn runs(&self, variables: &[(&str, &str)], gate: &Path) -> usize {
        fs::write(gate, "").expect("ours");
        self.pakt(variables, &["watch", "once"]).expect(0);
        fs::read_to_string(self.desk.work().join("ran")).expect("it ran").lines().count()
    }

    /// What the file says that keeps the place.
    fn record(&self, site: &str) -> String {
        fs::read_to_string(self.settings().join(format!("state-{site}"))).expect("it is recorded")
    }
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

#[test]
fn each_site_s_default_place_is_what_its_profile_says() {
    let person = Person::new();
    let own = person.home().join(".local/state");
    let area = person.desk.work().join("area");
    let of_user = area.join(user());
    for (site, variable, folder) in [
        ("local", "UNUSED", &own),
        ("jupiter", "EXAPROJECT", &of_user),
        ("juwels-booster", "PROJECT", &of_user),
        ("jureca-dc", "PROJECT", &of_user),
        ("horeka", "PROJECT", &of_user),
        ("raven", "UNUSED", &own),
        ("viper-gpu", "UNUSED", &own),
        ("levante", "UNUSED", &own),
        ("haicore", "UNUSED", &own),
    ] {
        person.configure(&format!("site: {site}\n"));
        let made = person.pakt(&[(variable, &area.display().to_string())], &["--json", "ledger", "init"]).json();
        let ledger = folder.join("pakt/ledger.sqlite").display().to_string();
        assert_eq!(made["ledger"], ledger, "{site}");
        assert_eq!(person.record(site), format!("{}\n", folder.join("pakt").display()), "{site}");
    }
}

#[test]
fn doctor_says_where_jobs_lie_in_a_home_that_may_be_small() {
    let person = Person::new();
    let doubt = "home           warning: jobs are kept in your home: the profile of ";
    for (site, is_told) in [("levante", true), ("haicore", true), ("local", false)] {
        person.configure(&format!("site: {site}\n"));
        let looked = person.pakt(&[], &["doctor"]).stdout;
        assert_eq!(looked.contains(&format!("{doubt}{site}")), is_told, "{looked}");
        let state = person.beside("state");
        person.configure(&format!("site: {site}\nstate: {state}\n"));
        let looked = person.pakt(&[], &["doctor"]).stdout;
        assert!(!looked.contains(doubt) && looked.contains(&state), "{looked}");
    }
}

#[test]
fn a_job_is_found_again_where_the_area_s_variable_points_elsewhere_or_nowhere() {
    let person = Person::with_area();
    let (file, gate) = person.gated();
    let (first, other) = (person.beside("first"), person.beside("other"));
    let id = person.id(&[("AREA", &first)], &file);
    let place = Path::new(&first).join(user()).join("pakt");
    assert_eq!(person.record("local"), format!("{}\n", place.display()));
    // Another active project, and cron.
    for variables in [&[("AREA", other.as_str())][..], &[]] {
        assert_eq!(person.id(variables, &file), id, "{variables:?}: it is one job");
        assert_eq!(person.pakt(variables, &["--json", "jobs"]).json()["jobs"][0]["id"], id.as_str());
    }
    let told = person.pakt(&[("AREA", &other)], &["jobs"]).expect(0).stderr;
    assert!(told.contains("note: jobs are kept in ") && told.contains("/first/"), "{told}");
    assert_eq!(person.pakt(&[], &["jobs"]).expect(0).stderr, "", "nothing points elsewhere in cron");
    assert!(!Path::new(&other).exists());
    assert_eq!(person.runs(&[], &gate), 1);
}

#[test]
fn a_state_folder_that_only_some_shells_name_stays_the_same() {
    let person = Person::new();
    let (file, gate) = person.gated();
    let named = person.beside("state");
    let id = person.id(&[("XDG_STATE_HOME", &named)], &file);
    assert_eq!(person.record("local"), format!("{named}/pakt\n"));
    assert_eq!(person.id(&[], &file), id, "cron does not name it");
    // A relative one would be another in each directory.
    assert_eq!(person.id(&[("XDG_STATE_HOME", "state")], &file), id);
    assert!(!person.home().join(".local").exists());
    assert_eq!(person.runs(&[], &gate), 1);
}

#[test]
fn a_place_stays_where_the_site_s_profile_learns_of_an_area() {
    let person = Person::new();
    let (file, gate) = person.gated();
    let id = person.id(&[], &file);
    let later = Person::with_area();
    let profile = fs::read(later.settings().join("sites/local.yaml")).expect("written");
    fs::write(person.settings().join("sites/local.yaml"), profile).expect("ours");
    let area = person.beside("area");
    assert_eq!(person.id(&[("AREA", &area)], &file), id);
    assert_eq!(person.runs(&[], &gate), 1);
}

#[test]
fn of_many_first_calls_at_once_all_answer_the_same_place() {
    let person = Person::with_area();
    let (file, gate) = person.gated();
    let areas: Vec<String> = (0..8).map(|number| person.beside(&format!("area-{number}"))).collect();
    let calls: Vec<_> = areas
        .iter()
        .map(|area| {
            let mut command = person.command(&[("AREA", area)], &["--json", "submit", &file]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
        })
        .collect();
    let ids: Vec<String> = calls
        .into_iter()
        .map(|call| {
            let output = call.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
            answer["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(areas.iter().filter(|area| Path::new(area).exists()).count(), 1, "one of the areas is used");
    let left = fs::read_dir(person.settings()).expect("a folder").flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().contains("partial")
    });
    assert_eq!(left.count(), 0);
    assert_eq!(person.runs(&[], &gate), 1);
}

#[test]
fn who_only_looks_settles_nothing() {
    let person = Person::with_area();
    let (first, other) = (person.beside("first"), person.beside("other"));
    let before = person.desk.everything();
    assert_eq!(person.pakt(&[("AREA", &first)], &["--json", "jobs"]).json()["jobs"], serde_json::json!([]));
    assert!(before == person.desk.everything(), "a look made something");
    let made = person.pakt(&[("AREA", &other)], &["--json", "ledger", "init"]).json();
    assert!(made["ledger"].as_str().expect("a path").starts_with(&other), "{made}");
}

#[test]
fn an_area_that_is_not_known_and_a_record_that_names_no_folder_are_told() {
    let person = Person::with_area();
    let (file, _) = person.gated();
    assert_snapshot!(person.pakt(&[], &["submit", &file]).shown(), @"
    exit 2
    --- stderr
    error: it is not known where jobs are kept at local
    why:   `$AREA` is not set here
    next:  activate the project, or name a folder once with `state:` in the configuration
    ");
    fs::write(person.settings().join("state-local"), "here\n").expect("ours");
    let area = person.beside("area");
    assert_snapshot!(person.pakt(&[("AREA", &area)], &["submit", &file]).shown(), @"
    exit 2
    --- stderr
    error: `<home>/.config/pakt/state-local` was not understood
    why:   it names no folder
    next:  write the folder of your jobs into it, or name it with `state:` in the configuration
    ");
    assert!(!Path::new(&area).exists());
}

#[test]
fn in_a_home_that_cannot_be_written_jobs_are_read_and_none_is_submitted() {
    let person = Person::with_area();
    let (file, _) = person.gated();
    let area = person.beside("area");
    let variables = [("AREA", area.as_str())];
    let settings = person.settings();
    // For root every folder can be written, so it lets somebody else call.
    let program = person.desk.work().join("pakt");
    fs::copy(PAKT, &program).expect("ours");
    let top = person.home().parent().expect("the desk").to_owned();
    for (folder, mode) in [(top, 0o755), (person.desk.work(), 0o777), (settings.clone(), 0o555)] {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("ours");
    }
    let call = |words: &[&str]| {
        let mut command = Command::new(&program);
        command.args(words).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", person.home()).envs(variables);
        command.current_dir(person.desk.work());
        if user() == "root" {
            command.uid(65534).gid(65534);
        }
        person.desk.finish(words, command)
    };
    assert_snapshot!(call(&["submit", &file]).shown(), @"
    exit 3
    --- stderr
    error: it is not settled where jobs are kept
    why:   `<home>/.config/pakt/state-local` cannot be written: you may not do that there
    next:  make room there, or set PAKT_HOME to a folder that you can write to
    ");
    assert_snapshot!(call(&["ledger", "init"]).shown(), @"
    exit 3
    --- stderr
    error: it is not settled where jobs are kept
    why:   `<home>/.config/pakt/state-local` cannot be written: you may not do that there
    next:  make room there, or set PAKT_HOME to a folder that you can write to
    ");
    assert!(!Path::new(&area).exists(), "nothing is kept in a place that is not settled");
    for words in [&["jobs"][..], &["check", &file], &["plan", &file], &["sites"], &["usage", "--mine"]] {
        call(words).expect(0);
    }
    fs::set_permissions(&settings, fs::Permissions::from_mode(0o755)).expect("ours");
}
