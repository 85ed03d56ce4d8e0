//! What is around the program: `environment`, `output`, `notify`.

use super::{fields::Fields, paths, reference, secret::looks_secret};
use crate::nearest::nearest;
use model::{Environment, ImageKey, Images, Notify, NotifyWhen};
use std::{collections::BTreeMap, path::Path};

/// Variables that the batch script sets itself.
const OWNED_PREFIXES: [&str; 3] = ["PAKT_", "SLURM_", "SBATCH_"];

/// Whether a variable of this name is set by the batch script or by Slurm.
pub(super) fn is_owned(name: &str) -> bool {
    OWNED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Reads `environment`.
pub(super) fn environment(job: &Fields<'_>, directory: &Path) -> Environment {
    let fields = job.below("environment");
    fields.only(&reference::names_below("environment"));
    let (venv, container) = (paths::on_node(&fields, "venv", directory), container(&fields, directory));
    if venv.is_some() && container.is_some() {
        let what = "`venv` and `container` exclude each other: a container brings its own Python";
        fields.mistake("container", what, "keep one of them");
    }
    Environment { modules: modules(&fields), venv, container, variables: variables(&fields) }
}

/// One image, or one for each kind of node.
fn container(fields: &Fields<'_>, directory: &Path) -> Option<Images> {
    if fields.is_null("container") {
        fields.mistake("container", "no image is in it", "write one behind it, or take `container` out");
        return None;
    }
    if !fields.is_map("container") {
        return image(fields, "container", directory).map(Images::One);
    }
    let (below, mut images) = (fields.below("container"), BTreeMap::new());
    for name in below.keys() {
        match name.parse::<ImageKey>() {
            Err(error) => below.key_mistake(name, error.to_string(), key_hint(name)),
            Ok(_) if !below.has(name) => {
                below.key_mistake(name, format!("`{name}` has no image"), "write one behind it");
            }
            Ok(key) => images.extend(image(&below, name, directory).map(|image| (key, image))),
        }
    }
    if below.keys().next().is_none() {
        fields.mistake("container", "no image is in it", "write `container: { aarch64: IMAGE, x86_64: IMAGE }`");
    }
    (!images.is_empty()).then_some(Images::ByNode(images))
}

/// What was probably meant for a key: others call architectures and GPUs otherwise.
fn key_hint(name: &str) -> String {
    const ALIASES: [(&str, &str); 7] = [
        ("amd64", "x86_64"),
        ("x86-64", "x86_64"),
        ("arm64", "aarch64"),
        ("cuda", "nvidia"),
        ("rocm", "amd"),
        ("xpu", "intel"),
        ("none", "cpu"),
    ];
    let usual = ALIASES.iter().fold(name.to_lowercase(), |name, (alias, usual)| name.replace(alias, usual));
    let meant = match usual.split_once('-') {
        Some((architecture, gpus)) => nearest(architecture, &["aarch64", "x86_64"])
            .zip(nearest(gpus, &["nvidia", "amd", "intel", "cpu"]))
            .map(|(architecture, gpus)| format!("{architecture}-{gpus}")),
        None => nearest(&usual, &["aarch64", "x86_64"]).map(str::to_owned),
    };
    let all =
        "`aarch64` or `x86_64`, with `-nvidia`, `-amd`, `-intel` or `-cpu` behind it where the GPUs of the job matter";
    meant.map_or_else(|| all.to_owned(), |meant| format!("did you mean `{meant}`?"))
}

/// An image: a file, or an address such as `docker://`, which is no path.
fn image(fields: &Fields<'_>, name: &str, directory: &Path) -> Option<String> {
    let address = fields.text(name).filter(|text| text.contains("://") && !text.chars().any(char::is_control));
    address.or_else(|| paths::on_node(fields, name, directory))
}

fn modules(fields: &Fields<'_>) -> Vec<String> {
    let modules = fields.texts("modules");
    let words = modules.iter().flat_map(|text| text.split_whitespace());
    let modules: Vec<String> = words.map(str::to_owned).collect();
    for module in modules.iter().filter(|module| !module.chars().all(is_of_a_module_name)) {
        let next = "write names such as `Stages/2026` or `CUDA/13`";
        fields.mistake("modules", format!("`{module}` is not a module name"), next);
    }
    modules
}

fn is_of_a_module_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "/._+-@:".contains(letter)
}

fn variables(fields: &Fields<'_>) -> BTreeMap<String, String> {
    let below = fields.below("variables");
    let mut variables = BTreeMap::new();
    for (name, value) in below.pairs() {
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            let next = "letters, digits and `_`, starting with a letter";
            below.mistake(&name, format!("`{name}` is not the name of a variable"), next);
        } else if is_owned(&name) {
            let what = format!("`{name}` is set by the batch script or by Slurm");
            below.mistake(&name, what, "choose another name");
        } else if looks_secret(&name) {
            let what =
                format!("`{name}` looks like a secret, and a job file, a script and a log keep it in plain sight");
            let next = "put it into a file that only you can read and let the program read that file";
            below.mistake(&name, what, next);
        } else {
            variables.insert(name, value);
        }
    }
    variables
}

/// Reads `notify`: `mail` and `when`.
pub(super) fn notify(job: &Fields<'_>) -> Notify {
    let fields = job.below("notify");
    fields.only(&reference::names_below("notify"));
    let words = [("start", NotifyWhen::Start), ("end", NotifyWhen::End), ("fail", NotifyWhen::Fail)];
    let mail = fields.text("mail").filter(|address| {
        let is_plain =
            address.contains('@') && !address.chars().any(|letter| letter.is_whitespace() || letter.is_control());
        if !is_plain {
            fields.mistake("mail", format!("`{address}` is not a mail address"), "such as `ada@example.org`");
        }
        is_plain
    });
    let mut when = Vec::new();
    for text in fields.texts("when") {
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => when.push(*value),
            None => fields.mistake("when", format!("`{text}` is not a moment to notify"), "one of: start, end, fail"),
        }
    }
    if mail.is_some() && when.is_empty() && !fields.has("when") {
        when = vec![NotifyWhen::End, NotifyWhen::Fail];
    }
    if mail.is_none() && fields.has("when") && !fields.has("mail") {
        fields.doubt("when", "nobody is notified: `mail` is missing", "add `mail: you@example.org`");
    }
    Notify { mail, when }
}
