//! The seal vectors and the age files that they are about, each built from the same bytes whenever it is asked for.

mod broken;
mod ended;
mod whole;

use crate::inputs::paint;
use crate::reference::{IDENTITY, seal_payload, x25519_header};
use crate::seal_writer::{Key, base64_unpadded, extent, hex, last_hash, proven, signature_line, unsigned};

const FILE_KEY: [u8; 16] = *b"YELLOW SUBMARINE";
const NEW_FILE_KEY: [u8; 16] = *b"ORANGE SUBMARINE";
const TIME: &str = "time 2026-11-24T02:00:13Z\n";
const PASSED: &str = "seconds 41\nresult passed\ncheck starts passed\n";
/// Bytes in the payload section of the age file that is not stored: two groups and a part of one.
pub const THREE_GROUPS_LEN: usize = 2_100_300;

/// Name and content of each age file that is stored.
#[must_use]
pub fn backups() -> Vec<(&'static str, Vec<u8>)> {
    let World { shop, rewrapped, reencrypted, .. } = World::new();
    let mut damaged = shop.file();
    *damaged.last_mut().expect("a byte") ^= 1;
    let mut shorter = shop.file();
    shorter.pop();
    vec![
        ("shop.age", shop.file()),
        ("shop-rewrapped.age", rewrapped.file()),
        ("shop-reencrypted.age", reencrypted.file()),
        ("shop-damaged.age", damaged),
        ("shop-shorter.age", shorter),
    ]
}

/// The age file that is not stored: the header of `shop.age`, and a payload section that nobody sealed.
#[must_use]
pub fn three_groups() -> Vec<u8> {
    [World::new().shop.header, paint(THREE_GROUPS_LEN)].concat()
}

/// Name and content of each vector.
#[must_use]
pub fn vectors() -> Vec<(String, Vec<u8>)> {
    let world = World::new();
    let cases = [whole::cases(&world), ended::cases(&world), broken::cases(&world)];
    cases.into_iter().flatten().map(|case| (case.name.clone(), case.bytes())).collect()
}

/// A seal of so many notes, the first one of `shop.age` and all others restore tests; too many to be stored.
#[must_use]
pub fn seal_of_notes(count: usize) -> Vec<u8> {
    let world = World::new();
    let mut notes = world.first();
    for _ in 1..count {
        let note = world.drill.note(&world.restored(&last_hash(&notes), PASSED));
        notes.push('\n');
        notes.push_str(&note);
    }
    notes.into_bytes()
}

/// A seal of `shop.age` whose unsigned section is so long that the seal has `len` bytes; too many to be stored.
#[must_use]
pub fn seal_of_len(len: usize) -> Vec<u8> {
    let mut seal = [World::new().first().as_bytes(), b"\nunsigned\n"].concat();
    seal.resize(len, b'x');
    seal
}

/// A seal of `shop.age` that lists so many groups; too many to be stored.
#[must_use]
pub fn seal_of_groups(count: usize) -> Vec<u8> {
    let world = World::new();
    [world.first().into_bytes(), unsigned(&vec![base64_unpadded(&[0; 32]); count], &world.shop.header)].concat()
}

struct Backup {
    header: Vec<u8>,
    section: Vec<u8>,
}

impl Backup {
    fn new(file_key: &[u8; 16], ephemeral_secret: u8) -> Self {
        let section = seal_payload(file_key, &[file_key[0]; 16], b"SELECT 1;\n");
        Self { header: x25519_header(file_key, [ephemeral_secret; 32]), section }
    }

    fn file(&self) -> Vec<u8> {
        [&self.header[..], &self.section].concat()
    }
}

/// A vector that is being made.
struct Case {
    name: String,
    comment: String,
    expect: &'static str,
    /// Which rule is broken, and the vector beside it that breaks none.
    broken: Option<(&'static str, &'static str)>,
    counted: usize,
    unsigned: &'static str,
    trust: Vec<String>,
    backup: &'static str,
    proof: Option<(&'static str, [u8; 16])>,
    seal: Vec<u8>,
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        let mut header = format!("comment: {}\nexpect: {}\n", self.comment, self.expect);
        let mut line = |key: &str, value: &str| header += &format!("{key}: {value}\n");
        match self.broken {
            Some((reason, neighbour)) => {
                line("reason", reason);
                line("neighbour", neighbour);
            }
            None => {
                line("counted", &self.counted.to_string());
                line("unsigned", self.unsigned);
            }
        }
        self.trust.iter().for_each(|trust| line("trust", trust));
        line("backup", self.backup);
        if let Some((word, file_key)) = self.proof {
            line("identity", IDENTITY);
            line("file-key", &hex(&file_key));
            line("proof", word);
        }
        [header.as_bytes(), b"\n", &self.seal].concat()
    }

    fn answer(self, expect: &'static str, counted: usize) -> Self {
        Self { expect, counted, ..self }
    }

    fn unsigned(self, unsigned: &'static str) -> Self {
        Self { unsigned, ..self }
    }

    fn trust(self, trust: &[String]) -> Self {
        Self { trust: trust.to_vec(), ..self }
    }

    fn of(self, backup: &'static str) -> Self {
        Self { backup, ..self }
    }

