//! What an age file says about itself, and which key opens it.

use std::path::PathBuf;
use std::slice;
use std::sync::Arc;

use dbseal_core::{FileKey, Header, Layout, Note, PAYLOAD_NONCE_LEN, POST_QUANTUM_TAGS, PayloadError, SLOT_LEN, Seal, SourceKind, Trust};
use serde::{Serialize, Serializer};

use crate::age_file::AgeFile;
use crate::checked_payload::check_payload;
use crate::error::JobError;
use crate::input::{Fifos, Input, Source, StreamReader};
use crate::journal::{JournalFile, sealed_header};
use crate::keys::{PassphraseSource, Unlock, load_named};
use crate::opens::one_opens;
use crate::pace::Pace;
use crate::report::{Observer, Silent};
use crate::sealing::seal_path;
use crate::verify::read_seal;

/// Everything that was decided about an inspection.
pub struct InspectRequest<'a> {
    /// The age file.
    pub source: Source,
    /// Its seal, where that is not beside it.
    pub seal: Option<PathBuf>,
    /// Keys to try, if any.
    pub unlock: Unlock<'a>,
}

impl InspectRequest<'_> {
    fn has_keys(&self) -> bool {
        !self.unlock.identities.is_empty() || self.unlock.passphrase != PassphraseSource::Ask
    }

    fn seal_path(&self) -> Option<PathBuf> {
        let beside = || if let Source::File(backup) = &self.source { Some(seal_path(backup)) } else { None };
        self.seal.clone().or_else(beside)
    }

    fn inspect_seal(&self) -> Option<InspectedSeal> {
        match read_seal(&self.seal_path()?) {
            Ok(bytes) => bytes.map(|bytes| InspectedSeal::of(&bytes)),
            Err(error) => Some(InspectedSeal::Unreadable { why: error.to_string() }),
        }
    }
}

/// What an age file says about itself. All of it but `opened_by` is a claim: nothing was authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// The file's name, as it was given.
    pub file: String,
    /// `age-encryption.org/v1`.
    pub format: &'static str,
    /// Whether it is ASCII armor.
    pub armored: bool,
    /// The type of each recipient, in the order of the file; without our padding, which can hold nothing.
    pub recipients: Vec<String>,
    /// Stanzas that say that they are for nobody, as rage adds them to keep readers tolerant. What is in them is not known.
    pub stanzas_for_nobody: usize,
    /// Whether the recipients are safe against a later quantum computer.
    pub post_quantum: bool,
    /// Bytes in the header.
    pub header_bytes: u64,
    /// Whether the header is padded, so that its recipients can change in place.
    pub padded: bool,
    /// The payload, where the file is not armored.
    pub payload: Option<Payload>,
    /// Its seal, if there is one.
    pub seal: Option<InspectedSeal>,
    /// The first of the given keys that opens the file; its header is authentic then, and where it is a regular file without armor, so are its
    /// first chunk and its final one, unless there is a `payload_fault`.
    pub opened_by: Option<String>,
    /// What that key finds wrong with those chunks.
    #[serde(serialize_with = "in_words")]
    pub payload_fault: Option<PayloadError>,
    /// Whether keys were given to try.
    #[serde(skip)]
    pub keys_tried: bool,
}

fn in_words<S: Serializer>(fault: &Option<PayloadError>, serializer: S) -> Result<S::Ok, S::Error> {
    fault.map(|fault| fault.to_string()).serialize(serializer)
}

/// The shape of a payload, from its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Payload {
    /// A length that a whole payload has.
    Plausible {
        /// Bytes in the section: nonce, chunks and tags.
        section_bytes: u64,
        /// Chunks of 64 KiB.
        chunks: u64,
        /// Bytes of plaintext.
        plaintext_bytes: u64,
    },
    /// It ends as dbseal ends what it could not complete.
    MarkedFailed {
        /// Bytes in the section.
        section_bytes: u64,
    },
    /// No payload has this length: it was cut off.
    CutOff {
        /// Bytes in the section.
        section_bytes: u64,
    },
}

/// The seal of a file, which may be that of another file: nothing of it was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum InspectedSeal {
    /// It says something. Whom it names has signed it.
    Says {
        /// The kind of its first note.
        note: String,
        /// The verifier key that the note names.
        signer: Option<String>,
        /// When, as the signer claims.
        time: Option<String>,
        /// The name that the backup was given, percent-encoded.
        named: Option<String>,
        /// Where the data came from: `command 0`, `file` or `stdin`.
        source: Option<&'static str>,
        /// The series.
        series: Option<String>,
        /// The epoch of the series, in hexadecimal.
        epoch: Option<String>,
        /// The number in that.
        number: Option<u64>,
        /// Bytes that the payload section should have.
        payload_bytes: u64,
        /// The note.
        #[serde(skip)]
        first: Box<Note>,
    },
    /// It breaks a rule, and says nothing.
    Broken {
        /// A sentence.
        why: String,
    },
    /// It cannot be read.
    Unreadable {
        /// A sentence.
        why: String,
    },
}

