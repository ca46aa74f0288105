//! Other recipients for a file that exists: its file key, wrapped again. The payload is not touched.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rand_core::CryptoRng;

use crate::header::{Header, HeaderPadding, UnwrapError, WrapError};
use crate::keys::FileKey;
use crate::recipient::{Identity, POST_QUANTUM_TAGS, Recipient, scrypt};
use crate::stack::with_wiped_stack;
use crate::stanza::Stanza;

/// The end of the tags of stanzas that mean nothing (age, "Header": "grease").
const GREASE: &str = "-grease";

/// Which of the recipients that a file has lose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Exactly those whose stanzas the identities open.
    Opened,
    /// None.
    Nobody,
    /// All.
    Everybody,
}

/// Whether a file may become easier to open by a later quantum computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// No: a file with a post-quantum recipient gets no classical one, and one with a classical recipient that stays no post-quantum one,
    /// which would promise what it cannot keep.
    Kept,
    /// Whoever asked for it knows.
    MayWeaken,
}

/// The recipients that a file will have, with its file key. None of it is written anywhere yet.
#[derive(Debug)]
pub struct Rewrap {
    file_key: FileKey,
    stanzas: Vec<Stanza>,
    left_count: usize,
    added_count: usize,
}

impl Rewrap {
    /// Unwraps the file key with one of `identities`, verifies the header's MAC, and wraps the key for `recipients`. Those who have the
    /// file already, by a stanza that an identity of theirs among `identities` opens, stay and are not added again. Other stanzas stay byte
    /// for byte, in their order; padding is left out.
    ///
    /// # Errors
    /// See [`RewrapError`].
    pub fn of(
        header: &Header,
        identities: &[Identity],
        recipients: &[Recipient],
        leaving: Leaving,
        strength: Strength,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, RewrapError> {
        let file_key = header.unwrap(identities)?;
        let before = header.recipient_stanzas();
        let mut holders = Holders::of(identities, recipients);
        let mut stanzas = Vec::with_capacity(before.len() + recipients.len());
        for stanza in before {
            let holder = holders.of_stanza(stanza)?;
            let leaves = match leaving {
                Leaving::Opened => holder.is_opened,
                Leaving::Nobody => false,
                Leaving::Everybody => true,
            };
            if holder.is_wanted || !leaves {
                stanzas.push(stanza.clone());
            }
        }
        let left_count = before.len() - stanzas.len();
        let missing = || recipients.iter().zip(&holders.is_there).filter_map(|(recipient, is_there)| (!is_there).then_some(recipient));
        let added_count = missing().count();
        if left_count == 0 && added_count == 0 {
            return Err(RewrapError::NothingChanges);
        }
        with_wiped_stack(|| stanzas.extend(missing().map(|recipient| recipient.wrap(&file_key, rng))));
        check_company(&stanzas)?;
        if strength == Strength::Kept && is_weakened(before, &stanzas) {
            return Err(RewrapError::Weaker);
        }
        Ok(Self { file_key, stanzas, left_count, added_count })
    }

    /// The file key, for who checks the payload and the proofs.
    #[must_use]
    pub fn file_key(&self) -> &FileKey {
        &self.file_key
    }

    /// How many stanzas go.
    #[must_use]
    pub fn left_count(&self) -> usize {
        self.left_count
    }

    /// How many recipients come.
    #[must_use]
    pub fn added_count(&self) -> usize {
        self.added_count
    }

    /// The header in exactly so many bytes, so that it takes the place of another one; `None` where that cannot be.
    #[must_use]
    pub fn header_of_len(&self, len: usize) -> Option<Header> {
        Header::of_len(self.stanzas.clone(), len, &self.file_key)
    }

    /// The header in the length that a new file would have.
    ///
    /// # Errors
    /// More recipients than fit [`crate::MAX_HEADER_LEN`].
    pub fn header(&self) -> Result<Header, WrapError> {
        Header::of_stanzas(self.stanzas.clone(), HeaderPadding::Fixed, &self.file_key)
    }
}

/// Which of the recipients that are wanted a file has already, as far as the identities that were given tell.
pub(crate) struct Holders<'a> {
    identities: &'a [Identity],
    /// Of each identity, which of the recipients it belongs to.
    indices: Vec<Option<usize>>,
    /// Of each recipient, whether a stanza of theirs was seen.
    is_there: Vec<bool>,
}

