//! The `sweep` part: the cells of a job, and how its links work through them.

use super::{fields::Fields, secret::looks_secret, surroundings, sweep_file};
use model::{Environment, Launch, ParameterName, Sweep};
use std::path::Path;

/// The most cells of a sweep.
pub(super) const MOST_CELLS: usize = 10_000;
/// The most links: what one archive seals.
pub(crate) const MOST_LINKS: u32 = 1_000;
/// The most cells that a link works through.
pub(super) const MOST_PACKED: u32 = 1_000;
/// The most cells at once on one node: one a GPU, and as much again.
const MOST_SIDE_BY_SIDE: u32 = 16;
/// The longest value, in bytes.
pub(super) const LONGEST_VALUE: usize = 4_096;
/// The ways to say which cells there are.
const WAYS: [&str; 4] = ["grid", "zip", "list", "file"];
/// All fields.
const FIELDS: [&str; 7] = ["grid", "zip", "list", "file", "pack", "side_by_side", "at_once"];
/// Variables by which the shell, the libraries and the launchers find their way, and those that bash sets itself.
const TAKEN: [&str; 67] = [
    "CDPATH",
    "CHILD_MAX",
    "COPROC",
    "CUDA_VISIBLE_DEVICES",
    "DIRSTACK",
    "ENV",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "EXECIGNORE",
    "FIGNORE",
    "FUNCNAME",
    "FUNCNEST",
    "GLOBIGNORE",
    "GROUPS",
    "HISTCMD",
    "HOME",
    "HOSTNAME",
    "IFS",
    "INPUTRC",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LINENO",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "MAPFILE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "OLDPWD",
    "OPTARG",
    "OPTERR",
    "OPTIND",
    "PATH",
    "PERL5LIB",
    "PIPESTATUS",
    "POSIXLY_CORRECT",
    "PPID",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PWD",
    "PYTHONHOME",
    "PYTHONPATH",
    "RANDOM",
    "RANK",
    "READLINE_LINE",
    "REPLY",
    "ROCR_VISIBLE_DEVICES",
    "SECONDS",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "TIMEFORMAT",
    "TMOUT",
    "TMPDIR",
    "TZ",
    "UID",
    "USER",
    "WORLD_SIZE",
    "ZE_AFFINITY_MASK",
    "_",
];
/// Beginnings of names that are bash's, or the batch script's own.
const TAKEN_PREFIXES: [&str; 5] = ["BASH", "COMP_", "HIST", "LC_", "pakt_"];

/// What else the job says that a sweep has to go together with.
pub(super) struct Beside<'a> {
    pub(super) launch: Option<Launch>,
    pub(super) nodes: Option<u32>,
    pub(super) environment: &'a Environment,
}

/// The parameters and the cells, as they were written.
pub(super) struct Table {
    pub(super) parameters: Vec<String>,
    pub(super) cells: Vec<Vec<String>>,
}

/// Reads `sweep`; none where the job has none, or it could not be read.
pub(super) fn read(job: &Fields<'_>, directory: &Path, beside: &Beside<'_>) -> Option<Sweep> {
    if !job.has("sweep") {
        return None;
    }
    let fields = job.below("sweep");
    fields.only(&FIELDS);
    if job.has("chain") {
        let what = "a chain goes on with one work, and a sweep has many";
        job.mistake("sweep", what, "keep one of them; a cell longer than the limit is a chain of its own");
    }
    if job.has("output") {
        let what = "the links of a sweep cannot write to one file, and each has a log of its own";
        job.mistake("output", what, "leave it out: `pakt logs JOB --cell N` prints what a cell said");
    }
    let table = table(&fields, directory);
    let pack = fields.up_to("pack", MOST_PACKED).unwrap_or(1);
    let side_by_side = side_by_side(&fields, pack, beside);
    let at_once = fields.up_to("at_once", MOST_LINKS);
    let Table { parameters, cells } = table?;
    let parameters = parameters.iter().map(|name| parameter(&fields, name, beside.environment));
    let parameters = parameters.collect::<Option<Vec<_>>>()?;
    let sweep =
        Sweep { parameters, cells, pack, side_by_side, at_once, evaluation: None, follows: None, continues: None };
    let way = WAYS.into_iter().find(|way| fields.has(way)).unwrap_or("grid");
    is_of_a_size(&fields, way, &sweep).then_some(sweep)
}

