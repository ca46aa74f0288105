//! Sets of bytes, kept as the ranges that they are made of.

use std::collections::BTreeMap;
use std::ops::Range;

/// A set of positions. Takes memory for the gaps in it, however long it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// Ends by starts; no two of them touch.
    ends: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Adds a range, in any order.
    pub(crate) fn add(&mut self, range: Range<u64>) {
        let Range { mut start, mut end } = range;
        if start >= end {
            return;
        }
        if let Some((&before, &before_end)) = self.ends.range(..=start).next_back()
            && before_end >= start
        {
            start = before;
            end = end.max(before_end);
        }
        while let Some((&after, &after_end)) = self.ends.range(start..=end).next() {
            self.ends.remove(&after);
            end = end.max(after_end);
        }
        self.ends.insert(start, end);
    }

    /// Where the last of them ends.
    pub(crate) fn end(&self) -> Option<u64> {
        self.ends.values().next_back().copied()
    }

    /// What is missing below `len`, in order.
    pub(crate) fn gaps(&self, len: u64) -> impl Iterator<Item = Range<u64>> {
        let starts = std::iter::once(0).chain(self.ends.values().copied());
        let ends = self.ends.keys().copied().chain(std::iter::once(len));
        starts.zip(ends).map(move |(start, end)| start..end.min(len)).filter(|range| range.start < range.end)
    }

    /// What of a range is in the set, in order.
    pub(crate) fn within(&self, range: &Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let range = range.clone();
        // The one that the range starts in, if there is one, and those that start in the range.
        let first = self.ends.range(..=range.start).next_back().map_or(range.start, |(&start, _)| start);
        let touching = self.ends.range(first..range.end.max(first)).map(|(&start, &end)| start..end);
        touching.map(move |own| own.start.max(range.start)..own.end.min(range.end)).filter(|range| range.start < range.end)
    }

    /// The ranges, in order.
    pub(crate) fn into_vec(self) -> Vec<Range<u64>> {
        self.ends.into_iter().map(|(start, end)| start..end).collect()
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "sets of one range")]
mod tests {
    use super::*;

    fn ranges(all: &[Range<u64>]) -> Ranges {
        let mut ranges = Ranges::default();
        all.iter().cloned().for_each(|range| ranges.add(range));
        ranges
    }

    #[test]
    fn what_touches_becomes_one() {
        assert_eq!(ranges(&[4..6, 0..2, 2..4]).into_vec(), [0..6]);
        assert_eq!(ranges(&[4..6, 0..2, 8..9]).into_vec(), [0..2, 4..6, 8..9]);
        assert_eq!(ranges(&[0..2, 4..6, 8..9, 1..8]).into_vec(), [0..9]);
        assert_eq!(ranges(&[0..9, 3..4, 5..5]).into_vec(), [0..9]);
    }

    #[test]
    fn gaps_and_parts() {
        let ranges = ranges(&[2..4, 6..8]);
        assert_eq!(ranges.gaps(10).collect::<Vec<_>>(), [0..2, 4..6, 8..10]);
        assert_eq!(ranges.gaps(8).collect::<Vec<_>>(), [0..2, 4..6]);
        assert_eq!(ranges.gaps(3).collect::<Vec<_>>(), [0..2]);
        assert_eq!(Ranges::default().gaps(3).collect::<Vec<_>>(), [0..3]);
        assert_eq!(ranges.within(&(3..7)).collect::<Vec<_>>(), [3..4, 6..7]);
        assert_eq!(ranges.within(&(4..6)).count(), 0);
        assert_eq!(ranges.within(&(6..8)).chain(ranges.within(&(0..2))).collect::<Vec<_>>(), [6..8]);
        #[expect(clippy::reversed_empty_ranges, reason = "a group behind the end")]
        let behind = 9..7;
        assert_eq!(ranges.within(&behind).count(), 0);
        assert_eq!(ranges.end(), Some(8));
    }
}
