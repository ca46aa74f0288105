//! How far a job is, told to the page not more often than a person can see.

use std::cell::RefCell;

use super::post;
use crate::engine::Observer;
use crate::messages::{Progress, Report};

/// Milliseconds between two reports.
const PAUSE: f64 = 125.0;

#[derive(Default)]
pub(super) struct Reporter(RefCell<Held>);

#[derive(Default)]
struct Held {
    progress: Progress,
    /// By the browser's clock, in milliseconds.
    reported_at: f64,
}

impl Observer for Reporter {
    fn progress(&self, progress: Progress) {
        let mut held = self.0.borrow_mut();
        let mut damage = std::mem::take(&mut held.progress.damage);
        damage.extend(progress.damage);
        held.progress = Progress { damage, ..progress };
        let now = js_sys::Date::now();
        let is_last = held.progress.done_len == held.progress.total_len;
        if is_last || (now - held.reported_at).abs() >= PAUSE {
            held.reported_at = now;
            post(&Report::Progress(std::mem::take(&mut held.progress)), None);
        }
    }
}
