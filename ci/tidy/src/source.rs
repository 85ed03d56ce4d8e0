//! One Rust file, read by a real parser: its words, the paths it names, its functions, and which lines are tests.

use proc_macro2::{TokenStream, TokenTree};
use std::str::FromStr;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A word or sign of a file, with its line; comments and the insides of strings are not among them.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A function with a body.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// From the line of the signature to the closing brace.
    pub(crate) lines: usize,
}

/// What the checks ask about a Rust file.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) tokens: Vec<Token>,
    /// Full paths: those of `use`, with their groups written out, and those in code, as far as they are written there.
    pub(crate) paths: Vec<(String, usize)>,
    /// Names that the file itself gives a meaning to: its modules, and what it imports from other places.
    pub(crate) own_names: Vec<String>,
    pub(crate) functions: Vec<Function>,
    test_lines: Vec<(usize, usize)>,
}

impl Source {
    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// The parser's words, with the line, when the text is not Rust.
    pub(crate) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let failed = |error: syn::Error| (error.span().start().line, error.to_string());
        let file = syn::parse_file(text).map_err(failed)?;
        let stream = TokenStream::from_str(text).map_err(|error| (1, error.to_string()))?;
        let mut source = Self::default();
        flatten(stream, &mut source.tokens);
        source.paths = written_paths(&source.tokens);
        let mut reader = Reader { source: &mut source };
        reader.visit_file(&file);
        Ok(source)
    }

    /// Whether the line lies in an item under `#[cfg(test)]`.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.test_lines.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }

    /// How many of so many lines are not tests.
    pub(crate) fn lines_before_tests(&self, all: usize) -> usize {
        (1..=all).filter(|line| !self.is_test(*line)).count()
    }
}

/// Whether the whole file is tests, by where it lies.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "benches" || part == "tests.rs")
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                // The delimiter itself matters: it ends a path, and `sleep` is a call only before one.
                tokens.push(Token { text: "(".to_owned(), line });
                flatten(group.stream(), tokens);
                tokens.push(Token { text: ")".to_owned(), line: group.span_close().end().line });
            }
            TokenTree::Ident(ident) => tokens.push(Token { text: ident.to_string(), line }),
            TokenTree::Punct(punct) => tokens.push(Token { text: punct.as_char().to_string(), line }),
            TokenTree::Literal(_) => tokens.push(Token { text: "literal".to_owned(), line }),
        }
    }
}

/// Every `a::b::c` in the tokens, macros included.
fn written_paths(tokens: &[Token]) -> Vec<(String, usize)> {
    let is_word = |token: &Token| token.text.starts_with(|first: char| first.is_alphabetic() || first == '_');
    let is_colon = |index: usize| tokens.get(index).is_some_and(|token| token.text == ":");
    let mut paths = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let first = &tokens[index];
        index += 1;
        if !is_word(first) {
            continue;
        }
        let mut path = first.text.clone();
        while is_colon(index) && is_colon(index + 1) && tokens.get(index + 2).is_some_and(is_word) {
            path = format!("{path}::{}", tokens[index + 2].text);
            index += 3;
        }
        if path.contains("::") {
            paths.push((path, first.line));
        }
    }
    paths
}

struct Reader<'source> {
    source: &'source mut Source,
}

impl Reader<'_> {
    fn note_tests(&mut self, attributes: &[syn::Attribute], item: &impl Spanned) {
        if attributes.iter().any(is_cfg_test) {
            let span = item.span();
            self.source.test_lines.push((span.start().line, span.end().line));
        }
    }

    fn note_function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (line, last) = (signature.span().start().line, block.span().end().line);
        self.source.functions.push(Function { name: signature.ident.to_string(), line, lines: last - line + 1 });
    }

    fn note_use(&mut self, prefix: &str, tree: &syn::UseTree, line: usize) {
        let join = |name: &dyn ToString| {
            if prefix.is_empty() { name.to_string() } else { format!("{prefix}::{}", name.to_string()) }
        };
        let (path, name) = match tree {
            syn::UseTree::Path(path) => return self.note_use(&join(&path.ident), &path.tree, line),
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.note_use(prefix, item, line));
            }
            syn::UseTree::Name(name) if name.ident == "self" => (prefix.to_owned(), String::new()),
            syn::UseTree::Name(name) => (join(&name.ident), name.ident.to_string()),
            syn::UseTree::Rename(rename) => (join(&rename.ident), rename.rename.to_string()),
            syn::UseTree::Glob(_) => (join(&"*"), String::new()),
        };
        if path != name && !name.is_empty() {
            self.source.own_names.push(name);
        }
        self.source.paths.push((path, line));
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.note_tests(&item.attrs, item);
        self.source.own_names.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note_tests(&item.attrs, item);
        self.note_function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.note_tests(&item.attrs, item);
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note_tests(&item.attrs, item);
        self.note_function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.note_function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.note_tests(&item.attrs, item);
        self.note_use("", &item.tree, item.span().start().line);
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.meta.require_list().is_ok_and(|list| {
            let words = list.tokens.to_string();
            words == "test" || words.starts_with("all (test") || words.starts_with("all(test")
        })
}
