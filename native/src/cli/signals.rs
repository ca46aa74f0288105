//! Ctrl-C and its kin: stop at once, leave nothing under the final name, say so.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU};
use signal_hook::iterator::Signals;

use super::Running;
use super::advice::Exit;
use super::ui::Ui;
use crate::descendants::kill_descendants;
use crate::error::JobError;
use crate::unfinished::abandon_unfinished;

/// Linux's number; a file that grows beyond the limit is then an error that can be told, instead of the end.
const SIGXFSZ: i32 = 25;

/// What ends a process and can be heeded: a command of ours must not outlive it, and see the end of its input.
const ENDING: [i32; 8] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGALRM, SIGUSR1, SIGUSR2];

/// How long standard error may hold the end up.
const LAST_WORDS_WAIT: Duration = Duration::from_millis(500);

/// `running` is what is told of an interrupted job, once it runs.
///
/// # Errors
/// Where signals cannot be heeded.
pub(super) fn watch(ui: Arc<Ui>, running: Arc<OnceLock<Running>>) -> Result<(), JobError> {
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    let ignored = ignored_signals();
    // nohup, or a shell that started us in the background, wants some of them ignored.
    let heeded = ENDING.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = Signals::new(heeded).map_err(JobError::Thread)?;
    let watcher = std::thread::Builder::new().spawn(move || {
        for _ in signals.forever() {
            // From here on nothing can get its final name. Children die before our ends of their pipes close.
            if abandon_unfinished() {
                ui.interrupt();
                super::terminal::restore();
                kill_descendants();
                if let Some(running) = running.get() {
                    let _ = running.write_metrics(None);
                }
                speak(&ui);
                std::process::exit(Exit::Refused as i32);
            }
        }
    });
    watcher.map(|_| ()).map_err(JobError::Thread)
}

/// Says so, but does not wait for somebody who no longer reads.
fn speak(ui: &Arc<Ui>) {
    let (spoken, wait) = std::sync::mpsc::channel();
    let ui = Arc::clone(ui);
    let speaker = std::thread::Builder::new().spawn(move || {
        ui.interrupted();
        let _ = spoken.send(());
    });
    if speaker.is_ok() {
        let _ = wait.recv_timeout(LAST_WORDS_WAIT);
    }
}

/// The signals that this process was started to ignore, a bit each from signal 1 on (proc_pid_status(5)).
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
