//! What every place promises, tried on this host and behind an OpenSSH server.

mod commands;
mod conversations;
mod files;
mod local;
mod place;
mod real_ssh;
mod real_ssh_input;
mod real_ssh_sessions;

/// The promises, each as a test of a place.
#[macro_export]
macro_rules! promises {
    ($place:expr; $($group:ident: $($name:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $name() {
                let place = $place;
                $crate::$group::$name(place.reach()).await;
            }
        )+)+
    };
}

/// What is promised everywhere.
#[macro_export]
macro_rules! all_promises {
    ($place:expr) => {
        $crate::promises! { $place;
            commands:
                a_command_gets_its_input_and_environment_and_gives_its_output,
                input_arrives_unchanged_whatever_it_holds,
                variables_are_removed_by_pattern,
                a_program_that_does_not_exist_is_an_error_that_says_so,
                out_of_time_keeps_what_was_said_and_kills_the_whole_group,
                out_of_time_leaves_alone_what_must_not_be_cut,
                too_much_output_leaves_alone_what_must_not_be_cut,
                what_is_left_alone_can_still_speak,
                output_is_handed_on_as_it_comes_and_not_kept,
                more_output_than_allowed_is_an_error_and_never_a_cut,
                the_host_has_a_name,
                the_time_of_a_command_stands_still_while_its_words_are_worked_on;
            files:
                of_many_writers_one_publishes_and_all_see_its_bytes,
                an_earlier_file_beyond_all_measure_is_an_error_and_is_not_read,
                files_are_replaced_appended_listed_and_removed,
                several_things_are_made_in_their_order_and_the_first_that_is_there_is_read,
                directories_have_the_mode_that_was_asked_for,
                odd_names_survive,
                what_is_in_the_way_is_told_apart_from_what_is_missing;
            conversations:
                a_program_is_asked_more_than_once_and_ends_with_its_input,
                a_program_that_ends_or_is_silent_is_an_error_whose_outcome_is_unknown,
                a_program_is_killed_with_its_conversation_unless_it_is_let_be;
        }
    };
}
