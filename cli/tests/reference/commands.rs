//! `commands.md`: what `--help` says of every command.

use crate::{page::compare, program::Place};

/// How deep commands are nested at most: `pakt ledger grant`.
const DEEPEST: usize = 3;

#[test]
fn the_page_of_the_commands_is_what_help_says() {
    let place = Place::new();
    let mut text =
        String::from("What `pakt COMMAND --help` prints. [Exit codes](exit-codes.md) have a page of their own.\n");
    describe(&place, &[], &mut text);
    compare("commands.md", "Commands", &text);
}

fn describe(place: &Place, command: &[&str], text: &mut String) {
    let mut arguments = command.to_vec();
    arguments.push("--help");
    let help = place.printed(&arguments);
    let title = ["pakt"].iter().chain(command).copied().collect::<Vec<_>>().join(" ");
    text.push_str(&format!("\n## {title}\n\n```text\n{}\n```\n", help.trim_end()));
    assert!(command.len() < DEEPEST, "`{title}` is nested too deep for this page");
    for name in subcommands(&help) {
        let below = [command, &[name]].concat();
        describe(place, &below, text);
    }
}

/// The names in the list `Commands:`; lines that go on are indented further.
fn subcommands(help: &str) -> Vec<&str> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    list.filter_map(|line| {
        line.strip_prefix("  ")?.split_whitespace().next().filter(|name| line.starts_with(&format!("  {name}")))
    })
    .collect()
}
