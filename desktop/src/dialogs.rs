//! Dialogs of the app. They have no parent: the plugin's way to name one has no effect with GTK.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};

use dbseal_web::visible;
use gtk::glib::ControlFlow;
use gtk::traits::RecentManagerExt;
use tauri::{AppHandle, Manager, Wry};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder, FilePath, MessageDialogBuilder, MessageDialogButtons, MessageDialogKind};

/// How often, once a second, a file is looked for on the list of recent ones after a dialog: it is put there when its disk has said what kind
/// of file it is.
const RECENT_LOOKS: u32 = 60;

/// A dialog for files, to be asked by one of the functions below.
pub(crate) fn files(app: &AppHandle, title: &str) -> FileDialogBuilder<Wry> {
    app.dialog().file().set_title(title)
}

/// The files that the person chooses. Not on the window's thread, as it waits for them.
pub(crate) fn pick_files(dialog: FileDialogBuilder<Wry>) -> Vec<PathBuf> {
    wait(|answer| dialog.pick_files(move |files| drop(answer.send(files.unwrap_or_default()))))
}

/// One, if the person chooses one.
pub(crate) fn pick_file(dialog: FileDialogBuilder<Wry>) -> Option<PathBuf> {
    wait(|answer| dialog.pick_file(move |file| drop(answer.send(file.into_iter().collect())))).pop()
}

/// Takes a file off the list of recent files, which the dialog has put it on, for all programs of this user: where a key lies is not for
/// everybody to see.
pub(crate) fn forget_recent(app: &AppHandle, path: &Path) {
    // Spelled as it is there.
    let Ok(address) = gtk::glib::filename_to_uri(path, None) else { return };
    let forget = move || {
        let mut looks = 0..RECENT_LOOKS;
        gtk::glib::timeout_add_seconds_local(1, move || {
            let is_off = gtk::RecentManager::default().is_some_and(|recent| recent.remove_item(&address).is_ok());
            if is_off || looks.next().is_none() { ControlFlow::Break } else { ControlFlow::Continue }
        });
    };
    let _ = app.run_on_main_thread(forget);
}

/// A folder, if the person chooses one.
pub(crate) fn pick_folder(app: &AppHandle, dialog: FileDialogBuilder<Wry>) -> Option<PathBuf> {
    // It would begin with what was used last, where no folder can be chosen by its path.
    let dialog = if let Ok(home) = app.path().home_dir() { dialog.set_directory(home) } else { dialog };
    wait(|answer| dialog.pick_folder(move |folder| drop(answer.send(folder.into_iter().collect())))).pop()
}

/// Where the person wants something to be written, if they say.
pub(crate) fn pick_output(dialog: FileDialogBuilder<Wry>, name: &str) -> Option<PathBuf> {
    let dialog = dialog.set_file_name(plain_name(name));
    wait(|answer| dialog.save_file(move |file| drop(answer.send(file.into_iter().collect())))).pop()
}

fn wait(ask: impl FnOnce(Sender<Vec<FilePath>>)) -> Vec<PathBuf> {
    let (answer, answered) = channel();
    ask(answer);
    answered.recv().unwrap_or_default().into_iter().filter_map(|file| file.into_path().ok()).collect()
}

/// Says something, and waits for nobody.
pub(crate) fn tell(app: &AppHandle, kind: MessageDialogKind, title: &str, text: &str) {
    message(app, kind, title, &[text]).show(|_| {});
}

/// Asks, and says whether the answer is the first of these two. Not on the window's thread, as it waits for them.
pub(crate) fn ask(app: &AppHandle, title: &str, paragraphs: &[impl AsRef<str>], [yes, no]: [&str; 2]) -> bool {
    let (answer, answered) = channel();
    let buttons = MessageDialogButtons::OkCancelCustom(yes.into(), no.into());
    message(app, MessageDialogKind::Warning, title, paragraphs).buttons(buttons).show(move |is_yes| {
        let _ = answer.send(is_yes);
    });
    answered.recv().unwrap_or_default()
}

/// A dialog that says something.
pub(crate) fn message(app: &AppHandle, kind: MessageDialogKind, title: &str, paragraphs: &[impl AsRef<str>]) -> MessageDialogBuilder<Wry> {
    app.dialog().message(message_text(paragraphs)).title(title).kind(kind)
}

/// The dialog takes its text for a format of printf: a file's name must not be one, and begins no paragraph of its own.
fn message_text(paragraphs: &[impl AsRef<str>]) -> String {
    let paragraphs: Vec<_> = paragraphs.iter().map(|paragraph| visible(paragraph.as_ref())).collect();
    paragraphs.join("\n\n").replace('%', "%%")
}

/// A name to propose: of a file in the folder that is shown, which is not hidden there.
fn plain_name(name: &str) -> String {
    let name: String = name.chars().map(|character| if character == '/' { '_' } else { character }).collect();
    visible(name.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_a_format_or_leads_elsewhere() {
        assert_eq!(message_text(&["x%s%n.age", "y\n\u{202e}z"]), "x%%s%%n.age\n\ny\\u{a}\\u{202e}z");
        assert_eq!(plain_name("../.config/autostart/x.desktop"), "_.config_autostart_x.desktop");
        assert_eq!(plain_name("shop\u{202e}lqs.age"), "shop\\u{202e}lqs.age");
    }
}
