//! The `#SBATCH` lines of a batch script.

/// Other systems' lines, which `sbatch` reads, too.
const OTHERS: [&str; 2] = ["#PBS", "#BSUB"];

/// The options in a script's lines before its first command, in order. The error says what `sbatch` might make of it and
/// this does not.
pub fn directives(text: &str) -> Result<Vec<&str>, String> {
    let mut options = Vec::new();
    let first = text.lines().next().unwrap_or_default();
    if !first.starts_with("#!") {
        return Err("a script without `#!`".to_owned());
    }
    for line in text.lines().take_while(|line| line.trim().is_empty() || line.starts_with('#')) {
        if OTHERS.iter().any(|other| line.starts_with(other)) {
            return Err(format!("`{line}`"));
        }
        let Some(rest) = line.strip_prefix("#SBATCH") else { continue };
        if rest.contains(['"', '\'', '\\']) {
            return Err(format!("quotes in `{line}`"));
        }
        // What stands behind a lone `#` is a comment.
        let words = rest.split_whitespace().take_while(|word| !word.starts_with('#'));
        for word in words {
            if !word.starts_with("--") {
                return Err(format!("`{word}` in `{line}`"));
            }
            options.push(word);
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn options_stand_before_the_first_command() {
        let text = "#!/bin/bash\n# SBATCH --no\n#SBATCH --nodes=2  --exclusive # why\n\n#SBATCH --time=10\nsleep 1\n#SBATCH --late\n";
        assert_eq!(directives(text), Ok(vec!["--nodes=2", "--exclusive", "--time=10"]));
    }

    #[test]
    fn what_sbatch_might_read_otherwise_is_left_to_it() {
        for line in
            ["#SBATCH -N 2", "#SBATCH --comment='a b'", "#PBS -l nodes=2", "#SBATCH hetjob", "#SBATCH --comment=a\\ b"]
        {
            assert!(directives(&format!("#!/bin/sh\n{line}\ntrue\n")).is_err(), "{line}");
        }
        assert!(directives("sleep 1\n").is_err(), "sbatch refuses it with a reason of its own");
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(#!/bin/sh\n|#SBATCH|--[a-z=]{1,6}|[ \n#]|.){0,30}") {
            drop(directives(&text));
        }
    }
}
