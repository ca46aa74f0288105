//! What the command does besides: reports for machines, compression, ranges, and its manners towards the database beside it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dbseal_core::CHUNK_LEN;
use dbseal_tests::cli::jobs::{decrypt, encrypt};
use dbseal_tests::cli::{Folder, Run, dbseal, is_root, wait_until};
use dbseal_tests::inputs::{Replay, paint};
use dbseal_tests::tools::tool;
use rustix::process::Signal;
use serde_json::Value;

// Reports

fn events(stderr: &str) -> Vec<Value> {
    stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// With `--json` every line is an event: it starts, goes on, and ends in `done` or in `error`.
#[test]
fn json_events() {
    let folder = Folder::with_key();
    folder.write("plain", paint(3 << 20));
    let ended = encrypt(&folder, &["--json", "--limit-rate", "2M", "-o", "shop.age", "plain"]).run().succeeds();
    let told = events(&ended.stderr);
    assert_eq!(told[0], serde_json::json!({"event": "started", "total_bytes": 3 << 20}));
    let done = told.last().expect("an event");
    assert_eq!(done["event"], "done");
    assert_eq!(done["read_bytes"], 3 << 20);
    assert_eq!(done["written_bytes"], folder.path("shop.age").metadata().expect("it is there").len());
    assert!(told.iter().any(|event| event["event"] == "progress" && event["total_bytes"] == 3 << 20), "{}", ended.stderr);

    let ended = decrypt(&folder, &["--json", "-o", "out", "shop.age"]).run().succeeds();
    let done = events(&ended.stderr).pop().expect("an event");
    assert_eq!((&done["event"], &done["written_bytes"]), (&"done".into(), &(3 << 20).into()));

    let dump = "echo one >&2; printf 'out of \\033[2Jmemory\\n' >&2; exit 4";
    let ended = encrypt(&folder, &["--json", "-o", "no.age", "--", "sh", "-c", dump]).run().fails_with("");
    let error = events(&ended.stderr).pop().expect("an event");
    assert_eq!(error["event"], "error");
    assert_eq!(error["message"], "sh exited with status 4");
    assert_eq!(error["child_stderr"], "one\nout of [2Jmemory", "what a terminal would obey is left out");
    assert_eq!(error["exit"], 1);

    let ended = folder.dbseal(["encrypt", "--json", "-o", "no.age", "plain"]).run().ends_with(2, "");
    let error = events(&ended.stderr).pop().expect("an event");
    assert!(error["hint"].as_str().expect("a hint").contains("dbseal keygen"), "{error}");
    assert_eq!(error["exit"], 2);
}

/// `--quiet` says nothing on success, whatever the dump says; on failure it shows the last of what the dump said.
#[test]
fn quiet_until_it_fails() {
    let folder = Folder::with_key();
    encrypt(&folder, &["--quiet", "-o", "shop.age", "--", "sh", "-c", "echo chatter >&2; echo a dump"]).run().succeeds_in_silence();
    folder.set_mode("backup.key", 0o644);
    decrypt(&folder, &["--quiet", "-o", "out", "shop.age"]).run().succeeds_in_silence();
    let dump = "seq 2000 >&2; printf 'table \\033[31mshop is crashed\\n' >&2; exit 1";
    let ended = encrypt(&folder, &["--quiet", "-o", "no.age", "--", "sh", "-c", dump]).run().fails_with("");
    assert!(ended.stderr.starts_with("dbseal: error: sh exited with status 1\ndbseal:   | "), "{}", ended.stderr);
    assert!(ended.stderr.ends_with("dbseal:   | 2000\ndbseal:   | table [31mshop is crashed\n"), "{}", ended.stderr);
    assert!(ended.stderr.len() < 8000, "the tail, not all of it");
}

/// Without a terminal, as in cron, a backup that succeeds says nothing of its own. What the dump says is passed on.
#[test]
fn silence_in_cron() {
    let folder = Folder::with_key();
    folder.write("plain", paint(3 << 20));
    let ended = encrypt(&folder, &["--limit-rate", "2M", "-o", "one.age", "plain"]).run().succeeds_in_silence();
    assert!(ended.stdout.is_empty());
    encrypt(&folder, &["-o", "two.age"]).stdin(paint(100)).run().succeeds_in_silence();
    decrypt(&folder, &["-o", "out", "one.age"]).run().succeeds_unvouched();
    let ended = encrypt(&folder, &["-o", "three.age", "--", "sh", "-c", "echo 1 warning >&2; echo a dump"]).run().succeeds();
    assert_eq!(ended.stderr, "1 warning\n");
    // At a terminal there is a word at the end.
    encrypt(&folder, &["-o", "four.age", "plain"]).run_at_terminal(&[]).ends_with(0, "dbseal: encrypted 3145728 bytes to four.age");
}

/// At a terminal a restore shows how far it is, also one that comes through a pipe and whose length nobody knows.
#[test]
fn progress_at_a_terminal() {
    let folder = Folder::with_key();
    folder.write("plain", paint(3 << 20));
    encrypt(&folder, &["-o", "shop.age", "plain"]).run().succeeds_in_silence();
    let decrypt = "\"$DBSEAL\" decrypt -i backup.key --limit-rate 2M -f -o out";
    for (restore, shown) in [(format!("cat shop.age | {decrypt}"), "MiB  "), (format!("{decrypt} shop.age"), " of 3.00 MiB  ")] {
        let screen =
            folder.shell(&restore).env("TERM", "xterm").run_at_terminal(&[]).ends_with(0, "dbseal: decrypted 3145728 bytes to out").words();
        assert!(screen.contains(shown) && screen.contains("MiB/s"), "{restore}: {screen:?}");
        assert!(folder.read("out") == folder.read("plain"));
    }
}

fn metric(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split(' ').next_back()?.parse().ok())
}