/// Whose a stanza is.
pub(crate) struct Holder {
    /// Whether one of the identities opens it.
    pub(crate) is_opened: bool,
    /// Whether it is the first one for a recipient who is wanted: a second one says nothing new.
    pub(crate) is_wanted: bool,
}

impl<'a> Holders<'a> {
    pub(crate) fn of(identities: &'a [Identity], recipients: &[Recipient]) -> Self {
        let texts: Vec<String> = recipients.iter().map(Recipient::to_string).collect();
        let indices = identities.iter().map(|identity| index_in(&texts, identity)).collect();
        Self { identities, indices, is_there: alloc::vec![false; recipients.len()] }
    }

    pub(crate) fn of_stanza(&mut self, stanza: &Stanza) -> Result<Holder, UnwrapError> {
        let opened_by = with_wiped_stack(|| position_of_opener(self.identities, stanza))?;
        let recipient = opened_by.and_then(|position| self.indices[position]);
        let is_wanted = recipient.is_some_and(|index| !core::mem::replace(&mut self.is_there[index], true));
        Ok(Holder { is_opened: opened_by.is_some(), is_wanted })
    }
}

/// The first identity that opens a stanza.
fn position_of_opener(identities: &[Identity], stanza: &Stanza) -> Result<Option<usize>, UnwrapError> {
    for (position, identity) in identities.iter().enumerate() {
        if identity.unwrap(core::slice::from_ref(stanza))?.is_some() {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

/// Which of the recipients an identity belongs to. Their text forms are canonical.
fn index_in(texts: &[String], identity: &Identity) -> Option<usize> {
    let text = identity.recipient()?.to_string();
    texts.iter().position(|other| *other == text)
}

/// A file that nobody can open is none, and a passphrase stands alone (age, "The scrypt recipient type").
fn check_company(stanzas: &[Stanza]) -> Result<(), WrapError> {
    if stanzas.is_empty() {
        Err(WrapError::NoRecipient)
    } else if stanzas.len() > 1 && stanzas.iter().any(|stanza| stanza.tag == scrypt::TAG) {
        Err(WrapError::PassphraseInCompany)
    } else {
        Ok(())
    }
}

/// Whether a quantum computer opens what it could not open before, or what looks as if it could not.
pub(crate) fn is_weakened(before: &[Stanza], after: &[Stanza]) -> bool {
    let is_post_quantum = |stanza: &Stanza| POST_QUANTUM_TAGS.contains(&stanza.tag.as_str());
    // A kind that is not known here may be any.
    let is_classical = |stanza: &Stanza| !is_post_quantum(stanza) && !stanza.tag.ends_with(GREASE);
    let has = |stanzas: &[Stanza]| (stanzas.iter().any(is_post_quantum), stanzas.iter().any(is_classical));
    match (has(before), has(after)) {
        ((true, true), _) | (_, (_, false)) => false,
        ((post_quantum, _), (other, true)) => post_quantum || other,
    }
}

/// Why a file gets no other recipients.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RewrapError {
    /// Its file key cannot be had.
    #[error(transparent)]
    Unwrap(#[from] UnwrapError),
    /// Its file key cannot be wrapped so.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// A quantum computer would open it.
    #[error("a file for a post-quantum recipient (age1pq...) would be opened by a classical one (age1...), and be only as strong as that")]
    Weaker,
    /// They are what they should be.
    #[error("it has these recipients already")]
    NothingChanges,
}
