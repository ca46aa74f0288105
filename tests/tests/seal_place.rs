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
        "backups/shop-3.age: intact, ",
        "; ROLLED BACK: something newer was seen before, and is gone; the backup before it is MISSING\n",
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
        let in_series = "in-series";
        assert_places(
            &ended,
            &[("shop-1.age", "rolled-back"), ("shop-2.age", in_series), ("shop-1.age", in_series), ("shop-2.age", in_series)],
        );
        fs::remove_file(store.folder.path("seen")).expect("it is there");
    }
}
