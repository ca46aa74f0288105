//! Closing the window while a job runs: hours of work do not end by a slip of the hand.

use std::thread;

use tauri::{AppHandle, Manager};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogKind};

use crate::commands::{State, end_job, lock};
use crate::window::MAIN;

const QUESTION: &str = "A job is still running. Closing the window stops it: no file is kept, and what a program has made of the backup so \
                        far is not complete.";

/// Whether something would be lost.
pub(crate) fn must_ask(app: &AppHandle) -> bool {
    lock(&app.state::<State>().worker).as_ref().is_some_and(|worker| worker.is_at_work())
}

/// Asks, and closes the window where the answer is yes.
pub(crate) fn ask(app: &AppHandle) {
    let buttons = MessageDialogButtons::OkCancelCustom("Stop and close".into(), "Go on".into());
    let question = app.dialog().message(QUESTION);
    let app = app.clone();
    question.title("dbseal").kind(MessageDialogKind::Warning).buttons(buttons).show(move |closes| {
        if closes {
            // Beside the window, which goes on being drawn until the job has ended.
            thread::spawn(move || {
                end_job(&app.state::<State>());
                app.get_webview_window(MAIN).map(|window| window.destroy())
            });
        }
    });
}