/// Reads a header. Without keys nothing secret is needed.
///
/// # Errors
/// See [`JobError`]; a key that does not open the file is no error.
pub fn inspect(request: &InspectRequest<'_>, observer: &Arc<dyn Observer>) -> Result<Inspection, JobError> {
    let mut input = Input::open(&request.source, Fifos::Refused, observer)?;
    let what = input.what.clone();
    let regular = input.regular;
    let unlimited = Pace::unlimited();
    let sealed = request.seal_path().and_then(|seal| sealed_header(&seal).ok().flatten());
    let journal = JournalFile::of(&request.source, &input, sealed, &**observer);
    let backup = regular.map(|_| input.file.try_clone()).transpose().map_err(|error| JobError::read(&what, error))?;
    let reader = StreamReader::new(&mut input, &Silent, &unlimited, 0);
    let headers = journal.as_ref().map(|journal| journal.all_headers(sealed)).unwrap_or_default();
    let file = match &journal {
        Some(journal) => AgeFile::with_header(reader, headers[0].clone(), journal.own_header_len(), &what)?,
        None => AgeFile::read(reader, &what)?,
    };
    let headers = if headers.is_empty() { slice::from_ref(&file.header) } else { &headers };
    let check = |file_key: &FileKey| match (&backup, usize::try_from(file.header_len)) {
        (Some(backup), Ok(header_len)) if !file.is_armored => check_payload(backup, &what, header_len, file_key).map(drop),
        _ => Ok(()),
    };
    let opened = opened_by(request, headers, &what, check, &**observer)?;
    // Of several the one that opens, if one does.
    let header = &headers[opened.as_ref().map_or(0, |opened| opened.index)];
    let (nobody, recipients): (Vec<&str>, Vec<&str>) = header.recipient_tags().partition(|tag| tag.ends_with("-grease"));
    let stanzas_for_nobody = nobody.len();
    let recipients: Vec<String> = recipients.into_iter().map(escape).collect();
    let post_quantum = !recipients.is_empty() && recipients.iter().all(|tag| POST_QUANTUM_TAGS.contains(&tag.as_str()));
    // A file that grew since it was opened is read as far as it went then.
    let section_len = regular.filter(|_| !file.is_armored).map(|regular| regular.len.saturating_sub(file.header_len));
    Ok(Inspection {
        payload_fault: opened.as_ref().and_then(|opened| opened.fault),
        opened_by: opened.map(|opened| opened.by),
        keys_tried: request.has_keys(),
        file: what.clone(),
        format: "age-encryption.org/v1",
        armored: file.is_armored,
        recipients,
        stanzas_for_nobody,
        post_quantum,
        header_bytes: file.header_len,
        padded: header.is_padded(),
        payload: section_len.map(Payload::of_section),
        seal: request.inspect_seal(),
    })
}

/// What a key opens.
struct Opened {
    /// What the key is called.
    by: String,
    /// Which of the headers.
    index: usize,
    /// What is wrong with the payload: whoever saves what is left of a backup wants to know all the same which key it takes.
    fault: Option<PayloadError>,
}

fn opened_by(
    request: &InspectRequest<'_>,
    headers: &[Header],
    what: &str,
    check: impl Fn(&FileKey) -> Result<(), JobError>,
    observer: &dyn Observer,
) -> Result<Option<Opened>, JobError> {
    if !request.has_keys() {
        return Ok(None);
    }
    let Unlock { identities, passphrase, ask } = &request.unlock;
    let header = &headers[0];
    if header.needs_passphrase() && !identities.is_empty() {
        return Ok(None);
    }
    let keys = if header.needs_passphrase() {
        let identities = request.unlock.identities_for(header, what, observer)?;
        identities.into_iter().map(|identity| ("passphrase".into(), identity)).collect()
    } else {
        load_named(identities, passphrase, *ask, observer)?
    };
    let mut damaged = None;
    for (by, identity) in keys {
        match one_opens(headers, slice::from_ref(&identity), what, &check) {
            Ok(Some(index)) => return Ok(Some(Opened { by, index, fault: None })),
            Ok(None) => {}
            Err(JobError::Payload { error, .. }) if damaged.is_none() => {
                let index = headers.iter().position(|header| header.unwrap(slice::from_ref(&identity)).is_ok());
                let index = index.expect("the payload was opened through one");
                damaged = Some(Opened { by, index, fault: Some(error) });
            }
            Err(JobError::Payload { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(damaged)
}

/// A tag is printable ASCII, but in a file from elsewhere it may be of any length.
fn escape(tag: &str) -> String {
    tag.chars().take(64).collect()
}

impl Inspection {
    /// The bytes of the payload section, and those that the seal beside it says, where these are others.
    #[must_use]
    pub fn lens_that_differ(&self) -> Option<(u64, u64)> {
        let (Some(Payload::Plausible { section_bytes, .. }), Some(InspectedSeal::Says { payload_bytes, .. })) = (&self.payload, &self.seal)
        else {
            return None;
        };
        (section_bytes != payload_bytes).then_some((*section_bytes, *payload_bytes))
    }
}

impl InspectedSeal {
    fn of(bytes: &[u8]) -> Self {
        let seal = match Seal::parse(bytes) {
            Ok(seal) => seal,
            Err(error) => return Self::Broken { why: error.to_string() },
        };
        let first = seal.notes()[0].note();
        let series = first.series();
        Self::Says {
            note: first.kind().into(),
            signer: first.signer().map(ToString::to_string),
            time: first.time().map(|time| time.to_string()),
            named: first.file().map(ToString::to_string),
            source: first.source().map(SourceKind::word),
            series: series.map(|series| series.label.to_string()),
            epoch: series.map(|series| series.epoch.to_string()),
            number: series.map(|series| series.number),
            payload_bytes: seal.judge(&Trust::default()).payload().len,
            first: Box::new(first.clone()),
        }
    }
}

impl Payload {
    fn of_section(section_bytes: u64) -> Self {
        match Layout::of_section(section_bytes) {
            Ok(layout) => Self::Plausible { section_bytes, chunks: layout.chunk_count(), plaintext_bytes: layout.plaintext_len() },
            Err(PayloadError::Truncated { .. })
                if section_bytes.checked_sub(PAYLOAD_NONCE_LEN as u64).is_some_and(|len| len % SLOT_LEN as u64 == 1) =>
            {
                Self::MarkedFailed { section_bytes }
            }
            Err(_) => Self::CutOff { section_bytes },
        }
    }
}
