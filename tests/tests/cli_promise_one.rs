//! Promise 1: a failed dump never looks like a good backup.

use std::fs::{self, File};
use std::io::Read;
use std::time::Duration;

use dbseal_core::{CHUNK_LEN, PAYLOAD_NONCE_LEN, SLOT_LEN};
use dbseal_tests::cli::jobs::{COMMITTERS, DUMPED_LENS, assert_not_committed, decrypt, dump, encrypt, fails_cleanly};
use dbseal_tests::cli::{Folder, lives, wait_until};
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::tool;
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};

/// Length in bytes of the padded header with one classical recipient.
const HEADER_LEN: usize = 4096;

/// A dump that fails, at whatever point, leaves no file: as bytes, as text, compressed; under any name.
#[test]
fn a_dump_that_fails_leaves_no_file() {
    let folder = Folder::with_key();
    for len in DUMPED_LENS {
        for form in [&[][..], &["--armor"], &["--zstd"], &["--threads", "1"]] {
            let run = encrypt(&folder, &["-o", "shop.age"]).args(form.iter().copied());
            fails_cleanly(&folder, run.args(dump(len, "exit 1")), "dbseal: error: sh exited with status 1\n");
        }
        let run = encrypt(&folder, &["-o", "shop.age"]).args(dump(len, "kill -KILL $$"));
        fails_cleanly(&folder, run, "dbseal: error: sh was killed by SIGKILL\n");
        let run = encrypt(&folder, &["-o", "shop.age"]).args(dump(len, "exec >&-; sleep 0.1; exit 7"));
        fails_cleanly(&folder, run, "dbseal: error: sh exited with status 7\n");
    }
}

/// A dump that cannot be started is a failure like any other, and whoever waits for its data does not commit.
#[test]
fn a_dump_that_cannot_be_started_leaves_no_file() {
    let folder = Folder::with_key();
    let before = folder.names();
    encrypt(&folder, &["-o", "shop.age", "--", "no-such-dump"]).run().ends_with(2, "cannot run 'no-such-dump': it is not in PATH");
    encrypt(&folder, &["-o", "shop.age", "--", "/dev/null"]).run().ends_with(2, "cannot run '/dev/null': permission denied");
    assert_eq!(folder.names(), before);
    for committer in COMMITTERS {
        encrypt(&folder, &["--into", committer, "--", "no-such-dump"]).run().ends_with(2, "cannot run 'no-such-dump'");
        assert_not_committed(&folder);
    }
}

/// Whoever starts others and leaves them behind at the very moment of the kill is found too: on a machine that has much to do,
/// many times over.
#[test]
fn a_consumer_does_not_escape_by_starting_another() {
    let escapes = |committer| {
        let folder = Folder::with_key();
        for _ in 0..25 {
            let ended = encrypt(&folder, &["--into", committer, "--", "no-such-dump"]).run();
            assert!(!ended.ends_with(2, "cannot run 'no-such-dump'").words().contains("could not be killed"));
            assert_not_committed(&folder);
        }
    };
    let [.., orphan] = COMMITTERS;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| escapes(orphan));
        }
    });
}

/// Why no recipe of ours pipes a dump into dbseal: a shell reports the end of the pipe, whatever failed before it. A dump
/// that wrote nothing at all is caught.
#[test]
fn a_pipe_lies_and_an_empty_dump_is_caught() {
    let folder = Folder::with_key();
    let run = encrypt(&folder, &["-o", "shop.age", "--", "sh", "-c", "false | cat"]);
    let ended = fails_cleanly(&folder, run, "sh gave 0 bytes, and 1 were expected at least");
    assert!(ended.stderr.contains("hint: see whether the dump was complete"), "{}", ended.stderr);

    let run = encrypt(&folder, &["-o", "shop.age", "--min-size", "1M"]).args(dump(1000, "true"));
    fails_cleanly(&folder, run, "sh gave 1000 bytes, and 1048576 were expected at least");
    let run = encrypt(&folder, &["-o", "shop.age", "--min-size", "5"]).stdin("four");
    fails_cleanly(&folder, run, "standard input gave 4 bytes, and 5 were expected at least");

    // What is not known cannot be refused: this one is called a backup, and is one of nothing but half a dump.
    encrypt(&folder, &["-o", "shop.age", "--", "sh", "-c", "(echo half a dump; exit 1) | cat"]).run().succeeds();
}

