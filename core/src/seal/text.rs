//! The texts of notes, printed and parsed in their one spelling (SEAL.md, "What a byte of it looks like").

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use super::SealError;
use super::note::{Adopted, Extent, Note, Process, Reencrypted, Restored, Rewrapped, Sealed, SeriesPlace, SourceKind, TestResult, Unknown};
use super::proof::Proof;
use super::signing::VerifierKey;
use super::words::{FileName, Label, NoteHash, Time, parse_hex, parse_number};
use crate::header::MAX_HEADER_LEN;
use crate::layout::Layout;
use crate::tree::{Blake3, group_len};

/// Bytes in a note's text, at most: a few of them fit a QR code.
pub(super) const MAX_NOTE_LEN: usize = 1023;
const MAX_CHECKS: usize = 8;
const FIRST_WORD: &str = "dbseal/v1 ";

impl Note {
    /// The text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut lines = Printer(format!("{FIRST_WORD}{}\n", self.kind()));
        if let Some(previous) = self.previous() {
            lines.field("previous", previous);
        }
        if let Some(signer) = self.signer() {
            lines.field("signer", signer);
        }
        if let Self::Sealed(note) = self {
            lines.series(note.series.as_ref());
        }
        if let Some(file) = self.file() {
            lines.field("file", file);
        }
        if let Some(time) = self.time() {
            lines.field("time", time);
        }
        match self {
            Self::Sealed(note) => {
                lines.field("source", note.source.word());
                let Process { tool, version, preset, compression } = &note.process;
                lines.field("process", format_args!("{tool}/{version} {preset} {compression}"));
                lines.extent("header", &note.header);
                lines.payload(&note.payload);
            }
            Self::Adopted(note) => {
                lines.extent("header", &note.header);
                lines.payload(&note.payload);
            }
            Self::Rewrapped(note) => {
                lines.extent("old-header", &note.old_header);
                lines.extent("header", &note.header);
            }
            Self::Reencrypted(note) => {
                lines.extent("old-header", &note.old_header);
                lines.extent("header", &note.header);
                lines.extent("old-payload", &note.old_payload);
                lines.payload(&note.payload);
            }
            Self::Restored(note) => {
                lines.extent("payload", &note.payload);
                lines.field("seconds", note.seconds);
                lines.field("result", note.result.word());
                note.checks.iter().for_each(|(label, result)| lines.field("check", format_args!("{label} {}", result.word())));
            }
            Self::Unknown(note) => lines.0.push_str(&note.rest),
        }
        if let Some(proof) = self.proof() {
            lines.field("proof", Blake3::from_bytes(*proof.as_bytes()));
        }
        lines.0
    }

    /// Parses a text in its one spelling; the reason says what is wrong with another.
    pub(crate) fn parse(text: &str) -> Result<Self, SealError> {
        let malformed = SealError::Malformed;
        let rest = text.strip_prefix(FIRST_WORD).ok_or(malformed("a note does not say of which kind it is"))?;
        if !text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)) {
            return Err(malformed("a note has a character that is not printable ASCII"));
        }
        let (kind, fields) = rest.split_once('\n').ok_or(malformed("a note is cut off"))?;
        let fields = &mut Fields { rest: fields };
        let note = Self::parse_fields(kind, fields)?;
        if !fields.rest.is_empty() {
            return Err(malformed("a note has a line too many"));
        }
        // What every field's own spelling should have made sure of already.
        if note.to_text() == text { Ok(note) } else { Err(malformed("a note is not in its one spelling")) }
    }

    fn parse_fields(kind: &str, fields: &mut Fields<'_>) -> Result<Self, SealError> {
        Ok(match kind {
            "sealed" => Self::Sealed(Sealed {
                signer: fields.signer()?,
                series: fields.series()?,
                file: fields.parse("file", FileName::parse)?,
                time: fields.parse("time", Time::parse)?,
                source: fields.parse("source", SourceKind::parse)?,
                process: fields.parse("process", Process::parse)?,
                header: fields.header("header")?,
                payload: fields.payload()?,
                proof: fields.proof()?,
            }),
            "adopted" => Self::Adopted(Adopted {
                signer: fields.signer()?,
                file: fields.parse("file", FileName::parse)?,
                time: fields.parse("time", Time::parse)?,
                header: fields.header("header")?,
                payload: fields.payload()?,
            }),
            "rewrapped" => Self::Rewrapped(Rewrapped {
                previous: fields.previous()?,
                signer: fields.signer()?,
                time: fields.parse("time", Time::parse)?,
                old_header: fields.header("old-header")?,
                header: fields.header("header")?,
                proof: fields.proof()?,
            }),
            "reencrypted" => Self::Reencrypted(Reencrypted {
                previous: fields.previous()?,
                signer: fields.signer()?,
                time: fields.parse("time", Time::parse)?,
                old_header: fields.header("old-header")?,
                header: fields.header("header")?,
                old_payload: fields.section("old-payload")?,
                payload: fields.payload()?,
                proof: fields.proof()?,
            }),
            "restored" => {
                let note = Restored {
                    previous: fields.previous()?,
                    signer: fields.signer()?,
                    time: fields.parse("time", Time::parse)?,
                    payload: fields.section("payload")?,
                    seconds: fields.parse("seconds", parse_number)?,
                    result: fields.parse("result", TestResult::parse)?,
                    checks: fields.checks()?,
                };
                if note.result == TestResult::Passed && note.checks.iter().any(|(_, result)| *result == TestResult::Failed) {
                    return Err(SealError::Malformed("a restore test says that it passed, and a check of it that it failed"));
                }
                Self::Restored(note)
            }
            kind => Self::Unknown(Unknown {
                kind: kind.parse().map_err(|_| SealError::Malformed("a note is of no kind"))?,
                previous: fields.previous()?,
                rest: core::mem::take(&mut fields.rest).into(),
            }),
        })
    }
}

