//! `pakt doctor`: looks at this installation.

mod connection;
mod costs;

use super::{Context, view::unsigned_tail};
use crate::{
    configuration::Configuration,
    failure::Failure,
    output::Answer,
    wiring::{self, UnusedWay, Way},
};
use jobs::{Gravity, House, Vantage, ledger_marks::other_ledgers, site_view::examine};
use serde_json::{Map, Value, json};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

/// What is not as it should be.
struct Finding {
    /// Of what.
    name: &'static str,
    /// What, why, and what to do; how grave it is where it is in the way of work.
    failure: Failure,
    /// Whether work goes on in spite of it.
    is_warning: bool,
}

/// All that was looked at, in order.
#[derive(Default)]
struct Report {
    values: Vec<(&'static str, String)>,
    /// Lines behind them, of which several may have one name.
    told: Vec<(&'static str, String)>,
    /// The same for programs.
    fields: Vec<(&'static str, Value)>,
    findings: Vec<Finding>,
}

/// What is looked at where it is clear which site this is.
const OF_A_SITE: [&str; 3] = ["jobs", "ledger", "scheduler"];
/// Of several unmet needs the first of these gives the exit code: what has to be mended goes before what may pass.
const GRAVEST_FIRST: [Gravity; 5] =
    [Gravity::Bug, Gravity::Usage, Gravity::Refused, Gravity::Unknown, Gravity::Unreachable];

/// Looks at configuration, folders, scheduler and ledger; every line says what was found, and what to do where it is bad.
pub(crate) async fn run(context: &Context) -> Result<Answer, Failure> {
    let mut report = Report::default();
    report.good("version", wiring::MADE_BY);
    report.good("configuration", context.configuration.folder.join("config.yaml").display().to_string());
    let catalogue = wiring::catalogue(&context.configuration)?;
    match wiring::here(&context.general, &context.configuration, &catalogue) {
        Ok(here) => {
            report.good("site", here.to_string());
            if connection::look(context, &catalogue, &here, &mut report).await {
                match context.house().await {
                    Ok(house) => {
                        look(&house, &mut report).await;
                        look_for_a_server_out_of_reach(&house, &context.configuration, &mut report);
                    }
                    Err(failure) => {
                        report.bad("folders", failure);
                        report.unseen("not looked at before that is mended");
                    }
                }
            } else {
                report.unseen("not looked at without a connection");
            }
        }
        Err(failure) => {
            report.bad("site", failure);
            report.unseen("not looked at before the site is known");
        }
    }
    Ok(report.answer())
}

async fn look(house: &House, report: &mut Report) {
    report.good("who", house.principal.to_string());
    let root = house.state.root();
    match wiring::unusable_jobs_folder(house).await {
        Ok(None) => {
            report.good("jobs", root.display().to_string());
            look_for_a_small_home(house, report).await;
        }
        Err(failure) => report.bad("jobs", failure),
        Ok(Some(why)) => {
            let next = "look at its owner and mode, or name another with `state:` in the configuration";
            report.bad("jobs", Failure::usage(format!("`{}` cannot be used", root.display()), why, next));
        }
    }
    look_at_ledger(house, report).await;
    match other_ledgers(house).await {
        Ok(others) => others.iter().for_each(|other| report.doubt("ledgers", super::other_ledgers::finding(other))),
        Err(error) => report.doubt("ledgers", error.into()),
    }
    look_at_scheduler(house, report).await;
    costs::look(house, report).await;
}

/// A profile keeps caches out of a small home. Where it knows no area for job directories, a person has to name one.
async fn look_for_a_small_home(house: &House, report: &mut Report) {
    // A site that does not answer is told by what asks it next.
    let home = house.variables.all().await.ok().and_then(|all| all.get("HOME")).filter(|home| !home.is_empty());
    let is_in_home = home.is_some_and(|home| house.state.root().starts_with(home));
    if is_in_home && wiring::spares_home_without_area(house) {
        let why = format!("the profile of {} keeps caches out of it and knows no area for jobs", house.here);
        let next =
            "where its quota is small, name a folder elsewhere with `state:` in config.yaml, before the first job";
        report.doubt("home", Failure::usage("jobs are kept in your home", why, next));
    }
}

async fn look_at_ledger(house: &House, report: &mut Report) {
    let place = house.books.place().display().to_string();
    let book = match house.book("the ledger was not opened").await {
        Ok(Some(book)) => book,
        Ok(None) => {
            let failure = Failure::usage("none", place, "`pakt ledger init` makes one, where hours are to be counted");
            return report.doubt("ledger", failure);
        }
        Err(error) => return report.bad("ledger", error.into()),
    };
    if let Ok(Some(to)) = book.moved_to().await {
        let next = "name that server with `ledger:` in the configuration, or with PAKT_LEDGER";
        let failure = Failure::usage(format!("{place} takes no more posts"), format!("it was moved to {to}"), next);
        return report.bad("ledger", failure);
    }
    match book.verify().await {
        Ok(verified) if verified.is_consistent() => match verified.log.as_ref().and_then(unsigned_tail) {
            None => report.good("ledger", format!("{place}: sound")),
            Some([why, next]) => {
                report.doubt("ledger", Failure::usage(format!("{place}: sound, and not signed to its end"), why, next));
            }
        },
        Ok(verified) => {
            let next = "keep the file as it is, restore a copy elsewhere, and report this";
            let failure = Failure::usage(format!("{place} is not sound"), verified.findings.join("; "), next);
            report.bad("ledger", Failure { gravity: Gravity::Bug, ..failure });
        }
        Err(error) => {
            let failure = Failure::usage(format!("{place} was not read"), error.to_string(), "try again later");
            report.bad("ledger", Failure { gravity: Gravity::Unreachable, ..failure });
        }
    }
}

async fn look_at_scheduler(house: &House, report: &mut Report) {
    let way = house.scheduler.way().await;
    let found = examine(house).await;
    look_at_unused_ways(house, report);
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let what = "the scheduler does not answer as it should".to_owned();
            let next = match error.gravity {
                Gravity::Usage => {
                    "load what puts Slurm's commands into the PATH, or name another site with `--site`".into()
                }
                _ => error.next.clone(),
            };
            return report.bad("scheduler", Failure { what, next, ..error.into() });
        }
    };
    let facts = found.facts;
    let gpus = if facts.tracks_gpus { "GPUs tracked" } else { "GPUs not tracked: filled in from the profile" };
    let comments =
        if facts.stores_comments { "comments stored" } else { "comments not stored: stamps are read from names" };
    report.good("scheduler", format!("{} {} by {way}: {gpus}, {comments}", facts.cluster, facts.version));
    if !found.drift.is_empty() {
        let what = format!("the site's profile differs from the cluster in {} points", found.drift.len());
        let fields = found.drift.iter().map(|drift| drift.field.clone()).collect::<Vec<_>>().join(", ");
        report.doubt("profile", Failure::usage(what, fields, "`pakt sites doctor` says how"));
    }
}

/// What was set up, or lies there, and does not do what it might.
fn look_at_unused_ways(house: &House, report: &mut Report) {
    for UnusedWay { way, why } in house.scheduler.unused_ways() {
        let (name, what, next) = match way {
            Way::Library => (
                "slurm library",
                "Slurm's own library is not used, and its commands do all",
                "build `pakt-slurm` for this Slurm (docs/for-admins.md), or write `slurm_helper: none`",
            ),
            Way::Rest => (
                "slurm rest",
                "slurmrestd did not do what it might, and another way did",
                "mend what it names, or take `slurm_rest` out of config.yaml (docs/for-admins.md)",
            ),
        };
        report.doubt(name, Failure::usage(what.to_owned(), why, next));
    }
}

/// A slurmrestd is asked from a machine of its site alone.
fn look_for_a_server_out_of_reach(house: &House, configuration: &Configuration, report: &mut Report) {
    if house.vantage == Vantage::Site || configuration.file.slurm_rest.is_none() {
        return;
    }
    let why = format!("{} is reached through ssh, and a server from a machine of its site alone", house.here);
    let next =
        "write `slurm_rest` into config.yaml at the site, and take it out here, unless it is this machine's own site's";
    report.doubt("slurm rest", Failure::usage("slurmrestd is not asked, and other ways do all", why, next));
}

impl Report {
    fn good(&mut self, name: &'static str, value: impl Into<String>) {
        self.values.push((name, value.into()));
    }

