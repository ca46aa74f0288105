//! Files that come from outside: named at the start, or at a second one, by a double click, or dropped on the window.

use std::path::{Path, PathBuf};

use dbseal_web::messages::desktop::Picked;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager};
use tauri_plugin_dialog::MessageDialogKind;

use crate::commands::{State, lock};
use crate::files::{Files, Role};
use crate::{dialogs, works_in_page};

/// What is between outside and the page.
#[derive(Default)]
pub(crate) struct Given {
    /// Where the page hears of them.
    listener: Option<Channel<Vec<Picked>>>,
    /// Those that came before it listened.
    waiting: Vec<PathBuf>,
}

/// What is said of files that come while the page does the work: it can be given none, and who let it forgets easily.
const NOT_TAKEN: &str = "The page itself does the work now, and takes files only by its own buttons: choose them there, or let the app do the \
                         jobs again.";

/// Hands files to the page, or keeps them until it listens.
pub(crate) fn take(app: &AppHandle, paths: &[PathBuf]) {
    if paths.is_empty() {
        return;
    }
    if works_in_page::is_allowed(app) {
        return dialogs::tell(app, MessageDialogKind::Info, "Not taken", NOT_TAKEN);
    }
    let state = app.state::<State>();
    lock(&state.given).waiting.extend_from_slice(paths);
    hand_over(&state);
}

/// The page listens from now on.
pub(crate) fn listen(state: &State, listener: Channel<Vec<Picked>>) {
    lock(&state.given).listener = Some(listener);
    hand_over(state);
}

/// The page that listened is gone: what comes waits for the next one.
pub(crate) fn stop_listening(state: &State) {
    lock(&state.given).listener = None;
}

fn hand_over(state: &State) {
    // Not while others wait: a disk may be slow.
    let (listener, paths) = {
        let mut given = lock(&state.given);
        let Some(listener) = given.listener.clone() else { return };
        (listener, std::mem::take(&mut given.waiting))
    };
    if paths.is_empty() {
        return;
    }
    let paths = with_seals(paths);
    let picked = Files::add_all(&state.files, paths.iter().map(|path| (path.as_path(), role_of(path))));
    // It fails only when the page is gone.
    let _ = listener.send(picked);
}

fn role_of(path: &Path) -> Role {
    if path.is_dir() { Role::Folder } else { Role::Read }
}

/// One backup, and the seal that lies beside it; or the other way round.
pub(crate) fn with_seals(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    if let [path] = &*paths {
        let is_seal = path.extension().is_some_and(|end| end == "seal");
        let other = if is_seal { path.with_extension("") } else { dbseal::seal_path(path) };
        paths.extend(Some(other).filter(|other| other.is_file()));
    }
    paths
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;

    #[test]
    fn a_backup_and_its_seal_come_together() {
        let folder = env::temp_dir().join(format!("dbseal-given-{}", std::process::id()));
        let [backup, seal, alone] = ["shop.age", "shop.age.seal", "web.age"].map(|name| folder.join(name));
        fs::create_dir_all(&folder).expect("a folder");
        [&backup, &seal, &alone].into_iter().for_each(|path| fs::write(path, "").expect("a file"));
        let of = |paths: &[&PathBuf]| paths.iter().map(|path| (*path).clone()).collect::<Vec<_>>();
        let given = |paths: &[&PathBuf]| with_seals(of(paths));
        assert_eq!(given(&[&backup]), of(&[&backup, &seal]));
        assert_eq!(given(&[&seal]), of(&[&seal, &backup]));
        assert_eq!(given(&[&alone]), of(&[&alone]));
        assert_eq!(given(&[&backup, &alone]), of(&[&backup, &alone]));
        assert_eq!(given(&[&folder]), of(&[&folder]));
        fs::remove_dir_all(&folder).expect("it is there");
    }
}
