//! How far a job is, as the page hears it.

use std::fs::File;
use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use dbseal::Observer;
use dbseal_web::messages::{Progress, Report};

use crate::commands::lock;

/// Between two words of progress.
const INTERVAL: Duration = Duration::from_millis(200);

/// Writes reports, and watches a job for them.
pub(super) struct Teller(Mutex<State>);

struct State {
    reports: File,
    progress: Progress,
    told: Instant,
}

impl Teller {
    pub(super) fn new(reports: File) -> Self {
        Self(Mutex::new(State { reports, progress: Progress::default(), told: Instant::now() }))
    }

    pub(super) fn tell(&self, report: &Report) {
        lock(&self.0).tell(report);
    }

    /// So many bytes are behind it, whether they were read or not.
    pub(super) fn reached(&self, done_len: u64) {
        let mut state = lock(&self.0);
        state.progress.done_len = done_len;
        state.tell_progress();
    }
}

impl State {
    fn tell(&mut self, report: &Report) {
        let line = serde_json::to_string(report).expect("reports are text, numbers and lists");
        // Nobody hears it only when nobody is there: then this process is about to be ended.
        let _ = writeln!(self.reports, "{line}");
    }

    fn tell_progress(&mut self) {
        self.told = Instant::now();
        let progress = Report::Progress(self.progress.clone());
        self.tell(&progress);
    }
}

impl Observer for Teller {
    fn started(&self, total_len: Option<u64>) {
        let mut state = lock(&self.0);
        state.progress = Progress { done_len: 0, total_len: total_len.unwrap_or_default(), damage: Vec::new() };
        state.tell_progress();
    }

    fn advanced(&self, len: u64) {
        let mut state = lock(&self.0);
        state.progress.done_len += len;
        if state.told.elapsed() >= INTERVAL || state.progress.done_len == state.progress.total_len {
            state.tell_progress();
        }
    }

    fn waiting(&self, program: &str) {
        self.tell(&Report::Waiting(program.into()));
    }

    fn child_stderr(&self, bytes: &[u8]) {
        let _ = std::io::stderr().write_all(bytes);
    }

    fn compressed(&self) {
        self.warning("what comes out is compressed with zstd: zstd -dc unpacks it");
    }

    fn warning(&self, text: &str) {
        self.tell(&Report::Said(text.into()));
    }

    fn note(&self, text: &str) {
        self.tell(&Report::Said(text.into()));
    }
}
