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

/// What of a log is a traceback, by places among the lines.
struct Traceback<'a> {
    begin: usize,
    /// The line that names the exception.
    end: usize,
    /// What stands in front of each of its lines.
    rank: &'a str,
    /// Whether its exception is of a program that lost another one.
    is_of_others: bool,
}

/// The tracebacks that come to their end, in order.
fn tracebacks(lines: &[String]) -> Vec<Traceback<'_>> {
    let mut found = Vec::new();
    for (begin, line) in lines.iter().enumerate() {
        let Some(at) = line.find(BEGIN) else { continue };
        let rank = rank(&line[..at]);
        let behind = lines.iter().enumerate().skip(begin + 1).take(MOST_FRAMES);
        let own = behind.filter_map(|(place, line)| Some((place, line.strip_prefix(rank)?)));
        let last = own.filter(|(_, line)| !line.starts_with(' ')).find(|(_, line)| is_exception(line));
        if let Some((end, line)) = last {
            let is_of_others = OF_OTHERS.iter().any(|other| line.starts_with(other));
            found.push(Traceback { begin, end, rank, is_of_others });
        }
    }
    found
}

/// The lines that name an exception of a program's own, in order, by their places among the lines.
pub(super) fn exceptions(lines: &[String]) -> Vec<usize> {
    tracebacks(lines).iter().filter(|traceback| !traceback.is_of_others).map(|traceback| traceback.end).collect()
}

/// What Python writes between two tracebacks of which the first led to the second.
const CHAINED: [&str; 2] = ["During handling of the above exception", "direct cause of the following exception"];
/// In front of tracebacks that are no end of a program: of its threads, its children, and of what it does after its end.
const ASIDE: [&str; 5] = ["Exception in ", "Exception ignored in", "Error in atexit", "Error in sys.", "Process "];
/// What only logs of several processes have.
const SEVERAL: [&str; 4] = ["[rank", "torch.distributed.elastic", "torch/distributed/elastic", "mpirun"];

/// Whether a line is of a log of several processes: of their tracebacks a later one may be another process's. srun names the task, of a
/// single one `task 0`.
fn is_of_several(line: &str) -> bool {
    let is_of_a_task = line.starts_with("srun: error: ") && line.contains(": task");
    SEVERAL.iter().any(|word| line.contains(word)) || (is_of_a_task && !line.contains(": task 0: "))
}

/// A log without the tracebacks that its program overcame: it caught an exception, wrote the traceback down, went on, which shows by what it
/// prints, and failed by another one. Both begin in one file: a thread's or a library's own begin elsewhere. `is_consequence` says of the line of an exception that it may be of a peer.
pub(super) fn without_overcome(lines: Vec<String>, is_consequence: impl Fn(&str) -> bool) -> Vec<String> {
    if lines.iter().any(|line| is_of_several(line)) {
        return lines;
    }
    let is_aside = |begin: usize| begin > 0 && ASIDE.iter().any(|word| lines[begin - 1].starts_with(word));
    let all = tracebacks(&lines);
    let own: Vec<&Traceback<'_>> =
        all.iter().filter(|it| it.rank.is_empty() && !it.is_of_others && !is_aside(it.begin)).collect();
    let last = own.windows(2).rposition(|pair| {
        let (first, second) = (pair[0], pair[1]);
        let between = lines.get(first.end + 1..second.begin).unwrap_or_default();
        let is_chained = between.iter().any(|line| CHAINED.iter().any(|word| line.contains(word)));
        let is_of_the_program = file(&lines, first).is_some() && file(&lines, first) == file(&lines, second);
        !is_chained && is_of_the_program && !between.is_empty() && !is_consequence(&lines[second.end])
    });
    let overcome: Vec<(usize, usize)> =
        own[..last.map_or(0, |last| last + 1)].iter().map(|it| (it.begin, it.end)).collect();
    let is_overcome = |place: usize| overcome.iter().any(|(begin, end)| (*begin..=*end).contains(&place));
    lines.iter().enumerate().filter(|(place, _)| !is_overcome(*place)).map(|(_, line)| line.clone()).collect()
}

/// The file in which a traceback begins.
fn file<'a>(lines: &'a [String], traceback: &Traceback<'_>) -> Option<&'a str> {
    let frame = lines.get(traceback.begin + 1)?.trim_start().strip_prefix("File \"")?;
    frame.split('"').next()
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
    let last = name.rsplit('.').next().unwrap_or_default().trim_start_matches('_');
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

    #[test]
    fn an_exception_may_be_private() {
        let text = "Traceback (most recent call last):\n  File \"a\"\ntorch._C._LinAlgError: no\n";
        assert_eq!(found(text), ["torch._C._LinAlgError: no"]);
    }

    fn left(text: &str) -> Vec<String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        exceptions(&without_overcome(lines.clone(), |line| line.contains("peer")))
            .into_iter()
            .map(|place| without_overcome(lines.clone(), |line| line.contains("peer"))[place].clone())
            .collect()
    }

    #[test]
    fn what_a_program_overcame_is_not_why_it_failed() {
        let one = |exception: &str| format!("Traceback (most recent call last):\n  File \"a\", line 1\n{exception}\n");
        let (first, second) = (one("OutOfMemoryError: x"), one("KeyError: y"));
        let both = ["OutOfMemoryError: x", "KeyError: y"];
        assert_eq!(left(&format!("ERROR:root:smaller\n{first}step 1\n{second}")), ["KeyError: y"]);
        assert_eq!(left(&format!("{first}step 1\n{first}step 2\n{second}")), ["KeyError: y"]);
        assert_eq!(left(&first), ["OutOfMemoryError: x"]);
        let under_srun = format!("{first}step 1\n{second}srun: error: n1: task 0: Exited with exit code 1\n");
        assert_eq!(left(&under_srun), ["KeyError: y"]);
        for between in [
            "\nDuring handling of the above exception, another exception occurred:\n\n",
            "\nThe above exception was the direct cause of the following exception:\n\n",
            "Exception ignored in: <x>\n",
            "Error in atexit._run_exitfuncs:\n",
            "srun: error: n1: task 1: Exited with exit code 1\n",
            "[rank1]: hello\n",
        ] {
            assert_eq!(left(&format!("{first}{between}{second}")), both, "{between}");
        }
        assert_eq!(left(&format!("{first}{second}")), both, "nothing shows that it went on");
        assert_eq!(left(&format!("{}step 1\n{second}", first.replace("\"a\"", "\"threading.py\""))), both);
        let thread = format!("Exception in thread Thread-1:\n{first}step 1\n{second}");
        assert_eq!(left(&thread), both, "the thread may be why");
        let peer = one("RuntimeError: peer");
        assert_eq!(left(&format!("{first}{peer}")), ["OutOfMemoryError: x", "RuntimeError: peer"]);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(Traceback \\(most recent call last\\):|\\[rank1\\]: |  File|ValueError: x|During handling of the above exception|\\PC|\n){0,30}") {
            let _found = found(&text);
            let _left = left(&text);
        }
    }
}
