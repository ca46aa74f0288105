//! The half of promise 2 that only a power failure would show, by the system calls that it takes: a file has its final name
//! only when it is on disk, and its name is on disk when the command succeeds.

use std::fs;
use std::time::Duration;

use dbseal_tests::cli::jobs::{decrypt, encrypt};
use dbseal_tests::cli::{Folder, Run, dbseal};
use dbseal_tests::inputs::paint;

/// What writes, syncs and names files. rustix renames by rename(2) or renameat(2).
const CALLS: &str = "trace=write,writev,pwrite64,fsync,fdatasync,syncfs,linkat,rename,renameat,renameat2";

/// System calls that succeeded, in the order in which they ended, without the process that made them.
fn calls(folder: &Folder) -> Vec<String> {
    let mut started = Vec::new();
    let mut ended = Vec::new();
    for line in folder.read_text("trace").lines() {
        let (pid, call) = line.split_once(' ').expect("a process and its call");
        let call = call.trim_start();
        if let Some(start) = call.strip_suffix(" <unfinished ...>") {
            started.push((pid.to_owned(), start.to_owned()));
        } else if let Some((_, rest)) = call.split_once(" resumed>") {
            let index = started.iter().position(|(whose, _)| whose == pid).expect("what is resumed was started");
            ended.push(started.remove(index).1 + rest);
        } else {
            ended.push(call.to_owned());
        }
    }
    ended.retain(|call| call.rsplit_once(" = ").is_some_and(|(_, result)| !result.starts_with('-')));
    ended
}

/// The names that a call has as its arguments.
fn names(call: &str) -> Vec<&str> {
    call.split('"').skip(1).step_by(2).collect()
}

fn is_sync(call: &str) -> bool {
    call.starts_with("fsync(") || call.starts_with("fdatasync(") || call.starts_with("syncfs(")
}

fn gives_name(call: &str, name: &str) -> bool {
    (call.starts_with("linkat(") || call.starts_with("rename")) && names(call).last() == Some(&name)
}

/// Asserts that all of a file was synced between its last write and its name, and its folder after that.
fn is_on_disk_before_its_name(folder: &Folder, name: &str) {
    let calls = calls(folder);
    let all = calls.iter().filter(|call| !call.starts_with("write(2<")).map(|call| call.chars().take(150).collect::<String>());
    let all = all.collect::<Vec<_>>().join("\n");
    let position = |is: &dyn Fn(&str) -> bool| calls.iter().position(|call| is(call));
    let named = position(&|call| gives_name(call, name)).unwrap_or_else(|| panic!("nothing is named {name}\n{all}"));
    // It got there from a temporary name, from none at all, or from one by way of the other.
    let temporary = names(&calls[named])[0];
    let linked = position(&|call| gives_name(call, temporary)).map_or(temporary, |index| names(&calls[index])[0]);
    let file = match linked.strip_prefix("/proc/self/fd/") {
        Some(number) => format!("({number}<"),
        None => format!("/{}>", linked.trim_start_matches("./")),
    };
    let written = calls[..named].iter().rposition(|call| call.contains("write") && call.contains(&file));
    let written = written.unwrap_or_else(|| panic!("nothing is written to {name}\n{all}"));
    assert!(calls[written..named].iter().any(|call| is_sync(call) && call.contains(&file)), "{name} is named before it is synced\n{all}");
    let path = folder.path("").canonicalize().expect("it is there");
    let of_folder = format!("<{}>)", path.display());
    let is_folder_sync = |call: &String| (is_sync(call) && call.contains(&of_folder)) || call.starts_with("syncfs(");
    assert!(calls[named..].iter().any(is_folder_sync), "the folder is not synced after {name} is named\n{all}");
}

