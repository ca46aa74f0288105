//! The browser app's jobs, without a browser: over files in memory that are read as a browser reads them, piece by piece and never at once.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use dbseal_core::{
    ArmorWriter, CHUNK_LEN, Extent, FileKey, FileName, Header, HeaderPadding, Identity, Integrity, Note, PAYLOAD_NONCE_LEN, Passphrase,
    PayloadNonce, Process, Proof, ProofKey, Recipient, SLOT_LEN, Seal, Sealed, SeriesPlace, SigningKey, SourceKind, Spread, Time, Tree,
};
use dbseal_tests::inputs::{Replay, paint};
use dbseal_tests::seal::seal_in_order;
use dbseal_web::engine::{self, Keys, Observer, OpenRequest, Piece, ReadError, Sink, Source, WriteError};
use dbseal_web::messages::{Checked, Failure, KeyKind, Opened, Part, Place, Progress, SealPolicy, Trusted};
use zeroize::Zeroizing;

/// Bytes of plaintext: two batches and a part of one, and nine groups.
const LEN: usize = 9_000_000;
const GROUP_LEN: usize = 1 << 20;
const NAME: &str = "shop.age";

/// A file that answers on the second question, and can shrink while it is read.
struct Memory {
    bytes: Vec<u8>,
    /// Reads that succeed.
    reads_left: Cell<usize>,
    longest_read: Cell<u64>,
}

struct Copied(Vec<u8>);

impl Memory {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, reads_left: Cell::new(usize::MAX), longest_read: Cell::new(0) }
    }
}

impl Source for Memory {
    type Piece = Copied;

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, range: Range<u64>) -> impl Future<Output = Result<Copied, ReadError>> + use<> {
        self.longest_read.set(self.longest_read.get().max(range.end - range.start));
        let answer = match self.reads_left.get() {
            0 => Err(ReadError("it is shorter than it was".into())),
            left => {
                self.reads_left.set(left - 1);
                Ok(Copied(self.bytes[index(range.start)..index(range.end)].to_vec()))
            }
        };
        async move {
            later().await;
            answer
        }
    }
}

impl Piece for Copied {
    fn copy_to(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0);
    }
}

/// What came out.
#[derive(Clone, Default)]
struct Output(Rc<Written>);

#[derive(Default)]
struct Written {
    bytes: RefCell<Vec<u8>>,
    is_committed: Cell<bool>,
    /// Bytes that fit, if not all do.
    room: Cell<Option<usize>>,
}

impl Sink for Output {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        later().await;
        let mut written = self.0.bytes.borrow_mut();
        if self.0.room.get().is_some_and(|room| written.len() + bytes.len() > room) {
            return Err(WriteError::Full);
        }
        written.extend(bytes);
        Ok(())
    }

    async fn commit(self) -> Result<(), WriteError> {
        self.0.is_committed.set(true);
        Ok(())
    }
}

/// Keeps the last report, and all of the damage.
#[derive(Default)]
struct Watcher(RefCell<Progress>);

impl Observer for Watcher {
    fn progress(&self, progress: Progress) {
        let mut last = self.0.borrow_mut();
        assert!(progress.done_len >= last.done_len && progress.done_len <= progress.total_len, "it goes forward: {progress:?}");
        let damage = std::mem::take(&mut last.damage).into_iter().chain(progress.damage).collect();
        *last = Progress { damage, ..progress };
    }
}

async fn later() {
    let mut was_asked = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut was_asked, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return answer;
        }
    }
}

fn index(len: u64) -> usize {
    usize::try_from(len).expect("it is in memory")
}

/// A backup in memory, with all that belongs to it.
struct Backup {
    plain: Vec<u8>,
    header: Vec<u8>,
    section: Vec<u8>,
    file_key: FileKey,
    key: SigningKey,
    seal: Vec<u8>,
    identity: String,
}

impl Backup {
    fn of(len: usize) -> Self {
        let identity = Identity::generate_x25519(&mut Replay(1));
        Self::made(len, &identity.recipient().expect("it has one"), identity.expose_text().expect("it has one").as_str())
    }

    fn made(len: usize, recipient: &Recipient, identity: &str) -> Self {
        let mut rng = Replay(7);
        let plain = paint(len);
        let file_key = FileKey::generate(&mut rng);
        let header = Header::wrap(&file_key, std::slice::from_ref(recipient), HeaderPadding::Fixed, &mut rng).expect("a header").to_bytes();
        let section = seal_in_order(&file_key, &PayloadNonce::generate(&mut rng), &plain, 16, Spread::Serial);
        let key = SigningKey::generate("host".parse().expect("a label"), &mut rng);
        let seal = sealed_by(&key, &header, &section, &file_key);
        Self { plain, header, section, file_key, key, seal, identity: identity.into() }
    }

