//! Measures the browser app beside its peers, in Chromium and Firefox, each job in turn, in one run: `./x bench web [MIB [ROUNDS [JOB]]]`.
//!
//! Files and the browsers' profiles lie in memory (`/dev/shm`). Times are taken inside the page, from the click on Start to the answer, by
//! an observer of the page's changes. The medians are printed, and the fastest and the slowest round, which say how quiet the machine was.
#![cfg(unix)]

mod jobs;
mod report;

use std::error::Error;
use std::path::Path;
use std::process::Command;

use dbseal_tests::browser::{Browser, Kind};

use self::jobs::{Bench, JOBS};
use self::report::Times;

const USAGE: &str = "usage: ./x bench web [MIB [ROUNDS [JOB]]], with 1 to 1024 MiB and 1 round at least";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mib: u64 = args.next().map_or(Ok(256), |text| text.parse()).map_err(|_| USAGE)?;
    let rounds: usize = args.next().map_or(Ok(3), |text| text.parse()).map_err(|_| USAGE)?;
    // Those jobs alone in whose names this is.
    let wanted = args.next().unwrap_or_default();
    // JavaScript holds no more in one piece, and its peers hold all of it.
    if rounds == 0 || !(1..=1024).contains(&mib) {
        return Err(USAGE.into());
    }
    tempfile::env::override_temp_dir(Path::new("/dev/shm")).map_err(|_| "temporary files lie elsewhere already")?;
    if std::env::var_os("DBSEAL_QUICK").is_some() {
        println!("DBSEAL_QUICK is set: the page is a quick build, and slower than what ships");
    }
    let bench = Bench::prepare(mib);
    let browsers = Kind::MAIN.map(Browser::start);
    print_machine();

    let mut times: Vec<Times> = JOBS.iter().filter(|job| job.name.contains(&wanted)).map(Times::new).collect();
    for round in 1..=rounds {
        // In turn, so that a machine whose speed drifts is as unfair to all of them.
        for times in &mut times {
            for (browser, times_of) in browsers.iter().zip(&mut times.seconds) {
                times_of.push((times.job.measure)(&bench, browser));
                // What it held is given back before the other one begins.
                browser.open("about:blank");
            }
            eprintln!("round {round}: {}", times.line(bench.len()));
        }
    }
    report::print(&times, bench.len(), rounds);
    Ok(())
}

fn print_machine() {
    let script = "grep -m1 'model name' /proc/cpuinfo; echo \"$(nproc) cores\"; chromium --version 2>/dev/null; firefox-esr --version";
    let _ = Command::new("sh").args(["-c", script]).status();
}
