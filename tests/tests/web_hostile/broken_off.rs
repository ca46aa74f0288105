//! Work that ends before its end: the tab is closed, the worker dies, or does not understand.

use dbseal_tests::browser::{Kind, NO_PICK, PICK, Visit, wait_for};
use dbseal_tests::cli::Folder;
use serde_json::{Value, json};

use super::{
    KEEP_WORKERS, assert_nothing_left, backup_of, begin_to_open, each_from_server, failure, long_backups, longest, start_and_strike,
    start_and_wait_until_it_runs, texts, told,
};

/// A job that runs can be stopped, and nobody says yet that it is silent.
const NOT_SILENT: &str = "
    if (!document.getElementById('stop').textContent) throw new Error('it cannot be stopped');
    if (document.getElementById('silence')?.offsetHeight > 0) throw new Error('it is said to be silent');
";
/// The job's worker is ended, as by a browser that needs its memory: nobody is told.
const END_WORKER: &str = "self.workers.at(-1).terminate();";
/// Half a minute passes at once.
const LATER: &str = "const now = Date.now; Date.now = () => now() + 30_000;";
/// The job's worker stops at an error, as at the end of its memory.
const BREAK_WORKER: &str = "self.workers.at(-1).dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }));";
/// There is no worker: the browser refuses to run what is no script.
const NO_WORKER: &str = "self.dbsealNewWorker = () => new Worker('style.css');";
/// Requests of a page that is of another version than its worker.
const OTHER_REQUEST: &str = "
    const make = self.dbsealNewWorker;
    self.dbsealNewWorker = () => {
        const worker = make();
        const post = worker.postMessage.bind(worker);
        worker.postMessage = (message, transferred) => post({ ...message, request: '{\"Dance\":{}}' }, transferred);
        return worker;
    };
";
/// A worker that speaks of what no page knows.
const OTHER_REPORT: &str = "self.workers.at(-1).dispatchEvent(new MessageEvent('message', { data: { text: '{\"Danced\":{}}' } }));";
/// Gives a file that is gone when it is to be written.
const PICK_GONE: &str = "
    self.showSaveFilePicker = async () => {
        const folder = await navigator.storage.getDirectory();
        const handle = await (await folder.getDirectoryHandle('gone', { create: true })).getFileHandle('picked', { create: true });
        await folder.removeEntry('gone', { recursive: true });
        return handle;
    };
";
/// Asks a worker to write where the browser lets nobody write; gives all that it says.
const ASK_FOR_NO_NAME: &str = "
    const [request, identity] = arguments;
    const worker = self.dbsealNewWorker();
    const said = [];
    await new Promise((resolve) => {
        worker.onmessage = ({ data }) => {
            said.push(data.text);
            if (said.length > 1) return resolve();
            const backup = new File(['x'], 'shop.age');
            worker.postMessage({ request: JSON.stringify(request), backup, secret: new TextEncoder().encode(identity) });
        };
    });
    worker.terminate();
    return said;
";

#[test]
fn a_tab_that_is_closed_half_way() {
    let folder = long_backups();
    each_from_server(|visit| {
        let picks: &[&str] = if visit.browser.kind() == Kind::Chromium { &[NO_PICK, PICK] } else { &[NO_PICK] };
        visit.open_beside_page();
        for pick in picks {
            visit.browser.open_tab();
            begin_to_open(visit, &folder, "b/long.age", pick);
            start_and_wait_until_it_runs(visit);
            visit.browser.close_tab();
            visit.open_page();
            let _ = visit.browser.wait_for("#task-open");
            assert_nothing_left(visit);
        }
    });
}

