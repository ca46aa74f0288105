//! Whatever text a signer has signed is a note or is refused: what parses prints back, and counts for whoever trusts the signer.
#![no_main]

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use dbseal_core::{Adopted, Extent, FileName, Note, Seal, SigningKey, Time, Tree, Trust};
use dbseal_tests::inputs::Replay;
use ed25519_dalek::Signer;
use libfuzzer_sys::fuzz_target;

/// The signer; in a form that signs anything, too, as ours does not.
static SIGNER: LazyLock<(SigningKey, ed25519_dalek::SigningKey)> = LazyLock::new(|| {
    let key = SigningKey::generate("fuzz".parse().expect("a label"), &mut Replay(1));
    let text = key.expose_text();
    let encoded = text.splitn(5, '+').last().expect("PRIVATE+KEY+NAME+ID+KEY");
    let bytes = Base64::decode_vec(encoded).expect("base64");
    let raw = ed25519_dalek::SigningKey::from_bytes(bytes[1..].try_into().expect("32 bytes after the type"));
    (key, raw)
});
/// A seal that later notes can follow.
static FIRST: LazyLock<Seal> = LazyLock::new(|| {
    let tree = Tree::of(&[0; 32]);
    let (signer, file) = (SIGNER.0.verifier_key().clone(), FileName::of(b"shop.age").expect("a name"));
    let (header, payload) = (Extent::of(b"a header"), Extent::from(&tree));
    Seal::new(Note::Adopted(Adopted { signer, file, time: Time::default(), header, payload }), &SIGNER.0, &tree, b"a header")
});

// The text of a note. Its lines `signer` and `previous` are made true, or nothing behind them would ever be reached.
fuzz_target!(|text: &str| {
    let (key, raw) = &*SIGNER;
    let vkey = key.verifier_key().to_string();
    let (mut is_signer_named, mut is_later) = (false, false);
    let lines = text.split_inclusive('\n').map(|line| {
        if line.starts_with("signer ") {
            is_signer_named = true;
            format!("signer {vkey}\n")
        } else if line.starts_with("previous ") {
            is_later = true;
            format!("previous {}\n", FIRST.last_hash())
        } else {
            line.to_owned()
        }
    });
    let text: String = lines.collect();
    let id = u32::from_str_radix(vkey.split('+').nth(1).expect("NAME+ID+KEY"), 16).expect("an ID");
    let signature = [&id.to_be_bytes()[..], &raw.sign(text.as_bytes()).to_bytes()].concat();
    let note = format!("{text}\n\u{2014} fuzz {}\n", Base64::encode_string(&signature));
    let mut bytes = Vec::new();
    if is_later {
        let first = FIRST.to_bytes();
        let notes_len = first.windows(10).position(|part| part == b"\nunsigned\n").expect("an unsigned section");
        bytes.extend(&first[..notes_len]);
        bytes.push(b'\n');
    }
    bytes.extend(note.as_bytes());

    let Ok(seal) = Seal::parse(&bytes) else { return };
    assert_eq!(seal.to_bytes(), bytes);
    let last = seal.notes().last().expect("at least one note").note();
    // The text may be an unsigned section, and no note at all.
    let is_first = is_later && seal.notes().len() == 1;
    assert!(matches!(last, Note::Unknown(_)) || is_signer_named || is_first, "{last:?} is signed by nobody");
    let trust = Trust::parse(&format!("{vkey} may=seal,rewrap,drill")).expect("a trust line");
    let judgement = seal.judge(&trust);
    assert_eq!(judgement.vouched_by().map(ToString::to_string), Some("fuzz".into()));
    assert!(judgement.counted().count() <= seal.notes().len());
    for shown in [last.file().map(ToString::to_string), last.time().map(|time| time.to_string()), Some(last.kind().to_owned())] {
        assert!(shown.is_none_or(|shown| shown.bytes().all(|byte| byte.is_ascii_graphic())));
    }
});
