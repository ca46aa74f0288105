//! The catalogue of what is there, and how old it is: what `list` says of backups by their seals.

use std::fs;

use dbseal_core::TestResult;
use dbseal_tests::cli::jobs::encrypt;
use dbseal_tests::cli::seals::answers;
use dbseal_tests::cli::store::{DAY, Made, SMALL, Store, made, row};
use serde_json::Value;

// The catalogue

/// Each backup has a row, with what its seal says and who says so; what is broken, missing or nobody's has one too.
#[test]
fn every_backup_has_a_row() {
    let store = Store::eventful();
    let rows = store.rows(&[]);
    let shop = row(&rows, "shop-1.age");
    assert_eq!((&shop["seal"], &shop["place"], &shop["vouched_by"]), (&"vouched".into(), &"in-series".into(), &"db1".into()));
    assert_eq!((&shop["series"], &shop["number"], &shop["recipients"]), (&"shop".into(), &1.into(), &serde_json::json!(["X25519"])));
    assert_eq!((&shop["bytes"], &shop["sealed_bytes"]), (&(4096 + SMALL).into(), &(4096 + SMALL).into()));
    assert_eq!(shop["last_check"], Value::Null);
    assert!(shop.get("last_check").is_none() && shop["warnings"] == serde_json::json!([]));
    for (name, seal, place, warnings) in [
        ("shop-2.age", "vouched", "in-series", &["file-missing"][..]),
        ("shop-3.age", "vouched", "gap", &[]),
        ("web-2.age", "vouched", "in-series", &["in-future", "half-size"]),
        ("web-3.age", "unvouched", "unknown", &[]),
        ("alone.age", "vouched", "alone", &[]),
        ("short.age", "vouched", "alone", &["size-differs"]),
        ("new-name.age", "vouched", "renamed", &[]),
        ("broken.age", "broken", "unknown", &[]),
        ("bare.age", "missing", "unknown", &[]),
    ] {
        let row = row(&rows, name);
        let mut place = place;
        if name == "shop-2.age" {
            place = "unchecked"; // it is not there to be placed
        }
        assert_eq!((&row["seal"], &row["place"]), (&seal.into(), &place.into()), "{name}");
        assert_eq!(row["warnings"], serde_json::json!(warnings), "{name}");
    }
    assert_eq!(row(&rows, "broken.age")["broken"], "a note was changed after it was signed");
    assert_eq!(row(&rows, "bare.age")["recipients"], serde_json::json!(["X25519"]), "from the file's header");
    let missing = rows.iter().find(|row| row.get("missing").is_some()).expect("what is missing is named");
    assert_eq!((&missing["missing"]["series"], &missing["missing"]["from"]), (&"shop".into(), &2.into()));

    let words = store.list(&[]).run().succeeds_in_silence().words();
    for line in [
        "  ! the backup is MISSING: only its seal is here\n",
        "  ! the backup before it is MISSING\n",
        "  ! its time is in the FUTURE\n",
        "  ! smaller than half of number 1 before it (12.8K, then 5.01K)\n",
        "  ! it has 5127 bytes, and its seal says 5128\n",
        "  ! its seal calls it old-name.age\n",
        "  ! a note was changed after it was signed\n",
        "series shop: number 2 is MISSING: a gap (epoch 07070707070707070707070707070707)\n",
        "12 backups, ",
        "  ?mallory  ",
    ] {
        assert!(words.contains(line), "{line:?} is not in\n{words}");
    }
}

/// A stranger who knows the name of a new epoch does not bring it before the old one: what is smaller after it would not be seen.
#[test]
fn nobody_else_orders_the_epochs() {
    let store = Store::new();
    store.make(&Made { series: Some(("shop", 1)), age: 300, section_len: 16 + 9000 + 16, ..made("old-1.age") });
    store.make(&Made { series: Some(("shop", 1)), epoch: 3, age: 200, ..made("new-1.age") });
    let order = ["old-1.age", "new-1.age", "new-9.age", "strange-1.age"];
    let long_ago = 50 * 365 * DAY.cast_signed();
    store.make_by(&store.stranger, &Made { series: Some(("shop", 9)), epoch: 3, age: long_ago, ..made("new-9.age") });
    store.make_by(&store.stranger, &Made { series: Some(("shop", 1)), epoch: 1, age: long_ago, ..made("strange-1.age") });
    assert_eq!(store.names(&[]), order);
    assert_eq!(row(&store.rows(&[]), "new-1.age")["warnings"], serde_json::json!(["half-size"]));
}

