//! Where a backup lies among the others: what is missing, what is there twice, and what was there before.
#![cfg(target_os = "linux")]

use std::fs;

use dbseal_core::{NoteHash, TestResult};
use dbseal_tests::cli::Ended;
use dbseal_tests::cli::seals::{self, answers};
use dbseal_tests::cli::store::{Made, Store, made, row};

/// One of the series `shop`, under a name of its own.
fn next(store: &Store, name: &str, number: u64, previous: Option<NoteHash>) -> NoteHash {
    store.make(&Made { series: Some(("shop", number)), previous, ..made(name) })
}

/// The word for the place of each backup, in the order of the answers.
fn places(ended: &Ended) -> Vec<(String, String)> {
    let answers = answers(ended);
    let text = |value: &serde_json::Value| value.as_str().map(ToOwned::to_owned);
    answers.iter().filter_map(|answer| Some((text(&answer["file"])?, text(&answer["place"])?))).collect()
}

#[track_caller]
fn assert_places(ended: &Ended, expected: &[(&str, &str)]) {
    let places = places(ended);
    let places: Vec<(&str, &str)> = places.iter().map(|(file, place)| (file.rsplit('/').next().unwrap_or(file), place.as_str())).collect();
    assert_eq!(places, expected, "{}", ended.words());
}

/// Where backups replace each other under one name, only a state knows that there was a newer one.
#[test]
fn an_older_backup_of_the_same_name_is_rolled_back() {
    let folder = seals::folder();
    folder.write("dump", "a dump\n");
    let encrypt = || seals::encrypt_next(&folder, &["-f", "-o", "b/shop.age", "dump"]).run().succeeds();
    let verify = |chain: &[&str], code, place| {
        let ended = seals::verify(&folder, chain).args(["b"]).run().ends_with(code, "");
        let answer = seals::answer(&ended, "shop.age");
        assert_eq!((answer["integrity"].as_str(), answer["place"].as_str()), (Some("intact"), Some(place)), "{}", ended.words());
    };
    encrypt();
    verify(CHAIN, 0, "in-series");
    folder.shell("cp -r b older").run().succeeds();
    encrypt();
    verify(CHAIN, 0, "in-series");
    folder.shell("cp older/* b/").run().succeeds();
    verify(&[], 0, "unchecked");
    verify(CHAIN, 1, "rolled-back");
    // A folder for each day.
    for day in ["1", "2"] {
        fs::create_dir(folder.path(day)).expect("a folder");
        seals::encrypt_next(&folder, &["-o", &format!("{day}/shop.age"), "dump"]).run().succeeds();
    }
    let days = ["--chain", "--state", "days", "1", "2"];
    seals::verify(&folder, &days).run().succeeds();
    folder.shell("cp 1/* 2/").run().succeeds();
    seals::verify(&folder, &["2"]).run().succeeds();
    let ended = seals::verify(&folder, &days).run().ends_with(1, "");
    assert_eq!(seals::answer(&ended, "shop.age")["place"], "rolled-back", "{}", ended.words());
}

// What is accepted

/// All words of `--accept`.
const WORDS: [&str; 8] = ["unvouched", "unsealed", "header-changed", "renamed", "gap", "fork", "rolled-back", "new-epoch"];
const CHAIN: &[&str] = &["--chain", "--state", "seen"];

/// Something that is wrong, or is not, with a storage of four backups of the series `shop`, one of `web` and one of none.
struct Case {
    /// The words for it.
    places: &'static [&'static str],
    /// The words that accept it, all of which are needed.
    accepted_by: &'static [&'static str],
    args: &'static [&'static str],
    /// Brings it about; the backup that has it, if any has.
    stage: fn(&Store) -> Option<&'static str>,
}

