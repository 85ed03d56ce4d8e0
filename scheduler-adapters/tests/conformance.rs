//! One behaviour suite, on every implementation of the contract.

mod faults;
mod stages;
mod suite;

macro_rules! conformance {
    ($stage:ident, $make:expr, [$($behaviour:ident),* $(,)?]) => {
        mod $stage {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    let stage = $make;
                    crate::suite::$behaviour(&stage).await;
                }
            )*
        }
    };
    ($stage:ident, $make:expr) => {
        conformance!($stage, $make, [
            a_clock_that_differs_hides_no_job,
            a_finished_job_is_one_run,
            a_job_ends_at_its_limit,
            a_job_is_read_back,
            a_stamp_is_found_in_every_state,
            a_stamp_used_twice_is_found_twice,
            a_start_is_estimated,
            odd_names_survive,
            cancelling_is_idempotent,
            runs_belong_to_their_window,
            states_of_known_and_unknown_jobs,
            the_cluster_describes_itself,
            waiting_and_running_jobs_are_in_the_queue,
            what_cannot_run_is_refused,
            where_the_output_goes_is_known,
            why_a_job_waits_is_told,
        ]);
    };
}

/// What only Slurm does: start a job again, stop it, hold it, run it as an array.
macro_rules! slurm {
    ($stage:ident, $make:expr) => {
        conformance!(
            $stage,
            $make,
            [
                a_held_job_starts_when_it_is_released,
                a_requeued_job_is_two_runs_of_one_id,
                a_suspended_job_keeps_its_allocation,
                an_array_has_ended_when_all_of_it_has,
                an_array_is_one_submission_and_several_runs,
                each_task_of_an_array_of_ours_is_a_job_while_it_waits,
                how_large_an_array_may_be_is_told,
                one_task_of_an_array_of_ours_is_cancelled_and_no_other,
                several_are_cancelled_together_and_no_other,
                tasks_that_wait_in_a_long_row_are_each_told,
                the_runs_of_an_array_of_ours_are_those_of_its_jobs,
            ]
        );
    };
}

/// What a double would have to be told word by word: a real cluster shows it.
macro_rules! unusual {
    ($stage:ident, $make:expr) => {
        conformance!(
            $stage,
            $make,
            [
                a_dependency_that_cannot_be_met_is_told,
                a_job_runs_in_its_reservation_and_an_unknown_one_is_refused,
                a_job_that_gives_nodes_back_is_two_runs_of_one_id,
                a_job_that_is_cancelled_before_it_starts_is_no_run,
                a_job_whose_node_fails_has_ended_with_that,
                a_job_whose_node_fails_starts_again_and_is_two_runs_of_one_id,
                a_throttled_array_waits_in_one_row,
                an_array_beyond_the_sites_bound_is_refused,
                what_a_submit_filter_makes_of_a_job_is_read_back,
            ]
        );
    };
}

/// Every way leaves such a job to `sbatch`, and sees it by itself.
macro_rules! of_parts {
    ($stage:ident, $make:expr) => {
        conformance!($stage, $make, [a_heterogeneous_job_is_one_submission_and_a_run_for_each_part]);
    };
}

of_parts!(real_unusual_parts_jupiter, crate::stages::real::jupiter());
of_parts!(real_unusual_parts_native_jupiter, crate::stages::real::native(crate::stages::real::jupiter(), "jupiter"));
of_parts!(real_unusual_parts_rest_jupiter, crate::stages::real::rest(crate::stages::real::jupiter(), "jupiter"));
unusual!(real_unusual_jupiter, crate::stages::real::jupiter());
unusual!(real_unusual_native_jupiter, crate::stages::real::native(crate::stages::real::jupiter(), "jupiter"));
unusual!(real_unusual_rest_jupiter, crate::stages::real::rest(crate::stages::real::jupiter(), "jupiter"));

/// Those that fit clusters where jobs share nodes: no node fails there, which jobs of other tests may be on.
macro_rules! unusual_on_shared_nodes {
    ($stage:ident, $make:expr) => {
        conformance!(
            $stage,
            $make,
            [
                a_dependency_that_cannot_be_met_is_told,
                a_job_runs_in_its_reservation_and_an_unknown_one_is_refused,
                a_job_that_gives_nodes_back_is_two_runs_of_one_id,
                a_job_that_is_cancelled_before_it_starts_is_no_run,
                a_throttled_array_waits_in_one_row,
                an_array_beyond_the_sites_bound_is_refused,
            ]
        );
    };
}

