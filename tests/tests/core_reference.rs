//! The core against the reference at every edge, and against itself where anything is possible.

use dbseal_core::{
    ArmorReader, ArmorWriter, Batch, CHUNK_LEN, FileKey, Header, HeaderPadding, Identity, Layout, Opener, PAD_TAG, PAYLOAD_NONCE_LEN,
    Passphrase, PayloadNonce, RangeError, Recipient, SLOT_LEN, Spread, StreamEnd, WrapError,
};
use dbseal_tests::inputs::{BATCH_CHUNKS, POOL_THREADS, Replay, edge_lens, paint};
use dbseal_tests::open::{CoreOpener, RangeReader, Unwrapped, open_stream, unwrap};
use dbseal_tests::reference;
use dbseal_tests::seal::{seal_in_order, seal_out_of_order};
use proptest::prelude::*;

const FILE_KEY: [u8; 16] = *b"a key for tests!";
const NONCE: [u8; 16] = *b"a nonce for them";
/// The shortest padding stanza in bytes, `-> dbseal/pad 0` and an empty line: what a header must leave free to be padded.
const SHORTEST_PAD_LEN: usize = 17;

/// Each property is tried on this many inputs.
fn cases(cases: u32) -> ProptestConfig {
    // What fails is printed; no file of old failures is kept beside the tests.
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn unwrapped() -> Unwrapped {
    Unwrapped { file_key: FileKey::from_bytes(&FILE_KEY), nonce: PayloadNonce::from_bytes(NONCE), header_len: 0 }
}

/// Sealing and opening at one batch size, compared to the reference; the file is the section alone.
fn check_payload(plaintext: &[u8], batch_chunks: usize, spread: Spread) {
    let at = format!("{} bytes in batches of {batch_chunks}, {spread:?}", plaintext.len());
    let it = unwrapped();
    let section = reference::seal_payload(&FILE_KEY, &NONCE, plaintext);
    assert!(seal_in_order(&it.file_key, &it.nonce, plaintext, batch_chunks, spread) == section, "sealed in order: {at}");
    let shuffle = |numbers: Vec<usize>| Replay(plaintext.len() as u64).shuffled(numbers);
    assert!(seal_out_of_order(&it.file_key, &it.nonce, plaintext, batch_chunks, spread, shuffle) == section, "shuffled: {at}");
    assert_eq!(Layout::of_plaintext(plaintext.len() as u64).section_len(), section.len() as u64, "{at}");

    let mut opener = CoreOpener::new(&it, section.len(), batch_chunks, spread);
    let (released, result) = open_stream(it.slots(&section), batch_chunks, &mut opener);
    assert!(result.is_ok() && released == plaintext, "opened as a stream: {at}: {result:?}");
    let reader = RangeReader::check_end(&section, &it, batch_chunks, spread).unwrap_or_else(|error| panic!("{at}: {error}"));
    let (released, result) = reader.read_all(3);
    assert!(result.is_ok() && released == plaintext, "opened by ranges: {at}: {result:?}");
}

#[test]
fn payloads_are_the_references_at_every_edge() {
    for batch_chunks in BATCH_CHUNKS {
        for len in edge_lens(batch_chunks) {
            let plaintext = paint(len);
            check_payload(&plaintext, batch_chunks, Spread::Serial);
            for threads in POOL_THREADS {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| check_payload(&plaintext, batch_chunks, Spread::Rayon));
            }
        }
    }
}

#[test]
fn the_reference_opens_what_it_sealed_and_nothing_else() {
    for len in edge_lens(1) {
        let plaintext = paint(len);
        let mut section = reference::seal_payload(&FILE_KEY, &NONCE, &plaintext);
        assert!(reference::open_payload(&FILE_KEY, &section).as_ref() == Some(&plaintext), "{len} bytes");
        *section.last_mut().unwrap() ^= 1;
        assert_eq!(reference::open_payload(&FILE_KEY, &section), None, "{len} bytes and a flip");
    }
}

