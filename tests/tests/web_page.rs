//! The page in real browsers, from a server and from a file: it starts, its worker is ready, and nothing leaves.
#![cfg(unix)]

use std::fmt;
use std::io::Write as _;
use std::thread;
use std::time::Duration;

use dbseal_tests::browser::{Browser, HEADERS, Kind, Listener, PageServer, Policy, page, wait_for};
use dbseal_tests::tools::workspace_dir;
use serde_json::{Value, json};

/// Starts a worker as the page does, and gives the first thing that it says.
const FIRST_WORD: &str = "
    const worker = self.dbsealNewWorker();
    try {
        return await new Promise((resolve, reject) => {
            worker.onmessage = ({ data }) => resolve(data.text);
            worker.onerror = (event) => reject(new Error(event.message || 'the worker did not start'));
        });
    } finally {
        worker.terminate();
    }
";

/// Bytes that a visit may cost, and bytes of the kit, as they ship.
const MAX_SENT_LEN: usize = 1_500_000;
const MAX_KIT_LEN: usize = 3_000_000;

/// Ways in which a script can tell somebody something, at the address `url`: a name, and the script.
const WAYS: [(&str, &str); 15] = [
    ("fetch", "await fetch(url, { mode: 'no-cors' })"),
    ("beacon", "navigator.sendBeacon(url, 'x')"),
    ("request", "const request = new XMLHttpRequest(); request.open('GET', url); request.send()"),
    ("socket", "new WebSocket(url.replace('http', 'ws'))"),
    ("events", "new EventSource(url)"),
    ("picture", "add('img', { src: url })"),
    ("script", "add('script', { src: url })"),
    ("module", "await import(url)"),
    ("style", "add('link', { rel: 'stylesheet', href: url })"),
    ("frame", "add('iframe', { src: url })"),
    ("video", "add('video', { src: url, preload: 'auto' })"),
    ("object", "add('object', { data: url })"),
    ("form", "add('form', { action: url, method: 'post', target: add('iframe', { name: 'inner' }).name }).submit()"),
    ("font", "await new FontFace('told', `url(${url})`).load()"),
    ("background", "document.body.style.background = `url(${url})`"),
];

/// Around a way: waits for what comes of it, and counts the violations of the policy that the browser reports.
const TELL: &str = "
    const [way, url] = arguments;
    let refused = 0;
    document.addEventListener('securitypolicyviolation', () => refused += 1);
    const add = (name, attributes) => {
        const element = Object.assign(document.createElement(name), attributes);
        document.body.append(element);
        return element;
    };
    // Some are refused by an exception.
    try { WAY; } catch {}
    await new Promise((resolve) => setTimeout(resolve, 400));
    return refused;
";

/// The same in a worker, as a script of its own.
const TELL_IN_WORKER: &str = "
    self.onmessage = async ({ data: url }) => {
        let told = 0;
        self.addEventListener('securitypolicyviolation', () => told += 1);
        await fetch(url, { mode: 'no-cors' }).catch(() => {});
        try { new WebSocket(url.replace('http', 'ws')); } catch {}
        try { importScripts(url); } catch {}
        setTimeout(() => self.postMessage(told), 400);
    };
";

const ASK_WORKER: &str = "
    const [source, url] = arguments;
    const worker = new Worker(source.endsWith('.js') ? source : URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    worker.postMessage(url);
    return await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = () => reject(new Error('the worker did not start'));
    });
";

/// How many threads a worker says it has.
fn threads_of(first_word: &Value) -> u64 {
    let report: Value = serde_json::from_str(first_word.as_str().expect("a worker speaks text")).expect("JSON");
    assert!(report["Ready"]["backend"].is_string(), "a worker first says that it is ready: {report}");
    report["Ready"]["threads"].as_u64().expect("a count of threads")
}

fn wait_until_started(browser: &Browser) {
    let started = || browser.run("return typeof self.dbsealNewWorker === 'function'", &[]).as_bool().filter(|&started| started);
    wait_for(&format!("the page starts in {:?}; its console: {:?}", browser.kind(), browser.console()), started);
}

/// What ships is light; a quick build is not what ships.
fn assert_light(what: &str, len: usize, max_len: usize) {
    let quick = std::env::var_os("DBSEAL_QUICK").is_some();
    writeln!(std::io::stderr(), "{what}: {len} bytes{}", if quick { ", of a quick build: not judged" } else { "" }).expect("stderr");
    assert!(quick || len < max_len, "{what}: {len} bytes, and at most {max_len} were promised");
}

/// Nothing was asked of another machine.
fn assert_nothing_left(browser: &Browser) {
    let asked = browser.asked_of_others();
    assert!(asked.is_empty(), "{:?} asked others: {asked:?}", browser.kind());
}

fn hosted(kind: Kind, policy: Policy) {
    let server = PageServer::start(&page().folder, &[], policy);
    let browser = Browser::start(kind);
    browser.open(&server.url(""));
    wait_until_started(&browser);
    let isolated = browser.run("return self.crossOriginIsolated", &[]);
    assert_eq!(isolated, json!(policy == Policy::Full), "{kind:?} with {policy:?}");
    let _ = browser.wait_for("main[data-worker=ready]");
    assert_light(&format!("{kind:?} with {policy:?}"), server.sent_len(), MAX_SENT_LEN);
    let threads = threads_of(&browser.run_async(FIRST_WORD, &[]));
    let cores = browser.run("return navigator.hardwareConcurrency", &[]).as_u64().expect("a count");
    let expected = if policy == Policy::Full { cores.min(8) } else { 1 };
    assert_eq!(threads, expected, "{kind:?} with {policy:?}, on {cores} cores");

    let mut asked = server.requests();
    asked.sort();
    asked.dedup();
    let other = if policy == Policy::Full { "/single/" } else { "/threads/" };
    let own = |request: &&String| {
        let path = request.strip_prefix("GET /").unwrap_or("none");
        (path.is_empty() || page().folder.join(path).is_file()) && !request.contains(other) && !request.contains("dbseal.html")
    };
    assert!(asked.iter().all(|request| own(&request)), "{kind:?} with {policy:?} asked for more than it needs: {asked:?}");
    assert_nothing_left(&browser);
}

