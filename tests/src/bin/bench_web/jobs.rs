//! What is measured, and the servers that hand it to the browsers.

use std::fs;
use std::os::unix::fs::symlink;

use dbseal_tests::browser::{Browser, Kind, PICK, PageServer, Policy, page};
use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::{npm_dir, workspace_dir};
use dbseal_web_build::{Care, Form, Variant, compile, write_glue};
use serde_json::{Value, json};

/// What is measured of a job.
pub(crate) enum Unit {
    /// How fast it is, over all bytes.
    Speed,
    /// How long it takes, whatever there is to be done.
    Seconds,
}

/// A job.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    /// What is in its time.
    pub(crate) includes: &'static str,
    pub(crate) unit: Unit,
    /// Does it, and gives the seconds it took.
    pub(crate) measure: fn(&Bench, &Browser) -> f64,
}

/// All of them, peers first.
pub(crate) const JOBS: [Job; 20] = [
    Job {
        name: "typage",
        includes: "decrypting an age file, from memory to memory, on the page's thread",
        unit: Unit::Speed,
        measure: |bench, browser| bench.peer(browser, "b/sealed.age", "typage", json!(bench.identity())),
    },
    Job {
        name: "libsodium.js",
        includes: "ChaCha20-Poly1305 of chunks of 64 KiB, from memory to memory, on the page's thread",
        unit: Unit::Speed,
        measure: |bench, browser| bench.peer(browser, "plain", "libsodium", Value::Null),
    },
    Job {
        name: "WebCrypto, chunks",
        includes: "AES-256-GCM of chunks of 64 KiB, 16 at a time, from memory to memory; native code, on the browser's threads",
        unit: Unit::Speed,
        measure: |bench, browser| bench.peer(browser, "plain", "webCrypto", json!(65536)),
    },
    Job {
        name: "WebCrypto, one piece",
        includes: "AES-256-GCM of all bytes as one piece, from memory to memory; native code, nothing comes out before the end",
        unit: Unit::Speed,
        measure: |bench, browser| bench.peer(browser, "plain", "webCrypto", Value::Null),
    },
    Job {
        name: "decrypting alone, 1 thread",
        includes: "opening the payload of an age file where it lies in memory, in WASM, in a worker",
        unit: Unit::Speed,
        measure: |bench, browser| bench.alone(browser, Variant::Single, "SealedMemory"),
    },
    Job {
        name: "decrypting alone, threads",
        includes: "the same with as many threads as the page has",
        unit: Unit::Speed,
        measure: |bench, browser| bench.alone(browser, Variant::Threads, "SealedMemory"),
    },
    Job {
        name: "Open, 1 thread",
        includes: "from Start to the answer: reading the file, opening it, writing the output, making it a file",
        unit: Unit::Speed,
        measure: |bench, browser| bench.open(browser, &bench.single, Seal::Without),
    },
    Job {
        name: "Open, threads",
        includes: "the same in an isolated page",
        unit: Unit::Speed,
        measure: |bench, browser| bench.open(browser, &bench.isolated, Seal::Without),
    },
    Job {
        name: "Open without output, 1 thread",
        includes: "the same with the browser's own function for writing replaced by one that does nothing",
        unit: Unit::Speed,
        measure: |bench, browser| bench.open(browser, &bench.single_mute, Seal::Without),
    },
    Job {
        name: "Open without output, threads",
        includes: "the same in an isolated page",
        unit: Unit::Speed,
        measure: |bench, browser| bench.open(browser, &bench.isolated_mute, Seal::Without),
    },
    Job {
        name: "Open against its seal, threads",
        includes: "as `Open, threads`, and each group of the file compared with its seal in the same pass",
        unit: Unit::Speed,
        measure: |bench, browser| bench.open(browser, &bench.isolated, Seal::With),
    },
    Job {
        name: "Check, 1 thread",
        includes: "from Start to the answer: reading the file, hashing it, comparing it with its seal",
        unit: Unit::Speed,
        measure: |bench, browser| bench.check(browser, &bench.single),
    },
    Job {
        name: "Check, threads",
        includes: "the same in an isolated page",
        unit: Unit::Speed,
        measure: |bench, browser| bench.check(browser, &bench.isolated),
    },
    Job {
        name: "BLAKE3 alone, 1 thread",
        includes: "hashing memory in WASM, in a worker",
        unit: Unit::Speed,
        measure: |bench, browser| bench.alone(browser, Variant::Single, "HashedMemory"),
    },
    Job {
        name: "BLAKE3 alone, threads",
        includes: "the same with as many threads as the page has",
        unit: Unit::Speed,
        measure: |bench, browser| bench.alone(browser, Variant::Threads, "HashedMemory"),
    },
    Job {
        name: "reading alone, slices",
        includes: "slices of the file to memory of JavaScript, in a worker",
        unit: Unit::Speed,
        measure: |bench, browser| bench.read(browser, "slices"),
    },
    Job {
        name: "reading alone, a stream",
        includes: "the file as one stream into one buffer, in a worker; the page reads so too, on its own thread and ahead of the work",
        unit: Unit::Speed,
        measure: |bench, browser| bench.read(browser, "stream"),
    },
    Job {
        name: "ready, 1 thread",
        includes: "from the begin of loading until the worker takes a job, at most: the driver's call is in it",
        unit: Unit::Seconds,
        measure: |bench, browser| {
            browser.open(&bench.single.url(""));
            seconds_to_ready(browser)
        },
    },
    Job {
        name: "ready, threads",
        includes: "the same in an isolated page",
        unit: Unit::Seconds,
        measure: |bench, browser| {
            browser.open(&bench.isolated.url(""));
            seconds_to_ready(browser)
        },
    },
    Job {
        name: "ready, kit",
        includes: "the same, opened from a file",
        unit: Unit::Seconds,
        measure: |_, browser| {
            browser.open_file(&page().kit);
            seconds_to_ready(browser)
        },
    },
];

