//! Who printed a line, as srun and torchrun themselves mark it: on two nodes of four GPUs.

use crate::desk::Desk;
use lab::User;
use std::rc::Rc;

/// Runs eight ranks of which each prints its number, and expects of each that its lines are its own.
fn expect_own_lines(launch: &str, environment: &str, run: &str) {
    let jupiter = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&jupiter, User::Ada, "atlas", "jupiter:gh200", "1000");
    desk.write(
        "ranks.yaml",
        &format!(
            "name: ranks\nkind: command\nproject: atlas\nsite: jupiter\nresources: {{ nodes: 2, gpus_per_node: 4, time: \"00:05:00\" }}\n\
             launch: {launch}\nlogs: ranks\n{environment}run: {run}\n"
        ),
    );
    desk.write("ranks.py", "import os, sys\nfor stream in sys.stdout, sys.stderr:\n    print('this is rank', os.environ['RANK'], file=stream)\n");
    desk.write("ranks.sh", "echo \"this is rank $SLURM_PROCID\"; echo \"this is rank $SLURM_PROCID\" >&2\n");
    desk.pakt(&["submit", "--watch", "ranks.yaml"]).expect(0);
    let whole = desk.pakt(&["logs", "ranks"]).expect(0).stdout;
    for rank in 0..8 {
        let printed = desk.pakt(&["logs", "ranks", "--rank", &rank.to_string()]).expect(0).stdout;
        let own: Vec<&str> = printed.lines().filter(|line| line.contains("this is rank")).collect();
        let is_own = own.iter().all(|line| line.ends_with(&format!("this is rank {rank}")));
        assert!(is_own && own.len() == 2, "rank {rank}: {printed}; of {whole}");
    }
}

#[test]
fn real_lines_of_a_task_of_srun_are_found_by_its_rank() {
    expect_own_lines("srun", "", "sh ranks.sh");
}

#[test]
fn real_lines_of_a_process_of_torchrun_are_found_by_its_rank() {
    let torch =
        std::env::var("PAKT_CI_TORCH").expect("PAKT_CI_TORCH names an environment with PyTorch (ci/test sets it)");
    expect_own_lines("torchrun", &format!("environment: {{ venv: {torch} }}\n"), "ranks.py");
}
