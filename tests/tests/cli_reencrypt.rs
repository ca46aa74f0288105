//! A new file key for backups whose key is compromised: who can open them then, what is refused, and what a crash leaves.
#![cfg(unix)]

use std::fs;

use dbseal_core::{Batch, CHUNK_LEN, Header, PayloadNonce, SLOT_LEN, Sealer, Spread, identities_from_text};
use dbseal_tests::cli::power_loss::{Recording, TRACED};
use dbseal_tests::cli::rewraps::{self, Injected, age_opens, encrypt, files_in, injected, lay, names_in, opens, said};
use dbseal_tests::cli::{Ended, Folder};
use dbseal_tests::inputs::{Replay, paint};
use dbseal_tests::tools::tool;

/// Of a backup with a seal, with one worker: with several each step were that of one of them, as strace counts for each thread.
const SIGNED: [&str; 7] = ["--threads", "1", "--sign", "custodian.sign.key", "-i", "old.key", "b/shop.age"];
/// Several batches, and a part of one.
const PLAIN_LEN: usize = (3 << 20) + 17;
/// Bytes in a padded header with X25519 recipients.
const HEADER_LEN: usize = 4096;
/// What all that is done here starts with.
const ANEW: [&str; 7] = ["rewrap", "--new-file-key", "--yes", "-R", "new.pub", "--trust", "t/trust"];

fn folder() -> Folder {
    rewraps::folder(PLAIN_LEN)
}

/// Of a backup with a seal, by the custodian.
fn anew(folder: &Folder, more: &[&str]) -> Ended {
    folder.dbseal(ANEW).args(["-i", "old.key", "--sign", "custodian.sign.key"]).args(more.iter().copied()).run()
}

/// Of a backup without one.
fn anew_unsealed(folder: &Folder, more: &[&str]) -> Ended {
    let args = ["rewrap", "--new-file-key", "--yes", "-i", "old.key", "-R", "new.pub"];
    folder.dbseal(args).args(more.iter().copied()).run()
}

/// Which of the old key, the new one and the escrow's open a backup, in any age program.
fn holders(folder: &Folder, backup: &str) -> [bool; 3] {
    ["old", "new", "escrow"].map(|key| age_opens(folder, key, backup))
}

fn verify(folder: &Folder, more: &[&str]) -> String {
    said(&folder.dbseal(["verify", "--trust", "t/trust"]).args(more.iter().copied()).run())
}

/// The backup `shop.age` and its seal.
fn files(folder: &Folder) -> [Vec<u8>; 2] {
    ["b/shop.age", "b/shop.age.seal"].map(|name| folder.read(name))
}

/// What holds of a refusal.
fn nothing_changed(folder: &Folder, before: &[Vec<u8>; 2]) {
    assert!(files(folder) == *before, "something changed");
    assert_eq!(names_in(folder), ["shop.age", "shop.age.seal"]);
}

/// Makes a payload of the backup's own length under its header, as whoever has the file key can.
fn forge(folder: &Folder, backup: &str, plaintext: &[u8]) {
    let bytes = folder.read(backup);
    let (header, len) = Header::parse(&bytes).expect("a header");
    let file_key = header.unwrap(&identities_from_text(&folder.read_text("old.key")).expect("a key")).expect("it opens");
    let nonce: [u8; 16] = bytes[len..len + 16].try_into().expect("16 bytes");
    let mut batch = Batch::with_chunks(plaintext.len().div_ceil(CHUNK_LEN));
    for (slot, chunk) in batch.plaintext_slots_mut().zip(plaintext.chunks(CHUNK_LEN)) {
        slot[..chunk.len()].copy_from_slice(chunk);
    }
    batch.set_plaintext_len(plaintext.len());
    Sealer::new(&file_key, &PayloadNonce::from_bytes(nonce)).finish(&mut batch, Spread::Serial);
    folder.write(backup, [&bytes[..len + 16], batch.sealed_bytes()].concat());
}