#[test]
fn the_core_unwraps_the_references_header_and_the_reference_opens_the_cores_file() {
    let file = [reference::x25519_header(&FILE_KEY, [3; 32]), reference::seal_payload(&FILE_KEY, &NONCE, b"dump")].concat();
    let it = unwrap(&file, &[reference::IDENTITY.parse().unwrap()]).unwrap();
    let (released, result) = open_stream(it.slots(&file), 1, &mut CoreOpener::new(&it, file.len(), 1, Spread::Serial));
    assert_eq!((released.as_slice(), result), (&b"dump"[..], Ok(())));
    // The key that was unwrapped, seen through the reference.
    let section = seal_in_order(&it.file_key, &it.nonce, b"dump", 1, Spread::Serial);
    assert_eq!(reference::open_payload(&FILE_KEY, &section), Some(b"dump".to_vec()));
}

#[test]
fn ranges_beyond_the_plaintext_are_refused() {
    let plaintext = paint(CHUNK_LEN + 5);
    let it = unwrapped();
    let section = reference::seal_payload(&FILE_KEY, &NONCE, &plaintext);
    let layout = Layout::of_section(section.len() as u64).unwrap();
    let mut final_slot = section[16 + SLOT_LEN..].to_vec();
    let checked = Opener::new(&it.file_key, &it.nonce).check_end(layout, &mut final_slot).unwrap();
    let plaintext_len = plaintext.len() as u64;
    for range in [0..plaintext_len + 1, plaintext_len..plaintext_len + 1, plaintext_len + 1..plaintext_len + 1, 0..u64::MAX] {
        assert_eq!(checked.chunks_of(&range), Err(RangeError::BeyondEnd { plaintext_len }), "{range:?}");
    }
    #[expect(clippy::reversed_empty_ranges, reason = "what a person may type")]
    let backwards = u64::MAX..0;
    assert_eq!(checked.chunks_of(&backwards), Err(RangeError::Backwards));
    // And the last byte is still within.
    assert_eq!(checked.chunks_of(&(plaintext_len - 1..plaintext_len)).unwrap().len, 1);
}

#[test]
fn an_opener_refuses_what_is_no_run_of_the_payload() {
    let it = unwrapped();
    let section = reference::seal_payload(&FILE_KEY, &NONCE, &paint(2 * CHUNK_LEN + 5));
    let layout = Layout::of_section(section.len() as u64).unwrap();
    let opener = Opener::new(&it.file_key, &it.nonce);
    let final_slot = &section[PAYLOAD_NONCE_LEN + 2 * SLOT_LEN..];
    let checked = opener.check_end(layout, &mut final_slot.to_vec()).unwrap();
    let open = |first_index: u64, sealed: &[u8]| {
        let mut batch = Batch::with_chunks(3);
        batch.ciphertext_mut()[..sealed.len()].copy_from_slice(sealed);
        batch.set_ciphertext_len(sealed.len());
        let open = || opener.open_at(&checked, first_index, &mut batch, Spread::Serial);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(open)).is_ok_and(|result| result.is_ok())
    };
    let wrong_layout = Layout::of_section(section.len() as u64 + 1).unwrap();
    let check_end = || opener.check_end(wrong_layout, &mut final_slot.to_vec()).is_ok();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(check_end)).is_err(), "a final chunk for another length");

    let slots = &section[PAYLOAD_NONCE_LEN..];
    assert!(open(0, slots) && open(0, &slots[..SLOT_LEN]) && open(1, &slots[SLOT_LEN..]) && open(2, final_slot));
    assert!(!open(0, &[]) && !open(3, &[]) && !open(3, final_slot) && !open(u64::MAX, final_slot), "no chunk of the payload");
    assert!(!open(1, &slots[SLOT_LEN..2 * SLOT_LEN - 1]) && !open(2, &final_slot[1..]), "not whole chunks");
    assert!(!open(1, slots), "more than there are");
}