    fn file(&self) -> Vec<u8> {
        [&self.header[..], &self.section].concat()
    }

    fn trust(&self) -> String {
        self.key.verifier_key().to_string()
    }

    fn keys(&self) -> Keys {
        keys(KeyKind::Identity, &self.identity)
    }

    fn seal_without_groups(&self) -> Vec<u8> {
        let end = self.seal.windows(10).position(|window| window == b"\nunsigned\n").expect("an unsigned section");
        self.seal[..end].to_vec()
    }
}

fn keys(kind: KeyKind, secret: &str) -> Keys {
    Keys::new(kind, Zeroizing::new(secret.into()), None).expect("what its kind says")
}

fn sealed_by(key: &SigningKey, header: &[u8], section: &[u8], file_key: &FileKey) -> Vec<u8> {
    let tree = Tree::of(section);
    let label = |text: &str| text.parse().expect("a label");
    let note = Note::Sealed(Sealed {
        signer: key.verifier_key().clone(),
        series: Some(SeriesPlace { label: label("shop"), epoch: dbseal_core::Epoch::from_bytes([3; 16]), number: 1, previous: None }),
        file: FileName::of(NAME.as_bytes()).expect("a name"),
        time: Time::from_unix(1_795_485_613).expect("a time"),
        source: SourceKind::File,
        process: Process { tool: label("dbseal"), version: label("0.1.0"), preset: label("x25519"), compression: label("none") },
        header: Extent::of(header),
        payload: (&tree).into(),
        proof: Proof::none(),
    });
    Seal::new(note.proven(&ProofKey::of(file_key)), key, &tree, header).to_bytes()
}

fn check_named(name: &str, file: Vec<u8>, seal: Option<&[u8]>, trust: &str) -> Checked {
    let spreads = [Spread::Serial, Spread::Rayon];
    let file = Memory::new(file);
    let [serial, spread] = spreads.map(|spread| {
        let watcher = Watcher::default();
        let checked = block_on(engine::check(name, &file, seal, trust, spread, &watcher)).expect("an answer");
        if checked.located {
            let seen: u64 = watcher.0.into_inner().damage.iter().map(|range| range.end - range.start).sum();
            let told: u64 = checked.damage.iter().map(|range| range.end - range.start).sum();
            assert_eq!(seen + checked.excess_len, told, "all damage is seen as it is found: {checked:?}");
        }
        checked
    });
    assert_eq!(serial, spread);
    assert!(file.longest_read.get() <= 4 << 20, "no more is read at a time");
    serial
}

fn check(file: Vec<u8>, seal: Option<&[u8]>, trust: &str) -> Checked {
    check_named(NAME, file, seal, trust)
}

fn integrity(checked: &Checked) -> Integrity {
    Integrity::from_word(&checked.integrity).expect("a word of the specification")
}

#[test]
fn a_check_answers_in_two_halves() {
    let backup = Backup::of(LEN);
    let trust = backup.trust();
    let seal = Some(&backup.seal[..]);
    let good = check(backup.file(), seal, &trust);
    assert_eq!((integrity(&good), good.place, good.damage.len(), good.located), (Integrity::Intact, Place::InSeries, 0, true));
    let claims = good.claims.expect("a seal");
    assert_eq!((claims.vouched_by.as_deref(), claims.trusted, claims.made, claims.proven), (Some("host"), Trusted::Yes, true, None));
    assert_eq!((claims.series, claims.named.as_deref()), (Some(("shop".into(), 1)), Some(NAME)));
    assert_eq!((claims.source.as_deref(), claims.time.as_deref()), (Some("file"), Some("2026-11-24T02:00:13Z")));

    let renamed = check_named("shop (1).age", backup.file(), seal, &trust);
    assert_eq!((integrity(&renamed), renamed.place), (Integrity::Intact, Place::Renamed));
    let unvouched = check(backup.file(), seal, "");
    assert_eq!((integrity(&unvouched), unvouched.place), (Integrity::Unvouched, Place::Unknown));
    assert_eq!(unvouched.claims.expect("a seal").trusted, Trusted::Stranger);
    let other_role = check(backup.file(), seal, &format!("{trust} may=drill"));
    assert_eq!(other_role.claims.expect("a seal").trusted, Trusted::NotForSealing);
    let other_series = check(backup.file(), seal, &format!("{trust} series=web"));
    assert_eq!(other_series.claims.expect("a seal").trusted, Trusted::NotForThisSeries);
    assert_eq!(integrity(&check(backup.file(), None, &trust)), Integrity::Unsealed);

    let mut broken = backup.seal.clone();
    broken[40] ^= 1;
    for broken in [&broken[..], &backup.seal[..300], b"", b"hello"] {
        let checked = check(backup.file(), Some(broken), &trust);
        assert_eq!((integrity(&checked), checked.claims), (Integrity::BrokenSeal, None));
        assert!(checked.broken.expect("a sentence").starts_with("the seal is broken: "));
    }
    let by_root = check(backup.file(), Some(&backup.seal_without_groups()), &trust);
    assert_eq!((integrity(&by_root), by_root.located), (Integrity::Intact, true));
}

