//! Memory that is read into at full speed, and wiped.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use zeroize::Zeroizing;

/// Bytes in a page of memory.
const PAGE_LEN: usize = 4096;
/// Where in a page the bytes start. Files' bytes come from where pages start, and some processors (AMD, Zen 3) copy to an address that is
/// up to 31 bytes further into its page than the source is into its own at a quarter of their speed. An allocator puts large pieces of
/// memory exactly there: 16 bytes into a page. So that the slots of a batch are not there either, each 16 bytes further than the one
/// before, the first is beyond that.
const START_IN_PAGE: usize = 64;

/// A fixed number of bytes, zeros at first. Wiped on drop.
pub struct ReadBuffer {
    memory: Zeroizing<Vec<u8>>,
    start: usize,
    len: usize,
}

impl ReadBuffer {
    /// Room for `len` bytes.
    ///
    /// # Errors
    /// There is no memory for so many.
    pub fn try_with_len(len: usize) -> Result<Self, TryReserveError> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(len.saturating_add(PAGE_LEN + START_IN_PAGE))?;
        memory.resize(len + PAGE_LEN + START_IN_PAGE, 0);
        // Where an address is not to be had, any will do.
        let to_page = memory.as_ptr().align_offset(PAGE_LEN).min(PAGE_LEN);
        Ok(Self { memory: Zeroizing::new(memory), start: to_page + START_IN_PAGE, len })
    }
}

impl Deref for ReadBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.start..][..self.len]
    }
}

impl DerefMut for ReadBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_where_copies_are_fast() {
        for len in [0, 1, 65_552, 8 * 65_552] {
            let mut buffer = ReadBuffer::try_with_len(len).expect("memory");
            assert_eq!((buffer.len(), buffer.as_ptr().addr() % PAGE_LEN), (len, START_IN_PAGE));
            buffer.fill(1);
        }
        assert!(ReadBuffer::try_with_len(usize::MAX).is_err());
    }
}
