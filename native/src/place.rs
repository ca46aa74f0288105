//! The words for where a backup lies (SEAL.md, "What is answered").

use std::collections::BTreeSet;

/// All that was found of where a backup lies: one place where it belongs, or each fault; never nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places(BTreeSet<Place>);

impl Places {
    /// The one to show where there is room for one.
    #[must_use]
    pub fn worst(&self) -> Place {
        self.0.first().copied().unwrap_or(Place::Unknown)
    }

    /// All of them, the worst first.
    pub fn iter(&self) -> impl Iterator<Item = Place> {
        self.0.iter().copied()
    }

    /// What was found besides. No fault goes away because all else is well.
    pub(crate) fn add(&mut self, place: Place) {
        if place.is_good() && !self.worst().is_good() {
            return;
        }
        self.0.retain(|known| !known.is_good());
        self.0.insert(place);
    }
}

impl From<Place> for Places {
    fn from(place: Place) -> Self {
        Self([place].into())
    }
}

/// Where a backup lies, and whether it belongs there; in order, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Nobody who is trusted says where it belongs.
    Unknown,
    /// Another backup has its number, or it does not follow from any of the number before, or another was seen under its number.
    Fork,
    /// What was seen before is not there any more.
    RolledBack,
    /// It has another name than its seal says.
    Renamed,
    /// The number before it is missing.
    Gap,
    /// The first of an epoch that was not seen before, of a series that was: its host lost the state, or somebody writes another history.
    NewEpoch,
    /// In its series, from which nothing is missing before it.
    InSeries,
    /// It is one of a series, which was not looked at.
    Unchecked,
    /// It is one of no series.
    Alone,
}

impl Place {
    const ALL: [Self; 9] = [
        Self::Unknown,
        Self::Fork,
        Self::RolledBack,
        Self::Renamed,
        Self::Gap,
        Self::NewEpoch,
        Self::InSeries,
        Self::Unchecked,
        Self::Alone,
    ];

    /// The place that the specification has this word for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.word() == word)
    }

    /// Whether it is where it belongs, as far as was looked.
    #[must_use]
    pub fn is_good(self) -> bool {
        match self {
            Self::Alone | Self::Unchecked | Self::InSeries => true,
            Self::Renamed | Self::NewEpoch | Self::Gap | Self::Fork | Self::RolledBack | Self::Unknown => false,
        }
    }

    /// The word for it in the specification.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::Unchecked => "unchecked",
            Self::InSeries => "in-series",
            Self::Renamed => "renamed",
            Self::NewEpoch => "new-epoch",
            Self::Gap => "gap",
            Self::Fork => "fork",
            Self::RolledBack => "rolled-back",
            Self::Unknown => "unknown",
        }
    }
}
