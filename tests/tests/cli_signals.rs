//! Ctrl-C, a service manager's stop and a lost terminal.

use std::fs;
use std::time::Duration;

use dbseal_tests::cli::jobs::{assert_not_committed, encrypt};
use dbseal_tests::cli::{Folder, lives, wait_until};
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::tool;
use rustix::process::Signal;

/// Ctrl-C, a service manager's stop and a lost terminal end a job at once, also where the dump hangs or the input gives
/// nothing: exit 1, one sentence, nothing left, nobody left.
#[test]
fn a_signal_ends_everything_at_once() {
    let folder = Folder::with_key();
    let hangs = ["--", "sh", "-c", "echo $$ >dump.pid; echo some data; exec sleep 1000"];
    let both_hang = [&["--into", "sh -c 'echo $$ >into.pid; cat >part && mv part final'"], &hangs[..]].concat();
    let to_file = [&["-o", "shop.age"], &hangs[..]].concat();
    let to_json = [&["--json", "-o", "shop.age"], &hangs[..]].concat();
    let from_stdin = ["-o", "shop.age"];
    let before = folder.names();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::XCPU, Signal::ALARM, Signal::USR1, Signal::USR2] {
        for args in [&to_file[..], &to_json, &both_hang, &from_stdin] {
            // Where the tests run in the background, a shell had some signals ignored, which dbseal would respect.
            let running = encrypt(&folder, args).under(tool("env"), ["--default-signal"]).silent_stdin().start();
            for (named, pid) in [("dump.pid", "dump.pid"), ("into.pid", "into.pid")] {
                if args.iter().any(|arg| arg.contains(named)) {
                    wait_until("the child runs", || fs::read(folder.path(pid)).is_ok_and(|text| text.ends_with(b"\n")));
                }
            }
            std::thread::sleep(Duration::from_millis(50));
            running.signal(signal);
            running.end().fails_with("interrupted");
            for pid in ["dump.pid", "into.pid"].into_iter().filter(|pid| folder.has(pid)) {
                let child = folder.read_text(pid).trim().parse().expect("a number");
                // Who was killed is not gone at once on a busy machine.
                wait_until("the child is dead", || !lives(child));
                fs::remove_file(folder.path(pid)).expect("it is there");
            }
            assert!(!folder.has("final"));
            let _ = fs::remove_file(folder.path("part"));
            assert_eq!(folder.names(), before, "{args:?}");
        }
    }
}

/// An interrupted job is a failed one to a monitoring system too.
#[test]
fn an_interrupted_job_is_in_the_metrics() {
    let folder = Folder::with_key();
    let metrics = ["--metrics", "shop.prom", "-f", "-o", "shop.age"];
    encrypt(&folder, &metrics).stdin("a dump").run().succeeds();
    assert!(folder.read_text("shop.prom").contains("\ndbseal_success{command=\"encrypt\",name=\"shop\"} 1\n"));
    let running = encrypt(&folder, &metrics).args(["--", "sh", "-c", "echo it runs >&2; exec sleep 1000"]).start();
    running.wait_for_stderr("it runs");
    running.signal(Signal::TERM);
    running.end().fails_with("interrupted");
    let text = folder.read_text("shop.prom");
    assert!(text.contains("\ndbseal_success{command=\"encrypt\",name=\"shop\"} 0\n"), "{text}");
    assert!(text.contains("\ndbseal_last_success_timestamp_seconds{"), "{text}");
}