    fn unseen(&mut self, why: &str) {
        for name in OF_A_SITE {
            self.good(name, why);
        }
    }

    fn bad(&mut self, name: &'static str, failure: Failure) {
        self.find(Finding { name, failure, is_warning: false });
    }

    fn doubt(&mut self, name: &'static str, failure: Failure) {
        self.find(Finding { name, failure, is_warning: true });
    }

    fn find(&mut self, finding: Finding) {
        let Finding { name, failure: Failure { what, why, next, .. }, is_warning } = &finding;
        let word = if *is_warning { "warning" } else { "error" };
        // A scheduler says why in several lines.
        let why = why.trim().replace('\n', "; ");
        self.values.push((name, format!("{word}: {what}: {why}\n{:<14} next: {next}", "")));
        self.findings.push(finding);
    }

    /// Warnings stop nothing; what is in the way of work ends the program with its code.
    fn code(&self) -> u8 {
        let unmet = |gravity: &Gravity| {
            self.findings.iter().any(|finding| !finding.is_warning && finding.failure.gravity == *gravity)
        };
        GRAVEST_FIRST.into_iter().find(unmet).map_or(0, Failure::code)
    }

    fn answer(self) -> Answer {
        let code = self.code();
        let lines = self.values.iter().chain(&self.told);
        let text: String = lines.map(|(name, value)| format!("{name:<14} {value}\n")).collect();
        let is_found = |name: &str| self.findings.iter().any(|finding| finding.name == name);
        let values = self.values.iter().filter(|(name, _)| !is_found(name));
        let fields: Map<String, Value> = values.map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let findings: Vec<Value> = self.findings.iter().map(of_finding).collect();
        let mut json = json!({ "version": 1, "doctor": fields, "findings": findings });
        for (name, value) in &self.fields {
            json[*name] = value.clone();
        }
        let answer = Answer::new(text, json).with_code(code);
        // What is bad is told under `--quiet`, too.
        if code == 0 { answer } else { answer.product() }
    }
}

fn of_finding(finding: &Finding) -> Value {
    let Finding { name, failure: Failure { gravity, what, why, next, .. }, is_warning } = finding;
    let severity = if *is_warning { "warning" } else { "error" };
    let kind = (!is_warning).then(|| Failure::kind(*gravity));
    json!({ "name": name, "severity": severity, "kind": kind, "what": what, "why": why, "next": next })
}
