//! The calls into Slurm's library: each gives owned things or an error number in words, and gives back what it was given.
//!
//! One of the two files with `unsafe`. The library is called from one thread only, the program's own.
#![allow(unsafe_code)]

use crate::records::Record;
use slurm_messages::{Failure, FailureKind};
use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    io,
    marker::PhantomData,
    ops::Deref,
    ptr::{self, NonNull},
};

/// The library's own declarations, made by `build.rs` from this site's headers.
#[allow(
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    clippy::all,
    clippy::pedantic
)]
pub(crate) mod sys {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

/// A call that the library did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallError {
    pub(crate) call: &'static str,
    pub(crate) number: i32,
    pub(crate) text: String,
}

impl CallError {
    /// The library's last error number, which it leaves where the C library has its own.
    fn last(call: &'static str) -> Self {
        let number = io::Error::last_os_error().raw_os_error().unwrap_or(0);
        // SAFETY: the answer to any number is a text that is never changed and never freed.
        let text = unsafe { sys::slurm_strerror(number).as_ref().map(|text| CStr::from_ptr(text)) };
        Self { call, number, text: text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default() }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let CallError { call, number, text } = error;
        Self { kind: FailureKind::Slurm, doing: call.to_owned(), number, text, logged: String::new() }
    }
}

/// Something of the library's, given back when it is dropped.
pub(crate) struct Owned<T> {
    pointer: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes what a call left behind.
    ///
    /// # Safety
    ///
    /// `pointer` is null or points to a whole `T` that nobody else frees, and `free` is how the library frees one.
    unsafe fn take(pointer: *mut T, free: unsafe extern "C" fn(*mut T), call: &'static str) -> Result<Self, CallError> {
        NonNull::new(pointer).map(|pointer| Self { pointer, free }).ok_or_else(|| CallError::last(call))
    }
}

impl<T> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `take` was promised a whole `T`, which lives until it is freed below.
        unsafe { self.pointer.as_ref() }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `take` was promised that nobody else frees it, and this is the last of it.
        unsafe { (self.free)(self.pointer.as_ptr()) }
    }
}

/// Array members of the library's messages: `count` records behind one pointer.
///
/// # Safety
///
/// `first` is null or points to `count` whole records that live as long as `owner`.
unsafe fn array<T>(_: &impl Sized, first: *const T, count: u32) -> &[T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise; a count of 32 bits is an index on every machine that Slurm runs on.
    unsafe { std::slice::from_raw_parts(first, count as usize) }
}

/// Reads the configuration that the environment names and gets the library ready. A library that cannot find it ends the
/// process.
pub(crate) fn begin() {
    // SAFETY: a null name stands for the default or `SLURM_CONF`.
    unsafe { sys::slurm_init(ptr::null()) }
}

/// Versions of the library: 38 of `libslurm.so.38`. Each release of Slurm has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    /// Of the one whose headers this program was built with.
    pub(crate) built: u32,
    /// Of the one that this process runs with.
    pub(crate) running: u32,
}

/// Both versions of this program.
pub(crate) fn versions() -> Versions {
    let built = env!("PAKT_SLURM_LIBRARY").parse().expect("build.rs wrote a number");
    // SAFETY: it takes nothing and touches nothing.
    let running = u32::try_from(unsafe { sys::slurm_api_version() } >> 16).unwrap_or(0);
    Versions { built, running }
}

pub(crate) type Configuration = Owned<sys::slurm_conf_t>;

/// The controller's configuration.
pub(crate) fn configuration() -> Result<Configuration, CallError> {
    let mut found = ptr::null_mut();
    // SAFETY: `found` is where the answer goes; it is null where there is none.
    unsafe {
        sys::slurm_load_ctl_conf(0, &raw mut found);
        Owned::take(found, sys::free_configuration, "slurm_load_ctl_conf")
    }
}

