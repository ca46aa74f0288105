//! A compiler for a target, and cargo run with it.
//!
//! Either target of rustup's, or its standard library built from source by the first compiler that has the source.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BuildError;
use crate::site::workspace_dir;

/// The browser's target.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Every browser that is maintained has WASM's vectors.
pub const SIMD: &str = "-Ctarget-feature=+simd128";

/// What cargo is to do for a target.
#[derive(Clone, Copy, Debug)]
pub struct CargoJob<'a> {
    /// The subcommand, and what only it knows.
    pub words: &'a [&'a str],
    /// Which package.
    pub package: &'a str,
    /// What for.
    pub target: &'a str,
    /// The parts of the standard library that the package needs, for a compiler that has to build it.
    pub libraries: &'a [&'a str],
    /// Whether a library that somebody else compiled will do.
    pub library: Library,
    /// Flags of the compiler, one each.
    pub rustflags: &'a [&'a str],
    /// Where cargo puts what it builds.
    pub target_dir: &'a Path,
    /// How well it is optimised.
    pub care: Care,
}

/// Where the target's standard library comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// As rustup has it, or else from its source.
    Any,
    /// From its source, with the flags of the package. Threads need that; and of two builds with one compiler, both have one library.
    Source,
}

/// How well a release build is optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// As the workspace says: as a whole. For what ships.
    Shipped,
    /// In parts, in half the time. For what is only run here.
    Tested,
}

impl CargoJob<'_> {
    /// Runs it, and names the programs among what was built.
    ///
    /// # Errors
    /// Where no compiler can, and where the build fails.
    pub fn run(&self) -> Result<Vec<PathBuf>, BuildError> {
        let toolchain = Toolchain::find(self.target, self.library)?;
        let mut command = Command::new(&toolchain.cargo);
        command.args(self.words).args(["--release", "--locked", "--package", self.package, "--target", self.target]);
        command.arg("--target-dir").arg(self.target_dir).arg("--message-format=json-render-diagnostics");
        // What cargo tells its children about themselves must not reach another cargo.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
            if name != "CARGO_HOME" {
                command.env_remove(name);
            }
        }
        if toolchain.from_source {
            command.args(["-Z", &format!("build-std={}", self.libraries.join(","))]).env("RUSTC_BOOTSTRAP", "1");
        }
        if self.care == Care::Tested {
            command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        }
        let mut rustflags: Vec<String> = self.rustflags.iter().map(|&flag| flag.into()).collect();
        rustflags.extend(toolchain.path_flags());
        // rustup's compilers bring a linker for WASM along; Debian's takes that of its package lld.
        if self.target == WASM && toolchain.rustc.starts_with("/usr/bin") {
            rustflags.push("-Clinker=wasm-ld".into());
        }
        let output = command
            .env("RUSTC", &toolchain.rustc)
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", rustflags.join("\x1f"))
            .current_dir(workspace_dir())
            .output()
            .map_err(BuildError::io(&toolchain.cargo))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(BuildError::Cargo { package: self.package.into(), target: self.target.into(), said });
        }
        let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<serde_json::Value>();
        Ok(messages.flatten().filter_map(|message| Some(message["executable"].as_str()?.into())).collect())
    }
}

/// A compiler that can build for a target.
struct Toolchain {
    rustc: PathBuf,
    cargo: PathBuf,
    /// Whether the target's standard library is built too.
    from_source: bool,
}

impl Toolchain {
    /// The compiler in use if it has the target, or else the first that has its library's source.
    fn find(target: &str, library: Library) -> Result<Self, BuildError> {
        let in_use = program("rustc").zip(program("cargo"));
        let candidates: Vec<_> = in_use.into_iter().chain([("/usr/bin/rustc".into(), "/usr/bin/cargo".into())]).collect();
        let having = |path: &str| {
            let has = |rustc: &Path| sysroot(rustc).is_some_and(|sysroot| sysroot.join("lib/rustlib").join(path).exists());
            candidates.iter().find(|(rustc, cargo)| cargo.is_file() && has(rustc)).cloned()
        };
        let compiled = having(target).filter(|_| library == Library::Any);
        let from_source = compiled.is_none();
        let (rustc, cargo) = compiled.or_else(|| having("src/rust/library/Cargo.toml")).ok_or(BuildError::NoCompiler(target.into()))?;
        Ok(Self { rustc, cargo, from_source })
    }

    /// Messages of a panic name source files: with this, the same ones on every machine, so that a build can be repeated on another.
    fn path_flags(&self) -> Vec<String> {
        let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"));
        let places = [
            (Some(workspace_dir()), "dbseal"),
            (env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home), "cargo"),
            (sysroot(&self.rustc).map(|sysroot| sysroot.join("lib/rustlib/src/rust")), "rust"),
        ];
        let mut flags = Vec::new();
        for (place, name) in places.into_iter().filter_map(|(place, name)| Some((place?, name))) {
            // Debian's source lies behind a link, and cargo names it by either path.
            let there = place.canonicalize().ok().filter(|there| *there != place);
            flags
                .extend([Some(place), there].into_iter().flatten().map(|place| format!("--remap-path-prefix={}=/{name}", place.display())));
        }
        flags
    }
}

/// A program in `PATH`.
fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().into())
}
