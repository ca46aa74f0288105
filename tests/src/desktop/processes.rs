//! The processes of the app: the one of the window, the one that draws the page, and the one that does the job, which a test holds still in
//! the middle of its work.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::package;
use crate::browser::{HANGS, descendants, wait_for};
use crate::cli::{is_root, lives};

/// The first argument of a job.
pub const JOB_ARGUMENT: &str = "//do-a-job//";
/// Between two looks at how far a job is: in this time it reads a megabyte or two.
const LOOK: Duration = Duration::from_millis(1);

/// The processes below one, which started the app.
#[derive(Clone, Copy)]
pub struct Processes(pub(super) u32);

impl Processes {
    /// The one that has the window.
    #[must_use]
    pub fn window(self) -> Pid {
        self.wait_for("the process of the window", |pid| is_app(pid) && !is_job(pid))
    }

    /// The one that draws the page.
    #[must_use]
    pub fn page(self) -> Pid {
        self.wait_for("the process of the page", |pid| command_line(pid).contains("WebKitWebProcess"))
    }

    /// Holds the job still in the middle of what it reads, which is so long in bytes: it has read half, and less than [`held_before`].
    ///
    /// # Panics
    /// If it ends before, or reads on; if this is not root, to whom alone such a process is open.
    #[must_use]
    pub fn hold_job(self, input_len: u64) -> Held {
        assert!(is_root(), "only root can look into a process that has a key");
        let started = Instant::now();
        let pid = loop {
            if let Some(pid) = descendants(self.0).into_iter().find(|&pid| is_job(pid)) {
                break pid;
            }
            assert!(started.elapsed() < HANGS, "there is no job");
            sleep(LOOK);
        };
        while read_len(pid).expect("the job ended before it could be held") < input_len / 2 {
            assert!(started.elapsed() < HANGS, "the job does not get to the middle");
            sleep(LOOK);
        }
        let held = Held(named(pid));
        kill_process(held.0, Signal::STOP).expect("it can be held");
        wait_for("the job is held", || has_stopped(pid).then_some(()));
        let read_len = read_len(pid).expect("it is there");
        assert!(read_len < held_before(input_len), "the job had read {read_len} of {input_len} bytes when it was held");
        held
    }

    /// Waits until nobody is left who could still say something to the job that is held, so that it ends as soon as it goes on.
    ///
    /// # Panics
    /// If somebody can, for two minutes.
    pub fn wait_until_ended(self, held: &Held) {
        let job = held.0.as_raw_nonzero().get();
        let pipe = fs::read_link(format!("/proc/{job}/fd/0")).expect("it listens");
        let has_pipe = |pid: u32| {
            let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            files.map(|file| file.path()).any(|file| fs::read_link(file).is_ok_and(|target| target == pipe))
        };
        let others = || descendants(self.0).into_iter().filter(|pid| i64::from(*pid) != i64::from(job));
        wait_for("the job is to end", || (!others().any(has_pipe)).then_some(()));
    }

    fn wait_for(self, what: &str, is_it: impl Fn(u32) -> bool) -> Pid {
        named(wait_for(what, || descendants(self.0).into_iter().find(|&pid| is_it(pid))))
    }
}

/// Up to here, in bytes, has a job not read that is held in the middle of an input of this length.
#[must_use]
pub fn held_before(input_len: u64) -> u64 {
    input_len / 10 * 7
}

/// A job that is held still. Dropped, it goes on.
pub struct Held(Pid);

impl Held {
    /// Lets it go on.
    pub fn go_on(&self) {
        let _ = kill_process(self.0, Signal::CONT);
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.go_on();
    }
}

/// Kills a process, as the system does that has no memory left.
///
/// # Panics
/// If it cannot be killed.
pub fn kill(pid: Pid) {
    kill_process(pid, Signal::KILL).expect("the process can be killed");
}

/// Waits until a process has ended.
///
/// # Panics
/// If it does not.
#[track_caller]
pub fn wait_for_end(what: &str, pid: Pid) {
    wait_for(&format!("the end of {what}"), || (!lives(pid.as_raw_nonzero().get())).then_some(()));
}

fn named(pid: u32) -> Pid {
    i32::try_from(pid).ok().and_then(Pid::from_raw).expect("the number of a process")
}

fn is_app(pid: u32) -> bool {
    let program = package().program("dbseal-desktop").canonicalize().expect("it is installed");
    fs::read_link(Path::new("/proc").join(pid.to_string()).join("exe")).is_ok_and(|runs| runs == program)
}

fn is_job(pid: u32) -> bool {
    is_app(pid) && command_line(pid).contains(JOB_ARGUMENT)
}

fn command_line(pid: u32) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).replace('\0', " ")
}

fn has_stopped(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat[stat.rfind(')').unwrap_or(0)..].starts_with(") T"))
}

/// Bytes that a process has read so far (proc_pid_io(5)).
fn read_len(pid: u32) -> Option<u64> {
    let said = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    said.lines().find_map(|line| line.strip_prefix("rchar: "))?.parse().ok()
}
