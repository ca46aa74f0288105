//! Vectors about memory, in the form of the published ones.

use dbseal_core::{FileKey, Header, HeaderPadding, Passphrase, PayloadNonce, Recipient, Spread};

use crate::inputs::Replay;
use crate::seal::seal_in_order;

/// At age's own work factor of 18 a passphrase takes 256 MiB, which 32 bits have; at 22 it takes 4 GiB, which they do not: refused as a
/// header is, and not with a crash.
///
/// # Panics
/// Never: the passphrase can be wrapped to.
#[must_use]
pub fn all() -> [(&'static str, Vec<u8>); 2] {
    let mut rng = Replay(1);
    let key = *b"YELLOW SUBMARINE";
    let passphrase = || Passphrase::new("correct horse".into());
    let file_key = FileKey::from_bytes(&key);
    let nonce = PayloadNonce::generate(&mut rng);
    let header = Header::wrap(&file_key, &[Recipient::passphrase(passphrase(), 18)], HeaderPadding::None, &mut rng).expect("a passphrase");
    let header = String::from_utf8(header.to_bytes()).expect("a header is text");
    let section = seal_in_order(&file_key, &nonce, b"age", 1, Spread::Serial);
    let vector = |head: &str, header: &str| {
        [format!("{head}\npassphrase: correct horse\nfile key: 59454c4c4f57205355424d4152494e45\n\n{header}").into_bytes(), section.clone()]
            .concat()
    };
    // SHA-256 of the plaintext.
    let hash = "013f54400c82da08037759ada907a8b864e97de81c088a182062c4b5622fd2ab";
    [
        ("work-factor-18", vector(&format!("expect: success\npayload: {hash}"), &header)),
        ("work-factor-22", vector("expect: header failure", &header.replacen(" 18\n", " 22\n", 1))),
    ]
}
