//! What people and machines are told of a seal: no more than was checked, and what is wrong before what is not.

use std::time::Duration;

use dbseal_core::{CHUNK_LEN, Extent, FileName, Header, Note, ProofKey, SLOT_LEN, Seal, Sealed, Tree, identities_from_text};
use dbseal_tests::cli::{Folder, Run, seals};
use serde_json::Value;

/// A folder with a signed dump that was read from standard input, `b/1.age`.
fn folder() -> Folder {
    let folder = seals::folder();
    seals::encrypt(&folder, &["-o", "b/1.age"]).stdin("a dump\n").run().succeeds_in_silence();
    folder
}

fn verify(folder: &Folder, args: &[&str]) -> Run {
    folder.dbseal(["verify", "--trust", "trust"]).args(args.iter().copied())
}

fn json(run: Run) -> Value {
    serde_json::from_slice(&run.run().stdout).expect("one object of JSON")
}

/// Without the file key nobody knows that who sealed a backup made it: a host that is trusted could sign another's.
#[test]
fn who_sealed_is_not_who_made() {
    let folder = folder();
    folder.write("dump", "another dump\n");
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "b/2.age", "dump"]).run().succeeds_in_silence();
    folder.dbseal(["seal", "--sign", "host.key", "b/2.age"]).run().succeeds();
    let words = verify(&folder, &["b"]).run().succeeds_in_silence().words();
    assert!(words.contains("b/1.age: intact, sealed by host (its clock said "), "{words}");
    assert!(words.contains("b/2.age: intact, as seen by host (its clock said "), "{words}");
    assert!(!words.contains("made by"), "{words}");
    // With the file key it shows.
    let decrypt = ["decrypt", "-i", "backup.key", "--trust", "trust", "-f", "-o", "out"];
    folder.dbseal(decrypt).args(["b/1.age"]).run_at_terminal(&[]).ends_with(0, "decrypted 7 bytes to out, made by host");
    let adopted = folder.dbseal(decrypt).args(["b/2.age"]).run_at_terminal(&[]).ends_with(0, "who made b/2.age is not known").words();
    assert!(!adopted.contains("made by"), "{adopted}");
}

/// Where a dump came from a pipe, nobody saw how it ended.
#[test]
fn where_the_data_came_from() {
    let folder = folder();
    folder.write("dump", "a dump\n");
    seals::encrypt(&folder, &["-o", "b/2.age", "dump"]).run().succeeds_in_silence();
    seals::encrypt(&folder, &["-o", "b/3.age", "--", "cat", "dump"]).run().succeeds_in_silence();
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "b/4.age", "dump"]).run().succeeds_in_silence();
    folder.dbseal(["seal", "--sign", "host.key", "b/4.age"]).run().succeeds();
    for (name, source, words) in [
        ("1.age", "stdin".into(), "source:     standard input, by the seal\n"),
        ("2.age", "file".into(), "source:     a file, by the seal\n"),
        ("3.age", "command 0".into(), "source:     a dump that dbseal ran, and that exited with status 0, by the seal\n"),
        ("4.age", Value::Null, "seal:       NOT CHECKED, dbseal verify does: as seen by host+"),
    ] {
        let file = format!("b/{name}");
        assert_eq!(seals::answer(&seals::verify(&folder, &[&file]).run(), name)["source"], source, "{name}");
        let listed = folder.dbseal(["list", "--json", "--trust", "trust", &file]).run();
        assert_eq!(seals::answer(&listed, name)["source"], source, "{name}");
        assert_eq!(json(folder.dbseal(["inspect", "--json", &file]))["seal"]["source"], source, "{name}");
        let inspected = folder.dbseal(["inspect", &file]).run().succeeds_in_silence().words();
        assert!(inspected.contains(words), "{inspected}");
        let said = verify(&folder, &[&file]).run().succeeds_in_silence().words();
        assert_eq!(said.contains("; the dump's exit status was not seen\n"), source == "stdin", "{said}");
    }
}

