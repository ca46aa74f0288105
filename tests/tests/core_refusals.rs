//! What was cut, altered, spliced or mixed is refused, and nothing is released that was not sealed at its place.

use dbseal_core::{
    ArmorError, ArmorReader, ArmorWriter, CHUNK_LEN, FileKey, Header, HeaderPadding, Identity, PAYLOAD_NONCE_LEN, Passphrase, PayloadError,
    PayloadNonce, Recipient, SLOT_LEN, Spread, TAG_LEN, UnwrapError, WrapError,
};
use dbseal_tests::inputs::{Replay, paint};
use dbseal_tests::open::{CoreOpener, Layer, RangeReader, Unwrapped, open_stream, unwrap};
use dbseal_tests::seal::seal_in_order;

/// Length in bytes of a padded header with one classical recipient.
const HEADER_LEN: usize = 4096;
/// Batches of two chunks: a file of three chunks has one batch with more after it, and one that ends it.
const BATCH_CHUNKS: usize = 2;

/// A padded file for one X25519 recipient, and all that went into it.
struct Sealed {
    identities: [Identity; 1],
    file_key: FileKey,
    nonce: PayloadNonce,
    plaintext: Vec<u8>,
    file: Vec<u8>,
}

impl Sealed {
    /// Everything in it is another for another seed.
    fn new(plaintext_len: usize, seed: u64) -> Self {
        let mut rng = Replay(seed);
        let identity = Identity::generate_x25519(&mut rng);
        let file_key = FileKey::generate(&mut rng);
        let recipient = identity.recipient().expect("a public half");
        let header = Header::wrap(&file_key, &[recipient], HeaderPadding::Fixed, &mut rng).expect("one recipient");
        let nonce = PayloadNonce::generate(&mut rng);
        let mut sealed = Self { identities: [identity], file_key, nonce, plaintext: paint(plaintext_len), file: header.to_bytes() };
        sealed.file.extend(seal_in_order(&sealed.file_key, &nonce, &sealed.plaintext, BATCH_CHUNKS, Spread::Serial));
        assert_eq!(open(&sealed.file, &sealed.identities), (sealed.plaintext.clone(), Ok(())), "it opens as it is");
        sealed
    }

    /// Of three chunks: two full ones and 100 bytes.
    fn of_three_chunks(seed: u64) -> Self {
        Self::new(2 * CHUNK_LEN + 100, seed)
    }

    fn header(&self) -> &[u8] {
        &self.file[..HEADER_LEN]
    }

    /// The sealed chunk `index`, as in the file.
    fn slot(&self, index: usize) -> &[u8] {
        let start = HEADER_LEN + PAYLOAD_NONCE_LEN + index * SLOT_LEN;
        &self.file[start..(start + SLOT_LEN).min(self.file.len())]
    }

    /// The header and nonce with other chunks after it.
    fn with_slots(&self, slots: &[&[u8]]) -> Vec<u8> {
        [&self.file[..HEADER_LEN + PAYLOAD_NONCE_LEN], &slots.concat()].concat()
    }

    /// Whatever reads `file` refuses it and releases at most a true prefix of the plaintext. Returns how the stream ended.
    fn check_refused(&self, file: &[u8], what: &str) -> Refusal {
        let (streamed, result) = open(file, &self.identities);
        let refusal = result.expect_err(&format!("accepted by the stream: {what}"));
        assert!(self.plaintext.starts_with(&streamed), "the stream released other bytes: {what}");
        if let Ok(it) = unwrap(file, &self.identities)
            && let Ok(reader) = RangeReader::check_end(file, &it, BATCH_CHUNKS, Spread::Serial)
        {
            let (released, result) = reader.read_all(3);
            assert!(result.is_err(), "accepted by the range reader: {what}");
            assert!(self.plaintext.starts_with(&released), "the range reader released other bytes: {what}");
        }
        refusal
    }
}

/// Who refused a file, and for the payload why.
type Refusal = (Layer, Option<PayloadError>);

fn open(file: &[u8], identities: &[Identity]) -> (Vec<u8>, Result<(), Refusal>) {
    let it = match unwrap(file, identities) {
        Ok(it) => it,
        Err(layer) => return (Vec::new(), Err((layer, None))),
    };
    let (released, result) = open_payload(file, &it);
    (released, result.map_err(|error| (Layer::Payload, Some(error))))
}

