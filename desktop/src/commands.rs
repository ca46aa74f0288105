//! What the page may call.
#![expect(clippy::needless_pass_by_value, reason = "Tauri hands arguments over as they are here")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dbseal::core::{Backend, Trust};
use dbseal::{keep_in_memory, open_regular, seal_path};
use dbseal_web::engine::has_private_key;
use dbseal_web::messages::desktop::{About, Choice, Order, Picked};
use dbseal_web::messages::{Failure, Request};
use tauri::ipc::{Channel, Invoke, InvokeBody};
use tauri::{AppHandle, Manager, Wry};
use tauri_plugin_dialog::MessageDialogKind;
use zeroize::Zeroizing;

use crate::files::{Files, Role};
use crate::given::{self, Given};
use crate::on_disk::OnDisk;
use crate::saves::Saves;
use crate::worker::{JobOrder, Ready, Worker};
use crate::works_in_page::WorksInPage;
use crate::{dialogs, network, window, works_in_page};

/// Bytes of a trust file, at most: more is another file, chosen by mistake.
const MAX_TRUST_LEN: u64 = 1 << 20;

/// What the app knows between two calls.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) files: Mutex<Files>,
    pub(crate) given: Mutex<Given>,
    pub(crate) worker: Mutex<Option<Worker>>,
    /// The process of the next job.
    ready: Mutex<Option<Ready>>,
    pub(crate) saves: Mutex<Saves>,
    /// For the next job.
    passphrase: Mutex<Zeroizing<Vec<u8>>>,
    pub(crate) works_in_page: WorksInPage,
    /// How often the job was called off, also one that had not begun.
    calls_off: AtomicU32,
}

/// A panic elsewhere leaves all of this as it should be.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![about, choose, choose_in, choose_trust, given, let_page_work, passphrase, save_text, start, stop]
}

/// How many threads a job has: respects the affinity and the quota of the control group.
pub(crate) fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[tauri::command]
fn about() -> About {
    About { threads: threads().get(), backend: Backend::detect().name().into(), networks: network::up() }
}

/// Lets the person choose files; none where they choose none.
#[tauri::command(async)]
fn choose(app: AppHandle, state: tauri::State<'_, State>, choice: Choice) -> Vec<Picked> {
    let dialog = |title: &str| dialogs::files(&app, title);
    let paths = match &choice {
        Choice::Backup => given::with_seals(dialogs::pick_files(dialog("Choose a backup and its seal"))),
        Choice::Backups => dialogs::pick_files(dialog("Choose the backups")),
        Choice::Folder => dialogs::pick_folder(&app, dialog("Choose a folder")).into_iter().collect(),
        Choice::Seal => {
            let dialog = dialog("Choose the seal").add_filter("Seals", &["seal"]).add_filter("All files", &["*"]);
            dialogs::pick_file(dialog).into_iter().collect()
        }
        Choice::Identity => dialogs::pick_file(dialog("Choose the key file")).into_iter().collect(),
        Choice::Output(name) => dialogs::pick_output(dialog("Where should it go?"), name).into_iter().collect(),
    };
    let role = |path: &Path| match &choice {
        Choice::Backup | Choice::Backups | Choice::Seal => Role::Read,
        Choice::Folder => Role::Folder,
        Choice::Identity => Role::Identity,
        Choice::Output(_) => Role::Output { replaces: path.symlink_metadata().is_ok() },
    };
    let mut files = lock(&state.files);
    paths.iter().map(|path| files.add(path, role(path))).collect()
}

