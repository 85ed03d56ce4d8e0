//! The arrays that the links of a sweep are sent with. Each has a folder with its script, the notes of its calls and what each call
//! sent, so that a submission writes a few files however many links there are.

use super::{
    JobDirectory,
    record::{LinkArrays, Sending, SentTasks, SubmittedNote},
    store::{own, parse},
};
use crate::{error::JobsError, reached::reached};
use model::{LinkNumber, Timestamp};
use reach::Making;
use std::collections::BTreeMap;

/// The longest note of what was sent, in bytes.
const LONGEST_NOTE: usize = 64 * 1024;

impl LinkArrays {
    /// The link that task 0 of a link's array is; none where there are no arrays.
    fn first_of(&self, link: LinkNumber) -> Option<LinkNumber> {
        let place = link.get() - 1;
        LinkNumber::new(place.checked_div(self.size)? * self.size + 1)
    }

    /// The links of the array that begins with this one, by their indexes.
    fn of(&self, first: LinkNumber) -> impl Iterator<Item = (u32, LinkNumber)> {
        let link = move |index: u32| LinkNumber::new(first.get().saturating_add(index)).map(|link| (index, link));
        let last = self.links;
        (0..self.size).filter_map(link).filter(move |(_, link)| *link <= last)
    }
}

impl JobDirectory {
    /// The directory of an array of links, by the one that its task 0 is: script, log and notes of calls lie there as in that of
    /// a job. It is made.
    pub(crate) async fn make_array(&self, first: LinkNumber) -> Result<Self, JobsError> {
        let array = self.array_of(first);
        let folder = |name: &str| Making::Directories(array.path().join(name), own(self.mode()));
        let makings = ["sending", "sent"].map(folder).into();
        reached(self.files().make(makings).await, "the array was not submitted")?;
        Ok(array)
    }

    /// Notes which tasks of this array a call of the scheduler sent, as far as is known.
    pub(crate) async fn put_sent(&self, sent: &SentTasks) -> Result<SentTasks, JobsError> {
        let first = sent.tasks.first().copied().unwrap_or_default();
        self.put(&format!("sent/{}.json", sent.note.scheduler_job.with_task(first)), sent).await
    }

    /// How many calls with the array that begins with this link were noted since one of them is known to have sent something, up to `most`, and
    /// when the last one was.
    pub(crate) async fn calls_in_vain(
        &self,
        first: LinkNumber,
        most: u32,
    ) -> Result<(u32, Option<Timestamp>), JobsError> {
        let sent_at = self.sent_of(first).await?.iter().map(|sent| sent.note.at).max();
        let array = self.array_of(first);
        let last = array.last_sending().await?;
        let (mut calls, mut last_at) = (0, None);
        for number in (1..=last).rev().take(usize::try_from(most).unwrap_or(usize::MAX)) {
            let Some(sending) = array.sending(number).await? else { break };
            if sent_at.is_some_and(|sent| sending.at <= sent) {
                break;
            }
            calls += 1;
            last_at = last_at.or(Some(sending.at));
        }
        Ok((calls, last_at))
    }

    /// The links of which a call was noted with their array: any of them may have been sent.
    pub(super) async fn called_with_arrays(&self) -> Result<Vec<LinkNumber>, JobsError> {
        let Some(arrays) = self.link_arrays().await? else { return Ok(Vec::new()) };
        let mut links = Vec::new();
        for first in self.array_firsts().await? {
            if !self.names(&format!("arrays/{first}/sending")).await?.is_empty() {
                links.extend(arrays.of(first).map(|(_, link)| link));
            }
        }
        Ok(links)
    }

    /// The links that were sent with arrays, each with its note.
    pub(super) async fn sent_with_arrays(&self) -> Result<BTreeMap<LinkNumber, SubmittedNote>, JobsError> {
        let mut notes = BTreeMap::new();
        let Some(arrays) = self.link_arrays().await? else { return Ok(notes) };
        for first in self.array_firsts().await? {
            let links: BTreeMap<u32, LinkNumber> = arrays.of(first).collect();
            for SentTasks { note, tasks } in self.sent_of(first).await? {
                let of_task = |index: u32| Some((*links.get(&index)?, note.of_task(index)));
                // The first note of a link counts, as that of a job does.
                for (link, note) in tasks.into_iter().filter_map(of_task) {
                    notes.entry(link).or_insert(note);
                }
            }
        }
        Ok(notes)
    }

