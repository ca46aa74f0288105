//! The words of SLIP-39: ten bits each, of which the last three are a checksum ("Format of the share mnemonic").

use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::ShareError;

/// The list of the standard, sorted.
const WORDS: &str = include_str!("words.txt");
/// Bits that a word stands for.
pub(super) const WORD_BITS: usize = 10;
/// Words of the checksum.
pub(super) const CHECKSUM_LEN: usize = 3;

/// The numbers of a text's words.
pub(super) fn parse(text: &str) -> Result<Zeroizing<Vec<u16>>, ShareError> {
    let list: Vec<&str> = WORDS.split_ascii_whitespace().collect();
    let mut numbers = Zeroizing::new(Vec::with_capacity(64));
    for (index, word) in text.split_ascii_whitespace().enumerate() {
        if index == 64 {
            return Err(ShareError::WordCount(text.split_ascii_whitespace().count()));
        }
        // Every word of the list is looked at: how long that takes says nothing of where it stands.
        let number =
            list.iter().zip(0..).fold(None, |found, (known, number)| if known.eq_ignore_ascii_case(word) { Some(number) } else { found });
        numbers.push(number.ok_or(ShareError::UnknownWord(index))?);
    }
    Ok(numbers)
}

/// The text of these numbers.
pub(super) fn print(numbers: &[u16]) -> Zeroizing<String> {
    let list: Vec<&str> = WORDS.split_ascii_whitespace().collect();
    // Reserved at once: growing would leave copies behind. No word has more than eight letters.
    let mut text = Zeroizing::new(String::with_capacity(numbers.len() * 9));
    for number in numbers {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(list[usize::from(*number)]);
    }
    text
}

/// The checksum of these numbers, which follows them (SLIP-39, "Checksum").
pub(super) fn checksum(customization: &str, numbers: &[u16]) -> [u16; CHECKSUM_LEN] {
    let sum = polymod(customization, numbers.iter().copied().chain([0; CHECKSUM_LEN])) ^ 1;
    let word = |index: u32| u16::try_from(sum >> (10 * (2 - index)) & 0x3ff).expect("ten bits");
    [word(0), word(1), word(2)]
}

/// The remainder of a Reed-Solomon code over GF(1024), in a time that does not depend on the numbers.
fn polymod(customization: &str, numbers: impl Iterator<Item = u16>) -> u32 {
    const GENERATOR: [u32; 10] =
        [0x00e0_e040, 0x01c1_c080, 0x0383_8100, 0x0707_0200, 0x0e0e_0009, 0x1c0c_2412, 0x3808_6c24, 0x3090_fc48, 0x21b1_f890, 0x03f3_f120];
    let mut remainder: u32 = 1;
    for number in customization.bytes().map(u16::from).chain(numbers) {
        let top = remainder >> 20;
        remainder = (remainder & 0xf_ffff) << 10 ^ u32::from(number);
        for (bit, factor) in GENERATOR.iter().enumerate() {
            remainder ^= factor & (top >> bit & 1).wrapping_neg();
        }
    }
    remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_that_of_the_standard_in_its_order() {
        let list: Vec<&str> = WORDS.split_ascii_whitespace().collect();
        assert_eq!((list.len(), list[0], list[1023]), (1024, "academic", "zero"));
        assert!(list.is_sorted() && list.iter().all(|word| (4..=8).contains(&word.len())));
        assert_eq!(*parse("Academic ZERO").unwrap(), [0, 1023]);
        assert_eq!(parse("academic zeroo"), Err(ShareError::UnknownWord(1)));
        assert_eq!(print(&[0, 1023]).as_str(), "academic zero");
    }
}
