//! Scores as a person and a program see them: table, CSV, plots, and the HDF5 file as HDF5 reads it.

use hdf5::types::VarLenUnicode;
use insta::assert_snapshot;
use model::{Score, ScoreMatrix, ScoreSource, ScoredBy, ScoredTask, Subject, Timestamp};
use ndarray::{Array1, Array3, arr3};
use reports::{scores_courses, scores_csv, scores_hdf5, scores_svg, scores_table};
use std::collections::BTreeSet;

const NAN: f64 = f64::NAN;

fn source(file: &str, at: Option<i64>) -> ScoreSource {
    ScoreSource {
        file: file.to_owned(),
        digest: "ab".repeat(32),
        harness: at.map(|_| "lm-evaluation-harness".to_owned()),
        harness_version: at.map(|_| "0.4.9".to_owned()),
        git_hash: None,
        at: at.map(Timestamp::from_epoch_seconds),
        modified_at: None,
    }
}

fn score(model: &str, step: Option<u64>, task: (&str, u32), metric: &str, value: f64) -> Score {
    let (metric, unit) = metric.split_once(' ').map_or((metric, None), |(metric, unit)| (metric, Some(unit)));
    let (metric, filter) = metric.split_once(',').map_or((metric, None), |(metric, filter)| (metric, Some(filter)));
    Score {
        subject: Subject { model: model.parse().expect("a model"), step },
        task: ScoredTask { task: task.0.parse().expect("a task"), n_shot: Some(task.1) },
        by: ScoredBy {
            metric: metric.parse().expect("a metric"),
            filter: filter.map(|filter| filter.parse().expect("a filter")),
            unit: unit.map(|unit| unit.parse().expect("a unit")),
        },
        value,
        stderr: Some(0.0125),
        higher_is_better: Some(metric != "perplexity"),
        samples: Some(24),
        task_version: Some("1.0".to_owned()),
        is_group: false,
        source: 0,
    }
}

/// Two models, one with three checkpoints; one cell that is missing, one that is no number, one without an error.
fn matrix() -> ScoreMatrix {
    let of = |step, value| score("/scratch/ada/tiny", Some(step), ("sums", 0), "acc", value);
    let scores = vec![
        of(100, 0.25),
        of(200, 0.375),
        of(300, 0.5),
        score("/scratch/ada/tiny", Some(100), ("sums", 5), "exact_match,strict %", 12.5),
        Score { stderr: None, ..score("/scratch/ada/tiny", Some(200), ("wiki & <co>", 0), "perplexity", 1234.5) },
        score("/scratch/ada/tiny", Some(300), ("wiki & <co>", 0), "perplexity", NAN),
        Score { source: 1, ..score("hub/other", None, ("sums", 0), "acc", 0.0001) },
    ];
    let sources = vec![source("run/results_1.json", Some(1_795_000_000)), source("=b.scores.jsonl", None)];
    ScoreMatrix::of(&BTreeSet::new(), scores, sources).expect("small").0
}