/// `inspect` shows what a seal says, as something that nobody has checked.
#[test]
fn inspect_shows_the_seal() {
    let folder = folder();
    seals::encrypt_next(&folder, &["-o", "b/2.age", "trust"]).run().succeeds_in_silence();
    let inspected = json(folder.dbseal(["inspect", "--json", "b/2.age"]));
    let seal = &inspected["seal"];
    assert_eq!((&seal["state"], &seal["note"], &seal["named"]), (&"says".into(), &"sealed".into(), &"2.age".into()));
    assert_eq!((&seal["series"], &seal["number"]), (&"shop".into(), &1.into()));
    assert_eq!(seal["signer"], folder.read_text("host.pub").trim());
    let words = folder.dbseal(["inspect", "b/2.age"]).run().succeeds_in_silence().words();
    assert!(words.contains("seal:       NOT CHECKED, dbseal verify does: sealed by host+"), "{words}");
    assert!(words.contains("), number 1 of shop\n") && !words.contains("intact"), "{words}");
    // One that is elsewhere, or is none.
    let piped = folder.dbseal(["inspect", "--seal", "b/2.age.seal"]).stdin(folder.read("b/2.age"));
    assert!(piped.run().succeeds_in_silence().words().contains("sealed by host+"));
    folder.write("b/2.age.seal", "dbseal/v1 nonsense\u{1b}[2J");
    let words = folder.dbseal(["inspect", "b/2.age"]).run().succeeds_in_silence().words();
    assert!(words.contains("seal:       BROKEN: "), "{words}");
    std::fs::remove_file(folder.path("b/2.age.seal")).expect("it is there");
    assert_eq!(json(folder.dbseal(["inspect", "--json", "b/2.age"]))["seal"], Value::Null);
    std::fs::create_dir(folder.path("b/2.age.seal")).expect("a folder");
    let words = folder.dbseal(["inspect", "b/2.age"]).run().succeeds_in_silence().words();
    assert!(words.contains("seal:       NOT READ: "), "{words}");
}

/// Somebody who is trusted for something else is no stranger: what is wrong is the trust, or the place of the backup.
#[test]
fn a_trusted_key_outside_its_role_or_series() {
    let folder = folder();
    let host = folder.read_text("host.pub");
    let host = host.trim();
    folder.write("dump", "a dump\n");
    seals::encrypt_next(&folder, &["-o", "b/2.age", "dump"]).run().succeeds_in_silence();
    folder.write("web", format!("{host} series=web*\n"));
    folder.write("drill", format!("{host} may=drill,rewrap\n"));
    seals::new_key(&folder, "stranger");
    let cases: [(&[&str], &str, &str, &str, &str); 6] = [
        (&["web"], "2.age", "not-for-this", "but not for the series shop", "let series= match shop in the line of that key"),
        (&["web"], "1.age", "not-for-this", "but not for a backup of no series", "let series= match * in the line of that key"),
        (&["drill"], "2.age", "not-for-this", "but not with the role seal", "add seal to may= in the line of that key"),
        (&["trust", "--series", "web"], "2.age", "not-for-this", "of the series shop, and --series asks for another", "--series 'shop'"),
        (&["trust", "--series", "web"], "1.age", "not-for-this", "of no series, and --series asks for one", "--series '*'"),
        (&["stranger.pub"], "2.age", "no", "nobody whom you trust", "dbseal verify says who signed it"),
    ];
    for (trust, name, trusted, words, hint) in cases {
        let file = format!("b/{name}");
        let verify = |args: &[&str]| folder.dbseal(["verify", "--trust"]).args(trust.iter().chain(args).copied()).args([&file]).run();
        let said = verify(&[]).fails_with("NOT VOUCHED FOR: ").words();
        assert!(said.contains(words), "{said}");
        let answer = seals::answer(&verify(&["--json"]), name);
        let answered = (&answer["integrity"], &answer["signer_trusted"], &answer["place"]);
        assert_eq!(answered, (&"unvouched".into(), &trusted.into(), &"unknown".into()), "{answer}");
        let decrypt =
            folder.dbseal(["decrypt", "-i", "backup.key", "-o", "out", "--trust"]).args(trust.iter().copied()).args([&file]).run();
        let said = decrypt.fails_with(words).words();
        assert!(said.contains("dbseal: hint: ") && said.contains(hint), "{said}");
        assert!(!folder.has("out"));
    }
    let listed = folder.dbseal(["list", "--trust", "web", "b"]).run().succeeds_in_silence().words();
    assert!(listed.contains("  ! its seal is signed by host, whom you trust, but not for the series shop\n"), "{listed}");
    let listed = folder.dbseal(["list", "--json", "--trust", "web", "b"]).run().succeeds();
    assert_eq!(seals::answer(&listed, "2.age")["signer_trusted"], "not-for-this");
    assert_eq!(seals::answer(&seals::verify(&folder, &["b/2.age"]).run().succeeds(), "2.age")["signer_trusted"], "yes");
}