#[test]
fn a_check_finds_damage_where_it_is() {
    let backup = Backup::of(LEN);
    let (trust, header_len, file_len) = (backup.trust(), backup.header.len(), backup.header.len() + backup.section.len());
    let in_file = |range: Range<usize>| range.start as u64..range.end as u64;
    let group = |index: usize| in_file(header_len + index * GROUP_LEN..file_len.min(header_len + (index + 1) * GROUP_LEN));
    let group_count = backup.section.len().div_ceil(GROUP_LEN);
    for index in 0..group_count {
        for at in [index * GROUP_LEN, backup.section.len().min((index + 1) * GROUP_LEN) - 1] {
            let mut file = backup.file();
            file[header_len + at] ^= 0x40;
            let checked = check(file, Some(&backup.seal), &trust);
            assert_eq!((integrity(&checked), &checked.damage[..]), (Integrity::Damaged, &[group(index)][..]), "byte {at}");
        }
    }
    // Cut off in a group, between two, in the nonce, in the header, before everything.
    for len in [file_len - 1, header_len + 3 * GROUP_LEN + 5, header_len + 2 * GROUP_LEN, header_len + 7, header_len, 100, 0] {
        let checked = check(backup.file()[..len].to_vec(), Some(&backup.seal), &trust);
        let first = len.saturating_sub(header_len) / GROUP_LEN;
        // A header that was cut off ends where the file does.
        let offset = header_len.min(len) as u64;
        let expected = offset + (first * GROUP_LEN) as u64..offset + backup.section.len() as u64;
        assert_eq!((integrity(&checked), &checked.damage[..]), (Integrity::Damaged, &[expected][..]), "{len} bytes");
    }
    let checked = check([backup.file(), vec![0; 10]].concat(), Some(&backup.seal), &trust);
    let excess = in_file(file_len..file_len + 10);
    assert_eq!((integrity(&checked), &checked.damage[..], checked.excess_len), (Integrity::Damaged, &[excess][..], 10));

    let without = backup.seal_without_groups();
    let mut file = backup.file();
    file[header_len + 5_000_000] ^= 1;
    for file in [file, backup.file()[..file_len - 1].to_vec()] {
        let checked = check(file, Some(&without), &trust);
        let all = in_file(header_len..file_len);
        assert_eq!((integrity(&checked), &checked.damage[..], checked.located), (Integrity::Damaged, &[all][..], false));
    }
}

#[test]
fn a_header_that_changed_is_no_damage() {
    let backup = Backup::of(100_000);
    let mut file = backup.file();
    file[30] ^= 1;
    let other = Header::wrap(&FileKey::from_bytes(&[1; 16]), &[other_recipient()], HeaderPadding::None, &mut Replay(3));
    let shorter = [other.expect("a header").to_bytes(), backup.section.clone()].concat();
    for file in [file, shorter] {
        let checked = check(file, Some(&backup.seal), &backup.trust());
        assert_eq!((integrity(&checked), checked.damage.len()), (Integrity::HeaderChanged, 0));
    }
}

#[test]
fn small_backups_are_checked() {
    for len in [0, 1, CHUNK_LEN, GROUP_LEN - 100, GROUP_LEN, 4 * GROUP_LEN - 16 * 65 + 16] {
        let backup = Backup::of(len);
        for seal in [backup.seal.clone(), backup.seal_without_groups()] {
            assert_eq!(integrity(&check(backup.file(), Some(&seal), &backup.trust())), Integrity::Intact, "{len} bytes");
        }
        let opened = open(&backup, &Part::Whole).expect("it opens");
        assert!(opened.1 == backup.plain, "{len} bytes");
    }
}

fn other_recipient() -> Recipient {
    Identity::generate_x25519(&mut Replay(99)).recipient().expect("it has one")
}

/// Opens with everything as it should be, but for what is said.
struct Opening<'a> {
    file: Vec<u8>,
    name: &'a str,
    seal: Option<&'a [u8]>,
    trust: String,
    policy: SealPolicy,
    part: &'a Part,
    keys: Keys,
    /// Bytes that fit on the disk.
    room: Option<usize>,
    /// Reads that succeed.
    reads_left: usize,
}

