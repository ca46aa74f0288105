//! Dialogs of the app. Each is meant to belong to its window; with today's plugin it does not yet, see `adopt`.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};

use dbseal_web::visible;
use gtk::prelude::{Cast, GtkWindowExt};
use tauri::{AppHandle, Manager, Wry};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder, FilePath, MessageDialogBuilder, MessageDialogKind};

use crate::window::MAIN;

/// A dialog for files, to be asked by one of the functions below.
pub(crate) fn files(app: &AppHandle, title: &str) -> FileDialogBuilder<Wry> {
    app.dialog().file().set_title(title)
}

/// The files that the person chooses. Not on the window's thread, as it waits for them.
pub(crate) fn pick_files(app: &AppHandle, dialog: FileDialogBuilder<Wry>) -> Vec<PathBuf> {
    wait(app, |answer| dialog.pick_files(move |files| drop(answer.send(files.unwrap_or_default()))))
}

/// One, if the person chooses one.
pub(crate) fn pick_file(app: &AppHandle, dialog: FileDialogBuilder<Wry>) -> Option<PathBuf> {
    wait(app, |answer| dialog.pick_file(move |file| drop(answer.send(file.into_iter().collect())))).pop()
}

/// A folder, if the person chooses one.
pub(crate) fn pick_folder(app: &AppHandle, dialog: FileDialogBuilder<Wry>) -> Option<PathBuf> {
    // It would begin with what was used last, where no folder can be chosen by its path.
    let dialog = if let Ok(home) = app.path().home_dir() { dialog.set_directory(home) } else { dialog };
    wait(app, |answer| dialog.pick_folder(move |folder| drop(answer.send(folder.into_iter().collect())))).pop()
}

/// Where the person wants something to be written, if they say.
pub(crate) fn pick_output(app: &AppHandle, dialog: FileDialogBuilder<Wry>, name: &str) -> Option<PathBuf> {
    let dialog = dialog.set_file_name(plain_name(name));
    wait(app, |answer| dialog.save_file(move |file| drop(answer.send(file.into_iter().collect())))).pop()
}

fn wait(app: &AppHandle, ask: impl FnOnce(Sender<Vec<FilePath>>)) -> Vec<PathBuf> {
    let (answer, answered) = channel();
    ask(answer);
    adopt(app);
    answered.recv().unwrap_or_default().into_iter().filter_map(|file| file.into_path().ok()).collect()
}

/// Says something, and waits for nobody.
pub(crate) fn tell(app: &AppHandle, kind: MessageDialogKind, title: &str, text: &str) {
    ask(app, message(app, kind, title, text), |_| {});
}

/// A dialog that says something.
pub(crate) fn message(app: &AppHandle, kind: MessageDialogKind, title: &str, text: &str) -> MessageDialogBuilder<Wry> {
    app.dialog().message(message_text(text)).title(title).kind(kind)
}

/// The dialog takes its text for a format of printf: a file's name must not be one.
fn message_text(text: &str) -> String {
    visible(text).replace('%', "%%")
}

/// A name to propose: of a file in the folder that is shown, which is not hidden there.
fn plain_name(name: &str) -> String {
    let name: String = name.chars().map(|character| if character == '/' { '_' } else { character }).collect();
    visible(name.trim_start_matches('.'))
}

/// Shows it, and calls this with whether the answer was yes.
pub(crate) fn ask(app: &AppHandle, dialog: MessageDialogBuilder<Wry>, answered: impl FnOnce(bool) + Send + 'static) {
    dialog.show(answered);
    adopt(app);
}

/// Would make the window the parent of the dialog that was just asked for; the plugin's own way to name a parent has no effect with GTK.
/// It comes too early where the plugin makes the dialog later, when nothing else is to be done: then the dialog has no parent.
fn adopt(app: &AppHandle) {
    let window = app.get_webview_window(MAIN);
    let _ = app.run_on_main_thread(move || {
        let Some(parent) = window.and_then(|window| window.gtk_window().ok()) else { return };
        let all = gtk::Window::list_toplevels().into_iter().filter_map(|widget| widget.downcast::<gtk::Dialog>().ok());
        for dialog in all.filter(|dialog| dialog.transient_for().is_none()) {
            dialog.set_transient_for(Some(&parent));
            dialog.set_modal(true);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_a_format_or_leads_elsewhere() {
        assert_eq!(message_text("x%s%n.age"), "x%%s%%n.age");
        assert_eq!(plain_name("../.config/autostart/x.desktop"), "_.config_autostart_x.desktop");
        assert_eq!(plain_name("shop\u{202e}lqs.age"), "shop\\u{202e}lqs.age");
    }
}
