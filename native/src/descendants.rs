//! The end of all that this process has started.
//!
//! It is found through the process as a whole, so a program runs one job with commands at a time.

use std::collections::HashMap;
use std::sync::OnceLock;

use rustix::process::{Pid, Signal};

/// Looks for descendants that were not stopped yet; enough for any that do not fork for sport.
const MAX_ROUNDS: usize = 100;

/// Descendants that were there before the first command was started.
static BEFORE_US: OnceLock<Vec<Pid>> = OnceLock::new();

/// Has orphaned descendants handed to this process, so that [`kill_descendants`] finds the last command of a shell
/// pipeline whose shell has gone.
pub(crate) fn adopt_orphans() {
    // What the process had before its first command, say from a shell script that ends in `exec dbseal`, is not ours to kill.
    BEFORE_US.get_or_init(|| living_descendants(&[]));
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Kills every process that was started by this one for a job, directly or not. A consumer must be dead before its input closes:
/// it would take the end of a broken dump for the end of the data, and commit.
pub(crate) fn kill_descendants() {
    let Some(before_us) = BEFORE_US.get() else { return };
    // All are stopped before any is killed: in `cat | commit` the death of `cat` would be the end of the data for `commit`. A
    // process can fork between the look and the signal, so the looks go on until one finds nothing new.
    let mut stopped: Vec<Pid> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let mut found = living_descendants(before_us);
        found.retain(|pid| !stopped.contains(pid));
        if found.is_empty() {
            break;
        }
        for &pid in &found {
            let _ = rustix::process::kill_process(pid, Signal::STOP);
        }
        stopped.extend(found);
    }
    for pid in stopped {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}

/// Whether any is left that was started for a job: who was killed may still be in the middle of a last write.
pub(crate) fn descendants_live() -> bool {
    BEFORE_US.get().is_some_and(|before_us| !living_descendants(before_us).is_empty())
}

/// All but those in `others` and what these have started.
fn living_descendants(others: &[Pid]) -> Vec<Pid> {
    let mut children: HashMap<i32, Vec<(i32, bool)>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Some((parent, lives)) = std::fs::read_to_string(entry.path().join("stat")).ok().as_deref().and_then(parent_of) else {
            continue;
        };
        children.entry(parent).or_default().push((pid, lives));
    }
    let mut found = Vec::new();
    let mut parents = vec![rustix::process::getpid().as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        for (pid, lives) in children.remove(&parent).unwrap_or_default() {
            let Some(named) = Pid::from_raw(pid).filter(|pid| !others.contains(pid)) else { continue };
            parents.push(pid);
            if lives {
                found.push(named);
            }
        }
    }
    found
}

/// The parent from a line of `/proc/PID/stat`, and whether the process is more than a zombie. The program's name, in
/// parentheses, may hold anything, so what counts starts after the last one (proc(5)).
fn parent_of(stat: &str) -> Option<(i32, bool)> {
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    Some((fields.next()?.parse().ok()?, !matches!(state, "Z" | "X")))
}
