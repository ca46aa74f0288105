//! Many backups at once in the desktop app: what is there, what is missing, and whether each is whole.
#![cfg(unix)]

use dbseal_tests::browser::wait_for;
use dbseal_tests::cli::store::Store;
use dbseal_tests::desktop::Desktop;

/// How a backup is, by its row.
fn state(desktop: &Desktop, name: &str) -> String {
    desktop.browser.wait_for(&format!("tr[data-name=\"{name}\"] .state")).text()
}

fn assert_states(desktop: &Desktop, states: &[(&str, &str)]) {
    for (name, expected) in states {
        let state = state(desktop, name);
        assert!(state.ends_with(expected), "{name}: {state:?}, and not {expected:?}");
    }
}

/// A backup is opened on the form of a task, from its row.
fn begin_with(desktop: &Desktop, name: &str, task: &str) {
    let row = desktop.browser.wait_for(&format!("tr[data-name=\"{name}\"] button"));
    row.click();
    desktop.browser.wait_for(&format!("[id^={task}-]")).click();
    wait_for("the backup is chosen", || desktop.browser.wait_for("#backup-name").text().contains(name).then_some(()));
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn a_folder_is_listed_and_checked() {
    let store = Store::eventful();
    let damaged = "backups/shop-4.age";
    let mut bytes = store.folder.read(damaged);
    *bytes.last_mut().expect("a byte") ^= 1;
    store.folder.write(damaged, bytes);

    let desktop = Desktop::start(&[&store.folder.path("backups")]);
    desktop.begin("many");
    assert!(desktop.browser.wait_for("#many").text().ends_with("/backups"), "the folder that it was started with is chosen");
    desktop.trust(&store.folder.path("trust"));
    desktop.screenshot("many");
    desktop.browser.wait_for("#start").click();
    assert_eq!(desktop.answer(), "listed", "{}", desktop.browser.text());
    assert_states(
        &desktop,
        &[
            ("shop-1.age", "Not read yet"),
            ("shop-2.age", "Missing"),
            ("shop-3.age", "One is missing before it"),
            // That a byte is another, its seal does not show.
            ("shop-4.age", "Not read yet"),
            ("web-2.age", "Not read yet; see what it says"),
            ("web-3.age", "Nobody vouches for it"),
            ("alone.age", "Not read yet"),
            ("short.age", "Wrong length"),
            ("new-name.age", "Another name"),
            ("broken.age", "Broken seal"),
            ("bare.age", "No seal"),
        ],
    );
    assert!(desktop.browser.wait_for("#missing").text().contains("shop: number 2 is not here, and a later one is."));
    let gone = desktop.browser.find_all(".square.gone").len();
    // One in the picture of its series, and one in the legend.
    assert_eq!(gone, 2);
    desktop.screenshot("listed");

    let history = desktop.browser.wait_for("tr[data-name=\"shop-3.age\"] .events").text();
    assert_eq!(history, "●✓✕", "sealed, a restore test that passed, one that did not");
    let row = desktop.browser.wait_for("tr[data-name=\"shop-3.age\"] button");
    row.click();
    let text = desktop.browser.text();
    assert!(text.contains("Restore test failed by drills, ") && text.contains("Sealed by db1, "), "{text}");
    desktop.screenshot("listed-row");
    row.click();
    wait_for("the row is closed", || (!desktop.browser.text().contains("Restore test failed by drills, ")).then_some(()));

    desktop.browser.wait_for("#check-all").click();
    let _ = desktop.browser.wait_for("#answer[data-depth=whole]");
    assert_states(
        &desktop,
        &[
            ("shop-1.age", "Intact"),
            ("shop-2.age", "Missing"),
            ("shop-3.age", "Intact, but: one is missing before it"),
            ("shop-4.age", "Damaged"),
            ("web-1.age", "Intact"),
            ("web-2.age", "Intact; see what it says"),
            ("web-3.age", "Nobody vouches for it"),
            ("alone.age", "Intact"),
            ("short.age", "Damaged"),
            ("new-name.age", "Intact, but: another name"),
            ("broken.age", "Broken seal"),
            ("bare.age", "No seal"),
        ],
    );
    assert!(desktop.browser.wait_for("#answer").text().contains("12 backups, 6 not as they should be, and some are missing"));
    desktop.screenshot("checked-all");

    begin_with(&desktop, "shop-4.age", "check-this");
    assert!(desktop.browser.wait_for("#seal-name").text().contains("shop-4.age.seal"), "its seal is chosen with it");
    desktop.browser.wait_for("#start").click();
    assert_eq!(desktop.answer(), "checked");
    assert_eq!(desktop.browser.wait_for("#answer").attribute("data-integrity").as_deref(), Some("damaged"));

    desktop.browser.wait_for("#back-to-table").click();
    assert_eq!(desktop.answer(), "listed");
    assert!(state(&desktop, "shop-4.age").ends_with("Damaged"), "nothing is read once more");
    desktop.choose("#save-report", "Where should the report go?", &store.folder.path("report.txt"));
    let path = store.folder.path("report.txt").display().to_string();
    wait_for("it is said where the report is", || desktop.browser.text().contains(&format!("Saved as {path}")).then_some(()));
    let report = store.folder.read_text("report.txt");
    let folder = format!("shop-4.age\n----------\nFolder: {}\nState: Damaged\n", store.folder.path("backups").display());
    assert!(report.contains(&folder), "{report}");
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn several_files_are_looked_at_together() {
    let store = Store::new();
    store.make_series("shop", &[7200, 3600]);
    let path = |name: &str| store.folder.path(&format!("backups/{name}"));
    let desktop = Desktop::start(&[&path("shop-1.age"), &path("shop-2.age"), &path("shop-2.age.seal")]);
    assert!(desktop.browser.wait_for("#given").text().contains("3 files or folders"));
    desktop.begin("many");
    desktop.trust(&store.folder.path("trust"));
    desktop.browser.wait_for("#start").click();
    assert_eq!(desktop.answer(), "listed", "{}", desktop.browser.text());
    desktop.browser.wait_for("#check-all").click();
    let answer = desktop.browser.wait_for("#answer[data-depth=whole]").text();
    assert!(answer.contains("2 backups, all intact"), "{answer}");
    desktop.screenshot("all-intact");
    // One that was chosen by itself is opened from its row too.
    begin_with(&desktop, "shop-2.age", "open-this");

    // And one folder after another, by the dialog.
    desktop.browser.wait_for("#back").click();
    desktop.begin("many");
    desktop.browser.wait_for("#many-remove").click();
    desktop.browser.wait_for("#start").click();
    assert!(desktop.browser.text().contains("Nothing was chosen yet."));
    desktop.choose("#folder", "Choose a folder", &store.folder.path("backups"));
    wait_for("the folder is chosen", || desktop.browser.wait_for("#many").text().ends_with("/backups").then_some(()));
}