#[test]
fn the_old_key_opens_nothing_any_more() {
    let folder = folder();
    folder.set_mode("b/shop.age", 0o640);
    folder.set_mode("b/shop.age.seal", 0o604);
    let before = files(&folder);
    let done = anew(&folder, &["b/shop.age"]).succeeds();
    assert_eq!(said(&done), "b/shop.age: done: 2 left, 1 came, encrypted anew\n");
    let after = files(&folder);
    assert_eq!(after[0].len(), before[0].len());
    assert_eq!(Header::parse(&after[0]).expect("a header").1, HEADER_LEN);
    // Neither the nonce nor a chunk is what it was.
    let [old, new] = [&before[0][HEADER_LEN..], &after[0][HEADER_LEN..]];
    assert!(old[..16] != new[..16]);
    assert!(old[16..].chunks(SLOT_LEN).zip(new[16..].chunks(SLOT_LEN)).all(|(old, new)| old != new));
    assert_eq!(["old", "new", "escrow"].map(|key| opens(&folder, key, "b/shop.age")), [false, true, false]);
    assert_eq!(holders(&folder, "b/shop.age"), [false, true, false]);
    assert_eq!(names_in(&folder), ["shop.age", "shop.age.seal"]);
    assert_eq!((folder.mode("b/shop.age"), folder.mode("b/shop.age.seal")), (0o640, 0o604));
    // With the header that the old key opens, too: the file key behind it is another one's.
    folder.write("b/old.age", [&before[0][..HEADER_LEN], new].concat());
    let decrypt = ["decrypt", "-i", "old.key", "--without-seal", "-o", "none", "b/old.age"];
    folder.dbseal(decrypt).run().fails_with("");
    assert!(!folder.has("none"));
}

#[test]
fn the_seal_says_what_was_done() {
    let folder = folder();
    let old_seal = folder.read_text("b/shop.age.seal");
    let _ = anew(&folder, &["b/shop.age"]).succeeds();
    let answer = verify(&folder, &["b/shop.age"]);
    assert!(answer.contains("b/shop.age: intact, sealed by db1 (its clock said "), "{answer}");
    assert!(answer.contains("; encrypted anew by custodian (its clock said "), "{answer}");
    assert!(verify(&folder, &["--json", "b/shop.age"]).contains("\"encrypted_anew\":{\"by\":\"custodian\",\"time\":\""));
    let seal = folder.read_text("b/shop.age.seal");
    let of = |seal: &str, field: &str| {
        let line = seal.lines().rfind(|line| line.starts_with(field)).unwrap_or_else(|| panic!("no {field}in {seal}"));
        line[field.len()..].to_owned()
    };
    assert!(seal.contains("\ndbseal/v1 reencrypted\n"), "{seal}");
    for (old, new) in [("header ", "old-header "), ("payload ", "old-payload ")] {
        let first = old_seal.lines().find(|line| line.starts_with(old)).expect("the first note has one");
        assert_eq!(first[old.len()..], of(&seal, new));
    }
    assert!(of(&seal, "payload ") != of(&seal, "old-payload ") && of(&seal, "proof ") != of(&old_seal, "proof "));
    // The groups are those of the new payload: damage is located, and a part is checked alone.
    assert!(verify(&folder, &["--sample", "50%", "b/shop.age"]).contains("none damaged"));
    let mut damaged = folder.read("b/shop.age");
    damaged[HEADER_LEN + (2 << 20) + 5] ^= 1;
    folder.write("b/shop.age", &damaged);
    assert!(verify(&folder, &["b/shop.age"]).contains("  damaged: bytes "), "{}", verify(&folder, &["b/shop.age"]));
    damaged[HEADER_LEN + (2 << 20) + 5] ^= 1;
    folder.write("b/shop.age", &damaged);
    // And its recipients change as those of any other.
    let args = ["rewrap", "-i", "new.key", "-R", "escrow.pub", "--trust", "t/trust", "--sign", "custodian.sign.key", "b/shop.age"];
    let _ = folder.dbseal(args).run().succeeds();
    assert_eq!(holders(&folder, "b/shop.age"), [false, false, true]);
    assert!(verify(&folder, &["b/shop.age"]).contains("b/shop.age: intact"));
    // Once more, by whom it is for now.
    let again = ["rewrap", "--new-file-key", "--yes", "-i", "escrow.key", "-R", "escrow.pub", "--trust", "t/trust"];
    let again = || folder.dbseal(again).args(["--sign", "custodian.sign.key", "b/shop.age"]).run();
    assert_eq!(said(&again().succeeds()), "b/shop.age: done: 0 left, 0 came, encrypted anew\n");
    assert!(opens(&folder, "escrow", "b/shop.age") && verify(&folder, &["b/shop.age"]).contains("b/shop.age: intact"));
}

