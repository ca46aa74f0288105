//! A signing key that is succeeded by another, and trust that ends at a backup (core/SEAL.md, "Succession", "Which notes count").
#![cfg(target_os = "linux")]

use std::fs;

use dbseal_core::{Note, Seal, Sealed, Succession, Time, Tree};
use dbseal_tests::cli::seals::{self, answer, answers, signing_key};
use dbseal_tests::cli::{Ended, Folder, Run};

const CHAIN: [&str; 2] = ["--chain", "b"];

/// The next backup of the series, signed by this key.
fn make(folder: &Folder, key: &str, name: &str) {
    folder.write("dump", name);
    let series = ["--series", "shop", "--series-state", "state", "-o", &format!("b/{name}"), "dump"];
    folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", key]).args(series).run().succeeds_in_silence();
}

/// Three backups of the series that the key `host` has signed, and its successor `host2`.
fn folder() -> Folder {
    let folder = seals::folder();
    ["1.age", "2.age", "3.age"].iter().for_each(|name| make(&folder, "host.key", name));
    succeed(&folder, "host.key", "host2");
    folder
}

/// A new key, `NAME.key`, which succeeds another.
fn succeed(folder: &Folder, old: &str, name: &str) {
    folder.dbseal(["keygen", "--sign", name, "--succeeds", old, "-o", &format!("{name}.key")]).run().succeeds_in_silence();
}

/// `dbseal trust` by the folder's trust.
fn trust(folder: &Folder, args: &[&str]) -> Run {
    folder.dbseal(["trust", "--trust", "trust"]).args(args.iter().copied())
}

/// The trust lines that were printed.
fn lines(ended: &Ended) -> Vec<String> {
    let text = String::from_utf8_lossy(&ended.stdout);
    text.lines().filter(|line| !line.starts_with('#')).map(ToOwned::to_owned).collect()
}

/// What is answered of each backup.
#[track_caller]
fn assert_answers(ended: &Ended, expected: &[(&str, &str, &str)]) {
    for (name, integrity, place) in expected {
        let answer = answer(ended, name);
        assert_eq!((&answer["integrity"], &answer["place"]), (&(*integrity).into(), &(*place).into()), "{name}: {}", ended.words());
    }
    assert_eq!(answers(ended).len(), expected.len(), "{}", ended.words());
}

/// The place of a backup in the words of a trust line.
fn end_of(folder: &Folder, name: &str) -> String {
    let seal = Seal::parse(&folder.read(&format!("b/{name}.seal"))).expect("a seal");
    let place = seal.notes()[0].note().series().expect("a series");
    format!("series={} until={}:{}:{}", place.label, place.epoch, place.number, seal.first_hash())
}

/// The seal of a backup, as whoever has the old key can write it again: another note under the same number.
fn sign_anew(folder: &Folder, name: &str) {
    let path = format!("b/{name}.seal");
    let (header, section, proof_key) = seals::parts(folder, &folder.read(&format!("b/{name}")));
    let Note::Sealed(note) = Seal::parse(&folder.read(&path)).expect("a seal").notes()[0].note().clone() else { panic!("the host's note") };
    let note = Note::Sealed(Sealed { time: Time::default(), ..note }).proven(&proof_key);
    let seal = Seal::new(note, &signing_key(folder, "host"), &Tree::of(&section), &header.to_bytes());
    folder.write(&path, seal.to_bytes());
}

// The whole way