/// A consumer that commits at the end of its input is dead before that comes, wherever it hides: when the dump fails, and
/// when what it wrote is too little. When nothing fails, it commits, and what it has opens.
#[test]
fn a_consumer_does_not_commit_half_a_backup() {
    let folder = Folder::with_key();
    for committer in COMMITTERS {
        for len in DUMPED_LENS {
            // Time for the consumer to start, without which nothing is shown.
            let run = encrypt(&folder, &["--into", committer]).args(dump(len, "while ! test -s pid; do sleep 0.01; done; exit 3"));
            run.run().fails_with("dbseal: error: sh exited with status 3\n");
            assert_not_committed(&folder);
        }
        let waits = dump(10, "while ! test -s pid; do sleep 0.01; done");
        encrypt(&folder, &["--min-size", "11", "--into", committer]).args(waits).run().fails_with("sh gave 10 bytes");
        assert_not_committed(&folder);
    }
    folder.write("plain", paint(3 << 20));
    for committer in COMMITTERS {
        // Each of them would: that is what the end of a pipe means to it.
        folder.shell(&format!("head -c 10 plain | {committer}")).run().succeeds();
        wait_until("the consumer has committed", || folder.has("final"));
        fs::remove_file(folder.path("final")).expect("it was committed");
        fs::remove_file(folder.path("pid")).expect("it was written");
    }
    // Who leaves orphans behind says nothing about them with its exit status.
    for committer in &COMMITTERS[..3] {
        encrypt(&folder, &["--into", committer, "--", "cat", "plain"]).run().succeeds_in_silence();
        let opened = folder.dbseal(["decrypt", "-i", "backup.key", "final"]).run().succeeds_in_silence();
        assert!(opened.stdout == folder.read("plain"), "{committer}");
        fs::remove_file(folder.path("final")).expect("it was committed");
    }
}

/// A consumer that fails, or ends before it has read everything, is a failed backup, with whatever status it ends.
#[test]
fn a_consumer_that_ends_early_is_a_failure() {
    let folder = Folder::with_key();
    for len in ["10", "3000000"] {
        for (consumer, words) in [
            ("true", "true exited with status 0 before it had read all its input"),
            ("false", "false exited with status 1 before it had read all its input"),
            ("head -c 10", "head exited with status 0 before it had read all its input"),
            ("sh -c 'exec <&-; exit 0'", "sh exited with status 0 before it had read all its input"),
            ("sh -c 'kill -KILL $$'", "sh was killed by SIGKILL before it had read all its input"),
        ] {
            let run = encrypt(&folder, &["--into", consumer, "--", "head", "-c", len, "/dev/zero"]);
            let ended = fails_cleanly(&folder, run, words);
            assert!(ended.stderr.contains("hint: what it was given is not complete"), "{}", ended.stderr);
        }
        let run =
            encrypt(&folder, &["--into", "sh -c 'cat >/dev/null; echo store is full >&2; exit 9'", "--", "head", "-c", len, "/dev/zero"]);
        let ended = fails_cleanly(&folder, run, "dbseal: error: sh exited with status 9\n");
        assert!(ended.stderr.starts_with("store is full\n"), "{}", ended.stderr);
    }
    let before = folder.names();
    encrypt(&folder, &["--into", "no-such-uploader", "--", "touch", "ran"]).run().ends_with(2, "cannot run 'no-such-uploader'");
    assert_eq!(folder.names(), before, "the dump was started though its consumer was not");
}

/// A consumer that never reads does not keep the failure of the dump from being seen.
#[test]
fn a_consumer_that_never_reads_holds_nothing_up() {
    let folder = Folder::with_key();
    let run = encrypt(&folder, &["--into", "sleep 1000"]).args(dump(3 << 20, "exit 1"));
    fails_cleanly(&folder, run, "dbseal: error: sh exited with status 1\n");
}

/// A process that a failed dump leaves behind holds the dump's output open: its end, which never comes, is not waited for.
#[test]
fn a_process_left_behind_by_a_failed_dump_holds_nothing_up() {
    let folder = Folder::with_key();
    for into in [&["-o", "shop.age"][..], &["--into", "cat"]] {
        let run = encrypt(&folder, into).args(["--", "sh", "-c", "echo half a dump; sleep 1000 & echo $! >pid; exit 3"]);
        run.limit(Duration::from_secs(60)).run().fails_with("dbseal: error: sh exited with status 3\n");
        assert!(!folder.has("shop.age"));
        let pid = folder.read_text("pid").trim().parse().expect("a number");
        wait_until("it is dead too", || !lives(pid));
    }
}