    fn proof(self, word: &'static str, file_key: [u8; 16]) -> Self {
        Self { proof: Some((word, file_key)), ..self }
    }
}

struct World {
    host: Key,
    custodian: Key,
    drill: Key,
    stranger: Key,
    shop: Backup,
    rewrapped: Backup,
    reencrypted: Backup,
}

impl World {
    fn new() -> Self {
        Self {
            host: Key::new("host", 1),
            custodian: Key::new("custodian", 2),
            drill: Key::new("drill", 3),
            stranger: Key::new("stranger", 4),
            shop: Backup::new(&FILE_KEY, 1),
            rewrapped: Backup::new(&FILE_KEY, 2),
            reencrypted: Backup::new(&NEW_FILE_KEY, 3),
        }
    }

    /// A vector that breaks no rule: intact, one note counts, and there is no unsigned section, unless it is said otherwise.
    fn whole_case(&self, name: &str, comment: &str, seal: impl Into<Vec<u8>>) -> Case {
        let [host, custodian, drill] = [&self.host, &self.custodian, &self.drill].map(Key::vkey);
        Case {
            name: name.into(),
            comment: comment.into(),
            expect: "intact",
            broken: None,
            counted: 1,
            unsigned: "absent",
            trust: vec![format!("{host} may=seal"), format!("{custodian} may=rewrap"), format!("{drill} may=drill")],
            backup: "shop.age",
            proof: None,
            seal: seal.into(),
        }
    }

    /// A vector that breaks a rule, `RULE/NAME`.
    fn broken_case(&self, name: &'static str, neighbour: &'static str, comment: &str, seal: impl Into<Vec<u8>>) -> Case {
        let (reason, name) = (name.split('/').next().unwrap_or(name), name.replace('/', "-"));
        Case { broken: Some((reason, neighbour)), ..self.whole_case(&name, comment, seal).answer("broken-seal", 0) }
    }

    /// The text of the first note, up to its proof.
    fn sealed(&self, by: &Key, backup: &Backup) -> String {
        let (header, payload) = (extent("header", &backup.header), extent("payload", &backup.section));
        let series = format!("series shop {} 1 -\n", "3c".repeat(16));
        let process = "source command 0\nprocess dbseal/0.1.0 x25519 none\n";
        format!("dbseal/v1 sealed\nsigner {}\n{series}file shop.age\n{TIME}{process}{header}{payload}group 1048576\n", by.vkey())
    }

    fn adopted(&self, by: &Key) -> String {
        let (header, payload) = (extent("header", &self.shop.header), extent("payload", &self.shop.section));
        format!("dbseal/v1 adopted\nsigner {}\nfile shop.age\n{TIME}{header}{payload}group 1048576\n", by.vkey())
    }

    /// The text up to its proof.
    fn rewrapped(&self, previous: &str, by: &Key, old: &Backup, new: &Backup) -> String {
        let (old_header, header) = (extent("old-header", &old.header), extent("header", &new.header));
        format!("dbseal/v1 rewrapped\nprevious {previous}\nsigner {}\n{TIME}{old_header}{header}", by.vkey())
    }

    /// The text up to its proof.
    fn reencrypted(&self, previous: &str, by: &Key, old: &Backup, new: &Backup) -> String {
        let headers = self.rewrapped(previous, by, old, new).replace("v1 rewrapped", "v1 reencrypted");
        let (old_payload, payload) = (extent("old-payload", &old.section), extent("payload", &new.section));
        format!("{headers}{old_payload}{payload}group 1048576\n")
    }

    fn restored(&self, previous: &str, result: &str) -> String {
        let payload = extent("payload", &self.shop.section);
        format!("dbseal/v1 restored\nprevious {previous}\nsigner {}\n{TIME}{payload}{result}", self.drill.vkey())
    }

    /// The host's note about `shop.age`.
    fn first(&self) -> String {
        self.host.note(&proven(&self.sealed(&self.host, &self.shop), &FILE_KEY))
    }

    /// The host's note with something changed before it is proven and signed.
    fn changed(&self, from: &str, to: &str) -> String {
        self.host.note(&proven(&change(&self.sealed(&self.host, &self.shop), from, to), &FILE_KEY))
    }

    /// The host's note, and one after it.
    fn then(&self, note: impl FnOnce(&str) -> String) -> String {
        let first = self.first();
        format!("{first}\n{}", note(&last_hash(&first)))
    }

    /// The host's note, and a restore test's that says so.
    fn tested(&self, result: &str) -> String {
        self.then(|previous| self.drill.note(&self.restored(previous, result)))
    }

    /// The host's note, and one of an unknown kind with a signature that nobody can check.
    fn blessed(&self, rest: &str) -> String {
        let text = |previous: &str| format!("dbseal/v1 blessed\nprevious {previous}\n{rest}");
        self.then(|previous| format!("{}\n{}", text(previous), signature_line("pope", &[7; 68])))
    }

    /// The host's note, and its recipients changed.
    fn with_rewrapped(&self, by: &Key) -> String {
        self.then(|previous| by.note(&proven(&self.rewrapped(previous, by, &self.shop, &self.rewrapped), &FILE_KEY)))
    }
}

/// The text with the first of these changed.
fn change(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in {text:?}");
    text.replacen(from, to, 1)
}
