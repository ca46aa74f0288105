//! Commands that we run: a dump whose output is the input, a consumer that the output goes into.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::descendants::{adopt_orphans, descendants_live, kill_descendants};
use crate::error::JobError;
use crate::report::Observer;
use crate::together::write_both;
use crate::unfinished::{Stage, stream_is_complete, writing};

/// Bytes of a child's standard error that are kept for the error message.
const TAIL_LEN: usize = 2048;
/// How long a command that was killed may take to die.
const KILL_WAIT: Duration = Duration::from_secs(3);
/// Bytes that a pipe should hold: at the default of 64 KiB every chunk costs two switches of context.
pub(crate) const PIPE_LEN: usize = 1 << 20;

/// A program and its arguments, run without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
}

impl Command {
    /// From the words of a command line; `None` where there is none.
    #[must_use]
    pub fn from_words(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut words = words.into_iter();
        Some(Self { program: words.next()?, args: words.collect() })
    }

    /// The same, to be started.
    pub(crate) fn to_std(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        let _ = command.args(&self.args);
        command
    }

    /// The program, for messages.
    pub(crate) fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// Whoever follows its standard error is there first: nothing may fail between the start of a command and the guard that ends it.
    fn spawn(&self, stdin: Stdio, stdout: Stdio, observer: &Arc<dyn Observer>) -> Result<(Child, Stderr), JobError> {
        let failed = |error| JobError::Spawn { program: self.name(), error };
        adopt_orphans();
        let (stderr, to_stderr) = io::pipe().map_err(failed)?;
        let stderr = Stderr::follow(stderr, observer).map_err(failed)?;
        let child = self.to_std().stdin(stdin).stdout(stdout).stderr(to_stderr).spawn().map_err(failed)?;
        Ok((child, stderr))
    }
}

/// A running command whose standard output is read. Dropped before [`Producer::finish`], it is killed.
pub(crate) struct Producer {
    name: String,
    child: Child,
    stderr: Stderr,
    ended: bool,
    observer: Arc<dyn Observer>,
}

impl Producer {
    /// Starts the command; what it writes is read from the file.
    pub(crate) fn start(command: &Command, observer: &Arc<dyn Observer>) -> Result<(Self, File), JobError> {
        let (mut child, stderr) = command.spawn(Stdio::null(), Stdio::piped(), observer)?;
        let stdout: OwnedFd = child.stdout.take().expect("it was asked for").into();
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, PIPE_LEN);
        Ok((Self { name: command.name(), child, stderr, ended: false, observer: Arc::clone(observer) }, stdout.into()))
    }

    /// Refuses a command that has failed already though its output has not ended.
    pub(crate) fn check_not_failed(&mut self) -> Result<(), JobError> {
        match self.child.try_wait() {
            Ok(Some(status)) if !status.success() => self.finish(),
            _ => Ok(()),
        }
    }

    /// Waits for the command, whose output has ended. Only its exit status tells a dump from half a dump.
    pub(crate) fn finish(&mut self) -> Result<(), JobError> {
        let status = self.child.wait().map_err(|error| JobError::read(&self.name, error))?;
        self.ended = true;
        let stderr_tail = self.stderr.tail();
        if status.success() {
            return Ok(());
        }
        Err(JobError::ChildFailed { program: self.name.clone(), status: describe(status), stderr_tail })
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        if !self.ended {
            end(&mut self.child, &self.name, &*self.observer);
        }
    }
}

/// A running command whose standard input is written. Dropped before [`Consumer::finish`], it is killed before its input
/// closes.
pub(crate) struct Consumer {
    name: String,
    child: Child,
    stdin: Option<File>,
    stderr: Stderr,
    ended: bool,
    stage: Stage,
    observer: Arc<dyn Observer>,
}

impl Consumer {
    pub(crate) fn start(command: &Command, stage: Stage, observer: &Arc<dyn Observer>) -> Result<Self, JobError> {
        let (mut child, stderr) = command.spawn(Stdio::piped(), Stdio::inherit(), observer)?;
        let stdin: OwnedFd = child.stdin.take().expect("it was asked for").into();
        let _ = rustix::pipe::fcntl_setpipe_size(&stdin, PIPE_LEN);
        Ok(Self { name: command.name(), child, stdin: Some(stdin.into()), stderr, ended: false, stage, observer: Arc::clone(observer) })
    }

