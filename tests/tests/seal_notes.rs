//! The notes of a seal are signed notes to others too, and no change of one is believed.
#![cfg(unix)]

use std::process::Command;

use dbseal_core::{
    Adopted, Extent, FileKey, FileName, Integrity, Label, Note, Proof, ProofKey, Restored, Rewrapped, Seal, SigningKey, TestResult, Time,
    Tree, Trust,
};
use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::inputs::{Replay, paint};
use dbseal_tests::tools::tool;

/// Signed notes in the words of c2sp.org/signed-note, with node's own Ed25519: no line of ours.
const SIGNED_NOTE: &str = r"
    import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
    import { readFileSync, writeFileSync } from 'node:fs';
    import { strict as assert } from 'node:assert';
    const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
    const keyId = (name, key) => createHash('sha256').update(`${name}\n`).update(key).digest().subarray(0, 4);
    function parseVkey(vkey) {
        const [, name, hex, base64] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey);
        const key = Buffer.from(base64, 'base64');
        assert.equal(key.toString('base64'), base64);
        assert.equal(key[0], 1);
        assert.equal(keyId(name, key).toString('hex'), hex);
        return { name, id: keyId(name, key), key: createPublicKey({ key: Buffer.concat([SPKI, key.subarray(1)]), format: 'der', type: 'spki' }) };
    }
    function makeKey(name) {
        const { publicKey, privateKey } = generateKeyPairSync('ed25519');
        const key = Buffer.concat([Buffer.from([1]), publicKey.export({ format: 'der', type: 'spki' }).subarray(12)]);
        return { name, id: keyId(name, key), privateKey, vkey: `${name}+${keyId(name, key).toString('hex')}+${key.toString('base64')}` };
    }
    const signNote = (text, { name, id, privateKey }) =>
        `${text}\n\u2014 ${name} ${Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString('base64')}\n`;
    function isSigned(note, vkey) {
        const { name, id, key } = parseVkey(vkey);
        const end = note.lastIndexOf('\n\n');
        const text = note.slice(0, end + 1);
        return note.slice(end + 2).split('\n').filter((line) => line !== '').some((line) => {
            const [, signer, base64] = /^\u2014 (\S+) (\S+)$/.exec(line);
            const bytes = Buffer.from(base64, 'base64');
            return signer === name && bytes.subarray(0, 4).equals(id) && verify(null, Buffer.from(text), key, bytes.subarray(4));
        });
    }
";
const VERIFY: &str = r"
    const [seal, vkey] = process.argv.slice(1).map((file) => readFileSync(file, 'utf8'));
    const [text, signatures] = seal.split('\n\n');
    const note = `${text}\n\n${signatures}\n`;
    assert(isSigned(note, vkey.trim()), 'the signature verifies');
    assert(!isSigned(note.replace('payload', 'payroll'), vkey.trim()), 'and not over another text');
    assert(text.includes(`\nsigner ${vkey.trim()}\n`));
";
const SIGN: &str = r"
    const [backup, root, vkey, other] = process.argv.slice(1);
    const bytes = readFileSync(backup);
    const mac = bytes.indexOf('\n--- ');
    const headerLen = bytes.indexOf('\n', mac + 1) + 1;
    const headerHash = readFileSync(`${root}.header`, 'utf8').trim();
    const payloadHash = readFileSync(root, 'utf8').trim();
    const key = makeKey('node.example');
    const text = `dbseal/v1 adopted\nsigner ${key.vkey}\nfile ${backup.split('/').pop()}\ntime 2026-02-28T23:59:59Z\n` +
        `header ${headerLen} ${headerHash}\npayload ${bytes.length - headerLen} ${payloadHash}\ngroup 1048576\n`;
    writeFileSync(`${backup}.seal`, signNote(text, key));
    writeFileSync(vkey, `${key.vkey}\n`);
    writeFileSync(other, `${makeKey('node.example').vkey}\n`);
";

fn node(folder: &Folder, script: &str, args: &[&str]) {
    let script = format!("{SIGNED_NOTE}{script}");
    let node = folder.program(tool("node")).args(["--input-type=module", "--eval", script.as_str(), "--"]).args(args.iter().copied());
    node.run().succeeds();
}

fn b3sum(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("it can be written");
    let output = Command::new(tool("b3sum")).arg("--no-names").arg(file.path()).output().expect("b3sum starts");
    String::from_utf8(output.stdout).expect("text").trim().into()
}

