//! The desktop app among other programs of a session: whom it talks to, and how files come to it from outside.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

use dbseal_tests::cli::Folder;
use dbseal_tests::desktop::forms::{TRUST, signed_backup};
use dbseal_tests::desktop::{ByHand, JOB_ARGUMENT, Role, package};
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::tool;

/// Chunks of more than one batch, and a part of one.
const PLAIN_LEN: usize = (40 << 20) + 17;
const BACKUP: &str = "shop.sql.age";

/// Has all sockets of a command, and of all that it starts, written into a file: for the arguments of the command behind it.
fn trace(command: &mut Command, file: &Path) {
    command.arg(tool("strace")).args(["-f", "-qq", "--seccomp-bpf", "-s", "200", "-e", "trace=socket,socketpair,connect,execve", "-o"]);
    command.arg(file);
}

/// The sockets of a trace that lead further than to another program of this machine, or to its kernel: GLib asks that whether there is a
/// network.
fn networks(trace: &str) -> Vec<&str> {
    let sockets = trace.lines().filter(|line| line.contains("socket(") || line.contains("socketpair("));
    sockets.filter(|line| !line.contains("(AF_UNIX,") && !line.contains("(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE")).collect()
}

/// "Nothing leaves this computer": the app, its page and its jobs do not even open a socket that could.
#[test]
#[ignore = "not run here: long tier (two minutes, behind what builds the app)"]
fn no_socket_of_a_network_is_opened() {
    let folder = signed_backup(paint(PLAIN_LEN));
    // What would be found.
    let control = folder.path("control");
    let mut command = Command::new("env");
    trace(&mut command, &control);
    let status = command.args(["bash", "-c", "exec 3<>/dev/udp/127.0.0.1/9"]).status().expect("strace runs");
    assert!(status.success() && networks(&fs::read_to_string(&control).expect("a trace")).len() == 1, "a socket of a network is seen");

    let traced = folder.path("traced");
    let app = ByHand::start_by(Folder::new(), |_, command| {
        trace(command, &traced);
        command.arg(package().program("dbseal-desktop")).arg(folder.path(BACKUP));
    });
    app.press("Inspect");
    app.choose("Read them from a file", "Whom do you trust?", &folder.path(TRUST));
    app.press("Inspect");
    let _ = app.wait_for(Role::Button, "Check this backup");
    app.press("Check this backup");
    app.press("Check");
    let _ = app.wait_for(Role::Button, "Open this backup");
    app.press("Open this backup");
    app.choose("Key file", "Choose the key file", &folder.path("backup.key"));
    app.choose("Open", "Where should it go?", &folder.path("restored.sql"));
    let _ = app.wait_for(Role::Button, "Open another");
    assert!(folder.read("restored.sql") == folder.read("shop.sql"));
    // And one that is stopped.
    app.press("All tasks");
    app.open_into(&folder, "sleep 600");
    app.press("Stop");
    let _ = app.wait_for_words("Stopped; the program is ended too");
    drop(app);

    let trace = fs::read_to_string(traced).expect("a trace");
    let lines = |word: &str| trace.lines().filter(|line| line.contains(word)).count();
    assert_eq!(networks(&trace), [""; 0]);
    assert!(lines("socket(AF_UNIX") > 0, "the sockets of its own session are seen");
    let jobs = trace.lines().filter(|line| line.contains("execve(") && line.contains(JOB_ARGUMENT));
    assert!(jobs.count() >= 4, "its jobs are seen");
    assert!(lines("WebKitWebProcess") > 0 && lines("WebKitNetworkProcess") > 0, "its page is seen");
}

/// As a file manager does it: by what the file is, and which app is for that.
#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn a_double_click_opens_the_app_with_the_file() {
    let folder = signed_backup(paint(1000));
    fs::copy(folder.path(BACKUP), folder.path("without-an-ending")).expect("there is room");
    let share = package().root.join("usr/share");
    // What the system does by itself when a package is installed.
    for (program, folder) in [("update-mime-database", "mime"), ("update-desktop-database", "applications")] {
        assert!(Command::new(tool(program)).arg(share.join(folder)).output().expect("it runs").status.success());
    }
    let app = ByHand::start_by(Folder::new(), |home, command| {
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = package().root.join("usr/bin");
        command.env("XDG_DATA_DIRS", format!("{}:/usr/share", share.display())).env("PATH", format!("{}:{path}", programs.display()));
        let script = "gio info -a standard::content-type \"$1\" \"$2\" >types && gio open \"$1\"; exec sleep 1000";
        command.current_dir(home.path("")).args(["sh", "-c", script, "sh"]).args([folder.path(BACKUP), folder.path("without-an-ending")]);
    });
    assert_eq!(app.home.read_text("types").matches("standard::content-type: application/x-age-encryption").count(), 2);
    let said = app.wait_for_words("Chosen: ");
    assert_eq!(said, format!("Chosen: {}", folder.path(BACKUP).display()));
    // Its seal has come with it.
    app.press("Check");
    app.press("Check");
    let _ = app.wait_for_words("The backup is as its seal says, but");
}
