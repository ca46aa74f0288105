//! A backup in memory, with all that belongs to it.

use dbseal_core::{
    ArmorWriter, Epoch, FileKey, Header, HeaderPadding, Identity, Passphrase, PayloadNonce, Recipient, SeriesPlace, SigningKey, Spread,
};
use dbseal_tests::inputs::{Replay, paint};
use dbseal_tests::seal::{seal_in_order, sealed_by};
use dbseal_web::engine::Keys;
use dbseal_web::messages::KeyKind;
use zeroize::Zeroizing;

/// A backup in memory, with all that belongs to it.
pub(crate) struct Backup {
    pub(crate) plain: Vec<u8>,
    pub(crate) header: Vec<u8>,
    pub(crate) section: Vec<u8>,
    pub(crate) file_key: FileKey,
    pub(crate) key: SigningKey,
    pub(crate) seal: Vec<u8>,
    pub(crate) identity: String,
}

impl Backup {
    pub(crate) fn of(len: usize) -> Self {
        let identity = Identity::generate_x25519(&mut Replay(1));
        Self::made(len, &identity.recipient().expect("it has one"), identity.expose_text().expect("it has one").as_str())
    }

    pub(crate) fn made(len: usize, recipient: &Recipient, identity: &str) -> Self {
        let mut rng = Replay(7);
        let plain = paint(len);
        let file_key = FileKey::generate(&mut rng);
        let header = Header::wrap(&file_key, std::slice::from_ref(recipient), HeaderPadding::Fixed, &mut rng).expect("a header").to_bytes();
        let section = seal_in_order(&file_key, &PayloadNonce::generate(&mut rng), &plain, 16, Spread::Serial);
        let key = SigningKey::generate("host".parse().expect("a label"), &mut rng);
        let seal = sealed(&key, &header, &section, &file_key);
        Self { plain, header, section, file_key, key, seal, identity: identity.into() }
    }

    pub(crate) fn file(&self) -> Vec<u8> {
        [&self.header[..], &self.section].concat()
    }

    pub(crate) fn trust(&self) -> String {
        self.key.verifier_key().to_string()
    }

    pub(crate) fn keys(&self) -> Keys {
        keys(KeyKind::Identity, &self.identity)
    }

    pub(crate) fn seal_without_groups(&self) -> Vec<u8> {
        let end = self.seal.windows(10).position(|window| window == b"\nunsigned\n").expect("an unsigned section");
        self.seal[..end].to_vec()
    }
}

pub(crate) fn keys(kind: KeyKind, secret: &str) -> Keys {
    Keys::new(kind, Zeroizing::new(secret.into()), None).expect("what its kind says")
}

/// The bytes of a seal as the host makes it, the first of its series.
pub(crate) fn sealed(key: &SigningKey, header: &[u8], section: &[u8], file_key: &FileKey) -> Vec<u8> {
    let label = "shop".parse().expect("a label");
    let series = SeriesPlace { label, epoch: Epoch::from_bytes([3; 16]), number: 1, previous: None };
    sealed_by(key, Some(series), header, section, file_key).to_bytes()
}

pub(crate) fn other_recipient() -> Recipient {
    Identity::generate_x25519(&mut Replay(99)).recipient().expect("it has one")
}

pub(crate) fn armored(binary: &[u8]) -> Vec<u8> {
    let (mut armor, mut text) = (ArmorWriter::new(), Vec::new());
    armor.write(binary, &mut text);
    armor.finish(&mut text);
    text
}

/// An age file without a seal, for a passphrase at a work factor.
pub(crate) fn locked(plain: &[u8], passphrase: &str, log_n: u8) -> Vec<u8> {
    let (file_key, mut rng) = (FileKey::from_bytes(&[4; 16]), Replay(5));
    let recipient = Recipient::passphrase(Passphrase::new(passphrase.into()), log_n);
    let header = Header::wrap(&file_key, &[recipient], HeaderPadding::None, &mut rng).expect("a header").to_bytes();
    [header, seal_in_order(&file_key, &PayloadNonce::generate(&mut rng), plain, 16, Spread::Serial)].concat()
}
