//! Batches that are worked on in any order and go through the last stage in theirs.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::error::JobError;

/// A last stage that is shared by workers.
pub(crate) struct InOrder<W> {
    state: Mutex<Turns<W>>,
    /// Where batches wait: of each worker there is one, so no two in as many places in a row wait at the same.
    waiting: Vec<Condvar>,
}

struct Turns<W> {
    next_place: u64,
    /// Whether a batch has failed, here or before: no other goes anywhere.
    closed: bool,
    stage: W,
}

impl<W> InOrder<W> {
    /// `worker_count`: no more than so many wait at once.
    pub(crate) fn new(worker_count: usize, stage: W) -> Self {
        let state = Mutex::new(Turns { next_place: 0, closed: false, stage });
        Self { state, waiting: (0..worker_count).map(|_| Condvar::new()).collect() }
    }

    fn waiting_at(&self, place: u64) -> &Condvar {
        &self.waiting[usize::try_from(place % self.waiting.len() as u64).expect("below a length")]
    }

    /// Lets a batch through when it is its turn. If it fails, none will be let through after it.
    pub(crate) fn in_turn(&self, place: u64, pass: impl FnOnce(&mut W) -> Result<(), JobError>) -> Result<(), JobError> {
        let turns = self.state.lock().map_err(|_| JobError::Stopped)?;
        let waiting = |turns: &mut Turns<W>| turns.next_place != place && !turns.closed;
        let mut turns = self.waiting_at(place).wait_while(turns, waiting).map_err(|_| JobError::Stopped)?;
        if turns.closed {
            return Err(JobError::Stopped);
        }
        let result = pass(&mut turns.stage);
        turns.next_place += 1;
        turns.closed = result.is_err();
        drop(turns);
        match &result {
            Ok(()) => self.waiting_at(place + 1).notify_one(),
            Err(_) => self.close(),
        }
        result
    }

    /// Nobody waits any more, and nothing goes through. Comes after a write that is under way.
    pub(crate) fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.waiting.iter().for_each(Condvar::notify_one);
    }

    /// After the last batch.
    ///
    /// # Panics
    /// If one has panicked in its turn.
    pub(crate) fn into_stage(self) -> W {
        self.state.into_inner().expect("who panicked is passed on").stage
    }
}
