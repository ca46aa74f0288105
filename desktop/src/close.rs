//! Closing the window while a job runs: hours of work do not end by a slip of the hand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tauri::{AppHandle, Manager};
use tauri_plugin_dialog::{MessageDialogButtons, MessageDialogKind};

use crate::commands::{State, end_job, lock};
use crate::window::MAIN;
use crate::{dialogs, saves, works_in_page};

const JOB_QUESTION: &str = "A job is still running. Closing the window stops it: no file is kept, and what a program has made of the backup \
                            so far is not complete.";
const SAVE_QUESTION: &str = "A file is still being saved. Closing the window stops that, and nothing of it is kept.";

const PAGE_QUESTION: &str =
    "The page itself does the work now. If it is at work, closing the window stops that, and nothing of it is kept.";

/// Whether the question is on the screen: each further click would else ask it again.
static IS_ASKED: AtomicBool = AtomicBool::new(false);

/// What would be lost, as a question.
pub(crate) fn question(app: &AppHandle) -> Option<&'static str> {
    if lock(&app.state::<State>().worker).as_ref().is_some_and(|worker| worker.is_at_work()) {
        return Some(JOB_QUESTION);
    }
    if saves::are_under_way(app) {
        return Some(SAVE_QUESTION);
    }
    // Whether it is at work, the app does not know.
    works_in_page::is_allowed(app).then_some(PAGE_QUESTION)
}

/// Asks, and closes the window where the answer is yes.
pub(crate) fn ask(app: &AppHandle, question: &str) {
    if IS_ASKED.swap(true, Ordering::AcqRel) {
        return;
    }
    let buttons = MessageDialogButtons::OkCancelCustom("Stop and close".into(), "Go on".into());
    let dialog = dialogs::message(app, MessageDialogKind::Warning, "Close dbseal?", &[question]).buttons(buttons);
    let handle = app.clone();
    dialog.show(move |closes| {
        IS_ASKED.store(false, Ordering::Release);
        if closes {
            // Beside the window, which goes on being drawn until the job has ended.
            thread::spawn(move || {
                end_job(&handle.state::<State>());
                handle.get_webview_window(MAIN).map(|window| window.destroy())
            });
        }
    });
}
