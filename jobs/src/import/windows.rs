//! In which windows accounting is asked, so that no answer is too large for the database daemon.

use model::{Timestamp, Window};

/// So many rows an answer should have. slurmdbd keeps an answer in memory, 2 kB a row. More at once gain no time (docs/performance.md).
const ROWS: u64 = 40_000;
const SHORTEST_SECONDS: i64 = 3_600;
const LONGEST_SECONDS: i64 = 31 * 86_400;
/// A window grows no faster: a quiet night says little about the day behind it.
const GROWTH: i64 = 2;

/// The windows of a span of time, in order and without gap; each as long as the rows of the last one allow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    from: Timestamp,
    to: Timestamp,
    seconds: i64,
}

impl Windows {
    pub(super) const fn of(span: Window) -> Self {
        Self { from: span.from, to: span.to, seconds: SHORTEST_SECONDS }
    }

    /// The next window; none behind the end.
    pub(super) fn next(&mut self) -> Option<Window> {
        let window = Window { from: self.from, to: self.from.plus_seconds(self.seconds).min(self.to) };
        self.from = window.to;
        (window.from < window.to).then_some(window)
    }

    /// Learns how many rows the last window had.
    pub(super) fn learn(&mut self, rows: u64) {
        let grown = self.seconds.saturating_mul(GROWTH);
        let fitting = i128::from(self.seconds) * i128::from(ROWS) / i128::from(rows.max(1));
        let seconds = i64::try_from(fitting).unwrap_or(grown).min(grown);
        self.seconds = seconds.clamp(SHORTEST_SECONDS, LONGEST_SECONDS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of the windows of a span in hours, where so many rows end in each hour.
    fn lengths(hours: i64, rows_an_hour: impl Fn(i64) -> u64) -> Vec<i64> {
        let at = |hour: i64| Timestamp::from_epoch_seconds(hour * 3_600);
        let mut windows = Windows::of(Window { from: at(0), to: at(hours) });
        let (mut lengths, mut reached) = (Vec::new(), at(0));
        while let Some(window) = windows.next() {
            assert_eq!(window.from, reached, "no gap");
            reached = window.to;
            let (from, to) = (window.from.epoch_seconds() / 3_600, (window.to.epoch_seconds() + 3_599) / 3_600);
            windows.learn((from..to).map(&rows_an_hour).sum());
            lengths.push((window.to.epoch_seconds() - window.from.epoch_seconds()) / 3_600);
        }
        assert_eq!(reached, at(hours).max(at(0)));
        lengths
    }

    #[test]
    fn windows_are_as_long_as_the_rows_allow() {
        assert!(lengths(0, |_| 0).is_empty());
        assert!(lengths(-1, |_| 0).is_empty());
        assert_eq!(lengths(20, |_| 0), [1, 2, 4, 8, 5]);
        assert_eq!(lengths(30, |_| 10_000), [1, 2, 4, 4, 4, 4, 4, 4, 3]);
        assert_eq!(lengths(10, |hour| if hour < 3 { 10 } else { 100_000 }), [1, 2, 4, 1, 1, 1]);
        assert!(lengths(50_000, |_| 0).iter().all(|hours| *hours <= 31 * 24));
    }
}