/// The last restore test that counts is shown; one by a key that may not say so counts for nothing.
#[test]
fn restore_tests_that_count() {
    let store = Store::eventful();
    let rows = store.rows(&["--series", "shop"]);
    assert_eq!(row(&rows, "shop-1.age")["restore_test"]["result"], "passed");
    assert_eq!(row(&rows, "shop-3.age")["restore_test"]["result"], "failed", "the last one, not the best");
    let by_host = row(&rows, "shop-4.age");
    assert_eq!((&by_host["restore_test"], &by_host["uncounted_notes"]), (&Value::Null, &1.into()));
    let words = store.list(&[]).run().succeeds_in_silence().words();
    assert!(words.contains("  passed 3d  ") && words.contains("  FAILED 30m  "), "{words}");
    assert!(words.contains("  ! 1 of its notes say nothing, by your trust\n"), "{words}");
}

/// Without trust, nothing counts, and that is said.
#[test]
fn nobody_is_trusted() {
    let store = Store::eventful();
    let ended = store.folder.dbseal(["list", "backups"]).run().succeeds();
    assert!(ended.stderr.starts_with("dbseal: warning: you trust nobody, so no seal counts"), "{}", ended.stderr);
    assert!(!ended.words().contains("in-series") && !ended.words().contains("passed"), "{}", ended.words());
    store.folder.dbseal(["list", "--max-age", "30d", "backups"]).run().fails_with("series shop: LATE: there is no backup that counts\n");
}

/// Only the series that are asked for, in the order that is asked for.
#[test]
fn filters_and_orders() {
    let store = Store::new();
    store.make_series("shop", &[300, 200, 100]);
    store.make(&Made { series: Some(("web", 1)), age: 250, section_len: 16 + 9000 + 16, ..made("a-web.age") });
    store.make(&Made { age: 50, ..made("b-alone.age") });
    assert_eq!(store.names(&[]), ["shop-1.age", "shop-2.age", "shop-3.age", "a-web.age", "b-alone.age"]);
    assert_eq!(store.names(&["--reverse"]), ["b-alone.age", "a-web.age", "shop-3.age", "shop-2.age", "shop-1.age"]);
    assert_eq!(store.names(&["--sort", "time"]), ["shop-1.age", "a-web.age", "shop-2.age", "shop-3.age", "b-alone.age"]);
    assert_eq!(store.names(&["--sort", "name"]), ["a-web.age", "b-alone.age", "shop-1.age", "shop-2.age", "shop-3.age"]);
    assert_eq!(store.names(&["--sort", "size", "--reverse"])[0], "a-web.age");
    assert_eq!(store.names(&["--series", "sh?p"]), ["shop-1.age", "shop-2.age", "shop-3.age"]);
    assert_eq!(store.names(&["--series", "w*"]), ["a-web.age"]);
    // A broken seal may be of any series: it is not hidden without a word.
    store.folder.write("backups/c.age.seal", "dbseal/v1 nonsense");
    let words = store.list(&["--series", "w*"]).run().succeeds_in_silence().words();
    assert!(words.contains("1 backup, 12.8K; not listed: 1 whose seal does not say which series it is of\n"), "{words}");
    store.list(&["--series", "a/b"]).run().ends_with(2, "pattern");
}

/// A series is late where its newest backup that counts is too old: one of the future, of a stranger, or without its file
/// does not count.
#[test]
fn series_that_are_late() {
    let store = Store::new();
    store.make_series("good", &[3 * 86_400, 25 * 3600]);
    store.list(&["--max-age", "26h"]).run().succeeds_in_silence();
    store.list(&["--max-age", "24h"]).run().fails_with("series good: LATE: the newest backup that counts is 25h old, of ");

    store.make(&Made { series: Some(("ahead", 1)), age: -7200, ..made("ahead.age") });
    store.make_by(&store.stranger, &Made { series: Some(("strange", 1)), ..made("strange.age") });
    store.make(&Made { series: Some(("empty", 1)), ..made("empty.age") });
    store.folder.write("backups/empty.age", "");
    let ended = store.list(&["--max-age", "26h"]).run().fails_with("dbseal: error: 3 series are late\n");
    let words = ended.words();
    for series in ["ahead", "strange", "empty"] {
        assert!(words.contains(&format!("series {series}: LATE: there is no backup that counts\n")), "{words}");
    }
    assert!(!words.contains("series good:"), "{words}");
    let late: Vec<Value> = answers(&store.list(&["--json", "--max-age", "26h"]).run().fails_with("3 series are late"));
    let late: Vec<&Value> = late.iter().filter_map(|row| row.get("late")).collect();
    assert_eq!(late.len(), 3);
    assert_eq!((&late[0]["series"], &late[0]["newest"], &late[0]["max_age_seconds"]), (&"ahead".into(), &Value::Null, &93_600.into()));
    // Where there is no such series, nothing is in time.
    store.list(&["--series", "typo", "--max-age", "26h"]).run().fails_with("there is no series whose age could be checked");
    for refused in ["26", "1.5h", "h", "-1h"] {
        store.list(&[&format!("--max-age={refused}")]).run().ends_with(2, "an age is a whole number");
    }
}

