//! The two WASM builds, and the JavaScript around them.

use std::path::{Path, PathBuf};

use wasm_bindgen_cli_support::Bindgen;

use crate::{BuildError, Care, CargoJob, Library, SIMD, WASM};

/// One of the two builds of the same source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// One thread, memory of its own: runs everywhere.
    Single,
    /// Web workers as rayon's threads, over shared memory: only where the page is cross-origin isolated.
    Threads,
}

impl Variant {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Single, Self::Threads];

    /// The name of the folder that it is put in.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Threads => "threads",
        }
    }

    fn rustflags(self) -> &'static [&'static str] {
        match self {
            Self::Single => &[SIMD],
            Self::Threads => &[
                "-Ctarget-feature=+simd128,+atomics,+bulk-memory,+mutable-globals",
                "-Clink-arg=--shared-memory",
                "-Clink-arg=--import-memory",
                // Shared memory has to say how far it may grow: 1 GiB, of which a page commits what it uses.
                "-Clink-arg=--max-memory=1073741824",
                // What `wasm-bindgen` needs to give each thread its own thread-local storage.
                "-Clink-arg=--export=__wasm_init_tls",
                "-Clink-arg=--export=__tls_size",
                "-Clink-arg=--export=__tls_align",
                "-Clink-arg=--export=__tls_base",
            ],
        }
    }
}

/// How JavaScript loads a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a module.
    Module,
    /// As a script, all of whose names are in the one that is given: for a page without modules, as one from a file is.
    Script(&'static str),
    /// As node does.
    Node,
}

/// Compiles a package that is a WASM library, and names the file.
///
/// # Errors
/// Where no compiler can, and where the build fails.
pub fn compile(package: &str, variant: Variant, care: Care, target_dir: &Path) -> Result<PathBuf, BuildError> {
    let words: &[_] = match variant {
        Variant::Single => &["build", "--lib"],
        Variant::Threads => &["build", "--lib", "--no-default-features", "--features", "threads"],
    };
    let target_dir = target_dir.join(variant.folder());
    let libraries = &["std", "panic_abort"];
    let rustflags = variant.rustflags();
    CargoJob { words, package, target: WASM, library: Library::Source, libraries, rustflags, target_dir: &target_dir, care }.run()?;
    Ok(target_dir.join(WASM).join("release").join(package.replace('-', "_")).with_extension("wasm"))
}

/// Writes a build and the JavaScript around it into an empty folder: `NAME.js`, `NAME_bg.wasm` and, with threads, `snippets`.
///
/// # Errors
/// Where `wasm-bindgen` refuses, and where a file cannot be written.
pub fn write_glue(wasm: &Path, form: Form, folder: &Path) -> Result<(), BuildError> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).typescript(false).remove_name_section(true).remove_producers_section(true);
    match form {
        // The module finds its WASM beside itself.
        Form::Module => bindgen.omit_default_module_path(false).web(true),
        Form::Node => bindgen.nodejs(true),
        Form::Script(name) => bindgen.no_modules(true).and_then(|bindgen| bindgen.no_modules_global(name)),
    }
    .and_then(|bindgen| bindgen.generate(folder))
    .map_err(|error| BuildError::Glue { path: wasm.into(), reason: format!("{error:#}") })?;
    name_main_module(wasm, folder)
}

/// A thread of `wasm-bindgen-rayon` imports "the folder above", which means something to a bundler and nothing to a browser.
fn name_main_module(wasm: &Path, folder: &Path) -> Result<(), BuildError> {
    const IMPORT: &str = "import('../../..')";
    let Ok(snippets) = std::fs::read_dir(folder.join("snippets")) else { return Ok(()) };
    let main = wasm.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    for snippet in snippets {
        let path = snippet.map_err(BuildError::io(folder))?.path().join("src/workerHelpers.js");
        let script = std::fs::read_to_string(&path).map_err(BuildError::io(&path))?;
        if script.matches(IMPORT).count() != 1 {
            return Err(BuildError::Source { place: path.display().to_string(), reason: format!("{IMPORT} is not in there once") });
        }
        let script = script.replace(IMPORT, &format!("import('../../../{main}.js')"));
        std::fs::write(&path, script).map_err(BuildError::io(&path))?;
    }
    Ok(())
}
