//! The published age test vectors, at several batch sizes, serial and on rayon's threads; and whether they would notice.

use std::collections::BTreeMap;
use std::io::Write as _;

use dbseal_core::{
    Batch, CHUNK_LEN, CheckedLayout, Layout, Opener, PAYLOAD_NONCE_LEN, PayloadError, SLOT_LEN, Sealer, Spread, StreamEnd, TAG_LEN,
};
use dbseal_tests::inputs::{BATCH_CHUNKS, LONG_BATCH_CHUNKS, POOL_THREADS, PRODUCTION_BATCH_CHUNKS, paint};
use dbseal_tests::open::{OpenNext, Unwrapped};
use dbseal_tests::vectors::{Vector, expectation_words};
use dbseal_tests::{published, reference};

/// Chunks in the longest published vector, `stream_258_chunks`.
const LONGEST_PUBLISHED_CHUNKS: usize = 258;

#[test]
fn published_vectors_hold_at_every_batch_size() {
    let vectors = open_all(published::vectors());
    print_summary(&vectors);
    for batch_chunks in BATCH_CHUNKS {
        check_all(&vectors, batch_chunks);
    }
}

/// Two batches and a chunk, so that a batch has one before and one after it.
#[test]
fn our_long_vectors_hold_at_the_batch_sizes_they_are_made_for() {
    for batch_chunks in [PRODUCTION_BATCH_CHUNKS, LONG_BATCH_CHUNKS] {
        check_all(&our_vectors(batch_chunks), batch_chunks);
    }
}

#[test]
fn planted_index_faults_are_caught_at_every_batch_size() {
    let published = open_all(published::vectors());
    for batch_chunks in BATCH_CHUNKS {
        let ours = our_vectors(batch_chunks);
        assert_eq!(caught(&published, batch_chunks, Fault::None), 0, "the harness itself");
        assert_eq!(caught(&ours, batch_chunks, Fault::None), 0, "the harness itself");
        for fault in [Fault::RestartedInEachBatch, Fault::OffByOneAfterFirstBatch, Fault::OffByOneInLastSlot] {
            // A batch of one has no slot but the first and last, which the fault leaves alone.
            let observable = batch_chunks > 1 || fault != Fault::OffByOneInLastSlot;
            assert_eq!(caught(&ours, batch_chunks, fault) > 0, observable, "ours, {fault:?} at {batch_chunks}");
            // Shorter than one batch, the published vectors cannot see what happens at its end.
            let observable = observable && batch_chunks < LONGEST_PUBLISHED_CHUNKS;
            assert_eq!(caught(&published, batch_chunks, fault) > 0, observable, "published, {fault:?} at {batch_chunks}");
        }
    }
}

type Named = (String, Vector);

/// Unwraps each file key once for all batch sizes.
fn open_all(vectors: Vec<(String, Vec<u8>)>) -> Vec<Named> {
    let open = |(name, bytes): (String, Vec<u8>)| {
        let vector = Vector::open(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, vector)
    };
    vectors.into_iter().map(open).collect()
}

/// A vector of two full batches and one more chunk, not full, sealed by the reference.
fn our_vectors(batch_chunks: usize) -> Vec<Named> {
    let plaintext = paint(2 * batch_chunks * CHUNK_LEN + 1000);
    open_all(vec![(format!("two batches of {batch_chunks} and one chunk"), reference::vector(&plaintext))])
}

fn check_all(vectors: &[Named], batch_chunks: usize) {
    let check = |spread: Spread, who: &str| {
        for (name, vector) in vectors {
            vector.check(batch_chunks, spread).unwrap_or_else(|error| panic!("{name} in batches of {batch_chunks}, {who}: {error}"));
        }
    };
    check(Spread::Serial, "serial");
    for threads in POOL_THREADS {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| check(Spread::Rayon, &format!("{threads} threads")));
    }
}

