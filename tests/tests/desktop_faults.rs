//! What the desktop app says, and leaves, when something breaks in the middle of a job: a process of its own, a disk, a file.
#![cfg(unix)]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use dbseal_tests::cli::Folder;
use dbseal_tests::cli::jobs::assert_not_committed;
use dbseal_tests::desktop::forms::{choose_key, committing_program, failure, open_into, signed_backup};
use dbseal_tests::desktop::{ByHand, Desktop, Held, MemoryDisk, Processes, Role, UsbDisk, held_before, kill, wait_for_end};
use dbseal_tests::inputs::paint;

/// So long that the job is met in the middle of it.
const PLAIN_LEN: usize = 300 << 20;

const BACKUP: &str = "shop.sql.age";

fn len_of(path: &Path) -> u64 {
    path.metadata().expect("it is there").len()
}

/// Opens a backup into a file, and holds the job in the middle.
fn hold_open(desktop: &Desktop, keys: &Folder, backup: &Path, output: &Path) -> Held {
    start_open(desktop, keys, output);
    desktop.processes().hold_job(len_of(backup))
}

/// Lets a job go on that has nobody any more, and waits for its end.
fn end(processes: Processes, held: &Held) {
    processes.wait_until_ended(held);
    held.go_on();
    wait_for_end("the job", held.pid());
}

fn start_open(desktop: &Desktop, keys: &Folder, output: &Path) {
    desktop.begin("open");
    choose_key(desktop, keys);
    desktop.choose("#start", "Where should it go?", output);
}

fn hold_check(desktop: &Desktop, backup: &Path) -> Held {
    desktop.begin("check");
    desktop.browser.wait_for("#start").click();
    desktop.processes().hold_job(len_of(backup))
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app); as root"]
fn a_page_that_dies_ends_the_job_and_says_so() {
    let folder = signed_backup(paint(PLAIN_LEN));
    let before = folder.names();
    let app = ByHand::start(&[&folder.path(BACKUP)]);
    app.press("Open");
    app.choose("Key file", "Choose the key file", &folder.path("backup.key"));
    app.choose("Open", "Where should it go?", &folder.path("restored.sql"));
    let held = app.processes().hold_job(len_of(&folder.path(BACKUP)));
    kill(app.processes().page());
    end(app.processes(), &held);
    assert_eq!(
        app.wait_for_words("page in this window has ended"),
        "The page in this window has ended, and its job was stopped with it; no file was kept, unless all of it had just been written. The \
         memory may have run out: close other programs. Then begin again."
    );
    assert_eq!(folder.names(), before);
    // It is not left with a blank window.
    app.accept_dialog();
    app.press("Check");
    let _ = app.wait_for(Role::Heading, "Check a backup");
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app); as root"]
fn a_page_that_dies_ends_the_program() {
    let folder = signed_backup(paint(PLAIN_LEN));
    let app = ByHand::start(&[&folder.path(BACKUP)]);
    app.open_into(&folder, &committing_program(&folder));
    let held = app.processes().hold_job(len_of(&folder.path(BACKUP)));
    kill(app.processes().page());
    end(app.processes(), &held);
    let _ = app.wait_for_words("was stopped with it; what the program has made of the backup may not be complete");
    assert_not_committed(&folder);
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app); as root"]
fn a_window_that_is_killed_leaves_no_job_and_no_file() {
    let folder = signed_backup(paint(PLAIN_LEN));
    let before = folder.names();
    let desktop = Desktop::start(&[&folder.path(BACKUP)]);
    let held = hold_open(&desktop, &folder, &folder.path(BACKUP), &folder.path("restored.sql"));
    kill(desktop.processes().window());
    end(desktop.processes(), &held);
    assert_eq!(folder.names(), before);
    drop(desktop);

    let desktop = Desktop::start(&[&folder.path(BACKUP)]);
    desktop.begin("open");
    open_into(&desktop, &folder, &committing_program(&folder));
    let held = desktop.processes().hold_job(len_of(&folder.path(BACKUP)));
    kill(desktop.processes().window());
    end(desktop.processes(), &held);
    assert_not_committed(&folder);
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app); as root"]
fn a_job_that_is_killed_is_told() {
    let folder = signed_backup(paint(PLAIN_LEN));
    let before = folder.names();
    let desktop = Desktop::start(&[&folder.path(BACKUP)]);
    let held = hold_open(&desktop, &folder, &folder.path(BACKUP), &folder.path("restored.sql"));
    kill(held.pid());
    assert_eq!(
        failure(&desktop),
        [
            "The job was killed (SIGKILL) before it had said how it went; no file was kept, unless all of it had just been written.",
            "The memory may have run out: close other programs, then try again, or use the dbseal command.",
        ]
    );
    desktop.screenshot("killed");
    assert_eq!(folder.names(), before);

    // What reads a pipe takes its end for the end of the data, and nobody is left who could kill it before.
    desktop.browser.wait_for("#again").click();
    open_into(&desktop, &folder, &format!("sh -c 'cat >{}'", folder.path("part").display()));
    let held = desktop.processes().hold_job(len_of(&folder.path(BACKUP)));
    kill(held.pid());
    assert_eq!(
        failure(&desktop),
        [
            "The job was killed (SIGKILL) before it had said how it went; what the program has made of the backup may not be complete.",
            "Do not use what the program has made; the memory may have run out: close other programs, then try again, or use the dbseal \
             command.",
        ]
    );
    assert!(len_of(&folder.path("part")) < PLAIN_LEN as u64);
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app); as root"]
fn a_disk_that_fills_is_told() {
    let (folder, disk) = (signed_backup(paint(PLAIN_LEN)), MemoryDisk::with_room(64 << 20));
    let output = disk.path("restored.sql");
    let desktop = Desktop::start(&[&folder.path(BACKUP)]);
    start_open(&desktop, &folder, &output);
    assert_eq!(
        failure(&desktop),
        [format!("Cannot write {}: no space left on device.", output.display()), "Free some space or choose another disk.".into(),]
    );
    desktop.screenshot("full");
    assert_eq!(disk.names(), [""; 0]);
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app); as root"]
fn a_disk_that_cannot_be_written_to_is_told() {
    let (folder, disk) = (signed_backup(paint(1 << 20)), MemoryDisk::with_room(64 << 20).read_only());
    let output = disk.path("restored.sql");
    let desktop = Desktop::start(&[&folder.path(BACKUP)]);
    start_open(&desktop, &folder, &output);
    assert_eq!(
        failure(&desktop),
        [
            format!("Cannot create {}: read-only file system.", output.display()),
            "See that the disk is there and may be written to, or choose another place.".into(),
        ]
    );
    desktop.screenshot("read-only");
    assert_eq!(disk.names(), [""; 0]);
}