#[test]
fn others_verify_what_we_sign() {
    let folder = seals::folder();
    folder.write("dump", paint(1000));
    seals::encrypt(&folder, &["-o", "b/1.age", "dump"]).run().succeeds();
    node(&folder, VERIFY, &["b/1.age.seal", "host.pub"]);
    seals::encrypt_next(&folder, &["-o", "b/2.age", "dump"]).run().succeeds();
    node(&folder, VERIFY, &["b/2.age.seal", "host.pub"]);
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "b/3.age", "dump"]).run().succeeds();
    folder.dbseal(["seal", "--sign", "host.key", "b/3.age"]).run().succeeds();
    node(&folder, VERIFY, &["b/3.age.seal", "host.pub"]);
}

#[test]
fn we_verify_what_others_sign() {
    for len in [0, 1000, 3 << 20] {
        let folder = seals::folder();
        folder.write("dump", paint(len));
        folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "b/1.age", "dump"]).run().succeeds();
        let backup = folder.read("b/1.age");
        let (_, header_len) = dbseal_core::Header::parse(&backup).expect("a header");
        folder.write("root", b3sum(&backup[header_len..]));
        folder.write("root.header", b3sum(&backup[..header_len]));
        node(&folder, SIGN, &["b/1.age", "root", "node.pub", "other.pub"]);
        let verify = |trust| folder.dbseal(["verify", "--json", "--trust", trust, "b/1.age"]).run();
        let answer = seals::answer(&verify("node.pub").succeeds(), "1.age");
        assert_eq!((&answer["integrity"], &answer["vouched_by"]), (&"intact".into(), &"node.example".into()));
        // The same name, another key.
        let answer = seals::answer(&verify("other.pub").ends_with(1, ""), "1.age");
        assert_eq!(answer["integrity"], "unvouched");
    }
}

/// A seal of three notes, what it is about, and who trusts its signer.
fn seal_of_three() -> (Vec<u8>, usize, Extent, Extent, Trust) {
    let key = SigningKey::generate("db1".parse::<Label>().expect("a label"), &mut Replay(1));
    let section = paint(3 << 20);
    let tree = Tree::of(&section[..(3 << 20) - 1000]);
    let (signer, time, payload) = (key.verifier_key().clone(), Time::default(), Extent::from(&tree));
    let (old_header, header) = (Extent::of(b"a header"), Extent::of(b"another header"));
    let file = FileName::of(b"shop.age").expect("a name");
    let first = Note::Adopted(Adopted { signer: signer.clone(), file, time, header: old_header, payload });
    let mut seal = Seal::new(first, &key, &tree, b"a header");
    let (previous, proof) = (seal.last_hash(), Proof::none());
    let rewrapped = Note::Rewrapped(Rewrapped { previous, signer: signer.clone(), time, old_header, header, proof });
    seal.append(rewrapped.proven(&ProofKey::of(&FileKey::from_bytes(&[7; 16]))), &key).expect("room for a note");
    let (previous, result) = (seal.last_hash(), TestResult::Failed);
    let checks = vec![("starts".parse().expect("a label"), result)];
    seal.append(Note::Restored(Restored { previous, signer: signer.clone(), time, payload, seconds: 1, result, checks }), &key)
        .expect("room for a note");
    let bytes = seal.to_bytes();
    let signed_len = bytes.windows(10).position(|window| window == b"\nunsigned\n").expect("an unsigned section");
    let trust = Trust::parse(&format!("{signer} may=seal,rewrap,drill")).expect("a trust line");
    (bytes, signed_len, header, payload, trust)
}

/// What the bytes make somebody believe of the file; nothing, where they are no seal.
fn believed(bytes: &[u8], header: Extent, payload: Extent, trust: &Trust) -> Option<(Integrity, usize)> {
    let seal = Seal::parse(bytes).ok()?;
    assert_eq!(seal.to_bytes(), bytes, "what parses prints back");
    let judgement = seal.judge(trust);
    Some((judgement.integrity(header, payload.len, &payload.hash), judgement.counted().count()))
}