impl<'a> Opening<'a> {
    fn of(backup: &'a Backup, part: &'a Part) -> Self {
        Self {
            file: backup.file(),
            name: NAME,
            seal: Some(&backup.seal),
            trust: backup.trust(),
            policy: SealPolicy::Trusted,
            part,
            keys: backup.keys(),
            room: None,
            reads_left: usize::MAX,
        }
    }

    fn without_seal(backup: &'a Backup, part: &'a Part) -> Self {
        Self { seal: None, trust: String::new(), ..Self::of(backup, part) }
    }

    /// What was done, and what came out. What fails commits nothing.
    fn open(self) -> Result<(Opened, Vec<u8>), (Failure, Vec<u8>)> {
        let Self { file, name, seal, trust, policy, part, keys, room, reads_left } = self;
        let (file, output) = (Memory::new(file), Output::default());
        file.reads_left.set(reads_left);
        output.0.room.set(room);
        let request = OpenRequest { name, seal, trust: &trust, policy, part, spread: Spread::Rayon };
        let opened = block_on(engine::open(&request, &file, keys, output.clone(), &Watcher::default()));
        assert!(file.longest_read.get() <= 64 * SLOT_LEN as u64, "no more is read at a time");
        assert_eq!(output.0.is_committed.get(), opened.is_ok(), "an output is there if all of it is");
        let bytes = output.0.bytes.take();
        match opened {
            Ok(opened) => Ok((opened, bytes)),
            Err(failure) => Err((failure, bytes)),
        }
    }

    fn fails(self, words: &str) -> Vec<u8> {
        let (failure, bytes) = self.open().expect_err(words);
        assert!(failure.what.contains(words) && !failure.next.is_empty(), "{words}: {failure:?}");
        bytes
    }
}

fn open(backup: &Backup, part: &Part) -> Result<(Opened, Vec<u8>), (Failure, Vec<u8>)> {
    Opening::of(backup, part).open()
}

#[test]
fn what_was_sealed_comes_out() {
    let backup = Backup::of(LEN);
    let part = Part::Whole;
    let (opened, bytes) = open(&backup, &part).expect("it opens");
    assert!(bytes == backup.plain);
    assert_eq!(opened.written_len, LEN as u64);
    assert_eq!(opened.claims.expect("a seal").proven, Some(true));
    let (opened, bytes) = Opening::without_seal(&backup, &part).open().expect("it opens");
    assert!(bytes == backup.plain && opened.claims.is_none());
    let without_groups = backup.seal_without_groups();
    let (_, bytes) = Opening { seal: Some(&without_groups), ..Opening::of(&backup, &part) }.open().expect("it opens");
    assert!(bytes == backup.plain);
    for (start, end) in [
        (0, Some(0)),
        (0, Some(1)),
        (1000, None),
        (CHUNK_LEN - 1, Some(CHUNK_LEN + 1)),
        (3_000_000, Some(3_000_010)),
        (1000, Some(8_000_000)),
        (LEN, None),
        (LEN - 1, Some(LEN)),
    ] {
        let part = Part::Bytes(start as u64, end.map(|end| end as u64));
        for opening in [Opening::of(&backup, &part), Opening::without_seal(&backup, &part)] {
            let (opened, bytes) = opening.open().expect("it opens");
            assert!(bytes == backup.plain[start..end.unwrap_or(LEN)], "{start} to {end:?}");
            assert_eq!(opened.written_len, bytes.len() as u64);
        }
    }
    let beyond = Part::Bytes(0, Some(LEN as u64 + 1));
    Opening::of(&backup, &beyond).fails("the range is not within");
    let some = Part::Bytes(0, Some(5));
    Opening { seal: Some(&without_groups), ..Opening::of(&backup, &some) }.fails("no usable hashes");
}

