//! One window: a second start hands its files to the first, and ends.
//!
//! By a lock and a socket in the folder that the system keeps for this user's session alone (XDG Base Directory Specification,
//! `XDG_RUNTIME_DIR`): the library for it would bring forty crates into a program that stands before private keys. The lock says who is the
//! first; a socket alone does not, as of two starts at once each would find none and make one.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::geteuid;

const LOCK: &str = "dbseal-desktop.lock";
const SOCKET: &str = "dbseal-desktop.socket";
/// Bytes of paths that are taken at a time; of more, the start shows a window of its own.
const MAX_LEN: u64 = 16 << 20;
/// How long who connects may take to say something.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Said of files that were taken.
const TAKEN: &[u8; 1] = b"+";
/// Between two attempts to reach a first start that has the lock and no socket yet.
const PAUSE: Duration = Duration::from_millis(10);

/// What a start is.
pub(crate) enum Start {
    /// The first: others come to this door. There is none where the system keeps no folder for the session, or where an app that hangs has
    /// it: then a window of its own is better than none.
    First(Option<Door>),
    /// A later one: the first has the files.
    Later,
}

/// Hands these files to the app that runs, if one does.
pub(crate) fn start(files: &[PathBuf]) -> Start {
    // One that is not absolute is to be ignored (the same specification): it would be in whatever folder a start is in.
    let folder = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    folder.map_or(Start::First(None), |folder| start_in(&folder, files))
}

/// Where later starts come to, as long as it is there.
pub(crate) struct Door {
    listener: UnixListener,
    /// Given back by the system, however this program ends.
    _lock: File,
}

fn start_in(folder: &Path, files: &[PathBuf]) -> Start {
    let socket = folder.join(SOCKET);
    if !is_ours_alone(folder) {
        return Start::First(None);
    }
    let Ok(lock) = File::options().create(true).append(true).open(folder.join(LOCK)) else { return Start::First(None) };
    let start = Instant::now();
    loop {
        if lock.try_lock().is_ok() {
            // What an app has left that was killed.
            let _ = fs::remove_file(&socket);
            return Start::First(UnixListener::bind(&socket).ok().map(|listener| Door { listener, _lock: lock }));
        }
        if UnixStream::connect(&socket).and_then(|stream| hand_over(stream, files)).is_ok() {
            return Start::Later;
        }
        if start.elapsed() > TIMEOUT {
            return Start::First(None);
        }
        thread::sleep(PAUSE);
    }
}

/// Whether nobody else can put anything there: what another user has put there could take the files, or be a link to elsewhere.
fn is_ours_alone(folder: &Path) -> bool {
    folder.metadata().is_ok_and(|found| found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0)
}

fn hand_over(mut stream: UnixStream, files: &[PathBuf]) -> io::Result<()> {
    stream.set_write_timeout(Some(TIMEOUT))?;
    // No path has a zero in it.
    files.iter().try_for_each(|path| stream.write_all(path.as_os_str().as_bytes()).and_then(|()| stream.write_all(&[0])))?;
    stream.shutdown(Shutdown::Write)?;
    // What lies in the socket nobody has: an app that hangs, or is just closing, takes no more.
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.read_exact(&mut [0])
}

/// Calls this for each later start, with its files.
pub(crate) fn serve(door: &Door, mut take: impl FnMut(Vec<PathBuf>)) {
    loop {
        serve_one(door, &mut take);
    }
}

fn serve_one(door: &Door, mut take: impl FnMut(Vec<PathBuf>)) {
    if let Ok((stream, _)) = door.listener.accept() {
        let mut bytes = Vec::new();
        let read = stream.set_read_timeout(Some(TIMEOUT)).and_then(|()| (&stream).take(MAX_LEN).read_to_end(&mut bytes));
        if read.is_ok_and(|len| (len as u64) < MAX_LEN) {
            let paths = bytes.split(|&byte| byte == 0).filter(|path| !path.is_empty());
            let paths = paths.map(|path| OsString::from_vec(path.to_vec()).into()).collect();
            // Before anything waits for a disk: who hears nothing shows a window of its own.
            let _ = (&stream).write_all(TAKEN);
            take(paths);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{DirBuilder, Permissions};
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("dbseal-{name}-{}", std::process::id()));
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).expect("a folder");
        folder
    }

    /// As of a start with the user's settings and another user's rights.
    #[test]
    fn a_folder_that_others_can_write_to_is_not_used() {
        let folder = folder("once-shared");
        fs::set_permissions(&folder, Permissions::from_mode(0o770)).expect("it is ours");
        assert!(matches!(start_in(&folder, &[]), Start::First(None)));
        assert_eq!(fs::read_dir(&folder).expect("it is there").count(), 0);
        fs::remove_dir(&folder).expect("it is there");
    }

    #[test]
    fn a_later_start_hands_its_files_to_the_first() {
        let folder = folder("once");
        let Start::First(Some(door)) = start_in(&folder, &[]) else { panic!("nobody was before it") };
        let (told, taken) = channel();
        thread::spawn(move || serve(&door, |paths| told.send(paths).expect("somebody hears it")));
        let files: Vec<PathBuf> = vec!["/media/usb/shop.age".into(), OsString::from_vec(b"/media/\xff".to_vec()).into()];
        assert!(matches!(start_in(&folder, &files), Start::Later));
        assert_eq!(taken.recv().expect("it was told"), files);
        assert!(matches!(start_in(&folder, &[]), Start::Later));
        assert!(taken.recv().expect("it was told").is_empty());
        fs::remove_dir_all(&folder).expect("it is there");
    }

    #[test]
    fn of_many_starts_at_once_one_is_the_first() {
        const STARTS: usize = 8;
        for round in 0..40 {
            let (folder, together, firsts) = (folder(&format!("many-{round}")), Barrier::new(STARTS), AtomicUsize::new(0));
            thread::scope(|scope| {
                for _ in 0..STARTS {
                    scope.spawn(|| {
                        together.wait();
                        match start_in(&folder, &[]) {
                            Start::First(door) => {
                                firsts.fetch_add(1, Ordering::Relaxed);
                                let door = door.expect("others find it");
                                // Not given up before all have come.
                                thread::scope(|scope| {
                                    scope.spawn(|| (1..STARTS).for_each(|_| serve_one(&door, |_| {})));
                                    together.wait();
                                });
                            }
                            Start::Later => drop(together.wait()),
                        }
                    });
                }
            });
            assert_eq!(firsts.into_inner(), 1, "round {round}");
            fs::remove_dir_all(&folder).expect("it is there");
        }
    }

    #[test]
    fn what_a_killed_app_has_left_keeps_nobody_out() {
        let folder = folder("killed");
        drop(UnixListener::bind(folder.join(SOCKET)).expect("a socket"));
        fs::write(folder.join(LOCK), "").expect("a file");
        assert!(matches!(start_in(&folder, &[]), Start::First(Some(_))));
        fs::remove_dir_all(&folder).expect("it is there");
    }

    #[test]
    fn an_app_that_hangs_keeps_nobody_out_for_long() {
        let folder = folder("hangs");
        let lock = File::create(folder.join(LOCK)).expect("a file");
        lock.lock().expect("nobody has it");
        assert!(matches!(start_in(&folder, &[]), Start::First(None)));
        // Nor one that has a socket, and takes nothing from it.
        let _listener = UnixListener::bind(folder.join(SOCKET)).expect("a socket");
        assert!(matches!(start_in(&folder, &["/backups/shop.age".into()]), Start::First(None)));
        fs::remove_dir_all(&folder).expect("it is there");
    }
}
