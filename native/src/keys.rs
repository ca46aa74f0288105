//! Keys and passphrases on disk and from people.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use dbseal_core::{
    Batch, Header, Identity, KeyfileError, Opener, Passphrase, PayloadError, PayloadNonce, Recipient, SLOT_LEN, SigningKey,
    SigningKeyError, Spread, StreamEnd, Trust,
};
use zeroize::Zeroizing;

use crate::age_file::{AgeFile, is_age};
use crate::child::Command;
use crate::error::JobError;
use crate::handoff::granted_identities;
use crate::identity_command::output_of;
use crate::locked::keep_in_memory;
use crate::report::Observer;
use crate::shares::{ShareFile, identities_of};

/// Bytes in a file of keys, at most: a bound for a file that is none.
const MAX_KEYFILE_LEN: usize = 1 << 20;

/// Where identities come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    /// An identity file, which may itself be protected by a passphrase.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// What a command prints.
    Command(Command),
    /// A grant, for the key of its request.
    Grant {
        /// The request, beside which the key lies.
        request: PathBuf,
        /// The grant, or its parts.
        grant: Vec<PathBuf>,
    },
}

impl IdentitySource {
    /// The one of this name, as people type it: `-` is standard input.
    #[must_use]
    pub fn of(name: PathBuf) -> Self {
        if name == Path::new("-") { Self::Stdin } else { Self::File(name) }
    }

    /// What people call it.
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "standard input".into(),
            Self::Command(command) => command.name(),
            Self::Grant { request, .. } => format!("the grant for {}", request.display()),
        }
    }
}

/// Where a passphrase comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassphraseSource {
    /// A person, at a terminal.
    Ask,
    /// The first line of a file.
    File(PathBuf),
}

/// Asks a person for a passphrase.
pub trait AskPassphrase: Sync {
    /// Asks for the passphrase of `what`.
    ///
    /// # Errors
    /// Where there is nobody to ask.
    fn ask(&self, what: &str) -> Result<Passphrase, JobError>;
}

impl PassphraseSource {
    /// The passphrase of `what`.
    ///
    /// # Errors
    /// Nobody to ask; a file that cannot be read; an empty passphrase.
    pub fn passphrase(&self, what: &str, ask: &dyn AskPassphrase, observer: &dyn Observer) -> Result<Passphrase, JobError> {
        let passphrase = match self {
            Self::Ask => ask.ask(what),
            Self::File(path) => {
                let text = read_keyfile(path)?;
                let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
                let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line));
                match line.map_err(|_| JobError::PassphraseNotText(path.clone()))? {
                    "" => Err(JobError::EmptyPassphrase),
                    line => {
                        warn_if_shared(path, observer);
                        Ok(Passphrase::new(line.into()))
                    }
                }
            }
        }?;
        keep_in_memory(passphrase.place());
        Ok(passphrase)
    }
}

/// The recipients in a file.
///
/// # Errors
/// A file that cannot be read, or has a line that is not a recipient.
pub fn load_recipients(path: &Path, observer: &dyn Observer) -> Result<Vec<Recipient>, JobError> {
    let text = read_keyfile(path)?;
    if path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o002 != 0) {
        observer.warning(&format!(
            "{} can be written to by anybody, who could then read the backups: take that from them with chmod o-w",
            path.display()
        ));
    }
    dbseal_core::recipients_from_text(&String::from_utf8_lossy(&text)).map_err(|error| JobError::Keyfile { path: path.into(), error })
}

/// The identities from all of these sources; shares among them make theirs together. Asks for the passphrase of a protected file, and
/// warns of one that others can read.
///
/// # Errors
/// A file that cannot be read or opened, or has a line that is not an identity; shares that make none.
pub fn load_identities(
    sources: &[IdentitySource],
    passphrase: &PassphraseSource,
    ask: &dyn AskPassphrase,
    observer: &dyn Observer,
) -> Result<Vec<Identity>, JobError> {
    Ok(load_named(sources, passphrase, ask, observer)?.into_iter().map(|(_, identity)| identity).collect())
}

