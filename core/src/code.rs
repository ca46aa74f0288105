//! A code that people read to each other: for who has to know that two screens show the same (HANDOFF.md, "The request").

use core::fmt;

use crate::tree::Blake3;

/// Bits of a hash that people compare, in bytes.
const CODE_LEN: usize = 10;
const DIGIT_COUNT: usize = 16;
/// Digits that are not taken for one another when they are read aloud (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What two people read to each other to know that both have the same before them: 80 bits of its hash (BLAKE3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code([u8; CODE_LEN]);

impl Code {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let hash = Blake3::of(bytes);
        Self(core::array::from_fn(|index| hash.as_bytes()[index]))
    }

    /// The code that somebody typed: with or without hyphens, in either case, and with the letters that are read as digits.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let mut digits = typed.chars().filter(|letter| *letter != '-' && !letter.is_whitespace());
        let mut bits = 0_u128;
        for _ in 0..DIGIT_COUNT {
            let digit = match digits.next()?.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                other => other,
            };
            let value = DIGITS.iter().position(|&known| char::from(known) == digit)?;
            bits = bits << 5 | value as u128;
        }
        let bytes: [u8; 16] = bits.to_be_bytes();
        digits.next().is_none().then(|| Self(core::array::from_fn(|index| bytes[16 - CODE_LEN + index])))
    }

    /// Whether somebody typed this one.
    #[must_use]
    pub fn is(&self, typed: &str) -> bool {
        Self::parse(typed) == Some(*self)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0.iter().fold(0_u128, |bits, &byte| bits << 8 | u128::from(byte));
        for index in 0..DIGIT_COUNT {
            if index > 0 && index % 4 == 0 {
                f.write_str("-")?;
            }
            let digit = (bits >> (75 - 5 * index)) & 31;
            write!(f, "{}", char::from(DIGITS[usize::try_from(digit).expect("five bits")]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({self})")
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_code_has_sixteen_digits() {
        assert_eq!(format!("{}", Code([0; CODE_LEN])), "0000-0000-0000-0000");
        assert_eq!(format!("{}", Code([0xff; CODE_LEN])), "zzzz-zzzz-zzzz-zzzz");
        assert_eq!(format!("{}", Code([0, 0, 0, 0, 0, 0, 0, 0, 0, 1])), "0000-0000-0000-0001");
        let code = Code([0x08, 0x42, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(format!("{code}"), "1110-0000-0000-0001");
        for typed in ["1110-0000-0000-0001", " LIi0 oOoO 0000000 l ", "1110000000000001"] {
            assert!(code.is(typed), "{typed}");
        }
        for typed in ["", "1110-0000-0000-000", "1110-0000-0000-0002", "1110-0000-0000-0001-0"] {
            assert!(!code.is(typed), "{typed}");
        }
        assert_eq!(format!("{}", Code([0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0])), "1000-0000-0000-0000");
    }
}
