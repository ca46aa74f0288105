//! The words for where a backup lies (SEAL.md, "What is answered").

/// Where a backup lies, and whether it belongs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is one of no series.
    Alone,
    /// It is one of a series, which was not looked at.
    Unchecked,
    /// In its series, from which nothing is missing before it.
    InSeries,
    /// It has another name than its seal says.
    Renamed,
    /// The first of an epoch that was not seen before, of a series that was: its host lost the state, or somebody writes another history.
    NewEpoch,
    /// The number before it is missing.
    Gap,
    /// Another backup has its number, or does not follow from it.
    Fork,
    /// What was seen before is not there any more.
    RolledBack,
    /// Nobody who is trusted says where it belongs.
    Unknown,
}

impl Place {
    const ALL: [Self; 9] = [
        Self::Alone,
        Self::Unchecked,
        Self::InSeries,
        Self::Renamed,
        Self::NewEpoch,
        Self::Gap,
        Self::Fork,
        Self::RolledBack,
        Self::Unknown,
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
