//! Somebody else writes to the same folders, chooses names, or takes away what a process needs: nothing goes where it should not,
//! and what happened is said in a sentence.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use dbseal_tests::cli::jobs::{COMMITTERS, assert_not_committed, decrypt, encrypt};
use dbseal_tests::cli::{Folder, dbseal, is_root, seals};
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::tool;

fn folder_with_backup() -> Folder {
    let folder = Folder::with_key();
    folder.write("plain", paint(200_000));
    encrypt(&folder, &["-o", "shop.age", "plain"]).run().succeeds_in_silence();
    folder
}

/// What lies under the output's name already, and was not put there for dbseal, is not written to.
#[test]
fn planted_outputs() {
    let folder = folder_with_backup();
    symlink("/dev/null", folder.path("null")).expect("a link");
    folder.write("victim", "precious");
    symlink("victim", folder.path("link")).expect("a link");
    for name in ["null", "link"] {
        decrypt(&folder, &["-o", name, "shop.age"]).run().ends_with(1, &format!("dbseal: error: {name} exists already"));
        decrypt(&folder, &["-f", "-o", name, "shop.age"]).run().ends_with(2, &format!("dbseal: error: {name} is not a regular file"));
    }
    assert_eq!(folder.read_text("victim"), "precious");
    // Everybody can write to this folder of /dev.
    let shared = tempfile::Builder::new().prefix("dbseal-").tempdir_in("/dev/shm").expect("a folder");
    let link = shared.path().join("shop.age");
    symlink("/dev/null", &link).expect("a link");
    encrypt(&folder, &["-o", link.to_str().expect("ASCII"), "plain"]).run().fails_with("exists already");
    // The kernel's own names lead where they should.
    decrypt(&folder, &["-o", "/dev/null", "shop.age"]).run().succeeds_in_silence();
    folder.shell("\"$DBSEAL\" decrypt -i backup.key -o /dev/stdout shop.age | cmp - plain").run().succeeds_in_silence();

    // Our own FIFO is for whoever we let read it; another user's is for that user. Only root can make one.
    folder.shell("mkfifo fifo; \"$DBSEAL\" decrypt -i backup.key -o fifo shop.age & cat fifo | cmp - plain && wait $!").run().succeeds();
    if is_root() {
        std::os::unix::fs::chown(folder.path("fifo"), Some(65534), None).expect("root may");
        decrypt(&folder, &["-o", "fifo", "shop.age"]).run().ends_with(2, "dbseal: error: fifo is a FIFO that belongs to another user");
    }
}

/// A folder that is moved away while the job runs, for another of its name, takes the output along: it is in the folder that was
/// there when the job was started.
#[test]
fn a_folder_that_is_exchanged() {
    let folder = folder_with_backup();
    for name in ["out", "evil"] {
        fs::create_dir(folder.path(name)).expect("a folder");
        folder.write(&format!("{name}/shop.sql"), "precious");
    }
    let running = decrypt(&folder, &["-f", "--limit-rate", "100K", "-o", "out/shop.sql", "shop.age"]).start();
    std::thread::sleep(Duration::from_millis(500));
    fs::rename(folder.path("out"), folder.path("moved")).expect("it is there");
    symlink("evil", folder.path("out")).expect("a link");
    running.end().succeeds_unvouched();
    assert_eq!(folder.read_text("evil/shop.sql"), "precious");
    assert_eq!(folder.read("moved/shop.sql"), folder.read("plain"));
}