/// With the lines that are printed, what the old key has signed up to its end and what the new one signs is intact; what the old one signs
/// from then on is nobody's.
#[test]
fn a_key_is_succeeded() {
    let folder = folder();
    // Nothing follows a succession by itself.
    make(&folder, "host2.key", "4.age");
    let ended = seals::verify(&folder, &["b/4.age"]).run().fails_with("");
    assert_eq!(answer(&ended, "4.age")["signer_trusted"], "no");

    let printed = trust(&folder, &["--last", "b", "host2.succession"]).run().succeeds();
    assert_eq!(printed.stderr, "dbseal: warning: backups among these for which nobody vouches whom you trust: 1; nothing ends there\n");
    let [old, new] = ["host", "host2"].map(|name| folder.read_text(&format!("{name}.pub")).trim().to_owned());
    let ended_line = format!("{old} may=seal {}", end_of(&folder, "3.age"));
    assert_eq!(lines(&printed), [ended_line, format!("{new} may=seal series=*")]);
    let words = printed.words();
    assert!(
        words.contains("# host2 succeeds host, as both have signed (their clock said ")
            && words.contains("# up to b/3.age, number 3 of shop")
    );
    folder.write("trust", &printed.stdout);

    make(&folder, "host.key", "5.age");
    let ended = seals::verify(&folder, &CHAIN).run().fails_with("");
    let good = ["1.age", "2.age", "3.age", "4.age"].map(|name| (name, "intact", "in-series"));
    assert_answers(&ended, &[&good[..], &[("5.age", "unvouched", "unknown")]].concat());
    assert_eq!(answer(&ended, "5.age")["signer_trusted"], "not-for-this");
    let but = "whom you trust, but only up to the backup that until= names";
    folder.dbseal(["verify", "--trust", "trust", "b/5.age"]).run().fails_with(&format!("its seal is signed by host, {but}"));
    let listed = answers(&folder.dbseal(["list", "--json", "--trust", "trust", "b"]).run().succeeds());
    for (name, seal) in [("b/3.age", "vouched"), ("b/4.age", "vouched"), ("b/5.age", "unvouched")] {
        assert!(listed.iter().any(|row| row["file"] == name && row["seal"] == seal), "{name}: {listed:?}");
    }

    let decrypt = |name: &str| folder.dbseal(["decrypt", "-i", "backup.key", "--trust", "trust", name]).run();
    decrypt("b/5.age").fails_with(&format!("b/5.age is signed by host, {but}\ndbseal: hint: host was not to seal it any more"));
    for name in ["1.age", "3.age", "4.age"] {
        assert_eq!(decrypt(&format!("b/{name}")).succeeds_in_silence().stdout, name.as_bytes());
    }
    // Nor has it a say over who else is trusted.
    succeed(&folder, "host.key", "mallory");
    trust(&folder, &["mallory.succession"])
        .run()
        .fails_with("mallory.succession: your trust in the old key, host, has ended: it names no successor any more");
    // The new one has.
    succeed(&folder, "host2.key", "host3");
    assert_eq!(lines(&trust(&folder, &["--last", "b", "host3.succession"]).run().succeeds()).len(), 2);
}

/// One seal shows no more than its number; beside the others it shows that the chain leads to another.
#[test]
fn an_earlier_number_that_is_signed_anew() {
    let folder = folder();
    let printed = trust(&folder, &["--last", "b", "host2.succession"]).run().succeeds_in_silence();
    folder.write("trust", &printed.stdout);
    make(&folder, "host2.key", "4.age");
    seals::verify(&folder, &CHAIN).run().succeeds();
    sign_anew(&folder, "2.age");
    assert_answers(&seals::verify(&folder, &["b/2.age"]).run().succeeds(), &[("2.age", "intact", "unchecked")]);
    let ended = seals::verify(&folder, &CHAIN).run().fails_with("");
    assert_answers(
        &ended,
        &[("1.age", "intact", "in-series"), ("2.age", "intact", "fork"), ("3.age", "intact", "fork"), ("4.age", "intact", "in-series")],
    );
    // Under the last number it is named by its hash.
    sign_anew(&folder, "3.age");
    assert_answers(&seals::verify(&folder, &["b/3.age"]).run().fails_with(""), &[("3.age", "unvouched", "unknown")]);
}

/// Whoever has a key signs with whatever time and in whatever series they like.
#[test]
fn another_epoch_series_or_none_is_after_the_end() {
    let folder = folder();
    let printed = trust(&folder, &["--last", "b", "host2.succession"]).run().succeeds_in_silence();
    folder.write("trust", &printed.stdout);
    fs::remove_dir_all(folder.path("state")).expect("it is there");
    make(&folder, "host.key", "epoch.age");
    let encrypt = |args: &[&str]| seals::encrypt(&folder, args).run().succeeds_in_silence();
    encrypt(&["-o", "b/alone.age", "dump"]);
    encrypt(&["--series", "web", "--series-state", "state", "-o", "b/web.age", "dump"]);
    for name in ["epoch.age", "alone.age", "web.age"] {
        let ended = seals::verify(&folder, &[&format!("b/{name}")]).run().fails_with("");
        assert_answers(&ended, &[(name, "unvouched", "unknown")]);
    }
}

// What is refused

