//! `site: any`: where a job goes, and that it never goes to two sites, whatever is killed on the way.

use crate::{
    cluster::waiting,
    desk::{DAY, Desk, HOUR, NOW, OTHER_PROCESS, at, principal},
    handed::KilledAfter,
    remote::NEEDS_PERSON,
    why::{goes_on_behind_others, stops, use_up},
    wish::{ONE_GPU, sent, wish},
};
use jobs::{
    Gravity, House, JobsError, Neighbour, Step, Vantage,
    choose::{Choices, Considered, Pays, Start, Verdict, choose, survey},
    submit::{SubmitAnswer, SubmitOutcome, submit},
};
use ledger::{Binding, Command, NewGrant};
use model::{Amount, BaseState, JobState, Window};
use reach::Local;
use scheduler_adapters::{AdapterErrorKind, Estimate};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// Two sites and the machine from which both are reached.
struct Two {
    first: Desk,
    second: Desk,
    own: tempfile::TempDir,
}

fn after_an_hour(_: &str) -> Estimate {
    Estimate::StartsAt { at: at(NOW + 3_600), said: String::new() }
}

fn after_two_hours(_: &str) -> Estimate {
    Estimate::StartsAt { at: at(NOW + 7_200), said: String::new() }
}

fn never(_: &str) -> Estimate {
    Estimate::Refused { said: "no such partition".to_owned() }
}

/// A budget at `otherland`, the site of the second desk, in the ledger of the first, as the desk has one at its own.
pub(crate) async fn grant_at(first: &Desk, second: &Desk) {
    let unit = || "otherland:gpu".parse().expect("a unit");
    let grant = Command::Grant(NewGrant {
        key: "g2".to_owned(),
        project: "atlas".parse().expect("a project"),
        programme: "GCS".parse().expect("a programme"),
        unit: unit(),
        amount: Amount::from_milli(1000 * HOUR),
        window: Window { from: at(NOW - 100 * DAY), to: at(NOW + 1000 * DAY) },
        reference: "GCS-2026-18".to_owned(),
        lots: Vec::new(),
    });
    let bind = Command::Bind(Binding {
        site: "otherland".parse().expect("a site"),
        account: Some("hai".parse().expect("an account")),
        partition: None,
        user: None,
        work_directory: None,
        name: None,
        unit: unit(),
        project: "atlas".parse().expect("a project"),
        from: at(0),
        to: None,
    });
    let house = first.house_at(second, "otherland", "ada");
    let book = house.books.book().await.expect("opened").expect("there");
    book.post(&principal("pi"), at(NOW), &[grant, bind]).await.expect("posted");
}

impl Two {
    /// `testland`, which starts in an hour, and `otherland`, in two; both with budgets.
    async fn new() -> Self {
        let two =
            Self { first: Desk::new().await, second: Desk::new().await, own: tempfile::tempdir().expect("a folder") };
        two.first.says().estimates = Some(after_an_hour);
        two.second.says().estimates = Some(after_two_hours);
        grant_at(&two.first, &two.second).await;
        two
    }

    fn sites(&self, after: Option<Step>) -> Vec<Neighbour> {
        let killed = |mut house: House| {
            if let Some(step) = after {
                house.steps = Arc::new(KilledAfter(step));
            }
            Neighbour { site: house.here.clone(), house: Ok(house) }
        };
        let first = self.first.house_at(&self.first, "testland", "ada");
        vec![killed(first), killed(self.first.house_at(&self.second, "otherland", "ada"))]
    }

    fn choices(&self) -> Choices {
        Choices::new(PathBuf::from(self.own.path()).join("choices"), Arc::new(Local))
    }

    /// How often each scheduler was handed a job.
    fn sent(&self) -> (usize, usize) {
        (sent(&self.first), sent(&self.second))
    }

    /// From now on the second site would start the job first.
    fn turns(&self) {
        self.first.says().estimates = Some(after_two_hours);
        self.second.says().estimates = Some(after_an_hour);
    }
}

fn anywhere() -> jobs::submit::Submission {
    wish(&ONE_GPU.replace("site: testland", "site: any"))
}

