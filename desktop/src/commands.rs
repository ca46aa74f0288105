//! What the page may call.
//!
//! All that may wait, for a person or a disk, waits beside the threads that answer the page: there is one of those a core.
#![expect(clippy::needless_pass_by_value, reason = "Tauri hands arguments over as they are here")]

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dbseal::core::Backend;
use dbseal::{default_trust_files, keep_in_memory, seal_path};
use dbseal_web::messages::desktop::{About, Choice, Order, Picked, Saved};
use dbseal_web::messages::grant::Consent;
use dbseal_web::messages::{AppOutput, Failure, OutputKind, Request};
use tauri::ipc::{Channel, Invoke, InvokeBody};
use tauri::{AppHandle, Manager, Wry};
use tauri_plugin_dialog::MessageDialogKind;
use zeroize::Zeroizing;

use crate::files::{Files, Role};
use crate::given::{self, Given};
use crate::on_disk::OnDisk;
use crate::runs::LetRun;
use crate::saves::Saves;
use crate::trust_file::TrustFile;
use crate::worker::{JobOrder, Ready, Worker};
use crate::works_in_page::WorksInPage;
use crate::{dialogs, network, report, runs, window, works_in_page};

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
    pub(crate) let_run: LetRun,
    trust_file: TrustFile,
    /// How often the job was called off, also one that had not begun.
    calls_off: AtomicU32,
}

/// A panic elsewhere leaves all of this as it should be.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        about,
        agree,
        choose,
        choose_in,
        choose_trust,
        given,
        let_page_work,
        let_run,
        passphrase,
        save_text,
        start,
        stop
    ]
}

/// How many threads a job has: respects the affinity and the quota of the control group.
pub(crate) fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[tauri::command]
fn about() -> About {
    About {
        threads: threads().get(),
        backend: Backend::detect().name().into(),
        networks: network::up(),
        trust_files: default_trust_files().map(|path| path.display().to_string()).collect(),
    }
}

/// Does what may wait.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tauri::async_runtime::spawn_blocking(work).await.expect("it does not panic")
}

/// Lets the person choose files; none where they choose none.
#[tauri::command]
async fn choose(app: AppHandle, choice: Choice) -> Vec<Picked> {
    beside(move || choose_by_dialog(&app, &choice)).await
}

fn choose_by_dialog(app: &AppHandle, choice: &Choice) -> Vec<Picked> {
    let dialog = |title: &str| dialogs::files(app, title);
    let paths = match choice {
        Choice::Backup => given::with_seals(dialogs::pick_files(dialog("Choose a backup and its seal"))),
        Choice::Backups => dialogs::pick_files(dialog("Choose the backups")),
        Choice::Folder => dialogs::pick_folder(app, dialog("Choose a folder")).into_iter().collect(),
        Choice::Seal => {
            let dialog = dialog("Choose the seal").add_filter("Seals", &["seal"]).add_filter("All files", &["*"]);
            dialogs::pick_file(dialog).into_iter().collect()
        }
        Choice::Request => dialogs::pick_files(dialog("Choose the request, or pictures of its codes")),
        Choice::Identity => {
            let path = dialogs::pick_file(dialog("Choose the key file"));
            path.iter().for_each(|path| dialogs::forget_recent(app, path));
            path.into_iter().collect()
        }
        Choice::Output(name) => dialogs::pick_output(dialog("Where should it go?"), name).into_iter().collect(),
    };
    let role = |path: &Path| match choice {
        Choice::Backup | Choice::Backups | Choice::Seal | Choice::Request => Role::Read,
        Choice::Folder => Role::Folder,
        Choice::Identity => Role::Identity,
        Choice::Output(_) => Role::Output { replaces: path.symlink_metadata().is_ok() },
    };
    Files::add_all(&app.state::<State>().files, paths.iter().map(|path| (path.as_path(), role(path))))
}

/// A backup by its name, byte for byte, in a folder that was chosen or chosen by itself; with the seal beside it. None where there is no
/// such backup.
#[tauri::command]
async fn choose_in(app: AppHandle, chosen: u32, name: Vec<u8>) -> Vec<Picked> {
    beside(move || choose_by_name(&app.state(), chosen, &name)).await
}

fn choose_by_name(state: &State, chosen: u32, name: &[u8]) -> Vec<Picked> {
    let place = lock(&state.files).get(chosen).map(|(path, role)| (path.to_path_buf(), role));
    let Some((path, role)) = place else { return Vec::new() };
    let backup = match role {
        Role::Folder => in_folder(&path, name),
        Role::Read => path.parent().and_then(|folder| in_folder(folder, name)).filter(|named| *named == path || seal_path(named) == path),
        Role::Identity | Role::Output { .. } => None,
    };
    let Some(backup) = backup.filter(|backup| backup.is_file()) else { return Vec::new() };
    let seal = Some(seal_path(&backup)).filter(|seal| seal.is_file());
    let paths: Vec<_> = [Some(backup), seal].into_iter().flatten().collect();
    Files::add_all(&state.files, paths.iter().map(|path| (path.as_path(), Role::Read)))
}

