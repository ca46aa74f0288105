//! One loop over the slots of a batch, serial or on rayon's threads.

use crate::payload::SLOT_LEN;

/// Who works on the slots of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// The calling thread.
    Serial,
    /// The rayon pool that the calling thread belongs to.
    #[cfg(feature = "rayon")]
    Rayon,
}

impl Spread {
    /// Calls `work` with each slot and its index in the batch, and returns the first answer in slot order. Slots after it
    /// may or may not have been worked on.
    pub(crate) fn find_first<T: Send>(self, slots: &mut [u8], work: impl Fn(usize, &mut [u8]) -> Option<T> + Sync) -> Option<T> {
        match self {
            Self::Serial => slots.chunks_mut(SLOT_LEN).enumerate().find_map(|(index, slot)| work(index, slot)),
            #[cfg(feature = "rayon")]
            Self::Rayon => {
                use rayon::prelude::*;
                slots.par_chunks_mut(SLOT_LEN).enumerate().find_map_first(|(index, slot)| work(index, slot))
            }
        }
    }
}
