//! How the tests build what runs as WASM: all of it in one folder, with one standard library for each variant.

use std::path::{Path, PathBuf};

use dbseal_web_build::{BuildError, Care, Form, Variant, compile, write_glue};

use crate::tools::workspace_dir;

/// As it ships, and where; with `DBSEAL_QUICK` set, in the short tier, less optimised in less time.
#[must_use]
pub fn wasm_build() -> (Care, PathBuf) {
    let (care, folder) = match std::env::var_os("DBSEAL_QUICK") {
        Some(_) => (Care::Tested, "target/web-quick"),
        None => (Care::Shipped, "target/web-build"),
    };
    (care, workspace_dir().join(folder))
}

/// Builds the vectors' judge into a folder, with the JavaScript around it, over what an earlier build left there.
///
/// # Panics
/// If it does not build.
pub fn build_judge(variant: Variant, form: Form, folder: &Path) {
    let (care, target_dir) = wasm_build();
    let built = compile("dbseal-tests-wasm", variant, care, &target_dir).and_then(|wasm| write_glue(&wasm, form, folder));
    built.unwrap_or_else(|error: BuildError| panic!("{error}"));
}
