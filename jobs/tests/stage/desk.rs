//! A ledger that several people share, their houses, and short ways to say what the tests are about.

use super::cluster::{Cluster, Says};
use async_trait::async_trait;
use jobs::{
    Books, House, JobsError, ProcessMark, Processes, Unwatched, Vantage,
    directory::{Intent, JobDirectory, Origin, Sending, State, SubmittedNote},
    settle::{SettleOptions, SettleReport, settle},
};
use ledger::{
    BalanceQuery, Binding, Book, Command, Entry, EntryKind, EntryPage, HoldId, LedgerError, NewGrant, NewHold,
    OpenMode, SqliteBook,
};
use model::{
    Amount, Balance, Clock, ClusterName, JobId, LinkNumber, Principal, SchedulerJobId, SiteName, Stamp, Timestamp,
    Window,
};
use reach::{DirectoryMode, Local, Reach, ReachError};
use sites::{Catalogue, LocalMachine};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};
use tempfile::TempDir;

pub(crate) const NOW: i64 = 1_793_000_000;
pub(crate) const DAY: i64 = 86_400;
/// One GPU for one hour, in milli-seconds.
pub(crate) const HOUR: i64 = 3_600_000;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_epoch_seconds(seconds)
}

/// A clock that the test sets.
pub(crate) struct SetClock(pub(crate) AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        at(self.0.load(Ordering::SeqCst))
    }
}

struct TestBooks(PathBuf);

#[async_trait]
impl Books for TestBooks {
    async fn book(&self) -> Result<Option<Arc<dyn Book>>, LedgerError> {
        Ok(Some(Arc::new(SqliteBook::open(&self.0, OpenMode::Existing)?)))
    }

    async fn create(&self) -> Result<bool, LedgerError> {
        SqliteBook::open(&self.0, OpenMode::Create).map(|_| true)
    }

    async fn restore(&self, from: &std::path::Path) -> Result<ledger::Verification, LedgerError> {
        unreachable!("no test restores from here: {}", from.display())
    }

    fn place(&self) -> PathBuf {
        self.0.clone()
    }

    fn is_at_hand(&self) -> bool {
        true
    }
}

const OWN_PROCESS: ProcessMark = ProcessMark { number: 1, started: 1 };

/// Another process that lives.
pub(crate) const OTHER_PROCESS: ProcessMark = ProcessMark { number: 5, started: 1 };

/// These two live.
struct TestProcesses;

#[async_trait]
impl Processes for TestProcesses {
    async fn host(&self) -> Result<String, ReachError> {
        Local.host_name().await
    }

    fn is_alive(&self, number: u32, _started: u64) -> bool {
        [OWN_PROCESS.number, OTHER_PROCESS.number].contains(&number)
    }

    async fn is_submitting(&self, _stamp: &str) -> Result<bool, ReachError> {
        Ok(false)
    }
}

