//! What a file says about itself, by the engine of the page: the start of a file takes no time.

use std::fs::File;
use std::future::ready;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use dbseal::core::Trust;
use dbseal::open_regular;
use dbseal_web::engine::{self, Piece, ReadError, Source, read_seal};
use dbseal_web::messages::{Failure, Inspected};

use super::failures;

pub(super) fn inspect(backup: &Path, seal: Option<&Path>, trust: &Trust) -> Result<Inspected, Failure> {
    let backup = Disk::open(backup)?;
    let seal = seal.map(Disk::open).transpose()?;
    at_once(async {
        let seal = match &seal {
            Some(seal) => Some(read_seal(seal).await?),
            None => None,
        };
        engine::inspect(&backup, seal.as_deref(), trust).await
    })
}

/// Whether a complete age file can be as long as this one. Refuses what is none.
pub(super) fn has_possible_len(backup: &Path) -> Result<bool, Failure> {
    at_once(engine::has_possible_len(&Disk::open(backup)?))
}

/// A file on a disk, whose reads are done when they are asked for.
struct Disk {
    file: Arc<File>,
    len: u64,
}

impl Disk {
    fn open(path: &Path) -> Result<Self, Failure> {
        if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(failures::not_a_file());
        }
        let file = open_regular(path).map_err(|error| failures::unreadable(path, &error))?;
        let len = file.metadata().map_err(|error| failures::unreadable(path, &error))?.len();
        Ok(Self { file: Arc::new(file), len })
    }
}

/// Bytes in memory.
struct Bytes(Vec<u8>);

impl Piece for Bytes {
    fn copy_to(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0);
    }
}

impl Source for Disk {
    type Piece = Bytes;

    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, range: Range<u64>) -> impl Future<Output = Result<Bytes, ReadError>> + use<> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or_default()];
        let read = self.file.read_exact_at(&mut bytes, range.start);
        ready(read.map(|()| Bytes(bytes)).map_err(|error| ReadError(error.to_string())))
    }
}

/// What a future gives that never waits.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("reads are done at once"),
    }
}
