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
use crate::output::PendingFile;
use crate::report::Observer;
use crate::sealing::now;
use crate::shares::{self, ShareCounts};

/// The kind of key to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// X25519, which every age implementation knows.
    X25519,
    /// ML-KEM-768 with X25519, safe against a later quantum computer.
    PostQuantum,
    /// Ed25519 under this name, to sign seals with.
    Signing(Label),
}

/// Everything that was decided about a new key.
#[derive(Debug)]
pub struct KeygenRequest {
    /// Its kind.
    pub kind: KeyKind,
    /// The identity file; its public half goes beside it, see [`recipient_path`]. `None` where the text is wanted only.
    pub path: Option<PathBuf>,
    /// What protects the identity file.
    pub passphrase: Option<Passphrase>,
    /// Into how many shares the identity is split; then it is not written itself.
    pub shares: Option<ShareCounts>,
    /// The signing key that a new one succeeds; both sign that, in a file beside it, see [`succession_path`].
    pub succeeds: Option<SigningKey>,
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

fn check_free(path: &Path) -> Result<(), JobError> {
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
    if let (Some(path), Some(counts)) = (&request.path, request.shares) {
        return in_shares(&request.kind, path, counts);
    }
    let rng = &mut UnwrapErr(SysRng);
    let mut succession = None;
    let (recipient, secret) = match &request.kind {
        KeyKind::X25519 => halves(&Identity::generate_x25519(rng)),
        KeyKind::PostQuantum => halves(&Identity::generate_hybrid(rng)),
        KeyKind::Signing(name) => {
            let key = SigningKey::generate(name.clone(), rng);
            let succeeds = |old| Succession::sign(old, &key, now()).expect("a new key is another than the old one");
            succession = request.succeeds.as_ref().map(succeeds);
            (key.verifier_key().to_string(), key.expose_text())
        }
    };
    let text = Zeroizing::new(["# public key: ", &recipient, "\n", &secret, "\n"].concat());
    let identity_file = match &request.passphrase {
        Some(passphrase) => protect(text.as_bytes(), passphrase.clone())?,
        None => text,
    };
    let mut generated = Generated { recipient, identity_file, recipient_path: None, succession_path: None };
    if let Some(path) = &request.path {
        check_key_paths(path)?;
        let recipient_path = recipient_path(path);
        // Both are written before either gets its name, and the public half gets its own last: what is left behind must never be
        // a recipient that no identity opens.
        let identity = written(path, generated.identity_file.as_bytes(), Privacy::Owner)?;
        let recipient = written(&recipient_path, format!("{}\n", generated.recipient).as_bytes(), Privacy::Shared)?;
        let succession = match &succession {
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
fn in_shares(kind: &KeyKind, path: &Path, counts: ShareCounts) -> Result<Generated, JobError> {
    let rng = &mut UnwrapErr(SysRng);
    let identity = match kind {
        KeyKind::PostQuantum => Identity::generate_hybrid(rng),
        KeyKind::X25519 | KeyKind::Signing(_) => Identity::generate_x25519(rng),
    };
    keep_in_memory(identity.place());
    shares::check_paths(path, counts)?;
    let (recipient, recipient_path) = (identity.recipient().expect("a key pair has a public half").to_string(), recipient_path(path));
    let shares = shares::write(&identity, path, counts)?;
    let public = written(&recipient_path, format!("{recipient}\n").as_bytes(), Privacy::Shared)?;
    shares.into_iter().try_for_each(PendingFile::commit)?;
    // Last: what is left behind must never be a recipient that no shares open.
    public.commit()?;
    Ok(Generated { recipient, identity_file: Zeroizing::default(), recipient_path: Some(recipient_path), succession_path: None })
}

fn halves(identity: &Identity) -> (String, Zeroizing<String>) {
    let recipient = identity.recipient().expect("a key pair has a public half");
    (recipient.to_string(), identity.expose_text().expect("a key pair has a private half"))
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
    let mut halves = Vec::new();
    for source in &unlock.identities {
        let identities = load_identities(std::slice::from_ref(source), &unlock.passphrase, unlock.ask, observer);
        if let (Err(JobError::Keyfile { .. }), IdentitySource::File(path)) = (&identities, source)
            && let Ok(key) = load_signing_key(path, observer)
        {
            halves.push(key.verifier_key().to_string());
            continue;
        }
        halves.extend(identities?.iter().filter_map(Identity::recipient).map(|recipient| recipient.to_string()));
    }
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
