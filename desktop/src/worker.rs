//! The process that does a job, seen from the one that has the window.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use dbseal::keep_in_memory;
use dbseal_web::messages::grant::Consent;
use dbseal_web::messages::{AppOutput, Failure, OutputKind, Report, Request};
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
    /// The backup; of a catalogue, all backups and folders; of a grant, what the request is in.
    pub(crate) backups: Vec<OnDisk>,
    pub(crate) seal: Option<OnDisk>,
    pub(crate) identity: Option<OnDisk>,
    pub(crate) output: Option<OnDisk>,
    /// Whether there was such a file when it was chosen, so that the person was asked.
    pub(crate) replaces: bool,
}

/// A job at work. Dropped, it ends, and leaves nothing.
pub(crate) struct Worker {
    /// Its end is what the process waits for; before that, what a person says to what it asks.
    stdin: Option<ChildStdin>,
    pid: Pid,
    has_ended: Arc<AtomicBool>,
    output: Output,
}

/// What a job writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    None,
    File,
    /// Into a program that reads it.
    Program,
}

impl Output {
    fn of(request: &Request) -> Self {
        match request {
            Request::Open { output: OutputKind::App(AppOutput::Program(_), _), .. } => Self::Program,
            Request::Open { .. } => Self::File,
            Request::Catalogue { .. } | Request::Check { .. } | Request::Inspect { .. } | Request::Grant { .. } => Self::None,
        }
    }

    /// What there is of it after a job that has not said how it went: the end of a sentence.
    pub(crate) fn left(self) -> &'static str {
        match self {
            Self::None => "",
            Self::File => "; no file was kept, unless all of it had just been written",
            Self::Program => "; what the program has made of the backup may not be complete",
        }
    }
}

/// The process of the next job, which has no order yet: it is started beforehand, since it takes a tenth of a second to load what the
/// window of the same program needs. It ends with this one, as a job does.
pub(crate) struct Ready(Child);

impl Ready {
    pub(crate) fn start() -> io::Result<Self> {
        // Not by its name, which is another version's after an upgrade.
        let mut command = Command::new("/proc/self/exe");
        command.arg(JOB_ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A terminal's Ctrl-C ends the window, and by that the job, and not both at once.
        command.process_group(0).spawn().map(Self)
    }

    /// Its process, unless that has ended meanwhile.
    fn child(mut self) -> Option<Child> {
        matches!(self.0.try_wait(), Ok(None)).then_some(self.0)
    }
}

impl Worker {
    /// Starts it, in the process that is ready for it, if one is; what it reports goes to `reports`, its last word last. After that `ended` is
    /// called.
    pub(crate) fn start(
        ready: Option<Ready>,
        order: &JobOrder,
        passphrase: &[u8],
        reports: Channel<String>,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::new(format!("the job cannot be started: {error}"), "close other programs, and try again");
        let output = Output::of(&order.request);
        let order = serde_json::to_vec(order).map_err(|_| unspeakable())?;
        let mut child = match ready.and_then(Ready::child) {
            Some(child) => child,
            None => Ready::start().map_err(failed)?.0,
        };
        let (stdout, stderr) = (child.stdout.take().expect("it was asked for"), child.stderr.take().expect("it was asked for"));
        let mut stdin = child.stdin.take().expect("it was asked for");
        let pid = Pid::from_child(&child);
        // A process that is dead already says so by its end.
        let _ = write_part(&mut stdin, &order).and_then(|()| write_part(&mut stdin, passphrase));
        let worker = Self { stdin: Some(stdin), pid, has_ended: Arc::default(), output };

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
            let last = last.unwrap_or_else(|| text_of(&Report::Failed(died(status.ok(), output))));
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

    /// Tells it that the person has said yes, and to what.
    pub(crate) fn agree(&mut self, consent: &Consent) {
        let Ok(consent) = serde_json::to_vec(consent) else { return };
        if let Some(stdin) = &mut self.stdin {
            // It fails where the job has ended: then that is said.
            let _ = write_part(stdin, &consent);
        }
    }

    /// What it writes.
    pub(crate) fn output(&self) -> Output {
        self.output
    }

    /// Ends it, as dropping it does. Whether it has ended then: else it is still busy with that.
    pub(crate) fn end(mut self) -> bool {
        self.stop();
        // One without a program was killed at the latest.
        self.output != Output::Program || !self.is_at_work()
    }

    fn stop(&mut self) {
        // Done once: whoever has ended it drops it too.
        if self.stdin.take().is_none() {
            return;
        }
        let start = Instant::now();
        while self.is_at_work() && start.elapsed() < END_WAIT {
            thread::sleep(Duration::from_millis(5));
        }
        // A program must be dead before its input closes, which only the job sees to.
        if self.is_at_work() && self.output != Output::Program {
            // Unnamed, what it wrote goes with it.
            let _ = rustix::process::kill_process(self.pid, Signal::KILL);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Writes a part of what a job gets: its length in bytes, as four of them, and those.
fn write_part(stdin: &mut ChildStdin, bytes: &[u8]) -> io::Result<()> {
    let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stdin.write_all(&len.to_le_bytes())?;
    stdin.write_all(bytes)
}

/// Reads such a part, which may be a passphrase, or fails at the end of what there is.
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

/// A job that says nothing more. One that is killed cannot see to it that a program dies first: that takes what it got for all there is.
fn died(status: Option<ExitStatus>, output: Output) -> Failure {
    let [kill, abort] = [Signal::KILL, Signal::ABORT].map(Signal::as_raw);
    let signal = status.and_then(|status| status.signal());
    let how = match (signal, status.and_then(|status| status.code())) {
        (Some(signal), _) if signal == kill => "was killed (SIGKILL)".into(),
        (Some(signal), _) => format!("was ended (signal {signal})"),
        (None, Some(code)) => format!("ended (status {code})"),
        (None, None) => "ended".into(),
    };
    let program = if output == Output::Program { "do not use what the program has made; " } else { "" };
    // So it ends where there is no memory left.
    let memory = if signal.is_some_and(|signal| signal == kill || signal == abort) {
        "the memory may have run out: close other programs, then "
    } else {
        ""
    };
    let next = format!("{program}{memory}try again, or use the dbseal command");
    Failure::new(format!("the job {how} before it had said how it went{}", output.left()), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_died_is_told_with_what_it_leaves() {
        let told = |status, output| {
            let Failure { what, next, .. } = died(Some(ExitStatus::from_raw(status)), output);
            (what, next)
        };
        let memory = "the memory may have run out: close other programs, then try again, or use the dbseal command";
        for (output, left, next) in [
            (Output::None, "", memory.to_owned()),
            (Output::File, "; no file was kept, unless all of it had just been written", memory.to_owned()),
            (
                Output::Program,
                "; what the program has made of the backup may not be complete",
                format!("do not use what the program has made; {memory}"),
            ),
        ] {
            assert_eq!(told(9, output), (format!("the job was killed (SIGKILL) before it had said how it went{left}"), next));
        }
        let before = "before it had said how it went";
        assert_eq!(told(6, Output::None), (format!("the job was ended (signal 6) {before}"), memory.to_owned()));
        let again = "try again, or use the dbseal command";
        assert_eq!(told(15, Output::None), (format!("the job was ended (signal 15) {before}"), again.to_owned()));
        assert_eq!(told(101 << 8, Output::None), (format!("the job ended (status 101) {before}"), again.to_owned()));
    }
}
