//! Why a job failed, as its person is told.

use crate::desk::Desk;

#[test]
fn what_the_log_tells_of_a_failure_is_told_with_what_to_do() {
    let desk = Desk::with_grant("10");
    let python = "Traceback (most recent call last):\n  File \"train.py\", line 3, in <module>\n";
    for (name, text, class, why, next) in [
        (
            "oom",
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
            "gpu-oom",
            "its log says: torch.OutOfMemoryError",
            "`pakt logs oom`",
        ),
        ("full", "OSError: [Errno 28] No space left on device", "io", "No space left on device", "`pakt logs full`"),
        (
            "mine",
            "ValueError: the vocabulary is empty",
            "user-code",
            "its program ended with exit code 3; its log says: ValueError",
            "`pakt logs mine`",
        ),
    ] {
        desk.write("said", &format!("step 1 loss=2.3\n{python}{text}\n"));
        let file = desk.job(name, "cat said >&2; exit 3");
        desk.pakt(&["submit", "--watch", &file]).expect(6);
        let shown = desk.json(&["show", name]);
        assert_eq!(shown["failure"]["class"], class, "{shown}");
        let told = |field: &str| shown["end"][field].as_str().unwrap_or_default().to_owned();
        assert!(told("why").contains(why) && told("next").contains(next), "{shown}");
    }
    let file = desk.job("well", "cat said >&2");
    desk.pakt(&["submit", "--watch", &file]).expect(0);
    assert!(desk.json(&["show", "well"])["failure"].is_null(), "a log alone is no failure");
}
