//! A stream through workers, for input that is read in order: each reads a batch in its turn, has it worked on
//! beside the others, and writes one in its turn.

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use dbseal_core::{Batch, SLOT_LEN, StreamEnd};

use crate::error::JobError;
use crate::in_order::InOrder;
use crate::parallel::BATCH_CHUNKS;
use crate::pool::{self, OnUnwind};
use crate::working::{HAS_ONE, Working};

/// Workers beside those that seal or open: while they do, one reads and one writes.
const READER_AND_WRITER: usize = 2;

/// Passes a stream through three stages, and returns the first error that any of them met.
///
/// `read` fills a batch and says what is to be done with it, or that there is none; it is called in order. `work` does it, in up to
/// `threads` threads at once. `write` takes the batches in order: all before the first that failed, and what that one holds.
/// `call_off` is called at the first error and must end whatever the other stages may be waiting for.
pub(crate) fn flow<T: Send>(
    threads: NonZeroUsize,
    read: impl FnMut(&mut Batch) -> Result<Option<T>, JobError> + Send,
    work: impl Fn(&mut Batch, T) -> Result<(), JobError> + Sync,
    write: impl FnMut(&Batch) -> Result<(), JobError> + Send,
    call_off: impl Fn() + Sync,
) -> Result<(), JobError> {
    let first_error: Mutex<Option<JobError>> = Mutex::new(None);
    let failed = |error| {
        first_error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        JobError::Stopped
    };
    let workers = threads.saturating_add(READER_AND_WRITER);
    let reading = Mutex::new((0, Some(read)));
    let working = Working::new(threads.get());
    let writing = InOrder::new(workers.get(), write);
    let room = || Batch::try_with_chunks(BATCH_CHUNKS).map(Some).map_err(|_| JobError::Memory);
    let next = |batch: &mut Option<Batch>| {
        let batch = batch.as_mut().expect(HAS_ONE);
        // Where another one has panicked, bytes are missing.
        let (next_place, reader) = &mut *reading.lock().map_err(|_| JobError::Stopped)?;
        // What comes after an end or a failure would be taken for what should have been there.
        let Some(mut read) = reader.take() else { return Ok(None) };
        let Some(task) = read(batch).map_err(failed)? else { return Ok(None) };
        *reader = Some(read);
        *next_place += 1;
        Ok(Some((*next_place - 1, task)))
    };
    let work = |batch: &mut Option<Batch>, place, task| {
        let _unwinding = OnUnwind(|| {
            // First, or a write that is stuck holds the turn that is to be closed.
            call_off();
            working.close();
            writing.close();
        });
        let (place, worked) = working.done(batch, place, task, &work)?;
        writing.in_turn(place, |write| {
            // What was opened before a failure is authentic, and still goes out.
            let written = write(batch.as_ref().expect(HAS_ONE));
            worked.and(written).map_err(failed)
        })
    };
    let result = pool::run(workers, room, next, work, &call_off);
    first_error.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(result, Err)
}

/// A reader that knows whether there is more: only then is it known which chunk is the final one.
pub(crate) struct Lookahead<R> {
    reader: R,
    /// The byte that was read to know.
    ahead: Option<u8>,
}

/// What was read into a batch.
#[derive(Clone, Copy)]
pub(crate) struct Filled {
    /// Bytes.
    pub(crate) len: usize,
    pub(crate) end: StreamEnd,
}