/// A job with all its steps.
#[allow(clippy::needless_update)] // later releases have more members
pub(crate) fn whole_job(job: u32) -> sys::slurm_step_id_t {
    sys::slurm_step_id_t { job_id: job, step_het_comp: sys::NO_VAL, step_id: sys::NO_VAL, ..Default::default() }
}

/// One job, as `slurm_load_job` wants it named.
#[cfg(loads_by_step)]
use whole_job as one_job;

#[cfg(not(loads_by_step))]
const fn one_job(job: u32) -> u32 {
    job
}

/// Which jobs the controller is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobsWanted {
    All,
    OfUser(u32),
    One(u32),
}

/// `SHOW_ALL` of `slurm.h`, the same bit in all releases: jobs in partitions that are hidden or closed to one's groups, too, as
/// `squeue --all` shows them.
const SHOW_ALL: u16 = 1;

/// The controller's answer about jobs.
pub(crate) struct Jobs(Owned<sys::job_info_msg_t>);

impl Jobs {
    pub(crate) fn load(wanted: JobsWanted) -> Result<Self, CallError> {
        let mut found = ptr::null_mut();
        // SAFETY: `found` is where the answer goes; it is null where there is none.
        unsafe {
            let call = match wanted {
                JobsWanted::All => {
                    sys::slurm_load_jobs(0, &raw mut found, SHOW_ALL);
                    "slurm_load_jobs"
                }
                JobsWanted::OfUser(user) => {
                    sys::slurm_load_job_user(&raw mut found, user, SHOW_ALL);
                    "slurm_load_job_user"
                }
                JobsWanted::One(job) => {
                    sys::slurm_load_job(&raw mut found, one_job(job), SHOW_ALL);
                    "slurm_load_job"
                }
            };
            Owned::take(found, sys::slurm_free_job_info_msg, call).map(Self)
        }
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_, sys::slurm_job_info_t>> {
        // SAFETY: the message owns the array that its count counts.
        let jobs = unsafe { array(&self.0, self.0.job_array, self.0.record_count) };
        jobs.iter().map(Record::new)
    }
}

/// The controller's answer about partitions.
pub(crate) struct Partitions(Owned<sys::partition_info_msg_t>);

impl Partitions {
    pub(crate) fn load() -> Result<Self, CallError> {
        let mut found = ptr::null_mut();
        // SAFETY: `found` is where the answer goes; it is null where there is none.
        unsafe {
            sys::slurm_load_partitions(0, &raw mut found, 0);
            Owned::take(found, sys::slurm_free_partition_info_msg, "slurm_load_partitions").map(Self)
        }
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_, sys::partition_info_t>> {
        // SAFETY: the message owns the array that its count counts.
        let partitions = unsafe { array(&self.0, self.0.partition_array, self.0.record_count) };
        partitions.iter().map(Record::new)
    }
}

/// A list of the library's with items of one kind.
pub(crate) struct List<T> {
    list: sys::ListPointer,
    items: PhantomData<T>,
}

impl<T> List<T> {
    /// Takes a list that a call gave.
    ///
    /// # Safety
    ///
    /// `list` is null or a list of pointers to whole `T` that nobody else destroys.
    unsafe fn take(list: sys::ListPointer, call: &'static str) -> Result<Self, CallError> {
        if list.is_null() { Err(CallError::last(call)) } else { Ok(Self { list, items: PhantomData }) }
    }

    pub(crate) fn records(&self) -> Vec<Record<'_, T>> {
        // SAFETY: `take` was promised a list of whole items; they live as long as it, and nothing changes it meanwhile.
        unsafe {
            let iterator = sys::slurm_list_iterator_create(self.list);
            let next = || sys::slurm_list_next(iterator).cast::<T>().as_ref().map(Record::new);
            let records = std::iter::from_fn(next).collect();
            sys::slurm_list_iterator_destroy(iterator);
            records
        }
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        // SAFETY: `take` was promised that nobody else destroys it, and this is the last of it.
        unsafe { sys::slurm_list_destroy(self.list) }
    }
}

/// A list that a question carries. Its items stay ours: the library only reads them.
pub(crate) struct Wanted<'items, T> {
    list: sys::ListPointer,
    items: PhantomData<&'items T>,
}

