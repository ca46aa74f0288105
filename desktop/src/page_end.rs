//! The end of the process that draws the page: the window would stay blank, over a job that nobody sees and nobody can stop.

use std::thread;

use tauri::{AppHandle, Manager, WebviewWindow};
use tauri_plugin_dialog::MessageDialogKind;
use webkit2gtk::WebViewExt;

use crate::commands::{State, end_job};
use crate::window::MAIN;
use crate::{close, dialogs, saves};

const WITH_THE_JOB: &str = "The page in this window has ended, and the job was stopped with it. No file was kept, unless all of it had just \
                            been written; what a program has made of the backup is not complete. The memory may have run out: close other \
                            programs. Then begin again.";
const WITHOUT: &str = "The page in this window has ended; no job was running. The memory may have run out: close other programs. Then begin \
                       again.";

/// Sees to it that this is told when it happens, and that the page then starts anew.
pub(crate) fn watch(window: &WebviewWindow) -> tauri::Result<()> {
    let app = window.app_handle().clone();
    window.with_webview(move |view| {
        view.inner().connect_web_process_terminated(move |_, _| {
            let app = app.clone();
            // Beside the window, which goes on being drawn until the job has ended.
            thread::spawn(move || tell(&app));
        });
    })
}

fn tell(app: &AppHandle) {
    let was_at_work = close::question(app).is_some();
    end_job(&app.state::<State>());
    saves::discard(app);
    let said = dialogs::message(app, MessageDialogKind::Error, "dbseal", if was_at_work { WITH_THE_JOB } else { WITHOUT });
    let app = app.clone();
    // Not before somebody has read it: a page that dies as soon as it is shown would die for ever.
    said.show(move |_| drop(app.get_webview_window(MAIN).map(|window| window.reload())));
}