/// Nothing; or, where the kind of the last note became one that nobody knows, what was said without that note, which whoever
/// can write to the storage could have left out.
#[track_caller]
fn assert_not_believed(bytes: &[u8], header: Extent, payload: Extent, trust: &Trust, what: &str) {
    let Some(answer) = believed(bytes, header, payload, trust) else { return };
    let seal = Seal::parse(bytes).expect("it was believed");
    let is_unknown = matches!(seal.notes().last().map(|note| note.note()), Some(Note::Unknown(_)));
    assert!(is_unknown && seal.notes().len() == 3 && answer == (Integrity::Intact, 2), "{what}: {answer:?}");
}

#[test]
fn no_changed_byte_of_a_signed_part_is_believed() {
    let (bytes, signed_len, header, payload, trust) = seal_of_three();
    assert_eq!(believed(&bytes, header, payload, &trust), Some((Integrity::Intact, 3)));
    for index in 0..signed_len {
        for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            let mut changed = bytes.clone();
            changed[index] ^= flip;
            assert_not_believed(&changed, header, payload, &trust, &format!("byte {index} with {flip}"));
        }
    }
}

#[test]
fn no_byte_put_in_or_left_out_of_a_signed_part_is_believed() {
    let (bytes, signed_len, header, payload, trust) = seal_of_three();
    for index in 0..signed_len {
        let without = [&bytes[..index], &bytes[index + 1..]].concat();
        assert_not_believed(&without, header, payload, &trust, &format!("without byte {index}"));
        for byte in [b"\n"[0], b' ', b'0', b'\r', b'=', 0, 0xe2] {
            let with = [&bytes[..index], &[byte], &bytes[index..]].concat();
            assert_not_believed(&with, header, payload, &trust, &format!("byte {byte} before {index}"));
        }
    }
}

/// At the end of a note a seal may end: that is what an earlier seal was, and a verifier's state knows better.
#[test]
fn a_seal_that_is_cut_off_says_nothing_or_what_it_said_before() {
    let (bytes, signed_len, header, payload, trust) = seal_of_three();
    let mut earlier = Vec::new();
    for len in 0..=signed_len {
        if let Some(answer) = believed(&bytes[..len], header, payload, &trust) {
            earlier.push(answer);
        }
    }
    assert_eq!(earlier, [(Integrity::HeaderChanged, 1), (Integrity::Intact, 2), (Integrity::Intact, 3)]);
}

#[test]
fn the_unsigned_section_changes_nothing_that_is_believed() {
    let (bytes, signed_len, header, payload, trust) = seal_of_three();
    for index in signed_len + 10..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 1;
        for bytes in [&changed[..], &bytes[..index]] {
            assert_eq!(believed(bytes, header, payload, &trust), Some((Integrity::Intact, 3)), "byte {index}");
        }
    }
}

/// A service has its signing key whatever is asked for, and a seal is of a binary file.
#[test]
fn armor_gets_no_seal() {
    let folder = seals::folder();
    folder.shell("mkdir credentials; cp host.key credentials/dbseal.sign; date >dump").run().succeeds();
    let encrypt = |args: &[&str]| {
        let run = folder.dbseal(["encrypt", "-R", "backup.pub", "dump"]).args(args.iter().copied());
        run.env("CREDENTIALS_DIRECTORY", folder.path("credentials")).run()
    };
    let ended = encrypt(&["--armor", "-o", "armored.age"]).succeeds();
    assert_eq!(ended.stderr, "dbseal: warning: a backup in armor gets no seal: the signing key of this service is not used\n");
    assert!(folder.has("armored.age") && !folder.has("armored.age.seal"));
    encrypt(&["-o", "binary.age"]).succeeds_in_silence();
    assert!(folder.has("binary.age.seal"));
    for option in ["--sign", "--seal-to", "--series"] {
        encrypt(&["--armor", "-o", "x.age", option, "x"]).ends_with(2, "--armor");
    }
}

/// A seal is of one backup.
#[test]
fn one_seal_is_not_that_of_several_backups() {
    let folder = seals::folder();
    folder.write("dump", "a dump");
    for name in ["b/1.age", "b/2.age"] {
        seals::encrypt(&folder, &["-o", name, "dump"]).run().succeeds();
    }
    seals::verify(&folder, &["--seal", "b/1.age.seal", "b/1.age"]).run().succeeds();
    seals::verify(&folder, &["--seal", "b/1.age.seal", "b"]).run().ends_with(2, "one seal was named for 2 backups");
}
