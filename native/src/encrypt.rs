//! The main job: a dump becomes an age file, with public keys only.

use std::io::{self, BufReader, Read};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dbseal_core::{
    ArmorWriter, CHUNK_LEN, FileKey, Header, HeaderPadding, Layout, PAYLOAD_NONCE_LEN, PayloadNonce, Recipient, SLOT_LEN, Sealer, Spread,
    StreamEnd,
};
use getrandom::SysRng;
use rand_core::UnwrapErr;

use crate::descendants::kill_descendants;
use crate::destination::{Destination, Privacy};
use crate::error::JobError;
use crate::in_order::InOrder;
use crate::input::{Fifos, Input, Source, StreamReader, Waker, check_not_same};
use crate::pace::Pace;
use crate::parallel::{BATCH_CHUNKS, PutAt, Transfer};
use crate::pipeline::{Lookahead, flow};
use crate::report::Observer;
use crate::sealing::{PendingSeal, Sign, seal_path};
use crate::shared_tree::SharedTree;
use crate::sink::Sink;
use crate::unfinished::Stage;

/// Bytes that are read at a time to be compressed.
const READ_LEN: usize = 256 << 10;

/// Everything that was decided about an encryption.
#[derive(Debug)]
pub struct EncryptRequest {
    /// What to encrypt.
    pub source: Source,
    /// Where to.
    pub destination: Destination,
    /// To whom.
    pub recipients: Vec<Recipient>,
    /// As bytes or as text.
    pub encoding: Encoding,
    /// Whether to compress first.
    pub compression: Option<Compression>,
    /// Bytes of input, before compression, below which the job fails.
    pub min_size: u64,
    /// How many threads seal and compress.
    pub threads: NonZeroUsize,
    /// How fast to read.
    pub pace: Pace,
    /// Who signs a seal, if there is to be one. Not of armor: a seal is about bytes.
    pub sign: Option<Sign>,
}

/// How an age file is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As bytes.
    Binary,
    /// As ASCII armor, a third longer.
    Armored,
}

/// Zstandard (RFC 8878), before encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// From 1, the fastest, to 19.
    pub level: i32,
}

/// What an encryption did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// Bytes read from the source.
    pub read_len: u64,
    /// Bytes written.
    pub written_len: u64,
}

/// Encrypts, and takes the recipients out of the request. Output appears only when the source was complete and everything is on disk.
///
/// # Errors
/// See [`JobError`]; where the output could not be taken back, it ends in a way that no age payload does.
pub fn encrypt(request: &mut EncryptRequest, observer: &Arc<dyn Observer>) -> Result<Encrypted, JobError> {
    let rng = &mut UnwrapErr(SysRng);
    let file_key = FileKey::generate(rng);
    let header = Header::wrap(&file_key, &request.recipients, HeaderPadding::Fixed, rng)?;
    // One of them may be a passphrase, which is needed no more.
    request.recipients.clear();
    let nonce = PayloadNonce::generate(rng);
    let sealer = Sealer::new(&file_key, &nonce);
    let request = &*request;

    check_not_same(&request.source, &request.destination)?;
    request.destination.check()?;
    let compression = if request.compression.is_some() { "zstd" } else { "none" };
    let start_seal = |sign| PendingSeal::start(sign, &file_key, &header, &request.source, compression);
    let seal = request.sign.as_ref().map(start_seal).transpose()?;
    if let (Destination::File { path, .. }, None) = (&request.destination, &seal)
        && seal_path(path).exists()
    {
        let seal = seal_path(path).display().to_string();
        observer.warning(&format!("{seal} is of another backup: whoever checks this one by it will find it damaged"));
    }
    drop(file_key);
    // A file that cannot be read must not start a consumer, and output that cannot be written must not start a dump.
    let early = if let Source::File(_) = request.source { Some(Input::open(&request.source, Fifos::Read, observer)?) } else { None };
    let stage = if request.sign.is_some() { Stage::BeforeSeal } else { Stage::Output };
    let mut sink = Sink::create(&request.destination, Privacy::Shared, stage, observer)?;
    let mut input = early.map_or_else(|| Input::open(&request.source, Fifos::Read, observer), Ok)?;
    observer.started(input.regular.map(|regular| regular.len));

    let section_offset = header.len() as u64;
    let start = [&header.to_bytes(), &nonce.as_bytes()[..]].concat();
    if let Some(seal) = &seal {
        seal.tree.add(0, nonce.as_bytes());
    }
    // A single thread has the time for sealing only if others read and write.
    let plain = request.encoding == Encoding::Binary && request.compression.is_none() && request.threads.get() > 1;
    let tree = seal.as_ref().map(|seal| &seal.tree);
    let (done, last) = match input.regular {
        Some(regular) if plain => {
            let layout = Layout::of_plaintext(regular.len);
            input.check_len(regular.len, request.min_size)?;
            let seal_into = |output: &dyn PutAt| {
                let transfer = Transfer { input: &input, output, observer: &**observer, pace: &request.pace, threads: request.threads };
                transfer.seal(sealer, layout, section_offset, tree)
            };
            let last = if let Some(output) = sink.pending_file() {
                output.put_at(&start, 0)?;
                seal_into(output)?;
                Vec::new()
            } else {
                let writer = AgeWriter { sink: &mut sink, armor: None, held: start, written_len: 0 };
                let output = SealedInOrder::new(request.threads, writer, section_offset);
                seal_into(&output)?;
                output.writing.into_stage().finish().last
            };
            input.check_unchanged()?;
            (Encrypted { read_len: regular.len, written_len: section_offset + layout.section_len() }, last)
        }
        _ => Stream { request, start: &start, tree }.run(&mut input, &mut sink, sealer, &**observer)?,
    };
    match seal {
        Some(seal) => seal.commit(sink, &last, observer)?,
        None => sink.end(&last)?,
    }
    Ok(done)
}

