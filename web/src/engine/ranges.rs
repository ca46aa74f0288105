//! Lists of ranges in order, such as of damage.

use std::ops::Range;

/// Adds a range that starts in or after the last one. Two that touch become one: however much is damaged, the list is as long as there are
/// gaps in it.
pub(super) fn push(ranges: &mut Vec<Range<u64>>, range: Range<u64>) {
    match ranges.last_mut() {
        _ if range.is_empty() => {}
        Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
        _ => ranges.push(range),
    }
}

/// What is missing below `len`, in order.
pub(super) fn gaps(ranges: &[Range<u64>], len: u64) -> impl Iterator<Item = Range<u64>> {
    let starts = std::iter::once(0).chain(ranges.iter().map(|range| range.end));
    let ends = ranges.iter().map(|range| range.start).chain(std::iter::once(len));
    starts.zip(ends).map(move |(start, end)| start..end.min(len)).filter(|range| !range.is_empty())
}

/// What of a range is in any of the ranges, in order.
pub(super) fn within(ranges: &[Range<u64>], range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let first = ranges.partition_point(|own| own.end <= range.start);
    let touching = ranges[first..].iter().take_while(move |own| own.start < range.end);
    touching.map(move |own| own.start.max(range.start)..own.end.min(range.end))
}

/// The same ranges, each `by` bytes further.
pub(super) fn shifted(ranges: impl IntoIterator<Item = Range<u64>>, by: u64) -> impl Iterator<Item = Range<u64>> {
    ranges.into_iter().map(move |range| range.start + by..range.end + by)
}
