//! Quoting: how a person's text becomes a word of a shell script.
//!
//! Three rules, and no other way into a script. A *word* is literal: every byte reaches the program. A *value* expands
//! `$NAME` and `${NAME}` on the node, and nothing else: quotes, backticks, `$(...)`, backslashes and line breaks are
//! literal, and `$$` is one dollar. A *path* is a value in which a leading `~` means the home directory.

/// A part of a value: literal text, or a variable that the node expands.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Variable(String),
}

/// Quotes text as one word that is taken literally.
pub fn word(text: &str) -> String {
    let is_option_or_plain = text.starts_with('-') || !text.contains('=');
    if is_plain(text) && is_option_or_plain { text.to_owned() } else { single(text) }
}

/// Quotes words as one command line; the first is what bash runs, whatever it is called.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    command_line_of(words, &[])
}

/// The same, where `${name}` of these names is the value of that variable when the line is run, and nothing else is expanded.
pub fn command_line_of<'a>(words: impl IntoIterator<Item = &'a str>, names: &[&str]) -> String {
    let quoted = |(place, text): (usize, &str)| {
        if place == 0 && KEYWORDS.contains(&text) { single(text) } else { word_of(text, names) }
    };
    words.into_iter().enumerate().map(quoted).collect::<Vec<_>>().join(" ")
}

fn word_of(text: &str, names: &[&str]) -> String {
    let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        literal.push_str(before);
        if let Some((name, after)) = from[2..].split_once('}').filter(|(name, _)| names.contains(name)) {
            pieces.extend([Piece::Literal(std::mem::take(&mut literal)), Piece::Variable(name.to_owned())]);
            rest = after;
        } else {
            literal.push_str("${");
            rest = &from[2..];
        }
    }
    if pieces.is_empty() {
        return word(text);
    }
    literal.push_str(rest);
    pieces.push(Piece::Literal(literal));
    double(&pieces, |_| false)
}

/// Quotes a value: `$NAME` and `${NAME}` expand on the node, `$$` is a dollar, the rest is literal.
///
/// A variable that is not set on the node ends the script with bash's own message (`set -u`): nothing runs on half a path.
pub fn value(text: &str) -> String {
    double(&pieces(text), |_| false)
}

/// Quotes the value of the variable `name`. Where the value names the variable itself (`LIBRARY_PATH: /x:$LIBRARY_PATH`)
/// it may be unset, and is then empty: that is how a path is put in front of what is there.
pub fn value_of(name: &str, text: &str) -> String {
    double(&pieces(text), |variable| variable == name)
}

/// Quotes a value in which every variable may be unset, and is then empty.
pub(crate) fn value_if_set(text: &str) -> String {
    double(&pieces(text), |_| true)
}

/// A value or path as it reads where variables have these values: none where one of them has none.
pub fn expanded(text: &str, value_of: impl Fn(&str) -> Option<String>) -> Option<String> {
    let expand = |piece| match piece {
        Piece::Literal(text) => Some(text),
        Piece::Variable(name) => value_of(&name),
    };
    home(text).into_iter().map(expand).collect()
}

/// Quotes text that is taken literally, in the quotes in which a reader expects a path or a message.
pub fn literal(text: &str) -> String {
    double(&[Piece::Literal(text.to_owned())], |_| false)
}

/// Quotes a path: a value in which a leading `~` or `~/` is the home directory.
pub fn path(text: &str) -> String {
    double(&home(text), |_| false)
}

/// The names that a value or path expands on the node, in their order.
pub fn variables(text: &str) -> Vec<String> {
    let name = |piece| match piece {
        Piece::Variable(name) => Some(name),
        Piece::Literal(_) => None,
    };
    pieces(text).into_iter().filter_map(name).collect()
}

/// A value or path as the node will read it, where that can be told: none where a variable is in it.
pub fn without_variables(text: &str) -> Option<String> {
    let literal = |piece| match piece {
        Piece::Literal(text) => Some(text),
        Piece::Variable(_) => None,
    };
    pieces(text).into_iter().map(literal).collect()
}

/// Quotes the value of an `#SBATCH` line, which Slurm reads by rules of its own: blanks part options, `#` starts a
/// comment, both quotes quote, and a backslash escapes (Slurm 25.11, `src/sbatch/opt.c`, `_get_argument`).
pub(crate) fn directive(text: &str) -> String {
    let is_special = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '\\' | '#');
    if !text.contains(is_special) && !text.is_empty() {
        text.to_owned()
    } else if text.contains('\'') {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("'{text}'")
    }
}

/// Whether a text can be the name of a shell variable.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && text.bytes().all(is_name_byte)
}

/// Words that bash takes for its grammar where a command begins (bash(1), "Reserved Words").
const KEYWORDS: [&str; 18] = [
    "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then",
    "time", "until", "while", "[[",
];

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether bash leaves a word alone that is not quoted.
fn is_plain(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:,=@%+-".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn double(pieces: &[Piece], may_be_unset: impl Fn(&str) -> bool) -> String {
    if let [Piece::Literal(text)] = pieces
        && is_plain(text)
    {
        return text.clone();
    }
    let mut quoted = String::from("\"");
    for (place, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(text) => push_escaped(&mut quoted, text),
            Piece::Variable(name) if may_be_unset(name) => quoted.extend(["${", name, "-}"]),
            Piece::Variable(name) => match pieces.get(place + 1) {
                Some(Piece::Literal(next)) if !next.starts_with(['/', '.', ',', '-']) => {
                    quoted.extend(["${", name, "}"]);
                }
                _ => quoted.extend(["$", name]),
            },
        }
    }
    quoted.push('"');
    quoted
}

fn push_escaped(quoted: &mut String, text: &str) {
    for letter in text.chars() {
        if matches!(letter, '\\' | '"' | '`' | '$') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
}

fn home(text: &str) -> Vec<Piece> {
    match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let mut parts = vec![Piece::Variable("HOME".to_owned())];
            parts.extend(pieces(rest).into_iter().filter(|piece| *piece != Piece::Literal(String::new())));
            parts
        }
        _ => pieces(text),
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        literal.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            literal.push('$');
            rest = after;
        } else if let Some((name, after)) = variable(rest) {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Variable(name.to_owned()));
            rest = after;
        } else {
            literal.push('$');
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    pieces
}

/// The variable at the start of what follows a dollar, and what is left behind it.
fn variable(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        let (name, after) = braced.split_once('}')?;
        return is_name(name).then_some((name, after));
    }
    let end = text.bytes().take_while(|byte| is_name_byte(*byte)).count();
    let (name, after) = text.split_at(end);
    is_name(name).then_some((name, after))
}
