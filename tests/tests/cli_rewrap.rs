//! Other recipients for backups that exist: who can open them then, what stays as it was, and what a crash leaves.
#![cfg(unix)]

use std::fs;

use dbseal_core::{Header, Journal};
use dbseal_tests::cli::Folder;
use dbseal_tests::cli::rewraps::{Injected, age_opens, encrypt, folder, injected, names_in, opens, said, verify};

/// Several batches, and a part of one.
const PLAIN_LEN: usize = (3 << 20) + 17;

#[test]
fn one_key_goes_and_the_payload_stays() {
    let folder = folder(PLAIN_LEN);
    let before = folder.read("b/shop.age");
    let rotate = ["rewrap", "-i", "old.key", "-R", "new.pub", "--trust", "t/trust"];
    // Its seal would say that it was altered.
    folder.dbseal(rotate).args(["b/shop.age"]).run().ends_with(2, "b/shop.age has a seal: a change of its recipients has to be signed");
    let done = folder.dbseal(rotate).args(["--sign", "custodian.sign.key", "b/shop.age"]).run().succeeds();
    assert_eq!(said(&done), "b/shop.age: done: 1 left, 1 came\n");
    let after = folder.read("b/shop.age");
    assert!(after.len() == before.len() && after[4096..] == before[4096..] && after[..4096] != before[..4096]);
    assert_eq!(names_in(&folder), ["shop.age", "shop.age.seal"]);
    assert_eq!(["old", "new", "escrow"].map(|key| opens(&folder, key, "b/shop.age")), [false, true, true]);
    assert_eq!(["old", "new", "escrow"].map(|key| age_opens(&folder, key, "b/shop.age")), [false, true, true]);
    assert!(verify(&folder, "b/shop.age").contains("b/shop.age: intact"), "{}", verify(&folder, "b/shop.age"));
    // A second time nothing is left to do.
    // That can be said of it only with the key that it has now.
    folder.dbseal(rotate).args(["--sign", "custodian.sign.key", "b/shop.age"]).run().ends_with(1, "none of the given keys opens this file");
    let again = folder.dbseal(rotate).args(["-i", "new.key", "--sign", "custodian.sign.key", "b/shop.age"]).run().succeeds();
    assert_eq!(said(&again), "b/shop.age: it has these recipients already\n");
    assert_eq!(folder.read("b/shop.age"), after);
}

#[test]
fn who_leaves_is_said() {
    let folder = folder(PLAIN_LEN);
    let rewrap = |name: &str, more: &[&str]| {
        let args = ["rewrap", "-i", "old.key", "-R", "new.pub", "--without-seal", "--drop-seal"];
        folder.dbseal(args).args(more.iter().copied()).args([name]).run()
    };
    let holders = |name: &str| ["old", "new", "escrow"].map(|key| age_opens(&folder, key, name));
    encrypt(&folder, "b/add.age", &[]);
    assert_eq!(said(&rewrap("b/add.age", &["--add"]).succeeds()), "b/add.age: done: 0 left, 1 came\n");
    assert_eq!(holders("b/add.age"), [true, true, true]);
    encrypt(&folder, "b/only.age", &["--sign", "db1.sign.key"]);
    rewrap("b/only.age", &["--only"]).ends_with(2, "there is no terminal to ask");
    let told = rewrap("b/only.age", &["--only", "--yes", "--dry-run", "--json"]).succeeds();
    assert_eq!(
        said(&told),
        "{\"came\":1,\"dry_run\":true,\"error\":null,\"file\":\"b/only.age\",\"left\":2,\"message\":\"would be done: 2 left, 1 came\",\
         \"state\":\"done\",\"way\":\"in-place\"}\n"
    );
    // Nothing is asked where nothing is done; else it is said how many would leave.
    assert_eq!(said(&rewrap("b/only.age", &["--only", "--dry-run"]).succeeds()), "b/only.age: would be done: 2 left, 1 came\n");
    let question = "Up to 2 of the recipients of b/only.age leave: all whom you have not named";
    let args = ["rewrap", "-i", "old.key", "-R", "new.pub", "--without-seal", "--drop-seal", "--only", "b/only.age"];
    folder.dbseal(args).run_at_terminal(&[(question, "no")]).ends_with(1, "nothing was changed, as the answer was not yes");
    assert_eq!(holders("b/only.age"), [true, false, true]);
    let _ = rewrap("b/only.age", &["--only", "--yes"]).succeeds();
    assert_eq!(holders("b/only.age"), [false, true, false]);
    assert!(!folder.has("b/only.age.seal"), "it was to be dropped");
    // Those that cannot be done keep none of the others from it.
    encrypt(&folder, "b/1.age", &[]);
    encrypt(&folder, "b/3.age", &[]);
    folder.write("b/2.age", "hello");
    let sum = "of 6 backups 4 have other recipients now, 0 had them, 1 open with none of the keys, 0 cannot be written to, and 1 failed";
    let told = folder.dbseal(["rewrap", "-i", "old.key", "-R", "new.pub", "--drop-seal", "b"]).run().ends_with(1, sum);
    let lines = said(&told);
    assert!(lines.contains("b/2.age: NOT DONE: this is not an age file\n"), "{lines}");
    assert!(lines.contains("b/only.age: NOT DONE: none of the given keys opens it; it may have been done before\n"), "{lines}");
    assert_eq!(holders("b/3.age"), [false, true, true]);
}