/// Each statement that is not signed by both, or is not what they signed, with its sentence; and nothing is printed for it.
#[test]
fn a_succession_that_is_not_signed_by_both() {
    let folder = folder();
    let text = folder.read_text("host2.succession");
    let (said, signatures) = text.split_once("\n\n").expect("a note");
    let (by_old, by_new) = signatures.trim_end().split_once('\n').expect("two signatures");
    seals::new_key(&folder, "mallory");
    // The same name, and another key: a signature of theirs has another ID.
    let other = signing_key(&folder, "mallory");
    let others = Succession::sign(&other, &signing_key(&folder, "host2"), Time::default()).expect("two keys").to_text();
    let others = others.split_once("\n\n").expect("a note").1.lines().next().expect("a signature").replacen("mallory", "host", 1);
    let note =
        |said: &str, signatures: &[&str]| format!("{said}\n\n{}", signatures.iter().map(|line| format!("{line}\n")).collect::<String>());
    let [host2, mallory] = ["host2", "mallory"].map(|name| folder.read_text(&format!("{name}.pub")).trim().to_owned());
    let forged = format!("{}{}", &by_old[..by_old.len() - 12], "AAAAAAAAAAA=");
    for (text, sentence) in [
        (note(said, &[by_old]), "the new key has not signed it"),
        (note(said, &[by_new]), "the old key has not signed it"),
        (note(said, &[by_new, by_old]), "the old key has not signed it"),
        (note(said, &[&others, by_new]), "the old key has not signed it"),
        (note(said, &[by_old, by_old]), "the new key has not signed it"),
        (note(said, &[&forged, by_new]), "the signature of the old key is wrong: the succession was altered, or forged"),
        (text.replacen(&host2, &mallory, 1), "the signature of the old key is wrong: the succession was altered, or forged"),
        (text.replacen("\ntime 2", "\ntime 3", 1), "the signature of the old key is wrong: the succession was altered, or forged"),
        (text.replacen("\nnew ", "\nnew  ", 1), "there is no well-formed line 'new' where there should be one"),
        (format!("{said}\n"), "it is cut off before its signatures"),
        (format!("{text}\n"), "something follows its two signatures"),
        (text.replace('\n', "\r\n"), "this is not the succession of a signing key"),
        (text.replacen("v1", "v2", 1), "this is a succession of a version newer than v1"),
        (folder.read_text("host2.pub"), "this is not the succession of a signing key"),
        (
            folder.read_text("b/1.age.seal").split_once("\nunsigned").expect("a seal").0.into(),
            "this is not the succession of a signing key",
        ),
        (String::new(), "this is not the succession of a signing key"),
    ] {
        folder.write("altered", &text);
        let ended =
            trust(&folder, &["--last", "b", "altered"]).run().fails_with(&format!("dbseal: error: altered: {sentence}\ndbseal: hint: "));
        assert!(ended.stdout.is_empty(), "{text}: {}", ended.words());
    }
    for args in [&["missing"][..], &["--last", "b/missing", "host2.succession"]] {
        trust(&folder, args).run().ends_with(2, "missing: no such file or directory");
    }
}

/// A key has a say over its successor for those who trust it now, and for nobody else.
#[test]
fn the_old_key_is_trusted_now() {
    let folder = folder();
    seals::new_key(&folder, "other");
    let [host, other] = ["host", "other"].map(|name| folder.read_text(&format!("{name}.pub")).trim().to_owned());
    let refused = |text: &str, words: &str| {
        folder.write("trust", text);
        let ended = trust(&folder, &["--last", "b", "host2.succession"]).run().fails_with(words);
        assert!(ended.stdout.is_empty(), "{}", ended.words());
    };
    let stranger = format!("dbseal: error: host2.succession: the old key is not one that you trust: {host}\n");
    refused(&other, &stranger);
    refused(&format!("{} may=seal,rewrap,drill", folder.read_text("host2.pub").trim()), &stranger);
    refused(&format!("{host} {}", end_of(&folder, "2.age")), "your trust in the old key, host, has ended: it names no successor any more");
    // Where it does not seal there is no backup at which it could end.
    refused(&format!("{host} may=drill"), "none of these backups is one of a series for which somebody whom you trust vouches");
    folder.dbseal(["trust", "host2.succession"]).run().fails_with(&stranger);
    // Whoever writes to the storage would say whom to trust.
    folder.write("b/trust", &host);
    folder.dbseal(["trust", "--trust", "b/trust", "--last", "b", "host2.succession"]).run().ends_with(2, "lies where the backups are");
}

/// Two backups under the last number: which is believed, a person says.
#[test]
fn two_last_backups() {
    let folder = folder();
    folder.shell("mkdir c && cp b/3.age b/3.age.seal c/").run().succeeds();
    sign_anew(&folder, "3.age");
    let sentence = "two backups are the last of the series shop, number 3 of one epoch";
    trust(&folder, &["--last", "b", "--last", "c", "host2.succession"]).run().fails_with(sentence);
    let chosen = trust(&folder, &["--last", "c/3.age", "host2.succession"]).run().succeeds_in_silence();
    assert!(lines(&chosen)[0].contains(" series=shop until="), "{}", chosen.words());
}

// What is printed

