//! A storage with backups whose seals are made here, with times and notes as a test needs them.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use dbseal_core::{
    Epoch, Extent, FileName, Header, Layout, Note, NoteHash, Process, Proof, Restored, Seal, Sealed, SeriesPlace, SigningKey, SourceKind,
    TestResult, Time, Tree,
};
use serde_json::Value;

use super::jobs::encrypt;
use super::seals::answers;
use super::{Folder, Run};
use crate::inputs::{Replay, paint};

/// Seconds.
pub const HOUR: u64 = 60 * 60;
/// Seconds.
pub const DAY: u64 = 24 * HOUR;
/// A payload section of one chunk.
pub const SMALL: usize = 16 + 1000 + 16;

/// A folder of backups, and around it who signs and what is trusted.
pub struct Store {
    /// All of it; the backups are in `backups`.
    pub folder: Folder,
    /// Trusted for seals.
    pub host: SigningKey,
    /// Trusted for restore tests.
    pub tester: SigningKey,
    /// Trusted for nothing.
    pub stranger: SigningKey,
    header: Vec<u8>,
}

/// What a backup is to be.
pub struct Made<'a> {
    /// Its file.
    pub name: &'a str,
    /// Its series, and its number in that.
    pub series: Option<(&'a str, u64)>,
    /// Each byte of the name of its epoch.
    pub epoch: u8,
    /// The note of the number before; any, if it does not matter.
    pub previous: Option<NoteHash>,
    /// Seconds before now; negative for the future.
    pub age: i64,
    /// Bytes in its payload section.
    pub section_len: usize,
}

/// A small one of no series, made now.
#[must_use]
pub fn made(name: &str) -> Made<'_> {
    Made { name, series: None, epoch: 7, previous: None, age: 0, section_len: SMALL }
}