#[test]
fn a_batch_refuses_what_it_was_not_told_to_hold() {
    let it = unwrapped();
    let mut batch = Batch::with_chunks(2);
    batch.set_plaintext_len(CHUNK_LEN);
    assert_eq!((batch.sealed_bytes(), batch.opened_len(), batch.opened_slots().count()), (&[][..], 0, 0), "plaintext is neither");
    let panics = |work: &mut dyn FnMut()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err();
    let sealer = || dbseal_core::Sealer::new(&it.file_key, &it.nonce);
    let mut opener = Opener::new(&it.file_key, &it.nonce);
    assert!(
        panics(&mut || opener.open_batch(&mut batch, StreamEnd::Here, Spread::Serial).expect("it panics before")),
        "plaintext is not opened"
    );
    assert!(panics(&mut || sealer().claim(2).seal(&mut batch, Spread::Serial)), "one chunk of two");
    batch.set_plaintext_len(CHUNK_LEN + 1);
    assert!(panics(&mut || sealer().claim(2).seal(&mut batch, Spread::Serial)), "an inner chunk that is not full");
    let empty_final_after_another = |batch: &mut Batch| {
        let mut sealer = sealer();
        let _first = sealer.claim(1);
        batch.set_plaintext_len(0);
        sealer.finish(batch, Spread::Serial);
    };
    assert!(panics(&mut || empty_final_after_another(&mut batch)));
    batch.set_plaintext_len(5);
    sealer().finish(&mut batch, Spread::Serial);
    assert!(panics(&mut || sealer().finish(&mut batch, Spread::Serial)), "what is sealed is not sealed again");
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn any_length_survives_at_any_batch_size(len in 0..6 * CHUNK_LEN, batch_chunks in 1..8_usize, rayon: bool) {
        check_payload(&paint(len), batch_chunks, if rayon { Spread::Rayon } else { Spread::Serial });
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_range_is_that_slice(len in 0..5 * CHUNK_LEN, from: prop::sample::Index, to: prop::sample::Index, batch_chunks in 1..5_usize, rayon: bool) {
        let plaintext = paint(len);
        let section = reference::seal_payload(&FILE_KEY, &NONCE, &plaintext);
        let spread = if rayon { Spread::Rayon } else { Spread::Serial };
        let reader = RangeReader::check_end(&section, &unwrapped(), batch_chunks, spread).unwrap();
        let (from, to) = (from.index(len + 1), to.index(len + 1));
        let range = from.min(to)..from.max(to);
        let (released, result) = reader.read(&range);
        prop_assert_eq!(result, Ok(()));
        prop_assert!(released == plaintext[range]);
    }
}

/// A stanza that the specification allows: words of printable ASCII, any body.
fn stanza() -> impl Strategy<Value = (String, Vec<String>, Vec<u8>)> {
    // 48 bytes fill a line of the body, so that lengths around it and its double are not rare.
    let body = prop_oneof![prop::collection::vec(any::<u8>(), 0..150), prop::collection::vec(any::<u8>(), 47..50)];
    ("[!-~]{1,20}", prop::collection::vec("[!-~]{1,50}", 0..4), body).prop_filter("stands alone", |stanza| stanza.0 != "scrypt")
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_parses_as_a_header_prints_back(
        stanzas in prop::collection::vec(stanza(), 1..5), rest: Vec<u8>, at: prop::sample::Index, byte: u8, inserted: bool,
    ) {
        let bytes = reference::header(&FILE_KEY, &stanzas);
        let (header, header_len) = Header::parse(&[bytes.as_slice(), &rest].concat()).unwrap();
        prop_assert_eq!((header.to_bytes(), header_len, header.len()), (bytes.clone(), bytes.len(), bytes.len()));
        let parsed: Vec<_> = header.stanzas().iter().map(|it| (it.tag.clone(), it.args.clone(), it.body.clone())).collect();
        prop_assert_eq!(parsed, stanzas);

        // One byte more or another: refused, or the canonical spelling of something else.
        let mut altered = bytes;
        let at = at.index(altered.len());
        if inserted { altered.insert(at, byte); } else { altered[at] = byte; }
        if let Ok((header, header_len)) = Header::parse(&altered) {
            prop_assert_eq!(&header.to_bytes(), &altered[..header_len]);
        }
    }

    #[test]
    fn armor_comes_through_in_any_pieces(bytes in prop::collection::vec(any::<u8>(), 0..400), seed: u64) {
        let mut rng = Replay(seed);
        let mut writer = ArmorWriter::new();
        let mut text = Vec::new();
        for piece in pieces(&bytes, &mut rng) {
            writer.write(piece, &mut text);
        }
        writer.finish(&mut text);
        let mut whole = Vec::new();
        let mut writer = ArmorWriter::new();
        writer.write(&bytes, &mut whole);
        writer.finish(&mut whole);
        prop_assert_eq!(&text, &whole);

        let mut reader = ArmorReader::new();
        let mut read = Vec::new();
        for piece in pieces(&text, &mut rng) {
            reader.read(piece, &mut read).unwrap();
        }
        reader.finish(&mut read).unwrap();
        prop_assert_eq!(read, bytes);
    }
}

/// `bytes` cut at random places, empty pieces included.
fn pieces<'a>(bytes: &'a [u8], rng: &mut Replay) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rng.below(100).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Pads a header to these recipients: its length is the first step that the stanzas and a padding stanza fit into.
fn check_padded_len(recipients: &[Recipient], shortest_len: usize) {
    let file_key = FileKey::from_bytes(&FILE_KEY);
    let wrap = |padding| Header::wrap(&file_key, recipients, padding, &mut Replay(1)).expect("recipients of a kind");
    let (bare, padded) = (wrap(HeaderPadding::None), wrap(HeaderPadding::Fixed));
    let expected_len = (bare.len() + SHORTEST_PAD_LEN).next_multiple_of(4096).max(shortest_len);
    assert_eq!(padded.to_bytes().len(), expected_len, "{} recipients", recipients.len());
    let [stanzas @ .., pad] = padded.stanzas() else { panic!("no stanza") };
    assert_eq!(stanzas, bare.stanzas());
    assert_eq!((pad.tag.as_str(), pad.body.iter().all(|&byte| byte == 0)), (PAD_TAG, true));
    assert!(pad.args == ["0"] || pad.args == ["00"], "{:?}", pad.args);
    assert_eq!((bare.is_padded(), padded.is_padded()), (false, true));
    assert_eq!(padded.recipient_tags().count(), recipients.len());
}

