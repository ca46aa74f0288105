//! The way back: only what is authentic reaches the output, and a file gets its name only when all of it is.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;

use dbseal_core::{
    Batch, CHUNK_LEN, CheckedLayout, ChunkRange, FileKey, Header, Layout, MadeBy, Maker, Opener, PAYLOAD_NONCE_LEN, PayloadError,
    PayloadNonce, Spread, StreamEnd, UnwrapError,
};
use zstd::stream::write::Decoder;

use crate::against_seal::{Expected, SealCheck, SealPolicy};
use crate::age_file::AgeFile;
use crate::descendants::kill_descendants;
use crate::destination::{Destination, Privacy};
use crate::error::JobError;
use crate::input::{Fifos, Input, Source, StreamReader, check_not_same};
use crate::journal::JournalFile;
use crate::keys::{IdentitySource, Unlock};
use crate::pace::Pace;
use crate::parallel::{BATCH_CHUNKS, Opening, Transfer};
use crate::pipeline::{Lookahead, flow};
use crate::report::{Observer, tell_if_compressed};
use crate::shared_tree::SharedTree;
use crate::sink::Sink;
use crate::unfinished::Stage;
use crate::verify::Claims;

/// Everything that was decided about a decryption.
pub struct DecryptRequest<'a> {
    /// The age file.
    pub source: Source,
    /// Where its plaintext goes.
    pub destination: Destination,
    /// What to open it with.
    pub unlock: Unlock<'a>,
    /// Which part of the plaintext.
    pub part: Part,
    /// How many threads open.
    pub threads: NonZeroUsize,
    /// How fast to read.
    pub pace: Pace,
    /// What is asked of its seal.
    pub seal: SealCheck,
    /// Whether a FIFO is read in the place of the file.
    pub fifos: Fifos,
}

/// Which part of the plaintext is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it, as it was encrypted.
    Whole,
    /// All of it, decompressed: for what was encrypted with `--zstd`.
    Decompressed,
    /// The bytes from the first up to, not with, the second, or to the end.
    Bytes(u64, Option<u64>),
}

/// What a decryption did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Decrypted {
    /// Bytes of the age file that were read: all, or the part that was wanted.
    pub read_len: u64,
    /// Bytes of plaintext written.
    pub written_len: u64,
    /// The trusted key whose holder made the backup, by a proof that was checked.
    pub made_by: Option<MadeBy>,
    /// What its seal says of it, if it is a file that has one and that was asked.
    pub claims: Option<Claims>,
    /// Whether the signer of its seal made the backup, by the same proof, whoever trusts them.
    pub is_proven: bool,
}

/// Decrypts. Nothing that is not authentic reaches the output.
///
/// # Errors
/// See [`JobError`]. Where the output cannot be taken back, what was written then is an authentic beginning.
pub fn decrypt(request: &DecryptRequest<'_>, observer: &Arc<dyn Observer>) -> Result<Decrypted, JobError> {
    open(request, observer).inspect_err(|error| {
        if let Source::File(backup) = &request.source {
            request.seal.tell_why_refused(backup, error, &**observer);
        }
    })
}

