//! Lengths of time in the words that Slurm's commands print, for all who answer in their place.

/// As `squeue` prints it: `3:04`, `2:03:04`, `1-02:03:04`.
pub fn length(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (hours, minutes, seconds) = (rest / 3600, rest / 60 % 60, rest % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{days}-{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// As `sacct` prints it, hours and all: `00:00:07`, `1-02:03:04`.
pub fn clock(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days == 0 { clock } else { format!("{days}-{clock}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_commands() {
        for (seconds, shown) in
            [(0, "0:00"), (7, "0:07"), (300, "5:00"), (7384, "2:03:04"), (86_400, "1-00:00:00"), (93_784, "1-02:03:04")]
        {
            assert_eq!(length(seconds), shown);
        }
        assert_eq!((clock(7), clock(93_784)), ("00:00:07".to_owned(), "1-02:03:04".to_owned()));
    }
}