/// `--metrics` tells a monitoring system of success and of failure. A failure keeps the time of the last success.
#[test]
fn metrics_after_success_and_failure() {
    let folder = Folder::with_key();
    folder.write("plain", paint(100_000));
    let fails = ["--metrics", "dbseal.prom", "-o", "no.age", "--", "false"];
    encrypt(&folder, &fails).run().fails_with("");
    let text = folder.read_text("dbseal.prom");
    assert_eq!(metric(&text, "dbseal_success"), Some(0.0));
    assert_eq!(metric(&text, "dbseal_last_success_timestamp_seconds"), None, "there was none");

    encrypt(&folder, &["--metrics", "dbseal.prom", "-o", "shop.age", "plain"]).run().succeeds_in_silence();
    let text = folder.read_text("dbseal.prom");
    assert_eq!(metric(&text, "dbseal_success{command=\"encrypt\",name=\"dbseal\"}"), Some(1.0));
    assert_eq!(metric(&text, "dbseal_read_bytes"), Some(100_000.0));
    let last = metric(&text, "dbseal_last_success_timestamp_seconds").expect("now");
    assert!(last > 1_700_000_000.0, "{last}");

    std::thread::sleep(Duration::from_millis(1100));
    encrypt(&folder, &fails).run().fails_with("");
    let text = folder.read_text("dbseal.prom");
    assert_eq!(metric(&text, "dbseal_success"), Some(0.0));
    assert_eq!(metric(&text, "dbseal_last_success_timestamp_seconds"), Some(last), "kept, so that an alert on its age fires");
    assert!(metric(&text, "dbseal_last_run_timestamp_seconds") > Some(last));
    for line in text.lines() {
        let is_metric = line.starts_with("dbseal_") && line.split(' ').count() == 2;
        assert!(is_metric || line.starts_with("# HELP dbseal_") || line.starts_with("# TYPE dbseal_"), "{line}");
    }
    assert_eq!(folder.names(), ["backup.key", "backup.pub", "dbseal.prom", "plain", "shop.age"]);
}

/// A collector that reads the metrics at any moment finds all of them.
#[test]
fn metrics_are_always_whole() {
    let folder = Folder::with_key();
    let run =
        || encrypt(&folder, &["--metrics", "dbseal.prom", "-f", "-o", "shop.age", "--", "echo", "a dump"]).run().succeeds_in_silence();
    run();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let text = folder.read_text("dbseal.prom");
                assert!(text.contains("dbseal_written_bytes{") && text.ends_with('\n'), "{text:?}");
            }
        });
        for _ in 0..20 {
            run();
        }
        over.store(true, Ordering::Relaxed);
    });
}

// Compression and ranges

/// Who forgets `--decompress` hears of it, to a file and into a command, before a program calls the data garbage.
#[test]
fn a_forgotten_decompress() {
    let folder = Folder::with_key();
    folder.write("plain", paint(3 << 20));
    encrypt(&folder, &["--zstd", "-o", "shop.age", "plain"]).run().succeeds_in_silence();
    for args in [&["-o", "out", "shop.age"][..], &["--threads", "1", "-o", "out1", "shop.age"], &["shop.age", "--", "cat"]] {
        let ended = decrypt(&folder, args).run().succeeds();
        assert!(ended.stderr.contains("warning: what comes out is compressed with zstd"), "{}", ended.stderr);
    }
    decrypt(&folder, &["--decompress", "-o", "whole", "shop.age"]).run().succeeds_unvouched();
    assert_eq!(folder.read("whole"), folder.read("plain"));
}