/// Whoever reads standard error may be stuck; a signal ends the job all the same, children and metrics included.
#[test]
fn a_reader_that_is_stuck_holds_nothing_up() {
    let folder = Folder::with_key();
    let job =
        "\"$DBSEAL\" encrypt -R backup.pub -o shop.age --metrics shop.prom -- sh -c 'echo $$ >dump.pid; echo it runs >&2; exec sleep 1000'";
    let script = format!("mkfifo full; exec 2<>full; head -c 65536 /dev/zero >&2; exec {job}");
    let running = folder.shell(&script).limit(Duration::from_secs(20)).start();
    wait_until("the dump runs", || fs::read(folder.path("dump.pid")).is_ok_and(|text| text.ends_with(b"\n")));
    running.signal(Signal::TERM);
    running.end().ends_with(1, "");
    let text = folder.read_text("shop.prom");
    assert!(text.contains("\ndbseal_success{command=\"encrypt\",name=\"shop\"} 0\n"), "{text}");
    assert!(!lives(folder.read_text("dump.pid").trim().parse().expect("a number")));
}

/// One failure is told once: that its children died is no news to whoever interrupted the job.
#[test]
fn an_interrupted_job_says_so_once() {
    let folder = Folder::with_key();
    for _ in 0..40 {
        let run = encrypt(&folder, &["-o", "shop.age", "--", "sh", "-c", "echo it runs >&2; exec sleep 1000"]);
        let running = run.start();
        running.wait_for_stderr("it runs");
        running.signal(Signal::TERM);
        let ended = running.end().fails_with("interrupted");
        assert_eq!(
            ended.stderr,
            "it runs\ndbseal: error: interrupted\ndbseal: hint: what was written so far is not complete; no file got its name\n"
        );
    }
}

/// The same for a restore that waits for the rest of its backup.
#[test]
fn a_signal_ends_a_restore() {
    let folder = Folder::with_key();
    folder.write("plain", paint(5 << 20));
    encrypt(&folder, &["-o", "shop.age", "plain"]).run().succeeds();
    let before = folder.names();
    let into = ["--", "sh", "-c", "echo $$ >pid; cat >part && mv part final"];
    for args in [&["-o", "out"][..], &into] {
        let mut running = folder.dbseal(["decrypt", "-i", "backup.key"]).args(args.iter().copied()).silent_stdin().start();
        running.write(&folder.read("shop.age")[..4 << 20]);
        if args == into {
            wait_until("the consumer runs", || fs::read(folder.path("pid")).is_ok_and(|text| text.ends_with(b"\n")));
        }
        running.signal(Signal::TERM);
        running.end().fails_with("dbseal: error: interrupted");
        assert_not_committed(&folder);
        assert_eq!(folder.names(), before);
    }
}

/// Whoever started dbseal with `nohup` wants it to survive the terminal.
#[test]
fn nohup_is_respected() {
    let folder = Folder::with_key();
    let running = folder.shell("trap '' HUP; exec \"$DBSEAL\" encrypt -R backup.pub -o shop.age").silent_stdin().start();
    std::thread::sleep(Duration::from_millis(200));
    running.signal(Signal::HUP);
    std::thread::sleep(Duration::from_millis(50));
    let mut running = running;
    running.write(b"a dump");
    running.close_stdin();
    running.end().succeeds();
}

/// Ctrl-C at a question for a passphrase: the job ends, and the terminal shows again what is typed.
#[test]
fn ctrl_c_at_a_question_brings_the_echo_back() {
    let folder = Folder::new();
    folder.write("plain", "a dump");
    let before = folder.names();
    for (args, question) in [
        (&["encrypt", "-p", "-o", "shop.age", "plain"][..], "passphrase for the backup"),
        (&["keygen", "-o", "backup.key"], "passphrase for the identity"),
    ] {
        let mut running = folder.dbseal(args.iter().copied()).start_at_terminal();
        running.wait_for(question);
        assert!(!running.has_echo(), "a passphrase would be shown");
        running.enter("correct");
        running.enter("\x03");
        running.wait_for_end();
        assert!(running.has_echo(), "the terminal stays mute");
        let ended = running.end().fails_with("dbseal: error: interrupted");
        assert!(!ended.words().contains("correct"), "{}", ended.words());
        assert_eq!(folder.names(), before);
    }
}
