//! The process that does a job, seen from the one that has the window.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use dbseal::keep_in_memory;
use dbseal_web::messages::{Failure, OutputKind, Report, Request};
use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};
use tauri::ipc::Channel;
use zeroize::Zeroizing;

use crate::on_disk::OnDisk;
use crate::printed;

/// The first argument of the process: no shell makes this of the names of files.
pub(crate) const JOB_ARGUMENT: &str = "//do-a-job//";

/// How long a job that is to end may take to do so.
const END_WAIT: Duration = Duration::from_secs(5);
/// How long the last of what a program prints may take.
const PRINTED_WAIT: Duration = Duration::from_secs(1);

/// What a job gets: a request, and the files to it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JobOrder {
    pub(crate) request: Request,
    /// The backup; of a catalogue, all backups and folders.
    pub(crate) backups: Vec<OnDisk>,
    pub(crate) seal: Option<OnDisk>,
    pub(crate) identity: Option<OnDisk>,
    pub(crate) output: Option<OnDisk>,
    /// Whether there was such a file when it was chosen, so that the person was asked.
    pub(crate) replaces: bool,
}

/// A job at work. Dropped, it ends, and leaves nothing.
pub(crate) struct Worker {
    /// Its end is what the process waits for.
    stdin: Option<ChildStdin>,
    pid: Pid,
    has_ended: Arc<AtomicBool>,
    /// Whether a program reads its output: that must be dead before its input closes, which only the job sees to.
    has_program: bool,
}

impl Worker {
    /// Starts it; what it reports goes to `reports`, its last word last. After that `ended` is called.
    pub(crate) fn start(
        order: &JobOrder,
        passphrase: &[u8],
        reports: Channel<String>,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::new(format!("the job cannot be started: {error}"), "close other programs, and try again");
        let has_program = matches!(order.request, Request::Open { output: OutputKind::Command(_), .. });
        let order = serde_json::to_vec(order).map_err(|_| unspeakable())?;
        let mut command = Command::new(env::current_exe().map_err(failed)?);
        command.arg(JOB_ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A terminal's Ctrl-C ends the window, and by that the job, and not both at once.
        let mut child = command.process_group(0).spawn().map_err(failed)?;
        let (stdout, stderr) = (child.stdout.take().expect("it was asked for"), child.stderr.take().expect("it was asked for"));
        let mut stdin = child.stdin.take().expect("it was asked for");
        let pid = Pid::from_child(&child);
        // A process that is dead already says so by its end.
        let _ = write_part(&mut stdin, &order).and_then(|()| write_part(&mut stdin, passphrase));
        let worker = Self { stdin: Some(stdin), pid, has_ended: Arc::default(), has_program };

        let (to_page, (all_printed, is_printed)) = (reports.clone(), channel());
        let pass_on = move || {
            printed::pass_on(stderr, |text| drop(to_page.send(text_of(&Report::Printed(text)))));
            let _ = all_printed.send(());
        };
        thread::Builder::new().spawn(pass_on).map_err(failed)?;
        let has_ended = Arc::clone(&worker.has_ended);
        let follow = move || {
            let last = pass_on_reports(BufReader::new(stdout), &reports);
            let status = child.wait();
            has_ended.store(true, Ordering::Release);
            // What a program says last is why it failed. One that it left behind may hold its standard error open.
            let _ = is_printed.recv_timeout(PRINTED_WAIT);
            let last = last.unwrap_or_else(|| text_of(&Report::Failed(died(status.ok().map(|status| status.to_string())))));
            let _ = reports.send(last);
            ended();
        };
        thread::Builder::new().spawn(follow).map_err(failed)?;
        Ok(worker)
    }

    /// Whether it has not ended.
    pub(crate) fn is_at_work(&self) -> bool {
        !self.has_ended.load(Ordering::Acquire)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let start = Instant::now();
        while self.is_at_work() && start.elapsed() < END_WAIT {
            thread::sleep(Duration::from_millis(5));
        }
        if self.is_at_work() && !self.has_program {
            // Unnamed, what it wrote goes with it.
            let _ = rustix::process::kill_process(self.pid, Signal::KILL);
        }
    }
}

/// Writes a part of what a job gets: its length in bytes, as four of them, and those.
fn write_part(stdin: &mut ChildStdin, bytes: &[u8]) -> io::Result<()> {
    let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stdin.write_all(&len.to_le_bytes())?;
    stdin.write_all(bytes)
}

/// Reads such a part, which may be a passphrase.
pub(crate) fn read_part(stdin: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut len = [0; 4];
    stdin.read_exact(&mut len)?;
    let mut bytes = Zeroizing::new(vec![0; usize::try_from(u32::from_le_bytes(len)).map_err(io::Error::other)?]);
    keep_in_memory(bytes.as_ptr_range());
    stdin.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Passes on all that a job reports but its last word, which is returned, if it said one.
fn pass_on_reports(stdout: impl BufRead, reports: &Channel<String>) -> Option<String> {
    let mut last = None;
    for line in stdout.lines().map_while(Result::ok) {
        let Ok(report) = serde_json::from_str::<Report>(&line) else { continue };
        if report.is_last() {
            last = Some(line);
        } else {
            let _ = reports.send(line);
        }
    }
    last
}

fn text_of(report: &Report) -> String {
    serde_json::to_string(report).expect("reports are text, numbers and lists")
}

fn unspeakable() -> Failure {
    Failure::new("the name of a file or of its folder is not text", "rename it, and choose it again")
}

fn died(status: Option<String>) -> Failure {
    let how = status.map(|status| format!(" ({status})")).unwrap_or_default();
    Failure::new(format!("the job ended before it was done{how}"), "see that there is memory left and try again, or use the dbseal command")
}