unusual_on_shared_nodes!(real_unusual_horeka, crate::stages::real::horeka());
unusual_on_shared_nodes!(
    real_unusual_native_horeka,
    crate::stages::real::native(crate::stages::real::horeka(), "horeka")
);
unusual_on_shared_nodes!(real_unusual_rest_horeka, crate::stages::real::rest(crate::stages::real::horeka(), "horeka"));
unusual_on_shared_nodes!(real_unusual_raven, crate::stages::real::raven());
unusual_on_shared_nodes!(real_unusual_native_raven, crate::stages::real::native(crate::stages::real::raven(), "raven"));
unusual_on_shared_nodes!(real_unusual_rest_raven, crate::stages::real::rest(crate::stages::real::raven(), "raven"));

/// What a job meets whose QOS has others go before it, or lets few wait; the lab's jupiter has such QOS.
macro_rules! limited_by_qos {
    ($stage:ident, $make:expr) => {
        conformance!(
            $stage,
            $make,
            [
                a_job_that_makes_room_and_starts_again_is_two_runs_of_one_id,
                a_job_that_makes_room_for_good_has_ended_with_that,
                more_jobs_than_a_limit_lets_wait_are_refused_and_taken_later,
            ]
        );
    };
}

limited_by_qos!(real_qos_jupiter, crate::stages::real::jupiter());
limited_by_qos!(real_qos_native_jupiter, crate::stages::real::native(crate::stages::real::jupiter(), "jupiter"));
limited_by_qos!(real_qos_rest_jupiter, crate::stages::real::rest(crate::stages::real::jupiter(), "jupiter"));

slurm!(double_of_slurm, crate::stages::double::stage());
slurm!(real_slurm_jupiter, crate::stages::real::jupiter());
slurm!(real_slurm_horeka, crate::stages::real::horeka());
slurm!(real_slurm_raven, crate::stages::real::raven());

slurm!(real_slurm_native_jupiter, crate::stages::real::native(crate::stages::real::jupiter(), "jupiter"));
slurm!(real_slurm_native_horeka, crate::stages::real::native(crate::stages::real::horeka(), "horeka"));
slurm!(real_slurm_native_raven, crate::stages::real::native(crate::stages::real::raven(), "raven"));

slurm!(real_slurm_rest_jupiter, crate::stages::real::rest(crate::stages::real::jupiter(), "jupiter"));
slurm!(real_slurm_rest_horeka, crate::stages::real::rest(crate::stages::real::horeka(), "horeka"));
slurm!(real_slurm_rest_raven, crate::stages::real::rest(crate::stages::real::raven(), "raven"));

conformance!(real_native_jupiter, crate::stages::real::native(crate::stages::real::jupiter(), "jupiter"));
conformance!(real_native_horeka, crate::stages::real::native(crate::stages::real::horeka(), "horeka"));
conformance!(real_native_raven, crate::stages::real::native(crate::stages::real::raven(), "raven"));
conformance!(real_rest_jupiter, crate::stages::real::rest(crate::stages::real::jupiter(), "jupiter"));
conformance!(real_rest_horeka, crate::stages::real::rest(crate::stages::real::horeka(), "horeka"));
conformance!(real_rest_raven, crate::stages::real::rest(crate::stages::real::raven(), "raven"));
conformance!(double, crate::stages::double::stage());
conformance!(local, crate::stages::local::stage());
conformance!(real_jupiter, crate::stages::real::jupiter());
conformance!(real_horeka, crate::stages::real::horeka());
conformance!(real_raven, crate::stages::real::raven());

// Through ssh all that a person's jobs meet is tried once by the commands, and by the library what goes another way with it.
conformance!(real_ssh_jupiter, crate::stages::login_node::by_commands(crate::stages::real::jupiter(), "jupiter"));
slurm!(real_ssh_slurm_jupiter, crate::stages::login_node::by_commands(crate::stages::real::jupiter(), "jupiter"));
unusual!(real_ssh_unusual_jupiter, crate::stages::login_node::by_commands(crate::stages::real::jupiter(), "jupiter"));
of_parts!(real_ssh_parts_jupiter, crate::stages::login_node::by_commands(crate::stages::real::jupiter(), "jupiter"));
limited_by_qos!(
    real_ssh_qos_jupiter,
    crate::stages::login_node::by_commands(crate::stages::real::jupiter(), "jupiter")
);
conformance!(
    real_ssh_native_jupiter,
    crate::stages::login_node::by_helper(crate::stages::real::jupiter(), "jupiter"),
    [
        a_finished_job_is_one_run,
        a_job_is_read_back,
        a_stamp_is_found_in_every_state,
        cancelling_is_idempotent,
        each_task_of_an_array_of_ours_is_a_job_while_it_waits,
        odd_names_survive,
        runs_belong_to_their_window,
        the_cluster_describes_itself,
        waiting_and_running_jobs_are_in_the_queue,
        what_cannot_run_is_refused,
    ]
);
