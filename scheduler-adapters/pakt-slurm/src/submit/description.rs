//! A job as the library wants it described: numbers in their members, texts behind pointers that live as long as this.

use super::{
    environment::{self, Origin},
    options::Options,
};
use crate::calls::{self, CallError, Taken, sys};
use std::{
    ffi::{CString, NulError, OsString, c_char},
    os::unix::ffi::OsStrExt,
};

/// A job's description, and all that its pointers point to.
pub(crate) struct Description {
    message: sys::job_desc_msg_t,
    texts: Vec<CString>,
    arguments: Vec<*mut c_char>,
    variables: Vec<*mut c_char>,
}

/// What is submitted beside its options.
pub(crate) struct Job<'text> {
    /// The script's path and its text.
    pub(crate) script: (&'text str, &'text str),
    /// Words for the script.
    pub(crate) arguments: &'text [String],
    /// What `sacct` shows as the command that submitted it.
    pub(crate) submit_line: &'text str,
    pub(crate) origin: &'text Origin,
    pub(crate) user: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
}

impl Description {
    /// Describes a job. The error is a text with a NUL in it, which no member can hold.
    pub(crate) fn of(
        options: &Options,
        job: &Job<'_>,
        caller: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, NulError> {
        let mut description = Self {
            message: calls::empty_description(),
            texts: Vec::new(),
            arguments: Vec::new(),
            variables: Vec::new(),
        };
        description.set_counts(options);
        description.set_texts(options, job)?;
        description.set_lists(options, job, caller)?;
        Ok(description)
    }

    /// Submits it once.
    pub(crate) fn submit(&mut self) -> Result<Taken, CallError> {
        calls::submit(&mut self.message)
    }

    fn text(&mut self, text: impl Into<Vec<u8>>) -> Result<*mut c_char, NulError> {
        let text = CString::new(text)?;
        // The bytes stay where they are when the text moves into the list.
        let pointer = text.as_ptr().cast_mut();
        self.texts.push(text);
        Ok(pointer)
    }

    /// Numbers, as `fill_job_desc_from_opts` of `src/sbatch/sbatch.c` derives them.
    fn set_counts(&mut self, options: &Options) {
        let message = &mut self.message;
        let tasks = options.tasks();
        let cpus = u32::from(options.cpus_per_task.unwrap_or(1));
        if let Some((least, most)) = options.nodes {
            (message.min_nodes, message.max_nodes) = (least, most);
        }
        if let Some(tasks) = tasks {
            message.num_tasks = tasks;
        }
        message.min_cpus = tasks.unwrap_or(1).saturating_mul(cpus);
        if let Some(count) = options.cpus_per_task {
            message.cpus_per_task = count;
        }
        if let Some(count) = options.ntasks_per_node {
            message.ntasks_per_node = count;
        }
        if let Some(minutes) = options.minutes {
            message.time_limit = minutes;
        }
        if let Some(memory) = options.memory_per_node {
            message.pn_min_memory = memory;
        }
        if let Some(memory) = options.memory_per_cpu {
            message.pn_min_memory = memory | MEMORY_PER_CPU;
        }
        if options.is_exclusive {
            message.shared = 0;
        }
        if options.is_held {
            message.priority = 0;
        }
        if let Some(requeues) = options.requeues {
            message.requeue = u16::from(requeues);
        }
        if let Some((flags, signal, seconds)) = options.signal {
            (message.warn_flags, message.warn_signal, message.warn_time) = (flags, signal, seconds);
        }
        if let Some(truncates) = options.truncates {
            // `OPEN_MODE_TRUNCATE` and `OPEN_MODE_APPEND` of `slurm.h`, in an octet.
            message.open_mode = if truncates { 2 } else { 1 };
        }
        if let Some(kills) = options.kills_invalid_dependent {
            message.bitflags |= u64::from(if kills { sys::KILL_INV_DEP } else { sys::NO_KILL_INV_DEP });
        }
    }

    fn set_texts(&mut self, options: &Options, job: &Job<'_>) -> Result<(), NulError> {
        let mut kept = |text: Option<&str>| text.map(|text| self.text(text)).transpose();
        let texts = [
            kept(options.account.as_deref())?,
            kept(options.array.as_deref())?,
            kept(options.comment.as_deref())?,
            kept(options.constraint.as_deref())?,
            kept(options.dependency.as_deref())?,
            kept(options.error.as_deref())?,
            kept(options.exclude.as_deref())?,
            kept(options.job_name.as_deref().or(Some(base_name(job.script.0))))?,
            kept(options.licenses.as_deref())?,
            kept(options.node_list.as_deref())?,
            kept(options.output.as_deref())?,
            kept(options.partition.as_deref())?,
            kept(options.qos.as_deref())?,
            kept(options.reservation.as_deref())?,
            kept(options.gpus.as_deref())?,
            kept(options.gpus_per_node.as_deref().or(options.gres.as_deref()))?,
            kept(Some(options.directory.as_deref().unwrap_or(&job.origin.directory)))?,
            kept(Some("/dev/null"))?,
            kept(Some(job.script.1))?,
            kept(Some(job.submit_line))?,
            kept(Some(&job.origin.host))?,
        ];
        let message = &mut self.message;
        let members = [
            &mut message.account,
            &mut message.array_inx,
            &mut message.comment,
            &mut message.features,
            &mut message.dependency,
            &mut message.std_err,
            &mut message.exc_nodes,
            &mut message.name,
            &mut message.licenses,
            &mut message.req_nodes,
            &mut message.std_out,
            &mut message.partition,
            &mut message.qos,
            &mut message.reservation,
            &mut message.tres_per_job,
            &mut message.tres_per_node,
            &mut message.work_dir,
            &mut message.std_in,
            &mut message.script,
            &mut message.submit_line,
            &mut message.alloc_node,
        ];
        for (member, text) in members.into_iter().zip(texts) {
            if let Some(text) = text {
                *member = text;
            }
        }
        (message.user_id, message.group_id, message.alloc_sid) = (job.user, job.group, job.session);
        Ok(())
    }

    fn set_lists(
        &mut self,
        options: &Options,
        job: &Job<'_>,
        caller: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<(), NulError> {
        let script = self.text(job.script.0)?;
        self.arguments.push(script);
        for argument in job.arguments {
            let argument = self.text(argument.as_str())?;
            self.arguments.push(argument);
        }
        for (name, value) in environment::of(options, job.origin, caller) {
            let variable = self.text([name.as_bytes(), b"=", value.as_bytes()].concat())?;
            self.variables.push(variable);
        }
        let count = |list: &[*mut c_char]| u32::try_from(list.len()).unwrap_or(u32::MAX);
        self.message.argc = count(&self.arguments);
        self.message.argv = self.arguments.as_mut_ptr();
        self.message.env_size = count(&self.variables);
        // The library counts them itself in some places: a null ends the list.
        self.variables.push(std::ptr::null_mut());
        self.message.environment = self.variables.as_mut_ptr();
        Ok(())
    }
}

/// `MEM_PER_CPU` of `slurm.h`, the highest of 64 bits.
const MEMORY_PER_CPU: u64 = 1 << 63;

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn a_variable_whose_bytes_are_no_text_is_handed_on_as_it_is() {
        let origin = Origin { directory: "/w".to_owned(), host: "login1".to_owned(), mask: 0o022 };
        let job = Job {
            script: ("/w/job.sh", "#!/bin/sh\ntrue\n"),
            arguments: &[],
            submit_line: "",
            origin: &origin,
            user: 1,
            group: 1,
            session: 1,
        };
        let caller = [(OsString::from("PLACE"), OsString::from_vec(b"M\xfcnchen".to_vec()))];
        let description = Description::of(&Options::default(), &job, caller.into_iter()).expect("no NUL");
        assert!(description.texts.iter().any(|text| text.as_bytes() == b"PLACE=M\xfcnchen"));
        assert_eq!(description.message.env_size as usize, description.variables.len() - 1);
    }
}
