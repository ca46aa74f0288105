//! The answer to a request for other recipients (HANDOFF.md, "New headers").

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rand_core::CryptoRng;

use super::HandoffError;
use super::request::{Purpose, Request, RequestedFile};
use super::text::{Code, Kind, print_header, print_seal};
use crate::header::Header;
use crate::recipient::Identity;
use crate::rewrap::{Leaving, Rewrap, Strength};
use crate::seal::{Seal, SigningKey, Time, parse_hex};
use crate::tree::Blake3;

/// The header that a file gets, and the notes of its seal with the one about that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHeader {
    header: Header,
    seal: Option<Seal>,
}

impl NewHeader {
    /// For the recipients that a request names, in the place of those whose stanzas `identities` open. Of the same length as the one before,
    /// where it fits.
    ///
    /// # Errors
    /// A request for something else; a sealed file and nothing to sign with; see [`crate::RewrapError`].
    pub fn of(
        request: &Request,
        file: &RequestedFile,
        identities: &[Identity],
        strength: Strength,
        signer: Option<(&SigningKey, Time)>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, HandoffError> {
        let Purpose::Rewrap(recipients) = request.purpose() else { return Err(HandoffError::OtherPurpose) };
        let before = file.header();
        let rewrap = Rewrap::of(before, identities, recipients, Leaving::Opened, strength, rng)?;
        let header = match rewrap.header_of_len(before.len()) {
            Some(header) => header,
            None => rewrap.header().map_err(crate::rewrap::RewrapError::from)?,
        };
        let mut seal = file.seal().cloned();
        if let Some(seal) = &mut seal {
            let (key, time) = signer.ok_or(HandoffError::NotSigned)?;
            seal.append_rewrapped(before, &header, rewrap.file_key(), key, time)?;
        }
        Ok(Self { header, seal })
    }

    /// The header, with its padding.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The notes of the seal.
    #[must_use]
    pub fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }
}

/// The answer to a request: for each of its files a new header, or none. What [`NewHeaders::parse`] accepts, [`NewHeaders::to_bytes`] prints
/// back byte for byte. Who installs it cannot tell a header that its key opens from one that nobody opens: it has to come from who is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHeaders {
    request: Blake3,
    answers: Vec<Option<NewHeader>>,
}

impl NewHeaders {
    /// The answers to a request, one for each of its files, in their order.
    ///
    /// # Errors
    /// More or fewer of them.
    pub fn of(request: &Request, answers: Vec<Option<NewHeader>>) -> Result<Self, HandoffError> {
        if answers.len() == request.files().len() { Ok(Self { request: request.hash(), answers }) } else { Err(HandoffError::OtherCount) }
    }

    /// The files of a request with their answers.
    ///
    /// # Errors
    /// An answer to another request.
    pub fn answers<'a>(
        &'a self,
        request: &'a Request,
    ) -> Result<impl Iterator<Item = (&'a RequestedFile, Option<&'a NewHeader>)>, HandoffError> {
        if self.request != request.hash() {
            return Err(HandoffError::OtherRequest);
        }
        if self.answers.len() != request.files().len() {
            return Err(HandoffError::OtherCount);
        }
        Ok(request.files().iter().zip(self.answers.iter().map(Option::as_ref)))
    }

    /// How many files get a new header.
    #[must_use]
    pub fn count(&self) -> usize {
        self.answers.iter().flatten().count()
    }

    /// Parses an answer, from its bytes or its text.
    ///
    /// # Errors
    /// See [`HandoffError`]: one that breaks a rule says nothing.
    pub fn parse(text: &[u8]) -> Result<Self, HandoffError> {
        let bytes = Kind::NewHeaders.bytes_of(text)?;
        let mut parts = Kind::NewHeaders.rest(&bytes)?;
        let request = parts.field("request", parse_hex).map(Blake3::from_bytes)?;
        let mut answers = Vec::new();
        while !parts.rest.is_empty() {
            if let Some(rest) = parts.rest.strip_prefix(NONE.as_bytes()) {
                parts.rest = rest;
                answers.push(None);
                continue;
            }
            answers.push(Some(NewHeader { header: parts.header()?, seal: parts.seal()? }));
        }
        let new = Self { request, answers };
        // What every part's own spelling should have made sure of already.
        if new.to_bytes() == bytes { Ok(new) } else { Err(HandoffError::Malformed("it is not in its one spelling")) }
    }

    /// The answer in its one spelling.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{}request {}\n", Kind::NewHeaders.first_line(), self.request);
        for answer in &self.answers {
            text += &answer
                .as_ref()
                .map_or_else(|| String::from(NONE), |answer| print_header(&answer.header) + &print_seal(answer.seal.as_ref()));
        }
        text.into_bytes()
    }

    /// The same as text that can be pasted.
    #[must_use]
    pub fn to_text(&self) -> String {
        Kind::NewHeaders.to_text(&self.to_bytes())
    }

    /// What two people compare.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::of(&self.to_bytes())
    }
}

/// In the place of a header that is not given.
const NONE: &str = "none\n";