#[test]
fn a_table_is_read_downwards() {
    assert_snapshot!(scores_table(&matrix()), @"
    task           model  step               acc  exact_match,strict (%)   perplexity
    sums (0-shot)  tiny    100    0.2500 ±0.0125
    sums (0-shot)  tiny    200    0.3750 ±0.0125
    sums (0-shot)  tiny    300    0.5000 ±0.0125
    sums (0-shot)  other     -  1.000e-4 ±0.0125
    sums (5-shot)  tiny    100                           12.5000 ±0.0125
    sums (5-shot)  tiny    200                                   missing
    sums (5-shot)  tiny    300                                   missing
    sums (5-shot)  other     -                                   missing
    wiki & <co>    tiny    100                                                missing
    wiki & <co>    tiny    200                                              1234.5000
    wiki & <co>    tiny    300                                            NaN ±0.0125
    wiki & <co>    other     -                                                missing
    ");
}

#[test]
fn csv_has_every_cell_that_is_told_or_missing() {
    assert_snapshot!(scores_csv(&matrix()).replace("\r\n", "\n"), @"
    model,step,task,n_shot,metric,filter,unit,value,stderr,higher_is_better,samples,task_version,is_group,is_missing,harness,harness_version,git_hash,at,file,digest
    /scratch/ada/tiny,100,sums,0,acc,,,0.25,0.0125,yes,24,1.0,no,no,lm-evaluation-harness,0.4.9,,2026-11-18T11:06:40Z,run/results_1.json,abababababababababababababababababababababababababababababababab
    /scratch/ada/tiny,100,sums,5,exact_match,strict,%,12.5,0.0125,yes,24,1.0,no,no,lm-evaluation-harness,0.4.9,,2026-11-18T11:06:40Z,run/results_1.json,abababababababababababababababababababababababababababababababab
    /scratch/ada/tiny,100,wiki & <co>,0,perplexity,,,,,,,,,yes,,,,,,
    /scratch/ada/tiny,200,sums,0,acc,,,0.375,0.0125,yes,24,1.0,no,no,lm-evaluation-harness,0.4.9,,2026-11-18T11:06:40Z,run/results_1.json,abababababababababababababababababababababababababababababababab
    /scratch/ada/tiny,200,sums,5,exact_match,strict,%,,,,,,,yes,,,,,,
    /scratch/ada/tiny,200,wiki & <co>,0,perplexity,,,1234.5,,no,24,1.0,no,no,lm-evaluation-harness,0.4.9,,2026-11-18T11:06:40Z,run/results_1.json,abababababababababababababababababababababababababababababababab
    /scratch/ada/tiny,300,sums,0,acc,,,0.5,0.0125,yes,24,1.0,no,no,lm-evaluation-harness,0.4.9,,2026-11-18T11:06:40Z,run/results_1.json,abababababababababababababababababababababababababababababababab
    /scratch/ada/tiny,300,sums,5,exact_match,strict,%,,,,,,,yes,,,,,,
    /scratch/ada/tiny,300,wiki & <co>,0,perplexity,,,NaN,0.0125,no,24,1.0,no,no,lm-evaluation-harness,0.4.9,,2026-11-18T11:06:40Z,run/results_1.json,abababababababababababababababababababababababababababababababab
    hub/other,,sums,0,acc,,,0.0001,0.0125,yes,24,1.0,no,no,,,,,'=b.scores.jsonl,abababababababababababababababababababababababababababababababab
    hub/other,,sums,5,exact_match,strict,%,,,,,,,yes,,,,,,
    hub/other,,wiki & <co>,0,perplexity,,,,,,,,,yes,,,,,,
    ");
}

#[test]
fn a_course_is_a_line_of_blocks() {
    assert_snapshot!(scores_courses(&matrix()).expect("three checkpoints"), @"
    task and metric      model  course   first    last  steps
    sums (0-shot) acc ↑  tiny   ▁▅█     0.2500  0.5000  100 to 300: 3
    ");
}

#[test]
fn a_course_is_a_line_with_bars_of_errors() {
    let (svg, left_out) = scores_svg(&matrix()).expect("three checkpoints");
    assert_eq!(left_out, 0);
    assert_snapshot!(svg, @r##"
    <svg xmlns="http://www.w3.org/2000/svg" width="420" height="290" viewBox="0 0 420 290" font-family="sans-serif" font-size="12">
    <rect width="100%" height="100%" fill="white"/>
    <line x1="64.0" y1="12.0" x2="88.0" y2="12.0" stroke="#0072b2" stroke-width="2"/>
    <text x="96.0" y="16.0" text-anchor="start">tiny</text>
    <g transform="translate(0 30)">
    <text x="64.0" y="20.0" text-anchor="start">sums (0-shot) acc ↑</text>
    <line x1="64.0" y1="224.0" x2="404.0" y2="224.0" stroke="#dddddd" stroke-width="1"/>
    <text x="58.0" y="228.0" text-anchor="end">0.2238</text>
    <line x1="64.0" y1="176.0" x2="404.0" y2="176.0" stroke="#dddddd" stroke-width="1"/>
    <text x="58.0" y="180.0" text-anchor="end">0.2994</text>
    <line x1="64.0" y1="128.0" x2="404.0" y2="128.0" stroke="#dddddd" stroke-width="1"/>
    <text x="58.0" y="132.0" text-anchor="end">0.3750</text>
    <line x1="64.0" y1="80.0" x2="404.0" y2="80.0" stroke="#dddddd" stroke-width="1"/>
    <text x="58.0" y="84.0" text-anchor="end">0.4506</text>
    <line x1="64.0" y1="32.0" x2="404.0" y2="32.0" stroke="#dddddd" stroke-width="1"/>
    <text x="58.0" y="36.0" text-anchor="end">0.5262</text>
    <text x="64.0" y="240.0" text-anchor="start">100</text>
    <text x="404.0" y="240.0" text-anchor="end">300</text>
    <text x="234.0" y="254.0" text-anchor="middle">step</text>
    <polyline points="64.0,207.3 234.0,128.0 404.0,48.7" fill="none" stroke="#0072b2" stroke-width="2"/>
    <line x1="64.0" y1="215.3" x2="64.0" y2="199.4" stroke="#0072b2" stroke-width="1"/>
    <circle cx="64.0" cy="207.3" r="2.5" fill="#0072b2"/>
    <line x1="234.0" y1="135.9" x2="234.0" y2="120.1" stroke="#0072b2" stroke-width="1"/>
    <circle cx="234.0" cy="128.0" r="2.5" fill="#0072b2"/>
    <line x1="404.0" y1="56.6" x2="404.0" y2="40.7" stroke="#0072b2" stroke-width="1"/>
    <circle cx="404.0" cy="48.7" r="2.5" fill="#0072b2"/>
    </g>
    </svg>
    "##);
}

#[test]
fn a_drawing_holds_any_text_and_any_number() {
    let values = [f64::MAX, -1e300, 1e300, 5e-324, NAN, f64::INFINITY];
    let named = |model: &str, (step, value): (u64, f64)| score(model, Some(step), ("a & <b> \"c\"", 0), "acc", value);
    let steps = [0, 1, u64::MAX, 7, 8, 9];
    let scores = steps.into_iter().zip(values).map(|of| named("m</text><script>", of));
    let (matrix, _) = ScoreMatrix::of(&BTreeSet::new(), scores.collect(), vec![source("a", None)]).expect("small");
    let (svg, _) = scores_svg(&matrix).expect("checkpoints");
    assert!(!svg.contains("<script") && svg.contains("a &amp; &lt;b&gt;"), "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    assert!(scores_courses(&matrix).is_some() && scores_table(&matrix).contains("NaN"));
}

#[test]
fn where_no_model_has_two_checkpoints_there_is_no_course() {
    let scores = vec![
        score("a", Some(1), ("t", 0), "acc", 0.5),
        score("b", Some(2), ("t", 0), "acc", 0.5),
        score("c", None, ("t", 0), "acc", 0.5),
    ];
    let (matrix, _) = ScoreMatrix::of(&BTreeSet::new(), scores, vec![source("a", None)]).expect("small");
    assert!(scores_svg(&matrix).is_none() && scores_courses(&matrix).is_none());
}

#[test]
fn courses_beyond_the_bound_are_counted() {
    let tasks: Vec<String> = (0..70).map(|task| format!("t{task:02}")).collect();
    let scores = tasks.iter().flat_map(|task| {
        (1..80).map(|step| score("m", Some(step), (task, 0), "acc", if step % 2 == 0 { 0.5 } else { 0.25 }))
    });
    let (matrix, _) = ScoreMatrix::of(&BTreeSet::new(), scores.collect(), vec![source("a", None)]).expect("small");
    let (svg, left_out) = scores_svg(&matrix).expect("checkpoints");
    assert_eq!((svg.matches("<g ").count(), left_out), (60, 10));
    let text = scores_courses(&matrix).expect("checkpoints");
    assert!(text.contains("1 to 79: 79, of which the last 60 are drawn"), "{text}");
    assert!(text.contains(&"▁█".repeat(30)) || text.contains(&"█▁".repeat(30)), "{text}");
}

/// The file, opened by HDF5 itself.
fn opened(matrix: &ScoreMatrix) -> (tempfile::TempDir, hdf5::File) {
    let bytes = scores_hdf5(matrix, "pakt 1.2.3").expect("a file");
    assert!(bytes.starts_with(b"\x89HDF\r\n\x1a\n"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scores.h5");
    std::fs::write(&path, bytes).expect("ours");
    let file = hdf5::File::open(&path).expect("HDF5");
    (folder, file)
}

fn words(place: &hdf5::Container) -> Vec<String> {
    let words: Array1<VarLenUnicode> = place.read_1d().expect("words");
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn hdf5_reads_back_what_was_written() {
    let matrix = matrix();
    let (_folder, file) = opened(&matrix);
    let numbers = |name: &str| -> Array3<f64> {
        file.dataset(name).and_then(|set| set.read::<f64, ndarray::Ix3>()).expect("three axes")
    };
    let list = |name: &str| words(&file.dataset(name).expect("a list"));
    assert_eq!(list("model"), ["/scratch/ada/tiny", "/scratch/ada/tiny", "/scratch/ada/tiny", "hub/other"]);
    let steps: Array1<i64> = file.dataset("step").and_then(|set| set.read_1d()).expect("steps");
    assert_eq!(steps.to_vec(), [100, 200, 300, -1]);
    assert_eq!(list("task"), ["sums", "sums", "wiki & <co>"]);
    assert_eq!(list("metric"), ["acc", "exact_match", "perplexity"]);
    assert_eq!(list("filter"), ["", "strict", ""]);
    let expected = arr3(&[
        [[0.25, NAN, NAN], [NAN, 12.5, NAN], [NAN, NAN, NAN]],
        [[0.375, NAN, NAN], [NAN, NAN, NAN], [NAN, NAN, 1234.5]],
        [[0.5, NAN, NAN], [NAN, NAN, NAN], [NAN, NAN, NAN]],
        [[0.0001, NAN, NAN], [NAN, NAN, NAN], [NAN, NAN, NAN]],
    ]);
    let bits = |array: &Array3<f64>| array.mapv(f64::to_bits);
    assert_eq!(bits(&numbers("value")), bits(&expected));
    assert!(numbers("stderr")[[1, 2, 2]].is_nan() && numbers("stderr")[[0, 0, 0]] > 0.0124);
    let flags = |name: &str| -> Vec<[usize; 3]> {
        let flags = file.dataset(name).and_then(|set| set.read::<bool, ndarray::Ix3>()).expect("flags");
        flags.indexed_iter().filter(|(_, is)| **is).map(|((a, b, c), _)| [a, b, c]).collect()
    };
    // What is told to be no number is present, and what is missing is not.
    let present: Vec<_> = matrix.scores().map(|(at, _)| at).collect();
    assert_eq!(flags("present"), present);
    assert!(present.contains(&[2, 2, 2]));
    assert_eq!(flags("missing"), matrix.missing().collect::<Vec<_>>());
    let attribute = |place: &str, name: &str| file.dataset(place).and_then(|set| set.attr(name)).expect("an attribute");
    assert_eq!(words(&attribute("metric", "units")), ["", "%", ""]);
    let better: Array1<i8> = attribute("metric", "higher_is_better").read_1d().expect("flags");
    assert_eq!(better.to_vec(), [1, 1, 0]);
    assert_eq!(words(&attribute("value", "dimensions")), ["model", "task", "metric"]);
    assert_eq!(words(&file.attr("harness_versions").expect("one")), ["lm-evaluation-harness 0.4.9"]);
    let said: VarLenUnicode = file.attr("made_by").and_then(|attribute| attribute.read_scalar()).expect("a word");
    assert_eq!(said.as_str(), "pakt 1.2.3");
    let sources: Array3<i64> = file.dataset("source").and_then(|set| set.read()).expect("places");
    assert_eq!([sources[[3, 0, 0]], sources[[0, 0, 0]], sources[[3, 1, 1]]], [1, 0, -1]);
    assert_eq!(list("sources/file"), ["run/results_1.json", "=b.scores.jsonl"]);
    assert_eq!(list("sources/at"), ["2026-11-18T11:06:40Z", ""]);
    assert_eq!(list("sources/digest")[0].len(), 64);
}

#[test]
fn several_threads_make_files_at_once() {
    let matrix = matrix();
    std::thread::scope(|scope| {
        let made: Vec<_> =
            (0..8).map(|_| scope.spawn(|| scores_hdf5(&matrix, "pakt").expect("a file").len())).collect();
        let sizes: Vec<usize> = made.into_iter().map(|one| one.join().expect("no panic")).collect();
        assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
    });
}

#[test]
fn a_file_without_harnesses_and_one_with_many_sources_are_made() {
    let sources: Vec<_> = (0..5_000).map(|n| source(&format!("{n}.scores.jsonl"), None)).collect();
    let scores = (0..5_000).map(|n| Score { source: n, ..score("m", Some(n as u64), ("t", 0), "acc", 0.5) });
    let (matrix, _) = ScoreMatrix::of(&BTreeSet::new(), scores.collect(), sources).expect("small");
    let (_folder, file) = opened(&matrix);
    assert_eq!(words(&file.dataset("sources/file").expect("a list")).len(), 5_000);
    assert!(words(&file.attr("harness_versions").expect("empty")).is_empty());
    let many = (0..3_000).map(|n| score("m", None, ("t", 0), &format!("m{n}"), 0.5));
    let (matrix, _) = ScoreMatrix::of(&BTreeSet::new(), many.collect(), vec![source("a", None)]).expect("small");
    assert_snapshot!(scores_hdf5(&matrix, "pakt").expect_err("a bound").to_string(), @"an HDF5 file has room for 2000 metrics, and there are 3000");
}
