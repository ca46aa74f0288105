//! The answer to a request for other recipients (HANDOFF.md, "New headers").

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rand_core::CryptoRng;

use super::HandoffError;
use super::request::{NotVerified, Purpose, Request, RequestedFile};
use super::text::{Kind, MAX_FILES, MAX_HANDOFF_LEN, Signatures, print_header, print_seal};
use crate::code::Code;
use crate::header::Header;
use crate::recipient::Identity;
use crate::rewrap::{Leaving, Rewrap, Strength};
use crate::seal::{Extent, Label, Note, Role, Seal, SignedNote, SigningKey, Time, Trust, VerifierKey, parse_hex};
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
    pub(super) fn of(
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
            seal.append_rewrapped(before, &header, rewrap.file_key(), key, time).map_err(HandoffError::Append)?;
        }
        Ok(Self { header, seal })
    }

    /// Whether it is the next header of this file: another one, and with its notes and the one that says so.
    fn follows(&self, file: &RequestedFile) -> bool {
        // That note alone: of those before, strangers' too, who installs it judges by whom they trust.
        let [before, after] = [file.header(), &self.header].map(|header| Extent::of(&header.to_bytes()));
        let says_so = |seal: &Seal| {
            let last = seal.notes().last().map(SignedNote::note);
            matches!(last, Some(Note::Rewrapped(note)) if note.old_header == before && note.header == after)
        };
        self.header != *file.header()
            && match (file.seal(), &self.seal) {
                (None, None) => true,
                (Some(before), Some(seal)) => before.continued_by(seal).is_some() && says_so(seal),
                _ => false,
            }
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

/// What a file is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A new header.
    New(NewHeader),
    /// None: it has these recipients.
    Already,
    /// None: a note of ours would say that the proofs before it were checked (SEAL.md).
    Refused(NotVerified),
    /// None: no key opens it.
    NotOpened,
    /// None: it cannot have one.
    Failed(HandoffError),
}

/// The answer to a request: for each of its files a new header, or none. What [`NewHeaders::parse`] accepts, [`NewHeaders::to_bytes`] prints
/// back byte for byte. Who installs it cannot tell a header that its key opens from one that nobody opens: it has to come from who is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHeaders {
    request: Blake3,
    answers: Vec<Option<NewHeader>>,
    signatures: Signatures,
}

impl NewHeaders {
    /// The answers to a request, one for each of its files, in their order; signed by who answers, if they have something to sign with.
    ///
    /// # Errors
    /// More or fewer of them; more than anybody reads.
    pub fn of(request: &Request, answers: Vec<Answer>, key: Option<&SigningKey>) -> Result<Self, HandoffError> {
        if answers.len() != request.files().len() {
            return Err(HandoffError::OtherCount);
        }
        let new = |answer| if let Answer::New(new) = answer { Some(new) } else { None };
        let answers = answers.into_iter().map(new).collect();
        let mut this = Self { request: request.hash(), answers, signatures: Signatures::default() };
        if let Some(key) = key {
            this.signatures = Signatures::by(key, &this.signed_text());
        }
        if this.to_bytes().len() > MAX_HANDOFF_LEN { Err(HandoffError::TooLong) } else { Ok(this) }
    }

    /// Who signed the answer, of those who are trusted with changes of recipients, and whose trust has no end: this one is made now.
    #[must_use]
    pub fn signed_by<'a>(&self, trust: &'a Trust) -> Option<&'a Label> {
        let text = self.signed_text();
        trust.keys_for(Role::Rewrap).find(|key| self.signatures.are_by(&text, key)).map(VerifierKey::name)
    }

    /// Whether one of them is trusted so for backups that no seal says anything of: whom these trust for one series alone is not.
    #[must_use]
    pub fn is_for_unsealed(&self, trust: &Trust) -> bool {
        let text = self.signed_text();
        trust.keys_for_no_series(Role::Rewrap).any(|key| self.signatures.are_by(&text, key))
    }

    /// The files of a request with their answers. Each is for other recipients, and what its notes say with one more, that it is.
    ///
    /// # Errors
    /// An answer to another request, or one that does not follow from it.
    pub fn answers<'a>(
        &'a self,
        request: &'a Request,
    ) -> Result<impl Iterator<Item = (&'a RequestedFile, Option<&'a NewHeader>)>, HandoffError> {
        if self.request != request.hash() {
            return Err(HandoffError::OtherRequest(Kind::NewHeaders.words()));
        }
        if self.answers.len() != request.files().len() {
            return Err(HandoffError::OtherCount);
        }
        let pairs = || request.files().iter().zip(self.answers.iter().map(Option::as_ref));
        if pairs().all(|(file, new)| new.is_none_or(|new| new.follows(file))) { Ok(pairs()) } else { Err(HandoffError::OtherFile) }
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
        while !parts.rest.is_empty() && !parts.rest.starts_with(b"\n") {
            if answers.len() == MAX_FILES {
                return Err(HandoffError::FileCount);
            }
            if let Some(rest) = parts.rest.strip_prefix(NONE.as_bytes()) {
                parts.rest = rest;
                answers.push(None);
                continue;
            }
            answers.push(Some(NewHeader { header: parts.header()?, seal: parts.seal()? }));
        }
        let mut new = Self { request, answers, signatures: Signatures::default() };
        new.signatures = Signatures::parse(&new.signed_text(), parts.rest)?;
        // What every part's own spelling should have made sure of already.
        if new.to_bytes() == bytes { Ok(new) } else { Err(HandoffError::Malformed("it is not in its one spelling")) }
    }

    /// The answer in its one spelling.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        (self.signed_text() + &self.signatures.print()).into_bytes()
    }

    fn signed_text(&self) -> String {
        let mut text = format!("{}request {}\n", Kind::NewHeaders.first_line(), self.request);
        for answer in &self.answers {
            text += &answer
                .as_ref()
                .map_or_else(|| String::from(NONE), |answer| print_header(&answer.header) + &print_seal(answer.seal.as_ref()));
        }
        text
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
