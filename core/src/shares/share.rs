//! One share, and its text (SLIP-39, "Format of the share mnemonic").

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use zeroize::Zeroizing;

use super::words::{CHECKSUM_LEN, WORD_BITS, checksum, parse, print};
use super::{MAX_SHARES, ShareError};

/// Words before the value: what set it is of, and which of it.
const PREFIX_LEN: usize = 4;
/// Words in the shortest share: of a secret of 16 bytes.
const MIN_LEN: usize = PREFIX_LEN + 13 + CHECKSUM_LEN;

/// What all shares of a set have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// A random number of 15 bits, by which people tell sets apart.
    pub(super) id: u16,
    /// Whether other sets of the same secret may have another number.
    pub(super) is_extendable: bool,
    /// The logarithm of how much a passphrase is stretched.
    pub(super) exponent: u8,
    /// Groups that are needed.
    pub(super) group_threshold: u8,
    /// Groups that there are.
    pub(super) group_count: u8,
}

impl Set {
    fn customization(&self) -> &'static str {
        if self.is_extendable { "shamir_extendable" } else { "shamir" }
    }

    /// What the secret is bound to.
    pub(super) fn salt(&self) -> Vec<u8> {
        if self.is_extendable { Vec::new() } else { [&b"shamir"[..], &self.id.to_be_bytes()].concat() }
    }
}

/// A share of a secret. Wiped on drop, never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Share {
    pub(super) set: Set,
    pub(super) group: u8,
    /// Its number in the group, from 0.
    pub(super) index: u8,
    /// Shares of the group that are needed.
    pub(super) threshold: u8,
    pub(super) value: Zeroizing<Vec<u8>>,
}

impl Share {
    /// What people tell sets apart by: 15 bits.
    #[must_use]
    pub fn set_id(&self) -> u16 {
        self.set.id
    }

    /// Its number, from 1.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.index + 1
    }

    /// Whether it is of a set as [`super::split_identity`] makes them: of one group, for no passphrase. Others may ask for minutes of work.
    #[must_use]
    pub fn is_of_ours(&self) -> bool {
        let Set { is_extendable, exponent, group_threshold, group_count, .. } = self.set;
        is_extendable && (exponent, group_threshold, group_count) == (0, 1, 1)
    }

    /// How many shares of its set are needed, of its group where the set has several.
    #[must_use]
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Where its secret lies in memory as long as it is there, for who keeps that out of swap space. What lies there is not to be read.
    #[must_use]
    pub fn place(&self) -> Range<*const u8> {
        self.value.as_ptr_range()
    }

    /// Parses the words of a share.
    ///
    /// # Errors
    /// See [`ShareError`].
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        let numbers = parse(text)?;
        if numbers.len() < MIN_LEN {
            return Err(ShareError::WordCount(numbers.len()));
        }
        let (body, sum) = numbers.split_at(numbers.len() - CHECKSUM_LEN);
        let (prefix, value) = body.split_at(PREFIX_LEN);
        let prefix = prefix.iter().fold(0_u64, |bits, number| bits << WORD_BITS | u64::from(*number));
        let field = |end: u32, bits: u32| u8::try_from(prefix >> (40 - end) & ((1 << bits) - 1)).expect("at most eight bits");
        let set = Set {
            id: u16::try_from(prefix >> 25).expect("15 bits"),
            is_extendable: field(16, 1) == 1,
            exponent: field(20, 4),
            group_threshold: field(28, 4) + 1,
            group_count: field(32, 4) + 1,
        };
        if checksum(set.customization(), body) != *sum {
            return Err(ShareError::Mistyped);
        }
        if set.group_threshold > set.group_count {
            return Err(ShareError::Malformed("more groups are needed than there are"));
        }
        let value = bytes_of(value).ok_or(ShareError::Malformed("its secret has no whole number of bytes"))?;
        Ok(Self { set, group: field(24, 4), index: field(36, 4), threshold: field(40, 4) + 1, value })
    }

    /// The words of the share. The one way out for a secret, and named so.
    #[must_use]
    pub fn expose_text(&self) -> Zeroizing<String> {
        let Set { id, is_extendable, exponent, group_threshold, group_count } = self.set;
        let fields = [exponent, self.group, group_threshold - 1, group_count - 1, self.index, self.threshold - 1];
        let prefix = fields.iter().fold(u64::from(id) << 1 | u64::from(is_extendable), |bits, field| bits << 4 | u64::from(*field));
        let mut numbers = Zeroizing::new(Vec::with_capacity(64));
        numbers.extend((0..PREFIX_LEN).map(|index| ten_bits(prefix >> (WORD_BITS * (PREFIX_LEN - 1 - index)))));
        push_words(&self.value, &mut numbers);
        let sum = checksum(self.set.customization(), &numbers);
        numbers.extend(sum);
        print(&numbers)
    }
}

fn ten_bits(bits: u64) -> u16 {
    u16::try_from(bits & 0x3ff).expect("ten bits")
}

/// The bytes of these words, in front of which up to eight zero bits fill them up. Their number is even.
fn bytes_of(words: &[u16]) -> Option<Zeroizing<Vec<u8>>> {
    let padding_len = words.len() * WORD_BITS % 16;
    if padding_len > 8 {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(words.len() * WORD_BITS / 8));
    let (mut bits, mut bit_count, mut is_padded) = (0_u32, 0, padding_len == 0);
    for word in words {
        bits = bits << WORD_BITS | u32::from(*word);
        bit_count += WORD_BITS;
        if !is_padded {
            bit_count -= padding_len;
            if bits >> bit_count != 0 {
                return None;
            }
            is_padded = true;
        }
        while bit_count >= 8 {
            bit_count -= 8;
            bytes.push(u8::try_from(bits >> bit_count & 0xff).expect("eight bits"));
            bits &= (1 << bit_count) - 1;
        }
    }
    Some(bytes)
}

/// The other way round.
fn push_words(bytes: &[u8], words: &mut Vec<u16>) {
    let padding_len = (WORD_BITS - bytes.len() * 8 % WORD_BITS) % WORD_BITS;
    let (mut bits, mut bit_count) = (0_u64, padding_len);
    for byte in bytes {
        bits = bits << 8 | u64::from(*byte);
        bit_count += 8;
        if bit_count >= WORD_BITS {
            bit_count -= WORD_BITS;
            words.push(ten_bits(bits >> bit_count));
            bits &= (1 << bit_count) - 1;
        }
    }
}

/// Numbers alone.
impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} of set {}, {} needed)", self.number(), self.set.id, self.threshold)
    }
}

impl Share {
    /// One of a set without groups.
    pub(super) fn of_set(set: Set, index: u8, threshold: u8, value: Zeroizing<Vec<u8>>) -> Self {
        debug_assert!(index < MAX_SHARES && threshold <= MAX_SHARES, "four bits each");
        Self { set, group: 0, index, threshold, value }
    }
}
