//! What the model servers of an evaluation's starts were good for: lines that each start appends at its end
//! (`templates/src/scripts/serve.sh.j2`).

use super::JobDirectory;
use crate::error::JobsError;
use serde::Serialize;

/// The longest record of one start of a link, in bytes.
const LONGEST: usize = 1024 * 1024;

/// What servers were good for, and what they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Served {
    /// How many there were.
    pub servers: u64,
    /// How long they ran, in seconds.
    pub seconds: u64,
    /// How much of that they were not ready yet, in seconds.
    pub seconds_until_ready: u64,
    /// How long they ran, in GPU-seconds.
    pub gpu_seconds: u64,
    /// How many tokens they read, as far as they counted them.
    pub prompt_tokens: u64,
    /// How many tokens they wrote, as far as they counted them.
    pub generated_tokens: u64,
    /// How many servers did not tell their tokens.
    pub uncounted: u64,
}

impl Served {
    /// Both together.
    pub fn and(&mut self, other: Self) {
        self.servers += other.servers;
        self.seconds = self.seconds.saturating_add(other.seconds);
        self.seconds_until_ready = self.seconds_until_ready.saturating_add(other.seconds_until_ready);
        self.gpu_seconds = self.gpu_seconds.saturating_add(other.gpu_seconds);
        self.prompt_tokens = self.prompt_tokens.saturating_add(other.prompt_tokens);
        self.generated_tokens = self.generated_tokens.saturating_add(other.generated_tokens);
        self.uncounted += other.uncounted;
    }
}

impl JobDirectory {
    /// What the servers of this link were good for, in all of its attempts: what was begun again took its GPUs, too.
    pub(crate) async fn served(&self) -> Result<Served, JobsError> {
        let mut served = Served::default();
        for attempt in self.attempts().await? {
            let name = self.in_link(&format!("attempts/{}-{}/served", attempt.scheduler_job, attempt.restart));
            let bytes = self.file(&name, LONGEST).await?.unwrap_or_default();
            take_in(&String::from_utf8_lossy(&bytes), &mut served);
        }
        Ok(served)
    }
}

/// Takes in the lines of one start of a link: `served CELL BEGAN READY ENDED GPUS READ WRITTEN`, with `-` for what is not known. What is none is left
/// out: a line may have been cut.
fn take_in(text: &str, served: &mut Served) {
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let ["served", _, began, ready, ended, gpus, read, written] = words[..] else { continue };
        let number = |text: &str| text.parse::<u64>().ok();
        let (Some(began), Some(ended), Some(gpus)) = (number(began), number(ended), number(gpus)) else { continue };
        let seconds = ended.saturating_sub(began);
        let until_ready = number(ready).map_or(seconds, |ready| ready.saturating_sub(began).min(seconds));
        let (read, written) = (number(read), number(written));
        served.and(Served {
            servers: 1,
            seconds,
            seconds_until_ready: until_ready,
            gpu_seconds: seconds.saturating_mul(gpus),
            prompt_tokens: read.unwrap_or(0),
            generated_tokens: written.unwrap_or(0),
            uncounted: u64::from(read.is_none() || written.is_none()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_servers_tell_is_summed_and_what_they_do_not_is_said() {
        let mut served = Served::default();
        take_in("served 1 100 130 400 4 1000 20\nserved 2 400 - 410 4 - -\nserved 3 1 2 3\n", &mut served);
        take_in("served 4 400 401 402 0 7 8\nnoise\n", &mut served);
        let expected = Served {
            servers: 3,
            seconds: 312,
            seconds_until_ready: 41,
            gpu_seconds: 1240,
            prompt_tokens: 1007,
            generated_tokens: 28,
            uncounted: 1,
        };
        assert_eq!(served, expected);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(served( [0-9-]{1,21}){7}\n|.|\n){0,30}") {
            let mut served = Served::default();
            take_in(&text, &mut served);
            prop_assert!(served.seconds_until_ready <= served.seconds);
        }
    }
}
