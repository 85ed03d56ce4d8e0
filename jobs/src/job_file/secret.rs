//! Secrets in a job file: which names hold one, and lines of the file that are shown without them.

/// What stands for a secret where its line is shown.
const HIDDEN: &str = "***";

/// Whether a variable of this name holds a secret, so that it is refused.
pub(super) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ends = ["TOKEN", "PASSWORD", "PASSWD", "SECRET", "API_KEY", "ACCESS_KEY"];
    ends.iter().any(|end| name == *end || name.ends_with(&format!("_{end}")))
}

/// Whether the value behind a name is hidden: more names than are refused, for a line that is shown ends in logs and mails.
fn is_hidden(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "KEY", "CREDENTIALS"].iter().any(|end| name.ends_with(end))
}

/// A line of a file, from 1, without the secrets in it: what stands behind such a name, and all lines that belong to it
/// because they are indented further.
pub(super) fn shown_line(text: &str, line: usize) -> String {
    let mut held_at: Option<usize> = None;
    for (number, source) in text.lines().enumerate().take(line) {
        let is_wanted = number + 1 == line;
        let indent = source.chars().take_while(|letter| letter.is_whitespace()).count();
        let is_blank = source.trim().is_empty();
        match held_at {
            Some(_) if is_blank => {}
            Some(above) if indent > above => {
                if is_wanted {
                    return format!("{}{HIDDEN}", source.chars().take(indent).collect::<String>());
                }
            }
            _ => {
                let kept = without_secret(source);
                held_at = (kept.len() != source.len() || kept != source).then_some(indent);
                if is_wanted {
                    return kept;
                }
            }
        }
    }
    text.lines().nth(line.saturating_sub(1)).unwrap_or("").to_owned()
}

/// A text up to the value of the first name in it that holds a secret: `HF_TOKEN: ***`, `HF_TOKEN=***`.
pub(super) fn without_secret(text: &str) -> String {
    let is_of_a_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let mut rest_at = 0;
    while let Some(start) = text[rest_at..].find(is_of_a_name).map(|at| rest_at + at) {
        let end = text[start..].find(|letter| !is_of_a_name(letter)).map_or(text.len(), |at| start + at);
        let behind = text[end..].trim_start_matches(['"', '\'']).trim_start();
        if is_hidden(&text[start..end]) && behind.starts_with([':', '=']) {
            let value = behind[1..].trim_start();
            return format!("{}{HIDDEN}", &text[..text.len() - value.len()]);
        }
        rest_at = end;
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_behind_the_name_of_a_secret_is_hidden() {
        for (text, shown) in [
            ("HF_TOKEN: hf_x", "HF_TOKEN: ***"),
            ("variables: { A: 1, HF_TOKEN: hf_x, B: 2 }", "variables: { A: 1, HF_TOKEN: ***"),
            ("  \"api-key\" : 'x'", "  \"api-key\" : ***"),
            ("run: HF_TOKEN=hf_x python train.py", "run: HF_TOKEN=***"),
            ("`HF_TOKEN` looks like a secret, so", "`HF_TOKEN` looks like a secret, so"),
            ("run: tokenise.py --tokens 5", "run: tokenise.py --tokens 5"),
            ("name: tiny", "name: tiny"),
        ] {
            assert_eq!(without_secret(text), shown);
        }
    }

    #[test]
    fn lines_that_belong_to_a_secret_are_hidden() {
        let text = "a:\n  HF_TOKEN: |\n    hf_x\n\n    hf_y\n  B: hf\nHF_TOKEN:\n  hf_z\n";
        let shown: Vec<String> = (1..=8).map(|line| shown_line(text, line)).collect();
        assert_eq!(shown, ["a:", "  HF_TOKEN: ***", "    ***", "", "    ***", "  B: hf", "HF_TOKEN:***", "  ***"]);
    }
}