impl<R: Read> Lookahead<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, ahead: None }
    }

    /// Fills the plaintext slots of a batch as far as the stream goes.
    pub(crate) fn fill_plaintext(&mut self, batch: &mut Batch) -> io::Result<Filled> {
        let filled = self.fill(batch.plaintext_slots_mut())?;
        batch.set_plaintext_len(filled.len);
        Ok(filled)
    }

    /// Fills a batch with sealed chunks as far as the stream goes.
    pub(crate) fn fill_ciphertext(&mut self, batch: &mut Batch) -> io::Result<Filled> {
        let filled = self.fill(batch.ciphertext_mut().chunks_mut(SLOT_LEN))?;
        batch.set_ciphertext_len(filled.len);
        Ok(filled)
    }

    fn fill<'a>(&mut self, slots: impl Iterator<Item = &'a mut [u8]>) -> io::Result<Filled> {
        let mut len = 0;
        for slot in slots {
            let slot_filled = read_full(self, slot)?;
            len += slot_filled;
            if slot_filled < slot.len() {
                return Ok(Filled { len, end: StreamEnd::Here });
            }
        }
        let mut byte = [0];
        self.ahead = (read_full(&mut self.reader, &mut byte)? > 0).then_some(byte[0]);
        Ok(Filled { len, end: if self.ahead.is_some() { StreamEnd::Later } else { StreamEnd::Here } })
    }
}

impl<R: Read> Read for Lookahead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(first) = buffer.first_mut()
            && let Some(byte) = self.ahead.take()
        {
            *first = byte;
            return Ok(1);
        }
        self.reader.read(buffer)
    }
}

