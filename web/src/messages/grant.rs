//! The hand-off across an air gap: what is asked for, what the person says to that, and what is granted.

use dbseal_core::Review;
use serde::{Deserialize, Serialize};

/// What is asked for, before anything is granted: the job waits for a [`Consent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The code of the request, which the other machine shows too.
    pub code: String,
    /// The name of the trusted key that signed the request.
    pub signed_by: Option<String>,
    /// Each file, in the order of the request.
    pub files: Vec<AskedFile>,
}

/// A file that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedFile {
    /// What who asks calls it: a claim.
    pub name: String,
    /// What is known of it.
    pub finding: Finding,
}

/// What is known of a file that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// Somebody who is trusted made it, and says this.
    Verified(Facts),
    /// It opens, and nothing else is known of it: why, as the end of a sentence.
    NotVerified(String),
    /// The key does not open it: it is not granted, whatever the person says.
    NotOpened,
    /// It was altered, and is not granted: how, as a sentence without its end.
    Unusable(String),
}

/// What the one who sealed and made a file says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What it was called then, where that is said.
    pub name: Option<String>,
    /// The name of the trusted key that vouches, and of who encrypted it anew since, if somebody did.
    pub made_by: String,
    /// The series and the number in it.
    pub series: Option<(String, u64)>,
    /// When, by the clock of who made it.
    pub time: Option<String>,
}

impl Asked {
    /// What the page shows of a review.
    #[must_use]
    pub fn of(review: &Review<'_>, signed_by: Option<String>) -> Self {
        let files = review.files().map(|(file, finding)| AskedFile { name: file.name().to_string(), finding: finding.into() });
        Self { code: review.request().code().to_string(), signed_by, files: files.collect() }
    }

    /// How many files are granted if the person says yes.
    #[must_use]
    pub fn opened_count(&self) -> usize {
        self.files.iter().filter(|file| matches!(file.finding, Finding::Verified(_) | Finding::NotVerified(_))).count()
    }

    /// Of how many of those nothing is verified.
    #[must_use]
    pub fn unverified_count(&self) -> usize {
        self.files.iter().filter(|file| matches!(file.finding, Finding::NotVerified(_))).count()
    }
}

impl From<&dbseal_core::Finding> for Finding {
    fn from(finding: &dbseal_core::Finding) -> Self {
        match finding {
            dbseal_core::Finding::Verified(facts) => Self::Verified(Facts {
                name: facts.name.as_ref().map(ToString::to_string),
                made_by: facts.made_by.to_string(),
                series: facts.series.as_ref().map(|series| (series.label.to_string(), series.number)),
                time: facts.time.map(|time| time.to_string()),
            }),
            dbseal_core::Finding::NotVerified(why) => Self::NotVerified(why.to_string()),
            dbseal_core::Finding::NotOpened => Self::NotOpened,
            dbseal_core::Finding::Unusable(why) => Self::Unusable(why.to_string()),
        }
    }
}

/// That a person has said yes, and to what. There is none for a no: then the job is ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The code that they were shown.
    pub code: String,
    /// Whether they have said so of that, too, of which nothing is verified.
    pub unverified: bool,
}

/// The name under which the page sends a worker a [`Consent`], as text.
pub const CONSENT: &str = "consent";

/// What was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// The grant, as text that can be pasted.
    pub text: String,
    /// Its own code.
    pub code: String,
    /// How many files it opens.
    pub granted_count: usize,
    /// How many were asked for.
    pub asked_count: usize,
}