/// As [`load_identities`], each with what its source is called.
pub(crate) fn load_named(
    sources: &[IdentitySource],
    passphrase: &PassphraseSource,
    ask: &dyn AskPassphrase,
    observer: &dyn Observer,
) -> Result<Vec<(String, Identity)>, JobError> {
    let (mut identities, mut shares) = (Vec::new(), Vec::new());
    for source in sources {
        match load(source, passphrase, ask, observer)? {
            Loaded::Identities(loaded) => identities.extend(loaded.into_iter().map(|identity| (source.name(), identity))),
            Loaded::Share(share) => shares.push(share),
        }
    }
    identities.extend(identities_of(shares)?.into_iter().map(|identity| ("the shares".into(), identity)));
    Ok(identities)
}

/// What is in a file of keys.
enum Loaded {
    Identities(Vec<Identity>),
    Share(ShareFile),
}

fn load(
    source: &IdentitySource,
    passphrase: &PassphraseSource,
    ask: &dyn AskPassphrase,
    observer: &dyn Observer,
) -> Result<Loaded, JobError> {
    let (path, bytes) = match source {
        IdentitySource::File(path) => (path.clone(), read_keyfile(path)?),
        IdentitySource::Stdin => ("standard input".into(), read_stdin("standard input")?),
        IdentitySource::Command(command) => {
            let what = format!("the output of {}", command.name());
            (what.clone().into(), output_of(command, move |printed| read_bounded(printed, &what))?)
        }
        IdentitySource::Grant { request, grant } => return granted_identities(request, grant).map(Loaded::Identities),
    };
    let what = path.display().to_string();
    let text = if is_age(&bytes) {
        let passphrase = passphrase.passphrase(&what, ask, observer)?;
        open_protected(&bytes, &what, passphrase)?
    } else {
        bytes
    };
    // Not a lossy conversion: it would leave a copy of the secret behind.
    let text = std::str::from_utf8(&text).map_err(|_| JobError::Keyfile { path: path.clone(), error: KeyfileError::Empty })?;
    let loaded = match ShareFile::parse(text, &what) {
        Some(share) => Loaded::Share(share?),
        None => {
            let identities = dbseal_core::identities_from_text(text).map_err(|error| JobError::Keyfile { path, error })?;
            identities.iter().for_each(|identity| keep_in_memory(identity.place()));
            Loaded::Identities(identities)
        }
    };
    // Only now is it known that there is something to protect.
    if let IdentitySource::File(path) = source {
        warn_if_shared(path, observer);
    }
    Ok(loaded)
}

/// Tells of a secret that lies open.
fn warn_if_shared(path: &Path, observer: &dyn Observer) {
    if path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o077 != 0) {
        observer.warning(&format!("{} can be read by others than its owner: take that from them with chmod 600", path.display()));
    }
}

/// The key in a file that seals are signed with. Warns of one that others can read.
///
/// # Errors
/// A file that cannot be read, or holds anything but one signing key.
pub fn load_signing_key(path: &Path, observer: &dyn Observer) -> Result<SigningKey, JobError> {
    // In the place of its name the key itself would be repeated in every message.
    if path.as_os_str().as_encoded_bytes().starts_with(b"PRIVATE+KEY+") {
        return Err(JobError::PrivateKeyArgument);
    }
    let bytes = read_keyfile(path)?;
    // Not a lossy conversion: it would leave a copy of the secret behind.
    let text =
        std::str::from_utf8(&bytes).map_err(|_| JobError::SigningKey { path: path.into(), error: SigningKeyError::NotASigningKey })?;
    let key = dbseal_core::signing_key_from_text(text).map_err(|error| JobError::SigningKey { path: path.into(), error })?;
    keep_in_memory(key.place());
    warn_if_shared(path, observer);
    Ok(key)
}

/// Whom a file says to trust.
///
/// # Errors
/// A file that cannot be read, or has a line that is not understood.
pub fn load_trust(path: &Path) -> Result<Trust, JobError> {
    let text = read_keyfile(path)?;
    Trust::parse(&String::from_utf8_lossy(&text)).map_err(|error| JobError::TrustFile { path: path.into(), error })
}

