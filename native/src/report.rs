//! What a job tells while it runs.

/// Who watches a job: a terminal, a log, a window. Called from several threads.
pub trait Observer: Send + Sync {
    /// Work starts; `total_len` is how many bytes will be read, where that is known.
    fn started(&self, total_len: Option<u64>);
    /// `len` more bytes were read and passed on.
    fn advanced(&self, len: u64);
    /// All was passed on, and `program` has yet to end: a database may work on for hours.
    fn waiting(&self, program: &str);
    /// A child process wrote this to its standard error.
    fn child_stderr(&self, bytes: &[u8]);
    /// What comes out is compressed with zstd: a program that wants the dump would call it garbage.
    fn compressed(&self);
    /// Something a person should know though the job goes on: a sentence in lower case, without a full stop.
    fn warning(&self, text: &str);
    /// Something that is as it was asked for, and that a person may not have thought of; in the same words as a warning.
    fn note(&self, text: &str);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn started(&self, _: Option<u64>) {}
    fn advanced(&self, _: u64) {}
    fn waiting(&self, _: &str) {}
    fn child_stderr(&self, _: &[u8]) {}
    fn compressed(&self) {}
    fn warning(&self, _: &str) {}
    fn note(&self, _: &str) {}
}

/// Tells of plaintext that starts as zstd does (RFC 8878, section 3.1.1).
pub(crate) fn tell_if_compressed(start: &[u8], observer: &dyn Observer) {
    if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        observer.compressed();
    }
}
