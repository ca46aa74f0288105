//! The Debian package, built as `./x desktop` builds it, and installed below a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::browser::page;
use crate::tools::{tool, workspace_dir};

/// What was installed.
pub struct Package {
    /// The folder that stands for the root of the file system.
    pub root: PathBuf,
    /// The package itself.
    pub file: PathBuf,
}

impl Package {
    /// Installs a package below a folder, where it is the only one, in place of what is there.
    ///
    /// # Panics
    /// If it cannot be installed.
    #[must_use]
    pub fn install(file: &Path, root: &Path) -> Self {
        install(file, root);
        Self { root: root.into(), file: file.into() }
    }

    /// A program of it.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.root.join("usr/bin").join(name)
    }
}

/// The package, built and installed once for each test program.
///
/// # Panics
/// If it does not build, or cannot be installed.
pub fn package() -> &'static Package {
    static PACKAGE: OnceLock<Package> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let target = workspace_dir().join("target");
        let file = target.join("desktop-tested/dbseal.deb");
        let mut build = Command::new(workspace_dir().join("scripts/desktop.sh"));
        run(build.arg("desktop-tested").arg(&page().folder).arg(&file).current_dir(workspace_dir()));
        Package::install(&file, &target.join("desktop-tested/root"))
    })
}

/// Installs it where it is the only one; what it depends on is there, or nothing would have been built.
fn install(file: &Path, root: &Path) {
    let _ = fs::remove_dir_all(root);
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    fs::write(root.join("var/lib/dpkg/status"), "").expect("a file");
    let dpkg = || {
        let mut command = Command::new(tool("dpkg"));
        command
            .args(["--force-depends", "--force-not-root", "--force-bad-path", "--log=/dev/null"])
            .arg(format!("--root={}", root.display()));
        command
    };
    run(dpkg().arg("--install").arg(file));
    run(dpkg().args(["--verify", "dbseal"]));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&words));
}
