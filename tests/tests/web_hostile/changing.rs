//! A backup that shrinks, is rewritten or vanishes while it is read.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;

use dbseal_tests::browser::{NO_PICK, Visit, wait_for};
use dbseal_tests::cli::Folder;

use super::{begin_to_open, long_backups, longest, start_and_wait_until_it_runs, stored};

/// Bytes at the end that are changed: far behind what was read when it is.
const TAIL_LEN: usize = 1 << 20;

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Shrinks,
    IsRewritten,
    Vanishes,
}

#[test]
fn a_backup_that_shrinks_while_it_is_opened() {
    let folder = long_backups();
    Visit::each(|visit| change_while_open(visit, &folder, Change::Shrinks));
}

#[test]
#[ignore = "not run here: long tier (3 minutes)"]
fn a_backup_that_changes_while_it_is_read() {
    let folder = long_backups();
    Visit::each(|visit| {
        for change in [Change::Shrinks, Change::IsRewritten, Change::Vanishes] {
            change_while_open(visit, &folder, change);
            change_while_checked(visit, &folder, change);
        }
    });
}

fn change_while_open(visit: &Visit, folder: &Folder, change: Change) {
    let place = format!("a backup that {change:?} in {}", visit.name());
    begin_to_open(visit, folder, longest(visit), NO_PICK);
    start_and_wait_until_it_runs(visit);
    let changed = Changed::new(folder, longest(visit), change);
    let answer = wait_for(&place, || visit.browser.find("#answer")).attribute("data-answer");
    changed.restore();
    if answer.as_deref() == Some("opened") {
        // A browser that holds the file open reads it to its end, and what it reads is authentic.
        assert_eq!(change, Change::Vanishes, "{place} was opened");
        let len = fs::metadata(folder.path(longest(visit))).expect("it is back").len();
        let written =
            visit.browser.find("#answer").and_then(|answer| answer.attribute("data-written")).and_then(|len| len.parse::<u64>().ok());
        assert!(written.is_some_and(|written| written > len / 100 * 99), "{place}: {written:?}");
        return;
    }
    let said = super::told(visit);
    assert!(said.contains("cannot be read") || said.contains("chunk"), "{place}: {said}");
    wait_for(&format!("{place}: nothing is left: {:?}", stored(&visit.browser)), || stored(&visit.browser).is_empty().then_some(()));
}

fn change_while_checked(visit: &Visit, folder: &Folder, change: Change) {
    let place = format!("a backup that {change:?} in {}", visit.name());
    visit.begin("check", "");
    visit.choose("#backup-file", &folder.path("b/long.age"));
    visit.choose("#seal-file", &folder.path("b/long.age.seal"));
    visit.browser.wait_for("#trust").type_in(folder.read_text("trust").trim());
    start_and_wait_until_it_runs(visit);
    let changed = Changed::new(folder, "b/long.age", change);
    let answer = wait_for(&place, || visit.browser.find("#answer"));
    changed.restore();
    match (answer.attribute("data-answer").as_deref(), answer.attribute("data-integrity").as_deref()) {
        (Some("failed"), _) => assert!(super::told(visit).contains("cannot be read"), "{place}"),
        (_, Some("damaged")) => assert_eq!(change, Change::IsRewritten, "{place}"),
        (_, integrity) => assert_eq!((change, integrity), (Change::Vanishes, Some("intact")), "{place}"),
    }
}

/// A file that was changed, and what makes it as it was.
struct Changed {
    path: std::path::PathBuf,
    tail: Vec<u8>,
    change: Change,
}

impl Changed {
    fn new(folder: &Folder, name: &str, change: Change) -> Self {
        let path = folder.path(name);
        let file = OpenOptions::new().read(true).write(true).open(&path).expect("it is there");
        let at = file.metadata().expect("it has a length").len() - TAIL_LEN as u64;
        let mut tail = vec![0; TAIL_LEN];
        file.read_exact_at(&mut tail, at).expect("it is read");
        match change {
            Change::Shrinks => file.set_len(at).expect("shorter"),
            Change::IsRewritten => file.write_all_at(&vec![7; TAIL_LEN], at).expect("written"),
            Change::Vanishes => fs::rename(&path, path.with_extension("gone")).expect("renamed"),
        }
        Self { path, tail, change }
    }

    fn restore(self) {
        match self.change {
            Change::Vanishes => fs::rename(self.path.with_extension("gone"), self.path).expect("renamed"),
            Change::Shrinks | Change::IsRewritten => {
                let file = OpenOptions::new().write(true).open(&self.path).expect("it is there");
                let len = file.metadata().expect("it has a length").len();
                let at = if self.change == Change::Shrinks { len } else { len - TAIL_LEN as u64 };
                file.write_all_at(&self.tail, at).expect("written");
            }
        }
    }
}