/// What a script reads of each: also of the only one, and of one that failed.
#[test]
fn what_a_script_is_told() {
    let folder = folder(PLAIN_LEN);
    folder.write("b/junk.age", "junk");
    let rewrap = |more: &[&str]| {
        let run = folder.dbseal(["rewrap", "--json", "-R", "new.pub", "--sign", "custodian.sign.key", "--trust", "t/trust"]);
        let ended = run.args(more.iter().copied()).run();
        let lines: Vec<serde_json::Value> =
            said(&ended).lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
        lines
            .into_iter()
            .map(|line| ["file", "state", "left", "came", "way", "error"].map(|field| line[field].to_string()))
            .collect::<Vec<_>>()
    };
    let junk = ["\"b/junk.age\"", "\"failed\"", "null", "null", "null", "\"b/junk.age has no seal\""].map(String::from);
    let is_missing = "\"b/shop.age: none of the given keys opens this file\"";
    let unopened = ["\"b/shop.age\"", "\"unopened\"", "null", "null", "null", is_missing].map(String::from);
    let done = |way: &str| ["\"b/shop.age\"", "\"done\"", "1", "1", way, "null"].map(String::from);
    let already = ["\"b/shop.age\"", "\"already\"", "null", "null", "null", "null"].map(String::from);
    assert_eq!(rewrap(&["-i", "old.key", "b/junk.age"]), std::slice::from_ref(&junk));
    assert_eq!(rewrap(&["-i", "new.key", "b/shop.age"]), std::slice::from_ref(&unopened));
    assert_eq!(rewrap(&["-i", "new.key", "b/junk.age", "b/shop.age"]), [junk, unopened]);
    assert_eq!(rewrap(&["-i", "old.key", "--dry-run", "b/shop.age"]), [done("\"in-place\"")]);
    assert_eq!(rewrap(&["-i", "old.key", "--copy", "b/shop.age"]), [done("\"copy\"")]);
    assert_eq!(rewrap(&["-i", "old.key", "-i", "new.key", "b/shop.age"]), [already]);
}

/// Two who come need not meet: each opens it alone, whichever of the keys lies where it is restored.
#[test]
fn each_of_two_who_come_opens_it_alone() {
    let folder = folder(PLAIN_LEN);
    folder.dbseal(["keygen", "-o", "second.key"]).run().succeeds();
    for way in [&[][..], &["--copy"], &["--new-file-key", "--yes"]] {
        let name = "b/two.age";
        let _ = ["b/two.age", "b/two.age.seal"].map(|name| fs::remove_file(folder.path(name)));
        encrypt(&folder, name, &["--sign", "db1.sign.key"]);
        let run = folder.dbseal(["rewrap", "-i", "old.key", "-R", "new.pub", "-R", "second.pub", "--trust", "t/trust"]);
        run.args(["--sign", "custodian.sign.key"]).args(way.iter().copied()).args([name]).run().succeeds();
        let stays = !way.contains(&"--new-file-key");
        let keys = ["new", "second", "old", "escrow"];
        assert_eq!(keys.map(|key| opens(&folder, key, name)), [true, true, false, stays], "{way:?}");
        assert_eq!(keys.map(|key| age_opens(&folder, key, name)), [true, true, false, stays], "{way:?}");
    }
}

