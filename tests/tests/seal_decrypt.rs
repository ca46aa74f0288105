//! Promise 10: a backup is not trusted because it decrypts. What its host did not seal reaches no program and no file.

use dbseal_core::{FileKey, Header, Identity, PAYLOAD_NONCE_LEN, PayloadNonce, SLOT_LEN, Spread, signing_key_from_text};
use dbseal_tests::cli::{Folder, Run};
use dbseal_tests::inputs::paint;
use dbseal_tests::seal::{seal_in_order, sealed_by};

const LEN: usize = 5_000_000;

/// A folder with a sealed backup, and one beside it, which the storage cannot write to, with whom to trust.
fn folder() -> Folder {
    let folder = Folder::with_key();
    std::fs::create_dir(folder.path("trusted")).expect("a folder");
    folder.dbseal(["keygen", "--sign", "db1", "-o", "db1.sign.key"]).run().succeeds();
    folder.write("trusted/trust", folder.read("db1.sign.pub"));
    folder.write("plain", paint(LEN));
    folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "shop.age", "plain"]).run().succeeds_in_silence();
    folder
}

fn decrypt(folder: &Folder, args: &[&str]) -> Run {
    folder.dbseal(["decrypt", "-i", "backup.key", "--trust", "trusted/trust"]).args(args.iter().copied())
}

fn header_and_key(folder: &Folder) -> (Vec<u8>, FileKey) {
    let file = folder.read("shop.age");
    let (header, header_len) = Header::parse(&file).expect("a header");
    let text = folder.read_text("backup.key");
    let identity: Identity = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).expect("a key").parse().expect("an identity");
    (file[..header_len].to_vec(), header.unwrap(&[identity]).expect("its own key"))
}

/// Every way out: a file, on one thread and several; standard output; a program, out of a file and out of a stream; a part.
fn every_way_out(folder: &Folder, backup: &str) -> Vec<Run> {
    let stream = ["--seal", "shop.age.seal", "--", "sh", "-c", "cat >part && mv part final"];
    vec![
        decrypt(folder, &["-o", "out", backup]),
        decrypt(folder, &["-o", "out", "--threads", "1", backup]),
        decrypt(folder, &[backup]),
        decrypt(folder, &[backup, "--", "sh", "-c", "cat >part && mv part final"]),
        decrypt(folder, &stream).stdin(folder.read(backup)),
        decrypt(folder, &["--range", "1000..", backup]),
        decrypt(folder, &["-o", "out", "--range", "1000..4000000", backup]),
    ]
}

#[test]
fn what_was_sealed_comes_out_every_way() {
    let folder = folder();
    let plain = folder.read("plain");
    for (index, run) in every_way_out(&folder, "shop.age").into_iter().enumerate() {
        let ended = run.run().succeeds_in_silence();
        let expected = [&plain[..], &plain, &plain, &plain, &plain, &plain[1000..], &plain[1000..4_000_000]][index];
        let written = ["out", "out", "", "final", "final", "", "out"][index];
        let came_out = if written.is_empty() { ended.stdout } else { folder.read(written) };
        assert!(came_out == expected, "way {index}");
        for name in ["out", "final"] {
            let _ = std::fs::remove_file(folder.path(name));
        }
    }
}

/// Whoever once had the file key, such as somebody a backup was shared with, can make another payload that opens under the same header.
#[test]
fn another_payload_under_the_same_header_is_refused() {
    let folder = folder();
    let (header, file_key) = header_and_key(&folder);
    let mut hostile = folder.read("plain");
    hostile[3_000_000..3_000_010].copy_from_slice(b"; DROP ALL");
    folder.write("shop.age", [header, seal_in_order(&file_key, &PayloadNonce::from_bytes([9; 16]), &hostile, 16, Spread::Serial)].concat());
    folder.dbseal(["decrypt", "-i", "backup.key", "--without-seal", "-o", "opens", "shop.age"]).run().succeeds();
    assert!(folder.read("opens") == hostile);
    for run in every_way_out(&folder, "shop.age") {
        let ended = run.run().ends_with(1, "is not what its seal says");
        assert!(ended.stdout.is_empty(), "bytes of a group that was not sealed came out");
        assert!(!folder.has("out") && !folder.has("final"));
    }
}

/// A program gets the groups before the damage, which are authentic, and is killed before its input closes.
#[test]
fn a_program_gets_whole_groups_only() {
    let folder = folder();
    let mut file = folder.read("shop.age");
    file[4096 + (3 << 20)] ^= 1;
    folder.write("shop.age", file);
    let into = ["shop.age", "--", "sh", "-c", "cat >part && mv part final"];
    decrypt(&folder, &into).run().ends_with(1, "shop.age is not what its seal says, in bytes 3149824 to 4198399 of the file");
    let part = folder.read("part");
    assert!(!folder.has("final") && folder.read("plain").starts_with(&part) && part.len() < 3 << 20);
}