/// A series is not proven where no backup of it has passed a test in time, by somebody who may say so.
#[test]
fn series_that_are_not_proven() {
    let store = Store::eventful();
    let proven = |series: &str, within: &str| store.list(&["--series", series, "--proven-within", within]).run();
    proven("shop", "30d").succeeds_in_silence();
    proven("shop", "50m").fails_with("series shop: NOT PROVEN: the newest restore test that passed and counts is 60m old, of ");
    proven("web", "30d").fails_with("series web: NOT PROVEN: there is no restore test that passed and counts\n");
    store.note_restore_test("web-1.age", &store.host, 60, TestResult::Passed);
    store.note_restore_test("web-1.age", &store.tester, 60, TestResult::Failed);
    store.note_restore_test("web-1.age", &store.tester, -86_400, TestResult::Passed);
    proven("web", "30d").fails_with("dbseal: error: 1 series has not passed a restore test in time\n");
    store.note_restore_test("web-1.age", &store.tester, 60, TestResult::Passed);
    proven("web", "30d").succeeds_in_silence();
}

/// What a check remembers is shown, also that something is gone since.
#[test]
fn last_checks() {
    let store = Store::new();
    store.make_series("shop", &[300, 200, 100]);
    let damaged = store.folder.read("backups/shop-2.age");
    store.folder.write("backups/shop-2.age", [&damaged[..5000], b"!", &damaged[5001..]].concat());
    assert_eq!(row(&store.rows(&["--state", "seen"]), "shop-1.age")["last_check"], Value::Null);
    assert!(!store.folder.has("seen"), "a list remembers nothing");
    store.verify(&["--chain", "--state", "seen", "backups"]).run().fails_with("1 of 3 backups");
    let rows = store.rows(&["--state", "seen"]);
    let check = &row(&rows, "shop-1.age")["last_check"];
    assert_eq!((&check["integrity"], &check["place"]), (&"intact".into(), &"in-series".into()));
    assert!(check["time"].as_str().is_some_and(|time| time.starts_with("20")), "{check}");
    assert_eq!(row(&rows, "shop-2.age")["last_check"]["integrity"], "damaged");
    let words = store.list(&["--state", "seen"]).run().succeeds_in_silence().words();
    assert!(words.contains("CHECKED") && words.contains("  BAD ") && words.contains("  ok "), "{words}");
    assert!(words.contains("  ! its last check ended with: damaged, in-series\n"), "{words}");
    assert!(!store.list(&[]).run().succeeds().words().contains("CHECKED"));

    for end in ["", ".seal"] {
        fs::remove_file(store.folder.path(&format!("backups/shop-3.age{end}"))).expect("it is there");
    }
    let words = store.list(&["--state", "seen"]).run().succeeds_in_silence().words();
    assert!(words.contains("rolled-back") && words.contains("series shop: number 3 is MISSING"), "{words}");
    // A series that is gone as a whole is late too.
    store.make(&Made { series: Some(("web", 1)), ..made("web.age") });
    for number in [1, 2] {
        for end in ["", ".seal"] {
            fs::remove_file(store.folder.path(&format!("backups/shop-{number}.age{end}"))).expect("it is there");
        }
    }
    store.list(&["--state", "seen", "--max-age", "1d"]).run().fails_with("series shop: LATE: there is no backup that counts");
    // A state of an older dbseal knows of no checks.
    store.folder.write("old", r#"{"series": {}, "backups": {}}"#);
    assert_eq!(row(&store.rows(&["--state", "old"]), "web.age")["last_check"], Value::Null);
}

/// Of the backups not a byte is read where the seals say all.
#[test]
fn no_payload_is_read() {
    let store = Store::new();
    store.make_series("shop", &[300, 200, 100]);
    store.list(&[]).traced(&["-e", "trace=openat,open"]).run().succeeds();
    let trace = store.folder.read_text("trace");
    assert!(trace.contains("shop-1.age.seal"), "{trace}");
    assert!(!trace.contains("shop-1.age\""), "{trace}");
}

/// Where the copy in the seal is not that of the current header, the file's is read, and one that nobody signed is named.
#[test]
fn a_header_that_was_not_signed() {
    let store = Store::new();
    store.make(&made("shop.age"));
    let seal = store.folder.read("backups/shop.age.seal");
    store.folder.write("backups/shop.age.seal", &seal[..seal.len() - 1]);
    assert_eq!(row(&store.rows(&[]), "shop.age")["recipients"], serde_json::json!(["X25519"]));
    assert_eq!(row(&store.rows(&[]), "shop.age")["warnings"], serde_json::json!([]));
    encrypt(&store.folder, &["-f", "-o", "one.age", "plain"]).run().succeeds_in_silence();
    let other = store.folder.read("one.age");
    store.folder.write("backups/shop.age", [&other[..4096], &store.folder.read("backups/shop.age")[4096..]].concat());
    assert_eq!(row(&store.rows(&[]), "shop.age")["warnings"], serde_json::json!(["header-differs"]));
}

/// Names that would move a cursor, and files on which whoever opens them waits for ever.
#[test]
fn a_hostile_storage() {
    let store = Store::new();
    store.make(&made("good.age"));
    store.folder.write("backups/\u{1b}[2J\n\u{202e}.age", "");
    store.folder.shell("mkfifo backups/pipe.age.seal backups/pipe2.age; mkdir backups/dir.age backups/dir2.age.seal").run().succeeds();
    let ended = store.list(&[]).run().succeeds_in_silence();
    let words = ended.words();
    assert!(!words.contains('\u{1b}') && !words.contains('\u{202e}') && words.contains("\\u{1b}[2J"), "{words}");
    assert!(words.contains("  ! cannot open backups/pipe.age.seal: it is not a regular file\n"), "{words}");
    // Folders and pipes too, as long as something there has the name of a backup or of its seal.
    assert!(words.contains("\n6 backups, 5.01K\n"), "{words}");
    store.verify(&["backups/pipe.age"]).run().ends_with(1, "MISSING: only its seal is here");
    store.folder.write("backups/pipe.age", "");
    store.verify(&["backups/pipe.age"]).run().ends_with(2, "cannot open backups/pipe.age.seal: it is not a regular file");
}

/// Every line fits the terminal, if names are not absurd; what is left out of the row is in its notes.
#[test]
fn a_table_that_fits() {
    let store = Store::eventful();
    store.make(&Made {
        series: Some(("a-series-with-a-rather-long-name", 1)),
        ..made("a-series-with-a-rather-long-name-20261124T020013Z.age")
    });
    let _ = store.verify(&["--chain", "--state", "seen", "backups"]).run();
    for (columns, args) in [(80, ""), (80, "--state seen"), (120, ""), (120, "--state seen")] {
        let script = format!("stty cols {columns}; exec \"$DBSEAL\" list --trust trust {args} backups");
        let ended = store.folder.shell(&script).run_at_terminal(&[]).succeeds();
        let screen = String::from_utf8_lossy(&ended.stdout).replace('\r', "");
        println!("{screen}");
        let table: Vec<&str> = screen.lines().filter(|line| line.contains("SERIES") || line.contains("20")).collect();
        assert!(table.len() > 10, "{screen}");
        for line in screen.lines().filter(|line| !line.starts_with('\u{1b}') && !line.starts_with("    ")) {
            assert!(line.chars().count() <= columns, "{columns}: {line}");
        }
    }
    let piped = store.list(&[]).run().succeeds_in_silence().words();
    assert!(piped.contains("  a-series-with-a-rather-long-name-20261124T020013Z.age\n"), "{piped}");
}

/// With the chain, a check names series that are late: by what it found to be good.
#[test]
fn a_check_names_what_is_late() {
    let store = Store::new();
    store.make_series("shop", &[i64::try_from(2 * DAY).expect("small"), 3600]);
    store.verify(&["--chain", "--max-age", "26h", "backups"]).run().succeeds_in_silence();
    store
        .verify(&["--chain", "--max-age", "30m", "backups"])
        .run()
        .fails_with("series shop: LATE: the newest backup that counts is 60m old");
    store.verify(&["--chain", "--sample", "5%", "--max-age", "26h", "backups"]).run().succeeds_in_silence();
    let newest = store.folder.read("backups/shop-2.age");
    store.folder.write("backups/shop-2.age", [&newest[..5000], b"!", &newest[5001..]].concat());
    let words = store.verify(&["--chain", "--max-age", "26h", "backups"]).run().fails_with("DAMAGED").words();
    assert!(words.contains("series shop: LATE: the newest backup that counts is 2d old"), "{words}");
    store.verify(&["--max-age", "26h", "backups"]).run().ends_with(2, "--chain");

    let store = Store::new();
    store.make(&made("alone.age"));
    let none = "dbseal: error: there is no series whose age could be checked\n";
    store.verify(&["--chain", "--max-age", "26h", "backups"]).run().fails_with(none);
    store.list(&["--proven-within", "30d"]).run().fails_with(none);
}
