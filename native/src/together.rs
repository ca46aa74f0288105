//! Two pieces of memory that are written as one.

use std::fs::File;
use std::io::{self, IoSlice, Write};

/// Writes one after the other in one system call, or as few as there is room for. With an error comes how many bytes were written.
pub(crate) fn write_both(file: &mut File, first: &[u8], second: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut written_len = 0;
    while written_len < first.len() + second.len() {
        let second = &second[written_len.saturating_sub(first.len())..];
        let first = &first[written_len.min(first.len())..];
        match file.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]) {
            Ok(0) => return Err((written_len, io::ErrorKind::WriteZero.into())),
            Ok(now_len) => written_len += now_len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((written_len, error)),
        }
    }
    Ok(())
}