fn open(request: &DecryptRequest<'_>, observer: &Arc<dyn Observer>) -> Result<Decrypted, JobError> {
    check_not_same(&request.source, &request.destination)?;
    request.destination.check()?;
    let mut input = Input::open(&request.source, request.fifos, observer)?;
    let (what, regular) = (input.what.clone(), input.regular);
    let waker = input.waker();

    let sealed = match &request.source {
        Source::File(backup) if JournalFile::is_beside(backup) => request.seal.sealed_header(&request.source)?,
        _ => None,
    };
    let journal = JournalFile::of(&request.source, &input, sealed, &**observer);
    let headers: Vec<Header> = journal.iter().flat_map(|journal| journal.headers(sealed)).cloned().collect();
    let reader = StreamReader::new(&mut input, &**observer, &request.pace, 0);
    let mut start = match &journal {
        Some(journal) => AgeFile::with_header(reader, headers[0].clone(), journal.own_header_len(), &what)?,
        None => AgeFile::read(reader, &what)?,
    };
    // First: that the header is another one says more than that no key opens it.
    let seal = request.seal.seal_for(&request.source, Some(&start.header).filter(|_| !start.is_armored))?;
    let identities = request.unlock.identities_for(&start.header, &what, &**observer)?;
    if let Some(header) = headers.into_iter().find(|header| header.unwrap(&identities).is_ok()) {
        start.header = header;
    }
    let made_with = if start.header.needs_passphrase() { MadeWith::Passphrase } else { MadeWith::PublicKey };
    let is_granted = request.unlock.identities.iter().any(|source| matches!(source, IdentitySource::Grant { .. }));
    let file_key = start.unwrap(&identities, &what).map_err(|error| match error {
        JobError::Unwrap { error: UnwrapError::NoMatch, .. } if is_granted => JobError::NotGrantedHere(what.clone()),
        error => error,
    })?;
    drop(identities);
    let expected = seal.as_ref().map(|seal| request.seal.expected(seal, &what, &file_key, &**observer)).transpose()?;
    // By its groups, each of which is held in memory.
    if let Some(regular) = regular.filter(|_| expected.as_ref().is_some_and(|expected| expected.verified.is_none())) {
        regular.check_not_sparse(&what)?;
    }

    let job = Job {
        request,
        observer,
        what: &what,
        made_with,
        expected: expected.as_ref(),
        call_off: &|| {
            kill_descendants();
            waker.wake();
        },
    };
    let decrypted = match regular {
        Some(regular) if !start.is_armored => {
            let header_len = start.header_len;
            drop(start);
            job.decrypt_file(&mut input, &file_key, header_len, regular.len)
        }
        _ if matches!(request.part, Part::Bytes(..)) => {
            return Err(if start.is_armored { JobError::RangeOfArmor(what) } else { JobError::RangeOfStream(what) });
        }
        _ => {
            observer.started(regular.map(|regular| regular.len));
            match &expected {
                Some(expected) if expected.has_groups() => {
                    job.decrypt_stream(expected.groups_reader(start.section, 0..expected.len(), &what)?, &file_key)
                }
                Some(_) => return Err(JobError::GroupsUnusable(what)),
                None => job.decrypt_stream(start.section, &file_key),
            }
        }
    }
    .map_err(|error| match error {
        // No copy is to be fetched of what is only being written.
        JobError::Payload { .. } | JobError::EndMissing { .. } | JobError::NotAsSealed { .. } | JobError::Armor { .. } => {
            input.check_unchanged().err().unwrap_or(error)
        }
        error => error,
    })?;
    job.tell_that_nobody_vouches();
    let is_proven = expected.as_ref().is_some_and(|expected| expected.maker == Maker::Signer);
    let made_by = expected.and_then(|expected| expected.made_by);
    let claims = match (&seal, &request.source) {
        (Some(seal), Source::File(backup)) => Some(Claims::of(&seal.judge(&request.seal.trust), backup)),
        _ => None,
    };
    Ok(Decrypted { made_by, claims, is_proven, ..decrypted })
}

/// The chunks of a stream, as long as they come.
const WHOLE: ChunkRange = ChunkRange { first_index: 0, chunk_count: u64::MAX, skip_len: 0, len: u64::MAX };

/// What it takes to make a backup that opens as this one does.
#[derive(Clone, Copy)]
enum MadeWith {
    PublicKey,
    /// The same that opens it: no stranger has it.
    Passphrase,
}

impl MadeWith {
    fn who(self) -> &'static str {
        match self {
            Self::PublicKey => "whoever has the public key",
            Self::Passphrase => "whoever knows the passphrase",
        }
    }
}

struct Job<'a> {
    request: &'a DecryptRequest<'a>,
    observer: &'a Arc<dyn Observer>,
    what: &'a str,
    made_with: MadeWith,
    /// What its seal says, if it is asked.
    expected: Option<&'a Expected<'a>>,
    call_off: &'a (dyn Fn() + Sync),
}