/// Reads until the buffer is full or the stream ends.
pub(crate) fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match reader.read(&mut buffer[len..]) {
            Ok(0) => break,
            Ok(read_len) => len += read_len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use dbseal_core::{FileKey, PayloadNonce, Sealer, Spread};

    use super::*;

    /// One hands on what others have read; several do not.
    const THREADS: [NonZeroUsize; 2] = [NonZeroUsize::new(1).expect("some"), NonZeroUsize::new(3).expect("some")];

    /// A batch that holds nothing but a number: as so many bytes, sealed.
    fn seal_number(batch: &mut Batch, number: usize) {
        batch.set_plaintext_len(number + 1);
        Sealer::new(&FileKey::from_bytes(&[1; 16]), &PayloadNonce::from_bytes([2; 16])).finish(batch, Spread::Serial);
    }

    fn number_of(batch: &Batch) -> Option<usize> {
        batch.sealed_bytes().len().checked_sub(1 + dbseal_core::TAG_LEN)
    }

    /// A stream of batches, numbered; a stage fails at a number. What was written, the error, and how often it was called off, which is the
    /// same however many threads work.
    fn pass(count: usize, fails: impl Fn(&str, usize) -> bool + Sync) -> (Vec<Option<usize>>, String, usize) {
        let [one, several] = THREADS.map(|threads| pass_by(threads, count, &fails));
        assert_eq!(one, several);
        one
    }

    fn pass_by(threads: NonZeroUsize, count: usize, fails: impl Fn(&str, usize) -> bool + Sync) -> (Vec<Option<usize>>, String, usize) {
        let result_of =
            |stage: &str, number| if fails(stage, number) { Err(JobError::InputEmpty(format!("{stage} {number}"))) } else { Ok(()) };
        let (mut numbers, mut written) = (0..count, Vec::new());
        let (busy, called_off) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let result = flow(
            threads,
            |batch| {
                batch.set_plaintext_len(0);
                numbers.next().map(|number| result_of("read", number).map(|()| number)).transpose()
            },
            |batch, number| {
                assert!(busy.fetch_add(1, Ordering::Relaxed) < threads.get(), "more at once than were allowed");
                std::thread::sleep(Duration::from_micros(number as u64 * 7919 % 200));
                busy.fetch_sub(1, Ordering::Relaxed);
                result_of("work", number)?;
                seal_number(batch, number);
                Ok(())
            },
            |batch| {
                let number = written.len();
                written.push(number_of(batch));
                result_of("write", number)
            },
            || {
                called_off.fetch_add(1, Ordering::Relaxed);
            },
        );
        let error = result.err().map(|error| error.to_string()).unwrap_or_default();
        (written, error.split(": ").next().unwrap_or_default().into(), called_off.into_inner())
    }

    fn up_to(count: usize) -> Vec<Option<usize>> {
        (0..count).map(Some).collect()
    }

    #[test]
    fn batches_are_written_in_order() {
        for count in [0, 1, 5, 200] {
            assert_eq!(pass(count, |_, _| false), (up_to(count), String::new(), 0));
        }
    }

    /// What came before is written, of the one that failed what it holds (here nothing), and nothing after it.
    #[test]
    fn the_first_failure_ends_the_stream() {
        for _ in 0..20 {
            let (written, error, called_off) = pass(10_000, |stage, number| stage == "read" && number == 50);
            assert_eq!((written, error.as_str()), (up_to(50), "read 50"));
            assert_eq!(called_off, 1);
            let (written, error, called_off) = pass(10_000, |stage, number| stage == "work" && number >= 50);
            assert_eq!((written, error.as_str()), ([up_to(50), vec![None]].concat(), "work 50"));
            assert_eq!(called_off, 1);
            let (written, error, called_off) = pass(10_000, |stage, number| stage == "write" && number >= 50);
            assert_eq!((written, error.as_str()), (up_to(51), "write 50"));
            assert_eq!(called_off, 1);
        }
    }

    /// It may hold what was refused.
    #[test]
    fn a_reader_that_failed_is_not_asked_again() {
        for round in 0..200 {
            let (reads, written) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let result = flow(
                THREADS[round % 2],
                |batch| {
                    batch.set_plaintext_len(0);
                    match reads.fetch_add(1, Ordering::Relaxed) {
                        3 => Err(JobError::InputEmpty("3".into())),
                        _ => Ok(Some(())),
                    }
                },
                |_, ()| Ok(()),
                |_| {
                    written.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                },
                || std::thread::sleep(Duration::from_micros(100)),
            );
            assert!(matches!(result, Err(JobError::InputEmpty(_))));
            assert_eq!((reads.into_inner(), written.into_inner()), (4, 3));
        }
    }

    /// What the backup is comes before what became of its reader.
    #[test]
    fn a_failure_of_the_work_comes_before_one_of_the_write() {
        let (_, error, called_off) = pass(10, |stage, number| stage != "read" && number == 5);
        assert_eq!((error.as_str(), called_off), ("work 5", 1));
    }

    /// The others neither wait for the one that panicked nor write what comes after it.
    #[test]
    fn a_panic_ends_the_stream() {
        for (stage, threads) in ["read", "work", "write"].iter().flat_map(|stage| THREADS.map(|threads| (*stage, threads))) {
            let written = Mutex::new(Vec::new());
            let numbers = Mutex::new(0..10_000);
            let panic_at = |here: &str, number: usize| assert!(here != stage || number != 50, "as planned");
            let job = || {
                flow(
                    threads,
                    |_| Ok(numbers.lock().expect("not poisoned").next().inspect(|&number| panic_at("read", number))),
                    |batch, number| {
                        panic_at("work", number);
                        seal_number(batch, number);
                        Ok(())
                    },
                    |batch| {
                        panic_at("write", number_of(batch).expect("sealed"));
                        written.lock().expect("not poisoned").push(number_of(batch));
                        Ok(())
                    },
                    || {},
                )
            };
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err(), "{stage}");
            let written = written.into_inner().expect("not poisoned");
            assert!(written == up_to(written.len()) && written.len() <= 50, "{stage}: {written:?}");
        }
    }

    #[test]
    fn the_end_of_a_stream_is_known_with_its_last_byte() {
        let capacity = 2 * dbseal_core::CHUNK_LEN;
        for len in [0, 1, capacity - 1, capacity, capacity + 1, 3 * capacity] {
            let bytes: Vec<u8> = (0..251).cycle().take(len).collect();
            let mut reader = Lookahead::new(&bytes[..]);
            let mut batch = Batch::with_chunks(2);
            let mut read = Vec::new();
            loop {
                let filled = reader.fill_plaintext(&mut batch).expect("bytes");
                let mut rest = filled.len;
                for slot in batch.plaintext_slots_mut() {
                    read.extend_from_slice(&slot[..rest.min(slot.len())]);
                    rest = rest.saturating_sub(slot.len());
                }
                assert_eq!(filled.end == StreamEnd::Here, read.len() == len, "{len}");
                if filled.end == StreamEnd::Here {
                    break;
                }
            }
            assert!(read == bytes);
        }
    }
}
