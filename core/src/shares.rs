//! An identity in shares, of which some open it and fewer say nothing: SLIP-39
//! ([SLIP-0039](https://github.com/satoshilabs/slips/blob/master/slip-0039.md)), which others read and write too.
//!
//! What is done with secrets takes the same time and touches the same memory whatever they are; only how many shares there are, and their
//! numbers, are public.

mod cipher;
mod field;
mod secret;
mod share;
mod words;

pub use secret::{SharedSecret, combine_shares, split_identity};
pub use share::Share;

/// Shares in a set, at most.
pub const MAX_SHARES: u8 = 16;

/// Why shares are none, or do not make a secret. Shares are named by their place among those that were given, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// A word that none has.
    #[error("word {} of the share is not in the word list of SLIP-39", .0 + 1)]
    UnknownWord(usize),
    /// Words are missing, or too many.
    #[error("a share of a key has 33 words, and this one has {0}")]
    WordCount(usize),
    /// The checksum shows it.
    #[error("a word of the share is mistyped or in the wrong place: its checksum does not match")]
    Mistyped,
    /// Its numbers contradict each other.
    #[error("the share contradicts itself: {0}")]
    Malformed(&'static str),
    /// Such a set cannot be made.
    #[error("shares are made for 2 or more of at most 16, such as 3/5")]
    Counts,
    /// There is nothing to share.
    #[error("a passphrase has no shares: only an identity has")]
    NotAnIdentity,
    /// None were given.
    #[error("no share was given")]
    None,
    /// One is of another set.
    #[error("this share is of another set than the first")]
    OtherSet(usize),
    /// Two say different things under one number.
    #[error("this share has the number of another one, and says something else")]
    SameNumber(usize),
    /// More are wanted.
    #[error("{needed} shares open this set, and {given} of it were given")]
    TooFew {
        /// Different ones that were given.
        given: usize,
        /// Those that are needed.
        needed: usize,
    },
    /// More groups are wanted, in a set that another program made.
    #[error("shares of {needed} groups open this set, and {given} are complete")]
    TooFewGroups {
        /// Complete ones that were given.
        given: usize,
        /// Those that are needed.
        needed: usize,
    },
    /// One that is not needed says something else than those that are.
    #[error("this share does not fit the others")]
    DoesNotFit(usize),
    /// The digest in them shows it.
    #[error("one of the shares was altered: together they do not make what was shared")]
    Altered,
    /// What was shared is no key, or another one.
    #[error("together the shares do not make the key of this recipient")]
    OtherRecipient,
}
