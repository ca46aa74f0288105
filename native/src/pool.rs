//! Pieces of work that are given out in order, to threads that each have a room of their own.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::JobError;

/// Comes after every piece.
const LAST: u64 = u64::MAX;

/// Runs `work` on every piece that `next` gives out with its place in the order, on all threads, until one fails. Each thread has a room
/// of its own, for both. At the first failure `call_off` ends what the others may be waiting for; what that makes fail says
/// [`JobError::Stopped`]. None starts before all can.
///
/// # Errors
/// The first one in that order that is not [`JobError::Stopped`]: each piece that was given out is worked to its end, or stopped for an
/// error, so no thread can hide an earlier one from the one that fails first. Or there is no next piece though there should be one, no
/// thread, or no room for one.
pub(crate) fn run<R: Send, T>(
    threads: NonZeroUsize,
    room: impl Fn() -> Result<R, JobError>,
    next: impl Fn(&mut R) -> Result<Option<(u64, T)>, JobError> + Sync,
    work: impl Fn(&mut R, u64, T) -> Result<(), JobError> + Sync,
    call_off: impl Fn() + Sync,
) -> Result<(), JobError> {
    let rooms: Vec<R> = (0..threads.get()).map(|_| room()).collect::<Result<_, _>>()?;
    let failed = AtomicBool::new(false);
    // Whatever fails, the job cannot succeed, so the others need not work on.
    let stop = || {
        if !failed.swap(true, Ordering::Relaxed) {
            call_off();
        }
    };
    // Held until all threads are there: without one the job fails, and must not be done by the others meanwhile.
    let gate = Mutex::new(());
    let worker = |mut room: R| {
        drop(gate.lock());
        let _unwinding = OnUnwind(stop);
        while !failed.load(Ordering::Relaxed)
            && let Some((place, piece)) = next(&mut room).map_err(|error| (LAST, error)).inspect_err(|_| stop())?
        {
            work(&mut room, place, piece).map_err(|error| (place, error)).inspect_err(|_| stop())?;
        }
        Ok(())
    };
    let worker = &worker;
    let first_error = std::thread::scope(|scope| {
        let closed = gate.lock();
        let start = |room| {
            let thread = std::thread::Builder::new().spawn_scoped(scope, move || worker(room));
            thread.map_err(|error| (LAST, JobError::Thread(error))).inspect_err(|_| failed.store(true, Ordering::Relaxed))
        };
        let threads: Vec<_> = rooms.into_iter().map(start).collect();
        drop(closed);
        let errors = threads
            .into_iter()
            .filter_map(|thread| thread.and_then(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).err());
        // What was stopped is not why.
        errors.min_by_key(|(place, error)| (matches!(error, JobError::Stopped), *place))
    });
    first_error.map_or(Ok(()), |(_, error)| Err(error))
}

/// Does something if a panic drops it, for others who would wait for ever.
pub(crate) struct OnUnwind<F: Fn()>(pub(crate) F);

impl<F: Fn()> Drop for OnUnwind<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    fn run_over(count: u64, room: impl Fn() -> Result<(), JobError>, fails: impl Fn(u64) -> bool + Sync) -> (String, u64) {
        let (given, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let next = |_: &mut ()| Ok(Some(given.fetch_add(1, Ordering::Relaxed)).filter(|&place| place < count).map(|place| (place, ())));
        let work = |(): &mut (), place, ()| {
            if fails(place) {
                return Err(JobError::InputEmpty(place.to_string()));
            }
            done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let result = run(NonZeroUsize::new(4).expect("some"), room, next, work, || {});
        (result.err().map(|error| error.to_string()).unwrap_or_default(), done.into_inner())
    }

    #[test]
    fn every_piece_is_worked_once() {
        for count in [0, 1, 3, 4, 1000] {
            assert_eq!(run_over(count, || Ok(()), |_| false), (String::new(), count));
        }
    }

    #[test]
    fn the_first_error_in_order_ends_the_work() {
        for _ in 0..100 {
            let (error, done) = run_over(1 << 30, || Ok(()), |place| place >= 3);
            assert!(error.starts_with("3: ") && done == 3, "{error}, {done} done");
        }
    }

    /// The others would go on for hours.
    #[test]
    fn without_a_room_for_each_thread_no_work_begins() {
        let rooms = AtomicU64::new(0);
        let room = || if rooms.fetch_add(1, Ordering::Relaxed) == 2 { Err(JobError::Memory) } else { Ok(()) };
        let (error, done) = run_over(u64::MAX - 8, room, |_| false);
        assert!(error.starts_with("there is not enough memory") && done == 0, "{error}, {done} done");
    }
}
