//! The signals that end a job.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU};
use signal_hook::iterator::Signals;

/// Linux's number; a file that grows beyond the limit is then an error that can be told, instead of the end.
const SIGXFSZ: i32 = 25;

/// What ends a process and can be heeded: a command of ours must not outlive it, and see the end of its input.
const ENDING: [i32; 8] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGALRM, SIGUSR1, SIGUSR2];

/// Calls this, on a thread of its own, for each signal that would end this process, but for those that it was started to ignore. A file that
/// grows beyond the limit (SIGXFSZ) ends nothing from then on.
///
/// # Errors
/// Where signals cannot be heeded, or no thread can be started.
pub fn on_ending_signal(act: impl Fn() + Send + 'static) -> io::Result<()> {
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    let ignored = ignored_signals();
    // nohup, or a shell that started us in the background, wants some of them ignored.
    let heeded = ENDING.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = Signals::new(heeded)?;
    std::thread::Builder::new().spawn(move || signals.forever().for_each(|_| act())).map(drop)
}

/// The signals that this process was started to ignore, a bit each from signal 1 on (proc_pid_status(5)).
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