fn open_payload(file: &[u8], it: &Unwrapped) -> (Vec<u8>, Result<(), PayloadError>) {
    open_stream(it.slots(file), BATCH_CHUNKS, &mut CoreOpener::new(it, file.len(), BATCH_CHUNKS, Spread::Serial))
}

/// Cuts the file to each of `lens`, and alters each byte at those places in its lowest bit and its highest.
fn check_cut_and_altered(sealed: &Sealed, places: impl Iterator<Item = usize>) {
    for place in places {
        sealed.check_refused(&sealed.file[..place], &format!("cut to {place} bytes"));
        for bit in [0x01, 0x80] {
            let mut altered = sealed.file.clone();
            altered[place] ^= bit;
            sealed.check_refused(&altered, &format!("byte {place} with bit {bit:#x} flipped"));
        }
    }
}

#[test]
fn a_small_file_is_refused_cut_anywhere_and_altered_anywhere() {
    let sealed = Sealed::new(100, 1);
    check_cut_and_altered(&sealed, 0..sealed.file.len());
}

/// The header is the small file's; of the payload every place near the end of a chunk or a tag, and a prime step between.
#[test]
fn a_file_of_three_chunks_is_refused_cut_or_altered_near_every_edge() {
    let sealed = Sealed::of_three_chunks(2);
    let payload = HEADER_LEN + PAYLOAD_NONCE_LEN;
    let is_near = |place: usize| {
        let in_slot = (place - payload) % SLOT_LEN;
        in_slot < 20 || in_slot.abs_diff(CHUNK_LEN) < 20 || SLOT_LEN - in_slot < 20 || place + 40 > sealed.file.len()
    };
    check_cut_and_altered(&sealed, HEADER_LEN..payload);
    check_cut_and_altered(&sealed, (payload..sealed.file.len()).filter(|&place| is_near(place) || place % 997 == 0));
}

#[test]
#[ignore = "not run here: long tier (4 minutes)"]
fn a_file_of_three_chunks_is_refused_cut_anywhere_and_altered_anywhere() {
    let sealed = Sealed::of_three_chunks(2);
    check_cut_and_altered(&sealed, 0..sealed.file.len());
}

#[test]
fn a_cut_names_the_first_chunk_that_is_missing() {
    let sealed = Sealed::of_three_chunks(3);
    let start = HEADER_LEN + PAYLOAD_NONCE_LEN;
    let truncated = |index| (Layer::Payload, Some(PayloadError::Truncated { index }));
    for (chunk_count, index) in [(0, 0), (1, 1), (2, 2)] {
        let len = start + chunk_count * SLOT_LEN;
        assert_eq!(sealed.check_refused(&sealed.file[..len], "cut after a chunk"), truncated(index));
        // The mark of a failed run behind a pipe: one single byte after the last full chunk.
        let marked = [&sealed.file[..len], b"x"].concat();
        assert_eq!(sealed.check_refused(&marked, "cut after a chunk, and a byte"), truncated(index));
    }
    assert_eq!(sealed.check_refused(&sealed.file[..start - 1], "cut in the nonce"), (Layer::Header, None));
}

#[test]
fn spliced_chunks_are_refused() {
    let sealed = Sealed::of_three_chunks(4);
    let [first, second, last] = [0, 1, 2].map(|index| sealed.slot(index));
    let damaged = |index| PayloadError::Damaged { index };
    let cases: [(&str, &[&[u8]], PayloadError); 12] = [
        ("the first two swapped", &[second, first, last], damaged(0)),
        ("the last two swapped", &[first, last, second], damaged(1)),
        ("the first repeated", &[first, first, second, last], damaged(1)),
        ("the second repeated", &[first, second, second, last], damaged(2)),
        ("the last repeated", &[first, second, last, last], damaged(2)),
        ("the first dropped", &[second, last], damaged(0)),
        ("the second dropped", &[first, last], damaged(1)),
        ("the last dropped", &[first, second], PayloadError::Truncated { index: 2 }),
        ("only the last", &[last], damaged(0)),
        ("an empty final chunk after a full one", &[first, &[0; TAG_LEN]], PayloadError::EmptyFinal { index: 1 }),
        ("a few bytes after the last", &[first, second, last, b"more"], damaged(2)),
        ("a last chunk without its tag", &[first, second, &last[..TAG_LEN - 1]], PayloadError::Truncated { index: 2 }),
    ];
    for (what, slots, error) in cases {
        assert_eq!(sealed.check_refused(&sealed.with_slots(slots), what), (Layer::Payload, Some(error)), "{what}");
    }
}