    /// The note of this link's array, where it was sent with one.
    pub(super) async fn noted_with_array(&self) -> Result<Option<SubmittedNote>, JobsError> {
        let Some((first, index)) = self.place_in_array().await? else { return Ok(None) };
        let sent = self.sent_of(first).await?;
        Ok(sent.into_iter().find(|sent| sent.tasks.contains(&index)).map(|sent| sent.note.of_task(index)))
    }

    /// The note of a call of the scheduler with this link's array.
    pub(super) async fn sending_with_array(&self, number: u32) -> Result<Option<Sending>, JobsError> {
        let Some((first, _)) = self.place_in_array().await? else { return Ok(None) };
        self.get(&format!("arrays/{first}/sending/{number}.json")).await
    }

    /// The first link of this link's array, and which task of it this one is; none where it is of no array.
    async fn place_in_array(&self) -> Result<Option<(LinkNumber, u32)>, JobsError> {
        let first = self.link_arrays().await?.and_then(|arrays| arrays.first_of(self.link()));
        Ok(first.map(|first| (first, self.link().get() - first.get())))
    }

    /// The directories of the arrays of its links that there are, each seen from the link that its task 0 is.
    pub(crate) async fn array_directories(&self) -> Result<Vec<(LinkNumber, Self)>, JobsError> {
        Ok(self.array_firsts().await?.into_iter().map(|first| (first, self.array_of(first))).collect())
    }

    /// The arrays of which there is a folder, by their first links.
    async fn array_firsts(&self) -> Result<Vec<LinkNumber>, JobsError> {
        let names = self.names("arrays").await?;
        Ok(names.iter().filter_map(|name| LinkNumber::new(name.parse().ok()?)).collect())
    }

    /// What each call sent of an array, the first one first.
    async fn sent_of(&self, first: LinkNumber) -> Result<Vec<SentTasks>, JobsError> {
        let folder = format!("arrays/{first}/sent");
        let mut sent: Vec<SentTasks> = Vec::new();
        for name in self.names(&folder).await?.iter().filter(|name| !name.starts_with('.')) {
            let name = format!("{folder}/{name}");
            if let Some(bytes) = self.file(&name, LONGEST_NOTE).await? {
                sent.push(parse(&self.path().join(&name), &bytes)?);
            }
        }
        sent.sort_by_key(|sent| (sent.note.at, sent.note.scheduler_job));
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::State;
    use model::{JobId, SchedulerJobId, Timestamp};
    use reach::{DirectoryMode, Local};
    use std::sync::Arc;

    fn link(number: u32) -> LinkNumber {
        LinkNumber::new(number).expect("not 0")
    }

    #[tokio::test]
    async fn a_link_is_noted_with_its_array_and_the_first_note_of_it_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::new(folder.path().to_path_buf(), DirectoryMode::Private, Arc::new(Local));
        let job = state.job(JobId::from_parts(Timestamp::from_epoch_seconds(1_793_000_000), 1));
        job.create().await.expect("made");
        assert_eq!((job.noted().await.expect("read"), job.links().await.expect("read").len()), (None, 1));
        job.put_link_arrays(&LinkArrays { size: 3, links: link(5) }).await.expect("written");
        let array = job.make_array(link(4)).await.expect("made");
        let sent = |id: u64, at: i64, tasks: &[u32]| {
            let id: SchedulerJobId = id.to_string().parse().expect("a number");
            let at = Timestamp::from_epoch_seconds(at);
            let note = SubmittedNote { scheduler_job: id, cluster: None, at, was_found: false, submitted_at: None };
            SentTasks { note, tasks: tasks.to_vec() }
        };
        // Indexes beyond the last link are nobody's.
        array.put_sent(&sent(90, 7, &[0, 1])).await.expect("written");
        array.put_sent(&sent(80, 8, &[1, 2])).await.expect("written");
        let called = job.links().await.expect("read");
        assert_eq!(called.len(), 1, "no call of it was noted");
        let ids = job.sent_links().await.expect("read");
        let ids: Vec<(u32, String)> =
            ids.iter().map(|sent| (sent.link.get(), sent.scheduler_job.to_string())).collect();
        assert_eq!(ids, [(4, "90_0".to_owned()), (5, "90_1".to_owned())]);
        let fifth = job.of_link(link(5)).noted().await.expect("read").expect("noted");
        assert_eq!(fifth.scheduler_job.to_string(), "90_1");
        assert_eq!(job.of_link(link(2)).noted().await.expect("read"), None);
    }
}
