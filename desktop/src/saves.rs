//! What the page saves as a download, when it works by itself: into the folder for downloads, under a name that nothing there has.
//!
//! The window's engine would write it under that name from the first byte on, with rights that the user's mask leaves to others. So it gets
//! a folder that is its user's alone to write to, and what has arrived whole is moved from there. Where it lies, or that it failed, the app
//! says: the window has no list of downloads.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tauri::webview::DownloadEvent;
use tauri::{AppHandle, Manager, Url};
use tauri_plugin_dialog::MessageDialogKind;

use crate::commands::{State, lock};
use crate::{dialogs, works_in_page};

/// Those under way, each with the folder that it is written to.
#[derive(Default)]
pub(crate) struct Saves(HashMap<Url, Partial>);

#[derive(Clone)]
struct Partial {
    folder: PathBuf,
    name: String,
}

/// Whether something is not saved yet that is being saved.
pub(crate) fn are_under_way(app: &AppHandle) -> bool {
    !lock(&app.state::<State>().saves).0.is_empty()
}

/// Says where a download goes, and sees it to its end. Whether it may begin.
pub(crate) fn take(app: &AppHandle, event: DownloadEvent<'_>) -> bool {
    match event {
        // An app whose jobs do the work has nothing to save: somebody has taken the page over.
        DownloadEvent::Requested { .. } if !works_in_page::is_allowed(app) => false,
        DownloadEvent::Requested { url, destination } => {
            let name = destination.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match downloads(app).and_then(|folder| Partial::create(&folder, &name)) {
                Ok(partial) => {
                    *destination = partial.file();
                    let before = lock(&app.state::<State>().saves).0.insert(url, partial);
                    before.into_iter().for_each(|before| drop(fs::remove_dir_all(before.folder)));
                    true
                }
                Err(error) => {
                    tell_failure(app, &name, &error.to_string());
                    false
                }
            }
        }
        DownloadEvent::Finished { url, success, .. } => {
            let saved = lock(&app.state::<State>().saves).0.get(&url).cloned();
            if let Some(partial) = saved {
                let app = app.clone();
                // Not on the window's thread, which would stand still until the disk has it. It is under way until then.
                thread::spawn(move || {
                    finish(&app, &partial, success);
                    lock(&app.state::<State>().saves).0.remove(&url);
                });
            }
            true
        }
        _ => true,
    }
}

/// Removes what is not saved yet, as the window is gone.
pub(crate) fn discard(app: &AppHandle) {
    for (_, partial) in lock(&app.state::<State>().saves).0.drain() {
        let _ = fs::remove_dir_all(partial.folder);
    }
}

/// The folder for downloads, where the person has one.
fn downloads(app: &AppHandle) -> io::Result<PathBuf> {
    let paths = app.path();
    let folder = paths.download_dir().or_else(|_| paths.home_dir()).map_err(io::Error::other)?;
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn finish(app: &AppHandle, partial: &Partial, success: bool) {
    let placed = if success { partial.place() } else { Err(io::Error::other("not all of it was written: see that there is room")) };
    let _ = fs::remove_dir_all(&partial.folder);
    match placed {
        Ok(path) => dialogs::tell(app, MessageDialogKind::Info, "Saved", &format!("All of it is on the disk: {}", path.display())),
        Err(error) => tell_failure(app, &partial.name, &error.to_string()),
    }
}

fn tell_failure(app: &AppHandle, name: &str, why: &str) {
    dialogs::tell(app, MessageDialogKind::Error, "Not saved", &format!("{name} was not saved, and nothing of it is left: {why}."));
}

impl Partial {
    fn create(folder: &Path, name: &str) -> io::Result<Self> {
        let mut number = 0;
        loop {
            let partial = folder.join(format!("{}.partial", numbered(name, number)));
            match DirBuilder::new().mode(0o700).create(&partial) {
                Ok(()) => return Ok(Self { folder: partial, name: name.into() }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Not under its name: what a crash leaves must not look whole.
    fn file(&self) -> PathBuf {
        self.folder.join("part")
    }

    /// Moves the file to its place: beside the folder, when all of it is on the disk, readable to its user alone.
    fn place(&self) -> io::Result<PathBuf> {
        let (from, folder) = (self.file(), self.folder.parent().unwrap_or(&self.folder));
        fs::set_permissions(&from, Permissions::from_mode(0o600))?;
        File::open(&from)?.sync_all()?;
        let path = move_to_free_name(&from, folder, &self.name)?;
        File::open(folder)?.sync_all()?;
        Ok(path)
    }
}

/// Moves a file to this name, or to the first one with a number that nothing has.
fn move_to_free_name(from: &Path, folder: &Path, name: &str) -> io::Result<PathBuf> {
    let mut number = 0;
    loop {
        let path = folder.join(numbered(name, number));
        match take_name(from, &path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Moves a file to a name that nothing has.
pub(crate) fn take_name(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that cannot look and rename in one step, as some of a network.
        Err(Errno::INVAL | Errno::NOSYS) if to.symlink_metadata().is_err() => fs::rename(from, to),
        Err(Errno::INVAL | Errno::NOSYS) => Err(Errno::EXIST.into()),
        result => Ok(result?),
    }
}

/// A name with a number before its endings, as browsers write it; without one for nought.
fn numbered(name: &str, number: u32) -> String {
    let stem_len = name.char_indices().skip(1).find(|(_, character)| *character == '.').map_or(name.len(), |(index, _)| index);
    let (stem, endings) = name.split_at(stem_len);
    if number == 0 { name.into() } else { format!("{stem} ({number}){endings}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_has_a_name_that_nothing_had_and_belongs_to_its_user_alone() {
        let folder = std::env::temp_dir().join(format!("dbseal-saves-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("shop.sql.zst"), "another").expect("a file");
        // Also one that leads nowhere is somebody's.
        std::os::unix::fs::symlink("nowhere", folder.join("shop (1).sql.zst")).expect("a link");
        let save = |text: &str| {
            let partial = Partial::create(&folder, "shop.sql.zst").expect("a folder");
            let mode = fs::metadata(&partial.folder).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
            fs::write(partial.file(), text).expect("a file");
            (partial.place().expect("it is moved"), partial)
        };
        let (path, first) = save("one");
        assert_eq!(path, folder.join("shop (2).sql.zst"));
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        // Of the first the folder is still there.
        let (path, second) = save("two");
        assert_eq!((path, fs::read(folder.join("shop (3).sql.zst")).ok()), (folder.join("shop (3).sql.zst"), Some(b"two".to_vec())));
        assert_ne!(first.folder, second.folder);
        assert_eq!(fs::read(folder.join("shop.sql.zst")).ok(), Some(b"another".to_vec()));
        fs::remove_dir_all(&folder).expect("it is there");
    }

    #[test]
    fn numbers_come_before_the_endings() {
        assert_eq!(numbered("shop.sql.zst", 0), "shop.sql.zst");
        assert_eq!(numbered("shop.sql.zst", 2), "shop (2).sql.zst");
        assert_eq!(numbered(".age.opened", 1), ".age (1).opened");
        assert_eq!(numbered("ü", 1), "ü (1)");
    }
}
