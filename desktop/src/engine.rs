//! What the engine of the window (WebKitGTK) does otherwise for a page of ours than for any other, where Tauri has no word for it.

use tauri::{AppHandle, Manager, WebviewWindow};
use webkit2gtk::{FileChooserRequestExt, HardwareAccelerationPolicy, SettingsExt, WebViewExt};

use crate::{page_end, works_in_page};

/// To be called once, before anything is shown.
pub(crate) fn prepare(window: &WebviewWindow) -> tauri::Result<()> {
    let app = window.app_handle().clone();
    window.with_webview(move |view| {
        let view = view.inner();
        if let Some(settings) = WebViewExt::settings(&view) {
            // The page is text, and drivers of graphics cards are what leaves windows blank; without one, the engine would compile what they
            // do first, on the cores of the job.
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
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
