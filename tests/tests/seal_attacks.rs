//! The table of attacks in the specification of the seal, staged one by one on backups that the command made, and put to it.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;
use std::time::Duration;

use dbseal_core::{
    CHUNK_LEN, Extent, FileKey, Header, HeaderPadding, Note, PAYLOAD_NONCE_LEN, Proof, ProofKey, Recipient, Restored, Rewrapped, SLOT_LEN,
    Seal, Sealed, SeriesPlace, TestResult, Time, Tree, identities_from_text,
};
use dbseal_tests::cli::{Ended, Folder, seals};
use dbseal_tests::inputs::{Replay, paint};

const SPECIFICATION: &str = include_str!("../../core/SEAL.md");
const LIMIT: Duration = Duration::from_secs(60);

/// Where an attack is staged; the backup that it is about is `2.age`, unless it says so.
struct Stage(Folder);
type Attack = fn(&Stage) -> &'static str;

/// One row of the table.
struct Row {
    attack: &'static str,
    integrity: &'static str,
    place: &'static str,
    code: i32,
}

#[test]
fn every_attack_is_answered_as_the_specification_says() {
    let attacks: BTreeMap<&str, Attack> = ATTACKS.into();
    assert_eq!(attacks.len(), ATTACKS.len(), "an attack is there twice");
    let rows = rows();
    let staged: Vec<_> = attacks.keys().filter(|attack| !rows.iter().any(|row| row.attack == **attack)).collect();
    assert!(staged.is_empty(), "not in the specification: {staged:?}");
    let mut wrong = Vec::new();
    for row in &rows {
        let attack = attacks.get(row.attack).unwrap_or_else(|| panic!("nobody stages '{}'", row.attack));
        let (name, ended) = put(row, *attack);
        let answer = seals::answer(&ended, name);
        let answered = (answer["integrity"].as_str().unwrap_or("-"), answer["place"].as_str().unwrap_or("-"), ended.code());
        if answered != (row.integrity, row.place, row.code) {
            wrong.push(format!("{}: {answered:?}, not {:?}", row.attack, (row.integrity, row.place, row.code)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Stages an attack and runs the command on it, for machines and for people.
fn put(row: &Row, attack: Attack) -> (&'static str, Ended) {
    let stage = Stage::new();
    let has_state = row.attack.contains(", state");
    let is_chain = has_state || row.attack.contains(", chain");
    if row.attack.contains("failed drill") {
        stage.drill("2.age", TestResult::Failed);
    }
    let state = if has_state { &["--chain", "--state", "seen", "b"][..] } else { &["--chain", "b"] };
    if has_state {
        seals::verify(&stage.0, state).run().succeeds();
    }
    let name = attack(&stage);
    let file = format!("b/{name}");
    let seen = stage.0.has("seen").then(|| stage.0.read("seen"));
    let run = |words: &[&str]| {
        let run = stage.0.dbseal(["verify", "--trust", "trust"]).args(words.iter().copied()).limit(LIMIT);
        let ended = if is_chain { run.args(state.iter().copied()) } else { run.args([file.as_str()]) }.run();
        let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), ended.stderr);
        assert!(!said.contains("panicked"), "{}: {said}", row.attack);
        assert!(!said.chars().any(|character| character.is_control() && character != '\n'), "{}: {said:?}", row.attack);
        ended
    };
    let words = run(&[]);
    if let Some(seen) = seen {
        stage.0.write("seen", seen);
    }
    let ended = run(&["--json"]);
    assert_eq!(words.code(), ended.code(), "{}: a person and a machine get the same exit code", row.attack);
    (name, ended)
}

fn rows() -> Vec<Row> {
    let (_, table) = SPECIFICATION.split_once("| --- | --- | --- | --- |\n").expect("the table of attacks");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let rows: Vec<Row> = rows
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [attack, integrity, place, code] = cells[..] else { panic!("four cells: {line}") };
            Row { attack, integrity, place, code: code.parse().expect("an exit code") }
        })
        .collect();
    assert!(rows.len() > 30, "a table that shrank");
    rows
}

const ATTACKS: [(&str, Attack); 46] = [
    ("nothing", |_| "2.age"),
    ("flip one bit of the payload", |stage| stage.edit("2.age", |bytes| *bytes.last_mut().expect("a byte") ^= 1)),
    ("truncate the file", |stage| stage.edit("2.age", |bytes| bytes.truncate(bytes.len() - 1))),
    ("extend the file", |stage| stage.edit("2.age", |bytes| bytes.push(0))),
    ("swap two chunks", |stage| {
        stage.edit("2.age", |bytes| {
            let first = Header::parse(bytes).expect("a header").1 + PAYLOAD_NONCE_LEN;
            let (one, other) = bytes[first..].split_at_mut(SLOT_LEN);
            one.swap_with_slice(&mut other[..SLOT_LEN]);
        })
    }),
    ("swap two backups with their seals", |stage| {
        for (from, to) in [("2.age", "x"), ("1.age", "2.age"), ("x", "1.age")] {
            stage.rename(from, to);
        }
        "2.age"
    }),
    ("put an older backup of another name and its seal in the place of this one", |stage| {
        stage.rename("1.age", "2.age");
        "2.age"
    }),
    ("swap the seals of two backups", |stage| {
        let (one, two) = (stage.read("1.age.seal"), stage.read("2.age.seal"));
        stage.write("1.age.seal", &two);
        stage.write("2.age.seal", &one);
        "2.age"
    }),
    ("delete the seal", |stage| {
        fs::remove_file(stage.0.path("b/2.age.seal")).expect("it is there");
        "2.age"
    }),
    ("truncate the seal in its notes", |stage| stage.edit_notes(|notes| *notes = notes[..notes.len() - 20].into())),
    ("drop a note that is not the last", |stage| stage.with_three_notes(|blocks| drop(blocks.drain(2..4)))),
    ("reorder two notes", |stage| stage.with_three_notes(|blocks| blocks[2..6].rotate_left(2))),
    ("splice a note of another seal", |stage| {
        stage.drill("1.age", TestResult::Passed);
        let other = stage.blocks("1.age.seal");
        stage.with_three_notes(|blocks| blocks.splice(4..6, other[2..4].iter().cloned()).for_each(drop))
    }),
    ("drop the note of the last rewrap", |stage| {
        stage.rewrap("custodian");
        stage.edit_blocks(|blocks| drop(blocks.drain(2..4)))
    }),
    ("drop the note of a failed drill", |stage| stage.edit_blocks(|blocks| drop(blocks.drain(2..4)))),
    ("drop the note of a failed drill, state", |stage| stage.edit_blocks(|blocks| drop(blocks.drain(2..4)))),
    ("seal again with another key", |stage| stage.seal_again("stranger", "2.age")),
    ("sign again with another key", |stage| {
        let original = stage.blocks("2.age.seal");
        stage.seal_again("stranger", "2.age");
        stage.edit_blocks(|blocks| blocks[0].clone_from(&original[0]))
    }),
    ("a trusted key without the role", |stage| stage.seal_again("custodian", "2.age")),
    ("a trusted key outside its series", |stage| stage.seal_again("elsewhere", "2.age")),
    ("a key that is trusted up to the backup before", |stage| stage.end_trust("1.age", "2.age")),
    ("another of the number at which trust in its key ends", |stage| {
        stage.end_trust("2.age", "2.age");
        stage.seal_again("host", "2.age")
    }),
    ("another of a number before the end of trust in its key", |stage| {
        stage.end_trust("5.age", "2.age");
        stage.seal_again("host", "2.age")
    }),
    ("another of a number before the end of trust in its key, chain", |stage| {
        stage.end_trust("5.age", "2.age");
        stage.seal_again("host", "2.age")
    }),
    ("a rewrap signed by a key without the role", |stage| stage.rewrap("host")),
    ("swap only the header", |stage| {
        let other = stage.read("1.age");
        let (_, len) = Header::parse(&other).expect("a header");
        stage.edit("2.age", |bytes| bytes[..len].copy_from_slice(&other[..len]))
    }),
    ("seal again with another key and swap the header", |stage| {
        stage.seal_again("stranger", "2.age");
        stage.edit("2.age", |bytes| bytes[30] ^= 1)
    }),
    ("put the old header back after a rewrap", |stage| {
        let old = stage.read("2.age");
        stage.rewrap("custodian");
        stage.write("2.age", &old);
        "2.age"
    }),
    ("change one byte of a signed text", |stage| stage.replace("source file", "source stdin")),
    ("duplicate a field", |stage| stage.replace("source file\n", "source file\nsource file\n")),
    ("leave out a field", |stage| stage.replace("source file\n", "")),
    ("huge numbers", |stage| stage.replace(" 4096 ", " 99999999999999999999999999999999 ")),
    ("a number that is not canonical", |stage| stage.replace(" 4096 ", " 04096 ")),
    ("other line ends", |stage| stage.replace("\n", "\r\n")),
    ("a name with folders in it", |stage| stage.replace("file 2.age", "file ../b/2.age")),
    ("a name with control characters", |stage| stage.replace("file 2.age", "file \x1b[2J\x07\u{9b}2.age")),
    ("more notes than are allowed", |stage| {
        let mut seal = Seal::parse(&stage.read("2.age.seal")).expect("a seal");
        let key = seals::signing_key(&stage.0, "drill");
        while seal.notes().len() < 1024 {
            let note = stage.drill_note(&seal, TestResult::Passed);
            seal.append(note, &key).expect("room");
        }
        let text = String::from_utf8(seal.to_bytes()).expect("text");
        let (notes, unsigned) = text.split_once("\nunsigned\n").expect("an unsigned section");
        let one_more = &notes[notes.rfind("\ndbseal/v1 restored\n").expect("a note")..];
        stage.write("2.age.seal", [notes, one_more, "\nunsigned\n", unsigned].concat());
        "2.age"
    }),
    ("change a group's hash", |stage| {
        stage.edit_blocks(|blocks| {
            let start = blocks[2].find("\ngroups 4\n").expect("four groups") + "\ngroups 4\n".len();
            let other = if blocks[2][start..].starts_with('A') { "B" } else { "A" };
            blocks[2].replace_range(start..=start, other);
        })
    }),
    ("cut off the unsigned section", |stage| {
        stage.edit_blocks(|blocks| {
            blocks.truncate(2);
            blocks[1].push('\n');
        })
    }),
    ("a later note of an unknown kind", |stage| {
        let previous = Seal::parse(&stage.read("2.age.seal")).expect("a seal").last_hash();
        let note = [format!("dbseal/v1 blessed\nprevious {previous}\nby the pope"), "\u{2014} pope AAAAAAAA".into()];
        stage.edit_blocks(|blocks| blocks.splice(2..2, note.clone()).for_each(drop))
    }),
    ("a trusted key's note about another's file", |stage| {
        let mut seal = Seal::parse(&stage.read("2.age.seal")).expect("a seal");
        let other = Seal::parse(&stage.read("1.age.seal")).expect("a seal");
        let Note::Restored(note) = stage.drill_note(&other, TestResult::Passed) else { panic!("a drill's note") };
        seal.append(Note::Restored(Restored { previous: seal.last_hash(), ..note }), &seals::signing_key(&stage.0, "drill"))
            .expect("room for a note");
        let about_another = stage.rewrapped(&seal, "custodian", &stage.read("1.age"), &stage.read("3.age"));
        seal.append(about_another, &seals::signing_key(&stage.0, "custodian")).expect("room for a note");
        stage.write("2.age.seal", seal.to_bytes());
        "2.age"
    }),
    ("delete a backup in the middle, chain", |stage| {
        stage.remove("2.age");
        "3.age"
    }),
    ("delete the newest three backups, chain", |stage| {
        ["3.age", "4.age", "5.age"].iter().for_each(|name| stage.remove(name));
        "2.age"
    }),
    ("delete the newest three backups, chain, state", |stage| {
        ["3.age", "4.age", "5.age"].iter().for_each(|name| stage.remove(name));
        "2.age"
    }),
    ("two backups of one number, chain", |stage| {
        stage.copy("2.age", "2b.age");
        stage.seal_again("host", "2b.age")
    }),
    ("another backup of a number that was seen, chain, state", |stage| stage.seal_again("host", "2.age")),
];

impl Stage {
    /// On copies of five backups of one series.
    fn new() -> Self {
        static ORIGINALS: OnceLock<Folder> = OnceLock::new();
        let originals = ORIGINALS.get_or_init(|| {
            let folder = seals::folder();
            let mut trust = folder.read_text("trust").replace("series=*", "series=shop*");
            for (name, may) in [("custodian", "may=rewrap"), ("drill", "may=drill"), ("elsewhere", "series=elsewhere"), ("stranger", "")] {
                seals::new_key(&folder, name);
                if !may.is_empty() {
                    trust += &format!("{} {may}\n", folder.read_text(&format!("{name}.pub")).trim());
                }
            }
            folder.write("trust", trust);
            for number in 1..=5_usize {
                // Different content, of one length.
                folder.write("dump", paint((3 << 20) + number)[number..].iter().map(|byte| byte ^ 7).collect::<Vec<_>>());
                seals::encrypt_next(&folder, &["-o", &format!("b/{number}.age"), "dump"]).run().succeeds();
            }
            const { assert!((3 << 20) % CHUNK_LEN == 0) };
            folder
        });
        let stage = Folder::new();
        stage.program("cp").args(["-r", "--"]).args(originals.names().iter().map(|name| originals.path(name))).args(["."]).run().succeeds();
        Self(stage)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        self.0.read(&format!("b/{name}"))
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        self.0.write(&format!("b/{name}"), bytes);
    }

    fn edit(&self, name: &'static str, edit: impl FnOnce(&mut Vec<u8>)) -> &'static str {
        let mut bytes = self.read(name);
        edit(&mut bytes);
        self.write(name, bytes);
        name
    }

    /// A backup with its seal.
    fn rename(&self, from: &str, to: &str) {
        for end in ["", ".seal"] {
            fs::rename(self.0.path(&format!("b/{from}{end}")), self.0.path(&format!("b/{to}{end}"))).expect("it is there");
        }
    }

    /// A backup with its seal.
    fn copy(&self, from: &str, to: &str) {
        for end in ["", ".seal"] {
            fs::copy(self.0.path(&format!("b/{from}{end}")), self.0.path(&format!("b/{to}{end}"))).expect("it is there");
        }
    }

    fn remove(&self, name: &str) {
        for end in ["", ".seal"] {
            fs::remove_file(self.0.path(&format!("b/{name}{end}"))).expect("it is there");
        }
    }

    /// What stands between the empty lines of a seal: a text, its signatures, a text, its signatures, the unsigned section.
    fn blocks(&self, name: &str) -> Vec<String> {
        String::from_utf8(self.read(name)).expect("text").split("\n\n").map(Into::into).collect()
    }

    fn edit_blocks(&self, edit: impl FnOnce(&mut Vec<String>)) -> &'static str {
        let mut blocks = self.blocks("2.age.seal");
        edit(&mut blocks);
        self.write("2.age.seal", blocks.join("\n\n"));
        "2.age"
    }

    fn with_three_notes(&self, edit: impl FnOnce(&mut Vec<String>)) -> &'static str {
        self.rewrap("custodian");
        self.drill("2.age", TestResult::Passed);
        self.edit_blocks(edit)
    }

    /// Everything before the unsigned section.
    fn edit_notes(&self, edit: impl FnOnce(&mut String)) -> &'static str {
        let mut notes = self.blocks("2.age.seal")[..2].join("\n\n");
        edit(&mut notes);
        self.write("2.age.seal", notes);
        "2.age"
    }

    fn replace(&self, from: &str, to: &str) -> &'static str {
        self.edit_blocks(|blocks| {
            assert!(blocks[0].contains(from.trim_end()), "{from:?} is not in\n{}", blocks[0]);
            blocks[0] = format!("{}\n", blocks[0]).replace(from, to).trim_end_matches('\n').into();
        })
    }

    fn drill_note(&self, seal: &Seal, result: TestResult) -> Note {
        let Note::Sealed(first) = seal.notes()[0].note() else { panic!("the host's note") };
        Note::Restored(Restored {
            previous: seal.last_hash(),
            signer: seals::signing_key(&self.0, "drill").verifier_key().clone(),
            time: Time::default(),
            payload: first.payload,
            seconds: 60,
            result,
            checks: vec![("starts".parse().expect("a label"), result)],
        })
    }

    /// Adds the note of a restore test.
    fn drill(&self, name: &str, result: TestResult) {
        let name = format!("{name}.seal");
        let mut seal = Seal::parse(&self.read(&name)).expect("a seal");
        seal.append(self.drill_note(&seal, result), &seals::signing_key(&self.0, "drill")).expect("room for a note");
        self.write(&name, seal.to_bytes());
    }

    /// Gives `2.age` a new header for the same file key, and the note of that by this key.
    fn rewrap(&self, signer: &str) -> &'static str {
        let old = self.read("2.age");
        let (header, len) = Header::parse(&old).expect("a header");
        let file_key: FileKey =
            header.unwrap(&identities_from_text(&self.0.read_text("backup.key")).expect("an identity")).expect("the file key");
        let recipient: Recipient = self.0.read_text("backup.pub").trim().parse().expect("a recipient");
        let header = Header::wrap(&file_key, &[recipient], HeaderPadding::Fixed, &mut Replay(1)).expect("a header");
        let new = [&header.to_bytes(), &old[len..]].concat();
        let mut seal = Seal::parse(&self.read("2.age.seal")).expect("a seal");
        let note = self.rewrapped(&seal, signer, &old, &new);
        seal.append(note, &seals::signing_key(&self.0, signer)).expect("room for a note");
        self.write("2.age", new);
        self.write("2.age.seal", seal.to_bytes());
        "2.age"
    }

    fn rewrapped(&self, seal: &Seal, signer: &str, old: &[u8], new: &[u8]) -> Note {
        let (header, _, proof_key) = seals::parts(&self.0, new);
        let (old_header, _, _) = seals::parts(&self.0, old);
        let note = Note::Rewrapped(Rewrapped {
            previous: seal.last_hash(),
            signer: seals::signing_key(&self.0, signer).verifier_key().clone(),
            time: Time::default(),
            old_header: Extent::of(&old_header.to_bytes()),
            header: Extent::of(&header.to_bytes()),
            proof: Proof::none(),
        });
        note.proven(&proof_key)
    }

    /// Trust in the host's key ends at this backup.
    fn end_trust(&self, last: &str, about: &'static str) -> &'static str {
        let seal = Seal::parse(&self.read(&format!("{last}.seal"))).expect("a seal");
        let SeriesPlace { label, epoch, number, .. } = seal.notes()[0].note().series().expect("a series");
        let ended = format!("series={label} until={epoch}:{number}:{}", seal.first_hash());
        let trust = self.0.read_text("trust");
        assert!(trust.contains("series=shop*"), "{trust}");
        self.0.write("trust", trust.replacen("series=shop*", &ended, 1));
        about
    }

    /// As if this key's holder had made the backup.
    fn seal_again(&self, signer: &str, name: &'static str) -> &'static str {
        let backup = self.read(name);
        let (header, section, proof_key): (_, _, ProofKey) = seals::parts(&self.0, &backup);
        let key = seals::signing_key(&self.0, signer);
        let Note::Sealed(note) = Seal::parse(&self.read(&format!("{name}.seal"))).expect("a seal").notes()[0].note().clone() else {
            panic!("the host's note")
        };
        let file = dbseal_core::FileName::of(name.as_bytes()).expect("a name");
        let note = Note::Sealed(Sealed { signer: key.verifier_key().clone(), file, time: Time::default(), ..note }).proven(&proof_key);
        self.write(&format!("{name}.seal"), Seal::new(note, &key, &Tree::of(&section), &header.to_bytes()).to_bytes());
        name
    }
}
