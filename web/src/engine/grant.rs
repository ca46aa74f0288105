//! Granting what another machine asks for (HANDOFF.md): the request is read, a person is shown what is known of it, and only their yes makes
//! a grant.

use dbseal_core::{Grant, HandoffError, Identity, MAX_HANDOFF_LEN, Purpose, Request, Trust, join_parts};
use getrandom::SysRng;
use rand_core::UnwrapErr;

use super::failures;
use super::pictures::{Pictures, codes_in, is_picture, size_of};
use super::reading::read_bytes;
use super::source::Source;
use crate::messages::Failure;
use crate::messages::grant::{Asked, Consent, Granted};

/// Bytes in a file that a request is in: text takes a third more than what it stands for.
const MAX_TEXT_LEN: u64 = 2 * MAX_HANDOFF_LEN as u64;
/// Bytes in a picture, which is longer than that at times.
const MAX_PICTURE_LEN: u64 = 64 << 20;
/// Files that are read for one request: as many pictures as one has parts, and some that are blurred.
const MAX_FILES: usize = 256;
/// Bytes at the start of a file that show whether it is a picture.
const START_LEN: u64 = 64;

/// Who is shown what is asked for, and says yes; who says no ends the job.
pub trait Person {
    /// Shows it, and waits for the answer.
    ///
    /// # Errors
    /// Where nobody is there.
    fn ask(&self, asked: Asked) -> impl Future<Output = Result<Consent, Failure>>;
}

/// A request that was pasted. Whatever stands around it is ignored, and what a terminal has cut off at its end is put back.
///
/// # Errors
/// One that is none.
pub fn pasted_request(text: &str) -> Result<Request, Failure> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    request_of(&[[text, end].concat().into_bytes()])
}

/// A request in one file or several, with so many bytes each, which lie one behind the other. Parts of it may come in any order.
///
/// # Errors
/// What cannot be read, or is no request.
pub async fn read_request<S: Source>(files: &S, lens: &[u64], pictures: &impl Pictures) -> Result<Request, Failure> {
    if lens.len() > MAX_FILES {
        return Err(failures::many_files(lens.len(), MAX_FILES));
    }
    let (mut pieces, mut start, mut text_len) = (Vec::new(), 0_u64, 0_u64);
    for &len in lens {
        let end = start.checked_add(len).filter(|end| *end <= files.len()).ok_or_else(failures::other_files)?;
        let is_picture = is_picture(&read_bytes(files, start..end.min(start + START_LEN)).await?);
        text_len += if is_picture { 0 } else { len };
        if text_len > MAX_TEXT_LEN || is_picture && len > MAX_PICTURE_LEN {
            return Err(failures::handoff(&HandoffError::TooLong));
        }
        let bytes = read_bytes(files, start..end).await?;
        if is_picture {
            // Before the browser makes pixels of it, for which it takes all the memory that the picture says it needs.
            size_of(&bytes)?;
            pieces.extend(codes_in(&pictures.develop(&bytes).await?)?);
        } else {
            pieces.push(bytes);
        }
        start = end;
    }
    if start == files.len() { request_of(&pieces) } else { Err(failures::other_files()) }
}

fn request_of(pieces: &[Vec<u8>]) -> Result<Request, Failure> {
    join_parts(pieces).and_then(|bytes| Request::parse(&bytes)).map_err(|error| failures::handoff(&error))
}

/// Shows what is asked for, and grants what these keys open of it if a person says so. While they think, there are the file keys of that,
/// and no other key.
///
/// # Errors
/// Where nothing opens, or the answer is not a clear yes to just this.
pub async fn grant(request: &Request, identities: Vec<Identity>, trust: &Trust, person: &impl Person) -> Result<Granted, Failure> {
    if !matches!(request.purpose(), Purpose::Open(_)) {
        return Err(failures::handoff(&HandoffError::OtherPurpose));
    }
    let review = request.review(&identities, trust).map_err(|error| failures::handoff(&error))?;
    drop(identities);
    let asked = Asked::of(&review, request.signed_by(trust).map(ToString::to_string));
    let code = asked.code.clone();
    let consent = person.ask(asked).await?;
    if consent.code != code {
        return Err(failures::other_code());
    }
    if !review.is_verified() && !consent.unverified {
        return Err(failures::not_verified());
    }
    let granted: Grant = review.grant(&mut UnwrapErr(SysRng)).map_err(|error| failures::handoff(&error))?;
    Ok(Granted {
        text: granted.to_text(),
        code: granted.code().to_string(),
        granted_count: granted.granted_count(),
        asked_count: request.files().len(),
    })
}