/// To the terminal, past the test runner: how much was checked is part of the answer.
fn print_summary(vectors: &[Named]) {
    let mut counts = BTreeMap::new();
    for (_, vector) in vectors {
        *counts.entry(expectation_words(vector.expectation())).or_insert(0) += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(words, count)| format!("{count} {words}")).collect();
    writeln!(std::io::stderr(), "{} published vectors: {}", vectors.len(), counts.join(", ")).expect("stderr");
}

/// How many vectors fail when their streams are opened with a fault.
fn caught(vectors: &[Named], batch_chunks: usize, fault: Fault) -> usize {
    let fails = |vector: &Vector| vector.check_with(batch_chunks, Spread::Serial, |it| Faulty::new(it, batch_chunks, fault)).is_err();
    vectors.iter().filter(|(_, vector)| fails(vector)).count()
}

/// What parallel code may get wrong about a chunk's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    RestartedInEachBatch,
    OffByOneAfterFirstBatch,
    OffByOneInLastSlot,
}

impl Fault {
    fn wrong_index(self, index: u64, batch_chunks: u64) -> u64 {
        let offset = index % batch_chunks;
        match self {
            Self::RestartedInEachBatch => offset,
            Self::OffByOneAfterFirstBatch if index >= batch_chunks => index + 1,
            Self::OffByOneInLastSlot if offset > 0 && offset == batch_chunks - 1 => index + 1,
            _ => index,
        }
    }
}

/// Opens a stream slot by slot through the core, but at the indices that a fault makes of the right ones.
struct Faulty<'a> {
    unwrapped: &'a Unwrapped,
    opener: Opener,
    batch_chunks: u64,
    fault: Fault,
    next_index: u64,
}

impl<'a> Faulty<'a> {
    fn new(unwrapped: &'a Unwrapped, batch_chunks: usize, fault: Fault) -> Self {
        let opener = Opener::new(&unwrapped.file_key, &unwrapped.nonce);
        Self { unwrapped, opener, batch_chunks: batch_chunks as u64, fault, next_index: 0 }
    }

    /// A layout with a slot of `slot_len` bytes at `index`, at its end or not, as if that end had been checked: the core
    /// opens at an index only within a payload whose final chunk it has seen, so this one is sealed for it.
    fn checked(&self, index: u64, slot_len: usize, end: StreamEnd) -> Result<CheckedLayout, PayloadError> {
        let final_slot_len = if end == StreamEnd::Here { slot_len } else { TAG_LEN + 1 };
        let chunks_before = index + u64::from(end == StreamEnd::Later);
        let layout = Layout::of_section(PAYLOAD_NONCE_LEN as u64 + chunks_before * SLOT_LEN as u64 + final_slot_len as u64)?;
        let mut sealer = Sealer::new(&self.unwrapped.file_key, &self.unwrapped.nonce);
        drop(sealer.claim(usize::try_from(chunks_before).expect("a short vector")));
        let mut batch = Batch::with_chunks(1);
        batch.set_plaintext_len(final_slot_len - TAG_LEN);
        sealer.finish(&mut batch, Spread::Serial);
        self.opener.check_end(layout, &mut batch.sealed_bytes().to_vec())
    }
}

impl OpenNext for Faulty<'_> {
    fn open_next(&mut self, sealed: &[u8], end: StreamEnd, released: &mut Vec<u8>) -> Result<(), PayloadError> {
        let mut batch = Batch::with_chunks(1);
        let slot_count = sealed.len().div_ceil(SLOT_LEN).max(1);
        for slot_index in 0..slot_count {
            let start = slot_index * SLOT_LEN;
            let slot = &sealed[start..(start + SLOT_LEN).min(sealed.len())];
            batch.ciphertext_mut()[..slot.len()].copy_from_slice(slot);
            batch.set_ciphertext_len(slot.len());
            let end = if slot_index + 1 == slot_count { end } else { StreamEnd::Later };
            let index = self.fault.wrong_index(self.next_index, self.batch_chunks);
            let checked = self.checked(index, slot.len(), end)?;
            let result = self.opener.open_at(&checked, index, &mut batch, Spread::Serial);
            batch.opened_slots().for_each(|opened| released.extend(opened));
            result?;
            self.next_index += 1;
        }
        Ok(())
    }
}