/// An output that takes what workers have sealed in its order.
struct SealedInOrder<'a> {
    writing: InOrder<AgeWriter<'a>>,
    section_offset: u64,
    called_off: AtomicBool,
}

impl<'a> SealedInOrder<'a> {
    fn new(threads: NonZeroUsize, writer: AgeWriter<'a>, section_offset: u64) -> Self {
        Self { writing: InOrder::new(threads.get(), writer), section_offset, called_off: AtomicBool::new(false) }
    }
}

impl PutAt for SealedInOrder<'_> {
    fn put_at(&self, bytes: &[u8], offset: u64) -> Result<(), JobError> {
        let place = (offset - self.section_offset) / (BATCH_CHUNKS * SLOT_LEN) as u64;
        self.writing.in_turn(place, |writer| {
            if self.called_off.load(Ordering::SeqCst) {
                return Err(JobError::Stopped);
            }
            let written = writer.write_chunks(bytes);
            // That the reader was killed for another's failure is not why.
            if self.called_off.load(Ordering::SeqCst) { written.map_err(|_| JobError::Stopped) } else { written }
        })
    }

    fn call_off(&self) {
        self.called_off.store(true, Ordering::SeqCst);
        // First, or a write that is stuck holds the turn that is to be closed.
        kill_descendants();
        self.writing.close();
    }
}

/// An encryption whose input is read in order.
#[derive(Clone, Copy)]
struct Stream<'a> {
    request: &'a EncryptRequest,
    /// What comes before the first chunk.
    start: &'a [u8],
    /// What takes in the payload section, if it is to be sealed.
    tree: Option<&'a SharedTree>,
}

