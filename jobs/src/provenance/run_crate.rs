//! `pakt export --ro-crate`: a job that is over as a research object, with the files that tell of it.

use super::{
    record::{Bytes, Image, ImageDigest, Provenance, Repository, RepositoryRole},
    told::{Told, told},
};
use crate::{
    directory::{Intent, JobDirectory, Origin},
    error::JobsError,
    house::House,
    reached::{booked, reached},
    show::{Shown, show},
};
use ledger::HoldId;
use model::{
    Amount, BaseState, ObjectFile, ObjectFileRole, ObjectImage, ObjectSource, ObjectUsage, ResearchObject, RunLine,
    Timestamp, Unit,
};
use regex::bytes::Regex;
use scheduler_adapters::Freshness;
use std::{collections::BTreeMap, path::Path, sync::OnceLock};

/// The longest log that becomes part of it, in bytes.
const LONGEST_LOG: usize = 64 * 1024 * 1024;
/// The longest archive of code, in bytes: as long as one that is packed may be.
const LONGEST_CODE: usize = 160 * 1024 * 1024;
/// What stands in the place of a mail address.
const NO_MAIL: &str = "mail-address-left-out";

/// A job as a research object, and what is in its files.
pub struct ExportedCrate {
    /// What is told of it.
    pub object: ResearchObject,
    /// The files that it names, by their names in it.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What is not in it, and why.
    pub notes: Vec<String>,
}

/// Makes one of the job that `text` names, which has to be over. Nothing is written.
pub async fn export_crate(house: &House, text: &str, license: Option<String>) -> Result<ExportedCrate, JobsError> {
    let shown = Box::pin(show(house, text, Freshness::Fresh)).await?;
    let told = told(house, shown.intent.id.to_string().as_str()).await?;
    if !shown.is_over() {
        let what = format!("job `{}` was not exported", shown.intent.name);
        let why = match &shown.unasked {
            Some(why) => format!("it is not known to be over: {why}"),
            None => "it is not over".to_owned(),
        };
        return Err(JobsError::usage(what, why, format!("wait for its end: `pakt watch {}`", shown.intent.id)));
    }
    let directory = house.state.job(shown.intent.id);
    let mut files = Files::default();
    files.of_job(house, &directory, &shown, &told).await?;
    let usage = usage(house, &shown).await?;
    if usage.is_empty() {
        files.notes.push("what it took is not in it: nothing of it is settled in the ledger".to_owned());
    }
    let Files { entries, bytes, notes } = files;
    Ok(ExportedCrate { object: object(house, &shown, &told, usage, entries, license), files: bytes, notes })
}

/// The files, as they come together.
#[derive(Default)]
struct Files {
    entries: Vec<ObjectFile>,
    bytes: BTreeMap<String, Vec<u8>>,
    notes: Vec<String>,
}

