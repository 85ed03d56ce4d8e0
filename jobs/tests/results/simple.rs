//! The simple form.

use crate::desk::{Desk, lines};
use insta::assert_snapshot;

#[tokio::test]
async fn one_object_a_list_and_lines_are_one_form() {
    let first = r#"{"model": "7b", "step": 100, "task": "mt-bench", "metric": "score", "value": 6.5, "stderr": 0.1, "unit": "points", "higher_is_better": true, "samples": 80, "version": 2, "n_shot": 0, "filter": "first-turn", "harness": "ours", "harness_version": "1", "git_hash": "abc", "date": "2026-11-23T22:14:00Z"}"#;
    let second =
        r#"{"model": "7b/checkpoint-200", "task": "speed", "metric": "tokens", "value": Infinity, "date": 1700000000}"#;
    let forms = [
        ("a.scores.jsonl", format!("{first}\n\n{second}\n")),
        ("scores.json", format!("[{first}, {second}]")),
        ("scores.json", format!("{first}\n{second}")),
    ];
    let mut texts = Vec::new();
    for (name, text) in forms {
        let desk = Desk::new();
        desk.write(name, text);
        let results = desk.read().await.expect("scores");
        texts.push(lines(&results));
        let source = &results.matrix.sources()[0];
        assert_eq!(source.at.map(|at| at.to_string()).as_deref(), Some("2026-11-23T22:14:00Z"), "{name}");
        assert_eq!(source.harness.as_deref(), Some("ours"), "{name}");
        assert_eq!(results.told.len(), 1, "infinity is told: {:?}", results.told);
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
    assert_snapshot!(texts[0], @"
    7b@100 mt-bench/0 score,first-turn 6.5000 points ±0.1000 up of 80 v2
    7b@200 speed/- tokens inf
    ");
    let desk = Desk::new();
    desk.write("scores.json", first);
    assert_eq!(desk.read().await.expect("one").matrix.scores().count(), 1);
}

#[tokio::test]
async fn a_bad_line_hides_no_other_and_is_told_with_its_number() {
    let desk = Desk::new();
    desk.write(
        "scores.jsonl",
        "{\"model\": \"m\", \"task\": \"t\", \"metric\": \"a\", \"value\": 1}\n\
         {\"model\": \"m\", \"task\": \"t\", \"metric\": \"b\", \"val\n\
         {\"model\": \"m\", \"task\": \"t\", \"value\": 1}\n\
         {\"model\": \"m\", \"task\": \"t\", \"metric\": \"c\", \"value\": \"high\"}\n\
         {\"model\": \"m\\u001b[2J\", \"task\": \"t\", \"metric\": \"c\", \"value\": 1}\n\
         [1]\n\
         {\"model\": \"m\", \"task\": \"t\", \"metric\": \"d\", \"value\": 4, \"stder\": 0.1, \"date\": \"soon\"}\n\
         {\"model\": \"m\", \"task\": \"t\", \"metric\": \"e\", \"value\": 1, \"step\": -1}\n",
    );
    let results = desk.read().await.expect("two scores");
    assert_snapshot!(lines(&results), @"
    m t/- a 1.0000
    m t/- d 4.0000
    ");
    assert_snapshot!(desk.told(&results.told).join("\n"), @"
    scores.jsonl:2: entry: the line is no JSON: EOF while parsing a string at line 1 column 47
    scores.jsonl:3: entry: there is no `metric`
    scores.jsonl:4: entry: `value` is no number
    scores.jsonl:5: entry: `m�[2J` is no name of a model: one line of at most 1024 bytes
    scores.jsonl:6: entry: it is no object with `model`, `task`, `metric` and `value`
    scores.jsonl:7: note: `date` is neither a time such as `2026-11-23T22:14:00Z` nor seconds since 1970
    scores.jsonl:7: note: there is no field `stder`, which is passed over
    scores.jsonl:8: entry: `step`: invalid value: integer `-1`, expected u64
    ");
}

#[tokio::test]
async fn remarks_about_one_file_have_a_bound() {
    let desk = Desk::new();
    let good = "{\"model\": \"m\", \"task\": \"t\", \"metric\": \"a\", \"value\": 1}\n";
    desk.write("scores.jsonl", format!("{}{good}", "{}\n".repeat(5_000)));
    let results = desk.read().await.expect("a score");
    assert_eq!(results.told.len(), 21);
    assert_eq!(results.told[20].what, "and 4980 more such remarks");
}
