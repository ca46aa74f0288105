//! A report that the page has made, or a grant that it has, written where the person says.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use dbseal_web::messages::desktop::Saved;
use tauri::AppHandle;
use tauri_plugin_dialog::MessageDialogKind;

use crate::dialogs;
use crate::saves::take_name;

/// Lets the person choose a place, and writes it there. Its path, if it is there now; tells them where that fails.
pub(crate) fn save(app: &AppHandle, what: Saved, name: &str, text: &str) -> Option<String> {
    let what = match what {
        Saved::Report => "report",
        Saved::Grant => "grant",
    };
    let path = dialogs::pick_output(dialogs::files(app, &format!("Where should the {what} go?")), name)?;
    // The dialog has asked about it.
    let replaces = path.symlink_metadata().is_ok();
    if let Err(error) = write_whole(&path, text, replaces) {
        let text = format!("The {what} cannot be written: {error}. Choose another place.");
        dialogs::tell(app, MessageDialogKind::Error, "Not saved", &text);
        return None;
    }
    Some(path.display().to_string())
}

/// Writes a file that has its name when all of it is on the disk. What it is called until then is nobody else's: where there is such a
/// file, or a link of that name, nothing is written. Nor is one written over that nobody was asked about.
fn write_whole(path: &Path, text: &str, replaces: bool) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = File::create_new(&partial)?;
    let name = || if replaces { fs::rename(&partial, path) } else { take_name(Path::new(&partial), path) };
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| name());
    written.inspect_err(|_| drop(fs::remove_file(&partial)))?;
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn a_report_replaces_only_what_it_may() {
        let folder = env::temp_dir().join(format!("dbseal-report-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("shop.check.txt");
        write_whole(&path, "one", false).expect("it is written");
        assert_eq!(write_whole(&path, "two", false).expect_err("it has come since").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "one");
        write_whole(&path, "three", true).expect("it is written");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "three");
        std::os::unix::fs::symlink("elsewhere", folder.join("other.txt.partial")).expect("a link");
        assert!(write_whole(&folder.join("other.txt"), "four", false).is_err());
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2);
        fs::remove_dir_all(&folder).expect("it is there");
    }
}
