//! The part of promise 6 that a database feels as slow queries: its pages stay in the page cache, since a backup's leave it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use dbseal_tests::cli::Folder;
use dbseal_tests::cli::jobs::{decrypt, encrypt};
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::tool;
use rustix::fs::Advice;

/// Several times what is read before the first of it is dropped.
const LEN: usize = 200 << 20;
/// How much of a file may stay: pages that are written to just then, or that the kernel reads ahead.
const SPARED: f64 = 0.1;

/// The share of a file that is in the page cache.
fn cached_share(path: &Path) -> f64 {
    let run = Command::new(tool("fincore")).args(["--bytes", "--noheadings", "--output", "RES"]).arg(path).output().expect("it runs");
    let cached_len: f64 = String::from_utf8_lossy(&run.stdout).trim().parse().expect("a number of bytes");
    cached_len / LEN as f64
}

/// How often a job is tried.
const TRIES: usize = 3;

fn drop_from_cache(path: &Path) {
    let file = File::open(path).expect("it is there");
    file.sync_all().expect("it is on disk");
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed).expect("advice is taken");
    assert!(cached_share(path) < SPARED, "{} is on a file system that lives in the page cache", path.display());
}

#[test]
fn what_was_not_in_the_page_cache_is_not_left_there() {
    let folder = Folder::with_key();
    // Not in the system's folder for temporary files, which may live in memory.
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let on_disk = |name: &str| -> PathBuf { disk.path().join(name) };
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    std::fs::write(on_disk("plain"), paint(LEN)).expect("room on the disk");
    let [plain, backup, restored] = ["plain", "shop.age", "restored"].map(on_disk);
    // Pages that the system is just then moving about are not let go of, which is its right: it is tried again.
    let leaves_nothing = |paths: &[&PathBuf], job: &dyn Fn()| {
        let mut shares = Vec::new();
        for _ in 0..TRIES {
            job();
            shares = paths.iter().map(|path| cached_share(path)).collect();
            paths.iter().for_each(|path| drop_from_cache(path));
            if shares.iter().all(|share| *share < SPARED) {
                return;
            }
        }
        panic!("{shares:?} of {paths:?} are in the page cache");
    };
    drop_from_cache(&plain);
    let sealed = |output: &str| drop(encrypt(&folder, &["-f", "-o", output, &text(&plain)]).run().succeeds());
    let opened = |output: &str| drop(decrypt(&folder, &["-f", "-o", output, &text(&backup)]).run().succeeds());
    leaves_nothing(&[&plain, &backup], &|| sealed(&text(&backup)));
    leaves_nothing(&[&plain], &|| sealed("/dev/null"));
    leaves_nothing(&[&backup, &restored], &|| opened(&text(&restored)));
    leaves_nothing(&[&backup], &|| opened("/dev/null"));
    leaves_nothing(&[&backup], &|| drop(folder.dbseal(["verify", &text(&backup)]).run().ends_with(1, "no seal")));
}

/// Nor is what others had there taken from them.
#[test]
fn what_was_in_the_page_cache_stays() {
    let folder = Folder::with_key();
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let plain = disk.path().join("plain");
    std::fs::write(&plain, paint(LEN)).expect("room on the disk");
    File::open(&plain).expect("it is there").sync_all().expect("it is on disk");
    assert!(cached_share(&plain) > 1.0 - SPARED);
    encrypt(&folder, &["-f", "-o", "/dev/null", plain.to_str().expect("text")]).run().succeeds();
    assert!(cached_share(&plain) > 1.0 - SPARED);
}