#[test]
fn from_a_server_it_works_with_threads_and_asks_for_its_own_files_alone() {
    Kind::MAIN.iter().for_each(|&kind| hosted(kind, Policy::Full));
}

#[test]
fn without_isolation_it_works_with_one_thread() {
    Kind::MAIN.iter().for_each(|&kind| hosted(kind, Policy::NotIsolated));
}

#[test]
fn from_a_file_it_works_with_one_thread() {
    for kind in Kind::MAIN {
        let browser = Browser::start(kind);
        browser.open_file(&page().kit);
        wait_until_started(&browser);
        assert_eq!(threads_of(&browser.run_async(FIRST_WORD, &[])), 1, "{kind:?}");
        assert_nothing_left(&browser);
    }
}

/// What the other tests count is the page's: a browser that shows nothing asks nobody. And it is counted: what a page asks is heard.
#[test]
fn a_browser_asks_nobody_by_itself() {
    for kind in Kind::MAIN {
        let browser = Browser::start(kind);
        browser.open("data:text/html,<title>blank</title>");
        // Most of what browsers ask by themselves they ask in their first seconds.
        thread::sleep(Duration::from_secs(10));
        assert_nothing_left(&browser);
        let server = PageServer::start(&page().folder, &[], Policy::Nothing);
        browser.open(&server.url("style.css"));
        browser.run("fetch('http://backup.example/told', { mode: 'no-cors' }).catch(() => {})", &[]);
        wait_for("the request is heard", || browser.asked_of_others().contains(&"GET http://backup.example/told".into()).then_some(()));
    }
}

#[test]
fn the_kit_fits_anywhere() {
    assert_light("the kit", std::fs::read(&page().kit).expect("the kit").len(), MAX_KIT_LEN);
}

#[test]
fn the_policy_bites() {
    for kind in Kind::MAIN {
        let browser = Browser::start(kind);
        let further = &[("tell.js", TELL_IN_WORKER)];
        // Without a policy the very same arrives: what is tried here can be seen here.
        let server = PageServer::start(&page().folder, further, Policy::Nothing);
        browser.open(&server.url(""));
        for told in told(&browser, &server.url("tell.js"), Policy::Nothing) {
            assert!(told.arrived(), "{kind:?}, without a policy, {told}");
        }

        let server = PageServer::start(&page().folder, further, Policy::Full);
        browser.open(&server.url(""));
        assert_silent(&told(&browser, &server.url("tell.js"), Policy::Full), &format!("{kind:?}, from a server"));

        browser.open_file(&page().kit);
        assert_silent(&told(&browser, TELL_IN_WORKER, Policy::Full), &format!("{kind:?}, from a file"));
        assert_nothing_left(&browser);
    }
}

/// What came of a way.
struct Told {
    way: &'static str,
    /// The first line of each connection that arrived.
    heard: Vec<String>,
    /// Violations of the policy that the browser reported.
    refused: u64,
}

impl Told {
    /// Whether anything was said.
    fn arrived(&self) -> bool {
        self.heard.iter().any(|line| !line.is_empty())
    }
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {:?} arrived, {} refused", self.way, self.heard, self.refused)
    }
}

/// Tries every way, and those of a worker; without a policy, waits for each to arrive.
fn told(browser: &Browser, worker: &str, policy: Policy) -> Vec<Told> {
    let address = |listener: &Listener| json!(format!("http://{}/told", listener.address()));
    let result = |way, listener: &Listener, refused: &Value| {
        let told = || Told { way, heard: listener.heard(), refused: refused.as_u64().expect("a count") };
        match policy {
            // However late a busy machine gets to it.
            Policy::Nothing => wait_for(&format!("{way} arrives"), || Some(told()).filter(Told::arrived)),
            _ => told(),
        }
    };
    let in_page = WAYS.iter().map(|(way, script)| {
        let listener = Listener::deaf();
        let refused = browser.run_async(&TELL.replace("WAY", script), &[json!(way), address(&listener)]);
        result(*way, &listener, &refused)
    });
    let mut all: Vec<_> = in_page.collect();
    let listener = Listener::deaf();
    let refused = browser.run_async(ASK_WORKER, &[json!(worker), address(&listener)]);
    all.push(result("worker", &listener, &refused));
    all
}

fn assert_silent(all: &[Told], place: &str) {
    for told in all {
        // Chromium connects to where a frame or a form goes before it asks the policy, and then says nothing.
        let connects = ["frame", "form"].contains(&told.way) && !told.arrived();
        assert!(told.heard.is_empty() || connects, "{place}, {told}");
        assert!(told.refused > 0, "{place}, {told}");
    }
}

#[test]
fn the_readme_asks_servers_for_the_headers_that_are_tested() {
    let readme = std::fs::read_to_string(workspace_dir().join("README.md")).expect("the readme");
    for (name, value) in HEADERS {
        for line in [format!("add_header {name} \"{value}\" always;"), format!("{name} \"{value}\"\n")] {
            assert!(readme.contains(&line), "the readme lacks {line}");
        }
    }
}