const CASES: &[Case] = &[
    Case { places: &["alone"], accepted_by: &[], args: CHAIN, stage: |_| Some("alone.age") },
    Case { places: &["in-series"], accepted_by: &[], args: CHAIN, stage: |_| Some("shop-2.age") },
    Case { places: &["unchecked"], accepted_by: &[], args: &[], stage: |_| Some("shop-2.age") },
    Case {
        places: &["unknown"],
        accepted_by: &["unsealed"],
        args: CHAIN,
        stage: |store| {
            fs::remove_file(store.folder.path("backups/alone.age.seal")).expect("it is there");
            Some("alone.age")
        },
    },
    Case {
        places: &["unknown"],
        accepted_by: &["unvouched"],
        args: CHAIN,
        stage: |store| {
            store.make_by(&store.stranger, &made("alone.age"));
            Some("alone.age")
        },
    },
    Case {
        places: &["in-series"],
        accepted_by: &["header-changed"],
        args: CHAIN,
        stage: |store| {
            change_header(store, "shop-2.age");
            Some("shop-2.age")
        },
    },
    Case {
        places: &["unknown"],
        accepted_by: &["header-changed", "unvouched"],
        args: CHAIN,
        stage: |store| {
            store.make_by(&store.stranger, &made("alone.age"));
            change_header(store, "alone.age");
            Some("alone.age")
        },
    },
    Case {
        places: &["renamed"],
        accepted_by: &["renamed"],
        args: CHAIN,
        stage: |store| {
            store.rename("alone.age", "other.age");
            Some("other.age")
        },
    },
    Case {
        places: &["gap"],
        accepted_by: &["gap"],
        args: CHAIN,
        stage: |store| {
            store.remove("shop-2.age");
            Some("shop-3.age")
        },
    },
    Case {
        places: &["fork"],
        accepted_by: &["fork"],
        args: CHAIN,
        stage: |store| {
            store.make(&Made { series: Some(("shop", 1)), ..made("shop-1b.age") });
            Some("shop-1b.age")
        },
    },
    Case {
        places: &["rolled-back"],
        accepted_by: &["rolled-back"],
        args: CHAIN,
        stage: |store| {
            store.remove("shop-4.age");
            Some("shop-3.age")
        },
    },
    // A note is gone
    Case {
        places: &["rolled-back"],
        accepted_by: &["rolled-back"],
        args: CHAIN,
        stage: |store| {
            store.folder.shell("cp alone.age.seal backups").run().succeeds();
            Some("alone.age")
        },
    },
    // A series is gone
    Case {
        places: &["rolled-back"],
        accepted_by: &["rolled-back"],
        args: CHAIN,
        stage: |store| {
            store.remove("web-1.age");
            None
        },
    },
    Case {
        places: &["new-epoch"],
        accepted_by: &["new-epoch"],
        args: CHAIN,
        stage: |store| {
            store.make(&Made { series: Some(("shop", 1)), epoch: 8, ..made("shop-new.age") });
            Some("shop-new.age")
        },
    },
    // Several at once
    Case {
        places: &["renamed", "gap"],
        accepted_by: &["renamed", "gap"],
        args: CHAIN,
        stage: |store| {
            store.remove("shop-2.age");
            store.rename("shop-3.age", "other.age");
            Some("other.age")
        },
    },
    Case {
        places: &["rolled-back", "gap"],
        accepted_by: &["rolled-back", "gap"],
        args: CHAIN,
        stage: |store| {
            store.remove("shop-2.age");
            store.remove("shop-4.age");
            Some("shop-3.age")
        },
    },
    Case {
        places: &["fork", "rolled-back", "renamed"],
        accepted_by: &["fork", "rolled-back", "renamed"],
        args: CHAIN,
        stage: |store| {
            store.remove("shop-4.age");
            store.make(&Made { series: Some(("shop", 3)), ..made("shop-3b.age") });
            store.rename("shop-3b.age", "other.age");
            Some("other.age")
        },
    },
    Case {
        places: &["renamed", "new-epoch"],
        accepted_by: &["renamed", "new-epoch"],
        args: CHAIN,
        stage: |store| {
            store.make(&Made { series: Some(("shop", 1)), epoch: 8, ..made("shop-new.age") });
            store.rename("shop-new.age", "other.age");
            Some("other.age")
        },
    },
];

fn change_header(store: &Store, name: &str) {
    let path = format!("backups/{name}");
    let mut file = store.folder.read(&path);
    file[30] ^= 1;
    store.folder.write(&path, file);
}

