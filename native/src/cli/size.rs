//! Sizes, rates and ranges as people type them.

use std::num::NonZeroUsize;

/// Parses a number of bytes: a whole number and, with no space between, `K`, `M`, `G` or `T` for powers of 1024.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let digits_len = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_len);
    let shift = match unit {
        "" => 0,
        "K" | "k" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("a size is a whole number, with K, M, G or T for powers of 1024".into()),
    };
    let number: u64 = digits.parse().map_err(|_| "a size starts with a whole number".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "the size is too large".into())
}

/// As [`parse_size`], but not 0.
pub(super) fn parse_rate(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        0 => Err("a rate of 0 would never end".into()),
        rate => Ok(rate),
    }
}

/// A number of threads that a machine may have.
pub(super) fn parse_threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads = text.parse().ok().filter(|threads: &NonZeroUsize| threads.get() <= 1024);
    threads.ok_or_else(|| "a number of threads is from 1 to 1024".into())
}

/// Parses `A..B` or `A..`, bytes of the plaintext from A up to, not with, B.
pub(super) fn parse_range(text: &str) -> Result<(u64, Option<u64>), String> {
    let (start, end) = text.split_once("..").ok_or_else(|| "a range is A..B or A.., in bytes".to_owned())?;
    let end = if end.is_empty() { None } else { Some(parse_size(end)?) };
    let start = if start.is_empty() { 0 } else { parse_size(start)? };
    if end.is_some_and(|end| end < start) {
        return Err("the range ends before it starts".into());
    }
    Ok((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ranges() {
        assert_eq!(parse_size("0"), Ok(0));
        assert_eq!(parse_size("200M"), Ok(200 << 20));
        assert_eq!(parse_size("3T"), Ok(3 << 40));
        for refused in ["", "M", "-1", "1.5G", "10 M", "1GB", "99999999999T"] {
            assert!(parse_size(refused).is_err(), "{refused:?}");
        }
        assert!(parse_rate("0").is_err());
        assert_eq!(parse_range("1K..2K"), Ok((1024, Some(2048))));
        assert_eq!(parse_range("5.."), Ok((5, None)));
        assert_eq!(parse_range("..5"), Ok((0, Some(5))));
        assert!(parse_range("5").is_err());
        assert!(parse_range("6..5").is_err());
    }
}
