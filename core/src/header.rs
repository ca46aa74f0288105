//! The header of an age file: canonical parse and print, MAC, wrapping and unwrapping of the file key (age, "Header").

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use rand_core::CryptoRng;

use crate::encoding::{decode_base64_array, encode_base64};
use crate::keys::{FileKey, MAC_LEN};
use crate::pad;
use crate::recipient::{Identity, Recipient, RecipientKind, hybrid, scrypt};
use crate::stack::with_wiped_stack;
use crate::stanza::{Lines, Stanza};

const VERSION_LINE: &str = "age-encryption.org/v1";
/// Length of `---`, a space, the MAC in base64 and a line feed.
const MAC_LINE_LEN: usize = 3 + 1 + 43 + 1;
/// The fixed length of a padded header, and its step where recipients need more: one disk block.
const PADDED_LEN: usize = 4096;
/// The fixed length of a padded header with a hybrid recipient, whose stanza alone takes 1.5 KiB.
const PADDED_HYBRID_LEN: usize = 8192;

/// The longest header, in bytes, that is read or written: some 10,000 X25519 recipients. A bound, so that a hostile file
/// cannot fill the memory before anything in it is authenticated.
pub const MAX_HEADER_LEN: usize = 1 << 20;

/// An age v1 header. What [`Header::parse`] accepts, [`Header::to_bytes`] prints back byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    stanzas: Vec<Stanza>,
    mac: [u8; MAC_LEN],
}

/// Whether a header gets a padding stanza.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderPadding {
    /// Padded to 4096 bytes (8192 with a hybrid recipient; the next multiple of 4096 beyond), so that recipients can change
    /// in place. Without effect for a passphrase, whose stanza must stand alone.
    Fixed,
    /// No padding: for small files such as a protected identity.
    None,
}

impl Header {
    /// Wraps `file_key` for each of `recipients`.
    ///
    /// # Errors
    /// No recipient; a passphrase in company; hybrid and classical recipients mixed; more than fit [`MAX_HEADER_LEN`].
    pub fn wrap(file_key: &FileKey, recipients: &[Recipient], padding: HeaderPadding, rng: &mut impl CryptoRng) -> Result<Self, WrapError> {
        check_company(recipients)?;
        let mut stanzas = Vec::with_capacity(recipients.len() + 1);
        with_wiped_stack(|| stanzas.extend(recipients.iter().map(|recipient| recipient.wrap(file_key, rng))));
        Self::of_stanzas(stanzas, padding, file_key)
    }

    /// The header of these stanzas, none of which is padding.
    pub(crate) fn of_stanzas(stanzas: Vec<Stanza>, padding: HeaderPadding, file_key: &FileKey) -> Result<Self, WrapError> {
        let mut header = Self { stanzas, mac: [0; MAC_LEN] };
        if padding == HeaderPadding::Fixed {
            header.pad();
        }
        header.authenticated(file_key)
    }

    /// The header of these stanzas, none of which is padding, if it can have exactly this length in bytes.
    pub(crate) fn of_len(stanzas: Vec<Stanza>, len: usize, file_key: &FileKey) -> Option<Self> {
        let mut header = Self { stanzas, mac: [0; MAC_LEN] };
        let rest_len = len.checked_sub(header.len())?;
        if rest_len > 0 {
            // A passphrase's stanza stands alone.
            let padding = pad::stanza(rest_len).filter(|_| !header.needs_passphrase())?;
            header.stanzas.push(padding);
        }
        header.authenticated(file_key).ok()
    }

    fn authenticated(mut self, file_key: &FileKey) -> Result<Self, WrapError> {
        if self.len() > MAX_HEADER_LEN {
            return Err(WrapError::TooManyRecipients);
        }
        self.mac = file_key.header_mac(&self.authenticated_bytes());
        Ok(self)
    }

    /// The same header without its padding, as it travels: its MAC is over the padding too, which [`Header::padded_to`] puts back.
    pub(crate) fn without_padding(&self) -> Self {
        Self { stanzas: self.recipient_stanzas().to_vec(), mac: self.mac }
    }

    /// This header, which travelled without its padding, in its length; `None` where it cannot have that.
    pub(crate) fn padded_to(mut self, len: usize) -> Option<Self> {
        if self.is_padded() || len > MAX_HEADER_LEN {
            return None;
        }
        match len.checked_sub(self.len())? {
            0 => {}
            rest_len => self.stanzas.push(pad::stanza(rest_len)?),
        }
        Some(self)
    }

    fn pad(&mut self) {
        if self.needs_passphrase() {
            return;
        }
        let hybrid = self.stanzas.iter().any(|stanza| stanza.tag == hybrid::TAG);
        let mut padded_len = if hybrid { PADDED_HYBRID_LEN } else { PADDED_LEN };
        let len = self.len();
        let stanza = loop {
            match padded_len.checked_sub(len).and_then(pad::stanza) {
                Some(stanza) => break stanza,
                None => padded_len += PADDED_LEN,
            }
        };
        self.stanzas.push(stanza);
    }