    /// See [`write_both`].
    pub(crate) fn write_both(&mut self, first: &[u8], second: &[u8]) -> Result<(), JobError> {
        let stdin = self.stdin.as_mut().expect("open until the end");
        let written = {
            let _writing = writing();
            write_both(stdin, first, second)
        };
        written.map_err(|(_, error)| match error.kind() {
            io::ErrorKind::BrokenPipe => self.left(),
            _ => JobError::write(&self.name, error),
        })
    }

    /// Closes the command's input and waits for it.
    pub(crate) fn finish(mut self) -> Result<(), JobError> {
        self.observer.waiting(&self.name);
        // What lies in the pipe was not read yet. A command that ends now, even with status 0, has not seen all of it.
        let mut pause = Duration::from_micros(50);
        while self.stdin.as_ref().is_some_and(|stdin| rustix::io::ioctl_fionread(stdin).is_ok_and(|unread_len| unread_len > 0)) {
            if self.child.try_wait().ok().flatten().is_some() {
                return Err(self.left());
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        {
            // Not when the job is ended: to the command, that is all of it.
            let _writing = writing();
            self.stdin = None;
        }
        let status = self.child.wait().map_err(|error| JobError::write(&self.name, error))?;
        self.ended = true;
        // Before its last words are waited for: whoever ends the job then ends one that is done.
        if status.success() {
            stream_is_complete(self.stage);
        }
        let stderr_tail = self.stderr.tail();
        if status.success() {
            return Ok(());
        }
        Err(JobError::ChildFailed { program: self.name.clone(), status: describe(status), stderr_tail })
    }

    /// The command closed its input, and mostly has ended or is about to.
    fn left(&mut self) -> JobError {
        let deadline = Instant::now() + Duration::from_secs(2);
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break describe(status),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
                _ => break "closed its input".into(),
            }
        };
        JobError::ConsumerLeft { program: self.name.clone(), status, stderr_tail: self.stderr.tail() }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if !self.ended {
            end(&mut self.child, &self.name, &*self.observer);
        }
    }
}

/// Kills a command and all it started, and waits until they are dead. One that runs as another user, as under sudo, cannot be
/// killed: then a person has to know.
fn end(child: &mut Child, name: &str, observer: &dyn Observer) {
    let deadline = Instant::now() + KILL_WAIT;
    loop {
        kill_descendants();
        let _ = child.kill(); // where there is no /proc to find descendants in
        if !matches!(child.try_wait(), Ok(None)) && !descendants_live() {
            return;
        }
        if Instant::now() > deadline {
            observer
                .warning(&format!("{name} could not be killed, as it may run as another user: what it makes of a part is not to be used"));
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A child's standard error: passed on as it comes, its end kept.
struct Stderr {
    tail: Arc<Mutex<Vec<u8>>>,
    ended: Mutex<Receiver<()>>,
}

impl Stderr {
    fn follow(mut stderr: PipeReader, observer: &Arc<dyn Observer>) -> io::Result<Self> {
        let tail = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = mpsc::sync_channel(1);
        let (kept, observer) = (Arc::clone(&tail), Arc::clone(observer));
        std::thread::Builder::new().spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(len @ 1..) = stderr.read(&mut bytes) {
                observer.child_stderr(&bytes[..len]);
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&bytes[..len]);
                let excess_len = kept.len().saturating_sub(TAIL_LEN);
                kept.drain(..excess_len);
            }
            let _ = end.send(());
        })?;
        Ok(Self { tail, ended: Mutex::new(ended) })
    }

    /// Waits until all was passed on, and returns the last lines, without what a terminal would obey. A process that the
    /// command left behind may hold its standard error open for ever, so the wait for the end is short.
    fn tail(&self) -> String {
        let _ = self.ended.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(Duration::from_secs(1));
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&tail);
        let text: String = text.chars().filter(|&character| character == '\n' || !character.is_control()).collect();
        text.trim().into()
    }
}

pub(crate) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was killed by {}", signal_name(signal)),
        (None, None) => "ended without a status".into(),
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        25 => "SIGXFSZ",
        _ => return format!("signal {signal}"),
    };
    name.into()
}
