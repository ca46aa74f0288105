//! Times, sizes and ages in a few characters, for the cells of a table.

use dbseal_core::Time;

/// To the minute: `2026-11-24 02:00`.
pub(super) fn minute(time: Time) -> String {
    time.to_string().chars().take(16).map(|character| if character == 'T' { ' ' } else { character }).collect()
}

/// In three digits, with the units that sizes are typed with: `1.24G`.
#[expect(clippy::cast_precision_loss, reason = "three digits for a person")]
pub(super) fn size(len: u64) -> String {
    let (mut amount, mut unit) = (len as f64, 0);
    while amount >= 999.5 && unit < 6 {
        amount /= 1024.0;
        unit += 1;
    }
    let decimals = match amount {
        _ if unit == 0 => 0,
        amount if amount < 9.995 => 2,
        amount if amount < 99.95 => 1,
        _ => 0,
    };
    format!("{amount:.decimals$}{}", ["B", "K", "M", "G", "T", "P", "E"][unit])
}

/// The largest whole unit: `40s`, `12m`, `30h`, `4d`.
pub(super) fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long ago something was, in seconds; `None` where that is yet to come.
pub(super) fn since(unix_time: u64, now: Time) -> Option<u64> {
    u64::try_from(now.as_unix()).unwrap_or(0).checked_sub(unix_time)
}

pub(super) fn ago(seconds: Option<u64>) -> String {
    // The clock that gave the time is ahead of this one.
    seconds.map_or("in future".into(), age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_short() {
        let sizes = [0, 999, 1000, 1023, 10 << 10, 1_331_000_000, 1023 << 30, u64::MAX].map(size);
        assert_eq!(sizes, ["0B", "999B", "0.98K", "1.00K", "10.0K", "1.24G", "1.00T", "16.0E"]);
        assert_eq!([0, 119, 120, 7199, 7200, 172_799, 172_800].map(age), ["0s", "119s", "2m", "119m", "2h", "47h", "2d"]);
    }
}