#[test]
fn what_is_not_vouched_for_does_not_open() {
    let backup = Backup::of(200_000);
    let other = Backup::of(100_000);
    let part = Part::Whole;
    let stranger = SigningKey::generate("host".parse().expect("a label"), &mut Replay(50)).verifier_key().to_string();
    let opening = || Opening::of(&backup, &part);
    let anothers = sealed_by(&backup.key, &backup.header, &backup.section, &FileKey::from_bytes(&[0; 16]));
    let refused = [
        (Opening { seal: None, ..opening() }, "has no seal"),
        (Opening { trust: stranger, ..opening() }, "nobody whom you trust vouches"),
        (Opening { trust: format!("{} may=rewrap", backup.trust()), ..opening() }, "whom you trust, but not to seal backups"),
        (Opening { trust: format!("{} series=web", backup.trust()), ..opening() }, "whom you trust, but not for the series shop"),
        (Opening { name: "old.age", ..opening() }, "is called shop.age by its seal"),
        (Opening { seal: Some(&backup.seal[..300]), ..opening() }, "the seal is broken"),
        (Opening { seal: Some(&backup.seal[..300]), trust: String::new(), ..opening() }, "the seal is broken"),
        (Opening { file: other.file(), ..opening() }, "is not what its seal says"),
        (Opening { seal: Some(&anothers), ..opening() }, "made by somebody who did not make the backup"),
        (Opening { file: armored(&backup.file()), ..opening() }, "is armor, and a seal is of a binary file"),
        (Opening { file: armored(&backup.file()), seal: None, ..opening() }, "has no seal"),
        (Opening { trust: "# nobody".into(), ..opening() }, "whom you trust is not understood"),
    ];
    for (opening, words) in refused {
        assert!(opening.fails(words).is_empty(), "{words}: nothing comes out");
    }
    let header = Header::wrap(&backup.file_key, &[other_recipient()], HeaderPadding::Fixed, &mut Replay(3)).expect("a header").to_bytes();
    let file = [header, backup.section.clone()].concat();
    assert!(Opening { file, ..opening() }.fails("is not the one that was signed last").is_empty());
    // Who says that it does not matter gets what opens.
    let (opened, bytes) =
        Opening { seal: Some(b"hello"), policy: SealPolicy::Ignored, name: "old.age", ..opening() }.open().expect("it opens");
    assert!(bytes == backup.plain && opened.claims.is_none());
    // Where nobody is trusted, a seal that is there still has to be about this backup.
    let (opened, _) = Opening { trust: String::new(), ..opening() }.open().expect("it opens");
    assert_eq!(opened.claims.expect("a seal").vouched_by, None);
}

/// Whoever has had the file key can make another payload that opens under the same header.
#[test]
fn another_payload_under_the_same_header_is_refused() {
    let backup = Backup::of(LEN);
    let mut hostile = backup.plain.clone();
    hostile[3_000_000] ^= 1;
    let section = seal_in_order(&backup.file_key, &PayloadNonce::from_bytes([9; 16]), &hostile, 16, Spread::Serial);
    let file = [&backup.header[..], &section].concat();
    let (whole, part) = (Part::Whole, Part::Bytes(100, Some(200)));
    let without_groups = backup.seal_without_groups();
    for part in [&whole, &part] {
        Opening { file: file.clone(), ..Opening::without_seal(&backup, part) }.open().expect("it opens");
        Opening { file: file.clone(), ..Opening::of(&backup, part) }.fails("is not what its seal says, in bytes 4096 to");
    }
    Opening { file, seal: Some(&without_groups), ..Opening::of(&backup, &whole) }.fails("is not what its seal says, in bytes 4096 to");
}

#[test]
fn nothing_that_is_not_authentic_comes_out() {
    let backup = Backup::of(LEN);
    let (whole, range) = (Part::Whole, Part::Bytes(10, Some(LEN as u64 - 10)));
    let header_len = backup.header.len();
    for at in [0, 20, 3 * SLOT_LEN, 70 * SLOT_LEN, backup.section.len() - 1] {
        let mut file = backup.file();
        file[header_len + at] ^= 1;
        for part in [&whole, &range] {
            for opening in [Opening::of(&backup, part), Opening::without_seal(&backup, part)] {
                let (failure, bytes) = Opening { file: file.clone(), ..opening }.open().expect_err("it is damaged");
                let skipped = if part == &whole { 0 } else { 10 };
                assert!(backup.plain[skipped..].starts_with(&bytes) && bytes.len() <= at, "byte {at}: {failure:?}");
            }
        }
    }
    let file_len = backup.file().len();
    for len in [file_len - 1, file_len - 100_000, header_len + PAYLOAD_NONCE_LEN + 20 * SLOT_LEN, header_len + 10, header_len, 50, 0] {
        let file = backup.file()[..len].to_vec();
        for opening in [Opening::of(&backup, &whole), Opening::without_seal(&backup, &range)] {
            let (_, bytes) = Opening { file: file.clone(), ..opening }.open().expect_err("it was cut off");
            assert!(bytes.is_empty(), "{len} bytes: it is refused before anything comes out");
        }
    }
    Opening { file: [backup.file(), vec![0; 5]].concat(), ..Opening::without_seal(&backup, &whole) }.fails("the end of the backup");
}

