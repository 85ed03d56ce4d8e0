//! The records of an answer, one by one as its pieces come: an answer of a site's accounting fits no memory.
//!
//! An answer is an object; one of its lists holds the records, and what stands around them says whether it is an answer at
//! all. Each record is cut out and handed on, and a zero takes its place, so that what is left can be read as JSON in the end:
//! an answer that is cut off, or has anything in it that is not JSON, is none.

use serde::Deserialize;
use serde_json::Value;

/// The list of records: of jobs, of the controller's and of accounting's alike.
const LIST: &[u8] = b"jobs";

/// The most bytes of one record: a job on thousands of nodes, each of whose cores v0.0.38 lists.
const RECORD_LIMIT: usize = 64 * 1024 * 1024;

/// The most bytes beside the records: messages, and two for each record.
const REST_LIMIT: usize = 32 * 1024 * 1024;

/// The deepest value that is read.
const DEPTH_LIMIT: usize = 64;

/// What stands beside the records.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Frame {
    #[serde(default)]
    jobs: Vec<u8>,
    /// What went wrong, in whichever form.
    #[serde(default)]
    pub(super) errors: Option<Vec<Value>>,
}

/// Cuts the records out of an answer.
#[derive(Debug, Default)]
pub(super) struct Records {
    rest: Vec<u8>,
    record: Vec<u8>,
    depth: usize,
    is_in_text: bool,
    is_escaped: bool,
    /// The last text of the outermost object, perhaps a name, is being read.
    name: Vec<u8>,
    /// Whether the list of records is open.
    is_in_list: bool,
    taken: usize,
}

impl Records {
    /// Reads a piece and hands on the records that end in it. After `Err` the answer is none, and says why.
    pub(super) fn read(&mut self, piece: &[u8], take: &mut dyn FnMut(&[u8])) -> Result<(), String> {
        for byte in piece {
            let is_in_record = self.is_in_list && self.depth > 2;
            let begins_record = self.is_in_list && self.depth == 2 && !self.is_in_text && *byte == b'{';
            self.step(*byte)?;
            if is_in_record || begins_record {
                self.record.push(*byte);
                if self.depth == 2 && !self.is_in_text {
                    take(&self.record);
                    self.record.clear();
                    self.rest.push(b'0');
                    self.taken += 1;
                }
            } else {
                self.rest.push(*byte);
            }
            if self.record.len() > RECORD_LIMIT || self.rest.len() > REST_LIMIT {
                return Err("a record, or what stands beside them, is longer than allowed".to_owned());
            }
        }
        Ok(())
    }

    /// Follows texts and depth.
    fn step(&mut self, byte: u8) -> Result<(), String> {
        if self.is_in_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_in_text = false,
                _ => {}
            }
            if self.is_in_text && self.depth == 1 && self.name.len() <= LIST.len() {
                self.name.push(byte);
            }
            return Ok(());
        }
        match byte {
            b'"' => {
                self.is_in_text = true;
                if self.depth == 1 {
                    self.name.clear();
                }
            }
            b'{' | b'[' => {
                self.is_in_list |= byte == b'[' && self.depth == 1 && self.name == LIST;
                self.depth += 1;
                if self.depth > DEPTH_LIMIT {
                    return Err(format!("it is deeper than {DEPTH_LIMIT}"));
                }
            }
            b'}' | b']' => {
                self.depth = self.depth.checked_sub(1).ok_or("it ends more than it begins")?;
                self.is_in_list &= self.depth > 1;
            }
            _ => {}
        }
        Ok(())
    }

    /// What stood beside the records. After `Ok` the answer was whole, and all records were handed on.
    pub(super) fn finish(self) -> Result<Frame, String> {
        let frame: Frame = serde_json::from_slice(&self.rest).map_err(|error| format!("it is not JSON: {error}"))?;
        if frame.jobs.len() != self.taken || frame.jobs.iter().any(|place| *place != 0) {
            return Err("its list of jobs holds something else".to_owned());
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(text: &[u8], length: usize) -> Result<(Vec<Value>, Frame), String> {
        let mut records = Records::default();
        let mut taken = Vec::new();
        for piece in text.chunks(length) {
            records.read(piece, &mut |record| taken.push(serde_json::from_slice(record).unwrap_or(Value::Null)))?;
        }
        Ok((taken, records.finish()?))
    }

    #[test]
    fn records_are_cut_out_whatever_stands_in_and_around_them() {
        let jobs = json!([{"name": "a]}\"\\", "tres": [{"jobs": [1, {}]}]}, {}, {"name": "jobs"}]);
        for text in [
            format!("{{\"meta\": {{\"jobs\": [{{}}]}}, \"errors\": [], \"jobs\": {jobs}}}"),
            format!("{{\"jobs\"\n:  {jobs} , \"errors\": null, \"x\": \"jobs\", \"y\": [{{}}]}}"),
        ] {
            for length in [1, 2, 7, 1000] {
                let (taken, frame) = read(text.as_bytes(), length).expect(&text);
                assert_eq!(Value::Array(taken), jobs, "{text}");
                assert!(frame.errors.is_none_or(|errors| errors.is_empty()));
            }
        }
        let (taken, frame) = read(br#"{"errors": [{"error": "no"}], "jobs": []}"#, 3).expect("an answer");
        assert_eq!((taken.len(), frame.errors.map(|errors| errors.len())), (0, Some(1)));
    }

    #[test]
    fn what_is_cut_or_no_answer_is_none() {
        let deep = format!("{{\"jobs\": [{{\"x\": {}", "[".repeat(100));
        for text in [
            "",
            "Unable find requested URL.",
            "{\"jobs\": [{}",
            "{\"jobs\": [{}, {\"a\"",
            "{\"jobs\": [{}]",
            "{\"jobs\": [{} {}]}",
            "{\"jobs\": [{}, 0]}",
            "{\"jobs\": [7]}",
            "{\"jobs\": [[{}]]}",
            "{\"jobs\": {}}",
            "{\"jobs\": [{}], \"jobs\": []}",
            "]",
            "{\"jobs\": []} {}",
            &deep,
        ] {
            let read = read(text.as_bytes(), 5);
            assert!(read.is_err(), "{text}: {read:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_panic_and_alike_however_they_come(
            text in "(\\{\"jobs\": \\[|\\{\\}|[{}\\[\\],:\"\\\\]|[a-z0-9 ]|.){0,60}", length in 1_usize..9
        ) {
            let (pieces, whole) = (read(text.as_bytes(), length), read(text.as_bytes(), text.len().max(1)));
            prop_assert_eq!(pieces.is_ok(), whole.is_ok());
            if let (Ok((pieces, _)), Ok((whole, _))) = (&pieces, &whole) {
                prop_assert_eq!(pieces, whole);
                // What is taken for an answer is JSON, but for what stands in a record.
                let is_whole = whole.iter().all(|record| !record.is_null());
                prop_assert!(!is_whole || serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
            }
        }
    }
}