/// A header that does not fit, and one that is to be copied: the backup keeps its bytes after it, its rights, and its seal.
#[test]
fn a_copy_takes_the_place_of_a_backup() {
    let folder = folder(PLAIN_LEN);
    folder.dbseal(["keygen", "--pq", "-o", "pq.key"]).run().succeeds();
    let before = folder.read("b/shop.age");
    folder.set_mode("b/shop.age", 0o640);
    let rewrap = |more: &[&str]| {
        let args = ["rewrap", "--trust", "t/trust", "--sign", "custodian.sign.key", "-i", "old.key"];
        folder.dbseal(args).args(more.iter().copied()).args(["b/shop.age"]).run()
    };
    rewrap(&["-R", "pq.pub"]).ends_with(1, "and be only as strong as that");
    assert_eq!(said(&rewrap(&["-R", "new.pub", "--copy"]).succeeds()), "b/shop.age: done: 1 left, 1 came, by a copy\n");
    let copied = folder.read("b/shop.age");
    assert!(copied.len() == before.len() && copied[4096..] == before[4096..]);
    assert_eq!((folder.mode("b/shop.age"), names_in(&folder)), (0o640, vec!["shop.age".to_owned(), "shop.age.seal".into()]));
    assert!(verify(&folder, "b/shop.age").contains("b/shop.age: intact"));
    // One post-quantum recipient fits where two classical ones were; three do not.
    for key in ["pq2", "pq3"] {
        folder.dbseal(["keygen", "--pq", "-o", &format!("{key}.key")]).run().succeeds();
    }
    let sign = ["rewrap", "--trust", "t/trust", "--sign", "custodian.sign.key"];
    let only = ["-i", "new.key", "--only", "--yes", "-R", "pq.pub", "b/shop.age"];
    assert_eq!(said(&folder.dbseal(sign).args(only).run().succeeds()), "b/shop.age: done: 2 left, 1 came\n");
    assert_eq!(folder.read("b/shop.age")[4096..], before[4096..]);
    let add = ["-i", "pq.key", "--add", "-R", "pq2.pub", "-R", "pq3.pub", "b/shop.age"];
    assert_eq!(said(&folder.dbseal(sign).args(add).run().succeeds()), "b/shop.age: done: 0 left, 2 came, by a copy\n");
    assert_eq!(folder.read("b/shop.age")[8192..], before[4096..]);
    assert!(opens(&folder, "pq", "b/shop.age") && verify(&folder, "b/shop.age").contains("b/shop.age: intact"));
}

/// Whatever of a header is on the disk when the power goes, the backup opens, and is what was sealed; a key finishes the change.
#[test]
fn a_header_that_is_half_written_is_read_through_its_journal() {
    let folder = folder(PLAIN_LEN);
    let [before, old_seal] = ["b/shop.age", "b/shop.age.seal"].map(|name| folder.read(name));
    let rotate = ["rewrap", "-i", "old.key", "-R", "new.pub", "--trust", "t/trust", "--sign", "custodian.sign.key", "b/shop.age"];
    let _ = folder.dbseal(rotate).run().succeeds();
    let [after, new_seal] = ["b/shop.age", "b/shop.age.seal"].map(|name| folder.read(name));
    let header = |bytes: &[u8]| Header::parse(bytes).expect("a header").0;
    let journal = Journal::of(header(&before), header(&after)).to_bytes();
    for sector in 0..=8 {
        let torn = [&after[..512 * sector], &before[512 * sector..4096], &before[4096..]].concat();
        // Of one that is whole nobody else's is read; of one that is not, whichever opens.
        let unsealed = [sector < 8, sector > 0];
        for (seal, holders) in [(Some(&old_seal), [true, false]), (Some(&new_seal), [false, true]), (None, unsealed)] {
            folder.write("b/shop.age", &torn);
            folder.write("b/shop.age.journal", &journal);
            match seal {
                Some(seal) => folder.write("b/shop.age.seal", seal),
                None => drop(fs::remove_file(folder.path("b/shop.age.seal"))),
            }
            for how in [&[][..], &["--salvage"]] {
                let opened = ["old", "new"].map(|key| {
                    let decrypt = ["decrypt", "-f", "-i", &format!("{key}.key"), "-o", "out", "b/shop.age"];
                    let _ = fs::remove_file(folder.path("out"));
                    // What is saved is never a success, also where it is all.
                    let done = folder.dbseal(decrypt).args(how.iter().copied()).run();
                    (done.status.success() || !how.is_empty()) && folder.has("out") && folder.read("out") == folder.read("shop.sql")
                });
                // What is saved may be that of an old header which is still there.
                let is_so =
                    if how.is_empty() { opened == holders } else { opened.iter().zip(holders).all(|(opened, holds)| *opened || !holds) };
                assert!(is_so, "{sector} sectors {how:?}: {opened:?}");
            }
            if let Some(seal) = seal {
                // Intact is what other programs open too.
                let is_whole = sector == if *seal == old_seal { 0 } else { 8 };
                assert_eq!(verify(&folder, "b/shop.age").contains("b/shop.age: intact"), is_whole, "{sector} sectors");
            }
            // What has no key writes nothing.
            assert!(folder.read("b/shop.age") == torn && folder.read("b/shop.age.journal") == journal);
            let finish = ["rewrap", "-i", "old.key", "-i", "new.key", "-R", "new.pub", "--sign", "custodian.sign.key"];
            let _ = folder.dbseal(finish).args(["--accept", "unvouched", "b/shop.age"]).run().succeeds();
            assert_eq!(["old", "new"].map(|key| age_opens(&folder, key, "b/shop.age")), [false, true], "{sector} sectors");
            assert!(!folder.has("b/shop.age.journal"));
            if seal.is_some() {
                assert!(verify(&folder, "b/shop.age").contains("b/shop.age: intact"), "{sector} sectors");
            }
        }
    }
}