impl Files {
    fn add(&mut self, name: String, title: &str, (role, media_type): (ObjectFileRole, &'static str), bytes: Vec<u8>) {
        let Bytes { bytes: size, sha256 } = Bytes::of(&bytes);
        self.entries.push(ObjectFile {
            name: name.clone(),
            title: title.to_owned(),
            role,
            media_type,
            bytes: size,
            sha256,
        });
        self.bytes.insert(name, bytes);
    }

    async fn of_job(
        &mut self,
        house: &House,
        directory: &JobDirectory,
        shown: &Shown,
        told: &Told,
    ) -> Result<(), JobsError> {
        let intent = &shown.intent;
        let mail = mail(intent);
        if let Some(Origin::JobFile { text, .. }) = &intent.origin {
            let text = without_mail(text.as_bytes(), mail);
            self.add("job.yaml".to_owned(), "The job file", (ObjectFileRole::Input, "application/yaml"), text);
        }
        for link in directory.links().await? {
            let Some(text) = link.script_text().await? else { continue };
            let name = match link.link().get() {
                1 => "script.sh".to_owned(),
                number => format!("script-{number}.sh"),
            };
            let form = (ObjectFileRole::Script, "text/x-shellscript");
            self.add(name, "The batch script", form, without_mail_users(&without_mail(&text, mail)));
        }
        if let Some(text) = directory.kept_script_text().await? {
            let form = (ObjectFileRole::Script, "text/x-shellscript");
            self.add("handed-over.sh".to_owned(), "The script as it was handed over", form, without_mail_users(&text));
        }
        if mail.is_some() {
            self.notes.push("the mail address is left out of the job file and the script".to_owned());
        }
        if let Some(record) = &told.record {
            self.of_record(house, record).await?;
        }
        if let Some(list) = directory.checkpoint_list().await? {
            let form = (ObjectFileRole::Result, "text/plain");
            self.add("checkpoints".to_owned(), "The checkpoints that its program named", form, list);
        }
        self.log(house, &shown.log).await
    }

    async fn of_record(&mut self, house: &House, record: &Provenance) -> Result<(), JobsError> {
        let text = serde_json::to_vec_pretty(record).unwrap_or_default();
        let form = (ObjectFileRole::Input, "application/json");
        self.add("provenance.json".to_owned(), "What was written down of it at its submission", form, text);
        for (place, repository) in record.repositories.iter().enumerate() {
            if let Some((file, content)) = repository.kept_change() {
                let title = format!("What `{}` had beyond its commit", name_of(repository));
                self.kept(house, (file, content), format!("code-{place}.diff"), (&title, "text/x-diff")).await?;
            }
        }
        if let Some(frozen) = &record.frozen {
            let form = ("The code that it brought", "application/x-tar");
            self.kept(house, (&frozen.file, &frozen.content), "code.tar".to_owned(), form).await?;
        }
        Ok(())
    }

    /// A file of code, where it is there and what it was.
    async fn kept(
        &mut self,
        house: &House,
        (file, content): (&str, &Bytes),
        name: String,
        (title, media_type): (&str, &'static str),
    ) -> Result<(), JobsError> {
        let path = house.state.path_of(file);
        let bytes = reached(house.files.read(&path, LONGEST_CODE).await, "the job was not exported")?;
        match bytes {
            Some(bytes) if Bytes::of(&bytes) == *content => {
                self.add(name, title, (ObjectFileRole::Input, media_type), bytes);
            }
            Some(_) => self.notes.push(format!("`{name}` is not in it: {} is not what it was", path.display())),
            None => self.notes.push(format!("`{name}` is not in it: {} is gone", path.display())),
        }
        Ok(())
    }

    async fn log(&mut self, house: &House, path: &Path) -> Result<(), JobsError> {
        let part = house.files.read_part(path, 0, LONGEST_LOG).await;
        match reached(part, "the log was not read")? {
            Some(part) if part.total_bytes <= LONGEST_LOG as u64 => {
                self.add("log".to_owned(), "The log", (ObjectFileRole::Result, "text/plain"), part.bytes);
            }
            Some(part) => self.notes.push(format!("the log is not in it: it has {} MiB", part.total_bytes >> 20)),
            None => self.notes.push(format!("the log is not in it: there is none at {}", path.display())),
        }
        Ok(())
    }
}

/// The mail address in a job file, if any.
fn mail(intent: &Intent) -> Option<&str> {
    match &intent.origin {
        Some(Origin::JobFile { spec, .. }) => spec.notify.mail.as_deref(),
        _ => None,
    }
}

fn without_mail(text: &[u8], mail: Option<&str>) -> Vec<u8> {
    match mail {
        Some(mail) => String::from_utf8_lossy(text).replace(mail, NO_MAIL).into_bytes(),
        None => text.to_vec(),
    }
}

/// A script without the addresses that it tells sbatch to write to (sbatch(1), `--mail-user`).
fn without_mail_users(text: &[u8]) -> Vec<u8> {
    static OPTION: OnceLock<Regex> = OnceLock::new();
    let option = OPTION.get_or_init(|| Regex::new(r"(--mail-user[= \t]+)[^ \t\r\n]+").expect("it is read in a test"));
    option.replace_all(text, format!("${{1}}{NO_MAIL}").as_bytes()).into_owned()
}

/// What its runs were charged, as far as they are in the books.
async fn usage(house: &House, shown: &Shown) -> Result<Vec<ObjectUsage>, JobsError> {
    let Ok(Some(book)) = house.books.book().await else { return Ok(Vec::new()) };
    let runs = booked(book.runs_charged_to(HoldId(shown.intent.id)).await, "what the job took was not read")?;
    let mut sums: BTreeMap<Unit, Amount> = BTreeMap::new();
    for run in runs {
        let sum = sums.entry(run.unit).or_insert(Amount::ZERO);
        *sum = sum.plus(run.amount).map_err(|error| {
            JobsError::new(
                crate::error::Gravity::Bug,
                "what the job took was not summed",
                error.to_string(),
                "please report it",
            )
        })?;
    }
    Ok(sums.into_iter().map(|(unit, amount)| ObjectUsage { hours: amount.hours(), unit }).collect())
}

fn object(
    house: &House,
    shown: &Shown,
    told: &Told,
    usage: Vec<ObjectUsage>,
    files: Vec<ObjectFile>,
    license: Option<String>,
) -> ResearchObject {
    let intent = &shown.intent;
    let record = told.record.as_ref();
    let mut modules: Vec<String> = told.loaded.last().map(|loaded| loaded.modules.clone()).unwrap_or_default();
    if modules.is_empty() {
        modules = record.map(|record| record.modules.clone()).unwrap_or_default();
    }
    ResearchObject {
        job: intent.id,
        name: intent.name.clone(),
        project: intent.project.clone(),
        site: intent.site.clone(),
        person: intent.principal.user.clone(),
        made_at: house.clock.now(),
        started_at: shown.attempts.iter().filter_map(|attempt| attempt.started_at).min(),
        ended_at: ended_at(shown),
        failure: failure(shown),
        command: command(intent),
        made_by: house.made_by.clone(),
        submitted_by: record.map(|record| record.made_by.clone()),
        scheduler: record.and_then(|record| record.scheduler.clone()),
        sources: record.map(sources).unwrap_or_default(),
        image: record.and_then(|record| record.container.as_ref()).map(image),
        modules,
        usage,
        files,
        license,
    }
}

fn ended_at(shown: &Shown) -> Option<Timestamp> {
    let noted = shown.ended.as_ref().and_then(|ended| ended.at);
    noted.or_else(|| shown.attempts.iter().filter_map(|attempt| attempt.ended_at).max())
}

/// How it ended, where that is no good end.
fn failure(shown: &Shown) -> Option<String> {
    let ended = shown.ended.as_ref();
    let state = ended.map(|ended| &ended.state).or(shown.sighting.as_ref().map(|seen| &seen.state))?;
    if state.base == BaseState::Completed {
        return None;
    }
    let code = ended.and_then(|ended| ended.exit_code).or(shown.attempts.last().and_then(|attempt| attempt.exit_code));
    let code = code.map(|code| format!(", exit code {code}")).unwrap_or_default();
    let note = ended.and_then(|ended| ended.note.as_ref()).map(|note| format!(": {note}")).unwrap_or_default();
    Some(format!("{state}{code}{note}"))
}

/// What was run, as it was written.
fn command(intent: &Intent) -> String {
    match &intent.origin {
        Some(Origin::JobFile { spec, .. }) => match &spec.run {
            RunLine::Shell(text) => text.clone(),
            RunLine::Words(words) => templates::quote::command_line(words.iter().map(String::as_str)),
        },
        Some(Origin::Script { path, words }) => format!("{path} {}", words.join(" ")).trim_end().to_owned(),
        Some(Origin::Shell) => "an interactive allocation".to_owned(),
        Some(Origin::Adopted) | None => "a batch job that was submitted without Pakt".to_owned(),
    }
}

/// The repositories that were seen, the one that it started in first.
fn sources(record: &Provenance) -> Vec<ObjectSource> {
    let source = |repository: &Repository| {
        let tree = repository.tree.as_ref()?;
        Some(ObjectSource {
            name: name_of(repository),
            remote: tree.remote.clone().filter(|remote| !remote.starts_with(['/', '.', '~'])),
            commit: tree.commit.clone(),
            is_clean: tree.is_clean,
        })
    };
    let (first, rest): (Vec<_>, Vec<_>) =
        record.repositories.iter().partition(|repository| repository.roles.contains(&RepositoryRole::Workdir));
    first.into_iter().chain(rest).filter_map(source).collect()
}

fn name_of(repository: &Repository) -> String {
    let root = repository.tree.as_ref().and_then(|tree| tree.root.file_name());
    root.map_or_else(|| repository.folder.clone(), |name| name.to_string_lossy().into_owned())
}

fn image(image: &Image) -> ObjectImage {
    let is_file = !image.named.contains("://");
    let file_name = Path::new(&image.named).file_name().map(|name| name.to_string_lossy().into_owned());
    ObjectImage {
        name: file_name.filter(|_| is_file).unwrap_or_else(|| image.named.clone()),
        sha256: match &image.digest {
            ImageDigest::Sha256(digest) => Some(digest.clone()),
            ImageDigest::NotTaken(_) => None,
        },
        is_file,
    }
}

#[cfg(test)]
mod tests {
    use super::{without_mail, without_mail_users};

    #[test]
    fn a_mail_address_is_left_out_wherever_it_stands() {
        let text = b"#SBATCH --mail-user=ada@example.org\n# ada@example.org\n";
        let left = without_mail(text, Some("ada@example.org"));
        assert_eq!(left, b"#SBATCH --mail-user=mail-address-left-out\n# mail-address-left-out\n");
        assert_eq!(without_mail(text, None), text);
    }

    #[test]
    fn addresses_that_a_script_names_for_mail_are_left_out() {
        let script = b"#SBATCH --mail-user=ada@example.org -t1\n#SBATCH --mail-user ada@example.org\necho \xe4 --mail-type=END\n";
        let left = b"#SBATCH --mail-user=mail-address-left-out -t1\n#SBATCH --mail-user mail-address-left-out\necho \xe4 --mail-type=END\n";
        assert_eq!(without_mail_users(script), left);
    }
}