impl SourceKind {
    /// The words for it in the specification.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Command => "command 0",
            Self::File => "file",
            Self::Stdin => "stdin",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Command, Self::File, Self::Stdin].into_iter().find(|source| source.word() == text)
    }
}

impl TestResult {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Passed, Self::Failed].into_iter().find(|result| result.word() == text)
    }
}

impl Process {
    fn parse(text: &str) -> Option<Self> {
        let (tool, rest) = text.split_once('/')?;
        let mut words = rest.split(' ').map(|word| word.parse().ok());
        let process = Self { tool: tool.parse().ok()?, version: words.next()??, preset: words.next()??, compression: words.next()?? };
        words.next().is_none().then_some(process)
    }
}

struct Printer(String);

impl Printer {
    fn field(&mut self, name: &str, value: impl fmt::Display) {
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn extent(&mut self, name: &str, extent: &Extent) {
        self.field(name, format_args!("{} {}", extent.len, extent.hash));
    }

    fn payload(&mut self, payload: &Extent) {
        self.extent("payload", payload);
        self.field("group", group_len(payload.len));
    }

    fn series(&mut self, series: Option<&SeriesPlace>) {
        let Some(SeriesPlace { label, epoch, number, previous }) = series else { return self.field("series", "-") };
        match previous {
            Some(previous) => self.field("series", format_args!("{label} {epoch} {number} {previous}")),
            None => self.field("series", format_args!("{label} {epoch} {number} -")),
        }
    }
}

/// The lines after the first.
pub(super) struct Fields<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Fields<'a> {
    /// The value of the next line, which has to be this field.
    pub(super) fn parse<T>(&mut self, name: &'static str, parse: impl FnOnce(&'a str) -> Option<T>) -> Result<T, SealError> {
        let (line, rest) = self.rest.split_once('\n').ok_or(SealError::Field(name))?;
        self.rest = rest;
        line.strip_prefix(name).and_then(|line| line.strip_prefix(' ')).and_then(parse).ok_or(SealError::Field(name))
    }

    fn signer(&mut self) -> Result<VerifierKey, SealError> {
        self.parse("signer", |text| text.parse().ok())
    }

    fn previous(&mut self) -> Result<NoteHash, SealError> {
        self.parse("previous", |text| text.parse().ok())
    }

    fn series(&mut self) -> Result<Option<SeriesPlace>, SealError> {
        self.parse("series", |text| {
            if text == "-" {
                return Some(None);
            }
            let mut words = text.split(' ');
            let (label, epoch) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let number = parse_number(words.next()?)?;
            let previous = match words.next()? {
                "-" => None,
                hash => Some(hash.parse().ok()?),
            };
            // The first of an epoch follows nothing, all others something.
            let fits = number > 0 && (number == 1) == previous.is_none() && words.next().is_none();
            fits.then_some(Some(SeriesPlace { label, epoch, number, previous }))
        })
    }

    fn extent(&mut self, name: &'static str, fits: impl FnOnce(u64) -> bool) -> Result<Extent, SealError> {
        self.parse(name, |text| {
            let (len, hash) = text.split_once(' ')?;
            let extent = Extent { len: parse_number(len)?, hash: Blake3::from_bytes(parse_hex(hash)?) };
            fits(extent.len).then_some(extent)
        })
    }

    fn header(&mut self, name: &'static str) -> Result<Extent, SealError> {
        self.extent(name, |len| (1..=MAX_HEADER_LEN as u64).contains(&len))
    }

    fn section(&mut self, name: &'static str) -> Result<Extent, SealError> {
        self.extent(name, |len| Layout::of_section(len).is_ok())
    }

    fn payload(&mut self) -> Result<Extent, SealError> {
        let payload = self.section("payload")?;
        self.parse("group", |text| parse_number(text).filter(|&len| len == group_len(payload.len)))?;
        Ok(payload)
    }

    fn proof(&mut self) -> Result<Proof, SealError> {
        self.parse("proof", parse_hex).map(Proof::from_bytes)
    }

    fn checks(&mut self) -> Result<Vec<(Label, TestResult)>, SealError> {
        let mut checks = Vec::new();
        while !self.rest.is_empty() && checks.len() < MAX_CHECKS {
            checks.push(self.parse("check", |text| {
                let (label, result) = text.split_once(' ')?;
                Some((label.parse().ok()?, TestResult::parse(result)?))
            })?);
        }
        if checks.is_empty() { Err(SealError::Field("check")) } else { Ok(checks) }
    }
}
