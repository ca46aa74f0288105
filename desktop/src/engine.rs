//! What the engine of the window (WebKitGTK) does otherwise for a page of ours than for any other, where Tauri has no word for it.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::{env, io};

use tauri::{AppHandle, Manager, WebviewWindow};
use webkit2gtk::{FileChooserRequestExt, WebViewExt};

use crate::{page_end, works_in_page};

/// What the engine reads of its environment: that it draws by itself, unless it says 0.
const DRAWS_BY_ITSELF: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";

/// Sees to it that no graphics card is asked: this program starts once more, where its environment does not say so. It comes back only where
/// that fails; then the window is drawn as the engine will.
///
/// The page is text. Drivers of graphics cards are what leaves windows blank, and where there is none, the engine would first compile what
/// one does, on the cores of the job, and take 110 MiB more. No setting of the engine's own leaves it out from the start.
pub(crate) fn draw_by_itself() {
    if env::var_os(DRAWS_BY_ITSELF).is_none() {
        let again = |program| Err::<(), _>(Command::new(program).args(env::args_os().skip(1)).env(DRAWS_BY_ITSELF, "1").exec());
        let _: io::Result<()> = env::current_exe().and_then(again);
    }
}

/// To be called once, before anything is shown.
pub(crate) fn prepare(window: &WebviewWindow) -> tauri::Result<()> {
    let app = window.app_handle().clone();
    window.with_webview(move |view| {
        let view = view.inner();
        let handle = app.clone();
        view.connect_run_file_chooser(move |_, request| refuse_files(&handle, || request.cancel()));
        view.connect_web_process_terminated(move |_, _| page_end::tell(&app));
    })
}

/// Whether a dialog of the engine for files was refused. It would give the page what is in them, as if they were chosen in a dialog of the
/// app: also a private key, if somebody has taken the page over.
fn refuse_files(app: &AppHandle, cancel: impl FnOnce()) -> bool {
    let is_refused = !works_in_page::is_allowed(app);
    if is_refused {
        cancel();
    }
    is_refused
}