/// A full final chunk that anything follows is recognised, and released: it is authentic. What follows never is.
#[test]
fn data_after_a_full_final_chunk_is_refused() {
    let sealed = Sealed::new(2 * CHUNK_LEN, 5);
    let [first, last] = [0, 1].map(|index| sealed.slot(index));
    for (what, after) in [("a byte", &b"x"[..]), ("a first chunk", first), ("a final chunk", last), ("zeros", &[0; SLOT_LEN])] {
        let refusal = sealed.check_refused(&sealed.with_slots(&[first, last, after]), what);
        assert_eq!(refusal, (Layer::Payload, Some(PayloadError::DataAfterFinal { index: 1 })), "{what}");
    }
}

/// The same file key with another nonce gives other chunks, and so does another file key with the same nonce.
#[test]
fn chunks_of_another_file_are_refused() {
    let sealed = Sealed::of_three_chunks(6);
    let mut rng = Replay(7);
    let other_key = FileKey::generate(&mut rng);
    let other_nonce = PayloadNonce::generate(&mut rng);
    let ours = (sealed.plaintext.clone(), Ok(()));
    let theirs = (Vec::new(), Err((Layer::Payload, Some(PayloadError::Damaged { index: 0 }))));
    let foreign = [(&sealed.file_key, &other_nonce, "another nonce"), (&other_key, &sealed.nonce, "another file key")];
    for (file_key, nonce, what) in foreign {
        let section = seal_in_order(file_key, nonce, &sealed.plaintext, BATCH_CHUNKS, Spread::Serial);
        let slots: Vec<&[u8]> = section[PAYLOAD_NONCE_LEN..].chunks(SLOT_LEN).collect();
        for (index, &slot) in slots.iter().enumerate() {
            let mut spliced: Vec<&[u8]> = [0, 1, 2].map(|index| sealed.slot(index)).into();
            spliced[index] = slot;
            let refusal = sealed.check_refused(&sealed.with_slots(&spliced), what);
            assert_eq!(refusal.1, Some(PayloadError::Damaged { index: index as u64 }), "{what}, chunk {index}");
        }
        // Its nonce and chunks together, under our header, which is a payload of ours only if the file key is.
        let moved = open(&[sealed.header(), &section].concat(), &sealed.identities);
        assert_eq!(moved, if nonce == &other_nonce { ours.clone() } else { theirs.clone() }, "{what}");
    }
}

#[test]
fn the_header_of_another_file_is_refused() {
    let sealed = Sealed::new(100, 8);
    let other = Sealed::new(100, 9);
    let section = &sealed.file[HEADER_LEN..];
    assert_eq!(sealed.check_refused(&[other.header(), section].concat(), "for somebody else"), (Layer::NoMatch, None));

    // For the same recipient, but made for another file key.
    let recipient = sealed.identities[0].recipient().unwrap();
    let header = Header::wrap(&other.file_key, std::slice::from_ref(&recipient), HeaderPadding::Fixed, &mut Replay(10)).unwrap();
    let refusal = sealed.check_refused(&[&header.to_bytes(), section].concat(), "another file key");
    assert_eq!(refusal, (Layer::Payload, Some(PayloadError::Damaged { index: 0 })));

    // Made anew for the same file key: a change of recipients, which is no forgery.
    let header = Header::wrap(&sealed.file_key, &[recipient], HeaderPadding::Fixed, &mut Replay(11)).unwrap();
    assert_eq!(open(&[&header.to_bytes(), section].concat(), &sealed.identities), (sealed.plaintext.clone(), Ok(())));
}

