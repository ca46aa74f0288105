//! New keys, and the public half of those there are.

use std::path::{Path, PathBuf};

use dbseal_core::{
    ArmorWriter, Batch, DEFAULT_WORK_FACTOR, FileKey, Header, HeaderPadding, Identity, Label, Passphrase, PayloadNonce, Recipient, Sealer,
    SigningKey, Spread, Succession,
};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use zeroize::Zeroizing;

use crate::destination::{Destination, Overwrite, Privacy};
use crate::error::JobError;
use crate::keys::{IdentitySource, Unlock, load_identities, load_signing_key};
use crate::locked::keep_in_memory;
use crate::output::{CompleteFile, PendingFile};
use crate::report::Observer;
use crate::sealing::now;
use crate::shares::{self, ShareCounts};

/// The kind of identity to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityKind {
    /// X25519, which every age implementation knows.
    X25519,
    /// ML-KEM-768 with X25519, safe against a later quantum computer.
    PostQuantum,
}

/// Everything that was decided about a new key. The public half goes beside the private one, see [`recipient_path`]; without a path the text
/// is wanted only.
#[derive(Debug)]
pub enum KeygenRequest {
    /// What opens backups.
    Identity {
        /// Its kind.
        kind: IdentityKind,
        /// The identity file.
        path: Option<PathBuf>,
        /// What protects it.
        passphrase: Option<Passphrase>,
    },
    /// The same in shares, of which each has a file; it is not written itself.
    Shares {
        /// Its kind.
        kind: IdentityKind,
        /// What the identity file would be; for the shares' names see [`shares::share_path`].
        path: PathBuf,
        /// How many.
        counts: ShareCounts,
    },
    /// What signs seals: an Ed25519 key.
    Signing {
        /// Its name.
        name: Label,
        /// Its file.
        path: Option<PathBuf>,
        /// The one that it succeeds; both sign that, in a file beside it, see [`succession_path`].
        succeeds: Option<Box<SigningKey>>,
    },
}

/// A new key.
pub struct Generated {
    /// The public half.
    pub recipient: String,
    /// The identity file's text. Secret, unless it was protected.
    pub identity_file: Zeroizing<String>,
    /// Where the public half was written.
    pub recipient_path: Option<PathBuf>,
    /// Where it was written which key it succeeds.
    pub succession_path: Option<PathBuf>,
}

/// Refuses names that are taken or cannot be given; to be called before a person is asked for a passphrase.
///
/// # Errors
/// Where the identity file or the file beside it exists, or its name is too long for the file system.
pub fn check_key_paths(path: &Path) -> Result<(), JobError> {
    check_free(path)?;
    check_free(&recipient_path(path))
}

/// The same of where it goes which key a new one succeeds.
///
/// # Errors
/// As [`check_key_paths`].
pub fn check_succession_path(path: &Path) -> Result<(), JobError> {
    check_free(&succession_path(path))
}

pub(crate) fn check_free(path: &Path) -> Result<(), JobError> {
    Destination::check_file(path, Overwrite::Refused).map_err(|error| match error {
        JobError::OutputExists(path) => JobError::KeyExists(path),
        error => error,
    })
}

/// Makes a key.
///
/// # Errors
/// Files that cannot be written. Nothing is ever overwritten: the old key may be the only one that opens a backup.
pub fn keygen(request: &KeygenRequest) -> Result<Generated, JobError> {
    match request {
        KeygenRequest::Identity { kind, path, passphrase } => {
            let identity = kind.generate();
            let secret = identity.expose_text().expect("a key pair has a private half");
            let recipient = public_half(&identity);
            let text = file_text(&recipient, &secret);
            let identity_file = passphrase.clone().map_or(Ok(text.clone()), |passphrase| protect(text.as_bytes(), passphrase))?;
            write_pair(path.as_deref(), Generated { recipient, identity_file, recipient_path: None, succession_path: None }, None)
        }
        KeygenRequest::Shares { kind, path, counts } => in_shares(&kind.generate(), path, *counts),
        KeygenRequest::Signing { name, path, succeeds } => {
            let key = SigningKey::generate(name.clone(), &mut UnwrapErr(SysRng));
            let succession =
                succeeds.as_ref().map(|old| Succession::sign(old, &key, now()).expect("a new key is another than the old one"));
            let recipient = key.verifier_key().to_string();
            let identity_file = file_text(&recipient, &key.expose_text());
            let generated = Generated { recipient, identity_file, recipient_path: None, succession_path: None };
            write_pair(path.as_deref(), generated, succession.as_ref())
        }
    }
}

impl IdentityKind {
    fn generate(self) -> Identity {
        let rng = &mut UnwrapErr(SysRng);
        match self {
            Self::X25519 => Identity::generate_x25519(rng),
            Self::PostQuantum => Identity::generate_hybrid(rng),
        }
    }
}

/// A key as it lies in a file.
fn file_text(public: &str, secret: &str) -> Zeroizing<String> {
    Zeroizing::new(["# public key: ", public, "\n", secret, "\n"].concat())
}

fn public_half(identity: &Identity) -> String {
    identity.recipient().expect("a key pair has a public half").to_string()
}

