//! The `dbseal` command, run as people run it: in a folder of its own, with arguments, standard input and an environment.
//!
//! The command under test is the one that ships: `cargo build --release`, once for each test program.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal};
use rustix::pty::OpenptFlags;
use tempfile::TempDir;

use crate::tools::workspace_dir;

/// After this long a program hangs, and its test fails. A bound for a broken build, not a measure of speed.
const HANGS: Duration = Duration::from_secs(300);
/// Between two looks at something that is waited for.
const PAUSE: Duration = Duration::from_millis(2);

/// The `dbseal` that cargo builds from this workspace.
///
/// # Panics
/// If it does not build.
pub fn dbseal() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--release", "--package", "dbseal", "--message-format", "json"])
            .current_dir(workspace_dir())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(built.status.success(), "cargo build --release --package dbseal failed");
        let messages = built.stdout.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
        let executable = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
        executable.expect("cargo names the executable")
    })
}

/// A folder of its own, gone after the test.
pub struct Folder(TempDir);

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    /// An empty folder.
    ///
    /// # Panics
    /// If there can be none.
    #[must_use]
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("dbseal-test-").tempdir().expect("a temporary folder"))
    }

    /// An empty folder that holds a key pair: `backup.key` and `backup.pub`.
    #[must_use]
    pub fn with_key() -> Self {
        let folder = Self::new();
        folder.dbseal(["keygen", "-o", "backup.key"]).run().succeeds();
        folder
    }

    /// The folder, or a file in it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).expect("the test can write a file");
    }

    /// Reads a file.
    ///
    /// # Panics
    /// If it cannot be read.
    #[must_use]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A file that is text.
    ///
    /// # Panics
    /// If it is not.
    #[must_use]
    pub fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("text")
    }

    /// The permissions of a file.
    ///
    /// # Panics
    /// If there is no such file.
    #[must_use]
    pub fn mode(&self, name: &str) -> u32 {
        self.path(name).metadata().expect("the file is there").permissions().mode() & 0o7777
    }

    /// Sets the permissions of a file.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("the file is there");
    }

    /// Whether there is a file, or anything else, of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// All names in the folder, sorted, hidden ones too.
    ///
    /// # Panics
    /// If it cannot be listed.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("the folder can be listed");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// `dbseal` in this folder.
    pub fn dbseal<T: Into<OsString>>(&self, args: impl IntoIterator<Item = T>) -> Run {
        self.program(dbseal()).args(args)
    }

    /// Another program in this folder.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Run {
        Run {
            program: program.as_ref().into(),
            args: Vec::new(),
            env: vec![("HOME".into(), self.0.path().into())],
            stdin: Input::Nothing,
            dir: self.0.path().into(),
        }
    }

    /// A shell command in this folder, which finds `dbseal` in the variable `DBSEAL`.
    pub fn shell(&self, text: &str) -> Run {
        self.program("/bin/sh").args(["-c", text]).env("DBSEAL", dbseal())
    }
}

enum Input {
    Nothing,
    Bytes(Vec<u8>),
    /// Open, and silent until [`Running::write`] or [`Running::close_stdin`].
    Held,
}

/// A program that is about to run.
#[must_use]
pub struct Run {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Input,
    dir: PathBuf,
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

    fn command(&self, program: &OsStr, args: &[OsString]) -> Command {
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
        Running { child, stdin, stdout, stderr }
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(self) -> Ended {
        self.start().end()
    }

    /// Runs it at a terminal of its own, where a person answers questions: when the first text of a pair is on the screen,
    /// the second is typed. Standard input, output and error are that terminal. What is on the screen is in
    /// [`Ended::stdout`].
    ///
    /// # Panics
    /// If there is no terminal to be had, or a question does not come.
    #[must_use]
    pub fn run_at_terminal(self, answers: &[(&str, &str)]) -> Ended {
        let pty = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        rustix::pty::grantpt(&pty).and_then(|()| rustix::pty::unlockpt(&pty)).expect("a terminal");
        let name = rustix::pty::ptsname(&pty, Vec::new()).expect("a terminal").into_string().expect("ASCII");
        let side = || -> Stdio {
            let no_tty = OFlags::NOCTTY.bits().cast_signed();
            fs::File::options().read(true).write(true).custom_flags(no_tty).open(&name).expect("the terminal's other end").into()
        };
        // setsid, of util-linux, makes it the controlling terminal, which is what a program finds at `/dev/tty`.
        let args = [&["--ctty".into(), "--wait".into(), self.program.clone()], &self.args[..]].concat();
        let mut command = self.command("setsid".as_ref(), &args);
        let mut child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("setsid starts");
        // It holds the other end, and the screen would wait for that to close.
        drop(command);
        let mut keyboard = fs::File::from(pty.try_clone().expect("a second handle"));
        let screen = Collected::from(fs::File::from(pty));
        let mut read_len = 0;
        for (question, answer) in answers {
            read_len = screen.wait_for(question, read_len);
            keyboard.write_all(format!("{answer}\n").as_bytes()).expect("the terminal takes it");
        }
        let status = wait(&mut child);
        Ended { status, stdout: screen.end(), stderr: String::new() }
    }
}

/// A program that runs.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Collected,
    stderr: Collected,
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
        let status = wait(&mut self.child);
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
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Collected {
    fn from(mut reader: impl Read + Send + 'static) -> Self {
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
    fn wait_for(&self, text: &str, from: usize) -> usize {
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

    fn end(self) -> Vec<u8> {
        // Who was left behind by a program that has ended, and holds its output, may do so only for a moment.
        let end = self.ended.recv_timeout(Duration::from_secs(20));
        assert!(end.is_ok(), "a process was left behind that still holds the output");
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        if started.elapsed() > HANGS {
            let _ = child.kill();
            panic!("the program hangs");
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether a process lives; a zombie does not.
#[must_use]
pub fn lives(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat[stat.rfind(')').unwrap_or(0)..].starts_with(") Z"))
}

/// Waits until something is so.
///
/// # Panics
/// If it never is.
#[track_caller]
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < HANGS, "waited in vain until {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Whether the test runs as root.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
