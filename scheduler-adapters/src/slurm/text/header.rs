//! The first line: which columns, in which order, and what stands between them.

use super::TextError;
use crate::slurm::columns::{Column, Places};

/// Without these nobody can tell what a run was given, for how long, and who has to pay for it.
const NEEDED: [Column; 9] = [
    Column::JobIdRaw,
    Column::Account,
    Column::Partition,
    Column::State,
    Column::Submit,
    Column::Start,
    Column::End,
    Column::Elapsed,
    Column::Allocated,
];

/// Columns in which no release writes anything but numbers, names, times and lists of its own (sacct(1)); so are those that
/// begin like [`STATISTICS`].
const CLOSED: [&str; 31] = [
    "AllocCPUS",
    "AssocID",
    "CPUTime",
    "CPUTimeRAW",
    "DBIndex",
    "DerivedExitCode",
    "Elapsed",
    "Eligible",
    "Flags",
    "GID",
    "Group",
    "Layout",
    "NCPUS",
    "NNodes",
    "NTasks",
    "NodeList",
    "OriginalSLUID",
    "Planned",
    "Priority",
    "QOSRAW",
    "ReqCPUS",
    "ReqMem",
    "ReservationId",
    "Reserved",
    "Restarts",
    "Suspended",
    "SystemCPU",
    "Timelimit",
    "TotalCPU",
    "UserCPU",
    "WCKeyID",
];

const STATISTICS: [&str; 8] = ["Ave", "Consumed", "Max", "Min", "PlannedCPU", "ReqCPUFreq", "ResvCPU", "TRESUsage"];

/// What a text says of its rows.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) titles: Vec<String>,
    pub(super) delimiter: u8,
    /// Whether the delimiter stands behind the last value, too (`sacct --parsable`).
    pub(super) is_closed: bool,
    pub(super) places: Places,
    /// The place of the nodes, under either of their titles.
    pub(super) nodes: Option<usize>,
    /// In which columns people write what they like.
    pub(super) is_free: Vec<bool>,
    /// Whether a delimiter too many can only stand in the last value.
    pub(super) ends_in_free_text: bool,
}

impl Header {
    /// Reads a line as titles; none where it is something else.
    pub(super) fn read(line: &str) -> Option<Self> {
        let delimiter = line.bytes().find(|byte| *byte == b'|' || byte.is_ascii_control())?;
        let is_closed = line.as_bytes().last() == Some(&delimiter);
        let inner = if is_closed { &line[..line.len() - 1] } else { line };
        let titles: Vec<String> = inner.split(char::from(delimiter)).map(str::to_owned).collect();
        let is_title = |title: &String| {
            !title.is_empty() && title.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let names_jobs = titles.iter().any(|title| title.to_ascii_lowercase().starts_with("jobid"));
        if !(names_jobs && titles.iter().all(is_title)) {
            return None;
        }
        let is_free: Vec<bool> = titles.iter().map(|title| holds_free_text(title)).collect();
        let ends_in_free_text =
            is_free.iter().filter(|is_free| **is_free).count() == 1 && is_free.last() == Some(&true);
        let places = Places::of(&titles);
        let nodes = titles.iter().position(|title| title.eq_ignore_ascii_case("NNodes"));
        let nodes = places.get(Column::AllocatedNodes).or(nodes);
        Some(Self { titles, delimiter, is_closed, places, nodes, is_free, ends_in_free_text })
    }

    /// Refuses one that lacks what is needed.
    pub(super) fn check(&self, has_cluster: bool) -> Result<(), TextError> {
        let lacks = |column: &Column| self.places.get(*column).is_none();
        let mut missing: Vec<&str> =
            NEEDED.iter().filter(|column| lacks(column)).map(|column| column.title()).collect();
        if lacks(&Column::User) && lacks(&Column::UserNumber) {
            missing.push(Column::User.title());
        }
        if lacks(&Column::Cluster) && !has_cluster {
            missing.push(Column::Cluster.title());
        }
        if missing.is_empty() { Ok(()) } else { Err(TextError::MissingColumns(missing)) }
    }
}

fn holds_free_text(title: &str) -> bool {
    let is = |known: &str| known.eq_ignore_ascii_case(title);
    let free = [Column::WorkDirectory, Column::Comment, Column::SubmitLine, Column::JobName, Column::Reason];
    let read = Column::ALL.iter().any(|column| is(column.title()) && !free.contains(column));
    let begins = |start: &&str| title.get(..start.len()).is_some_and(|first| first.eq_ignore_ascii_case(start));
    !(read || CLOSED.iter().any(|known| is(known)) || STATISTICS.iter().any(begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_found_and_free_text_is_known() {
        let read = Header::read("JobIDRaw\u{1f}JobName\u{1f}TRESUsageInMax\u{1f}").expect("titles");
        assert_eq!((read.delimiter, read.is_closed, read.titles.len()), (0x1f, true, 3));
        assert_eq!(read.is_free, [false, true, false]);
        for (line, ends) in [
            ("JobIDRaw|State|JobName", true),
            ("JobIDRaw|Comment|JobName", false),
            ("JobIDRaw|JobName|State", false),
            ("JobIDRaw|State", false),
            ("JobIDRaw|NewColumn|JobName", false),
        ] {
            assert_eq!(Header::read(line).expect(line).ends_in_free_text, ends, "{line}");
        }
        for line in ["", "4711|ada|COMPLETED", "JobID,User", "Welcome to the login node", "JobID|a b"] {
            assert!(Header::read(line).is_none(), "{line}");
        }
    }
}