/// A trust file is never read from where one stands, such as a folder of backups: a relative folder of settings is no folder.
#[test]
fn no_trust_from_the_current_folder() {
    let folder = folder();
    for place in ["dbseal", ".config/dbseal", "set/dbseal", "home/.config/dbseal"] {
        std::fs::create_dir_all(folder.path(place)).expect("a folder");
        folder.write(&format!("{place}/trust"), folder.read("trust"));
    }
    let verify =
        |home: &str, config: &str| folder.dbseal(["verify", "b/1.age"]).env("HOME", home).env("XDG_CONFIG_HOME", config).run().code();
    let absolute = |name: &str| folder.path(name).to_str().expect("text").to_owned();
    let (nowhere, set, home) = (absolute("nowhere"), absolute("set"), absolute("home"));
    for (home, config) in
        [("", ""), (".", "."), ("home", "set"), ("home", ""), ("", "set"), (nowhere.as_str(), "set"), (".", nowhere.as_str())]
    {
        assert_eq!(verify(home, config), 1, "HOME={home} XDG_CONFIG_HOME={config}");
    }
    for (home, config) in [(".", set.as_str()), (home.as_str(), ""), (home.as_str(), "set")] {
        assert_eq!(verify(home, config), 0, "HOME={home} XDG_CONFIG_HOME={config}");
    }
}

/// A seal that was named and is not there is a typing error, and no backup without a seal.
#[test]
fn a_named_seal_that_is_missing() {
    let folder = folder();
    for line in ["verify --trust trust", "verify --trust trust --accept unsealed", "inspect", "decrypt -i backup.key -o out"] {
        let run = folder.dbseal(line.split(' ')).args(["--seal", "nope", "b/1.age"]);
        let ended = run.run().ends_with(2, "dbseal: error: cannot open nope: no such file or directory\n");
        assert!(ended.stdout.is_empty() && !folder.has("out"), "{line}");
    }
}

/// An overwrite that is stopped between the seal and its backup leaves the old backup, which the new seal does not fit.
#[test]
fn the_seal_of_the_backup_that_was_to_be_replaced() {
    let folder = folder();
    folder.write("b/1.age.seal.replaced", folder.read("b/1.age.seal"));
    folder.write("dump", "a longer dump\n");
    seals::encrypt(&folder, &["-o", "other.age", "dump"]).run().succeeds_in_silence();
    verify(&folder, &["b/1.age"]).run().succeeds_in_silence();
    folder.write("b/1.age.seal", folder.read("other.age.seal"));
    let hint = "b/1.age.seal.replaced is there: a job that was stopped while it replaced this backup leaves it";
    verify(&folder, &["b/1.age"]).run().fails_with(hint).fails_with("DAMAGED");
    let answer = seals::answer(&seals::verify(&folder, &["b/1.age"]).run(), "1.age");
    assert_eq!(answer["replaced_seal"], "b/1.age.seal.replaced");
    let decrypt = ["decrypt", "-i", "backup.key", "-f", "-o", "out", "b/1.age"];
    folder.dbseal(decrypt).run().fails_with(hint);
    for salvage in ["--salvage", "--salvage=sealed"] {
        folder.dbseal(decrypt).args([salvage]).run().fails_with(hint).fails_with("the seal is probably another backup's");
    }
    folder.write("b/1.age.seal", "half a se");
    verify(&folder, &["b/1.age"]).run().fails_with(hint).fails_with("BROKEN SEAL");
    folder.dbseal(decrypt).run().fails_with(hint);
    // As it says.
    verify(&folder, &["--seal", "b/1.age.seal.replaced", "b/1.age"]).run().succeeds_in_silence();
    std::fs::rename(folder.path("b/1.age.seal.replaced"), folder.path("b/1.age.seal")).expect("it is there");
    verify(&folder, &["b/1.age"]).run().succeeds_in_silence();
}