/// The desk: a ledger with 1000 GPU-hours for `atlas`, which account `hai` spends, granted 100 days ago.
pub(crate) struct Desk {
    folder: TempDir,
    pub(crate) clock: Arc<SetClock>,
    says: Arc<Mutex<Says>>,
    profile: String,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let desk = Self {
            folder,
            clock: Arc::new(SetClock(AtomicI64::new(NOW))),
            says: Arc::default(),
            profile: profile(&["gpu"]),
        };
        SqliteBook::open(&desk.ledger(), OpenMode::Create).expect("a new ledger");
        let grant = Command::Grant(NewGrant {
            key: "g1".to_owned(),
            project: "atlas".parse().expect("a project"),
            programme: "GCS".parse().expect("a programme"),
            unit: "testland:gpu".parse().expect("a unit"),
            amount: Amount::from_milli(1000 * HOUR),
            window: Window { from: at(NOW - 100 * DAY), to: at(NOW + 1000 * DAY) },
            reference: "GCS-2026-17".to_owned(),
            lots: Vec::new(),
        });
        let bind = Command::Bind(Binding {
            site: site(),
            account: Some("hai".parse().expect("an account")),
            partition: None,
            user: None,
            work_directory: None,
            name: None,
            unit: "testland:gpu".parse().expect("a unit"),
            project: "atlas".parse().expect("a project"),
            from: at(0),
            to: None,
        });
        desk.post(&[grant, bind]).await;
        desk
    }

    /// The site's profile knows these partitions from now on.
    pub(crate) fn profile_knows(&mut self, partitions: &[&str]) {
        self.profile = profile(partitions);
    }

    /// The site's profile says something else from now on, which must stand in it.
    pub(crate) fn profile_says(&mut self, instead_of: &str, text: &str) {
        assert!(self.profile.contains(instead_of), "{}", self.profile);
        self.profile = self.profile.replace(instead_of, text);
    }

    fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger.sqlite")
    }

    /// What the cluster says; the test changes it.
    pub(crate) fn says(&self) -> MutexGuard<'_, Says> {
        self.says.lock().expect("no test panics with it")
    }

    pub(crate) fn set_clock(&self, seconds: i64) {
        self.clock.0.store(seconds, Ordering::SeqCst);
    }

    /// The house of a person, with a state folder of their own.
    pub(crate) fn house(&self, user: &str) -> House {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let principal = principal(user);
        let files: Arc<dyn Reach> = Arc::new(Local);
        let state = self.folder.path().join(user);
        House {
            clock: Arc::clone(&clock),
            machine_zone: model::Zone::utc(),
            scheduler: Arc::new(Cluster { says: Arc::clone(&self.says), reader: principal.user.clone(), clock }),
            principal,
            catalogue: Arc::new(catalogue(&self.profile)),
            here: site(),
            vantage: Vantage::Site,
            variables: Arc::new(BTreeMap::new()),
            machine: LocalMachine { cpus: 8, gpus: 1 },
            state: State::new(state, DirectoryMode::Private, Arc::clone(&files)),
            own_files: Arc::clone(&files),
            files,
            dialect: templates::Dialect::Slurm,
            books: Arc::new(TestBooks(self.ledger())),
            random: another,
            process: OWN_PROCESS,
            processes: Arc::new(TestProcesses),
            steps: Arc::new(Unwatched),
            made_by: "pakt test".to_owned(),
        }
    }

    /// The house of a person at another site, which pays from the ledger of this desk and has a cluster of its own.
    pub(crate) fn house_at(&self, other: &Self, name: &str, user: &str) -> House {
        let here: SiteName = name.parse().expect("a site");
        let known = catalogue(&self.profile);
        let text = self.profile.replace("testland", name);
        House {
            principal: Principal { site: Some(here.clone()), ..principal(user) },
            catalogue: Arc::new(known.with_override(&format!("{name}.yaml"), &text).expect("a good profile")),
            books: Arc::new(TestBooks(self.ledger())),
            here,
            ..other.house(user)
        }
    }

    pub(crate) fn book(&self) -> SqliteBook {
        SqliteBook::open(&self.ledger(), OpenMode::Existing).expect("opened")
    }

    pub(crate) async fn post(&self, commands: &[Command]) {
        self.book().post(&principal("pi"), self.clock.now(), commands).await.expect("posted");
    }

    pub(crate) async fn try_settle(&self, user: &str, options: SettleOptions) -> Result<SettleReport, JobsError> {
        settle(&self.house(user), options).await
    }

    /// Settles one's own runs.
    pub(crate) async fn settle(&self, user: &str) -> SettleReport {
        self.try_settle(user, SettleOptions::default()).await.expect("settled")
    }

    /// Settles as a coordinator does.
    pub(crate) async fn settle_all(&self, user: &str) -> SettleReport {
        self.try_settle(user, SettleOptions { all_users: true, ..SettleOptions::default() }).await.expect("settled")
    }

    pub(crate) async fn balance(&self) -> Balance {
        let found = self.book().balances(&BalanceQuery::default(), self.clock.now()).await.expect("balances");
        found.into_iter().find(|balance| balance.unit.to_string() == "testland:gpu").expect("a balance")
    }

    /// What `atlas` has used, in seconds of one GPU.
    pub(crate) async fn used(&self) -> i64 {
        self.balance().await.used.milli() / 1000
    }

    pub(crate) async fn cursor(&self, scope: &str) -> Option<i64> {
        let cluster: ClusterName = "testland".parse().expect("a cluster");
        let found = self.book().cursor(&site(), &cluster, &scope.parse().expect("a scope")).await.expect("read");
        found.map(|cursor| cursor.settled_until.epoch_seconds())
    }

    /// The entries, but for decisions: every reading is one.
    pub(crate) async fn entries(&self) -> Vec<Entry> {
        let mut entries = self.book().entries(EntryPage { after: 0, limit: 1000 }).await.expect("entries");
        entries.retain(|entry| entry.kind != EntryKind::Decide);
        entries
    }

    pub(crate) async fn is_held(&self, job: JobId) -> bool {
        self.book().hold(HoldId(job)).await.expect("read").is_some_and(|hold| hold.is_open())
    }

    /// Makes a job of a person as `submit` would: a directory, and a hold of one GPU-hour.
    pub(crate) async fn job(&self, user: &str, number: u32, made_at: i64, origin: Origin) -> Job {
        let job = self.job_without_hold(user, number, made_at, origin).await;
        let hold = Command::Hold(NewHold {
            id: HoldId(job.id),
            project: "atlas".parse().expect("a project"),
            unit: "testland:gpu".parse().expect("a unit"),
            ceiling: Amount::from_milli(HOUR),
            anyway: None,
            note: format!("job-{number}"),
            is_provisional: false,
            expected: None,
        });
        self.book().post(&principal(user), at(made_at), &[hold]).await.expect("held");
        job
    }

    /// Makes a job whose hold is not entered.
    pub(crate) async fn job_without_hold(&self, user: &str, number: u32, made_at: i64, origin: Origin) -> Job {
        let house = self.house(user);
        let id = JobId::from_parts(at(made_at), u128::from(number));
        let directory = house.state.job(id);
        directory.create().await.expect("made");
        let intent = Intent {
            version: 1,
            id,
            name: format!("job-{number}").parse().expect("a name"),
            project: "atlas".parse().expect("a project"),
            site: site(),
            digest: format!("digest-{number}"),
            generation: 1,
            principal: principal(user),
            host: "login01".to_owned(),
            made_at: at(made_at),
            origin: Some(origin),
            placement: None,
            hold: Some(("testland:gpu".parse().expect("a unit"), Amount::from_milli(HOUR))),
            link_hold: None,
            continues: None,
            hold_later: None,
            expected: None,
            anyway: None,
        };
        directory.put_intent(&intent).await.expect("written");
        Job { id, directory }
    }
}

