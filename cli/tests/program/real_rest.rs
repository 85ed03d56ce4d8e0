//! A person's day on a cluster that is asked through slurmrestd.

use crate::{
    desk::Desk,
    real_jupiter::{charged, job, scheduler_job, text},
};
use lab::{Cluster, User};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, rc::Rc};

/// Ada's desk with a server and a token that holds for so long; the token.
fn by_rest(cluster: &Rc<Cluster>, seconds: u32) -> (Desk, String, PathBuf) {
    let desk = Desk::at_with_grant(cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    let token = cluster.token(User::Ada, seconds).expect("a token");
    let file = desk.write("token", &token);
    let (user_id, group_id) = cluster.ids(User::Ada).expect("a user of the lab");
    std::os::unix::fs::chown(&file, Some(user_id), Some(group_id)).expect("root gives files away");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    let (_, socket) = cluster.rest().expect("it runs");
    let rest = format!("{{ url: \"unix:{}\", token_file: {} }}", socket.display(), file.display());
    desk.configure(&format!("site: jupiter\nproject: atlas\nslurm_helper: none\nslurm_rest: {rest}\n"));
    (desk, token, file)
}

#[test]
fn real_a_job_goes_its_way_by_slurmrestd_and_the_token_stays_where_it_is() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let (desk, token, file) = by_rest(&cluster, 3600);
    let doctor = desk.pakt(&["doctor"]).expect(0).stdout;
    let way = "by slurmrestd (v0.0.38: submissions, queue, cancelling; v0.0.38: jobs looked up in accounting), and all else by slurm commands";
    assert!(doctor.contains(way) && !doctor.contains("slurm rest"), "{doctor}");
    let path = job(&desk, "by-rest", "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", "sleep 1.2");
    let submitted = desk.json(&["submit", &path]);
    desk.pakt(&["watch", text(&submitted["id"])]).expect(0);
    let id = scheduler_job(&submitted);
    // No `sbatch` has submitted it: the command is not there, and neither is its line.
    assert_eq!(desk.tool(&["sacct", "-nXP", "--format=SubmitLine", "--jobs", &id]).trim(), "");
    let row = lab::wait_until("the end of the job in accounting", std::time::Duration::from_mins(2), || {
        let row = desk.tool(&["sacct", "-nXP", "--format=State,ElapsedRaw,AllocTRES", "--jobs", &id]);
        row.starts_with("COMPLETED|").then_some(row)
    })
    .expect("it ended");
    let seconds: i64 = row.split('|').nth(1).and_then(|seconds| seconds.parse().ok()).expect("seconds");
    assert!(row.contains("gres/gpu=4"), "{row}");
    // The rest of a short job's row comes some seconds after its end.
    lab::wait_until("the charge of the job", std::time::Duration::from_mins(1), || {
        desk.json(&["settle"]);
        (charged(&desk, &id) > 0).then_some(())
    })
    .expect("it is charged");
    assert_eq!(charged(&desk, &id), seconds * 4 * 1000);
    let has_it = |bytes: &[u8]| bytes.windows(token.len()).any(|part| part == token.as_bytes());
    let shown = desk.everything().into_iter().filter(|(place, bytes)| *place != file && has_it(bytes));
    assert_eq!(shown.map(|(place, _)| place).collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

#[test]
fn real_a_token_that_is_over_or_open_to_others_is_told_and_the_commands_do_all() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let (desk, token, file) = by_rest(&cluster, 5);
    let warned = |why: &str| {
        let doctor = desk.pakt(&["doctor"]).expect(0).stdout;
        assert!(doctor.contains("slurm rest     warning: slurmrestd did not do what it might"), "{doctor}");
        assert!(doctor.contains(why) && doctor.contains("by slurm commands"), "{doctor}");
        assert!(!doctor.contains(&token), "{doctor}");
        desk.json(&["jobs"]);
    };
    warned("has ended, or is about to");
    warned("scontrol token lifespan=86400");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("ours");
    warned("others may read or write it (mode 0644): `chmod 600` it");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    fs::write(&file, cluster.token(User::Ben, 3600).expect("a token")).expect("ours");
    warned("is `pakt-ben`'s, and you are `pakt-ada`");
    fs::write(&file, "no-token-of-this-cluster").expect("ours");
    warned("so it says of a token that is not good");
}
