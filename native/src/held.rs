//! A backup that nobody changes the recipients of, while another takes its place.

use std::fs::{File, Metadata, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::input::open_regular;

/// How long a change of recipients is waited for. What it writes takes less, however long it has read before.
const HELD: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// Keeps whoever changes the recipients of the backup at `path` from it while it is replaced, and waits until they are done; not for ever, as
/// anybody who can read a file can hold it so. `None` where there is none, or it cannot be held.
pub(crate) fn hold(path: &Path) -> Option<File> {
    let start = Instant::now();
    loop {
        let file = open_regular(path).ok()?;
        match file.try_lock_shared() {
            // A copy may have taken its place meanwhile.
            Ok(()) if is_at(&file, path) => return Some(file),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if start.elapsed() < HELD => thread::sleep(PAUSE),
            Err(_) => return None,
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata(), path.metadata()), (Ok(held), Ok(there)) if id(&held) == id(&there))
}