impl Job<'_> {
    /// A regular file can be checked at its end before anything is written: a backup that was cut off starts no restore.
    fn decrypt_file(&self, input: &mut Input, file_key: &FileKey, header_len: u64, file_len: u64) -> Result<Decrypted, JobError> {
        // The header was read after the length was asked for, and in between the file may have grown.
        let section_len = file_len.checked_sub(header_len).ok_or_else(|| JobError::InputChanged { what: self.what.into() })?;
        let layout = Layout::of_section(section_len).map_err(|error| self.payload(error))?;
        self.expected.map_or(Ok(()), |expected| expected.check_len(section_len, self.what))?;
        let mut nonce = [0; PAYLOAD_NONCE_LEN];
        input.read_exact_at(&mut nonce, header_len)?;
        let opener = Opener::new(file_key, &PayloadNonce::from_bytes(nonce));
        let final_slot = layout.final_slot();
        let mut slot = zeroize::Zeroizing::new(vec![0; length(final_slot.end - final_slot.start)]);
        input.read_exact_at(&mut slot, header_len + final_slot.start)?;
        let checked = opener.check_end(layout, &mut slot).map_err(|error| match error {
            PayloadError::Damaged { index } => JobError::EndMissing { what: self.what.into(), whole_len: index * CHUNK_LEN as u64 },
            error => self.payload(error),
        })?;
        drop(slot);

        let run = self.chunks(checked)?;
        let slots = layout.slots(run.first_index, run.chunk_count);
        self.observer.started(Some(slots.end - slots.start));
        let only_whole = self.expected.is_some_and(|expected| !expected.has_groups());
        if only_whole && (self.request.part != Part::Whole || self.request.destination.is_stream()?) {
            return Err(JobError::GroupsUnusable(self.what.into()));
        }
        let mut sink = self.sink()?;
        // A single thread has the time for opening only if others read and write.
        let in_place = self.request.part == Part::Whole && (only_whole || self.request.threads.get() > 1);
        if let Some(output) = sink.pending_file().filter(|_| in_place) {
            let DecryptRequest { pace, threads, .. } = self.request;
            let tree = SharedTree::default();
            tree.add(0, &nonce);
            let transfer = Transfer { input, output, observer: &**self.observer, pace, threads: *threads };
            transfer.open(&Opening { opener: &opener, checked, section_offset: header_len, tree: self.expected.map(|_| &tree) })?;
            self.expected.map_or(Ok(()), |expected| expected.check_whole(tree, self.what))?;
            sink.commit()?;
            let read_len = slots.end - slots.start;
            return Ok(Decrypted { read_len, written_len: layout.plaintext_len(), ..Decrypted::default() });
        }
        // Whole groups are read, since only these can be checked.
        let first = self.expected.map_or(slots.start, |expected| expected.group_start(slots.start));
        let section = seek_to(input, header_len + first).map_err(|error| JobError::read(self.what, error))?;
        let reader = StreamReader::new(section, &**self.observer, &self.request.pace, 0);
        let reader: Box<dyn Read + Send> = match self.expected {
            Some(expected) => Box::new(expected.groups_reader(reader, slots.clone(), self.what)?),
            None => Box::new(Exactly { inner: reader, remaining: slots.end - slots.start, what: self.what }),
        };
        let open = |batch: &mut Batch, index, _| opener.open_at(&checked, index, batch, Spread::Serial);
        let decrypted = if run.chunk_count == 0 { Decrypted::default() } else { self.flow(reader, open, &mut sink, run)? };
        sink.commit()?;
        Ok(decrypted)
    }

    /// A stream shows only at its end whether it is whole.
    fn decrypt_stream(&self, mut section: impl Read + Send, file_key: &FileKey) -> Result<Decrypted, JobError> {
        let mut nonce = [0; PAYLOAD_NONCE_LEN];
        section.read_exact(&mut nonce).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.payload(PayloadError::Truncated { index: 0 }),
            _ => JobError::read(self.what, error),
        })?;
        let mut sink = self.sink()?;
        let opener = Opener::new(file_key, &PayloadNonce::from_bytes(nonce));
        let open = |batch: &mut Batch, index, end| opener.open_run(index, batch, end, Spread::Serial);
        let decrypted = self.flow(section, open, &mut sink, WHOLE)?;
        sink.commit()?;
        Ok(decrypted)
    }

    /// Reads, opens batch after batch by index and end, and writes what a run of chunks holds.
    fn flow(
        &self,
        reader: impl Read + Send,
        open: impl Fn(&mut Batch, u64, StreamEnd) -> Result<(), PayloadError> + Sync,
        sink: &mut Sink,
        run: ChunkRange,
    ) -> Result<Decrypted, JobError> {
        let mut reader = Lookahead::new(reader);
        let (mut next_index, mut read_len) = (Some(run.first_index), 0);
        let mut writer = match self.request.part {
            Part::Decompressed => {
                Writer::Decompressed(Decoder::new(SinkWriter { sink, written_len: 0 }).map_err(|error| self.zstd(error))?)
            }
            Part::Whole => Writer::AsItIs(PlaintextWriter { sink, run, written_len: 0, observer: Some(&**self.observer) }),
            Part::Bytes(..) => Writer::AsItIs(PlaintextWriter { sink, run, written_len: 0, observer: None }),
        };
        flow(
            self.request.threads,
            |batch| {
                let Some(index) = next_index else { return Ok(None) };
                let filled = reader.fill_ciphertext(batch).map_err(|error| JobError::read(self.what, error))?;
                read_len += filled.len as u64;
                next_index = (filled.end == StreamEnd::Later).then_some(index + BATCH_CHUNKS as u64);
                Ok(Some((index, filled.end)))
            },
            |batch, (index, end)| open(batch, index, end).map_err(|error| self.payload(error)),
            |batch| match &mut writer {
                Writer::AsItIs(writer) => writer.write(batch),
                Writer::Decompressed(decoder) => {
                    batch.opened_slots().try_for_each(|slot| decoder.write_all(slot)).map_err(|error| self.zstd(error))
                }
            },
            self.call_off,
        )?;
        let written_len = match writer {
            Writer::AsItIs(writer) => writer.written_len,
            Writer::Decompressed(decoder) => decoder.finish().map_err(|error| self.zstd(error))?.written_len,
        };
        Ok(Decrypted { read_len, written_len, ..Decrypted::default() })
    }

    fn zstd(&self, error: io::Error) -> JobError {
        // The decoder carries an error of the sink through io::Error.
        error.downcast().unwrap_or_else(|error| JobError::Decompress { what: self.what.into(), error })
    }

    fn chunks(&self, checked: CheckedLayout) -> Result<ChunkRange, JobError> {
        let plaintext_len = checked.layout().plaintext_len();
        let range = match self.request.part {
            Part::Bytes(start, end) => start..end.unwrap_or(plaintext_len.max(start)),
            // An empty payload, too, has a chunk to be opened.
            Part::Whole | Part::Decompressed => {
                let chunk_count = checked.layout().chunk_count();
                return Ok(ChunkRange { first_index: 0, chunk_count, skip_len: 0, len: plaintext_len });
            }
        };
        Ok(checked.chunks_of(&range)?)
    }

    fn sink(&self) -> Result<Sink, JobError> {
        if matches!(self.request.destination, Destination::Into(_)) && !self.is_vouched_for() {
            self.observer.warning(&format!(
                "nothing vouches for where this backup came from: {} can make one that decrypts; \
                 restore only what you know to come from your database",
                self.made_with.who()
            ));
        }
        Sink::create(&self.request.destination, Privacy::Owner, Stage::Output, self.observer)
    }

    fn is_vouched_for(&self) -> bool {
        self.expected.is_some_and(|expected| expected.verified.is_some())
    }

    /// What lies in a file will be used later, by somebody who was not told anything else. Who said that the seal does not matter knows.
    fn tell_that_nobody_vouches(&self) {
        let DecryptRequest { destination, seal, .. } = self.request;
        let is_file = destination.is_stream().is_ok_and(|is_stream| !is_stream);
        if is_file && seal.policy != SealPolicy::Ignored && !self.is_vouched_for() {
            self.observer.note(&format!(
                "nobody whom you trust vouches for {}: {} can make a backup that decrypts",
                self.what,
                self.made_with.who()
            ));
        }
    }

    fn payload(&self, error: PayloadError) -> JobError {
        JobError::Payload { what: self.what.into(), error }
    }
}

