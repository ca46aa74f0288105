//! The request (HANDOFF.md, "The request").

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rand_core::CryptoRng;

use super::text::{Kind, MAX_FILE_LEN, MAX_FILES, MAX_HANDOFF_LEN, MAX_HEADERS_LEN, Parts, Signatures, print_header, print_seal};
use super::{HandoffError, Unlocked};
use crate::code::Code;
use crate::header::Header;
use crate::keys::FileKey;
use crate::recipient::{Identity, POST_QUANTUM_TAGS, Recipient, RecipientKind};
use crate::seal::{Extent, FileName, Label, Maker, ProofKey, Seal, SigningKey, Trust, VerifiedSeal, VerifierKey, parse_hex};
use crate::tree::Blake3;

const MAX_RECIPIENTS: usize = 64;
/// Bytes that make a request one that nobody has seen before.
const NONCE_LEN: usize = 16;
const NEW_RECIPIENT: &str = "new-recipient";

/// What a machine that restores asks for: some files, for a key of its own. What [`Request::parse`] accepts, [`Request::to_bytes`] prints
/// back byte for byte. Anybody can have written it.
#[derive(Clone, Debug)]
pub struct Request {
    purpose: Purpose,
    files: Vec<RequestedFile>,
    /// Drawn anew for each: without it who can write to the storage knows the request before it is made, and finds another one with the same
    /// code in 2^40 steps.
    nonce: [u8; NONCE_LEN],
    signatures: Signatures,
}

/// What a request is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// The files are to be opened by the key of this recipient, which was made for this alone.
    Open(Recipient),
    /// The files are to have these recipients, in the place of the one whose key opens them.
    Rewrap(Vec<Recipient>),
}

/// A file that is asked for: its header, and what its seal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedFile {
    name: FileName,
    header: Header,
    /// Its notes alone.
    seal: Option<Seal>,
}

/// Why nothing is known of a file that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotVerified {
    /// It has no seal.
    #[error("no seal came with it")]
    NoSeal,
    /// Nobody vouches for it.
    #[error("nobody whom you trust vouches for its seal")]
    NobodyVouches,
    /// The seal is about another header.
    #[error("its seal is that of another backup, or of another time")]
    OtherHeader,
    /// The seal's signer did not make it.
    #[error("its seal was made by somebody who did not make the backup")]
    WrongProof,
    /// The seal's signer says no more than to have seen it, under whatever name it had.
    #[error("its seal is of somebody who saw it, and does not say who made it")]
    OnlySeen,
}

impl RequestedFile {
    /// A file of this name and with this header; of its seal the notes are taken along.
    ///
    /// # Errors
    /// A passphrase opens it; it is too large for a request.
    pub fn new(name: FileName, header: Header, seal: Option<&Seal>) -> Result<Self, HandoffError> {
        if header.needs_passphrase() {
            return Err(HandoffError::Passphrase);
        }
        let file = Self { name, header, seal: seal.map(Seal::notes_alone) };
        if file.len().max(file.header.len()) > MAX_FILE_LEN { Err(HandoffError::LargeFile) } else { Ok(file) }
    }

    /// Bytes in the request.
    fn len(&self) -> usize {
        let mut text = String::new();
        self.print(&mut text);
        text.len()
    }

    /// What who asks calls it: a claim.
    #[must_use]
    pub fn name(&self) -> &FileName {
        &self.name
    }

    /// Its header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The notes of its seal.
    #[must_use]
    pub fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    /// Unwraps its file key.
    ///
    /// # Errors
    /// See [`crate::UnwrapError`].
    pub fn unlock(&self, identities: &[Identity]) -> Result<Unlocked<'_>, HandoffError> {
        Ok(Unlocked { file: self, file_key: self.header.unwrap(identities)? })
    }

    /// What is known of it by whom these trust, to who has its file key.
    pub(super) fn facts(&self, trust: &Trust, file_key: &FileKey) -> Result<VerifiedSeal<'_>, NotVerified> {
        let judgement = self.seal.as_ref().ok_or(NotVerified::NoSeal)?.judge(trust);
        if judgement.header() != Extent::of(&self.header.to_bytes()) {
            return Err(NotVerified::OtherHeader);
        }
        let maker = judgement.check_proof(&ProofKey::of(file_key)).map_err(|_| NotVerified::WrongProof)?;
        let seal = judgement.verified().ok_or(NotVerified::NobodyVouches)?;
        if maker == Maker::Signer { Ok(seal) } else { Err(NotVerified::OnlySeen) }
    }

    fn is_post_quantum(&self) -> bool {
        self.header.recipient_tags().any(|tag| POST_QUANTUM_TAGS.contains(&tag))
    }

    fn parse(parts: &mut Parts<'_>) -> Result<Self, HandoffError> {
        let name = parts.field("file", FileName::parse)?;
        let (header, seal) = (parts.header()?, parts.seal()?);
        Self::new(name, header, seal.as_ref())
    }

    fn print(&self, text: &mut String) {
        *text += &format!("file {}\n{}{}", self.name, print_header(&self.header), print_seal(self.seal.as_ref()));
    }
}

/// What is taken of the room in a request, by files that are gathered one by one.
#[derive(Debug, Default)]
pub struct Room {
    file_count: usize,
    len: usize,
    headers_len: usize,
}

