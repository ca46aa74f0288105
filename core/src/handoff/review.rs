//! What a request asks for, as who answers it sees it (HANDOFF.md, "The request"): by facts, and not by what it says of itself.

use alloc::vec::Vec;

use rand_core::CryptoRng;

use super::request::{NotVerified, Request, RequestedFile};
use super::{Grant, HandoffError, Unlocked};
use crate::header::UnwrapError;
use crate::recipient::Identity;
use crate::seal::{FileName, Label, SeriesPlace, Time, Trust, VerifiedSeal};

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
}

/// What the one who sealed and made a file says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it was called when it was sealed, where that is said.
    pub name: Option<FileName>,
    /// The name of the key that vouches, as whoever trusts it has it.
    pub made_by: Label,
    /// Who encrypted it anew since, so that what is there is their word.
    pub encrypted_anew_by: Option<Label>,
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
            made_by: seal.vouched_by().clone(),
            encrypted_anew_by: judgement.encrypted_anew_by().cloned(),
            series: judgement.series().cloned(),
            time: judgement.first().time(),
        }
    }
}

impl Request {
    /// What of it these keys open, and what is known of that by whom these trust.
    ///
    /// # Errors
    /// A file that cannot be opened though one of the keys is for it, and whatever else is wrong with a header; nothing that opens.
    pub fn review(&self, identities: &[Identity], trust: &Trust) -> Result<Review<'_>, HandoffError> {
        let (mut unlocked, mut findings) = (Vec::new(), Vec::with_capacity(self.files().len()));
        for file in self.files() {
            match file.unlock(identities) {
                Ok(file) => {
                    findings.push(file.facts(trust).map_or_else(Finding::NotVerified, |seal| Finding::Verified(Facts::of(&seal))));
                    unlocked.push(file);
                }
                Err(HandoffError::Unwrap(UnwrapError::NoMatch)) => findings.push(Finding::NotOpened),
                Err(error) => return Err(error),
            }
        }
        if unlocked.is_empty() {
            return Err(UnwrapError::NoMatch.into());
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
        !self.findings.iter().any(|finding| matches!(finding, Finding::NotVerified(_)))
    }

    /// Grants what opens: to be called when a person has said so, and not before.
    ///
    /// # Errors
    /// A header that gets too long.
    pub fn grant(&self, rng: &mut impl CryptoRng) -> Result<Grant, HandoffError> {
        Grant::of(self.request, &self.unlocked, rng)
    }
}
