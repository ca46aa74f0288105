//! The process that does a job: it gets an order and a passphrase, says how far it is, and ends. One that grants asks a person
//! first.

mod catalogue;
mod check;
pub(crate) mod failures;
mod grant;
mod inspect;
mod open;
mod telling;
mod typed;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use dbseal::core::Trust;
use dbseal::{Observer, on_ending_signal};
use dbseal_web::engine;
use dbseal_web::messages::grant::Consent;
use dbseal_web::messages::{Failure, OutputKind, Report, Request, SealPolicy};
use zeroize::Zeroizing;

use crate::on_disk::OnDisk;
use crate::worker::{JobOrder, read_part};
use telling::Teller;
use typed::Typed;

/// How much the job gives way (nice(2)) to the window, whose clicks wait for a core otherwise, and with it a program that it starts. They
/// lose only to what runs beside them.
const NICENESS: i32 = 5;

/// Does the job that standard input says. Reports go to standard output, a line each; what a program prints, to standard error.
pub(crate) fn run() -> ExitCode {
    dbseal::forbid_core_dumps();
    // It was not started by its name.
    let _ = rustix::thread::set_name(c"dbseal-desktop");
    // Before there is another thread, which takes it from this one.
    let _ = rustix::process::nice(NICENESS);
    let Ok(Begun { order, passphrase, reports, consents }) = begin() else { return ExitCode::from(2) };
    let teller = Arc::new(Teller::new(reports));
    let last = do_job(&order, Typed(passphrase), &consents, &teller).unwrap_or_else(Report::Failed);
    teller.tell(&last);
    ExitCode::SUCCESS
}

/// What it begins with.
struct Begun {
    order: JobOrder,
    passphrase: Zeroizing<Vec<u8>>,
    reports: File,
    /// What the person says to what the job asks.
    consents: Receiver<Consent>,
}

fn begin() -> io::Result<Begun> {
    // Not through the standard library's handle, whose buffer would keep a copy of the passphrase.
    let mut stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let order = serde_json::from_slice(&read_part(&mut stdin)?)?;
    let passphrase = read_part(&mut stdin)?;
    // A program that the output goes to prints to its standard output, which must not look like a report.
    let reports = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdout(io::stderr())?;
    on_ending_signal(end)?;
    let (tell, consents) = channel();
    thread::Builder::new().spawn(move || end_with(stdin, &tell))?;
    Ok(Begun { order, passphrase, reports, consents })
}

/// Passes on what the person says, and waits for the end of the process that has the window, or for its word that this one is to end, which
/// is the same: its end of a pipe closes.
fn end_with(mut stdin: File, consents: &Sender<Consent>) {
    while let Ok(said) = read_part(&mut stdin) {
        // Nobody hears it who has asked nothing.
        let _ = serde_json::from_slice(&said).map(|consent| consents.send(consent));
    }
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

fn do_job(order: &JobOrder, passphrase: Typed, consents: &Receiver<Consent>, teller: &Arc<Teller>) -> Result<Report, Failure> {
    let observer: Arc<dyn Observer> = Arc::<Teller>::clone(teller);
    let seal = order.seal.as_deref();
    let trust_of = |text: &str| trust_of(text, &order.backups);
    match (&order.request, &*order.backups) {
        (Request::Catalogue { trust, depth }, _) => {
            let found = catalogue::Catalogue { order, depth: *depth, trust: trust_of(trust)?, teller }.look()?;
            Ok(Report::Listed(Box::new(found)))
        }
        (Request::Check { trust }, [backup]) => {
            let checked = check::check(backup, seal, &trust_of(trust)?, &observer)?;
            Ok(Report::Checked(Box::new(checked)))
        }
        (Request::Inspect { trust }, [backup]) => {
            let inspected = inspect::inspect(backup, seal, &trust_of(trust)?)?;
            Ok(Report::Inspected(Box::new(inspected)))
        }
        (Request::Open { key, part, trust, seal, output: OutputKind::App(output, zstd) }, [backup]) => {
            let trust = if *seal == SealPolicy::Ignored { Trust::default() } else { trust_of(trust)? };
            let opening = open::Opening { order, backup, key: *key, part, trust, policy: seal, output: (output, *zstd), passphrase };
            opening.run(&observer).map(|opened| Report::Opened(Box::new(opened)))
        }
        (Request::Grant { trust, pasted, .. }, _) => {
            let granting = grant::Granting { order, pasted, trust: trust_of(trust)?, passphrase, consents, teller };
            granting.run().map(|granted| Report::Granted(Box::new(granted)))
        }
        (Request::Open { .. }, [_]) => Err(failures::no_output()),
        (Request::Check { .. } | Request::Inspect { .. } | Request::Open { .. }, _) => Err(failures::not_one_backup()),
    }
}

/// Whom a text trusts; if there is nothing in it, whom this user and this machine are set up to, as for the command.
fn trust_of(text: &str, backups: &[OnDisk]) -> Result<Trust, Failure> {
    if text.trim_ascii().is_empty() {
        let backups: Vec<_> = backups.iter().map(|backup| backup.to_path_buf()).collect();
        return dbseal::default_trust(&backups).map(Option::unwrap_or_default).map_err(|error| failures::of(&error));
    }
    engine::trust_of(text)
}