impl Room {
    /// Takes what this file needs.
    ///
    /// # Errors
    /// There is not so much left.
    pub fn take(&mut self, file: &RequestedFile) -> Result<(), HandoffError> {
        self.file_count += 1;
        self.len += file.len();
        self.headers_len += file.header.len();
        match self {
            Self { file_count, .. } if *file_count > MAX_FILES => Err(HandoffError::FileCount),
            Self { len, .. } if *len > MAX_HANDOFF_LEN => Err(HandoffError::TooLong),
            Self { headers_len, .. } if *headers_len > MAX_HEADERS_LEN => Err(HandoffError::HeadersTooLong),
            _ => Ok(()),
        }
    }
}

impl Request {
    /// A request for these files. Signed by who asks, if they have something to sign with.
    ///
    /// # Errors
    /// Too many files or recipients, or none; a classical recipient who is to open a post-quantum file; one that gets too long.
    pub fn new(
        purpose: Purpose,
        files: Vec<RequestedFile>,
        key: Option<&SigningKey>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, HandoffError> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let mut request = Self { purpose, files, nonce, signatures: Signatures::default() };
        request.check()?;
        if let Some(key) = key {
            request.signatures = Signatures::by(key, &request.signed_text());
        }
        if request.to_bytes().len() > MAX_HANDOFF_LEN { Err(HandoffError::TooLong) } else { Ok(request) }
    }

    fn check(&self) -> Result<(), HandoffError> {
        let mut room = Room::default();
        self.files.iter().try_for_each(|file| room.take(file))?;
        if self.files.is_empty() {
            return Err(HandoffError::FileCount);
        }
        let recipient = match &self.purpose {
            Purpose::Open(recipient) => recipient,
            Purpose::Rewrap(recipients) if (1..=MAX_RECIPIENTS).contains(&recipients.len()) => return Ok(()),
            Purpose::Rewrap(_) => return Err(HandoffError::RecipientCount),
        };
        match recipient.kind() {
            RecipientKind::Hybrid => Ok(()),
            RecipientKind::X25519 if self.files.iter().any(RequestedFile::is_post_quantum) => Err(HandoffError::Weaker),
            RecipientKind::X25519 => Ok(()),
            RecipientKind::Passphrase => Err(HandoffError::Passphrase),
        }
    }

    /// The kind of the key that a request for these files is made with.
    #[must_use]
    pub fn kind_for(files: &[RequestedFile]) -> RecipientKind {
        if files.iter().any(RequestedFile::is_post_quantum) { RecipientKind::Hybrid } else { RecipientKind::X25519 }
    }

    /// Parses a request, from its bytes or its text.
    ///
    /// # Errors
    /// See [`HandoffError`]: one that breaks a rule says nothing.
    pub fn parse(text: &[u8]) -> Result<Self, HandoffError> {
        let bytes = Kind::Request.bytes_of(text)?;
        let mut parts = Kind::Request.rest(&bytes)?;
        let purpose = if parts.rest.starts_with(b"recipient ") {
            Purpose::Open(parts.field("recipient", |text| text.parse().ok())?)
        } else {
            let mut recipients = Vec::from([parts.field(NEW_RECIPIENT, |text| text.parse().ok())?]);
            while parts.rest.starts_with(NEW_RECIPIENT.as_bytes()) && recipients.len() < MAX_RECIPIENTS {
                recipients.push(parts.field(NEW_RECIPIENT, |text| text.parse().ok())?);
            }
            Purpose::Rewrap(recipients)
        };
        let nonce = parts.field("nonce", parse_hex)?;
        let mut files = Vec::new();
        while parts.rest.starts_with(b"file ") && files.len() < MAX_FILES {
            files.push(RequestedFile::parse(&mut parts)?);
        }
        let mut request = Self { purpose, files, nonce, signatures: Signatures::default() };
        request.check()?;
        request.signatures = Signatures::parse(&request.signed_text(), parts.rest)?;
        // What every part's own spelling should have made sure of already.
        if request.to_bytes() == bytes { Ok(request) } else { Err(HandoffError::Malformed("it is not in its one spelling")) }
    }

    /// The request in its one spelling.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        (self.signed_text() + &self.signatures.print()).into_bytes()
    }

    /// The same as text that can be pasted.
    #[must_use]
    pub fn to_text(&self) -> String {
        Kind::Request.to_text(&self.to_bytes())
    }

    fn signed_text(&self) -> String {
        let mut text = String::from(Kind::Request.first_line());
        match &self.purpose {
            Purpose::Open(recipient) => text += &format!("recipient {recipient}\n"),
            Purpose::Rewrap(recipients) => recipients.iter().for_each(|recipient| text += &format!("{NEW_RECIPIENT} {recipient}\n")),
        }
        let nonce: String = self.nonce.iter().map(|byte| format!("{byte:02x}")).collect();
        text += &format!("nonce {nonce}\n");
        self.files.iter().for_each(|file| file.print(&mut text));
        text
    }

    /// What a grant calls it by.
    #[must_use]
    pub fn hash(&self) -> Blake3 {
        Blake3::of(&self.to_bytes())
    }

    /// What two people compare.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::of(&self.to_bytes())
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// What is asked for.
    #[must_use]
    pub fn files(&self) -> &[RequestedFile] {
        &self.files
    }

    /// Who signed the request, of those who are trusted with anything.
    #[must_use]
    pub fn signed_by<'a>(&self, trust: &'a Trust) -> Option<&'a Label> {
        let text = self.signed_text();
        trust.keys().find(|key| self.signatures.are_by(&text, key)).map(VerifierKey::name)
    }
}
