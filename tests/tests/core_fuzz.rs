//! The fuzz targets, on the stable compiler: 3 seconds each, or 2 minutes in the long tier.
//!
//! Their first corpora are made from the published vectors at run time; what they find stays in `target/fuzz`.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use dbseal_tests::fuzz_seeds::{MAX_SEED_LEN, corpus_dir, seeds};
use dbseal_tests::tools::{tool, workspace_dir};

#[test]
fn fuzz_targets_find_nothing_in_three_seconds_each() {
    fuzz_all(3);
}

#[test]
#[ignore = "not run here: long tier (16 minutes of one core)"]
fn fuzz_targets_find_nothing_in_two_minutes_each() {
    fuzz_all(120);
}

/// As many at once as there are cores, since a fuzzer takes one. They share one folder of builds, which cargo locks.
fn fuzz_all(seconds: u32) {
    let seeds = seeds();
    let waiting = Mutex::new(["header", "payload", "armor", "keys", "seal", "note", "handoff", "journal"].into_iter());
    let next = || waiting.lock().expect("nobody fails while it is held").next();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().expect("the number of cores").get() {
            scope.spawn(|| {
                while let Some(target) = next() {
                    fuzz(target, &seeds, seconds);
                }
            });
        }
    });
}

fn fuzz(target: &str, seeds: &[(&str, String, Vec<u8>)], seconds: u32) {
    // What runs for seconds need not be optimised for minutes.
    let is_quick = std::env::var_os("DBSEAL_QUICK").is_some();
    let target_dir = workspace_dir().join("target/fuzz");
    let corpus_dir = corpus_dir(target);
    let artifact_dir = target_dir.join("artifacts").join(target);
    for folder in [&corpus_dir, &artifact_dir] {
        fs::create_dir_all(folder).expect("a folder under target");
    }
    let mut seed_count = 0;
    for (_, name, bytes) in seeds.iter().filter(|seed| seed.0 == target) {
        fs::write(corpus_dir.join(name), bytes).expect("a seed");
        seed_count += 1;
    }
    assert!(seed_count > 0, "no seed for {target}");
    let output = Command::new(tool("cargo-fuzz"))
        .args(["run", "--sanitizer", "none", "--debug-assertions", "--fuzz-dir"])
        .arg(workspace_dir().join("tests/fuzz"))
        .arg("--target-dir")
        .arg(&target_dir)
        .arg(target)
        .arg(&corpus_dir)
        .args(["--", &format!("-max_total_time={seconds}"), &format!("-max_len={MAX_SEED_LEN}")])
        .arg(format!("-artifact_prefix={}/", artifact_dir.display()))
        // The coverage instrumentation is stable; cargo-fuzz passes other flags that want this said.
        .env("RUSTC_BOOTSTRAP", "1")
        .envs(is_quick.then_some(("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")))
        .current_dir(workspace_dir().join("tests/fuzz"))
        .output()
        .expect("cargo-fuzz starts");
    let log = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = log.lines().rev().take(30).collect();
    let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
    assert!(output.status.success(), "{target} found something or does not build:\n{tail}");
    assert!(log.contains(" cov: "), "{target} ran without coverage:\n{tail}");
}