/// Writes both halves, and what the new key succeeds.
fn write_pair(path: Option<&Path>, mut generated: Generated, succession: Option<&Succession>) -> Result<Generated, JobError> {
    if let Some(path) = path {
        check_key_paths(path)?;
        let recipient_path = recipient_path(path);
        // Both are written before either gets its name, and the public half gets its own last: what is left behind must never be
        // a recipient that no identity opens.
        let identity = written(path, generated.identity_file.as_bytes(), Privacy::Owner)?;
        let recipient = written(&recipient_path, format!("{}\n", generated.recipient).as_bytes(), Privacy::Shared)?;
        let succession = match succession {
            Some(succession) => {
                check_succession_path(path)?;
                Some(written(&succession_path(path), succession.to_text().as_bytes(), Privacy::Shared)?)
            }
            None => None,
        };
        identity.commit()?;
        recipient.commit()?;
        if let Some(file) = succession {
            file.commit()?;
            generated.succession_path = Some(succession_path(path));
        }
        generated.recipient_path = Some(recipient_path);
    }
    Ok(generated)
}

/// Makes a key of which nothing is written but its shares and its recipient.
fn in_shares(identity: &Identity, path: &Path, counts: ShareCounts) -> Result<Generated, JobError> {
    keep_in_memory(identity.place());
    shares::check_paths(path, counts)?;
    let (recipient, recipient_path) = (public_half(identity), recipient_path(path));
    let shares = shares::write(identity, path, counts)?;
    let public = written(&recipient_path, format!("{recipient}\n").as_bytes(), Privacy::Shared)?.put_on_disk()?;
    shares.into_iter().try_for_each(CompleteFile::commit)?;
    // Last: what is left behind must never be a recipient that no shares open.
    public.commit()?;
    Ok(Generated { recipient, identity_file: Zeroizing::default(), recipient_path: Some(recipient_path), succession_path: None })
}

/// Where the public half of an identity file goes: `backup.pub` beside `backup.key`, `NAME.pub` beside any other `NAME`.
#[must_use]
pub fn recipient_path(path: &Path) -> PathBuf {
    beside(path, "pub")
}

/// Where it goes which key a new one succeeds: `db1.sign.succession` beside `db1.sign.key`, `NAME.succession` beside any other `NAME`.
#[must_use]
pub fn succession_path(path: &Path) -> PathBuf {
    beside(path, "succession")
}

/// `backup.EXTENSION` beside `backup.key`, `NAME.EXTENSION` beside any other `NAME`.
pub(crate) fn beside(path: &Path, extension: &str) -> PathBuf {
    if path.extension().is_some_and(|extension| extension == "key") {
        return path.with_extension(extension);
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// The public halves of the keys there are: of identities their recipients, of a signing key its verifier key.
///
/// # Errors
/// Where they cannot be read.
pub fn public_halves_of(unlock: &Unlock<'_>, observer: &dyn Observer) -> Result<Vec<String>, JobError> {
    let halves_of = |sources: &[IdentitySource]| {
        // Together, since of a key in shares none has a public half by itself.
        let identities = load_identities(sources, &unlock.passphrase, unlock.ask, observer)?;
        Ok(identities.iter().filter_map(Identity::recipient).map(|recipient| recipient.to_string()).collect::<Vec<_>>())
    };
    // First: what is no regular file can be read but once.
    match halves_of(&unlock.identities) {
        Err(JobError::Keyfile { .. }) => {}
        halves => return halves,
    }
    let (mut halves, mut sources) = (Vec::new(), Vec::new());
    for source in &unlock.identities {
        let signing = if let IdentitySource::File(path) = source { load_signing_key(path, observer).ok() } else { None };
        match signing {
            Some(key) => halves.push(key.verifier_key().to_string()),
            None => sources.push(source.clone()),
        }
    }
    halves.extend(halves_of(&sources)?);
    Ok(halves)
}

/// An identity file as an armored age file for a passphrase, as `age -p -a` makes it.
fn protect(text: &[u8], passphrase: Passphrase) -> Result<Zeroizing<String>, JobError> {
    let rng = &mut UnwrapErr(SysRng);
    let file_key = FileKey::generate(rng);
    let header = Header::wrap(&file_key, &[Recipient::passphrase(passphrase, DEFAULT_WORK_FACTOR)], HeaderPadding::None, rng)?;
    let nonce = PayloadNonce::generate(rng);
    let mut batch = Batch::with_chunks(1);
    batch.plaintext_slots_mut().next().expect("one chunk")[..text.len()].copy_from_slice(text);
    batch.set_plaintext_len(text.len());
    Sealer::new(&file_key, &nonce).finish(&mut batch, Spread::Serial);
    let mut armor = ArmorWriter::new();
    let mut armored = Vec::new();
    for part in [&header.to_bytes(), &nonce.as_bytes()[..], batch.sealed_bytes()] {
        armor.write(part, &mut armored);
    }
    armor.finish(&mut armored);
    Ok(Zeroizing::new(String::from_utf8(armored).expect("armor is ASCII")))
}

fn written(path: &Path, bytes: &[u8], privacy: Privacy) -> Result<PendingFile, JobError> {
    let mut file = PendingFile::create(path, privacy, Overwrite::Refused)?;
    file.write_all(bytes)?;
    Ok(file)
}