/// A journal that somebody puts there makes nothing of a backup that it is not.
#[test]
fn a_planted_journal_is_not_believed() {
    let folder = folder(PLAIN_LEN);
    encrypt(&folder, "b/other.age", &[]);
    let [own, other] = ["b/shop.age", "b/other.age"].map(|name| Header::parse(&folder.read(name)).expect("a header").0);
    let before = folder.read("b/shop.age");
    for journal in [
        Journal::of(own.clone(), other.clone()).to_bytes(),
        Journal::of(other.clone(), other.clone()).to_bytes(),
        b"dbseal/v1 journal\n".to_vec(),
    ] {
        folder.write("b/shop.age.journal", &journal);
        assert_eq!(["old", "escrow", "new"].map(|key| opens(&folder, key, "b/shop.age")), [true, true, false]);
        assert!(verify(&folder, "b/shop.age").contains("b/shop.age: intact"));
        folder.dbseal(["inspect", "b/shop.age"]).run().succeeds();
        assert!(folder.read("b/shop.age") == before && folder.read("b/shop.age.journal") == journal);
    }
    // Somebody's own header, and a journal by which it would become the one that was signed: nothing that is there is intact.
    folder.write("b/shop.age", [&other.to_bytes(), &before[4096..]].concat());
    folder.write("b/shop.age.journal", Journal::of(other.clone(), own.clone()).to_bytes());
    folder.dbseal(["verify", "--trust", "t/trust", "b/shop.age"]).run().ends_with(1, "a change of its recipients was stopped");
    // The one that is signed is at hand all the same, and a key puts it back.
    assert!(opens(&folder, "old", "b/shop.age"));
    // One by which a backup that is whole looks half written: its own header, with another first and another last sector.
    let torn = |at: usize| {
        let mut bytes = own.to_bytes();
        let letter = &mut bytes[at];
        *letter = if *letter == b'A' { b'B' } else { b'A' };
        Header::parse(&bytes).expect("another letter is one").0
    };
    folder.write("b/shop.age", &before);
    let bytes = own.to_bytes();
    let first_letter = 31 + bytes[30..].iter().position(|&byte| byte == b'\n').expect("a line");
    folder.write("b/shop.age.journal", Journal::of(torn(first_letter), torn(bytes.len() - 10)).to_bytes());
    assert_eq!(["old", "escrow", "new"].map(|key| opens(&folder, key, "b/shop.age")), [true, true, false]);
    assert!(verify(&folder, "b/shop.age").contains("b/shop.age: intact"));
    folder.dbseal(["inspect", "-i", "old.key", "b"]).run().succeeds();
    let seal = folder.read("b/shop.age.seal");
    fs::remove_file(folder.path("b/shop.age.seal")).expect("it is there");
    let opened = folder.dbseal(["decrypt", "-f", "-i", "old.key", "-o", "out", "b/shop.age"]).run();
    assert!(opened.status.success() && folder.read("out") == folder.read("shop.sql"));
    folder.dbseal(["rewrap", "-i", "old.key", "--add", "-R", "new.pub", "--dry-run", "b/shop.age"]).run().succeeds();
    // The same, made with a header of theirs that opens for whom they like.
    let mine = Header::parse(&[&other.to_bytes()[..512], &bytes[512..]].concat()).expect("the rest is padding").0;
    folder.write("b/shop.age.journal", Journal::of(mine, torn(bytes.len() / 2)).to_bytes());
    folder.dbseal(["inspect", "-i", "old.key", "b/shop.age"]).run().succeeds();
    // And where a stranger's note in its seal says the other one: to who trusts nobody it counts.
    folder.write("b/shop.age.seal", &seal);
    let theirs = ["rewrap", "-i", "old.key", "-R", "new.pub", "--sign", "stranger.sign.key", "--accept", "unvouched", "b/shop.age"];
    fs::remove_file(folder.path("b/shop.age.journal")).expect("it is there");
    folder.dbseal(theirs).run().succeeds();
    let said_by_them = Header::parse(&folder.read("b/shop.age")).expect("a header").0;
    folder.write("b/shop.age", &before);
    folder.write("b/shop.age.journal", Journal::of(torn(bytes.len() / 2), said_by_them).to_bytes());
    for what in ["b", "b/shop.age"] {
        folder.dbseal(["inspect", "-i", "old.key", what]).run().succeeds();
    }
    assert!(verify(&folder, "b/shop.age").contains("b/shop.age: intact"));
    folder.write("b/shop.age.seal", &seal);
    // One that is in the way of nothing does not stop a change.
    folder.write("b/shop.age", &before);
    folder.write("b/shop.age.journal", "junk");
    let rotate = ["rewrap", "-i", "old.key", "-R", "new.pub", "--trust", "t/trust", "--sign", "custodian.sign.key", "b/shop.age"];
    let _ = folder.dbseal(rotate).run().succeeds();
    assert_eq!((names_in(&folder).len(), opens(&folder, "new", "b/shop.age")), (3, true));
    // Nor is one signed by whom nobody would believe.
    let rotate = ["rewrap", "-i", "new.key", "-R", "old.pub", "--trust", "t/trust", "--sign", "db1.sign.key", "b/shop.age"];
    folder.dbseal(rotate).run().ends_with(1, "db1 is not trusted to change recipients");
    assert!(verify(&folder, "b/shop.age").contains("b/shop.age: intact"));
}

