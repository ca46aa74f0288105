//! The published age test vectors, out of their npm package: counted from it, never named here.

use std::process::Command;

use crate::tools::{npm_dir, tool};
use crate::vectors::hex;

/// Writes each export of the package as a line: its name, a space, its bytes in hexadecimal.
const SCRIPT: &str = "
    import * as vectors from 'cctv-age';
    import { writeSync } from 'node:fs';
    for (const [name, bytes] of Object.entries(vectors)) writeSync(1, `${name} ${Buffer.from(bytes).toString('hex')}\\n`);
";

/// All vectors of the package, each with its name.
///
/// # Panics
/// If the package or node is missing, or has no vector.
#[must_use]
pub fn vectors() -> Vec<(String, Vec<u8>)> {
    let output = Command::new(tool("node"))
        .args(["--input-type=module", "--eval", SCRIPT])
        .current_dir(npm_dir("cctv-age"))
        .output()
        .expect("node starts");
    assert!(output.status.success(), "node could not read the vectors:\n{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names and hexadecimal");
    let split = |line: &str| {
        let (name, bytes) = line.split_once(' ').expect("a name and its bytes");
        (name.to_owned(), hex(bytes).expect("hexadecimal"))
    };
    let vectors: Vec<_> = text.lines().map(split).collect();
    assert!(!vectors.is_empty(), "the package of the age test vectors holds none");
    vectors
}