fn table(fields: &Fields<'_>, directory: &Path) -> Option<Table> {
    let ways: Vec<&str> = WAYS.into_iter().filter(|way| fields.has(way)).collect();
    let table = match ways.as_slice() {
        ["grid"] => grid(&columns(fields, "grid")),
        ["zip"] => zip(fields, &columns(fields, "zip")),
        ["list"] => list(fields),
        [_] => sweep_file::read(fields, directory),
        [] => {
            let example = "{ lr: [1e-4, 3e-4], seed: [1, 2] }";
            return fields.required("grid", None, example);
        }
        [_, second, ..] => {
            let what = format!("the cells are told twice, by `{}`", ways.join("` and `"));
            fields.mistake(second, what, "keep one of them");
            return None;
        }
    }?;
    let wrong = table.cells.iter().flatten().find(|value| !is_value(value));
    if let Some(value) = wrong {
        let shown: String = value.chars().filter(|letter| !letter.is_control()).take(40).collect();
        let what = format!(
            "the value `{shown}` has a line break or another control character, or more than {LONGEST_VALUE} bytes"
        );
        fields.mistake(ways[0], what, "write it into a file, and let the cells name files");
        return None;
    }
    Some(table)
}

fn is_value(text: &str) -> bool {
    text.len() <= LONGEST_VALUE && !text.chars().any(char::is_control)
}

/// The values of each parameter, in the order of the file.
fn columns(fields: &Fields<'_>, way: &str) -> Vec<(String, Vec<String>)> {
    let below = fields.below(way);
    let mut columns = Vec::new();
    if fields.is_map(way) && below.keys().next().is_none() {
        fields.mistake(way, "no parameter is in it", format!("write `{way}: {{ lr: [1e-4, 3e-4], seed: [1, 2] }}`"));
    }
    for name in below.keys() {
        let values = below.texts(name);
        if values.is_empty() {
            below.key_mistake(name, format!("`{name}` has no value"), format!("write `{name}: [1, 2, 3]`"));
        }
        columns.push((name.to_owned(), values));
    }
    columns
}

/// All combinations; the last parameter changes fastest. One cell more than may be where there are more.
fn grid(columns: &[(String, Vec<String>)]) -> Option<Table> {
    let mut cells: Vec<Vec<String>> = vec![Vec::new()];
    for (_, values) in columns {
        let longer = cells.iter().flat_map(|cell| values.iter().map(move |value| (cell, value)));
        let longer = longer.map(|(cell, value)| cell.iter().chain([value]).cloned().collect());
        cells = longer.take(MOST_CELLS + 1).collect();
    }
    let parameters: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    (!parameters.is_empty() && !cells.is_empty()).then_some(Table { parameters, cells })
}

/// The first values of all, then the second ones.
fn zip(fields: &Fields<'_>, columns: &[(String, Vec<String>)]) -> Option<Table> {
    let (first, values) = columns.first()?;
    if let Some((name, other)) = columns.iter().find(|(_, other)| other.len() != values.len()) {
        let what = format!("`{name}` has {} values, and `{first}` has {}", other.len(), values.len());
        fields.below("zip").key_mistake(name, what, "write as many for each; `grid` takes all combinations");
        return None;
    }
    let cell = |place: usize| columns.iter().filter_map(|(_, values)| values.get(place).cloned()).collect();
    let cells: Vec<Vec<String>> = (0..values.len().min(MOST_CELLS + 1)).map(cell).collect();
    let parameters = columns.iter().map(|(name, _)| name.clone()).collect();
    (!cells.is_empty()).then_some(Table { parameters, cells })
}

/// Cell by cell. The first one says what the parameters are called.
fn list(fields: &Fields<'_>) -> Option<Table> {
    let items = fields.mappings("list");
    let parameters: Vec<String> = items.iter().take(1).flat_map(Fields::keys).map(str::to_owned).collect();
    if fields.is_list("list") && parameters.is_empty() {
        fields.mistake("list", "the first cell has no value", "write cells such as `- { lr: 1e-4, seed: 1 }`");
    }
    let known: Vec<&str> = parameters.iter().map(String::as_str).collect();
    let mut cells = Vec::new();
    let mut is_whole = !parameters.is_empty();
    for item in items.iter().take(MOST_CELLS + 1) {
        item.only(&known);
        let value = |name: &&str| item.required(name, item.text(name), "1");
        match known.iter().map(value).collect() {
            Some(cell) => cells.push(cell),
            None => is_whole = false,
        }
    }
    is_whole.then_some(Table { parameters, cells })
}