/// At every step that changes something on the disk, the process is killed or the call fails; then a key brings the change to its end.
#[test]
fn each_step_may_be_the_last_or_fail() {
    let (ways, whats) = (&[&[][..], &["--copy"]], &["signal=SIGKILL", "error=EIO"]);
    let folder = folder(PLAIN_LEN);
    let files = ["b/shop.age", "b/shop.age.seal"].map(|name| folder.read(name));
    let holders = |opens: fn(&Folder, &str, &str) -> bool| ["old", "new", "escrow"].map(|key| opens(&folder, key, "b/shop.age"));
    let is_one_of_both = |holders: [bool; 3]| holders == [true, false, true] || holders == [false, true, true];
    let sign = ["--trust", "t/trust", "--sign", "custodian.sign.key", "-R", "new.pub", "b/shop.age"];
    let calls = ["write", "pwrite64", "fsync", "fdatasync", "linkat", "renameat,renameat2,rename", "unlinkat", "copy_file_range"];
    let mut stopped_count = 0;
    for (way, call, what) in ways.iter().flat_map(|way| calls.iter().flat_map(move |call| whats.iter().map(move |what| (way, call, what))))
    {
        for step in 1..20 {
            folder.write("b/shop.age", &files[0]);
            folder.write("b/shop.age.seal", &files[1]);
            let inject = format!("inject={call}:{what}:when={step}");
            let run = folder.dbseal(["rewrap", "-i", "old.key"]).args(way.iter().copied()).args(sign);
            match injected(&folder, run, &inject) {
                Injected::NeverCame => break,
                Injected::Withstood => {}
                Injected::Stopped => stopped_count += 1,
            }
            let (opened, said) = (holders(opens), verify(&folder, "b/shop.age"));
            assert!(is_one_of_both(opened), "{inject} {way:?}: {opened:?}");
            let is_intact = said.contains("b/shop.age: intact");
            assert!(is_intact || folder.has("b/shop.age.journal"), "{inject} {way:?}: {said}");
            if *way == ["--copy"] {
                assert!(is_one_of_both(holders(age_opens)), "{inject}");
            }
            let _ = folder.dbseal(["rewrap", "-i", "old.key", "-i", "new.key"]).args(way.iter().copied()).args(sign).run().succeeds();
            assert_eq!(holders(age_opens), [false, true, true], "{inject} {way:?}");
            for name in names_in(&folder).iter().filter(|name| !["shop.age", "shop.age.seal"].contains(&name.as_str())) {
                // One that was killed between the two halves of replacing a name leaves the new one under a name of its own.
                assert!(what.starts_with("signal") && name.starts_with('.'), "{inject} {way:?}: {name}");
                fs::remove_file(folder.path(&format!("b/{name}"))).expect("it is there");
            }
            assert!(verify(&folder, "b/shop.age").contains("b/shop.age: intact"), "{inject} {way:?}");
        }
    }
    assert!(stopped_count > 5 * ways.len() * whats.len(), "{stopped_count}");
}

