//! The end of all that this process has started.
//!
//! It is found through the process as a whole, so a program runs one job with commands at a time.

use std::collections::HashMap;
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::process::{Pid, Signal};

/// Looks for descendants that were not stopped yet; enough for any that do not fork for sport.
const MAX_ROUNDS: usize = 200;

/// Descendants that were there before the first command was started.
static BEFORE_US: OnceLock<Vec<Pid>> = OnceLock::new();

/// Has orphaned descendants handed to this process, so that [`kill_descendants`] finds the last command of a shell
/// pipeline whose shell has gone.
pub(crate) fn adopt_orphans() {
    // What the process had before its first command, say from a shell script that ends in `exec dbseal`, is not ours to kill.
    BEFORE_US.get_or_init(|| Look::at_descendants(&[]).living);
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Kills every process that was started by this one for a job, directly or not. A consumer must be dead before its input closes:
/// it would take the end of a broken dump for the end of the data, and commit.
pub fn kill_descendants() {
    let Some(before_us) = BEFORE_US.get() else { return };
    // All are stopped before any is killed: in `cat | commit` the death of `cat` would be the end of the data for `commit`. A
    // process can fork between the look and the signal, so the looks go on until one is conclusive: while one that runs is new,
    // it may have forked; one that is newly dead, or gone, may have left an orphan that the look came too early for; and one that has
    // the signal but has not stopped may be in the middle of a fork, which is finished first. What it forked was there when the look
    // began only if it stood still in the look before.
    let (mut stopped, mut dead): (Vec<Pid>, Vec<Pid>) = (Vec::new(), Vec::new());
    let mut stood_still = false;
    for _ in 0..MAX_ROUNDS {
        let mut look = Look::at_descendants(before_us);
        let stand_still = look.living.iter().all(|&pid| stands_still(pid));
        look.living.retain(|pid| !stopped.contains(pid));
        look.dead.retain(|pid| !stopped.contains(pid) && !dead.contains(pid));
        let is_new = !look.living.is_empty() || !look.dead.is_empty() || look.some_went;
        if stood_still && !is_new {
            break;
        }
        stood_still = stand_still && !is_new;
        for &pid in &look.living {
            let _ = rustix::process::kill_process(pid, Signal::STOP);
        }
        stopped.extend(look.living);
        dead.extend(look.dead);
    }
    for pid in stopped {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}

/// Whether any is left that was started for a job: who was killed may still be in the middle of a last write.
pub(crate) fn descendants_live() -> bool {
    BEFORE_US.get().is_some_and(|before_us| !Look::at_descendants(before_us).living.is_empty())
}

/// What one reading of `/proc` shows of what this process has started. It takes a while, in which processes come and go.
struct Look {
    living: Vec<Pid>,
    /// Not waited for yet.
    dead: Vec<Pid>,
    /// A process, of whomever, was gone before it could be looked at.
    some_went: bool,
}

impl Look {
    /// At all but those in `others` and what these have started.
    fn at_descendants(others: &[Pid]) -> Self {
        let mut look = Self { living: Vec::new(), dead: Vec::new(), some_went: false };
        let mut children: HashMap<i32, Vec<(i32, bool)>> = HashMap::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            match std::fs::read(entry.path().join("stat")) {
                Ok(stat) => {
                    if let Some((parent, state)) = parent_and_state(&String::from_utf8_lossy(&stat)) {
                        children.entry(parent).or_default().push((pid, !matches!(state, 'Z' | 'X')));
                    }
                }
                // Under `hidepid` the processes of others are not to be read, and say nothing.
                Err(error) => look.some_went |= matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::SRCH)),
            }
        }
        let mut parents = vec![rustix::process::getpid().as_raw_nonzero().get()];
        while let Some(parent) = parents.pop() {
            for (pid, lives) in children.remove(&parent).unwrap_or_default() {
                let Some(named) = Pid::from_raw(pid).filter(|pid| !others.contains(pid)) else { continue };
                parents.push(pid);
                if lives { &mut look.living } else { &mut look.dead }.push(named);
            }
        }
        look
    }
}

/// Whether a process, with all its threads, has stopped, or is gone.
fn stands_still(pid: Pid) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).into_iter().flatten().flatten();
    let mut states = threads.filter_map(|thread| {
        let stat = std::fs::read(thread.path().join("stat")).ok()?;
        parent_and_state(&String::from_utf8_lossy(&stat)).map(|(_, state)| state)
    });
    states.all(|state| matches!(state, 'T' | 't' | 'Z' | 'X'))
}

/// The parent, and the state, from a line of `/proc/PID/stat`. The program's name, in parentheses, may hold anything, so what counts starts
/// after the last one (proc(5)).
fn parent_and_state(stat: &str) -> Option<(i32, char)> {
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}
