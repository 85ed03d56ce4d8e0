//! Files that the LM Evaluation Harness wrote (fixtures/README.md).

use crate::desk::{Desk, fixture, lines};
use insta::assert_snapshot;
use jobs::results::ToldKind;

/// What is read of one file, and what is told.
async fn read(version: &str) -> String {
    let desk = Desk::new();
    desk.copy(version, "results_2026.json");
    let results = desk.read().await.expect("scores");
    let told: String = desk.told(&results.told).iter().map(|line| format!("{line}\n")).collect();
    let source = &results.matrix.sources()[0];
    let said = [&source.harness, &source.harness_version, &source.git_hash].map(|word| word.as_deref().unwrap_or("-"));
    assert_eq!(source.digest, blake3::hash(&fixture(version)).to_hex().to_string());
    format!("{} {}\n{}{told}", said.join(" "), source.at.expect("a date"), lines(&results))
}

#[tokio::test]
async fn of_0_4_2() {
    assert_snapshot!(read("0.4.2").await, @"
    lm-evaluation-harness - - 2026-11-27T16:06:24Z
    tiny@100 odd/0 acc 1.0000 ±0.0000 v0.0
    tiny@100 odd/0 ratio NaN ±NaN v0.0
    tiny@100 sums/0 acc 0.0417 ±0.0417 v1.0
    tiny@100 sums/0 acc_norm 0.2083 ±0.0847 v1.0
    results_2026.json: note: `ratio` of `odd` is NaN
    ");
}

#[tokio::test]
async fn of_0_4_5() {
    assert_snapshot!(read("0.4.5").await, @"
    lm-evaluation-harness - - 2026-11-27T16:07:22Z
    tiny@100 odd/0 acc 1.0000 ±0.0000 up of 24 v0.0
    tiny@100 odd/0 ratio NaN ±NaN down of 24 v0.0
    tiny@100 sums/0 acc 0.0417 ±0.0417 up of 24 v1.0
    tiny@100 sums/0 acc_norm 0.2083 ±0.0847 up of 24 v1.0
    tiny@100 written_sums/2 exact_match,flexible-extract 0.0000 ±0.0000 up of 24 v2.0
    tiny@100 written_sums/2 exact_match,strict-match 0.0000 ±0.0000 up of 24 v2.0
    results_2026.json: note: `ratio` of `odd` is NaN
    ");
}

#[tokio::test]
async fn of_0_4_9() {
    assert_snapshot!(read("0.4.9").await, @"
    lm-evaluation-harness 0.4.9 - 2026-11-27T16:08:12Z
    tiny@200 odd/0 acc 1.0000 ±0.0000 up of 24 v0.0
    tiny@200 odd/0 ratio NaN ±NaN down of 24 v0.0
    tiny@200 sums/0 acc 0.1250 ±0.0690 up of 24 v1.0
    tiny@200 sums/0 acc_norm 0.3750 ±0.1009 up of 24 v1.0
    tiny@200 sums_of_all/- acc 0.1250 ±0.0690 up v1.0 group
    tiny@200 written_sums/2 exact_match,flexible-extract 0.0000 ±0.0000 up of 24 v2.0
    tiny@200 written_sums/2 exact_match,strict-match 0.0000 ±0.0000 up of 24 v2.0
    results_2026.json: note: `ratio` of `odd` is NaN
    ");
}

#[tokio::test]
async fn of_0_4_13() {
    assert_snapshot!(read("0.4.13-checkpoint-100").await, @"
    lm-evaluation-harness 0.4.13 - 2026-11-27T16:08:24Z
    tiny@100 odd/0 acc 1.0000 ±0.0000 up of 24 v0.0
    tiny@100 odd/0 ratio NaN ±NaN down of 24 v0.0
    tiny@100 sums/0 acc 0.0417 ±0.0417 up of 24 v1.0
    tiny@100 sums/0 acc_norm 0.2083 ±0.0847 up of 24 v1.0
    tiny@100 sums_of_all/- acc 0.0417 ±0.0417 up v1.0 group
    tiny@100 written_sums/2 exact_match,flexible-extract 0.0000 ±0.0000 up of 24 v2.0
    tiny@100 written_sums/2 exact_match,strict-match 0.0000 ±0.0000 up of 24 v2.0
    results_2026.json: note: `ratio` of `odd` is NaN
    ");
}

#[tokio::test]
async fn no_number_is_told_and_hides_no_other_score() {
    let desk = Desk::new();
    desk.copy("0.4.2", "results.json");
    let results = desk.read().await.expect("scores");
    let ratio = results.matrix.scores().find(|(_, score)| score.by.metric.as_str() == "ratio").expect("it is there");
    assert!(ratio.1.value.is_nan() && ratio.1.stderr.is_some_and(f64::is_nan));
    assert_eq!(results.matrix.scores().count(), 4);
    assert!(results.told.iter().all(|told| told.kind == ToldKind::Note));
}

#[tokio::test]
async fn the_latest_of_several_counts_by_the_harness_date() {
    let desk = Desk::new();
    // The same evaluation by four versions, of which 0.4.9 has the other checkpoint; their dates lie in this order.
    for version in ["0.4.13-checkpoint-100", "0.4.5", "0.4.2", "0.4.9", "0.4.13-checkpoint-200"] {
        desk.copy(version, &format!("{version}/results_1.json"));
    }
    let results = desk.read().await.expect("scores");
    let versions = results.matrix.scores().map(|(_, score)| &results.matrix.sources()[score.source]);
    assert!(versions.map(|source| source.harness_version.as_deref()).all(|version| version == Some("0.4.13")));
    assert_eq!(results.matrix.missing().count(), 0);
    let dropped: Vec<_> = results.replaced.iter().map(|of| (of.scores, of.differing)).collect();
    assert_eq!(dropped.iter().map(|(scores, _)| scores).sum::<u64>(), 4 + 6 + 7, "{dropped:?}");
    assert!(dropped.iter().all(|(_, differing)| *differing == 0), "a seed is a seed: {dropped:?}");
}

#[tokio::test]
async fn older_and_newer_words_of_the_harness_are_read() {
    let desk = Desk::new();
    // `N/A` for an error, arguments as an object, versions as words, a group in its own list alone, `num_fewshot` in configs, a
    // commit and `--limit` stand in files of these versions.
    desk.write(
        "results_1.json",
        r#"{"results": {"t": {"alias": "t", "bleu,none": 7, "bleu_stderr,none": "N/A", "odd,none": "N/A"}},
            "groups": {"g": {"acc,none": 0.5, "alias": "g"}, "t": {"acc,none": 9}}, "versions": {"t": "Yaml"},
            "configs": {"t": {"num_fewshot": 5}}, "git_hash": "5a481f43", "date": 1700000000,
            "config": {"model": "vllm", "model_args": {"pretrained": "m/7b", "revision": "step30"}, "limit": 10.0}}"#,
    );
    let results = desk.read().await.expect("scores");
    assert_snapshot!(lines(&results), @"
    m/7b@30 g/- acc 0.5000 group
    m/7b@30 t/5 bleu 7.0000 vYaml group
    ");
    assert_snapshot!(desk.told(&results.told).join("\n"), @"
    results_1.json: note: it was made with `--limit 10.0`: a part of each task's samples
    results_1.json: entry: `odd,none` of `t` is no number
    ");
    assert_eq!(results.matrix.sources()[0].git_hash.as_deref(), Some("5a481f43"));
}
