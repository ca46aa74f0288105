//! The hand-off across an air gap (core/HANDOFF.md), by files: a request and the key that it was made with, and the grant for it.

use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use dbseal_core::{
    FileName, Grant, HandoffError, Identity, MAX_HANDOFF_LEN, NewHeaders, Purpose, Recipient, RecipientKind, Request, RequestedFile, Room,
    Seal, SigningKey, identities_from_text, join_parts,
};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use rustix::fs::OFlags;

use crate::age_file::headers_of;
use crate::apart::lies_among;
use crate::destination::{Destination, Overwrite, Privacy};
use crate::entry::FolderEntry;
use crate::error::JobError;
use crate::input::open_regular;
use crate::keygen::check_free;
use crate::keys::read_keyfile;
use crate::locked::keep_in_memory;
use crate::output::PendingFile;
use crate::picture::{codes_in, is_other_picture, is_picture};
use crate::report::Observer;
use crate::sealing::seal_path;
use crate::verify::read_seal;

/// What the name of a request's key ends with, after that of the request.
const KEY_ENDING: &str = ".key";

/// Everything that was decided about a request.
#[derive(Debug)]
pub struct HandoffRequest {
    /// The backups.
    pub backups: Vec<PathBuf>,
    /// Where they lie: they themselves, or folders of them.
    pub storage: Vec<PathBuf>,
    /// Where it goes; the key that a grant is for goes beside it, see [`request_key_path`].
    pub path: PathBuf,
    /// What for.
    pub wanted: Wanted,
    /// Who signs it.
    pub key: Option<SigningKey>,
}

/// What is wanted of the machine with the private key.
#[derive(Debug)]
pub enum Wanted {
    /// A grant, by which this machine opens the backups.
    Grant,
    /// New headers, by which these recipients do.
    NewHeaders(Vec<Recipient>),
}

