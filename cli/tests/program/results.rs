//! `pakt results`: scores of evaluations, from files of the harness and of the simple form.

use crate::desk::Desk;
use insta::assert_snapshot;
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../jobs/tests/results/fixtures");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/results.md");

/// A desk with the results of two checkpoints, as the harness lays them down.
fn desk() -> Desk {
    let desk = Desk::new();
    for step in ["100", "200"] {
        let folder = desk.work().join(format!("out/tiny__checkpoint-{step}"));
        fs::create_dir_all(&folder).expect("ours");
        let fixture = Path::new(FIXTURES).join(format!("lm-eval-0.4.13-checkpoint-{step}.json"));
        fs::copy(fixture, folder.join("results_2026-11-27T16-08-30.json")).expect("a fixture");
        desk.write(&format!("out/tiny__checkpoint-{step}/samples_sums_2026-11-27T16-08-30.jsonl"), "{\"doc_id\": 0}\n");
    }
    desk
}

#[test]
fn results_of_the_harness_stand_side_by_side() {
    let desk = desk();
    assert_snapshot!(desk.pakt(&["results", "out"]).shown(), @"
    exit 0
    --- stdout
    task          model  step             acc        acc_norm  exact_match,flexible-extract  exact_match,strict-match     ratio
    odd           tiny    100  1.0000 ±0.0000                                                                          NaN ±NaN
    odd           tiny    200  1.0000 ±0.0000                                                                          NaN ±NaN
    sums          tiny    100  0.0417 ±0.0417  0.2083 ±0.0847
    sums          tiny    200  0.1250 ±0.0690  0.3750 ±0.1009
    sums_of_all   tiny    100  0.0417 ±0.0417
    sums_of_all   tiny    200  0.1250 ±0.0690
    written_sums  tiny    100                                                0.0000 ±0.0000            0.0000 ±0.0000
    written_sums  tiny    200                                                0.0000 ±0.0000            0.0000 ±0.0000
    --- stderr
    note: out/tiny__checkpoint-100/results_2026-11-27T16-08-30.json: `ratio` of `odd` is NaN
    note: out/tiny__checkpoint-200/results_2026-11-27T16-08-30.json: `ratio` of `odd` is NaN
    ");
    assert_snapshot!(desk.pakt(&["results", "out", "--plot", "--task", "sums*", "--metric", "acc*"]).shown(), @"
    exit 0
    --- stdout
    task and metric    model  course   first    last  steps
    sums acc ↑         tiny   ▁█      0.0417  0.1250  100 to 200: 2
    sums acc_norm ↑    tiny   ▁█      0.2083  0.3750  100 to 200: 2
    sums_of_all acc ↑  tiny   ▁█      0.0417  0.1250  100 to 200: 2
    ");
    assert_snapshot!(desk.pakt(&["results", "out", "--quiet", "--csv", "-", "--metric", "ratio"]).shown(), @"
    exit 0
    --- stdout
    model,step,task,n_shot,metric,filter,unit,value,stderr,higher_is_better,samples,task_version,is_group,is_missing,harness,harness_version,git_hash,at,file,digest
    tiny,100,odd,0,ratio,,,NaN,NaN,no,24,0.0,no,no,lm-evaluation-harness,0.4.13,,2026-11-27T16:08:24Z,out/tiny__checkpoint-100/results_2026-11-27T16-08-30.json,69d47c14e7e614fb21920119d8a3f934e4d27ab1f43d07dfaef1fecbf7b549e0
    tiny,200,odd,0,ratio,,,NaN,NaN,no,24,0.0,no,no,lm-evaluation-harness,0.4.13,,2026-11-27T16:08:42Z,out/tiny__checkpoint-200/results_2026-11-27T16-08-30.json,30ce3abe444fa71d22aa1a0faf696ab8aa88ec3acc3563c9738f101f231b6416
    ");
}

#[test]
fn a_bad_file_is_told_and_the_command_ends_with_its_code() {
    let desk = desk();
    desk.write("out/results_broken.json", "{\"results\": {\"sums\"");
    desk.write(
        "out/late.scores.jsonl",
        "{\"model\": \"tiny\", \"step\": 100, \"task\": \"odd\", \"n_shot\": 0, \"metric\": \"acc\", \"value\": 0.5, \
         \"date\": \"2030-01-01T00:00:00Z\", \"version\": \"9\"}\n{\"model\": \"tiny\"}\n",
    );
    let ran = desk.pakt(&["results", "out", "--task", "odd"]);
    assert_snapshot!(ran.shown(), @"
    exit 2
    --- stdout
    task  model  step             acc     ratio
    odd   tiny    100          0.5000  NaN ±NaN
    odd   tiny    200  1.0000 ±0.0000  NaN ±NaN
    --- stderr
    warning: out/late.scores.jsonl:2: left out: there is no `task`
    warning: out/results_broken.json: not read: it is no JSON: EOF while parsing an object at line 1 column 19
    note: out/tiny__checkpoint-100/results_2026-11-27T16-08-30.json: `ratio` of `odd` is NaN
    note: out/tiny__checkpoint-200/results_2026-11-27T16-08-30.json: `ratio` of `odd` is NaN
    note: 1 score of out/tiny__checkpoint-100/results_2026-11-27T16-08-30.json stands with another value in out/late.scores.jsonl, which is later and counts
    note: scores of `odd` are of several versions of the task, which may not compare: 0.0, 9
    ");
    assert_eq!(desk.pakt(&["results", "--quiet", "out"]).expect(2).stderr, "");
}

#[test]
fn what_cannot_be_shown_is_refused_with_the_reason() {
    let desk = desk();
    desk.write("one.scores.jsonl", "{\"model\": \"m\", \"task\": \"t\", \"metric\": \"a\", \"value\": 1}");
    fs::create_dir(desk.work().join("empty")).expect("ours");
    let shown: String = [
        &["results", "nowhere"][..],
        &["results", "empty"],
        &["results", "out", "--task", "mmlu*"],
        &["results", "out", "--hdf5", "-"],
        &["results", "out", "--csv", "x", "--hdf5", "x"],
        &["results", "out", "--csv", "-", "--svg", "-"],
        &["results", "out", "--csv", "no/such/folder.csv"],
        &["results", "one.scores.jsonl", "--svg", "x.svg"],
    ]
    .into_iter()
    .map(|words| {
        let ran = desk.pakt(words).expect(2);
        assert_eq!(ran.stdout, "");
        let state = desk.home().join("state").display().to_string();
        format!("{}\n{}", words[1..].join(" "), ran.stderr.replace(&state, "STATE"))
    })
    .collect();
    assert_snapshot!(shown, @"
    nowhere
    error: no results were read
    why:   `nowhere` is no file and no folder here, and there is no job `nowhere`: no job under `STATE` has this id, scheduler id or name
    next:  name a folder with results, or a job with a sweep: `pakt jobs` lists them
    empty
    error: no results were read
    why:   no file there has a name of results
    next:  name files or folders with `results_*.json` of lm-evaluation-harness, or `*.scores.jsonl` (docs/results.md)
    out --task mmlu*
    error: no results were read
    why:   no score of 2 files is one of the wanted
    next:  name others with `--task`, `--metric` or `--model`, or none to see what there is
    out --hdf5 -
    error: no results were written
    why:   an HDF5 file does not go to stdout
    next:  name a file: `--hdf5 scores.h5`
    out --csv x --hdf5 x
    error: no results were written
    why:   `x` is named for two forms
    next:  name a file for each
    out --csv - --svg -
    error: no results were written
    why:   `-` is named for two forms
    next:  name a file for each
    out --csv no/such/folder.csv
    error: no results were written
    why:   `no/such/folder.csv`: there is no such file or folder
    next:  name another file
    one.scores.jsonl --svg x.svg
    error: no results were written
    why:   no model has scores of two checkpoints at one task by one metric
    next:  leave `--svg` out; docs/results.md says where steps come from
    ");
    assert!(desk.pakt(&["results", "one.scores.jsonl", "--plot"]).expect(0).stdout.starts_with("no model has scores"));
    let left: Vec<_> = fs::read_dir(desk.work()).expect("ours").map(|entry| entry.expect("ours").file_name()).collect();
    assert_eq!(left.len(), 3, "nothing was written: {left:?}");
}

#[test]
fn a_file_that_is_there_stays_unless_it_is_to_be_written_over() {
    let desk = desk();
    let csv = desk.write("scores.csv", "mine\n");
    assert_snapshot!(desk.pakt(&["results", "out", "--hdf5", "new.h5", "--csv", "scores.csv"]).shown(), @"
    exit 2
    --- stderr
    error: no results were written
    why:   `scores.csv`: it is there already
    next:  name another file, or write over it with `--force`
    ");
    assert_eq!(fs::read_to_string(&csv).expect("ours"), "mine\n");
    assert!(!desk.work().join("new.h5").exists());
    desk.pakt(&["results", "out", "--csv", "scores.csv", "--force"]).expect(0);
    let text = fs::read_to_string(&csv).expect("ours");
    assert!(text.starts_with("model,step,task,") && text.ends_with("\r\n"), "{text}");
    // A folder is not written over.
    desk.pakt(&["results", "out", "--csv", "out", "--force"]).expect(2);
    desk.pakt(&["results", "out", "--svg", "scores.svg"]).expect(0);
    assert!(fs::read_to_string(desk.work().join("scores.svg")).expect("it is there").contains("<polyline"));
    let names = fs::read_dir(desk.work()).expect("ours").map(|entry| entry.expect("ours").file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["out", "scores.csv", "scores.svg"], "no draft is left");
}

#[test]
fn a_folder_that_takes_no_file_is_told_and_nothing_is_left() {
    let desk = desk();
    let folder = desk.work().join("closed");
    fs::create_dir(&folder).expect("ours");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).expect("ours");
    let ran = desk.pakt(&["results", "out", "--csv", "closed/scores.csv"]);
    // Root may write there.
    if ran.code == Some(0) {
        return;
    }
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(fs::read_dir(&folder).expect("ours").next().is_none());
}

#[test]
fn results_need_neither_configuration_nor_home() {
    let desk = desk();
    desk.configure("sight: [no configuration\n");
    desk.pakt(&["results", "out"]).expect(0);
    let mut command = desk.command(["results", "out"]);
    command.env("PAKT_HOME", "/dev/null/nowhere");
    desk.finish(&["results", "out"], command).expect(0);
}

#[test]
fn programs_read_every_score_with_its_source() {
    let desk = desk();
    let json = desk.json(&["results", "out", "--hdf5", "scores.h5"]);
    assert_eq!(json["written"][0]["form"], "hdf5");
    let scores = json["scores"].as_array().expect("a list");
    assert_eq!((scores.len(), &json["files"]), (14, &2.into()));
    let ratio = scores.iter().find(|score| score["metric"] == "ratio").expect("it is told");
    assert!(ratio["value"].is_null() && ratio["value_text"] == "NaN" && ratio["higher_is_better"] == false, "{ratio}");
    let acc = scores.iter().find(|score| score["task"] == "sums" && score["step"] == 100).expect("it is told");
    assert_eq!(acc["value"].as_f64().map(f64::to_bits), Some(0.041_666_666_666_666_664_f64.to_bits()));
    let source = &json["sources"][acc["source"].as_u64().and_then(|at| usize::try_from(at).ok()).expect("a place")];
    let file = source["file"].as_str().expect("a name");
    assert_eq!(file, "out/tiny__checkpoint-100/results_2026-11-27T16-08-30.json");
    assert_eq!(source["digest"].as_str().map(str::len), Some(64));
    assert_eq!((&source["harness_version"], &source["at"]), (&"0.4.13".into(), &"2026-11-27T16:08:24Z".into()));
}

/// The block of this kind in the page.
fn block(kind: &str) -> String {
    let page = fs::read_to_string(PAGE).expect("the page");
    let (_, rest) = page.split_once(&format!("```{kind}\n")).expect("a block");
    rest.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn real_python_reads_the_matrix_as_the_page_shows() {
    let h5py = std::env::var("PAKT_CI_H5PY").expect("PAKT_CI_H5PY names an environment with h5py (ci/test sets it)");
    let desk = Desk::new();
    let page = fs::read_to_string(PAGE).expect("the page");
    let (_, scores) = page.split_once("<!-- file: mine.scores.jsonl -->\n```\n").expect("the scores");
    desk.write("mine.scores.jsonl", scores.split_once("```").expect("its end").0);
    desk.pakt(&["results", "mine.scores.jsonl", "--hdf5", "scores.h5"]).expect(0);
    desk.write("read.py", &block("python"));
    let output = Command::new(Path::new(&h5py).join("bin/python")).arg("read.py").current_dir(desk.work()).output();
    let output = output.expect("Python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), block("text"), "what docs/results.md shows");
}

/// Everything that the page says of the file is asked of `h5py`.
const ASKED: &str = r#"
import h5py, numpy, sys
file = h5py.File("scores.h5")
shape = tuple(len(file[axis]) for axis in ("model", "task", "metric"))
for name, kind in {"value": "f8", "stderr": "f8", "samples": "i8", "source": "i8", "present": "?", "missing": "?"}.items():
    assert file[name].shape == shape and file[name].dtype == numpy.dtype(kind), (name, file[name])
    assert list(file[name].attrs["dimensions"]) == ["model", "task", "metric"], name
assert file["value"][:].dtype == numpy.float64
assert set(file.keys()) == {"value", "stderr", "samples", "source", "present", "missing", "model", "step", "task", "n_shot", "metric", "filter", "sources"}
assert set(file["sources"]) == {"file", "digest", "harness", "harness_version", "git_hash", "at"}
assert set(file.attrs) == {"harness_versions", "first_at", "last_at", "made_by", "layout_version"}
assert set(file["metric"].attrs) == {"units", "higher_is_better"}
assert numpy.array_equal(numpy.isnan(file["value"][:]) & file["present"][:], [[[m == b"ratio" and t == b"odd" for m in file["metric"]] for t in file["task"]] for _ in file["model"]])
assert not (file["present"][:] & file["missing"][:]).any()
assert (file["source"][:] >= 0).sum() == file["present"][:].sum() == 14
for name in ("model", "step", "task", "n_shot", "metric", "filter"):
    values = file[name].asstr()[:] if file[name].dtype.kind == "O" else file[name][:]
    print(name, *values)
print("acc", *file["value"][:, list(file["task"].asstr()).index("sums"), list(file["metric"].asstr()).index("acc")])
print("better", *file["metric"].attrs["higher_is_better"], "units", [str(unit) for unit in file["metric"].attrs["units"]])
print(*file.attrs["harness_versions"], file.attrs["first_at"], file.attrs["last_at"], *file.attrs["layout_version"])
print(*file["sources/file"].asstr())
"#;

#[test]
fn real_python_finds_everything_that_the_page_tells_of_the_file() {
    let h5py = std::env::var("PAKT_CI_H5PY").expect("PAKT_CI_H5PY names an environment with h5py (ci/test sets it)");
    let desk = desk();
    desk.pakt(&["results", "out", "--hdf5", "scores.h5"]).expect(0);
    let mut command = Command::new(Path::new(&h5py).join("bin/python"));
    let output = command.args(["-c", ASKED]).current_dir(desk.work()).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_snapshot!(String::from_utf8_lossy(&output.stdout), @"
    model tiny tiny
    step 100 200
    task odd sums sums_of_all written_sums
    n_shot 0 0 -1 2
    metric acc acc_norm exact_match exact_match ratio
    filter   flexible-extract strict-match 
    acc 0.041666666666666664 0.125
    better 1 1 1 1 0 units ['', '', '', '', '']
    lm-evaluation-harness 0.4.13 2026-11-27T16:08:24Z 2026-11-27T16:08:42Z 1
    out/tiny__checkpoint-100/results_2026-11-27T16-08-30.json out/tiny__checkpoint-200/results_2026-11-27T16-08-30.json
    ");
}