#[test]
fn what_goes_wrong_beside_it_leaves_nothing() {
    let backup = Backup::of(LEN);
    let part = Part::Whole;
    for reads_left in 0..5 {
        Opening { reads_left, ..Opening::of(&backup, &part) }.fails("the file cannot be read: it is shorter than it was");
    }
    Opening { room: Some(5_000_000), ..Opening::of(&backup, &part) }.fails("the disk is full");
    let other = Identity::generate_x25519(&mut Replay(99)).expose_text().expect("it has one");
    Opening { keys: keys(KeyKind::Identity, &other), ..Opening::of(&backup, &part) }.fails("none of the given keys opens this file");
    Opening { keys: keys(KeyKind::Passphrase, "x"), ..Opening::of(&backup, &part) }.fails("encrypted to a key");
    let file = Memory::new(backup.file());
    file.reads_left.set(2);
    let checked = block_on(engine::check(NAME, &file, Some(&backup.seal), &backup.trust(), Spread::Serial, &Watcher::default()));
    assert!(checked.expect_err("it shrank").what.contains("it is shorter than it was"));
}

fn armored(binary: &[u8]) -> Vec<u8> {
    let (mut armor, mut text) = (ArmorWriter::new(), Vec::new());
    armor.write(binary, &mut text);
    armor.finish(&mut text);
    text
}

/// An age file without a seal, for a passphrase at a work factor.
fn locked(plain: &[u8], passphrase: &str, log_n: u8) -> Vec<u8> {
    let (file_key, mut rng) = (FileKey::from_bytes(&[4; 16]), Replay(5));
    let recipient = Recipient::passphrase(Passphrase::new(passphrase.into()), log_n);
    let header = Header::wrap(&file_key, &[recipient], HeaderPadding::None, &mut rng).expect("a header").to_bytes();
    [header, seal_in_order(&file_key, &PayloadNonce::generate(&mut rng), plain, 16, Spread::Serial)].concat()
}

#[test]
fn every_kind_of_key_opens() {
    let part = Part::Whole;
    let hybrid = Identity::generate_hybrid(&mut Replay(2));
    let backup = Backup::made(300_000, &hybrid.recipient().expect("it has one"), hybrid.expose_text().expect("it has one").as_str());
    assert!(open(&backup, &part).expect("it opens").1 == backup.plain);

    let with_passphrase = |secret: &str| Opening {
        file: locked(&backup.plain, "correct horse", 4),
        keys: keys(KeyKind::Passphrase, secret),
        ..Opening::without_seal(&backup, &part)
    };
    assert!(with_passphrase("correct horse").open().expect("it opens").1 == backup.plain);
    with_passphrase("correct house").fails("the passphrase does not open the backup");
    Opening { keys: backup.keys(), ..with_passphrase("x") }.fails("encrypted with a passphrase, not to a key");

    let file = locked(format!("# mine\n{}\n", backup.identity).as_bytes(), "battery staple", 4);
    let secret = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
    let protected = |file: &[u8], text: &str| Keys::new(KeyKind::ProtectedIdentity, secret(text), Some(Zeroizing::new(file.to_vec())));
    for file in [file.clone(), armored(&file), backup.identity.clone().into_bytes()] {
        let keys = protected(&file, "battery staple").expect("it opens");
        assert!(Opening { keys, ..Opening::of(&backup, &part) }.open().expect("it opens").1 == backup.plain);
    }
    let refused = |result: Result<Keys, Failure>, words: &str| {
        let failure = result.err().expect(words);
        assert!(failure.what.contains(words), "{words}: {failure:?}");
    };
    refused(protected(&file, "battery"), "the passphrase does not open the identity file");
    refused(protected(&file[..file.len() - 1], "battery staple"), "the identity file is damaged");
    refused(Keys::new(KeyKind::ProtectedIdentity, secret("x"), None), "there is no identity file");
    refused(Keys::new(KeyKind::Identity, Zeroizing::new(file), None), "protected by a passphrase");
    refused(Keys::new(KeyKind::Identity, secret("age1abc"), None), "line 1: this is a public key");
    refused(Keys::new(KeyKind::Identity, Zeroizing::new(vec![0xff]), None), "there is no key in it");
    refused(Keys::new(KeyKind::Passphrase, secret(""), None), "the passphrase is empty");
    refused(Keys::new(KeyKind::Passphrase, Zeroizing::new(vec![0xff]), None), "the passphrase is not text");
}