/// Nobody reads on after "intact".
#[test]
fn what_is_wrong_comes_first() {
    let folder = folder();
    for end in ["", ".seal"] {
        std::fs::rename(folder.path(&format!("b/1.age{end}")), folder.path(&format!("b/2.age{end}"))).expect("it is there");
    }
    let words = verify(&folder, &["b/2.age"]).run().fails_with("RENAMED").words();
    assert!(words.contains("b/2.age: RENAMED: its seal calls it 1.age; intact, sealed by host ("), "{words}");
    let mut backup = folder.read("b/2.age");
    *backup.last_mut().expect("a byte") ^= 1;
    folder.write("b/2.age", &backup);
    let words = verify(&folder, &["b/2.age"]).run().fails_with("DAMAGED").words();
    assert!(words.contains("; RENAMED: its seal calls it 1.age\n") && !words.contains("intact, sealed"), "{words}");
    let of = format!("b/2.age: DAMAGED: {0} of the {0} bytes of its payload section (100.000%); ", backup.len() - 4096);
    assert!(words.contains(&of) || words.contains("does not say where"), "{words}");
    assert!(words.contains(&format!(": bytes 4096 to {} of the file\n", backup.len() - 1)), "{words}");
}

/// What is too much at the end is no damage within.
#[test]
fn bytes_behind_the_end() {
    let folder = folder();
    let backup = folder.read("b/1.age");
    let section_len = backup.len() - 4096;
    let check = |bytes: &[u8]| {
        folder.write("b/1.age", bytes);
        verify(&folder, &["b/1.age"]).run().fails_with("DAMAGED").words()
    };
    let words = check(&[&backup[..], b"xyz"].concat());
    let is = format!("b/1.age: DAMAGED: 3 bytes too many behind its end, and 0 of the {section_len} bytes of its payload section (0.000%)");
    assert!(words.contains(&is) && words.contains(&format!(": bytes {0} to {1} of the file\n", backup.len(), backup.len() + 2)), "{words}");
    let mut changed = [&backup[..], b"x"].concat();
    changed[4096 + 20] ^= 1;
    let words = check(&changed);
    let is =
        format!("DAMAGED: 1 byte too many behind its end, and {section_len} of the {section_len} bytes of its payload section (100.000%)");
    assert!(words.contains(&is), "{words}");
    let words = check(&backup[..backup.len() - 1]);
    assert!(words.contains(&format!("DAMAGED: {section_len} of the {section_len} bytes")), "{words}");
}

/// A file that costs nothing to store, by a seal that anybody could have made, is not read, and hides nothing that is gone.
#[test]
fn a_sparse_file_of_a_stranger() {
    const LEN: u64 = 1 << 40;
    let folder = folder();
    seals::new_key(&folder, "stranger");
    let key = seals::signing_key(&folder, "stranger");
    let Note::Sealed(note) = Seal::parse(&folder.read("b/1.age.seal")).expect("a seal").notes()[0].note().clone() else {
        panic!("the host's note")
    };
    let backup = folder.read("b/1.age");
    let payload = Extent { len: LEN / SLOT_LEN as u64 * SLOT_LEN as u64 + 16, ..note.payload };
    // Also by one who made it: anybody can, who has the public key.
    let identities = identities_from_text(&folder.read_text("backup.key")).expect("a key");
    let file_key = Header::parse(&backup).expect("a header").0.unwrap(&identities).expect("it opens");
    let file = FileName::of(b"2.age").expect("a name");
    let note = Note::Sealed(Sealed { signer: key.verifier_key().clone(), payload, file, ..note }).proven(&ProofKey::of(&file_key));
    let seal = Seal::new(note, &key, &Tree::of(&backup[4096..]), &backup[..4096]).to_bytes();
    folder.write("b/2.age.seal", seal);
    folder.write("b/2.age", &backup);
    let file = std::fs::File::options().write(true).open(folder.path("b/2.age")).expect("it is there");
    file.set_len(4096 + payload.len).expect("room for nothing");
    for args in [&["b/2.age"][..], &["--chain", "b"]] {
        let ended = verify(&folder, args).limit(Duration::from_secs(60)).run();
        let words = ended.ends_with(1, "b/2.age: NOT CHECKED: b/2.age is not read: it is a sparse file of ").words();
        assert!(words.contains(", and nobody vouches for it\n"), "{words}");
        assert!(args.len() == 1 || words.contains("b/1.age: intact"), "{words}");
    }
    // Nor is a group of it held in memory, which has 16 MiB here, and may have terabytes.
    let decrypt = folder.dbseal(["decrypt", "-i", "backup.key", "--range", "0..100", "-o", "out", "b/2.age"]);
    decrypt.limit(Duration::from_secs(60)).run().ends_with(1, "b/2.age is not read: it is a sparse file of ");
    assert!(!folder.has("out"));
}