/// The text of an identity file that is an age file itself.
fn open_protected(bytes: &[u8], what: &str, passphrase: Passphrase) -> Result<Zeroizing<Vec<u8>>, JobError> {
    let mut file = AgeFile::read(bytes, what)?;
    let file_key = file.unwrap(&[Identity::passphrase(passphrase)], what)?;
    let mut section = Vec::new();
    file.section.read_to_end(&mut section).map_err(|error| JobError::read(what, error))?;
    let damaged = |error| JobError::Payload { what: what.into(), error };
    let (nonce, sealed) = section.split_first_chunk().ok_or_else(|| damaged(PayloadError::Truncated { index: 0 }))?;
    let mut batch = Batch::with_chunks(sealed.len().div_ceil(SLOT_LEN).max(1));
    keep_in_memory(batch.ciphertext_mut().as_ptr_range());
    batch.ciphertext_mut()[..sealed.len()].copy_from_slice(sealed);
    batch.set_ciphertext_len(sealed.len());
    Opener::new(&file_key, &PayloadNonce::from_bytes(*nonce)).open_batch(&mut batch, StreamEnd::Here, Spread::Serial).map_err(damaged)?;
    // Reserved at once, as in `read_bounded`.
    let mut text = locked_buffer(batch.opened_len());
    batch.opened_slots().for_each(|slot| text.extend(slot));
    Ok(text)
}

pub(crate) fn read_keyfile(path: &Path) -> Result<Zeroizing<Vec<u8>>, JobError> {
    let file = File::open(path).map_err(|error| JobError::open(path, error))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(JobError::open(path, io::ErrorKind::IsADirectory.into()));
    }
    read_bounded(file, &path.display().to_string())
}

/// Not through the standard library's handle, whose buffer would keep a copy of the secret.
fn read_stdin(what: &str) -> Result<Zeroizing<Vec<u8>>, JobError> {
    let unbuffered = io::stdin().as_fd().try_clone_to_owned().map_err(|error| JobError::read(what, error))?;
    read_bounded(File::from(unbuffered), what)
}

fn read_bounded(reader: impl Read, what: &str) -> Result<Zeroizing<Vec<u8>>, JobError> {
    // Reserved at once: growing would leave copies of a secret behind in freed memory.
    let mut bytes = locked_buffer(MAX_KEYFILE_LEN + 1);
    reader.take(MAX_KEYFILE_LEN as u64 + 1).read_to_end(&mut bytes).map_err(|error| JobError::read(what, error))?;
    if bytes.len() > MAX_KEYFILE_LEN {
        return Err(JobError::read(what, io::Error::other("it is too large for a file of keys")));
    }
    Ok(bytes)
}

/// Room for so many bytes of a secret, kept in memory before it comes.
fn locked_buffer(len: usize) -> Zeroizing<Vec<u8>> {
    let mut buffer = Zeroizing::new(Vec::with_capacity(len));
    // From the first byte to the last that it can have.
    let room = buffer.spare_capacity_mut().as_ptr_range();
    keep_in_memory(room.start.cast()..room.end.cast());
    buffer
}

/// What a person brought to open files with.
pub struct Unlock<'a> {
    /// Private keys.
    pub identities: Vec<IdentitySource>,
    /// Where a passphrase comes from, if one is needed: the file's own, or that of a protected identity file.
    pub passphrase: PassphraseSource,
    /// Who is asked for it.
    pub ask: &'a dyn AskPassphrase,
}

impl Unlock<'_> {
    /// The identities that may open a file with this header: a passphrase, where the file has one, else the private keys.
    pub(crate) fn identities_for(&self, header: &Header, what: &str, observer: &dyn Observer) -> Result<Vec<Identity>, JobError> {
        if header.needs_passphrase() && !self.identities.is_empty() {
            return Err(JobError::PassphraseNotKey(what.into()));
        }
        if header.needs_passphrase() {
            return Ok(vec![Identity::passphrase(self.passphrase.passphrase(what, self.ask, observer)?)]);
        }
        if self.identities.is_empty() {
            return Err(JobError::NoIdentity);
        }
        load_identities(&self.identities, &self.passphrase, self.ask, observer)
    }
}