impl<'items, T> Wanted<'items, T> {
    fn of(items: impl Iterator<Item = *mut c_void>) -> Self {
        // SAFETY: a list without a function that frees its items; the items outlive it, as its lifetime says.
        let list = unsafe { sys::slurm_list_create(None) };
        for item in items {
            // SAFETY: the list was just made.
            unsafe { sys::slurm_list_append(list, item) };
        }
        Self { list, items: PhantomData }
    }

    /// A list of records.
    pub(crate) fn records(items: &'items mut [T]) -> Self {
        Self::of(items.iter_mut().map(|item| (&raw mut *item).cast()))
    }

    /// What a question's member is set to: null where nothing is wanted, which stands for everything.
    pub(crate) fn or_all(&self, is_narrowed: bool) -> sys::ListPointer {
        if is_narrowed { self.list } else { ptr::null_mut() }
    }
}

impl<'items> Wanted<'items, CString> {
    /// A list of texts.
    pub(crate) fn texts(items: &'items [CString]) -> Self {
        Self::of(items.iter().map(|item| item.as_ptr().cast_mut().cast()))
    }
}

impl<T> Drop for Wanted<'_, T> {
    fn drop(&mut self) {
        // SAFETY: it was made here, and its items are not its own.
        unsafe { sys::slurm_list_destroy(self.list) }
    }
}

/// A connection to accounting.
pub(crate) struct Accounting(NonNull<c_void>);

impl Accounting {
    pub(crate) fn connect() -> Result<Self, CallError> {
        // SAFETY: a null pointer asks for no flags back.
        let connection = unsafe { sys::slurmdb_connection_get(ptr::null_mut()) };
        NonNull::new(connection).map(Self).ok_or_else(|| CallError::last("slurmdb_connection_get"))
    }

    /// The jobs that a condition names.
    pub(crate) fn jobs(
        &self,
        condition: &mut sys::slurmdb_job_cond_t,
    ) -> Result<List<sys::slurmdb_job_rec_t>, CallError> {
        // SAFETY: the connection is open, and the condition's lists live as long as their guards, which the caller holds.
        unsafe { List::take(sys::slurmdb_jobs_get(self.0.as_ptr(), condition), "slurmdb_jobs_get") }
    }

    /// The kinds of resources that accounting counts.
    pub(crate) fn resources(&self) -> Result<List<sys::slurmdb_tres_rec_t>, CallError> {
        let mut condition = sys::slurmdb_tres_cond_t::default();
        // SAFETY: the connection is open; a condition of zeroes asks for all.
        unsafe { List::take(sys::slurmdb_tres_get(self.0.as_ptr(), &raw mut condition), "slurmdb_tres_get") }
    }

    /// All qualities of service.
    pub(crate) fn qos(&self) -> Result<List<sys::slurmdb_qos_rec_t>, CallError> {
        // SAFETY: the connection is open; no condition asks for all.
        unsafe { List::take(sys::slurmdb_qos_get(self.0.as_ptr(), ptr::null_mut()), "slurmdb_qos_get") }
    }

    /// All qualities of service, and those that were deleted: runs keep their numbers, and `sacct` their names.
    pub(crate) fn qos_of_all_times(&self) -> Result<List<sys::slurmdb_qos_rec_t>, CallError> {
        #[cfg(deleted_qos_by_member)]
        let mut condition = sys::slurmdb_qos_cond_t { with_deleted: 1, ..Default::default() };
        #[cfg(not(deleted_qos_by_member))]
        let mut condition =
            sys::slurmdb_qos_cond_t { flags: sys::QOS_COND_FLAG_WITH_DELETED as u16, ..Default::default() };
        // SAFETY: the connection is open; a condition without lists asks for all.
        unsafe { List::take(sys::slurmdb_qos_get(self.0.as_ptr(), &raw mut condition), "slurmdb_qos_get") }
    }

