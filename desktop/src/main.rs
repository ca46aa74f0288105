//! The program: see [`dbseal_desktop`].

use std::process::ExitCode;

fn main() -> ExitCode {
    dbseal_desktop::run()
}