/// A case is accepted by its own word and by no other; several at once want each its own.
#[test]
fn a_word_accepts_its_own_case_alone() {
    for case in CASES {
        let store = storage();
        let name = (case.stage)(&store);
        let seen = store.folder.read("seen");
        let code = |accepted: &[&str]| {
            store.folder.write("seen", &seen);
            let accept = accepted.iter().flat_map(|word| ["--accept", word]);
            let ended = store.verify(&[&["--json"], case.args, &["backups"]].concat()).args(accept).run();
            match name {
                Some(name) => assert_eq!(seals::answer(&ended, name)["places"], serde_json::json!(case.places), "{}", ended.words()),
                None => assert!(ended.words().contains(r#""cause":"rolled-back""#), "{}", ended.words()),
            }
            ended.code()
        };
        let is_good = case.accepted_by.is_empty();
        assert_eq!(code(&[]) == 0, is_good, "{:?}", case.places);
        for word in WORDS {
            assert_eq!(code(&[word]) == 0, is_good || case.accepted_by == [word], "{:?} and --accept {word}", case.places);
        }
        assert_eq!(code(case.accepted_by), 0, "{:?}", case.places);
        for left_out in case.accepted_by {
            let others: Vec<&str> = WORDS.into_iter().filter(|word| word != left_out).collect();
            assert_eq!(code(&others), 1, "{:?} without --accept {left_out}", case.places);
        }
    }
}

/// All that is wrong is said, the worst first, and of what is missing how that shows.
#[test]
fn each_fault_is_said() {
    let store = storage();
    store.remove("shop-2.age");
    store.remove("shop-4.age");
    let ended = store.verify(&[CHAIN, &["backups"]].concat()).run().fails_with("1 of 4 backups");
    for words in [
        "backups/shop-3.age: ROLLED BACK: something newer was seen before, and is gone; the backup before it is MISSING; intact, ",
        "series shop: number 2 is MISSING: a gap (epoch 0707",
        "series shop: number 4 is MISSING: rolled back (epoch 0707",
    ] {
        assert!(ended.words().contains(words), "{words}: {}", ended.words());
    }
    let rows = store.rows(&["--state", "seen"]);
    let row = row(&rows, "shop-3.age");
    assert_eq!((&row["place"], &row["places"]), (&"rolled-back".into(), &serde_json::json!(["rolled-back", "gap"])));
    let causes: Vec<_> = rows.iter().filter_map(|row| Some(row.get("missing")?["cause"].as_str()?.to_owned())).collect();
    assert_eq!(causes, ["gap", "rolled-back"]);
    let words = store.list(&["--state", "seen"]).run().succeeds().words();
    assert!(
        words.contains("  ! something newer was seen before, and is gone\n") && words.contains("  ! the backup before it is MISSING\n")
    );
}

// What is remembered

/// That nothing could be missed is said, where there was no memory: it may have been deleted, or its name mistyped.
#[test]
fn a_state_that_is_new_is_named() {
    let store = Store::new();
    store.make_series("shop", &[200, 100]);
    let ended = store.list(&["--state", "seen"]).run().succeeds();
    assert_eq!(ended.stderr, "dbseal: warning: no state yet at seen: roll-backs cannot be seen; verify --chain --state starts one\n");
    assert!(!store.folder.has("seen"), "a list remembers nothing");
    let check = || store.verify(&[CHAIN, &["backups"]].concat()).run();
    let new = "dbseal: warning: no state yet at seen: starting one; roll-backs before now cannot be seen\n";
    assert_eq!(check().succeeds().stderr, new);
    check().succeeds_in_silence();
    store.list(&["--state", "seen"]).run().succeeds_in_silence();
    store.remove("shop-2.age");
    fs::remove_file(store.folder.path("seen")).expect("it is there");
    assert_eq!(check().succeeds().stderr, new);
}

/// Whoever can write to the storage could rewrite a state that lies there.
#[test]
fn a_state_lies_apart_from_the_backups() {
    let store = Store::new();
    store.make_series("shop", &[200, 100]);
    store
        .folder
        .shell("mkdir -p backups/below apart; ln -s backups link; ln -s ../backups/seen apart/to-seen; ln -s ../backups apart/to")
        .run()
        .succeeds();
    let refused = |args: &str| {
        for command in ["verify --chain --trust trust", "list --trust trust"] {
            let words = command.split(' ').chain(args.split(' '));
            store
                .folder
                .dbseal(words)
                .run()
                .ends_with(2, "lies where the backups are: whoever can write to them could rewrite what was seen");
        }
    };
    refused("--state backups/seen backups");
    refused("--state backups/below/seen backups");
    refused("--state ./apart/../backups/seen backups/");
    refused("--state link/seen backups");
    refused("--state backups/seen link");
    refused("--state apart/to/seen backups");
    refused("--state backups/seen backups/shop-1.age");
    refused("--state backups/seen apart backups/shop-1.age.seal");
    store.folder.write("backups/seen", r#"{"series": {}, "backups": {}}"#);
    refused("--state apart/to-seen backups");
    store.folder.dbseal("verify --chain --trust trust --state apart/seen backups".split(' ')).run().succeeds();
    store.folder.dbseal("verify --chain --trust trust --state seen backups/shop-1.age backups/shop-2.age".split(' ')).run().succeeds();
}

/// A state has a version; one from before there were any is the first.
#[test]
fn the_version_of_a_state() {
    let store = Store::new();
    store.make_series("shop", &[200, 100]);
    let check = || store.verify(&[CHAIN, &["backups"]].concat()).run();
    check().succeeds();
    let text = store.folder.read_text("seen");
    assert!(text.contains("\"version\": 1,"), "{text}");
    let mut old: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for field in ["version", "newest"] {
        old.as_object_mut().expect("an object").remove(field).expect("it is there");
    }
    store.remove("shop-2.age");
    store.folder.write("seen", old.to_string());
    check().fails_with("number 2 is MISSING: rolled back");
    assert!(store.folder.read_text("seen").contains("\"version\": 1,"));
    for version in ["0", "2", "18446744073709551615"] {
        let newer = text.replace("\"version\": 1,", &format!("\"version\": {version}, \"more\": [],"));
        store.folder.write("seen", &newer);
        check().ends_with(2, &format!("seen is the state of a verifier in version {version}, which this dbseal does not know"));
        assert_eq!(store.folder.read_text("seen"), newer);
    }
    for garbage in ["", "[]", "{}", r#"{"version": "1"}"#, r#"{"version": -1}"#] {
        store.folder.write("seen", garbage);
        check().ends_with(2, "seen is not the state of a verifier");
    }
}

/// Hours later is late to hear that nothing can be remembered.
#[test]
fn a_state_that_cannot_be_saved_is_refused_first() {
    let store = Store::new();
    store.make_series("shop", &[200, 100]);
    store.folder.shell("mkdir apart; ln -s seen apart/link").run().succeeds();
    let check = |state: &str| store.verify(&["--chain", "--state", state, "backups"]).run();
    for (state, message) in [("nowhere/seen", "cannot create nowhere/seen"), ("apart", "apart"), ("apart/link", "apart/link")] {
        let ended = check(state).ends_with(2, message);
        assert!(!ended.words().contains("intact"), "{}", ended.words());
    }
    // It is not its own lock.
    check("apart/seen.lock").succeeds();
    check("apart/seen.lock").succeeds_in_silence();
}

/// What is there and cannot be read is neither missing nor forgotten.
#[test]
fn what_cannot_be_read_is_not_gone() {
    let store = storage();
    store.folder.shell("mv backups/shop-4.age whole; mkdir backups/shop-4.age").run().succeeds();
    let words = store.verify(&[CHAIN, &["--accept", "rolled-back", "backups"]].concat()).run().fails_with("1 of 6 backups").words();
    assert!(words.contains("shop-4.age: NOT CHECKED") && !words.contains("MISSING"), "{words}");
    store.folder.shell("rmdir backups/shop-4.age; mv backups/shop-4.age.seal .").run().succeeds();
    store.verify(&[CHAIN, &["backups"]].concat()).run().fails_with("series shop: number 4 is MISSING: rolled back");
}

/// Anybody can add a note that says nothing; that it is gone again says nothing either.
#[test]
fn a_note_that_does_not_count_is_not_remembered() {
    let store = Store::new();
    store.make_series("shop", &[200, 100]);
    let check = || store.verify(&[CHAIN, &["backups"]].concat()).run();
    let path = "backups/shop-2.age.seal";
    let seal = store.folder.read(path);
    store.note_restore_test("shop-2.age", &store.stranger, 50, TestResult::Passed);
    check().succeeds();
    store.folder.write(path, &seal);
    check().succeeds_in_silence();
    store.note_restore_test("shop-2.age", &store.tester, 50, TestResult::Failed);
    check().succeeds();
    store.folder.write(path, &seal);
    check().fails_with("ROLLED BACK");
}

/// What is gone is named until somebody says that it may be, by its own word: then the state knows, and misses it no more.
#[test]
fn what_is_gone_is_named_until_it_is_accepted() {
    let store = storage();
    let check = |accept: &[&str]| store.verify(&[CHAIN, accept, &["backups"]].concat()).run();
    for name in ["shop-3.age", "shop-4.age", "web-1.age"] {
        store.remove(name);
    }
    store.folder.shell("cp alone.age.seal backups").run().succeeds();
    for _ in 0..2 {
        let words = check(&["--accept", "gap", "--accept", "fork"]).fails_with("2 of 3 backups").words();
        assert!(words.contains("numbers 3 to 4 are MISSING") && words.contains("series web: number 1 is MISSING"), "{words}");
    }
    check(&["--accept", "rolled-back"]).succeeds_in_silence();
    let words = check(&[]).succeeds_in_silence().words();
    assert!(!words.contains("MISSING") && !words.contains("ROLLED BACK"), "{words}");
    // What comes next, and goes again, is missed again.
    let number_2 = dbseal_core::Seal::parse(&store.folder.read("backups/shop-2.age.seal")).expect("a seal").first_hash();
    next(&store, "again.age", 3, Some(number_2));
    // The number had another backup, which only the state knows.
    check(&[]).fails_with("FORK");
    check(&["--accept", "rolled-back"]).fails_with("FORK");
    check(&["--accept", "fork"]).succeeds();
    check(&[]).succeeds_in_silence();
    store.remove("again.age");
    check(&[]).fails_with("series shop: number 3 is MISSING: rolled back");
}

/// A series that is gone, as was accepted, is late no more; one that is gone otherwise is.
#[test]
fn a_series_that_may_be_gone_is_not_late() {
    let store = storage();
    let check = |args: &[&str]| store.verify(&[CHAIN, &["--max-age", "1d"], args, &["backups"]].concat()).run();
    store.remove("web-1.age");
    check(&[]).fails_with("series web: LATE");
    store.list(&["--state", "seen", "--max-age", "1d"]).run().fails_with("series web: LATE");
    check(&["--accept", "rolled-back"]).succeeds_in_silence();
    store.list(&["--state", "seen", "--max-age", "1d"]).run().succeeds_in_silence();
}

/// Of series that were not asked for nothing is missed, and nothing is forgotten.
#[test]
fn only_the_series_that_is_asked_for_is_missed() {
    let store = storage();
    store.remove("web-1.age");
    let one = ["--series", "sh?p", "--max-age", "1d", "--accept", "rolled-back", "backups/shop-4.age"];
    store.verify(&[CHAIN, &one].concat()).run().succeeds_in_silence();
    store.verify(&[CHAIN, &["backups"]].concat()).run().fails_with("series web: number 1 is MISSING");
}

/// A new epoch is said once, whoever accepts it.
#[test]
fn a_new_epoch_is_said_once() {
    let store = storage();
    store.make(&Made { series: Some(("shop", 1)), epoch: 8, ..made("shop-new.age") });
    let check = || store.verify(&[CHAIN, &["backups"]].concat()).run();
    check().fails_with("a NEW EPOCH of the series begins");
    assert!(!check().succeeds().words().contains("NEW EPOCH"));
}

/// In which nothing is wrong, as was seen.
fn storage() -> Store {
    let store = Store::new();
    store.make_series("shop", &[400, 300, 200, 100]);
    store.make(&Made { series: Some(("web", 1)), ..made("web-1.age") });
    store.make(&made("alone.age"));
    store.folder.shell("cp backups/alone.age.seal .").run().succeeds();
    store.note_restore_test("alone.age", &store.tester, 100, TestResult::Failed);
    store.verify(&[CHAIN, &["backups"]].concat()).run().succeeds();
    store
}

// Forks

/// A number is compared with every backup of the number before, and not with the one that happens to lie beside it.
#[test]
fn a_number_follows_from_any_of_the_number_before() {
    let store = Store::new();
    let first = next(&store, "1.age", 1, None);
    let a = next(&store, "2a.age", 2, Some(first));
    let b = next(&store, "2b.age", 2, Some(first));
    next(&store, "3a.age", 3, Some(a));
    let check = |args: &[&str]| store.verify(&[&["--json", "--chain"], args, &["backups"]].concat()).run();
    let ended = check(&[]).fails_with("2 of 4 backups");
    assert_places(&ended, &[("1.age", "in-series"), ("2a.age", "fork"), ("2b.age", "fork"), ("3a.age", "in-series")]);
    next(&store, "3a.age", 3, Some(b));
    let ended = check(&[]).fails_with("2 of 4 backups");
    assert_places(&ended, &[("1.age", "in-series"), ("2a.age", "fork"), ("2b.age", "fork"), ("3a.age", "in-series")]);
    next(&store, "3a.age", 3, Some(first));
    let ended = check(&[]).fails_with("3 of 4 backups");
    assert_places(&ended, &[("1.age", "in-series"), ("2a.age", "fork"), ("2b.age", "fork"), ("3a.age", "fork")]);
    check(&["--accept", "fork"]).succeeds();
}

/// A backup that lies in two folders is there twice, and one history all the same; also before and behind a gap.
#[test]
fn copies_are_no_fork() {
    let store = Store::new();
    store.make_series("shop", &[400, 300, 200, 100]);
    store.folder.shell("cp -r backups copies; rm backups/shop-3.age*").run().succeeds();
    let check = |args: &[&str]| store.verify(&[&["--json", "--chain", "--state", "seen", "backups", "copies"], args].concat()).run();
    assert!(places(&check(&[]).succeeds()).iter().all(|(_, place)| place == "in-series"));
    store.folder.shell("rm copies/shop-3.age*").run().succeeds();
    let ended = check(&[]).fails_with("2 of 6 backups");
    let of_one = [("shop-1.age", "in-series"), ("shop-2.age", "in-series"), ("shop-4.age", "gap")];
    assert_places(&ended, &[of_one, of_one].concat());
    store.folder.shell("rm */shop-4.age*").run().succeeds();
    let ended = check(&[]).fails_with("2 of 4 backups");
    let of_one = [("shop-1.age", "in-series"), ("shop-2.age", "rolled-back")];
    assert_places(&ended, &[of_one, of_one].concat());
}

/// Whoever has the signing key can write another history, but not make it be the one that was seen.
#[test]
fn another_note_than_was_seen_for_a_number_is_a_fork() {
    let store = Store::new();
    store.make_series("shop", &[300, 200]);
    let check = || store.verify(&["--json", "--chain", "--state", "seen", "backups"]).run();
    check().succeeds();
    store.make_series("shop", &[3000, 2000]);
    let fork = [("shop-1.age", "fork"), ("shop-2.age", "fork")];
    assert_places(&check().fails_with("2 of 2 backups"), &fork);
    assert_places(&check().fails_with("2 of 2 backups"), &fork);
}

/// A copy that another is ahead of lacks what was seen, though that is not gone.
#[test]
fn each_copy_has_the_last_note() {
    let store = Store::new();
    store.make_series("shop", &[300, 200]);
    store.folder.shell("cp -r backups copies").run().succeeds();
    store.note_restore_test("shop-1.age", &store.tester, 100, TestResult::Failed);
    let check = |first: &str, then: &str| store.verify(&["--json", "--chain", "--state", "seen", first, then]).run();
    // Whatever is checked first, the longer one is remembered.
    for (first, then) in [("copies", "backups"), ("backups", "copies")] {
        check(first, then).succeeds();
        let ended = check("copies", "backups").fails_with("1 of 4 backups");
        // Of the two checks in one second, the bad one is kept.
        let rows = store.rows(&["--state", "seen"]);
        assert_eq!(row(&rows, "shop-1.age")["last_check"]["place"], "rolled-back");
        let in_series = "in-series";
        assert_places(
            &ended,
            &[("shop-1.age", "rolled-back"), ("shop-2.age", in_series), ("shop-1.age", in_series), ("shop-2.age", in_series)],
        );
        fs::remove_file(store.folder.path("seen")).expect("it is there");
    }
}
