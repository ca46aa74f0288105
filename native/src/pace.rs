//! A limit on the rate at which data is read, so that a backup leaves the database its disks.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A limit in bytes a second, shared by all workers; or none.
#[derive(Debug, Default)]
pub struct Pace {
    bytes_per_second: Option<f64>,
    /// When the bytes granted so far will have been used up.
    due: Mutex<Option<Instant>>,
}

impl Pace {
    /// No limit.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// At most `bytes_per_second`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
    pub fn limited(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: Some(bytes_per_second.max(1) as f64), due: Mutex::default() }
    }

    /// Waits until `len` more bytes may be passed on. Time in which nothing was asked for is not saved up: after a pause
    /// there is no burst.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
    pub(crate) fn wait_for(&self, len: usize) {
        let Some(rate) = self.bytes_per_second else { return };
        let now = Instant::now();
        let due = {
            let mut due = self.due.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let next = due.unwrap_or(now).max(now) + Duration::from_secs_f64(len as f64 / rate);
            due.insert(next).to_owned()
        };
        std::thread::sleep(due.saturating_duration_since(now));
    }
}
