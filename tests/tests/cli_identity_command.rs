//! Identities that come from elsewhere than a file: printed by a command, handed over by a service manager, or through a descriptor.
#![cfg(unix)]

use std::time::Duration;

use dbseal_tests::cli::{Folder, lives, wait_until};

/// A key in a folder of its own, and a backup for it.
fn folder() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("vault")).expect("a folder");
    folder.dbseal(["keygen", "-o", "vault/backup.key"]).run().succeeds();
    folder.dbseal(["encrypt", "-R", "vault/backup.pub", "-o", "shop.age"]).stdin("a dump").run().succeeds();
    folder
}

#[test]
fn what_a_command_prints_opens() {
    let folder = folder();
    let open = |command: &str| folder.dbseal(["decrypt", "--identity-command", command, "shop.age"]).run();
    assert_eq!(open("cat vault/backup.key").succeeds().stdout, b"a dump");
    assert_eq!(open("sh -c 'echo asked >&2; cat vault/backup.key'").succeeds().stdout, b"a dump");
    folder.dbseal(["inspect", "--identity-command", "cat vault/backup.key", "shop.age"]).run().succeeds();
    folder.dbseal(["keygen", "-o", "new.key"]).run().succeeds();
    folder.dbseal(["rewrap", "--identity-command", "cat vault/backup.key", "-R", "new.pub", "shop.age"]).run().succeeds();
    open("cat vault/backup.key").ends_with(1, "none of the given keys opens");
    open("cat new.key").succeeds();
}

#[test]
fn a_command_that_gives_none_gets_a_sentence() {
    let folder = folder();
    let open = |command: &str| folder.dbseal(["decrypt", "--identity-command", command, "-o", "out", "shop.age"]).run();
    open("sh -c 'cat vault/backup.key; exit 3'").ends_with(2, "sh, which should print an identity, exited with status 3");
    open("sh -c 'kill -9 $$'").ends_with(2, "sh, which should print an identity, was killed by SIGKILL");
    open("echo hello").ends_with(2, "the output of echo: line 1: this is not an identity");
    open("true").ends_with(2, "the output of true: ");
    open("head -c 2000000 /dev/zero").ends_with(1, "it is too large for a file of keys");
    open("no-such-vault").ends_with(2, "cannot run 'no-such-vault': it is not in PATH");
    open("cat vault/backup.key | cat").ends_with(2, "the command given to --identity-command cannot be run as it is: '|' needs a shell");
    open("").ends_with(2, "it is empty");
    assert!(!folder.has("out"));
}

/// Nobody waits for ever at night; nothing that it has started is left.
#[test]
#[ignore = "not run here: long tier (a minute of waiting)"]
fn a_command_that_hangs_is_ended() {
    let folder = folder();
    let said = "did not end within 60 seconds, and was killed";
    std::thread::scope(|scope| {
        for (name, command) in [("one", "sleep 600"), ("two", "cat vault/backup.key; sleep 600 & echo $! >pid; exit 0")] {
            let line = format!("sh -c '{}'", command.replace(">pid", &format!(">{name}.pid")));
            let run = folder.dbseal(["decrypt", "--identity-command", &line, "-o", name, "shop.age"]).limit(Duration::from_secs(120));
            scope.spawn(move || run.run().ends_with(2, said));
        }
    });
    let left = folder.read_text("two.pid").trim().parse().expect("a number");
    wait_until("what it has started is gone", || !lives(left));
}

#[test]
fn a_service_manager_and_a_descriptor_hand_one_over() {
    let folder = folder();
    std::fs::create_dir(folder.path("credentials")).expect("a folder");
    folder.write_secret("credentials/dbseal.identity", folder.read("vault/backup.key"));
    let open = folder.dbseal(["decrypt", "shop.age"]);
    assert_eq!(open.env("CREDENTIALS_DIRECTORY", folder.path("credentials")).run().succeeds().stdout, b"a dump");
    folder.dbseal(["decrypt", "shop.age"]).run().ends_with(2, "no key to open the file with");
    let dbseal = dbseal_tests::cli::dbseal().display();
    let line = format!("{dbseal} decrypt -i /dev/fd/3 shop.age 3<vault/backup.key");
    assert_eq!(folder.shell(&line).run().succeeds().stdout, b"a dump");
}
