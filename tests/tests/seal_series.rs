//! Series: no number is given twice and none is left out, whatever happens to the jobs and to the host's state.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use dbseal_core::{Note, Seal, SeriesPlace};
use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::inputs::Replay;
use dbseal_tests::tools::tool;
use rustix::process::Signal;

const STATE: &str = "state/shop.series";

/// Makes the next backup of the series.
fn make(folder: &Folder, name: &str) -> SeriesPlace {
    folder.write("dump", name);
    seals::encrypt_next(folder, &["-o", &format!("b/{name}"), "dump"]).run().succeeds();
    place(folder, name)
}

fn place(folder: &Folder, name: &str) -> SeriesPlace {
    let seal = Seal::parse(&folder.read(&format!("b/{name}.seal"))).expect("a seal");
    let Note::Sealed(note) = seal.notes()[0].note() else { panic!("the host's note") };
    note.series.clone().expect("a series")
}

/// Asserts that all backups are in their series.
#[track_caller]
fn assert_in_series(folder: &Folder) {
    let ended = seals::verify(folder, &["--chain", "b"]).run().succeeds();
    assert!(seals::answers(&ended).iter().all(|answer| answer["place"] == "in-series"), "{}", ended.words());
}

#[test]
fn jobs_at_once_get_numbers_that_follow_from_each_other() {
    let folder = seals::folder();
    folder.write("dump", "of all");
    let jobs: Vec<_> = (0..6).map(|job| seals::encrypt_next(&folder, &["-o", &format!("b/{job}.age"), "dump"]).start()).collect();
    for job in jobs {
        job.end().succeeds();
    }
    let mut places: Vec<_> = (0..6).map(|job| place(&folder, &format!("{job}.age"))).collect();
    places.sort_by_key(|place| place.number);
    assert_eq!(places.iter().map(|place| place.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert!(places.iter().all(|place| place.epoch == places[0].epoch));
    assert_in_series(&folder);
}

#[test]
fn a_lost_state_starts_a_new_epoch() {
    let folder = seals::folder();
    let first = make(&folder, "1.age");
    fs::remove_dir_all(folder.path("state")).expect("it is there");
    let second = make(&folder, "2.age");
    assert_eq!((first.number, second.number, second.previous), (1, 1, None));
    assert_ne!(first.epoch, second.epoch);
    assert_in_series(&folder);
}

/// A file system gives the number of a file that is gone to the next one: it does not tell an old state from a new one.
#[test]
fn a_state_that_was_copied_back_starts_a_new_epoch() {
    for way in ["cp STATE/shop.series state/", "rm -r state; cp -a STATE state", "cp -a STATE/. state/", "rm state/*; cp -a STATE/. state/"]
    {
        for later in 1..=4 {
            let folder = seals::folder();
            let copied = make(&folder, "0.age");
            folder.shell("cp -a state copy").run().succeeds();
            for number in 1..=later {
                make(&folder, &format!("{number}.age"));
            }
            folder.shell(&way.replace("STATE", "copy")).run().succeeds();
            let next = make(&folder, "next.age");
            assert_ne!(next.epoch, copied.epoch, "{way}, {later} backups later");
            assert_in_series(&folder);
        }
    }
}

#[test]
fn a_failed_dump_gives_its_number_back() {
    let folder = seals::folder();
    make(&folder, "1.age");
    let state = folder.read(STATE);
    seals::encrypt_next(&folder, &["-o", "b/2.age", "--", "sh", "-c", "echo half; exit 3"]).run().fails_with("3");
    // The name is taken only when all is done.
    seals::encrypt_next(&folder, &["-o", "b/1.age", "dump"]).run().fails_with("exists");
    assert_eq!(folder.read(STATE), state);
    assert_eq!(make(&folder, "2.age").number, 2);
    // A name that is taken while the dump runs shows only at the end, when the seal was there for all to see: its number is used up, and
    // what follows is another epoch.
    let slow = ["-o", "b/3.age", "--", "sh", "-c", "echo dump; echo other >b/3.age"];
    seals::encrypt_next(&folder, &slow).run().fails_with("exists");
    assert_eq!(folder.read_text("b/3.age"), "other\n");
    assert!(!folder.has("b/3.age.seal"), "a seal of nothing");
    fs::remove_file(folder.path("b/3.age")).expect("it is there");
    assert_eq!(make(&folder, "3.age").number, 1);
    assert_in_series(&folder);
}

#[test]
fn a_state_that_is_garbage_is_refused_before_the_dump_runs() {
    let folder = seals::folder();
    make(&folder, "1.age");
    let state = folder.read_text(STATE);
    let long = "x".repeat(1 << 20);
    for garbage in [
        "",
        "{}",
        "\0\u{1b}[2J",
        long.as_str(),
        &state.replace("\"number\": 1", "\"number\": 0"),
        &state.replace("\"number\": 1", "\"number\": -1"),
    ] {
        folder.write(STATE, garbage);
        let ended = seals::encrypt_next(&folder, &["-o", "b/2.age", "--", "touch", "ran"]).run();
        let ended = ended.ends_with(2, "shop.series");
        assert!(!ended.stderr.contains('\u{1b}') && !folder.has("ran") && !folder.has("b/2.age"), "{}", ended.words());
        assert_eq!(folder.read_text(STATE), garbage);
    }
}

#[test]
fn a_number_is_never_beyond_its_bound() {
    let folder = seals::folder();
    make(&folder, "1.age");
    let state = folder.read_text(STATE);
    for number in [i64::MAX as u64, u64::MAX] {
        folder.write(STATE, state.replace("\"number\": 1", &format!("\"number\": {number}")));
        folder.write("dump", "x");
        let ended = seals::encrypt_next(&folder, &["-o", "b/2.age", "dump"]).run();
        assert!(!ended.words().contains("panicked"), "{}", ended.words());
        if ended.code() == 0 {
            assert!(Seal::parse(&folder.read("b/2.age.seal")).is_ok(), "a seal that nobody can read");
            ["b/2.age", "b/2.age.seal"].iter().for_each(|name| fs::remove_file(folder.path(name)).expect("it is there"));
        }
    }
}

#[test]
fn a_killed_job_leaves_no_gap_and_no_fork() {
    kill_and_check(10, 1);
}

#[test]
#[ignore = "not run here: long tier (1 minute)"]
fn a_hundred_killed_jobs_leave_no_gap_and_no_fork() {
    kill_and_check(100, 2);
}

fn kill_and_check(count: usize, seed: u64) {
    let mut random = Replay(seed);
    let folder = seals::folder();
    make(&folder, "0.age");
    folder.write("dump", "one of them");
    for index in 1..=count {
        let job = seals::encrypt_next(&folder, &["-o", &format!("b/{index}.age"), "dump"]).start();
        // A whole job takes some 10 ms.
        std::thread::sleep(Duration::from_micros(random.below(20_000) as u64));
        job.signal(Signal::KILL);
        let _ = job.end();
        // Backups that were not made, made in its place.
        if random.below(3) == 0 {
            make(&folder, &format!("{index}b.age"));
        }
    }
    make(&folder, "last.age");
    check(&folder);
}

/// A kill at each of the points where the state, the seal or the backup is about to get its name or has just got it.
#[test]
fn a_job_that_dies_between_two_names_leaves_no_gap_and_no_fork() {
    for call in 1..=12 {
        let folder = seals::folder();
        make(&folder, "0.age");
        folder.write("dump", "one of them");
        let trace = ["-f", "-qq", "-o", "trace", "-e", "trace=linkat,renameat,renameat2,fsync"];
        let kill = format!("inject=linkat,renameat,renameat2,fsync:signal=KILL:when={call}");
        let _ =
            seals::encrypt_next(&folder, &["-o", "b/1.age", "dump"]).under(tool("strace"), trace.into_iter().chain(["-e", &kill])).run();
        assert!(folder.has("trace"), "strace runs");
        make(&folder, "2.age");
        make(&folder, "3.age");
        check(&folder);
    }
}

/// Asserts that no number was given to two backups of an epoch, and that the command sees neither a fork nor a gap.
#[track_caller]
fn check(folder: &Folder) {
    let mut given = BTreeMap::new();
    for entry in fs::read_dir(folder.path("b")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "age") {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let place = place(folder, &name);
            let other = given.insert((place.epoch.to_string(), place.number), name.clone());
            assert_eq!(other, None, "{name} has the number of another");
        }
    }
    let ended = seals::verify(folder, &["--chain", "b"]).run();
    for answer in seals::answers(&ended) {
        assert!(answer.get("missing").is_none(), "{}", ended.words());
        // A seal whose backup did not appear stands there alone; that one was not made.
        assert!(answer.get("error").is_some() || answer["place"] == "in-series", "{answer} of\n{}", ended.words());
    }
}