/// Every stanza is under the MAC, the padding too: nobody without the file key can move, drop, add or fill one.
#[test]
fn stanzas_of_a_header_cannot_be_moved() {
    let mut rng = Replay(12);
    let identities: Vec<Identity> = (0..2).map(|_| Identity::generate_x25519(&mut rng)).collect();
    let recipients: Vec<Recipient> = identities.iter().filter_map(Identity::recipient).collect();
    let file_key = FileKey::generate(&mut rng);
    let header = Header::wrap(&file_key, &recipients, HeaderPadding::Fixed, &mut rng).unwrap();
    let text = String::from_utf8(header.to_bytes()).unwrap();
    let (body, mac_line) = text.split_at(text.find("--- ").unwrap());
    let mut stanzas = body.split_inclusive("-> ").map(|piece| piece.trim_end_matches("-> "));
    let version_line = stanzas.next().unwrap();
    let [first, second, pad]: [&str; 3] = stanzas.collect::<Vec<_>>().try_into().unwrap();
    assert!(pad.starts_with("dbseal/pad "));

    let compose = |stanzas: &[&str]| {
        let stanzas: String = stanzas.iter().map(|stanza| format!("-> {stanza}")).collect();
        let bytes = format!("{version_line}{stanzas}{mac_line}").into_bytes();
        Header::parse(&bytes).expect("well spelled").0.unwrap(&identities).map(|_| ())
    };
    assert_eq!(compose(&[first, second, pad]), Ok(()), "as it is");
    let filled = pad.replacen("AAAA", "AAAB", 1);
    let renamed = pad.replacen("dbseal/pad", "dbseal/pod", 1);
    let other_argument = if pad.starts_with("dbseal/pad 00\n") { pad.replacen("00\n", "0\n", 1) } else { pad.replacen("0\n", "00\n", 1) };
    for (what, stanzas) in [
        ("recipients swapped", &[second, first, pad][..]),
        ("a recipient dropped", &[first, pad]),
        ("a recipient repeated", &[first, second, second, pad]),
        ("the padding first", &[pad, first, second]),
        ("the padding dropped", &[first, second]),
        ("the padding repeated", &[first, second, pad, pad]),
        ("the padding filled", &[first, second, &filled]),
        ("the padding renamed", &[first, second, &renamed]),
        ("the padding's argument", &[first, second, &other_argument]),
        ("a foreign stanza", &[first, second, pad, "grease\n\n"]),
    ] {
        assert_eq!(compose(stanzas), Err(UnwrapError::WrongMac), "{what}");
    }
    assert_eq!(compose(&[pad]), Err(UnwrapError::NoMatch), "the padding alone");
}

#[test]
fn recipients_that_weaken_each_other_are_not_mixed() {
    let mut rng = Replay(13);
    let x25519 = Identity::generate_x25519(&mut rng).recipient().unwrap();
    let hybrid = Identity::generate_hybrid(&mut rng).recipient().unwrap();
    let passphrase = Recipient::passphrase(Passphrase::new("correct horse".into()), 4);
    let file_key = FileKey::generate(&mut rng);
    let mut wrap = |recipients: &[&Recipient]| {
        let recipients: Vec<Recipient> = recipients.iter().map(|&recipient| recipient.clone()).collect();
        Header::wrap(&file_key, &recipients, HeaderPadding::Fixed, &mut rng).map(|_| ())
    };
    assert_eq!(wrap(&[]), Err(WrapError::NoRecipient));
    assert_eq!(wrap(&[&x25519, &hybrid]), Err(WrapError::MixedPostQuantum));
    assert_eq!(wrap(&[&hybrid, &hybrid, &x25519]), Err(WrapError::MixedPostQuantum));
    for company in [&x25519, &hybrid, &passphrase] {
        assert_eq!(wrap(&[&passphrase, company]), Err(WrapError::PassphraseInCompany));
        assert_eq!(wrap(&[company, &passphrase]), Err(WrapError::PassphraseInCompany));
    }
    for company in [&x25519, &hybrid] {
        assert_eq!(wrap(&[company, company]), Ok(()));
    }
    assert_eq!(wrap(&[&passphrase]), Ok(()));
}