/// Nothing that stands in a group that was refused comes out, though it opens: neither as it is, nor where whoever has had the file key put
/// chunks that would open where the reading goes on.
#[test]
fn nothing_of_a_refused_group_comes_out() {
    const GROUP_LEN: usize = 1 << 20;
    let folder = folder();
    let (header, file_key) = header_and_key(&folder);
    let whole = folder.read("shop.age");
    let section = &whole[header.len()..];
    let nonce = PayloadNonce::from_bytes(section[..PAYLOAD_NONCE_LEN].try_into().expect("a nonce"));
    let hostile = seal_in_order(&file_key, &nonce, &vec![b'!'; LEN], 16, Spread::Serial);
    let plain = folder.read("plain");
    // Every group, also the last one; the chunks that would be read next are the eight of a batch.
    for group in 0..section.len().div_ceil(GROUP_LEN) {
        let start = (group * GROUP_LEN).max(PAYLOAD_NONCE_LEN);
        let mut flipped = section.to_vec();
        flipped[start] ^= 1;
        let mut replaced = section.to_vec();
        let next_chunk = (start - PAYLOAD_NONCE_LEN) / (8 * SLOT_LEN) * 8;
        let chunks = &hostile[PAYLOAD_NONCE_LEN + next_chunk * SLOT_LEN..][..8 * SLOT_LEN];
        replaced[start..start + chunks.len()].copy_from_slice(chunks);
        for section in [flipped, replaced] {
            folder.write("shop.age", [&header[..], &section].concat());
            for args in [&["shop.age"][..], &["--threads", "1", "shop.age"], &["shop.age", "--", "sh", "-c", "cat >part; mv part final"]] {
                let ended = decrypt(&folder, args).run().ends_with(1, "is not what its seal says");
                let came_out = if folder.has("part") { folder.read("part") } else { ended.stdout };
                assert!(plain.starts_with(&came_out) && came_out.len() <= start && !folder.has("final"), "group {group}, {args:?}");
                // Or it would be looked at again in the place of what comes out next.
                let _ = std::fs::remove_file(folder.path("part"));
            }
        }
    }
}

/// After it, nothing is read that would be taken for the rest of the backup.
#[test]
fn a_refused_last_group_ends_in_a_sentence() {
    let folder = folder();
    folder.write("short", paint(1_258_291));
    folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "short.age", "short"]).run().succeeds_in_silence();
    let mut file = folder.read("short.age");
    let position = file.len() - 40_000;
    file[position] ^= 1;
    folder.write("short.age", file);
    for threads in ["1", "2", "4"].repeat(5) {
        decrypt(&folder, &["--threads", threads, "short.age"]).run().ends_with(1, "short.age is not what its seal says");
    }
}

#[test]
fn nobody_vouches_and_nothing_starts() {
    let folder = folder();
    let starts = ["--", "sh", "-c", "echo >started"];
    // Anybody can encrypt to the public key, and sign with a key of their own.
    folder.dbseal(["keygen", "--sign", "db1", "-o", "other.key"]).run().succeeds();
    folder.write("hostile", "DROP DATABASE shop");
    let encrypt = ["encrypt", "-R", "backup.pub", "-f", "-o"];
    folder.dbseal(encrypt).args(["bare.age", "hostile"]).run().succeeds();
    folder.dbseal(encrypt).args(["other.age", "--sign", "other.key", "hostile"]).run().succeeds();
    folder.dbseal(encrypt).args(["swapped.age", "hostile"]).run().succeeds();
    folder.write("swapped.age.seal", folder.read("shop.age.seal"));
    folder.write("broken.age", folder.read("shop.age"));
    folder.write("broken.age.seal", &folder.read("shop.age.seal")[..300]);
    for (backup, words) in [
        ("bare.age", "bare.age has no seal"),
        ("other.age", "nobody whom you trust vouches for other.age"),
        ("swapped.age", "the header of swapped.age is not the one that was signed last"),
        ("broken.age", "broken.age.seal: the seal is broken"),
    ] {
        decrypt(&folder, &[backup]).args(starts).run().ends_with(1, words).ends_with(1, "dbseal: hint: ");
        assert!(!folder.has("started"));
    }
    // Without anybody to trust, a seal that is there is still not passed over.
    folder.dbseal(["decrypt", "-i", "backup.key", "swapped.age"]).run().ends_with(1, "is not the one that was signed last");
    folder.dbseal(["decrypt", "-i", "backup.key", "--require-seal", "shop.age"]).run().ends_with(1, "nobody whom you trust");
    folder.dbseal(["decrypt", "-i", "backup.key", "bare.age"]).run().succeeds();
    // What the storage could have written is not asked whom to trust.
    folder.write("trust", folder.read("db1.sign.pub"));
    folder.dbseal(["decrypt", "-i", "backup.key", "--trust", "trust", "shop.age"]).run().ends_with(2, "trust lies where the backups are");
    // Nor where a link leads there.
    folder.shell("mkdir apart; ln -s ../trust apart/link").run().succeeds();
    folder.dbseal(["decrypt", "-i", "backup.key", "--trust", "apart/link", "shop.age"]).run().ends_with(2, "apart/link lies where");
    folder.dbseal(["verify", "--trust", "apart/link", "."]).run().ends_with(2, "apart/link lies where");
}