/// What a failed job kills is its own. A process that the shell started before it put dbseal in its place is not.
#[test]
fn a_process_older_than_the_job_lives_on() {
    let folder = Folder::with_key();
    for job in ["-o shop.age -- sh -c 'echo half a dump; exit 3'", "--into 'sleep 1000' -- sh -c 'echo half a dump; exit 3'"] {
        let older = "sleep 1000 <&- >&- 2>&- & echo $! >pid";
        let run = folder.shell(&format!("{older}; exec \"$DBSEAL\" encrypt -R backup.pub {job}"));
        run.run().fails_with("dbseal: error: sh exited with status 3\n");
        let pid: i32 = folder.read_text("pid").trim().parse().expect("a number");
        // Who was killed is not gone at once.
        std::thread::sleep(Duration::from_millis(50));
        assert!(lives(pid), "{job}");
        kill_process(Pid::from_raw(pid).expect("not 0"), Signal::KILL).expect("it lives");
    }
}

/// A restore into a command: damage is found late where the backup comes through a pipe, and the command, which got
/// only what is authentic, does not live to see the end of its input.
#[test]
fn a_restore_does_not_commit_a_damaged_backup() {
    let folder = Folder::with_key();
    let plaintext = paint(3 * CHUNK_LEN + 5);
    folder.write("plain", &plaintext);
    encrypt(&folder, &["-o", "shop.age", "plain"]).run().succeeds();
    let whole = folder.read("shop.age");
    let mut flipped_last = whole.clone();
    *flipped_last.last_mut().expect("not empty") ^= 1;
    let mut flipped_second = whole.clone();
    flipped_second[HEADER_LEN + PAYLOAD_NONCE_LEN + SLOT_LEN + 100] ^= 1;
    let cut_off = whole[..whole.len() - 1].to_vec();
    let without_last = whole[..HEADER_LEN + PAYLOAD_NONCE_LEN + 3 * SLOT_LEN].to_vec();
    for committer in COMMITTERS {
        let restore = |args: &[&str]| folder.dbseal(["decrypt", "-i", "backup.key"]).args(args.iter().copied()).args(["--"]);
        let words = ["sh", "-c", committer];
        for damaged in [&flipped_last, &flipped_second, &cut_off, &without_last] {
            restore(&[]).args(words).stdin(damaged.clone()).run().fails_with("dbseal: error: standard input: ");
            if folder.has("part") {
                let got = folder.read("part");
                assert!(plaintext.starts_with(&got), "what was restored is not authentic");
            }
            assert_not_committed(&folder);
            folder.write("damaged.age", damaged);
            restore(&["damaged.age"]).args(words).run().fails_with("dbseal: error: damaged.age: ");
            assert_not_committed(&folder);
        }
    }
    folder.dbseal(["decrypt", "-i", "backup.key", "shop.age", "--", "sh", "-c", "cat >part && mv part final"]).run().succeeds();
    assert!(folder.read("final") == plaintext);
}

/// Nothing, or a single byte after a full chunk.
fn is_marked(file: &[u8]) -> bool {
    file.is_empty() || file.len().checked_sub(HEADER_LEN + PAYLOAD_NONCE_LEN).is_some_and(|len| len % SLOT_LEN == 1)
}

/// A disk that fills behind `>`, at whatever byte, leaves the mark; what a file held before `>>` stays.
#[test]
fn a_full_disk_behind_a_redirection() {
    let folder = Folder::with_key();
    folder.write("plain", vec![7; 5 << 20]);
    encrypt(&folder, &["-o", "whole.age", "plain"]).run().succeeds_in_silence();
    // Blocks of 512 bytes.
    for limit in [1000, 2000, 2153, 3000, 4000, 4201, 6000, 8000, 9999] {
        for input in ["<plain", "--threads 2 plain"] {
            let limited = format!("ulimit -f {limit}; \"$DBSEAL\" encrypt -R backup.pub {input} >shop.age");
            folder.shell(&limited).run().fails_with("dbseal: error: cannot write standard output");
            let file = folder.read("shop.age");
            assert!(is_marked(&file), "{limit} {input}: {} written", file.len());
            folder.dbseal(["inspect", "shop.age"]).run().fails_with("dbseal: error: ");
            assert_refused_everywhere(&folder, "shop.age");
        }

        folder.write("log", vec![1; 400_000]);
        let limited = format!("ulimit -f {limit}; \"$DBSEAL\" decrypt -i backup.key whole.age >>log");
        folder.shell(&limited).run().fails_with("dbseal: error: cannot write standard output");
        let log = folder.read("log");
        assert!(log.len() >= 400_000 && log[..400_000] == vec![1; 400_000], "{limit}: {} left", log.len());
    }
}