/// What is typed, and what is refused before anything is read.
#[test]
fn everybody_else_leaves_and_that_is_asked() {
    let folder = folder();
    let before = files(&folder);
    let args = ["rewrap", "--new-file-key", "-i", "old.key", "-R", "new.pub", "--sign", "custodian.sign.key", "b/shop.age"];
    folder.dbseal(args).run().ends_with(2, "there is no terminal to ask");
    anew(&folder, &["--add", "b/shop.age"]).ends_with(2, "exclude each other");
    let args = ["rewrap", "--yes", "-i", "old.key", "-R", "new.pub", "b/shop.age"];
    folder.dbseal(args).run().ends_with(2, "is missing");
    let args = ["rewrap", "--threads", "1", "-i", "old.key", "-R", "new.pub", "b/shop.age"];
    folder.dbseal(args).run().ends_with(2, "--new-file-key is missing");
    let args = ["--trust", "t/trust", "-i", "old.key", "b/shop.age"];
    folder.dbseal(&ANEW[..5]).args(args).run().ends_with(2, "b/shop.age has a seal: a change of its recipients has to be signed");
    // Nobody would believe it: that is said before all of it is read, and when nothing is done.
    let by_host = ["-i", "old.key", "--sign", "db1.sign.key", "b/shop.age"];
    folder.dbseal(ANEW).args(by_host).run().ends_with(1, "db1 is not trusted to change recipients");
    folder.dbseal(ANEW).args(["--dry-run"]).args(by_host).run().ends_with(1, "db1 is not trusted to change recipients");
    let told = anew(&folder, &["--dry-run", "--json", "b/shop.age"]).succeeds();
    let message = "would be done: 2 left, 1 came, encrypted anew";
    let fields = format!(
        "{{\"came\":1,\"dry_run\":true,\"error\":null,\"file\":\"b/shop.age\",\"left\":2,\"message\":\"{message}\",\"state\":\"done\",\
         \"way\":\"anew\"}}\n"
    );
    assert_eq!(said(&told), fields);
    nothing_changed(&folder, &before);
    // What it implies may be said.
    let _ = anew(&folder, &["--only", "--copy", "--threads", "1", "--limit-rate", "1G", "b/shop.age"]).succeeds();
    assert_eq!(holders(&folder, "b/shop.age"), [false, true, false]);
    assert!(verify(&folder, &["b/shop.age"]).contains("b/shop.age: intact"));
}

#[test]
fn folders_and_what_cannot_be_done() {
    let folder = folder();
    for name in ["b/1.age", "b/3.age"] {
        encrypt(&folder, name, &[]);
    }
    folder.write("b/2.age", "hello");
    encrypt(&folder, "b/armor.age", &["--armor"]);
    let sum = "of 5 backups 3 have other recipients now, 0 had them, 0 open with none of the keys, 0 cannot be written to, and 2 failed";
    let lines = said(&anew_unsealed(&folder, &["--drop-seal", "b"]).ends_with(1, sum));
    assert!(lines.contains("b/1.age: done: 2 left, 1 came, encrypted anew\n"), "{lines}");
    assert!(lines.contains("b/2.age: NOT DONE: this is not an age file\n"), "{lines}");
    assert!(lines.contains("b/armor.age: NOT DONE: it is armor, whose recipients do not change\n"), "{lines}");
    for name in ["b/1.age", "b/3.age", "b/shop.age"] {
        assert_eq!(holders(&folder, name), [false, true, false], "{name}");
    }
    assert!(!folder.has("b/shop.age.seal"), "it was to be dropped");
    // What was done before is told by the key that does not open it any more.
    anew_unsealed(&folder, &["b/1.age"]).ends_with(1, "none of the given keys opens this file");
    folder.dbseal(["keygen", "--pq", "-o", "pq.key"]).run().succeeds();
    let pq = ["rewrap", "--new-file-key", "--yes", "-i", "new.key", "-R", "pq.pub", "b/1.age"];
    let _ = folder.dbseal(pq).run().succeeds();
    let back = ["rewrap", "--new-file-key", "--yes", "-i", "pq.key", "-R", "new.pub", "b/1.age"];
    folder.dbseal(back).run().ends_with(1, "and be only as strong as that");
    let _ = folder.dbseal(back).args(["--allow-weaker"]).run().succeeds();
    assert_eq!(holders(&folder, "b/1.age"), [false, true, false]);
    // Another name of the file is another file then.
    encrypt(&folder, "b/linked.age", &[]);
    fs::hard_link(folder.path("b/linked.age"), folder.path("snapshot.age")).expect("a link");
    let told = anew_unsealed(&folder, &["b/linked.age"]).succeeds();
    assert!(told.stderr.contains("what they name keeps the old file key"), "{}", told.stderr);
    assert_eq!([holders(&folder, "b/linked.age"), holders(&folder, "snapshot.age")], [[false, true, false], [true, false, true]]);
}