/// `--zstd` comes back with `--decompress`, and without us: `age -d | zstd -d`.
#[test]
fn zstd_round_trip() {
    let folder = Folder::with_key();
    let text = b"INSERT INTO shop VALUES (1, 'bread');\n".repeat(100_000);
    let random: Vec<u8> = {
        let mut rng = Replay(3);
        (0..300_000).map(|_| rng.below(256).try_into().expect("a byte")).collect()
    };
    for (plaintext, options) in
        [(&text, &["--zstd"][..]), (&text, &["--zstd=19", "--threads", "1"]), (&random, &["--zstd=1"]), (&Vec::new(), &["--zstd"])]
    {
        folder.write("plain", plaintext);
        for source in [&["plain"][..], &["--", "cat", "plain"]] {
            if plaintext.is_empty() && source.len() > 1 {
                continue;
            }
            encrypt(&folder, options).args(["-f", "-o", "shop.age"]).args(source.iter().copied()).run().succeeds_in_silence();
            assert!(plaintext != &text || folder.read("shop.age").len() < text.len() / 10, "it is small");
            let opened = decrypt(&folder, &["--decompress", "shop.age"]).run().succeeds_in_silence();
            assert!(opened.stdout == *plaintext);
            decrypt(&folder, &["--decompress", "-f", "-o", "out"]).stdin(folder.read("shop.age")).run().succeeds_unvouched();
            assert!(folder.read("out") == *plaintext);
            let by_others = folder.shell("age -d -i backup.key shop.age | zstd -d").run().succeeds();
            assert!(by_others.stdout == *plaintext);
        }
    }
    // What others compressed, in several frames, is decompressed too.
    folder.write("plain", &text);
    folder.shell("(zstd -q <plain; zstd -q <plain) >two.zst").run().succeeds();
    encrypt(&folder, &["-o", "two.age", "two.zst"]).run().succeeds_in_silence();
    let opened = decrypt(&folder, &["--decompress", "two.age"]).run().succeeds_in_silence();
    assert!(opened.stdout == [&text[..], &text[..]].concat());
    // The least size is that of the dump, not of what is left of it.
    encrypt(&folder, &["--zstd", "--min-size", "1M", "-o", "big.age", "plain"]).run().succeeds_in_silence();
}

/// A range is the slice of the plaintext, to a file, to a pipe and to a command.
#[test]
fn ranges_equal_slices() {
    let folder = Folder::with_key();
    let len = 20 * CHUNK_LEN + 777;
    let plaintext = paint(len);
    folder.write("plain", &plaintext);
    encrypt(&folder, &["-o", "shop.age", "plain"]).run().succeeds_in_silence();
    let mut rng = Replay(5);
    let edges = [0, 1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 16 * CHUNK_LEN, 20 * CHUNK_LEN, len - 1, len];
    let of_edges = edges.into_iter().flat_map(|start| edges.into_iter().filter(move |&end| end >= start).map(move |end| (start, end)));
    let random: Vec<_> = (0..20).map(|_| (rng.below(len), rng.below(len))).map(|(a, b)| (a.min(b), a.max(b))).collect();
    for (start, end) in of_edges.chain(random) {
        let range = format!("{start}..{end}");
        let slice = &plaintext[start..end];
        let piped = decrypt(&folder, &["--range", &range, "shop.age"]).run().succeeds_in_silence();
        assert!(piped.stdout == slice, "{range} to a pipe");
        if start % 2 == 0 {
            decrypt(&folder, &["--range", &range, "-f", "-o", "out", "shop.age"]).run().succeeds_unvouched();
            assert!(folder.read("out") == slice, "{range} to a file");
        }
    }
    let piped = |range: &str| decrypt(&folder, &["--range", range, "shop.age"]).run().succeeds_in_silence().stdout;
    assert!(piped("1M..") == plaintext[1 << 20..]);
    assert!(piped("..1K") == plaintext[..1 << 10]);
    assert!(piped("0..") == plaintext);
    decrypt(&folder, &["--range", "5..70000", "shop.age", "--", "sh", "-c", "cat >got"]).run().succeeds();
    assert!(folder.read("got") == plaintext[5..70_000]);
    // An empty plaintext has an empty range.
    folder.write("plain", "");
    encrypt(&folder, &["-f", "-o", "shop.age", "plain"]).run().succeeds_in_silence();
    assert!(decrypt(&folder, &["--range", "0..", "shop.age"]).run().succeeds_in_silence().stdout.is_empty());
}