/// A file in a folder, by a name that leads nowhere else.
fn in_folder(folder: &Path, name: &[u8]) -> Option<PathBuf> {
    let name = Path::new(OsStr::from_bytes(name));
    let is_name = matches!(name.components().collect::<Vec<_>>()[..], [Component::Normal(only)] if only == name.as_os_str());
    is_name.then(|| folder.join(name))
}

/// The text of a trust file that the person chooses; `None` where they choose none.
#[tauri::command]
async fn choose_trust(app: AppHandle) -> Result<Option<String>, Failure> {
    beside(move || {
        let Some(path) = dialogs::pick_file(dialogs::files(&app, "Whom do you trust?")) else { return Ok(None) };
        let state = app.state::<State>();
        let storage = lock(&state.files).storage_beside(&path);
        // It may be a key, chosen by mistake.
        state.trust_file.read(path.clone(), &storage).map(Some).inspect_err(|_| dialogs::forget_recent(&app, &path))
    })
    .await
}

/// Asks the person whether the page may do the work itself, or takes that back. Whether the page is to start anew so.
#[tauri::command]
async fn let_page_work(app: AppHandle, page_works: bool) -> bool {
    if page_works {
        return beside(move || works_in_page::ask(&app)).await;
    }
    works_in_page::forbid(&app);
    true
}

/// Asks the person whether the next job may give its output to a program, if one of these vouches for it.
#[tauri::command]
async fn let_run(app: AppHandle, line: String, trust: String) -> bool {
    beside(move || runs::ask(&app, line, trust)).await
}

/// Takes the passphrase for the next job, as bytes: text would be copied on its way.
#[tauri::command]
fn passphrase(request: tauri::ipc::Request<'_>, state: tauri::State<'_, State>) -> Result<(), Failure> {
    // Tauri has another way from the page, as text, for when this one fails.
    let InvokeBody::Raw(bytes) = request.body() else {
        return Err(Failure::new("the passphrase did not reach the app", "close this window, start it anew, and try again"));
    };
    let passphrase = Zeroizing::new(bytes.clone());
    keep_in_memory(passphrase.as_ptr_range());
    *lock(&state.passphrase) = passphrase;
    Ok(())
}

/// Starts a job; all that it reports goes to the channel, as text. The one before may take a moment to end.
#[tauri::command]
async fn start(app: AppHandle, order: Order, reports: Channel<String>) -> Result<(), Failure> {
    let calls_off = app.state::<State>().calls_off.load(Ordering::Acquire);
    beside(move || start_job(app, order, reports, calls_off)).await
}

/// `calls_off` is how often a job was called off when this one was asked for.
fn start_job(app: AppHandle, order: Order, reports: Channel<String>, calls_off: u32) -> Result<(), Failure> {
    let state = app.state::<State>();
    let passphrase = std::mem::take(&mut *lock(&state.passphrase));
    if let Request::Open { output: OutputKind::App(AppOutput::Program(line), _), trust, .. } = &order.request
        && !state.let_run.take(line, trust)
    {
        return Err(Failure::new("nobody has let that program run", "start it again, and say yes to what you want to run"));
    }
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
    state.trust_file.check_apart(order.request.trust(), &order.backups)?;
    // One at a time: the one before ends first.
    end_job(&state);
    let ready = lock(&state.ready).take();
    let handle = app.clone();
    let worker = Worker::start(ready, &order, &passphrase, reports, move || {
        window::ask_for_attention(&handle);
        get_ready(&handle.state());
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

/// Ends the job at once; tells the person where it does not end, as a disk may hold it. The page does not wait for that.
#[tauri::command]
async fn stop(app: AppHandle) {
    let job = call_off(&app.state());
    beside(move || {
        let Some(job) = job.filter(Worker::is_at_work) else { return };
        let output = job.output();
        if !job.end() {
            let text = format!("The job was told to stop, which it is still doing{}.", output.left());
            dialogs::tell(&app, MessageDialogKind::Warning, "Still stopping", &text);
        }
    })
    .await;
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
#[tauri::command]
async fn given(app: AppHandle, listener: Channel<Vec<Picked>>) {
    beside(move || given::listen(&app.state(), listener)).await;
}

/// Tells the job, which waits for it, that the person has said yes. To a job that has asked nothing it is nothing.
#[tauri::command]
async fn agree(app: AppHandle, consent: Consent) {
    beside(move || {
        if let Some(worker) = &mut *lock(&app.state::<State>().worker) {
            worker.agree(&consent);
        }
    })
    .await;
}

/// Writes a text, such as a report, where the person says, and says where that is; tells them where it fails.
#[tauri::command]
async fn save_text(app: AppHandle, what: Saved, name: String, text: String) -> Option<String> {
    beside(move || report::save(&app, what, &name, &text)).await
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
