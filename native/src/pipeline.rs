//! A bounded set of batches that flows through reader, workers and writer, in order: for everything that is not from
//! regular file to regular file.

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

use dbseal_core::{Batch, SLOT_LEN, Spread, StreamEnd};

use crate::error::JobError;

/// Batches under way: one each being read, held back, worked on and written, and one in between.
const BATCH_COUNT: usize = 5;
/// Chunks in a batch, at least: a megabyte, which a pipe hands over in one go.
const MIN_CHUNKS: usize = 16;
/// Chunks in a batch for each thread: enough that all end at about the same time.
const CHUNKS_PER_THREAD: usize = 4;

/// The cores that a job may use.
pub(crate) struct Workers(Option<rayon::ThreadPool>);

impl Workers {
    pub(crate) fn start(threads: NonZeroUsize) -> Result<Self, JobError> {
        if threads.get() == 1 {
            return Ok(Self(None));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).thread_name(|index| format!("worker-{index}")).build();
        pool.map(|pool| Self(Some(pool))).map_err(|error| JobError::Thread(io::Error::other(error)))
    }

    /// Runs `work` where its batches spread over these cores.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce(Spread) -> T + Send) -> T {
        match &self.0 {
            Some(pool) => pool.install(|| work(Spread::Rayon)),
            None => work(Spread::Serial),
        }
    }

    fn batch_chunks(&self) -> usize {
        let threads = self.0.as_ref().map_or(1, rayon::ThreadPool::current_num_threads);
        MIN_CHUNKS.max(threads * CHUNKS_PER_THREAD)
    }
}

/// Flows a stream through three stages and returns the first error that any of them met.
///
/// `fill` reads a batch as full as it can and returns its length in bytes, short only at the end. `work` seals or opens
/// the batch, knowing whether it is the last, for which one batch is always held back. `drain` takes the batches out in
/// order. `call_off` is called at the first error and must end whatever the other stages may be waiting for.
pub(crate) fn flow(
    workers: &Workers,
    mut fill: impl FnMut(&mut Batch) -> Result<Fill, JobError> + Send,
    mut work: impl FnMut(&mut Batch, StreamEnd, Spread) -> Result<(), JobError> + Send,
    drain: impl FnOnce(&mut Drain) -> Result<(), JobError> + Send,
    call_off: impl Fn() + Sync,
) -> Result<(), JobError> {
    let first_error: Mutex<Option<JobError>> = Mutex::new(None);
    let failed = |error| {
        first_error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        call_off();
    };
    let (to_reader, free) = sync_channel(BATCH_COUNT);
    let (to_workers, filled) = sync_channel(BATCH_COUNT);
    let (to_writer, done) = sync_channel(BATCH_COUNT);
    for _ in 0..BATCH_COUNT {
        let batch = Batch::try_with_chunks(workers.batch_chunks()).map_err(|_| JobError::Memory)?;
        let _ = to_reader.send(batch);
    }
    std::thread::scope(|scope| {
        let reader = || {
            // Moved in, so that the workers see the end when this thread ends, however it does.
            let (free, to_workers) = (free, to_workers);
            if let Err(error) = read_all(&mut fill, &free, &to_workers) {
                failed(error);
            }
        };
        let writer = || {
            let mut drain_end = Drain { done, to_reader, current: None, complete: false };
            // Whatever ended the stream before its last batch, a job that did not see that batch is not done.
            match drain(&mut drain_end) {
                Ok(()) if drain_end.is_complete() => {}
                Ok(()) => failed(JobError::Stopped),
                Err(error) => failed(error),
            }
        };
        let started = Builder::new().spawn_scoped(scope, reader).and_then(|_| Builder::new().spawn_scoped(scope, writer));
        if let Err(error) = started {
            failed(JobError::Thread(error));
            return drop(filled);
        }
        let to_writer = to_writer;
        while let Ok((mut batch, end)) = filled.recv() {
            let result = workers.run(|spread| work(&mut batch, end, spread));
            let complete = result.is_ok() && end == StreamEnd::Here;
            let stop = result.map_err(&failed).is_err();
            // What was opened before a failure is authentic, and still goes out.
            if to_writer.send((batch, complete)).is_err() || stop {
                break;
            }
        }
        drop(filled);
    });
    first_error.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// How full a batch became.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fill {
    /// Bytes read into it.
    pub(crate) len: usize,
    capacity: usize,
}

fn read_all(
    fill: &mut impl FnMut(&mut Batch) -> Result<Fill, JobError>,
    free: &Receiver<Batch>,
    to_workers: &SyncSender<(Batch, StreamEnd)>,
) -> Result<(), JobError> {
    // Whether a full batch is the last shows only when nothing follows it.
    let mut held: Option<Batch> = None;
    while let Ok(mut batch) = free.recv() {
        let filled = fill(&mut batch)?;
        let is_full = filled.len == filled.capacity;
        let (ready, end) = match held.take() {
            Some(last) if filled.len == 0 => (Some(last), StreamEnd::Here),
            previous if is_full => {
                held = Some(batch);
                (previous, StreamEnd::Later)
            }
            None => (Some(batch), StreamEnd::Here),
            Some(previous) => {
                if to_workers.send((previous, StreamEnd::Later)).is_err() {
                    return Ok(());
                }
                (Some(batch), StreamEnd::Here)
            }
        };
        if let Some(ready) = ready
            && to_workers.send((ready, end)).is_err()
        {
            return Ok(());
        }
        if end == StreamEnd::Here {
            return Ok(());
        }
    }
    Ok(())
}

/// The end of the pipeline.
pub(crate) struct Drain {
    done: Receiver<(Batch, bool)>,
    to_reader: SyncSender<Batch>,
    current: Option<Batch>,
    complete: bool,
}

impl Drain {
    /// The next batch, until there is none. The one before goes back to the reader.
    pub(crate) fn next_batch(&mut self) -> Option<&Batch> {
        if let Some(batch) = self.current.take() {
            let _ = self.to_reader.send(batch);
        }
        let (batch, complete) = self.done.recv().ok()?;
        self.complete = complete;
        self.current = Some(batch);
        self.current.as_ref()
    }

    /// The batch that [`Drain::next_batch`] gave last.
    pub(crate) fn current(&self) -> Option<&Batch> {
        self.current.as_ref()
    }

    /// Whether the stream's last batch came through.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }
}

/// Fills the plaintext slots of a batch from a reader.
pub(crate) fn fill_plaintext(batch: &mut Batch, reader: &mut impl Read) -> io::Result<Fill> {
    let mut len = 0;
    for slot in batch.plaintext_slots_mut() {
        let slot_filled = read_full(reader, slot)?;
        len += slot_filled;
        if slot_filled < slot.len() {
            break;
        }
    }
    batch.set_plaintext_len(len);
    Ok(Fill { len, capacity: batch.plaintext_capacity() })
}

/// Fills a batch with sealed chunks from a reader.
pub(crate) fn fill_ciphertext(batch: &mut Batch, reader: &mut impl Read) -> io::Result<Fill> {
    let capacity = batch.ciphertext_mut().len();
    let mut len = 0;
    for slot in batch.ciphertext_mut().chunks_mut(SLOT_LEN) {
        let slot_filled = read_full(reader, slot)?;
        len += slot_filled;
        if slot_filled < slot.len() {
            break;
        }
    }
    batch.set_ciphertext_len(len);
    Ok(Fill { len, capacity })
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
