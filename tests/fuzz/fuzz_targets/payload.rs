//! Any bytes as a payload section, and sealed payloads that were edited: the core agrees with the reference about what
//! opens and to what, and before a failure it releases only what was sealed at that place.
#![no_main]

use dbseal_core::{CHUNK_LEN, FileKey, PAYLOAD_NONCE_LEN, PayloadNonce, SLOT_LEN, Spread};
use dbseal_tests::inputs::paint;
use dbseal_tests::open::{CoreOpener, RangeReader, Unwrapped, open_stream};
use dbseal_tests::reference;
use libfuzzer_sys::fuzz_target;

/// The published vectors' file key, so that their payloads open here.
const FILE_KEY: [u8; 16] = *b"YELLOW SUBMARINE";
const NONCE: [u8; PAYLOAD_NONCE_LEN] = [9; PAYLOAD_NONCE_LEN];

fuzz_target!(|bytes: &[u8]| {
    let [batch_chunks, kind, rest @ ..] = bytes else { return };
    let batch_chunks = usize::from(batch_chunks % 4) + 1;
    match kind % 2 {
        0 => check(rest, batch_chunks, reference::open_payload(&FILE_KEY, rest).as_deref()),
        _ => {
            let [chunk_count, last_len, edits @ ..] = rest else { return };
            // Whole chunks, or a few bytes around their end.
            let plaintext = paint((usize::from(chunk_count % 4) * CHUNK_LEN + usize::from(*last_len)).saturating_sub(100));
            let (section, sealed_more) = edit(reference::seal_payload(&FILE_KEY, &NONCE, &plaintext), edits);
            check(&section, batch_chunks, Some(plaintext.as_slice()).filter(|_| !sealed_more));
        }
    }
});

/// Opens a section in both ways. `plaintext` is what was sealed, where that is known.
fn check(section: &[u8], batch_chunks: usize, plaintext: Option<&[u8]>) {
    let expected = reference::open_payload(&FILE_KEY, section);
    let Some(nonce) = section.first_chunk() else { return assert_eq!(expected, None) };
    let it = Unwrapped { file_key: FileKey::from_bytes(&FILE_KEY), nonce: PayloadNonce::from_bytes(*nonce), header_len: 0 };
    let mut opener = CoreOpener::new(&it, section.len(), batch_chunks, Spread::Serial);
    let streamed = open_stream(it.slots(section), batch_chunks, &mut opener);
    let ranged = match RangeReader::check_end(section, &it, batch_chunks, Spread::Serial) {
        Ok(reader) => reader.read_all(3),
        Err(error) => (Vec::new(), Err(error)),
    };
    for (released, result) in [streamed, ranged] {
        match &expected {
            Some(expected) => assert!(result.is_ok() && released == *expected, "the reference opens it: {result:?}"),
            None => {
                assert!(result.is_err(), "the reference refuses it");
                assert!(
                    released.is_empty() || plaintext.is_none_or(|plaintext| plaintext.starts_with(&released)),
                    "released before {result:?}"
                );
            }
        }
    }
}

/// Carries out edits of three bytes: what to do, and two that say where. Says too whether one sealed a chunk more, as a writer
/// may who has the key but not the rules.
fn edit(mut section: Vec<u8>, edits: &[u8]) -> (Vec<u8>, bool) {
    let mut sealed_more = false;
    for &[what, a, b] in edits.as_chunks().0.iter().take(8) {
        let (nonce, slots) = section.split_at(section.len().min(PAYLOAD_NONCE_LEN));
        let mut slots: Vec<&[u8]> = slots.chunks(SLOT_LEN).collect();
        let slot_index = |place: u8| usize::from(place) % slots.len().max(1);
        let (from, to) = (slot_index(a), slot_index(b));
        let place = usize::from(u16::from_be_bytes([a, b])) * 7 % section.len().max(1);
        match what % 9 {
            0 if !slots.is_empty() => drop(slots.remove(from)),
            1 if !slots.is_empty() => slots.insert(to, slots[from]),
            2 if !slots.is_empty() => slots.swap(from, to),
            3 => slots.truncate(from),
            4 => {
                section.truncate(place);
                continue;
            }
            5 if !section.is_empty() => {
                section[place] ^= b | 1;
                continue;
            }
            6 => {
                section.extend([a, b]);
                continue;
            }
            7 => {
                // An empty chunk, a short or a full one, final or not, at the next place.
                let chunk = paint([0, 1, CHUNK_LEN][usize::from(a % 3)]);
                section.extend(reference::seal_chunk(&FILE_KEY, &NONCE, slots.len() as u64, b % 2 == 1, &chunk));
                sealed_more = true;
                continue;
            }
            _ => {
                section.resize(section.len() + SLOT_LEN - usize::from(a % 3), b);
                continue;
            }
        }
        section = [nonce, &slots.concat()].concat();
    }
    (section, sealed_more)
}