/// Writes a request for some backups, and the key that its grant is for. Of several, one that cannot be asked for is told of and left out:
/// somebody may have put it among them.
///
/// # Errors
/// A backup that cannot be read, or that a passphrase opens, where no other is left; files that cannot be written, or are there already.
pub fn request(asked: &HandoffRequest, observer: &dyn Observer) -> Result<Request, JobError> {
    // Who can write to the storage, or read it, would have the key that the grant is for.
    if lies_among(&asked.path, &asked.storage) {
        return Err(JobError::RequestBesideBackups(asked.path.clone()));
    }
    check_answer_path(&asked.path)?;
    if matches!(asked.wanted, Wanted::Grant) {
        // One whose grant is on its way must not be lost.
        check_free(&request_key_path(&asked.path))?;
    }
    let failed = |error| JobError::Handoff { what: asked.path.display().to_string(), error };
    let (mut files, mut room, mut first_error) = (Vec::new(), Room::default(), None);
    for backup in &asked.backups {
        match files_of(backup, observer) {
            Ok(found) => {
                found.iter().try_for_each(|file| room.take(file)).map_err(failed)?;
                files.extend(found);
            }
            Err(error) if asked.backups.len() > 1 => {
                observer.warning(&format!("left out: {error}"));
                first_error.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    if let (true, Some(error)) = (files.is_empty(), first_error) {
        return Err(error);
    }
    let (purpose, key) = match &asked.wanted {
        Wanted::NewHeaders(recipients) => (Purpose::Rewrap(recipients.clone()), None),
        Wanted::Grant => {
            let identity = key_for(&files);
            let recipient = identity.recipient().expect("a key pair has a public half");
            (Purpose::Open(recipient), Some(write_key(&identity, &request_key_path(&asked.path))?))
        }
    };
    let request = Request::new(purpose, files, asked.key.as_ref(), &mut UnwrapErr(SysRng)).map_err(failed)?;
    let mut file = PendingFile::create(&asked.path, Privacy::Shared, Overwrite::Refused)?;
    file.write_all(request.to_text().as_bytes())?;
    // A request whose key is not there would be granted for nothing.
    if let Some(key) = key {
        key.commit()?;
    }
    file.commit()?;
    Ok(request)
}

/// Refuses a name that is taken for what crosses: it may be the answer to another request.
pub(crate) fn check_answer_path(path: &Path) -> Result<(), JobError> {
    Destination::check_file(path, Overwrite::Refused).map_err(|error| match error {
        JobError::OutputExists(path) => JobError::AnswerExists(path),
        error => error,
    })
}

fn key_for(files: &[RequestedFile]) -> Identity {
    let rng = &mut UnwrapErr(SysRng);
    let identity = match Request::kind_for(files) {
        RecipientKind::Hybrid => Identity::generate_hybrid(rng),
        _ => Identity::generate_x25519(rng),
    };
    keep_in_memory(identity.place());
    identity
}

fn write_key(identity: &Identity, path: &Path) -> Result<PendingFile, JobError> {
    let secret = identity.expose_text().expect("a key pair has a private half");
    let mut key = PendingFile::create(path, Privacy::Owner, Overwrite::Refused)?;
    key.write_all(secret.as_bytes())?;
    key.write_all(b"\n")?;
    Ok(key)
}

/// Where the key of a request lies.
#[must_use]
pub fn request_key_path(request: &Path) -> PathBuf {
    let mut name = request.as_os_str().to_owned();
    name.push(KEY_ENDING);
    name.into()
}

/// A backup as it is asked for: once, but where a change of its recipients was stopped in the middle and no seal says which header it has. Without
/// a key nobody can tell: with each of them, of which one opens.
fn files_of(backup: &Path, observer: &dyn Observer) -> Result<Vec<RequestedFile>, JobError> {
    let what = || backup.display().to_string();
    let file = open_regular(backup).map_err(|error| JobError::open(backup, error))?;
    // What cannot be opened or read says so better than that it has no header.
    let (mut headers, _) = headers_of(backup, &file).map_err(|error| match error {
        JobError::Header { .. } => JobError::NotRequestable(what()),
        error => error,
    })?;
    let seal = match read_seal(&seal_path(backup))? {
        Some(bytes) => Some(Seal::parse(&bytes).map_err(|error| JobError::Seal { what: what(), error })?),
        None => None,
    };
    let name = FileName::of(backup.file_name().unwrap_or_default().as_bytes()).ok_or_else(|| JobError::NameInSeal(what()))?;
    if seal.is_some() {
        headers.truncate(1);
    }
    if headers.len() > 1 {
        observer.warning(&format!(
            "{}: a change of its recipients was stopped: it is asked for {} times, with each header that it may have, and one of them is granted",
            what(),
            headers.len()
        ));
    }
    let asked = headers.into_iter().map(|header| RequestedFile::new(name.clone(), header, seal.as_ref()));
    asked.collect::<Result<_, _>>().map_err(|error| JobError::Handoff { what: what(), error })
}

/// A request in a file, or in pictures of its codes.
///
/// # Errors
/// One that cannot be read, or is none.
pub fn read_request(paths: &[PathBuf]) -> Result<Request, JobError> {
    read(paths).and_then(|bytes| Request::parse(&bytes).map_err(|error| failed(paths, error)))
}

/// New headers in a file, or in pictures of its codes.
///
/// # Errors
/// As of [`read_request`].
pub fn read_new_headers(paths: &[PathBuf]) -> Result<NewHeaders, JobError> {
    read(paths).and_then(|bytes| NewHeaders::parse(&bytes).map_err(|error| failed(paths, error)))
}

/// The names of what a request or a grant was read from.
pub(crate) fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn failed(paths: &[PathBuf], error: HandoffError) -> JobError {
    JobError::Handoff { what: names(paths), error }
}

/// The identities that a grant makes of the key of its request: each opens one backup, and no other.
pub(crate) fn granted_identities(request: &Path, grant: &[PathBuf]) -> Result<Vec<Identity>, JobError> {
    let failed = |error| failed(grant, error);
    let asked = read_request(&[request.into()])?;
    let granted = Grant::parse(&read(grant)?).map_err(failed)?;
    let key_path = request_key_path(request);
    let identity = read_key(&key_path)?;
    let own = identity.recipient().map(|recipient| recipient.to_string());
    if let Purpose::Open(recipient) = asked.purpose()
        && own != Some(recipient.to_string())
    {
        return Err(JobError::OtherRequestKey(key_path));
    }
    let identities: Vec<_> = granted.open(&asked, &identity).map_err(failed)?.into_iter().flatten().collect();
    identities.iter().for_each(|identity| keep_in_memory(identity.place()));
    Ok(identities)
}

fn read_key(path: &Path) -> Result<Identity, JobError> {
    let bytes = read_keyfile(path).map_err(|error| match error {
        JobError::Open { error, .. } if error.kind() == io::ErrorKind::NotFound => JobError::RequestKeyGone(path.into()),
        error => error,
    })?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let mut identities = identities_from_text(text).map_err(|error| JobError::Keyfile { path: path.into(), error })?;
    let identity = identities.remove(0);
    keep_in_memory(identity.place());
    Ok(identity)
}

/// Wipes the key of a request: its grant opens nothing any more.
///
/// # Errors
/// Where it is there and cannot be removed.
pub fn forget_request_key(request: &Path) -> Result<(), JobError> {
    let path = request_key_path(request);
    let failed = |error| JobError::write(&path.display().to_string(), error);
    // What a link there leads to is not the key, and would be gone.
    let entry = FolderEntry::of(&path).map_err(failed)?;
    let mut file = match entry.open(OFlags::WRONLY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(failed)?,
    };
    // As far as a file goes: what the disk keeps of the blocks before, nobody can say.
    let len = file.metadata().map_err(failed)?.len();
    let zeros = vec![0; usize::try_from(len).unwrap_or_default()];
    file.write_all(&zeros).and_then(|()| file.sync_all()).and_then(|()| entry.try_remove()).map_err(failed)
}

fn read(paths: &[PathBuf]) -> Result<Vec<u8>, JobError> {
    let mut pieces = Vec::new();
    for path in paths {
        let (mut bytes, what) = (Vec::new(), path.display().to_string());
        let file = open_regular(path).map_err(|error| JobError::open(path, error))?;
        // Text takes a third more, and one byte more than allowed shows that it is too long.
        file.take(2 * MAX_HANDOFF_LEN as u64 + 1).read_to_end(&mut bytes).map_err(|error| JobError::read(&what, error))?;
        // Whoever was told to carry it over again would carry the key.
        if std::str::from_utf8(&bytes).is_ok_and(|text| identities_from_text(text).is_ok()) {
            return Err(JobError::KeyForHandoff(what));
        }
        if is_picture(&bytes) {
            pieces.extend(codes_in(&bytes, &what)?);
        } else if is_other_picture(&bytes) {
            return Err(JobError::NoPicture { what, why: "its format is not one that is read here".into() });
        } else {
            pieces.push(bytes);
        }
    }
    join_parts(&pieces).map_err(|error| failed(paths, error))
}