/// The recipients that `inspect` shows are those of the header that the key opens, of a damaged backup too.
#[test]
fn inspect_shows_the_header_that_opens() {
    let folder = folder(1000);
    let mut bytes = folder.read("b/shop.age");
    let header = |bytes: &[u8]| Header::parse(bytes).expect("a header").0;
    fs::remove_file(folder.path("b/shop.age.seal")).expect("it is there");
    let rotate = ["rewrap", "-i", "old.key", "-R", "new.pub", "-R", "third.pub", "b/shop.age"];
    folder.dbseal(["keygen", "-o", "third.key"]).run().succeeds();
    folder.dbseal(rotate).run().succeeds();
    let after = folder.read("b/shop.age");
    let journal = Journal::of(header(&bytes), header(&after));
    bytes[..2048].copy_from_slice(&after[..2048]);
    for damage in [0, 1] {
        *bytes.last_mut().expect("a backup") ^= damage;
        folder.write("b/shop.age", &bytes);
        folder.write("b/shop.age.journal", journal.to_bytes());
        for (key, count) in [("old", 2), ("new", 3)] {
            let shown = folder.dbseal(["inspect", "--json", "-i", &format!("{key}.key"), "b/shop.age"]).run();
            let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("an answer");
            assert_eq!(shown["recipients"].as_array().map(Vec::len), Some(count), "{shown}");
            assert_eq!((shown["opened_by"].is_string(), shown["payload_fault"].is_null()), (true, damage == 0), "{shown}");
        }
    }
}

/// Whoever reads that it is done throws the old key away; and which of its headers comes after which, whoever wrote the journal has chosen.
#[test]
fn what_was_stopped_is_done_for_who_opens_it() {
    let folder = folder(1000);
    let files = ["b/shop.age", "b/shop.age.seal"].map(|name| folder.read(name));
    let rewrap = |key: &str| {
        folder.dbseal(["rewrap", "-i", key, "--trust", "t/trust", "--sign", "custodian.sign.key", "-R", "new.pub", "b/shop.age"])
    };
    // Before the seal says the new header, and after it does.
    for (last_call, holders, other_key) in [
        ("renameat,renameat2,rename:signal=SIGKILL:when=2", [true, false], "new.key"),
        ("unlinkat:signal=SIGKILL", [false, true], "old.key"),
    ] {
        folder.write("b/shop.age", &files[0]);
        folder.write("b/shop.age.seal", &files[1]);
        assert_eq!(injected(&folder, rewrap("old.key"), &format!("inject={last_call}")), Injected::Stopped, "{last_call}");
        assert!(folder.has("b/shop.age.journal"), "{last_call}");
        let again = rewrap(other_key).run();
        assert_eq!(["old", "new"].map(|key| age_opens(&folder, key, "b/shop.age")), holders, "{last_call}");
        assert!(!folder.has("b/shop.age.journal") && verify(&folder, "b/shop.age").contains("b/shop.age: intact"), "{last_call}");
        let how = if holders == [true, false] { "taken back" } else { "finished" };
        let words = format!("a change of its recipients that was stopped is {how} first");
        assert!(again.words().contains(&words), "{}", again.words());
        again.ends_with(1, "none of the given keys opens this file");
    }
}

/// Before a key is thrown away: what it still opens, and afterwards that it opens nothing.
#[test]
fn which_backups_a_key_opens() {
    let folder = folder(PLAIN_LEN);
    encrypt(&folder, "b/other.age", &[]);
    let inspect = |key: &str| folder.dbseal(["inspect", "-i", key, "b"]).run();
    assert_eq!(said(&inspect("old.key").succeeds()), "b/other.age: opens\nb/shop.age: opens\n");
    folder.dbseal(["rewrap", "-i", "old.key", "-R", "new.pub", "b/other.age"]).run().succeeds();
    let some = inspect("old.key").ends_with(1, "of 2 backups the keys open 1");
    assert_eq!(said(&some), "b/other.age: DOES NOT OPEN\nb/shop.age: opens\n");
    folder.dbseal(["inspect", "-i", "old.key", "-i", "new.key", "b"]).run().succeeds();
    folder.write("b/junk.age", "junk");
    assert!(said(&inspect("escrow.key").ends_with(1, "the keys open 2")).contains("b/junk.age: DOES NOT OPEN: this is not an age file"));
    folder.dbseal(["inspect", "b"]).run().ends_with(2, "no key to open the file with");
}

