//! Recipient and identity files: a key a line, empty lines and `#` comments between.

use alloc::vec::Vec;

use crate::recipient::{Identity, KeyError, Recipient};

/// The recipients of a recipients file.
///
/// # Errors
/// The first line that is not a recipient, or a file without one.
pub fn recipients_from_text(text: &str) -> Result<Vec<Recipient>, KeyfileError> {
    keys_from_text(text)
}

/// The identities of an identity file.
///
/// # Errors
/// The first line that is not an identity, or a file without one.
pub fn identities_from_text(text: &str) -> Result<Vec<Identity>, KeyfileError> {
    keys_from_text(text)
}

fn keys_from_text<K: core::str::FromStr<Err = KeyError>>(text: &str) -> Result<Vec<K>, KeyfileError> {
    let mut keys = Vec::new();
    for (line, line_number) in text.lines().zip(1..) {
        let key = line.trim();
        if !key.is_empty() && !key.starts_with('#') {
            keys.push(key.parse().map_err(|error| KeyfileError::Line { line_number, error })?);
        }
    }
    if keys.is_empty() { Err(KeyfileError::Empty) } else { Ok(keys) }
}

/// Why a text is not a file of keys. No variant repeats a line: it may be a secret in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyfileError {
    /// Nothing but comments and empty lines.
    #[error("there is no key in it")]
    Empty,
    /// A line that is not a key.
    #[error("line {line_number}: {error}")]
    Line {
        /// The line, counted from 1.
        line_number: u32,
        /// What is wrong with it.
        error: KeyError,
    },
}