/// What lies in a file will be used later: that nobody vouches for it is said once, and not where somebody does.
#[test]
fn a_file_that_nobody_vouches_for() {
    let folder = folder();
    folder.write("dump", "a dump\n");
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "bare.age", "dump"]).run().succeeds_in_silence();
    let decrypt = |args: &[&str]| folder.dbseal(["decrypt", "-i", "backup.key", "-f"]).args(args.iter().copied()).run();
    decrypt(&["-o", "out", "bare.age"]).succeeds_unvouched();
    decrypt(&["-o", "out", "b/1.age"]).succeeds_unvouched();
    let ended = decrypt(&["--json", "-o", "out", "bare.age"]).succeeds();
    assert!(ended.stderr.contains(r#"{"event":"note","message":"nobody whom you trust vouches for bare.age: "#), "{}", ended.stderr);
    decrypt(&["--trust", "trust", "-o", "out", "b/1.age"]).succeeds_in_silence();
    decrypt(&["--quiet", "-o", "out", "bare.age"]).succeeds_in_silence();
    decrypt(&["--without-seal", "-o", "out", "bare.age"]).succeeds_in_silence();
    assert!(decrypt(&["bare.age"]).succeeds_in_silence().stdout == b"a dump\n");
    assert!(!decrypt(&["-i", "host.pub", "-o", "none", "bare.age"]).words().contains("vouches"));
}

/// No stranger can make a backup that a passphrase opens: who could have made it is said as it is.
#[test]
fn who_could_have_made_what_nobody_vouches_for() {
    let folder = folder();
    folder.write("dump", "a dump\n");
    folder.write_secret("secret", "correct horse\n");
    folder.dbseal(["encrypt", "--passphrase-file", "secret", "-o", "secret.age", "dump"]).run().succeeds_in_silence();
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "bare.age", "dump"]).run().succeeds_in_silence();
    for (key, file, who) in [
        (["--passphrase-file", "secret"], "secret.age", "whoever knows the passphrase can make"),
        (["-i", "backup.key"], "bare.age", "whoever has the public key can make"),
    ] {
        let decrypt = |args: &[&str]| folder.dbseal(["decrypt"]).args(key).args([file]).args(args.iter().copied()).run().succeeds().stderr;
        let note = format!("dbseal: note: nobody whom you trust vouches for {file}: {who} a backup that decrypts\n");
        assert_eq!(decrypt(&["-f", "-o", "out"]), note);
        let said = decrypt(&["--", "cat"]);
        let warning = format!("dbseal: warning: nothing vouches for where this backup came from: {who} one that decrypts; ");
        assert!(said.starts_with(&warning) && said.lines().count() == 1, "{said}");
    }
}