/// A backup by its name, byte for byte, in a folder that was chosen or chosen by itself; with the seal beside it. None where there is no
/// such backup.
#[tauri::command(async)]
fn choose_in(state: tauri::State<'_, State>, chosen: u32, name: Vec<u8>) -> Vec<Picked> {
    let place = lock(&state.files).get(chosen).map(|(path, role)| (path.to_path_buf(), role));
    let Some((path, role)) = place else { return Vec::new() };
    let backup = match role {
        Role::Folder => in_folder(&path, &name),
        Role::Read => path.parent().and_then(|folder| in_folder(folder, &name)).filter(|named| *named == path || seal_path(named) == path),
        Role::Identity | Role::Output { .. } => None,
    };
    let Some(backup) = backup.filter(|backup| backup.is_file()) else { return Vec::new() };
    let seal = Some(seal_path(&backup)).filter(|seal| seal.is_file());
    let mut files = lock(&state.files);
    [Some(backup), seal].into_iter().flatten().map(|path| files.add(&path, Role::Read)).collect()
}

/// A file in a folder, by a name that leads nowhere else.
fn in_folder(folder: &Path, name: &[u8]) -> Option<PathBuf> {
    let name = Path::new(OsStr::from_bytes(name));
    let is_name = matches!(name.components().collect::<Vec<_>>()[..], [Component::Normal(only)] if only == name.as_os_str());
    is_name.then(|| folder.join(name))
}

/// The text of a trust file that the person chooses; `None` where they choose none.
#[tauri::command(async)]
fn choose_trust(app: AppHandle) -> Result<Option<String>, Failure> {
    let Some(path) = dialogs::pick_file(dialogs::files(&app, "Whom do you trust?")) else { return Ok(None) };
    let mut bytes = Zeroizing::new(Vec::new());
    let read = open_regular(&path).and_then(|file| file.take(MAX_TRUST_LEN + 1).read_to_end(&mut bytes));
    match read {
        Err(_) => Err(Failure::new("the file cannot be read", "see that it is still there, then choose it again")),
        Ok(_) if bytes.len() as u64 > MAX_TRUST_LEN => {
            Err(Failure::new("the file is too large for a trust file", "choose the .pub file that dbseal keygen --sign wrote"))
        }
        // A key file that was chosen by mistake: no private key enters the page.
        Ok(_) if has_private_key(&bytes) => {
            Err(Failure::new("that file has a private key in it", "choose the .pub file that dbseal keygen --sign wrote"))
        }
        // Nor does any other file: not a key that a passphrase protects, whose passphrase the page may see.
        Ok(_) => match String::from_utf8(bytes.to_vec()) {
            Ok(text) if Trust::parse(&text).is_ok() => Ok(Some(text)),
            _ => {
                Err(Failure::new("that file says of nobody that they are trusted", "choose the .pub file that dbseal keygen --sign wrote"))
            }
        },
    }
}

/// Asks the person whether the page may do the work itself, or takes that back. Whether the page is to start anew so.
#[tauri::command(async)]
fn let_page_work(app: AppHandle, page_works: bool) -> bool {
    if page_works {
        return works_in_page::ask(&app);
    }
    works_in_page::forbid(&app);
    true
}

/// Takes the passphrase for the next job, as bytes: text would be copied on its way.
#[tauri::command]
fn passphrase(request: tauri::ipc::Request<'_>, state: tauri::State<'_, State>) {
    if let InvokeBody::Raw(bytes) = request.body() {
        let passphrase = Zeroizing::new(bytes.clone());
        keep_in_memory(passphrase.as_ptr_range());
        *lock(&state.passphrase) = passphrase;
    }
}

