//! The core where there is no operating system: the vectors and the kernel's own tests in WASM under node, and a build without std. And
//! the kernel's tests for 64-bit Arm, in an emulator.
#![cfg(unix)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use dbseal_tests::inputs::PRODUCTION_BATCH_CHUNKS;
use dbseal_tests::passphrase_vectors;
use dbseal_tests::seal_cases;
use dbseal_tests::tools::{npm_dir, tool, workspace_dir};
use dbseal_tests::wasm::build_judge;
use dbseal_web_build::{Care, CargoJob, Form, Library, SIMD, Variant, WASM};

/// A microcontroller's target: nothing that needs an operating system builds for it.
const BARE: &str = "thumbv7em-none-eabi";
#[cfg(not(target_arch = "aarch64"))]
const ARM: &str = "aarch64-unknown-linux-gnu";

/// Runs every published vector and those in the folder named first, and the seal vectors in the second with the age files in the third,
/// with each backend of the kernel; prints what fails and how many ran.
const SCRIPT: &str = "
    import * as published from 'cctv-age';
    import { readdirSync, readFileSync } from 'node:fs';
    import { createRequire } from 'node:module';
    const [module, folder, sealFolder, backupFolder, ...batchSizes] = process.argv.slice(1);
    const { backends, force_backend, check_vector, check_seal_vector } = createRequire(import.meta.url)(module);
    const read = (folder) => readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(`${folder}/${name}`))]);
    const [ours, seals, backups] = [read(folder), read(sealFolder), new Map(read(backupFolder))];
    let count = 0;
    for (const backend of backends()) {
        if (!force_backend(backend)) throw new Error(`there is no backend ${backend}`);
        count = 0;
        for (const [name, vector] of [...Object.entries(published), ...ours]) {
            for (const batchSize of batchSizes) {
                const error = check_vector(vector, Number(batchSize));
                if (error !== '') throw new Error(`${name} in batches of ${batchSize}, ${backend}: ${error}`);
            }
            count += 1;
        }
        if (count <= ours.length) throw new Error('the package of the age test vectors holds none');
        for (const [name, vector] of seals) {
            const [, backup] = /^backup: (.*)$/m.exec(Buffer.from(vector).toString('latin1'));
            const error = check_seal_vector(vector, backups.get(backup));
            if (error !== '') throw new Error(`${name}, ${backend}: ${error}`);
        }
        if (seals.length === 0) throw new Error('there are no seal vectors');
    }
    console.log(`${count} vectors and ${seals.length} seal vectors with ${backends().join(' and ')}`);
";

/// Runs programs of tests. In WASM they can tell no more than that they ended well: a test that fails is a trap.
const TESTS_SCRIPT: &str = "
    import { readFileSync } from 'node:fs';
    for (const program of process.argv.slice(1)) {
        const { instance } = await WebAssembly.instantiate(readFileSync(program));
        if (instance.exports.main(0, 0) !== 0) throw new Error(program);
    }
";

#[test]
fn all_vectors_hold_in_wasm() {
    let glue_dir = workspace_dir().join("target/wasm-judge");
    build_judge(Variant::Single, Form::Node, &glue_dir);

    let vectors = tempfile::tempdir().expect("a temporary folder");
    for (name, vector) in passphrase_vectors::all() {
        std::fs::write(vectors.path().join(name), vector).expect("a vector");
    }
    let seal_vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/seal");
    let backups = tempfile::tempdir().expect("a temporary folder");
    for (name, backup) in seal_cases::backups().into_iter().chain([("three-groups.age", seal_cases::three_groups())]) {
        std::fs::write(backups.path().join(name), backup).expect("an age file");
    }
    let output = Command::new(tool("node"))
        .args(["--input-type=module", "--eval", SCRIPT])
        .args([glue_dir.join("dbseal_tests_wasm.js").as_path(), vectors.path(), &seal_vectors, backups.path()])
        .args([1, 3, PRODUCTION_BATCH_CHUNKS].map(|batch_chunks| batch_chunks.to_string()))
        .current_dir(npm_dir("cctv-age"))
        .output()
        .expect("node starts");
    assert!(output.status.success(), "in WASM:\n{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("with simd128 and portable"), "backends are missing: {said}");
    writeln!(std::io::stderr(), "{} in WASM", said.trim()).expect("stderr");
}

#[test]
fn the_kernels_own_tests_hold_in_wasm() {
    run_kernel_tests("target/wasm-kernel", &[SIMD]);
}

/// Nothing of ours is built so: the page takes the vectors for granted, as each browser has them.
#[test]
#[ignore = "not run here: long tier (2 minutes)"]
fn the_kernels_own_tests_hold_in_wasm_without_vectors() {
    run_kernel_tests("target/wasm-kernel-portable", &[]);
}

fn run_kernel_tests(folder: &str, rustflags: &[&str]) {
    let libraries = ["std", "panic_abort", "test"];
    let programs = build(&["test", "--no-run"], WASM, &libraries, "dbseal-kernel", &workspace_dir().join(folder), rustflags);
    assert!(programs.len() > 1, "its unit tests and its others: {programs:?}");
    let output =
        Command::new(tool("node")).args(["--input-type=module", "--eval", TESTS_SCRIPT]).args(programs).output().expect("node starts");
    assert!(output.status.success(), "in WASM, built with {rustflags:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "not run here: long tier (5 minutes)"]
#[cfg(not(target_arch = "aarch64"))]
fn the_kernels_own_tests_hold_on_64_bit_arm() {
    let rustflags = &["-Clinker=aarch64-linux-gnu-gcc", "-Ctarget-feature=+crt-static"];
    let target_dir = workspace_dir().join("target/arm-kernel");
    let programs = build(&["test", "--no-run"], ARM, &["std", "panic_unwind", "test"], "dbseal-kernel", &target_dir, rustflags);
    assert!(programs.len() > 1, "its unit tests and its others: {programs:?}");
    for program in programs {
        let output = Command::new(tool("qemu-aarch64")).arg(&program).arg("--nocapture").output().expect("the emulator starts");
        let [said, noted] = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
        assert!(output.status.success(), "on 64-bit Arm:\n{said}{noted}");
        if program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("oracle-")) {
            assert!(noted.contains("backends here: neon, portable"), "a backend is missing:\n{noted}");
        }
    }
}

#[test]
fn the_core_builds_without_std() {
    build(&["build"], BARE, &["core", "alloc"], "dbseal-core", &workspace_dir().join("target/no-std"), &[]);
}

/// Has cargo build a package for a target, and names the programs among what is built.
///
/// # Panics
/// Where no compiler can, and where the build fails.
fn build(words: &[&str], target: &str, libraries: &[&str], package: &str, target_dir: &Path, rustflags: &[&str]) -> Vec<PathBuf> {
    let job = CargoJob { words, package, target, library: Library::Any, libraries, rustflags, target_dir, care: Care::Tested };
    job.run().unwrap_or_else(|error| panic!("{error}"))
}
