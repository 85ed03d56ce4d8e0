//! Why a job waits: one question to the queue for all that wait and run, and a handful to the controller.

use crate::{
    AdapterError, AdapterErrorKind, Limit, LimitHolder, PendingJob, Reservation,
    slurm::{
        SlurmCommands,
        call::{self, Tool},
        describe,
        limits::{Wanted, account_above, read_limits, read_limits_above},
        pending_queue::{COLUMNS, HEADER, Waiting},
        reservation::read_reservations,
        rows::{Delimiter, Found, TableReader},
    },
};
use model::{AccountName, QosName, SchedulerJobId};

/// How many accounts above a job's are asked for: sites have two or three levels.
const MOST_ABOVE: usize = 8;

impl SlurmCommands {
    /// One question to `squeue`, four to `scontrol` and one for each account above the job's; where the controller does not tell limits, those to `sacctmgr`
    /// that describe the cluster. Library and server tell no priorities, so the commands are asked whatever the way. Only a queue that does not answer is an error: all else says what it was not told.
    pub(super) async fn pending_job(&self, id: SchedulerJobId) -> Result<PendingJob, AdapterError> {
        let mut waiting = Waiting::of(id, self.clock.now());
        let mut job = match self.ask_waiting(&mut waiting).await {
            Ok(()) => waiting.job(self.hides_jobs().await)?,
            // A release that lacks one of the columns still tells the reason.
            Err(error) if error.kind == AdapterErrorKind::Unreadable => {
                PendingJob::of_sighting(self.job_facts(id).await?.sighting, &error)
            }
            Err(error) => return Err(error),
        };
        job.all_partitions = self.partitions(&[]).await;
        job.reservations = self.all_reservations().await;
        job.limits = self.limits_of(&job).await;
        Ok(job)
    }

    async fn hides_jobs(&self) -> Option<bool> {
        let text = self.ask(Tool::Scontrol, &["show", "config"]).await.ok()?;
        describe::hides_jobs(&text)
    }

    async fn ask_waiting(&self, waiting: &mut Waiting) -> Result<(), AdapterError> {
        let delimiter = Delimiter::fresh();
        let format: Vec<String> = COLUMNS.iter().map(|field| format!("{field}:{}", delimiter.as_str())).collect();
        let command = call::read(Tool::Squeue)
            .arguments(["--all", "--states=PENDING,RUNNING,SUSPENDED", "-O"])
            .argument(format.join(","))
            .variable("SLURM_BITSTR_LEN", "0");
        let reader = TableReader::new(&delimiter, COLUMNS.len(), HEADER);
        let mut take = |found: Found<'_>| match found {
            Found::Row(values) => waiting.take(values),
            Found::Cut(raw) => waiting.reject(raw),
        };
        self.ask_table(Tool::Squeue, command, reader, &mut take).await
    }

    async fn all_reservations(&self) -> Result<Vec<Reservation>, AdapterError> {
        let text = self.ask(Tool::Scontrol, &["show", "reservation", "-o"]).await?;
        read_reservations(&text).map_err(|cause| unreadable(&cause))
    }

    /// The limits of the job's account and those above it, of its person and QOS, and of the QOS of its partitions.
    async fn limits_of(&self, job: &PendingJob) -> Result<Vec<Limit>, AdapterError> {
        let partitions = job.all_partitions.iter().flatten().filter(|known| job.partitions.contains(&known.name));
        let qos: Vec<QosName> =
            job.sighting.qos.iter().cloned().chain(partitions.filter_map(|known| known.qos.clone())).collect();
        match self.limits_of_controller(job, &qos).await {
            Ok(limits) => Ok(limits),
            Err(unread) => self.limits_of_accounting(job, &qos).await.map_err(|_| unread),
        }
    }

    async fn limits_of_controller(&self, job: &PendingJob, qos: &[QosName]) -> Result<Vec<Limit>, AdapterError> {
        let mut words = vec!["show".to_owned(), "assoc_mgr".to_owned(), "-o".to_owned(), "flags=assoc,qos".to_owned()];
        words.push(format!("users={}", job.sighting.user));
        words.extend(job.sighting.account.iter().map(|account| format!("accounts={account}")));
        let names: Vec<&str> = qos.iter().map(QosName::as_str).collect();
        words.extend((!names.is_empty()).then(|| format!("qos={}", names.join(","))));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let text = self.ask(Tool::Scontrol, &words).await?;
        let wanted = Wanted { user: &job.sighting.user, account: job.sighting.account.as_ref(), qos };
        let mut limits = read_limits(&text, &wanted).map_err(|cause| unreadable(&cause))?;
        if let Some(account) = &job.sighting.account {
            limits.extend(self.limits_above(account, text).await?);
        }
        Ok(limits)
    }

    /// The limits of the accounts above one, whose own answer `text` is: each names the next.
    async fn limits_above(&self, account: &AccountName, mut text: String) -> Result<Vec<Limit>, AdapterError> {
        let (mut limits, mut account) = (Vec::new(), account.clone());
        for _ in 0..MOST_ABOVE {
            let Some(above) = account_above(&text, &account) else { break };
            let accounts = format!("accounts={above}");
            text = self.ask(Tool::Scontrol, &["show", "assoc_mgr", "-o", "flags=assoc", &accounts]).await?;
            limits.extend(read_limits_above(&text, &above));
            account = above;
        }
        Ok(limits)
    }

    /// What accounting knows of them: without what is taken, but for jobs that were counted in the queue.
    async fn limits_of_accounting(&self, job: &PendingJob, qos: &[QosName]) -> Result<Vec<Limit>, AdapterError> {
        let facts = self.accounting_facts().await?;
        let running = job.running.map(|running| u64::from(running.in_qos));
        let of_qos = facts.qos.iter().filter(|known| qos.contains(&known.name));
        let mut limits: Vec<Limit> = of_qos
            .flat_map(|known| {
                let own = Some(&known.name) == job.sighting.qos.as_ref();
                let jobs = known.max_jobs_per_user.map(|most| Limit {
                    holder: LimitHolder::PersonInQos(known.name.clone()),
                    name: "MaxJobsPU".to_owned(),
                    resource: String::new(),
                    most: most.into(),
                    used: running.filter(|_| own),
                });
                let wall = known.max_time.map(|most| wall(LimitHolder::Qos(known.name.clone()), most.seconds()));
                jobs.into_iter().chain(wall)
            })
            .collect();
        let own = facts.associations.iter().filter(|known| Some(&known.account) == job.sighting.account.as_ref());
        limits.extend(own.filter_map(|known| {
            let holder = match known.user {
                Some(_) => LimitHolder::PersonInAccount(known.account.clone()),
                None => LimitHolder::Account(known.account.clone()),
            };
            known.max_time.map(|most| wall(holder, most.seconds()))
        }));
        Ok(limits)
    }
}

/// The longest job, in minutes as the controller says it.
fn wall(holder: LimitHolder, seconds: u64) -> Limit {
    Limit { holder, name: "MaxWallPJ".to_owned(), resource: String::new(), most: seconds / 60, used: None }
}

fn unreadable(cause: &str) -> AdapterError {
    AdapterError::new(AdapterErrorKind::Unreadable, Tool::Scontrol.doing()).with("cause", cause)
}