/// Starts a job; all that it reports goes to the channel, as text. Beside the window, as the one before may take a moment to end.
#[tauri::command(async)]
fn start(app: AppHandle, state: tauri::State<'_, State>, order: Order, reports: Channel<String>) -> Result<(), Failure> {
    let calls_off = state.calls_off.load(Ordering::Acquire);
    let passphrase = std::mem::take(&mut *lock(&state.passphrase));
    let order = {
        let files = lock(&state.files);
        let unchosen = || Failure::new("no such file was chosen for this", "choose it again");
        let path = |id: u32, is_for: fn(Role) -> bool| {
            files.get(id).filter(|(_, role)| is_for(*role)).map(|(path, _)| OnDisk::from(path)).ok_or_else(unchosen)
        };
        let is_catalogue = matches!(order.request, Request::Catalogue { .. });
        let backup = |id: &u32| path(*id, if is_catalogue { Role::holds_backups } else { Role::is_read as fn(Role) -> bool });
        JobOrder {
            backups: order.backups.iter().map(backup).collect::<Result<_, _>>()?,
            request: order.request,
            seal: order.seal.map(|id| path(id, Role::is_read)).transpose()?,
            identity: order.identity.map(|id| path(id, Role::is_identity)).transpose()?,
            output: order.output.map(|id| path(id, Role::is_output)).transpose()?,
            replaces: order.output.and_then(|id| files.get(id)).is_some_and(|(_, role)| role == Role::Output { replaces: true }),
        }
    };
    // One at a time: the one before ends first.
    end_job(&state);
    let ready = lock(&state.ready).take();
    let worker = Worker::start(ready, &order, &passphrase, reports, move || {
        window::ask_for_attention(&app);
        get_ready(&app.state());
    })?;
    // One that nobody waits for any more ends, and not under the lock.
    let ends = {
        let mut place = lock(&state.worker);
        // Under the lock, under which it is called off too: a disk may have let it wait here for long.
        if state.calls_off.load(Ordering::Acquire) == calls_off { place.replace(worker) } else { Some(worker) }
    };
    drop(ends);
    Ok(())
}

/// Starts the process of the next job. Where that fails, the job tries again, and tells of it.
pub(crate) fn get_ready(state: &State) {
    let mut ready = lock(&state.ready);
    if ready.is_none() {
        *ready = Ready::start().ok();
    }
}

/// Ends the job at once.
#[tauri::command(async)]
fn stop(state: tauri::State<'_, State>) {
    drop(call_off(&state));
}

/// Calls off whatever the page has asked for, to be dropped, which ends it; also what it has asked for and is not there yet.
pub(crate) fn call_off(state: &State) -> Option<Worker> {
    drop(std::mem::take(&mut *lock(&state.passphrase)));
    let mut place = lock(&state.worker);
    state.calls_off.fetch_add(1, Ordering::AcqRel);
    place.take()
}

/// Ends the job, and waits for its end: not while others wait for what the app knows.
pub(crate) fn end_job(state: &State) {
    let worker = lock(&state.worker).take();
    drop(worker);
}

/// Hands over what was given from outside, now and from now on.
#[tauri::command(async)]
fn given(state: tauri::State<'_, State>, listener: Channel<Vec<Picked>>) {
    given::listen(&state, listener);
}

/// Writes a text, such as a report, where the person says; tells them where that fails.
#[tauri::command(async)]
fn save_text(app: AppHandle, name: String, text: String) {
    let Some(path) = dialogs::pick_output(dialogs::files(&app, "Where should the report go?"), &name) else { return };
    if let Err(error) = write_whole(&path, &text) {
        let text = format!("The report cannot be written: {error}. Choose another place.");
        dialogs::tell(&app, MessageDialogKind::Error, "Not saved", &text);
    }
}

/// Writes a file that has its name when all of it is on the disk. What it is called until then is nobody else's: where there is such a
/// file, or a link of that name, nothing is written.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = File::create_new(&partial)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&partial, path));
    written.inspect_err(|_| drop(fs::remove_file(&partial)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        let folder = Path::new("/backups");
        assert_eq!(in_folder(folder, b"\xfcbung.age"), Some(folder.join(OsStr::from_bytes(b"\xfcbung.age"))));
        for name in [&b""[..], b".", b"..", b"../key", b"a/b", b"/etc/passwd", b"a/", b"./a"] {
            assert_eq!(in_folder(folder, name), None, "{name:?}");
        }
    }
}