/// The ends of chunks and batches, and a payload of nothing.
#[test]
fn whatever_its_length() {
    let folder = folder();
    for len in [0, 1, CHUNK_LEN, CHUNK_LEN + 1, 8 * CHUNK_LEN, 8 * CHUNK_LEN + 1] {
        folder.write("shop.sql", paint(len));
        encrypt(&folder, "b/shop.age", &["--force", "--sign", "db1.sign.key"]);
        let _ = anew(&folder, &["b/shop.age"]).succeeds();
        assert!(age_opens(&folder, "new", "b/shop.age") && !age_opens(&folder, "old", "b/shop.age"), "{len} bytes");
        assert!(verify(&folder, &["b/shop.age"]).contains("b/shop.age: intact"), "{len} bytes");
    }
}

#[test]
fn what_is_damaged_is_refused_and_stays() {
    let folder = folder();
    let [backup, seal] = files(&folder);
    // In the middle: neither the first chunk nor the last, which are looked at before.
    let mut flipped = backup.clone();
    flipped[HEADER_LEN + 16 + 20 * SLOT_LEN + 7] ^= 1;
    for (damaged, why) in [
        (flipped, "the payload is damaged or was altered in chunk 20"),
        (backup[..backup.len() - 1].to_vec(), "the payload is damaged or was altered in chunk 48"),
        (backup[..HEADER_LEN + 16 + 20 * SLOT_LEN].to_vec(), "the payload is cut off"),
    ] {
        let before = [damaged.clone(), seal.clone()];
        folder.write("b/shop.age", &damaged);
        folder.write("b/shop.age.seal", &seal);
        anew(&folder, &["b/shop.age"]).ends_with(1, why);
        nothing_changed(&folder, &before);
        anew_unsealed(&folder, &["--without-seal", "--drop-seal", "b/shop.age"]).ends_with(1, why);
        nothing_changed(&folder, &before);
        fs::remove_file(folder.path("b/shop.age.seal")).expect("it is there");
        anew_unsealed(&folder, &["b/shop.age"]).ends_with(1, why);
        assert!(folder.read("b/shop.age") == damaged && names_in(&folder) == ["shop.age"], "{why}");
    }
}

/// Whoever has the compromised key can make a payload that opens: none of that comes under the name of who sealed the backup.
#[test]
fn what_opens_and_is_not_as_sealed_is_refused_and_stays() {
    let folder = folder();
    let seal = folder.read("b/shop.age.seal");
    let mut plaintext = paint(PLAIN_LEN);
    plaintext[PLAIN_LEN / 2] ^= 1;
    forge(&folder, "b/shop.age", &plaintext);
    let forged = [folder.read("b/shop.age"), seal];
    folder.dbseal(["decrypt", "-i", "old.key", "--without-seal", "-o", "forged", "b/shop.age"]).run().succeeds();
    assert!(folder.read("forged") == plaintext);
    for more in [&["--sign", "custodian.sign.key"][..], &["--drop-seal"]] {
        let run = folder.dbseal(ANEW).args(["-i", "old.key"]).args(more.iter().copied()).args(["b/shop.age"]).run();
        run.ends_with(1, "b/shop.age is not what its seal says");
        nothing_changed(&folder, &forged);
    }
    // A shorter one is not even read.
    forge(&folder, "b/shop.age", &plaintext[..PLAIN_LEN - 1]);
    anew(&folder, &["b/shop.age"]).ends_with(1, "b/shop.age is not what its seal says");
    // Nor is another backup under its name.
    encrypt(&folder, "b/other.age", &[]);
    folder.write("b/shop.age", folder.read("b/other.age"));
    anew(&folder, &["b/shop.age"]).ends_with(1, "the header of b/shop.age is not the one that was signed last");
}

