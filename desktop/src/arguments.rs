//! What the app is started with: backups and folders, by a shell, a menu or a double click.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What is printed on request.
pub(crate) const HELP: &str = "\
Checks and opens sealed database backups in a window, and grants what other machines ask for.

Usage: dbseal-desktop [BACKUP | SEAL | FOLDER]...

  -h, --help     this
  -V, --version  the version

What is named is chosen when the window opens; where an app runs already, there. All else is asked in the window. The command is
dbseal(1).
";

/// What a start asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// The window, with these.
    Window(Vec<PathBuf>),
    /// What it can be started with.
    Help,
    /// Which version it is.
    Version,
    /// Nothing that there is: the option.
    Unknown(String),
}

impl Arguments {
    /// Those of this process.
    pub(crate) fn of_this_process() -> Self {
        read(env::args_os().skip(1), &env::current_dir().unwrap_or_default())
    }
}

fn read(arguments: impl Iterator<Item = OsString>, folder: &Path) -> Arguments {
    let (mut paths, mut ended) = (Vec::new(), false);
    for argument in arguments {
        let text = argument.to_string_lossy();
        match &*text {
            "--" if !ended => ended = true,
            "-h" | "--help" if !ended => return Arguments::Help,
            "-V" | "--version" if !ended => return Arguments::Version,
            option if option.starts_with('-') && !ended => return Arguments::Unknown(option.into()),
            _ => paths.push(folder.join(&argument)),
        }
    }
    Arguments::Window(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        read(words.iter().map(Into::into), Path::new("/home"))
    }

    #[test]
    fn what_is_no_option_is_a_path() {
        assert_eq!(arguments(&["a.age", "/b.age"]), Arguments::Window(vec!["/home/a.age".into(), "/b.age".into()]));
        assert_eq!(arguments(&["--", "--help"]), Arguments::Window(vec!["/home/--help".into()]));
        assert_eq!(arguments(&["a.age", "--help"]), Arguments::Help);
        assert_eq!(arguments(&["-V"]), Arguments::Version);
        assert_eq!(arguments(&["--trust"]), Arguments::Unknown("--trust".into()));
    }
}
