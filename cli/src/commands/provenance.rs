//! `pakt show JOB --provenance`: what a job is made of, for people and for programs.

use crate::{
    failure::Failure,
    output::{Answer, instant},
};
use jobs::{
    House,
    provenance::{
        Bytes, Change, Image, ImageDigest, Provenance, Repository, RepositoryRole, Told, Tree, TreeNow, told,
    },
};
use model::counted;
use serde_json::json;

/// So many untracked files are named for people.
const SHOWN_UNTRACKED: usize = 5;
/// So many digits of a digest are enough to tell two apart at a glance.
const SHORT_DIGEST: usize = 12;

/// Shows it.
pub(super) async fn run(house: &House, job: &str) -> Result<Answer, Failure> {
    let told = told(house, job).await?;
    let mut lines = vec![("job", told.intent.id.to_string()), ("name", told.intent.name.to_string())];
    match &told.record {
        Some(record) => lines.extend(record_lines(record, &told)),
        None => lines.push(("recorded", format!("nothing: {}", told.missing.unwrap_or("nobody knows why")))),
    }
    for loaded in &told.loaded {
        let (job, restart) = (loaded.scheduler_job, loaded.restart);
        lines.push(("loaded", format!("{job} restart {restart}: {}", loaded.modules.join(" "))));
    }
    let text: String = lines.iter().map(|(name, value)| format!("{name:<10} {value}\n")).collect();
    let mut json = json!(told);
    json["version"] = json!(1);
    json["id"] = json!(told.intent.id);
    json["name"] = json!(told.intent.name);
    let notes = told.kept.iter().filter(|kept| !kept.is_there);
    let notes = notes.map(|kept| format!("note: {} is gone", kept.path.display()));
    Ok(Answer::new(text, json).with_notes(notes))
}

fn record_lines(record: &Provenance, told: &Told) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("recorded", format!("{} by {}", instant(record.at), record.made_by)),
        ("scheduler", record.scheduler.clone().unwrap_or_else(|| "it has no release".to_owned())),
    ];
    if let Some(profile) = &record.profile {
        lines.push(("profile", format!("{}, {}", profile.file, content(&profile.text))));
    }
    lines.push(("request", record.request.chars().take(SHORT_DIGEST).collect()));
    if let Some(script) = &record.script {
        let state = match told.is_script_as_recorded {
            Some(true) => "",
            Some(false) => "; the one in the job's directory is ANOTHER one",
            None => "; it is not kept",
        };
        lines.push(("script", format!("{}{state}", content(script))));
    }
    for (repository, now) in record.repositories.iter().zip(&told.now) {
        lines.extend(repository_lines(repository, now));
    }
    match &record.frozen {
        Some(frozen) => {
            let folder = if frozen.folder.is_empty() { "its top".to_owned() } else { format!("`{}`", frozen.folder) };
            let files = counted(usize::try_from(frozen.files).unwrap_or(usize::MAX), "file");
            lines.push(("code", format!("frozen: {files}, {}; it starts in {folder}", content(&frozen.content))));
        }
        None => lines.push(("code", "live: what lies there when it starts".to_owned())),
    }
    lines.extend(record.container.iter().map(|image| ("image", image_line(image))));
    if !record.modules.is_empty() {
        lines.push(("modules", record.modules.join(" ")));
    }
    lines
}

fn content(content: &Bytes) -> String {
    let digits: String = content.sha256.as_str().chars().take(SHORT_DIGEST).collect();
    format!("{} bytes, sha256 {digits}", content.bytes)
}

fn repository_lines(repository: &Repository, now: &TreeNow) -> Vec<(&'static str, String)> {
    let roles: Vec<&str> = repository.roles.iter().map(|role| role_name(*role)).collect();
    let roles = roles.join(", ");
    let Some(tree) = &repository.tree else {
        let why = repository.not_seen.as_ref().map_or("", |why| why.0.as_str());
        return vec![("source", format!("{} ({roles}): {why}", repository.folder))];
    };
    let remote = tree.remote.as_ref().map(|remote| format!(", from {remote}")).unwrap_or_default();
    let mut lines = vec![
        ("source", format!("{} ({roles}){remote}", tree.root.display())),
        ("", format!("{}; {}", commit_of(tree), changes_of(tree))),
    ];
    if tree.untracked.count > 0 {
        lines.push(("", untracked_line(tree)));
    }
    let now = match now {
        TreeNow::Same => "now: the same".to_owned(),
        TreeNow::Changed => "now: the same commit, and other changes".to_owned(),
        TreeNow::Moved { commit: Some(commit) } => format!("now: at commit {commit}"),
        TreeNow::Moved { commit: None } => "now: at no commit".to_owned(),
        TreeNow::Unknown { why } => format!("now: unknown: {why}"),
    };
    lines.push(("", now));
    lines
}

const fn role_name(role: RepositoryRole) -> &'static str {
    match role {
        RepositoryRole::Workdir => "workdir",
        RepositoryRole::JobFile => "job file",
        RepositoryRole::Named => "named",
        RepositoryRole::Variable => "variable",
    }
}

fn commit_of(tree: &Tree) -> String {
    let commit = tree.commit.as_ref().map_or_else(|| "no commit yet".to_owned(), |commit| format!("commit {commit}"));
    match &tree.branch {
        Some(branch) => format!("{commit} on {branch}"),
        None => format!("{commit}, on no branch"),
    }
}

fn changes_of(tree: &Tree) -> String {
    if tree.is_clean {
        return "as committed".to_owned();
    }
    let changed = counted(usize::try_from(tree.changed).unwrap_or(usize::MAX), "changed file");
    match &tree.diff {
        Some(Change::Kept { file, content: diff }) => format!("{changed}, in {file} ({} bytes)", diff.bytes),
        Some(Change::NotKept { not_kept }) => format!("{changed}, not kept: {not_kept}"),
        None => changed,
    }
}

fn untracked_line(tree: &Tree) -> String {
    let names = tree.untracked.first.iter().take(SHOWN_UNTRACKED).map(|file| match file.bytes {
        Some(bytes) => format!("{} ({bytes} bytes)", file.name),
        None => file.name.clone(),
    });
    let names: Vec<String> = names.collect();
    let more = tree.untracked.count.saturating_sub(names.len().try_into().unwrap_or(u64::MAX));
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("untracked: {}{more}", names.join(", "))
}

fn image_line(image: &Image) -> String {
    let size = image.bytes.map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
    let written = image.modified_at.map(|at| format!(", written {}", instant(at))).unwrap_or_default();
    match &image.digest {
        ImageDigest::Sha256(digest) => format!("{}{size}{written}, sha256 {digest}", image.named),
        ImageDigest::NotTaken(why) => format!("{}{size}{written}; no digest: {why}", image.named),
    }
}
