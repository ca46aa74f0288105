//! Series: no number is given twice and none is left out, whatever happens to the jobs and to the host's state.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use dbseal_core::{Note, Seal, SeriesPlace};
use dbseal_tests::cli::{Ended, Folder, Run, seals, wait_until};
use dbseal_tests::inputs::Replay;
use dbseal_tests::tools::tool;
use rustix::process::Signal;
use serde_json::Value;

const STATE: &str = "state/shop.series";
/// What gives a file its name, takes it away, or puts it on disk.
const CALLS: [&str; 4] = ["linkat", "renameat", "unlinkat", "fsync"];

/// Makes the next backup of the series.
fn make(folder: &Folder, name: &str) -> SeriesPlace {
    make_and_hear(folder, name).0
}

/// The same, with what the command said.
fn make_and_hear(folder: &Folder, name: &str) -> (SeriesPlace, String) {
    folder.write("dump", name);
    let ended = seals::encrypt_next(folder, &["-o", &format!("b/{name}"), "dump"]).run().succeeds();
    (place(folder, name), ended.stderr)
}

/// Whether the state names a backup that is about to appear.
fn is_unfinished(folder: &Folder) -> bool {
    let state: Value = serde_json::from_slice(&folder.read(STATE)).expect("JSON");
    state.get("unfinished").is_some()
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
            let (next, said) = make_and_hear(&folder, "next.age");
            assert!(said.contains("series shop goes on in a new epoch") && said.contains("a copy that was brought back"), "{said}");
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
    seals::encrypt_next(&folder, &slow).run().fails_with("exists").fails_with("series shop goes on in a new epoch");
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
    let with_number = |number: u64| state.replace("\"number\": 1", &format!("\"number\": {number}"));
    let last = i64::MAX.cast_unsigned();
    folder.write(STATE, with_number(last - 1));
    assert_eq!(make(&folder, "last.age").number, last);
    for beyond in [folder.read_text(STATE), with_number(last), with_number(u64::MAX)] {
        folder.write(STATE, beyond);
        seals::encrypt_next(&folder, &["-o", "b/2.age", "dump"]).run().ends_with(2, "shop.series is not the state of a series");
        assert!(!folder.has("b/2.age") && !folder.has("b/2.age.seal"));
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
    let (mut killed_count, mut unfinished_count) = (0, 0);
    for index in 1..=count {
        let name = format!("b/{index}.age");
        let job = seals::encrypt_next(&folder, &["-o", &name, "dump"]).start();
        // A whole job takes some 10 ms.
        std::thread::sleep(Duration::from_micros(random.below(20_000) as u64));
        job.signal(Signal::KILL);
        killed_count += usize::from(job.end().status.signal().is_some());
        unfinished_count += usize::from(is_unfinished(&folder) && !folder.has(&name));
        // Backups that were not made, made in its place.
        if random.below(3) == 0 {
            make(&folder, &format!("{index}b.age"));
        }
    }
    make(&folder, "last.age");
    assert!(killed_count > 0);
    let epoch_count = check(&folder);
    assert!(epoch_count <= 1 + unfinished_count, "{epoch_count} epochs, {unfinished_count} backups that had a number and no name");
}

/// A kill at each of the calls by which the state, the seal or the backup gets its name or goes to disk. Only between the number and the
/// name of the backup it costs an epoch, which is said.
#[test]
fn a_job_that_dies_between_two_names_leaves_no_gap_and_no_fork() {
    let mut seen = BTreeMap::new();
    for_each_call(|call| {
        let folder = seals::folder();
        let first = make(&folder, "0.age");
        folder.write("dump", "one of them");
        if is_done(call.kills(seals::encrypt_next(&folder, &["-o", "b/1.age", "dump"]))) {
            return ControlFlow::Break(());
        }
        let stage = (is_unfinished(&folder), folder.has("b/1.age"));
        *seen.entry(stage).or_insert(0) += 1;
        let (next, said) = make_and_hear(&folder, "2.age");
        let goes_on = said.is_empty() && next.epoch == first.epoch;
        let is_right = match stage {
            (true, false) => next.number == 1 && next.epoch != first.epoch && said.contains("shop goes on in a new epoch"),
            (_, true) => next.number == 3 && goes_on,
            (false, false) => next.number == 2 && goes_on,
        };
        assert!(is_right, "{call:?}: {stage:?}, {next:?}, {said}");
        assert_eq!(make(&folder, "3.age").number, next.number + 1);
        check(&folder);
        ControlFlow::Continue(())
    });
    let stages = [(false, false), (true, false), (true, true), (false, true)];
    assert!(stages.iter().all(|stage| seen.contains_key(stage)), "before, in between, before the state and after: {seen:?}");
}

/// Where a job that replaces a backup is killed, one of the two seals is that of the backup that is there; the next job knows which, also
/// when it fails.
#[test]
fn a_killed_job_that_replaces_leaves_the_seal_of_what_is_there() {
    let mut stale_count = 0;
    for_each_call(|call| {
        let folder = seals::folder();
        folder.write("dump", "old");
        seals::encrypt(&folder, &["-o", "b/1.age", "dump"]).run().succeeds();
        let old = folder.read("b/1.age");
        let replace = || seals::encrypt(&folder, &["--force", "-o", "b/1.age", "dump"]);
        if is_done(call.kills(replace())) {
            assert!(!folder.has("b/1.age.seal.replaced"));
            return ControlFlow::Break(());
        }
        let killed = folder.read("b/1.age");
        let is_left = folder.has("b/1.age.seal.replaced");
        stale_count += usize::from(is_left && killed != old);
        let fits = |seal: &str| seals::verify(&folder, &["--seal", seal, "b/1.age"]).run().code() == 0;
        assert!(fits("b/1.age.seal") || is_left && fits("b/1.age.seal.replaced"), "{call:?}");

        let fail = ["-f", "-qq", "-o", "trace", "-e", "trace=renameat", "-e", "inject=renameat:error=EIO:when=2"];
        replace().under(tool("strace"), fail).run().fails_with("cannot write b/1.age");
        assert!(folder.read("b/1.age") == killed && fits("b/1.age.seal") && !folder.has("b/1.age.seal.replaced"), "{call:?}");
        replace().run().succeeds();
        assert!(folder.read("b/1.age") != killed && fits("b/1.age.seal"), "{call:?}");
        ControlFlow::Continue(())
    });
    assert!(stale_count > 0, "no kill after both were replaced");
}

/// Whichever of these calls fails, the seal is that of the backup that is there, and no number is given twice or left out.
#[test]
fn a_call_that_fails_costs_no_seal() {
    for_each_call(|call| {
        let folder = seals::folder();
        make(&folder, "1.age");
        folder.write("dump", "new");
        let ended = call.with("error=EIO", seals::encrypt_next(&folder, &["--force", "-o", "b/1.age", "dump"]));
        assert!(ended.code() == 0 || ended.words().contains("dbseal: error: "), "{call:?}: {}", ended.words());
        seals::verify(&folder, &["b/1.age"]).run().succeeds();
        make(&folder, "2.age");
        check(&folder);
        if folder.read_text("trace").contains("(INJECTED)") { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
}

/// Why the seal could not be written is what is said first, also when the state cannot be put back.
#[test]
fn a_state_that_cannot_be_put_back_hides_no_error() {
    let folder = seals::folder();
    let first = make(&folder, "1.age");
    let args = ["-o", "b/2.age", "--", "sh", "-c", "echo dump; sleep 1; echo other >b/2.age.seal"];
    // The first gives the state its name, the second would give it back.
    let fault = ["-f", "-qq", "-o", "trace", "-e", "trace=renameat", "-e", "inject=renameat:error=EIO:when=2"];
    let ended = seals::encrypt_next(&folder, &args).under(tool("strace"), fault).run();
    ended.fails_with("dbseal: error: b/2.age.seal exists already").fails_with("series shop goes on in a new epoch");
    assert_eq!(folder.read_text("b/2.age.seal"), "other\n");
    fs::remove_file(folder.path("b/2.age.seal")).expect("it is there");
    let (next, said) = make_and_hear(&folder, "2.age");
    assert!(next.epoch != first.epoch && said.contains("a job before this one ended"), "{said}");
    check(&folder);
}

/// A call of a job: the kernel's name for it, and how many of that name there are up to it.
#[derive(Clone, Copy, Debug)]
struct Call(&'static str, usize);

/// Runs a test with every call that a job may make, of each name until the test has seen that the job makes no more.
fn for_each_call(mut test: impl FnMut(Call) -> ControlFlow<()>) {
    for name in CALLS {
        let after = (1..).find(|&number| test(Call(name, number)).is_break()).expect("an end");
        assert!(after > 1 || name == "unlinkat", "no {name}");
    }
}

impl Call {
    /// Runs a job that is killed before the call.
    fn kills(self, job: Run) -> Ended {
        self.with("error=EIO:signal=KILL", job)
    }

    fn with(self, fault: &str, job: Run) -> Ended {
        let Self(name, number) = self;
        let (trace, fault) = (format!("trace={name}"), format!("inject={name}:{fault}:when={number}"));
        job.under(tool("strace"), ["-f", "-qq", "-o", "trace", "-e", &trace, "-e", &fault]).run()
    }
}

/// Whether a job came to its end; otherwise it was killed.
fn is_done(ended: Ended) -> bool {
    if ended.status.signal() == Some(Signal::KILL.as_raw()) {
        return false;
    }
    ended.succeeds();
    true
}

/// Asserts that no number was given to two backups of an epoch, and that the command sees neither a fork nor a gap; how many epochs there
/// are.
#[track_caller]
fn check(folder: &Folder) -> usize {
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
    given.into_keys().map(|(epoch, _)| epoch).collect::<BTreeSet<_>>().len()
}

/// A reader that does not end holds up no other job of the series, and no number is given for it before it has.
#[test]
fn a_reader_that_hangs_holds_no_number() {
    let folder = seals::folder();
    let hang = "sh -c 'cat >b/hung; until [ -e go ]; do sleep 0.01; done'";
    folder.write("dump", "hung");
    let hung = seals::encrypt_next(&folder, &["--seal-to", "b/hung.seal", "--into", hang, "dump"]).start();
    wait_until("all was taken", || folder.has("b/hung") && folder.read("b/hung").len() > 4096);
    folder.write("other", "second");
    seals::encrypt_next(&folder, &["-o", "b/second", "other"]).limit(Duration::from_secs(60)).run().succeeds();
    folder.write("go", "");
    hung.end().succeeds();
    assert_eq!([place(&folder, "second").number, place(&folder, "hung").number], [1, 2]);
    assert_in_series(&folder);
}