/// However many threads, from 1 to more than there are chunks: the same plaintext comes back.
#[test]
fn any_number_of_threads() {
    let folder = Folder::with_key();
    let plaintext = paint(3 * (1 << 20) + 5);
    folder.write("plain", &plaintext);
    for threads in ["1", "2", "3", "64"] {
        for source in [&["plain"][..], &["--", "cat", "plain"]] {
            encrypt(&folder, &["--threads", threads, "-f", "-o", "shop.age"]).args(source.iter().copied()).run().succeeds_in_silence();
            decrypt(&folder, &["--threads", threads, "-f", "-o", "out", "shop.age"]).run().succeeds_unvouched();
            assert!(folder.read("out") == plaintext, "{threads}, {source:?}");
            let piped = decrypt(&folder, &["--threads", threads, "shop.age"]).run().succeeds_in_silence();
            assert!(piped.stdout == plaintext, "{threads}, {source:?}, to a pipe");
        }
    }
}

/// Files that have data though the file system gives them no length, as in /proc, and FIFOs.
#[test]
fn inputs_of_unknown_length() {
    let folder = Folder::with_key();
    encrypt(&folder, &["-o", "version.age", "/proc/version"]).run().succeeds_in_silence();
    let opened = decrypt(&folder, &["version.age"]).run().succeeds_in_silence();
    assert_eq!(opened.stdout, std::fs::read("/proc/version").expect("it is there"));
    folder.shell("mkfifo fifo; (echo a dump >fifo &); exec \"$DBSEAL\" encrypt -R backup.pub -o fifo.age fifo").run().succeeds();
    assert_eq!(decrypt(&folder, &["fifo.age"]).run().succeeds_in_silence().stdout, b"a dump\n");
}

/// Input and output that are one file by another name are refused, where the shell opened one of them too.
#[test]
fn one_file_by_two_names() {
    let folder = Folder::with_key();
    let plaintext = paint(8 << 20);
    folder.write("plain", &plaintext);
    folder.shell("ln plain hard; ln -s plain soft").run().succeeds();
    for line in ["-f -o hard plain", "-f -o soft plain", "-f -o plain ./soft", "plain >>plain", "plain >>hard"] {
        let run = folder.shell(&format!("ulimit -f 100000; exec \"$DBSEAL\" encrypt -R backup.pub {line}"));
        run.run().ends_with(2, "dbseal: error: ");
        assert!(folder.read("plain") == plaintext, "{line}");
    }
}

// Manners

/// `--limit-rate` is kept to in every way of reading.
#[test]
fn limit_rate_limits() {
    let folder = Folder::with_key();
    folder.write("plain", paint(4 << 20));
    encrypt(&folder, &["-o", "shop.age", "plain"]).run().succeeds_in_silence();
    let slow = |run: Run| {
        let started = Instant::now();
        run.args(["--limit-rate", "2M"]).run().succeeds();
        // Half of what it takes by the numbers: a bound from below, which no other load can break.
        assert!(started.elapsed() >= Duration::from_secs(1));
    };
    slow(encrypt(&folder, &["-o", "one.age", "plain"]));
    slow(encrypt(&folder, &["-o", "two.age"]).stdin(paint(4 << 20)));
    slow(folder.dbseal(["encrypt", "-R", "backup.pub", "--zstd", "-o", "three.age", "plain"]));
    slow(decrypt(&folder, &["-o", "one", "shop.age"]));
    slow(decrypt(&folder, &["--range", "1..", "-o", "two", "shop.age"]));
}

/// The same for a restore from a pipe, and for one of armor.
#[test]
fn limit_rate_limits_streams() {
    let folder = Folder::with_key();
    folder.write("plain", paint(4 << 20));
    for form in [&[][..], &["--armor"]] {
        encrypt(&folder, &["-f", "-o", "shop.age", "plain"]).args(form.iter().copied()).run().succeeds_in_silence();
        for file in [&["shop.age"][..], &[]] {
            let started = Instant::now();
            let run = decrypt(&folder, &["--limit-rate", "2M", "-f", "-o", "out"]).args(file.iter().copied());
            run.stdin(folder.read("shop.age")).run().succeeds_unvouched();
            assert!(started.elapsed() >= Duration::from_secs(1), "{form:?} {file:?}");
        }
    }
}