/// A backup on a disk of its own, of which nothing is in memory.
fn backup_on_disk(folder: &Folder) -> UsbDisk {
    let mut disk = UsbDisk::with_room(PLAIN_LEN as u64 + (64 << 20));
    for name in [BACKUP, "shop.sql.age.seal"] {
        fs::copy(folder.path(name), disk.path(name)).expect("there is room");
    }
    disk.replug();
    disk
}

#[test]
#[ignore = "not run here: long tier (two minutes, behind what builds the app); as root, with a loop device"]
fn a_disk_that_is_pulled_under_the_backup_is_told() {
    let folder = signed_backup(paint(PLAIN_LEN));
    let before = folder.names();
    for task in ["open", "check"] {
        let disk = backup_on_disk(&folder);
        let backup = disk.path(BACKUP);
        let desktop = Desktop::start(&[&backup]);
        let held = match task {
            "open" => hold_open(&desktop, &folder, &backup, &folder.path("restored.sql")),
            _ => hold_check(&desktop, &backup),
        };
        disk.pull();
        held.go_on();
        assert_eq!(
            failure(&desktop),
            [
                format!("Cannot read {}: input/output error.", backup.display()),
                "See that the disk is there and whole, then choose the file again.".into(),
            ]
        );
        desktop.screenshot(&format!("pulled-{task}"));
        assert_eq!(folder.names(), before);
    }
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app); as root, with a loop device"]
fn a_disk_that_is_pulled_under_the_output_is_told() {
    let folder = signed_backup(paint(PLAIN_LEN));
    let mut disk = UsbDisk::with_room(PLAIN_LEN as u64 + (64 << 20));
    let output = disk.path("restored.sql");
    let desktop = Desktop::start(&[&folder.path(BACKUP)]);
    let held = hold_open(&desktop, &folder, &folder.path(BACKUP), &output);
    disk.pull();
    held.go_on();
    assert_eq!(
        failure(&desktop),
        [
            format!("Cannot write {}: input/output error.", output.display()),
            "See that the disk is there and may be written to, or choose another place.".into(),
        ]
    );
    desktop.screenshot("pulled-output");
    drop(desktop);
    disk.plug_in_again();
    assert_eq!(disk.names(), [""; 0], "something is on the disk that was pulled");
}

/// What is done to a backup in the middle of a job.
fn cut(backup: &Path) {
    File::options().write(true).open(backup).and_then(|file| file.set_len(held_before(len_of(backup)))).expect("it can be cut");
}

fn alter(backup: &Path) {
    File::options()
        .write(true)
        .open(backup)
        .and_then(|file| file.write_all_at(&[0; 1000], held_before(len_of(backup))))
        .expect("it can be written to");
}

const CHANGED: &str = "Somebody is writing to it: wait until they are done, then try again.";

#[test]
#[ignore = "not run here: long tier (three minutes, behind what builds the app); as root"]
fn a_backup_that_changes_meanwhile_is_told() {
    let folder = signed_backup(paint(PLAIN_LEN));
    let (backup, whole) = (folder.path(BACKUP), folder.path("whole"));
    fs::copy(&backup, &whole).expect("there is room");
    let before = folder.names();
    let changed = || [format!("{} changed while it was read.", backup.display()), CHANGED.into()];
    for change in [cut, alter] {
        fs::copy(&whole, &backup).expect("there is room");
        let desktop = Desktop::start(&[&backup]);
        let held = hold_check(&desktop, &backup);
        change(&backup);
        held.go_on();
        assert_eq!(failure(&desktop), changed());
        drop(desktop);

        fs::copy(&whole, &backup).expect("there is room");
        let desktop = Desktop::start(&[&backup]);
        let held = hold_open(&desktop, &folder, &backup, &folder.path("restored.sql"));
        change(&backup);
        held.go_on();
        assert_eq!(failure(&desktop), changed());
        assert_eq!(folder.names(), before);
    }
}