/// A job on the desk.
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) directory: JobDirectory,
}

impl Job {
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp { job: self.id, link: LinkNumber::FIRST }
    }

    /// Notes the scheduler's id, and when the scheduler says that it was submitted.
    pub(crate) async fn submitted(&self, id: u64, noted_at: i64, submitted_at: Option<i64>) {
        let note = SubmittedNote {
            scheduler_job: SchedulerJobId::new(id),
            cluster: None,
            at: at(noted_at),
            was_found: false,
            submitted_at: submitted_at.map(at),
        };
        self.directory.put_submitted(&note).await.expect("written");
    }

    /// Notes that a process is about to call the scheduler.
    pub(crate) async fn sending(&self, host: &str, process: u32, noted_at: i64) {
        let sending = Sending {
            host: host.to_owned(),
            process,
            process_started: 1,
            command_host: None,
            is_unseen: false,
            claims: false,
            array: None,
            links: None,
            at: at(noted_at),
        };
        self.directory.note_sending(&sending).await.expect("written");
    }
}

fn site() -> SiteName {
    "testland".parse().expect("a site")
}

pub(crate) fn principal(user: &str) -> Principal {
    Principal { user: user.parse().expect("a user"), site: Some(site()) }
}

/// Bits that were not there before, with room for an array behind each.
fn another() -> u128 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    u128::from(LAST.fetch_add(1, Ordering::SeqCst)) << 32
}

/// A site with these partitions, all of which count GPUs, one by one.
fn profile(partitions: &[&str]) -> String {
    let mut text = "site: testland\ntitle: Testland\ncentre: a test\n\
        defaults: { source: test, as_of: 2026-11, confidence: documented }\nsources:\n  test: this test\n\
        clusters: [testland]\nlogin: { methods: [none], human_in_the_loop: false }\naccount: { need: optional }\n\
        budget_windows: [none]\npartitions:\n"
        .to_owned();
    for (place, partition) in partitions.iter().enumerate() {
        let default = if place == 0 { "[gpu, cpu]" } else { "[]" };
        text.push_str(&format!(
            "  - name: {partition}\n    slurm_name: {partition}\n    default_for: {default}\n    architecture: x86_64\n    \
             gpus: {{ value: {{ vendor: nvidia, model: H100, class: gpu, per_node: 4 }} }}\n    \
             cpus: {{ per_node: 32, per_gpu: 8, counts: core }}\n    memory: {{ rule: meaningless }}\n    \
             selection: {{ gres: gpu }}\n    sharing: shared\n    limits:\n      nodes: {{ value: 4 }}\n    \
             tariff: {{ charge: {{ gpus: 1000 }}, class: gpu }}\n    internet: true\n    rendezvous: {{}}\n    \
             launchers: {{ available: [torchrun, command] }}\n"
        ));
    }
    text
}

fn catalogue(profile: &str) -> Catalogue {
    Catalogue::builtin().and_then(|known| known.with_override("testland.yaml", profile)).expect("a good profile")
}