/// "Complete and on disk", in all the ways that write a file.
#[test]
fn a_file_is_on_disk_before_its_name() {
    let folder = Folder::with_key();
    folder.write("plain", paint(3 << 20));
    let shown = |run: Run, output: &str| {
        run.traced(&["-e", CALLS]).run().succeeds();
        is_on_disk_before_its_name(&folder, output);
    };
    shown(encrypt(&folder, &["-o", "shop.age", "plain"]), "shop.age");
    shown(encrypt(&folder, &["--force", "-o", "shop.age", "plain"]), "shop.age");
    shown(encrypt(&folder, &["-o", "dump.age", "--", "cat", "plain"]), "dump.age");
    shown(encrypt(&folder, &["--armor", "--threads", "1", "-o", "text.age", "plain"]), "text.age");
    shown(decrypt(&folder, &["-o", "file.sql", "shop.age"]), "file.sql");
    shown(decrypt(&folder, &["-o", "stream.sql"]).stdin(folder.read("shop.age")), "stream.sql");
    shown(folder.dbseal(["keygen", "-o", "new.key"]), "new.key");
    is_on_disk_before_its_name(&folder, "new.pub");
}

/// Behind `>` the file has its name already; it is on disk all the same when the command succeeds.
#[test]
fn standard_output_is_on_disk_at_the_end() {
    let folder = Folder::with_key();
    let run = folder.shell("exec \"$0\" \"$@\" >shop.age").args([dbseal().as_os_str()]);
    run.args(["encrypt", "-R", "backup.pub", "--", "echo", "a dump"]).traced(&["-e", CALLS]).run().succeeds();
    let calls = calls(&folder);
    let written = calls.iter().rposition(|call| call.starts_with("writev(") && call.contains("/shop.age>")).expect("it is written");
    assert!(calls[written..].iter().any(|call| is_sync(call) && call.contains("/shop.age>")), "{:?}", &calls[written..]);
}

/// A disk that takes all writes and fails when it should keep them, first in the background with every writer waiting for it:
/// the job ends, and soon. The sync takes three seconds to fail, in which they all come to wait.
#[test]
fn a_sync_that_fails_ends_the_job() {
    let folder = Folder::with_key();
    let plain = fs::File::create(folder.path("plain")).expect("a file");
    // More than may wait for the disk; holes read as zeros.
    plain.set_len(250 << 20).expect("a sparse file");
    encrypt(&folder, &["-o", "whole.age", "plain"]).run().succeeds();
    let ways = [
        encrypt(&folder, &["--threads", "4", "-o", "shop.age", "plain"]),
        encrypt(&folder, &["--threads", "4", "-o", "shop.age", "--", "cat", "plain"]),
        decrypt(&folder, &["--threads", "4", "-o", "shop.age", "whole.age"]),
    ];
    for run in ways {
        let run =
            run.traced(&["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:delay_exit=3000000"]).limit(Duration::from_secs(120));
        let ended = run.run().fails_with("dbseal: error: cannot write shop.age: ");
        assert!(ended.stderr.to_lowercase().contains("input/output error"), "{}", ended.stderr);
        assert_eq!(folder.names(), ["backup.key", "backup.pub", "plain", "trace", "whole.age"]);
        assert!(folder.read_text("trace").contains("EIO"), "no sync has failed");
    }
}

/// The same at the very end, where the last sync fails.
#[test]
fn a_last_sync_that_fails_leaves_no_file() {
    let folder = Folder::with_key();
    folder.write("shop.age", "old");
    for args in [&["-o", "new.age", "--", "echo", "a dump"][..], &["--force", "-o", "shop.age", "--", "echo", "a dump"]] {
        let run = encrypt(&folder, args).traced(&["-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=1"]);
        run.run().fails_with(&format!("dbseal: error: cannot write {}: ", if args.contains(&"--force") { "shop.age" } else { "new.age" }));
        assert_eq!(folder.names(), ["backup.key", "backup.pub", "shop.age", "trace"]);
        assert_eq!(folder.read("shop.age"), b"old");
    }
}
