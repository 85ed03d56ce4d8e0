//! `salloc`: an allocation on the terminal that it is started from.

use crate::{Interactive, slurm::submit::in_environment};
use model::Directive;
use reach::Command;
use std::time::Duration;

/// How long an allocation may be waited for and used; its own wall-time limit ends it sooner.
const TIME_LIMIT: Duration = Duration::from_hours(31 * 24);
/// What `sbatch` takes and `salloc` does not (salloc(1)); the environment of a shell is the person's own.
const BATCH_ONLY: [&str; 5] = ["export", "open-mode", "requeue", "no-requeue", "kill-on-invalid-dep"];

/// The command line of `salloc`, the mark last so that nothing overrides it.
pub(super) fn command(wish: &Interactive) -> Command {
    let directives = wish.directives.iter().filter(|directive| !BATCH_ONLY.contains(&directive.option.as_str()));
    in_environment(Command::new("salloc"), false)
        .without(["SALLOC_*"])
        .arguments(directives.map(word))
        .arguments(wish.options.iter().cloned())
        .argument(format!("--comment={}", wish.stamp))
        .argument(format!("--job-name={}", wish.job_name))
        .arguments(wish.command.iter().cloned())
        .time_limit(TIME_LIMIT)
}

fn word(directive: &Directive) -> String {
    let Directive { option, value } = directive;
    value.as_ref().map_or_else(|| format!("--{option}"), |value| format!("--{option}={value}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{JobId, LinkNumber, Stamp, Timestamp};

    #[test]
    fn what_only_sbatch_takes_is_left_out() {
        let stamp = Stamp { job: JobId::from_parts(Timestamp::default(), 0), link: LinkNumber::FIRST };
        let directives = vec![
            Directive::with("partition", &"general"),
            Directive::with("export", &"NONE"),
            Directive::flag("no-requeue"),
            Directive::flag("exclusive"),
        ];
        let wish = Interactive {
            job_name: "shell".to_owned(),
            stamp,
            directives,
            options: vec!["--switches=1".to_owned()],
            command: Vec::new(),
        };
        let shown = format!("{:?}", command(&wish));
        for (word, stands) in [
            ("--partition=general", true),
            ("--exclusive", true),
            ("--switches=1", true),
            ("--export", false),
            ("--no-requeue", false),
        ] {
            assert_eq!(shown.contains(word), stands, "{word}: {shown}");
        }
    }
}
