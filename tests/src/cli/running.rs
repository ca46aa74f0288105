//! A program that runs, and how it ended.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::{HANGS, PAUSE};

/// A program that runs.
pub struct Running {
    pub(super) child: Child,
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Collected,
    pub(super) stderr: Collected,
    pub(super) limit: Duration,
}

impl Running {
    /// Its number.
    ///
    /// # Panics
    /// Never: a child has one.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it cannot be sent.
    pub fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("the process was not waited for, so it is there");
    }

    /// Waits until it has written this to its standard error.
    pub fn wait_for_stderr(&self, text: &str) {
        self.stderr.wait_for(text, 0);
    }

    /// Writes to its standard input.
    ///
    /// # Panics
    /// If it takes nothing.
    pub fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().expect("the input is held open").write_all(bytes).expect("the program reads");
    }

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// If that cannot be told.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_some()
    }

    /// Waits for its end. A standard input that is held open stays so until then.
    #[must_use]
    pub fn end(mut self) -> Ended {
        let status = wait(&mut self.child, self.limit);
        let stderr = String::from_utf8_lossy(&self.stderr.end()).into_owned();
        Ended { status, stdout: self.stdout.end(), stderr }
    }
}

/// How a program ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote to its standard output, or to its terminal.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Ended {
    /// Its exit code.
    ///
    /// # Panics
    /// If a signal killed it.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("killed by signal {:?}\n{}", self.status.signal(), self.words()))
    }

    /// What it said, on whichever way.
    #[must_use]
    pub fn words(&self) -> String {
        let stdout = if self.stdout.len() < 10_000 { String::from_utf8_lossy(&self.stdout) } else { "(long output)".into() };
        format!("{stdout}\n{}", self.stderr)
    }

    /// Asserts that it ended with code 0.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.code(), 0, "{}", self.words());
        self
    }

    /// Asserts that it ended with code 0 and said nothing about it.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn succeeds_in_silence(self) -> Self {
        let this = self.succeeds();
        assert_eq!(this.stderr, "");
        this
    }

    /// Asserts that it decrypted to a file what has no seal, and said nothing but that nobody vouches for it.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn succeeds_unvouched(self) -> Self {
        let this = self.succeeds();
        let is_note = this.stderr.starts_with("dbseal: note: nobody whom you trust vouches for ") && this.stderr.lines().count() == 1;
        assert!(is_note, "{}", this.stderr);
        this
    }

    /// Asserts that it was refused or failed, with code 1, saying this.
    ///
    /// # Panics
    /// If it was not.
    #[track_caller]
    pub fn fails_with(self, words: &str) -> Self {
        self.ends_with(1, words)
    }

    /// Asserts its exit code, that it said this, and that it did not panic.
    ///
    /// # Panics
    /// If it did otherwise.
    #[track_caller]
    pub fn ends_with(self, code: i32, words: &str) -> Self {
        assert_eq!(self.code(), code, "{}", self.words());
        assert!(self.words().contains(words), "does not say {words:?}:\n{}", self.words());
        assert!(!self.words().contains("panicked"), "{}", self.words());
        self
    }
}

/// What a program writes, collected while it runs so that it never waits for its reader.
pub(super) struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Collected {
    pub(super) fn from(mut reader: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = channel();
        let kept = Arc::clone(&bytes);
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            // A terminal whose programs have gone gives an error instead of an end.
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend(&buffer[..len]);
            }
            let _ = end.send(());
        });
        Self { bytes, ended }
    }

    /// Waits for `text` in what comes after the first `from` bytes, and returns where the text ends.
    pub(super) fn wait_for(&self, text: &str, from: usize) -> usize {
        let started = Instant::now();
        loop {
            {
                let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
                let found = bytes[from..].windows(text.len()).position(|window| window == text.as_bytes());
                if let Some(position) = found {
                    return from + position + text.len();
                }
                let so_far = String::from_utf8_lossy(&bytes[from..]);
                assert!(started.elapsed() < HANGS, "{text:?} did not come; instead: {so_far:?}");
                let has_ended = self.ended.try_recv().is_ok();
                assert!(!has_ended, "the program ended and never said {text:?}; instead: {so_far:?}");
            }
            std::thread::sleep(PAUSE);
        }
    }

    pub(super) fn end(self) -> Vec<u8> {
        // Who was left behind by a program that has ended, and holds its output, may do so only for a moment.
        let end = self.ended.recv_timeout(Duration::from_secs(20));
        assert!(end.is_ok(), "a process was left behind that still holds the output");
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) fn wait(child: &mut Child, limit: Duration) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        if started.elapsed() > limit {
            let _ = child.kill();
            panic!("the program hangs");
        }
        std::thread::sleep(PAUSE);
    }
}
