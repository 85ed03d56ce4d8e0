//! A line as `sbatch` takes it: which of the words in front of the script are options, and which of those have a value.
//!
//! By `getopt_long(3)` with the tables of sbatch(1), Slurm 20.11 to 25.11: the first word that is neither an option nor the
//! value of one is the script, and what follows belongs to the script.

/// What a word in front of the script is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineWord {
    /// An option: the words to hand on, and whether the next word was its value.
    Option {
        /// One word an option, its value in the same word.
        words: Vec<String>,
        /// Whether the word behind it is used up.
        takes_next: bool,
    },
    /// The script.
    Script,
}

/// Whether an option has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Always.
    Value,
    /// Never, or only in the same word.
    Nothing,
}

/// Short options that have a value.
const SHORT_WITH_VALUE: &str = "AaBbCcDdeFGiJLMmNnopqStwx";
/// Short options that have none.
const SHORT_WITHOUT: &str = "HhIOQuVvW";
/// Short options whose value can only stand in the same word.
const SHORT_WITH_GLUED: &str = "ks";

/// Long options that have a value.
const LONG_WITH_VALUE: &str = "account acctg-freq array batch bb bbf begin chdir cluster-constraint clusters comment \
    constraint container container-id core-spec cores-per-socket cpu-freq cpus-per-gpu cpus-per-task deadline delay-boot \
    dependency distribution error exclude export export-file extra extra-node-info gid gpu-bind gpu-freq gpus \
    gpus-per-node gpus-per-socket gpus-per-task gres gres-flags hint input job-name kill-on-invalid-dep licenses \
    mail-type mail-user mcs-label mem mem-bind mem-per-cpu mem-per-gpu mincpus network nodefile nodelist nodes ntasks \
    ntasks-per-core ntasks-per-gpu ntasks-per-node ntasks-per-socket open-mode output partition power prefer priority \
    profile qos reservation resv-ports segment signal sockets-per-node switches thread-spec threads-per-core time \
    time-min tmp tres-bind tres-per-task uid wait-all-nodes wckey wrap";
/// Long options that have none, or only behind `=`.
const LONG_WITHOUT: &str = "consolidate-segments contiguous exclusive get-user-env help hold ignore-pbs immediate nice \
    no-kill no-requeue oom-kill-step overcommit oversubscribe parsable propagate quiet reboot requeue share \
    spread-job spread-segments stepmgr test-only unbuffered usage use-min-nodes verbose version wait";

/// Reads the word in front, with the one behind it; the error says why it cannot be read.
pub fn line_word(word: &str, behind: Option<&str>) -> Result<LineWord, String> {
    if let Some(name) = word.strip_prefix("--").filter(|name| !name.is_empty()) {
        return long(word, name, behind);
    }
    match word.strip_prefix('-').filter(|letters| !letters.is_empty() && !letters.starts_with('-')) {
        Some(letters) => short(letters, behind),
        None => Ok(LineWord::Script),
    }
}

fn long(word: &str, name: &str, behind: Option<&str>) -> Result<LineWord, String> {
    // With its value in the word, it may be any option, also one that a site's plugin has brought.
    if name.contains('=') {
        return Ok(LineWord::Option { words: vec![word.to_owned()], takes_next: false });
    }
    match takes(name) {
        Some(Takes::Nothing) => Ok(LineWord::Option { words: vec![word.to_owned()], takes_next: false }),
        Some(Takes::Value) => match behind {
            Some(value) => Ok(LineWord::Option { words: vec![format!("{word}={value}")], takes_next: true }),
            None => Err(format!("`{word}` wants a value")),
        },
        None => Err(format!(
            "it is not known whether sbatch's `{word}` has a value: write `{word}=VALUE`, or \
                             `--option={word}` where it has none"
        )),
    }
}

/// By the whole name, or by an abbreviation of names that are all alike.
fn takes(name: &str) -> Option<Takes> {
    let kinds = [(LONG_WITH_VALUE, Takes::Value), (LONG_WITHOUT, Takes::Nothing)];
    let all = || kinds.iter().flat_map(|(names, kind)| names.split_whitespace().map(|known| (known, *kind)));
    if let Some((_, kind)) = all().find(|(known, _)| *known == name) {
        return Some(kind);
    }
    let mut begun = all().filter(|(known, _)| known.starts_with(name)).map(|(_, kind)| kind);
    let first = begun.next()?;
    begun.all(|kind| kind == first).then_some(first)
}

/// One letter or several in one word, the last perhaps with its value: `-N2`, `-HN 2`.
fn short(letters: &str, behind: Option<&str>) -> Result<LineWord, String> {
    let mut words = Vec::new();
    for (at, letter) in letters.char_indices() {
        let rest = &letters[at + letter.len_utf8()..];
        if SHORT_WITH_VALUE.contains(letter) {
            let value = if rest.is_empty() { behind } else { Some(rest) };
            let value = value.ok_or_else(|| format!("`-{letter}` wants a value"))?;
            words.push(format!("-{letter}{value}"));
            return Ok(LineWord::Option { words, takes_next: rest.is_empty() });
        }
        if SHORT_WITH_GLUED.contains(letter) {
            words.push(format!("-{letter}{rest}"));
            return Ok(LineWord::Option { words, takes_next: false });
        }
        if !SHORT_WITHOUT.contains(letter) {
            return Err(format!("sbatch has no option `-{letter}`"));
        }
        words.push(format!("-{letter}"));
    }
    Ok(LineWord::Option { words, takes_next: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_told_from_the_script() {
        for (word, behind, words, takes_next) in [
            ("-N", Some("1"), &["-N1"][..], true),
            ("-N1", Some("x.sh"), &["-N1"], false),
            ("-H", Some("x.sh"), &["-H"], false),
            ("-HvN", Some("2"), &["-H", "-v", "-N2"], true),
            ("-HW", Some("x.sh"), &["-H", "-W"], false),
            ("-k", Some("x.sh"), &["-k"], false),
            ("-pdev", Some("x.sh"), &["-pdev"], false),
            ("-q", Some("dev"), &["-qdev"], true),
            ("--time", Some("10"), &["--time=10"], true),
            ("--time=10", Some("x.sh"), &["--time=10"], false),
            ("--acc", Some("atlas"), &["--acc=atlas"], true),
            ("--hold", Some("x.sh"), &["--hold"], false),
            ("--exclusive", Some("x.sh"), &["--exclusive"], false),
            ("--of-a-plugin=1", Some("x.sh"), &["--of-a-plugin=1"], false),
        ] {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(line_word(word, behind), Ok(LineWord::Option { words, takes_next }), "{word}");
        }
        for script in ["x.sh", "./-x", "", "-", "--"] {
            assert_eq!(line_word(script, None), Ok(LineWord::Script), "{script}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        for (word, why) in [
            ("--of-a-plugin", "it is not known whether sbatch's `--of-a-plugin` has a value"),
            ("--no", "it is not known whether sbatch's `--no` has a value"),
            ("--time", "`--time` wants a value"),
            ("-N", "`-N` wants a value"),
            ("-z", "sbatch has no option `-z`"),
        ] {
            let error = line_word(word, None).expect_err(word);
            assert!(error.starts_with(why), "{error}");
        }
    }
}
