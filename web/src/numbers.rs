//! Sizes, rates, times and shares, as people read them and type them.

use std::ops::Range;

const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];

/// A number of bytes in the unit that suits it.
#[expect(clippy::cast_precision_loss, reason = "rounded to what a person reads")]
pub(crate) fn short_size(len: u64) -> String {
    if len < 1024 {
        return bytes(len);
    }
    let mut unit = 0;
    let mut value = len as f64 / 1024.0;
    // Not 1024, since 1023.96 would be printed as 1024.0.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A number of bytes in the unit that suits it, and all its digits.
pub(crate) fn size(len: u64) -> String {
    if len < 1024 { bytes(len) } else { format!("{} ({})", short_size(len), bytes(len)) }
}

fn bytes(len: u64) -> String {
    if len == 1 { "1 byte".into() } else { format!("{} bytes", grouped(len)) }
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes of a file, the last one included, as people count.
pub(crate) fn range(range: &Range<u64>) -> String {
    match range.end.saturating_sub(range.start) {
        0 => format!("at byte {}", grouped(range.start)),
        1 => format!("byte {}", grouped(range.start)),
        len => format!("bytes {} to {}, {}", grouped(range.start), grouped(range.end - 1), short_size(len)),
    }
}

/// How many bytes these ranges have.
pub(crate) fn total(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum()
}

/// A share, never rounded to none or to all.
#[expect(clippy::cast_precision_loss, reason = "rounded to what a person reads")]
pub(crate) fn share(len: u64, of: u64) -> String {
    let percent = 100.0 * len as f64 / of.max(1) as f64;
    match percent {
        _ if len == 0 => "0%".into(),
        _ if len >= of => "100%".into(),
        0.0..0.001 => "less than 0.001%".into(),
        0.001..1.0 => format!("{percent:.3}%"),
        1.0..99.9 => format!("{percent:.1}%"),
        _ => "more than 99.9%".into(),
    }
}

/// How much of a job is done, in whole percent: 100 only at its end.
pub(crate) fn percent(done: u64, of: u64) -> u64 {
    if done >= of { 100 } else { u64::try_from(u128::from(done) * 100 / u128::from(of)).unwrap_or(0) }
}

/// Bytes per second.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are positive, and rounded")]
pub(crate) fn rate(bytes_per_second: f64) -> String {
    format!("{} per second", short_size(bytes_per_second.round() as u64))
}

/// How long something takes, as exactly as anybody can know it.
pub(crate) fn duration(seconds: u64) -> String {
    let counted = |count: u64, unit: &str| if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") };
    match seconds {
        0..=4 => "a few seconds".into(),
        5..=59 => counted(seconds, "second"),
        60..=599 => format!("{} {}", counted(seconds / 60, "minute"), counted(seconds % 60, "second")),
        600..=5399 => counted(seconds.div_ceil(60), "minute"),
        _ => format!("{} {}", counted(seconds / 3600, "hour"), counted(seconds % 3600 / 60, "minute")),
    }
}

/// What a person types for a place in a file: a whole number and perhaps `K`, `M`, `G` or `T` for powers of 1024.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let text: String = text.chars().filter(|character| !matches!(character, ' ' | ',' | '_')).collect();
    let digits_len = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_len);
    let shift = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KIB" => 10,
        "M" | "MIB" => 20,
        "G" | "GIB" => 30,
        "T" | "TIB" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_typed() {
        assert_eq!([0, 1, 1023].map(short_size), ["0 bytes", "1 byte", "1,023 bytes"]);
        assert_eq!([1024, (1 << 20) - 1, 1 << 20, 6 << 30].map(short_size), ["1.0 KiB", "1.0 MiB", "1.0 MiB", "6.0 GiB"]);
        assert_eq!(size(4_294_967_297), "4.0 GiB (4,294,967,297 bytes)");
        assert_eq!(short_size(u64::MAX), "16777216.0 TiB");
        assert_eq!(["7", "4G", "1 KiB", "1,000", "2m"].map(parse_size), [Some(7), Some(4 << 30), Some(1024), Some(1000), Some(2 << 20)]);
        for refused in ["", "G", "-1", "1.5G", "1GB", "99999999999T", "0x10"] {
            assert_eq!(parse_size(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn ranges_end_with_their_last_byte() {
        assert_eq!(range(&(0..1024)), "bytes 0 to 1,023, 1.0 KiB");
        assert_eq!(range(&(7..8)), "byte 7");
        assert_eq!(range(&(7..7)), "at byte 7");
        assert_eq!(total(&[0..10, 20..25]), 15);
    }

    #[test]
    fn shares_never_round_to_all_or_nothing() {
        assert_eq!(share(0, 10), "0%");
        assert_eq!(share(10, 10), "100%");
        assert_eq!(share(1, u64::MAX), "less than 0.001%");
        assert_eq!(share(u64::MAX - (1 << 20), u64::MAX), "more than 99.9%");
        assert_eq!(share(1 << 20, 6 << 30), "0.016%");
        assert_eq!((percent(0, 3), percent(999, 1000), percent(1000, 1000), percent(0, 0)), (0, 99, 100, 100));
        assert_eq!(percent(u64::MAX - 1, u64::MAX), 99);
    }

    #[test]
    fn durations_say_no_more_than_is_known() {
        assert_eq!(
            [2, 59, 61, 600, 7260].map(duration),
            ["a few seconds", "59 seconds", "1 minute 1 second", "10 minutes", "2 hours 1 minute"]
        );
    }
}