/// Of one length, and for the same recipients: what opens is the other backup, and nothing here any more.
#[test]
fn the_header_of_another_backup_is_not_its_own() {
    let folder = folder(PLAIN_LEN);
    for name in ["b/a.age", "b/b.age"] {
        encrypt(&folder, name, &[]);
    }
    let rewrap =
        || folder.dbseal(["rewrap", "-i", "old.key", "-i", "new.key", "-R", "new.pub", "--without-seal", "b/a.age", "b/b.age"]).run();
    let _ = rewrap().succeeds();
    let inspect = || folder.dbseal(["inspect", "-i", "new.key", "b/a.age", "b/b.age"]).run();
    assert_eq!(said(&inspect().succeeds()), "b/a.age: opens\nb/b.age: opens\n");
    let (one, mut other) = (folder.read("b/a.age"), folder.read("b/b.age"));
    other[..4096].copy_from_slice(&one[..4096]);
    folder.write("b/b.age", &other);
    let again = rewrap();
    assert_eq!(again.code(), 1);
    let damaged = "the payload is damaged or was altered in chunk 48, from byte 3145728";
    let words = said(&again);
    assert!(
        words.contains("b/a.age: it has these recipients already\n") && words.contains(&format!("b/b.age: NOT DONE: {damaged}")),
        "{words}"
    );
    let words = said(&inspect().ends_with(1, "of 2 backups the keys open 1"));
    assert!(words.contains(&format!("b/b.age: DOES NOT OPEN: {damaged}")), "{words}");
    let words = said(&folder.dbseal(["inspect", "-i", "new.key", "b/b.age"]).run().ends_with(1, damaged));
    assert!(words.contains(&format!("opened by:  new.key, but its payload DOES NOT OPEN: {damaged}")), "{words}");
    folder.dbseal(["inspect", "-i", "new.key", "b/a.age"]).run().succeeds();
}

/// Before an old key is thrown away.
#[test]
fn folders_below_are_looked_through() {
    let folder = folder(1000);
    fs::create_dir_all(folder.path("b/2026/11")).expect("folders");
    fs::create_dir(folder.path("b/.snapshot")).expect("a folder");
    for name in ["b/2026/11/web.age", "b/2026/late.age", "b/.snapshot/shop.age"] {
        encrypt(&folder, name, &["--sign", "db1.sign.key"]);
    }
    fs::rename(folder.path("b/2026/late.age"), folder.path("b/2026/late.age.1")).expect("it is there");
    fs::remove_file(folder.path("b/2026/late.age.seal")).expect("it is there");
    let rewrap = ["rewrap", "-i", "old.key", "-R", "new.pub", "--trust", "t/trust", "--sign", "custodian.sign.key", "b"];
    let done = folder.dbseal(rewrap).run().succeeds();
    assert_eq!(said(&done), "b/shop.age: done: 1 left, 1 came\nb/2026/11/web.age: done: 1 left, 1 came\n");
    let left_out = "b/2026/late.age.1 is an age file, but not called so (.age): it was left out";
    assert!(done.words().contains(left_out), "{}", done.words());
    let inspected = folder.dbseal(["inspect", "-i", "new.key", "b"]).run().succeeds();
    assert_eq!(said(&inspected), "b/shop.age: opens\nb/2026/11/web.age: opens\n");
    assert!(inspected.words().contains(left_out), "{}", inspected.words());
    let verified = folder.dbseal(["verify", "--trust", "t/trust", "b"]).run().succeeds();
    assert!(verified.words().contains("b: 1 backups in folders below it are not looked at"), "{}", verified.words());
    assert!(said(&verified).contains("; recipients changed by custodian (its clock said 20"), "{}", said(&verified));
}

