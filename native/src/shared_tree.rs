//! The hash of a payload section whose bytes several threads take in, each as it passes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use dbseal_core::{Run, Tree, TreeBuilder};

/// See the module.
#[derive(Default)]
pub(crate) struct SharedTree(Mutex<TreeBuilder>);

impl SharedTree {
    /// Takes in the bytes that stand at `offset` in the section; in any order, from any thread.
    pub(crate) fn add(&self, offset: u64, bytes: &[u8]) {
        let run = Run::hash(offset, bytes);
        self.lock().add(run);
    }

    /// The section has ended; `None` where not every byte of it was taken in once.
    pub(crate) fn finish(self) -> Option<Tree> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
    }

    fn lock(&self) -> MutexGuard<'_, TreeBuilder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