fn parameter(fields: &Fields<'_>, name: &str, environment: &Environment) -> Option<ParameterName> {
    let way = WAYS.into_iter().find(|way| fields.has(way)).unwrap_or("grid");
    let wrong = |what: String, next: &str| {
        if fields.is_map(way) {
            fields.below(way).key_mistake(name, what, next);
        } else {
            fields.mistake(way, what, next);
        }
        None
    };
    let parameter = match name.parse::<ParameterName>() {
        Ok(parameter) => parameter,
        Err(error) => return wrong(error.to_string(), "the program finds its value in a variable of that name"),
    };
    let is_taken = TAKEN.contains(&name) || TAKEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    if surroundings::is_owned(name) || is_taken {
        return wrong(format!("`{name}` means something to the shell, to Slurm or to Pakt"), "choose another name");
    }
    if environment.variables.contains_key(name) {
        return wrong(format!("`{name}` is one of the job's own variables, too"), "keep it in one place");
    }
    if looks_secret(name) {
        return wrong(
            format!("`{name}` looks like a secret, and a job file keeps it in plain sight"),
            "let the program read a file",
        );
    }
    Some(parameter)
}

pub(super) fn side_by_side(fields: &Fields<'_>, pack: u32, beside: &Beside<'_>) -> u32 {
    let Some(count) = fields.up_to("side_by_side", MOST_SIDE_BY_SIDE).filter(|count| *count > 1) else { return 1 };
    let is_one_process = beside.launch.is_none_or(|launch| launch == Launch::Command);
    if !is_one_process {
        let what = "a launcher takes all GPUs of the job";
        fields.mistake("side_by_side", what, "`launch: command`, or leave it out: the cells come one after the other");
    } else if beside.nodes.is_some_and(|nodes| nodes > 1) {
        fields.mistake("side_by_side", "a command runs on the first node alone", "`nodes: 1`, and more links");
    } else if count > pack {
        let what = format!("a link has {pack} cells, and never {count} at once");
        fields.mistake("side_by_side", what, format!("write at least `pack: {count}`"));
    }
    count
}

/// Whether there are not too many cells, nor links of them, and each cell is there once; `way` is the field that says which there are.
pub(super) fn is_of_a_size(fields: &Fields<'_>, way: &str, sweep: &Sweep) -> bool {
    let (cells, links) = (sweep.cells.len(), sweep.links().get());
    if cells > MOST_CELLS {
        fields.mistake(way, format!("these are more than {MOST_CELLS} cells"), "write several jobs");
        return false;
    }
    if links > MOST_LINKS {
        let least = cells.div_ceil(usize::try_from(MOST_LINKS).unwrap_or(usize::MAX));
        let what = format!(
            "{cells} cells, {} a job of the scheduler's, are {links} of those, and at most {MOST_LINKS} may be",
            sweep.pack
        );
        fields.mistake("pack", what, format!("write at least `pack: {least}`"));
        return false;
    }
    let twice = first_twice(sweep);
    if let Some(cell) = twice {
        let what = format!("`{}` is there twice", sweep.title(cell).unwrap_or_default());
        fields.mistake(way, what, "name each cell once; a `seed` tells repetitions apart");
    }
    twice.is_none()
}