async fn submitted(choices: &Choices, sites: Vec<Neighbour>, again: bool) -> Result<SubmitAnswer, JobsError> {
    let submission = jobs::submit::Submission { again, ..anywhere() };
    let chosen = choose(choices, sites, &submission.file, again).await?;
    Box::pin(submit(&chosen.house, submission)).await
}

#[tokio::test]
async fn it_goes_where_it_starts_first_and_each_site_is_told() {
    let two = Two::new().await;
    let found = survey(&two.sites(None), &anywhere().file).await;
    assert_eq!(found.best, Some(0));
    let starts: Vec<_> = found
        .considered
        .iter()
        .map(|site| match &site.verdict {
            Verdict::Fits(fit) => (fit.pays, fit.start.clone()),
            _ => panic!("{} takes it", site.site),
        })
        .collect();
    let expected = [NOW + 3_600, NOW + 7_200].map(|start| (Pays::AsUsual, Start::At(at(start))));
    assert_eq!(starts, expected);
    two.turns();
    assert_eq!(survey(&two.sites(None), &anywhere().file).await.best, Some(1));
    assert_eq!(two.sent(), (0, 0), "looking changes nothing");
}

#[tokio::test]
async fn killed_behind_any_step_it_stays_at_the_site_that_was_chosen() {
    for step in Step::ALL {
        let two = Two::new().await;
        let (choices, sites) = (two.choices(), two.sites(Some(step)));
        let ended = tokio::spawn(async move { submitted(&choices, sites, false).await.map(drop) }).await;
        assert!(ended.is_err(), "it was not killed behind {step:?}");
        two.turns();
        for _ in 0..2 {
            let answer = submitted(&two.choices(), two.sites(None), false).await.expect("it goes on");
            assert_eq!(answer.scheduler_job.raw(), 101, "{step:?}");
        }
        assert_eq!(two.sent(), (1, 0), "{step:?}");
    }
}

#[tokio::test]
async fn two_at_once_and_a_lost_record_are_one_job() {
    let two = Two::new().await;
    let (one, other) = (two.choices(), two.choices());
    let mut others = two.sites(None);
    for house in others.iter_mut().filter_map(|site| site.house.as_mut().ok()) {
        house.process = OTHER_PROCESS;
    }
    let (one, other) = tokio::join!(submitted(&one, two.sites(None), false), submitted(&other, others, false));
    assert_eq!(one.expect("submitted").id, other.expect("the same").id);
    // Another machine has no record of the choice, and finds the job at its site.
    std::fs::remove_dir_all(two.own.path().join("choices")).expect("ours");
    two.turns();
    let answer = submitted(&two.choices(), two.sites(None), false).await.expect("found");
    assert_eq!((answer.outcome, two.sent()), (SubmitOutcome::Already, (1, 0)));
}

#[tokio::test]
async fn once_its_job_is_over_or_another_is_wanted_it_is_chosen_anew() {
    let two = Two::new().await;
    submitted(&two.choices(), two.sites(None), false).await.expect("submitted");
    two.turns();
    submitted(&two.choices(), two.sites(None), true).await.expect("another one");
    assert_eq!(two.sent(), (1, 1));
    for job in &mut two.second.says().queue {
        job.state = JobState::of(BaseState::Completed);
    }
    for job in &mut two.first.says().queue {
        job.state = JobState::of(BaseState::Completed);
    }
    submitted(&two.choices(), two.sites(None), false).await.expect("a new one");
    assert_eq!(two.sent(), (1, 2));
}

#[tokio::test]
async fn a_site_that_does_not_answer_is_not_chosen_and_one_that_has_the_job_is_waited_for() {
    let two = Two::new().await;
    let silent = |sites: &mut Vec<Neighbour>| sites[0].house = Err("no connection".to_owned());
    let mut sites = two.sites(None);
    silent(&mut sites);
    let found = survey(&sites, &anywhere().file).await;
    assert!(matches!(&found.considered[0].verdict, Verdict::NoAnswer(why) if why == "no connection"));
    assert_eq!(found.best, Some(1));
    two.first.says().fails = Some(("estimate", AdapterErrorKind::Unreachable));
    let found = survey(&two.sites(None), &anywhere().file).await;
    assert_eq!(found.best, Some(1), "one that gives no estimate comes behind one that does");
    submitted(&two.choices(), two.sites(None), false).await.expect("at the first");
    let mut sites = two.sites(None);
    silent(&mut sites);
    let Err(error) = submitted(&two.choices(), sites, false).await else { panic!("the first has it") };
    assert_eq!((error.gravity, two.sent()), (Gravity::Unreachable, (1, 0)));
    assert!(error.why.contains("it was begun at testland, which does not answer: no connection"), "{error}");
    two.first.says().queue.clear();
    two.first.says().fails = Some(("states", AdapterErrorKind::Unreachable));
    let Err(error) = submitted(&two.choices(), two.sites(None), false).await else { panic!("nobody knows") };
    assert_eq!((error.gravity, two.sent()), (Gravity::Unreachable, (1, 0)));
}