/// `--idle` puts dbseal, its threads and the dump into the idle classes of the CPU and of the disk.
#[test]
fn idle_is_idle() {
    let folder = Folder::with_key();
    // The scheduling policy is field 41 of the line; after the name in parentheses that is number 39.
    let dump = "sleep 0.3; ionice -p $PPID; ionice -p $$; chrt -p $$; \
        for task in /proc/$PPID/task/*; do sed 's/.*) //' $task/stat | cut -d ' ' -f 39; done";
    encrypt(&folder, &["--idle", "--threads", "2", "-o", "shop.age", "--", "sh", "-c", dump]).run().succeeds_in_silence();
    let told = String::from_utf8(decrypt(&folder, &["shop.age"]).run().succeeds_in_silence().stdout).expect("text");
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(&lines[..2], ["idle", "idle"], "I/O class\n{told}");
    assert!(lines[2].contains("SCHED_IDLE"), "{told}");
    let policies: Vec<_> = lines.iter().filter_map(|line| line.parse::<u32>().ok()).collect();
    assert!(policies.len() > 4, "{told}");
    let busy_count = policies.iter().filter(|&&policy| policy != 5).count();
    assert!(busy_count <= 1, "only the thread that waits for signals may be in another class than SCHED_IDLE (5): {policies:?}");
}

/// "No secret in argv, in the environment": what a child sees, and anybody who lists processes, has neither key nor
/// passphrase.
#[test]
fn no_secret_in_sight() {
    let folder = Folder::new();
    folder.write_secret("secret", "correct horse\n");
    folder.dbseal(["keygen", "--passphrase-file", "secret", "-o", "backup.key"]).run().succeeds_in_silence();
    encrypt(&folder, &["-o", "shop.age", "--", "echo", "a dump"]).run().succeeds_in_silence();
    let look = "env; tr '\\0' '\\n' </proc/$PPID/cmdline; tr '\\0' '\\n' >environ </proc/$PPID/environ; ls -l /proc/self/fd >open; cat";
    let ended = decrypt(&folder, &["--passphrase-file", "secret", "shop.age", "--", "sh", "-c", look]).run().succeeds();
    let seen = ended.words();
    assert!(seen.contains("decrypt") && seen.contains("a dump"), "{seen}");
    assert!(!seen.contains("correct horse") && !seen.contains("AGE-SECRET-KEY"), "{seen}");
    // Its environment was read, or cannot be, which is as good; this is so for every user but root.
    let environ = folder.read_text("environ");
    assert!(environ.contains("HOME=") || seen.contains("ermission denied"), "{seen}");
    assert!(!environ.contains("correct horse") && !environ.contains("AGE-SECRET-KEY"), "{environ}");
    // No file that dbseal has open is open in the command that it runs.
    let open = folder.read_text("open");
    assert!(open.contains("pipe:") && !open.contains("shop.age") && !open.contains("backup.key") && !open.contains("eventfd"), "{open}");
}

/// "No secret in a core dump": the process is not dumpable, which shows in its memory, in /proc, belonging to root.
#[test]
fn no_core_dump() {
    let folder = Folder::with_key();
    folder.set_mode(".", 0o755);
    folder.write_program("dbseal", std::fs::read(dbseal()).expect("it was built"));
    let recipient = folder.read_text("backup.pub").trim().to_owned();
    let program = folder.path("dbseal").into_os_string();
    let run = if is_root() {
        folder.program(tool("setpriv")).args(["--reuid", "65534", "--clear-groups"]).args([program])
    } else {
        folder.program(program)
    };
    let mut running = run.args(["encrypt", "-r", &recipient]).silent_stdin().start();
    let process = format!("/proc/{}", running.pid().as_raw_nonzero());
    // Its first thread beside the main one, which waits for signals, comes after all that is set up.
    let runs_ours = || std::fs::read(Path::new(&process).join("cmdline")).is_ok_and(|line| line.windows(7).any(|word| word == b"encrypt"));
    let has_threads = || std::fs::read_dir(format!("{process}/task")).is_ok_and(|tasks| tasks.count() > 1);
    wait_until("it runs", || running.has_ended() || runs_ours() && has_threads());
    assert!(!running.has_ended(), "it ended at once: {}", running.end().words());
    let status = std::fs::read_to_string(format!("{process}/status")).expect("it runs");
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next()?.parse::<u32>().ok());
    assert_ne!(uid, Some(0), "it runs as somebody else than root");
    let owner = std::fs::metadata(format!("{process}/mem")).expect("it runs").uid();
    assert_eq!(owner, 0, "its memory belongs to nobody but root");
    running.signal(Signal::TERM);
    running.end().fails_with("interrupted");
}
