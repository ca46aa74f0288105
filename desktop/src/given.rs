//! Files that come from outside: named at the start, or at a second one, by a double click, or dropped on the window.

use std::env;
use std::path::PathBuf;

use dbseal_web::messages::desktop::Picked;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager};

use crate::commands::{State, lock};
use crate::files::Role;

/// What is between outside and the page.
#[derive(Default)]
pub(crate) struct Given {
    /// Where the page hears of them.
    listener: Option<Channel<Vec<Picked>>>,
    /// Those that came before it listened.
    waiting: Vec<PathBuf>,
}

/// The files that this program was started with.
pub(crate) fn arguments() -> Vec<PathBuf> {
    let folder = env::current_dir().unwrap_or_default();
    env::args_os().skip(1).map(|argument| folder.join(argument)).collect()
}

/// Hands files to the page, or keeps them until it listens.
pub(crate) fn take(app: &AppHandle, paths: &[PathBuf]) {
    if paths.is_empty() {
        return;
    }
    let state = app.state::<State>();
    let mut given = lock(&state.given);
    given.waiting.extend_from_slice(paths);
    given.hand_over(&state);
}

/// The page listens from now on.
pub(crate) fn listen(state: &State, listener: Channel<Vec<Picked>>) {
    let mut given = lock(&state.given);
    given.listener = Some(listener);
    given.hand_over(state);
}

impl Given {
    fn hand_over(&mut self, state: &State) {
        let Some(listener) = &self.listener else { return };
        if self.waiting.is_empty() {
            return;
        }
        let mut files = lock(&state.files);
        let picked: Vec<_> = with_seals(std::mem::take(&mut self.waiting)).iter().map(|path| files.add(path, Role::Read)).collect();
        // It fails only when the page is gone.
        let _ = listener.send(picked);
    }
}

/// One backup, and the seal that lies beside it.
pub(crate) fn with_seals(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    if let [backup] = &*paths
        && backup.extension().is_none_or(|end| end != "seal")
    {
        paths.extend(Some(dbseal::seal_path(backup)).filter(|seal| seal.is_file()));
    }
    paths
}