#[tokio::test]
async fn a_site_that_wants_a_person_is_not_chosen_where_nobody_looks_on() {
    let mut two = Two::new().await;
    two.first.profile_says("human_in_the_loop: false", NEEDS_PERSON);
    let from_afar = |is_attended: bool| {
        let mut sites = two.sites(None);
        sites[0].house.as_mut().expect("there").vantage = Vantage::Remote { is_attended };
        sites
    };
    assert_eq!(survey(&from_afar(true), &anywhere().file).await.best, Some(0), "a person looks on");
    let found = survey(&from_afar(false), &anywhere().file).await;
    let Verdict::NeedsPerson(why) = &found.considered[0].verdict else { panic!("it would refuse the job") };
    assert_eq!(
        why,
        "`testland` wants a person behind what is done over its connection, and this process has no terminal"
    );
    submitted(&two.choices(), from_afar(false), false).await.expect("the other takes it");
    assert_eq!(two.sent(), (0, 1));
    two.second.says().estimates = Some(never);
    let Err(error) = submitted(&two.choices(), from_afar(false), true).await else { panic!("nobody takes it") };
    assert_eq!((error.gravity, two.sent()), (Gravity::Refused, (0, 1)), "{error}");
}

#[tokio::test]
async fn what_no_site_takes_is_told_for_each_of_them() {
    let two = Two::new().await;
    two.first.says().estimates = Some(never);
    let mut sites = two.sites(None);
    sites[1].house = Err("no connection".to_owned());
    let Err(error) = submitted(&two.choices(), sites, false).await else { panic!("nobody takes it") };
    assert_eq!(error.gravity, Gravity::Unreachable);
    let expected = "testland: the scheduler would refuse it: no such partition; otherland: no answer: no connection";
    assert_eq!(error.why, expected);
    two.second.says().estimates = Some(never);
    let Err(error) = submitted(&two.choices(), two.sites(None), false).await else { panic!("nobody takes it") };
    assert_eq!(error.gravity, Gravity::Usage);
    assert_eq!(two.sent(), (0, 0));
}

#[tokio::test]
async fn a_site_without_a_budget_comes_last() {
    let two = Two { first: Desk::new().await, second: Desk::new().await, own: tempfile::tempdir().expect("a folder") };
    two.first.says().estimates = Some(after_two_hours);
    two.second.says().estimates = Some(after_an_hour);
    let found = survey(&two.sites(None), &anywhere().file).await;
    assert_eq!(found.best, Some(0), "otherland would start it first, and nobody pays there");
    assert!(matches!(&found.considered[1].verdict, Verdict::Fits(fit) if fit.pays == Pays::Nobody));
}

#[tokio::test]
async fn a_site_whose_budget_is_used_up_comes_behind_or_is_out_as_it_does_then() {
    let two = Two::new().await;
    use_up(&two.first, goes_on_behind_others()).await;
    let found = survey(&two.sites(None), &anywhere().file).await;
    let pays = |site: &Considered| match &site.verdict {
        Verdict::Fits(fit) => fit.pays,
        _ => panic!("{} takes it", site.site),
    };
    assert_eq!(found.considered.iter().map(pays).collect::<Vec<_>>(), [Pays::LowPriority, Pays::AsUsual]);
    assert_eq!(found.best, Some(1), "testland would start it first, behind all others");
    let two = Two::new().await;
    use_up(&two.first, stops()).await;
    let mut found = survey(&two.sites(None), &anywhere().file).await;
    let Verdict::NoBudget(why) = found.considered.remove(0).verdict else { panic!("it does not start there") };
    assert_eq!((why.as_str(), found.best), ("its budget is used up: the site does not start it", Some(1)));
}

