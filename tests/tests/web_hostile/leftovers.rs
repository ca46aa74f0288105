//! Plaintext in the browser's storage: it stays while it is offered, whatever other tabs do, and goes after that.

use std::fs;
use std::thread;
use std::time::Duration;

use dbseal_tests::browser::{Browser, NO_PICK, Visit, wait_for};
use dbseal_tests::cli::{Folder, seals};

use super::{backup_of, begin_to_open, each_from_server, stored};

const PLAIN_LEN: usize = (5 << 20) + 17;
/// A minute passes in five seconds, in which a download begins also on a machine that does other things too.
const FASTER: &str = "
    const wait = self.setTimeout.bind(self);
    self.setTimeout = (then, milliseconds, ...rest) => wait(then, milliseconds >= 10_000 ? milliseconds / 12 : milliseconds, ...rest);
";
/// What somebody who was there before has left.
const PLANT: &str = "
    const folder = await navigator.storage.getDirectory();
    for (const name of ['dbseal-output-1', 'dbseal-output-2-0.5', 'another'])
        await (await (await folder.getFileHandle(name, { create: true })).createWritable()).close();
";

/// Opens it, so that it is offered.
fn open(visit: &Visit, folder: &Folder, script: &str) {
    begin_to_open(visit, folder, "shop.age", &format!("{NO_PICK} {script}"));
    assert_eq!(visit.answer("data-answer"), "opened", "{}: {}", visit.name(), visit.browser.text());
    let files = outputs(&visit.browser);
    assert!(files.len() == 1 && files[0].ends_with(&format!(" {PLAIN_LEN}")), "{}: {files:?}", visit.name());
}

fn outputs(browser: &Browser) -> Vec<String> {
    stored(browser).into_iter().filter(|file| file.starts_with("dbseal-output-")).collect()
}

#[track_caller]
fn assert_goes(visit: &Visit, when: &str) {
    wait_for(&format!("{}: it goes {when}", visit.name()), || outputs(&visit.browser).is_empty().then_some(()));
}

fn save(visit: &Visit, folder: &Folder) {
    visit.browser.wait_for("#save-output").click();
    wait_until_saved(visit, folder);
}

fn wait_until_saved(visit: &Visit, folder: &Folder) {
    let saved = || visit.browser.downloaded().filter(|path| fs::read(path).is_ok_and(|bytes| bytes == folder.read("plain")));
    let saved = wait_for(&format!("{}: it is saved", visit.name()), saved);
    fs::remove_file(saved).expect("removed");
}

#[test]
fn it_goes_with_its_screen_and_not_before_it_is_saved() {
    let folder = backup_of(PLAIN_LEN);
    each_from_server(|visit| {
        open(visit, &folder, "");
        visit.browser.find("#back").expect("a way back").click();
        assert_goes(visit, "when nobody wants it");

        open(visit, &folder, "");
        visit.browser.find("#open-another").expect("a button").click();
        assert_goes(visit, "for another");

        // Whoever leaves as soon as it is being saved gets all of it.
        open(visit, &folder, FASTER);
        visit.browser.wait_for("#save-output").click();
        visit.browser.find("#back").expect("a way back").click();
        wait_until_saved(visit, &folder);
        assert_goes(visit, "when it was saved");

        open(visit, &folder, "");
        visit.open_beside_page();
        assert_goes(visit, "with its page");
        // Also where the browser would bring back the page as it was.
        visit.browser.run("history.back()", &[]);
        let _ = visit.browser.wait_for("#task-open");
    });
}

#[test]
fn what_another_tab_offers_stays() {
    let folder = backup_of(PLAIN_LEN);
    each_from_server(|visit| {
        open(visit, &folder, "");
        visit.browser.open_tab();
        // It looks for what is left over when it starts, and when it looks for room.
        begin_to_open(visit, &folder, "shop.age", NO_PICK);
        thread::sleep(Duration::from_millis(500));
        assert_eq!(outputs(&visit.browser).len(), 1, "{}", visit.name());
        assert_eq!(visit.answer("data-answer"), "opened", "{}: {}", visit.name(), visit.browser.text());
        assert_eq!(outputs(&visit.browser).len(), 2, "{}", visit.name());
        visit.browser.switch_tab(0);
        save(visit, &folder);
        visit.browser.close_tab();
        save(visit, &folder);
        // Firefox does not remove what a tab had that is closed.
        visit.open_page();
        assert_goes(visit, "when the page starts again");
    });
}

/// Who pastes a private key where those belong whom they trust has not asked for that to be remembered; nor has who takes a key back.
#[test]
fn a_private_key_is_not_remembered() {
    let folder = seals::folder();
    let (trust, secret) = (folder.read_text("trust"), folder.read_text("backup.key"));
    each_from_server(|visit| {
        let remembered = || visit.browser.run("return localStorage.getItem('dbseal-trust')", &[]);
        visit.begin("check", "");
        visit.browser.wait_for("#remember-trust").click();
        let area = visit.browser.wait_for("#trust");
        let write = |lines: &str| {
            area.clear();
            area.type_in(lines.trim());
            // Another field, as whoever goes on chooses it.
            visit.browser.run("document.getElementById('trust').blur();", &[]);
        };
        let commented = format!("{}  # {}", trust.trim(), secret.lines().last().expect("a key"));
        let taken_back = format!("# {}", trust.trim());
        for lines in [&secret, &commented, &taken_back] {
            write(&trust);
            assert_eq!(remembered().as_str(), Some(trust.trim()), "{}", visit.name());
            write(lines);
            assert!(remembered().is_null(), "{}: {}", visit.name(), remembered());
        }
    });
}

#[test]
fn what_is_left_over_goes_when_the_page_starts() {
    each_from_server(|visit| {
        visit.open_beside_page();
        visit.browser.run_async(PLANT, &[]);
        assert_eq!(outputs(&visit.browser).len(), 2, "{}", visit.name());
        visit.open_page();
        assert_goes(visit, "when the page starts");
        assert_eq!(stored(&visit.browser), ["another 0"], "{}: what is not the page's own stays", visit.name());
    });
}
