//! Mistakes on the command line, in the lines and the object of every other failure.

use super::Screen;
use crate::{arguments::Arguments, failure::Failure};
use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::{error::Error as _, ffi::OsString, io, process::ExitCode};

/// Says what is wrong with the command line: help and version are answers, all else is a mistake with exit code 2.
pub(crate) fn usage(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let screen = Screen::of_words(words);
    match error.kind() {
        // clap knows whether colours are wanted.
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match error.print() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(3),
            _ => ExitCode::SUCCESS,
        },
        // A person who names no command wants to know which there are.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !screen.is_json() => {
            screen.note(&error.render().to_string());
            ExitCode::from(2)
        }
        _ => screen.failure(&failure(error, words)),
    }
}

fn failure(error: &clap::Error, words: &[OsString]) -> Failure {
    let (why, hint) = reason(error);
    let help = format!("`{} --help` says what there is", command(words));
    let next = match hint.as_str() {
        "" => help,
        question if question.ends_with('?') => format!("{question} {help}"),
        list => format!("{list}; {help}"),
    };
    Failure::usage("the command line was not understood", why, next)
}

/// What the text of a secret key begins with: it is not repeated.
const SECRET_KEY: &str = "PRIVATE+KEY+";
const OF_A_SECRET: &str =
    "the other half is wanted, which `pakt ledger checkpoint --key` and `cosign` print; nobody else may see this one";
const OF_A_KEY: &str = "the key itself is wanted, as `pakt ledger checkpoint --key` or `cosign` prints it; out of a file: `\"$(cat FILE)\"`";

/// What is wrong, and what may have been meant.
fn reason(error: &clap::Error) -> (String, String) {
    let found = |kind| context(error, kind);
    let meant = |kind| found(kind).map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let argument = found(ContextKind::InvalidArg).unwrap_or_default();
    let value = found(ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = found(ContextKind::InvalidSubcommand).unwrap_or_default();
            let near = if name == "help" { String::new() } else { meant(ContextKind::SuggestedSubcommand) };
            (format!("there is no command `{name}`"), near)
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            (format!("there is no option `{argument}`"), meant(ContextKind::SuggestedArg))
        }
        ErrorKind::UnknownArgument => (format!("`{argument}` is one word too many"), String::new()),
        ErrorKind::InvalidValue if value.is_empty() => (format!("`{argument}` wants a value"), String::new()),
        ErrorKind::InvalidValue => {
            let near = meant(ContextKind::SuggestedValue);
            let valid = found(ContextKind::ValidValue).map_or_else(String::new, |valid| format!("one of: `{valid}`"));
            let hint = [near, valid].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" It is ");
            (format!("`{value}` cannot be used for `{argument}`"), hint)
        }
        ErrorKind::ValueValidation => {
            let why =
                error.source().map_or_else(String::new, |source| format!(": {}", in_our_words(&source.to_string())));
            if value.starts_with(SECRET_KEY) {
                return (format!("a secret key cannot be used for `{argument}`"), OF_A_SECRET.to_owned());
            }
            let next = if argument.ends_with("<KEY>") { OF_A_KEY } else { "" };
            (format!("`{value}` cannot be used for `{argument}`{why}"), next.to_owned())
        }
        ErrorKind::MissingRequiredArgument => (format!("`{argument}` is missing"), String::new()),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            ("no command is named".to_owned(), String::new())
        }
        ErrorKind::ArgumentConflict => {
            let other = found(ContextKind::PriorArg).unwrap_or_default();
            let why = if other == argument { "more than once".to_owned() } else { format!("together with `{other}`") };
            (format!("`{argument}` cannot be given {why}"), String::new())
        }
        _ => (first_line(error), String::new()),
    }
}

/// Our own types say what they want; numbers are read by Rust and clap, which speak of digits and ranges.
fn in_our_words(text: &str) -> &str {
    let says = |part: &str| text.contains(part);
    match text {
        _ if says("number too") || says(" is not in ") => "the number is too small or too large",
        _ if says("invalid digit") || says("empty string") => "a whole number is wanted",
        other => other,
    }
}

/// What clap knows of the mistake, several of a kind as a list.
fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join("`, `")).filter(|texts| !texts.is_empty()),
        _ => None,
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// The command that was begun, `pakt ledger grant`: as many words as are names of commands.
fn command(words: &[OsString]) -> String {
    let mut known = &Arguments::command();
    let mut path = "pakt".to_owned();
    for word in words.iter().skip(1).filter_map(|word| word.to_str()).filter(|word| !word.starts_with('-')) {
        let Some(below) = known.find_subcommand(word).filter(|below| !below.is_hide_set()) else { break };
        path = format!("{path} {word}");
        known = below;
    }
    path
}
