//! The `dbseal` command, run as people run it: in a folder of its own, with arguments, standard input and an environment.
//!
//! The command under test is the one that ships: `cargo build --release`, once for each test program.

pub mod handoff;
pub mod jobs;
pub mod power_loss;
pub mod rewraps;
mod run;
mod running;
pub mod seals;
pub mod store;
mod terminal;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tools::workspace_dir;
pub use run::Run;
pub use running::{Ended, Running};
pub use terminal::AtTerminal;

/// After this long a program hangs, and its test fails, unless it was given a limit of its own. A bound for a broken build, not a
/// measure of speed.
const HANGS: Duration = Duration::from_secs(300);
/// Between two looks at something that is waited for.
const PAUSE: Duration = Duration::from_millis(2);

/// The `dbseal` that cargo builds from this workspace: as it ships, or with `DBSEAL_QUICK` set of what was compiled for the tests already,
/// which saves minutes.
///
/// # Panics
/// If it does not build.
pub fn dbseal() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let is_quick = std::env::var_os("DBSEAL_QUICK").is_some();
        // With one of the tests, so that what they depend on has the features that it was compiled with.
        let of_tests = ["--workspace", "--exclude", "dbseal-kernel", "--exclude", "dbseal-desktop", "--test", "readme"];
        let packages = if is_quick { &of_tests[..] } else { &["--release", "--package", "dbseal"] };
        let built = Command::new(cargo)
            .arg("build")
            .args(packages)
            .args(["--bin", "dbseal", "--message-format", "json"])
            .current_dir(workspace_dir())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(built.status.success(), "cargo build failed");
        let messages = built.stdout.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
        let of_command = messages.filter(|message| message["target"]["name"] == "dbseal" && message["target"]["kind"][0] == "bin");
        let executable = of_command.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
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

    /// An empty folder in memory (`/dev/shm`), where holes are read as fast as they are hashed.
    ///
    /// # Panics
    /// If there can be none.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(tempfile::Builder::new().prefix("dbseal-test-").tempdir_in("/dev/shm").expect("a folder in memory"))
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

    /// Writes a program that everybody may run. The shell does the writing: a child that another test starts just now has a
    /// copy of all that this process holds open, and a program that anybody could still write to does not start (ETXTBSY).
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write_program(&self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.program("/bin/sh").args(["-c", "cat >\"$0\"", name]).stdin(bytes).run().succeeds();
        self.set_mode(name, 0o755);
    }

    /// Writes a file that only its owner can read.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write_secret(&self, name: &str, bytes: impl AsRef<[u8]>) {
        self.write(name, bytes);
        self.set_mode(name, 0o600);
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
            stdin: run::Input::Nothing,
            dir: self.0.path().into(),
            limit: HANGS,
        }
    }

    /// A shell command in this folder, which finds `dbseal` in the variable `DBSEAL`.
    pub fn shell(&self, text: &str) -> Run {
        self.program("/bin/sh").args(["-c", text]).env("DBSEAL", dbseal())
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
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
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
