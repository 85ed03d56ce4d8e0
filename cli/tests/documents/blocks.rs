//! Reads the blocks of a document and the comments that direct them.

/// A part of a document that a test does something with.
#[derive(Debug)]
pub(crate) enum Part {
    /// A file to be written.
    File {
        /// Its name.
        name: String,
        /// What is in it.
        text: String,
    },
    /// Commands to be run.
    Commands(Commands),
}

/// A block of commands.
#[derive(Debug)]
pub(crate) struct Commands {
    /// Where they run.
    pub(crate) site: String,
    /// What runs first, and is not shown.
    pub(crate) before: Vec<String>,
    /// Jobs that are waited for first.
    pub(crate) over: Vec<String>,
    /// The exit code of the last one.
    pub(crate) code: i32,
    /// The commands.
    pub(crate) shown: Vec<Shown>,
}

/// A command as it is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// The command.
    pub(crate) command: String,
    /// What it prints; none where the block shows commands alone.
    pub(crate) output: Option<Vec<String>>,
}

/// What stands in front of a block.
#[derive(Default)]
struct Directions {
    site: Option<String>,
    file: Option<String>,
    before: Vec<String>,
    over: Vec<String>,
    code: Option<i32>,
}

impl Directions {
    fn read(&mut self, line: &str) {
        let Some(comment) = line.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")) else { return };
        let Some((word, value)) = comment.trim().split_once(": ") else { return };
        let value = value.to_owned();
        match word {
            "on" => self.site = Some(value),
            "file" => self.file = Some(value),
            "before" => self.before.push(value),
            "over" => self.over.push(value),
            "exit" => self.code = Some(value.parse().expect("an exit code")),
            _ => panic!("`{word}` is no comment that directs a block: {line}"),
        }
    }
}

/// The parts of a document, in order. Panics, naming the line, at what cannot be run.
pub(crate) fn parts(document: &str, text: &str) -> Vec<Part> {
    let lines: Vec<&str> = text.lines().collect();
    let (mut parts, mut directions, mut at) = (Vec::new(), Directions::default(), 0);
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        let Some(info) = line.strip_prefix("```") else {
            refuse_indented(document, at, &lines);
            directions.read(line);
            continue;
        };
        let length = lines[at..].iter().position(|line| *line == "```");
        let length = length.unwrap_or_else(|| panic!("{document}:{at}: the block has no end"));
        let block = &lines[at..at + length];
        let place = format!("{document}:{at}");
        parts.extend(part(&place, info, at + 1, block, std::mem::take(&mut directions)));
        at += length + 1;
    }
    parts
}

/// An indented block would be shown as code and not be run.
fn refuse_indented(document: &str, at: usize, lines: &[&str]) {
    let is_first = at < 2 || lines[at - 2].is_empty();
    let is_code = is_first && lines[at - 1].starts_with("    ");
    assert!(!is_code, "{document}:{at}: code stands between lines of three backticks, with an info string");
}

fn part(place: &str, info: &str, first: usize, block: &[&str], directions: Directions) -> Option<Part> {
    if let Some(name) = directions.file {
        return Some(Part::File { name, text: block.iter().map(|line| format!("{line}\n")).collect() });
    }
    let shown = match info {
        "console" => with_output(place, first, block),
        "sh" => without_output(first, block),
        "crontab" => scheduled(place, first, block),
        "yaml" | "text" | "python" => {
            let is_command =
                |line: &&&str| line.starts_with("$ ") || line.starts_with("pakt ") || line.starts_with("./ci/");
            assert!(!block.iter().any(|line| is_command(&line)), "{place}: a command in a block that is not run");
            return None;
        }
        _ => panic!("{place}: `{info}` is no info string that a test knows (console, sh, crontab, yaml, text, python)"),
    };
    Some(Part::Commands(Commands {
        site: directions.site.unwrap_or_else(|| "local".to_owned()),
        before: directions.before,
        over: directions.over,
        code: directions.code.unwrap_or(0),
        shown,
    }))
}

fn with_output(place: &str, first: usize, block: &[&str]) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    for (index, line) in block.iter().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(Shown { line: first + index, command: command.to_owned(), output: Some(Vec::new()) });
        } else {
            let last = commands.last_mut().unwrap_or_else(|| panic!("{place}: output without a command"));
            last.output.get_or_insert_default().push((*line).to_owned());
        }
    }
    commands
}

/// One command a line; a backslash at its end joins the next one.
fn without_output(first: usize, block: &[&str]) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    let mut is_open = false;
    for (index, line) in block.iter().enumerate() {
        match commands.last_mut().filter(|_| is_open) {
            Some(last) => last.command.push_str(&format!("\n{line}")),
            None if line.is_empty() || line.starts_with('#') => continue,
            None => commands.push(Shown { line: first + index, command: (*line).to_owned(), output: None }),
        }
        is_open = line.ends_with('\\');
    }
    commands
}

/// crontab(5): five fields of time, then the command.
fn scheduled(place: &str, first: usize, block: &[&str]) -> Vec<Shown> {
    let lines = block.iter().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let shown = lines.map(|(index, line)| {
        let command = line.splitn(6, ' ').nth(5).unwrap_or_else(|| panic!("{place}: a line without a command"));
        Shown { line: first + index, command: command.to_owned(), output: None }
    });
    shown.collect()
}

#[test]
fn blocks_are_read_with_what_stands_in_front_of_them() {
    let text = "<!-- file: a.yaml -->\n```yaml\nx: 1\n```\n\n<!-- on: jupiter -->\n<!-- exit: 2 -->\n```console\n$ one\nsaid\n$ two\n```\n\
                \n```sh\n# a comment\nthree \\\n  four\n```\n```crontab\n1 * * * * five --quiet\n```\n";
    let parts = parts("a document", text);
    assert!(matches!(&parts[0], Part::File { name, text } if name == "a.yaml" && text == "x: 1\n"));
    let blocks = parts.iter().filter_map(|part| if let Part::Commands(block) = part { Some(block) } else { None });
    let told: Vec<String> = blocks
        .map(|block| {
            let shown = block.shown.iter().map(|shown| format!("{}:{}:{:?}", shown.line, shown.command, shown.output));
            format!("{} {} {}", block.site, block.code, shown.collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "jupiter 2 9:one:Some([\"said\"]) 11:two:Some([])",
            "local 0 16:three \\\n  four:None",
            "local 0 20:five --quiet:None"
        ]
    );
}

#[test]
#[should_panic(expected = "a command in a block that is not run")]
fn a_command_in_a_block_of_text_is_a_mistake() {
    parts("a document", "```text\npakt jobs\n```\n");
}
