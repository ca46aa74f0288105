//! What attackers and accidents bring to the page, in real browsers, from a server and from a file: each ends in a sentence with a next
//! step, and nothing is left that looks whole.
#![cfg(unix)]

mod bad_files;
mod broken_off;
mod changing;
mod full_disk;
mod huge;
mod leftovers;
mod names;
mod passphrase;

use std::fs::File;

use dbseal_tests::browser::{Browser, Kind, Origin, Visit, wait_for};
use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::inputs::paint;
use serde_json::Value;

/// All that lies in the browser's storage: names and lengths.
const STORED: &str = "
    const files = [];
    try {
        for await (const [name, handle] of (await navigator.storage.getDirectory()).entries())
            // One that goes in this very moment is gone.
            await handle.getFile().then(({ size }) => files.push(`${name} ${size}`), () => {});
    } catch (error) {
        // A page from a file may have no storage.
        if (location.protocol !== 'file:') throw error;
    }
    return files;
";
/// Keeps the workers that the page makes from then on in `self.workers`; to be run before the worker of the job is made.
const KEEP_WORKERS: &str = "
    self.workers = [];
    const make = self.dbsealNewWorker;
    self.dbsealNewWorker = () => {
        const worker = make();
        self.workers.push(worker);
        return worker;
    };
";

/// Presses the button that starts, and goes on at the very change of the page that says that something was read: before anything else that
/// the worker says is heard, however fast it is.
const UNTIL_IT_RUNS: &str = "
    const runs = new Promise((resolve, reject) => {
        const observer = new MutationObserver(() => {
            if (document.getElementById('percent')?.textContent) resolve();
            else if (document.getElementById('answer')) reject(new Error('it ended before anything could go wrong'));
            else return;
            observer.disconnect();
        });
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    document.getElementById('start').click();
    await runs;
";

/// What lies in the browser's storage.
fn stored(browser: &Browser) -> Vec<String> {
    let files = browser.run_async(STORED, &[]);
    files.as_array().into_iter().flatten().filter_map(|file| file.as_str().map(Into::into)).collect()
}

/// Presses the button that starts, and waits for what went wrong, in the form or in place of it: what happened, and what to do next.
#[track_caller]
fn failure(visit: &Visit) -> String {
    visit.browser.wait_for("#start").click();
    told(visit)
}

/// Waits for what went wrong.
#[track_caller]
fn told(visit: &Visit) -> String {
    let text = |id: &str| visit.browser.wait_for(id).text();
    let (what, next) = (text("#failure-what"), text("#failure-next"));
    assert!(what.ends_with('.') && next.ends_with('.') && next.len() > 10, "{}: {what} {next}", visit.name());
    assert!(visit.browser.find("#save-output").is_none(), "{}: a failed job offers a file", visit.name());
    format!("{what} {next}")
}

/// Nothing lies in the browser's storage but an empty file that was picked, and nothing was downloaded.
#[track_caller]
fn assert_nothing_left(visit: &Visit) {
    let left = || stored(&visit.browser).into_iter().filter(|file| file != "picked 0").collect::<Vec<_>>();
    wait_for(&format!("{}: nothing is left of {:?}", visit.name(), left()), || left().is_empty().then_some(()));
    assert_eq!(visit.browser.downloaded(), None, "{}", visit.name());
}

/// A folder with a key, so many bytes as `plain`, and their backup `shop.age`.
fn backup_of(plain_len: usize) -> Folder {
    let folder = Folder::with_key();
    folder.write("plain", paint(plain_len));
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age", "plain"]).run().succeeds();
    folder
}

/// A folder of backups of zeros: to read the long one takes a second at least, and the short one fits into the memory of a page.
fn long_backups() -> Folder {
    let folder = seals::folder();
    for (name, len) in [("long", 1 << 30), ("short", 250 << 20)] {
        File::create(folder.path("plain")).and_then(|file| file.set_len(len)).expect("a hole");
        seals::encrypt(&folder, &["-o", &format!("b/{name}.age"), "plain"]).run().succeeds();
    }
    folder
}

/// The longest of them that can be opened there.
fn longest(visit: &Visit) -> &'static str {
    if visit.has_storage() { "b/long.age" } else { "b/short.age" }
}

/// Begins to open a backup with the folder's key; the form is complete then.
fn begin_to_open(visit: &Visit, folder: &Folder, backup: &str, script: &str) {
    visit.begin("open", script);
    visit.choose("#backup-file", &folder.path(backup));
    visit.choose("#identity-file", &folder.path("backup.key"));
    wait_for("where the output goes", || visit.browser.find("#output-note").and_then(|note| note.attribute("data-output")));
}

/// Presses the button, and waits until some of the file was read.
fn start_and_wait_until_it_runs(visit: &Visit) {
    start_and_strike(visit, "");
}

/// Presses the button, and runs a script as soon as some of the file was read: in the page, where nothing comes in between.
fn start_and_strike(visit: &Visit, strike: &str) {
    let _ = visit.browser.wait_for("#start");
    visit.browser.run_async(&format!("{UNTIL_IT_RUNS} {strike}"), &[]);
}

/// Visits from a server alone, where each browser has storage.
fn each_from_server(tasks: impl Fn(&Visit)) {
    for kind in Kind::MAIN {
        let visit = Visit::start(Browser::start(kind), Origin::Server);
        tasks(&visit);
        visit.end();
    }
}

/// A list of texts.
fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
