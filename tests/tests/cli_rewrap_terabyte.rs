//! A terabyte that gets other recipients: no more work than a megabyte, its header and the ends of its payload.
#![cfg(target_os = "linux")]

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, Instant};

use dbseal_core::{
    Batch, CHUNK_LEN, Claim, Extent, FileKey, FileName, Header, HeaderPadding, Note, PayloadNonce, ProofKey, SLOT_LEN, Seal, Sealed,
    Sealer, SectionHasher, Spread, Tree,
};
use dbseal_tests::cli::rewraps::{folder_in, said};
use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::inputs::Replay;
use dbseal_tests::tools::tool;
use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

const CHUNKS: u64 = 1 << 24;

/// A backup of a tebibyte of zeros, for a custodian and the escrow, as `b/big.age`: of its chunks the first and the final one, and a hole
/// between.
struct Terabyte {
    folder: Folder,
    file: File,
    file_key: FileKey,
    header: Vec<u8>,
    /// The nonce and the first chunk.
    start: Vec<u8>,
    last: Vec<u8>,
}

impl Terabyte {
    fn new(folder: Folder) -> Self {
        let folder = folder_in(folder, 1000);
        let recipients = ["old.pub", "escrow.pub"].map(|name| folder.read_text(name).trim().parse().expect("a recipient"));
        let (file_key, nonce) = (FileKey::from_bytes(&[7; 16]), PayloadNonce::from_bytes([8; 16]));
        let header = Header::wrap(&file_key, &recipients, HeaderPadding::Fixed, &mut Replay(1)).expect("it fits").to_bytes();
        let mut sealer = Sealer::new(&file_key, &nonce);
        let seal = |claim: Claim| {
            let mut batch = Batch::with_chunks(1);
            batch.set_plaintext_len(CHUNK_LEN);
            claim.seal(&mut batch, Spread::Serial);
            batch.sealed_bytes().to_vec()
        };
        let first = seal(sealer.claim(1));
        let _ = sealer.claim(usize::try_from(CHUNKS - 2).expect("they fit"));
        let last = seal(sealer.claim_last(1));
        let file = File::options().create_new(true).read(true).write(true).open(folder.path("b/big.age")).expect("a file");
        let start = [nonce.as_bytes(), &first[..]].concat();
        file.write_all_at(&[&header[..], &start].concat(), 0).expect("there is room");
        file.write_all_at(&last, header.len() as u64 + 16 + (CHUNKS - 1) * SLOT_LEN as u64).expect("there is room");
        Self { folder, file, file_key, header, start, last }
    }

    /// The tree over the payload section, of what was written there.
    fn tree(&self) -> Tree {
        let hole = vec![0; 8 << 20];
        let mut hasher = SectionHasher::new();
        hasher.update(&self.start);
        let mut left = (CHUNKS - 2) * SLOT_LEN as u64;
        while left > 0 {
            let len = left.min(hole.len() as u64);
            hasher.update(&hole[..usize::try_from(len).expect("it fits")]);
            left -= len;
        }
        hasher.update(&self.last);
        hasher.finish()
    }

    /// Signed by the host that made it, `db1`, as it signs the small backup in the same folder.
    fn sign(&self) -> Tree {
        let Note::Sealed(small) = Seal::parse(&self.folder.read("b/shop.age.seal")).expect("a seal").notes()[0].note().clone() else {
            panic!("the host's note")
        };
        let tree = self.tree();
        let payload = Extent { len: tree.section_len(), hash: tree.root() };
        let file = FileName::of(b"big.age").expect("a name");
        let note = Note::Sealed(Sealed { file, header: Extent::of(&self.header), payload, ..small }).proven(&ProofKey::of(&self.file_key));
        let key = seals::signing_key(&self.folder, "db1.sign");
        self.folder.write("b/big.age.seal", Seal::new(note, &key, &tree, &self.header).to_bytes());
        tree
    }

    fn rewrap(&self, signed: &[&str]) -> String {
        let began = Instant::now();
        let rotate = self.folder.dbseal(["rewrap", "-i", "old.key", "-R", "new.pub"]).args(signed.iter().copied());
        let done = rotate.args(["b/big.age"]).limit(Duration::from_secs(30)).run().succeeds();
        eprintln!("{} bytes in {:?}", self.metadata().len(), began.elapsed());
        said(&done)
    }

    fn metadata(&self) -> Metadata {
        self.file.metadata().expect("it is there")
    }