/// One that is named twice, or has two names, is not in the way of itself; another job is.
#[test]
fn nobody_else_changes_it_meanwhile() {
    let folder = folder(1000);
    let rewrap = ["rewrap", "-i", "old.key", "-R", "new.pub", "--trust", "t/trust", "--sign", "custodian.sign.key", "b/shop.age"];
    let held = fs::File::open(folder.path("b/shop.age")).expect("it is there");
    held.lock_shared().expect("nobody else has it");
    folder.dbseal(rewrap).run().ends_with(2, "b/shop.age is in use by another job");
    drop(held);
    for name in ["1", "2", "3", "4"] {
        for ending in ["", ".seal"] {
            let [from, to] = ["b/shop.age".to_owned(), format!("b/{name}.age")].map(|name| folder.path(&(name + ending)));
            fs::hard_link(from, to).expect("links are there");
        }
    }
    let done = folder.dbseal(rewrap).args(["./b/shop.age", "b", "--accept", "renamed"]).run().succeeds();
    let names = ["shop", "1", "2", "3", "4"];
    assert_eq!(said(&done).matches(": done: 1 left, 1 came, by a copy\n").count(), 4, "{}", said(&done));
    assert_eq!(said(&done).lines().count(), names.len());
    assert!(names.into_iter().all(|name| age_opens(&folder, "new", &format!("b/{name}.age"))));
}

/// An older header of the log is nobody's word, whoever made it.
#[test]
fn an_older_header_that_was_put_back() {
    let folder = folder(1000);
    let rewrap = |from: &str, to: &str| {
        let args = ["rewrap", "-i", from, "-R", to, "--trust", "t/trust", "--sign", "custodian.sign.key", "b/shop.age"];
        folder.dbseal(args).run().succeeds();
        folder.read("b/shop.age")
    };
    let first = rewrap("old.key", "new.pub");
    let _ = rewrap("new.key", "old.pub");
    folder.write("b/shop.age", first);
    let said = verify(&folder, "b/shop.age");
    assert!(said.contains("HEADER CHANGED: it is not the one that was signed last, and may not open"), "{said}");
    let open = folder.dbseal(["decrypt", "-i", "new.key", "--trust", "t/trust", "-o", "out", "b/shop.age"]).run();
    open.ends_with(1, "the header of b/shop.age is not the one that was signed last");
}

/// What nobody here trusts is told as that.
#[test]
fn a_change_by_a_stranger_is_told_as_one() {
    let folder = folder(1000);
    let rewrap = ["rewrap", "-i", "old.key", "-R", "new.pub", "--sign", "stranger.sign.key", "--accept", "unvouched", "b/shop.age"];
    // Nobody could take their note back.
    let refused = folder.dbseal(&rewrap[..rewrap.len() - 3]).args(["b/shop.age"]).run();
    refused.ends_with(2, "b/shop.age has a seal, and you trust nobody here");
    folder.dbseal(rewrap).run().succeeds();
    let stranger = folder.read_text("stranger.sign.pub").trim().to_owned();
    let open = folder.dbseal(["decrypt", "-i", "new.key", "--trust", "t/trust", "-o", "out", "b/shop.age"]).run();
    open.ends_with(1, &format!("b/shop.age has other recipients since, as {stranger} has signed, whom you do not trust with that"));
    let said = verify(&folder, "b/shop.age");
    assert!(said.contains(&format!("HEADER CHANGED: {stranger} has signed it, whom you do not trust with that (may=rewrap); ")), "{said}");
    // Nor does it become another's who is trusted, and changed it after them.
    let custodian = ["rewrap", "-i", "new.key", "-R", "old.pub", "--sign", "custodian.sign.key", "--accept", "unvouched", "b/shop.age"];
    folder.dbseal(custodian).run().succeeds();
    let said = verify(&folder, "b/shop.age");
    assert!(said.contains(&format!("HEADER CHANGED: {stranger} has signed it, whom you do not trust with that (may=rewrap); ")), "{said}");
    // With a new file key it is another payload, too, and may be all that is left.
    let anew = ["rewrap", "--new-file-key", "--yes", "-i", "old.key", "-R", "new.pub", "--sign", "custodian.sign.key"];
    folder.dbseal(anew).args(["--accept", "unvouched", "b/shop.age"]).run().succeeds();
    let said = verify(&folder, "b/shop.age");
    assert!(said.contains(&format!("DAMAGED, unless {stranger} is right, whom you do not trust with that (may=rewrap)")), "{said}");
    // A seal that is broken keeps no key from going.
    folder.write("b/shop.age.seal", "no seal\n");
    let drop = ["rewrap", "-i", "new.key", "-R", "old.pub", "--without-seal", "--drop-seal", "b/shop.age"];
    folder.dbseal(drop).run().succeeds();
    assert!(age_opens(&folder, "old", "b/shop.age") && !folder.has("b/shop.age.seal"));
}
