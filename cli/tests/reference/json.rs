//! `json.md`: written by hand, because its sentences say more than names; every name in it is one that the program prints.

use crate::{page::root, program::Place};
use serde_json::Value;
use std::collections::BTreeSet;

fn page() -> String {
    std::fs::read_to_string(root().join("docs/reference/json.md")).expect("the page")
}

/// The words in code of a text that could be names of fields: `error.kind` gives `error` and `kind`.
fn names(text: &str) -> BTreeSet<String> {
    let is_name = |word: &&str| word.chars().all(|letter| letter.is_ascii_lowercase() || "._".contains(letter));
    let words = text.split('`').skip(1).step_by(2).filter(is_name);
    words.flat_map(|word| word.split('.')).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The line of the page that begins so.
fn line<'page>(page: &'page str, beginning: &str) -> &'page str {
    page.lines().find(|line| line.starts_with(beginning)).unwrap_or_else(|| panic!("no line `{beginning}`"))
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().expect("an object").keys().cloned().collect()
}

fn failure(place: &Place, words: &[&str]) -> Value {
    let said = place.pakt(&[&["--json"], words].concat());
    serde_json::from_str(&said.stderr).expect("JSON")
}

#[test]
fn the_page_names_every_field_of_a_failure() {
    let (place, page) = (Place::new(), page());
    place.write("wrong.yaml", "name: x\n");
    let failure = failure(&place, &["check", "wrong.yaml"]);
    let fields: BTreeSet<String> = page
        .lines()
        .filter(|line| line.starts_with("| `error."))
        .flat_map(|line| names(line.split('|').nth(1).expect("a cell")))
        .filter(|name| name != "error")
        .collect();
    assert_eq!(fields, keys(&failure["error"]));
    let mistake = line(&page, "| `error.mistakes`").split('|').nth(2).expect("a cell");
    assert_eq!(names(mistake), keys(&failure["error"]["mistakes"][0]));
    // `docs/reference/json.md` has the findings in one sentence.
    let findings = page.split("in `findings`:").nth(1).and_then(|rest| rest.split(". `pakt sites`").next());
    let values = ["error", "warning"].map(str::to_owned);
    let named: BTreeSet<String> =
        names(findings.expect("a sentence")).into_iter().filter(|name| !values.contains(name)).collect();
    assert_eq!(named, keys(&place.json(&["--json", "doctor"])["findings"][0]));
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            names.extend(fields.keys().cloned());
            fields.values().for_each(|field| collect(field, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

/// Words in code that are no names of fields.
const OTHER_WORDS: &[&str] = &[
    "_as_of",
    "_at",
    "_hours",
    "bug",
    "md",
    "null",
    "refused",
    "show",
    "unknown",
    "unreachable",
    "usage",
    "warning",
    "watch",
    "plan",
    "statement",
    "submit",
    // Values, of events, decisions and completeness.
    "ahead",
    "begun",
    "fits",
    "allow",
    "arrives",
    "deny",
    "failed",
    "forfeited",
    "read",
    "repays",
    "struck",
    "warn",
    // Of an answer that needs a key to be pressed.
    "job",
    "was_interrupted",
    // Of an opening that its runs exceed, which the program's tests have.
    "exceeds_by",
    // Of sites with Slurm; the tests of the program ask a double of it for them.
    "milliseconds",
    "shared",
    "unanswered",
];

/// The fields that the page lists for an object of a command.
fn listed(page: &str, command: &str, object: &str) -> BTreeSet<String> {
    let mut fields = names(line(page, &format!("| `{command}` | {object} |")).split('|').nth(3).expect("a cell"));
    fields.remove("null");
    fields
}

#[test]
fn the_page_names_every_field_of_the_ledgers_answers() {
    let (place, page) = (Place::new(), page());
    books(&place);
    let json = |words: &[&str]| place.json(&[&["--json"], words].concat());
    let (imported, verified) = (json(&IMPORT), json(&VERIFY));
    let (balance, coverage, usage) = (json(&["balance"]), json(&["ledger", "coverage"]), json(&USAGE));
    let imported = &imported["imported"];
    for (command, object, value) in [
        ("pakt balance", "the answer", &balance),
        ("pakt balance", "one of `balances`", &balance["balances"][0]),
        ("pakt ledger import", "`imported`", imported),
        ("pakt ledger import", "`not_priced` and `rejected`", &imported["not_priced"]),
        ("pakt ledger import", "`not_priced` and `rejected`", &imported["rejected"]),
        ("pakt ledger import", "one of `totals`", &imported["totals"][0]),
        ("pakt ledger import", "one of `coverage`", &imported["coverage"][0]),
        ("pakt ledger coverage", "one of `coverage`", &coverage["coverage"][0]),
        ("pakt ledger coverage", "one of `whole_by`", &coverage["coverage"][0]["whole_by"][0]),
        ("pakt ledger verify", "the answer", &verified),
        ("pakt ledger verify", "`log`", &verified["log"]),
        ("pakt ledger verify", "one of `checkpoints`", &verified["log"]["checkpoints"][0]),
        ("pakt ledger verify", "one of `keys`", &verified["log"]["keys"][0]),
        ("pakt ledger checkpoint --new-key", "the answer", &json(&NEW_KEY)),
        ("pakt usage", "the answer", &usage),
        ("pakt usage", "one of `usage`", &usage["usage"][0]),
    ] {
        let mut printed = keys(value);
        printed.remove("version");
        assert_eq!(listed(&page, command, object), printed, "{command}, {object}");
    }
}

#[test]
fn the_page_names_every_field_of_results() {
    let (place, page) = (Place::new(), page());
    evaluated(&place);
    let said = place.pakt(&RESULTS);
    let answer: Value = serde_json::from_str(&said.stdout).expect("JSON");
    for (object, value) in [
        ("the answer", &answer),
        ("one of `scores`", &answer["scores"][0]),
        ("one of `missing`", &answer["missing"][0]),
        ("one of `sources`", &answer["sources"][0]),
        ("one of `replaced`", &answer["replaced"][0]),
        ("one of `mixed_versions`", &answer["mixed_versions"][0]),
        ("one of `told`", &answer["told"][0]),
        ("one of `written`", &answer["written"][0]),
    ] {
        let mut printed = keys(value);
        if object == "the answer" {
            printed.remove("version");
        }
        assert_eq!(listed(&page, "pakt results", object), printed, "{object}");
    }
}

#[test]
fn the_page_names_every_field_of_init() {
    let (place, page) = (Place::new(), page());
    let (listed_there, written) =
        (place.json(&["--json", "init", "--list"]), place.json(&["--json", "init", "new.yaml"]));
    let text = place.json(&["--json", "init", "-"]);
    let (mut written, text) = (keys(&written), keys(&text));
    written.extend(text);
    written.remove("version");
    let mut answer = keys(&listed_there);
    answer.remove("version");
    for (command, object, printed) in [
        ("pakt init", "the answer", written),
        ("pakt init --list", "the answer", answer),
        ("pakt init --list", "one of `templates`", keys(&listed_there["templates"][0])),
    ] {
        assert_eq!(listed(&page, command, object), printed, "{command}, {object}");
    }
}

#[test]
fn the_page_names_every_field_of_provenance() {
    let (place, page) = (Place::new(), page());
    let (bare, frozen) = made(&place);
    for (command, object, value) in [
        ("pakt show --provenance", "the answer", &bare),
        ("pakt show --provenance", "`record`", &frozen["record"]),
        ("pakt show --provenance", "one of `repositories`", &frozen["record"]["repositories"][0]),
        ("pakt show --provenance", "`tree`", &frozen["record"]["repositories"][0]["tree"]),
        ("pakt show --provenance", "`frozen`", &frozen["record"]["frozen"]),
        ("pakt export", "the answer", &place.json(&["--json", "export", "frozen", "--ro-crate", "crate"])),
    ] {
        let mut printed = keys(value);
        let mut listed = listed(&page, command, object);
        if object == "the answer" {
            printed.retain(|name| !["version", "id", "name"].contains(&name.as_str()));
            // Of what stands in the lists.
            listed.retain(|name| !["link", "is_there", "modules"].contains(&name.as_str()));
        }
        // A name with digits is none to whoever reads the page here.
        printed.remove("sha256");
        // Those that are there where they are.
        let is_always = |name: &String| !["container", "modules", "not_seen"].contains(&name.as_str());
        listed.retain(is_always);
        printed.retain(is_always);
        assert_eq!(listed, printed, "{command}, {object}");
    }
}

/// A job without and one with code that it brings, and what is told of them.
fn made(place: &Place) -> (Value, Value) {
    let job = "name: bare\nkind: command\nproject: atlas\nsite: local\nlaunch: command\nrun: \"true\"\n\
               resources: { nodes: 1, cpus: 1, time: \"00:10:00\" }\n";
    place.write("bare.yaml", job);
    place.pakt(&["submit", "--watch", "bare.yaml"]);
    place.git(&["init", "--quiet"]);
    place.write(".gitignore", "*\n!*.yaml\n");
    place.write("frozen.yaml", &job.replace("name: bare", "name: frozen\ncode: frozen"));
    place.pakt(&["submit", "--watch", "frozen.yaml"]);
    let told = |name: &str| place.json(&["--json", "show", name, "--provenance"]);
    (told("bare"), told("frozen"))
}

const RESULTS: [&str; 6] = ["--json", "results", ".", "--csv", "scores.csv", "--force"];

/// Scores of two models: one is missing, one is told twice, and the task has two versions.
fn evaluated(place: &Place) {
    let score = |model: &str, metric: &str, value: f64, version: u8| {
        format!(
            "{{\"model\": \"{model}\", \"task\": \"t\", \"metric\": \"{metric}\", \"value\": {value}, \"version\": {version}}}\n"
        )
    };
    place.write("a.scores.jsonl", &(score("m", "acc", 0.5, 1) + &score("m", "f1", 0.5, 1) + "{}\n"));
    place.write("b.scores.jsonl", &(score("m", "acc", 0.25, 1) + &score("n", "acc", 0.5, 2)));
}

const IMPORT: [&str; 7] =
    ["ledger", "import", "runs.psv", "--observed-at", "2026-03-01T00:00:00Z", "--read-as", "site"];
const VERIFY: [&str; 4] = ["ledger", "verify", "--checkpoint", "kept"];
const NEW_KEY: [&str; 3] = ["ledger", "checkpoint", "--new-key"];
const USAGE: [&str; 5] = [
    "usage",
    "--by",
    "day,month,project,person,site,cluster,partition,gpu-model,end-state",
    "--at-site=local",
    "--site-charge",
];

/// A ledger of this machine with a checkpoint that was kept, and a file of runs beside it.
fn books(place: &Place) {
    place.json(&["--json", "ledger", "init"]);
    let grant = ["--json", "ledger", "grant", "atlas", "10", "--unit", "local:core", "--reference", "early"];
    place.json(&[&grant[..], &["--from", "2026-01-01", "--until", "2027-01-01"]].concat());
    place.write("kept", &place.pakt(&["ledger", "checkpoint"]).stdout);
    place.write(
        "runs.psv",
        "JobIDRaw|JobID|Cluster|User|Account|Partition|State|ExitCode|Submit|Start|End|ElapsedRaw|TimelimitRaw|AllocNodes|\
         AllocTRES\n4711|4711|local|ada|atlas|local|COMPLETED|0:0|1772000000|1772000060|1772003660|3600|60|1|cpu=8,node=1\n",
    );
}

#[test]
fn every_name_of_the_page_is_one_that_a_command_prints() {
    let place = Place::new();
    place.write("wrong.yaml", "name: x\n");
    let job = "name: tiny\nkind: command\nproject: atlas\nsite: local\nlaunch: command\nrun: \"sleep 3\"\n\
               resources: { nodes: 1, cpus: 1, time: \"00:10:00\" }\n";
    place.write("job.yaml", job);
    place.write("other.yaml", &job.replace("tiny", "other"));
    place.write("waits.yaml", &job.replace("name: tiny", "name: waits").replace("cpus: 1", "cpus: 2"));
    place.write("large.yaml", &job.replace("00:10:00", "20:00:00"));
    place.write("figures.csv", "project,unit,used,as_of\natlas,local:core,2,2026-11-01\n");
    books(&place);
    let mut printed = BTreeSet::new();
    collect(&failure(&place, &["check", "wrong.yaml"]), &mut printed);
    for words in [
        &["doctor"][..],
        &["ledger", "policy", "atlas", "--unit", "local:core", "--policy", "hard-stop"],
        &["ledger", "open", "atlas", "1", "--unit", "local:core", "--note", "portal"],
        &["ledger", "open", "atlas", "--from-site", "figures.csv"],
        &["ledger", "grant", "atlas", "10", "--unit", "jupiter:gh200", "--account", "hai"],
        &["plan", "job.yaml"],
        &["plan", "large.yaml"],
        &["submit", "job.yaml"],
        &["submit", "job.yaml", "other.yaml"],
        &["submit", "waits.yaml"],
        &["why", "waits"],
        &["balance"],
        &["watch", "tiny"],
        &["show", "tiny"],
        &["jobs", "--costs"],
        &["settle"],
        &["usage", "--by", "end-state", "--site-charge"],
        &["usage", "--mine"],
        &["sites"],
        &["ledger", "bindings"],
        &["ledger", "decisions"],
        &["ledger", "statement", "atlas"],
        &IMPORT,
        &["ledger", "coverage"],
        &VERIFY,
        &NEW_KEY,
        &USAGE,
    ] {
        collect(&place.json(&[&["--json"], words].concat()), &mut printed);
    }
    let (bare, frozen) = made(&place);
    collect(&bare, &mut printed);
    collect(&frozen, &mut printed);
    collect(&place.json(&["--json", "export", "frozen", "--ro-crate", "crate"]), &mut printed);
    collect(&place.json(&["--json", "init", "--list"]), &mut printed);
    collect(&place.json(&["--json", "init", "fresh.yaml"]), &mut printed);
    collect(&place.json(&["--json", "init", "-"]), &mut printed);
    evaluated(&place);
    collect(&serde_json::from_str(&place.pakt(&RESULTS).stdout).expect("JSON"), &mut printed);
    let out_of_memory = "run: \"echo torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB; exit 1\"";
    place.write("fails.yaml", &job.replace("tiny", "fails").replace("run: \"sleep 3\"", out_of_memory));
    place.pakt(&["submit", "--watch", "fails.yaml"]);
    collect(&place.json(&["--json", "show", "fails"]), &mut printed);
    let chain = format!("{}chain: {{ until: marker, max_links: 2 }}\n", job.replace("tiny", "chain"));
    place.write("chain.yaml", &chain);
    place.pakt(&["submit", "chain.yaml"]);
    collect(&place.json(&["--json", "show", "chain"]), &mut printed);
    collect(&place.json(&["--json", "resume", "chain"]), &mut printed);
    let sweep =
        format!("{}sweep: {{ grid: {{ seed: [1] }} }}\n", job.replace("tiny", "sweep").replace("sleep 3", "true"));
    place.write("sweep.yaml", &sweep);
    place.pakt(&["submit", "--watch", "sweep.yaml"]);
    collect(&place.json(&["--json", "show", "sweep"]), &mut printed);
    collect(&place.json(&["--json", "results", "sweep"]), &mut printed);
    let scores = "printf '{}' >$PAKT_RESULTS/scores.json";
    let evaluation = job.replace("tiny", "matrix").replace("kind: command", "kind: evaluate");
    let evaluation = evaluation.replace("\"sleep 3\"", &format!("|\n  {scores}"));
    place.write("matrix.yaml", &format!("{evaluation}evaluate: {{ models: m, tasks: t, harness: command, serve: {{ run: \"false $PAKT_PORT\" }} }}\n"));
    place.pakt(&["submit", "--watch", "matrix.yaml"]);
    collect(&serde_json::from_str(&place.pakt(&["--json", "results", "matrix"]).stdout).expect("JSON"), &mut printed);
    place.write("any.yaml", &job.replace("site: local", "site: any"));
    let two = "site: local\nmachine: { cpus: 2, gpus: 0 }\nssh: { jupiter: { hosts: [nowhere.invalid] } }\n";
    place.write("config.yaml", two);
    collect(&place.json(&["--json", "plan", "any.yaml"]), &mut printed);
    let unknown: Vec<String> = names(&page())
        .into_iter()
        .filter(|name| !printed.contains(name) && !OTHER_WORDS.contains(&name.as_str()))
        .collect();
    assert_eq!(unknown, [""; 0], "docs/reference/json.md names fields that no command prints");
}
