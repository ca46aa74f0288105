//! The desktop app's window: one for all starts, asking before it closes over a job, and never held up by what a program prints.
#![cfg(unix)]

use std::process::Command;
use std::time::{Duration, Instant};

use dbseal_tests::browser::wait_for;
use dbseal_tests::cli::{Folder, lives};
use dbseal_tests::desktop::forms::{TRUST, choose_key, choose_program, signed_backup, start_program};
use dbseal_tests::desktop::{Desktop, package};
use dbseal_tests::inputs::paint;
use serde_json::{Value, json};

/// The title of the window, which says what it shows.
const WINDOW: &str = ".* - dbseal";

/// A backup that is signed, for a program gets no other, and the window with both keys chosen and this program to be typed.
fn into_program(line: &str) -> (Folder, Desktop) {
    let folder = signed_backup(paint(3 << 20));
    let desktop = Desktop::start(&[&folder.path("shop.sql.age")]);
    desktop.begin("open");
    desktop.browser.wait_for("#trust").type_in(folder.read_text(TRUST).trim());
    choose_key(&desktop, &folder);
    choose_program(&desktop, &line.replace("HERE", folder.path("").to_str().expect("text")));
    (folder, desktop)
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn a_second_start_hands_its_files_to_the_window() {
    let folder = Folder::with_key();
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age"]).stdin("a dump").run().succeeds();
    let desktop = Desktop::start(&[]);
    assert!(desktop.browser.find("#given").is_none());
    assert!(desktop.start_again(&[&folder.path("shop.age")]).success());
    assert!(desktop.browser.wait_for("#given").text().contains("shop.age"));
    assert_eq!(desktop.display.windows(WINDOW).len(), 1);
}

/// As over ssh.
#[test]
#[ignore = "not run here: long tier (behind what builds the app)"]
fn without_a_display_it_says_so() {
    for display in [None, Some(":4711")] {
        let mut command = Command::new(package().program("dbseal-desktop"));
        let _ = command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").envs(display.map(|display| ("DISPLAY", display)));
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(last.starts_with("dbseal-desktop: the window cannot be shown: ") && last.ends_with("there is no display here"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// However often the X is clicked, there is one question, and each answer does what it says.
#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn closing_over_a_job_asks_once() {
    const QUESTION: &str = "Close dbseal?";
    let (folder, desktop) = into_program("sh -c 'echo $$ >HERE/pid; sleep 600; cat >/dev/null; touch HERE/committed'");
    start_program(&desktop);
    // The file is there before the number is in it.
    let program = wait_for("the program runs", || folder.has("pid").then(|| folder.read_text("pid").trim().parse().ok()).flatten());
    let click_x = || {
        for _ in 0..3 {
            desktop.display.close(WINDOW);
            std::thread::sleep(Duration::from_millis(300));
        }
        assert_eq!(desktop.display.windows(QUESTION).len(), 1);
    };
    click_x();
    // Its own X is no yes.
    desktop.display.close(QUESTION);
    wait_for("the question is gone", || desktop.display.windows(QUESTION).is_empty().then_some(()));
    assert!(lives(program), "the job goes on");
    click_x();
    desktop.display.press_return(QUESTION);
    wait_for("the window is gone", || desktop.display.windows(WINDOW).is_empty().then_some(()));
    wait_for("the program is dead", || (!lives(program)).then_some(()));
    assert!(!folder.has("committed"));
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn a_program_that_prints_without_end_holds_nothing_up() {
    const LINES: u64 = 20_000_000;
    let line = format!("sh -c 'seq {LINES} >&2; cat >/dev/null; touch HERE/has-read; echo it ends >&2'");
    let (folder, desktop) = into_program(&line);
    let start = Instant::now();
    start_program(&desktop);
    let _ = desktop.browser.wait_for("#printed");
    let mut worst = Duration::ZERO;
    while !folder.has("has-read") {
        assert!(start.elapsed() < Duration::from_secs(600), "the program is held up");
        let asked = Instant::now();
        assert_ne!(desktop.browser.run("return document.body.dataset.screen", &[]), Value::Null);
        worst = worst.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(desktop.answer(), "opened", "{}", desktop.browser.text());
    eprintln!("{LINES} lines in {:?}, and the page answered within {worst:?}", start.elapsed());
    let last =
        desktop.browser.run("return [...document.querySelectorAll('#printed > div')].slice(-2).map((line) => line.textContent)", &[]);
    assert_eq!(last, json!([LINES.to_string(), "it ends"]));
}
