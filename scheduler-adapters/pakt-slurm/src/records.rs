//! Records of the library's, read: texts become ours, sentinels become none.
//!
//! One of the two files with `unsafe`.
#![allow(unsafe_code)]

use crate::calls::sys;
use std::{
    borrow::Cow,
    ffi::{CStr, c_char},
    ops::Deref,
};

/// A record of the library's, borrowed from whoever owns it.
#[derive(Clone, Copy)]
pub(crate) struct Record<'owner, T>(&'owner T);

impl<'owner, T> Record<'owner, T> {
    pub(crate) fn new(record: &'owner T) -> Self {
        Self(record)
    }

    /// A text among its members, empty where it is absent; bytes that are no UTF-8 are replaced. The function captures
    /// nothing, so that it can name a member of the record and no other pointer.
    pub(crate) fn text(self, member: fn(&T) -> *mut c_char) -> Cow<'owner, str> {
        let text = member(self.0);
        if text.is_null() {
            return Cow::Borrowed("");
        }
        // SAFETY: members of this type that are not null are texts of the record's own, and end with its owner.
        unsafe { CStr::from_ptr(text) }.to_string_lossy()
    }

    /// The texts of a list among its members.
    pub(crate) fn texts(self, member: fn(&T) -> sys::ListPointer) -> Vec<String> {
        let list = member(self.0);
        if list.is_null() {
            return Vec::new();
        }
        // SAFETY: members of this type are lists of the record's own; the ones that are asked for hold texts.
        unsafe {
            let iterator = sys::slurm_list_iterator_create(list);
            let next = || sys::slurm_list_next(iterator).cast::<c_char>().as_ref().map(|text| CStr::from_ptr(text));
            let texts = std::iter::from_fn(next).map(|text| text.to_string_lossy().into_owned()).collect();
            sys::slurm_list_iterator_destroy(iterator);
            texts
        }
    }
}

impl<T> Deref for Record<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

/// A count of 32 bits, none where it was never set or has no limit.
pub(crate) fn set(count: u32) -> Option<u32> {
    (count != sys::NO_VAL && count != sys::INFINITE).then_some(count)
}
