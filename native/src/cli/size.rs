//! Sizes, rates, ranges, ages, parts and counts as people type them.

use std::num::NonZeroUsize;

use dbseal_core::MAX_SHARES;

use crate::sample::Share;
use crate::shares::ShareCounts;

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

/// Parses `K/N`: how many shares of a key are needed, and how many there are.
pub(super) fn parse_shares(text: &str) -> Result<ShareCounts, String> {
    let counts = text.split_once('/').and_then(|(threshold, count)| Some((threshold.parse().ok()?, count.parse().ok()?)));
    let fits = |(threshold, count): &(u8, u8)| (2..=*count).contains(threshold) && *count <= MAX_SHARES;
    let counts = counts.filter(fits).map(|(threshold, count)| ShareCounts { threshold, count });
    counts.ok_or_else(|| format!("it is K/N, such as 3/5: 2 or more of at most {MAX_SHARES}"))
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

/// Parses an age, a whole number and `d`, `h`, `m` or `s` for days, hours, minutes or seconds; in seconds.
pub(super) fn parse_age(text: &str) -> Result<u64, String> {
    let expected = || "an age is a whole number with d, h, m or s for days, hours, minutes or seconds, such as 26h".to_owned();
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(expected)?;
    let seconds: u64 = match unit {
        "d" => 24 * 60 * 60,
        "h" => 60 * 60,
        "m" => 60,
        "s" => 1,
        _ => return Err(expected()),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(expected());
    }
    let number: u64 = digits.parse().map_err(|_| expected())?;
    number.checked_mul(seconds).ok_or_else(|| "the age is too large".into())
}

/// Parses a share, as in `5%` or `0.5%`: more than 0, at most `100%`, to four decimals.
pub(super) fn parse_share(text: &str) -> Result<Share, String> {
    let expected = || "a share is a number with a percent sign, such as 5% or 0.5%".to_owned();
    let number = text.strip_suffix('%').ok_or_else(expected)?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) {
        return Err(expected());
    }
    let millionths: u32 = format!("{whole}{decimals:0<4}").parse().map_err(|_| expected())?;
    Share::of_millionths(millionths).ok_or_else(|| "a share is more than 0%, and at most 100%".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_shares() {
        assert_eq!(["26h", "30d", "90m", "0s"].map(parse_age), [Ok(93_600), Ok(2_592_000), Ok(5400), Ok(0)]);
        for refused in ["", "h", "26", "-1h", "+1h", "1.5h", "1 h", "1w", "1ä", "99999999999999999999d", "9999999999999999999d"] {
            assert!(parse_age(refused).is_err(), "{refused:?}");
        }
        let millionths = |share: &str| parse_share(share).ok();
        assert_eq!(millionths("5%"), Share::of_millionths(50_000));
        assert_eq!(millionths("0.5%"), Share::of_millionths(5_000));
        assert_eq!((millionths("100%"), millionths("0.0001%")), (Share::of_millionths(1_000_000), Share::of_millionths(1)));
        for refused in ["", "%", "5", "0%", "0.0%", "100.0001%", "101%", "-5%", "+5%", ".5%", "5.%", "0.00001%", "5e1%", "5 %", "inf%"] {
            assert!(parse_share(refused).is_err(), "{refused:?}");
        }
    }

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