/// Whether a backup is opened with its seal beside it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seal {
    With,
    Without,
}

/// Files to work on, and servers.
pub(crate) struct Bench {
    folder: Folder,
    len: u64,
    /// The page, as it should be handed out, and as it is without threads.
    isolated: PageServer,
    single: PageServer,
    /// The same two, where a worker's output goes nowhere.
    isolated_mute: PageServer,
    single_mute: PageServer,
    /// Packages of others.
    peers: PageServer,
    /// Parts of a job.
    parts: PageServer,
}

/// In front of the worker's own script: all of a job happens but for the browser's writing.
const MUTE: &str = "
    FileSystemWritableFileStream.prototype.write = async () => undefined;
    FileSystemSyncAccessHandle.prototype.write = (bytes) => bytes.byteLength;
";

/// Which file of a package is meant where its name is imported, as a bundler would find it.
fn import_map() -> Value {
    let scope = "/npm/@noble/post-quantum/";
    json!({
        "imports": {
            "age-encryption": "/npm/age-encryption/dist/index.js",
            "@noble/": "/npm/@noble/",
            "@scure/base": "/npm/@scure/base/index.js",
            "libsodium-wrappers": "/npm/libsodium-wrappers/dist/modules-esm/libsodium-wrappers.mjs",
            "libsodium": "/npm/libsodium/dist/modules-esm/libsodium.mjs",
        },
        // It depends on older ones than the others.
        "scopes": { scope: {
            "@noble/curves/": format!("{scope}node_modules/@noble/curves/"),
            "@noble/hashes/": format!("{scope}node_modules/@noble/hashes/"),
        } },
    })
}

const EMPTY_PAGE: &str =
    "<!doctype html><meta charset=\"utf-8\"><title>bench</title><link rel=\"icon\" href=\"data:,\"><input type=\"file\" id=\"file\">";

/// Leaves nothing in the browser's storage: pages of all ports share the room that Firefox gives.
const EMPTY_STORAGE: &str = "
    const folder = await navigator.storage.getDirectory();
    for await (const name of folder.keys()) await folder.removeEntry(name);
";

/// Seconds from a click on Start to the answer.
const START_TO_ANSWER: &str = "
    const there = () => document.querySelector('#answer, #failure-what');
    const start = performance.now();
    document.querySelector('#start').click();
    await new Promise((resolve) => {
        const look = () => { if (there()) resolve(); };
        new MutationObserver(look).observe(document, { childList: true, subtree: true });
        // What is missing is said at once.
        look();
    });
    const took = performance.now() - start;
    if (there().id !== 'answer') throw new Error(there().innerText);
    return took / 1000;
";

/// Seconds from the begin of loading until the worker is ready.
const READY: &str = "
    const main = document.querySelector('main');
    const ready = () => main.dataset.worker === 'ready';
    if (!ready()) await new Promise((resolve) => {
        new MutationObserver(() => { if (ready()) resolve(); }).observe(main, { attributes: true });
    });
    return performance.now() / 1000;
";

const ASK_WORKER: &str = "
    const [script, message] = arguments;
    const worker = new Worker(script, { type: 'module' });
    worker.postMessage([document.querySelector('#file').files[0], message]);
    return await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message || 'the worker did not start'));
    });
";