/// Where the plaintext goes.
enum Writer<'a> {
    AsItIs(PlaintextWriter<'a>),
    Decompressed(Decoder<'static, SinkWriter<'a>>),
}

/// Writes what a run of chunks holds.
struct PlaintextWriter<'a> {
    sink: &'a mut Sink,
    run: ChunkRange,
    written_len: u64,
    /// Is told if what is written was compressed.
    observer: Option<&'a dyn Observer>,
}

impl PlaintextWriter<'_> {
    fn write(&mut self, batch: &Batch) -> Result<(), JobError> {
        for slot in batch.opened_slots() {
            let slot = &slot[length(self.run.skip_len.min(slot.len() as u64))..];
            let slot = &slot[..length(self.run.len.min(slot.len() as u64))];
            if let (0, Some(observer)) = (self.written_len, self.observer) {
                tell_if_compressed(slot, observer);
            }
            self.run.skip_len = 0;
            self.run.len -= slot.len() as u64;
            self.written_len += slot.len() as u64;
            self.sink.write_all(slot)?;
        }
        Ok(())
    }
}

/// The sink, for a decoder to write to.
struct SinkWriter<'a> {
    sink: &'a mut Sink,
    written_len: u64,
}

impl Write for SinkWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write_all(bytes).map_err(io::Error::other)?;
        self.written_len += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn seek_to(input: &mut Input, offset: u64) -> io::Result<&mut Input> {
    input.file.seek(SeekFrom::Start(offset))?;
    Ok(input)
}

/// A length of at most a chunk.
fn length(len: u64) -> usize {
    usize::try_from(len).expect("a chunk fits the memory")
}

/// Reads so many bytes and no fewer: the file had them when it was opened.
struct Exactly<'a, R> {
    inner: R,
    remaining: u64,
    what: &'a str,
}

impl<R: Read> Read for Exactly<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted_len = length(self.remaining.min(buffer.len() as u64));
        let len = self.inner.read(&mut buffer[..wanted_len])?;
        self.remaining -= len as u64;
        if len == 0 && self.remaining > 0 && wanted_len > 0 {
            return Err(io::Error::other(JobError::InputChanged { what: self.what.into() }));
        }
        Ok(len)
    }
}
