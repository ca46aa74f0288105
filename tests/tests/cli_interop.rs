//! The files of dbseal are plain age files: age, rage and typage open what it writes, and it opens what they write.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use dbseal_tests::cli::{Ended, Folder, Run, dbseal};
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::{npm_dir, tool};

/// Around the ends of chunks, and a few MiB that end within one.
const LENS: [usize; 7] = [0, 1, 65_535, 65_536, 65_537, 131_072, 3 * (1 << 20) + 17];
const PASSPHRASE: &str = "correct horse battery staple";

/// Another age implementation, run as a program: the library for JavaScript by way of a small script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Other {
    Age,
    Rage,
    Typage,
}

/// Whether files are text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Binary,
    Armored,
}

/// Arguments: encrypt or decrypt, input, output, binary or armored, key or passphrase, the file that holds it.
const TYPAGE: &str = r#"
import { readFileSync, writeFileSync } from "node:fs";
import { Decrypter, Encrypter, armor } from "age-encryption";
const [job, input, output, form, kind, secret] = process.argv.slice(1);
const lines = readFileSync(secret, "utf8").split("\n").filter((line) => line && !line.startsWith('#'));
const bytes = readFileSync(input);
if (job === "encrypt") {
    const encrypter = new Encrypter();
    if (kind === "passphrase") {
        encrypter.setScryptWorkFactor(12);
        encrypter.setPassphrase(lines[0]);
    } else {
        lines.forEach((line) => encrypter.addRecipient(line));
    }
    const file = await encrypter.encrypt(bytes);
    writeFileSync(output, form === "armored" ? armor.encode(file) : file);
} else {
    const decrypter = new Decrypter();
    if (kind === "passphrase") {
        decrypter.addPassphrase(lines[0]);
    } else {
        lines.forEach((line) => decrypter.addIdentity(line));
    }
    const file = form === "armored" ? armor.decode(readFileSync(input, "utf8")) : bytes;
    writeFileSync(output, await decrypter.decrypt(file));
}
"#;

fn typage(folder: &Folder, job: &str, [input, output]: [&str; 2], form: Form, kind: &str, secret: &str) -> Ended {
    let path = |name: &str| folder.path(name).into_os_string();
    let form = if form == Form::Armored { "armored" } else { "binary" };
    // An ES module finds packages only beside itself, and a script without a file is where node runs.
    folder
        .program(tool("node"))
        .dir(npm_dir("age-encryption"))
        .args(["--input-type=module", "-e", TYPAGE, "--", job])
        .args([path(input), path(output), form.into(), kind.into(), path(secret)])
        .run()
}

impl Other {
    fn program(self, folder: &Folder) -> Run {
        // Without a pinentry, rage asks on the terminal.
        folder.program(tool(if self == Self::Age { "age" } else { "rage" })).env("PINENTRY_PROGRAM", "")
    }

    /// Encrypts `input` to the recipients in the file `to`.
    fn encrypt(self, folder: &Folder, to: &str, [input, output]: [&str; 2], form: Form) {
        let _ = std::fs::remove_file(folder.path(output));
        let ended = match self {
            Self::Typage => typage(folder, "encrypt", [input, output], form, "key", to),
            _ => {
                let armor: &[&str] = if form == Form::Armored { &["-a"] } else { &[] };
                self.program(folder).args(["-e", "-R", to, "-o", output]).args(armor).args([input]).run()
            }
        };
        ended.succeeds();
    }

    /// The plaintext of `input`, by the identities in the file `with`.
    fn decrypt(self, folder: &Folder, with: &str, input: &str, form: Form) -> Vec<u8> {
        if self == Self::Typage {
            typage(folder, "decrypt", [input, "plain by typage"], form, "key", with).succeeds();
            return folder.read("plain by typage");
        }
        // Through a pipe: for an empty plaintext neither of the two makes the file that -o names.
        self.program(folder).args(["-d", "-i", with, input]).run().succeeds().stdout
    }
}

