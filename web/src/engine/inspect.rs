//! What an age file says about itself. All of it is a claim: nothing is authenticated without a key.

use dbseal_core::{Extent, Layout, Seal, Trust};

use super::against_seal::{broken, claims};
use super::age_file::AgeFile;
use super::source::Source;
use crate::messages::{Failure, Inspected};

/// Characters of a recipient's type that are shown: in a file from elsewhere it may be of any length.
const MAX_SHOWN_LEN: usize = 64;

/// Reads the header and the seal.
///
/// # Errors
/// A file that cannot be read, or is no age file.
pub async fn inspect<S: Source>(backup: &S, seal: Option<&[u8]>, trust: &Trust) -> Result<Inspected, Failure> {
    let file = AgeFile::read(backup).await?;
    let is_armored = file.armored.is_some();
    let section_len = backup.len().saturating_sub(file.header_len);
    // rage adds stanzas that are for nobody, to keep readers tolerant.
    let recipients = file.header.recipient_tags().filter(|tag| !tag.ends_with("-grease"));
    let mut inspected = Inspected {
        file_len: backup.len(),
        armored: is_armored,
        header_len: file.header_len,
        recipients: recipients.map(|tag| tag.chars().take(MAX_SHOWN_LEN).collect()).collect(),
        plaintext_len: Layout::of_section(section_len).ok().filter(|_| !is_armored).map(|layout| layout.plaintext_len()),
        claims: None,
        as_sealed: None,
        broken: None,
    };
    match seal.map(Seal::parse) {
        None => {}
        Some(Err(error)) => inspected.broken = Some(broken(error)),
        Some(Ok(seal)) => {
            let judgement = seal.judge(trust);
            let header = Extent::of(&file.header.to_bytes());
            inspected.as_sealed = Some(!is_armored && header == judgement.header() && section_len == judgement.payload().len);
            inspected.claims = Some(claims(&judgement, None));
        }
    }
    Ok(inspected)
}
