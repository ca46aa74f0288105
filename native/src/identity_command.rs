//! An identity that a command prints: a client of a vault, of a key management service, of a password manager. It goes from a pipe into memory
//! that is locked, and through no file, no argument and no environment.

use std::io::Read;
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::child::Command;
use crate::descendants::{adopt_orphans, kill_descendants};
use crate::error::JobError;

/// How long it may take: a person may have to touch a token, or type a PIN.
const WAIT: Duration = Duration::from_secs(60);
/// Between two looks whether it has ended, once it has closed its output.
const PAUSE: Duration = Duration::from_millis(10);

/// What a command prints, read by `read`; its standard error is ours.
pub(crate) fn output_of(
    command: &Command,
    read: impl FnOnce(Box<dyn Read + Send>) -> Result<Zeroizing<Vec<u8>>, JobError> + Send + 'static,
) -> Result<Zeroizing<Vec<u8>>, JobError> {
    let program = command.name();
    let start = Instant::now();
    adopt_orphans();
    let mut child = command
        .to_std()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| JobError::Spawn { program: program.clone(), error })?;
    let stdout = child.stdout.take().expect("it was asked for");
    let (send, printed) = channel();
    thread::Builder::new().spawn(move || send.send(read(Box::new(stdout)))).map_err(JobError::Thread)?;
    let printed = printed.recv_timeout(WAIT);
    let ended = printed.is_ok().then(|| wait(&mut child, start)).flatten();
    let (Ok(printed), Some(status)) = (printed, ended) else {
        // And whatever it has started, which may have its output.
        let _ = child.kill();
        kill_descendants();
        let _ = child.wait();
        return Err(JobError::IdentityCommandHangs { program, seconds: WAIT.as_secs() });
    };
    // Of one that prints too much the end was not read, which may have killed it.
    let printed = printed?;
    if status.success() { Ok(printed) } else { Err(JobError::IdentityCommandFailed { program, status: crate::child::describe(status) }) }
}

/// Waits as long as there is time.
fn wait(child: &mut Child, start: Instant) -> Option<std::process::ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if start.elapsed() < WAIT => thread::sleep(PAUSE),
            _ => return None,
        }
    }
}
