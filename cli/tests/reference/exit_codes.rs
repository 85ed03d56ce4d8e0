//! `exit-codes.md`: of the program, and of a job's script.

use crate::{
    page::{compare, root, table},
    program::{Place, cell, rows},
};

const HEAD: &str = "\
Every command ends with one of these. With `--json` a failure is [an object](json.md) on stderr with the same code in `error.exit_code`.
";

const WATCH: &str = "\
They speak of the command, not of the job, but for 6, which `pakt watch` and `pakt submit --watch` end with. \
`pakt show --json JOB` has the code of the job's own program, in `attempts[].exit_code`.
";

const DOCTOR: &str = "\
`pakt doctor` ends with the code of the gravest need that is not met: 1 for a ledger that is not sound, 2 for what has to \
be mended in the configuration or on this machine, 3 for a scheduler or a ledger that does not answer. Warnings end with \
0. `pakt why` ends with 5 where nobody knows where the job is, and else with 0. `pakt plan` ends with 4 where `submit` would. \
`pakt results` prints what it could read and ends with 2 where a file or a part of one is no result, and with 3 where one could not be read.
";

const SCRIPT: &str = "\
A batch script ends with its program's code; above 128 it is the signal that ended it, plus 128. These codes mean that the \
program was not started. A second scheduler job for a link that is claimed already ends with 0, having done nothing.
";

#[test]
fn the_page_of_the_exit_codes_is_what_the_program_knows() {
    let place = Place::new();
    let codes = rows(&place, "exit_codes").into_iter();
    let codes = codes.map(|row| vec![row["code"].to_string(), cell(&row, "meaning"), cell(&row, "next")]);
    let text = format!(
        "{HEAD}\n{}\n{WATCH}\n{DOCTOR}\n## Of a job\n\n{SCRIPT}\n{}",
        table(&["code", "meaning", "what to do"], codes),
        table(&["code", "meaning"], of_scripts()),
    );
    compare("exit-codes.md", "Exit codes", &text);
}

/// The codes of the batch script with their comments: `templates` has them as constants.
fn of_scripts() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("templates/src/exit_code.rs")).expect("the constants");
    let mut rows = Vec::new();
    let mut comment = String::new();
    for line in text.lines() {
        if let Some(words) = line.strip_prefix("/// ") {
            comment.push_str(words);
        } else if let Some((_, code)) = line.strip_prefix("pub const ").and_then(|rest| rest.split_once(": u8 = ")) {
            rows.push(vec![code.trim_end_matches(';').to_owned(), std::mem::take(&mut comment)]);
        }
    }
    assert!(!rows.is_empty(), "templates/src/exit_code.rs has another shape now");
    rows
}

#[test]
fn codes_are_what_commands_end_with() {
    let place = Place::new();
    place.write("wrong.yaml", "name: x\n");
    for (arguments, code) in [
        (&["--version"][..], 0),
        (&["no-such-command"], 2),
        (&["check", "wrong.yaml"], 2),
        (&["show", "nothing"], 2),
        (&["ledger", "verify"], 2),
    ] {
        let said = place.pakt(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {}", said.stderr);
    }
}