/// Killed between the two names, the old backup is there, and its seal beside it: every command says so, and a key brings it back.
#[test]
fn a_seal_that_was_kept_comes_back() {
    let folder = folder();
    let before = files(&folder);
    let stop = |folder: &Folder| {
        folder.write("b/shop.age", &before[0]);
        folder.write("b/shop.age.seal", &before[1]);
        let _ = fs::remove_file(folder.path("b/shop.age.seal.replaced"));
        // Of the renames the first is that of the seal, the second that of the backup.
        let inject = ["-f", "-qq", "-o", "trace", "-e", "trace=renameat", "-e", "inject=renameat:error=EIO:signal=KILL:when=2"];
        let args = ["-i", "old.key", "--sign", "custodian.sign.key", "b/shop.age"];
        let _ = folder.dbseal(ANEW).args(args).under(tool("strace"), inject).run();
        // The new backup, whose name was its own for an instant.
        for name in names_in(folder).iter().filter(|name| name.starts_with('.')) {
            fs::remove_file(folder.path(&format!("b/{name}"))).expect("it is there");
        }
        let [backup, seal] = files(folder);
        assert!(backup == before[0] && seal != before[1] && folder.read("b/shop.age.seal.replaced") == before[1]);
    };
    stop(&folder);
    assert_eq!(holders(&folder, "b/shop.age"), [true, false, true]);
    let is_named = "b/shop.age.seal.replaced is there";
    assert!(verify(&folder, &["b/shop.age"]).contains(is_named));
    assert!(verify(&folder, &["--seal", "b/shop.age.seal.replaced", "b/shop.age"]).contains("b/shop.age: intact"));
    folder.dbseal(["decrypt", "-i", "old.key", "-o", "none", "b/shop.age"]).run().fails_with(is_named);
    // Without a key, and where nothing is to be done, nothing is.
    let by_new = ["-i", "new.key", "--sign", "custodian.sign.key", "b/shop.age"];
    folder.dbseal(ANEW).args(by_new).run().ends_with(1, is_named);
    anew(&folder, &["--dry-run", "b/shop.age"]).ends_with(1, "a change of its recipients was stopped in the middle");
    assert!(folder.read("b/shop.age.seal") != before[1] && folder.has("b/shop.age.seal.replaced"));
    // Nor for a seal that is not believed.
    let stranger = folder.read_text("b/shop.age.seal.replaced").replace("time 2", "time 3");
    folder.write("b/shop.age.seal.replaced", &stranger);
    anew(&folder, &["b/shop.age"]).ends_with(1, "the header of b/shop.age is not the one that was signed last");
    assert!(folder.read_text("b/shop.age.seal.replaced") == stranger && folder.read("b/shop.age.seal") != stranger.as_bytes());

    stop(&folder);
    // Any change brings it back first.
    let rotate = ["rewrap", "-i", "old.key", "-R", "new.pub", "--trust", "t/trust", "--sign", "custodian.sign.key", "b/shop.age"];
    let told = folder.dbseal(rotate).run().succeeds();
    assert!(told.stderr.contains("a change that was stopped is taken back first"), "{}", told.stderr);
    assert_eq!((holders(&folder, "b/shop.age"), names_in(&folder).len()), ([false, true, true], 2));
    assert!(verify(&folder, &["b/shop.age"]).contains("b/shop.age: intact"));

    stop(&folder);
    // And where there is to be no seal, none is left.
    anew_unsealed(&folder, &["--without-seal", "--drop-seal", "b/shop.age"]).succeeds();
    assert_eq!((holders(&folder, "b/shop.age"), names_in(&folder)), ([false, true, false], vec!["shop.age".to_owned()]));

    // One that is left after both were replaced is of no use, and goes.
    stop(&folder);
    let _ = anew(&folder, &["b/shop.age"]).succeeds();
    folder.write("b/shop.age.seal.replaced", &before[1]);
    let rotate = ["rewrap", "-i", "new.key", "-R", "escrow.pub", "--trust", "t/trust", "--sign", "custodian.sign.key", "b/shop.age"];
    folder.dbseal(rotate).run().succeeds();
    assert_eq!(names_in(&folder), ["shop.age", "shop.age.seal"]);
}