#[test]
fn a_work_factor_that_no_page_can_hold_is_refused_untried() {
    let part = Part::Whole;
    let backup = Backup::of(10);
    let costly = |log_n: &str| {
        let file = locked(b"x", "x", 4);
        let end = file.iter().position(|&byte| byte == b'\n').expect("a line") + 1;
        let line_end = end + file[end..].iter().position(|&byte| byte == b'\n').expect("a line");
        [&file[..line_end - 1], log_n.as_bytes(), &file[line_end..]].concat()
    };
    for log_n in ["20", "22", "63", "64", "4000000000"] {
        let keys = keys(KeyKind::Passphrase, "x");
        let (failure, _) = Opening { file: costly(log_n), keys, ..Opening::without_seal(&backup, &part) }.open().expect_err(log_n);
        assert!(failure.what.contains(&format!("its work factor is 2^{log_n}")), "{failure:?}");
        assert!(failure.next.contains("dbseal decrypt"), "{failure:?}");
        let identity = Keys::new(KeyKind::ProtectedIdentity, Zeroizing::new(b"x".to_vec()), Some(Zeroizing::new(costly(log_n))));
        assert!(identity.err().expect("refused").what.contains("its work factor"));
    }
}

#[test]
fn armor_opens_as_a_whole() {
    let backup = Backup::of(5_000_000);
    let (whole, range) = (Part::Whole, Part::Bytes(0, Some(5)));
    let opening = |part, file: &[u8]| Opening { file: file.to_vec(), ..Opening::without_seal(&backup, part) };
    let file = armored(&backup.file());
    assert!(opening(&whole, &file).open().expect("it opens").1 == backup.plain);
    opening(&range, &file).fails("is armor, so no range of it");
    opening(&Part::Salvage, &file).fails("is armor, which cannot be salvaged");
    opening(&whole, &file[..file.len() - 100]).fails("the armor is");
    opening(&whole, &file[..1000]).fails("the armor is");
    let binary = backup.file();
    for len in [binary.len() - 1, backup.header.len() + PAYLOAD_NONCE_LEN + 64 * SLOT_LEN, backup.header.len() + 3, 100] {
        let (_, bytes) = opening(&whole, &armored(&binary[..len])).open().expect_err("it was cut off");
        assert!(backup.plain.starts_with(&bytes));
    }
}

#[test]
fn hostile_starts_end_in_a_sentence() {
    let backup = Backup::of(10);
    let part = Part::Whole;
    let opening = |file: Vec<u8>| Opening { file, ..Opening::without_seal(&backup, &part) };
    opening(vec![]).fails("there is nothing in the backup");
    opening(b"hello".to_vec()).fails("this is not an age file");
    opening([&b"age-encryption.org/v1\n-> "[..], &vec![b'a'; 3 << 20]].concat()).fails("the header is longer than 1 MiB");
    opening([&b"-----BEGIN AGE ENCRYPTED FILE-----\n"[..], &vec![b'A'; 3 << 20]].concat()).fails("a line is too long");
    let long = Memory::new(vec![0; dbseal_core::MAX_SEAL_LEN + 1]);
    long.reads_left.set(0);
    assert!(block_on(engine::read_seal(&long)).expect_err("too long").what.contains("longer than 8 MiB"));
    assert!(block_on(engine::read_identity(&long)).expect_err("too long").what.contains("too large"));
}

/// The parts of the plaintext that salvaging has to give up.
fn salvage(opening: Opening<'_>, plain: &[u8], lost: &[Range<usize>], unsealed: &[Range<usize>]) -> Opened {
    let (opened, bytes) = opening.open().expect("something is left");
    let mut expected = plain.to_vec();
    lost.iter().for_each(|range| expected[range.clone()].fill(0));
    assert!(bytes == expected, "{lost:?}");
    let in_output = |ranges: &[Range<usize>]| ranges.iter().map(|range| range.start as u64..range.end as u64).collect::<Vec<_>>();
    assert_eq!((&opened.lost, &opened.unsealed), (&in_output(lost), &in_output(unsealed)));
    let lost_len: usize = lost.iter().map(|range| range.end - range.start).sum();
    assert_eq!(opened.written_len, (plain.len() - lost_len) as u64);
    opened
}