/// A name is shown so that a terminal does not obey it, and on one line; one that is not text is a name like any other.
#[test]
fn names_chosen_by_others() {
    let folder = folder_with_backup();
    let name = "x\u{1b}]0;pwned\u{7}\ndbseal: error: forged\u{202e}";
    folder.write(name, "no age file");
    for run in [
        folder.dbseal(["inspect", name]),
        folder.dbseal(["inspect", name, name]),
        folder.dbseal(["inspect", &format!("--{name}")]),
        decrypt(&folder, &[name]),
        decrypt(&folder, &["-i", name, "shop.age"]),
        decrypt(&folder, &["shop.age", "--", name]),
        encrypt(&folder, &["--into", &format!("'{name}'"), "plain"]),
    ] {
        let ended = run.run();
        let words = ended.words();
        assert_ne!(ended.code(), 0, "{words}");
        assert!(!words.contains(['\u{1b}', '\u{7}', '\u{202e}']) && !words.contains("\ndbseal: error: forged"), "{words:?}");
    }
    folder.shell("\"$DBSEAL\" inspect $(printf '\\377')").run().ends_with(2, "dbseal: error: cannot open ");
    folder.shell("\"$DBSEAL\" decrypt $(printf '\\377') x").run().ends_with(2, "dbseal: error: there is no place for 'x' here");
    let text = folder.shell("\"$DBSEAL\" encrypt -R backup.pub --into $(printf '\\377') plain").run();
    assert_eq!(text.code(), 2, "{}", text.words());
}

/// A FIFO in the place of a backup is not waited for; those that a shell makes are read, and one that somebody made for it.
#[test]
fn a_fifo_instead_of_a_backup() {
    let folder = seals::folder();
    folder.write("plain", "a dump");
    seals::encrypt(&folder, &["-o", "b/1.age", "plain"]).run().succeeds_in_silence();
    folder.shell("mkfifo b/2.age; cp b/1.age.seal b/2.age.seal; ln -s 2.age b/3.age").run().succeeds();
    let decrypt = ["decrypt", "-i", "backup.key", "-f", "-o", "out"];
    for name in ["b/2.age", "b/3.age"] {
        for args in [
            [&decrypt[..], &["--trust", "trust", name]].concat(),
            [&decrypt[..], &["--salvage", "--header", name, "b/1.age"]].concat(),
            vec!["inspect", name],
        ] {
            let run = folder.dbseal(args).limit(Duration::from_secs(60)).run();
            run.ends_with(2, &format!("dbseal: error: cannot open {name}: it is not a regular file"));
        }
    }
    for line in [
        "\"$DBSEAL\" inspect <(cat b/1.age)",
        "\"$DBSEAL\" decrypt -i backup.key --trust trust --seal b/1.age.seal --accept renamed <(cat b/1.age) | cmp - plain",
        "\"$DBSEAL\" decrypt -i backup.key -f -o out --salvage --header <(cat b/1.age) b/1.age; test $? = 1 && cmp out plain",
        "(cat b/1.age >b/2.age &); \"$DBSEAL\" decrypt -i backup.key --without-seal b/2.age | cmp - plain",
    ] {
        let bash = folder.program("/bin/bash").args(["-c", &format!("set -o pipefail; {line}")]).env("DBSEAL", dbseal());
        bash.limit(Duration::from_secs(60)).run().succeeds();
    }
}

/// Nor does a terminal obey what a command says of a file in JSON, which says the same of the name.
#[test]
fn names_chosen_by_others_in_json() {
    let folder = seals::folder();
    folder.write("plain", "a dump");
    let name = "b/x\u{85}\u{9b}2J\u{7f}\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}.age";
    seals::encrypt(&folder, &["-o", name, "plain"]).run().succeeds_in_silence();
    let empty = name.replace("x", "y");
    folder.write(&empty, "");
    let runs: [&[&str]; 8] = [
        &["inspect", name],
        &["inspect", &empty],
        &["list", "--trust", "trust", "b"],
        &["verify", "--trust", "trust", "b", name],
        &["verify", "--chain", "--trust", "trust", "b"],
        &["decrypt", "-i", "backup.key", "-f", "-o", name, name],
        &["decrypt", "-i", "backup.key", "-f", "-o", "out", name],
        &["decrypt", "-i", "backup.key", "-f", "-o", "out", "--salvage", name],
    ];
    for run in runs {
        let words = folder.dbseal(run.iter().copied()).run();
        let json = folder.dbseal(run[..1].iter().chain(&["--json"]).chain(&run[1..]).copied()).run();
        for text in [&words, &json].into_iter().flat_map(|ended| [String::from_utf8_lossy(&ended.stdout).into(), ended.stderr.clone()]) {
            assert!(!name.chars().any(|character| !character.is_ascii_graphic() && text.contains(character)), "{run:?}: {text:?}");
        }
        if run[0] == "verify" {
            assert_eq!(seals::answers(&json)[0]["file"], name, "{run:?}");
        }
    }
}

