//! A site that is reached from another machine: who looks on, and whose calls may still be under way.

use crate::{
    desk::{Desk, NOW, at},
    meanwhile::Ticking,
    wish::{ONE_GPU, killed, only_job, sent, wish},
};
use async_trait::async_trait;
use jobs::{
    Gravity, House, Processes, Step, Vantage,
    directory::Sending,
    ledger_marks::{OtherLedger, meet_other_ledgers, other_ledgers},
    submit::submit,
};
use model::Clock;
use reach::{Local, Reach, ReachError};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

pub(crate) const NEEDS_PERSON: &str = "human_in_the_loop: true";

/// A laptop without the earlier process. At the site its `sbatch` runs as often as it is said to.
struct Laptop {
    still_runs: AtomicUsize,
    asked: AtomicUsize,
}

#[async_trait]
impl Processes for Laptop {
    async fn host(&self) -> Result<String, ReachError> {
        Ok("laptop".to_owned())
    }

    fn is_alive(&self, _number: u32, _started: u64) -> bool {
        false
    }

    async fn is_submitting(&self, _stamp: &str) -> Result<bool, ReachError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.still_runs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok())
    }
}

fn on_a_laptop(desk: &Desk, still_runs: usize, is_attended: bool) -> (House, Arc<Laptop>) {
    let laptop = Arc::new(Laptop { still_runs: AtomicUsize::new(still_runs), asked: AtomicUsize::new(0) });
    let mut house = desk.house("ada");
    house.processes = Arc::clone(&laptop) as Arc<dyn Processes>;
    house.vantage = Vantage::Remote { is_attended };
    (house, laptop)
}

#[tokio::test]
async fn a_site_that_wants_a_person_gets_nothing_from_a_process_without_one() {
    let mut desk = Desk::new().await;
    desk.profile_says("human_in_the_loop: false", NEEDS_PERSON);
    let error = submit(&on_a_laptop(&desk, 0, false).0, wish(ONE_GPU)).await.map(drop).expect_err("nobody looks on");
    assert_eq!((error.gravity, sent(&desk)), (Gravity::Refused, 0));
    let state = desk.house("ada").state;
    assert!(Local.list(state.root()).await.expect("looked at").is_none(), "nothing was begun");
    submit(&on_a_laptop(&desk, 0, true).0, wish(ONE_GPU)).await.map(drop).expect("a person does");
    assert_eq!(sent(&desk), 1);
}

#[tokio::test]
async fn other_sites_and_a_login_node_need_nobody() {
    let desk = Desk::new().await;
    submit(&on_a_laptop(&desk, 0, false).0, wish(ONE_GPU)).await.map(drop).expect("the site does not mind");
    let mut desk = Desk::new().await;
    desk.profile_says("human_in_the_loop: false", NEEDS_PERSON);
    submit(&desk.house("ada"), wish(ONE_GPU)).await.map(drop).expect("cron on a login node");
}

#[tokio::test]
async fn a_call_notes_who_made_it_and_where_it_ran() {
    let desk = Desk::new().await;
    submit(&on_a_laptop(&desk, 0, true).0, wish(ONE_GPU)).await.map(drop).expect("sent");
    let (directory, _) = only_job(&desk).await;
    let noted = directory.sending(1).await.expect("read").expect("noted");
    let site = Local.host_name().await.expect("a name");
    assert_eq!((noted.host.as_str(), noted.command_host), ("laptop", Some(site)));
}

/// A job whose call was noted by the laptop, which ran it on `command_host`.
async fn called(command_host: &str, at_second: i64, is_unseen: bool) -> Desk {
    let desk = Desk::new().await;
    killed(&desk, Some(Step::Held)).await;
    let (directory, _) = only_job(&desk).await;
    let sending = Sending {
        host: "laptop".to_owned(),
        process: 9,
        process_started: 9,
        command_host: Some(command_host.to_owned()),
        is_unseen,
        claims: false,
        array: None,
        links: None,
        at: at(at_second),
    };
    directory.note_sending(&sending).await.expect("written");
    desk
}

