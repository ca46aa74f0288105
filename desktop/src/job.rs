//! The process that does a job: it gets an order and a passphrase, says how far it is, and ends.

mod check;
mod failures;
mod inspect;
mod open;
mod telling;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use dbseal::Observer;
use dbseal::core::Trust;
use dbseal_web::messages::{Failure, Report, Request};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use zeroize::Zeroizing;

use crate::worker::{JobOrder, read_part};
use telling::Teller;

/// Does the job that standard input says. Reports go to standard output, a line each; what a program prints, to standard error.
pub(crate) fn run() -> ExitCode {
    dbseal::forbid_core_dumps();
    let Ok((order, passphrase, reports)) = begin() else { return ExitCode::from(2) };
    let teller = Arc::new(Teller::new(reports));
    let observer: Arc<dyn Observer> = Arc::<Teller>::clone(&teller);
    let last = do_job(&order, passphrase, &observer).unwrap_or_else(Report::Failed);
    teller.tell(&last);
    ExitCode::SUCCESS
}

fn begin() -> io::Result<(JobOrder, Zeroizing<Vec<u8>>, File)> {
    // Not through the standard library's handle, whose buffer would keep a copy of the passphrase.
    let mut stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let order = serde_json::from_slice(&read_part(&mut stdin)?)?;
    let passphrase = read_part(&mut stdin)?;
    // A program that the output goes to prints to its standard output, which must not look like a report.
    let reports = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdout(io::stderr())?;
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    thread::Builder::new().spawn(move || signals.forever().for_each(|_| end()))?;
    thread::Builder::new().spawn(move || end_with(stdin))?;
    Ok((order, passphrase, reports))
}

/// Waits for the end of the process that has the window, or for its word that this one is to end, which is the same: its end of a pipe
/// closes.
fn end_with(mut stdin: File) {
    let mut byte = [0];
    while matches!(stdin.read(&mut byte), Ok(1..)) {}
    end();
}

/// Ends this process, unless the job is as good as done. From here on nothing gets its final name, and a program dies before its input
/// closes.
fn end() {
    if dbseal::abandon_unfinished() {
        dbseal::kill_descendants();
        std::process::exit(1);
    }
}

fn do_job(order: &JobOrder, passphrase: Zeroizing<Vec<u8>>, observer: &Arc<dyn Observer>) -> Result<Report, Failure> {
    match &order.request {
        Request::Check { trust } => check::check(order, &trust_of(trust)?, observer).map(|checked| Report::Checked(Box::new(checked))),
        Request::Inspect { trust } => inspect::inspect(order, trust).map(|inspected| Report::Inspected(Box::new(inspected))),
        Request::Open { key, part, trust, seal, output } => {
            let opening = open::Opening { order, key: *key, part, trust: trust_of(trust)?, policy: seal, output, passphrase };
            opening.run(observer).map(|opened| Report::Opened(Box::new(opened)))
        }
    }
}

/// Whom a text trusts: nobody, if there is nothing in it.
fn trust_of(text: &str) -> Result<Trust, Failure> {
    if text.trim_ascii().is_empty() { Ok(Trust::default()) } else { Trust::parse(text).map_err(failures::trust) }
}