/// "Where output cannot be taken back and something fails, the final chunk is withheld and one single byte follows the
/// last full chunk": behind `>` and in a pipe, nobody takes it for a backup, and `inspect` says why without a key.
#[test]
fn output_that_cannot_be_taken_back_is_marked() {
    let folder = Folder::with_key();
    for (len, zstd) in DUMPED_LENS.into_iter().chain([20 << 20]).flat_map(|len| [(len, ""), (len, "--zstd")]) {
        let dump = format!("head -c {len} /dev/urandom; exit 1");
        let run = folder.shell(&format!("\"$DBSEAL\" encrypt -R backup.pub {zstd} -- sh -c '{dump}' >shop.age"));
        run.run().fails_with("dbseal: error: sh exited with status 1\n");
        let file = folder.read("shop.age");
        assert!(is_marked(&file), "{len} bytes dumped, {} written", file.len());
        if !file.is_empty() {
            let inspected = folder.dbseal(["inspect", "shop.age"]).run().fails_with("dbseal: error: shop.age is not complete");
            assert!(inspected.words().contains("NOT COMPLETE: dbseal failed, was stopped, or is "), "{}", inspected.words());
        }
        // A short one may have been in memory still.
        assert!(!file.is_empty() || len < 4 << 20, "{len} bytes dumped, nothing written");
        assert_refused_everywhere(&folder, "shop.age");

        let piped = folder.shell(&format!("\"$DBSEAL\" encrypt -R backup.pub {zstd} -- sh -c '{dump}' | cat >piped.age")).run();
        assert!(piped.stderr.contains("sh exited with status 1"), "{}", piped.stderr);
        assert!(is_marked(&folder.read("piped.age")), "in a pipe");
        assert_refused_everywhere(&folder, "piped.age");
    }
    // So it is when nothing was left that could have marked it: killed in the middle.
    for signal in ["TERM", "KILL"] {
        let dump = "head -c 20000000 /dev/urandom; touch written; sleep 60";
        let kill = format!("until [ -e written ]; do sleep 0.1; done; sleep 0.5; kill -{signal} $!");
        let _ = folder
            .shell(&format!("\"$DBSEAL\" encrypt -R backup.pub -- sh -c '{dump}' >shop.age & {kill}; wait $! && exit 9; rm written"))
            .run();
        let file = folder.read("shop.age");
        assert!(!file.is_empty() && is_marked(&file), "SIG{signal}: {} written", file.len());
        assert_refused_everywhere(&folder, "shop.age");
    }
    // As text it ends without its last line.
    folder
        .shell("\"$DBSEAL\" encrypt -R backup.pub --armor -- sh -c 'head -c 200000 /dev/zero; exit 1' >shop.age")
        .run()
        .fails_with("sh exited");
    assert_refused_everywhere(&folder, "shop.age");
}

/// Behind a slow reader the next batch always waits to be written: a job that is ended writes none of them any more, and ends between two.
#[test]
fn a_slow_reader_of_a_job_that_is_ended_gets_the_mark() {
    let folder = Folder::with_key();
    folder.write("plain", paint(8 << 20));
    // Faster than a batch within the half second that a write may hold the end up.
    let read = "while head -c 100000 >part && [ -s part ]; do cat part >>came.age; sleep 0.03; done";
    for threads in ["1", "2", "4"] {
        let encrypt = format!("\"$DBSEAL\" encrypt -R backup.pub --threads {threads} plain");
        folder.shell("mkfifo pipe; : >came.age").run().succeeds();
        let reader = folder.shell(&format!("{read} <pipe")).start();
        let running = folder.shell(&format!("exec {encrypt} >pipe")).start();
        wait_until("it has come so far", || folder.read("came.age").len() > 2_000_000);
        running.signal(Signal::TERM);
        running.end().fails_with("interrupted");
        let _ = reader.end();
        let came = folder.read("came.age");
        assert!(is_marked(&came), "{threads}: {} came", came.len());
        assert_refused_everywhere(&folder, "came.age");
        folder.shell("rm pipe came.age").run().succeeds();
    }
}

