//! `configuration.md`: `config.yaml` and the environment, and that both tables are what the program knows.

use crate::{
    page::{code, compare, root, table},
    program::{Place, cell, rows},
};
use std::{collections::BTreeSet, path::Path};

const HEAD: &str = "\
Configuration is resolved once, when the program starts: the command line goes before `config.yaml`, and that before what \
the machine and the site's profile say. `pakt doctor` shows what came of it.

`config.yaml` lies in `$PAKT_HOME`; without it in `$XDG_CONFIG_HOME/pakt`, else in `~/.config/pakt`. An absent file is an \
empty one. A field that is not listed here is an error. Paths may begin with `~` or `$NAME`, and must be absolute then.
";

const SITES: &str = "\
Each `*.yaml` in the folder `sites/` beside `config.yaml` is a site's profile. It replaces the built-in profile of the \
same `site:` as a whole, or adds a site. `pakt sites show SITE` prints the profile to begin with, and \
[sites.md](sites.md) lists the built-in ones.
";

#[test]
fn the_page_of_the_configuration_is_what_the_program_knows() {
    let place = Place::new();
    let fields = rows(&place, "configuration").into_iter().map(|row| {
        let (path, example) = (cell(&row, "path"), cell(&row, "example"));
        vec![code(&path), cell(&row, "value"), cell(&row, "default"), code(&example), cell(&row, "meaning")]
    });
    let variables =
        rows(&place, "variables").into_iter().map(|row| vec![code(&cell(&row, "name")), cell(&row, "meaning")]);
    let text = format!(
        "{HEAD}\n## config.yaml\n\n{}\n## Site profiles of your own\n\n{SITES}\n## Environment variables\n\n{}",
        table(&["field", "value", "without it", "example", "meaning"], fields),
        table(&["variable", "meaning"], variables),
    );
    compare("configuration.md", "Configuration", &text);
}

#[test]
fn every_listed_field_is_read() {
    let place = Place::new();
    for row in rows(&place, "configuration") {
        let (path, example) = (cell(&row, "path"), cell(&row, "example"));
        if example.is_empty() {
            continue;
        }
        let mut names: Vec<&str> = path.split('.').map(|name| if name == "SITE" { "jupiter" } else { name }).collect();
        let last = names.pop().unwrap_or_default();
        let inner = format!("{last}: {example}");
        let line = names.iter().rev().fold(inner, |inner, holder| format!("{holder}: {{ {inner} }}"));
        place.write("config.yaml", &line);
        place.printed(&["sites", "show", "local"]);
    }
}

#[test]
fn no_other_field_is_read() {
    let place = Place::new();
    let listed: Vec<String> = rows(&place, "configuration").iter().map(|row| cell(row, "path")).collect();
    for (holder, text) in [
        ("", "zzzzzzzz: 1\n"),
        ("machine", "machine: { zzzzzzzz: 1 }\n"),
        ("slurm_rest", "slurm_rest: { zzzzzzzz: 1 }\n"),
        ("ssh.SITE", "ssh: { jupiter: { zzzzzzzz: 1 } }\n"),
    ] {
        place.write("config.yaml", text);
        let said = place.pakt(&["sites", "show", "local"]);
        assert_eq!(said.code, Some(2), "{text}");
        let known = said.stderr.split_once("the fields here are: ").expect("the list").1;
        let known = known.lines().next().expect("a line");
        let below = listed.iter().filter_map(|path| match path.rsplit_once('.') {
            Some((above, name)) => (above == holder).then_some(name),
            None => holder.is_empty().then_some(path.as_str()),
        });
        assert_eq!(known, below.collect::<Vec<_>>().join(", "), "below `{holder}`");
    }
}

#[test]
fn the_listed_variables_are_those_that_the_program_reads() {
    let place = Place::new();
    let listed: BTreeSet<String> = rows(&place, "variables").iter().map(|row| cell(row, "name")).collect();
    let mut read = BTreeSet::new();
    collect(&root().join("cli/src"), &mut read);
    assert_eq!(listed, read);
}

/// The names in `variables.get("NAME")`, the one way in which the environment is read.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, names);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        assert!(!text.contains("env::var("), "{}: the environment is read in configuration.rs alone", path.display());
        for (_, rest) in text.match_indices("variables.get(\"").map(|(at, found)| text.split_at(at + found.len())) {
            names.insert(rest.split('"').next().unwrap_or_default().to_owned());
        }
    }
}
