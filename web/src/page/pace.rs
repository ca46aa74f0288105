//! How fast a job is, and how long it will still take.

use std::collections::VecDeque;

/// In milliseconds: the rate is that of the last seconds, so that a slow disk shows and one hiccup does not.
const WINDOW: f64 = 5_000.0;
/// In milliseconds: what is measured over less says nothing.
const SHORTEST: f64 = 500.0;

/// How far a job was, and when.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Time in milliseconds, bytes done.
    samples: VecDeque<(f64, u64)>,
}

impl Pace {
    pub(super) fn note(&mut self, now: f64, done_len: u64) {
        self.samples.push_back((now, done_len));
        // One that is older than the window stays, so that there is always something to compare with.
        while self.samples.get(1).is_some_and(|(time, _)| now - time > WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Bytes per second.
    #[expect(clippy::cast_precision_loss, reason = "a rate that a person reads")]
    pub(super) fn rate(&self) -> Option<f64> {
        let ((begin, begin_len), (end, end_len)) = (self.samples.front()?, self.samples.back()?);
        let time = end - begin;
        (time >= SHORTEST).then(|| end_len.saturating_sub(*begin_len) as f64 * 1000.0 / time)
    }

    /// Seconds until all is done; unknown while nothing moves.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time that a person reads")]
    pub(super) fn left(&self, total_len: u64) -> Option<u64> {
        let rate = self.rate().filter(|rate| *rate > 0.0)?;
        let (_, done_len) = self.samples.back()?;
        Some((total_len.saturating_sub(*done_len) as f64 / rate).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_before_anything_is_known() {
        let mut pace = Pace::default();
        assert_eq!((pace.rate(), pace.left(100)), (None, None));
        pace.note(0.0, 0);
        pace.note(100.0, 50);
        assert_eq!(pace.rate(), None);
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut pace = Pace::default();
        for second in 0..=10_u32 {
            pace.note(f64::from(second) * 1000.0, u64::from(second) * 1000);
        }
        assert_eq!((pace.rate(), pace.left(20_000)), (Some(1000.0), Some(10)));
        for second in 11..=20_u32 {
            pace.note(f64::from(second) * 1000.0, 10_000);
        }
        assert_eq!((pace.rate(), pace.left(20_000)), (Some(0.0), None));
        assert!(pace.samples.len() < 10);
    }
}