/// The time that is so many seconds ago.
///
/// # Panics
/// If there is no such time.
#[must_use]
pub fn at(age: i64) -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    Time::from_unix(now.checked_add_signed(-age).expect("small")).expect("a time")
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    /// No backup yet; trusted are the host and the tester, in `trust`.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let folder = Folder::with_key();
        fs::create_dir(folder.path("backups")).expect("a folder");
        folder.write("plain", "a dump");
        encrypt(&folder, &["-o", "one.age", "plain"]).run().succeeds_in_silence();
        let file = folder.read("one.age");
        let (_, header_len) = Header::parse(&file).expect("an age file");
        let key = |name: &str, seed: u64| SigningKey::generate(name.parse().expect("a label"), &mut Replay(seed));
        let (host, tester, stranger) = (key("db1", 1), key("drills", 2), key("mallory", 3));
        folder.write("trust", format!("{}\n{} may=drill\n", host.verifier_key(), tester.verifier_key()));
        Self { folder, host, tester, stranger, header: file[..header_len].into() }
    }

    /// A store in which everything has happened.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn eventful() -> Self {
        let store = Self::new();
        store.make_series("shop", &[4 * 86_400, 3 * 86_400, 2 * 86_400, 86_400]);
        fs::remove_file(store.folder.path("backups/shop-2.age")).expect("it is there");
        store.note_restore_test("shop-1.age", &store.tester, 3 * 86_400, TestResult::Passed);
        store.note_restore_test("shop-3.age", &store.tester, 3600, TestResult::Passed);
        store.note_restore_test("shop-3.age", &store.tester, 1800, TestResult::Failed);
        store.note_restore_test("shop-4.age", &store.host, 60, TestResult::Passed);
        let first = store.make(&Made { series: Some(("web", 1)), age: 7200, section_len: 16 + 9000 + 16, ..made("web-1.age") });
        store.make(&Made { series: Some(("web", 2)), previous: Some(first), age: -7200, ..made("web-2.age") });
        store.make_by(&store.stranger, &Made { series: Some(("web", 3)), ..made("web-3.age") });
        store.make(&made("alone.age"));
        store.make(&made("short.age"));
        let whole = store.folder.read("backups/short.age");
        store.folder.write("backups/short.age", &whole[..whole.len() - 1]);
        store.make(&made("old-name.age"));
        store.rename("old-name.age", "new-name.age");
        store.make(&made("broken.age"));
        let seal = store.folder.read_text("backups/broken.age.seal");
        store.folder.write("backups/broken.age.seal", seal.replace("source command 0", "source file"));
        store.make(&made("bare.age"));
        fs::remove_file(store.folder.path("backups/bare.age.seal")).expect("it is there");
        store
    }

    /// A backup that the host has signed.
    pub fn make(&self, made: &Made<'_>) -> NoteHash {
        self.make_by(&self.host, made)
    }

    /// A backup that nobody could open, and its seal, which is all that this is about.
    ///
    /// # Panics
    /// If there can be no such backup.
    pub fn make_by(&self, key: &SigningKey, made: &Made<'_>) -> NoteHash {
        Layout::of_section(made.section_len as u64).expect("a length that a payload has");
        let section = paint(made.section_len);
        let tree = Tree::of(&section);
        let label = |text: &str| text.parse().expect("a label");
        let note = Note::Sealed(Sealed {
            signer: key.verifier_key().clone(),
            series: made.series.map(|(name, number)| SeriesPlace {
                label: label(name),
                epoch: Epoch::from_bytes([made.epoch; 16]),
                number,
                previous: (number > 1).then(|| made.previous.unwrap_or_else(|| "0".repeat(64).parse().expect("a hash"))),
            }),
            file: FileName::of(made.name.as_bytes()).expect("a name"),
            time: at(made.age),
            source: SourceKind::Command,
            process: Process { tool: label("dbseal"), version: label("0"), preset: label("x25519"), compression: label("none") },
            header: Extent::of(&self.header),
            payload: (&tree).into(),
            proof: Proof::none(),
        });
        let seal = Seal::new(note, key, &tree, &self.header);
        self.folder.write(&format!("backups/{}", made.name), [&self.header[..], &section].concat());
        self.folder.write(&format!("backups/{}.seal", made.name), seal.to_bytes());
        seal.first_hash()
    }

    /// A series without a gap, from its ages.
    pub fn make_series(&self, series: &str, ages: &[i64]) {
        let mut previous = None;
        for (number, &age) in (1..).zip(ages) {
            let name = format!("{series}-{number}.age");
            previous = Some(self.make(&Made { series: Some((series, number)), previous, age, ..made(&name) }));
        }
    }

    /// A backup and its seal are gone.
    ///
    /// # Panics
    /// If they were not there.
    pub fn remove(&self, name: &str) {
        for end in ["", ".seal"] {
            fs::remove_file(self.folder.path(&format!("backups/{name}{end}"))).expect("it is there");
        }
    }

    /// A backup and its seal get another name.
    ///
    /// # Panics
    /// If they were not there.
    pub fn rename(&self, from: &str, to: &str) {
        for end in ["", ".seal"] {
            let path = |name: &str| self.folder.path(&format!("backups/{name}{end}"));
            fs::rename(path(from), path(to)).expect("it is there");
        }
    }

    /// Adds the note of a restore test to a seal.
    ///
    /// # Panics
    /// If there is no such seal.
    pub fn note_restore_test(&self, name: &str, key: &SigningKey, age: i64, result: TestResult) {
        let path = format!("backups/{name}.seal");
        let mut seal = Seal::parse(&self.folder.read(&path)).expect("a seal");
        let Note::Sealed(first) = seal.notes()[0].note().clone() else { panic!("a sealed note") };
        let checks = vec![("dump".parse().expect("a label"), result)];
        let (previous, signer, payload) = (seal.last_hash(), key.verifier_key().clone(), first.payload);
        seal.append(Note::Restored(Restored { previous, signer, time: at(age), payload, seconds: 60, result, checks }), key)
            .expect("room for a note");
        self.folder.write(&path, seal.to_bytes());
    }

    /// `dbseal list`.
    pub fn list(&self, args: &[&str]) -> Run {
        self.folder.dbseal(["list", "--trust", "trust", "backups"]).args(args.iter().copied())
    }

    /// `dbseal verify`.
    pub fn verify(&self, args: &[&str]) -> Run {
        self.folder.dbseal(["verify", "--trust", "trust"]).args(args.iter().copied())
    }

    /// What `list` says, an object a line.
    #[must_use]
    pub fn rows(&self, args: &[&str]) -> Vec<Value> {
        answers(&self.list(&[&["--json"], args].concat()).run().succeeds())
    }

    /// The names of the backups that `list` has, in its order.
    ///
    /// # Panics
    /// If one lies elsewhere.
    #[must_use]
    pub fn names(&self, args: &[&str]) -> Vec<String> {
        let name = |row: &Value| Some(row["file"].as_str()?.strip_prefix("backups/").expect("in the folder").to_owned());
        self.rows(args).iter().filter_map(name).collect()
    }
}

/// The row of a backup.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn row<'a>(rows: &'a [Value], name: &str) -> &'a Value {
    rows.iter().find(|row| row["file"] == format!("backups/{name}")).unwrap_or_else(|| panic!("no row of {name}"))
}
