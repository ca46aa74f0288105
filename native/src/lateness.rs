//! Whether a series goes on: how old the newest is of what counts, by the clock of whoever looks.

use std::collections::BTreeMap;

use dbseal_core::Time;

/// Seconds that the clocks of two machines that keep time may be apart. A time that is further ahead is in the future, and says
/// nothing about an age: a host whose clock is years ahead would never be late.
const CLOCK_SKEW: i64 = 300;

/// A series of which nothing that counts is as new as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The series.
    pub series: String,
    /// When the newest was made; `None` where nothing counts.
    pub newest: Option<Time>,
}

/// Whether a time is later than now can be.
#[must_use]
pub fn is_future(time: Time, now: Time) -> bool {
    time.as_unix() > now.as_unix() + CLOCK_SKEW
}

/// The series that are late, by name. `times` has every series at least once, with `None` for what does not count; `max_age` is in seconds.
#[must_use]
pub fn late<'a>(times: impl Iterator<Item = (&'a str, Option<Time>)>, max_age: u64, now: Time) -> Vec<Late> {
    let mut newest: BTreeMap<&str, Option<Time>> = BTreeMap::new();
    for (series, time) in times {
        let known = newest.entry(series).or_default();
        *known = (*known).max(time.filter(|&time| !is_future(time, now)));
    }
    let is_late = |time: Time| u64::try_from(now.as_unix() - time.as_unix()).is_ok_and(|age| age > max_age);
    let late = newest.into_iter().filter(|(_, newest)| newest.is_none_or(is_late));
    late.map(|(series, newest)| Late { series: series.into(), newest }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_that_counts_decides() {
        let at = |seconds: u64| Time::from_unix(seconds).expect("a time");
        let times = [
            ("good", Some(at(100))),
            ("good", Some(at(900))),
            ("edge", Some(at(800))),
            ("late", Some(at(799))),
            ("late", None),
            ("none", None),
            ("ahead", Some(at(1300))),
            ("future", Some(at(1301))),
        ];
        let late = late(times.into_iter(), 200, at(1000));
        let names: Vec<_> = late.iter().map(|late| (late.series.as_str(), late.newest)).collect();
        assert_eq!(names, [("future", None), ("late", Some(at(799))), ("none", None)]);
    }
}