#[tokio::test(start_paused = true)]
async fn a_call_that_outlived_its_laptop_is_waited_for_at_the_site() {
    let site = Local.host_name().await.expect("a name");
    // However long ago it began: it is seen running.
    let desk = called(&site, NOW - 86_400, false).await;
    let (house, laptop) = on_a_laptop(&desk, 3, true);
    submit(&house, wish(ONE_GPU)).await.map(drop).expect("sent");
    assert_eq!((laptop.asked.load(Ordering::SeqCst), sent(&desk)), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_on_another_login_node_is_known_by_its_age_alone() {
    let desk = called("another-login-node", NOW - 86_400, false).await;
    let (house, laptop) = on_a_laptop(&desk, 3, true);
    submit(&house, wish(ONE_GPU)).await.map(drop).expect("sent");
    assert_eq!((laptop.asked.load(Ordering::SeqCst), sent(&desk)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_library_or_a_server_makes_is_waited_for_though_no_process_shows_it() {
    let desk = called(&Local.host_name().await.expect("a name"), NOW, true).await;
    let (mut house, _) = on_a_laptop(&desk, 0, true);
    let clock = Arc::new(Ticking::from(NOW));
    house.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    submit(&house, wish(ONE_GPU)).await.map(drop).expect("sent");
    let (_, intent) = only_job(&desk).await;
    let sent_at = house.state.job(intent.id).submitted().await.expect("read").expect("noted").at;
    assert!(sent_at >= at(NOW + 150), "{sent_at}");
    assert_eq!(sent(&desk), 1);
}

#[tokio::test]
async fn a_call_notes_whether_a_process_shows_it() {
    for is_unseen in [false, true] {
        let desk = Desk::new().await;
        desk.says().is_unseen = is_unseen;
        submit(&desk.house("ada"), wish(ONE_GPU)).await.map(drop).expect("sent");
        let (directory, _) = only_job(&desk).await;
        assert_eq!(directory.sending(1).await.expect("read").expect("noted").is_unseen, is_unseen);
    }
}

#[tokio::test]
async fn two_ledgers_that_hold_for_the_same_jobs_are_told_on_both_sides() {
    let (laptop, login) = (Desk::new().await, Desk::new().await);
    let at_site = laptop.house("ada").state;
    let (far, _) = on_a_laptop(&laptop, 0, true);
    let near = House { state: at_site.clone(), ..login.house("ada") };
    let told = |others: Vec<OtherLedger>| others.into_iter().map(|other| other.mark.place).collect::<Vec<_>>();
    let place = |house: &House| house.books.place().display().to_string();
    let marks =
        async || Local.list(&at_site.root().join("ledgers")).await.expect("looked at").map_or(0, |all| all.len());
    // On one machine alone nothing is left.
    assert_eq!((told(meet_other_ledgers(&near).await.expect("met")), marks().await), (vec![], 0));
    assert_eq!((told(meet_other_ledgers(&far).await.expect("met")), marks().await), (vec![], 1));
    // Who only looks leaves nothing.
    assert_eq!((told(other_ledgers(&near).await.expect("read")), marks().await), (vec![place(&far)], 1));
    assert_eq!(told(other_ledgers(&far).await.expect("read")), Vec::<String>::new(), "its own is no other");
    for _ in 0..2 {
        assert_eq!((told(meet_other_ledgers(&near).await.expect("met")), marks().await), (vec![place(&far)], 2));
        assert_eq!((told(meet_other_ledgers(&far).await.expect("met")), marks().await), (vec![place(&near)], 2));
    }
    let other = other_ledgers(&far).await.expect("read").remove(0);
    assert_eq!(other.mark.principal, near.principal);
    std::fs::remove_file(&other.file).expect("the file that is named");
    assert_eq!(told(other_ledgers(&far).await.expect("read")), Vec::<String>::new());
    std::fs::write(&other.file, "damaged").expect("ours");
    assert_eq!(told(meet_other_ledgers(&far).await.expect("met")), Vec::<String>::new(), "it tells nothing");
}