impl Stream<'_> {
    fn run(&self, input: &mut Input, sink: &mut Sink, sealer: Sealer, observer: &dyn Observer) -> Result<(Encrypted, Vec<u8>), JobError> {
        let what = input.what.clone();
        let waker = input.waker();
        let mut reader = StreamReader::new(input, observer, &self.request.pace, self.request.min_size);
        let End { last, written_len } = match self.request.compression {
            None => self.seal(&mut reader, &what, &waker, sink, sealer),
            Some(compression) => {
                let compressed = compress(&mut reader, compression, self.request.threads).map_err(|error| JobError::read(&what, error))?;
                self.seal(compressed, &what, &waker, sink, sealer)
            }
        }?;
        Ok((Encrypted { read_len: reader.read_len(), written_len }, last))
    }

    fn seal(&self, reader: impl Read + Send, what: &str, waker: &Waker, sink: &mut Sink, sealer: Sealer) -> Result<End, JobError> {
        let mut reader = Lookahead::new(reader);
        let mut sealer = Some(sealer);
        let armor = (self.request.encoding == Encoding::Armored).then(ArmorWriter::new);
        let mut writer = AgeWriter { sink, armor, held: self.start.into(), written_len: 0 };
        flow(
            self.request.threads,
            |batch| {
                let Some(mut open) = sealer.take() else { return Ok(None) };
                let filled = reader.fill_plaintext(batch).map_err(|error| JobError::read(what, error))?;
                let chunk_count = filled.len.div_ceil(CHUNK_LEN);
                if filled.end == StreamEnd::Here {
                    return Ok(Some(open.claim_last(chunk_count.max(1))));
                }
                let claim = open.claim(chunk_count);
                sealer = Some(open);
                Ok(Some(claim))
            },
            |batch, claim| {
                let offset = PAYLOAD_NONCE_LEN as u64 + claim.first_index() * SLOT_LEN as u64;
                claim.seal(batch, Spread::Serial);
                if let Some(tree) = self.tree {
                    tree.add(offset, batch.sealed_bytes());
                }
                Ok(())
            },
            |batch| writer.write_chunks(batch.sealed_bytes()),
            || {
                kill_descendants();
                waker.wake();
            },
        )?;
        Ok(writer.finish())
    }
}

/// Writes an age file as bytes or as text, so that one that is not complete shows it, without a key, at every moment between
/// two writes: it is empty, or ends a single byte after a full chunk, as no valid payload does; or, as text, lacks its closing line. Nothing
/// has to be done when something fails, so it holds for a job that was killed too.
struct AgeWriter<'a> {
    sink: &'a mut Sink,
    armor: Option<ArmorWriter>,
    /// What comes before the first chunk; later the last chunk without its first byte.
    held: Vec<u8>,
    written_len: u64,
}

impl AgeWriter<'_> {
    fn write_chunks(&mut self, chunks: &[u8]) -> Result<(), JobError> {
        let held_len = (chunks.len() - 1) % SLOT_LEN;
        let (now, later) = chunks.split_at(chunks.len() - held_len);
        self.write(now)?;
        self.held.extend(later);
        Ok(())
    }

    /// What is held, and then `bytes`, in one write: between two, the file would end with a whole chunk.
    fn write(&mut self, bytes: &[u8]) -> Result<(), JobError> {
        let Some(armor) = &mut self.armor else { return self.write_as_is(bytes) };
        let mut text = Vec::new();
        armor.write(&self.held, &mut text);
        armor.write(bytes, &mut text);
        self.held.clear();
        self.write_as_is(&text)
    }

    fn write_as_is(&mut self, bytes: &[u8]) -> Result<(), JobError> {
        self.written_len += (self.held.len() + bytes.len()) as u64;
        self.sink.write_both(&self.held, bytes)?;
        self.held.clear();
        Ok(())
    }

    fn finish(mut self) -> End {
        let last = match self.armor.take() {
            None => self.held,
            Some(mut armor) => {
                let mut text = Vec::new();
                armor.write(&self.held, &mut text);
                armor.finish(&mut text);
                text
            }
        };
        End { written_len: self.written_len + last.len() as u64, last }
    }
}

/// The end of an age file.
struct End {
    /// What makes it whole: kept back until all that can be known to fail has been tried.
    last: Vec<u8>,
    /// Bytes in all, with that.
    written_len: u64,
}

/// Compresses what is read, on all threads but the one that seals; with a single thread, on the reading one.
fn compress<R: Read>(
    reader: R,
    compression: Compression,
    threads: NonZeroUsize,
) -> io::Result<zstd::stream::read::Encoder<'static, BufReader<R>>> {
    let mut encoder = zstd::stream::read::Encoder::with_buffer(BufReader::with_capacity(READ_LEN, reader), compression.level)?;
    encoder.multithread(u32::try_from(threads.get() - 1).unwrap_or(u32::MAX))?;
    encoder.include_checksum(true)?;
    Ok(encoder)
}
