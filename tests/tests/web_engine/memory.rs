//! Files in memory that are read as a browser reads them, piece by piece and never at once; and what comes out.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use dbseal_web::engine::{Observer, Piece, ReadError, Sink, Source, WriteError};
use dbseal_web::messages::Progress;

/// A file that answers on the second question, and can shrink while it is read.
pub(crate) struct Memory {
    pub(crate) bytes: Vec<u8>,
    /// Reads that succeed.
    pub(crate) reads_left: Cell<usize>,
    pub(crate) longest_read: Cell<u64>,
}

pub(crate) struct Copied(Vec<u8>);

impl Memory {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, reads_left: Cell::new(usize::MAX), longest_read: Cell::new(0) }
    }
}

impl Source for Memory {
    type Piece = Copied;

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, range: Range<u64>) -> impl Future<Output = Result<Copied, ReadError>> + use<> {
        self.longest_read.set(self.longest_read.get().max(range.end - range.start));
        let answer = match self.reads_left.get() {
            0 => Err(ReadError("it is shorter than it was".into())),
            left => {
                self.reads_left.set(left - 1);
                Ok(Copied(self.bytes[index(range.start)..index(range.end)].to_vec()))
            }
        };
        async move {
            later().await;
            answer
        }
    }
}

impl Piece for Copied {
    fn copy_to(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0);
    }
}

/// What came out.
#[derive(Clone, Default)]
pub(crate) struct Output(pub(crate) Rc<Written>);

#[derive(Default)]
pub(crate) struct Written {
    pub(crate) bytes: RefCell<Vec<u8>>,
    pub(crate) is_committed: Cell<bool>,
    /// Bytes that fit, if not all do.
    pub(crate) room: Cell<Option<usize>>,
}

impl Sink for Output {
    async fn write(&mut self, parts: &[&[u8]]) -> Result<(), WriteError> {
        later().await;
        let bytes = parts.concat();
        let mut written = self.0.bytes.borrow_mut();
        if self.0.room.get().is_some_and(|room| written.len() + bytes.len() > room) {
            return Err(WriteError::Full);
        }
        written.extend(bytes);
        Ok(())
    }

    async fn commit(self) -> Result<(), WriteError> {
        self.0.is_committed.set(true);
        Ok(())
    }
}

/// Keeps the last report, and all of the damage.
#[derive(Default)]
pub(crate) struct Watcher(pub(crate) RefCell<Progress>);

impl Observer for Watcher {
    fn progress(&self, progress: Progress) {
        let mut last = self.0.borrow_mut();
        assert!(progress.done_len >= last.done_len && progress.done_len <= progress.total_len, "it goes forward: {progress:?}");
        let damage = std::mem::take(&mut last.damage).into_iter().chain(progress.damage).collect();
        *last = Progress { damage, ..progress };
    }
}

pub(crate) async fn later() {
    let mut was_asked = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut was_asked, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return answer;
        }
    }
}

pub(crate) fn index(len: u64) -> usize {
    usize::try_from(len).expect("it is in memory")
}