#[tokio::test]
async fn a_site_that_lacks_what_the_job_works_on_comes_behind_though_it_would_start_it_first() {
    let written = ONE_GPU.replace("site: testland", "site: any");
    for (field, inside, text) in [
        ("workdir", "data", written.replace("workdir: ~", "workdir: ~/data")),
        ("environment.venv", "torch/bin/activate", format!("{written}environment: {{ venv: ~/torch }}\n")),
    ] {
        let two = Two::new().await;
        let wish = wish(&text);
        let homes = ["first", "second"].map(|name| two.own.path().join(name));
        let mut sites = two.sites(None);
        for (home, site) in homes.iter().zip(&mut sites) {
            std::fs::create_dir(home).expect("fresh");
            let variables = BTreeMap::from([("HOME".to_owned(), home.display().to_string())]);
            site.house.as_mut().expect("there").variables = Arc::new(variables);
        }
        let uncertain = async || {
            let found = survey(&sites, &wish.file).await;
            let is_uncertain = |site: &Considered| match &site.verdict {
                Verdict::Fits(fit) => fit.is_data_uncertain,
                _ => panic!("{} takes it", site.site),
            };
            (found.considered.iter().map(is_uncertain).collect::<Vec<_>>(), found.best)
        };
        assert_eq!(uncertain().await, (vec![true, true], Some(0)), "{field} is nowhere");
        for (home, expected) in homes.iter().rev().zip([(vec![true, false], Some(1)), (vec![false, false], Some(0))]) {
            let place = home.join(inside);
            std::fs::create_dir_all(place.parent().expect("below a home")).expect("ours");
            std::fs::create_dir(place).expect("fresh");
            assert_eq!(uncertain().await, expected, "{field}");
        }
    }
}

#[tokio::test]
async fn a_job_of_another_machine_whose_state_is_not_known_sends_nothing_elsewhere() {
    let two = Two::new().await;
    two.turns();
    submitted(&two.choices(), two.sites(None), false).await.expect("at the second");
    std::fs::remove_dir_all(two.own.path().join("choices")).expect("ours");
    two.second.says().queue = vec![waiting(999, "ben", NOW)];
    two.second.says().fails = Some(("states", AdapterErrorKind::Unreachable));
    let Err(error) = submitted(&two.choices(), two.sites(None), false).await else { panic!("nobody knows") };
    assert_eq!((error.gravity, two.sent()), (Gravity::Unreachable, (0, 1)));
}

#[tokio::test]
async fn a_silent_site_is_told_as_one_that_may_have_the_job_from_another_machine() {
    for is_unreached in [true, false] {
        let two = Two::new().await;
        two.turns();
        submitted(&two.choices(), two.sites(None), false).await.expect("at the second");
        // Another machine has no record of the choice.
        std::fs::remove_dir_all(two.own.path().join("choices")).expect("ours");
        let mut sites = two.sites(None);
        if is_unreached {
            sites[1].house = Err("no connection".to_owned());
        } else {
            let requests = sites[1].house.as_ref().expect("there").state.root().join("requests");
            std::fs::rename(&requests, requests.with_extension("away")).expect("ours");
            std::fs::write(requests, "").expect("ours");
        }
        two.second.says().estimates = Some(never);
        let chosen = choose(&two.choices(), sites, &anywhere().file, false).await.expect("the first takes it");
        let silent: Vec<&str> = chosen.unasked.iter().map(|(site, _)| site.as_str()).collect();
        assert_eq!((chosen.house.here.as_str(), silent), ("testland", vec!["otherland"]), "{is_unreached}");
        assert!(!chosen.unasked[0].1.is_empty());
        // Who has it after all is found, and nobody else has to be asked.
        std::fs::remove_dir_all(two.own.path().join("choices")).expect("ours");
        if is_unreached {
            let mut sites = two.sites(None);
            sites[0].house = Err("no connection".to_owned());
            let chosen = choose(&two.choices(), sites, &anywhere().file, false).await.expect("the second has it");
            assert_eq!((chosen.house.here.as_str(), chosen.unasked.len()), ("otherland", 0));
        }
    }
}