/// Who has all of a backup was told so, also where the job is ended while its last bytes wait: the pipe takes a MiB, and they are beyond.
#[test]
fn a_job_that_is_ended_at_its_last_bytes_says_what_came() {
    let folder = Folder::with_key();
    folder.write("plain", paint(16 * 65_536));
    for wait in [0, 50, 200, 700] {
        folder.shell("rm -f pipe; mkfifo pipe").run().succeeds();
        let running = folder.shell("exec \"$DBSEAL\" encrypt -R backup.pub --threads 2 plain >pipe").start();
        let mut pipe = File::open(folder.path("pipe")).expect("a pipe");
        let mut came_len = 0;
        wait_until("its last bytes wait", || {
            std::thread::sleep(Duration::from_millis(100));
            let before = std::mem::replace(&mut came_len, ioctl_fionread(&pipe).expect("a pipe tells what it holds"));
            came_len > 15 * 65_536 && came_len == before
        });
        running.signal(Signal::TERM);
        std::thread::sleep(Duration::from_millis(wait));
        let mut came = Vec::new();
        pipe.read_to_end(&mut came).expect("it is read");
        let (run, opened) = (running.end(), folder.dbseal(["decrypt", "-i", "backup.key"]).stdin(came).run());
        assert_eq!(run.code() == 0, opened.code() == 0, "after {wait} ms: {}", run.words());
        assert_eq!(run.code() == 0, !run.words().contains("interrupted"), "after {wait} ms: {}", run.words());
    }
}

/// All that can be known to fail comes before the last bytes.
#[test]
fn a_failure_at_the_very_end_is_marked() {
    let folder = Folder::with_key();
    folder.dbseal(["keygen", "--sign", "db1", "-o", "db1.sign.key"]).run().succeeds();
    let encrypt = "\"$DBSEAL\" encrypt -R backup.pub --sign db1.sign.key --series shop --series-state s --seal-to shop.seal";
    fs::create_dir(folder.path("s")).expect("a folder");
    folder.shell(&format!("{encrypt} -- echo first >first.age && rm shop.seal")).run().succeeds();
    // The state of the series is no such thing any more when the dump is over.
    for len in [1, 200_000, 3 << 20] {
        let dump = format!("head -c {len} /dev/zero; echo rubbish >s/shop.series");
        let run = folder.shell(&format!("{encrypt} -- sh -c '{dump}' >shop.age")).run();
        run.ends_with(2, "is not the state of a series");
        let came = folder.read("shop.age");
        assert!(is_marked(&came) && !came.is_empty(), "{len}: {}", came.len());
        assert_refused_everywhere(&folder, "shop.age");
        assert!(!folder.has("shop.seal"));
        folder.shell("rm s/shop.series").run().succeeds();
        folder.shell(&format!("{encrypt} -- echo again >again.age && rm shop.seal")).run().succeeds();
    }
    // There is no room for the seal.
    let limited = "(ulimit -f 4; \"$DBSEAL\" encrypt -R backup.pub --sign db1.sign.key --seal-to full.seal -- echo data; echo $? >code) | cat >full.age";
    folder.shell(limited).run().succeeds();
    assert_ne!(folder.read_text("code").trim(), "0");
    assert!(is_marked(&folder.read("full.age")) && !folder.has("full.seal"));
    // As text, the last bytes and the closing line are one write: here the disk is full where the lines of 64 end with the payload.
    folder.write("plain", paint(3408));
    let limited = "ulimit -f 20; \"$DBSEAL\" encrypt -R backup.pub --armor plain >shop.age";
    folder.shell(limited).run().fails_with("dbseal: error: cannot write standard output");
    assert!(folder.read("shop.age").len() < 10_240, "{}", folder.read("shop.age").len());
}

fn assert_refused_everywhere(folder: &Folder, file: &str) {
    folder.dbseal(["decrypt", "-i", "backup.key", "-o", "out", file]).run().fails_with(&format!("dbseal: error: {file}: "));
    folder.dbseal(["decrypt", "-i", "backup.key", "-o", "out"]).stdin(folder.read(file)).run().fails_with("dbseal: error: ");
    assert!(!folder.has("out"));
    for program in ["age", "rage"] {
        let refused = folder.program(tool(program)).args(["-d", "-i", "backup.key", file]).run();
        assert_ne!(refused.code(), 0, "{program} opens what failed");
    }
}