/// Without a seal and without a key nobody knows that a backup is whole; that it is not, its length can show.
#[test]
fn a_length_that_no_complete_backup_has() {
    let folder = folder();
    let dump = vec![b'x'; 2 * CHUNK_LEN];
    folder.write("dump", &dump);
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "whole.age", "dump"]).run().succeeds_in_silence();
    folder.dbseal(["encrypt", "-R", "backup.pub", "--armor", "-o", "armor.age", "dump"]).run().succeeds_in_silence();
    let (whole, armor) = (folder.read("whole.age"), folder.read("armor.age"));
    let header_len = whole.len() - 16 - 2 * SLOT_LEN;
    let chunk_end = header_len + 16 + SLOT_LEN;
    let damaged_header = [b"age-encryption.org/v1\n-> \0", &whole[24..]].concat();
    let cases: [(&str, &[u8], bool); 12] = [
        ("whole", &whole, true),
        ("cut off in a chunk, as a whole one could be", &whole[..whole.len() - 9], true),
        ("cut off after a chunk", &whole[..chunk_end], true),
        ("armor", &armor, true),
        ("armor that was cut off", &armor[..armor.len() / 2], true),
        ("a damaged header", &damaged_header, true),
        ("no age file", &dump, true),
        // As a job ends what it could not complete.
        ("marked as failed", &whole[..chunk_end + 1], false),
        ("cut off in a tag", &whole[..chunk_end + 15], false),
        ("a header", &whole[..header_len], false),
        ("a part of a header", &whole[..100], false),
        ("nothing", &[], false),
    ];
    for (name, file, is_possible) in cases {
        folder.write("b/2.age", file);
        let words =
            verify(&folder, &["b/2.age"]).run().ends_with(1, "dbseal: error: the backup is not intact, or not in its place\n").words();
        let no_seal =
            "b/2.age: NO SEAL: without one, and without a key, nothing can be said of what is in it, or whether its end is there\n";
        let not_complete = "b/2.age: NOT COMPLETE, and NO SEAL: no complete backup has this length; it was cut off, or something was added, \
                            or writing it failed or goes on\n";
        assert_eq!((words.contains(no_seal), words.contains(not_complete)), (is_possible, !is_possible), "{name}: {words}");
        let answer = seals::answer(&seals::verify(&folder, &["b/2.age"]).run(), "2.age");
        assert_eq!((&answer["integrity"], &answer["not_complete"]), (&"unsealed".into(), &(!is_possible).into()), "{name}");
        // That there is no seal is accepted, and nothing else.
        let accepting = verify(&folder, &["--accept", "unsealed", "b/2.age"]).run();
        assert_eq!(accepting.code(), i32::from(!is_possible), "{name}");
    }
    // A seal says which length it should have.
    let cut_off = folder.read("b/1.age")[..1000].to_vec();
    folder.write("b/1.age", cut_off);
    let answer = seals::answer(&seals::verify(&folder, &["b/1.age"]).run(), "1.age");
    assert_eq!((&answer["integrity"], &answer["not_complete"]), (&"damaged".into(), &Value::Null));
}

/// A length that a payload can have says little; the seal says which it was.
#[test]
fn inspect_compares_the_length_with_the_seals() {
    let folder = folder();
    let backup = folder.read("b/1.age");
    let inspect = || folder.dbseal(["inspect", "b/1.age"]).run();
    inspect().succeeds();
    folder.write("b/1.age", &backup[..backup.len() - 1]);
    inspect().fails_with("b/1.age is not complete").ends_with(1, "NOT COMPLETE: by its seal the payload has");
    folder.write("b/1.age", [&backup[..], b"x"].concat());
    inspect().ends_with(0, "NOT WHAT WAS SEALED: by its seal the payload has");
    std::fs::remove_file(folder.path("b/1.age.seal")).expect("it is there");
    inspect().succeeds();
}

/// A path at which there is nothing was mistyped; a seal alone is listed.
#[test]
fn a_list_of_nothing() {
    let folder = folder();
    folder.dbseal(["list", "--trust", "trust", "b/nope"]).run().ends_with(2, "cannot open b/nope: no such file or directory");
    std::fs::remove_file(folder.path("b/1.age")).expect("it is there");
    folder.dbseal(["list", "--trust", "trust", "b/1.age"]).run().ends_with(0, "the backup is MISSING: only its seal is here");
}
