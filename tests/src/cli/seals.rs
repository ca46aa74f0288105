//! Signed backups that several test programs make, in a folder made by [`folder`]: backups in `b`, whom to trust in `trust`.

use std::fs;
use std::path::Path;

use dbseal_core::{Header, ProofKey, SigningKey, identities_from_text, signing_key_from_text};
use serde_json::Value;

use super::{Ended, Folder, Run};

/// A folder with the key pair of [`Folder::with_key`] and the host's signing key, which is trusted.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn folder() -> Folder {
    let folder = Folder::with_key();
    fs::create_dir(folder.path("b")).expect("a folder");
    new_key(&folder, "host");
    let public = folder.read_text("host.pub");
    folder.write("trust", format!("{} may=seal series=*\n", public.trim()));
    folder
}

/// Makes a signing key, `NAME.key` and `NAME.pub`.
pub fn new_key(folder: &Folder, name: &str) {
    let key = format!("{name}.key");
    let _ = folder.dbseal(["keygen", "--sign", name, "-o", &key]).run().succeeds();
}

/// `dbseal encrypt` to the recipient of the folder, signed by the host.
pub fn encrypt(folder: &Folder, args: &[&str]) -> Run {
    folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", "host.key"]).args(args.iter().copied())
}

/// The same, as one of the series `shop`.
pub fn encrypt_next(folder: &Folder, args: &[&str]) -> Run {
    encrypt(folder, &["--series", "shop", "--series-state", "state"]).args(args.iter().copied())
}

/// `dbseal verify` by the folder's trust.
pub fn verify(folder: &Folder, args: &[&str]) -> Run {
    folder.dbseal(["verify", "--json", "--trust", "trust"]).args(args.iter().copied())
}

/// What a check answered about each file, an object a line.
///
/// # Panics
/// If it is no JSON.
#[must_use]
pub fn answers(ended: &Ended) -> Vec<Value> {
    ended
        .stdout
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect()
}

/// What a check answered about one file.
///
/// # Panics
/// If it said nothing about it.
#[must_use]
pub fn answer(ended: &Ended, name: &str) -> Value {
    let is_it = |answer: &Value| answer["file"].as_str().is_some_and(|file| Path::new(file).file_name().is_some_and(|file| file == name));
    answers(ended).into_iter().find(is_it).unwrap_or_else(|| panic!("nothing about {name}: {}", ended.words()))
}

/// A signing key that [`new_key`] made.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn signing_key(folder: &Folder, name: &str) -> SigningKey {
    signing_key_from_text(&folder.read_text(&format!("{name}.key"))).expect("a signing key")
}

/// The header of a backup, its payload section, and what proves that one has its file key.
///
/// # Panics
/// If the folder's identity does not open it.
#[must_use]
pub fn parts(folder: &Folder, backup: &[u8]) -> (Header, Vec<u8>, ProofKey) {
    let (header, len) = Header::parse(backup).expect("an age file");
    let identities = identities_from_text(&folder.read_text("backup.key")).expect("an identity");
    let file_key = header.unwrap(&identities).expect("the file key");
    (header, backup[len..].to_vec(), ProofKey::of(&file_key))
}