    /// Parses the header at the start of `bytes` and returns it with its length in bytes.
    ///
    /// # Errors
    /// [`HeaderError::Incomplete`] while more bytes are needed, and then only below [`MAX_HEADER_LEN`]; every spelling but
    /// the canonical one is [`HeaderError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), HeaderError> {
        let bounded = &bytes[..bytes.len().min(MAX_HEADER_LEN)];
        Self::parse_bounded(bounded).map_err(|error| match error {
            HeaderError::Incomplete if bytes.len() >= MAX_HEADER_LEN => HeaderError::TooLong,
            // Says at the first byte that differs that this is no age file, however little of it there is.
            HeaderError::Incomplete if !starts_alike(bytes, VERSION_LINE.as_bytes()) => HeaderError::NotAge,
            error => error,
        })
    }

    fn parse_bounded(bytes: &[u8]) -> Result<(Self, usize), HeaderError> {
        let mut lines = Lines::new(bytes);
        match lines.next_line().map_err(|error| if error == HeaderError::Incomplete { error } else { HeaderError::NotAge })? {
            VERSION_LINE => {}
            line if line.starts_with("age-encryption.org/") => return Err(HeaderError::UnknownVersion),
            _ => return Err(HeaderError::NotAge),
        }
        let mut stanzas = Vec::new();
        while !lines.starts_with(b"---") {
            stanzas.push(Stanza::parse(&mut lines)?);
        }
        let mac = lines
            .next_line()?
            .strip_prefix("--- ")
            .and_then(decode_base64_array)
            .ok_or(HeaderError::Malformed("the line with its MAC is not canonical"))?;
        if stanzas.is_empty() {
            return Err(HeaderError::Malformed("it has no recipient stanza"));
        }
        // A stanza beside the passphrase's could have been added by someone who does not know the passphrase.
        if stanzas.len() > 1 && stanzas.iter().any(|stanza| stanza.tag == scrypt::TAG) {
            return Err(HeaderError::Malformed("a passphrase stanza is not the only one"));
        }
        Ok((Self { stanzas, mac }, lines.consumed_len))
    }

    /// The file key, for the first of `identities` that a stanza is addressed to, and only where the MAC proves that the
    /// header is the one its writer made.
    ///
    /// # Errors
    /// See [`UnwrapError`].
    pub fn unwrap(&self, identities: &[Identity]) -> Result<FileKey, UnwrapError> {
        for identity in identities {
            if let Some(file_key) = with_wiped_stack(|| identity.unwrap(&self.stanzas))? {
                return if self.is_of(&file_key) { Ok(file_key) } else { Err(UnwrapError::WrongMac) };
            }
        }
        Err(UnwrapError::NoMatch)
    }

    /// Whether this is a header of that file key, by its MAC.
    #[must_use]
    pub fn is_of(&self, file_key: &FileKey) -> bool {
        file_key.verify_header_mac(&self.authenticated_bytes(), &self.mac)
    }

    /// The stanzas as they stand, padding included.
    #[must_use]
    pub fn stanzas(&self) -> &[Stanza] {
        &self.stanzas
    }

    /// Whether the header ends with padding: exactly the stanza that would be written to fill its length.
    #[must_use]
    pub fn is_padded(&self) -> bool {
        self.stanzas.last().is_some_and(pad::is_padding)
    }

    /// The stanzas without the padding.
    pub(crate) fn recipient_stanzas(&self) -> &[Stanza] {
        &self.stanzas[..self.stanzas.len() - usize::from(self.is_padded())]
    }

    /// How many stanzas of this one `other` has not, and how many of `other` this one has not; the padding is left out.
    #[must_use]
    pub fn recipients_that_differ(&self, other: &Self) -> (usize, usize) {
        let set = |header: &Self| header.recipient_stanzas().iter().cloned().collect::<BTreeSet<_>>();
        let [own, others] = [set(self), set(other)];
        (own.difference(&others).count(), others.difference(&own).count())
    }

    /// The tag of each recipient's stanza, in the order of the file; the padding is left out.
    pub fn recipient_tags(&self) -> impl Iterator<Item = &str> {
        self.recipient_stanzas().iter().map(|stanza| stanza.tag.as_str())
    }

    /// Whether a passphrase opens the file, which then is its only key.
    #[must_use]
    pub fn needs_passphrase(&self) -> bool {
        self.stanzas.iter().any(|stanza| stanza.tag == scrypt::TAG)
    }

    /// The header as it stands in a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.authenticated_bytes();
        bytes.push(b' ');
        bytes.extend(encode_base64(&self.mac).as_bytes());
        bytes.push(b'\n');
        bytes
    }

    /// What the MAC is over: everything up to and with `---`.
    fn authenticated_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PADDED_LEN);
        bytes.extend(VERSION_LINE.as_bytes());
        bytes.push(b'\n');
        for stanza in &self.stanzas {
            stanza.print(&mut bytes);
        }
        bytes.extend(b"---");
        bytes
    }

    /// The header's length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.authenticated_bytes().len() - 3 + MAC_LINE_LEN
    }
}

