//! A program that is about to run.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::is_root;
use super::running::{Collected, Ended, Running};
use crate::tools::tool;

pub(super) enum Input {
    Nothing,
    Bytes(Vec<u8>),
    /// Open, and silent until [`Running::write`] or [`Running::close_stdin`].
    Held,
}

/// A program that is about to run.
#[must_use]
pub struct Run {
    pub(super) program: OsString,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) stdin: Input,
    pub(super) dir: PathBuf,
    pub(super) limit: Duration,
}

impl Run {
    /// More arguments.
    pub fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// One more variable in the environment, which has only `PATH` and `HOME` otherwise.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The same command, run by another that takes it as its last arguments.
    pub fn under<T: Into<OsString>>(mut self, program: impl Into<OsString>, args: impl IntoIterator<Item = T>) -> Self {
        let inner = std::mem::replace(&mut self.program, program.into());
        let args = args.into_iter().map(Into::into).chain([inner]).chain(self.args);
        self.args = args.collect();
        self
    }

    /// The same command under strace, with these options; what it did is in the file `trace`.
    pub fn traced(self, options: &[&str]) -> Self {
        let options = ["-f", "-y", "-qq", "-s", "0", "-o", "trace"].iter().chain(options);
        let run = self.under(tool("strace"), options.copied());
        // dbseal forbids looking into its memory, where the names are, to all but root, also of a user's own namespace.
        if is_root() { run } else { run.under(tool("unshare"), ["--map-root-user"]) }
    }

    /// What it reads from its standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Input::Bytes(bytes.into());
        self
    }

    /// A standard input that stays open and gives nothing.
    pub fn silent_stdin(mut self) -> Self {
        self.stdin = Input::Held;
        self
    }

    /// Where it runs, if not in the folder.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = dir.into();
        self
    }

    /// How long it may take before it counts as hanging, where that is not the usual.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub(super) fn command(&self, program: &OsStr, args: &[OsString]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.env.iter().map(|(name, value)| (name, value))).current_dir(&self.dir);
        command
    }

    /// Starts it.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(self) -> Running {
        let mut command = self.command(&self.program, &self.args);
        let stdin = if matches!(self.stdin, Input::Nothing) { Stdio::null() } else { Stdio::piped() };
        let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut stdin = child.stdin.take();
        if let Input::Bytes(bytes) = self.stdin {
            let mut pipe = stdin.take().expect("it was asked for");
            // A program that does not read all of it is the test's business, not this thread's.
            std::thread::spawn(move || pipe.write_all(&bytes));
        }
        let stdout = Collected::from(child.stdout.take().expect("it was asked for"));
        let stderr = Collected::from(child.stderr.take().expect("it was asked for"));
        Running { child, stdin, stdout, stderr, limit: self.limit }
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(self) -> Ended {
        self.start().end()
    }
}
