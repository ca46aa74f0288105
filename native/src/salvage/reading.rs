//! Reading from a disk that fails: what it does not give is lost, is named, and keeps nothing else from being read.

use std::io::{self, Read, Seek};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use crate::error::JobError;
use crate::input::Input;
use crate::pipeline::read_full;
use crate::ranges::Ranges;
use crate::reason::reason;
use crate::report::Observer;

/// Bytes that a disk gives or does not give together.
const BLOCK_LEN: usize = 4096;

/// A regular file, with what of it could not be read.
pub(super) struct Reading<'a> {
    pub(super) input: &'a Input,
    pub(super) len: u64,
    observer: &'a dyn Observer,
    unreadable: Mutex<Ranges>,
}

/// Whether all that was asked for could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Whole,
    /// Zeros stand for what was not given.
    InPart,
}

impl<'a> Reading<'a> {
    /// Of a file of `len` bytes.
    pub(super) fn new(input: &'a Input, len: u64, observer: &'a dyn Observer) -> Self {
        Self { input, len, observer, unreadable: Mutex::default() }
    }

    /// As [`read_start`], of this file.
    pub(super) fn start(&self, max_len: usize) -> Start {
        let mut file = &self.input.file;
        let start = match file.rewind() {
            Ok(()) => read_start(file, max_len),
            Err(error) => Start { bytes: Vec::new(), unreadable: Some(error) },
        };
        if let Some(error) = &start.unreadable {
            let at = start.bytes.len() as u64;
            self.not_given(at..self.len.min(at + BLOCK_LEN as u64), error);
        }
        start
    }

    /// Reads bytes that the file had when it was opened; from any thread. Where that fails, each piece of `piece_len` bytes is
    /// read for itself, and zeros stand for one that cannot be: no chunk opens with some of its bytes.
    pub(super) fn read_at(&self, bytes: &mut [u8], offset: u64, piece_len: usize) -> Result<Given, JobError> {
        if self.try_read_at(bytes, offset)?.is_ok() {
            return Ok(Given::Whole);
        }
        let mut given = Given::Whole;
        for (piece, at) in bytes.chunks_mut(piece_len).zip((offset..).step_by(piece_len)) {
            if let Err(error) = self.try_read_at(piece, at)? {
                piece.fill(0);
                self.not_given(at..at + piece.len() as u64, &error);
                given = Given::InPart;
            }
        }
        Ok(given)
    }

    /// Bytes of the file that could not be read.
    pub(super) fn into_unreadable(self) -> Vec<Range<u64>> {
        self.unreadable.into_inner().unwrap_or_else(PoisonError::into_inner).into_vec()
    }

    /// The error within is the disk's.
    fn try_read_at(&self, bytes: &mut [u8], offset: u64) -> Result<io::Result<()>, JobError> {
        match self.input.file.read_exact_at(bytes, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(JobError::InputChanged { what: self.input.what.clone() }),
            result => Ok(result),
        }
    }

    fn not_given(&self, range: Range<u64>, error: &io::Error) {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if unreadable.end().is_none() {
            self.observer.warning(&format!("{} cannot be read in places, which are lost: {}", self.input.what, reason(error)));
        }
        unreadable.add(range);
    }
}

/// The first bytes of a file.
pub(super) struct Start {
    pub(super) bytes: Vec<u8>,
    /// Why there are no more, where they cannot be read.
    pub(super) unreadable: Option<io::Error>,
}

/// The first bytes of a file, `max_len` of them or some more, or up to the first that cannot be read.
pub(super) fn read_start(mut reader: impl Read, max_len: usize) -> Start {
    let mut bytes = Vec::new();
    let mut block = [0; BLOCK_LEN];
    while bytes.len() < max_len {
        match read_full(&mut reader, &mut block) {
            Ok(0) => break,
            Ok(len) => bytes.extend_from_slice(&block[..len]),
            Err(error) => return Start { bytes, unreadable: Some(error) },
        }
    }
    Start { bytes, unreadable: None }
}