/// Of a header with more recipients than anybody reads a person is shown some, and how many there are.
#[test]
fn a_header_with_a_thousand_recipients() {
    let folder = folder_with_backup();
    folder.write("many.age", format!("age-encryption.org/v1\n{}--- {}\n", "-> x\n\n".repeat(1000), "A".repeat(43)));
    let shown = format!("recipients: 1000: {} and 936 more\n", vec!["x"; 64].join(", "));
    folder.dbseal(["inspect", "many.age"]).run().ends_with(1, &shown);
    let json = folder.dbseal(["inspect", "--json", "many.age"]).run().stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["recipients"].as_array().map(Vec::len), Some(1000));
}

/// What would be written to a standard output that was closed is lost; a standard input that was closed is no empty dump.
#[test]
fn closed_streams() {
    let folder = folder_with_backup();
    for line in ["keygen >&-", "encrypt -R backup.pub plain >&-", "decrypt -i backup.key shop.age >&-"] {
        folder.shell(&format!("\"$DBSEAL\" {line}")).run().ends_with(2, "dbseal: error: standard output is closed");
    }
    folder.shell("\"$DBSEAL\" encrypt -R backup.pub -o x.age <&-").run().ends_with(2, "dbseal: error: standard input is closed");
    folder.shell("\"$DBSEAL\" keygen >/dev/full").run().fails_with("dbseal: error: cannot write standard output: no space left");
    assert!(!folder.has("x.age"));
    // A redirection to /dev/null is a wish.
    folder.shell("\"$DBSEAL\" encrypt -R backup.pub plain >/dev/null").run().succeeds_in_silence();
}

/// A private key that a shell writes to a file others can read is not passed over in silence.
#[test]
fn a_key_in_a_file_for_all() {
    let folder = Folder::new();
    let ended = folder.shell("umask 022; \"$DBSEAL\" keygen >backup.key").run().succeeds();
    assert!(ended.stderr.contains("warning: the file that the private key goes to can be read by others"), "{}", ended.stderr);
    let ended = folder.shell("umask 077; \"$DBSEAL\" keygen >private.key").run().succeeds();
    assert!(!ended.stderr.contains("can be read by others"), "{}", ended.stderr);
}

/// Where a thread or a process cannot be started, at any point, whoever waits for the data does not commit.
#[test]
fn no_more_threads() {
    let folder = folder_with_backup();
    let mut failures = 0;
    for nth in 1..=9 {
        for committer in COMMITTERS {
            let inject = format!("inject=clone,clone3,vfork,fork:error=EAGAIN:when={nth}");
            // Without -f: only what dbseal itself starts.
            let strace = ["-qq", "-o", "trace", "-e", "trace=clone,clone3,vfork,fork", "-e", &inject];
            let run = decrypt(&folder, &["--threads", "2", "shop.age", "--"]).args(shell_words::split(committer).expect("words"));
            let run = run.under(tool("strace"), strace);
            let run = if is_root() { run } else { run.under(tool("unshare"), ["--map-root-user"]) };
            let ended = run.run();
            assert!(!ended.words().contains("panicked"), "{nth}: {}", ended.words());
            if ended.code() == 0 {
                fs::remove_file(folder.path("final")).expect("it was committed");
                let _ = fs::remove_file(folder.path("pid"));
            } else {
                failures += 1;
                assert!(ended.stderr.contains("dbseal: error: "), "{nth}: {}", ended.words());
                assert_not_committed(&folder);
            }
        }
    }
    assert!(failures > 8, "{failures}: something was refused");
}
