//! The system's errors, in the words of a sentence.

use std::io;
use std::path::Path;

use crate::destination::folder_of;

/// For a file that is created, the system's "no such file" means its folder.
pub(crate) fn reason_of_create(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no folder {}", folder_of(path).display()),
        io::ErrorKind::NotADirectory => format!("{} is not a folder", folder_of(path).display()),
        _ => reason(error),
    }
}

/// For a program that is looked up, the system's "no such file" means the places where it was looked for.
pub(crate) fn reason_of_spawn(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound if !program.contains('/') => "it is not in PATH".into(),
        _ => reason(error),
    }
}

/// The system's words for an error, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = words.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// Whether somebody has to give more rights, or a file system other ones.
pub(crate) fn is_denied(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}
