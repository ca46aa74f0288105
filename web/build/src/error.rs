//! Why a build failed.

use std::io;
use std::path::{Path, PathBuf};

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no compiler for a target.
    #[error(
        "no compiler for {0} with its library's source: `rustup component add rust-src` gives one, and so does \
         `apt-get install rustc-web cargo-web rust-web-src lld` on Debian"
    )]
    NoCompiler(String),
    /// Cargo said no.
    #[error("{package} does not build for {target}:\n{said}")]
    Cargo {
        /// What was built.
        package: String,
        /// What for.
        target: String,
        /// What cargo and the compiler said.
        said: String,
    },
    /// The JavaScript around a WASM build could not be made.
    #[error("no JavaScript around {}: {reason}", path.display())]
    Glue {
        /// The WASM build.
        path: PathBuf,
        /// What `wasm-bindgen` said.
        reason: String,
    },
    /// A source of the page is not as the build needs it.
    #[error("{place}: {reason}")]
    Source {
        /// Which.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be read or written, or a program not started.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

impl BuildError {
    /// For `map_err`, with the path that an [`io::Error`] does not name.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}
