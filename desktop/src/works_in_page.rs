//! Whether the page itself does the work: then keys pass through it, and it saves what it has opened. That is the person's to allow, by a
//! dialog of the app: not the page's, which somebody may have taken over.

use std::sync::atomic::{AtomicBool, Ordering};

use tauri::{AppHandle, Manager};

use crate::commands::State;
use crate::dialogs;

const QUESTION: &str = "Keys that you choose from now on pass through the page in this window, and what it opens is saved into your folder \
                        for downloads. That is for when the jobs of the app fail.";

/// What the person has said last.
#[derive(Default)]
pub(crate) struct WorksInPage(AtomicBool);

/// Whether the page may be given files, and may save some.
pub(crate) fn is_allowed(app: &AppHandle) -> bool {
    app.state::<State>().works_in_page.0.load(Ordering::Acquire)
}

/// Takes it back.
pub(crate) fn forbid(app: &AppHandle) {
    app.state::<State>().works_in_page.0.store(false, Ordering::Release);
}

/// Asks the person, and says what they say. Not on the window's thread, as it waits for them.
pub(crate) fn ask(app: &AppHandle) -> bool {
    let is_allowed = dialogs::ask(app, "Let the page itself do the work?", &[QUESTION], ["Let the page do it", "Cancel"]);
    app.state::<State>().works_in_page.0.store(is_allowed, Ordering::Release);
    is_allowed
}
