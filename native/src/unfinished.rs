//! What has to be undone when the process ends at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::entry::FolderEntry;

/// How long a write to a stream may hold the end up; a reader that reads no more would for ever.
const WRITE_WAIT: Duration = Duration::from_millis(500);

/// What a file is to a job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// What the job is there for.
    Output,
    /// What tells how it went.
    Report,
    /// What takes the place of a backup or of its seal where its recipients change, and what says so until it has.
    Change,
}

/// The temporary names that exist.
pub(crate) struct Unfinished {
    partials: Vec<FolderEntry>,
    /// Whether an output has its name, or all of a stream was written that nothing follows.
    committed: bool,
    /// Whether none may get one any more.
    abandoned: bool,
}

static UNFINISHED: Mutex<Unfinished> = Mutex::new(Unfinished { partials: Vec::new(), committed: false, abandoned: false });
static STREAM: Mutex<()> = Mutex::new(());
/// Whether nothing is to be written to a stream any more.
static ENDING: AtomicBool = AtomicBool::new(false);

impl Unfinished {
    fn lock() -> MutexGuard<'static, Self> {
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To make or name a file. An output that was abandoned gets no further than here: who abandoned it ends the process.
    pub(crate) fn lock_for(role: Role) -> MutexGuard<'static, Self> {
        let unfinished = Self::lock();
        if unfinished.abandoned && role == Role::Output {
            drop(unfinished);
            park();
        }
        unfinished
    }

    pub(crate) fn add(&mut self, partial: FolderEntry) {
        self.partials.push(partial);
    }

    /// The file has its own name.
    pub(crate) fn committed(&mut self, role: Role, partial: Option<&FolderEntry>) {
        self.committed |= role == Role::Output;
        self.partials.retain(|other| Some(other) != partial);
    }

    pub(crate) fn remove(partial: &FolderEntry) {
        partial.remove();
        Self::lock().partials.retain(|other| other != partial);
    }
}

/// What a stream is to a job. It cannot be taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The last of it.
    Output,
    /// Its seal follows.
    BeforeSeal,
}

/// All of a stream was written and, where a command reads it, taken. Where its seal follows, that alone makes the job done.
pub(crate) fn stream_is_complete(stage: Stage) {
    if stage == Stage::Output {
        Unfinished::lock_for(Role::Output).committed(Role::Output, None);
    }
}

/// Held while a stream is written to, so that the process does not end in the middle. Where it is about to end, it does so here.
pub(crate) fn writing() -> MutexGuard<'static, ()> {
    let guard = STREAM.lock().unwrap_or_else(PoisonError::into_inner);
    if ENDING.load(Ordering::SeqCst) {
        drop(guard);
        park();
    }
    guard
}

/// For as long as there is a process.
fn park() -> ! {
    loop {
        std::thread::park();
    }
}

/// Removes all unfinished output, and keeps any from getting its name from now on; `false` where the output has its name
/// already, or all of a stream was written that nothing follows, so that the job is as good as done. For a signal handler that ends the
/// process next.
#[must_use]
pub fn abandon_unfinished() -> bool {
    if Unfinished::lock().committed {
        return false;
    }
    // Who waits to write comes after the end, and not before whoever asks for it.
    ENDING.store(true, Ordering::SeqCst);
    let deadline = Instant::now() + WRITE_WAIT;
    let writing = loop {
        match STREAM.try_lock() {
            Ok(guard) => break Some(guard),
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            Err(_) => break None,
        }
    };
    let mut unfinished = Unfinished::lock();
    if unfinished.committed {
        ENDING.store(false, Ordering::SeqCst);
        return false;
    }
    unfinished.abandoned = true;
    unfinished.partials.iter().for_each(FolderEntry::remove);
    std::mem::forget(writing); // nothing is written any more
    true
}
