//! A share of a backup, drawn at random, and what that says of the rest (SEAL.md, "What is answered").

use std::io;

use crate::error::JobError;

/// Parts in a whole share.
const WHOLE: u32 = 1_000_000;
/// From here on down, that damage was missed is called unlikely.
const UNLIKELY: f64 = 0.01;

/// How much of a backup is read to check it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All of it.
    Whole,
    /// Some of its groups.
    Sample(Share),
}

/// A share of the groups: more than nothing, at most all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    millionths: u32,
}

/// How many groups were read, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Groups that were read; at least one.
    pub read_count: u32,
    /// Groups that there are.
    pub group_count: u32,
    /// The smallest number of damaged groups that are missed with a probability of less than 1%.
    pub hardly_missed_count: u32,
}

impl Share {
    /// So many millionths of the whole; `None` for 0, and for more than the whole.
    #[must_use]
    pub fn of_millionths(millionths: u32) -> Option<Self> {
        (1..=WHOLE).contains(&millionths).then_some(Self { millionths })
    }

    /// Draws the share of `group_count` groups with the system's randomness: their indices, in order.
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn pick(self, group_count: u64) -> Result<Vec<u64>, JobError> {
        let count = (group_count * u64::from(self.millionths)).div_ceil(WHOLE.into()).clamp(1, group_count);
        let mut indices: Vec<u64> = (0..group_count).collect(); // at most 65,536
        for (chosen, left) in (0..).zip((group_count - count + 1..=group_count).rev()) {
            let other = chosen + usize::try_from(below(left)?).map_err(|_| JobError::Memory)?;
            indices.swap(chosen, other);
        }
        indices.truncate(usize::try_from(count).map_err(|_| JobError::Memory)?);
        indices.sort_unstable();
        Ok(indices)
    }
}

/// A number below `end`, each as likely as any other.
fn below(end: u64) -> Result<u64, JobError> {
    // Beyond the last multiple of `end` the low numbers would be drawn more often.
    let multiples_end = u64::MAX - u64::MAX % end;
    loop {
        let number = getrandom::u64().map_err(|error| JobError::read("the system's randomness", io::Error::other(error)))?;
        if number < multiples_end {
            return Ok(number % end);
        }
    }
}

impl Sample {
    /// So many groups that were read, at least one, of so many.
    pub(crate) fn of(read_count: usize, group_count: u64) -> Self {
        let bounded = "a section has at most 65,536 groups";
        let (read_count, group_count) = (read_count.try_into().expect(bounded), group_count.try_into().expect(bounded));
        let miss = Miss { unread_count: group_count - read_count, group_count };
        let hardly_missed_count = (1..).zip(miss.probabilities()).find(|(_, probability)| *probability < UNLIKELY);
        Self { read_count, group_count, hardly_missed_count: hardly_missed_count.map_or(group_count, |(count, _)| count) }
    }

    /// How likely it is that a sample like this has none of `damaged_count` damaged groups.
    #[must_use]
    pub fn miss_probability(&self, damaged_count: u32) -> f64 {
        let miss = Miss { unread_count: self.group_count - self.read_count, group_count: self.group_count };
        let before = damaged_count.checked_sub(1);
        before.map_or(1.0, |before| miss.probabilities().nth(before as usize).unwrap_or(0.0))
    }
}

/// That damage is missed.
#[derive(Clone, Copy)]
struct Miss {
    unread_count: u32,
    group_count: u32,
}

impl Miss {
    /// How likely it is for one damaged group, for two, and so on, as long as it can be.
    fn probabilities(self) -> impl Iterator<Item = f64> {
        (0..self.group_count).scan(1.0, move |probability, index| {
            *probability *= f64::from(self.unread_count.saturating_sub(index)) / f64::from(self.group_count - index);
            Some(*probability)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(millionths: u32) -> Share {
        Share::of_millionths(millionths).expect("a share")
    }

    #[test]
    fn shares_are_rounded_up_and_never_empty() {
        assert_eq!([0, WHOLE + 1].map(Share::of_millionths), [None, None]);
        for (millionths, group_count, count) in
            [(1, 1, 1), (1, 65_536, 1), (50_000, 20, 1), (50_000, 21, 2), (WHOLE, 21, 21), (WHOLE, 1, 1), (999_999, 65_536, 65_536)]
        {
            let indices = share(millionths).pick(group_count).expect("randomness");
            assert_eq!(indices.len(), count, "{millionths} of {group_count}");
            assert!(indices.is_sorted_by(|a, b| a < b) && indices.iter().all(|&index| index < group_count));
        }
    }

    /// Each group has its turn: that one of ten never has in 1,000 draws of one happens once in 10^45.
    #[test]
    fn every_group_is_drawn() {
        let mut drawn = [0; 10];
        for _ in 0..1000 {
            drawn[usize::try_from(share(1).pick(10).expect("randomness")[0]).expect("small")] += 1;
        }
        assert!(drawn.iter().all(|&count| count > 30), "{drawn:?}");
    }

    #[test]
    fn what_is_missed() {
        let sample = Sample::of(1, 20);
        assert!((sample.miss_probability(1) - 0.95).abs() < 1e-9);
        assert!((sample.miss_probability(2) - 0.9).abs() < 1e-9, "19/20 * 18/19");
        assert!(sample.miss_probability(0) == 1.0 && sample.miss_probability(20) == 0.0 && sample.miss_probability(21) == 0.0);
        assert_eq!((sample.hardly_missed_count, Sample::of(20, 20).hardly_missed_count), (20, 1));
        let large = Sample::of(3277, 65_536);
        let count = large.hardly_missed_count;
        assert!(large.miss_probability(count) < 0.01 && large.miss_probability(count - 1) >= 0.01, "{count}");
    }

    /// In a moment: one group of many is what takes the longest.
    #[test]
    fn one_group_of_the_most_that_there_are() {
        // All but 655 of them: 655/65,536 is the first that is less than 1%.
        assert_eq!(Sample::of(1, 65_536).hardly_missed_count, 65_536 - 655);
    }
}
