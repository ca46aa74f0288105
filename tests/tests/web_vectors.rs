//! Every vector, of age and of the seal, in real browsers: in the build with one thread, and in the one with threads.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use base64ct::{Base64, Encoding};
use dbseal_tests::browser::{Browser, Kind, PageServer, Policy};
use dbseal_tests::inputs::PRODUCTION_BATCH_CHUNKS;
use dbseal_tests::wasm::build_judge;
use dbseal_tests::{passphrase_vectors, published, seal_cases};
use dbseal_web_build::{Form, Variant};
use serde_json::json;

const PAGE: &str = "<!doctype html><meta charset=\"utf-8\"><title>vectors</title><link rel=\"icon\" href=\"data:,\">";

/// Loads the build that its address names, and judges all vectors with each backend of the kernel.
const WORKER: &str = "
    const variant = new URL(self.location).searchParams.get('variant');
    const build = await import(`./${variant}/dbseal_tests_wasm.js`);
    await build.default();
    // Two at least, also on one core: what goes wrong between threads goes wrong there too.
    const threads = Math.max(2, navigator.hardwareConcurrency);
    if (variant === 'threads') await build.initThreadPool(threads);
    const { vectors, seals, backups, batchSizes } = await (await fetch('./vectors.json')).json();
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const judge = () => {
        for (const backend of build.backends()) {
            if (!build.force_backend(backend)) return `there is no backend ${backend}`;
            for (const [name, vector] of Object.entries(vectors)) {
                for (const batchSize of batchSizes) {
                    const error = build.check_vector(bytes(vector), batchSize);
                    if (error !== '') return `${name} in batches of ${batchSize}, ${backend}: ${error}`;
                }
            }
            for (const [name, vector] of Object.entries(seals)) {
                const [, backup] = /^backup: (.*)$/m.exec(atob(vector));
                const error = build.check_seal_vector(bytes(vector), bytes(backups[backup]));
                if (error !== '') return `${name}, ${backend}: ${error}`;
            }
        }
        return `${Object.keys(vectors).length} vectors and ${Object.keys(seals).length} seal vectors with ${build.backends().join(' and ')}`;
    };
    self.postMessage(judge());
";

const JUDGE: &str = "
    const worker = new Worker(`worker.js?variant=${arguments[0]}`, { type: 'module' });
    return await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message || 'the worker did not start'));
    });
";

#[test]
fn all_vectors_hold_in_browsers_with_and_without_threads() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for variant in Variant::ALL {
        build_judge(variant, Form::Module, &folder.path().join(variant.folder()));
    }
    let vectors: Vec<_> = published::vectors();
    let vector_count = vectors.len() + passphrase_vectors::all().len();
    let ours = passphrase_vectors::all().into_iter().map(|(name, vector)| (name.to_owned(), vector));
    let vectors: BTreeMap<_, _> = vectors.into_iter().chain(ours).map(|(name, vector)| (name, base64(&vector))).collect();
    let seals = read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/seal"));
    let backups = seal_cases::backups().into_iter().chain([("three-groups.age", seal_cases::three_groups())]);
    let backups: BTreeMap<_, _> = backups.map(|(name, backup)| (name, base64(&backup))).collect();
    let expected = format!("{vector_count} vectors and {} seal vectors with simd128 and portable", seals.len());
    assert!(!seals.is_empty(), "there are no seal vectors");
    let all = json!({ "vectors": vectors, "seals": seals, "backups": backups, "batchSizes": [1, 3, PRODUCTION_BATCH_CHUNKS] });

    let further = [("index.html", PAGE), ("worker.js", WORKER), ("vectors.json", &all.to_string())];
    let server = PageServer::start(folder.path(), &further, Policy::Full);
    for kind in Kind::MAIN {
        let browser = Browser::start(kind);
        browser.open(&server.url(""));
        for variant in Variant::ALL {
            let said = browser.run_async(JUDGE, &[json!(variant.folder())]);
            assert_eq!(said.as_str(), Some(expected.as_str()), "{kind:?}, {variant:?}; console: {:?}", browser.console());
            writeln!(std::io::stderr(), "{expected} in {kind:?}, {variant:?}").expect("stderr");
        }
    }
}

fn read_all(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).expect("a folder of vectors").map(|entry| entry.expect("a vector"));
    let read = |entry: std::fs::DirEntry| base64(&std::fs::read(entry.path()).expect("a vector can be read"));
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(entry))).collect()
}

fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}
