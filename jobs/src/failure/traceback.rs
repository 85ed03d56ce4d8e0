//! What Python says before it ends: the last line of a traceback names the exception.

/// Exceptions of those who lost another process, launchers first: they tell that it failed, and not why.
const OF_OTHERS: [&str; 6] = [
    "torch.distributed.elastic.multiprocessing.errors.ChildFailedError",
    "torch.distributed.elastic.multiprocessing.api.SignalException",
    "torch.multiprocessing.spawn.ProcessRaisedException",
    "subprocess.CalledProcessError",
    "torch.distributed.DistBackendError",
    "RuntimeError: DataLoader worker (pid",
];

const BEGIN: &str = "Traceback (most recent call last):";

/// The lines that name an exception of a program's own, in order, by their places among the lines.
pub(super) fn exceptions(lines: &[String]) -> Vec<usize> {
    let mut found = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let Some(at) = line.find(BEGIN) else { continue };
        let prefix = rank(&line[..at]);
        let behind = lines.iter().enumerate().skip(place + 1).take(MOST_FRAMES);
        let own = behind.filter_map(|(place, line)| Some((place, line.strip_prefix(prefix)?)));
        let last = own.filter(|(_, line)| !line.starts_with(' ')).find(|(_, line)| is_exception(line));
        if let Some((place, line)) = last
            && !OF_OTHERS.iter().any(|other| line.starts_with(other))
        {
            found.push(place);
        }
    }
    found
}

/// Ranks are told apart by what stands in front of each of their lines: `[rank3]: `, `3: `, `node07: [rank3]: `. A progress bar may stand
/// there, too.
fn rank(before: &str) -> &str {
    let mut end = 0;
    while let Some(length) = before[end..].find(": ") {
        if before[end..end + length].contains(' ') {
            break;
        }
        end += length + 2;
    }
    &before[..end]
}

/// The most lines of a traceback, with those of other ranks between them.
const MOST_FRAMES: usize = 300;

/// Whether a line is `module.Name: message` or `Name`.
fn is_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_name =
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_'));
    is_name
        && last.starts_with(|first: char| first.is_ascii_uppercase())
        && !last.chars().all(|letter| letter.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Vec<String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        exceptions(&lines).into_iter().map(|place| lines[place].clone()).collect()
    }

    #[test]
    fn the_exception_is_found_behind_its_frames_also_among_other_ranks() {
        let plain =
            "Traceback (most recent call last):\n  File \"train.py\", line 3, in <module>\n    run()\nValueError: no\n";
        assert_eq!(found(plain), ["ValueError: no"]);
        let mixed = "[rank1]: Traceback (most recent call last):\n[rank0]: Traceback (most recent call last):\n[rank1]:   File \"a\", line 1\n\
                     [rank0]:   File \"b\", line 2\n[rank1]: KeyError: 'x'\n[rank0]: a.b.MyError: y\n";
        assert_eq!(found(mixed), ["[rank1]: KeyError: 'x'", "[rank0]: a.b.MyError: y"]);
        let launcher = "Traceback (most recent call last):\n  File \"/bin/torchrun\"\n\
                        torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n";
        assert_eq!(found(launcher), Vec::<String>::new());
        assert_eq!(found("Traceback (most recent call last):\n  File \"cut off\"\n"), Vec::<String>::new());
        let bar = "3:  10%|#  | 1/10 Traceback (most recent call last):\n3:   File \"a\"\n3: ValueError: no\n";
        assert_eq!(found(bar), ["3: ValueError: no"]);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(Traceback \\(most recent call last\\):|\\[rank1\\]: |  File|ValueError: x|\\PC|\n){0,30}") {
            let _found = found(&text);
        }
    }
}
