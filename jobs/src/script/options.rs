//! The options for `sbatch` that a person gave, on the command line and in the script's own `#SBATCH` lines.

use crate::error::JobsError;
use model::JobName;
use std::path::Path;

/// Options that would take the outcome away from us or make it another job than one, each with its reason.
const OWNED: [(&str, &str, &str); 9] = [
    ("--parsable", "", "Pakt reads the answer of sbatch"),
    ("--wait", "-W", "Pakt does not wait for the job's end; `pakt watch` does"),
    ("--comment", "", "the comment carries Pakt's stamp"),
    ("--test-only", "", "nothing would be submitted; `pakt plan` asks for the start of a job file"),
    ("--array", "-a", "one hold covers one job, and an array is many"),
    ("--clusters", "-M", "the job is read back and held for on this cluster"),
    ("--version", "-V", "nothing would be submitted"),
    ("--usage", "", "nothing would be submitted"),
    ("--wrap", "", "the script is the file that is named"),
];

/// Options by name and value, those of the script first, as sbatch weighs them.
pub(super) struct Options {
    words: Vec<String>,
    is_heterogeneous: bool,
}

impl Options {
    /// Reads both places. In the script only lines before the first command count (sbatch(1)).
    pub(super) fn of(given: &[String], script: &str) -> Self {
        let is_comment = |line: &&str| line.trim().is_empty() || line.starts_with('#');
        let lines = script.lines().take_while(is_comment).filter_map(|line| line.strip_prefix("#SBATCH"));
        let lines: Vec<&str> = lines.map(|line| line.split(" #").next().unwrap_or(line).trim()).collect();
        let is_heterogeneous = lines.iter().any(|line| ["hetjob", "packjob"].contains(line));
        let words = lines.iter().flat_map(|line| line.split_whitespace()).map(str::to_owned);
        Self { words: words.chain(given.iter().cloned()).collect(), is_heterogeneous }
    }

    /// Refuses what cannot be submitted so.
    pub(super) fn refuse_owned(&self, what: &str) -> Result<(), JobsError> {
        let next = "take it out; plain `sbatch` still counts: its runs are settled as foreign";
        if self.is_heterogeneous {
            return Err(JobsError::usage(what, "a heterogeneous job is several jobs, and one hold covers one", next));
        }
        for word in &self.words {
            let owned = OWNED.iter().find(|(long, short, _)| is_option(word, long, short));
            if let Some((long, _, why)) = owned {
                return Err(JobsError::usage(what, format!("it is given `{word}` ({long}): {why}"), next));
            }
        }
        Ok(())
    }

    /// Whether the person wants the job to stay held.
    pub(super) fn wants_hold(&self) -> bool {
        self.words.iter().any(|word| is_option(word, "--hold", "-H"))
    }

    /// The name the person gave, else the file's, as far as it can be one of ours.
    pub(super) fn job_name(&self, script: &Path) -> JobName {
        let file = script.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let name = self.value("--job-name", "-J").unwrap_or(file);
        let is_kept = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let plain: String = name.chars().map(|letter| if is_kept(letter) { letter } else { '-' }).take(64).collect();
        let plain = plain.trim_start_matches(['-', '_', '.']).parse();
        plain.unwrap_or_else(|_| "script".parse().expect("a plain word is a job name"))
    }

    /// The last value of an option.
    fn value(&self, long: &str, short: &str) -> Option<String> {
        let mut value = None;
        for (at, word) in self.words.iter().enumerate() {
            if word == long || word == short {
                value = self.words.get(at + 1).cloned();
            } else if let Some(rest) = word.strip_prefix(&format!("{long}=")).or_else(|| word.strip_prefix(short)) {
                value = Some(rest.to_owned());
            }
        }
        value.map(|value| value.trim_matches(['"', '\'']).to_owned())
    }
}

/// Whether a word is this option: in full, short with or without its value, or an abbreviation, which sbatch takes where
/// it is unambiguous (`getopt_long(3)`).
fn is_option(word: &str, long: &str, short: &str) -> bool {
    let name = word.split('=').next().unwrap_or(word);
    let is_long = name.len() > 4 && name.starts_with("--") && long.starts_with(name);
    let is_short = !short.is_empty() && word.starts_with(short) && !word.starts_with("--");
    is_long || is_short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(given: &[&str], script: &str) -> Options {
        Options::of(&given.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), script)
    }

    #[test]
    fn what_belongs_to_pakt_is_refused_wherever_it_stands() {
        for (given, script, is_refused) in [
            (vec!["--array=1-3"], "", true),
            (vec!["--arr=1-3"], "", true),
            (vec!["-a1-3"], "", true),
            (vec!["-a", "1-3"], "", true),
            (vec![], "#!/bin/bash\n#SBATCH --array=0-99\ntrue\n", true),
            (vec![], "#!/bin/bash\n#SBATCH -M other\n", true),
            (vec![], "#!/bin/bash\n#SBATCH --nodes=1\n#SBATCH hetjob\n#SBATCH --nodes=2\n", true),
            (vec![], "#!/bin/bash\ntrue\n#SBATCH --array=0-99\n", false),
            (vec![], "#!/bin/bash\n##SBATCH --array=0-99\n", false),
            (vec!["--wait-all-nodes=1"], "", false),
            (vec!["--account=atlas", "--nodes=2"], "#!/bin/bash\n#SBATCH --gres=gpu:4 # --array=1\n", false),
        ] {
            assert_eq!(options(&given, script).refuse_owned("x").is_err(), is_refused, "{given:?} {script}");
        }
    }

    #[test]
    fn the_name_is_the_persons_last_word() {
        let script = "#!/bin/bash\n#SBATCH --job-name=\"my job\"\n#SBATCH -J second\n";
        for (given, text, name) in [
            (vec![], "", "train"),
            (vec![], script, "second"),
            (vec!["--job-name=third"], script, "third"),
            (vec!["-J", "four/th"], script, "four-th"),
            (vec!["-Jfifth"], script, "fifth"),
            (vec!["-J", "//"], script, "script"),
        ] {
            assert_eq!(options(&given, text).job_name(Path::new("/x/train.sh")).as_str(), name, "{given:?}");
        }
    }

    #[test]
    fn a_wish_to_stay_held_is_seen() {
        assert!(options(&["-H"], "").wants_hold());
        assert!(options(&[], "#SBATCH --hold\n").wants_hold());
        assert!(!options(&["--account=x"], "#SBATCH --time=1\n").wants_hold());
    }
}
