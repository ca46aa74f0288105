//! Where a backup lies among the others: what is missing, what is there twice, and what was there before.
#![cfg(target_os = "linux")]

use dbseal_core::{NoteHash, TestResult};
use dbseal_tests::cli::Ended;
use dbseal_tests::cli::seals::answers;
use dbseal_tests::cli::store::{Made, Store, made};

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
        std::fs::remove_file(store.folder.path("seen")).expect("it is there");
    }
}
