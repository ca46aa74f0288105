//! Ctrl-C and its kin: stop at once, leave nothing under the final name, say so.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::Running;
use super::advice::Exit;
use super::terminal::is_pausing;
use super::ui::Ui;
use crate::descendants::kill_descendants;
use crate::ending_signals::on_ending_signal;
use crate::error::JobError;
use crate::unfinished::abandon_unfinished;

/// How long standard error may hold the end up.
const LAST_WORDS_WAIT: Duration = Duration::from_millis(500);

const NOTHING_DONE: &str = "what was written so far is not complete; no file got its name";
const NOT_ALL_SHOWN: &str = "what was written is complete; not all codes were shown";
/// Of many backups some have other recipients.
const SOME_DONE: &str = "what was told as done is done; the same command does the rest, and finishes a change that was stopped";

/// `running` is what is told of an interrupted job, once it runs.
///
/// # Errors
/// Where signals cannot be heeded.
pub(super) fn watch(ui: Arc<Ui>, running: Arc<OnceLock<Running>>) -> Result<(), JobError> {
    let ended = move || {
        // From here on nothing can get its final name. Children die before our ends of their pipes close.
        if abandon_unfinished() {
            ui.interrupt();
            super::terminal::restore();
            kill_descendants();
            if let Some(running) = running.get() {
                let _ = running.write_metrics(None);
            }
            speak(&ui, running.get().map_or(NOTHING_DONE, |running| if running.command == "rewrap" { SOME_DONE } else { NOTHING_DONE }));
            std::process::exit(Exit::Refused as i32);
        }
        if is_pausing() {
            speak(&ui, NOT_ALL_SHOWN);
            std::process::exit(Exit::Refused as i32);
        }
    };
    on_ending_signal(ended).map_err(JobError::Thread)
}

/// Says so, but does not wait for somebody who no longer reads.
fn speak(ui: &Arc<Ui>, hint: &'static str) {
    let (spoken, wait) = std::sync::mpsc::channel();
    let ui = Arc::clone(ui);
    let speaker = std::thread::Builder::new().spawn(move || {
        ui.interrupted(hint);
        let _ = spoken.send(());
    });
    if speaker.is_ok() {
        let _ = wait.recv_timeout(LAST_WORDS_WAIT);
    }
}