/// Each line is passed on with its roles and its series; where it ends, and where not, is said.
#[test]
fn lines_are_passed_on_as_they_are() {
    let folder = folder();
    let [old, new] = ["host", "host2"].map(|name| folder.read_text(&format!("{name}.pub")).trim().to_owned());
    folder.write("trust", format!("# ours\n{old} may=rewrap,seal series=sh?p\n{old} may=drill series=web\n"));
    let successors = [format!("{new} may=rewrap,seal series=sh?p"), format!("{new} may=drill series=web")];

    let unended = trust(&folder, &["host2.succession"]).run().succeeds();
    let warning = "dbseal: warning: host stays trusted for what is signed with it from now on: \
                   name the last backups that it has sealed with --last\n";
    assert_eq!(unended.stderr, warning);
    let as_they_are = [format!("{old} may=rewrap,seal series=sh?p"), format!("{old} may=drill series=web")];
    assert_eq!(lines(&unended), [as_they_are, successors.clone()].concat());

    let ended = trust(&folder, &["--last", "b/2.age", "host2.succession"]).run().succeeds();
    assert!(ended.stderr.contains("what host may note of backups that are there (may=rewrap, may=drill) has no end"), "{}", ended.stderr);
    let at_second = format!("{old} may=seal {}", end_of(&folder, "2.age"));
    // No seal shows when a later note was added.
    let lasting = [format!("{old} may=rewrap series=sh?p"), format!("{old} may=drill series=web")];
    assert_eq!(lines(&ended), [&[at_second][..], &lasting, &successors].concat());
    folder.write("trust", format!("{old} series=sh?p\n{old} series=web\n"));
    let ended = trust(&folder, &["--last", "b/2.age", "host2.succession"]).run().succeeds_in_silence();
    let left_out = format!("# no backup was given at which this could end, so it is left out: {old} may=seal series=web\n");
    assert!(ended.words().contains(&left_out), "{}", ended.words());

    // A backup of no series comes before nothing.
    folder.write("trust", &old);
    seals::encrypt(&folder, &["-o", "b/alone.age", "dump"]).run().succeeds_in_silence();
    let said = trust(&folder, &["--last", "b", "host2.succession"]).run().succeeds().stderr;
    let warning =
        "dbseal: warning: backups of no series among these: 1; no key ends there, and by these lines host vouches for none of them\n";
    assert_eq!(said, warning);
}

/// Backups from before a state was lost are of another epoch, with an end of its own.
#[test]
fn each_epoch_has_its_end() {
    let folder = folder();
    fs::remove_dir_all(folder.path("state")).expect("it is there");
    make(&folder, "host.key", "new-1.age");
    let printed = trust(&folder, &["--last", "b", "host2.succession"]).run().succeeds_in_silence();
    assert_eq!(lines(&printed).len(), 3, "{}", printed.words());
    folder.write("trust", &printed.stdout);
    seals::verify(&folder, &CHAIN).run().succeeds();
}

// The new key

/// Private and public half, and the statement, which both keys have signed; or nothing of it.
#[test]
fn keygen_writes_three_files_or_none() {
    let folder = seals::folder();
    let before = folder.names();
    let host2 = ["keygen", "--sign", "host2"];
    folder.write("host2.succession", "taken");
    folder.dbseal(host2).args(["--succeeds", "host.key", "-o", "host2.key"]).run().fails_with("host2.succession exists already");
    fs::remove_file(folder.path("host2.succession")).expect("it is there");
    folder.dbseal(host2).args(["--succeeds", "missing", "-o", "host2.key"]).run().ends_with(2, "cannot open missing");
    folder.dbseal(host2).args(["--succeeds", "host.pub", "-o", "host2.key"]).run().ends_with(2, "this is a verifier key, which is public");
    folder.dbseal(host2).args(["--succeeds", "host.key", "-o", "-"]).run().ends_with(2, "a succession is a file beside the new key");
    folder.dbseal(host2).args(["--succeeds", "host.key"]).run().ends_with(2, "is missing");
    folder.dbseal(["keygen", "--succeeds", "host.key", "-o", "host2.key"]).run().ends_with(2, "is missing");
    assert_eq!(folder.names(), before);

    succeed(&folder, "host.key", "host2");
    assert_eq!(folder.mode("host2.key"), 0o600);
    let succession = Succession::parse(&folder.read("host2.succession")).expect("both have signed it");
    let [old, new] = ["host", "host2"].map(|name| signing_key(&folder, name));
    assert_eq!((succession.old_key(), succession.new_key()), (old.verifier_key(), new.verifier_key()));
    assert!(!folder.read_text("host2.succession").contains("PRIVATE"));
}