#[test]
#[expect(clippy::single_range_in_vec_init, reason = "lists of one range")]
fn salvage_saves_what_opens() {
    let backup = Backup::of(LEN);
    let (part, header_len) = (Part::Salvage, backup.header.len());
    let with = |file: Vec<u8>| Opening { file, ..Opening::of(&backup, &part) };
    let bare = |file: Vec<u8>| Opening { file, ..Opening::without_seal(&backup, &part) };
    let chunk = |index: usize| index * CHUNK_LEN..((index + 1) * CHUNK_LEN).min(LEN);
    let slot_at = |index: usize| header_len + PAYLOAD_NONCE_LEN + index * SLOT_LEN;

    let opened = salvage(with(backup.file()), &backup.plain, &[], &[]);
    assert_eq!(opened.claims.expect("a seal").proven, Some(true));
    assert_eq!(salvage(bare(backup.file()), &backup.plain, &[], &[]).claims, None);

    // A hole of two chunks; and one in the first, whose group has chunks that open and are not as they were sealed.
    let mut file = backup.file();
    for index in [0, 70, 71] {
        file[slot_at(index) + 5] ^= 1;
    }
    let lost = [chunk(0), chunk(70).start..chunk(71).end];
    salvage(bare(file.clone()), &backup.plain, &lost, &[]);
    // Group 0 has the chunks up to 15; group 4 those from 63 to 79.
    let unsealed = [chunk(1).start..chunk(15).end, chunk(63).start..chunk(69).end, chunk(72).start..chunk(79).end];
    salvage(with(file), &backup.plain, &lost, &unsealed);

    // The end is missing: the seal knows how long it was.
    let file = backup.file()[..slot_at(100) + 7].to_vec();
    salvage(with(file.clone()), &backup.plain, &[chunk(100).start..LEN], &[chunk(95).start..chunk(99).end]);
    salvage(bare(file), &backup.plain[..chunk(100).start], &[], &[]);

    // Something was appended.
    let file = [backup.file(), vec![7; 100]].concat();
    salvage(bare(file.clone()), &backup.plain, &[], &[]);
    salvage(with(file), &backup.plain, &[], &[]);

    // The header is lost: the seal has a copy.
    let mut file = backup.file();
    file[30] ^= 1;
    salvage(with(file.clone()), &backup.plain, &[], &[]);
    bare(file.clone()).open().expect_err("there is no other header");
    Opening { policy: SealPolicy::Ignored, ..with(file) }.open().expect_err("there is no other header");

    // The nonce is lost, or all is another's.
    let mut file = backup.file();
    file[header_len] ^= 1;
    assert!(with(file.clone()).fails("nothing of the backup can be opened").is_empty());
    assert!(bare(file).fails("nothing of the backup can be opened").is_empty());
    assert!(with(backup.file()[..header_len + 3].to_vec()).fails("nothing of the backup can be opened").is_empty());
}

/// A seal that is not about the backup says of no part of it that it was sealed.
#[test]
#[expect(clippy::single_range_in_vec_init, reason = "lists of one range")]
fn salvage_believes_only_its_own_seal() {
    let (backup, part) = (Backup::of(200_000), Part::Salvage);
    let other = Header::wrap(&FileKey::from_bytes(&[8; 16]), &[other_recipient()], HeaderPadding::Fixed, &mut Replay(3));
    let other = other.expect("a header").to_bytes();
    let anothers = sealed_by(&backup.key, &other, &backup.section, &FileKey::from_bytes(&[8; 16]));
    let all = [0..200_000];
    let opened = salvage(Opening { seal: Some(&anothers), ..Opening::of(&backup, &part) }, &backup.plain, &[], &all);
    assert_eq!(opened.claims, None);
    Opening { seal: None, ..Opening::of(&backup, &part) }.fails("nobody whom you trust vouches");
    Opening { name: "old.age", ..Opening::of(&backup, &part) }.fails("is called shop.age by its seal");
    Opening { trust: String::new(), name: "old.age", ..Opening::of(&backup, &part) }.open().expect("nobody is believed");
    // A broken seal is not used, where nobody has to vouch.
    let broken = Opening { seal: Some(&backup.seal[..300]), trust: String::new(), ..Opening::of(&backup, &part) };
    salvage(broken, &backup.plain, &[], &[]);
}

#[test]
fn inspect_reads_without_a_key() {
    let backup = Backup::of(200_000);
    let inspect = |file: Vec<u8>, seal: Option<&[u8]>| block_on(engine::inspect(NAME, &Memory::new(file), seal, &backup.trust()));
    let seen = inspect(backup.file(), Some(&backup.seal)).expect("an age file");
    assert_eq!((seen.armored, seen.header_len, seen.plaintext_len, seen.as_sealed), (false, 4096, Some(200_000), Some(true)));
    assert_eq!((&seen.recipients[..], seen.broken), (&["X25519".to_string()][..], None));
    assert_eq!(seen.claims.expect("a seal").vouched_by.as_deref(), Some("host"));
    let seen = inspect(armored(&backup.file()), Some(&backup.seal)).expect("an age file");
    assert_eq!((seen.armored, seen.header_len, seen.plaintext_len, seen.as_sealed), (true, 4096, None, Some(false)));
    let seen = inspect(backup.file()[..5000].to_vec(), Some(b"hello")).expect("an age file");
    assert_eq!((seen.as_sealed, seen.claims, seen.broken.is_some()), (None, None, true));
    assert!(inspect(b"hello".to_vec(), None).expect_err("none").what.contains("not an age file"));
}