/// Each identity opens what is addressed to it and nothing else, whatever stands beside it.
#[test]
fn only_whom_a_file_is_addressed_to_opens_it() {
    let mut rng = Replay(14);
    let make: [fn(&mut Replay) -> Identity; 2] = [|rng| Identity::generate_x25519(rng), |rng| Identity::generate_hybrid(rng)];
    for generate in make {
        let identities: Vec<Identity> = (0..3).map(|_| generate(&mut rng)).collect();
        let recipients: Vec<Recipient> = identities[..2].iter().filter_map(Identity::recipient).collect();
        let file_key = FileKey::generate(&mut rng);
        let header = Header::wrap(&file_key, &recipients, HeaderPadding::Fixed, &mut rng).unwrap();
        let opens: Vec<bool> = identities.iter().map(|identity| header.unwrap(std::slice::from_ref(identity)).is_ok()).collect();
        assert_eq!(opens, [true, true, false]);
        assert!(header.unwrap(&identities[1..]).is_ok(), "the first of several that fits");
        let strangers = [Identity::generate_x25519(&mut rng), Identity::generate_hybrid(&mut rng)];
        let passphrase = [Identity::passphrase(Passphrase::new("correct horse".into()))];
        for others in [&strangers[..], &passphrase, &[]] {
            assert!(matches!(header.unwrap(others), Err(UnwrapError::NoMatch)), "{others:?}");
        }
    }
}

/// As much white space after armor as age refuses; a byte less is accepted.
#[test]
fn white_space_after_armor_is_bounded() {
    let mut text = Vec::new();
    let mut writer = ArmorWriter::new();
    writer.write(&paint(100), &mut text);
    writer.finish(&mut text);
    let read = |text: &[u8]| {
        let mut reader = ArmorReader::new();
        let mut read = Vec::new();
        reader.read(text, &mut read).and_then(|()| reader.finish(&mut read)).map(|()| read)
    };
    let too_much = Err(ArmorError::Malformed("there is too much white space around it"));
    for white_space in [" ", "\n", "\r\n"] {
        let around = |len: usize| white_space.repeat(len / white_space.len()).into_bytes();
        assert_eq!(read(&[text.clone(), around(1022)].concat()), Ok(paint(100)), "{white_space:?}");
        assert_eq!(read(&[text.clone(), around(1024)].concat()), too_much, "{white_space:?}");
    }
    assert_eq!(read(&[text.clone(), vec![b'\n'; 1023]].concat()), Ok(paint(100)));
}

/// A stanza under the padding's tag is listed unless it is what would be written: nothing can hide in it.
#[test]
fn only_what_would_be_written_counts_as_padding() {
    let recipient = Identity::generate_x25519(&mut Replay(15)).recipient().unwrap();
    let header = Header::wrap(&FileKey::generate(&mut Replay(16)), &[recipient], HeaderPadding::Fixed, &mut Replay(17)).unwrap();
    let text = String::from_utf8(header.to_bytes()).unwrap();
    let pad = &text[text.find("-> dbseal/pad ").unwrap()..text.find("--- ").unwrap()];
    let tags = |altered: &str| {
        let (header, _) = Header::parse(text.replacen(pad, altered, 1).as_bytes()).expect("well spelled");
        (header.is_padded(), header.recipient_tags().map(String::from).collect::<Vec<_>>())
    };
    assert_eq!(tags(pad), (true, vec!["X25519".into()]));
    let (with_data, with_argument) = (pad.replacen("AAAA", "AAAB", 1), pad.replacen('\n', " data\n", 1));
    for altered in [&with_data, &with_argument, "-> dbseal/pad\n\n", "-> dbseal/pad 1\n\n"] {
        assert_eq!(tags(altered), (false, vec!["X25519".into(), "dbseal/pad".into()]), "{altered:?}");
    }
    assert_eq!(tags(&[pad, pad].concat()), (true, vec!["X25519".into(), "dbseal/pad".into()]), "only the last");
    assert_eq!(tags(&[pad, "-> other\n\n"].concat()), (false, vec!["X25519".into(), "dbseal/pad".into(), "other".into()]), "only the last");
    assert_eq!(tags(""), (false, vec!["X25519".into()]));
}