    /// All that is no hole behind the header. Two files of one length in which this is the same have the same bytes there.
    fn data(&self) -> Vec<Data> {
        let (mut found, mut at) = (Vec::new(), self.header.len() as u64);
        loop {
            let start = match seek(&self.file, SeekFrom::Data(at)) {
                Ok(start) => start,
                Err(Errno::NXIO) => return found,
                Err(error) => panic!("the file system does not tell what is a hole: {error}"),
            };
            let end = seek(&self.file, SeekFrom::Hole(start)).expect("the end is one");
            let len = end - start;
            assert!(len < 64 << 20, "{len} bytes are no hole: the file system has none");
            let mut bytes = vec![0; usize::try_from(len).expect("it fits the memory")];
            self.file.read_exact_at(&mut bytes, start).expect("it is there");
            found.push(Data { start, len, hash: blake3::hash(&bytes) });
            at = end;
        }
    }

    /// Who opens the final chunk, which dbseal goes to at once.
    fn opened_at_the_end(&self, trust: &[&str]) -> [Option<Vec<u8>>; 3] {
        let range = format!("{}..{}", (CHUNKS - 1) * CHUNK_LEN as u64, CHUNKS * CHUNK_LEN as u64);
        ["old", "new", "escrow"].map(|key| {
            let decrypt = ["decrypt", "-f", "-i", &format!("{key}.key"), "--range", &range, "-o", "out", "b/big.age"];
            self.folder.dbseal(decrypt).args(trust.iter().copied()).run().status.success().then(|| self.folder.read("out"))
        })
    }

    /// Whom stock age lets in: it opens the first chunk, and stops at the hole behind it.
    fn opened_by_age(&self) -> [Vec<u8>; 3] {
        ["old", "new", "escrow"].map(|key| {
            let age = self.folder.program(tool("age")).args(["-d", "-i", &format!("{key}.key"), "b/big.age"]).run();
            assert_ne!(age.code(), 0);
            age.stdout
        })
    }
}

/// What of a file is no hole: where it lies, and its hash.
#[derive(Debug, PartialEq, Eq)]
struct Data {
    start: u64,
    len: u64,
    hash: blake3::Hash,
}

fn assert_has_changed_hands(terabyte: &Terabyte, before: &Metadata, payload: &[Data], trust: &[&str]) {
    // Nothing but the header was written: not a hole was filled, not a byte is another one.
    let after = terabyte.metadata();
    assert_eq!((after.len(), after.blocks(), after.ino()), (before.len(), before.blocks(), before.ino()));
    assert_eq!(terabyte.data(), payload);
    let mut own = vec![0; terabyte.header.len()];
    terabyte.file.read_exact_at(&mut own, 0).expect("it is there");
    assert!(own != terabyte.header);
    let chunk = || vec![0; CHUNK_LEN];
    assert!(terabyte.opened_at_the_end(trust) == [None, Some(chunk()), Some(chunk())]);
    assert!(terabyte.opened_by_age() == [vec![], chunk(), chunk()]);
}

#[test]
fn a_terabyte_changes_hands_at_once() {
    let terabyte = Terabyte::new(Folder::new());
    let (before, payload) = (terabyte.metadata(), terabyte.data());
    assert!(payload.len() > 1 && payload[0].start == terabyte.header.len() as u64, "{payload:?}");
    assert_eq!(terabyte.rewrap(&[]), "b/big.age: done: 1 left, 1 came\n");
    assert_has_changed_hands(&terabyte, &before, &payload, &[]);
}

/// The host signed the tree of what was written; `verify` reads all of what is there after the change, and finds that tree.
#[test]
#[ignore = "not run here: long tier (10 minutes)"]
fn the_seal_of_a_terabyte_holds() {
    let terabyte = Terabyte::new(Folder::in_memory());
    let (before, payload) = (terabyte.metadata(), terabyte.data());
    let tree = terabyte.sign();
    let said = terabyte.rewrap(&["--trust", "t/trust", "--sign", "custodian.sign.key"]);
    assert_eq!(said, "b/big.age: done: 1 left, 1 came\n");
    assert_has_changed_hands(&terabyte, &before, &payload, &["--trust", "t/trust"]);
    let seal = Seal::parse(&terabyte.folder.read("b/big.age.seal")).expect("a seal");
    let [Note::Sealed(sealed), Note::Rewrapped(_)] = [0, 1].map(|index| seal.notes()[index].note().clone()) else { panic!("two notes") };
    assert_eq!((sealed.payload.len, sealed.payload.hash), (tree.section_len(), tree.root()));
    let verify = || terabyte.folder.dbseal(["verify", "--trust", "t/trust", "b/big.age"]).limit(Duration::from_secs(3600)).run();
    let words = verify().succeeds().words();
    assert!(words.contains("b/big.age: intact"), "{words}");
    for name in ["db1", "custodian"] {
        assert!(words.contains(name), "{words}");
    }
    // A single byte in the middle would be found.
    terabyte.file.write_all_at(&[1], before.len() / 2).expect("there is room");
    let _ = verify().ends_with(1, "b/big.age: DAMAGED");
}
