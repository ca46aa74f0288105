//! The two text encodings of age, in their one accepted spelling.

use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64Unpadded, Encoding};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{ByteIterExt, Checksum, Fe32, Fe32IterExt, Fe1024, Hrp};
use zeroize::Zeroizing;

/// Standard base64 without padding (RFC 4648, section 4).
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    Base64Unpadded::encode_string(bytes)
}

/// Refuses padding, line breaks and any spelling that would not print back (RFC 4648, section 3.5): a header that can be
/// respelled could be altered under the reader's eyes.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let bytes = Base64Unpadded::decode_vec(text).ok()?;
    (encode_base64(&bytes) == text).then_some(bytes)
}

/// [`decode_base64`] of a value whose length is fixed by the specification.
pub(crate) fn decode_base64_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode_base64(text)?.try_into().ok()
}

/// Bech32 (BIP 173) without its length limit, as age uses it: a hybrid recipient has 1,959 characters.
enum UnlimitedBech32 {}

impl Checksum for UnlimitedBech32 {
    type MidstateRepr = u32;
    type CorrectionField = Fe1024;
    const ROOT_GENERATOR: Fe1024 = Fe1024::new([Fe32::P, Fe32::X]);
    const ROOT_EXPONENTS: core::ops::RangeInclusive<usize> = 24..=26;
    const CODE_LENGTH: usize = usize::MAX;
    const CHECKSUM_LENGTH: usize = bech32::Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = bech32::Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = bech32::Bech32::TARGET_RESIDUE;
}

/// Which case a Bech32 string is written in: recipients are lower case, identities upper case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
}

/// # Panics
/// If `prefix` is not a valid human-readable part; all callers pass constants.
pub(crate) fn encode_bech32(prefix: &str, data: &[u8], case: Case) -> Zeroizing<String> {
    let hrp = Hrp::parse(prefix).expect("a constant prefix");
    // Reserved at once: growing would leave copies of a secret behind in freed memory.
    let mut text =
        Zeroizing::new(String::with_capacity(prefix.len() + 1 + (data.len() * 8).div_ceil(5) + UnlimitedBech32::CHECKSUM_LENGTH));
    for character in characters(&hrp, data, case) {
        text.push(character);
    }
    text
}

/// The data of a Bech32 string with this prefix and case; `None` for anything that would not print back.
pub(crate) fn decode_bech32(prefix: &str, text: &str, case: Case) -> Option<Zeroizing<Vec<u8>>> {
    let parsed = CheckedHrpstring::new::<UnlimitedBech32>(text).ok()?;
    if !parsed.hrp().as_str().eq_ignore_ascii_case(prefix) {
        return None;
    }
    let mut data = Zeroizing::new(Vec::with_capacity(text.len()));
    data.extend(parsed.byte_iter());
    let is_canonical = characters(&parsed.hrp(), &data, case).eq(text.chars());
    is_canonical.then_some(data)
}

/// The one spelling of `data`, a character at a time: the library's own functions format it into a buffer on the stack that they
/// do not wipe.
fn characters<'a>(hrp: &'a Hrp, data: &'a [u8], case: Case) -> impl Iterator<Item = char> + 'a {
    let lower = data.iter().copied().bytes_to_fes().with_checksum::<UnlimitedBech32>(hrp).chars();
    lower.map(move |character| if case == Case::Upper { character.to_ascii_uppercase() } else { character })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(decode_base64("AAA"), Some([0, 0].into()));
        assert_eq!(decode_base64(""), Some(Vec::new()));
        for refused in ["AAB", "AAA=", "A", "AA A", "AA\n", "AA-_"] {
            assert_eq!(decode_base64(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn bech32_has_one_spelling() {
        let text = encode_bech32("age", &[7; 32], Case::Lower);
        assert_eq!(decode_bech32("age", &text, Case::Lower).unwrap().as_slice(), &[7; 32]);
        assert!(decode_bech32("age", &text.to_uppercase(), Case::Lower).is_none());
        assert!(decode_bech32("age1pq", &text, Case::Lower).is_none());
        assert!(decode_bech32("age", &text.replace('q', "p"), Case::Lower).is_none());
        assert!(decode_bech32("age", &text[..text.len() - 1], Case::Lower).is_none());
    }
}
