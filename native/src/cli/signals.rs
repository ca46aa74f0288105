//! Ctrl-C and its kin: stop at once, leave nothing under the final name, say so.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::ui::Ui;
use crate::error::Exit;
use crate::output::abandon_unfinished;
use crate::process::kill_descendants;

/// Linux's number; a file that grows beyond the limit is then an error that can be told, instead of the end.
const SIGXFSZ: i32 = 25;

pub(super) fn watch(ui: Arc<Ui>) {
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // From here on nothing can get its final name. Children die before our ends of their pipes close.
            if abandon_unfinished() {
                kill_descendants();
                ui.interrupted();
                std::process::exit(Exit::Refused as i32);
            }
        }
    });
}