impl Bench {
    /// Builds the page and what it is measured beside, and makes a backup of so many MiB.
    ///
    /// # Panics
    /// If anything of it fails.
    pub(crate) fn prepare(mib: u64) -> Self {
        let folder = seals::folder();
        let len = mib << 20;
        folder.write("plain", paint(usize::try_from(len).expect("a length that fits the memory")));
        seals::encrypt(&folder, &["-o", "b/sealed.age", "plain"]).run().succeeds();

        fs::create_dir(folder.path("site")).expect("a folder");
        symlink(npm_dir("libsodium-wrappers").join("node_modules"), folder.path("site/npm")).expect("a link");
        for variant in Variant::ALL {
            compile("dbseal-tests-wasm", variant, Care::Shipped, &workspace_dir().join("target/wasm-bench"))
                .and_then(|wasm| write_glue(&wasm, Form::Module, &folder.path("site").join(variant.folder())))
                .unwrap_or_else(|error| panic!("{error}"));
        }

        let app = &page().folder;
        let worker = fs::read_to_string(app.join("worker.js")).expect("the page has a worker");
        let mute = format!("{MUTE}{worker}");
        let peers =
            format!("{EMPTY_PAGE}<script type=\"importmap\">{}</script><script type=\"module\" src=\"peers.js\"></script>", import_map());
        Self {
            isolated: PageServer::start(app, &[], Policy::Full),
            single: PageServer::start(app, &[], Policy::NotIsolated),
            isolated_mute: PageServer::start(app, &[("worker.js", &mute)], Policy::Full),
            single_mute: PageServer::start(app, &[("worker.js", &mute)], Policy::NotIsolated),
            peers: PageServer::start(
                &folder.path("site"),
                &[("index.html", &peers), ("peers.js", include_str!("peers.js"))],
                Policy::Nothing,
            ),
            parts: PageServer::start(
                &folder.path("site"),
                &[("index.html", EMPTY_PAGE), ("alone.js", include_str!("alone.js")), ("read.js", include_str!("read.js"))],
                Policy::Full,
            ),
            folder,
            len,
        }
    }

    /// Bytes that were backed up.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    fn identity(&self) -> String {
        self.folder.read_text("backup.key").lines().last().expect("a key").to_owned()
    }

    fn peer(&self, browser: &Browser, file: &str, name: &str, argument: Value) -> f64 {
        browser.open(&self.peers.url(""));
        browser.wait_for("#file").choose(&[&self.folder.path(file)]);
        self.seconds(&browser.run_async("return await self.peers[arguments[0]](arguments[1] ?? undefined)", &[json!(name), argument]))
    }

    /// `memory` is the name of a type of `dbseal_tests_wasm`.
    fn alone(&self, browser: &Browser, variant: Variant, memory: &str) -> f64 {
        browser.open(&self.parts.url(""));
        let message = json!({ "variant": variant.folder(), "memory": memory, "length": self.len });
        self.seconds(&browser.run_async(ASK_WORKER, &[json!("alone.js"), message]))
    }

    /// `way` is the name of one in `read.js`.
    fn read(&self, browser: &Browser, way: &str) -> f64 {
        browser.open(&self.parts.url(""));
        browser.wait_for("#file").choose(&[&self.folder.path("plain")]);
        self.seconds(&browser.run_async(ASK_WORKER, &[json!("read.js"), json!(way)]))
    }

    /// Of an answer that says how many bytes there were, too.
    fn seconds(&self, answer: &Value) -> f64 {
        assert_eq!(answer[1], json!(self.len), "a job was not done: {answer}");
        answer[0].as_f64().expect("a number of seconds")
    }

    fn open(&self, browser: &Browser, server: &PageServer, seal: Seal) -> f64 {
        self.begin(browser, server, "open", seal);
        browser.find("#identity-file").expect("a field").choose(&[&self.folder.path("backup.key")]);
        let seconds = answered(browser);
        let written = browser.find("#answer").and_then(|answer| answer.attribute("data-written"));
        assert_eq!(written, Some(self.len.to_string()), "{:?}:\n{}", browser.kind(), browser.text());
        browser.run_async(EMPTY_STORAGE, &[]);
        seconds
    }

    fn check(&self, browser: &Browser, server: &PageServer) -> f64 {
        self.begin(browser, server, "check", Seal::With);
        let seconds = answered(browser);
        let integrity = browser.find("#answer").and_then(|answer| answer.attribute("data-integrity"));
        assert_eq!(integrity.as_deref(), Some("intact"), "{:?}:\n{}", browser.kind(), browser.text());
        seconds
    }

    /// The form of a task, on a page that is ready.
    fn begin(&self, browser: &Browser, server: &PageServer, task: &str, seal: Seal) {
        browser.open(&server.url(""));
        seconds_to_ready(browser);
        if browser.kind() == Kind::Chromium {
            browser.run(PICK, &[]);
        }
        browser.wait_for(&format!("#task-{task}")).click();
        let _ = browser.wait_for("#start");
        browser.find("#backup-file").expect("a field").choose(&[&self.folder.path("b/sealed.age")]);
        if seal == Seal::With {
            browser.find("#seal-file").expect("a field").choose(&[&self.folder.path("b/sealed.age.seal")]);
            browser.wait_for("#trust").type_in(self.folder.read_text("trust").trim());
        }
    }
}

fn answered(browser: &Browser) -> f64 {
    browser.run_async(START_TO_ANSWER, &[]).as_f64().expect("a number of seconds")
}

fn seconds_to_ready(browser: &Browser) -> f64 {
    browser.run_async(READY, &[]).as_f64().expect("a number of seconds")
}
