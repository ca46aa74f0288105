//! Written pages go to disk as they come and leave the page cache, which belongs to the database.

use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::fs::Advice;

/// Bytes after which the disk gets to work.
const STEP_LEN: u64 = 32 << 20;
/// Bytes that may wait for the disk before writers wait for it.
const MAX_DIRTY_LEN: u64 = 4 * STEP_LEN;

/// Syncs a file in the background, a step at a time, and holds its writers back when the disk cannot follow.
pub(crate) struct WriteBack {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    written_len: u64,
    synced_len: u64,
    /// The system's number of the error that a sync met. It stays: every writer that waits has to hear of it, and the kernel
    /// tells it only once.
    failed: Option<i32>,
    closing: bool,
}

impl State {
    fn result(&self) -> io::Result<()> {
        self.failed.map_or(Ok(()), |number| Err(io::Error::from_raw_os_error(number)))
    }
}

impl WriteBack {
    pub(crate) fn start(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("write-back".into()).spawn(move || theirs.sync_steps(&file))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// `len` more bytes were written, anywhere in the file. Waits while too many are not on disk.
    pub(crate) fn wrote(&self, len: usize) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.written_len += len as u64;
        if state.written_len - state.synced_len >= STEP_LEN {
            self.shared.changed.notify_all();
        }
        while state.written_len - state.synced_len > MAX_DIRTY_LEN && state.failed.is_none() {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.result()
    }

    /// Ends the thread. What was written since the last step is left to the caller's own sync.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.close();
        self.shared.lock().result()
    }

    fn close(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for WriteBack {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sync_steps(&self, file: &File) {
        let mut state = self.lock();
        loop {
            while !state.closing && state.written_len - state.synced_len < STEP_LEN {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.closing {
                return;
            }
            let (synced_len, written_len) = (state.synced_len, state.written_len);
            drop(state);
            let result = file.sync_data();
            // Writers go forward, each a little before or behind the others. The whole file every time would be a look at all
            // its pages, which on a file system that lives in the page cache (tmpfs) stay there.
            let start = synced_len.saturating_sub(STEP_LEN);
            drop_cached(file, start, NonZeroU64::new(written_len + STEP_LEN - start));
            state = self.lock();
            match result {
                Ok(()) => state.synced_len = written_len,
                Err(error) => {
                    state.failed = Some(error.raw_os_error().unwrap_or(rustix::io::Errno::IO.raw_os_error()));
                    state.closing = true;
                }
            }
            self.changed.notify_all();
        }
    }
}

/// Takes `len` bytes of a file from `offset`, or all from there, out of the page cache, as far as they are clean.
pub(crate) fn drop_cached(file: &File, offset: u64, len: Option<NonZeroU64>) {
    let _ = rustix::fs::fadvise(file, offset, len, Advice::DontNeed);
}