/// A file that changes while it is read would give half of one dump and half of another.
#[test]
fn an_input_that_changes_is_refused() {
    for change in ["echo more >>plain", "truncate -s 1000 plain", "touch -d '2001-01-01' plain"] {
        let folder = Folder::with_key();
        folder.write("plain", paint(3 << 20));
        let running = encrypt(&folder, &["--limit-rate", "4M", "--threads", "1", "-o", "shop.age", "plain"]).start();
        std::thread::sleep(Duration::from_millis(200));
        folder.shell(change).run().succeeds();
        running.end().fails_with(&format!("dbseal: error: plain{CHANGED}"));
        assert_eq!(folder.names(), ["backup.key", "backup.pub", "plain"], "{change}");
    }
}

/// Nobody can take back what a program was given: it ends as no backup does.
#[test]
fn an_input_that_changes_ends_no_stream() {
    let slow = "sh -c 'head -c 900000 >came.age; sleep 1000'";
    for (change, threads) in
        ["echo more >>plain", "truncate -s 1000 plain"].iter().flat_map(|change| ["1", "2"].map(|count| (change, count)))
    {
        // A chunk that is full, and one that is not, at its end.
        for (len, into) in [(3 << 20, ">came.age"), ((3 << 20) + 17, ">came.age"), (3 << 20, "--into \"sh -c 'cat >came.age'\"")] {
            let folder = Folder::with_key();
            folder.write("plain", paint(len));
            let encrypt = format!("exec \"$DBSEAL\" encrypt -R backup.pub --limit-rate 2M --threads {threads} plain {into}");
            let running = folder.shell(&encrypt).start();
            wait_until("something came", || folder.has("came.age") && !folder.read("came.age").is_empty());
            folder.shell(change).run().succeeds();
            running.end().fails_with(&format!("dbseal: error: plain{CHANGED}"));
            assert!(!into.starts_with('>') || is_marked(&folder.read("came.age")), "{change} {threads}");
            assert_refused_everywhere(&folder, "came.age");
        }
    }
    // Who is killed for that while somebody waits for them is not why: the pipe is full, and the next batch cannot be read.
    let folder = Folder::with_key();
    folder.write("plain", paint(20 << 20));
    let running =
        encrypt(&folder, &["--limit-rate", "1M", "--threads", "2", "--into", slow, "plain"]).limit(Duration::from_secs(60)).start();
    wait_until("something came", || folder.has("came.age") && folder.read("came.age").len() == 900_000);
    folder.shell("truncate -s 2200000 plain").run().succeeds();
    running.end().fails_with(&format!("dbseal: error: plain{CHANGED}"));
}

const CHANGED: &str = " changed while it was read\n\
                       dbseal: hint: somebody is writing to it: wait until they are done, then try again; a dump that dbseal runs itself \
                       cannot change meanwhile: dbseal encrypt ... -- COMMAND";

/// What is being written to is not damaged: no other copy is to be fetched.
#[test]
fn a_backup_that_changes_is_not_called_damaged() {
    let folder = Folder::with_key();
    folder.write("plain", paint(3 << 20));
    folder.dbseal(["keygen", "--sign", "db1", "-o", "db1.sign.key"]).run().succeeds();
    folder.shell("mkdir trusted && mv db1.sign.pub trusted").run().succeeds();
    let cut = "truncate -s 1000000 shop.age";
    let alter = "dd if=/dev/zero of=shop.age bs=1000 seek=2500 count=1 conv=notrunc 2>dd";
    let trust = ["--trust", "trusted/db1.sign.pub", "--", "cat"];
    for (made, opened, change) in [
        (&[][..], &["-o", "out"][..], cut),
        (&[], &["-o", "out"], alter),
        (&["--armor"], &["-o", "out"], alter),
        (&["--sign", "db1.sign.key"], &trust, alter),
    ] {
        encrypt(&folder, &["-f", "-o", "shop.age", "plain"]).args(made.iter().copied()).run().succeeds();
        let running = decrypt(&folder, &["--limit-rate", "4M", "--threads", "2", "shop.age"]).args(opened.iter().copied()).start();
        std::thread::sleep(Duration::from_millis(200));
        folder.shell(change).run().succeeds();
        running.end().fails_with(&format!("dbseal: error: shop.age{CHANGED}"));
        assert!(!folder.has("out"), "{made:?}, {change}");
    }
}