/// Judges what a crash has left of the backup that was there, and what one more command makes of it.
fn judge(folder: &Folder, before: &[u8], may_leave_temporary: bool, what: &str) {
    let opened = holders(folder, "b/shop.age");
    let is_old = opened == [true, false, true] && folder.read("b/shop.age") == before;
    assert!(is_old || opened == [false, true, false], "{what}: {opened:?}");
    let answer = verify(folder, &["b/shop.age"]);
    if !answer.contains("b/shop.age: intact") {
        assert!(is_old && answer.contains("b/shop.age.seal.replaced is there"), "{what}: {answer}");
        let kept = verify(folder, &["--seal", "b/shop.age.seal.replaced", "b/shop.age"]);
        assert!(kept.contains("b/shop.age: intact"), "{what}: {kept}");
    }
    let _ = folder.dbseal(ANEW).args(["-i", "new.key"]).args(SIGNED).run().succeeds();
    assert_eq!(holders(folder, "b/shop.age"), [false, true, false], "{what}");
    for name in names_in(folder).iter().filter(|name| !["shop.age", "shop.age.seal"].contains(&name.as_str())) {
        // One that was killed between the two halves of replacing a name leaves the new one under a name of its own.
        assert!(may_leave_temporary && name.starts_with('.'), "{what}: {name}");
        fs::remove_file(folder.path(&format!("b/{name}"))).expect("it is there");
    }
    assert!(verify(folder, &["b/shop.age"]).contains("b/shop.age: intact"), "{what}");
}

/// At every step that changes something on the disk, the process is killed or the call fails: the backup is the old one or the new one, for
/// every age program; then a key brings the change to its end.
#[test]
fn each_step_may_be_the_last_or_fail() {
    let whats = &["signal=SIGKILL", "error=EIO"];
    let calls = ["write", "pwrite64", "fsync", "fdatasync", "linkat", "renameat,renameat2,rename", "unlinkat"];
    let folder = folder();
    let before = files(&folder);
    let mut stopped_count = 0;
    for (call, what) in calls.iter().flat_map(|call| whats.iter().map(move |what| (call, what))) {
        for step in 1..20 {
            folder.write("b/shop.age", &before[0]);
            folder.write("b/shop.age.seal", &before[1]);
            let inject = format!("inject={call}:{what}:when={step}");
            match injected(&folder, folder.dbseal(ANEW).args(SIGNED), &inject) {
                Injected::NeverCame => break,
                Injected::Withstood => {}
                Injected::Stopped => stopped_count += 1,
            }
            judge(&folder, &before[0], what.starts_with("signal"), &inject);
        }
    }
    assert!(stopped_count > 5 * whats.len(), "{stopped_count}");
}

/// The power goes at each step: of what was not synced then, any part is on the disk.
#[test]
fn the_power_goes_at_each_step() {
    let folder = rewraps::folder((2 << 16) + 17);
    let before = files_in(&folder);
    let _ = folder.dbseal(ANEW).args(SIGNED).traced(&TRACED).run().succeeds();
    let recording = Recording::of(&folder.read_text("trace"), &folder.path("b"), &before);
    assert!(recording.end() == files_in(&folder), "no call was missed");
    let mut state_count = 0;
    for (step, states) in recording.states(&mut Replay(1)).into_iter().enumerate() {
        for state in states {
            lay(&folder, &state);
            state_count += 1;
            let lens: Vec<_> = state.iter().map(|(name, bytes)| (name, bytes.len())).collect();
            judge(&folder, &before["shop.age"], true, &format!("step {step} of {}: {lens:?}", recording.len()));
        }
    }
    assert!(state_count >= 6, "{state_count}");
}
