//! What concerns the process as a whole: no core dumps, the idle class.

use std::process::Stdio;

use rustix::process::DumpableBehavior;

use crate::error::JobError;

/// Keeps keys out of core dumps, and out of reach of a debugger of the same user.
pub fn forbid_core_dumps() {
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Puts the process, and all it starts from now on, into the idle class of the CPU and the I/O scheduler.
///
/// By util-linux, which every distribution installs: the system calls have no safe interface in a well-kept crate.
///
/// # Errors
/// Where that cannot be done: a backup that should stay in the background must not run in the foreground unnoticed.
pub fn run_idle() -> Result<(), JobError> {
    let pid = std::process::id().to_string();
    for (program, args) in [("ionice", ["-c", "3", "-p", &pid].as_slice()), ("chrt", &["--idle", "--pid", "0", &pid])] {
        let status =
            std::process::Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => {}
            Ok(_) => return Err(JobError::Idle(format!("{program} was not permitted to"))),
            Err(_) => return Err(JobError::Idle(format!("{program} (package util-linux) is not installed"))),
        }
    }
    Ok(())
}
