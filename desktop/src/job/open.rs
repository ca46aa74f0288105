//! Open, as the page shows it: into a file, or into a program.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dbseal::core::Trust;
use dbseal::{
    Command, DecryptRequest, Destination, Fifos, IdentitySource, JobError, Keep, Names, Observer, Overwrite, Pace, PassphraseSource,
    SalvageRequest, SealCheck, Source, Streams, Unlock, decrypt, open_regular, salvage,
};
use dbseal_web::messages::{AppOutput, End, Failure, KeyKind, Opened, Part, Place, SealPolicy, Zstd};

use super::check::{claims, place};
use super::failures;
use super::typed::Typed;
use crate::commands::threads;
use crate::worker::JobOrder;

/// What was asked for.
pub(super) struct Opening<'a> {
    pub(super) order: &'a JobOrder,
    pub(super) backup: &'a Path,
    pub(super) key: KeyKind,
    pub(super) part: &'a Part,
    pub(super) trust: Trust,
    pub(super) policy: &'a SealPolicy,
    pub(super) output: (&'a AppOutput, Zstd),
    pub(super) passphrase: Typed,
}

impl Opening<'_> {
    pub(super) fn run(&self, observer: &Arc<dyn Observer>) -> Result<Opened, Failure> {
        match self.part {
            Part::Whole => self.decrypt(dbseal::Part::Whole, observer),
            Part::Bytes(start, end) => self.decrypt(dbseal::Part::Bytes(*start, *end), observer),
            Part::Salvage if self.output.1 == Zstd::Decompressed => Err(failures::part_of_compressed()),
            Part::Salvage => self.salvage(observer),
        }
    }

    fn decrypt(&self, part: dbseal::Part, observer: &Arc<dyn Observer>) -> Result<Opened, Failure> {
        let (output, zstd) = self.output;
        let destination = match output {
            AppOutput::Program(line) => Destination::Into(command(line)?),
            AppOutput::File => Destination::File { path: self.file()?, overwrite: self.overwrite(), streams: Streams::Refused },
        };
        let into_program = matches!(destination, Destination::Into(_));
        let part = match (zstd, part) {
            (Zstd::Kept, part) => part,
            (Zstd::Decompressed, dbseal::Part::Whole) => dbseal::Part::Decompressed,
            (Zstd::Decompressed, _) => return Err(failures::part_of_compressed()),
        };
        let request = DecryptRequest {
            source: Source::File(self.backup.into()),
            destination,
            unlock: self.unlock(),
            part,
            threads: threads(),
            pace: Pace::unlimited(),
            seal: self.seal_check(into_program),
            // A person has chosen a file. Whoever can write to the storage could have put one there since, and never write to it.
            fifos: Fifos::Refused,
        };
        let done = decrypt(&request, observer).map_err(|error| self.failure(&error, into_program))?;
        let said = done.claims.as_ref();
        Ok(Opened {
            written_len: done.written_len,
            end: End::Known,
            claims: said.map(|said| claims(said, Some(done.is_proven))),
            place: said.map_or(Place::Unknown, |said| place(said.place)),
            is_zstd: self.order.output.as_deref().is_some_and(is_zstd),
            lost: Vec::new(),
            unsealed: Vec::new(),
        })
    }

    fn salvage(&self, observer: &Arc<dyn Observer>) -> Result<Opened, Failure> {
        let request = SalvageRequest {
            backup: self.backup.into(),
            header: None,
            output: self.file()?,
            overwrite: self.overwrite(),
            keep: Keep::Opens,
            unlock: self.unlock(),
            seal: self.seal_check(false),
            threads: threads(),
            pace: Pace::unlimited(),
        };
        let report = salvage(&request, observer).map_err(|error| self.failure(&error, false))?;
        Ok(Opened {
            written_len: report.written_len,
            end: if report.plaintext_len.is_some() { End::Known } else { End::Missing },
            place: report.claims.as_ref().map_or(Place::Unknown, |said| place(said.place)),
            // Its file key was at hand; whether the proof is right is asked of a whole backup alone.
            claims: report.claims.as_ref().map(|said| claims(said, None)),
            is_zstd: is_zstd(&request.output),
            lost: report.lost,
            unsealed: report.unsealed,
        })
    }

    fn file(&self) -> Result<PathBuf, Failure> {
        self.order.output.as_deref().map(Path::to_path_buf).ok_or_else(failures::no_output)
    }

    /// The dialog asked about a file that was there; one that has come since, nobody was asked about.
    fn overwrite(&self) -> Overwrite {
        if self.order.replaces { Overwrite::Allowed } else { Overwrite::Refused }
    }

    fn unlock(&self) -> Unlock<'_> {
        let identities = match self.key {
            KeyKind::Passphrase => Vec::new(),
            KeyKind::Identity | KeyKind::ProtectedIdentity => {
                self.order.identity.iter().map(|path| IdentitySource::File(path.to_path_buf())).collect()
            }
        };
        Unlock { identities, passphrase: PassphraseSource::Ask, ask: &self.passphrase }
    }

    /// A program runs what it is given: there, somebody who is trusted has to vouch for it, whatever else was said.
    fn seal_check(&self, into_program: bool) -> SealCheck {
        let policy = match self.policy {
            _ if into_program => dbseal::SealPolicy::Trusted,
            SealPolicy::Ignored => dbseal::SealPolicy::Ignored,
            SealPolicy::Trusted | SealPolicy::Renamed(_) if self.trust == Trust::default() => dbseal::SealPolicy::IfThere,
            SealPolicy::Trusted | SealPolicy::Renamed(_) => dbseal::SealPolicy::Trusted,
        };
        let names = match self.policy {
            SealPolicy::Renamed(seen) => Names::MayBe(seen.clone()),
            SealPolicy::Trusted | SealPolicy::Ignored => Names::MustMatch,
        };
        SealCheck { policy, path: self.order.seal.as_deref().map(Path::to_path_buf), trust: self.trust.clone(), names }
    }

    /// Why it failed. Into a program nothing goes that nobody vouches for.
    fn failure(&self, error: &JobError, into_program: bool) -> Failure {
        let failure = failures::of(error);
        if into_program && failure.passes_with == Some(SealPolicy::Ignored) {
            return Failure { passes_with: None, next: failures::VOUCHED_ONLY.into(), ..failure };
        }
        failure
    }
}

/// The command that a line names, without a shell.
fn command(line: &str) -> Result<Command, Failure> {
    let words = shell_words::split(line).map_err(|_| failures::bad_command())?;
    Command::from_words(words.into_iter().map(Into::into)).ok_or_else(failures::bad_command)
}

/// Whether an output starts as zstd does (RFC 8878, section 3.1.1).
fn is_zstd(path: &Path) -> bool {
    let mut start = [0; 4];
    open_regular(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == [0x28, 0xb5, 0x2f, 0xfd]
}
