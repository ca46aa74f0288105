//! What a request asks for, as who answers it sees it (HANDOFF.md, "The request"): by facts, and not by what it says of itself.

use alloc::vec::Vec;

use rand_core::CryptoRng;

use super::request::{NotVerified, Purpose, Request, RequestedFile};
use super::{Answer, Grant, HandoffError, NewHeader, Unlocked};
use crate::header::UnwrapError;
use crate::recipient::Identity;
use crate::rewrap::{RewrapError, Strength};
use crate::seal::{FileName, MadeBy, SeriesPlace, SigningKey, Time, Trust, VerifiedSeal};

/// A request before it is answered: which of its files the keys open that were at hand, and what is known of each. It has the file keys of
/// those, and no other key.
#[derive(Debug)]
pub struct Review<'a> {
    request: &'a Request,
    unlocked: Vec<Unlocked<'a>>,
    findings: Vec<Finding>,
}

/// What is known of a file that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Somebody who is trusted made it, and says this.
    Verified(Facts),
    /// It opens, and nothing else is known of it.
    NotVerified(NotVerified),
    /// None of the keys opens it: it is refused, whatever the answer is. It may be another custodian's.
    NotOpened,
    /// One of the keys is for it, and it does not open: somebody has altered it, and it is refused alone.
    Unusable(HandoffError),
}

/// What the one who sealed and made a file says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it was called when it was sealed, where that is said.
    pub name: Option<FileName>,
    /// Who made it.
    pub made_by: MadeBy,
    /// What it is one of.
    pub series: Option<SeriesPlace>,
    /// When, by the clock of who made it.
    pub time: Option<Time>,
}

impl Facts {
    fn of(seal: &VerifiedSeal<'_>) -> Self {
        let judgement = seal.judgement();
        Self {
            name: judgement.file().cloned(),
            made_by: judgement.made_by().expect("a seal that was verified has who vouches"),
            series: judgement.series().cloned(),
            time: judgement.first().time(),
        }
    }
}

impl Request {
    /// What of it these keys open, and what is known of that by whom these trust.
    ///
    /// # Errors
    /// Nothing that opens; why, where one of the keys is for something.
    pub fn review(&self, identities: &[Identity], trust: &Trust) -> Result<Review<'_>, HandoffError> {
        let (mut unlocked, mut findings) = (Vec::new(), Vec::with_capacity(self.files().len()));
        let mut first_error = None;
        for file in self.files() {
            match file.unlock(identities) {
                Ok(file) => {
                    findings.push(file.facts(trust).map_or_else(Finding::NotVerified, |seal| Finding::Verified(Facts::of(&seal))));
                    unlocked.push(file);
                }
                Err(HandoffError::Unwrap(UnwrapError::NoMatch)) => findings.push(Finding::NotOpened),
                Err(error) => {
                    first_error.get_or_insert(error.clone());
                    findings.push(Finding::Unusable(error));
                }
            }
        }
        if unlocked.is_empty() {
            return Err(first_error.unwrap_or(UnwrapError::NoMatch.into()));
        }
        Ok(Review { request: self, unlocked, findings })
    }
}

impl<'a> Review<'a> {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &'a Request {
        self.request
    }

    /// Each file that is asked for, and what is known of it.
    pub fn files(&self) -> impl Iterator<Item = (&'a RequestedFile, &Finding)> {
        self.request.files().iter().zip(&self.findings)
    }

    /// How many of them are granted if the answer is yes: one at least.
    #[must_use]
    pub fn opened_count(&self) -> usize {
        self.unlocked.len()
    }

    /// Whether something is known of each file that would be granted. Where not, only a clear yes to that is one.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        let is_for_new_headers = matches!(self.request.purpose(), Purpose::Rewrap(_));
        !self.findings.iter().any(|finding| match finding {
            // They get none, whatever is said.
            Finding::NotVerified(NotVerified::WrongProof | NotVerified::OtherHeader) => !is_for_new_headers,
            Finding::NotVerified(_) => true,
            _ => false,
        })
    }

    /// Grants what opens: to be called when a person has said so, and not before.
    ///
    /// # Errors
    /// A header that gets too long.
    pub fn grant(&self, rng: &mut impl CryptoRng) -> Result<Grant, HandoffError> {
        Grant::of(self.request, &self.unlocked, rng)
    }

    /// An answer for each file, in their order: a new header for what opens and has not these recipients yet. To be called when a person has
    /// said so, and not before.
    ///
    /// # Errors
    /// A request for something else; a sealed file and nothing to sign with. What keeps one file from a new header is its own answer.
    pub fn new_headers(
        &self,
        identities: &[Identity],
        strength: Strength,
        signer: Option<(&SigningKey, Time)>,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<Answer>, HandoffError> {
        let mut answer = |(file, finding): (&RequestedFile, &Finding)| match finding {
            Finding::NotOpened | Finding::Unusable(_) => Ok(Answer::NotOpened),
            Finding::NotVerified(why @ (NotVerified::WrongProof | NotVerified::OtherHeader)) => Ok(Answer::Refused(*why)),
            _ => match NewHeader::of(self.request, file, identities, strength, signer, rng) {
                Err(HandoffError::Rewrap(RewrapError::NothingChanges)) => Ok(Answer::Already),
                // Whoever can write to the storage can fill a seal, or add a recipient beside whom the new ones may not be.
                Err(error @ (HandoffError::Append(_) | HandoffError::Rewrap(_))) => Ok(Answer::Failed(error)),
                new => new.map(Answer::New),
            },
        };
        self.files().map(&mut answer).collect()
    }
}