/// The first cell that came before.
fn first_twice(sweep: &Sweep) -> Option<usize> {
    let mut seen = std::collections::HashSet::new();
    sweep.cells.iter().position(|cell| !seen.insert(cell))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job_file::document::Document;
    use model::LinkNumber;
    use proptest::prelude::*;
    use std::fs;

    /// What is read of the text of `sweep`, and every mistake.
    fn sweep_of(text: &str, launch: Launch, directory: &Path) -> (Option<Sweep>, Vec<String>) {
        let document = Document::read(&format!("sweep: {text}\n")).expect("well formed");
        let findings = crate::job_file::fields::Findings::default();
        let mut environment = Environment::default();
        environment.variables.insert("MODE".to_owned(), "fast".to_owned());
        let beside = Beside { launch: Some(launch), nodes: Some(1), environment: &environment };
        let sweep = read(&Fields::of("", &document.root, &findings), directory, &beside);
        let found = findings.into_inner();
        (
            sweep,
            found
                .into_iter()
                .map(|(place, finding)| format!("{}:{} {}", place.line, finding.field, finding.what))
                .collect(),
        )
    }

    fn read_of(text: &str) -> (Option<Sweep>, Vec<String>) {
        sweep_of(text, Launch::Command, Path::new("/nowhere"))
    }

    #[test]
    fn each_way_tells_the_cells_in_their_order_and_values_as_they_are_written() {
        for (text, parameters, cells) in [
            ("{ grid: { lr: [1e-4, 3.0], seed: [1, 2] } }", "lr seed", "1e-4 1|1e-4 2|3.0 1|3.0 2"),
            ("{ grid: { seed: [1, 2], lr: 1e-4 } }", "seed lr", "1 1e-4|2 1e-4"),
            ("{ zip: { lr: [1e-4, 3.0], seed: [1, 2] } }", "lr seed", "1e-4 1|3.0 2"),
            ("{ list: [{ lr: 1e-4, seed: 7 }, { seed: 8, lr: 0x2 }] }", "lr seed", "1e-4 7|0x2 8"),
        ] {
            let (sweep, mistakes) = read_of(text);
            let sweep = sweep.unwrap_or_else(|| panic!("{text}: {mistakes:?}"));
            let names: Vec<&str> = sweep.parameters.iter().map(ParameterName::as_str).collect();
            let read: Vec<String> = sweep.cells.iter().map(|cell| cell.join(" ")).collect();
            assert_eq!(
                (names.join(" ").as_str(), read.join("|").as_str(), mistakes),
                (parameters, cells, Vec::new()),
                "{text}"
            );
            assert_eq!((sweep.pack, sweep.side_by_side, sweep.at_once), (1, 1, None));
        }
    }

    #[test]
    fn a_file_tells_cells_with_the_names_on_top() {
        let folder = tempfile::tempdir().expect("a folder");
        for (text, cells) in [
            ("lr,seed\n1e-4,1\n\"3,0\",2\n", "1e-4 1|3,0 2"),
            ("lr\tseed\r\n1e-4\t1\r\na,b\t2\r\n", "1e-4 1|a,b 2"),
            ("\u{feff}lr,seed\n1,2", "1 2"),
        ] {
            fs::write(folder.path().join("cells.csv"), text).expect("a file");
            let (sweep, mistakes) = sweep_of("{ file: cells.csv, pack: 2 }", Launch::Srun, folder.path());
            let sweep = sweep.unwrap_or_else(|| panic!("{text}: {mistakes:?}"));
            let read: Vec<String> = sweep.cells.iter().map(|cell| cell.join(" ")).collect();
            assert_eq!((read.join("|").as_str(), sweep.links()), (cells, LinkNumber::FIRST), "{text}");
            assert_eq!(sweep.parameters[0].as_str(), "lr");
        }
        for (text, said) in [
            ("", "has no cell"),
            ("lr,seed\n", "has no cell"),
            ("lr,seed\n1\n", "line 2 has 1 values"),
            ("lr,lr\n1,2\n", "`lr` is there twice"),
            ("lr rate\n1\n", "is no parameter name"),
        ] {
            fs::write(folder.path().join("cells.csv"), text).expect("a file");
            let (sweep, mistakes) = sweep_of("{ file: cells.csv }", Launch::Srun, folder.path());
            assert!(sweep.is_none() && mistakes.len() == 1 && mistakes[0].contains(said), "{text:?}: {mistakes:?}");
        }
        fs::write(folder.path().join("cells.csv"), [0xff, 0xfe, 0x0a]).expect("a file");
        for (name, said) in [("cells.csv", "UTF-8"), ("none.csv", "No such file"), (".", "is no file")] {
            let (sweep, mistakes) = sweep_of(&format!("{{ file: {name} }}"), Launch::Srun, folder.path());
            assert!(sweep.is_none() && mistakes.len() == 1 && mistakes[0].contains(said), "{name}: {mistakes:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_sweep_is_told_where_it_stands() {
        for (text, said) in [
            ("{}", "1:sweep.grid `sweep.grid` is missing"),
            ("{ pack: 2 }", "1:sweep.grid `sweep.grid` is missing"),
            ("{ grid: {} }", "1:sweep.grid no parameter is in it"),
            ("{ grid: { lr: [] } }", "1:sweep.grid.lr `lr` has no value"),
            ("{ grid: 7 }", "1:sweep.grid `sweep.grid` holds a single value, not fields"),
            ("{ list: [] }", "1:sweep.list the first cell has no value"),
            ("{ list: { lr: 1 } }", "1:sweep.list `sweep.list` must be a list"),
            ("{ list: [{ lr: 1 }, {}] }", "1:sweep.list[1].lr `sweep.list[1].lr` is missing"),
            ("{ list: [{ lr: 1 }, { lr: 2, seed: 3 }] }", "1:sweep.list[1].seed there is no field `seed`"),
            ("{ zip: { lr: [1, 2], seed: [1] } }", "1:sweep.zip.seed `seed` has 1 values, and `lr` has 2"),
            ("{ grid: { lr: [1] }, zip: { lr: [1] } }", "1:sweep.zip the cells are told twice, by `grid` and `zip`"),
            ("{ grid: { lr: [1, 1] } }", "1:sweep.grid `lr=1` is there twice"),
            (
                "{ grid: { my-lr: [1] } }",
                "1:sweep.grid.my-lr `my-lr` is no parameter name: letters, digits and `_`, at most 64, starting with a letter or `_`",
            ),
            ("{ grid: { PATH: [1] } }", "1:sweep.grid.PATH `PATH` means something to the shell, to Slurm or to Pakt"),
            (
                "{ grid: { PAKT_LINK: [1] } }",
                "1:sweep.grid.PAKT_LINK `PAKT_LINK` means something to the shell, to Slurm or to Pakt",
            ),
            ("{ grid: { MODE: [1] } }", "1:sweep.grid.MODE `MODE` is one of the job's own variables, too"),
            (
                "{ grid: { HF_TOKEN: [1] } }",
                "1:sweep.grid.HF_TOKEN `HF_TOKEN` looks like a secret, and a job file keeps it in plain sight",
            ),
            (
                "{ grid: { lr: [\"a\\nb\"] } }",
                "1:sweep.grid the value `ab` has a line break or another control character, or more than 4096 bytes",
            ),
            ("{ grid: { lr: [1] }, pack: 0 }", "1:sweep.pack `0` is not a whole number from 1 on"),
            ("{ grid: { lr: [1] }, side_by_side: 2 }", "1:sweep.side_by_side a link has 1 cells, and never 2 at once"),
            ("{ gird: { lr: [1] } }", "1:sweep.gird there is no field `gird`"),
        ] {
            let (_, mistakes) = read_of(text);
            assert_eq!(mistakes.first().map(String::as_str), Some(said), "{text}: {mistakes:?}");
        }
        let (_, mistakes) =
            sweep_of("{ grid: { lr: [1] }, pack: 2, side_by_side: 2 }", Launch::Torchrun, Path::new("/"));
        assert_eq!(mistakes, ["1:sweep.side_by_side a launcher takes all GPUs of the job"]);
    }

    #[test]
    fn the_bounds_are_told_with_what_fits() {
        let values = |count: usize| (0..count).map(|value| value.to_string()).collect::<Vec<_>>().join(", ");
        let (sweep, mistakes) = read_of(&format!("{{ grid: {{ a: [{}], b: [{}] }} }}", values(101), values(100)));
        assert!(sweep.is_none() && mistakes[0].contains("more than 10000 cells"), "{mistakes:?}");
        let (sweep, mistakes) = read_of(&format!("{{ grid: {{ a: [{}], b: [{}] }} }}", values(100), values(11)));
        assert!(sweep.is_none() && mistakes[0].contains("1100 of those, and at most 1000"), "{mistakes:?}");
        let (sweep, mistakes) =
            read_of(&format!("{{ grid: {{ a: [{}], b: [{}] }}, pack: 2 }}", values(100), values(11)));
        assert_eq!((sweep.map(|sweep| sweep.links().get()), mistakes), (Some(550), Vec::new()));
    }

    proptest! {
        #[test]
        fn any_sweep_is_answered_without_panic(text in "\\{ ?((grid|zip|list|file|pack|side_by_side|a|b|: |, |\\[|\\]|\\{|\\}|1|\"){0,30})\\}") {
            if let Ok(document) = Document::read(&format!("sweep: {text}\n")) {
                let findings = crate::job_file::fields::Findings::default();
                let environment = Environment::default();
                let beside = Beside { launch: None, nodes: None, environment: &environment };
                let sweep = read(&Fields::of("", &document.root, &findings), Path::new("/nowhere"), &beside);
                let is_there = matches!(&document.root.value, crate::job_file::document::Value::Map(entries)
                    if entries.iter().any(|(key, node)| key.text == "sweep" && !matches!(node.value, crate::job_file::document::Value::Null)));
                prop_assert!(sweep.is_some() || !is_there || !findings.into_inner().is_empty(), "none, and no word of it");
            }
        }
    }
}
