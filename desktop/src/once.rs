//! One window: a second start hands its files to the first, and ends.
//!
//! By a socket in the folder that the system keeps for this user's session alone (XDG Base Directory Specification, `XDG_RUNTIME_DIR`):
//! the library for it would bring forty crates into a program that stands before private keys.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

const SOCKET: &str = "dbseal-desktop.socket";
/// Bytes of paths that are taken at a time: more than a system lets a program be started with.
const MAX_LEN: u64 = 4 << 20;
/// How long who connects may take to say something.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What a start is.
pub(crate) enum Start {
    /// The first: others come to this socket. There is none where the system keeps no folder for the session.
    First(Option<UnixListener>),
    /// A later one: the first has the files.
    Later,
}

/// Hands these files to the app that runs, if one does.
pub(crate) fn start(files: &[PathBuf]) -> Start {
    let Some(folder) = env::var_os("XDG_RUNTIME_DIR") else { return Start::First(None) };
    start_in(Path::new(&folder), files)
}

fn start_in(folder: &Path, files: &[PathBuf]) -> Start {
    let socket = folder.join(SOCKET);
    if UnixStream::connect(&socket).and_then(|stream| hand_over(stream, files)).is_ok() {
        return Start::Later;
    }
    // What an app has left that was killed.
    let _ = fs::remove_file(&socket);
    Start::First(UnixListener::bind(&socket).ok())
}

fn hand_over(mut stream: UnixStream, files: &[PathBuf]) -> io::Result<()> {
    stream.set_write_timeout(Some(TIMEOUT))?;
    // No path has a zero in it.
    files.iter().try_for_each(|path| stream.write_all(path.as_os_str().as_bytes()).and_then(|()| stream.write_all(&[0])))
}

/// Calls this for each later start, with its files.
pub(crate) fn serve(listener: &UnixListener, mut take: impl FnMut(Vec<PathBuf>)) {
    for stream in listener.incoming().flatten() {
        let mut bytes = Vec::new();
        let read = stream.set_read_timeout(Some(TIMEOUT)).and_then(|()| stream.take(MAX_LEN).read_to_end(&mut bytes));
        if read.is_ok() {
            let paths = bytes.split(|&byte| byte == 0).filter(|path| !path.is_empty());
            take(paths.map(|path| OsString::from_vec(path.to_vec()).into()).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_later_start_hands_its_files_to_the_first() {
        let folder = env::temp_dir().join(format!("dbseal-once-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let Start::First(Some(listener)) = start_in(&folder, &[]) else { panic!("nobody was before it") };
        let (told, taken) = channel();
        std::thread::spawn(move || serve(&listener, |paths| told.send(paths).expect("somebody hears it")));
        let files: Vec<PathBuf> = vec!["/media/usb/shop.age".into(), OsString::from_vec(b"/media/\xff".to_vec()).into()];
        assert!(matches!(start_in(&folder, &files), Start::Later));
        assert_eq!(taken.recv().expect("it was told"), files);
        assert!(matches!(start_in(&folder, &[]), Start::Later));
        assert!(taken.recv().expect("it was told").is_empty());
        fs::remove_dir_all(&folder).expect("it is there");
    }

    #[test]
    fn what_a_killed_app_has_left_keeps_nobody_out() {
        let folder = env::temp_dir().join(format!("dbseal-killed-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        drop(UnixListener::bind(folder.join(SOCKET)).expect("a socket"));
        assert!(matches!(start_in(&folder, &[]), Start::First(Some(_))));
        fs::remove_dir_all(&folder).expect("it is there");
    }
}
