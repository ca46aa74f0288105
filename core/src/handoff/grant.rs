//! The grant (HANDOFF.md, "The grant").

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rand_core::CryptoRng;

use super::HandoffError;
use super::request::{NotVerified, Purpose, Request, RequestedFile};
use super::text::{Kind, MAX_FILES};
use crate::code::Code;
use crate::header::{Header, HeaderPadding, MAX_HEADER_LEN, WrapError};
use crate::keys::FileKey;
use crate::recipient::Identity;
use crate::seal::{Trust, VerifiedSeal, parse_hex, parse_number};
use crate::stack::with_wiped_stack;
use crate::stanza::Stanza;
use crate::tree::Blake3;

/// The tag of the stanza that says which request a granted header is for. It wraps nothing, and no other program looks at it.
const GRANT_TAG: &str = "dbseal/grant";

/// A file that is asked for, and that a key opens.
#[derive(Debug)]
pub struct Unlocked<'a> {
    pub(super) file: &'a RequestedFile,
    pub(super) file_key: FileKey,
}

impl<'a> Unlocked<'a> {
    /// The file.
    #[must_use]
    pub fn file(&self) -> &'a RequestedFile {
        self.file
    }

    /// What is known of it by those who are trusted.
    ///
    /// # Errors
    /// Why nothing is.
    pub fn facts(&self, trust: &Trust) -> Result<VerifiedSeal<'a>, NotVerified> {
        self.file.facts(trust, &self.file_key)
    }
}

/// The answer to a request: for each of its files a header that the key of who asked opens, or none. What [`Grant::parse`] accepts,
/// [`Grant::to_bytes`] prints back byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    request: Blake3,
    headers: Vec<Option<Header>>,
}

impl Grant {
    /// Grants the files of a request that are given, and refuses all others.
    ///
    /// # Errors
    /// A file of another request; a request for something else.
    pub fn of(request: &Request, granted: &[Unlocked<'_>], rng: &mut impl CryptoRng) -> Result<Self, HandoffError> {
        let Purpose::Open(recipient) = request.purpose() else { return Err(HandoffError::OtherPurpose) };
        let hash = request.hash();
        let mut headers: Vec<Option<Header>> = request.files().iter().map(|_| None).collect();
        for unlocked in granted {
            let index = request
                .files()
                .iter()
                .position(|file| core::ptr::eq(file, unlocked.file))
                .ok_or(HandoffError::OtherRequest(Kind::Grant.words()))?;
            let wrapped = with_wiped_stack(|| recipient.wrap(&unlocked.file_key, rng));
            let stanzas = Vec::from([wrapped, Stanza::new(GRANT_TAG, &[&hash.to_string()], &[])]);
            let header = Header::of_stanzas(stanzas, HeaderPadding::None, &unlocked.file_key);
            headers[index] = Some(header.map_err(|_: WrapError| HandoffError::TooLong)?);
        }
        Ok(Self { request: hash, headers })
    }

    /// What opens a request's files, in their order, each its file alone; `None` where one was refused.
    ///
    /// # Errors
    /// A grant for another request, or for other files; one that was altered, or that `identity`, which the request was made for, does not
    /// open.
    pub fn open(&self, request: &Request, identity: &Identity) -> Result<Vec<Option<Identity>>, HandoffError> {
        let hash = request.hash();
        if self.request != hash {
            return Err(HandoffError::OtherRequest(Kind::Grant.words()));
        }
        if self.headers.len() != request.files().len() {
            return Err(HandoffError::OtherCount);
        }
        let named = hash.to_string();
        let open = |(header, file): (&Option<Header>, &RequestedFile)| {
            let Some(header) = header else { return Ok(None) };
            let file_key = header.unwrap(core::slice::from_ref(identity))?;
            // Under the MAC: what the first lines say anybody can write.
            let names: Vec<_> = header.stanzas().iter().filter(|stanza| stanza.tag == GRANT_TAG).collect();
            if !matches!(&*names, [stanza] if *stanza.args == [named.as_str()] && stanza.body.is_empty()) {
                return Err(HandoffError::OtherRequest(Kind::Grant.words()));
            }
            if !file.header().is_of(&file_key) {
                return Err(HandoffError::OtherFile);
            }
            Ok(Some(Identity::granted(file.header().stanzas(), file_key)))
        };
        self.headers.iter().zip(request.files()).map(open).collect()
    }

    /// How many files are granted.
    #[must_use]
    pub fn granted_count(&self) -> usize {
        self.headers.iter().flatten().count()
    }

    /// Parses a grant, from its bytes or its text.
    ///
    /// # Errors
    /// See [`HandoffError`]: one that breaks a rule says nothing.
    pub fn parse(text: &[u8]) -> Result<Self, HandoffError> {
        let bytes = Kind::Grant.bytes_of(text)?;
        let mut parts = Kind::Grant.rest(&bytes)?;
        let request = parts.field("request", parse_hex).map(Blake3::from_bytes)?;
        let mut headers = Vec::new();
        while !parts.rest.is_empty() {
            if headers.len() == MAX_FILES {
                return Err(HandoffError::FileCount);
            }
            let len = parts.field("header", |text| usize::try_from(parse_number(text)?).ok().filter(|len| *len <= MAX_HEADER_LEN))?;
            headers.push(match len {
                0 => None,
                len => match Header::parse(parts.bytes(len)?) {
                    Ok((header, parsed_len)) if parsed_len == len => Some(header),
                    _ => return Err(HandoffError::Malformed("a header is none")),
                },
            });
        }
        let grant = Self { request, headers };
        // What every part's own spelling should have made sure of already.
        if grant.to_bytes() == bytes { Ok(grant) } else { Err(HandoffError::Malformed("it is not in its one spelling")) }
    }

    /// The grant in its one spelling.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}request {}\n", Kind::Grant.first_line(), self.request).into_bytes();
        for header in &self.headers {
            let header = header.as_ref().map(Header::to_bytes).unwrap_or_default();
            bytes.extend(format!("header {}\n", header.len()).as_bytes());
            bytes.extend(header);
        }
        bytes
    }

    /// The same as text that can be pasted.
    #[must_use]
    pub fn to_text(&self) -> String {
        Kind::Grant.to_text(&self.to_bytes())
    }

    /// What two people compare.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::of(&self.to_bytes())
    }
}
