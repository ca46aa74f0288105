//! The middle stage of a stream: batches are worked on in some threads, and read and written in others.

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dbseal_core::Batch;

use crate::error::JobError;

/// Of a batch and a thread; while it waits for one that is done, its own may be with another.
pub(crate) const HAS_ONE: &str = "each thread has a batch";

/// The middle stage: so many threads work at once. One alone goes on with what others have read for as long as there is some, and hands them what
/// is done, to be written: until one of them was woken to work itself, nobody would. Of several each works on what it has read, which is in its
/// core's own cache.
pub(crate) struct Working<T> {
    goes_on: bool,
    state: Mutex<Waiting<T>>,
}

struct Waiting<T> {
    /// How many threads more may work.
    free: usize,
    /// Whether a thread has panicked, and nothing is waited for any more.
    closed: bool,
    /// What waits, in order, and how it is told.
    read: VecDeque<(Batch, Task<T>, SyncSender<Turn<T>>)>,
}

/// A batch's place in the order, and what is to be done with it.
type Task<T> = (u64, T);

/// What becomes of a thread that has waited.
enum Turn<T> {
    /// It works itself.
    Work(Batch, Task<T>),
    /// It has another batch, of this place, with which this is done.
    Done(Batch, u64, Result<(), JobError>),
}

impl<T> Working<T> {
    pub(crate) fn new(count: usize) -> Self {
        Self { goes_on: count == 1, state: Mutex::new(Waiting { free: count, closed: false, read: VecDeque::new() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a batch worked on, by this thread or by another one. Leaves in its place one that is done, the same or another one, and returns
    /// that one's place and what came of it.
    pub(crate) fn done(
        &self,
        batch: &mut Option<Batch>,
        place: u64,
        task: T,
        work: impl Fn(&mut Batch, T) -> Result<(), JobError>,
    ) -> Result<(u64, Result<(), JobError>), JobError> {
        let (mut own, mut task) = (batch.take().expect(HAS_ONE), (place, task));
        let mut state = self.lock();
        if state.closed {
            return Err(JobError::Stopped);
        }
        if state.free > 0 {
            state.free -= 1;
            drop(state);
        } else {
            let (send, receive) = sync_channel(1);
            state.read.push_back((own, task, send));
            drop(state);
            match receive.recv().map_err(|_| JobError::Stopped)? {
                Turn::Work(read, to_do) => (own, task) = (read, to_do),
                Turn::Done(done, place, worked) => {
                    *batch = Some(done);
                    return Ok((place, worked));
                }
            }
        }
        loop {
            let (place, to_do) = task;
            let worked = work(&mut own, to_do);
            let mut state = self.lock();
            let Some((read, next, waiting)) = state.read.pop_front() else {
                state.free += 1;
                *batch = Some(own);
                return Ok((place, worked));
            };
            drop(state);
            // It waits for that, whatever becomes of the others.
            if !self.goes_on {
                let _ = waiting.send(Turn::Work(read, next));
                *batch = Some(own);
                return Ok((place, worked));
            }
            let _ = waiting.send(Turn::Done(own, place, worked));
            (own, task) = (read, next);
        }
    }

    /// Nobody waits any more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.read.clear();
    }
}