fn starts_alike(a: &[u8], b: &[u8]) -> bool {
    let len = a.len().min(b.len());
    a[..len] == b[..len]
}

/// A passphrase vouches for the whole file, so it stands alone; and a post-quantum recipient is worth nothing beside a
/// classical one, through which a later quantum computer would come in (age, "mlkem768x25519").
fn check_company(recipients: &[Recipient]) -> Result<(), WrapError> {
    let has = |kind| recipients.iter().any(|recipient| recipient.kind() == kind);
    if recipients.is_empty() {
        Err(WrapError::NoRecipient)
    } else if has(RecipientKind::Passphrase) && recipients.len() > 1 {
        Err(WrapError::PassphraseInCompany)
    } else if has(RecipientKind::Hybrid) && has(RecipientKind::X25519) {
        Err(WrapError::MixedPostQuantum)
    } else {
        Ok(())
    }
}

/// Why bytes are not an age header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The bytes end inside the header: read more and parse again, or refuse where there is no more.
    #[error("the file ends inside its header")]
    Incomplete,
    /// The first line is another format's.
    #[error("this is not an age file")]
    NotAge,
    /// An age file of a version after v1.
    #[error("this is an age file of a version newer than v1")]
    UnknownVersion,
    /// Longer than [`MAX_HEADER_LEN`].
    #[error("the header is longer than 1 MiB")]
    TooLong,
    /// The header is not spelled as the specification demands.
    #[error("the header is malformed: {0}")]
    Malformed(&'static str),
}

/// Why a file key could not be wrapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrapError {
    /// Nobody could open the file.
    #[error("no recipient: nobody could open the file")]
    NoRecipient,
    /// A passphrase and another recipient.
    #[error("a passphrase cannot be combined with other recipients")]
    PassphraseInCompany,
    /// A hybrid recipient and a classical one.
    #[error(
        "a post-quantum recipient (age1pq...) cannot be combined with a classical one (age1...): the file would be only as strong as the weaker"
    )]
    MixedPostQuantum,
    /// The header would be longer than [`MAX_HEADER_LEN`].
    #[error("too many recipients: the header would be longer than 1 MiB")]
    TooManyRecipients,
}

/// Why a header did not yield its file key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnwrapError {
    /// No stanza is addressed to any of the identities.
    #[error("none of the given keys opens this file")]
    NoMatch,
    /// A stanza was unwrapped, but the header is not the one its writer made.
    #[error("the header was altered: its MAC does not match")]
    WrongMac,
    /// A stanza of a known type breaks the rules of that type.
    #[error("the header is malformed: {0}")]
    Malformed(&'static str),
    /// A passphrase stanza that would take this machine minutes or gigabytes.
    #[error("the passphrase's work factor is 2^{0}, more than the 2^22 that is accepted")]
    WorkFactorTooHigh(u8),
    /// A passphrase stanza whose work needs more memory than can be had here.
    #[error("the passphrase's work factor is 2^{0}, which needs more memory than there is here")]
    NotEnoughMemory(u8),
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"age-encryption.org/v1\n-> X25519 XEl0dJ6y3C7KZkgmgWUicg63EyXJiwBJW8PdYJ/cYBE\n\
        qRS0AMjdjPvZ/WT08U2KL4G+PIooA3hy38SvLpvaC1E\n--- HK2NmOBN9Dpq0Gw6xMCuhFcQlQLvZ/wQUi/2scLG75s\n";

    #[test]
    fn prints_back_and_needs_every_byte() {
        let (header, len) = Header::parse(&[HEADER, b"payload"].concat()).unwrap();
        assert_eq!((header.to_bytes().as_slice(), len, header.len()), (HEADER, HEADER.len(), HEADER.len()));
        for len in 0..HEADER.len() {
            assert_eq!(Header::parse(&HEADER[..len]), Err(HeaderError::Incomplete), "{len} bytes");
        }
    }

    #[test]
    fn knows_other_formats_at_once() {
        for other in [&b"agf"[..], b"-----BEGIN", b"\x28\xb5\x2f\xfd", b"ustar\n", b"\xff\xfe\n"] {
            assert_eq!(Header::parse(other), Err(HeaderError::NotAge), "{other:?}");
        }
        assert_eq!(Header::parse(b"age-encryption.org/v2\n"), Err(HeaderError::UnknownVersion));
        let endless = [HEADER[..22].to_vec(), alloc::vec![b'A'; MAX_HEADER_LEN]].concat();
        assert_eq!(Header::parse(&endless), Err(HeaderError::TooLong));
    }
}