    /// The associations that a condition names.
    pub(crate) fn associations(
        &self,
        condition: &mut sys::slurmdb_assoc_cond_t,
    ) -> Result<List<sys::slurmdb_assoc_rec_t>, CallError> {
        // SAFETY: the connection is open, and the condition's lists live as long as their guards, which the caller holds.
        unsafe { List::take(sys::slurmdb_associations_get(self.0.as_ptr(), condition), "slurmdb_associations_get") }
    }
}

impl Drop for Accounting {
    fn drop(&mut self) {
        let mut connection = self.0.as_ptr();
        // SAFETY: it is open, and this is the last of it. That it cannot be closed well changes nothing for us.
        unsafe { sys::slurmdb_connection_close(&raw mut connection) };
    }
}

/// A description of a job with every member at the library's own default.
pub(crate) fn empty_description() -> sys::job_desc_msg_t {
    let mut description = sys::job_desc_msg_t::default();
    // SAFETY: it sets members of a structure that is ours.
    unsafe { sys::slurm_init_job_desc_msg(&raw mut description) }
    description
}

/// The controller took a job.
pub(crate) type Taken = Owned<sys::submit_response_msg_t>;

/// The number of a job that was taken.
pub(crate) fn number_of(taken: &Taken) -> u32 {
    #[cfg(taken_by_step)]
    let number = taken.step_id.job_id;
    #[cfg(not(taken_by_step))]
    let number = taken.job_id;
    number
}

/// Submits once. After an error there may be a job all the same. Every pointer of the description is null or points to what
/// its member is said to be: `Description` alone makes one, and keeps what its pointers point to.
pub(crate) fn submit(description: &mut sys::job_desc_msg_t) -> Result<Taken, CallError> {
    let mut taken = ptr::null_mut();
    // SAFETY: what is said above of the description; `taken` is where the answer goes.
    let status = unsafe { sys::slurm_submit_batch_job(description, &raw mut taken) };
    let error = CallError::last("slurm_submit_batch_job");
    // SAFETY: an answer that came is whole and ours to free, whatever the status says.
    let taken = unsafe { Owned::take(taken, sys::slurm_free_submit_response_response_msg, error.call) };
    if status == 0 { taken } else { Err(error) }
}

/// Cancels a job and all its steps.
pub(crate) fn cancel(job: u32) -> Result<(), CallError> {
    const SIGKILL: u16 = 9;
    let id = CString::new(job.to_string()).expect("digits");
    // SAFETY: the id is a text; no siblings are named.
    let status: c_int = unsafe { sys::slurm_kill_job2(id.as_ptr(), SIGKILL, 0, ptr::null()) };
    if status == 0 { Ok(()) } else { Err(CallError::last("slurm_kill_job2")) }
}

/// What the library calls a number in words, by a function that its headers do not declare and some releases lack.
fn word(names: &[&CStr], number: u32) -> Option<String> {
    // SAFETY: a look into what is loaded; the names are texts.
    let found = names.iter().map(|name| unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) });
    let function = found.into_iter().find(|function| !function.is_null())?;
    // SAFETY: functions of these names take one number and give a text that is never freed (`slurm_protocol_defs.h`,
    // 22.05 to 26.05).
    unsafe {
        let function: unsafe extern "C" fn(u32) -> *const c_char = std::mem::transmute(function);
        function(number).as_ref().map(|text| CStr::from_ptr(text).to_string_lossy().into_owned())
    }
}

/// A job's state as the commands print it: `RUNNING`, `COMPLETING`.
pub(crate) fn state_word(state: u32) -> Option<String> {
    word(&[c"slurm_job_state_string"], state)
}

/// Why a job waits or failed, as the commands print it: `Priority`.
pub(crate) fn reason_word(reason: u32) -> Option<String> {
    word(&[c"slurm_job_state_reason_string", c"slurm_job_reason_string"], reason)
}