#[test]
fn a_worker_that_dies_half_way() {
    let folder = long_backups();
    Visit::each(|visit| {
        let script = format!("{NO_PICK} {KEEP_WORKERS}");
        let begin = || {
            // The first worker is there before it can be kept: a job that fails has another made.
            visit.begin("check", &script);
            begin_again(visit, &folder);
        };
        begin();
        start_and_strike(visit, &format!("{NOT_SILENT} {END_WORKER} {LATER}"));
        let silence = visit.browser.wait_for("#silence").text();
        assert!(silence.contains("stop and try again"), "{}: {silence}", visit.name());
        visit.browser.wait_for("#stop").click();
        let notice = visit.browser.wait_for("#notice").text();
        assert!(notice.contains("Nothing was kept"), "{}: {notice}", visit.name());
        if visit.has_storage() {
            assert_nothing_left(visit);
        }

        begin();
        start_and_strike(visit, BREAK_WORKER);
        let said = told(visit);
        assert!(said.contains("broke off") && said.contains("ut of memory"), "{}: {said}", visit.name());
        if visit.has_storage() {
            assert_nothing_left(visit);
        }

        begin();
        start_and_strike(visit, OTHER_REPORT);
        let said = told(visit);
        assert!(said.contains("do not understand each other"), "{}: {said}", visit.name());
    });
}

/// Another job can follow at once, and knows nothing of what was read for the one that was stopped.
#[test]
fn a_job_that_is_stopped_and_another_at_once() {
    let folder = long_backups();
    let trust = folder.read_text("trust");
    Visit::each(|visit| {
        visit.begin("check", "");
        visit.browser.wait_for("#trust").type_in(trust.trim());
        let choose = |name: &str| {
            visit.choose("#backup-file", &folder.path(name));
            visit.choose("#seal-file", &folder.path(&format!("{name}.seal")));
        };
        for _ in 0..3 {
            choose("b/long.age");
            start_and_strike(visit, "document.getElementById('stop').click();");
            choose("b/short.age");
            assert_eq!(visit.answer("data-integrity"), "intact", "{}", visit.name());
            visit.browser.find("#check-another").expect("a way on").click();
        }
    });
}

/// Begins to open the longest backup on the page as it is, with a worker that is kept.
fn begin_again(visit: &Visit, folder: &Folder) {
    let browser = &visit.browser;
    // Nothing was started on this page; what is not an age file ends the worker that was there before.
    visit.choose("#backup-file", &folder.path("backup.pub"));
    browser.find("#back").expect("a way back").click();
    browser.wait_for("#task-inspect").click();
    let _ = failure(visit);
    browser.find("#back").expect("a way back").click();
    browser.wait_for("#task-open").click();
    visit.choose("#backup-file", &folder.path(longest(visit)));
    visit.choose("#identity-file", &folder.path("backup.key"));
    wait_for("where the output goes", || browser.find("#output-note").and_then(|note| note.attribute("data-output")));
}

#[test]
fn page_and_worker_that_do_not_understand_each_other() {
    let folder = backup_of(1000);
    Visit::each(|visit| {
        for (script, words) in [(OTHER_REQUEST, "this version does not know"), (NO_WORKER, "could not start")] {
            visit.begin("inspect", script);
            // The first worker was made before.
            visit.choose("#backup-file", &folder.path("shop.age"));
            assert_eq!(visit.answer("data-answer"), "inspected", "{}", visit.name());
            visit.browser.find("#back").expect("a way back").click();
            visit.browser.wait_for("#task-inspect").click();
            let said = failure(visit);
            assert!(said.contains(words), "{}: {said}", visit.name());
        }
    });
}

#[test]
fn an_output_that_the_browser_refuses() {
    let folder = backup_of(1000);
    let identity = folder.read_text("backup.key");
    each_from_server(|visit| {
        if visit.browser.kind() == Kind::Chromium {
            begin_to_open(visit, &folder, "shop.age", PICK_GONE);
            let said = failure(visit);
            assert!(said.contains("did not let the output be written"), "{}: {said}", visit.name());
            assert_nothing_left(visit);
        }
        visit.open_page();
        let _ = visit.browser.wait_for("#task-open");
        let request = json!({ "Open": {
            "key": "Identity", "part": "Whole", "trust": "", "seal": "Trusted", "output": { "Storage": "no/name" },
        } });
        let said = visit.browser.run_async(ASK_FOR_NO_NAME, &[request, Value::String(identity.clone())]);
        let said = texts(&said);
        assert!(said[1].contains("did not let the output be written"), "{}: {said:?}", visit.name());
    });
}
