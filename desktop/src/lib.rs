//! The desktop app: the browser app's page in a window, with the jobs of [`dbseal`] in place of a web worker.
//!
//! Two processes of this program work on a backup. One has the window: it lets a person choose files, which the page knows by numbers,
//! and starts the other, a new one for each job, before that is needed. That one has the keys, does the job, tells how far it is, and ends;
//! it ends at once, and leaves nothing, when the first ends or says so. What page and jobs say to each other are the messages of the browser
//! app.

mod arguments;
mod close;
mod commands;
mod dialogs;
mod engine;
mod files;
mod given;
mod job;
mod network;
mod on_disk;
mod once;
mod page;
mod page_end;
mod printed;
mod report;
mod runs;
mod saves;
mod trust_file;
mod window;
mod worker;
mod works_in_page;

use std::process::ExitCode;

use arguments::Arguments;
use rustix::process::{Resource, Rlimit};

/// Runs the app, or the job that it was started for.
#[must_use]
pub fn run() -> ExitCode {
    // A passphrase passes through the window and its engine, which inherits this. One byte, and not none: a dump that is piped to a program
    // has no limit (core(5), "Piping core dumps to a program"), but Linux makes none at all where it is one byte (fs/coredump.c).
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(1), maximum: Some(1) });
    if std::env::args_os().nth(1).is_some_and(|argument| argument == worker::JOB_ARGUMENT) {
        return job::run();
    }
    match Arguments::of_this_process() {
        Arguments::Window(paths) => window::run(&paths),
        Arguments::Help => {
            print!("{}", arguments::HELP);
            ExitCode::SUCCESS
        }
        Arguments::Version => {
            println!("dbseal-desktop {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Arguments::Unknown(option) => {
            eprintln!("dbseal-desktop: there is no option {0}; a file of that name is ./{0}", dbseal_web::visible(&option));
            ExitCode::from(2)
        }
    }
}
