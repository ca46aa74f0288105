//! What a person fills in at the forms of the app, and a backup to do it with.

use std::fs;
use std::path::Path;

use super::Desktop;
use crate::browser::wait_for;
use crate::cli::Folder;

/// Where, below the folder of a backup, the file lies that says whom to trust: apart from it.
pub const TRUST: &str = "trusted/db1.sign.pub";

/// A folder with a signed backup of these bytes, `shop.sql.age`, with what opens it and what vouches for it.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn signed_backup(plain: impl AsRef<[u8]>) -> Folder {
    let folder = Folder::with_key();
    folder.write("shop.sql", plain);
    make_signing_key(&folder);
    folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "shop.sql.age", "shop.sql"]).run().succeeds();
    folder
}

/// Makes `db1.sign.key`, and the trust file for it.
///
/// # Panics
/// If they cannot be made.
pub fn make_signing_key(folder: &Folder) {
    folder.dbseal(["keygen", "--sign", "db1", "-o", "db1.sign.key"]).run().succeeds();
    fs::create_dir(folder.path("trusted")).expect("a folder");
    fs::rename(folder.path("db1.sign.pub"), folder.path(TRUST)).expect("it is moved");
}

/// Chooses the key that opens it.
///
/// # Panics
/// If no dialog comes for it.
pub fn choose_key(desktop: &Desktop, folder: &Folder) {
    desktop.choose("#identity-file", "Choose the key file", &folder.path("backup.key"));
}

/// Chooses a backup.
///
/// # Panics
/// If its name is not text.
pub fn choose_backup(desktop: &Desktop, path: &Path) {
    desktop.choose("#backup-file", "Choose a backup and its seal", path);
    let name = path.file_name().expect("a name").to_str().expect("text").to_owned();
    wait_for("the backup is chosen", || desktop.browser.wait_for("#backup-name").text().contains(&name).then_some(()));
}

/// Asks for the output to go into a program.
///
/// # Panics
/// If the form does not let it.
pub fn choose_program(desktop: &Desktop, line: &str) {
    desktop.browser.wait_for("#output-program").click();
    desktop.browser.wait_for("#program").type_in(line);
}

/// Opens that backup into a program, on a form that is shown.
///
/// # Panics
/// If the form does not let it.
pub fn open_into(desktop: &Desktop, folder: &Folder, line: &str) {
    desktop.trust(&folder.path(TRUST));
    choose_key(desktop, folder);
    choose_program(desktop, line);
    start_program(desktop);
}

/// Starts what was filled in, and lets the program run.
///
/// # Panics
/// If nobody is asked.
pub fn start_program(desktop: &Desktop) {
    desktop.browser.wait_for("#start").click();
    desktop.display.press_return("Run this program?");
}

/// A program that notes its process in `pid`, and commits what it has read as `final` when its input ends.
#[must_use]
pub fn committing_program(folder: &Folder) -> String {
    let here = folder.path("").display().to_string();
    format!("sh -c 'cd {here}; echo $$ >pid; cat >part && mv part final'")
}

/// What the window says when a job has failed: what happened, and what to do next.
///
/// # Panics
/// If it has not failed.
#[track_caller]
#[must_use]
pub fn failure(desktop: &Desktop) -> [String; 2] {
    assert_eq!(desktop.answer(), "failed", "{}", desktop.browser.text());
    let text = |words: &str| desktop.browser.wait_for(words).text();
    let next = text("#failure-next");
    [text("#failure-what"), next.strip_prefix("Next").unwrap_or(&next).into()]
}
