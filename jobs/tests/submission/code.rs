//! What a job is made of, with real repositories: it is written down once, and code that a job brings is that of its submission.

use crate::{
    desk::Desk,
    handed::KilledAfter,
    wish::{ONE_GPU, only_job, sent},
};
use jobs::{
    Gravity, House, JobsError, Step, Vantage,
    job_file::{JobFile, SourceFile},
    provenance::{Change, ImageDigest, Machine, Provenance, RepositoryRole, TreeNow, told},
    submit::{Arrays, ManySubmission, Over, Submission, SubmitAnswer, SubmitOutcome, submit, submit_many},
};
use model::LinkNumber;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};
use tempfile::TempDir;

/// A repository with one commit, and what may be done to it.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().expect("a folder"));
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.write("train.py", "of then\n");
        repository.write("sub/deep.py", "deep\n");
        repository.write(".gitignore", "*.ckpt\n");
        repository.commit();
        repository.git(&["remote", "add", "origin", "https://ada:token@git.example.org/atlas/lm.git"]);
        repository
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, words: &[&str]) -> String {
        git(self.root(), words)
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a change"]);
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().expect("below the top")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// A job file in it, which runs `train.py` and says more.
    fn job(&self, more: &str) -> JobFile {
        self.job_in("", more).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    fn job_in(&self, folder: &str, more: &str) -> Result<JobFile, String> {
        let text = ONE_GPU.replace("workdir: ~\n", more);
        let directory = self.root().join(folder);
        let source = SourceFile { path: directory.join("once.yaml"), directory, text, lines_before: 0 };
        JobFile::read(source).map_err(|mistakes| format!("{mistakes:?}"))
    }
}

fn git(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always"])
        .args(words)
        .current_dir(folder)
        .env_remove("GIT_DIR")
        .output()
        .expect("git");
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A desk whose site runs containers.
async fn desk_with_containers() -> Desk {
    let mut desk = Desk::new().await;
    let launchers = "launchers: { available: [torchrun, command] }";
    desk.profile_says(launchers, &format!("{launchers}\n    containers: [{{ value: {{ runtime: apptainer }} }}]"));
    desk
}

async fn send(house: &House, file: JobFile) -> Result<SubmitAnswer, JobsError> {
    Box::pin(submit(house, Submission { file, again: false, anyway: None, checkpoint: None })).await
}

async fn record(desk: &Desk) -> Provenance {
    let (directory, _) = only_job(desk).await;
    directory.provenance().await.expect("read").expect("written")
}

/// The file that a record names.
fn kept(desk: &Desk, file: &str) -> PathBuf {
    desk.house("ada").state.root().join(file)
}

/// What `sha256sum` says of a file.
fn digest(path: &Path) -> String {
    let output = Command::new("sha256sum").arg("--zero").arg(path).output().expect("sha256sum");
    String::from_utf8_lossy(&output.stdout).split(' ').next().expect("a digest").to_owned()
}

/// The names in an archive, as tar(1) lists them.
fn listed(archive: &Path) -> Vec<String> {
    let output = Command::new("tar").arg("--list").arg("--file").arg(archive).output().expect("tar");
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// A file of an archive.
fn unpacked(archive: &Path, name: &str) -> String {
    let output = Command::new("tar").args(["--extract", "--to-stdout", "--file"]).arg(archive).arg(name).output();
    String::from_utf8(output.expect("tar").stdout).expect("text")
}

#[tokio::test]
async fn the_tree_of_a_job_is_written_down_when_it_is_submitted_and_not_again() {
    let (desk, repository, house) = {
        let desk = Desk::new().await;
        let house = desk.house("ada");
        (desk, Repository::new(), house)
    };
    repository.write("train.py", "changed\n");
    repository.write("notes.txt", "12345");
    repository.write("out/a", "x");
    repository.write("big.ckpt", "ignored");
    // A date that git has not seen: whoever asks it for the difference is not to write the index anew.
    repository.write("sub/kept.txt", "kept\n");
    repository.git(&["add", "sub/kept.txt"]);
    repository.git(&["commit", "--quiet", "--message", "kept", "sub/kept.txt"]);
    let commit = repository.git(&["rev-parse", "HEAD"]);
    let index = repository.root().join(".git/index");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options()
        .write(true)
        .open(repository.root().join("sub/kept.txt"))
        .expect("there")
        .set_modified(long_ago)
        .expect("set");
    let before = digest(&index);
    send(&house, repository.job("environment: { modules: [CUDA/13] }\n")).await.expect("submitted");
    assert_eq!(digest(&index), before, "nothing is written into the person's repository");
    let first = record(&desk).await;
    assert_eq!(
        (first.made_by.as_str(), &first.modules[..], &first.frozen),
        ("pakt test", &["CUDA/13".to_owned()][..], &None)
    );
    assert_eq!(first.repositories.len(), 1, "workdir and job file lie in one: {:?}", first.repositories);
    let found = &first.repositories[0];
    assert_eq!(found.roles, [RepositoryRole::Workdir, RepositoryRole::JobFile]);
    let tree = found.tree.as_ref().expect("seen");
    assert_eq!((tree.commit.as_deref(), tree.branch.as_deref()), (Some(commit.as_str()), Some("main")));
    assert_eq!(tree.remote.as_deref(), Some("https://git.example.org/atlas/lm.git"), "nobody's token");
    assert_eq!((tree.is_clean, tree.changed, tree.untracked.count), (false, 1, 2));
    let untracked: Vec<_> = tree.untracked.first.iter().map(|file| (file.name.as_str(), file.bytes)).collect();
    assert_eq!(untracked, [("notes.txt", Some(5)), ("out/", None)]);
    let Some(Change::Kept { file, content }) = &tree.diff else { panic!("{:?}", tree.diff) };
    let diff = kept(&desk, file);
    assert_eq!(digest(&diff), content.sha256.as_str());
    // It is what `git apply` takes.
    repository.git(&["stash", "--quiet"]);
    repository.git(&["apply", diff.to_str().expect("text")]);
    assert_eq!(fs::read_to_string(repository.root().join("train.py")).expect("there"), "changed\n");
    let script = first.script.as_ref().expect("written");
    assert_eq!(digest(&only_job(&desk).await.0.script()), script.sha256.as_str());
    // The same request is the same job, and its record stays.
    repository.commit();
    assert_eq!(
        send(&house, repository.job("environment: { modules: [CUDA/13] }\n")).await.expect("known").outcome,
        SubmitOutcome::Already
    );
    assert_eq!(record(&desk).await, first);
}

#[tokio::test]
async fn code_that_python_or_a_container_is_shown_is_written_down_too() {
    let desk = Desk::new().await;
    let (imported, bound, repository) = (Repository::new(), Repository::new(), Repository::new());
    imported.write("train.py", "changed\n");
    let text = format!(
        "environment: {{ variables: {{ PYTHONPATH: \"{}/sub:/usr/lib:$WORK/x\", APPTAINER_BIND: \"{}:/code:ro\" }} }}\n",
        imported.root().display(),
        bound.root().display()
    );
    send(&desk.house("ada"), repository.job(&text)).await.expect("submitted");
    let found = record(&desk).await.repositories;
    let roots: Vec<_> = found.iter().map(|it| (it.roles.clone(), it.tree.as_ref().map(|tree| tree.is_clean))).collect();
    let variable = vec![RepositoryRole::Variable];
    let own = vec![RepositoryRole::Workdir, RepositoryRole::JobFile];
    assert_eq!(roots, [(own, Some(true)), (variable.clone(), Some(false)), (variable, Some(true))], "{found:?}");
}

#[tokio::test]
async fn what_became_of_the_tree_since_is_told() {
    let desk = Desk::new().await;
    let (house, repository) = (desk.house("ada"), Repository::new());
    let id = send(&house, repository.job("")).await.expect("submitted").id.to_string();
    let now = async || told(&house, &id).await.expect("told").now;
    assert_eq!(now().await, [TreeNow::Same]);
    repository.write("train.py", "later\n");
    assert_eq!(now().await, [TreeNow::Changed]);
    repository.commit();
    assert_eq!(now().await, [TreeNow::Moved { commit: Some(repository.git(&["rev-parse", "HEAD"])) }]);
    let all = told(&house, &id).await.expect("told");
    assert_eq!((all.is_script_as_recorded, all.scripts.len()), (Some(true), 1));
    fs::write(only_job(&desk).await.0.script(), "another one").expect("ours");
    assert_eq!(told(&house, &id).await.expect("told").is_script_as_recorded, Some(false));
}

#[tokio::test]
async fn a_folder_that_is_no_repository_and_one_that_only_nodes_know_stop_nothing() {
    let desk = desk_with_containers().await;
    let folder = tempfile::tempdir().expect("a folder");
    let text = ONE_GPU.replace(
        "workdir: ~\n",
        "workdir: $WORK\ncode: { repositories: [/nowhere/lib] }\nenvironment: { container: \"docker://host/torch\" }\n",
    );
    let source = SourceFile {
        path: folder.path().join("once.yaml"),
        directory: folder.path().to_owned(),
        text,
        lines_before: 0,
    };
    send(&desk.house("ada"), JobFile::read(source).expect("a job")).await.expect("submitted");
    let record = record(&desk).await;
    let seen: Vec<_> = record
        .repositories
        .iter()
        .map(|found| (found.roles[0], found.not_seen.as_ref().map(|why| why.0.as_str())))
        .collect();
    let none = Some("it lies in no git repository");
    assert_eq!(
        seen,
        [
            (RepositoryRole::Workdir, Some("only the node knows which folder that is")),
            (RepositoryRole::JobFile, none),
            (RepositoryRole::Named, none),
        ]
    );
    assert!(matches!(record.container.expect("named").digest, ImageDigest::NotTaken(_)));
}

#[tokio::test]
async fn code_that_a_job_brings_is_packed_with_what_git_knows_and_what_it_does_not_ignore() {
    let desk = Desk::new().await;
    let (library, repository) = (Repository::new(), Repository::new());
    repository.git(&["submodule", "--quiet", "add", library.root().to_str().expect("text"), "lib"]);
    repository.write("gone.py", "");
    repository.commit();
    fs::remove_file(repository.root().join("gone.py")).expect("there");
    repository.write("-new file\n.py", "not tracked");
    repository.write("big.ckpt", "ignored");
    std::os::unix::fs::symlink("train.py", repository.root().join("link")).expect("a link");
    let file = repository.job_in("sub", "code: frozen\n").expect("a job");
    send(&desk.house("ada"), file).await.expect("submitted");
    let frozen = record(&desk).await.frozen.expect("it brings its code");
    assert_eq!(frozen.folder, "sub");
    let archive = kept(&desk, &frozen.file);
    let names = listed(&archive);
    let expected = [
        "./-new file\\n.py",
        "./.gitignore",
        "./.gitmodules",
        "./lib/.gitignore",
        "./lib/sub/deep.py",
        "./lib/train.py",
        "./link",
        "./sub/deep.py",
        "./train.py",
    ];
    assert_eq!(names, expected);
    assert_eq!((digest(&archive).as_str(), frozen.files), (frozen.content.sha256.as_str(), 9));
    let script = fs::read_to_string(only_job(&desk).await.0.script()).expect("written");
    assert!(
        script.contains(frozen.content.sha256.as_str()) && script.contains(archive.to_str().expect("text")),
        "{script}"
    );
}

#[tokio::test]
async fn killed_anywhere_a_job_runs_the_code_of_its_record_and_is_sent_once() {
    for step in Step::ALL.into_iter().filter(|step| *step != Step::Chosen) {
        let (desk, repository) = (Desk::new().await, Repository::new());
        let mut house = desk.house("ada");
        house.steps = Arc::new(KilledAfter(step));
        let file = repository.job("code: frozen\n");
        let ended = tokio::spawn(async move { send(&house, file).await.map(drop) }).await;
        assert!(ended.is_err(), "{step:?}: it was not killed");
        repository.write("train.py", "of later\n");
        send(&desk.house("ada"), repository.job("code: frozen\n"))
            .await
            .unwrap_or_else(|error| panic!("{step:?}: {error}"));
        let frozen = record(&desk).await.frozen.expect("it brings its code");
        let archive = kept(&desk, &frozen.file);
        let expected = if step < Step::Recorded { "of later\n" } else { "of then\n" };
        assert_eq!(unpacked(&archive, "./train.py"), expected, "{step:?}");
        let script = fs::read_to_string(only_job(&desk).await.0.script()).expect("written");
        assert!(script.contains(frozen.content.sha256.as_str()), "{step:?}: the script unpacks another one");
        assert_eq!(sent(&desk), 1, "{step:?}");
    }
}

#[tokio::test]
async fn code_that_cannot_be_packed_is_refused_before_anything_is_made() {
    let desk = Desk::new().await;
    let (house, repository) = (desk.house("ada"), Repository::new());
    fs::File::create(repository.root().join("data.bin")).and_then(|file| file.set_len(65 << 20)).expect("sparse");
    let (nowhere, small) = (tempfile::tempdir().expect("a folder"), Repository::new());
    let elsewhere = format!("code: frozen\nworkdir: {}\n", nowhere.path().display());
    let upwards = format!("code: frozen\nworkdir: {}/link/../x\n", small.root().display());
    std::os::unix::fs::symlink(nowhere.path(), small.root().join("link")).expect("a link");
    let linked = format!("code: frozen\nworkdir: {}/link\n", small.root().display());
    let ignored = format!("code: frozen\nworkdir: {}/nothing\n", small.root().display());
    fs::create_dir(small.root().join("nothing")).expect("a folder");
    for (more, field, what) in [
        ("code: frozen\n", "code", "its tree has 65 MiB, and at most 64 are packed; the largest is `data.bin`"),
        ("code: frozen\nworkdir: $PROJECT/runs\n", "workdir", "only a node knows which folder that is"),
        (upwards.as_str(), "code", "its path goes up and down again; write it without `..`"),
        (elsewhere.as_str(), "code", "it lies in no git repository"),
        (linked.as_str(), "code", "git knows nothing below `link`, in which it would start"),
        (ignored.as_str(), "code", "git knows nothing below `nothing`, in which it would start"),
    ] {
        let error = send(&house, repository.job(more)).await.map(drop).expect_err("refused");
        assert_eq!(error.gravity, Gravity::Usage, "{more}");
        let mistake = error.mistakes.first().unwrap_or_else(|| panic!("{more}: {error}"));
        assert!(mistake.finding.what.contains(what) && mistake.finding.field == field, "{more}: {mistake:?}");
    }
    assert_eq!((sent(&desk), house.state.ids().await.expect("listed")), (0, Vec::new()));
    repository.write(".gitignore", "*.bin\n");
    send(&house, repository.job("code: frozen\n")).await.expect("what is ignored is not packed");
}

#[tokio::test]
async fn many_jobs_of_one_tree_look_at_it_once_and_keep_it_once() {
    let processes = async |count: usize| {
        let (desk, repository) = (Desk::new().await, Repository::new());
        repository.write("train.py", "changed\n");
        let files = (0..count).map(|number| {
            let mut file = repository.job("code: frozen\n");
            file.spec.name = format!("job-{number}").parse().expect("a name");
            file
        });
        let before = reach::counters().processes;
        let call = ManySubmission {
            files: files.collect(),
            over: Over::Ask,
            anyway: None,
            arrays: Arrays::Wanted { at_once: None },
        };
        submit_many(&desk.house("ada"), call).await.expect("submitted");
        let kept = fs::read_dir(kept(&desk, "code/ada")).expect("kept").count();
        assert_eq!(kept, 2, "an archive and a difference");
        reach::counters().processes - before
    };
    assert_eq!(processes(2).await, processes(30).await);
}

#[tokio::test]
async fn each_link_of_a_chain_runs_the_code_of_its_submission() {
    let desk = Desk::new().await;
    let (house, repository) = (desk.house("ada"), Repository::new());
    let answer =
        send(&house, repository.job("code: frozen\nchain: { until: marker, ahead: 2 }\n")).await.expect("submitted");
    assert_eq!(answer.links.len(), 2, "two are queued at once");
    let frozen = record(&desk).await.frozen.expect("it brings its code");
    let (first, _) = only_job(&desk).await;
    for link in [first.clone(), first.of_link(LinkNumber::new(2).expect("not 0"))] {
        let script = fs::read_to_string(link.script()).expect("written");
        assert!(script.contains(frozen.content.sha256.as_str()), "{}", link.link());
    }
}

#[tokio::test]
async fn code_for_another_site_is_read_here() {
    let (desk, repository) = (Desk::new().await, Repository::new());
    let mut house = desk.house("ada");
    house.vantage = Vantage::Remote { is_attended: true };
    send(&house, repository.job("code: frozen\n")).await.expect("submitted");
    let record = record(&desk).await;
    assert_eq!(record.repositories[0].machine, Machine::Submitter);
    assert!(kept(&desk, &record.frozen.expect("brought").file).exists());
    // The home that `~` means is the one at the site.
    let error = send(&house, repository.job("code: frozen\nworkdir: ~/lm\n")).await.map(drop).expect_err("refused");
    assert_eq!(error.mistakes.first().map(|mistake| mistake.finding.field.as_str()), Some("workdir"), "{error}");
}

#[tokio::test]
async fn an_image_is_digested_once_and_anew_when_it_is_another() {
    let desk = desk_with_containers().await;
    let (house, repository) = (desk.house("ada"), Repository::new());
    let image = repository.root().join("torch.ckpt");
    let mut digests = Vec::new();
    for (number, text) in ["one", "one", "other"].into_iter().enumerate() {
        if fs::read_to_string(&image).ok().as_deref() != Some(text) {
            fs::write(&image, text).expect("an image");
        }
        let mut file = repository.job(&format!("environment: {{ container: {} }}\n", image.display()));
        file.spec.name = format!("job-{number}").parse().expect("a name");
        let id = send(&house, file).await.expect("submitted").id;
        let record = house.state.job(id).provenance().await.expect("read").expect("written");
        let found = record.container.expect("named");
        assert_eq!(found.bytes, Some(text.len() as u64));
        digests.push(found.digest);
    }
    let expected = ImageDigest::Sha256(digest(&image).parse().expect("a digest"));
    assert_eq!((digests[0] == digests[1], digests[1] == digests[2], &digests[2]), (true, false, &expected));
    let known = fs::read_dir(kept(&desk, "code/ada")).expect("kept").filter_map(Result::ok);
    let known = known.filter(|entry| entry.file_name().to_string_lossy().starts_with("image-")).count();
    assert_eq!(known, 2, "one for each of the two images");
}
