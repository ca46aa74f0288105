//! A payload whose first chunk and final one open: one of the file key that its header has, and not cut off. What lies between is not looked at.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use dbseal_core::{Batch, CheckedLayout, FileKey, Layout, Opener, PAYLOAD_NONCE_LEN, PayloadNonce, SLOT_LEN, Spread};
use zeroize::Zeroizing;

use crate::error::JobError;

/// A payload whose first chunk and final one were opened.
pub(crate) struct CheckedPayload {
    pub(crate) nonce: PayloadNonce,
    pub(crate) opener: Opener,
    pub(crate) checked: CheckedLayout,
}

/// Opens the first chunk of a file and the final one. `header_len` is where the payload begins.
pub(crate) fn check_payload(file: &File, what: &str, header_len: usize, file_key: &FileKey) -> Result<CheckedPayload, JobError> {
    let damaged = |error| JobError::Payload { what: what.into(), error };
    let failed = |error| JobError::read(what, error);
    let offset = header_len as u64;
    let section_len =
        file.metadata().map_err(failed)?.len().checked_sub(offset).ok_or_else(|| JobError::InputChanged { what: what.into() })?;
    let layout = Layout::of_section(section_len).map_err(damaged)?;
    let mut nonce = [0; PAYLOAD_NONCE_LEN];
    let read = |bytes: &mut [u8], at| file.read_exact_at(bytes, offset + at).map_err(failed);
    read(&mut nonce, 0)?;
    let nonce = PayloadNonce::from_bytes(nonce);
    let opener = Opener::new(file_key, &nonce);
    let slot = layout.final_slot();
    let mut last = Zeroizing::new(vec![0; usize::try_from(slot.end - slot.start).expect("a chunk fits the memory")]);
    read(&mut last, slot.start)?;
    let checked = opener.check_end(layout, &mut last).map_err(damaged)?;
    if layout.chunk_count() > 1 {
        let mut batch = Batch::with_chunks(1);
        read(&mut batch.ciphertext_mut()[..SLOT_LEN], layout.slots(0, 1).start)?;
        batch.set_ciphertext_len(SLOT_LEN);
        opener.open_at(&checked, 0, &mut batch, Spread::Serial).map_err(damaged)?;
    }
    Ok(CheckedPayload { nonce, opener, checked })
}

/// A file that is read from an offset on, whatever others read.
pub(crate) struct At<'a> {
    pub(crate) file: &'a File,
    pub(crate) offset: u64,
}

impl io::Read for At<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read_at(bytes, self.offset)?;
        self.offset += len as u64;
        Ok(len)
    }
}
