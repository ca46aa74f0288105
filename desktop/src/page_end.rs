//! The end of the process that draws the page: the window would stay blank, over a job that nobody sees and nobody can stop.

use std::thread;

use tauri::{AppHandle, Manager};
use tauri_plugin_dialog::MessageDialogKind;

use crate::commands::{self, State};
use crate::window::MAIN;
use crate::worker::{Output, Worker};
use crate::{dialogs, given};

/// Ends the job of the page that has ended, tells the person, and then loads the page anew.
pub(crate) fn tell(app: &AppHandle) {
    let (state, handle) = (app.state::<State>(), app.clone());
    given::stop_listening(&state);
    let job = commands::call_off(&state);
    // Beside the window, which goes on being drawn until the job has ended. Where no thread can be had, it ends with what was to tell of it.
    let _ = thread::Builder::new().spawn(move || tell_of(&handle, job));
}

fn tell_of(app: &AppHandle, job: Option<Worker>) {
    let job = job.filter(Worker::is_at_work).map(|job| (job.output(), job.end()));
    let said = dialogs::message(app, MessageDialogKind::Error, "dbseal", &[words(job)]);
    let app = app.clone();
    // Not before somebody has read it: a page that dies as soon as it is shown would die for ever.
    said.show(move |_| drop(app.get_webview_window(MAIN).map(|window| window.reload())));
}

/// What there is to say of a job, by what it was writing and whether it has ended.
fn words(job: Option<(Output, bool)>) -> String {
    let job = match job {
        None => ". No job of the app was running; what the page was doing by itself has ended with it".into(),
        Some((output, true)) => format!(", and its job was stopped with it{}", output.left()),
        Some((output, false)) => format!(", and its job was told to stop, which it is still doing{}", output.left()),
    };
    format!("The page in this window has ended{job}. The memory may have run out: close other programs. Then begin again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_fits_the_job() {
        let memory = "The memory may have run out: close other programs. Then begin again.";
        for (job, said) in [
            (None, ". No job of the app was running; what the page was doing by itself has ended with it"),
            (Some((Output::None, true)), ", and its job was stopped with it"),
            (Some((Output::File, true)), ", and its job was stopped with it; no file was kept, unless all of it had just been written"),
            (
                Some((Output::Program, false)),
                ", and its job was told to stop, which it is still doing; what the program has made of the backup may not be complete",
            ),
        ] {
            assert_eq!(words(job), format!("The page in this window has ended{said}. {memory}"));
        }
    }
}