/// Encrypts with dbseal and decrypts with the other, and the other way round, at every length, as bytes and as text.
fn both_ways(folder: &Folder, other: Other) {
    for len in LENS {
        let plaintext = paint(len);
        folder.write("plain", &plaintext);
        for form in [Form::Binary, Form::Armored] {
            let armor: &[&str] = if form == Form::Armored { &["--armor"] } else { &[] };
            folder.dbseal(["encrypt", "-R", "backup.pub", "-f", "-o", "ours.age", "plain"]).args(armor).run().succeeds_in_silence();
            let by_other = other.decrypt(folder, "backup.key", "ours.age", form);
            assert!(by_other == plaintext, "{len} bytes of ours");

            other.encrypt(folder, "backup.pub", ["plain", "theirs.age"], form);
            folder.dbseal(["decrypt", "-i", "backup.key", "-f", "-o", "plain again", "theirs.age"]).run().succeeds_unvouched();
            assert!(folder.read("plain again") == plaintext, "{len} bytes of theirs");
            let piped = folder.dbseal(["decrypt", "-i", "backup.key"]).stdin(folder.read("theirs.age")).run().succeeds_in_silence();
            assert!(piped.stdout == plaintext, "{len} bytes of theirs through pipes");
        }
    }
}

/// "`age -d` opens what we write, and we open what it writes."
#[test]
fn age_both_ways() {
    both_ways(&Folder::with_key(), Other::Age);
}

/// "`rage -d` opens what we write, and we open what it writes."
#[test]
fn rage_both_ways() {
    both_ways(&Folder::with_key(), Other::Rage);
}

/// "typage opens what we write, and we open what it writes."
#[test]
fn typage_both_ways() {
    both_ways(&Folder::with_key(), Other::Typage);
}

/// The post-quantum key of dbseal is the one of the specification: typage has it too, and wrote its own code for it.
#[test]
fn typage_both_ways_with_a_post_quantum_key() {
    let folder = Folder::new();
    folder.dbseal(["keygen", "--pq", "-o", "backup.key"]).run().succeeds();
    both_ways(&folder, Other::Typage);
}

/// A file for several recipients, some typed and some from a file with comments, opens with the key of each, in every
/// program; and so does such a file of theirs.
#[test]
fn several_recipients_at_once() {
    let folder = Folder::new();
    let keys = ["one", "two", "three"];
    for key in keys {
        folder.dbseal(["keygen", "-o", &format!("{key}.key")]).run().succeeds();
    }
    let [one, two, three] = keys.map(|key| folder.read_text(&format!("{key}.pub")).trim().to_owned());
    folder.write("crew.pub", format!("# who may open backups\n\n{two}\n# the auditor\n{three}\n"));
    folder.write("all.pub", format!("# everybody\n{one}\n\n{two}\n{three}\n"));
    let plaintext = paint(200_000);
    folder.write("plain", &plaintext);
    let opened_by_each = |file: &str| {
        for key in keys {
            let key = format!("{key}.key");
            for other in [Other::Age, Other::Rage, Other::Typage] {
                assert!(other.decrypt(&folder, &key, file, Form::Binary) == plaintext, "{file} with {key}");
            }
            let ours = folder.dbseal(["decrypt", "-i", &key, file]).run().succeeds_in_silence();
            assert!(ours.stdout == plaintext, "{file} with {key}");
        }
    };
    folder.dbseal(["encrypt", "-r", &one, "-R", "crew.pub", "-o", "ours.age", "plain"]).run().succeeds_in_silence();
    opened_by_each("ours.age");
    for other in [Other::Age, Other::Rage, Other::Typage] {
        other.encrypt(&folder, "all.pub", ["plain", "theirs.age"], Form::Binary);
        opened_by_each("theirs.age");
    }
    // Of several identities, one file each or all in one, the one that fits is found.
    let many: String = keys.iter().map(|key| folder.read_text(&format!("{key}.key"))).collect();
    folder.write("many.key", many);
    folder.set_mode("many.key", 0o600);
    folder.dbseal(["encrypt", "-r", &three, "-o", "last.age", "plain"]).run().succeeds_in_silence();
    folder.dbseal(["decrypt", "-i", "many.key", "-o", "with many", "last.age"]).run().succeeds_unvouched();
    folder
        .dbseal(["decrypt", "-i", "one.key", "-i", "two.key", "-i", "three.key", "-o", "with each", "last.age"])
        .run()
        .succeeds_unvouched();
    assert!(folder.read("with many") == plaintext && folder.read("with each") == plaintext);
}