/// From one recipient to three steps of 4096 bytes: the counts around a step fill the last bytes in every way.
#[test]
fn headers_are_padded_to_fixed_lengths() {
    let x25519 = Identity::generate_x25519(&mut Replay(2)).recipient().unwrap();
    for count in 1..130 {
        check_padded_len(&vec![x25519.clone(); count], 4096);
    }
    let hybrid = Identity::generate_hybrid(&mut Replay(3)).recipient().unwrap();
    for count in 1..12 {
        check_padded_len(&vec![hybrid.clone(); count], 8192);
    }
}

#[test]
fn a_passphrase_stands_alone_without_padding() {
    let passphrase = Recipient::passphrase(Passphrase::new("correct horse".into()), 4);
    let file_key = FileKey::from_bytes(&FILE_KEY);
    let header = Header::wrap(&file_key, &[passphrase], HeaderPadding::Fixed, &mut Replay(4)).unwrap();
    assert_eq!((header.stanzas().len(), header.needs_passphrase()), (1, true));
    assert!(header.len() < 4096);
    assert!(header.unwrap(&[Identity::passphrase(Passphrase::new("correct horse".into()))]).is_ok());
}

/// A header of 1 MiB is written and read; one byte more is neither, so that nobody writes what nobody reads.
#[test]
fn headers_grow_to_their_bound_and_stop() {
    let file_key = FileKey::from_bytes(&FILE_KEY);
    let x25519 = Identity::generate_x25519(&mut Replay(2));
    let wrap = |count: usize| Header::wrap(&file_key, &vec![x25519.recipient().unwrap(); count], HeaderPadding::None, &mut Replay(5));
    let bare_len = wrap(1).unwrap().len();
    let stanza_len = wrap(2).unwrap().len() - bare_len;
    let most = 1 + (dbseal_core::MAX_HEADER_LEN - bare_len) / stanza_len;
    let header = wrap(most).unwrap();
    assert_eq!(Header::parse(&header.to_bytes()).unwrap().0, header);
    assert_eq!(wrap(most + 1), Err(WrapError::TooManyRecipients));
}
