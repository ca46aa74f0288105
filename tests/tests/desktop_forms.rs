//! The forms of the desktop app: what they keep from one try to the next, and what they must not.
#![cfg(unix)]

use std::thread::sleep;
use std::time::Duration;

use dbseal_tests::browser::wait_for;
use dbseal_tests::desktop::Desktop;
use dbseal_tests::desktop::forms::{TRUST, choose_backup, choose_key, failure, signed_backup};

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn after_a_wrong_key_only_that_is_chosen_anew() {
    let folder = signed_backup("a dump");
    folder.dbseal(["keygen", "-o", "other.key"]).run().succeeds();
    let desktop = Desktop::start(&[]);
    desktop.begin("open");
    choose_backup(&desktop, &folder.path("shop.sql.age"));
    desktop.choose("#identity-file", "Choose the key file", &folder.path("other.key"));
    desktop.choose("#start", "Where should it go?", &folder.path("restored.sql"));
    assert!(failure(&desktop)[0].contains("none of the given keys"), "{}", desktop.browser.text());
    desktop.browser.wait_for("#again").click();
    let chosen = |field: &str, name: &str| desktop.browser.wait_for(field).text().contains(name);
    assert!(chosen("#identity-name", "other.key") && chosen("#backup-name", "shop.sql.age"), "{}", desktop.browser.text());
    choose_key(&desktop, &folder);
    wait_for("the key is chosen", || chosen("#identity-name", "backup.key").then_some(()));
    desktop.choose("#start", "Where should it go?", &folder.path("restored.sql"));
    assert_eq!(desktop.answer(), "opened", "{}", desktop.browser.text());

    // GTK keeps a list of recent files for all programs: those are on it, the keys are not.
    let list = || desktop.home.read_text("data/recently-used.xbel");
    wait_for("the list of recent files has no keys", || (list().contains("shop.sql.age") && !list().contains(".key")).then_some(()));
    sleep(Duration::from_secs(3));
    assert!(!list().contains(".key"), "{}", list());
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn what_was_let_pass_for_one_backup_is_asked_of_the_next() {
    let folder = signed_backup("a dump");
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "bare.age", "shop.sql"]).run().succeeds();
    let desktop = Desktop::start(&[&folder.path("bare.age")]);
    desktop.begin("open");
    desktop.trust(&folder.path(TRUST));
    choose_key(&desktop, &folder);
    desktop.choose("#start", "Where should it go?", &folder.path("restored.sql"));
    let _ = failure(&desktop);
    desktop.browser.wait_for("#open-anyway").click();
    let _ = desktop.browser.wait_for("#unsealed-warning");
    assert!(desktop.start_again(&[&folder.path("shop.sql.age")]).success());
    wait_for("it is said", || desktop.browser.text().contains("This is another backup").then_some(()));
    assert!(desktop.browser.wait_for("#backup-name").text().contains("shop.sql.age"));
    assert!(desktop.browser.find("#unsealed-warning").is_none());
    // One that comes to a form is named there.
    assert!(desktop.start_again(&[&folder.path("bare.age")]).success());
    wait_for("it is said", || desktop.browser.text().contains("Now chosen: ").then_some(()));
    desktop.screenshot("now-chosen");
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn what_was_chosen_by_mistake_can_be_chosen_rightly() {
    let folder = signed_backup("a dump");
    let desktop = Desktop::start(&[]);
    desktop.begin("check");
    choose_backup(&desktop, &folder.path(TRUST));
    desktop.browser.wait_for("#start").click();
    let [what, next] = failure(&desktop);
    assert!(what.contains("not an age file") && next.contains("Choose"), "{what} {next}");
    desktop.browser.wait_for("#again").click();
    choose_backup(&desktop, &folder.path("shop.sql.age"));
    desktop.trust(&folder.path(TRUST));
    desktop.browser.wait_for("#start").click();
    assert_eq!(desktop.answer(), "checked");
    assert_eq!(desktop.browser.wait_for("#answer").attribute("data-integrity").as_deref(), Some("intact"), "{}", desktop.browser.text());
}