/// A passphrase opens the same files everywhere, whether it comes from a file or from a person at a terminal.
#[test]
fn passphrase_both_ways() {
    let folder = Folder::new();
    let plaintext = paint(70_000);
    folder.write("plain", &plaintext);
    folder.write_secret("secret", format!("{PASSPHRASE}\n"));
    folder.dbseal(["encrypt", "--passphrase-file", "secret", "-o", "from a file.age", "plain"]).run().succeeds_in_silence();
    let asked = [("passphrase for the backup: ", PASSPHRASE), ("the same passphrase again: ", PASSPHRASE)];
    let screen = folder.dbseal(["encrypt", "-p", "-o", "from a person.age", "plain"]).run_at_terminal(&asked).succeeds();
    assert!(!screen.words().contains(PASSPHRASE), "a passphrase is not shown");

    for file in ["from a file.age", "from a person.age"] {
        let read = |output: &str| assert!(folder.read(output) == plaintext, "{file} to {output}");
        folder.dbseal(["decrypt", "--passphrase-file", "secret", "-f", "-o", "by us", file]).run().succeeds_unvouched();
        read("by us");
        let asked = [(&*format!("passphrase for {file}: "), PASSPHRASE)];
        folder.dbseal(["decrypt", "-f", "-o", "by us, asked", file]).run_at_terminal(&asked).succeeds();
        read("by us, asked");
        let age = Other::Age.program(&folder).args(["-d", "-o", "by age", file]);
        age.run_at_terminal(&[("Enter passphrase", PASSPHRASE)]).succeeds();
        read("by age");
        let rage = Other::Rage.program(&folder).args(["-d", "-o", "by rage", file]);
        rage.run_at_terminal(&[("Type passphrase", PASSPHRASE)]).succeeds();
        read("by rage");
        typage(&folder, "decrypt", [file, "by typage"], Form::Binary, "passphrase", "secret").succeeds();
        read("by typage");
        for output in ["by us", "by us, asked", "by age", "by rage", "by typage"] {
            std::fs::remove_file(folder.path(output)).expect("it was read");
        }
    }

    let asked = [("Enter passphrase", PASSPHRASE), ("Confirm passphrase", PASSPHRASE)];
    Other::Age.program(&folder).args(["-p", "-o", "age.age", "plain"]).run_at_terminal(&asked).succeeds();
    let asked = [("Type passphrase", PASSPHRASE), ("Confirm passphrase", PASSPHRASE)];
    Other::Rage.program(&folder).args(["-p", "-o", "rage.age", "plain"]).run_at_terminal(&asked).succeeds();
    typage(&folder, "encrypt", ["plain", "typage.age"], Form::Binary, "passphrase", "secret").succeeds();
    for file in ["age.age", "rage.age", "typage.age"] {
        let opened = folder.dbseal(["decrypt", "--passphrase-file", "secret", file]).run().succeeds_in_silence();
        assert!(opened.stdout == plaintext, "{file}");
    }
}

/// An identity file that age protected with a passphrase serves dbseal, and one that dbseal protected serves age and rage.
#[test]
fn protected_identity_files() {
    let folder = Folder::with_key();
    let plaintext = paint(1000);
    folder.write("plain", &plaintext);
    folder.write_secret("secret", PASSPHRASE);
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "one.age", "plain"]).run().succeeds_in_silence();
    let asked = [("Enter passphrase", PASSPHRASE), ("Confirm passphrase", PASSPHRASE)];
    for (armor, name) in [(&[][..], "binary.key"), (&["-a"], "armored.key")] {
        Other::Age.program(&folder).args(armor).args(["-p", "-o", name, "backup.key"]).run_at_terminal(&asked).succeeds();
        folder.set_mode(name, 0o600);
        let opened = folder.dbseal(["decrypt", "-i", name, "--passphrase-file", "secret", "one.age"]).run().succeeds_in_silence();
        assert!(opened.stdout == plaintext, "{name}");
        let asked = [(&*format!("passphrase for {name}: "), PASSPHRASE)];
        folder.dbseal(["decrypt", "-i", name, "-f", "-o", "out", "one.age"]).run_at_terminal(&asked).succeeds();
        assert!(folder.read("out") == plaintext, "{name}, asked");
    }

    folder.dbseal(["keygen", "-o", "ours.key", "--passphrase-file", "secret"]).run().succeeds_in_silence();
    folder.dbseal(["encrypt", "-R", "ours.pub", "-o", "two.age", "plain"]).run().succeeds_in_silence();
    let age = Other::Age.program(&folder).args(["-d", "-i", "ours.key", "-o", "by age", "two.age"]);
    age.run_at_terminal(&[("Enter passphrase", PASSPHRASE)]).succeeds();
    let rage = Other::Rage.program(&folder).args(["-d", "-i", "ours.key", "-o", "by rage", "two.age"]);
    rage.run_at_terminal(&[("Type passphrase", PASSPHRASE)]).succeeds();
    assert!(folder.read("by age") == plaintext && folder.read("by rage") == plaintext);
}

