//! The [age v1 file format](https://c2sp.org/age) for database backups: everything that is bytes, nothing that is a file.
//!
//! A file is a [`Header`], which wraps the [`FileKey`] for each [`Recipient`], and a payload section: a [`PayloadNonce`]
//! and chunks of 64 KiB that are sealed and opened in any order, a [`Batch`] at a time. The crate is `no_std`, takes its
//! randomness from the caller, and never touches a file, a clock or the environment.
//!
//! # Example
//!
//! ```
//! use dbseal_core::{Batch, FileKey, Header, HeaderPadding, Identity, Opener, PayloadNonce, Sealer, Spread, StreamEnd};
//! # struct Rng(u64);
//! # impl rand_core::TryRng for Rng {
//! #     type Error = core::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { self.try_next_u64().map(|n| n as u32) }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1); Ok(self.0) }
//! #     fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> { for b in dst { *b = (self.try_next_u64()? >> 32) as u8; } Ok(()) }
//! # }
//! # impl rand_core::TryCryptoRng for Rng {}
//! # let mut rng = Rng(1); // for this page only: the operating system's generator in real use
//! // The host knows only the recipient.
//! let identity = Identity::generate_x25519(&mut rng);
//! let recipient = identity.recipient().expect("an X25519 identity has one");
//!
//! let file_key = FileKey::generate(&mut rng);
//! let header = Header::wrap(&file_key, &[recipient], HeaderPadding::Fixed, &mut rng)?;
//! let nonce = PayloadNonce::generate(&mut rng);
//! let mut batch = Batch::with_chunks(1);
//! batch.plaintext_slots_mut().next().expect("one slot")[..4].copy_from_slice(b"dump");
//! batch.set_plaintext_len(4);
//! Sealer::new(&file_key, &nonce).finish(&mut batch, Spread::Serial);
//! let file = [&header.to_bytes(), &nonce.as_bytes()[..], batch.sealed_bytes()].concat();
//!
//! // The custodian opens it.
//! let (header, header_len) = Header::parse(&file)?;
//! assert_eq!(header_len, 4096);
//! let file_key = header.unwrap(&[identity])?;
//! let (nonce, sealed) = file[header_len..].split_first_chunk().expect("16 bytes");
//! let mut batch = Batch::with_chunks(1);
//! batch.ciphertext_mut()[..sealed.len()].copy_from_slice(sealed);
//! batch.set_ciphertext_len(sealed.len());
//! Opener::new(&file_key, &PayloadNonce::from_bytes(*nonce)).open_batch(&mut batch, StreamEnd::Here, Spread::Serial)?;
//! assert_eq!(batch.opened_slots().next(), Some(&b"dump"[..]));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
#![no_std]

extern crate alloc;

mod armor;
mod batch;
mod code;
mod encoding;
mod handoff;
mod header;
mod journal;
mod keyfile;
mod keys;
mod layout;
mod memory;
mod pad;
mod payload;
mod recipient;
mod reencrypt;
mod rewrap;
mod seal;
#[cfg(test)]
mod sentences;
mod shares;
mod spread;
mod stack;
mod stanza;
mod tree;

pub use armor::{ArmorError, ArmorReader, ArmorWriter, BEGIN_ARMOR};
pub use batch::{Batch, Claim, Opener, Salvaged, Sealer, StreamEnd};
pub use code::Code;
pub use handoff::{
    Answer, Facts, Finding, Grant, HandoffError, MAX_HANDOFF_LEN, NewHeader, NewHeaders, NotVerified, Purpose, Request, RequestedFile,
    Review, Room, Unlocked, join_parts, split_parts,
};
pub use header::{Header, HeaderError, HeaderPadding, MAX_HEADER_LEN, UnwrapError, WrapError};
pub use journal::{Found, Journal, MAX_JOURNAL_LEN};
pub use keyfile::{KeyfileError, identities_from_text, recipients_from_text};
pub use keys::{FILE_KEY_LEN, FileKey, PAYLOAD_NONCE_LEN, PayloadNonce};
pub use layout::{CheckedLayout, ChunkRange, Layout, RangeError};
pub use memory::ReadBuffer;
pub use pad::PAD_TAG;
pub use payload::{CHUNK_LEN, PayloadError, SLOT_LEN, TAG_LEN};
pub use recipient::scrypt::{DEFAULT_WORK_FACTOR, MAX_WORK_FACTOR};
pub use recipient::{Identity, KeyError, POST_QUANTUM_TAGS, Passphrase, Recipient, RecipientKind};
pub use reencrypt::Reencrypt;
pub use rewrap::{Leaving, Rewrap, RewrapError, Strength};
pub use seal::{
    Adopted, Counted, Epoch, Extent, FileName, Integrity, Judgement, Label, LabelError, MAX_SEAL_LEN, MadeBy, Maker, NotHexadecimal, Note,
    NoteHash, Party, Pattern, PatternError, Process, Proof, ProofKey, Reencrypted, Restored, Rewrapped, Role, Sayer, Seal, SealError,
    Sealed, SeriesEnd, SeriesEndError, SeriesPlace, SignedNote, SigningKey, SigningKeyError, SourceKind, Standing, Succession,
    SuccessionError, SuccessorError, SuccessorLines, TestResult, Time, Trust, TrustError, TrustLine, Unknown, VerifiedSeal, VerifierKey,
    VerifierKeyError, VouchedPlace, WrongProof, signing_key_from_text,
};
pub use shares::{MAX_SHARES, Share, ShareError, SharedSecret, combine_shares, split_identity};
pub use spread::Spread;
pub use stanza::Stanza;
pub use tree::{Blake3, GroupCheck, Groups, MIN_GROUP_LEN, Run, SectionHasher, Tree, TreeBuilder, group_len};

/// Which implementation of the cipher works: for people who measure. The fastest does, unless one is forced.
pub use dbseal_kernel::Backend;
/// What the crate takes its randomness from; passing one in makes every output replayable in a test.
pub use rand_core::CryptoRng;