/// A seal is of a binary file: text in the place of the backup is never what was sealed, whoever is trusted.
#[test]
fn armor_is_no_way_round_a_seal() {
    let folder = folder();
    folder.write("hostile", "DROP DATABASE shop");
    folder.dbseal(["encrypt", "-R", "backup.pub", "--armor", "-f", "-o", "shop.age", "hostile"]).run().succeeds();
    let refused = "shop.age is armor, and a seal is of a binary file: this is not what was sealed";
    for trust in [&[][..], &["--trust", "trusted/trust"], &["--require-seal"]] {
        let decrypt = folder.dbseal(["decrypt", "-i", "backup.key"]).args(trust.iter().copied());
        let ended = decrypt.args(["shop.age", "--", "sh", "-c", "echo >started"]).run().ends_with(1, refused);
        assert!(!folder.has("started") && !ended.words().contains("has no seal"), "{trust:?}");
    }
    let stream = ["decrypt", "-i", "backup.key", "--seal", "shop.age.seal"];
    let armor = folder.read("shop.age");
    let ended = folder.dbseal(stream).stdin(armor).run().fails_with("is armor, and a seal is of a binary file");
    assert!(ended.stdout.is_empty());
    let anybody = ["decrypt", "-i", "backup.key", "--without-seal", "-o", "opens", "shop.age"];
    folder.dbseal(anybody).run().succeeds();
    // Where there is none, armor is what it was: refused only where somebody has to vouch.
    std::fs::remove_file(folder.path("shop.age.seal")).expect("it is there");
    decrypt(&folder, &["-o", "out", "shop.age"]).run().ends_with(1, "shop.age has no seal");
    folder.dbseal(["decrypt", "-i", "backup.key", "-o", "out", "shop.age"]).run().succeeds();
}

/// A name that no seal could say is not the one that this seal says, to a check and to a restore alike.
#[test]
fn a_name_too_long_for_a_seal_is_another() {
    let folder = folder();
    let name = " ".repeat(86);
    std::fs::copy(folder.path("shop.age"), folder.path(&name)).expect("a copy");
    std::fs::copy(folder.path("shop.age.seal"), folder.path(&format!("{name}.seal"))).expect("a copy");
    folder.dbseal(["verify", "--trust", "trusted/trust", &name]).run().fails_with("RENAMED");
    decrypt(&folder, &["-o", "out", &name]).run().ends_with(1, "is called shop.age by its seal");
    assert!(!folder.has("out"));
    decrypt(&folder, &["-o", "out", "--accept", "renamed", &name]).run().succeeds();
}

/// A signing key in the place of a file's name is not repeated in any message.
#[test]
fn a_misplaced_signing_key_is_not_repeated() {
    let folder = folder();
    let text = folder.read_text("db1.sign.key");
    let key = text.lines().find(|line| line.starts_with("PRIVATE+KEY+")).expect("a key");
    for line in [
        "decrypt -i KEY shop.age",
        "inspect KEY",
        "verify KEY",
        "verify --chain --state KEY shop.age",
        "encrypt -R backup.pub --sign KEY plain",
    ] {
        let ended = folder.dbseal(line.split(' ').map(|word| word.replace("KEY", key))).run().ends_with(2, "there is a private key");
        assert!(!ended.words().contains("PRIVATE+KEY+"), "{line}");
    }
}

/// A host that is trusted cannot put its own name to what another host made: it would need the file key.
#[test]
fn a_seal_about_anothers_file_is_refused() {
    let folder = folder();
    let file = folder.read("shop.age");
    let (header, _) = header_and_key(&folder);
    let key = signing_key_from_text(&folder.read_text("db1.sign.key")).expect("a signing key");
    let seal = sealed_by(&key, None, &header, &file[header.len()..], &FileKey::from_bytes(&[0; 16]));
    folder.write("shop.age.seal", seal.to_bytes());
    let verify = ["verify", "--trust", "trusted/trust", "shop.age"];
    folder.dbseal(verify).run().succeeds();
    for run in every_way_out(&folder, "shop.age") {
        run.run().ends_with(1, "its seal was made by somebody who did not make the backup");
        assert!(!folder.has("out") && !folder.has("final"));
    }
}

/// Where the hashes of the groups were cut off, a file is checked as a whole; what cannot be taken back is not begun.
#[test]
fn without_hashes_of_groups_only_a_file_is_written() {
    let folder = folder();
    let seal = folder.read("shop.age.seal");
    let end = seal.windows(10).position(|window| window == b"\nunsigned\n").expect("an unsigned section");
    folder.write("shop.age.seal", &seal[..end]);
    decrypt(&folder, &["-o", "out", "shop.age"]).run().succeeds_in_silence();
    assert!(folder.read("out") == folder.read("plain"));
    decrypt(&folder, &["shop.age", "--", "sh", "-c", "cat >part"]).run().ends_with(1, "has no usable hashes");
    assert!(!folder.has("part"));
}