/// An identity that never touches the disk of the restoring machine: `-i -`.
#[test]
fn identity_from_standard_input() {
    let folder = Folder::with_key();
    folder.write("plain", b"a dump");
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "one.age", "plain"]).run().succeeds_in_silence();
    let identity = folder.read("backup.key");
    let opened = folder.dbseal(["decrypt", "-i", "-", "one.age"]).stdin(identity.clone()).run().succeeds_in_silence();
    assert_eq!(opened.stdout, b"a dump");
    let inspected = folder.dbseal(["inspect", "-i", "-", "one.age"]).stdin(identity).run().succeeds_in_silence();
    assert!(inspected.words().contains("opened by:  standard input"), "{}", inspected.words());
}

/// A block of a stream in which no two are alike.
fn block(index: u64) -> [u8; BLOCK_LEN] {
    let mut bytes = [0x5a; BLOCK_LEN];
    bytes[..8].copy_from_slice(&index.to_le_bytes());
    bytes
}

/// Shorter than a chunk and no divisor of it, so that blocks lie across the ends of chunks.
const BLOCK_LEN: usize = 50_000;

/// Sends `block_count` blocks through two programs, one after the other, and compares what comes out. Nothing is stored.
fn through_pipes(mut first: Command, mut second: Command, block_count: u64) {
    let mut first = first.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let between = first.stdout.take().expect("asked for");
    let mut second = second.stdin(between).stdout(Stdio::piped()).spawn().expect("it starts");
    let (mut input, mut output) = (first.stdin.take().expect("asked for"), second.stdout.take().expect("asked for"));
    std::thread::scope(|scope| {
        scope.spawn(move || (0..block_count).for_each(|index| input.write_all(&block(index)).expect("the first program reads")));
        let mut read = [0; BLOCK_LEN];
        for index in 0..block_count {
            output.read_exact(&mut read).expect("the second program writes");
            assert!(read == block(index), "block {index}");
        }
        assert_eq!(output.read(&mut read).expect("the end can be read"), 0, "nothing follows");
    });
    assert!(first.wait().expect("a child").success() && second.wait().expect("a child").success());
}

/// dbseal into each of the others and back, without a disk.
fn streams(block_count: u64) {
    let folder = Folder::with_key();
    let recipient = folder.read_text("backup.pub").trim().to_owned();
    let key = folder.path("backup.key");
    let encrypt = |program| {
        let mut command = Command::new(program);
        command.args(["-r", &recipient]);
        command
    };
    let decrypt = |program| {
        let mut command = Command::new(program);
        command.arg("-d").arg("-i").arg(&key);
        command
    };
    let ours = |job: &str| {
        let mut command = Command::new(dbseal());
        let (option, value) = if job == "encrypt" { ("-r", recipient.clone().into()) } else { ("-i", key.clone().into_os_string()) };
        command.args([job, option]).arg(value);
        command
    };
    for program in ["age", "rage"] {
        through_pipes(ours("encrypt"), decrypt(tool(program)), block_count);
        through_pipes(encrypt(tool(program)), ours("decrypt"), block_count);
    }
    through_pipes(ours("encrypt"), ours("decrypt"), block_count);
}

/// Files of tens of megabytes through pipes: every batch of the pipeline was used many times.
#[test]
fn long_streams() {
    streams(1000);
}

/// Lengths and offsets beyond 32 bits, both ways.
#[test]
#[ignore = "not run here: long tier (1 minute)"]
fn streams_over_four_gibibytes() {
    streams((4 << 30) / BLOCK_LEN as u64 + 2);
}
